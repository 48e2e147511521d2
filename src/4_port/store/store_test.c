/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "scratch.h"
#include "store/store.h"
#include "tap.h"

#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fresh_path(void)
{
    static char path[96];

    snprintf(path, sizeof path, "%s/ledger.db", scratch_folder());
    return path;
}

static bool put(struct store *store, uint64_t seq, const char *case_id, const char *kind,
    bool is_open, size_t line_bytes, struct err *err)
{
    scoped(free_done) char *line = malloc(line_bytes);

    memset(line, 'x', line_bytes);
    return store_put(store,
        &(struct store_entry){.seq = seq,
            .case_id = str_from(case_id),
            .kind = str_from(kind),
            .at = S("2026-11-21T00:00:00.000Z"),
            .line = {line, line_bytes},
            .leaf = {{(uint8_t)seq}},
            .chain = {{(uint8_t)seq, 1}},
            .is_open = is_open},
        err);
}

static struct store_head head_of(uint64_t size)
{
    return (struct store_head){size, {{(uint8_t)size, 1}}, "2026-11-21T00:00:00.000Z"};
}

static bool put_one(struct store *store, uint64_t seq, size_t line_bytes, struct err *err)
{
    struct store_head head = head_of(seq);

    if (!store_begin(store, err))
        return false;
    if (put(store, seq, "", "note", false, line_bytes, err))
        return store_commit(store, &head, err);
    store_rollback(store);
    return false;
}

/* Three cases in eight entries: A open, B done, C open; 8 belongs to none. */
static bool fill(struct store *store, struct err *err)
{
    struct store_head head = head_of(8);

    return store_begin(store, err) && put(store, 1, "A", "case_opened", true, 9, err) &&
           put(store, 2, "B", "case_opened", true, 9, err) &&
           put(store, 3, "A", "case_judged", true, 9, err) &&
           put(store, 4, "C", "case_opened", true, 9, err) &&
           put(store, 5, "B", "case_executed", false, 9, err) &&
           put(store, 6, "C", "case_executed", true, 9, err) &&
           put(store, 7, "A", "case_failed", true, 9, err) &&
           put(store, 8, "", "kb_loaded", false, 9, err) && store_commit(store, &head, err);
}

struct seen {
    char text[256];
    size_t enough;
    size_t count;
};

static void note(struct seen *seen, const char *what, uint64_t number)
{
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "%s%" PRIu64 " ", what, number);
    seen->count++;
}

static bool on_entry(void *owner, const struct store_entry *entry)
{
    note(owner, "", entry->seq);
    return ((struct seen *)owner)->count != ((struct seen *)owner)->enough;
}

static bool on_case(void *owner, const struct store_case *one)
{
    char what[64];
    snprintf(what, sizeof what, "%.*s%s", STR(one->case_id), one->is_open ? "+" : "-");
    note(owner, what, one->last_seq);
    return ((struct seen *)owner)->count != ((struct seen *)owner)->enough;
}

static void check_read(
    struct store *store, struct store_query query, size_t enough, const char *want)
{
    struct seen seen = {.enough = enough};
    struct err err = {0};
    CHECK(store_read(store, &query, on_entry, &seen, &err));
    CHECK_TEXT(seen.text, want);
}

TEST(entries_are_read_after_a_seq_by_case_open_and_learned)
{
    scoped(store_close) struct store *store = NULL;
    struct err err = {0};

    REQUIRE(store_open(fresh_path(), &store, &err) && fill(store, &err));
    check_read(store, (struct store_query){.what = STORE_AFTER}, 0, "1 2 3 4 5 6 7 8 ");
    check_read(store, (struct store_query){.what = STORE_AFTER, .after = 6}, 0, "7 8 ");
    check_read(store, (struct store_query){.what = STORE_AFTER}, 3, "1 2 3 ");
    check_read(store, (struct store_query){STORE_CASE, 0, S("A")}, 0, "1 3 7 ");
    check_read(store, (struct store_query){STORE_CASE, 3, S("A")}, 0, "7 ");
    check_read(store, (struct store_query){STORE_CASE, 0, S("Z")}, 0, "");
    check_read(store, (struct store_query){.what = STORE_OPEN}, 0, "1 3 4 6 7 ");
    check_read(store, (struct store_query){.what = STORE_OPEN, .after = 4}, 0, "6 7 ");
    check_read(store, (struct store_query){.what = STORE_LEARNED}, 0, "5 6 7 ");
    check_read(store, (struct store_query){.what = STORE_LEARNED, .after = 5}, 0, "6 7 ");
    check_read(store, (struct store_query){.what = STORE_AFTER, .after = UINT64_MAX}, 0, "");
}

