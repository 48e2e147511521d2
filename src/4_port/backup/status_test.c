/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/status.h"

#include "base/scoped.h"
#include "tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_S 1800000000

static char folder[64], config[96], status[96];

/* A backup.conf of NOW_S - 50 and a STATE beside it, without a status. */
static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/ln-status-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    snprintf(config, sizeof config, "%s/backup.conf", folder);
    snprintf(status, sizeof status, "%s/status.json", folder);
}

static void put(const char *path, const char *text, size_t len, int64_t written_s)
{
    const struct timespec times[2] = {{.tv_sec = written_s}, {.tv_sec = written_s}};
    FILE *file = fopen(path, "w");

    if (!file || fwrite(text, 1, len, file) != len || fclose(file) != 0 ||
        utimensat(AT_FDCWD, path, times, 0) != 0)
        abort();
}

static void put_config(void)
{
    char text[128];
    int len = snprintf(text, sizeof text, "# of a test\nBACKUP=zfs\nSTATE=%s\n", folder);

    put(config, text, (size_t)len, NOW_S - 50);
}

static void put_status(const char *text)
{
    put(status, text, strlen(text), NOW_S);
}

static struct backup_look look(void)
{
    struct backup_watch watch;
    struct backup_look found;

    backup_watch_open(config, &watch);
    backup_look(&watch, NOW_S, &found);
    return found;
}

static void end(void)
{
    (void)unlink(status);
    (void)unlink(config);
    (void)rmdir(folder);
}

TEST(age_is_of_the_last_good_run_whether_the_last_was_good_or_not)
{
    begin();
    put_config();
    put_status(
        "{\"kind\":\"zfs\",\"ok\":true,\"at\":\"2027-01-15T07:50:00Z\",\"good_at\":1799999400}\n");
    struct backup_look found = look();
    CHECK_INT(found.known, BACKUP_KNOWN);
    CHECK_INT(found.age_s, 600);
    CHECK_TEXT(found.words, "");
    put_status("{\"ok\":false,\"good_at\":1799990000,\"words\":\"the pool is away\"}");
    CHECK_INT(look().age_s, 10000);
    put_status("{\"ok\":true,\"good_at\":1800000060}"); /* clocks of two moments may differ a bit */
    CHECK_INT(look().age_s, 0);
    end();
}

TEST(where_there_was_none_yet_age_counts_since_it_was_set_up)
{
    begin();
    put_config();
    CHECK_INT(look().known, BACKUP_KNOWN);
    CHECK_INT(look().age_s, 50);
    put_status("{\"ok\":false,\"good_at\":0}");
    CHECK_INT(look().age_s, 50);
    put_status("{\"ok\":false,\"good_at\":\"2026-11-21T02:47:01Z\"}"); /* of 0.5 */
    CHECK_INT(look().age_s, 50);
    put_status("{\"ok\":true,\"at\":\"2027-01-15T07:50:00Z\"}"); /* of 0.5 */
    CHECK_INT(look().age_s, 600);
    end();
}

TEST(without_a_configuration_nothing_is_set_up_and_nothing_known)
{
    begin();
    CHECK_INT(look().known, BACKUP_NOT_SET_UP);
    CHECK_TEXT(look().words, "no backup is set up: there is no backup.conf");
    struct backup_watch watch;
    struct backup_look found;
    backup_watch_open("", &watch);
    backup_look(&watch, NOW_S, &found);
    CHECK_INT(found.known, BACKUP_NOT_SET_UP);
    CHECK(strstr(found.words, "--backup"));
    backup_watch_open(NULL, &watch);
    CHECK(!watch.is_set_up);
    end();
}

TEST(what_cannot_be_believed_is_unknown_with_words_and_never_zero)
{
    static const struct {
        const char *text, *words;
    } BAD[] = {
        {"", "status.json: "},
        {"garbage", "status.json: "},
        {"[1]", "status.json: "},
        {"{\"ok\":true", "status.json: "},
        {"{\"good_at\":1799999400}", "'ok'"},
        {"{\"ok\":1,\"good_at\":1799999400}", "'ok'"},
        {"{\"ok\":true}", "'good_at'"},
        {"{\"ok\":true,\"at\":\"yesterday\"}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":0}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":-5}", "'good_at'"},
        {"{\"ok\":false,\"good_at\":-1}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":1799999400.5}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":9223372036854775807}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":1e300}", "'good_at'"},
        {"{\"ok\":true,\"good_at\":1,\"good_at\":1799999400}", "status.json: "},
        {"{\"ok\":true,\"good_at\":1800000061}", "ahead"},
        {"{\"ok\":true,\"at\":\"2100-01-01T00:00:00Z\"}", "ahead"},
    };
    begin();
    put_config();
    for (size_t i = 0; i < COUNT(BAD); i++) {
        put_status(BAD[i].text);
        struct backup_look found = look();
        CHECK_INT(found.known, BACKUP_UNKNOWN);
        CHECK_INT(found.age_s, 0);
        CHECK(strstr(found.words, BAD[i].words));
    }
    end();
}

TEST(a_status_that_is_no_plain_file_or_too_long_is_unknown)
{
    static char much[BACKUP_STATUS_BYTES_MAX + 2];

    begin();
    put_config();
    REQUIRE(mkfifo(status, 0600) == 0); /* whoever opens it as a file waits for ever */
    CHECK(strstr(look().words, "no plain file"));
    REQUIRE(unlink(status) == 0 && symlink(config, status) == 0);
    CHECK(strstr(look().words, "is a link"));
    REQUIRE(unlink(status) == 0 && mkdir(status, 0700) == 0);
    CHECK(strstr(look().words, "no plain file"));
    REQUIRE(rmdir(status) == 0);
    memset(much, ' ', sizeof much);
    memcpy(much, "{\"ok\":true,\"good_at\":1799999400}", 32);
    put(status, much, BACKUP_STATUS_BYTES_MAX + 1, NOW_S);
    CHECK(strstr(look().words, "longer than"));
    CHECK_INT(look().known, BACKUP_UNKNOWN);
    end();
}

TEST(a_configuration_that_says_no_folder_is_unknown_and_one_without_a_word_is_the_standard)
{
    struct err err = {0};
    char found[PATH_MAX];
    static char deep[PATH_MAX + 16];

    CHECK(backup_state_parse(S("BACKUP=zfs\n"), found, &err));
    CHECK_TEXT(found, BACKUP_STATE_STANDARD);
    CHECK(backup_state_parse(S("STATE=/a\nSTATE=/b"), found, &err));
    CHECK_TEXT(found, "/b");
    CHECK(!backup_state_parse(S("STATE=here\n"), found, &err));
    CHECK_TEXT(err.param, "STATE");
    memset(deep, 'x', sizeof deep - 1);
    memcpy(deep, "STATE=/", 7);
    CHECK(!backup_state_parse(str_from(deep), found, &err));
    begin();
    put(config, "STATE=here\n", 11, NOW_S);
    CHECK_INT(look().known, BACKUP_UNKNOWN);
    CHECK(strstr(look().words, "backup.conf: "));
    put(config, "", 0, NOW_S + 3600);
    struct backup_watch watch;
    backup_watch_open(config, &watch);
    CHECK_TEXT(watch.folder, BACKUP_STATE_STANDARD);
    snprintf(watch.folder, sizeof watch.folder, "%s", folder);
    struct backup_look found_look;
    backup_look(&watch, NOW_S, &found_look); /* set up an hour from now: no age, not zero */
    CHECK_INT(found_look.known, BACKUP_UNKNOWN);
    end();
}

TAP_MAIN
