/* SPDX-License-Identifier: Apache-2.0
 *
 * home — which node's folder is meant, and what lies where in it.
 *
 *     HOME/site/  state/  ledger/  secrets/  keys/owner.pem  run/api.sock  run/logicd.pid  log/
 *
 * The first that is there: --home, LOGIC_NODE_HOME, /opt/logic-node, ./build/run.
 */
#pragma once

#include "client/options.h"

#include <limits.h>

#define HOME_URL_STANDARD "http://127.0.0.1:30080"

/* "" if there is none; that is an error only for who needs one. */
void home_find(const struct options *options, char ret_path[PATH_MAX]);

/* HOME/`below`. errors  ERR_INPUT no home; ERR_LIMIT the path is too long */
bool home_path(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err);

/* HOME/`below`, a folder, made if it is not there. */
bool home_folder(
    const struct options *options, const char *below, char ret_path[PATH_MAX], struct err *err);

/* What root made is given to the node's user, who must read it: whoever owns HOME/state, else HOME.
 */
void home_give(const struct options *options, const char *path);
