/* SPDX-License-Identifier: Apache-2.0
 * What of a home goes into a backup, and whether a home is blank.
 */
#include "client/backup.h"
#include "client/backup_part.h"
#include "client/restore_place.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <sys/stat.h>

static char home[64];

static void put(const char *below, const char *text)
{
    char path[256], *slash;
    struct err err;

    snprintf(path, sizeof path, "%s/%s", home, below);
    slash = strrchr(path, '/');
    *slash = '\0';
    check(file_make_folder(path, 0700, &err));
    *slash = '/';
    check(file_replace(path, str_from(text), 0600, &err));
}

static const struct backup_item *find(const struct backup_items *items, const char *path)
{
    for (size_t i = 0; i < items->count; i++)
        if (strcmp(items->at[i].path, path) == 0)
            return &items->at[i];
    return NULL;
}

static const char *why_left(const struct backup_items *items, const char *path)
{
    size_t i;
    json_t *row;

    json_array_foreach (items->left_out, i, row)
        if (str_eq(json_str(row, "path"), str_from(path)))
            return json_str(row, "why").at;
    return "";
}

TEST(what_is_kept_comes_first_in_the_table_and_the_rest_has_a_reason)
{
    static const char *const KEPT[] = {"agent", "catalogue", "checkpoints", "documents", "enrol",
        "keys", "ledger", "pki", "secrets", "site", "state", "tokens"};
    static const char *const LEFT[] = {"backup", "history", "kb", "llm", "models", "run",
        "sessions", "usage", "machine", "versions", "www"};
    const char *why;

    for (size_t i = 0; i < COUNT(KEPT); i++)
        CHECK_TEXT(backup_kept(i), KEPT[i]);
    CHECK(!backup_kept(COUNT(KEPT)));
    for (size_t i = 0; i < COUNT(LEFT); i++)
        if (backup_fate_of(LEFT[i], &why) != BACKUP_LEFT || !*why)
            CHECK_TEXT(LEFT[i], "left");
    CHECK_INT(backup_fate_of("letters", &why), BACKUP_UNKNOWN);
}

TEST(files_of_kept_parts_are_listed_below_their_folders_and_the_rest_is_named)
{
    scoped(backup_items_done) struct backup_items items = {0};
    char link_path[128], etc[128], outside[128];
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    put("keys/tokens/a.pem", "key");
    put("keys/b.pem.new", "half");
    put("ledger/ledger.db", "1234");
    put("ledger/ledger.db-wal", "123456");
    put("sessions/sessions.json", "{}");
    put("letters/one", "x");
    put("etc/node.conf", "LISTEN=");
    put("etc/other", "x");
    put("etc/agent/agent.json", "{}");
    put("elsewhere/house.pl", "facts.");
    snprintf(link_path, sizeof link_path, "%s/keys/stolen", home);
    check(symlink("/etc/shadow", link_path) == 0);
    snprintf(outside, sizeof outside, "%s/elsewhere", home);
    snprintf(link_path, sizeof link_path, "%s/site", home);
    check(symlink(outside, link_path) == 0); /* as the layout has it */
    snprintf(etc, sizeof etc, "%s/etc", home);
    REQUIRE(backup_items_of(home, etc, &items, &err));
    CHECK(find(&items, "keys") && find(&items, "keys") < find(&items, "keys/tokens") &&
          find(&items, "keys/tokens") < find(&items, "keys/tokens/a.pem"));
    REQUIRE(find(&items, "ledger/ledger.db"));
    CHECK(find(&items, "ledger/ledger.db")->is_database);
    CHECK_INT(find(&items, "ledger/ledger.db")->bytes, 10); /* with its log */
    CHECK(find(&items, "site/house.pl") && find(&items, "machine/node.conf") &&
          find(&items, "machine/agent/agent.json"));
    CHECK(!find(&items, "machine/other") && !find(&items, "keys/b.pem.new") &&
          !find(&items, "keys/stolen") && !find(&items, "ledger/ledger.db-wal") &&
          !find(&items, "sessions") && !find(&items, "letters"));
    CHECK(strstr(why_left(&items, "keys/stolen"), "link"));
    CHECK(strstr(why_left(&items, "letters"), "not known"));
    CHECK_TEXT(why_left(&items, "sessions"), "");
}

TEST(a_tree_that_is_too_deep_or_holds_strange_names_is_said)
{
    scoped(backup_items_done) struct backup_items items = {0};
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    put("site/a\\b.pl", "x");
    REQUIRE(backup_items_of(home, "/nonexistent", &items, &err));
    CHECK(strstr(why_left(&items, "site"), "name"));
    backup_items_done(&items);
    put("site/1/2/3/4/5/6/7/8/9/10/11/12/13/x", "x");
    CHECK(!backup_items_of(home, "/nonexistent", &items, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
    CHECK(!backup_items_of("/nonexistent/home", "/nonexistent", &items, &err));
}

TEST(a_home_is_blank_with_folders_and_programs_and_not_with_a_file_of_a_node)
{
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    put("bin/logicd", "program");
    put("run/page.json", "{}");
    put("keys/x", "");
    char path[128];
    snprintf(path, sizeof path, "%s/keys/x", home);
    CHECK(!restore_home_is_blank(home, &err));
    CHECK_TEXT(err.code, "home_not_empty");
    CHECK(strstr(err.message, "keys/x"));
    check(unlink(path) == 0);
    CHECK(restore_home_is_blank(home, &err));
    CHECK(restore_home_is_blank("/nonexistent/home", &err));
    snprintf(path, sizeof path, "%s/bin/logicd", home);
    CHECK(!restore_home_is_blank(path, &err));
}

TEST(a_stage_that_is_there_or_a_disk_without_room_stops_a_restore)
{
    scoped(restore_place_done) struct restore_place one = {0}, two = {0}, large = {0};
    char fresh[128];
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    snprintf(fresh, sizeof fresh, "%s/a/home", home);
    CHECK(!restore_place_open(fresh, 1ull << 60, &large, &err));
    CHECK_TEXT(err.code, "no_room");
    REQUIRE(restore_place_open(fresh, 1000, &one, &err));
    CHECK(!restore_place_open(fresh, 1000, &two, &err) && strstr(err.message, "another restore"));
    REQUIRE(restore_place_install(&one, &err));
    CHECK(file_exists(fresh) && !one.stage[0]);
    REQUIRE(restore_place_open(fresh, 1000, &two, &err)); /* the home is there now, and blank */
    CHECK(restore_place_install(&two, &err));
}

TEST(bytes_in_words)
{
    char text[BACKUP_NUMBER_BYTES];

    backup_bytes_text(999, text);
    CHECK_TEXT(text, "999 B");
    backup_bytes_text(65443, text);
    CHECK_TEXT(text, "65 kB");
    backup_bytes_text(12345678, text);
    CHECK_TEXT(text, "12.3 MB");
}

TAP_MAIN
