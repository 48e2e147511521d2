/* SPDX-License-Identifier: Apache-2.0
 *
 * nonces — what was used once is never used again: a bounded set with a time to forget.
 *
 * Times are steady: setting the clock back revives nothing.
 *
 * owner    nonces_done()
 * threads  one at a time
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

#define NONCE_ID_BYTES 16

struct nonce {
    uint8_t id[NONCE_ID_BYTES]; /* the head of its SHA-256 */
    int64_t until_ms;           /* 0: empty */
};

struct nonces {
    struct nonce *slots; /* open addressing, at most half full */
    size_t slot_count;
    size_t count, count_max;
};

void nonces_init(struct nonces *nonces, size_t count_max);
void nonces_done(struct nonces *nonces);

bool nonces_has(const struct nonces *nonces, struct str text);
/* Remember until then. false: full of such as may not be forgotten yet. */
bool nonces_add(struct nonces *nonces, struct str text, int64_t now_ms, int64_t until_ms);
