/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "os/file.h"
#include "prolog/check.h"
#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

/* What a checker of these lines (NULL: the one that is built in) makes of {kb, /site}; each in a
 * fresh process, as
 * the real one. */
static void check_folder(
    const char *checker, const char *kb, int want_ran, int want_good, const char *part)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        scoped(buf_done) struct buf report = buf_of(CHECK_REPORT_BYTES_MAX);
        struct err err = {0};
        bool good = false;
        const struct check_settings settings = {
            .checker = checker, .kb_folder = kb, .site_folder = "/site"};
        bool ran = prolog_check(&settings, &good, &report, &err);
        const char *said = ran ? buf_text(&report) : err.message;
        if (ran != want_ran || good != want_good || !strstr(said, part)) {
            printf("# ran %d, good %d, said '%s', not '%s'\n", ran, good, said, part);
            fflush(stdout);
            _exit(1);
        }
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_with(const char *checker, int want_ran, int want_good, const char *part)
{
    check_folder(checker, "/kb", want_ran, want_good, part);
}

#define CHECKER ":- module(kb_check, [main/2]).\n"

TEST(findings_and_the_verdict_come_back)
{
    check_with(CHECKER "main(['/kb', '/site'], 0).\n", true, true, "");
    check_with(CHECKER "main([D|_], 1) :- format('~w/a.pl:7: no~n', [D]).\n", true, false,
        "/kb/a.pl:7: no\n");
}

TEST(what_the_checked_rules_print_as_messages_is_in_the_report)
{
    check_with(CHECKER "main(_, 1) :- print_message(warning, format(\"odd ~w\", [thing])).\n", true,
        false, "warning: odd thing");
}

TEST(a_checker_that_throws_or_fails_is_a_no)
{
    check_with(CHECKER "main(_, _) :- throw(oops).\n", true, false, "oops");
    check_with(CHECKER "main(_, _) :- fail.\n", true, false, "no verdict");
    check_with(CHECKER "main(_, _) :- halt(0).\n", true, false, "halt/1");
}

TEST(a_checker_that_does_not_load_is_our_error)
{
    check_with(CHECKER "main(_, 0) :- (.\n", false, false, "checker does not load");
    check_with(CHECKER "other.\n", false, false, "checker does not load");
}

/* A rule set that brings a checker which says yes to everything. */
TEST(the_checker_that_is_built_in_judges_and_none_in_the_folder)
{
    char folder[] = "/tmp/check_test.XXXXXX", path[128], site[64];
    struct err err = {0};

    CHECK(mkdtemp(folder) != NULL);
    snprintf(site, sizeof site, "%s/check", folder);
    CHECK(file_make_folder(site, 0700, &err));
    snprintf(path, sizeof path, "%s/kb_check.pl", site);
    CHECK(file_replace(path, S(CHECKER "main(_, 0).\n"), 0600, &err));
    check_folder(NULL, folder, true, false, "KB holds main.pl and core/");
    unlink(path);
    rmdir(site);
    rmdir(folder);
}

TAP_MAIN
