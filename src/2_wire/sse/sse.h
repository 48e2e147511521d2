/* SPDX-License-Identifier: Apache-2.0
 *
 * sse — server-sent events to bytes and back.
 *
 * threads  any: no state but the reader's own struct
 * source   WHATWG HTML, 9.2 Server-sent events
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct sse_event {
    struct str id;    /* .at NULL: no id line; no NUL, CR or LF inside */
    struct str event; /* empty: no event line ("message"); no CR or LF inside */
    struct str data;  /* any text; each line gets its own data line. CR LF and CR count as LF */
};

/* Append one event. errors  ERR_INPUT id or event hold a character that would end their line */
bool sse_encode(const struct sse_event *event, struct buf *out, struct err *err);
/* Append a comment line that every client ignores: it shows both ends that the line is up. */
void sse_encode_comment(struct str text, struct buf *out);

/* A reader as a browser has one, for tests and for streams of our upstreams. */
struct sse_reader {
    struct buf line, data, event, id;
    bool has_id, after_cr, not_first;
};

void sse_reader_init(struct sse_reader *reader, size_t event_bytes_max);
void sse_reader_done(struct sse_reader *reader);
/* Read `bytes` up to the end of one event at most. *ret_used is how far it came; *ret_event is set
 * and *ret_found true if an event ended there, and lives until the next call (its id is the last
 * one ever seen). errors  ERR_LIMIT an event beyond event_bytes_max */
bool sse_read(struct sse_reader *reader, struct str bytes, size_t *ret_used,
    struct sse_event *ret_event, bool *ret_found, struct err *err);
