/* SPDX-License-Identifier: Apache-2.0
 *
 * core_private — what the files of the core share: core.c opens and signs, append.c writes, page.c
 * reads, walk.c checks.
 */
#pragma once

#include "core.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "store/store.h"

/* Where a ledger ends: all that the next entry depends on. */
struct ledger_tail {
    struct merkle tree;
    struct digest chain;
    int64_t at_ms;
};

/* One pass over rows, checking each. */
struct ledger_walk {
    uint64_t seq;                    /* of the last row seen */
    struct digest chain;             /* after that row */
    struct merkle tree;              /* grows from its own size on */
    bool thorough;                   /* also the line's text against the columns */
    uint64_t until;                  /* stop after this row */
    char why[ERR_MESSAGE_BYTES_MAX]; /* empty, or what is wrong */
};

struct ledger_outcome {
    int64_t id;
    json_t *entries; /* for `appended`; NULL: failed */
    struct err err;
};

struct ledger_core {
    struct ledger_setup setup;
    struct store *store;
    struct sign_key *key;
    struct store_identity identity;

    struct ledger_tail tail;   /* durable */
    struct merkle signed_tree; /* of the last checkpoint, with the chain there */
    struct digest signed_chain;

    bool in_group, has_batch; /* begun here; begun in the store */
    struct ledger_tail next;  /* of the group */
    size_t group_entries, outcome_count;
    struct ledger_outcome outcomes[LEDGER_GROUP_MESSAGES_MAX];
    struct err group_err; /* why the store refused; kind ERR_NONE if it did not */
    bool step_noted, must_end;
    int64_t entries, commits, commit_us, failed; /* for /metrics */
    struct buf line, bodies; /* scratch of an append, kept */

    struct ledger_walk verify; /* of the verification under way */
    uint64_t verify_size, verify_checkpoints;
};

extern const struct ledger_crypto LEDGER_CRYPTO;

/* Rows behind walk->seq up to walk->until. false only if they cannot be read: look at walk->why. */
bool ledger_walk(struct ledger_core *core, struct ledger_walk *walk, struct err *err);

/* In an open batch: a checkpoint over `tail`, after checking that it continues the one before. */
bool ledger_sign(struct ledger_core *core, const struct ledger_tail *tail, struct err *err);

/* The checkpoint's text is ours, authentic, and pins `root` at `size`; else why. */
bool ledger_checkpoint_true(struct ledger_core *core, struct str text, uint64_t size,
    struct digest root, char ret_why[ERR_MESSAGE_BYTES_MAX]);

struct store_head ledger_head_of(const struct ledger_tail *tail);

/* Answer to `read` "verify". */
json_t *ledger_verify_step(struct ledger_core *core, int64_t id, uint64_t after);

/* A line back to its object; NULL if it is none. */
json_t *ledger_parse(struct str line);

json_t *ledger_failed(int64_t id, const struct err *err);
