/* SPDX-License-Identifier: Apache-2.0
 *
 * provider_inside — the parts of a preparation. Internal to engine/.
 */
#pragma once

#include "base/buf.h"
#include "engine/child.h"
#include "engine/provider.h"

#define PROVIDER_LINE_BYTES 256

struct preparation {
    const struct provider_order *order;
    struct prepared_engine prepared;
    json_t *checks;                   /* [{"check","ok","found","mend"}] */
    json_t *plan;                     /* {"provider","steps":[{"what","argv"}]} */
    json_t *capabilities;             /* {"options":{…}} */
    char folder[PREPARED_PATH_BYTES]; /* of engines.json */
    char source_version[96];          /* "src-…", "" for process */
};

/* Run to its end on a loop of its own. The output's last `bytes_max` bytes are kept; each line goes
 * to told() if that is given. errors  ERR_SYSTEM cannot be run, "probe_slow" */
struct provider_run {
    struct child_order order;
    int64_t limit_ms;
    size_t bytes_max;
    void (*told)(void *user, const char *words);
    void *user;
};
bool provider_run(
    const struct provider_run *run, struct buf *output, int *ret_status, struct err *err);

/* Note a check; a failed one makes preflight_done() fail. */
void preflight_add(
    struct preparation *at, const char *check, bool ok, const char *found, const char *mend);
/* errors  ERR_SYSTEM "preflight" with every failed check */
bool preflight_done(const struct preparation *at, struct err *err);
void plan_add(struct preparation *at, const char *what, const char *const *argv);

/* An executable of this name in `path` (NULL: the PATH of the environment). */
bool provider_find(const char *path, const char *name, char ret_path[PREPARED_PATH_BYTES]);

/* provider_source.c: build, then at->prepared.bin, .flags and source_version are set. */
bool provider_build(struct preparation *at, struct err *err);
/* provider_tree.c: "0123456789ab", "0123456789ab-changed", "tree01234567". */
bool provider_tree_version(
    const struct preparation *at, const char *tree, char ret_version[64], struct err *err);

/* --- bundle.c: a tar (ustar) that the same files always make the same ------------------------- */
#define BUNDLE_BYTES_MAX (4u << 20)
/* `name` at most 99 bytes. */
void bundle_add(struct buf *tar, const char *name, struct str bytes);
void bundle_end(struct buf *tar);
