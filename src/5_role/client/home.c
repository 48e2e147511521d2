/* SPDX-License-Identifier: Apache-2.0 */
#include "client/home.h"

#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
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
    if (!home_path(options, below, ret_path, err) || !file_make_folder(ret_path, 0700, err))
        return false;
    home_give(options, ret_path);
    return true;
}

void home_give(const struct options *options, const char *path)
{
    char state[PATH_MAX];
    struct stat seen;
    struct err err;

    if (geteuid() != 0 || !home_path(options, "state", state, &err))
        return;
    if (stat(state, &seen) != 0) { /* it never ran */
        *strrchr(state, '/') = '\0';
        if (stat(state, &seen) != 0)
            return;
    }
    if (lchown(path, seen.st_uid, seen.st_gid) != 0)
        fprintf(stderr, "logicctl: cannot give '%s' to the node's user: %m\n", path);
}
