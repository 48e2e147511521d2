/* SPDX-License-Identifier: Apache-2.0
 *
 * sse — an event stream taken apart as it comes, in pieces of any size.
 *
 * source   WHATWG HTML, 9.2.6
 */
#pragma once

#include "base/buf.h"

#define SSE_EVENT_BYTES_MAX (1u << 20) /* a longer event is dropped whole and counted */
#define SSE_ID_BYTES 64

struct sse_event {
    struct str name; /* "message" if the stream gave none */
    struct str data;
};

struct sse {
    struct buf line, data, name;
    char last_id[SSE_ID_BYTES]; /* of the last event; survives reconnecting */
    size_t dropped;
    bool after_cr;
    bool (*take)(void *context, const struct sse_event *event);
    void *context;
};

void sse_init(struct sse *sse, bool (*take)(void *, const struct sse_event *), void *context);
void sse_done(struct sse *sse);
/* Forget half an event: the connection is a new one. */
void sse_restart(struct sse *sse);
/* false: `take` wants no more. */
bool sse_feed(struct sse *sse, struct str bytes);
