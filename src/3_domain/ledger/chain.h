/* SPDX-License-Identifier: Apache-2.0
 *
 * chain — what binds one line of the ledger to all lines before it.
 *
 *     leaf  = SHA-256(0x00 ‖ line)
 *     chain = SHA-256(chain of the line before ‖ leaf)        32 zero bytes before the first
 *
 * This floor is pure, so the two cryptographic functions are handed in: 4_port/crypto has them
 * in exactly this form.
 *
 * threads  any: no state
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

struct digest {
    uint8_t at[DIGEST_BYTES];
};

struct ledger_crypto {
    /* SHA-256 of the parts one behind the other. */
    void (*sha256)(const struct str *parts, size_t count, uint8_t ret_digest[DIGEST_BYTES]);
    /* Ed25519. */
    bool (*authentic)(const uint8_t public_key[32], struct str text, struct str signature);
};

struct digest chain_leaf(const struct ledger_crypto *crypto, struct str line);
struct digest chain_next(
    const struct ledger_crypto *crypto, struct digest before, struct digest leaf);
bool digest_eq(struct digest a, struct digest b);

static inline struct str digest_str(const struct digest *digest)
{
    return (struct str){(const char *)digest->at, DIGEST_BYTES};
}
