/* SPDX-License-Identifier: Apache-2.0
 *
 * sense_turn — when each source is asked. Pure.
 *
 *     sense_turn_init(&turn, every_ms, chance, now_ms);
 *     while ((i = sense_turn_next(turns, …)) >= 0)      ask it; then sense_turn_ended(&turns[i], …)
 *
 * The first time lies within a source's interval by chance, so that sources do not come all at
 * once; after a failure the interval doubles up to SENSE_AGAIN_MS (or the interval, if that is
 * longer); a success brings it back into its step.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENSE_AGAIN_MS 60000
struct sense_turn {
    int64_t every_ms, due_ms; /* steady */
    int32_t failures;         /* in a row */
    bool asking;
};

void sense_turn_init(struct sense_turn *turn, int64_t every_ms, uint32_t chance, int64_t now_ms);
/* `chance` 0…UINT32_MAX moves a retry by up to a quarter. */
void sense_turn_ended(struct sense_turn *turn, bool good, uint32_t chance, int64_t now_ms);
/* Who is due longest, -1 nobody; *ret_wait_ms (−1: never) until somebody is. Nobody while `asking`
 * are at `most`. `turns` lie `stride` bytes apart. */
int sense_turn_next(const struct sense_turn *turns, size_t stride, size_t count, size_t asking,
    size_t most, int64_t now_ms, int64_t *ret_wait_ms);
