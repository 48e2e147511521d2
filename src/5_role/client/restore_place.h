/* SPDX-License-Identifier: Apache-2.0
 *
 * restore_place — where a restored home is made, and how it comes to stand where it should.
 *
 * A home that is not there is made beside its place and renamed: whole or not at all. One that the
 * package laid out (folders, links, no files of a node) gets its parts one by one, each renamed, or
 * copied where a link leads to another file system; if one fails, those before it are taken back.
 */
#pragma once

#include "client/options.h"

#include "base/err.h"

#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#define RESTORE_HOME "/opt/logic-node"

struct restore_place {
    char home[PATH_MAX], stage[PATH_MAX];
    bool home_is_there;
    uid_t uid; /* whose the node's files will be: HOME/state's, or the user logic-node */
    gid_t gid;
};

/* --home, LOGIC_NODE_HOME, else RESTORE_HOME; absolute. */
bool restore_home(const struct options *options, char ret_home[PATH_MAX], struct err *err);

/* errors  ERR_INPUT "home_not_empty": which file is there */
bool restore_home_is_blank(const char *home, struct err *err);

/* Makes the stage, 0700. errors  ERR_SYSTEM less than `bytes` are free; ERR_INPUT one is there */
bool restore_place_open(
    const char *home, uint64_t bytes, struct restore_place *ret_place, struct err *err);
/* The stage becomes the home. */
bool restore_place_install(struct restore_place *place, struct err *err);
/* For scoped(): the stage is gone. */
void restore_place_done(struct restore_place *place);

bool restore_place_has(const char *home, const char *below);

/* {"weights":[{"name","file","sha256","bytes"}],"packages":[{"program","package"}]}: what the
 * catalogue names and is in no folder of models; programs of Debian that are not on the path. */
json_t *restore_missing(const char *home);
