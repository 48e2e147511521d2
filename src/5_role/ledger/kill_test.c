/* SPDX-License-Identifier: Apache-2.0
 *
 * A child appends in groups and reports what was acknowledged through a pipe; it is killed with
 * SIGKILL at a moment chosen by chance (fixed seed), a hundred times, on one and the same ledger.
 * After each: every acknowledged entry is there under its number and hash, and the ledger opens; at
 * the end it verifies whole.
 */
#include "ledger/fixture.h"
#include "scratch.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 100
#define HASH_BYTES 64

struct receipt {
    int64_t seq;
    char hash[HASH_BYTES];
};

static void report(void *owner, json_t *message)
{
    const json_t *given = json_array_get(json_object_get(message, "entries"), 0);
    struct receipt receipt = {.seq = message_int(given, "seq")};

    check(fixture_is(message, "appended"));
    memcpy(receipt.hash, message_text(given, "hash"), HASH_BYTES);
    check(write(*(int *)owner, &receipt, sizeof receipt) == sizeof receipt);
    json_decref(message);
}

_Noreturn static void append_for_ever(const char *folder, int pipe_end)
{
    struct ledger_core *core = NULL;
    struct err err = {0};

    if (!fixture_open(folder, &core, &err)) {
        fprintf(stderr, "# %s\n", err.message);
        _exit(1);
    }
    for (int64_t id = 1;; id++) {
        ledger_begin(core);
        for (int64_t i = 0; i <= id % 7; i++) {
            json_t *append = fixture_append(id, "case_opened", id % 3 ? "A" : "", true);
            ledger_add(core, append);
            json_decref(append);
        }
        ledger_commit(core, report, &pipe_end);
    }
}

/* The hashes that were acknowledged, by number; what was not acknowledged may be there or not. */
static char (*acknowledged)[HASH_BYTES];
static int64_t acknowledged_count;

static void take_receipts(int fd)
{
    struct receipt receipt;

    while (read(fd, &receipt, sizeof receipt) == sizeof receipt) {
        if (receipt.seq > acknowledged_count) {
            acknowledged = realloc(acknowledged, (size_t)receipt.seq * HASH_BYTES);
            check(acknowledged);
            memset(acknowledged[acknowledged_count], 0,
                (size_t)(receipt.seq - acknowledged_count) * HASH_BYTES);
            acknowledged_count = receipt.seq;
        }
        check(acknowledged[receipt.seq - 1][0] == '\0'); /* no number is given twice */
        memcpy(acknowledged[receipt.seq - 1], receipt.hash, HASH_BYTES);
    }
}

/* true: the child lived until the kill. */
static bool run_and_kill(const char *folder, long after_us)
{
    int ends[2], status;

    check(pipe(ends) == 0);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        close(ends[0]);
        append_for_ever(folder, ends[1]);
    }
    close(ends[1]);
    /* A reader drains the pipe while the child runs; the killer sleeps beside it. */
    pid_t killer = fork();
    check(killer >= 0);
    if (killer == 0) {
        close(ends[0]);
        nanosleep(&(struct timespec){after_us / 1000000, after_us % 1000000 * 1000}, NULL);
        kill(child, SIGKILL);
        _exit(0);
    }
    take_receipts(ends[0]);
    close(ends[0]);
    waitpid(child, &status, 0);
    waitpid(killer, NULL, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* The entry behind `seq` names its hash. */
static int64_t count_lost(struct ledger_core *core, int64_t from)
{
    int64_t lost = 0, after = from;

    for (bool more = true; more;) {
        scoped(json_done) json_t *page = fixture_read(core, "after", after, "", 0);
        const json_t *entry;
        size_t i;
        json_array_foreach(json_object_get(page, "entries"), i, entry)
        {
            int64_t before = message_int(entry, "seq") - 1;
            if (before > 0 && before <= acknowledged_count && acknowledged[before - 1][0])
                lost +=
                    memcmp(message_text(entry, "prev"), acknowledged[before - 1], HASH_BYTES) != 0;
            after = before + 1;
        }
        more = message_true(page, "more");
    }
    return lost + (after < acknowledged_count ? acknowledged_count - after : 0);
}

TEST(hundred_kills_lose_nothing_that_was_acknowledged)
{
    const char *folder = scratch_folder();
    struct err err = {0};
    unsigned seed = 6962;

    for (int round = 0; round < KILLS; round++) {
        scoped(ledger_close) struct ledger_core *core = NULL;
        int64_t before = acknowledged_count;
        REQUIRE(run_and_kill(folder, rand_r(&seed) % 60000));
        if (!fixture_open(folder, &core, &err))
            printf("# round %d: %s\n", round, err.message);
        REQUIRE(core);
        REQUIRE((int64_t)ledger_size(core) >= acknowledged_count);
        CHECK_INT(count_lost(core, before > 500 ? before - 500 : 0), 0);
    }
    scoped(ledger_close) struct ledger_core *core = NULL;
    REQUIRE(fixture_open(folder, &core, &err));
    CHECK_INT(count_lost(core, 0), 0);
    scoped(json_done) json_t *verified = fixture_verify(core);
    CHECK(message_true(json_object_get(verified, "info"), "ok"));
    printf(
        "# %" PRId64 " acknowledged, %" PRIu64 " there\n", acknowledged_count, ledger_size(core));
    CHECK(acknowledged_count > KILLS);
    free(acknowledged);
}

TAP_MAIN
