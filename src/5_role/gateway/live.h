/* SPDX-License-Identifier: Apache-2.0
 *
 * live — what dashboards see beside the ledger and nobody records: how far the hands are (stage),
 * who waits for an engine (queue), how the nodes are (house). Events without a number.
 *
 *     struct live_wish wish = {.after = -1, .form = HUB_BRIEF, .live = HUB_BIT(HUB_HOUSE)};
 *     live_subscribe(&live, ex, &wish, &err)               takes the exchange over for good
 *
 * - A client gets the first queue and the whole house when it goes live, changes from then on.
 * - queue: looked at each queue_ms while somebody listens, told when it changed.
 * - house: the judge is asked `nodes` each house_ms while somebody listens, in the name of one of
 *   those who do, each in turn; only rows that changed are told. Whoever the judge refuses gets a
 *   comment line that says why, and no house. One answer counts for all clients of one principal;
 *   with other rules everybody is asked anew.
 * - stage: at once when the stage is another; words of the same stage at most each queue_ms.
 *
 * owner    live_init() … live_done(); hub, link and inference live longer
 * threads  the loop's only
 * limits   cases that stages are named from: LIVE_CASES_MAX, the oldest goes first
 */
#pragma once

#include "gateway/hub.h"

#define LIVE_CASES_MAX 64
#define LIVE_WHO_BYTES 128 /* WHO_BYTES of visit.h */

struct inference;

struct live_limits {
    int64_t house_ms, queue_ms;
};

struct live_wish {
    int64_t after; /* the last seq the client has; -1: from now on */
    enum hub_form form;
    unsigned live;       /* HUB_BIT()s */
    bool sees_queue;     /* false: this caller may not, and is told so */
    const char *who;     /* JSON text as visits have it; copied */
    const char *session; /* name of the session that asks, or ""; copied */
    const char *token;   /* id of the token that asks, or ""; copied */
};

struct watcher;
struct asker;

struct live {
    uv_loop_t *loop;
    struct hub *hub;
    struct link *link;
    struct inference *inference;
    struct live_limits limits;
    struct watcher *first;
    int64_t wanting[HUB_KINDS]; /* clients, also those that are still read to */
    struct asker *askers, *last_asked;
    json_t *rows;          /* of the house, as told last; NULL: nobody was told */
    int64_t left_out;      /* nodes without vitals, for they did not fit */
    struct buf whole;      /* the same as an event; empty: not written yet */
    struct buf queue;      /* as told last */
    struct buf queue_like; /* the same without what only time changes */
    uint64_t queue_mark;
    struct live_case *cases; /* LIVE_CASES_MAX */
    size_t next_case;
    uv_timer_t *house_timer, *queue_timer;
};

void live_init(struct live *live, uv_loop_t *loop, struct hub *hub, struct link *link,
    struct inference *inference, const struct live_limits *limits);
/* After hub_done() and before link_done(). */
void live_done(struct live *live);

/* errors  as hub_subscribe() */
bool live_subscribe(
    struct live *live, struct exchange *ex, const struct live_wish *wish, struct err *err);

/* There is a new judge. */
void live_joined(struct live *live);
/* An `event` of the judge, before the hub has it; a `stage`. */
void live_event(struct live *live, const json_t *message);
void live_stage(struct live *live, const json_t *message);
