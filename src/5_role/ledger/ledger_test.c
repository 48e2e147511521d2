/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/fixture.h"
#include "os/clock.h"
#include "scratch.h"
#include "tap.h"

#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool add_many(struct ledger_core *core, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        scoped(json_done) json_t *reply = fixture_one(core, fixture_append(i, "note", "", false));
        if (!fixture_is(reply, "appended"))
            return false;
    }
    return true;
}

static const char *code_of(const json_t *reply)
{
    return message_text(json_object_get(reply, "error"), "code");
}

/* "1 2 3 +" : the seqs of a page, and whether there is more. */
static void check_page(struct ledger_core *core, const char *what, int64_t after,
    const char *case_id, int64_t limit, const char *want)
{
    scoped(json_done) json_t *reply = fixture_read(core, what, after, case_id, limit);
    scoped(buf_done) struct buf seqs = buf_of(4096);
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(reply, "entries"), i, entry)
        buf_printf(&seqs, "%" PRId64 " ", message_int(entry, "seq"));
    if (message_true(reply, "more"))
        buf_add(&seqs, S("+"));
    CHECK_STR(buf_str(&seqs), want);
}

TEST(entry_is_the_canonical_line_of_the_protocol_and_follows_the_one_before)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    scoped(json_done) json_t *first =
        fixture_one(core, fixture_append(41, "case_opened", "A", true));
    scoped(json_done) json_t *second =
        fixture_one(core, fixture_append(42, "case_judged", "A", true));
    REQUIRE(fixture_is(first, "appended") && message_int(first, "id") == 41);
    scoped(json_done) json_t *page = fixture_read(core, "after", 0, "", 0);
    const json_t *one = json_array_get(json_object_get(page, "entries"), 0);
    const json_t *two = json_array_get(json_object_get(page, "entries"), 1);
    const json_t *given = json_array_get(json_object_get(first, "entries"), 0);
    CHECK_INT(json_object_size(two), 8);
    CHECK_INT(message_int(two, "seq"), 2);
    CHECK_INT(message_int(two, "v"), 1);
    CHECK_TEXT(message_text(two, "actor"), "judge");
    CHECK_TEXT(message_text(two, "case"), "A");
    CHECK_TEXT(message_text(two, "kind"), "case_judged");
    CHECK_TEXT(message_text(two, "at"), "2026-11-21T02:00:00.000Z");
    CHECK_TEXT(message_text(two, "prev"), message_text(given, "hash"));
    CHECK_TEXT(message_text(one, "prev"),
        "0000000000000000000000000000000000000000000000000000000000000000");
    CHECK_INT(message_int(json_array_get(json_object_get(second, "entries"), 0), "seq"), 2);
}

static json_t *broken_append(int64_t id, json_t *bad)
{
    return message_make(MESSAGE_append, "{s:I, s:[o, o]}", "id", (json_int_t)id, "entries",
        fixture_entry("note", "", json_object(), false), bad);
}

TEST(group_answers_each_message_and_one_wrong_message_harms_no_other)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    scoped(json_done) json_t *replies = json_array();
    struct err err = {0};

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    json_t *messages[] = {fixture_append(1, "note", "", false),
        broken_append(2, json_pack("{s:s}", "kind", "note")), fixture_append(3, "note", "", false)};
    ledger_begin(core);
    CHECK(ledger_idle(core));
    for (size_t i = 0; i < COUNT(messages); i++) {
        ledger_add(core, messages[i]);
        json_decref(messages[i]);
    }
    CHECK(!ledger_idle(core));
    ledger_commit(core, fixture_keep, replies);
    REQUIRE(json_array_size(replies) == 3);
    CHECK(fixture_is(json_array_get(replies, 0), "appended"));
    CHECK(fixture_is(json_array_get(replies, 1), "failed"));
    CHECK_TEXT(code_of(json_array_get(replies, 1)), "missing_field");
    CHECK(fixture_is(json_array_get(replies, 2), "appended"));
    CHECK_INT(message_int(json_array_get(replies, 2), "id"), 3);
    CHECK_INT(ledger_size(core), 2);
    check_page(core, "after", 0, "", 0, "1 2 ");
}