TEST(every_kind_that_the_rules_learn_is_read_again_in_order)
{
    static const char *const KINDS[] = {"kb_loaded",
#define LEARNED(kind) #kind,
#include "ledger/learned.def"
#undef LEARNED
        "alert_other", "case_failed", "alert_raised", ""};
    scoped(store_close) struct store *store = NULL;
    struct store_head head = head_of(COUNT(KINDS));
    struct err err = {0};

    REQUIRE(store_open(fresh_path(), &store, &err) && store_begin(store, &err));
    for (size_t i = 0; i < COUNT(KINDS); i++)
        CHECK(put(store, i + 1, "", KINDS[i], false, 9, &err));
    REQUIRE(store_commit(store, &head, &err));
    check_read(store, (struct store_query){.what = STORE_LEARNED}, 0,
        "2 3 4 5 6 7 8 9 10 11 12 13 15 16 ");
}

TEST(cases_come_newest_first_in_pages)
{
    scoped(store_close) struct store *store = NULL;
    struct seen all = {0}, page = {.enough = 1}, rest = {0};
    struct store_case one;
    bool found = false;
    struct err err = {0};

    REQUIRE(store_open(fresh_path(), &store, &err) && fill(store, &err));
    CHECK(store_cases(store, 0, on_case, &all, &err));
    CHECK_TEXT(all.text, "C+6 B-5 A+7 ");
    CHECK(store_cases(store, 0, on_case, &page, &err));
    CHECK_TEXT(page.text, "C+6 ");
    CHECK(store_cases(store, 4, on_case, &rest, &err));
    CHECK_TEXT(rest.text, "B-5 A+7 ");
    CHECK(store_case(store, S("B"), &found, &one, &err) && found && !one.is_open);
    CHECK(store_case(store, S("Z"), &found, &one, &err) && !found);
}

TEST(batch_rolled_back_leaves_nothing)
{
    scoped(store_close) struct store *store = NULL;
    struct store_head head;
    struct err err = {0};

    REQUIRE(store_open(fresh_path(), &store, &err) && put_one(store, 1, 10, &err));
    REQUIRE(store_begin(store, &err));
    CHECK(put(store, 2, "A", "case_opened", true, 10, &err));
    CHECK(!put(store, 2, "A", "case_opened", true, 10, &err));
    store_rollback(store);
    CHECK(store_head(store, &head, &err) && head.size == 1);
    check_read(store, (struct store_query){.what = STORE_AFTER}, 0, "1 ");
    check_read(store, (struct store_query){STORE_CASE, 0, S("A")}, 0, "");
    CHECK(put_one(store, 2, 10, &err));
}

TEST(what_was_committed_is_there_at_the_next_start)
{
    const char *path = fresh_path();
    struct store_identity who = {"node.example/ledger", {7}}, back = {0};
    scoped(store_close) struct store *store = NULL;
    struct store_head head;
    struct stat seen;
    bool known = true;
    struct err err = {0};

    REQUIRE(store_open(path, &store, &err));
    CHECK(store_identity(store, &known, &back, &err) && !known);
    CHECK(store_head(store, &head, &err) && head.size == 0);
    REQUIRE(store_set_identity(store, &who, &err) && fill(store, &err));
    CHECK(!store_set_identity(store, &who, &err));
    store_close(&store);
    CHECK(stat(path, &seen) == 0 && (seen.st_mode & 0777) == 0600);
    REQUIRE(store_open(path, &store, &err));
    CHECK(store_identity(store, &known, &back, &err) && known);
    CHECK_TEXT(back.origin, who.origin);
    CHECK(memcmp(back.public_key, who.public_key, 32) == 0);
    CHECK(store_head(store, &head, &err) && head.size == 8 && head.chain.at[0] == 8);
}

TEST(second_process_is_refused)
{
    const char *path = fresh_path();
    scoped(store_close) struct store *store = NULL, *second = NULL;
    struct err err = {0};

    REQUIRE(store_open(path, &store, &err) && put_one(store, 1, 10, &err));
    CHECK(!store_open(path, &second, &err));
    CHECK_TEXT(err.code, "ledger_busy");
    CHECK(put_one(store, 2, 10, &err));
}

static bool on_checkpoint(void *owner, const struct store_checkpoint *one)
{
    note(owner, one->text.at, one->size);
    return true;
}

