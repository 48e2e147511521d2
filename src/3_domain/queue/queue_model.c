/* SPDX-License-Identifier: Apache-2.0
 *
 * Which model should be where: lanes that no pool covers contend for one.
 */
#include "queue/queue_inner.h"

#include <stdlib.h>
#include <string.h>

static uint32_t bit(int pool)
{
    return UINT32_C(1) << pool;
}

/* --- lanes */

static uint32_t lane_free(struct queue *queue)
{
    if (queue->lanes_used < QUEUE_LANES_MAX)
        return queue->lanes_used++;
    for (uint32_t l = 0; l < QUEUE_LANES_MAX; l++) {
        struct lane *lane = &queue->lanes[l];
        if (lane->users > 0)
            continue;
        uint32_t *link = &queue->models[lane->model].lanes;
        while (*link != l)
            link = &queue->lanes[*link].next;
        *link = lane->next;
        return l;
    }
    return NIL;
}

uint32_t queue_lane_find(struct queue *queue, int model, uint32_t pools)
{
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next)
        if (queue->lanes[l].pools == pools)
            return l;
    uint32_t l = lane_free(queue);
    if (l == NIL)
        return NIL;
    struct lane *lane = &queue->lanes[l];
    memset(lane, 0, sizeof *lane);
    lane->model = model;
    lane->pools = pools;
    for (int class = 0; class < QUEUE_CLASSES; class++)
        lane->entries[class] = lane->since[class] = (struct ends){NIL, NIL};
    lane->next = queue->models[model].lanes;
    queue->models[model].lanes = l;
    return l;
}

bool queue_covered(const struct queue *queue, const struct lane *lane)
{
    return (lane->pools & queue->models[lane->model].cover) != 0;
}

bool queue_contends(const struct queue *queue, const struct lane *lane)
{
    bool served = false;
    for (uint32_t left = lane->pools; left != 0; left &= left - 1) {
        const struct pool *p = &queue->pools[__builtin_ctz(left)];
        if (p->spec.loading == lane->model || p->contender == lane->model)
            return true;
        served |= p->spec.model == lane->model && !p->closed;
    }
    return !served;
}

void queue_cover(struct queue *queue, int model)
{
    if (model < 0)
        return;
    uint32_t cover = 0;
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++) {
        const struct pool *p = &queue->pools[pool];
        if (p->known && ((p->spec.model == model && !p->closed) || p->spec.loading == model))
            cover |= bit(pool);
    }
    queue->models[model].cover = cover;
}

bool queue_denies(const struct pool *pool, int model, int64_t now_ms)
{
    return (pool->spec.denied == QUEUE_ANY || pool->spec.denied == model) &&
        pool->spec.denied_until_ms > now_ms;
}

bool queue_lane_stranded(const struct queue *queue, const struct lane *lane, int64_t now_ms)
{
    for (uint32_t left = lane->pools; left != 0; left &= left - 1) {
        const struct pool *p = &queue->pools[__builtin_ctz(left)];
        if (p->known &&
            (p->spec.model == lane->model || p->spec.loading == lane->model ||
                !queue_denies(p, lane->model, now_ms)))
            return false;
    }
    return true;
}

/* --- who contends where */

/* Does anybody wait for the model who could use this pool? With `open`: and is covered by none. */
static bool waits(const struct queue *queue, int model, int pool, bool open, bool *ret_interactive)
{
    bool any = false;
    *ret_interactive = false;
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *lane = &queue->lanes[l];
        if (!(lane->pools & bit(pool)) || queue_lane_waiting(lane) == 0 ||
            (open && queue_covered(queue, lane)))
            continue;
        any = true;
        *ret_interactive |= lane->waiting[QUEUE_INTERACTIVE] > 0;
    }
    return any;
}

/* Pools that already go where somebody wants them keep going. */
static void keep(struct queue *queue, const int *before, int64_t now_ms)
{
    bool interactive;
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++) {
        struct pool *p = &queue->pools[pool];
        p->contender = QUEUE_NONE;
        if (!p->known)
            continue;
        if (p->spec.denied_until_ms > now_ms && p->spec.denied_until_ms < queue->denied_next_ms)
            queue->denied_next_ms = p->spec.denied_until_ms;
        if (p->spec.loading >= 0 && waits(queue, p->spec.loading, pool, false, &interactive))
            p->contender = p->spec.loading;
        else if (p->closed && before[pool] >= 0 && !queue_denies(p, before[pool], now_ms) &&
            waits(queue, before[pool], pool, true, &interactive))
            p->contender = before[pool];
        if (p->contender == QUEUE_NONE && p->closed) {
            p->closed = false;
            queue_cover(queue, p->spec.model);
        }
    }
}

static int plea_order(const void *a, const void *b)
{
    const struct plea *x = a, *y = b;
    if (x->interactive != y->interactive)
        return x->interactive ? -1 : 1;
    if (x->oldest_ms != y->oldest_ms)
        return x->oldest_ms < y->oldest_ms ? -1 : 1;
    return x->lane < y->lane ? -1 : x->lane > y->lane;
}

