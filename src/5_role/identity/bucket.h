/* SPDX-License-Identifier: Apache-2.0
 *
 * bucket — a rate with a burst: `count` at once, and `count` again within `span_ms`.
 *
 * A charge may go below zero (what an answer costs is known at its end), at most BUCKET_DEBT_SPANS
 * deep, so that one huge answer does not close a caller out for hours.
 *
 * threads  one; no clock of its own. A clock that goes back adds nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_DEBT_SPANS 10
#define BUCKET_COUNT_MAX 1000000000 /* with a span of an hour all products fit */

struct bucket {
    int64_t level; /* in 1 / span_ms of one; full at first */
    int64_t at_ms;
    bool begun;
};

struct rate {
    int64_t count; /* 0: no limit */
    int64_t span_ms;
};

/* One of it. false: *ret_wait_ms says when there is one again. */
bool bucket_take(struct bucket *bucket, struct rate rate, int64_t now_ms, int64_t *ret_wait_ms);
/* Is there more than nothing? As bucket_take(), but nothing is taken. */
bool bucket_open(struct bucket *bucket, struct rate rate, int64_t now_ms, int64_t *ret_wait_ms);
void bucket_charge(struct bucket *bucket, struct rate rate, int64_t amount, int64_t now_ms);
