/* SPDX-License-Identifier: Apache-2.0 */
#include "retrieval/inside.h"

#include "base/panic.h"
#include "crypto/crypto.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define APPLICATION_ID "1280197700" /* 0x4c4e4444, "LNDD" */
#define BUSY_MS 2000
#define LIST_MAX 1000

static const char PRAGMAS[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
                              "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 4194304;";
static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE document(id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL UNIQUE, "
    "title TEXT NOT "
    "NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, chunks INTEGER NOT NULL, added_at_ms "
    "INTEGER NOT NULL) STRICT;"
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES "
    "document(id) ON "
    "DELETE CASCADE, title TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL, sha256 TEXT "
    "NOT NULL, embedded INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX chunk_of ON chunk(document);"
    "CREATE INDEX chunk_unembedded ON chunk(id) WHERE embedded = 0;"
    "CREATE VIRTUAL TABLE chunk_words USING fts5(title, section, text, content = 'chunk', "
    "content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2');"
    "CREATE TABLE vectors(one INTEGER PRIMARY KEY CHECK(one = 1), model TEXT NOT NULL, dimensions "
    "INTEGER NOT NULL) STRICT;"
    "PRAGMA application_id = " APPLICATION_ID ";"
    "PRAGMA user_version = 1;"
    "COMMIT;";

bool docs_failed(struct retrieval *retrieval, const char *doing, struct err *err)
{
    int code = sqlite3_errcode(retrieval->database) & 0xff;
    bool full =
        code == SQLITE_FULL || sqlite3_extended_errcode(retrieval->database) == SQLITE_IOERR_WRITE;
    bool broken = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

    return err_code(err, ERR_SYSTEM,
        full     ? "docs_full"
        : broken ? "docs_broken"
                 : "docs_io",
        NULL, "%s the documents: %s", doing, sqlite3_errmsg(retrieval->database));
}

bool docs_run(struct retrieval *retrieval, const char *text, const char *doing, struct err *err)
{
    return sqlite3_exec(retrieval->database, text, NULL, NULL, NULL) == SQLITE_OK ||
           docs_failed(retrieval, doing, err);
}

bool docs_prepare(
    struct retrieval *retrieval, const char *text, sqlite3_stmt **ret_statement, struct err *err)
{
    return sqlite3_prepare_v2(retrieval->database, text, -1, ret_statement, NULL) == SQLITE_OK ||
           docs_failed(retrieval, "reading", err);
}

void docs_statement_done(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

bool docs_number(
    struct retrieval *retrieval, const char *text, int64_t *ret_number, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!docs_prepare(retrieval, text, &statement, err))
        return false;
    int step = sqlite3_step(statement);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return docs_failed(retrieval, "reading", err);
    *ret_number = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return true;
}

bool docs_step(
    struct retrieval *retrieval, sqlite3_stmt *statement, const char *doing, struct err *err)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE || docs_failed(retrieval, doing, err);
    sqlite3_reset(statement);
    return done;
}

void docs_bind(sqlite3_stmt *statement, int at, struct str text)
{
    check(sqlite3_bind_text64(statement, at, text.len ? text.at : "", text.len, SQLITE_STATIC,
              SQLITE_UTF8) == SQLITE_OK);
}

json_t *docs_column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text ? json_stringn(text, (size_t)sqlite3_column_bytes(statement, at)) : json_null();
}

/* --- opening ------------------------------------------------------------------------- */

static bool load_vectors(struct retrieval *retrieval, const char *path, struct err *err)
{
    char *why = NULL;

    if (!path)
        return true;
    check(sqlite3_db_config(retrieval->database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL) ==
          SQLITE_OK);
    int done = sqlite3_load_extension(retrieval->database, path, "sqlite3_vec_init", &why);
    check(sqlite3_db_config(retrieval->database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) ==
          SQLITE_OK);
    retrieval->can_vectors = done == SQLITE_OK;
    if (!retrieval->can_vectors)
        (void)err_code(err, ERR_INPUT, "no_vectors", NULL,
            "'%s' cannot be loaded as sqlite-vec: %s", path, why ? why : "no reason given");
    sqlite3_free(why);
    return retrieval->can_vectors;
}

static bool read_vectors(struct retrieval *retrieval, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!docs_prepare(retrieval, "SELECT model, dimensions FROM vectors", &statement, err))
        return false;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(retrieval->model, sizeof retrieval->model, "%s",
            (const char *)sqlite3_column_text(statement, 0));
        retrieval->dimensions = sqlite3_column_int64(statement, 1);
    }
    return true;
}