static int pleas(const struct queue *queue, struct plea *list)
{
    int count = 0;
    for (uint32_t l = 0; l < queue->lanes_used; l++) {
        const struct lane *lane = &queue->lanes[l];
        if (queue_lane_waiting(lane) == 0 || queue_covered(queue, lane))
            continue;
        bool interactive = lane->waiting[QUEUE_INTERACTIVE] > 0;
        uint32_t head = lane->entries[interactive ? QUEUE_INTERACTIVE : QUEUE_BACKGROUND].head;
        list[count++] = (struct plea){l, interactive, queue->entries[head].admitted_ms};
    }
    qsort(list, (size_t)count, sizeof *list, plea_order);
    return count;
}

static bool busy(const struct pool *pool)
{
    return pool->running > 0 || queue_startable(pool) > 0 || pool->spec.loading >= 0;
}

/* The better pool for a new model: nothing to do, quick, as before, lower number. */
static bool better(const struct queue *queue, int model, int a, int b, const int *before)
{
    const struct pool *x = &queue->pools[a], *y = &queue->pools[b];
    if (busy(x) != busy(y))
        return busy(y);
    if ((before[a] == model) != (before[b] == model))
        return before[a] == model;
    return x->spec.load_ms < y->spec.load_ms;
}

static int best_pool(
    const struct queue *queue, int model, uint32_t pools, const int *before, int64_t now_ms)
{
    int best = -1;
    for (uint32_t left = pools; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left);
        const struct pool *p = &queue->pools[pool];
        if (p->known && p->contender == QUEUE_NONE && p->spec.model != model &&
            !queue_denies(p, model, now_ms) &&
            (best < 0 || better(queue, model, pool, best, before)))
            best = pool;
    }
    return best;
}

/* The pools that all may use who wait for the model uncovered: one load serves them all. */
static uint32_t common_pools(const struct queue *queue, int model)
{
    uint32_t common = UINT32_MAX;
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next)
        if (queue_lane_waiting(&queue->lanes[l]) > 0 && !queue_covered(queue, &queue->lanes[l]))
            common &= queue->lanes[l].pools;
    return common;
}

/* False: no pool for it now. */
static bool settle_lane(
    struct queue *queue, const struct lane *lane, const int *before, int64_t now_ms)
{
    int model = lane->model;
    for (uint32_t left = lane->pools; left != 0; left &= left - 1)
        if (queue->pools[__builtin_ctz(left)].contender == model)
            return true;
    int best = best_pool(queue, model, lane->pools & common_pools(queue, model), before, now_ms);
    int other = best_pool(queue, model, lane->pools, before, now_ms);
    if (best < 0 || (other >= 0 && busy(&queue->pools[best]) && !busy(&queue->pools[other])))
        best = other;
    if (best >= 0)
        queue->pools[best].contender = model;
    return best >= 0;
}

/* Since when: its oldest waiter's admission, or the load of the pool if that is later. */
static void contend_from(struct queue *queue, int pool, int64_t now_ms)
{
    struct pool *p = &queue->pools[pool];
    int64_t from_ms = now_ms;
    bool open = p->spec.loading != p->contender;
    waits(queue, p->contender, pool, open, &p->contender_interactive);
    int class = p->contender_interactive ? QUEUE_INTERACTIVE : QUEUE_BACKGROUND;
    for (uint32_t l = queue->models[p->contender].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *lane = &queue->lanes[l];
        uint32_t head = lane->entries[class].head;
        if (head != NIL && (lane->pools & bit(pool)) && !(open && queue_covered(queue, lane)) &&
            queue->entries[head].admitted_ms < from_ms)
            from_ms = queue->entries[head].admitted_ms;
    }
    if (from_ms < p->loaded_ms)
        from_ms = p->loaded_ms;
    if (from_ms > p->contend_from_ms)
        p->contend_tokens = 0;
    p->contend_from_ms = from_ms;
}

static void assign(struct queue *queue, int64_t now_ms)
{
    int before[QUEUE_POOLS_MAX];
    struct plea list[QUEUE_LANES_MAX];
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++)
        before[pool] = queue->pools[pool].contender;
    queue->stale = queue->unplaced = false;
    queue->denied_next_ms = INT64_MAX;
    keep(queue, before, now_ms);
    int count = pleas(queue, list);
    for (int i = 0; i < count; i++)
        if (!settle_lane(queue, &queue->lanes[list[i].lane], before, now_ms))
            queue->unplaced = true;
    queue->contended = 0;
    for (int pool = 0; pool < QUEUE_POOLS_MAX; pool++) {
        struct pool *p = &queue->pools[pool];
        if (p->contender == QUEUE_NONE)
            continue;
        queue->contended |= bit(pool);
        contend_from(queue, pool, now_ms);
    }
}

/* --- when a pool is closed for its contender */

