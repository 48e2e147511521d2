/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a request in the queue, and its tables.
 */
#include "base/panic.h"
#include "queue/queue_inner.h"

#include <stdlib.h>
#include <string.h>

#define ID_INDEX_BITS 16 /* an id is a serial number and the index of its entry */

/* --- opening */

static bool limits_good(const struct queue_limits *l, struct err *err)
{
    if (l->callers < 1 || l->callers > QUEUE_CALLERS_MAX || l->entries < 1 ||
        l->entries > QUEUE_ENTRIES_MAX || l->waiting_max < 1 || l->age_every < 1 ||
        l->batch_tokens < 1 || l->batch_ms < 0 || l->background_ms < 0 || l->background_after < 1 ||
        l->linger_ms < 0 || l->background_linger_ms < 0 || l->age_ms < 0)
        return err_code(err, ERR_INPUT, "bad_limits", NULL,
            "the limits of the queue are out of range (callers %d of at most %d, entries %d of at "
            "most %d)",
            l->callers, QUEUE_CALLERS_MAX, l->entries, QUEUE_ENTRIES_MAX);
    return true;
}

static bool tables(struct queue *queue)
{
    size_t entries = (size_t)queue->limits.entries, callers = (size_t)queue->limits.callers;
    size_t heaps = QUEUE_POOLS_MAX * QUEUE_CLASSES;
    queue->entries = calloc(entries, sizeof *queue->entries);
    queue->flows = calloc(entries, sizeof *queue->flows);
    queue->places = calloc(entries * QUEUE_POOLS_MAX, sizeof *queue->places);
    queue->callers = calloc(callers, sizeof *queue->callers);
    queue->tags = calloc(callers * heaps, sizeof *queue->tags);
    queue->heap_room = calloc(entries * heaps, sizeof *queue->heap_room);
    return queue->entries != NULL && queue->flows != NULL && queue->places != NULL &&
        queue->callers != NULL && queue->tags != NULL && queue->heap_room != NULL;
}

bool queue_open(const struct queue_limits *limits, struct queue **ret_queue, struct err *err)
{
    if (!limits_good(limits, err))
        return false;
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return err_set(err, ERR_SYSTEM, "no memory for the queue");
    queue->limits = *limits;
    if (!tables(queue)) {
        queue_close(queue);
        return err_set(err, ERR_SYSTEM, "no memory for a queue of %d requests", limits->entries);
    }
    queue->free_entry = queue->free_flow = NIL;
    queue->denied_next_ms = INT64_MAX;
    for (int caller = 0; caller < limits->callers; caller++)
        queue->callers[caller].flows = NIL;
    for (int model = 0; model < QUEUE_MODELS_MAX; model++)
        queue->models[model].lanes = NIL;
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++) {
        struct pool *p = &queue->pools[pool];
        p->contender = p->spec.model = p->spec.loading = p->spec.denied = QUEUE_NONE;
        p->since_aged = limits->age_every;
        for (int class = 0; class < QUEUE_CLASSES; class++)
            p->heaps[class].flows =
                queue->heap_room + (size_t)(pool * QUEUE_CLASSES + class) * (size_t)limits->entries;
    }
    *ret_queue = queue;
    return true;
}

void queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    free(queue->entries);
    free(queue->flows);
    free(queue->places);
    free(queue->callers);
    free(queue->tags);
    free(queue->heap_room);
    free(queue);
}

/* --- callers */

static void park(struct queue *queue, int caller, int64_t now_ms)
{
    struct caller *c = &queue->callers[caller];
    bool full = c->running >= c->spec.running_max;
    for (uint32_t f = c->flows; f != NIL; f = queue->flows[f].caller_next) {
        struct flow *flow = &queue->flows[f];
        if (full && !flow->parked)
            queue_flow_leave(queue, f);
        else if (!full && flow->parked)
            queue_flow_enter(queue, f, now_ms);
        flow->parked = full;
    }
}

void queue_caller_set(
    struct queue *queue, int caller, const struct queue_caller *spec, int64_t now_ms)
{
    check(caller >= 0 && caller < queue->limits.callers);
    struct caller *c = &queue->callers[caller];
    c->spec = *spec;
    if (c->spec.weight < 1)
        c->spec.weight = 1;
    if (c->spec.weight > QUEUE_WEIGHT_MAX)
        c->spec.weight = QUEUE_WEIGHT_MAX;
    if (c->spec.running_max < 1)
        c->spec.running_max = 1;
    park(queue, caller, now_ms);
}

