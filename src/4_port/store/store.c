/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLICATION_ID 0x4c4e4c47 /* "LNLG", in the file's header */

/* Exclusive before WAL: then the index of the WAL lives in our memory and no -shm file exists. */
static const char PRAGMAS[] = "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA journal_size_limit = 67108864;";

static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entry("
    "  seq INTEGER PRIMARY KEY CHECK(seq > 0), case_id TEXT NOT NULL, kind TEXT NOT NULL,"
    "  at TEXT NOT NULL, line TEXT NOT NULL,"
    "  leaf BLOB NOT NULL CHECK(length(leaf) = 32), chain BLOB NOT NULL CHECK(length(chain) = 32)"
    ") STRICT;"
    "CREATE INDEX entry_by_case ON entry(case_id, seq);"
    "CREATE INDEX entry_learned ON entry(seq) WHERE kind = 'case_executed';"
    "CREATE TABLE case_index("
    "  case_id TEXT PRIMARY KEY CHECK(case_id <> ''),"
    "  first_seq INTEGER NOT NULL REFERENCES entry(seq),"
    "  last_seq INTEGER NOT NULL REFERENCES entry(seq), open INTEGER NOT NULL CHECK(open IN (0, 1))"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX case_by_age ON case_index(first_seq);"
    "CREATE INDEX case_open ON case_index(open) WHERE open = 1;"
    "CREATE TABLE checkpoint("
    "  size INTEGER PRIMARY KEY CHECK(size > 0), text TEXT NOT NULL, at TEXT NOT NULL,"
    "  state BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE head("
    "  one INTEGER PRIMARY KEY CHECK(one = 1), size INTEGER NOT NULL, chain BLOB NOT NULL,"
    "  at TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE identity("
    "  one INTEGER PRIMARY KEY CHECK(one = 1), origin TEXT NOT NULL,"
    "  public_key BLOB NOT NULL CHECK(length(public_key) = 32)"
    ") STRICT;"
    "PRAGMA application_id = 1280199751;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* Beside the schema: a file of an earlier version gets it when it is opened. */
static const char ADDED[] =
    "DROP INDEX IF EXISTS entry_failed;"
    "DROP INDEX IF EXISTS entry_learned_2;"
    "DROP INDEX IF EXISTS entry_learned_3;"
    "DROP INDEX IF EXISTS entry_learned_4;"
    "CREATE INDEX IF NOT EXISTS " STORE_LEARNED_INDEX " ON entry(seq) WHERE kind IN ("
#define LEARNED STORE_LEARNED_KIND
#include "ledger/learned.def"
#undef LEARNED
    "'case_executed');";

_Static_assert(APPLICATION_ID == 1280199751 && STORE_SCHEMA_VERSION == 1, "SCHEMA says the same");

void store_close(struct store **store)
{
    if (!*store)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize((*store)->statements[i]);
    check(sqlite3_close((*store)->database) == SQLITE_OK);
    free(*store);
    *store = NULL;
}

static bool run_text(struct store *store, const char *text, const char *doing, struct err *err)
{
    if (sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_failed(store, doing, err);
}

static bool one_number(struct store *store, const char *text, int64_t *ret_number, struct err *err)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        (void)store_failed(store, "opening it", err);
        sqlite3_finalize(statement);
        return false;
    }
    *ret_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return true;
}

/* A file of somebody else, or of a later version of us, is left as it is. */
static bool ensure_schema(struct store *store, const char *path, struct err *err)
{
    int64_t version, application, tables;

    if (!one_number(store, "PRAGMA user_version", &version, err) ||
        !one_number(store, "PRAGMA application_id", &application, err) ||
        !one_number(store, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    if (version == 0 && application == 0 && tables == 0)
        return run_text(store, PRAGMAS, "opening it", err) &&
               run_text(store, SCHEMA, "making its tables", err) &&
               run_text(store, ADDED, "making its tables", err);
    if (application != APPLICATION_ID)
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "'%s' is a database of another program: it is not touched; give the ledger its own "
            "file",
            path);
    if (version != STORE_SCHEMA_VERSION)
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "'%s' has schema %lld, this program knows %d: start the version that wrote it", path,
            (long long)version, STORE_SCHEMA_VERSION);
    return run_text(store, PRAGMAS, "opening it", err) && run_text(store, ADDED, "opening it", err);
}

