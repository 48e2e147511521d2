/* SPDX-License-Identifier: Apache-2.0
 * Root in another user's home: what it makes there is theirs, and their links lead it nowhere.
 */
#include "client/home.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NODE 4711 /* nobody of this name: no entry of it in any list of users */

static char home[80], state[96], keys[96];
static struct options ours = {.home = home};

/* HOME as an installed node has it: root's with the sticky bit, state the node's, keys root's. */
static bool lay_out(void)
{
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    snprintf(state, sizeof state, "%s/state", home);
    snprintf(keys, sizeof keys, "%s/keys", home);
    check(file_make_folder(state, 0755, &err) && file_make_folder(keys, 0700, &err));
    return geteuid() == 0 && chown(home, 0, NODE) == 0 && chmod(home, 01775) == 0 &&
           chown(state, NODE, NODE) == 0;
}

static uid_t owner_of(const char *below)
{
    char path[PATH_MAX];
    struct stat seen;
    struct err err;

    check(home_path(&ours, below, path, &err));
    return lstat(path, &seen) == 0 ? seen.st_uid : (uid_t)-1;
}

/* What `run` says in a process of its own. */
static bool apart(bool (*run)(void))
{
    int status;
    pid_t child = fork();

    check(child >= 0);
    if (child == 0) {
        fflush(stdout);
        _exit(run() ? 0 : 1);
    }
    check(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(what_root_makes_as_the_node_s_user_is_the_node_s)
{
    char path[PATH_MAX];
    struct err err;

    if (!lay_out())
        return; /* nobody but root is two users */
    CHECK(home_folder(&ours, "tokens", path, &err));
    CHECK_INT(owner_of("tokens"), NODE);
    CHECK_INT(geteuid(), 0);
    {
        scoped(home_leave) struct home_stay stay = {0};
        REQUIRE(home_enter(&ours, &stay, &err));
        CHECK_INT(geteuid(), NODE);
        CHECK_INT(getegid(), NODE);
        snprintf(path, sizeof path, "%s/mine", home);
        CHECK(file_replace(path, S("x"), 0600, &err));
    }
    CHECK_INT(geteuid(), 0);
    CHECK_INT(getegid(), 0);
    CHECK_INT(owner_of("mine"), NODE);
}

TEST(a_home_that_never_ran_belongs_to_whom_its_folder_belongs)
{
    char path[PATH_MAX];
    struct err err;

    if (!lay_out())
        return;
    CHECK(rmdir(state) == 0 && chown(home, NODE, NODE) == 0);
    CHECK(home_folder(&ours, "tokens", path, &err));
    CHECK_INT(owner_of("tokens"), NODE);
    snprintf(home + strlen(home), 9, "/new/one"); /* as its nearest folder above */
    CHECK(home_folder(&ours, "tokens", path, &err));
    CHECK_INT(owner_of("tokens"), NODE);
}

TEST(stays_lie_within_each_other)
{
    struct home_stay outer = {0}, inner = {0};
    char deeper[PATH_MAX];
    struct err err;

    if (!lay_out())
        return;
    snprintf(deeper, sizeof deeper, "%s/tokens", keys); /* not there: as who owns keys */
    REQUIRE(home_enter(&ours, &outer, &err));
    CHECK(home_enter_folder(deeper, &inner, &err));
    CHECK_INT(geteuid(), 0);
    CHECK(file_make_folder(deeper, 0700, &err));
    home_leave(&inner);
    CHECK_INT(geteuid(), NODE);
    CHECK_INT(getegid(), NODE);
    home_leave(&outer);
    home_leave(&outer); /* once is enough */
    CHECK_INT(geteuid(), 0);
    CHECK_INT(owner_of("keys/tokens"), 0);
}

/* The node's user may have put a link there before root came. */
TEST(a_link_in_the_node_s_folder_leads_root_nowhere)
{
    scoped(home_leave) struct home_stay stay = {0};
    scoped(buf_done) struct buf text = buf_of(64);
    char link[128], secret[128];
    struct err err;

    if (!lay_out())
        return;
    snprintf(secret, sizeof secret, "%s/owner.pem", keys);
    snprintf(link, sizeof link, "%s/link", home);
    CHECK(file_replace(secret, S("root's"), 0600, &err) && symlink(secret, link) == 0);
    REQUIRE(home_enter(&ours, &stay, &err));
    CHECK(!file_read(link, &text, &err));
    CHECK(!file_replace(secret, S("other"), 0600, &err));
    home_leave(&stay);
    CHECK(file_read(link, &text, &err));
    CHECK_TEXT(buf_text(&text), "root's");
}

TEST(whose_link_a_folder_is_says_who_works_there)
{
    struct home_stay stay = {0};
    char link[128];
    struct err err;

    if (!lay_out())
        return;
    snprintf(link, sizeof link, "%s/link", home);
    CHECK(symlink(keys, link) == 0 && lchown(link, NODE, NODE) == 0);
    CHECK(home_enter_folder(link, &stay, &err));
    CHECK_INT(geteuid(), NODE);
    home_leave(&stay);
    CHECK(rmdir(state) == 0 && rename(link, state) == 0); /* HOME/state, which leads to root's */
    CHECK(home_enter(&ours, &stay, &err));
    CHECK_INT(geteuid(), NODE);
    home_leave(&stay);
}

static bool is_the_node_for_good(void)
{
    struct err err;

    return home_become(&ours, &err) && getuid() == NODE && geteuid() == NODE && getegid() == NODE &&
           seteuid(0) != 0 && setuid(0) != 0;
}

TEST(who_became_the_node_s_user_has_no_way_back)
{
    if (lay_out())
        CHECK(apart(is_the_node_for_good));
}

static bool stays_itself(void)
{
    struct home_stay stay = {0};
    struct err err;

    if (setgroups(0, NULL) != 0 || setgid(NODE + 1) != 0 || setuid(NODE + 1) != 0)
        return false;
    bool good = home_enter(&ours, &stay, &err) && geteuid() == NODE + 1 && !stay.entered &&
                home_become(&ours, &err) && geteuid() == NODE + 1;
    home_leave(&stay);
    return good && geteuid() == NODE + 1;
}

TEST(who_is_not_root_stays_who_they_are)
{
    if (lay_out())
        CHECK(apart(stays_itself));
}

static bool is_told_of_too_many_groups(void)
{
    gid_t groups[HOME_GROUPS_MAX + 1];
    struct home_stay stay = {0};
    struct err err = {0};

    for (size_t i = 0; i < COUNT(groups); i++)
        groups[i] = (gid_t)(9000 + i);
    return setgroups(COUNT(groups), groups) == 0 && !home_enter(&ours, &stay, &err) &&
           strstr(err.message, "groups") && geteuid() == 0 &&
           setgroups(HOME_GROUPS_MAX, groups) == 0 && home_enter(&ours, &stay, &err) &&
           getgroups(0, NULL) == 1 && (home_leave(&stay), getgroups(0, NULL) == HOME_GROUPS_MAX);
}

TEST(more_groups_than_are_kept_are_refused)
{
    if (lay_out())
        CHECK(apart(is_told_of_too_many_groups));
}

TAP_MAIN