bool queue_caller_forget(struct queue *queue, int caller)
{
    check(caller >= 0 && caller < queue->limits.callers);
    if (queue->callers[caller].waiting > 0 || queue->callers[caller].running > 0)
        return false;
    queue->callers[caller].spec = (struct queue_caller){0};
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++)
        for (int class = 0; class < QUEUE_CLASSES; class++)
            *queue_tag(queue, pool, class, caller) = 0;
    return true;
}

/* --- pools */

void queue_pool_set(struct queue *queue, int pool, const struct queue_pool *spec, int64_t now_ms)
{
    check(pool >= 0 && pool < QUEUE_POOLS_MAX);
    check(spec->model < QUEUE_MODELS_MAX && spec->loading < QUEUE_MODELS_MAX);
    struct pool *p = &queue->pools[pool];
    struct queue_pool old = p->spec, new = *spec;
    new.model = new.model < 0 ? QUEUE_NONE : new.model;
    new.loading = new.loading < 0 || new.loading == new.model ? QUEUE_NONE : new.loading;
    new.slots = new.slots < 0 ? 0 : new.slots > QUEUE_SLOTS_MAX ? QUEUE_SLOTS_MAX : new.slots;
    bool changed = !p->known || old.model != new.model;
    if (changed)
        queue_pool_clear(queue, pool);
    if (changed || old.loading != new.loading || old.denied != new.denied ||
        old.denied_until_ms != new.denied_until_ms)
        queue->stale = true;
    p->spec = new;
    p->known = true;
    if (changed) {
        uint32_t mask = UINT32_C(1) << pool;
        queue->loaded = new.model >= 0 ? queue->loaded | mask : queue->loaded & ~mask;
        p->closed = p->started = false;
        p->contend_from_ms = p->loaded_ms = p->ended_ms = now_ms;
        p->interactive_ms = now_ms - queue->limits.background_linger_ms; /* long ago */
        p->contend_tokens = p->interactive_since = 0;
        queue_pool_fill(queue, pool);
        queue_cover(queue, old.model);
    }
    if (old.loading != new.loading)
        queue_cover(queue, old.loading);
    if (changed || old.loading != new.loading) {
        queue_cover(queue, new.model);
        queue_cover(queue, new.loading);
    }
}

/* --- entries, waiting */

struct entry *queue_entry(const struct queue *queue, uint64_t id)
{
    uint32_t index = (uint32_t)(id & ((UINT64_C(1) << ID_INDEX_BITS) - 1));
    struct entry *e = index < queue->entries_fresh ? &queue->entries[index] : NULL;
    return e != NULL && e->state != ENTRY_FREE && e->id == id ? e : NULL;
}

static uint32_t index_of(const struct queue *queue, const struct entry *e)
{
    return (uint32_t)(e - queue->entries);
}

static void entry_drop(struct queue *queue, struct entry *e)
{
    queue->lanes[e->lane].users--;
    e->state = ENTRY_FREE;
    e->owner = NULL;
    e->flow_next = queue->free_entry;
    queue->free_entry = index_of(queue, e);
}

static uint32_t flow_find(struct queue *queue, const struct entry *e)
{
    for (uint32_t f = queue->callers[e->caller].flows; f != NIL; f = queue->flows[f].caller_next)
        if (queue->flows[f].lane == e->lane && queue->flows[f].class == e->class)
            return f;
    return NIL;
}

static uint32_t flow_new(struct queue *queue, const struct entry *e, int64_t now_ms)
{
    struct caller *c = &queue->callers[e->caller];
    uint32_t index = queue->free_flow;
    if (index == NIL) {
        index = queue->flows_fresh++; /* as many as entries: each flow has a waiting one */
        for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++)
            queue->places[(size_t)index * QUEUE_POOLS_MAX + (size_t)pool] = NIL;
    } else {
        queue->free_flow = queue->flows[index].caller_next;
    }
    queue->flows[index] = (struct flow){.head = NIL, .tail = NIL, .lane = e->lane,
        .caller = e->caller, .class = e->class, .order = queue->orders++,
        .caller_next = c->flows, .caller_back = NIL, .parked = c->running >= c->spec.running_max};
    if (!queue->flows[index].parked)
        queue_flow_enter(queue, index, now_ms); /* before it is the caller's: its tag may be old */
    if (c->flows != NIL)
        queue->flows[c->flows].caller_back = index;
    c->flows = index;
    return index;
}

