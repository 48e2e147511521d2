/* SPDX-License-Identifier: Apache-2.0
 * Bytes that several queues hold. */
#include "base/panic.h"
#include "net/conn.h"

#include <stdlib.h>

struct shared_bytes *shared_bytes_plain(
    const struct str *parts, size_t count, size_t skip, size_t most)
{
    size_t total = 0, at = 0;

    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    check(skip <= total);
    size_t len = total - skip < most ? total - skip : most;
    struct shared_bytes *bytes = malloc(sizeof *bytes + len);
    check(bytes);
    *bytes = (struct shared_bytes){.references = 1, .framed_len = len, .len = len};
    for (size_t i = 0; i < count && at < len; i++) {
        size_t hidden = skip < parts[i].len ? skip : parts[i].len;
        size_t step = parts[i].len - hidden < len - at ? parts[i].len - hidden : len - at;
        if (step)
            memcpy(bytes->data + at, parts[i].at + hidden, step);
        at += step;
        skip -= hidden;
    }
    return bytes;
}

struct str chunk_size(char *text, size_t len)
{
    size_t at = CHUNK_SIZE_BYTES;

    text[--at] = '\n';
    text[--at] = '\r';
    do
        text[--at] = "0123456789abcdef"[len & 15];
    while (len >>= 4);
    return (struct str){text + at, CHUNK_SIZE_BYTES - at};
}

struct shared_bytes *shared_bytes_make(struct str payload)
{
    char text[CHUNK_SIZE_BYTES];
    struct str size = chunk_size(text, payload.len);
    struct str parts[] = {size, payload, S("\r\n")};
    struct shared_bytes *bytes = shared_bytes_plain(parts, 3, 0, SIZE_MAX);

    bytes->from = size.len;
    bytes->len = payload.len;
    return bytes;
}

void shared_bytes_drop(struct shared_bytes **at)
{
    struct shared_bytes *bytes = *at;

    *at = NULL;
    if (bytes && --bytes->references == 0)
        free(bytes);
}
