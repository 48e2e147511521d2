/* SPDX-License-Identifier: Apache-2.0
 *
 * wheel — one timer of the loop for all deadlines of a server: arming and disarming are a few
 * stores. It turns only while something is armed; a deadline is met up to WHEEL_TICK_MS late, never
 * early.
 *
 * owner    whoever holds the struct; wheel_close() before its memory goes
 * threads  the loop's
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define WHEEL_TICK_MS 50
#define WHEEL_SLOTS 1024 /* a deadline further away than 51 s is looked at once per turn */

struct wheel_entry {
    struct wheel_entry *prev, *next; /* NULL: not armed */
    uint64_t due_ms;                 /* of uv_now() */
};

struct wheel {
    uv_timer_t timer;
    struct wheel_entry slots[WHEEL_SLOTS];
    uint64_t tick;
    size_t armed;
    void (*fire)(struct wheel_entry *entry);
};

void wheel_init(struct wheel *wheel, uv_loop_t *loop, void (*fire)(struct wheel_entry *entry));
/* Arm, or move, to this time of uv_now(). */
void wheel_arm(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms);
void wheel_disarm(struct wheel *wheel, struct wheel_entry *entry);
void wheel_close(struct wheel *wheel, uv_close_cb closed);
