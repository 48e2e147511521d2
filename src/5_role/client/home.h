/* SPDX-License-Identifier: Apache-2.0
 *
 * home — which node's folder is meant, and what lies where in it.
 *
 *     HOME/site/  state/  ledger/  secrets/  keys/owner.pem  run/api.sock  run/logicd.pid  log/
 *
 * The first that is there: --home, LOGIC_NODE_HOME, /opt/logic-node, ./build/run.
 *
 * Root works in another user's folders as that user: what it makes there is theirs (a role reads no
 * secret that is somebody else's), and no link that they put there leads root anywhere:
 *
 *     scoped(home_leave) struct home_stay stay = {0};
 *     if (!home_enter(options, &stay, err)) return false;      now the node's user
 *
 * Stays may lie within each other; whoever is not root stays who they are.
 *
 * threads  one: the user is the whole process's
 */
#pragma once

#include "client/options.h"

#include <limits.h>
#include <sys/types.h>

#define HOME_GROUPS_MAX 64 /* of whoever called; more is refused */

#define HOME_URL_STANDARD "http://127.0.0.1:30080"

/* "" if there is none; that is an error only for who needs one. */
void home_find(const struct options *options, char ret_path[PATH_MAX]);

/* HOME/`below`. errors  ERR_INPUT no home; ERR_LIMIT the path is too long */
bool home_path(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err);

/* HOME/`below`, a folder, made as the node's user if it is not there. */
bool home_folder(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err);

/* Who this was before. */
struct home_stay {
    bool entered;
    uid_t uid;
    gid_t gid;
    int groups_count;
    gid_t groups[HOME_GROUPS_MAX];
};

/* As the node's user, whoever owns HOME/state, else HOME. errors  ERR_INPUT no home; ERR_SYSTEM */
bool home_enter(const struct options *options, struct home_stay *ret_stay, struct err *err);

/* As the owner of `folder`, or of the nearest folder above it that is there. */
bool home_enter_folder(const char *folder, struct home_stay *ret_stay, struct err *err);

void home_leave(struct home_stay *stay);

/* As the node's user from now on, without a way back: before a program is started. */
bool home_become(const struct options *options, struct err *err);