TEST(checkpoints_come_back_in_order)
{
    scoped(store_close) struct store *store = NULL;
    struct seen all = {0}, later = {0}, last = {0};
    struct store_head head = head_of(8);
    uint64_t count = 9;
    struct err err = {0};

    REQUIRE(store_open(fresh_path(), &store, &err) && fill(store, &err));
    CHECK(store_last_checkpoint(store, on_checkpoint, &last, &err) && last.count == 0);
    REQUIRE(store_begin(store, &err));
    CHECK(store_put_checkpoint(
        store, &(struct store_checkpoint){3, S("c"), S("t"), S("state")}, &err));
    CHECK(store_put_checkpoint(store, &(struct store_checkpoint){8, S("c"), S("t"), S("")}, &err));
    REQUIRE(store_commit(store, &head, &err));
    CHECK(store_checkpoints(store, 0, on_checkpoint, &all, &err));
    CHECK_TEXT(all.text, "c3 c8 ");
    CHECK(store_checkpoints(store, 3, on_checkpoint, &later, &err));
    CHECK_TEXT(later.text, "c8 ");
    CHECK(store_last_checkpoint(store, on_checkpoint, &last, &err));
    CHECK_TEXT(last.text, "c8 ");
    CHECK(store_checkpoint_count(store, &count, &err) && count == 2);
}

/* The kernel refuses to grow any file beyond the limit: real failing writes, as on a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(full_disk_loses_nothing_and_appending_goes_on_with_room)
{
    scoped(store_close) struct store *store = NULL;
    struct store_head head;
    uint64_t kept = 0;
    struct err err = {0};

    signal(SIGXFSZ, SIG_IGN);
    REQUIRE(store_open(fresh_path(), &store, &err));
    limit_files(512 * 1024);
    while (kept < 1000 && put_one(store, kept + 1, 9000, &err))
        kept++;
    CHECK(kept > 5 && kept < 1000);
    CHECK_TEXT(err.code, "ledger_full");
    for (int again = 0; again < 3; again++)
        CHECK(!put_one(store, kept + 1, 9000, &err));
    CHECK(store_head(store, &head, &err) && head.size == kept);
    limit_files(RLIM_INFINITY);
    CHECK(put_one(store, kept + 1, 9000, &err));
    CHECK(store_head(store, &head, &err) && head.size == kept + 1);
}

static bool run_raw(const char *path, const char *text)
{
    sqlite3 *raw = NULL;
    bool worked = sqlite3_open(path, &raw) == SQLITE_OK &&
                  sqlite3_exec(raw, text, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(raw);
    return worked;
}

TEST(foreign_newer_and_broken_files_are_refused_and_left_alone)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"CREATE TABLE photos(x)", "another program"},
        {"PRAGMA application_id = 1280199751; PRAGMA user_version = 99; CREATE TABLE t(x)",
            "start the version that wrote it"},
    };
    scoped(store_close) struct store *store = NULL;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *path = fresh_path();
        REQUIRE(run_raw(path, rows[i].text));
        CHECK(!store_open(path, &store, &err));
        CHECK_TEXT(err.code, "ledger_broken");
        CHECK(strstr(err.message, rows[i].words));
    }
    const char *path = fresh_path();
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    for (int i = 0; i < 5000; i++)
        fputs("no database ", file);
    fclose(file);
    CHECK(!store_open(path, &store, &err));
    CHECK_TEXT(err.code, "ledger_broken");
    CHECK(!store_open("/nowhere/ledger.db", &store, &err));
    CHECK_TEXT(err.code, "ledger_io");
}

static void check_head_after(const char *damage, const char *code)
{
    const char *path = fresh_path();
    scoped(store_close) struct store *store = NULL;
    struct store_head head;
    struct err err = {0};

    REQUIRE(store_open(path, &store, &err) && fill(store, &err));
    store_close(&store);
    REQUIRE(run_raw(path, damage));
    REQUIRE(store_open(path, &store, &err));
    CHECK(!store_head(store, &head, &err));
    CHECK_TEXT(err.code, code);
}

TEST(missing_rows_at_either_end_are_seen_at_once)
{
    check_head_after("DELETE FROM entry WHERE seq = 8", "ledger_broken");
    check_head_after("DELETE FROM entry WHERE seq = 1", "ledger_broken");
    check_head_after("DELETE FROM entry", "ledger_broken");
    check_head_after("UPDATE head SET chain = x'00'", "ledger_broken");
}

static void check_index_after(const char *change, bool want)
{
    const char *path = fresh_path();
    scoped(store_close) struct store *store = NULL;
    char why[ERR_MESSAGE_BYTES_MAX];
    bool sound = !want;
    struct err err = {0};

    REQUIRE(store_open(path, &store, &err) && fill(store, &err));
    store_close(&store);
    REQUIRE(run_raw(path, change));
    REQUIRE(store_open(path, &store, &err));
    CHECK(store_index_sound(store, &sound, why, &err) && sound == want);
}

TEST(wrong_index_of_cases_is_found)
{
    check_index_after("SELECT 1", true);
    check_index_after("UPDATE case_index SET last_seq = 1 WHERE case_id = 'A'", false);
    check_index_after("DELETE FROM case_index WHERE case_id = 'B'", false);
    check_index_after("INSERT INTO case_index VALUES('Q', 1, 1, 0)", false);
    check_index_after("UPDATE entry SET case_id = 'B' WHERE seq = 8", false);
}

TAP_MAIN
