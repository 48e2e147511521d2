/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/bucket.h"

static void refill(struct bucket *bucket, struct rate rate, int64_t now_ms)
{
    int64_t full = rate.count * rate.span_ms, passed = now_ms - bucket->at_ms;

    if (!bucket->begun)
        *bucket = (struct bucket){.level = full, .at_ms = now_ms, .begun = true};
    if (passed > 0) {
        int64_t spans = BUCKET_DEBT_SPANS + 1; /* from the deepest debt to full */
        bucket->level +=
            rate.count * (passed > spans * rate.span_ms ? spans * rate.span_ms : passed);
        bucket->at_ms = now_ms;
    }
    if (bucket->level > full) /* also when the limit was lowered */
        bucket->level = full;
}

static bool has(struct bucket *bucket, struct rate rate, int64_t want, int64_t *ret_wait_ms)
{
    if (bucket->level >= want)
        return true;
    *ret_wait_ms = (want - bucket->level + rate.count - 1) / rate.count;
    return false;
}

bool bucket_take(struct bucket *bucket, struct rate rate, int64_t now_ms, int64_t *ret_wait_ms)
{
    if (rate.count == 0)
        return true;
    refill(bucket, rate, now_ms);
    if (!has(bucket, rate, rate.span_ms, ret_wait_ms))
        return false;
    bucket->level -= rate.span_ms;
    return true;
}

bool bucket_open(struct bucket *bucket, struct rate rate, int64_t now_ms, int64_t *ret_wait_ms)
{
    if (rate.count == 0)
        return true;
    refill(bucket, rate, now_ms);
    return has(bucket, rate, 1, ret_wait_ms);
}

void bucket_charge(struct bucket *bucket, struct rate rate, int64_t amount, int64_t now_ms)
{
    int64_t deepest = -BUCKET_DEBT_SPANS * rate.count * rate.span_ms;

    if (rate.count == 0 || amount <= 0)
        return;
    refill(bucket, rate, now_ms);
    if (amount > (bucket->level - deepest) / rate.span_ms)
        bucket->level = deepest;
    else
        bucket->level -= amount * rate.span_ms;
}
