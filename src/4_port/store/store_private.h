/* SPDX-License-Identifier: Apache-2.0
 *
 * store_private — what store.c (writing) and store_read.c (reading) share.
 */
#pragma once

#include "store/store.h"

#include <sqlite3.h>

/* Over the kinds of ledger/learned.def; both texts must hold the same list. */
#define STORE_LEARNED_INDEX "entry_learned_5"
#define STORE_LEARNED_KIND(kind) "'" #kind "', "

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_PUT,
    STATEMENT_PUT_CASE,
    STATEMENT_PUT_CHECKPOINT,
    STATEMENT_PUT_HEAD,
    STATEMENT_PUT_IDENTITY,
    STATEMENT_HEAD,
    STATEMENT_IDENTITY,
    STATEMENT_AFTER,
    STATEMENT_CASE_ENTRIES,
    STATEMENT_OPEN,
    STATEMENT_LEARNED,
    STATEMENT_CASES,
    STATEMENT_CASE,
    STATEMENT_CHECKPOINTS,
    STATEMENT_LAST_CHECKPOINT,
    STATEMENT_CHECKPOINT_COUNT,
    STATEMENT_INDEX_WRONG,
    STATEMENT_INTEGRITY,
    STATEMENTS
};

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS]; /* prepared at first use, kept */
    bool in_batch;
};

/* Ready to bind; reset it with statement_done() in every path. errors  as store.h */
bool statement_take(
    struct store *store, enum statement which, sqlite3_stmt **ret_statement, struct err *err);
/* For scoped(): reset and unbound, ready for the next use. */
void statement_done(sqlite3_stmt **statement);
/* Step a statement that gives no rows. */
bool statement_run(
    struct store *store, sqlite3_stmt *statement, const char *doing, struct err *err);

/* The last failure of SQLite as our error. Returns false. */
bool store_failed(struct store *store, const char *doing, struct err *err);

void bind_text(sqlite3_stmt *statement, int at, struct str text);
void bind_blob(sqlite3_stmt *statement, int at, struct str bytes);
void bind_seq(sqlite3_stmt *statement, int at, uint64_t seq);
struct str column_text(sqlite3_stmt *statement, int at);
struct str column_blob(sqlite3_stmt *statement, int at);
/* false if the blob is not that long: a damaged row. */
bool column_digest(sqlite3_stmt *statement, int at, struct digest *ret_digest);