static void check_refused(struct ledger_core *core, json_t *append, const char *code)
{
    scoped(json_done) json_t *reply = fixture_one(core, append);
    CHECK(fixture_is(reply, "failed"));
    CHECK_TEXT(code_of(reply), code);
}

static json_t *one_with_body(json_t *body)
{
    return message_make(
        MESSAGE_append, "{s:i, s:[o]}", "id", 1, "entries", fixture_entry("note", "", body, false));
}

static json_t *nested(int depth)
{
    json_t *value = json_object();
    for (int i = 1; i < depth; i++)
        value = json_pack("{s:o}", "a", value);
    return value;
}

TEST(every_limit_of_an_append_has_its_answer)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};
    scoped(free_done) char *text = calloc(1, LEDGER_ENTRY_BYTES_MAX + 1);
    scoped(json_done) json_t *many = json_array();

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    memset(text, 'x', LEDGER_ENTRY_BYTES_MAX);
    check_refused(core, one_with_body(json_pack("{s:s}", "text", text)), "entry_too_large");
    check_refused(core, one_with_body(json_pack("{s:f}", "real", 1.5)), "not_canonical");
    check_refused(core, one_with_body(nested(LEDGER_DEPTH_MAX)), "entry_too_large");
    check_refused(core, one_with_body(nested(200)), "entry_too_large");
    check_refused(core, one_with_body(json_array()), "bad_type");
    check_refused(
        core, message_make(MESSAGE_append, "{s:i, s:[]}", "id", 1, "entries"), "batch_empty");
    text[LEDGER_KIND_BYTES_MAX + 1] = '\0';
    check_refused(core,
        message_make(MESSAGE_append, "{s:i, s:[o]}", "id", 1, "entries",
            fixture_entry(text, "", json_object(), false)),
        "out_of_range");
    for (int i = 0; i <= LEDGER_BATCH_ENTRIES_MAX; i++)
        json_array_append_new(many, fixture_entry("note", "", json_object(), false));
    check_refused(core, message_make(MESSAGE_append, "{s:i, s:O}", "id", 1, "entries", many),
        "batch_too_long");
    text[LEDGER_KIND_BYTES_MAX + 1] = 'x';
    text[LEDGER_ENTRY_BYTES_MAX - 1000] = '\0';
    json_t *wide = json_array();
    for (int i = 0; i < 5; i++)
        json_array_append_new(
            wide, fixture_entry("note", "", json_pack("{s:s}", "t", text), false));
    check_refused(core, message_make(MESSAGE_append, "{s:i, s:o}", "id", 1, "entries", wide),
        "entry_too_large");
    CHECK_INT(ledger_size(core), 0);
    json_array_remove(many, 0);
    scoped(json_done) json_t *fits =
        fixture_one(core, message_make(MESSAGE_append, "{s:i, s:O}", "id", 1, "entries", many));
    CHECK_INT(json_array_size(json_object_get(fits, "entries")), LEDGER_BATCH_ENTRIES_MAX);
    scoped(json_done) json_t *deep = fixture_one(core, one_with_body(nested(LEDGER_DEPTH_MAX - 1)));
    CHECK(fixture_is(deep, "appended"));
}

TEST(group_is_full_before_its_limit)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    scoped(json_done) json_t *replies = json_array();
    struct err err = {0};
    size_t count = 0;

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    ledger_begin(core);
    for (; ledger_room(core); count++) {
        scoped(json_done) json_t *append = fixture_append(1, "note", "", false);
        ledger_add(core, append);
    }
    ledger_commit(core, fixture_keep, replies);
    CHECK_INT(count, LEDGER_GROUP_MESSAGES_MAX);
    CHECK_INT(ledger_size(core), count);
}