/* Until when a contender of background only leaves the pool to its interactive work. */
static int64_t interactive_until(const struct queue *queue, const struct pool *p)
{
    int64_t most = p->contend_from_ms + queue->limits.background_ms;
    if (p->contender_interactive)
        return INT64_MIN;
    if (p->running_interactive > 0 || p->heaps[QUEUE_INTERACTIVE].count > 0)
        return most;
    int64_t until = p->interactive_ms + queue->limits.background_linger_ms;
    return until < most ? until : most;
}

int64_t queue_close_at_ms(const struct queue *queue, int pool)
{
    const struct pool *p = &queue->pools[pool];
    if (p->contender == QUEUE_NONE || p->spec.model == QUEUE_NONE)
        return INT64_MAX;
    if (!p->started && queue_startable(p) > 0 && p->spec.slots > 0)
        return INT64_MAX; /* a load serves somebody before it makes room */
    int64_t kept = interactive_until(queue, p), at = p->contend_from_ms;
    if (p->contend_tokens < queue->limits.batch_tokens)
        at += queue->limits.batch_ms;
    return at > kept ? at : kept;
}

/* When a pool without own waiters gives way. */
static int64_t linger_until(const struct queue *queue, const struct pool *p)
{
    int64_t kept = interactive_until(queue, p), at = p->ended_ms + queue->limits.linger_ms;
    return at > kept ? at : kept;
}

static void close_due(struct queue *queue, int64_t now_ms)
{
    for (uint32_t left = queue->contended; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left);
        struct pool *p = &queue->pools[pool];
        if (p->closed || queue_close_at_ms(queue, pool) > now_ms)
            continue;
        p->closed = true;
        queue_cover(queue, p->spec.model);
        if (queue->models[p->spec.model].waiting > 0)
            queue->stale = true;
    }
}

void queue_settle(struct queue *queue, int64_t now_ms)
{
    if (now_ms >= queue->denied_next_ms)
        queue->stale = true;
    for (int round = 0; round <= QUEUE_POOLS_MAX; round++) {
        if (queue->stale)
            assign(queue, now_ms);
        if (queue->contended != 0)
            close_due(queue, now_ms);
        if (!queue->stale)
            return;
    }
}

/* --- loads that somebody waits for */

static bool wanted_now(const struct queue *queue, const struct pool *p, int64_t now_ms)
{
    if (p->spec.loading == p->contender)
        return true;
    if (p->running > 0)
        return false;
    if (p->spec.model == QUEUE_NONE || p->closed)
        return true;
    return queue_startable(p) == 0 && now_ms >= linger_until(queue, p);
}

static struct queue_want want_of(const struct queue *queue, int pool)
{
    int model = queue->pools[pool].contender;
    struct queue_want want = {.pool = pool, .model = model, .oldest_ms = INT64_MAX};
    for (uint32_t l = queue->models[model].lanes; l != NIL; l = queue->lanes[l].next) {
        const struct lane *lane = &queue->lanes[l];
        if (!(lane->pools & bit(pool)))
            continue;
        want.waiters += queue_lane_waiting(lane);
        want.interactive |= lane->waiting[QUEUE_INTERACTIVE] > 0;
        for (int class = 0; class < QUEUE_CLASSES; class++) {
            uint32_t head = lane->entries[class].head;
            if (head != NIL && queue->entries[head].admitted_ms < want.oldest_ms)
                want.oldest_ms = queue->entries[head].admitted_ms;
        }
    }
    return want;
}

static bool more_urgent(const struct queue_want *a, const struct queue_want *b)
{
    return a->interactive != b->interactive ? a->interactive : a->oldest_ms < b->oldest_ms;
}

int queue_wants(struct queue *queue, int64_t now_ms, struct queue_want *wants, int wants_max)
{
    struct queue_want found[QUEUE_POOLS_MAX];
    int count = 0;
    queue_settle(queue, now_ms);
    for (uint32_t left = queue->contended; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left), at = count;
        if (!wanted_now(queue, &queue->pools[pool], now_ms))
            continue;
        struct queue_want want = want_of(queue, pool);
        for (; at > 0 && more_urgent(&want, &found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = want;
        count++;
    }
    if (count > wants_max)
        count = wants_max;
    if (count > 0)
        memcpy(wants, found, (size_t)count * sizeof *wants);
    return count;
}

int64_t queue_wake_at_ms(struct queue *queue, int64_t now_ms)
{
    queue_settle(queue, now_ms);
    int64_t at = queue->denied_next_ms;
    for (uint32_t left = queue->contended; left != 0; left &= left - 1) {
        int pool = __builtin_ctz(left);
        const struct pool *p = &queue->pools[pool];
        int64_t close = p->closed ? INT64_MAX : queue_close_at_ms(queue, pool);
        int64_t linger = p->running > 0 || queue_startable(p) > 0 || p->spec.model == QUEUE_NONE ||
                p->spec.loading == p->contender
            ? INT64_MAX
            : linger_until(queue, p);
        if (close > now_ms && close < at)
            at = close;
        if (linger > now_ms && linger < at)
            at = linger;
    }
    return at == INT64_MAX ? -1 : at;
}
