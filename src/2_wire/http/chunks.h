/* SPDX-License-Identifier: Apache-2.0
 *
 * chunks — a chunked request body to plain bytes. Extensions and trailers, which nobody needs and
 * every smuggler does, are refused.
 *
 * threads  one at a time per struct
 * source   RFC 9112 7.1
 */
#pragma once

#include "base/buf.h"
#include "http/head.h"

/* Framing may cost this much more than HTTP_CHUNK_COST bytes per byte of body: so a client cannot
 * keep us busy for ever with one-byte chunks or leading zeros. */
#define HTTP_CHUNK_SPARE_BYTES 4096
#define HTTP_CHUNK_COST 8

struct http_chunks;

struct http_chunks *http_chunks_make(void);
/* For scoped(http_chunks_done). */
void http_chunks_done(struct http_chunks **at);

/* Append what `bytes` hold of the body to `body`, whose bytes_max is the limit (413 beyond it).
 * *ret_used is how many bytes belonged to the body; *ret_whole is true behind its end. After a
 * refusal feed nothing more. */
const struct http_refusal *http_chunks_feed(struct http_chunks *chunks, struct str bytes,
    struct buf *body, size_t *ret_used, bool *ret_whole);