TEST(reading_by_seq_case_open_and_learned)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    json_decref(fixture_one(core, fixture_append(1, "case_opened", "A", true)));
    json_decref(fixture_one(core, fixture_append(2, "case_opened", "B", true)));
    json_decref(fixture_one(core, fixture_append(3, "case_executed", "B", false)));
    json_decref(fixture_one(core, fixture_append(4, "case_judged", "A", true)));
    json_decref(fixture_one(core, fixture_append(5, "kb_loaded", "", true)));
    check_page(core, "after", 0, "", 0, "1 2 3 4 5 ");
    check_page(core, "after", 1, "", 2, "2 3 +");
    check_page(core, "after", 3, "", 2, "4 5 ");
    check_page(core, "after", 99, "", 0, "");
    check_page(core, "case", 0, "B", 0, "2 3 ");
    check_page(core, "case", 0, "B", 1, "2 +");
    check_page(core, "case", 0, "nobody", 0, "");
    check_page(core, "open", 0, "", 0, "1 4 ");
    check_page(core, "learned", 0, "", 0, "3 ");
    check_page(core, "cases", 0, "", 0, "2 3 1 4 ");
    check_page(core, "cases", 0, "", 1, "2 3 +");
    check_page(core, "cases", 0, "B", 1, "1 4 ");
    check_page(core, "cases", 2, "", 0, "1 4 ");
    scoped(json_done) json_t *strange = fixture_read(core, "everything", 0, "", 0);
    CHECK_TEXT(code_of(strange), "bad_what");
    scoped(json_done) json_t *negative = fixture_read(core, "after", -1, "", 0);
    CHECK_TEXT(code_of(negative), "out_of_range");
    scoped(json_done) json_t *nobody = fixture_read(core, "cases", 0, "nobody", 0);
    CHECK_TEXT(code_of(nobody), "no_such_case");
}

TEST(page_is_cut_by_count_and_by_bytes_and_fits_a_message)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    scoped(free_done) char *text = calloc(1, LEDGER_ENTRY_BYTES_MAX);
    struct err err = {0};
    int64_t after = 0, pages = 0;

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    for (size_t bytes = 1; bytes < LEDGER_ENTRY_BYTES_MAX / 2; bytes *= 2) {
        memset(text, '"', bytes - 1); /* twice as long as JSON */
        json_decref(fixture_one(
            core, message_make(MESSAGE_append, "{s:i, s:[o]}", "id", 1, "entries",
                      fixture_entry("note", "C", json_pack("{s:s}", "t", text), true))));
    }
    memset(text, 'x', LEDGER_ENTRY_BYTES_MAX - 300);
    json_decref(fixture_one(core, one_with_body(json_pack("{s:s}", "t", text))));
    for (int i = 0; i < 3; i++)
        REQUIRE(add_many(core, 300));
    for (bool more = true; more; pages++) {
        scoped(json_done) json_t *page = fixture_read(core, "after", after, "", 9999);
        scoped(free_done) char *wire = json_dumps(page, JSON_COMPACT);
        json_t *entries = json_object_get(page, "entries");
        REQUIRE(json_array_size(entries) > 0);
        CHECK(json_array_size(entries) <= LEDGER_PAGE_ENTRIES_MAX);
        CHECK(strlen(wire) <= MESSAGE_BYTES_MAX);
        CHECK_INT(message_int(json_array_get(entries, 0), "seq"), after + 1);
        after += (int64_t)json_array_size(entries);
        more = message_true(page, "more");
    }
    CHECK_INT(after, ledger_size(core));
    CHECK(pages >= 4);
    scoped(json_done) json_t *cases = fixture_read(core, "cases", 0, "", 0);
    CHECK(json_object_get(json_object_get(cases, "info"), "cut") != NULL);
}

