/* SPDX-License-Identifier: Apache-2.0 */
#include "restart/restart.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool restart_after_crash(struct restart *state, const struct restart_policy *policy, int64_t now_ms,
    int64_t ran_ms, int64_t *ret_delay_ms)
{
    if (state->failed)
        return false;
    if (state->crashes == 0 || now_ms - state->window_from_ms > policy->window_ms) {
        state->window_from_ms = now_ms;
        state->crashes = 0;
    }
    if (state->next_delay_ms == 0 || ran_ms >= policy->healthy_ms)
        state->next_delay_ms = policy->first_delay_ms;
    if (++state->crashes > policy->crashes_max) {
        state->failed = true;
        return false;
    }
    *ret_delay_ms = state->next_delay_ms;
    state->next_delay_ms = smaller(state->next_delay_ms * 2, policy->delay_max_ms);
    return true;
}
