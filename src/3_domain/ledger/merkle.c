/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/merkle.h"

#include "base/panic.h"
#include "base/scoped.h"

static struct digest node(
    const struct ledger_crypto *crypto, struct digest left, struct digest right)
{
    const struct str parts[] = {
        {"\x01", 1},
        digest_str(&left), digest_str(&right)
    };
    struct digest joined;

    crypto->sha256(parts, COUNT(parts), joined.at);
    return joined;
}

void merkle_add(struct merkle *tree, const struct ledger_crypto *crypto, struct digest leaf)
{
    int level = 0;

    check(tree->size < UINT64_MAX);
    for (uint64_t size = tree->size; size & 1; size >>= 1)
        leaf = node(crypto, tree->roots[level++], leaf);
    tree->roots[level] = leaf;
    tree->size++;
}

struct digest merkle_root(const struct merkle *tree, const struct ledger_crypto *crypto)
{
    struct digest root;
    bool has_root = false;

    if (tree->size == 0) {
        crypto->sha256(NULL, 0, root.at);
        return root;
    }
    for (int level = 0; level < MERKLE_LEVELS; level++) {
        if (!(tree->size >> level & 1))
            continue;
        root = has_root ? node(crypto, tree->roots[level], root) : tree->roots[level];
        has_root = true;
    }
    return root;
}

size_t merkle_state_write(const struct merkle *tree, uint8_t ret_state[MERKLE_STATE_BYTES_MAX])
{
    size_t len = 0;

    for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
        if (!(tree->size >> level & 1))
            continue;
        memcpy(ret_state + len, tree->roots[level].at, DIGEST_BYTES);
        len += DIGEST_BYTES;
    }
    return len;
}

bool merkle_state_read(struct str state, uint64_t size, struct merkle *ret_tree)
{
    struct merkle tree = {.size = size};

    if (state.len != (size_t)__builtin_popcountll(size) * DIGEST_BYTES)
        return false;
    for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
        if (!(size >> level & 1))
            continue;
        memcpy(tree.roots[level].at, state.at, DIGEST_BYTES);
        state = (struct str){state.at + DIGEST_BYTES, state.len - DIGEST_BYTES};
    }
    *ret_tree = tree;
    return true;
}

/* The root over leaves first … first + count - 1. */
static bool range_root(const struct ledger_crypto *crypto, struct merkle_leaves leaves,
    uint64_t first, uint64_t count, struct digest *ret_root)
{
    struct merkle tree = {0};
    struct digest leaf;

    for (uint64_t i = 0; i < count; i++) {
        if (!leaves.leaf(leaves.owner, first + i, &leaf))
            return false;
        merkle_add(&tree, crypto, leaf);
    }
    *ret_root = merkle_root(&tree, crypto);
    return true;
}

/* The largest power of two below `count`: where RFC 6962 splits a tree. */
static uint64_t split(uint64_t count)
{
    return (uint64_t)1 << (63 - __builtin_clzll(count - 1));
}

static bool push(const struct ledger_crypto *crypto, struct merkle_leaves leaves, uint64_t first,
    uint64_t count, struct merkle_proof *proof)
{
    check(proof->count < MERKLE_PROOF_MAX);
    return range_root(crypto, leaves, first, count, &proof->nodes[proof->count++]);
}

/* The RFC's recursion goes down and appends on its way back; here: append going down, then turn
 * round. */
static void turn_round(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        struct digest kept = proof->nodes[i];
        proof->nodes[i] = proof->nodes[proof->count - 1 - i];
        proof->nodes[proof->count - 1 - i] = kept;
    }
}

bool merkle_inclusion(const struct ledger_crypto *crypto, struct merkle_leaves leaves,
    uint64_t index, uint64_t size, struct merkle_proof *ret_proof)
{
    uint64_t first = 0, count = size;
    struct merkle_proof proof = {0};

    check(index < size);
    while (count > 1) {
        uint64_t left = split(count);
        bool in_left = index - first < left;
        if (!push(crypto, leaves, in_left ? first + left : first, in_left ? count - left : left,
                &proof))
            return false;
        first += in_left ? 0 : left;
        count = in_left ? left : count - left;
    }
    turn_round(&proof);
    *ret_proof = proof;
    return true;
}

bool merkle_consistency(const struct ledger_crypto *crypto, struct merkle_leaves leaves,
    uint64_t before, uint64_t after, struct merkle_proof *ret_proof)
{
    uint64_t first = 0, count = after, want = before;
    bool known = true; /* the subtree looked at is the whole old tree: the checker has its root */
    struct merkle_proof proof = {0};

    check(before <= after);
    while (before > 0 && want < count) {
        uint64_t left = split(count);
        bool in_left = want <= left;
        if (!push(crypto, leaves, in_left ? first + left : first, in_left ? count - left : left,
                &proof))
            return false;
        if (in_left) {
            count = left;
        } else {
            first += left;
            count -= left;
            want -= left;
            known = false;
        }
    }
    if (!known && !push(crypto, leaves, first, count, &proof))
        return false;
    turn_round(&proof);
    *ret_proof = proof;
    return true;
}

bool merkle_inclusion_holds(const struct ledger_crypto *crypto, const struct merkle_proof *proof,
    uint64_t index, uint64_t size, struct digest leaf, struct digest root)
{
    uint64_t at = index, last = size - 1;
    struct digest seen = leaf;

    if (index >= size)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            seen = node(crypto, proof->nodes[i], seen);
            for (; !(at & 1) && at; at >>= 1)
                last >>= 1;
        } else {
            seen = node(crypto, seen, proof->nodes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && digest_eq(seen, root);
}

bool merkle_consistency_holds(const struct ledger_crypto *crypto, const struct merkle_proof *proof,
    uint64_t before, uint64_t after, struct digest root_before, struct digest root_after)
{
    uint64_t at = before - 1, last = after - 1;
    size_t next = 0;

    if (before == 0 || before == after)
        return proof->count == 0 && (before == 0 || digest_eq(root_before, root_after));
    if (before > after)
        return false;
    for (; at & 1; at >>= 1)
        last >>= 1;
    /* A whole old tree is a node of the new one: the proof leaves out what is known. */
    bool whole = (before & (before - 1)) == 0;
    if (!whole && proof->count == 0)
        return false;
    struct digest old = whole ? root_before : proof->nodes[next++];
    struct digest new = old;
    for (; next < proof->count; next++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            old = node(crypto, proof->nodes[next], old);
            new = node(crypto, proof->nodes[next], new);
            for (; !(at & 1) && at; at >>= 1)
                last >>= 1;
        } else {
            new = node(crypto, new, proof->nodes[next]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && digest_eq(old, root_before) && digest_eq(new, root_after);
}
