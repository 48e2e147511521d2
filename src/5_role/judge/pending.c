/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/pending.h"

#include "base/panic.h"

#include <stdlib.h>

void pending_init(struct pending *p)
{
    *p = (struct pending){.slots = calloc(PENDING_MAX, sizeof *p->slots)};
    check(p->slots);
}

static struct pending_call *slot_of(const struct pending *p, int64_t id)
{
    return &p->slots[(size_t)id & (PENDING_MAX - 1)];
}

int64_t pending_add(struct pending *p, void (*done)(void), void *context, void *extra)
{
    if (p->count == PENDING_MAX)
        return 0;
    do
        p->last_id++; /* a slot of a long call may be in the way: the next number is as good */
    while (slot_of(p, p->last_id)->id);
    *slot_of(p, p->last_id) =
        (struct pending_call){.id = p->last_id, .done = done, .context = context, .extra = extra};
    p->count++;
    return p->last_id;
}

bool pending_has(const struct pending *p, int64_t id)
{
    return id > 0 && slot_of(p, id)->id == id;
}

bool pending_take(struct pending *p, int64_t id, struct pending_call *ret_call)
{
    struct pending_call *slot = slot_of(p, id);

    if (id <= 0 || slot->id != id)
        return false;
    *ret_call = *slot;
    slot->id = 0;
    p->count--;
    return true;
}

bool pending_take_any(struct pending *p, struct pending_call *ret_call)
{
    for (size_t i = 0; p->count && i < PENDING_MAX; i++)
        if (p->slots[i].id)
            return pending_take(p, p->slots[i].id, ret_call);
    return false;
}
