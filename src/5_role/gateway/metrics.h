/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics — counters of the gateway and their text for Prometheus. Label sets are bounded by
 * tables.
 *
 * threads  one at a time
 * source   Prometheus text exposition format 0.0.4
 */
#pragma once

#include "base/buf.h"
#include "gateway/route.h"

#include <jansson.h>
#include <stdint.h>

#define METRICS_BUCKETS 14
#define METRICS_STATUSES 24
#define METRICS_NO_ROUTE ROUTES /* the row of what found no route */

struct metrics {
    uint64_t replies[ROUTES + 1][METRICS_STATUSES];
    uint64_t buckets[ROUTES + 1][METRICS_BUCKETS + 1];
    uint64_t sum_ns[ROUTES + 1];
    uint64_t judge_restarts, held, streams_left;
    uint64_t model_asked, model_answered;
    int statm; /* /proc/self/statm, opened before the sandbox */
};

/* Numbers that live elsewhere, as they are now. */
struct metrics_now {
    int64_t in_flight, subscribers, model_calls;
    bool judge_connected, judge_ready;
    uint64_t messages_refused;
    uint64_t connections_open, connections_accepted, connections_refused, requests_refused;
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);
/* One finished request. A status without a row counts as "other". */
void metrics_count(struct metrics *metrics, size_t route, int status, int64_t spent_ns);

/* `judge` (may be NULL) is the answer to `status`: {"open_cases","closed_cases":{status:n},
 * "judge":{"under_way"}}; what is not known by name there is left out. */
void metrics_write(const struct metrics *metrics, const struct metrics_now *now,
    const json_t *judge, struct buf *out);

/* `roles`: {"ledger":{"entries":n,…},…}; see common/stats.def. */
void metrics_write_roles(const json_t *roles, struct buf *out);
