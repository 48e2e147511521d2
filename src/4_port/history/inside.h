/* SPDX-License-Identifier: Apache-2.0
 * history.c and ask.c share the handle. Internal to history/. */
#pragma once

#include "history/batch.h"
#include "history/history.h"
#include "history/spool.h"
#include "net/upstream.h"
#include "net/wheel.h"

struct history_timer {
    struct wheel_entry entry;
    void (*fire)(void *owner);
    void *owner;
};

/* The one write that is out. */
struct history_flight {
    struct upstream_call *call; /* NULL: none */
    struct buf body;
    uint64_t number;
    uint32_t samples;
    bool from_spool;
    int status;
    int64_t retry_after_ms;
    struct history_timer deadline;
};

/* What the log was told of samples that went lost. */
struct history_drops {
    bool said;             /* of this run a line was written */
    uint64_t seen;         /* samples, as counted when it was looked at last */
    uint64_t untold;       /* of them those that no line has named */
    uint64_t next_line_ms; /* of the loop's clock */
};

struct history {
    uv_loop_t *loop;
    struct history_limits limits;
    struct upstream *upstream; /* NULL: no history is configured */
    struct upstream_place *place;
    struct wheel wheel;
    struct spool spool;
    struct batch batch;
    struct buf sealed; /* a batch on its way to flight or spool */
    struct history_timer batch_timer, backoff_timer;
    struct history_flight flight;
    int64_t backoff_ms;
    bool backing_off, closing, refusing; /* refusing: the last batch was refused; said so once */
    struct history_query *queries;
    struct history_counts counts;
    struct history_drops drops;
    struct err last_error;
    void (*closed)(void *user);
    void *closed_user;
};

void history_timer_start(struct history *history, struct history_timer *timer, int64_t wait_ms,
    void (*fire)(void *owner), void *owner);
void history_timer_stop(struct history *history, struct history_timer *timer);
/* What an end that is not UPSTREAM_WHOLE means to whoever asked. Sets err, gives false. */
bool history_end_words(const struct upstream_end *end, struct err *err);
