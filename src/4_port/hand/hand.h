/* SPDX-License-Identifier: Apache-2.0
 *
 * hand — what every hand (dns, ansible) says when it has finished.
 *
 * owner    hand_end_done() releases the result
 * threads  one at a time
 */
#pragma once

#include "base/err.h"

#include <jansson.h>

/* Did the world change? UNKNOWN is an honest answer: the order was sent and no answer came. */
enum hand_changed {
    HAND_CHANGED_NO,
    HAND_CHANGED_YES,
    HAND_CHANGED_UNKNOWN,
};

struct hand_end {
    bool ok;
    json_t *result; /* set if ok; may be set beside an error (what was done before it) */
    struct err err; /* set if not ok */
    enum hand_changed changed;
};

static inline const char *hand_changed_word(enum hand_changed changed)
{
    return changed == HAND_CHANGED_YES ? "yes" : changed == HAND_CHANGED_NO ? "no" : "unknown";
}

static inline void hand_end_done(struct hand_end *end)
{
    json_decref(end->result);
    *end = (struct hand_end){0};
}