TEST(time_never_goes_back_and_a_step_is_noted_once)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    const char *folder = scratch_folder();
    struct err err = {0};
    int64_t start_ms = fixture_clock_ms;

    REQUIRE(fixture_open(folder, &core, &err) && add_many(core, 1));
    fixture_clock_ms -= LEDGER_CLOCK_STEP_NOTED_MS;
    REQUIRE(add_many(core, 1));
    CHECK_INT(ledger_size(core), 2); /* a small step is only held back */
    fixture_clock_ms -= 3600 * 1000;
    REQUIRE(add_many(core, 2));
    CHECK_INT(ledger_size(core), 5);
    ledger_close(&core);
    REQUIRE(fixture_open(folder, &core, &err) && add_many(core, 1));
    fixture_clock_ms = start_ms + 1;
    REQUIRE(add_many(core, 1));
    scoped(json_done) json_t *page = fixture_read(core, "after", 0, "", 0);
    const char *last = "";
    const json_t *entry;
    size_t i, steps = 0;
    json_array_foreach(json_object_get(page, "entries"), i, entry)
    {
        CHECK(strcmp(last, message_text(entry, "at")) <= 0);
        last = message_text(entry, "at");
        steps += strcmp(message_text(entry, "kind"), "clock_stepped") == 0;
    }
    CHECK_INT(steps, 2); /* the step itself, and again at the start that found it */
    CHECK_TEXT(last, "2026-11-21T02:00:00.001Z");
    fixture_clock_ms = start_ms;
}

TEST(checkpoint_is_signed_every_256_entries_on_request_and_at_the_end)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    const char *folder = scratch_folder();
    struct err err = {0};

    REQUIRE(fixture_open(folder, &core, &err) && add_many(core, 600));
    scoped(json_done) json_t *first = fixture_read(core, "checkpoint", 0, "", 0);
    scoped(json_done) json_t *again = fixture_read(core, "checkpoint", 0, "", 0);
    const json_t *info = json_object_get(first, "info");
    CHECK_INT(message_int(info, "size"), 600);
    CHECK_INT(message_int(info, "checkpoint_count"), 3); /* 256, 512, 600 */
    CHECK(json_equal(first, again));
    CHECK(str_starts(str_from(message_text(info, "checkpoint")), S(FIXTURE_ORIGIN "\n600\n")));
    CHECK(add_many(core, 1));
    ledger_close(&core);
    REQUIRE(fixture_open(folder, &core, &err));
    scoped(json_done) json_t *later = fixture_read(core, "checkpoint", 0, "", 0);
    CHECK_INT(message_int(json_object_get(later, "info"), "checkpoint_count"), 4);
}

TEST(ledger_goes_on_after_a_restart_and_verifies)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    const char *folder = scratch_folder();
    struct err err = {0};

    for (int start = 0; start < 5; start++) {
        REQUIRE(fixture_open(folder, &core, &err) && add_many(core, 130));
        ledger_close(&core);
    }
    REQUIRE(fixture_open(folder, &core, &err));
    CHECK_INT(ledger_size(core), 650);
    scoped(json_done) json_t *verified = fixture_verify(core);
    const json_t *info = json_object_get(verified, "info");
    CHECK(message_true(info, "ok"));
    CHECK_INT(message_int(info, "checked"), 650);
    CHECK(message_int(info, "checkpoints") >= 5);
    CHECK_TEXT(message_text(info, "words"), "");
}

TEST(verification_goes_in_steps_and_says_nothing_before_its_end)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};

    REQUIRE(fixture_open(scratch_folder(), &core, &err));
    json_t *many = json_array();
    for (int i = 0; i < LEDGER_BATCH_ENTRIES_MAX; i++)
        json_array_append_new(many, fixture_entry("note", "", json_object(), false));
    for (int i = 0; i < 10; i++)
        json_decref(fixture_one(
            core, message_make(MESSAGE_append, "{s:i, s:O}", "id", 1, "entries", many)));
    json_decref(many);
    scoped(json_done) json_t *first = fixture_read(core, "verify", 0, "", 0);
    CHECK(message_true(first, "more") && !json_object_get(json_object_get(first, "info"), "ok"));
    CHECK_INT(message_int(json_object_get(first, "info"), "checked"), LEDGER_VERIFY_STEP_ENTRIES);
    scoped(json_done) json_t *lost = fixture_read(core, "verify", 77, "", 0);
    CHECK_TEXT(code_of(lost), "verify_lost");
    scoped(json_done) json_t *last =
        fixture_read(core, "verify", LEDGER_VERIFY_STEP_ENTRIES, "", 0);
    CHECK(!message_true(last, "more") && message_true(json_object_get(last, "info"), "ok"));
}

