/* SPDX-License-Identifier: Apache-2.0
 *
 * memory — nonces of orders that were used, on disk before the order is: a restart forgets none.
 *
 *     UNTIL_MS NONCE\n      a line each; the file is replaced whole
 *
 * A nonce is kept for a day beyond its order's end, so that a clock that is set back by less
 * revives nothing.
 *
 * owner    memory_done()
 * threads  one at a time
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <limits.h>
#include <stdint.h>

#define MEMORY_NONCE_BYTES 65
#define MEMORY_KEPT_MS (24 * 3600 * 1000)

struct memory_entry {
    int64_t until_ms; /* civil */
    char nonce[MEMORY_NONCE_BYTES];
};

struct memory {
    char path[PATH_MAX];
    struct memory_entry *entries;
    size_t count, count_max;
};

/* errors  ERR_SYSTEM the file cannot be read, or is not one: then no order can be taken, and
 * whoever starts the agent must look at it */
bool memory_init(struct memory *memory, const char *path, size_t count_max, struct err *err);
void memory_done(struct memory *memory);

/* On disk when it returns true. errors  ERR_DENIED "used"; ERR_LIMIT "too_many_orders"; ERR_SYSTEM
 * not written: then it does not count as used */
bool memory_use(struct memory *memory, struct str nonce, int64_t expires_at_ms, int64_t now_ms,
    struct err *err);
