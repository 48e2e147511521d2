/* SPDX-License-Identifier: Apache-2.0
 *
 * provider — makes prepared engines: from a program that is there, or from a source tree.
 *
 *     struct provider_order order = {.provider = "process", .engine = "llama", .bin = path,
 *         .catalogue = "/opt/logic-node/catalogue/engines.json", .now_ms = clock_civil_ms()};
 *     provider_prepare(&order, &prepared, &err)
 *
 * process  preflight (a program of this machine that can be run and knows the options we need)
 *          → version, digest → entry.
 * source   preflight (a tree with CMakeLists.txt, cmake, a compiler, a build tool, room on the
 * disk) → a build with normalised flags outside the tree, nothing fetched → as process; the version
 * is what the program says, and " src-COMMIT-FLAGS": 12 digits of the commit
 *          ("…-changed" if the tree is not as committed; without git "tree" and 8 digits of the
 *          SHA-256 of all files), 8 digits of the SHA-256 of the flags.
 *
 * Every preparation leaves one tar beside engines.json, bundles/ENGINE-TIME.tar: preflight.json,
 * plan.json, prepared.json (ORCH-3805), entry.json, capabilities.json. Same facts, same bytes.
 *
 * threads  blocks, on a loop of its own: for logicctl, not for a role
 * errors   ERR_INPUT the order; ERR_SYSTEM "preflight": all that is missing at once, each with how
 * to mend it; "build_failed" with the last line that says why; those of identity.h
 */
#pragma once

#include "engine/prepared.h"

#define PROVIDER_BUILD_MS (4 * 3600000LL)
#define PROVIDER_ROOM_BYTES (2LL << 30) /* free on the disk before a build */
#define PROVIDER_FLAGS_MAX 40           /* beyond the standard ones: 24 */

struct provider_order {
    const char *provider; /* "process", "source" */
    const char *engine;   /* name in the catalogue */
    const char *bin;      /* process */
    const char *tree;     /* source */
    const char *build;    /* source: folder of builds; NULL: builds/ beside engines.json */
    const char *const *cmake_flags; /* source: "NAME=VALUE"; NULL-ended, or NULL */
    const char *const *env;         /* "NAME=value" for the entry; NULL-ended, or NULL */
    const char *const *args;        /* put before ours in the entry; NULL-ended, or NULL */
    const char *catalogue;          /* path of engines.json; its folder is made */
    const char *path;               /* where cmake and the like are looked for; NULL: PATH */
    int64_t now_ms;                 /* civil */
    int64_t build_ms;               /* limit; 0: PROVIDER_BUILD_MS */
    void (*told)(void *user, const char *words); /* progress, one line; may be NULL */
    void *user;
};

bool provider_prepare(
    const struct provider_order *order, struct prepared_engine *ret_prepared, struct err *err);
