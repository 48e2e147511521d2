/* SPDX-License-Identifier: Apache-2.0
 *
 * pending — calls to another role that wait for their answer, by number.
 *
 * A ring of slots indexed by the low bits of the number: adding and taking cost a few instructions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PENDING_MAX 16384 /* a power of two */

struct pending_call {
    int64_t id; /* 0: free */
    void (*done)(void);
    void *context;
    void *extra;
};

struct pending {
    struct pending_call *slots;
    int64_t last_id;
    size_t count;
};

void pending_init(struct pending *p);
/* Returns the number, or 0 when PENDING_MAX wait already. */
int64_t pending_add(struct pending *p, void (*done)(void), void *context, void *extra);
/* Does somebody wait for that number? */
bool pending_has(const struct pending *p, int64_t id);
/* False if nobody waits for that number. */
bool pending_take(struct pending *p, int64_t id, struct pending_call *ret_call);
/* Take any one; false when none is left. */
bool pending_take_any(struct pending *p, struct pending_call *ret_call);