bool store_open(const char *path, struct store **ret_store, struct err *err)
{
    /* SQLite would make it readable by all; its WAL takes the mode of the file. */
    scoped(fd_done) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_code(err, ERR_SYSTEM, "ledger_io", NULL, "cannot open the ledger '%s': %s", path,
            strerror(errno));
    fd_done(&fd); /* now: closing a second descriptor later would drop SQLite's locks */

    scoped(store_close) struct store *store = calloc(1, sizeof *store);
    check(store);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK)
        return store_failed(store, "opening it", err);
    (void)sqlite3_busy_timeout(store->database, STORE_BUSY_MS);
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Set at once, so that the very first read takes the file exclusively. */
    if (!run_text(store, "PRAGMA locking_mode = EXCLUSIVE", "opening it", err) ||
        !ensure_schema(store, path, err))
        return false;
    *ret_store = store;
    store = NULL;
    return true;
}

bool store_set_identity(struct store *store, const struct store_identity *identity, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *put = NULL;

    if (!statement_take(store, STATEMENT_PUT_IDENTITY, &put, err))
        return false;
    bind_text(put, 1, str_from(identity->origin));
    bind_blob(
        put, 2, (struct str){(const char *)identity->public_key, sizeof identity->public_key});
    return statement_run(store, put, "writing who it is", err);
}

static bool run_plain(struct store *store, enum statement which, const char *doing, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *statement = NULL;

    return statement_take(store, which, &statement, err) &&
           statement_run(store, statement, doing, err);
}

bool store_begin(struct store *store, struct err *err)
{
    check(!store->in_batch);
    store->in_batch = run_plain(store, STATEMENT_BEGIN, "beginning a batch", err);
    return store->in_batch;
}

void store_rollback(struct store *store)
{
    struct err err;

    if (!store->in_batch)
        return;
    store->in_batch = false;
    /* Some failures (a full disk) have rolled back already: then there is no transaction to end. */
    if (!sqlite3_get_autocommit(store->database) &&
        !run_plain(store, STATEMENT_ROLLBACK, "rolling back", &err))
        panic("%s", err.message);
}

bool store_put(struct store *store, const struct store_entry *entry, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *put = NULL;
    scoped(statement_done) sqlite3_stmt *put_case = NULL;

    check(store->in_batch && entry->seq > 0);
    if (!statement_take(store, STATEMENT_PUT, &put, err))
        return false;
    bind_seq(put, 1, entry->seq);
    bind_text(put, 2, entry->case_id);
    bind_text(put, 3, entry->kind);
    bind_text(put, 4, entry->at);
    bind_text(put, 5, entry->line);
    bind_blob(put, 6, digest_str(&entry->leaf));
    bind_blob(put, 7, digest_str(&entry->chain));
    if (!statement_run(store, put, "appending", err))
        return false;
    if (entry->case_id.len == 0)
        return true;
    if (!statement_take(store, STATEMENT_PUT_CASE, &put_case, err))
        return false;
    bind_text(put_case, 1, entry->case_id);
    bind_seq(put_case, 2, entry->seq);
    bind_seq(put_case, 3, entry->is_open);
    return statement_run(store, put_case, "appending", err);
}

bool store_put_checkpoint(
    struct store *store, const struct store_checkpoint *checkpoint, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *put = NULL;

    check(store->in_batch);
    if (!statement_take(store, STATEMENT_PUT_CHECKPOINT, &put, err))
        return false;
    bind_seq(put, 1, checkpoint->size);
    bind_text(put, 2, checkpoint->text);
    bind_text(put, 3, checkpoint->at);
    bind_blob(put, 4, checkpoint->state);
    return statement_run(store, put, "writing a checkpoint", err);
}

static bool put_head(struct store *store, const struct store_head *head, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *put = NULL;

    if (!statement_take(store, STATEMENT_PUT_HEAD, &put, err))
        return false;
    bind_seq(put, 1, head->size);
    bind_blob(put, 2, digest_str(&head->chain));
    bind_text(put, 3, str_from(head->at));
    return statement_run(store, put, "writing its head", err);
}

bool store_commit(struct store *store, const struct store_head *head, struct err *err)
{
    check(store->in_batch);
    if (!put_head(store, head, err) ||
        !run_plain(store, STATEMENT_COMMIT, "making a batch durable", err)) {
        store_rollback(store);
        return false;
    }
    store->in_batch = false;
    return true;
}
