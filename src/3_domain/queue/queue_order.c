/* SPDX-License-Identifier: Apache-2.0
 *
 * The order among the waiters for the model that a pool has: one heap of flows per pool and class.
 */
#include "queue/queue_inner.h"

static uint32_t *place(const struct queue *queue, uint32_t flow, int pool)
{
    return &queue->places[(size_t)flow * QUEUE_POOLS_MAX + (size_t)pool];
}

int64_t *queue_tag(struct queue *queue, int pool, int class, int caller)
{
    return &queue->tags[((size_t)pool * QUEUE_CLASSES + (size_t)class) *
                            (size_t)queue->limits.callers +
        (size_t)caller];
}

int64_t queue_virtual(const struct queue *queue, int caller, int64_t cost)
{
    return cost * VIRTUAL_PER_TOKEN / queue->callers[caller].spec.weight;
}

bool queue_before(const struct queue *queue, int pool, uint32_t a, uint32_t b)
{
    const struct flow *x = &queue->flows[a], *y = &queue->flows[b];
    const int64_t *tags = &queue->tags[((size_t)pool * QUEUE_CLASSES + x->class) *
        (size_t)queue->limits.callers];
    int64_t s = tags[x->caller], t = tags[y->caller];
    return s != t ? s < t : x->order < y->order;
}

/* --- the heap */

static void put(struct queue *queue, int pool, struct heap *heap, uint32_t at, uint32_t flow)
{
    heap->flows[at] = flow;
    *place(queue, flow, pool) = at;
}

static void rise(struct queue *queue, int pool, struct heap *heap, uint32_t at)
{
    uint32_t flow = heap->flows[at];
    while (at > 0) {
        uint32_t over = (at - 1) / 2;
        if (!queue_before(queue, pool, flow, heap->flows[over]))
            break;
        put(queue, pool, heap, at, heap->flows[over]);
        at = over;
    }
    put(queue, pool, heap, at, flow);
}

static void sink(struct queue *queue, int pool, struct heap *heap, uint32_t at)
{
    uint32_t flow = heap->flows[at];
    for (uint32_t under; (under = 2 * at + 1) < heap->count; at = under) {
        if (under + 1 < heap->count &&
            queue_before(queue, pool, heap->flows[under + 1], heap->flows[under]))
            under++;
        if (!queue_before(queue, pool, heap->flows[under], flow))
            break;
        put(queue, pool, heap, at, heap->flows[under]);
    }
    put(queue, pool, heap, at, flow);
}

static void heap_add(struct queue *queue, int pool, uint32_t flow)
{
    struct heap *heap = &queue->pools[pool].heaps[queue->flows[flow].class];
    heap->flows[heap->count] = flow;
    rise(queue, pool, heap, heap->count++);
}

static void heap_remove(struct queue *queue, int pool, uint32_t flow)
{
    struct heap *heap = &queue->pools[pool].heaps[queue->flows[flow].class];
    uint32_t at = *place(queue, flow, pool);
    *place(queue, flow, pool) = NIL;
    uint32_t last = heap->flows[--heap->count];
    if (at == heap->count)
        return;
    heap->flows[at] = last;
    rise(queue, pool, heap, at);
    sink(queue, pool, heap, *place(queue, last, pool));
}

/* A caller's tag changed: its flows (few) find their new place. */
static void heap_moved(struct queue *queue, int pool, int class, int caller)
{
    struct heap *heap = &queue->pools[pool].heaps[class];
    for (uint32_t f = queue->callers[caller].flows; f != NIL; f = queue->flows[f].caller_next) {
        if (queue->flows[f].class != class || *place(queue, f, pool) == NIL)
            continue;
        rise(queue, pool, heap, *place(queue, f, pool));
        sink(queue, pool, heap, *place(queue, f, pool));
    }
}

/* --- tags */

static void tag_set(struct queue *queue, int pool, int class, int caller, int64_t tag)
{
    *queue_tag(queue, pool, class, caller) = tag;
    if (tag > queue->pools[pool].tag_max[class])
        queue->pools[pool].tag_max[class] = tag;
}

/* Long before they overflow, all tags of a pool and class go back by as much as the clock. */
static void rebase(struct queue *queue, int pool, int class)
{
    struct pool *p = &queue->pools[pool];
    int64_t base = p->clock[class] - TAG_KEPT;
    if (base < 0)
        base = 0;
    for (int caller = 0; caller < queue->limits.callers; caller++) {
        int64_t *tag = queue_tag(queue, pool, class, caller);
        *tag = *tag <= base ? 0 : *tag - base > TAG_MAX / 2 ? TAG_MAX / 2 : *tag - base;
    }
    p->clock[class] -= base;
    p->tag_max[class] -= base;
    if (p->tag_max[class] > TAG_MAX / 2)
        p->tag_max[class] = TAG_MAX / 2;
    struct heap *heap = &p->heaps[class];
    for (uint32_t i = 1; i < heap->count; i++)
        rise(queue, pool, heap, i);
}

void queue_charge(struct queue *queue, int pool, int class, int caller, int64_t virtual_cost)
{
    int64_t tag = *queue_tag(queue, pool, class, caller) + virtual_cost;
    tag_set(queue, pool, class, caller, tag < 0 ? 0 : tag);
    heap_moved(queue, pool, class, caller);
    if (tag > TAG_MAX)
        rebase(queue, pool, class);
}

