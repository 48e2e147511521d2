/* SPDX-License-Identifier: Apache-2.0
 * Copies of a file that another process writes as fast as it can, holding it exclusively.
 */
#include "store/snapshot.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define COPIES 12
#define FIRST_ROWS 50

static char at[64], path[96];

static void run(sqlite3 *database, const char *text)
{
    if (sqlite3_exec(database, text, NULL, NULL, NULL) != SQLITE_OK)
        panic("%s: %s", text, sqlite3_errmsg(database));
}

/* Each transaction adds a row to both tables; `told` gets a byte for each that is durable. */
static void write_on(const char *mode, int told)
{
    sqlite3 *database;
    char text[128];

    check(sqlite3_open(path, &database) == SQLITE_OK);
    snprintf(text, sizeof text, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = %s", mode);
    run(database, text);
    run(database, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 40");
    run(database, "CREATE TABLE IF NOT EXISTS a(n INTEGER PRIMARY KEY, t TEXT);"
                  "CREATE TABLE IF NOT EXISTS b(n INTEGER PRIMARY KEY, t TEXT)");
    for (;;) {
        run(database, "BEGIN; INSERT INTO a(t) VALUES(hex(randomblob(900)));"
                      "INSERT INTO b(t) VALUES(hex(randomblob(900))); COMMIT");
        check(write(told, ".", 1) == 1);
        usleep(2000);
    }
}

static pid_t writer(const char *mode, int *ret_told)
{
    int ends[2];
    char byte;

    snprintf(at, sizeof at, "%s", scratch_folder());
    snprintf(path, sizeof path, "%s/x.db", at);
    check(pipe(ends) == 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0)
        write_on(mode, ends[1]);
    close(ends[1]);
    for (int i = 0; i < FIRST_ROWS; i++)
        check(read(ends[0], &byte, 1) == 1);
    check(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    *ret_told = ends[0];
    return pid;
}

static int rows_told(int told, int before)
{
    char bytes[4096];
    ssize_t got;

    while ((got = read(told, bytes, sizeof bytes)) > 0)
        before += (int)got;
    return before;
}

/* Of both tables, equal; -1: not. */
static int rows_of(const char *name)
{
    sqlite3 *database;
    sqlite3_stmt *count;
    char where[160];
    int rows = -1;

    snprintf(where, sizeof where, "%s/%s", at, name);
    check(sqlite3_open_v2(where, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    if (sqlite3_prepare_v2(database, "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)",
            -1, &count, NULL) == SQLITE_OK &&
        sqlite3_step(count) == SQLITE_ROW &&
        sqlite3_column_int(count, 0) == sqlite3_column_int(count, 1))
        rows = sqlite3_column_int(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(database);
    return rows;
}

static void copies_while_it_is_written(const char *mode)
{
    int told, durable = FIRST_ROWS;
    pid_t pid = writer(mode, &told);
    struct err err;
    struct stat seen;
    char name[16], where[128];

    for (int i = 0; i < COPIES; i++) {
        snprintf(name, sizeof name, "copy%d", i);
        snprintf(where, sizeof where, "%s/%s", at, name);
        durable = rows_told(told, durable);
        if (!snapshot_make(path, at, name, &err)) {
            CHECK_TEXT(err.message, "a copy");
            break;
        }
        int rows = rows_of(name);
        if (rows < durable)
            CHECK_INT(rows, durable);
        CHECK(stat(where, &seen) == 0 && (seen.st_mode & 0777) == 0600);
    }
    CHECK(rows_told(told, durable) > durable); /* it never stopped writing */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    durable = rows_told(told, durable);
    REQUIRE(snapshot_make(path, at, "last", &err));
    CHECK(rows_of("last") >= durable);
    snprintf(where, sizeof where, "%s/copy.db", at);
    CHECK(!file_exists(where));
    close(told);
}

TEST(with_a_write_ahead_log_copies_are_whole_and_hold_what_was_durable)
{
    copies_while_it_is_written("WAL");
}

TEST(a_file_with_a_rollback_journal_is_copied_after_a_kill_and_a_damaged_one_is_not)
{
    int told;
    pid_t pid = writer("DELETE", &told);
    scoped(buf_done) struct buf text = buf_of(64u << 20);
    struct err err;
    char where[160];

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(told);
    snprintf(where, sizeof where, "%s/first", at);
    REQUIRE(snapshot_make(path, at, "first", &err));
    CHECK(rows_of("first") >= FIRST_ROWS);
    CHECK(file_read(where, &text, &err));
    memset(text.at + text.len / 2, 'x', text.len / 4);
    check(file_replace(path, buf_str(&text), 0600, &err));
    snprintf(where, sizeof where, "%s-journal", path);
    (void)unlink(where);
    CHECK(!snapshot_make(path, at, "second", &err));
    CHECK_TEXT(err.code, "snapshot_broken");
    snprintf(where, sizeof where, "%s/second", at);
    CHECK(!file_exists(where));
    CHECK(!snapshot_make("/nowhere/x.db", at, "third", &err));
}

TAP_MAIN
