/* SPDX-License-Identifier: Apache-2.0
 *
 * readiness_inner — one step of a pool, for its own files.
 */
#pragma once

#include "readiness/readiness.h"

struct step {
    struct readiness *p;
    const struct readiness_event *event;
    struct readiness_effects *out;
    int64_t now_ms;
};

typedef void cell(struct step *s);

/* The engine is being made ready. */
static inline bool readiness_starting(enum readiness_state state)
{
    return state >= READINESS_DRIVER_READY && state <= READINESS_LOADING;
}

/* readiness.c */
void readiness_enter(struct step *s, enum readiness_state state);
void readiness_gone(struct step *s); /* what was here is not any more */
void readiness_died(struct step *s); /* the same, unexpected */
void readiness_load_failed(struct step *s);
void readiness_ready(struct step *s, int model);
int64_t readiness_idle_at_ms(const struct readiness *p); /* when it is unloaded; −1 not at all */

/* readiness_view.c: for a Retry-After, while it makes way */
int64_t readiness_way_left_ms(const struct readiness *p, int64_t now_ms);

/* readiness_seen.c: what the agent shows wins, except what a proposal that is out will change */
cell readiness_seen_without;   /* empty, failed, or waiting for the host */
cell readiness_seen_starting;
cell readiness_seen_ready;     /* ready or draining */
cell readiness_seen_unloading;
