/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/usage_db.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>

#define APPLICATION_ID "1280202049" /* 0x4c4e5541, "LNUA" */
#define DAY_MS 86400000
#define BUSY_MS 2000
#define COLUMNS                                                                                    \
    "day INTEGER NOT NULL, caller TEXT NOT NULL, model TEXT NOT NULL, requests INTEGER NOT NULL, " \
    "failed INTEGER NOT NULL, cancelled INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, "        \
    "completion_tokens INTEGER NOT NULL, wasted_tokens INTEGER NOT NULL, busy_ms INTEGER NOT "     \
    "NULL, held_ms INTEGER NOT NULL, PRIMARY KEY(day, caller, model)"

/* The temporary table lies in memory: it holds what a full disk did not take. */
static const char PRAGMAS[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
                              "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;"
                              "CREATE TEMP TABLE unwritten(" COLUMNS ") STRICT, WITHOUT ROWID;";
static const char SCHEMA[] = "BEGIN IMMEDIATE;"
                             "CREATE TABLE usage(" COLUMNS ") STRICT, WITHOUT ROWID;"
                             "PRAGMA application_id = " APPLICATION_ID ";"
                             "PRAGMA user_version = 1;"
                             "COMMIT;";

static const char *const NAMES[] = {"requests", "failed", "cancelled", "prompt_tokens",
    "completion_tokens", "wasted_tokens", "busy_ms", "held_ms"};

struct usage_db {
    sqlite3 *database;
};

int64_t usage_day_of(int64_t civil_ms)
{
    return civil_ms < 0 ? 0 : civil_ms / DAY_MS;
}

static bool failed(struct usage_db *db, const char *doing, struct err *err)
{
    int code = sqlite3_extended_errcode(db->database) & 0xff;
    bool broken = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

    return err_code(err, ERR_SYSTEM, broken ? "usage_broken" : "usage_io", NULL,
        "%s the usage database: %s", doing, sqlite3_errmsg(db->database));
}

static bool run(struct usage_db *db, const char *text, const char *doing, struct err *err)
{
    return sqlite3_exec(db->database, text, NULL, NULL, NULL) == SQLITE_OK ||
           failed(db, doing, err);
}

static void statement_done(sqlite3_stmt **at)
{
    sqlite3_finalize(*at);
}

static bool number(struct usage_db *db, const char *text, int64_t *ret_number, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db->database, text, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return failed(db, "opening", err);
    *ret_number = sqlite3_column_int64(statement, 0);
    return true;
}

/* What another program, or a later version of this one, wrote is left as it is. */
static bool ensure_schema(struct usage_db *db, const char *path, struct err *err)
{
    int64_t version = 0, application = 0, tables = 0, usage = 0;

    if (!number(db, "PRAGMA user_version", &version, err) ||
        !number(db, "PRAGMA application_id", &application, err) ||
        !number(db, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
        !number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'usage'", &usage, err))
        return false;
    if (version == 0 && application == 0 && tables == 0)
        return run(db, PRAGMAS, "opening", err) && run(db, SCHEMA, "making", err);
    char text[16];
    snprintf(text, sizeof text, "%lld", (long long)application);
    if (version == 1 && usage == 1 && strcmp(text, APPLICATION_ID) == 0)
        return run(db, PRAGMAS, "opening", err);
    return err_code(err, ERR_SYSTEM, "usage_broken", NULL,
        "'%s' is a database of another program or version: it is not touched; move it away", path);
}

bool usage_db_open(const char *path, struct usage_db **ret_db, struct err *err)
{
    scoped(usage_db_close) struct usage_db *db = calloc(1, sizeof *db);

    check(db);
    if (path) { /* SQLite would make it readable by all */
        scoped(fd_done) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return err_code(
                err, ERR_SYSTEM, "usage_io", NULL, "cannot open '%s': %s", path, strerror(errno));
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path ? path : ":memory:", &db->database, flags, NULL) != SQLITE_OK)
        return failed(db, "opening", err);
    sqlite3_busy_timeout(db->database, BUSY_MS);
    if (!ensure_schema(db, path ? path : "memory", err))
        return false;
    *ret_db = db;
    db = NULL;
    return true;
}

void usage_db_close(struct usage_db **at)
{
    if (*at)
        check(sqlite3_close((*at)->database) == SQLITE_OK);
    free(*at);
    *at = NULL;
}

/* --- adding ------------------------------------------------------------------------ */

static void bind_row(sqlite3_stmt *statement, const struct sum_row *row, const char *model)
{
    const struct usage_work *work = &row->work;
    const int64_t numbers[] = {work->requests, work->failed, work->cancelled, work->prompt_tokens,
        work->completion_tokens, work->wasted_tokens, work->busy_ms, work->held_ms};
    const char *caller = model ? USAGE_OTHER : row->caller;

    sqlite3_bind_int64(statement, 1, row->day);
    sqlite3_bind_text(statement, 2, caller, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, model ? model : row->model, -1, SQLITE_STATIC);
    for (size_t i = 0; i < COUNT(numbers); i++)
        sqlite3_bind_int64(statement, (int)i + 4, numbers[i]);
}

static bool step_row(struct usage_db *db, sqlite3_stmt *statement, const struct sum_row *row,
    const char *other, struct err *err)
{
    bind_row(statement, row, other);
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        (void)failed(db, "writing", err);
    sqlite3_reset(statement);
    return done;
}

static bool day_count(
    struct usage_db *db, sqlite3_stmt *count, int64_t day, int64_t *ret_rows, struct err *err)
{
    sqlite3_bind_int64(count, 1, day);
    bool good = sqlite3_step(count) == SQLITE_ROW;
    if (good)
        *ret_rows = sqlite3_column_int64(count, 0);
    else
        (void)failed(db, "reading", err);
    sqlite3_reset(count);
    return good;
}

static const char INSERT[] = "INSERT INTO usage VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char UPDATE[] =
    "UPDATE usage SET requests = requests + ?4, failed = failed + ?5, cancelled = cancelled + ?6, "
    "prompt_tokens = prompt_tokens + ?7, completion_tokens = completion_tokens + ?8, "
    "wasted_tokens = wasted_tokens + ?9, busy_ms = busy_ms + ?10, held_ms = held_ms + ?11 "
    "WHERE day = ?1 AND caller = ?2 AND model = ?3";
static const char COUNT_DAY[] = "SELECT count(*) FROM usage WHERE day = ?";

/* Each to its row; a new row only while the day has few. */
static bool put_rows(
    struct usage_db *db, const struct sums *sums, uint64_t *ret_folded, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *insert = NULL, *update = NULL, *count = NULL;
    int64_t day = -1, rows = 0;

    if (sqlite3_prepare_v2(db->database, INSERT, -1, &insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db->database, UPDATE, -1, &update, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db->database, COUNT_DAY, -1, &count, NULL) != SQLITE_OK)
        return failed(db, "writing", err);
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum_row *row = &sums->rows[i];
        if (row->day != day && !day_count(db, count, row->day, &rows, err))
            return false;
        day = row->day;
        bool fits = rows < USAGE_DAY_ROWS_MAX;
        if (!step_row(db, update, row, NULL, err))
            return false;
        if (sqlite3_changes(db->database) > 0)
            continue;
        *ret_folded += !fits;
        if (!fits && !step_row(db, update, row, USAGE_OTHER, err))
            return false;
        if (!fits && sqlite3_changes(db->database) > 0)
            continue;
        if (!step_row(db, insert, row, fits ? NULL : USAGE_OTHER, err))
            return false;
        rows++;
    }
    return true;
}

static bool drop_old(struct usage_db *db, const struct sums *sums, struct err *err)
{
    char text[80];
    int64_t latest = 0;

    for (size_t i = 0; i < sums->count; i++)
        latest = sums->rows[i].day > latest ? sums->rows[i].day : latest;
    snprintf(text, sizeof text, "DELETE FROM usage WHERE day < %lld",
        (long long)(latest - USAGE_DAYS_KEPT));
    return run(db, text, "pruning", err);
}

bool usage_db_add(
    struct usage_db *db, const struct sums *sums, uint64_t *ret_folded, struct err *err)
{
    uint64_t folded = 0;

    if (sums->count == 0)
        return true;
    if (run(db, "BEGIN IMMEDIATE", "writing", err) && put_rows(db, sums, &folded, err) &&
        drop_old(db, sums, err) && run(db, "COMMIT", "writing", err)) {
        *ret_folded += folded;
        return true;
    }
    if (!sqlite3_get_autocommit(db->database))
        check(sqlite3_exec(db->database, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    return false;
}

/* --- answering --------------------------------------------------------------------- */

static const struct {
    const char *word, *columns;
    int count;
    const char *names[2];
} BY[] = {
    [USAGE_BY_CALLER_MODEL] = {"both", "caller, model", 2, {"caller", "model"}},
    [USAGE_BY_CALLER] = {"caller", "caller", 1, {"caller"}},
    [USAGE_BY_MODEL] = {"model", "model", 1, {"model"}},
    [USAGE_BY_DAY] = {"day", "day", 1, {"day"}},
};

bool usage_by_from(struct str word, enum usage_by *ret_by)
{
    for (size_t i = 0; i < COUNT(BY); i++)
        if (str_eq(word, str_from(BY[i].word))) {
            *ret_by = (enum usage_by)i;
            return true;
        }
    return false;
}

static json_t *day_json(int64_t day)
{
    char text[CLOCK_TEXT_BYTES];

    clock_text(day * DAY_MS, text);
    text[10] = '\0';
    return json_string(text);
}

static bool fill_unwritten(struct usage_db *db, const struct sums *unwritten, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *insert = NULL;

    if (!run(db, "DELETE FROM temp.unwritten", "reading", err))
        return false;
    if (sqlite3_prepare_v2(db->database,
            "INSERT INTO temp.unwritten VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &insert,
            NULL) != SQLITE_OK)
        return failed(db, "reading", err);
    for (size_t i = 0; i < unwritten->count; i++)
        if (!step_row(db, insert, &unwritten->rows[i], NULL, err))
            return false;
    return true;
}

/* `columns` "" asks for the sum of all. Every value is bound; the text is ours alone. */
static bool prepare(struct usage_db *db, const struct usage_question *question, const char *columns,
    sqlite3_stmt **ret_statement, struct err *err)
{
    char text[1024];
    bool grouped = *columns;

    snprintf(text, sizeof text,
        "SELECT %s%s sum(requests), sum(failed), sum(cancelled), sum(prompt_tokens), "
        "sum(completion_tokens), sum(wasted_tokens), sum(busy_ms), sum(held_ms) FROM (SELECT * "
        "FROM main.usage UNION ALL SELECT * FROM temp.unwritten) WHERE day >= ?1 AND day <= ?2 "
        "AND (?3 = '' OR caller = ?3) AND (?4 = '' OR model = ?4) %s%s%s%s LIMIT %d",
        columns, grouped ? "," : "", grouped ? "GROUP BY " : "", columns,
        grouped ? " ORDER BY " : "", columns, USAGE_ANSWER_ROWS_MAX + 1);
    if (sqlite3_prepare_v2(db->database, text, -1, ret_statement, NULL) != SQLITE_OK)
        return failed(db, "reading", err);
    sqlite3_bind_int64(*ret_statement, 1, usage_day_of(question->since_ms));
    sqlite3_bind_int64(
        *ret_statement, 2, question->until_ms ? usage_day_of(question->until_ms) : INT64_MAX);
    sqlite3_bind_text(*ret_statement, 3, question->caller.len ? question->caller.at : "",
        (int)question->caller.len, SQLITE_STATIC);
    sqlite3_bind_text(*ret_statement, 4, question->model.len ? question->model.at : "",
        (int)question->model.len, SQLITE_STATIC);
    return true;
}

static json_t *row_json(sqlite3_stmt *statement, enum usage_by by, int names)
{
    json_t *row = json_object();

    for (int i = 0; i < names; i++) {
        json_t *value = by == USAGE_BY_DAY
                            ? day_json(sqlite3_column_int64(statement, i))
                            : json_string((const char *)sqlite3_column_text(statement, i));
        check(json_object_set_new(row, BY[by].names[i], value) == 0);
    }
    for (size_t i = 0; i < COUNT(NAMES); i++)
        check(json_object_set_new(row, NAMES[i],
                  json_integer(sqlite3_column_int64(statement, names + (int)i))) == 0);
    return row;
}

static bool read_rows(
    struct usage_db *db, const struct usage_question *question, json_t *answer, struct err *err)
{
    scoped(statement_done) sqlite3_stmt *rows = NULL, *total = NULL;
    json_t *list = json_array();
    int state;

    check(json_object_set_new(answer, "rows", list) == 0);
    if (!prepare(db, question, BY[question->by].columns, &rows, err) ||
        !prepare(db, question, "", &total, err))
        return false;
    while (
        (state = sqlite3_step(rows)) == SQLITE_ROW && json_array_size(list) < USAGE_ANSWER_ROWS_MAX)
        check(
            json_array_append_new(list, row_json(rows, question->by, BY[question->by].count)) == 0);
    if (state != SQLITE_ROW && state != SQLITE_DONE)
        return failed(db, "reading", err);
    check(json_object_set_new(answer, "truncated", json_boolean(state == SQLITE_ROW)) == 0);
    if (sqlite3_step(total) != SQLITE_ROW)
        return failed(db, "reading", err);
    check(json_object_set_new(answer, "total", row_json(total, question->by, 0)) == 0);
    return true;
}

bool usage_db_ask(struct usage_db *db, const struct usage_question *question,
    const struct sums *unwritten, json_t **ret_answer, struct err *err)
{
    scoped(json_done) json_t *answer =
        json_pack("{s:o, s:o, s:s}", "since", day_json(usage_day_of(question->since_ms)), "until",
            question->until_ms ? day_json(usage_day_of(question->until_ms)) : json_null(), "by",
            BY[question->by].word);

    check(answer);
    if (!fill_unwritten(db, unwritten, err) || !read_rows(db, question, answer, err))
        return false;
    *ret_answer = json_incref(answer);
    return true;
}