static bool run_raw(const char *folder, const char *text)
{
    char path[128];
    sqlite3 *raw = NULL;

    snprintf(path, sizeof path, "%s/%s", folder, LEDGER_FILE);
    bool worked = sqlite3_open(path, &raw) == SQLITE_OK &&
                  sqlite3_exec(raw, text, NULL, NULL, NULL) == SQLITE_OK;
    if (!worked)
        printf("# %s\n", sqlite3_errmsg(raw));
    sqlite3_close(raw);
    return worked;
}

/* A ledger of 700 entries with one thing changed behind its back. */
static void check_damage(const char *damage, bool seen_at_start)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    const char *folder = scratch_folder();
    struct err err = {0};

    REQUIRE(fixture_open(folder, &core, &err));
    for (int i = 0; i < 7; i++) {
        json_decref(fixture_one(core, fixture_append(1, "case_opened", i % 2 ? "A" : "B", true)));
        REQUIRE(add_many(core, 99));
    }
    ledger_close(&core);
    REQUIRE(run_raw(folder, damage));
    bool opened = fixture_open(folder, &core, &err);
    CHECK(opened != seen_at_start);
    if (!opened) {
        CHECK_TEXT(err.code, "ledger_broken");
        return;
    }
    scoped(json_done) json_t *verified = fixture_verify(core);
    const json_t *info = json_object_get(verified, "info");
    bool found = fixture_is(verified, "failed") ||
                 (!message_true(info, "ok") && message_text(info, "words")[0]);
    if (!found)
        printf("# not found: %s\n", damage);
    CHECK(found);
}

TEST(damage_at_the_tail_stops_the_start)
{
    check_damage(
        "UPDATE entry SET line = replace(line, '\"v\":1', '\"v\":2') WHERE seq = 700", true);
    check_damage("UPDATE entry SET line = replace(line, 'quoted', 'Quoted') WHERE seq = 650", true);
    check_damage("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 699", true);
    check_damage("UPDATE entry SET chain = zeroblob(32) WHERE seq = 700", true);
    check_damage("UPDATE entry SET kind = 'other' WHERE seq = 690", true);
    check_damage("DELETE FROM entry WHERE seq = 680", true);
    check_damage("DELETE FROM entry WHERE seq = 700", true);
    check_damage("DELETE FROM entry WHERE seq > 600; UPDATE head SET size = 600, "
                 "chain = (SELECT chain FROM entry WHERE seq = 600)",
        true);
    check_damage("UPDATE head SET chain = zeroblob(32)", true);
    check_damage("UPDATE checkpoint SET text = replace(text, '700', '701') WHERE size = 700", true);
    check_damage("UPDATE checkpoint SET state = zeroblob(length(state)) WHERE size = 700", true);
    check_damage("UPDATE identity SET origin = 'other.example/ledger'", true);
}

TEST(damage_further_back_is_found_by_the_verification)
{
    check_damage("UPDATE entry SET line = replace(line, 'quoted', 'Quoted') WHERE seq = 10", false);
    check_damage("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 300", false);
    check_damage("UPDATE entry SET chain = zeroblob(32) WHERE seq = 2", false);
    check_damage("UPDATE entry SET at = '2026-11-21T00:00:00.000Z' WHERE seq = 2", false);
    check_damage("UPDATE entry SET case_id = 'A' WHERE seq = 2", false);
    check_damage("UPDATE entry SET case_id = 'Z' WHERE seq = 1", false);
    check_damage("DELETE FROM entry WHERE seq = 256", false);
    check_damage(
        "UPDATE checkpoint SET text = replace(text, '256', '257') WHERE size = 256", false);
    check_damage("UPDATE checkpoint SET size = 255 WHERE size = 256", false);
    check_damage("UPDATE case_index SET last_seq = 1", false);
    check_damage("DELETE FROM case_index", false);
}