static void flow_drop(struct queue *queue, uint32_t index)
{
    struct flow *f = &queue->flows[index];
    if (!f->parked)
        queue_flow_leave(queue, index);
    *(f->caller_back == NIL ? &queue->callers[f->caller].flows
                            : &queue->flows[f->caller_back].caller_next) = f->caller_next;
    if (f->caller_next != NIL)
        queue->flows[f->caller_next].caller_back = f->caller_back;
    f->caller_next = queue->free_flow;
    queue->free_flow = index;
}

/* Into the lane's list, by time of admission: at the end, but for what was put back. */
static void lane_add(struct queue *queue, struct entry *e)
{
    struct lane *lane = &queue->lanes[e->lane];
    struct ends *list = &lane->entries[e->class];
    uint32_t after = list->tail, self = index_of(queue, e);
    while (after != NIL && queue->entries[after].id > e->id)
        after = queue->entries[after].lane_back;
    e->lane_back = after;
    e->lane_next = after == NIL ? list->head : queue->entries[after].lane_next;
    *(e->lane_next == NIL ? &list->tail : &queue->entries[e->lane_next].lane_back) = self;
    *(after == NIL ? &list->head : &queue->entries[after].lane_next) = self;
    bool first = lane->waiting[e->class]++ == 0 || list->head == self;
    if (first && queue_contends(queue, lane))
        queue->stale = true;
}

static void waiting_add(struct queue *queue, struct entry *e, bool first, int64_t now_ms)
{
    uint32_t self = index_of(queue, e);
    lane_add(queue, e);
    e->flow = flow_find(queue, e);
    if (e->flow == NIL)
        e->flow = flow_new(queue, e, now_ms);
    struct flow *f = &queue->flows[e->flow];
    e->flow_next = first ? f->head : NIL;
    e->flow_back = first ? NIL : f->tail;
    *(e->flow_next == NIL ? &f->tail : &queue->entries[e->flow_next].flow_back) = self;
    *(e->flow_back == NIL ? &f->head : &queue->entries[e->flow_back].flow_next) = self;
    f->waiting++;
    f->waiting_cost += e->cost;
    e->state = ENTRY_WAITING;
    queue->waiting++;
    queue->callers[e->caller].waiting++;
    queue->models[queue->lanes[e->lane].model].waiting++;
}

static void waiting_remove(struct queue *queue, struct entry *e)
{
    struct flow *f = &queue->flows[e->flow];
    struct lane *lane = &queue->lanes[e->lane];
    struct ends *list = &lane->entries[e->class];
    bool first = list->head == index_of(queue, e);
    *(e->lane_next == NIL ? &list->tail : &queue->entries[e->lane_next].lane_back) = e->lane_back;
    *(e->lane_back == NIL ? &list->head : &queue->entries[e->lane_back].lane_next) = e->lane_next;
    *(e->flow_next == NIL ? &f->tail : &queue->entries[e->flow_next].flow_back) = e->flow_back;
    *(e->flow_back == NIL ? &f->head : &queue->entries[e->flow_back].flow_next) = e->flow_next;
    lane->waiting[e->class]--;
    queue->waiting--;
    queue->callers[e->caller].waiting--;
    queue->models[lane->model].waiting--;
    f->waiting_cost -= e->cost;
    if (--f->waiting == 0)
        flow_drop(queue, e->flow);
    if (first && queue_contends(queue, lane)) /* who contends may change */
        queue->stale = true;
}

/* --- admission */

static int64_t clamp_cost(int64_t cost)
{
    return cost < 0 ? 0 : cost > QUEUE_COST_MAX ? QUEUE_COST_MAX : cost;
}

static int64_t retry_clamp(int64_t ms)
{
    return ms < 1000 ? 1000 : ms > QUEUE_RETRY_MS_MAX ? QUEUE_RETRY_MS_MAX : ms;
}

int64_t queue_service_ms(const struct queue *queue, int model)
{
    int64_t ms = queue->models[model].service_ms;
    return ms > 0 ? ms : SERVICE_MS_FIRST;
}

