/* SPDX-License-Identifier: Apache-2.0
 *
 * buf — bytes that grow up to a limit named at birth.
 *
 * owner    whoever holds the struct; buf_done() releases
 * threads  one at a time
 *
 *     scoped(buf_done) struct buf out = buf_of(RESPONSE_BYTES_MAX);
 *
 * Past the limit nothing is added and `overflowed` stays true: write all, look once.
 */
#pragma once

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *at;
    size_t len;
    size_t cap;
    size_t bytes_max;
    bool overflowed;
};

static inline struct buf buf_of(size_t bytes_max)
{
    return (struct buf){.bytes_max = bytes_max};
}

void buf_done(struct buf *buf);
/* Empty, memory kept. */
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, struct str s);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drop the first `count` bytes. */
void buf_drop(struct buf *buf, size_t count);
/* Room for `count` more bytes behind len; NULL past the limit. The caller raises len. */
char *buf_room(struct buf *buf, size_t count);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->at ? buf->at : "", buf->len};
}

/* The text with a terminator behind it; valid until the next change. */
const char *buf_text(struct buf *buf);
