/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/memo.h"

#include "os/random.h"

#define ROUNDS_OF_BLOCK 2
#define ROUNDS_AT_END 4

void memo_init(struct memo *memo)
{
    *memo = (struct memo){0};
    random_bytes(memo->key, sizeof memo->key);
}

static uint64_t turned(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
    while (rounds--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turned(v[1], 13) ^ v[0];
        v[3] = turned(v[3], 16) ^ v[2];
        v[0] = turned(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turned(v[1], 17) ^ v[2];
        v[3] = turned(v[3], 21) ^ v[0];
        v[2] = turned(v[2], 32);
    }
}

static void take(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, ROUNDS_OF_BLOCK);
    v[0] ^= word;
}

struct memo_tag memo_tag(const struct memo *memo, struct str text)
{
    uint64_t v[4] = {memo->key[0] ^ 0x736f6d6570736575u, memo->key[1] ^ 0x646f72616e646f6du ^ 0xee,
        memo->key[0] ^ 0x6c7967656e657261u, memo->key[1] ^ 0x7465646279746573u};
    uint64_t word, last = (uint64_t)text.len << 56;
    struct memo_tag tag;

    for (; text.len >= sizeof word; text.at += sizeof word, text.len -= sizeof word) {
        memcpy(&word, text.at, sizeof word);
        take(v, word); /* as a little-endian number: only this process asks */
    }
    for (size_t i = 0; i < text.len; i++)
        last |= (uint64_t)(unsigned char)text.at[i] << 8 * i;
    take(v, last);
    v[2] ^= 0xee;
    mix(v, ROUNDS_AT_END);
    tag.half[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    mix(v, ROUNDS_AT_END);
    tag.half[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
    return tag;
}

static size_t place_of(struct memo_tag tag)
{
    return tag.half[0] & (MEMO_PLACES - 1);
}

/* Takes as long for equal tags as for others. */
static bool same(struct memo_tag a, struct memo_tag b)
{
    return ((a.half[0] ^ b.half[0]) | (a.half[1] ^ b.half[1])) == 0;
}

bool memo_find(const struct memo *memo, struct memo_tag tag, uint8_t ret_digest[SHA256_BYTES])
{
    const struct memo_entry *entry = &memo->entries[place_of(tag)];

    if (!entry->used || !same(entry->tag, tag))
        return false;
    memcpy(ret_digest, entry->digest, SHA256_BYTES);
    return true;
}

void memo_put(struct memo *memo, struct memo_tag tag, const uint8_t digest[SHA256_BYTES])
{
    struct memo_entry *entry = &memo->entries[place_of(tag)];

    entry->tag = tag;
    entry->used = true;
    memcpy(entry->digest, digest, SHA256_BYTES);
}
