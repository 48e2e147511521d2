/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAL_HEAD_BYTES 32 /* its salts change whenever it begins anew */
#define COPY_STEP_BYTES (256u << 10)
#define COPY_NAME "copy.db"

static const char *const LOGS[] = {"-wal", "-journal"};

/* What a copy of three files depends on. */
struct look {
    struct stat file, journal;
    bool has_wal, has_journal;
    char wal_head[WAL_HEAD_BYTES];
    ssize_t wal_head_len;
};

static void close_database(sqlite3 **database)
{
    (void)sqlite3_close(*database);
    *database = NULL;
}

static bool name_of(
    char ret[PATH_MAX], const char *a, const char *b, const char *c, struct err *err)
{
    if (snprintf(ret, PATH_MAX, "%s%s%s", a, b, c) < PATH_MAX)
        return true;
    return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", a);
}

static bool look_at(const char *path, struct look *ret_look, struct err *err)
{
    struct look look = {0};
    char log[PATH_MAX];

    if (stat(path, &look.file) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", path, strerror(errno));
    if (!name_of(log, path, LOGS[0], "", err))
        return false;
    scoped(fd_done) int wal = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    look.has_wal = wal >= 0;
    if (look.has_wal)
        look.wal_head_len = pread(wal, look.wal_head, sizeof look.wal_head, 0);
    if (!name_of(log, path, LOGS[1], "", err))
        return false;
    look.has_journal = stat(log, &look.journal) == 0;
    *ret_look = look;
    return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same(const struct look *a, const struct look *b)
{
    return same_file(&a->file, &b->file) && a->has_wal == b->has_wal &&
           a->wal_head_len == b->wal_head_len &&
           memcmp(a->wal_head, b->wal_head, sizeof a->wal_head) == 0 &&
           a->has_journal == b->has_journal &&
           (!a->has_journal || same_file(&a->journal, &b->journal));
}

/* So young that a change of this very moment could bear the same time. */
static bool young(const struct stat *file)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - file->st_mtim.tv_sec) * 1000 +
                     (now.tv_nsec - file->st_mtim.tv_nsec) / 1000000;
    return age_ms >= 0 && age_ms < SNAPSHOT_QUIET_MS;
}

/* A file that is not there is copied as none. */
static bool copy_file(const char *from, const char *to, struct err *err)
{
    scoped(fd_done) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0 && errno == ENOENT)
        return unlink(to) == 0 || errno == ENOENT ||
               err_set(err, ERR_SYSTEM, "cannot remove '%s': %s", to, strerror(errno));
    if (in < 0)
        return err_set(err, ERR_SYSTEM, "cannot open '%s': %s", from, strerror(errno));
    scoped(fd_done) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", to, strerror(errno));
    scoped(free_done) char *step = malloc(COPY_STEP_BYTES);
    check(step);
    for (;;) {
        ssize_t got = read(in, step, COPY_STEP_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "cannot read '%s': %s", from, strerror(errno));
        if (got == 0)
            return true;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(out, step + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", to, strerror(errno));
            done += put > 0 ? put : 0;
        }
    }
}

/* The file before its logs: what a log has been emptied into must not be older than it. */
static bool copy_once(const char *path, const char *copy, bool *ret_quiet, struct err *err)
{
    struct look before, after;
    char from[PATH_MAX], to[PATH_MAX];

    if (!look_at(path, &before, err))
        return false;
    *ret_quiet = false;
    if (young(&before.file))
        return true;
    if (!copy_file(path, copy, err))
        return false;
    for (size_t i = 0; i < COUNT(LOGS); i++)
        if (!name_of(from, path, LOGS[i], "", err) || !name_of(to, copy, LOGS[i], "", err) ||
            !copy_file(from, to, err))
            return false;
    if (!look_at(path, &after, err))
        return false;
    *ret_quiet = same(&before, &after);
    return true;
}

static bool copy_quietly(const char *path, const char *copy, struct err *err)
{
    int64_t end = clock_steady_ms() + SNAPSHOT_PATIENCE_MS;

    for (;;) {
        bool quiet;
        if (!copy_once(path, copy, &quiet, err))
            return false;
        if (quiet)
            return true;
        if (clock_steady_ms() > end)
            return err_code(err, ERR_SYSTEM, "snapshot_busy", NULL,
                "'%s' was written all the time for %d s: try again when less is going on", path,
                SNAPSHOT_PATIENCE_MS / 1000);
        const struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL);
    }
}

static bool sqlite_failed(sqlite3 *database, const char *path, const char *doing, struct err *err)
{
    int kind = sqlite3_errcode(database) & 0xff;
    bool broken = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;

    return err_code(err, ERR_SYSTEM, broken ? "snapshot_broken" : "snapshot_io", NULL,
        "%s '%s' failed: %s", doing, path, sqlite3_errmsg(database));
}

static bool sound(sqlite3 *database, const char *path, struct err *err)
{
    sqlite3_stmt *look = NULL;
    char why[256] = "";

    if (sqlite3_prepare_v2(database, "PRAGMA integrity_check(1)", -1, &look, NULL) != SQLITE_OK ||
        sqlite3_step(look) != SQLITE_ROW) {
        (void)sqlite_failed(database, path, "checking the copy of", err);
        (void)sqlite3_finalize(look);
        return false;
    }
    snprintf(why, sizeof why, "%s", (const char *)sqlite3_column_text(look, 0));
    (void)sqlite3_finalize(look);
    if (strcmp(why, "ok") == 0)
        return true;
    return err_code(
        err, ERR_SYSTEM, "snapshot_broken", NULL, "'%s' is damaged: SQLite finds: %s", path, why);
}

/* Recover, check, and by SQLite's own copying one file without a log. */
static bool make_one(const char *path, const char *copy, const char *to, struct err *err)
{
    scoped(close_database) sqlite3 *from = NULL;
    scoped(close_database) sqlite3 *into = NULL;

    scoped(fd_done) int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", to, strerror(errno));
    fd_done(&fd);
    if (sqlite3_open_v2(copy, &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(from, "PRAGMA trusted_schema = OFF; PRAGMA locking_mode = EXCLUSIVE", NULL,
            NULL, NULL) != SQLITE_OK)
        return sqlite_failed(from, path, "opening the copy of", err);
    if (!sound(from, path, err))
        return false;
    if (sqlite3_open_v2(to, &into, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return sqlite_failed(into, path, "copying", err);
    sqlite3_backup *backup = sqlite3_backup_init(into, "main", from, "main");
    if (!backup)
        return sqlite_failed(into, path, "copying", err);
    (void)sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) != SQLITE_OK)
        return sqlite_failed(into, path, "copying", err);
    return true;
}

bool snapshot_make(const char *path, const char *folder, const char *name, struct err *err)
{
    char copy[PATH_MAX], to[PATH_MAX], log[PATH_MAX];
    static const char *const LEFT[] = {"", "-wal", "-journal", "-shm"};

    if (!name_of(copy, folder, "/", COPY_NAME, err) || !name_of(to, folder, "/", name, err))
        return false;
    bool good = copy_quietly(path, copy, err) && make_one(path, copy, to, err);
    for (size_t i = 0; i < COUNT(LEFT); i++)
        if (snprintf(log, sizeof log, "%s%s", copy, LEFT[i]) < PATH_MAX)
            (void)unlink(log);
    if (!good)
        (void)unlink(to);
    return good;
}
