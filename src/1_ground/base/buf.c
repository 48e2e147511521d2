/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

void buf_done(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){.bytes_max = buf->bytes_max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
}

/* One byte more than asked, so that buf_text() always has room for its terminator. */
char *buf_room(struct buf *buf, size_t count)
{
    size_t wanted, cap = buf->cap ? buf->cap : BUF_FIRST_BYTES;

    if (__builtin_add_overflow(buf->len, count, &wanted) || wanted > buf->bytes_max) {
        buf->overflowed = true;
        return NULL;
    }
    if (wanted + 1 > buf->cap) {
        while (cap < wanted + 1)
            cap *= 2;
        char *grown = realloc(buf->at, cap);
        check(grown);
        buf->at = grown;
        buf->cap = cap;
    }
    return buf->at + buf->len;
}

void buf_add(struct buf *buf, struct str s)
{
    char *room = buf->overflowed ? NULL : buf_room(buf, s.len);

    if (!room)
        return;
    if (s.len)
        memcpy(room, s.at, s.len);
    buf->len += s.len;
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, (struct str){&c, 1});
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    check(len >= 0);
    char *room = buf->overflowed ? NULL : buf_room(buf, (size_t)len);
    if (room) {
        vsnprintf(room, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_drop(struct buf *buf, size_t count)
{
    check(count <= buf->len);
    if (count < buf->len)
        memmove(buf->at, buf->at + count, buf->len - count);
    buf->len -= count;
}

const char *buf_text(struct buf *buf)
{
    if (!buf->at)
        return "";
    buf->at[buf->len] = '\0';
    return buf->at;
}
