/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/panic.h"

#include <stdalign.h>
#include <stdlib.h>

void arena_init(struct arena *a, size_t bytes)
{
    a->start = malloc(bytes);
    check(a->start);
    a->at = a->start;
    a->end = a->start + bytes;
}

void arena_done(struct arena *a)
{
    free(a->start);
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    a->at = a->start;
}

size_t arena_left(const struct arena *a)
{
    return (size_t)(a->end - a->at);
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    size_t pad = -(uintptr_t)a->at & (alignof(max_align_t) - 1);
    size_t left = (size_t)(a->end - a->at);

    if (pad > left || (size && count > (left - pad) / size))
        panic("arena: %zu x %zu bytes asked, %zu left", count, size, left);

    char *start = a->at + pad;
    a->at = start + count * size;
    return memset(start, 0, count * size);
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *copy = arena_take(a, s.len + 1, 1);

    if (s.len)
        memcpy(copy, s.at, s.len);
    return (struct str){copy, s.len};
}
