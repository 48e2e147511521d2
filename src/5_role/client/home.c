/* SPDX-License-Identifier: Apache-2.0 */
#include "client/home.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOME_INSTALLED "/opt/logic-node"
#define HOME_CHECKOUT "build/run"

void home_find(const struct options *options, char ret_path[PATH_MAX])
{
    const char *asked = options->home ? options->home : getenv("LOGIC_NODE_HOME");

    if (!asked || !*asked)
        asked = file_exists(HOME_INSTALLED)  ? HOME_INSTALLED
                : file_exists(HOME_CHECKOUT) ? HOME_CHECKOUT
                                             : "";
    if (snprintf(ret_path, PATH_MAX, "%s", asked) >= PATH_MAX)
        ret_path[0] = '\0';
}

bool home_path(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err)
{
    char home[PATH_MAX];

    home_find(options, home);
    if (!*home)
        return err_set(err, ERR_INPUT,
            "cannot find the node's folder: give --home DIR or set LOGIC_NODE_HOME "
            "(`make run` uses build/run of the checkout)");
    if (snprintf(ret_path, PATH_MAX, "%s/%s", home, below) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…/%s' is too long", home, below);
    return true;
}

bool home_folder(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    return home_enter(options, &stay, err) && home_path(options, below, ret_path, err) &&
           file_make_folder(ret_path, 0700, err);
}

/* --- somebody else's folders ------------------------------------------------------------------ */

/* Their groups, as a login would have them; a user without a name has one. */
static bool take_groups(uid_t uid, gid_t gid)
{
    const struct passwd *user = getpwuid(uid);

    return user ? initgroups(user->pw_name, gid) == 0 : setgroups(1, &gid) == 0;
}

static bool enter_as(const struct stat *owner, struct home_stay *ret_stay, struct err *err)
{
    struct home_stay stay = {.entered = true, .uid = geteuid(), .gid = getegid()};

    if (getuid() != 0 || owner->st_uid == stay.uid)
        return true;
    stay.groups_count = getgroups(HOME_GROUPS_MAX, stay.groups);
    if (stay.groups_count < 0)
        return err_set(err, ERR_SYSTEM, "cannot ask for the groups of this user: %m");
    check(stay.uid == 0 || seteuid(0) == 0); /* a stay within a stay */
    if (!take_groups(owner->st_uid, owner->st_gid) || setegid(owner->st_gid) != 0 ||
        seteuid(owner->st_uid) != 0) {
        int why = errno;
        home_leave(&stay);
        return err_set(err, ERR_SYSTEM,
            "cannot act as the owner of the node's folder (user %u): %s", owner->st_uid,
            strerror(why));
    }
    *ret_stay = stay;
    return true;
}

void home_leave(struct home_stay *stay)
{
    if (!stay->entered)
        return;
    if ((geteuid() != 0 && seteuid(0) != 0) || setegid(stay->gid) != 0 ||
        setgroups((size_t)stay->groups_count, stay->groups) != 0 || seteuid(stay->uid) != 0)
        panic("cannot be user %u again: %m", stay->uid);
    stay->entered = false;
}

/* Of `folder`, a link or not, or else of the nearest above it. */
static bool nearest_owner(const char *folder, struct stat *ret_owner, struct err *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s", folder) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", folder);
    if (lstat(path, ret_owner) == 0)
        return true;
    while (stat(path, ret_owner) != 0) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT || strcmp(path, ".") == 0)
            return err_set(err, ERR_SYSTEM, "cannot look at '%s': %m", path);
        if (slash && slash > path)
            *slash = '\0';
        else
            snprintf(path, sizeof path, "%s", slash ? "/" : ".");
    }
    return true;
}

/* A link that somebody else than root put there is theirs, wherever it leads. */
static bool find_owner(const struct options *options, struct stat *ret_owner, struct err *err)
{
    char path[PATH_MAX];

    if (!home_path(options, "state", path, err))
        return false;
    if (lstat(path, ret_owner) == 0 && (ret_owner->st_uid != 0 || stat(path, ret_owner) == 0))
        return true;
    *strrchr(path, '/') = '\0'; /* it never ran */
    return nearest_owner(path, ret_owner, err);
}

bool home_enter(const struct options *options, struct home_stay *ret_stay, struct err *err)
{
    struct stat owner;

    return find_owner(options, &owner, err) && enter_as(&owner, ret_stay, err);
}

bool home_enter_folder(const char *folder, struct home_stay *ret_stay, struct err *err)
{
    struct stat owner;
    uid_t before = geteuid();
    bool raised = getuid() == 0 && before != 0; /* the node's user may not look everywhere */

    check(!raised || seteuid(0) == 0);
    bool found = nearest_owner(folder, &owner, err);
    check(!raised || seteuid(before) == 0);
    return found && enter_as(&owner, ret_stay, err);
}

bool home_become(const struct options *options, struct err *err)
{
    struct stat owner;

    if (!find_owner(options, &owner, err))
        return false;
    if (getuid() != 0 || owner.st_uid == 0)
        return true;
    return (take_groups(owner.st_uid, owner.st_gid) &&
               setresgid(owner.st_gid, owner.st_gid, owner.st_gid) == 0 &&
               setresuid(owner.st_uid, owner.st_uid, owner.st_uid) == 0) ||
           err_set(err, ERR_SYSTEM, "cannot become the owner of the node's folder (user %u): %m",
               owner.st_uid);
}
