/* SPDX-License-Identifier: Apache-2.0
 *
 * When a source is asked. */
#include "sense/sense_turn.h"

void sense_turn_init(struct sense_turn *turn, int64_t every_ms, uint32_t chance, int64_t now_ms)
{
    *turn = (struct sense_turn){.every_ms = every_ms,
        .due_ms = now_ms + (int64_t)((double)chance / ((double)UINT32_MAX + 1) * (double)every_ms)};
}

void sense_turn_ended(struct sense_turn *turn, bool good, uint32_t chance, int64_t now_ms)
{
    int64_t most = turn->every_ms > SENSE_AGAIN_MS ? turn->every_ms : SENSE_AGAIN_MS;
    int64_t wait = turn->every_ms;

    turn->asking = false;
    if (good) {
        turn->failures = 0;
        turn->due_ms += turn->every_ms;
        if (turn->due_ms <=
            now_ms) /* it took longer than its interval: what was missed is missed */
            turn->due_ms +=
                (now_ms - turn->due_ms) / turn->every_ms * turn->every_ms + turn->every_ms;
        else if (turn->due_ms > now_ms + turn->every_ms)
            turn->due_ms = now_ms + turn->every_ms;
        return;
    }
    for (int32_t i = 0; i < turn->failures && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    if (turn->failures < INT32_MAX)
        turn->failures++;
    turn->due_ms =
        now_ms + wait - (int64_t)((double)chance / ((double)UINT32_MAX + 1) * (double)(wait / 4));
}

int sense_turn_next(const struct sense_turn *turns, size_t stride, size_t count, size_t asking,
    size_t most, int64_t now_ms, int64_t *ret_wait_ms)
{
    const struct sense_turn *best = NULL;
    int found = -1;

    *ret_wait_ms = -1;
    if (asking >= most)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct sense_turn *turn =
            (const struct sense_turn *)(const void *)((const char *)turns + i * stride);
        if (turn->asking || turn->every_ms <= 0)
            continue; /* 0: nobody asks it, it pushes */
        if (!best || turn->due_ms < best->due_ms) {
            best = turn;
            found = (int)i;
        }
    }
    if (!best)
        return -1;
    if (best->due_ms <= now_ms)
        return found;
    *ret_wait_ms = best->due_ms - now_ms;
    return -1;
}