/* No pool for it now: when may it be asked again? */
static struct queue_refusal unavailable(
    const struct queue *queue, const struct queue_request *request, int64_t now_ms)
{
    int64_t until = INT64_MAX;
    for (uint32_t left = request->pools; left != 0; left &= left - 1) {
        const struct pool *p = &queue->pools[__builtin_ctz(left)];
        if (p->known && p->spec.denied_until_ms < until)
            until = p->spec.denied_until_ms;
    }
    bool again = until != INT64_MAX;
    return (struct queue_refusal){.status = 503, .code = "pool_unavailable",
        .words = again ? "no pool can serve this model just now"
                       : "no pool of this node can serve this model",
        .retry_after_ms = again ? retry_clamp(until - now_ms) : 0, .should_retry = again};
}

static bool refused(const struct queue *queue, const struct queue_request *request, int64_t now_ms,
    struct queue_refusal *ret)
{
    const struct caller *c = &queue->callers[request->caller];
    struct lane lane = {.model = request->model, .pools = request->pools};
    int64_t service_ms = queue_service_ms(queue, request->model);
    if (queue_lane_stranded(queue, &lane, now_ms)) {
        *ret = unavailable(queue, request, now_ms);
        return true;
    }
    if (c->waiting >= c->spec.waiting_max) {
        *ret = (struct queue_refusal){.status = 429, .code = "concurrency_limit",
            .words = "this caller has as many requests waiting as it may",
            .limit = c->spec.waiting_max, .retry_after_ms = retry_clamp(service_ms),
            .should_retry = true};
        return true;
    }
    bool room = queue->free_entry != NIL || queue->entries_fresh < (uint32_t)queue->limits.entries;
    if (queue->waiting >= queue->limits.waiting_max || !room) {
        int slots = 1;
        for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++)
            slots += queue->pools[pool].spec.slots;
        *ret = (struct queue_refusal){.status = 503, .code = "queue_full",
            .words = "as many requests wait at this node as it holds",
            .limit = room ? queue->limits.waiting_max : queue->limits.entries,
            .retry_after_ms = retry_clamp(service_ms * queue->waiting / slots / 4),
            .should_retry = true};
        return true;
    }
    return false;
}

bool queue_admit(struct queue *queue, const struct queue_request *request, int64_t now_ms,
    uint64_t *ret_id, struct queue_refusal *ret_refusal)
{
    check(request->caller >= 0 && request->caller < queue->limits.callers);
    check(request->model >= 0 && request->model < QUEUE_MODELS_MAX);
    check(request->class >= 0 && request->class < QUEUE_CLASSES);
    check(queue->callers[request->caller].spec.weight > 0); /* queue_caller_set() comes first */
    if (refused(queue, request, now_ms, ret_refusal))
        return false;
    uint32_t lane = queue_lane_find(queue, request->model, request->pools);
    if (lane == NIL) {
        *ret_refusal = (struct queue_refusal){.status = 503, .code = "queue_full",
            .words = "requests of too many different models wait at this node",
            .limit = QUEUE_LANES_MAX, .retry_after_ms = retry_clamp(SERVICE_MS_FIRST),
            .should_retry = true};
        return false;
    }
    uint32_t index = queue->free_entry;
    if (index != NIL)
        queue->free_entry = queue->entries[index].flow_next;
    else
        index = queue->entries_fresh++;
    struct entry *e = &queue->entries[index];
    *e = (struct entry){.id = ++queue->ids << ID_INDEX_BITS | index, .owner = request->owner,
        .cost = request->cost < 1 ? 1 : clamp_cost(request->cost), .admitted_ms = now_ms,
        .lane = lane, .caller = request->caller, .pool = -1, .class = (uint8_t)request->class};
    queue->lanes[lane].users++;
    waiting_add(queue, e, false, now_ms);
    *ret_id = e->id;
    return true;
}

/* --- running */

