/* SPDX-License-Identifier: Apache-2.0
 *
 * machine — the hands `host` and `pool` at work: what a worker needs for one job, and how far it
 * is, told from the worker to the loop and on to the judge.
 *
 * owner    machines_open() to machines_close(); a call lives in its work
 * threads  machine_run() on a worker; all else on the loop's thread
 * limits   MACHINE_PROGRESS_MAX stages that were not told yet, the oldest are forgotten; of one job
 *          stages_burst at once, then one each stage_ms, others are dropped
 */
#pragma once

#include "actuator/core.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#define MACHINE_CASE_BYTES 65
#define MACHINE_PROGRESS_MAX 256

struct machines;

/* One job's; what changes of it is guarded. */
struct machine_call {
    struct machines *machines;
    int64_t id;
    uint64_t life; /* of the judge that asked: ids mean something else to the next one */
    bool quiet;    /* a look: nobody is told how far it is */
    int64_t stages_left, told_ms;
    char case_id[MACHINE_CASE_BYTES];
};

struct machines_setup {
    uv_loop_t *loop;
    const struct host_paths *paths; /* NULL: no host is reached */
    const struct actuator_settings *settings;
    struct secret_store *secrets;
    void (*send)(void *owner, json_t *message);
    void *owner;
    const uint64_t *life; /* read when a job begins and when something is told */
};

struct machines *machines_open(const struct machines_setup *setup);
/* No job may be under way. The memory goes when the loop turns next. */
void machines_close(struct machines *machines);
/* Jobs end soon, with the error "stopped". */
void machines_stop(struct machines *machines);

void machine_call_init(struct machine_call *call, struct machines *machines, int64_t id,
    const char *case_id, bool quiet);
/* The judge of this life waits for it too: it is told from here on. */
void machine_call_move(struct machine_call *call, int64_t id);
/* What may not run beside it; "" if it may run beside everything. */
void machine_lane(const struct host_job *job, bool serial, char *ret_lane, size_t bytes);
/* `outcome`: not the job, but what became of it. While its agent still works at it that is waited
 * for, as long as the job itself might have taken. */
void machine_run(struct machine_call *call, const struct host_job *job, bool outcome,
    struct hand_end *ret_end);

/* Tell the judge what workers have left here. */
void machines_tell(struct machines *machines);
