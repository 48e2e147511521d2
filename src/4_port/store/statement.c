/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "store_private.h"

#define ENTRY_COLUMNS "e.seq, e.case_id, e.kind, e.at, e.line, e.leaf, e.chain"

static const char *const TEXTS[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_PUT] = "INSERT INTO entry(seq, case_id, kind, at, line, leaf, chain) "
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STATEMENT_PUT_CASE] = "INSERT INTO case_index(case_id, first_seq, last_seq, open) "
                           "VALUES(?1, ?2, ?2, ?3) ON CONFLICT(case_id) DO UPDATE "
                           "SET last_seq = excluded.last_seq, open = excluded.open",
    [STATEMENT_PUT_CHECKPOINT] =
        "INSERT INTO checkpoint(size, text, at, state) VALUES(?1, ?2, ?3, ?4)",
    [STATEMENT_PUT_HEAD] = "INSERT INTO head(one, size, chain, at) VALUES(1, ?1, ?2, ?3) "
                           "ON CONFLICT(one) DO UPDATE SET size = excluded.size, "
                           "chain = excluded.chain, at = excluded.at",
    [STATEMENT_PUT_IDENTITY] = "INSERT INTO identity(one, origin, public_key) VALUES(1, ?1, ?2)",
    /* The first and last seq beside it: a row removed at either end is seen at once. */
    [STATEMENT_HEAD] = "SELECT size, chain, at, (SELECT min(seq) FROM entry), "
                       "(SELECT max(seq) FROM entry) FROM head",
    [STATEMENT_IDENTITY] = "SELECT origin, public_key FROM identity",
    [STATEMENT_AFTER] = "SELECT " ENTRY_COLUMNS " FROM entry e WHERE e.seq > ?1 ORDER BY e.seq",
    [STATEMENT_CASE_ENTRIES] =
        "SELECT " ENTRY_COLUMNS
        " FROM entry e INDEXED BY entry_by_case WHERE e.case_id = ?2 AND e.seq > ?1 ORDER BY e.seq",
    [STATEMENT_OPEN] = "SELECT " ENTRY_COLUMNS " FROM case_index c INDEXED BY case_open "
                       "CROSS JOIN entry e INDEXED BY entry_by_case ON e.case_id = c.case_id "
                       "WHERE c.open = 1 AND e.seq > ?1 ORDER BY e.seq",
    [STATEMENT_LEARNED] =
        "SELECT " ENTRY_COLUMNS " FROM entry e INDEXED BY " STORE_LEARNED_INDEX " WHERE e.kind IN ("
#define LEARNED STORE_LEARNED_KIND
#include "ledger/learned.def"
#undef LEARNED
        "'case_executed') AND e.seq > ?1 ORDER BY e.seq",
    [STATEMENT_CASES] = "SELECT case_id, first_seq, last_seq, open FROM case_index "
                        "INDEXED BY case_by_age WHERE first_seq < ?1 ORDER BY first_seq DESC",
    [STATEMENT_CASE] =
        "SELECT case_id, first_seq, last_seq, open FROM case_index WHERE case_id = ?1",
    [STATEMENT_CHECKPOINTS] =
        "SELECT size, text, at, state FROM checkpoint WHERE size > ?1 ORDER BY size",
    [STATEMENT_LAST_CHECKPOINT] =
        "SELECT size, text, at, state FROM checkpoint ORDER BY size DESC LIMIT 1",
    [STATEMENT_CHECKPOINT_COUNT] = "SELECT count(*) FROM checkpoint",
    [STATEMENT_INDEX_WRONG] =
        "WITH real(case_id, first_seq, last_seq) AS (SELECT case_id, min(seq), max(seq) FROM entry "
        "INDEXED BY entry_by_case WHERE case_id <> '' GROUP BY case_id), "
        "said(case_id, first_seq, last_seq) AS (SELECT case_id, first_seq, last_seq FROM "
        "case_index) "
        "SELECT case_id FROM (SELECT * FROM real EXCEPT SELECT * FROM said) UNION ALL "
        "SELECT case_id FROM (SELECT * FROM said EXCEPT SELECT * FROM real) LIMIT 1",
    [STATEMENT_INTEGRITY] = "PRAGMA quick_check(1)",
};

/* A quota or a limit on file sizes refuses a write as surely as a full disk. SQLite names only
 * ENOSPC SQLITE_FULL and loses the errno of the others, so every refused write counts as "no room".
 */
static bool no_room(sqlite3 *database)
{
    int code = sqlite3_extended_errcode(database);

    return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
}

bool store_failed(struct store *store, const char *doing, struct err *err)
{
    sqlite3 *database = store->database;
    int kind = sqlite3_errcode(database) & 0xff;

    if (no_room(database))
        return err_code(err, ERR_SYSTEM, "ledger_full", NULL,
            "the disk of the ledger is full or cannot be written (%s): nothing is done until it "
            "can",
            doing);
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        return err_code(err, ERR_SYSTEM, "ledger_busy", NULL,
            "another process holds the ledger: end it (is a second node running in this home?)");
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "the ledger's file is damaged (%s while %s): restore it from its backup",
            sqlite3_errmsg(database), doing);
    return err_code(err, ERR_SYSTEM, "ledger_io", NULL, "the ledger failed while %s: %s", doing,
        sqlite3_errmsg(database));
}

bool statement_take(
    struct store *store, enum statement which, sqlite3_stmt **ret_statement, struct err *err)
{
    sqlite3_stmt **kept = &store->statements[which];

    if (!*kept && sqlite3_prepare_v3(store->database, TEXTS[which], -1, SQLITE_PREPARE_PERSISTENT,
                      kept, NULL) != SQLITE_OK)
        return store_failed(store, "preparing a statement", err);
    *ret_statement = *kept;
    return true;
}

void statement_done(sqlite3_stmt **statement)
{
    if (!*statement)
        return;
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
}

bool statement_run(struct store *store, sqlite3_stmt *statement, const char *doing, struct err *err)
{
    if (sqlite3_step(statement) == SQLITE_DONE)
        return true;
    return store_failed(store, doing, err);
}

/* Bound memory outlives the step: every statement is reset before its caller returns. */
void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    check(sqlite3_bind_text64(statement, at, text.len ? text.at : "", text.len, SQLITE_STATIC,
              SQLITE_UTF8) == SQLITE_OK);
}

void bind_blob(sqlite3_stmt *statement, int at, struct str bytes)
{
    check(sqlite3_bind_blob64(statement, at, bytes.len ? bytes.at : "", bytes.len, SQLITE_STATIC) ==
          SQLITE_OK);
}

void bind_seq(sqlite3_stmt *statement, int at, uint64_t seq)
{
    int64_t number = seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
    check(sqlite3_bind_int64(statement, at, number) == SQLITE_OK);
}

struct str column_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return (struct str){text ? text : "", (size_t)sqlite3_column_bytes(statement, at)};
}

struct str column_blob(sqlite3_stmt *statement, int at)
{
    const char *bytes = sqlite3_column_blob(statement, at);
    return (struct str){bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, at)};
}

bool column_digest(sqlite3_stmt *statement, int at, struct digest *ret_digest)
{
    struct str bytes = column_blob(statement, at);

    if (bytes.len != DIGEST_BYTES)
        return false;
    memcpy(ret_digest->at, bytes.at, DIGEST_BYTES);
    return true;
}
