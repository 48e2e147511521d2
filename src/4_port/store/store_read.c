/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "store_private.h"

#include <inttypes.h>
#include <stdio.h>

static bool damaged(struct err *err, const char *what)
{
    return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
        "the ledger is damaged: %s; restore it from its backup and compare with your checkpoints",
        what);
}

/* The next row, the end (*ret_more false), or an error. */
static bool next_row(struct store *store, sqlite3_stmt *statement, bool *ret_more, struct err *err)
{
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return store_failed(store, "reading", err);
    *ret_more = result == SQLITE_ROW;
    return true;
}

bool store_identity(
    struct store *store, bool *ret_known, struct store_identity *ret, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    bool more = false;

    if (!statement_take(store, STATEMENT_IDENTITY, &get, err) || !next_row(store, get, &more, err))
        return false;
    if (more) {
        struct str origin = column_text(get, 0), key = column_blob(get, 1);
        if (origin.len >= sizeof ret->origin || key.len != sizeof ret->public_key)
            return damaged(err, "its identity is malformed");
        snprintf(ret->origin, sizeof ret->origin, "%.*s", STR(origin));
        memcpy(ret->public_key, key.at, key.len);
    }
    *ret_known = more;
    return true;
}

bool store_head(struct store *store, struct store_head *ret_head, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    struct store_head head = {0};
    bool more = false;

    if (!statement_take(store, STATEMENT_HEAD, &get, err) || !next_row(store, get, &more, err))
        return false;
    if (more) {
        struct str at = column_text(get, 2);
        head.size = (uint64_t)sqlite3_column_int64(get, 0);
        if (!column_digest(get, 1, &head.chain) || at.len >= sizeof head.at)
            return damaged(err, "its head is malformed");
        snprintf(head.at, sizeof head.at, "%.*s", STR(at));
        if ((uint64_t)sqlite3_column_int64(get, 4) != head.size ||
            (head.size && sqlite3_column_int64(get, 3) != 1))
            return damaged(err, "entries are missing at its beginning or end");
    }
    *ret_head = head;
    return true;
}

static enum statement statement_of(enum store_what what)
{
    switch (what) {
    case STORE_AFTER:
        return STATEMENT_AFTER;
    case STORE_CASE:
        return STATEMENT_CASE_ENTRIES;
    case STORE_OPEN:
        return STATEMENT_OPEN;
    case STORE_LEARNED:
        return STATEMENT_LEARNED;
    }
    panic("no such reading: %d", (int)what);
}

bool store_read(struct store *store, const struct store_query *query,
    bool (*row)(void *owner, const struct store_entry *entry), void *owner, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    bool more = false;

    if (!statement_take(store, statement_of(query->what), &get, err))
        return false;
    bind_seq(get, 1, query->after);
    if (query->what == STORE_CASE)
        bind_text(get, 2, query->case_id);
    for (;;) {
        if (!next_row(store, get, &more, err))
            return false;
        if (!more)
            return true;
        struct store_entry entry = {.seq = (uint64_t)sqlite3_column_int64(get, 0),
            .case_id = column_text(get, 1),
            .kind = column_text(get, 2),
            .at = column_text(get, 3),
            .line = column_text(get, 4)};
        if (!column_digest(get, 5, &entry.leaf) || !column_digest(get, 6, &entry.chain))
            return damaged(err, "an entry has no hash");
        if (!row(owner, &entry))
            return true;
    }
}

static struct store_case case_row(sqlite3_stmt *get)
{
    return (struct store_case){.case_id = column_text(get, 0),
        .first_seq = (uint64_t)sqlite3_column_int64(get, 1),
        .last_seq = (uint64_t)sqlite3_column_int64(get, 2),
        .is_open = sqlite3_column_int(get, 3) != 0};
}

bool store_cases(struct store *store, uint64_t before,
    bool (*row)(void *owner, const struct store_case *one), void *owner, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    bool more = false;

    if (!statement_take(store, STATEMENT_CASES, &get, err))
        return false;
    bind_seq(get, 1, before ? before : INT64_MAX);
    for (;;) {
        if (!next_row(store, get, &more, err))
            return false;
        if (!more)
            return true;
        struct store_case one = case_row(get);
        if (!row(owner, &one))
            return true;
    }
}

bool store_case(struct store *store, struct str case_id, bool *ret_found,
    struct store_case *ret_case, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    bool more = false;

    if (!statement_take(store, STATEMENT_CASE, &get, err))
        return false;
    bind_text(get, 1, case_id);
    if (!next_row(store, get, &more, err))
        return false;
    *ret_found = more;
    if (more) {
        *ret_case = case_row(get);
        ret_case->case_id = case_id;
    }
    return true;
}

static bool read_checkpoints(struct store *store, sqlite3_stmt *get,
    bool (*row)(void *owner, const struct store_checkpoint *one), void *owner, struct err *err)
{
    bool more = false;

    for (;;) {
        if (!next_row(store, get, &more, err))
            return false;
        if (!more)
            return true;
        struct store_checkpoint one = {.size = (uint64_t)sqlite3_column_int64(get, 0),
            .text = column_text(get, 1),
            .at = column_text(get, 2),
            .state = column_blob(get, 3)};
        if (!row(owner, &one))
            return true;
    }
}

bool store_checkpoints(struct store *store, uint64_t after,
    bool (*row)(void *owner, const struct store_checkpoint *one), void *owner, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;

    if (!statement_take(store, STATEMENT_CHECKPOINTS, &get, err))
        return false;
    bind_seq(get, 1, after);
    return read_checkpoints(store, get, row, owner, err);
}

bool store_last_checkpoint(struct store *store,
    bool (*row)(void *owner, const struct store_checkpoint *one), void *owner, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;

    return statement_take(store, STATEMENT_LAST_CHECKPOINT, &get, err) &&
           read_checkpoints(store, get, row, owner, err);
}

bool store_checkpoint_count(struct store *store, uint64_t *ret_count, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *get = NULL;
    bool more = false;

    if (!statement_take(store, STATEMENT_CHECKPOINT_COUNT, &get, err) ||
        !next_row(store, get, &more, err))
        return false;
    *ret_count = (uint64_t)sqlite3_column_int64(get, 0);
    return true;
}

bool store_index_sound(
    struct store *store, bool *ret_sound, char ret_why[ERR_MESSAGE_BYTES_MAX], struct err *err)
{
    scoped(statement_done) sqlite3_stmt *pages = NULL;
    scoped(statement_done) sqlite3_stmt *wrong = NULL;
    bool more = false;

    if (!statement_take(store, STATEMENT_INTEGRITY, &pages, err) ||
        !next_row(store, pages, &more, err))
        return false;
    if (!more || !str_eq(column_text(pages, 0), S("ok"))) {
        snprintf(ret_why, ERR_MESSAGE_BYTES_MAX, "SQLite finds: %.*s", STR(column_text(pages, 0)));
        *ret_sound = false;
        return true;
    }
    if (!statement_take(store, STATEMENT_INDEX_WRONG, &wrong, err) ||
        !next_row(store, wrong, &more, err))
        return false;
    if (more)
        snprintf(ret_why, ERR_MESSAGE_BYTES_MAX,
            "the index of case '%.*s' is not what its entries say", STR(column_text(wrong, 0)));
    *ret_sound = !more;
    return true;
}
