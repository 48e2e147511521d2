/* SPDX-License-Identifier: Apache-2.0
 *
 * store — the rows of the ledger in one SQLite file: what was appended is there, or nothing of it.
 *
 * WAL with synchronous=FULL: when store_commit() returns true, the batch survives a power cut. The
 * file is held exclusively: one writer, no second ledger by accident. This module keeps rows and
 * knows nothing of what makes them true (3_domain/ledger) or of who asks (5_role/ledger).
 *
 * owner    the ledger role
 * threads  one
 * errors   ERR_SYSTEM, code "ledger_full" (no room; works again when there is), "ledger_busy"
 * (another process holds it), "ledger_broken" (damaged or foreign file), "ledger_io" (everything
 * else) source   sqlite.org/wal.html, sqlite.org/pragma.html
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "ledger/chain.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_SCHEMA_VERSION 1
#define STORE_BUSY_MS 2000
#define STORE_AT_BYTES 32

struct store;

/* Makes the file (0600) and its tables if there is none. Only an empty or an own file is touched.
 */
bool store_open(const char *path, struct store **ret_store, struct err *err);
/* For scoped(). An open batch is rolled back. */
void store_close(struct store **store);

/* Who this ledger is; set once, at its first start. */
struct store_identity {
    char origin[160];
    uint8_t public_key[32];
};
bool store_identity(
    struct store *store, bool *ret_known, struct store_identity *ret, struct err *err);
bool store_set_identity(
    struct store *store, const struct store_identity *identity, struct err *err);

/* Where the ledger ends; size 0 and zeros for an empty one. */
struct store_head {
    uint64_t size;
    struct digest chain;
    char at[STORE_AT_BYTES]; /* of the last entry */
};
bool store_head(struct store *store, struct store_head *ret_head, struct err *err);

struct store_entry {
    uint64_t seq;
    struct str case_id; /* empty: of no case */
    struct str kind, at;
    struct str line;
    struct digest leaf, chain;
    bool is_open; /* the case goes on after this entry; not read back */
};

struct store_checkpoint {
    uint64_t size;
    struct str text, at;
    struct str state; /* of the Merkle tree, so that a start need not read every leaf */
};

/* A batch: begin, put …, commit. After any false: roll back, and everything is as before begin. */
bool store_begin(struct store *store, struct err *err);
bool store_put(struct store *store, const struct store_entry *entry, struct err *err);
bool store_put_checkpoint(
    struct store *store, const struct store_checkpoint *checkpoint, struct err *err);
/* Also writes the new head. errors  as above; the batch is then rolled back already */
bool store_commit(struct store *store, const struct store_head *head, struct err *err);
void store_rollback(struct store *store);

enum store_what {
    STORE_AFTER,   /* every entry */
    STORE_CASE,    /* of `case_id` */
    STORE_OPEN,    /* of all open cases */
    STORE_LEARNED, /* of the kinds of ledger/learned.def */
};

struct store_query {
    enum store_what what;
    uint64_t after; /* only entries with a greater seq */
    struct str case_id;
};

/* Rows in order of seq; the slices live during the call. The reader returns false for "enough". */
bool store_read(struct store *store, const struct store_query *query,
    bool (*row)(void *owner, const struct store_entry *entry), void *owner, struct err *err);

struct store_case {
    struct str case_id;
    uint64_t first_seq, last_seq;
    bool is_open;
};
/* Newest first (by first_seq); with `before` only cases that began earlier than that seq (0: all).
 */
bool store_cases(struct store *store, uint64_t before,
    bool (*row)(void *owner, const struct store_case *one), void *owner, struct err *err);
/* *ret_found false: no such case. */
bool store_case(struct store *store, struct str case_id, bool *ret_found,
    struct store_case *ret_case, struct err *err);

/* Those over more than `after` entries, smallest first. */
bool store_checkpoints(struct store *store, uint64_t after,
    bool (*row)(void *owner, const struct store_checkpoint *one), void *owner, struct err *err);
/* The last one, through the same kind of reader; not called if there is none. */
bool store_last_checkpoint(struct store *store,
    bool (*row)(void *owner, const struct store_checkpoint *one), void *owner, struct err *err);
bool store_checkpoint_count(struct store *store, uint64_t *ret_count, struct err *err);

/* Does the case index say what the entries say, and SQLite's own check find nothing? Reads
 * everything. false in *ret_sound comes with a sentence in `ret_why`. */
bool store_index_sound(
    struct store *store, bool *ret_sound, char ret_why[ERR_MESSAGE_BYTES_MAX], struct err *err);
