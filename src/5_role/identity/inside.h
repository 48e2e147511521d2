/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — identity's own state; for the files of this folder only.
 */
#pragma once

#include "identity/cache.h"
#include "identity/memo.h"
#include "identity/token_file.h"

/* Those that left the file may still be inside while as many new ones come. */
#define SLOTS_MAX (2 * IDENTITY_CALLERS_MAX + 1)
/* Power of two, at most half full: opaque tokens by hash. */
#define OPAQUE_PLACES (4 * IDENTITY_CALLERS_MAX)

enum identity_reason {
#define IDENTITY_REASON(word, status, type, code, message) REASON_##word,
#include "identity/identity_reasons.def"
#undef IDENTITY_REASON
    REASONS
};

struct identity {
    char *path; /* NULL: no file */
    struct identity_limits limits;
    struct document_stamp stamp, bad_stamp;
    struct token_key keys[IDENTITY_KEYS_MAX];
    size_t keys_count;

    struct own {
        struct caller *caller;
        char token[IDENTITY_OWN_TOKEN_BYTES];
    } own[CALLER_BACKGROUND + 1]; /* by priority */
    struct caller *local;
    struct caller *slots[SLOTS_MAX];           /* by number; 0 is `local` */
    struct caller *rows[IDENTITY_CALLERS_MAX]; /* those of the file, by id */
    size_t rows_count;
    struct caller *opaque[OPAQUE_PLACES];

    struct memo memo;
    struct cache cache;
    struct bucket verifies;
    struct identity_counts counts;
    uv_timer_t *timer;
};

/* false, and the refusal filled in. */
bool identity_refuse(struct identity_refusal *ret_refusal, enum identity_reason reason);

struct caller *identity_row_of(const struct identity *identity, const char *id);
struct caller *identity_opaque_of(
    const struct identity *identity, const uint8_t digest[SHA256_BYTES]);

/* Those whom nobody can reach any more are freed; is there a slot then? */
bool identity_room(struct identity *identity);
/* A number and a slot for a new caller. */
void identity_place(struct identity *identity, struct caller *caller);
/* The node's own callers, once. */
void identity_own_open(struct identity *identity);