/* What another program, or a later version of this one, wrote is left as it is. */
static bool ensure_schema(struct retrieval *retrieval, const char *path, struct err *err)
{
    int64_t version = 0, application = 0, tables = 0;

    if (!docs_number(retrieval, "PRAGMA user_version", &version, err) ||
        !docs_number(retrieval, "PRAGMA application_id", &application, err) ||
        !docs_number(retrieval, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    if (version == 0 && application == 0 && tables == 0)
        return docs_run(retrieval, PRAGMAS, "opening", err) &&
               docs_run(retrieval, SCHEMA, "making", err);
    if (version == 1 && application == strtoll(APPLICATION_ID, NULL, 10))
        return docs_run(retrieval, PRAGMAS, "opening", err) && read_vectors(retrieval, err) &&
               vectors_clear_up(retrieval, err);
    return err_code(err, ERR_SYSTEM, "docs_broken", NULL,
        "'%s' is a database of another program or version: it is not touched; move it away", path);
}

bool retrieval_open(
    const struct retrieval_config *config, struct retrieval **ret_retrieval, struct err *err)
{
    scoped(retrieval_close) struct retrieval *retrieval = calloc(1, sizeof *retrieval);
    const char *path = config->path;

    check(retrieval);
    if (path) { /* SQLite would make it readable by all */
        scoped(fd_done) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return err_code(
                err, ERR_SYSTEM, "docs_io", NULL, "cannot open '%s': %s", path, strerror(errno));
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
    if (sqlite3_open_v2(path ? path : ":memory:", &retrieval->database, flags, NULL) != SQLITE_OK)
        return docs_failed(retrieval, "opening", err);
    sqlite3_busy_timeout(retrieval->database, BUSY_MS);
    if (!load_vectors(retrieval, config->vec_extension, err) ||
        !ensure_schema(retrieval, path ? path : "memory", err))
        return false;
    *ret_retrieval = retrieval;
    retrieval = NULL;
    return true;
}

void retrieval_close(struct retrieval **at)
{
    if (*at)
        check(sqlite3_close((*at)->database) == SQLITE_OK);
    free(*at);
    *at = NULL;
}

/* --- adding -------------------------------------------------------------------------- */

static bool is_fine(const struct retrieval_document *document, struct err *err)
{
    struct str source = document->source, text = document->text;

    if (source.len == 0 || source.len > RETRIEVAL_SOURCE_BYTES_MAX || !str_is_utf8(source) ||
        memchr(source.at, '\0', source.len))
        return err_code(err, ERR_INPUT, "bad_document", "source",
            "a document needs a source of 1 to %d bytes of UTF-8", RETRIEVAL_SOURCE_BYTES_MAX);
    if (text.len > RETRIEVAL_DOCUMENT_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "docs_too_large", "text",
            "the document has %zu bytes, %d are allowed: give it in parts", text.len,
            RETRIEVAL_DOCUMENT_BYTES_MAX);
    if (document->title.len > RETRIEVAL_TITLE_BYTES_MAX || !str_is_utf8(document->title))
        return err_code(err, ERR_INPUT, "bad_document", "title",
            "a title has at most %d bytes of UTF-8", RETRIEVAL_TITLE_BYTES_MAX);
    if (str_trim(text).len == 0 || !str_is_utf8(text) || memchr(text.at, '\0', text.len))
        return err_code(err, ERR_INPUT, "bad_document", "text",
            "the text of '%.*s' is empty or not UTF-8 text", STR(source));
    return true;
}

/* Its own, else its first heading, else where it is from. */
static struct str title_of(const struct retrieval_document *document)
{
    struct str rest = document->text, section = {0};
    struct retrieval_chunk chunk;

    if (document->title.len)
        return document->title;
    if (retrieval_chunk_next(&rest, &section, &chunk) && chunk.section.len &&
        chunk.section.len <= RETRIEVAL_TITLE_BYTES_MAX && *document->text.at == '#')
        return chunk.section;
    return document->source;
}

static bool put_chunks(struct retrieval *retrieval, int64_t id, struct str title, struct str text,
    int64_t *ret_count, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *chunks = NULL, *words = NULL;
    struct str section = {0};
    struct retrieval_chunk chunk;
    char hash[SHA256_HEX_BYTES];

    if (!docs_prepare(retrieval,
            "INSERT INTO chunk(document, title, section, text, sha256) VALUES(?1, ?2, ?3, ?4, ?5)",
            &chunks, err) ||
        !docs_prepare(retrieval,
            "INSERT INTO chunk_words(rowid, title, section, text) VALUES(?1, ?2, ?3, ?4)", &words,
            err))
        return false;
    for (*ret_count = 0; retrieval_chunk_next(&text, &section, &chunk); ++*ret_count) {
        sha256_hex(chunk.text, hash);
        check(sqlite3_bind_int64(chunks, 1, id) == SQLITE_OK);
        for (int i = 0; i < 2; i++) {
            docs_bind(i ? words : chunks, 2, title);
            docs_bind(i ? words : chunks, 3, chunk.section);
            docs_bind(i ? words : chunks, 4, chunk.text);
        }
        docs_bind(chunks, 5, str_from(hash));
        if (!docs_step(retrieval, chunks, "writing", err))
            return false;
        check(sqlite3_bind_int64(words, 1, sqlite3_last_insert_rowid(retrieval->database)) ==
              SQLITE_OK);
        if (!docs_step(retrieval, words, "writing", err))
            return false;
    }
    return true;
}

static bool within_limits(struct retrieval *retrieval, struct err *err)
{
    int64_t documents = 0, chunks = 0;

    if (!docs_number(retrieval, "SELECT count(*) FROM document", &documents, err) ||
        !docs_number(retrieval, "SELECT count(*) FROM chunk", &chunks, err))
        return false;
    if (documents <= RETRIEVAL_DOCUMENTS_MAX && chunks <= RETRIEVAL_CHUNKS_MAX)
        return true;
    return err_code(err, ERR_LIMIT, "docs_too_many", NULL,
        "%d documents and %d pieces are kept at most: remove some", RETRIEVAL_DOCUMENTS_MAX,
        RETRIEVAL_CHUNKS_MAX);
}

/* FTS5 has no text of its own: it is told what goes. No triggers: they may not touch a virtual
 * table in a schema that is not trusted. */
static bool remove_id(struct retrieval *retrieval, int64_t id, struct err *err)
{
    static const char FORGET[] =
        "INSERT INTO chunk_words(chunk_words, rowid, title, section, text) "
        "SELECT 'delete', id, title, section, text FROM chunk WHERE document = ?1";
    static const char *const STEPS[] = {
        FORGET, "DELETE FROM chunk WHERE document = ?1", "DELETE FROM document WHERE id = ?1"};

    if (!vectors_forget(retrieval, id, err))
        return false;
    for (size_t i = 0; i < COUNT(STEPS); i++) {
        scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
        if (!docs_prepare(retrieval, STEPS[i], &statement, err))
            return false;
        check(sqlite3_bind_int64(statement, 1, id) == SQLITE_OK);
        if (!docs_step(retrieval, statement, "removing", err))
            return false;
    }
    return true;
}

/* Is this source there, and with these bytes? */
static bool known(struct retrieval *retrieval, struct str source, const char *hash,
    struct retrieval_added *ret, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!docs_prepare(retrieval, "SELECT id, sha256, chunks FROM document WHERE source = ?1",
            &statement, err))
        return false;
    docs_bind(statement, 1, source);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        ret->id = sqlite3_column_int64(statement, 0);
        ret->unchanged = strcmp((const char *)sqlite3_column_text(statement, 1), hash) == 0;
        ret->replaced = !ret->unchanged;
        ret->chunks = ret->unchanged ? sqlite3_column_int64(statement, 2) : 0;
    }
    return true;
}

static bool put_document(struct retrieval *retrieval, const struct retrieval_document *document,
    const char *hash, int64_t now_ms, struct retrieval_added *ret, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *insert = NULL, *count = NULL;
    struct str title = title_of(document);

    if ((ret->replaced && !remove_id(retrieval, ret->id, err)) ||
        !docs_prepare(retrieval,
            "INSERT INTO document(source, title, sha256, bytes, chunks, added_at_ms) "
            "VALUES(?1, ?2, ?3, ?4, 0, ?5)",
            &insert, err) ||
        !docs_prepare(retrieval, "UPDATE document SET chunks = ?1 WHERE id = ?2", &count, err))
        return false;
    docs_bind(insert, 1, document->source);
    docs_bind(insert, 2, title);
    docs_bind(insert, 3, str_from(hash));
    check(sqlite3_bind_int64(insert, 4, (int64_t)document->text.len) == SQLITE_OK &&
          sqlite3_bind_int64(insert, 5, now_ms) == SQLITE_OK);
    if (!docs_step(retrieval, insert, "writing", err))
        return false;
    ret->id = sqlite3_last_insert_rowid(retrieval->database);
    if (!put_chunks(retrieval, ret->id, title, document->text, &ret->chunks, err))
        return false;
    check(sqlite3_bind_int64(count, 1, ret->chunks) == SQLITE_OK &&
          sqlite3_bind_int64(count, 2, ret->id) == SQLITE_OK);
    return docs_step(retrieval, count, "writing", err) && within_limits(retrieval, err);
}

/* Everything of `done` or nothing. */
static bool end_batch(struct retrieval *retrieval, bool done, struct err *err)
{
    if (done && docs_run(retrieval, "COMMIT", "writing", err))
        return true;
    (void)sqlite3_exec(retrieval->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool retrieval_add(struct retrieval *retrieval, const struct retrieval_document *document,
    int64_t now_ms, struct retrieval_added *ret, struct err *err)
{
    char hash[SHA256_HEX_BYTES];

    *ret = (struct retrieval_added){0};
    if (!is_fine(document, err))
        return false;
    const struct str parts[] = {title_of(document), S("\n"), document->text};
    uint8_t digest[SHA256_BYTES];
    sha256_parts(parts, 3, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    if (!known(retrieval, document->source, hash, ret, err))
        return false;
    return ret->unchanged ||
           (docs_run(retrieval, "BEGIN IMMEDIATE", "writing", err) &&
               end_batch(
                   retrieval, put_document(retrieval, document, hash, now_ms, ret, err), err));
}

bool retrieval_remove(struct retrieval *retrieval, int64_t id, bool *ret_found, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!docs_prepare(retrieval, "SELECT 1 FROM document WHERE id = ?1", &statement, err))
        return false;
    check(sqlite3_bind_int64(statement, 1, id) == SQLITE_OK);
    *ret_found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return !*ret_found || (docs_run(retrieval, "BEGIN IMMEDIATE", "removing", err) &&
                              end_batch(retrieval, remove_id(retrieval, id, err), err));
}

/* --- listing ------------------------------------------------------------------------- */

static json_t *row_of(sqlite3_stmt *statement)
{
    json_t *row = json_pack("{s:I, s:o, s:o, s:o, s:I, s:I, s:I}", "id",
        (json_int_t)sqlite3_column_int64(statement, 0), "source", docs_column(statement, 1),
        "title", docs_column(statement, 2), "sha256", docs_column(statement, 3), "bytes",
        (json_int_t)sqlite3_column_int64(statement, 4), "chunks",
        (json_int_t)sqlite3_column_int64(statement, 5), "added_at_ms",
        (json_int_t)sqlite3_column_int64(statement, 6));
    check(row);
    return row;
}

bool retrieval_list(struct retrieval *retrieval, struct str after, int64_t limit, json_t **ret_list,
    struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
    int64_t documents = 0, chunks = 0, embedded = 0;

    if (!docs_number(retrieval, "SELECT count(*) FROM document", &documents, err) ||
        !docs_number(retrieval, "SELECT count(*) FROM chunk", &chunks, err) ||
        !docs_number(retrieval, "SELECT count(*) FROM chunk WHERE embedded = 1", &embedded, err) ||
        !docs_prepare(retrieval,
            "SELECT id, source, title, sha256, bytes, chunks, added_at_ms FROM document WHERE "
            "source > ?1 ORDER BY source LIMIT ?2",
            &statement, err))
        return false;
    docs_bind(statement, 1, after);
    limit = limit < 1 || limit > LIST_MAX ? LIST_MAX : limit;
    check(sqlite3_bind_int64(statement, 2, limit) == SQLITE_OK);
    json_t *rows = json_array();
    while (sqlite3_step(statement) == SQLITE_ROW)
        json_array_append_new(rows, row_of(statement));
    *ret_list = json_pack("{s:o, s:I, s:I, s:I, s:o}", "documents", rows, "count",
        (json_int_t)documents, "chunks", (json_int_t)chunks, "embedded", (json_int_t)embedded,
        "model", retrieval->model[0] ? json_string(retrieval->model) : json_null());
    check(*ret_list);
    return true;
}
