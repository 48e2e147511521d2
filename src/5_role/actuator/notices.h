/* SPDX-License-Identifier: Apache-2.0
 *
 * notices — the hand `notify` at work: messages in, tries on libuv's workers, `done` out.
 *
 * Beside core.h and without anything of it: no warrant, places and a queue of its own, its own view
 * of the secrets. A slow receiver holds up no order, and no order holds up a notification. One
 * message is one try; when to try again is the judge's to say.
 *
 * owner    notices_close()
 * threads  the loop's thread only
 * limits   notices_at_once, notices_waiting_max, notice_ms
 */
#pragma once

#include "actuator/core.h"

#include <jansson.h>

struct notices_setup {
    uv_loop_t *loop;
    const char *secrets; /* a folder */
    const char *ca_file; /* the house's own certificates; need not be there */
    const struct actuator_settings *settings;
    void (*send)(void *owner, json_t *message); /* takes the message */
    void *owner;
};

struct notices;

struct notices *notices_open(const struct notices_setup *setup);
/* Nothing may be under way (notices_stop first). NULL is allowed. */
void notices_close(struct notices *notices);

/* A judge is there, perhaps a new one: what the one before asked is not answered any more. */
void notices_greet(struct notices *notices);

/* A message `notify`. */
void notices_take(struct notices *notices, const json_t *message);

/* Refuse what waits and what comes, let go what is under way; `idle` is called when nothing is,
 * perhaps at once. */
void notices_stop(struct notices *notices, void (*idle)(void *owner));

struct notices_counts {
    uint64_t ended, failed, refused;
    uint64_t running, waiting; /* now */
};
struct notices_counts notices_counts(const struct notices *notices);
