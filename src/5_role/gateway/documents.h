/* SPDX-License-Identifier: Apache-2.0
 *
 * documents — runbooks and manuals that people gave the node, found again: /api/v1/docs.
 *
 * Jobs run one at a time on libuv's workers, so SQLite is touched by one thread only. Where an
 * embedding model is named (--embedding-model, and sqlite-vec by --sqlite-vec), pieces get their
 * vectors from the node's own /v1/embeddings in the background, and so does each question; without,
 * or when the engine is slow, words alone are looked for, and the answer says so.
 *
 * owner    the gateway
 * threads  the loop's only
 * limits   DOCUMENTS_JOBS_MAX jobs wait; beyond 503 "busy"; sizes as in 4_port/retrieval
 */
#pragma once

#include "base/err.h"

#define DOCUMENTS_JOBS_MAX 64
#define DOCUMENTS_BODY_BYTES_MAX (4 * 1024 * 1024) /* the text of one, with what JSON adds */

struct gateway;
struct visit;

/* Before the sandbox: the file, the extension. errors  of retrieval_open() */
bool documents_open(struct gateway *gateway, struct err *err);
bool documents_start(struct gateway *gateway, struct err *err);
void documents_close(struct gateway *gateway);
/* The visit left: nothing of its job is told any more. */
void documents_forget(struct gateway *gateway, const struct visit *visit);
