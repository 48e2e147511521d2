/* SPDX-License-Identifier: Apache-2.0
 *
 * cache — which token texts were verified, by SHA-256 of the text. Only what was verified gets in,
 * so no number of bad tokens pushes out a good one.
 *
 * Sets of CACHE_WAYS; in a full set the entry unused for longest is forgotten.
 *
 * threads  one
 */
#pragma once

#include "crypto/crypto.h"

struct caller;

#define CACHE_WAYS 8

struct cache {
    struct cache_entry *entries;
    size_t sets;
    uint64_t tick, count, evicted;
};

/* For at least `entries_max` entries. */
void cache_init(struct cache *cache, size_t entries_max);
void cache_done(struct cache *cache);
void cache_clear(struct cache *cache);

/* NULL: not there, or expired (and then forgotten). */
struct caller *cache_find(
    struct cache *cache, const uint8_t digest[SHA256_BYTES], int64_t civil_ms);
/* expires_ms 0: never. */
void cache_put(struct cache *cache, const uint8_t digest[SHA256_BYTES], struct caller *caller,
    int64_t expires_ms);
