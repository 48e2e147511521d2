/* SPDX-License-Identifier: Apache-2.0
 *
 * arena — memory with one lifetime: taken piece by piece, given back at once.
 *
 * owner    whoever holds the struct
 * threads  one at a time
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct arena {
    char *start;
    char *at;
    char *end;
};

/* One block of `bytes` from the heap; panics without memory. */
void arena_init(struct arena *a, size_t bytes);
void arena_done(struct arena *a);
/* All of it is free again; pointers into it are dead. */
void arena_reset(struct arena *a);
/* Bytes left. */
size_t arena_left(const struct arena *a);

/* Take `count` zeroed objects of `size` bytes; never NULL.
 * Limits are checked at the door, so a full arena is our bug and we panic. */
void *arena_take(struct arena *a, size_t count, size_t size);

/* A copy with a terminator. */
struct str arena_copy(struct arena *a, struct str s);
