/* SPDX-License-Identifier: Apache-2.0
 *
 * provider — makes prepared engines: from a program that is there, or from a source tree.
 *
 *     struct provider_order order = {.provider = "process", .engine = "llama", .bin = path,
 *         .catalogue = "HOME/catalogue/engines.json"};
 *     provider_prepare(&order, &prepared, &report, &err)
 *
 * process  preflight (a program, executable, of this machine) → its version, its digest, what it
 *          understands (--help) → entry.
 * source   preflight (a tree with CMakeLists.txt, cmake, a compiler, room on the disk) → a build
 * with normalised flags outside the tree → entry; version = commit (or "tree-" + digest) + flags.
 * Every preparation leaves one tar beside engines.json: bundles/ENGINE-TIME.tar with
 * preflight.json, plan.json, prepared.json, entry.json, capabilities.json; the same facts give the
 * same bytes.
 *
 * threads  blocks: for logicctl, not for a role's loop
 * errors   ERR_INPUT, ERR_SYSTEM "preflight": what is missing and how to mend it, all of it at once
 */
#pragma once

#include "engine/prepared.h"

struct provider_order {
    const char *provider;           /* "process", "source" */
    const char *engine;             /* name in the catalogue */
    const char *bin;                /* process */
    const char *tree;               /* source */
    const char *build;              /* source: folder of builds; NULL: beside the catalogue */
    const char *const *cmake_flags; /* source: -D… beyond the standard ones; NULL-ended, or NULL */
    const char *const *env;         /* "NAME=value" for the entry; NULL-ended, or NULL */
    const char *catalogue;          /* path of engines.json */
    int64_t now_ms;                 /* civil */
    int64_t build_ms;               /* limit; 0: the standard */
    void (*told)(void *user, const char *words); /* progress; may be NULL */
    void *user;
};

bool provider_prepare(
    const struct provider_order *order, struct prepared_engine *ret_prepared, struct err *err);

/* SHA-256 that stands for an engine: of the program; and if the loader gives it libraries of its
 * own (libllama*, libggml*, libmtmd*), of the lines "HEX  NAME\n" of program and libraries. */
