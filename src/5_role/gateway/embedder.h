/* SPDX-License-Identifier: Apache-2.0
 *
 * embedder — vectors of texts, from the node's own /v1/embeddings: through its queue, waking what
 * sleeps, as any local caller. What comes back is numbers or nothing.
 *
 * owner    documents.c
 * threads  the loop's only
 * limits   EMBEDDER_CALLS_MAX at once; a reply of EMBEDDER_REPLY_BYTES_MAX; 1 … 4096 numbers a
 * vector
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMBEDDER_CALLS_MAX 16
#define EMBEDDER_TEXTS_MAX 64
#define EMBEDDER_REPLY_BYTES_MAX (16 * 1024 * 1024)
#define EMBEDDER_BUDGET_MS 300000 /* of a batch in the background: a host may have to wake */

struct gateway;
struct embedder;

bool embedder_open(
    struct gateway *gateway, const char *model, struct embedder **ret_embedder, struct err *err);
/* Who waits is called with NULL at once; the memory goes from the loop. */
void embedder_close(struct embedder *embedder);

/* What an engine said of our texts. */
enum embedder_why { EMBEDDER_DONE, EMBEDDER_AWAY, EMBEDDER_REFUSED /* these texts, by a 4xx */ };
typedef void embedder_answered(
    void *owner, float *vectors, size_t count, size_t dimensions, enum embedder_why why);

/* `answered` once, from the loop, never from here: `vectors` (yours, to free) are count ×
 * dimensions numbers, NULL when there are none. `wait_ms` 0: EMBEDDER_BUDGET_MS. False: too many,
 * nothing is called. */
bool embedder_ask(struct embedder *embedder, const char *const *texts, size_t count,
    int64_t wait_ms, embedder_answered *answered, void *owner);

/* Pure: the reply of /v1/embeddings as `count` vectors in the order of their texts. False: it is
 * not that. */
bool embedder_read(
    const char *text, size_t bytes, size_t count, float **ret_vectors, size_t *ret_dimensions);