TEST(key_of_another_node_is_refused)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    scoped(ledger_close) struct ledger_core *other = NULL;
    const char *folder = scratch_folder(), *other_folder = scratch_folder();
    char path[128], kept[160], other_path[160];
    struct stat seen;
    struct err err = {0};

    REQUIRE(fixture_open(folder, &core, &err) && add_many(core, 1));
    ledger_close(&core);
    snprintf(path, sizeof path, "%s/%s", folder, LEDGER_KEY_FILE);
    snprintf(kept, sizeof kept, "%s.kept", path);
    CHECK(stat(path, &seen) == 0 && (seen.st_mode & 0777) == 0600);
    REQUIRE(rename(path, kept) == 0);
    CHECK(!fixture_open(folder, &core, &err));
    CHECK_TEXT(err.code, "key_missing");
    snprintf(other_path, sizeof other_path, "%s/%s", other_folder, LEDGER_KEY_FILE);
    REQUIRE(fixture_open(other_folder, &other, &err));
    REQUIRE(rename(other_path, path) == 0);
    CHECK(!fixture_open(folder, &core, &err));
    CHECK_TEXT(err.code, "key_changed");
    REQUIRE(rename(kept, path) == 0);
    CHECK(fixture_open(folder, &core, &err));
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* Writes that the kernel refuses, as on a full disk; across a checkpoint, so that it too must give
 * way. */
TEST(full_disk_fails_closed_and_loses_nothing)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    const char *folder = scratch_folder();
    struct err err = {0};
    int64_t kept = 0;

    signal(SIGXFSZ, SIG_IGN);
    REQUIRE(fixture_open(folder, &core, &err));
    limit_files(1300 * 1024);
    while (kept < 5000 && add_many(core, 1))
        kept++;
    CHECK(kept > 10 && kept < 5000);
    CHECK_INT(ledger_size(core), kept);
    for (int i = 0; i < 3; i++)
        check_refused(core, fixture_append(1, "note", "", false), "ledger_full");
    CHECK(!ledger_must_end(core));
    CHECK_INT(ledger_size(core), kept);
    limit_files(RLIM_INFINITY);
    CHECK(add_many(core, 300));
    ledger_close(&core);
    REQUIRE(fixture_open(folder, &core, &err));
    CHECK_INT(ledger_size(core), kept + 300);
    scoped(json_done) json_t *verified = fixture_verify(core);
    CHECK(message_true(json_object_get(verified, "info"), "ok"));
}

/* A real full disk where we may mount one: half of it is somebody else's, who then makes room. */
TEST(full_tmpfs_fails_closed_and_goes_on_when_somebody_makes_room)
{
    const char *folder = scratch_folder();
    scoped(ledger_close) struct ledger_core *core = NULL;
    char ballast[128];
    struct err err = {0};

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=3m") != 0) {
        printf("# skipped: no right to mount a tmpfs\n");
        return;
    }
    snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    FILE *file = fopen(ballast, "w");
    REQUIRE(file && ftruncate(fileno(file), 0) == 0);
    for (int i = 0; i < 1024; i++)
        fwrite(ballast, 1, sizeof ballast, file);
    for (int i = 0; i < 1024 * 1024; i++)
        fputc('x', file);
    fclose(file);
    REQUIRE(fixture_open(folder, &core, &err));
    int64_t kept = 0;
    while (kept < 10000 && add_many(core, 1))
        kept++;
    CHECK(kept > 10 && kept < 10000);
    for (int i = 0; i < 3; i++)
        check_refused(core, fixture_append(1, "note", "", false), "ledger_full");
    REQUIRE(unlink(ballast) == 0);
    CHECK(add_many(core, 30));
    ledger_close(&core);
    REQUIRE(fixture_open(folder, &core, &err));
    CHECK_INT(ledger_size(core), kept + 30);
    scoped(json_done) json_t *verified = fixture_verify(core);
    CHECK(message_true(json_object_get(verified, "info"), "ok"));
    ledger_close(&core);
    CHECK(umount(folder) == 0);
}

TEST(bad_name_of_a_ledger_is_refused)
{
    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};
    CHECK(!ledger_open(
        &(struct ledger_setup){scratch_folder(), "two words", fixture_now_ms}, &core, &err));
    CHECK_TEXT(err.code, "bad_origin");
}

TAP_MAIN
