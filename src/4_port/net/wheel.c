/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wheel.h"

#include "base/panic.h"

static void list_init(struct wheel_entry *head)
{
    head->prev = head->next = head;
}

static void list_add(struct wheel_entry *head, struct wheel_entry *entry)
{
    entry->prev = head->prev;
    entry->next = head;
    head->prev->next = entry;
    head->prev = entry;
}

static void list_cut(struct wheel_entry *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    entry->prev = entry->next = NULL;
}

static struct wheel_entry *slot_of(struct wheel *wheel, uint64_t due_ms)
{
    return &wheel->slots[(due_ms / WHEEL_TICK_MS + 1) % WHEEL_SLOTS];
}

/* Fire what is due in one slot. A fired entry may arm and disarm any other, so the list is taken
 * off first and eaten from its head. */
static void turn(struct wheel *wheel, struct wheel_entry *slot, uint64_t now_ms)
{
    struct wheel_entry local, later;

    if (slot->next == slot)
        return;
    local = *slot;
    local.next->prev = &local;
    local.prev->next = &local;
    list_init(slot);
    list_init(&later);
    while (local.next != &local) {
        struct wheel_entry *entry = local.next;
        list_cut(entry);
        if (entry->due_ms > now_ms) {
            list_add(&later, entry);
            continue;
        }
        wheel->armed--;
        wheel->fire(entry);
    }
    while (later.next != &later) {
        struct wheel_entry *entry = later.next;
        list_cut(entry);
        list_add(slot, entry);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct wheel *wheel = timer->data;
    uint64_t now_ms = uv_now(timer->loop), now = now_ms / WHEEL_TICK_MS;

    if (now - wheel->tick > WHEEL_SLOTS)
        wheel->tick = now - WHEEL_SLOTS;
    while (wheel->tick < now) {
        wheel->tick++;
        turn(wheel, &wheel->slots[wheel->tick % WHEEL_SLOTS], now_ms);
    }
    if (!wheel->armed)
        uv_timer_stop(timer);
}

void wheel_init(struct wheel *wheel, uv_loop_t *loop, void (*fire)(struct wheel_entry *entry))
{
    check(uv_timer_init(loop, &wheel->timer) == 0);
    wheel->timer.data = wheel;
    wheel->fire = fire;
    wheel->armed = 0;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void wheel_arm(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms)
{
    wheel_disarm(wheel, entry);
    uint64_t now_ms = uv_now(wheel->timer.loop);
    entry->due_ms = due_ms > now_ms ? due_ms : now_ms;
    if (!uv_is_active((const uv_handle_t *)&wheel->timer)) {
        wheel->tick = now_ms / WHEEL_TICK_MS;
        check(uv_timer_start(&wheel->timer, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS) == 0);
    }
    list_add(slot_of(wheel, entry->due_ms), entry);
    wheel->armed++;
}

void wheel_disarm(struct wheel *wheel, struct wheel_entry *entry)
{
    if (!entry->next)
        return;
    list_cut(entry);
    wheel->armed--;
}

void wheel_close(struct wheel *wheel, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&wheel->timer, closed);
}