static void start(struct queue *queue, int pool, uint32_t flow, bool aged, int64_t now_ms,
    struct queue_ticket *ret_ticket)
{
    struct pool *p = &queue->pools[pool];
    struct flow *f = &queue->flows[flow];
    struct entry *e = &queue->entries[f->head];
    struct caller *c = &queue->callers[e->caller];
    int64_t tag = *queue_tag(queue, pool, e->class, e->caller);
    if (!aged && tag > p->clock[e->class])
        p->clock[e->class] = tag;
    p->since_aged = aged ? 0 : p->since_aged + 1;
    if (e->class == QUEUE_BACKGROUND || p->heaps[QUEUE_BACKGROUND].count == 0)
        p->interactive_since = 0;
    else
        p->interactive_since += e->cost;
    queue_flow_served(queue, flow, now_ms);
    waiting_remove(queue, e);
    e->state = ENTRY_RUNNING;
    e->pool = pool;
    e->started_ms = now_ms;
    e->charged = queue_virtual(queue, e->caller, e->cost);
    p->started = true;
    p->running++;
    p->running_interactive += e->class == QUEUE_INTERACTIVE;
    p->contend_tokens += e->cost;
    queue->running++;
    if (++c->running >= c->spec.running_max)
        park(queue, e->caller, now_ms);
    queue_charge(queue, pool, e->class, e->caller, e->charged);
    *ret_ticket = (struct queue_ticket){.id = e->id, .owner = e->owner, .pool = pool,
        .model = queue->lanes[e->lane].model, .caller = e->caller,
        .waited_ms = now_ms - e->admitted_ms};
}

bool queue_next(struct queue *queue, int64_t now_ms, struct queue_ticket *ret_ticket)
{
    if (queue->waiting == 0)
        return false;
    queue_settle(queue, now_ms);
    int best = -1;
    for (uint32_t left = queue->loaded; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left);
        const struct pool *p = &queue->pools[pool];
        if (p->closed || p->running >= p->spec.slots || queue_startable(p) == 0)
            continue;
        if (best < 0 ||
            p->running * queue->pools[best].spec.slots < queue->pools[best].running * p->spec.slots)
            best = pool;
    }
    if (best < 0)
        return false;
    bool aged;
    uint32_t flow = queue_pick(queue, best, now_ms, &aged);
    check(flow != NIL);
    start(queue, best, flow, aged, now_ms, ret_ticket);
    return true;
}

/* Gives its slot back; charges what it really cost. */
static void end(struct queue *queue, struct entry *e, int64_t cost, int64_t now_ms)
{
    struct pool *p = &queue->pools[e->pool];
    struct caller *c = &queue->callers[e->caller];
    int64_t real = queue_virtual(queue, e->caller, clamp_cost(cost < 0 ? e->cost : cost));
    p->running--;
    p->running_interactive -= e->class == QUEUE_INTERACTIVE;
    p->ended_ms = now_ms;
    if (e->class == QUEUE_INTERACTIVE)
        p->interactive_ms = now_ms;
    queue->running--;
    if (real != e->charged)
        queue_charge(queue, e->pool, e->class, e->caller, real - e->charged);
    if (c->running-- >= c->spec.running_max)
        park(queue, e->caller, now_ms);
    queue_pool_rest(queue, e->pool);
    if (queue->unplaced && p->running == 0)
        queue->stale = true;
}

bool queue_finished(struct queue *queue, uint64_t id, int64_t cost, int64_t now_ms)
{
    struct entry *e = queue_entry(queue, id);
    if (e == NULL || e->state != ENTRY_RUNNING)
        return false;
    struct model *model = &queue->models[queue->lanes[e->lane].model];
    int64_t took_ms = now_ms - e->started_ms;
    model->service_ms =
        model->service_ms == 0 ? took_ms : model->service_ms + (took_ms - model->service_ms) / 8;
    end(queue, e, cost, now_ms);
    entry_drop(queue, e);
    return true;
}

bool queue_cancelled(struct queue *queue, uint64_t id, int64_t cost, int64_t now_ms)
{
    struct entry *e = queue_entry(queue, id);
    if (e == NULL)
        return false;
    if (e->state == ENTRY_RUNNING)
        end(queue, e, cost, now_ms);
    else
        waiting_remove(queue, e);
    entry_drop(queue, e);
    return true;
}

bool queue_put_back(struct queue *queue, uint64_t id, int64_t now_ms)
{
    struct entry *e = queue_entry(queue, id);
    if (e == NULL || e->state != ENTRY_RUNNING)
        return false;
    end(queue, e, 0, now_ms);
    waiting_add(queue, e, true, now_ms);
    return true;
}
