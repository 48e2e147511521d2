/* SPDX-License-Identifier: Apache-2.0
 *
 * merkle — the tree over all leaves, grown leaf by leaf, and the two proofs about it.
 *
 * The state is one root per 1-bit of the size (the full subtrees from left to right), so adding
 * and the root cost O(log n) and the whole fits in two kilobytes. Making a proof reads leaves
 * through a callback, O(n); checking one needs only the proof.
 *
 * threads  any: no state of its own
 * source   RFC 6962, section 2; checking as in RFC 9162, sections 2.1.3.2 and 2.1.4.2
 */
#pragma once

#include "ledger/chain.h"

#include <stdbool.h>
#include <stdint.h>

#define MERKLE_LEVELS 64
#define MERKLE_PROOF_MAX 128

struct merkle {
    uint64_t size;
    struct digest roots[MERKLE_LEVELS]; /* [h] holds 2^h leaves, if bit h of size is set */
};

void merkle_add(struct merkle *tree, const struct ledger_crypto *crypto, struct digest leaf);
/* Of the empty tree: SHA-256 of nothing. */
struct digest merkle_root(const struct merkle *tree, const struct ledger_crypto *crypto);

/* The roots of the full subtrees one behind the other, from the largest: the state as bytes. */
#define MERKLE_STATE_BYTES_MAX (MERKLE_LEVELS * DIGEST_BYTES)
size_t merkle_state_write(const struct merkle *tree, uint8_t ret_state[MERKLE_STATE_BYTES_MAX]);
/* false if there are not exactly as many roots as `size` needs. */
bool merkle_state_read(struct str state, uint64_t size, struct merkle *ret_tree);

struct merkle_leaves {
    /* Leaf `index`, from 0. false ends the work: the reader keeps the reason. */
    bool (*leaf)(void *owner, uint64_t index, struct digest *ret_leaf);
    void *owner;
};

struct merkle_proof {
    size_t count;
    struct digest nodes[MERKLE_PROOF_MAX];
};

/* That leaf `index` is in the tree of `size` leaves. Panics unless index < size. */
bool merkle_inclusion(const struct ledger_crypto *crypto, struct merkle_leaves leaves,
    uint64_t index, uint64_t size, struct merkle_proof *ret_proof);
bool merkle_inclusion_holds(const struct ledger_crypto *crypto, const struct merkle_proof *proof,
    uint64_t index, uint64_t size, struct digest leaf, struct digest root);

/* That the tree of `after` leaves begins with all of the tree of `before`. Panics unless before <=
 * after. */
bool merkle_consistency(const struct ledger_crypto *crypto, struct merkle_leaves leaves,
    uint64_t before, uint64_t after, struct merkle_proof *ret_proof);
bool merkle_consistency_holds(const struct ledger_crypto *crypto, const struct merkle_proof *proof,
    uint64_t before, uint64_t after, struct digest root_before, struct digest root_after);
