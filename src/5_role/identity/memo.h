/* SPDX-License-Identifier: Apache-2.0
 *
 * memo — the SHA-256 of token texts that were good lately, so that a device that shows the same
 * token with each request costs one SipHash instead. Of a pure function: nothing here expires, is
 * revoked or reloaded, for all that is asked of the digest as if it had been computed.
 *
 * A text is known by SipHash-2-4 of 128 bits under a key of this process that nobody else has; no
 * text is kept. Only what was good gets in, so strangers push nothing out.
 *
 * memory   12 KiB
 * threads  one
 * source   Aumasson, Bernstein: SipHash (2012), with the output of 128 bits of its authors' code
 */
#pragma once

#include "base/str.h"
#include "crypto/crypto.h"

#define MEMO_PLACES 256 /* power of two; two texts of one place push each other out */
#define MEMO_KEY_BYTES 16

struct memo_tag {
    uint64_t half[2];
};

struct memo {
    uint64_t key[2];
    struct memo_entry {
        struct memo_tag tag;
        uint8_t digest[SHA256_BYTES];
        bool used;
    } entries[MEMO_PLACES];
};

/* Nothing in it, a new key. */
void memo_init(struct memo *memo);

struct memo_tag memo_tag(const struct memo *memo, struct str text);
/* false: not there. */
bool memo_find(const struct memo *memo, struct memo_tag tag, uint8_t ret_digest[SHA256_BYTES]);
void memo_put(struct memo *memo, struct memo_tag tag, const uint8_t digest[SHA256_BYTES]);
