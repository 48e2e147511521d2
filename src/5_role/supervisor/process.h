/* SPDX-License-Identifier: Apache-2.0
 *
 * process — one child: a role with its control channel, or the check of a rule set.
 *
 * threads  the supervisor's loop
 */
#pragma once

#include "base/buf.h"
#include "channel/channel.h"

#include <jansson.h>
#include <uv.h>

#define CHECK_REPORT_BYTES_MAX (32 * 1024)

struct process;

struct process_events {
    void (*message)(void *owner, struct process *p, enum message_type type, json_t *message);
    /* It ended and is reaped; `p` is freed after this call. `signal` 0 if it exited by itself. */
    void (*ended)(void *owner, struct process *p, int64_t status, int signal);
};

struct process {
    const char *name; /* of the role, a literal */
    const struct process_events *events;
    void *owner;
    struct channel *control; /* NULL once it is gone */
    int64_t started_ms, last_beat_ms;
    bool ready, loaded, stopping;
    uv_process_t handle;
};

/* `logicd role NAME` with `config` on its descriptor 4. errors  ERR_SYSTEM */
bool process_start(uv_loop_t *loop, const char *name, const json_t *config,
    const struct process_events *events, void *owner, struct process **ret_process,
    struct err *err);

void process_kill(struct process *p, int signal);

/* `logicd kb-check FOLDER SITE STATE`: `done` gets true when the rules are sound, and the report.
 */
bool process_check(uv_loop_t *loop, const char *folder, const char *site, const char *state,
    int64_t timeout_ms, void (*done)(void *owner, bool sound, const char *report), void *owner,
    struct err *err);
