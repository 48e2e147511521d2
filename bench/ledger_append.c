/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger_append — durable entries a second, in groups of 1, 16 and 64, against bare SQLite inserts
 * of the same lines in transactions of the same size (same pragmas, same disk, turn by turn). Ours
 * also checks, canonicalises, hashes, keeps three indexes and signs; on a disk with a slow fsync
 * the ratio goes to 1.
 *
 *     ledger_append [FOLDER]         the disk under FOLDER is what is measured; default: here
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "ledger/core.h"
#include "message/message.h"
#include "os/clock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 7
#define GROUPS_PER_ROUND 100
#define BODY_TEXT                                                                                  \
    "a plan of usual length, three hundred bytes or so: add A test.local 192.168.1.100 ttl 300"

static const size_t GROUP_SIZES[] = {1, 16, 64};

static void drop(void *owner, json_t *message)
{
    check(strcmp(message_text(message, "type"), "appended") == 0);
    (*(size_t *)owner)++;
    json_decref(message);
}

static json_t *append_of(int64_t id)
{
    return message_make(MESSAGE_append, "{s:I, s:[{s:s, s:s, s:s, s:{s:s, s:I}, s:b}]}", "id",
        (json_int_t)id, "entries", "kind", "case_judged", "case", "01J0000000000000000000000A",
        "actor", "judge", "body", "text", BODY_TEXT, "n", (json_int_t)id, "open", 1);
}

/* Entries a second. */
static double run_ours(struct ledger_core *core, json_t *const *messages, size_t group)
{
    int64_t start_ns = clock_steady_ns();
    size_t answered = 0;

    for (int g = 0; g < GROUPS_PER_ROUND; g++) {
        ledger_begin(core);
        for (size_t i = 0; i < group; i++)
            ledger_add(core, messages[i]);
        ledger_commit(core, drop, &answered);
    }
    check(answered == group * GROUPS_PER_ROUND);
    return (double)answered * 1e9 / (double)(clock_steady_ns() - start_ns);
}

static void sql(sqlite3 *database, const char *text)
{
    if (sqlite3_exec(database, text, NULL, NULL, NULL) != SQLITE_OK)
        panic("%s", sqlite3_errmsg(database));
}

static double run_peer(sqlite3 *database, sqlite3_stmt *insert, size_t group)
{
    char line[400];
    int64_t start_ns = clock_steady_ns();

    memset(line, 'x', sizeof line);
    for (int g = 0; g < GROUPS_PER_ROUND; g++) {
        sql(database, "BEGIN IMMEDIATE");
        for (size_t i = 0; i < group; i++) {
            check(sqlite3_bind_text(insert, 1, line, sizeof line, SQLITE_STATIC) == SQLITE_OK);
            check(sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK);
        }
        sql(database, "COMMIT");
    }
    return (double)(group * GROUPS_PER_ROUND) * 1e9 / (double)(clock_steady_ns() - start_ns);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    char folder[512], path[600];
    struct ledger_core *core = NULL;
    sqlite3 *peer = NULL;
    sqlite3_stmt *insert = NULL;
    json_t *messages[64];
    struct err err = {0};

    snprintf(folder, sizeof folder, "%s/ledger_append.XXXXXX", argc > 1 ? argv[1] : ".");
    check(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/peer.db", folder);
    if (!ledger_open(
            &(struct ledger_setup){folder, "bench.example/ledger", clock_civil_ms}, &core, &err))
        panic("%s", err.message);
    check(sqlite3_open(path, &peer) == SQLITE_OK);
    sql(peer, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
              "CREATE TABLE entry(seq INTEGER PRIMARY KEY, line TEXT)");
    check(sqlite3_prepare_v2(peer, "INSERT INTO entry(line) VALUES(?1)", -1, &insert, NULL) ==
          SQLITE_OK);
    for (size_t i = 0; i < COUNT(messages); i++)
        messages[i] = append_of((int64_t)i);
    for (size_t g = 0; g < COUNT(GROUP_SIZES); g++) {
        double ours[ROUNDS], theirs[ROUNDS];
        for (int r = 0; r < ROUNDS; r++) {
            ours[r] = run_ours(core, messages, GROUP_SIZES[g]);
            theirs[r] = run_peer(peer, insert, GROUP_SIZES[g]);
        }
        double value = median(ours), other = median(theirs), ratio = value / other;
        printf("figure: ledger_append_group_%zu value=%.0f unit=entries/s peer=sqlite_insert:%.0f "
               "ratio=%.2f\n",
            GROUP_SIZES[g], value, other, ratio);
    }
    for (size_t i = 0; i < COUNT(messages); i++)
        json_decref(messages[i]);
    sqlite3_finalize(insert);
    sqlite3_close(peer);
    ledger_close(&core);
    static const char *const FILES[] = {"peer.db", LEDGER_FILE, LEDGER_KEY_FILE};
    for (size_t i = 0; i < COUNT(FILES); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        (void)unlink(path);
    }
    return rmdir(folder) != 0;
}