void queue_pool_rest(struct queue *queue, int pool)
{
    struct pool *p = &queue->pools[pool];
    if (p->running > 0 || queue_startable(p) > 0)
        return;
    for (int class = 0; class < QUEUE_CLASSES; class++)
        p->clock[class] = p->tag_max[class];
}

/* --- flows */

/* Is the caller in this heap already? Then its tag stands: it waits and is owed what it is owed. */
static bool in_heap(const struct queue *queue, int pool, int class, int caller)
{
    for (uint32_t f = queue->callers[caller].flows; f != NIL; f = queue->flows[f].caller_next)
        if (queue->flows[f].class == class && *place(queue, f, pool) != NIL)
            return true;
    return false;
}

static void enter_pool(struct queue *queue, int pool, uint32_t flow)
{
    const struct flow *f = &queue->flows[flow];
    int64_t clock = queue->pools[pool].clock[f->class];
    if (*queue_tag(queue, pool, f->class, f->caller) < clock &&
        !in_heap(queue, pool, f->class, f->caller))
        tag_set(queue, pool, f->class, f->caller, clock);
    heap_add(queue, pool, flow);
}

static uint32_t pools_of(const struct queue *queue, const struct lane *lane)
{
    uint32_t having = 0;
    for (uint32_t left = lane->pools & queue->loaded; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left);
        if (queue->pools[pool].spec.model == lane->model)
            having |= UINT32_C(1) << pool;
    }
    return having;
}

static void since_add(struct queue *queue, uint32_t flow)
{
    struct flow *f = &queue->flows[flow];
    struct ends *since = &queue->lanes[f->lane].since[f->class];
    f->since_next = NIL;
    f->since_back = since->tail;
    *(since->tail == NIL ? &since->head : &queue->flows[since->tail].since_next) = flow;
    since->tail = flow;
}

static void since_remove(struct queue *queue, uint32_t flow)
{
    struct flow *f = &queue->flows[flow];
    struct ends *since = &queue->lanes[f->lane].since[f->class];
    *(f->since_back == NIL ? &since->head : &queue->flows[f->since_back].since_next) =
        f->since_next;
    *(f->since_next == NIL ? &since->tail : &queue->flows[f->since_next].since_back) =
        f->since_back;
}

void queue_flow_served(struct queue *queue, uint32_t flow, int64_t now_ms)
{
    since_remove(queue, flow);
    queue->flows[flow].since_ms = now_ms;
    since_add(queue, flow);
}

void queue_flow_enter(struct queue *queue, uint32_t flow, int64_t now_ms)
{
    const struct lane *lane = &queue->lanes[queue->flows[flow].lane];
    queue->flows[flow].since_ms = now_ms;
    since_add(queue, flow);
    for (uint32_t left = pools_of(queue, lane); left != 0; left &= left - 1)
        enter_pool(queue, __builtin_ctz(left), flow);
}

void queue_flow_leave(struct queue *queue, uint32_t flow)
{
    const struct lane *lane = &queue->lanes[queue->flows[flow].lane];
    since_remove(queue, flow);
    for (uint32_t left = pools_of(queue, lane); left != 0; left &= left - 1)
        heap_remove(queue, __builtin_ctz(left), flow);
}

void queue_pool_clear(struct queue *queue, int pool)
{
    for (int class = 0; class < QUEUE_CLASSES; class++) {
        struct heap *heap = &queue->pools[pool].heaps[class];
        for (uint32_t i = 0; i < heap->count; i++)
            *place(queue, heap->flows[i], pool) = NIL;
        heap->count = 0;
    }
}

void queue_pool_fill(struct queue *queue, int pool)
{
    int model = queue->pools[pool].spec.model;
    if (model < 0)
        return;
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *lane = &queue->lanes[l];
        if (!(lane->pools >> pool & 1))
            continue;
        for (int class = 0; class < QUEUE_CLASSES; class++)
            for (uint32_t f = lane->since[class].head; f != NIL; f = queue->flows[f].since_next)
                enter_pool(queue, pool, f);
    }
}

/* --- who is next */

/* The flow that waits longest of those not served for age_ms; NIL = none. */
static uint32_t aged(const struct queue *queue, int pool, int64_t now_ms)
{
    uint32_t found = NIL;
    int model = queue->pools[pool].spec.model;
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *lane = &queue->lanes[l];
        for (int class = 0; class < QUEUE_CLASSES && lane->pools >> pool & 1; class++) {
            uint32_t f = lane->since[class].head;
            if (f != NIL && now_ms - queue->flows[f].since_ms >= queue->limits.age_ms &&
                (found == NIL || queue->flows[f].since_ms < queue->flows[found].since_ms))
                found = f;
        }
    }
    return found;
}

uint32_t queue_pick(struct queue *queue, int pool, int64_t now_ms, bool *ret_aged)
{
    struct pool *p = &queue->pools[pool];
    const struct heap *interactive = &p->heaps[QUEUE_INTERACTIVE];
    const struct heap *background = &p->heaps[QUEUE_BACKGROUND];
    *ret_aged = false;
    if (p->since_aged >= queue->limits.age_every - 1) {
        uint32_t flow = aged(queue, pool, now_ms);
        *ret_aged = flow != NIL;
        if (*ret_aged)
            return flow;
    }
    if (background->count > 0 &&
        (interactive->count == 0 || p->interactive_since >= queue->limits.background_after))
        return background->flows[0];
    return interactive->count > 0 ? interactive->flows[0] : NIL;
}
