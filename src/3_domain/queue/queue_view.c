/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be seen of the queue: places, estimates, counts.
 */
#include "base/panic.h"
#include "queue/queue_inner.h"

/* The pool that will probably serve it: one that has the model, else one on its way there. */
static int expected_pool(const struct queue *queue, const struct lane *lane, int *ret_slots)
{
    int found = -1;
    *ret_slots = 0;
    for (int round = 0; round < 2 && found < 0; round++)
        for (uint32_t left = lane->pools; left != 0; left &= left - 1) {
            int pool = __builtin_ctz(left);
            const struct pool *p = &queue->pools[pool];
            bool has = p->known && p->spec.model == lane->model && !p->closed;
            bool comes = p->known && p->contender == lane->model;
            if (round == 0 ? !has : !comes)
                continue;
            if (found < 0 || p->running < queue->pools[found].running)
                found = pool;
            *ret_slots += p->spec.slots > 0 ? p->spec.slots : 1;
        }
    return found;
}

/* How many of the other flow's requests start before virtual time `until`, about. */
static int64_t flow_ahead(
    const struct queue *queue, const struct flow *f, int64_t tag, int64_t until, bool tie)
{
    int64_t each = queue_virtual(queue, f->caller, f->waiting_cost / f->waiting);
    if (each < 1)
        each = 1;
    if (tag > until || (tag == until && !tie))
        return 0;
    int64_t count = (until - tag) / each + ((until - tag) % each != 0 || tie);
    return count > f->waiting ? f->waiting : count;
}

static int64_t tag_at(const struct queue *queue, int pool, const struct flow *f)
{
    if (pool < 0)
        return 0;
    int64_t clock = queue->pools[pool].clock[f->class];
    int64_t tag = *queue_tag((struct queue *)(uintptr_t)queue, pool, f->class, f->caller);
    return tag < clock ? clock : tag;
}

static int64_t ahead_of(const struct queue *queue, const struct entry *e, int pool)
{
    const struct flow *own = &queue->flows[e->flow];
    const struct lane *lane = &queue->lanes[e->lane];
    int64_t until = tag_at(queue, pool, own), ahead = 0;
    for (uint32_t back = e->flow_back; back != NIL; back = queue->entries[back].flow_back) {
        until += queue_virtual(queue, e->caller, queue->entries[back].cost);
        ahead++;
    }
    for (uint32_t l = queue->models[lane->model].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *other = &queue->lanes[l];
        if (l != e->lane && (pool < 0 || !(other->pools >> pool & 1)))
            continue;
        for (int class = 0; class <= e->class; class++)
            for (uint32_t f = other->since[class].head; f != NIL; f = queue->flows[f].since_next) {
                const struct flow *flow = &queue->flows[f];
                if (flow == own)
                    continue;
                ahead += class < e->class
                    ? flow->waiting
                    : flow_ahead(queue, flow, tag_at(queue, pool, flow), until,
                          flow->order < own->order);
            }
    }
    return ahead;
}

bool queue_place(struct queue *queue, uint64_t id, int64_t now_ms, struct queue_place *ret_place)
{
    const struct entry *e = queue_entry(queue, id);
    if (e == NULL)
        return false;
    if (e->state == ENTRY_RUNNING) {
        *ret_place = (struct queue_place){.pool = e->pool};
        return true;
    }
    queue_settle(queue, now_ms);
    const struct lane *lane = &queue->lanes[e->lane];
    int slots, pool = expected_pool(queue, lane, &slots);
    int64_t ahead = ahead_of(queue, e, pool);
    *ret_place = (struct queue_place){.position = (int)ahead + 1, .start_ms = -1, .pool = pool};
    if (pool < 0)
        return true;
    const struct pool *p = &queue->pools[pool];
    int64_t service_ms = queue_service_ms(queue, lane->model), start_ms = 0;
    int64_t free_slots = p->spec.model == lane->model ? p->spec.slots - p->running : slots;
    if (p->spec.model != lane->model) {
        bool now = p->closed || queue_startable(p) == 0;
        int64_t close_ms = now ? now_ms : queue_close_at_ms(queue, pool);
        start_ms = p->spec.load_ms;
        if (p->running > 0 && p->spec.model >= 0)
            start_ms += queue_service_ms(queue, p->spec.model);
        if (close_ms > now_ms && close_ms != INT64_MAX)
            start_ms += close_ms - now_ms;
    }
    if (ahead >= free_slots)
        start_ms += ((ahead - (free_slots > 0 ? free_slots : 0)) / slots + 1) * service_ms;
    ret_place->start_ms = start_ms;
    return true;
}

struct queue_pool_view queue_pool_view(struct queue *queue, int pool, int64_t now_ms)
{
    check(pool >= 0 && pool < QUEUE_POOLS_MAX);
    queue_settle(queue, now_ms);
    const struct pool *p = &queue->pools[pool];
    struct queue_pool_view view = {
        .running = p->running, .closed = p->closed, .contender = p->contender};
    for (int class = 0; class < QUEUE_CLASSES; class++)
        for (uint32_t i = 0; i < p->heaps[class].count; i++)
            view.waiting += queue->flows[p->heaps[class].flows[i]].waiting;
    return view;
}

int queue_waiting(const struct queue *queue)
{
    return queue->waiting;
}

int queue_running(const struct queue *queue)
{
    return queue->running;
}

int queue_model_waiting(const struct queue *queue, int model)
{
    check(model >= 0 && model < QUEUE_MODELS_MAX);
    return queue->models[model].waiting;
}

int queue_caller_waiting(const struct queue *queue, int caller)
{
    check(caller >= 0 && caller < queue->limits.callers);
    return queue->callers[caller].waiting;
}

int queue_caller_running(const struct queue *queue, int caller)
{
    check(caller >= 0 && caller < queue->limits.callers);
    return queue->callers[caller].running;
}

int queue_stranded(
    const struct queue *queue, int model, int64_t now_ms, uint64_t *ids, int ids_max)
{
    int count = 0;
    for (uint32_t l = 0; l < queue->lanes_used; l++) {
        const struct lane *lane = &queue->lanes[l];
        if ((model >= 0 && lane->model != model) || queue_lane_waiting(lane) == 0 ||
            !queue_lane_stranded(queue, lane, now_ms))
            continue;
        for (int class = 0; class < QUEUE_CLASSES; class++)
            for (uint32_t e = lane->entries[class].head; e != NIL;
                e = queue->entries[e].lane_next, count++)
                if (count < ids_max)
                    ids[count] = queue->entries[e].id;
    }
    return count;
}

void *queue_owner(const struct queue *queue, uint64_t id)
{
    const struct entry *e = queue_entry(queue, id);
    return e == NULL ? NULL : e->owner;
}
