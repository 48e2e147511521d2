/* SPDX-License-Identifier: Apache-2.0
 *
 * identity — which engine is this, really? Its digest and what it says of its version. Internal to
 * engine/.
 *
 * The digest is the SHA-256 of the program; if the loader gives it libraries of the engine's own
 * (libllama*, libggml*, libmtmd*), that of the lines "HEX  NAME\n" of program and libraries, the
 * program first, the libraries by name. Back ends that the engine loads later by itself are not in
 * it.
 *
 * threads  the loop's; one answer, from the loop, never from inside the call
 */
#pragma once

#include "engine/digest.h"
#include "engine/prepared.h"

#include <stdbool.h>
#include <uv.h>

#define IDENTITY_LIBRARIES_MAX 32
#define IDENTITY_OUTPUT_BYTES_MAX (256u << 10)

struct identity;

struct identity_found {
    char sha256[65];
    char version[PREPARED_VERSION_BYTES]; /* what --version says */
    struct digest_stamp stamp;            /* of the program */
};

struct identity_order {
    const struct prepared_engine *prepared; /* bin, args, env; outlives the question */
    struct digest_cache *digests;           /* may be NULL */
    bool always_hash;
    int64_t limit_ms; /* of each run */
};

/* errors told  ERR_SYSTEM "engine_missing" cannot be run or read, "engine_changed" it changes while
 * it is read, "engine_version" it says none, in time */
void identity_ask(uv_loop_t *loop, const struct identity_order *order,
    void (*done)(void *user, const struct identity_found *found, const struct err *err), void *user,
    struct identity **ret_identity);
void identity_cancel(struct identity **at);

/* Pure: "version: 0.7.0 (build 11669)" somewhere in the lines. */
bool identity_read_version(struct str output, char ret_version[PREPARED_VERSION_BYTES]);
/* Pure: the loader's "\tNAME => PATH (0x…)" lines that are the engine's own. Returns how many. */
size_t identity_read_libraries(
    struct str output, struct str *ret_names, struct str *ret_paths, size_t max);
