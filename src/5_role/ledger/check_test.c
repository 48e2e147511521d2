/* SPDX-License-Identifier: Apache-2.0
 * A ledger that nobody serves: what holds, what does not, and what a checkpoint kept elsewhere
 * says.
 */
#include "ledger/check.h"

#include "fixture.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <sqlite3.h>

#define ENTRIES 300 /* more than are signed at once */

static char folder[64];

static void fresh(void)
{
    snprintf(folder, sizeof folder, "%s", scratch_folder());
}

/* So many entries, closed; *ret_note is the checkpoint over all. */
static void make(int entries, struct buf *ret_note)
{
    struct ledger_core *core = NULL;
    struct err err;

    check(fixture_open(folder, &core, &err));
    for (int i = 0; i < entries; i++) {
        scoped(json_done) json_t *reply =
            fixture_one(core, fixture_append(i + 1, "case_opened", "01C", false));
        check(fixture_is(reply, "appended"));
    }
    scoped(json_done) json_t *page = fixture_read(core, "checkpoint", 0, "", 0);
    const char *note =
        json_string_value(json_object_get(json_object_get(page, "info"), "checkpoint"));
    check(note);
    buf_clear(ret_note);
    buf_add(ret_note, str_from(note));
    ledger_close(&core);
}

static void change(const char *text)
{
    sqlite3 *database;
    char path[128];

    snprintf(path, sizeof path, "%s/" LEDGER_FILE, folder);
    check(sqlite3_open(path, &database) == SQLITE_OK);
    check(sqlite3_exec(database, text, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(database);
}

TEST(a_whole_ledger_holds_with_and_without_a_checkpoint_beside_it)
{
    scoped(buf_done) struct buf note = buf_of(8192), early = buf_of(8192);
    struct ledger_report report;
    struct err err;

    fresh();
    make(5, &early);
    make(ENTRIES, &note);
    REQUIRE(ledger_check(folder, S(""), &report, &err));
    CHECK_TEXT(report.why, "");
    CHECK_INT(report.size, ENTRIES + 5);
    CHECK_INT(report.pinned, ENTRIES + 5);
    CHECK_INT(report.beside, 0);
    CHECK_TEXT(report.origin, FIXTURE_ORIGIN);
    CHECK(report.checkpoints >= 2 && report.at[0]);
    REQUIRE(ledger_check(folder, buf_str(&note), &report, &err));
    CHECK_TEXT(report.why, "");
    REQUIRE(ledger_check(folder, buf_str(&early), &report, &err));
    CHECK_TEXT(report.why, "");
    CHECK_INT(report.beside, 5);
}

TEST(one_that_ends_before_the_checkpoint_says_so)
{
    scoped(buf_done) struct buf note = buf_of(8192), old = buf_of(8192);
    char path[128];
    struct ledger_report report;
    struct err err;

    fresh();
    make(3, &old);
    snprintf(path, sizeof path, "%s/" LEDGER_FILE, folder);
    scoped(buf_done) struct buf text = buf_of(8u << 20);
    check(file_read(path, &text, &err));
    make(4, &note);
    check(file_replace(path, buf_str(&text), 0600, &err));
    REQUIRE(ledger_check(folder, buf_str(&note), &report, &err));
    CHECK_TEXT(report.why, "");
    CHECK_INT(report.size, 3);
    CHECK_INT(report.beside, 7);
}

TEST(a_checkpoint_of_another_or_a_forged_one_is_a_reason)
{
    scoped(buf_done) struct buf note = buf_of(8192), others = buf_of(8192);
    struct ledger_report report;
    struct err err;

    fresh();
    make(9, &others);
    fresh();
    make(3, &note);
    REQUIRE(ledger_check(folder, buf_str(&others), &report, &err)); /* a larger one */
    CHECK(strstr(report.why, "another ledger"));
    note.at[strlen(FIXTURE_ORIGIN) + 1] = '2'; /* its size */
    REQUIRE(ledger_check(folder, buf_str(&note), &report, &err));
    CHECK(strstr(report.why, "signature"));
    CHECK(!ledger_check(folder, S("hello"), &report, &err));
    CHECK_TEXT(err.code, "checkpoint_malformed");
}

TEST(damage_a_lost_key_and_another_key_are_reasons)
{
    scoped(buf_done) struct buf note = buf_of(8192);
    struct ledger_report report;
    struct err err;
    char path[128];

    fresh();
    make(3, &note);
    snprintf(path, sizeof path, "%s/" LEDGER_KEY_FILE, folder);
    scoped(sign_key_done) struct sign_key *other = NULL;
    sign_key_make(&other);
    check(unlink(path) == 0);
    REQUIRE(ledger_check(folder, S(""), &report, &err));
    CHECK(strstr(report.why, "key is missing"));
    check(sign_key_save(other, path, &err));
    REQUIRE(ledger_check(folder, S(""), &report, &err));
    CHECK(strstr(report.why, "not the one that signed"));
    change("UPDATE entry SET line = replace(line, 'judge', 'Judge') WHERE seq = 2");
    REQUIRE(ledger_check(folder, S(""), &report, &err));
    CHECK(strstr(report.why, "entry 2"));
    change("DELETE FROM entry WHERE seq = 3; DELETE FROM checkpoint");
    CHECK(!ledger_check(folder, S(""), &report, &err) || report.why[0]);
    CHECK(!ledger_check("/nowhere", S(""), &report, &err));
}

TAP_MAIN
