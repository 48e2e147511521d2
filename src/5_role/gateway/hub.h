/* SPDX-License-Identifier: Apache-2.0
 *
 * hub — ledger entries to everybody who listens, each once and in order.
 *
 * Live entries come from the judge as they are made. A client that names the last one it has
 * (Last-Event-ID) is first given the entries behind it, page by page from the ledger, then goes
 * live where the pages end. When numbers are missing (a judge was replaced) the hub itself reads
 * them from the ledger before it goes on, so nobody sees a gap.
 *
 * owner    hub_init() … hub_done()
 * threads  the loop's only
 * limits   subscribers_max, replay_max; a client that is stream_behind_bytes_max behind is dropped
 */
#pragma once

#include "gateway/link.h"
#include "net/exchange.h"

#include <stdint.h>
#include <uv.h>

struct hub_limits {
    int64_t subscribers_max, heartbeat_ms, replay_max, replay_page, resume_bytes;
};

struct subscriber;

struct hub {
    uv_loop_t *loop;
    struct link *link;
    struct hub_limits limits;
    struct subscriber *first;
    int64_t count;
    int64_t last_seq; /* given to those who are live; -1: not known yet */
    int64_t seen_seq; /* the highest heard of */
    bool catching_up;
    uv_timer_t *heartbeat;
    uint64_t left; /* clients that went or were dropped */
};

void hub_init(struct hub *hub, uv_loop_t *loop, struct link *link, const struct hub_limits *limits);
/* Every stream ends in good order. */
void hub_end_all(struct hub *hub);
void hub_done(struct hub *hub);

/* Take the exchange over for good. `after` is the last seq the client has, -1: from now on.
 * errors  ERR_LIMIT "too_many_streams": the exchange is still yours */
bool hub_subscribe(struct hub *hub, struct exchange *ex, int64_t after, struct err *err);

/* An `event` message of the judge. */
void hub_event(struct hub *hub, json_t *message);
/* There is a new judge: what was missed meanwhile is read. */
void hub_joined(struct hub *hub);
