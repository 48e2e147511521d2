/* SPDX-License-Identifier: Apache-2.0
 *
 * patience — how long a test waits for what should come at once, and where it runs.
 *
 *     LN_PATIENCE=6       so many times as long: an emulated machine is slow
 *     LN_EMULATED=NAME    under this emulator: what it cannot do is skipped by name (SKIP of tap.h)
 */
#pragma once

#include "base/str.h"

#include <stdlib.h>

#define PATIENCE_TIMES_MAX 100

static inline int patience(int seconds)
{
    const char *said = getenv("LN_PATIENCE");
    uint64_t times;

    if (!said || !str_to_u64(str_from(said), PATIENCE_TIMES_MAX, &times) || times == 0)
        return seconds;
    return seconds * (int)times;
}

static inline int is_emulated(void)
{
    return getenv("LN_EMULATED") != NULL;
}
