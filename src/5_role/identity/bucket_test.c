/* SPDX-License-Identifier: Apache-2.0
 * The rate and the cache: the two parts that know nothing of tokens. */
#include "base/scoped.h"
#include "identity/bucket.h"
#include "identity/cache.h"
#include "tap.h"

static const struct rate TEN = {10, 60000};

TEST(a_burst_is_the_count_and_then_it_comes_back_evenly)
{
    struct bucket bucket = {0};
    int64_t wait_ms = 0;

    for (int i = 0; i < 10; i++)
        CHECK(bucket_take(&bucket, TEN, 1000, &wait_ms));
    CHECK(!bucket_take(&bucket, TEN, 1000, &wait_ms));
    CHECK_INT(wait_ms, 6000);
    CHECK(!bucket_take(&bucket, TEN, 6999, &wait_ms));
    CHECK_INT(wait_ms, 1);
    CHECK(bucket_take(&bucket, TEN, 7000, &wait_ms));
    CHECK(!bucket_take(&bucket, TEN, 7000, &wait_ms));
}

TEST(what_was_not_used_is_not_saved_beyond_one_burst)
{
    struct bucket bucket = {0};
    int64_t wait_ms, taken = 0;

    CHECK(bucket_take(&bucket, TEN, 0, &wait_ms));
    while (bucket_take(&bucket, TEN, 1000000000, &wait_ms))
        taken++;
    CHECK_INT(taken, 10);
}

TEST(a_charge_goes_below_zero_but_not_without_end)
{
    struct bucket bucket = {0};
    int64_t wait_ms = 0;

    CHECK(bucket_open(&bucket, TEN, 0, &wait_ms));
    bucket_charge(&bucket, TEN, 25, 0);
    CHECK(!bucket_open(&bucket, TEN, 0, &wait_ms));
    CHECK_INT(wait_ms, 90001); /* 15 below, 6 s each */
    bucket_charge(&bucket, TEN, INT64_MAX, 0);
    CHECK(!bucket_open(&bucket, TEN, 0, &wait_ms));
    CHECK_INT(wait_ms, BUCKET_DEBT_SPANS * 60000 + 1);
    bucket_charge(&bucket, TEN, -5, 0);
    CHECK(!bucket_open(&bucket, TEN, 0, &wait_ms));
    CHECK_INT(wait_ms, BUCKET_DEBT_SPANS * 60000 + 1);
    CHECK(bucket_open(&bucket, TEN, BUCKET_DEBT_SPANS * 60000 + 1, &wait_ms));
}

TEST(no_limit_takes_always_and_the_largest_does_not_overflow)
{
    const struct rate none = {0, 60000}, largest = {BUCKET_COUNT_MAX, 3600000};
    struct bucket bucket = {0};
    int64_t wait_ms = -1;

    for (int i = 0; i < 100; i++)
        CHECK(bucket_take(&bucket, none, 0, &wait_ms));
    bucket_charge(&bucket, none, 100, 0);
    CHECK(bucket_take(&bucket, largest, 0, &wait_ms));
    bucket_charge(&bucket, largest, INT64_MAX, 0);
    CHECK(!bucket_open(&bucket, largest, 0, &wait_ms));
    CHECK(bucket_open(&bucket, largest, INT64_MAX, &wait_ms));
}

TEST(a_clock_that_goes_back_gives_nothing_and_a_lower_limit_counts_at_once)
{
    const struct rate two = {2, 60000};
    struct bucket bucket = {0};
    int64_t wait_ms = 0;

    CHECK(bucket_take(&bucket, TEN, 60000, &wait_ms));
    CHECK(bucket_take(&bucket, two, 0, &wait_ms));
    CHECK(bucket_take(&bucket, two, 0, &wait_ms));
    CHECK(!bucket_take(&bucket, two, 0, &wait_ms));
}

static void digest_of(uint64_t number, uint8_t ret_digest[SHA256_BYTES])
{
    sha256((struct str){(const char *)&number, sizeof number}, ret_digest);
}

TEST(the_cache_keeps_what_it_can_and_forgets_the_unused_first)
{
    scoped(cache_done) struct cache cache;
    struct caller *someone = (struct caller *)&cache;
    uint8_t digest[SHA256_BYTES], first[SHA256_BYTES];

    cache_init(&cache, 64);
    digest_of(0, first);
    cache_put(&cache, first, someone, 0);
    for (uint64_t i = 1; i < 10000; i++) {
        digest_of(i, digest);
        cache_put(&cache, digest, someone, 0);
        CHECK(cache_find(&cache, first, 0) == someone); /* used: stays */
    }
    CHECK_INT(cache.count, 64);
    CHECK_INT(cache.count + cache.evicted, 10000);
    CHECK(cache_find(&cache, digest, 0) == someone);
    digest_of(1, digest);
    CHECK(!cache_find(&cache, digest, 0));
    cache_clear(&cache);
    CHECK(!cache_find(&cache, first, 0));
    CHECK_INT(cache.count, 0);
}

TEST(a_digest_that_differs_in_one_bit_is_another_and_expiry_is_kept)
{
    scoped(cache_done) struct cache cache;
    struct caller *someone = (struct caller *)&cache;
    uint8_t digest[SHA256_BYTES];

    cache_init(&cache, 64);
    digest_of(7, digest);
    cache_put(&cache, digest, someone, 1000);
    cache_put(&cache, digest, someone, 1000);
    CHECK_INT(cache.count, 1);
    for (size_t bit = 0; bit < 8 * SHA256_BYTES; bit++) {
        digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!cache_find(&cache, digest, 0));
        digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(cache_find(&cache, digest, 999) == someone);
    CHECK(!cache_find(&cache, digest, 1000));
    CHECK_INT(cache.count, 0);
}

TAP_MAIN
