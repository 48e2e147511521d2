/* SPDX-License-Identifier: Apache-2.0
 *
 * restart — when is a role that ended started again, and when is it given up?
 *
 * Pure: no clock, no I/O. The delay doubles with every crash up to a ceiling and falls back to the
 * first when the role has run well for a while; too many crashes in one window end in a failed
 * state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct restart_policy {
    int64_t first_delay_ms;
    int64_t delay_max_ms;
    int64_t healthy_ms; /* having run this long, the past is forgotten */
    int64_t window_ms;
    int64_t crashes_max; /* in one window; one more is a failure */
};

struct restart {
    int64_t window_from_ms;
    int64_t crashes; /* in this window */
    int64_t next_delay_ms;
    bool failed;
};

/* A role ended at `now_ms` (steady) after it ran for `ran_ms`.
 * Returns true with *ret_delay_ms, or false: given up, and it stays so. */
bool restart_after_crash(struct restart *state, const struct restart_policy *policy, int64_t now_ms,
    int64_t ran_ms, int64_t *ret_delay_ms);
