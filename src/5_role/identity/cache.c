/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/cache.h"

#include "base/panic.h"

#include <stdlib.h>

struct cache_entry {
    struct caller *caller; /* NULL: free */
    int64_t expires_ms;
    uint64_t used;
    uint8_t digest[SHA256_BYTES];
};

void cache_init(struct cache *cache, size_t entries_max)
{
    size_t sets = 1;

    while (sets * CACHE_WAYS < entries_max)
        sets *= 2;
    *cache = (struct cache){.sets = sets};
    cache->entries = calloc(sets * CACHE_WAYS, sizeof *cache->entries);
    check(cache->entries);
}

void cache_done(struct cache *cache)
{
    free(cache->entries);
    *cache = (struct cache){0};
}

void cache_clear(struct cache *cache)
{
    memset(cache->entries, 0, cache->sets * CACHE_WAYS * sizeof *cache->entries);
    cache->count = 0;
}

static struct cache_entry *set_of(const struct cache *cache, const uint8_t digest[SHA256_BYTES])
{
    uint64_t number;

    memcpy(&number, digest, sizeof number);
    return &cache->entries[(number & (cache->sets - 1)) * CACHE_WAYS];
}

static bool same(const struct cache_entry *entry, const uint8_t digest[SHA256_BYTES])
{
    return entry->caller && crypto_equal((struct str){(const char *)entry->digest, SHA256_BYTES},
                                (struct str){(const char *)digest, SHA256_BYTES});
}

struct caller *cache_find(struct cache *cache, const uint8_t digest[SHA256_BYTES], int64_t civil_ms)
{
    struct cache_entry *set = set_of(cache, digest);

    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (!same(&set[i], digest))
            continue;
        if (set[i].expires_ms && set[i].expires_ms <= civil_ms) {
            set[i] = (struct cache_entry){0};
            cache->count--;
            return NULL;
        }
        set[i].used = ++cache->tick;
        return set[i].caller;
    }
    return NULL;
}

void cache_put(struct cache *cache, const uint8_t digest[SHA256_BYTES], struct caller *caller,
    int64_t expires_ms)
{
    struct cache_entry *set = set_of(cache, digest), *place = &set[0];

    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (same(&set[i], digest)) {
            place = &set[i];
            break;
        }
        if (!set[i].caller || (place->caller && set[i].used < place->used))
            place = &set[i];
    }
    if (!place->caller)
        cache->count++;
    else if (!same(place, digest))
        cache->evicted++;
    place->caller = caller;
    place->expires_ms = expires_ms;
    place->used = ++cache->tick;
    memcpy(place->digest, digest, SHA256_BYTES);
}
