/* SPDX-License-Identifier: Apache-2.0
 *
 * A seeded simulation of 50 callers, 2 pools and 3 models against plain tables that know only what
 * the header promises. QUEUE_SIM_SEED and QUEUE_SIM_EVENTS choose another run.
 */
#include "queue/queue.h"
#include "base/scoped.h"
#include "tap.h"

#include <string.h>

#define CALLERS 50
#define POOLS 2
#define MODELS 3
#define MASKS 4
#define LIVE_MAX 900
#define SLOTS 4
#define COST_MAX 4000
#define EVENTS 1200000

enum req_state { REQ_NONE, REQ_WAITING, REQ_RUNNING };

struct req {
    uint64_t id;
    enum req_state state;
    int caller, model, pool;
    uint32_t pools;
    enum queue_class class;
    int64_t est, real, admitted_ms, end_ms;
};

/* One caller's requests that are alike to the pools. */
struct line {
    int waiting;
    int64_t since_ms, starts_aged; /* unserved since; starts of its model seen while aged */
};

struct world {
    struct queue *queue;
    struct queue_limits limits;
    uint64_t random;
    int64_t now_ms, arrival_ms;
    struct req live[LIVE_MAX];
    struct line lines[CALLERS][MODELS][MASKS][QUEUE_CLASSES];
    struct queue_caller callers[CALLERS];
    int running_of[CALLERS], running[POOLS];
    struct queue_pool pools[POOLS];
    int64_t load_end_ms[POOLS];
    int64_t loaded_ms[POOLS];
    int starts_since_load[POOLS];
    /* sums */
    int64_t admitted, refused, finished, cancelled, failed, put_back, loads, events, starts;
    int64_t wait_ms_max, head_ms_max, starts_aged_max, lines_max;
    uint64_t hash;
    int errors;
};

#define MUST(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition) && (w)->errors++ < 10)                                                    \
            printf("# %d: event %lld: not true: %s\n", __LINE__, (long long)(w)->events,           \
                #condition);                                                                       \
    } while (0)

static uint32_t rnd(struct world *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 32) % below);
}

static struct line *line_of(struct world *w, const struct req *r)
{
    return &w->lines[r->caller][r->model][r->pools][r->class];
}

static int lines_waiting(struct world *w, int model)
{
    int count = 0;
    for (int c = 0; c < CALLERS; c++)
        for (int m = 1; m < MASKS; m++)
            for (int k = 0; k < QUEUE_CLASSES; k++)
                count += w->lines[c][model][m][k].waiting > 0;
    return count;
}

static void pool_tell(struct world *w, int pool)
{
    queue_pool_set(w->queue, pool, &w->pools[pool], w->now_ms);
}

static void world_init(struct world *w, uint64_t seed)
{
    struct err err = {0};
    memset(w, 0, sizeof *w);
    w->random = seed * 0x9E3779B97F4A7C15u + 1;
    w->limits = QUEUE_LIMITS_DEFAULT;
    w->limits.callers = CALLERS;
    w->limits.entries = LIVE_MAX;
    w->limits.waiting_max = 700;
    if (!queue_open(&w->limits, &w->queue, &err))
        abort();
    for (int c = 0; c < CALLERS; c++) {
        w->callers[c] = (struct queue_caller){
            .weight = 1 + c % 10, .waiting_max = c == 0 ? 200 : 20, .running_max = 1 + c % 4};
        queue_caller_set(w->queue, c, &w->callers[c], 0);
    }
    for (int p = 0; p < POOLS; p++) {
        w->pools[p] = (struct queue_pool){.model = QUEUE_NONE, .loading = QUEUE_NONE,
            .slots = SLOTS, .load_ms = 10000 + 5000 * p, .denied = QUEUE_NONE};
        w->load_end_ms[p] = -1;
        pool_tell(w, p);
    }
}

/* --- what happens */

static void arrive(struct world *w, bool lull)
{
    struct req *r = NULL;
    for (int i = 0; i < LIVE_MAX && r == NULL; i++)
        if (w->live[i].state == REQ_NONE)
            r = &w->live[i];
    w->arrival_ms = w->now_ms + rnd(w, lull ? 20000 : 2200);
    if (r == NULL)
        return;
    int caller = rnd(w, 5) == 0 ? 0 : (int)rnd(w, CALLERS); /* 0 is greedy */
    int model = rnd(w, 3) ? caller % MODELS : (int)rnd(w, MODELS);
    uint32_t pools = model == 2 ? 2 : rnd(w, 3) ? 3 : 1 + rnd(w, 2);
    *r = (struct req){.caller = caller, .model = model, .pools = pools,
        .class = caller % 7 == 3 || rnd(w, 6) == 0 ? QUEUE_BACKGROUND : QUEUE_INTERACTIVE,
        .est = 1 + rnd(w, COST_MAX), .admitted_ms = w->now_ms};
    r->real = rnd(w, 4) ? r->est / 2 + 1 : 1 + rnd(w, COST_MAX);
    struct queue_request request = {.caller = caller, .model = model, .pools = pools,
        .class = r->class, .cost = r->est, .owner = r};
    struct queue_refusal refusal;
    if (!queue_admit(w->queue, &request, w->now_ms, &r->id, &refusal)) {
        MUST(w, refusal.status == 429 || refusal.status == 503);
        MUST(w, !refusal.should_retry ||
            (refusal.retry_after_ms >= 1000 && refusal.retry_after_ms <= QUEUE_RETRY_MS_MAX));
        w->refused++;
        return;
    }
    r->state = REQ_WAITING;
    w->admitted++;
    struct line *line = line_of(w, r);
    if (line->waiting++ == 0)
        *line = (struct line){.waiting = 1, .since_ms = w->now_ms};
}

static void ended(struct world *w, struct req *r)
{
    if (r->state == REQ_RUNNING) {
        w->running[r->pool]--;
        w->running_of[r->caller]--;
    } else {
        line_of(w, r)->waiting--;
    }
    r->state = REQ_NONE;
}

static void cancel(struct world *w, struct req *r)
{
    MUST(w, queue_owner(w->queue, r->id) == r);
    MUST(w, queue_cancelled(w->queue, r->id, rnd(w, 100), w->now_ms));
    MUST(w, !queue_cancelled(w->queue, r->id, 0, w->now_ms));
    ended(w, r);
    w->cancelled++;
}

static void finish(struct world *w, struct req *r)
{
    if (rnd(w, 200) == 0) {
        MUST(w, queue_put_back(w->queue, r->id, w->now_ms));
        ended(w, r);
        r->state = REQ_WAITING;
        struct line *line = line_of(w, r);
        if (line->waiting++ == 0)
            *line = (struct line){.waiting = 1, .since_ms = w->now_ms};
        w->put_back++;
        return;
    }
    MUST(w, queue_finished(w->queue, r->id, r->real, w->now_ms));
    MUST(w, !queue_finished(w->queue, r->id, r->real, w->now_ms));
    ended(w, r);
    w->finished++;
}

static void fail_stranded(struct world *w)
{
    uint64_t ids[LIVE_MAX];
    int count = queue_stranded(w->queue, QUEUE_ANY, w->now_ms, ids, LIVE_MAX);
    for (int i = 0; i < count; i++) {
        struct req *r = queue_owner(w->queue, ids[i]);
        MUST(w, r != NULL && r->state == REQ_WAITING);
        cancel(w, r);
        w->cancelled--;
        w->failed++;
    }
}

static void load_end(struct world *w, int pool)
{
    struct queue_pool *p = &w->pools[pool];
    w->load_end_ms[pool] = -1;
    if (rnd(w, 20) == 0) {
        p->denied = p->loading;
        p->denied_until_ms = w->now_ms + 30000;
        p->loading = QUEUE_NONE;
        pool_tell(w, pool);
        fail_stranded(w);
        return;
    }
    p->model = p->loading;
    p->loading = QUEUE_NONE;
    w->starts_since_load[pool] = 0;
    w->loaded_ms[pool] = w->now_ms;
    w->loads++;
    pool_tell(w, pool);
}

/* The engine is gone; what ran there ends in its own time. */
static void die(struct world *w, int pool)
{
    w->pools[pool].model = QUEUE_NONE;
    pool_tell(w, pool);
}

/* --- what must be so */

/* Since when the oldest interactive waiter of a contender waits beside the loaded model. */
static int64_t contended_ms(struct world *w, int pool)
{
    int64_t since_ms = w->now_ms;
    struct queue_pool_view views[POOLS];
    for (int p = 0; p < POOLS; p++)
        views[p] = queue_pool_view(w->queue, p, w->now_ms);
    for (int i = 0; i < LIVE_MAX; i++) {
        const struct req *r = &w->live[i];
        bool counts = r->state == REQ_WAITING && r->class == QUEUE_INTERACTIVE &&
            r->model == views[pool].contender && (r->pools >> pool & 1);
        for (int p = 0; p < POOLS; p++)
            if ((r->pools >> p & 1) &&
                (w->pools[p].loading == r->model ||
                    (w->pools[p].model == r->model && !views[p].closed)))
                counts = false;
        if (counts && r->admitted_ms < since_ms)
            since_ms = r->admitted_ms;
    }
    return since_ms > w->loaded_ms[pool] ? since_ms : w->loaded_ms[pool];
}

static void watch_start(struct world *w, const struct req *r, const struct queue_ticket *t)
{
    int pool = t->pool;
    MUST(w, r->state == REQ_WAITING && r->id == t->id);
    MUST(w, w->pools[pool].model == r->model && (r->pools >> pool & 1));
    MUST(w, w->running[pool] < SLOTS);
    MUST(w, w->running_of[r->caller] < w->callers[r->caller].running_max);
    MUST(w, t->caller == r->caller && t->model == r->model);
    MUST(w, t->waited_ms == w->now_ms - r->admitted_ms);
    for (int i = 0; i < LIVE_MAX; i++) { /* the first of its line */
        const struct req *o = &w->live[i];
        if (o->state == REQ_WAITING && line_of(w, o) == line_of(w, r))
            MUST(w, o->id >= r->id || r->id == o->id);
    }
    MUST(w, w->now_ms - contended_ms(w, pool) < w->limits.batch_ms ||
        w->starts_since_load[pool] == 0);
    w->starts_since_load[pool]++;
    if (t->waited_ms > w->wait_ms_max)
        w->wait_ms_max = t->waited_ms;
    int lines = lines_waiting(w, r->model);
    if (lines > w->lines_max)
        w->lines_max = lines;
    for (int c = 0; c < CALLERS; c++)
        for (int m = 1; m < MASKS; m++)
            for (int k = 0; k < QUEUE_CLASSES; k++) {
                struct line *line = &w->lines[c][r->model][m][k];
                if (w->running_of[c] >= w->callers[c].running_max)
                    line->since_ms = w->now_ms; /* it keeps itself waiting */
                if (line->waiting == 0 || !(m >> pool & 1) ||
                    w->now_ms - line->since_ms < w->limits.age_ms)
                    continue;
                if (++line->starts_aged > w->starts_aged_max)
                    w->starts_aged_max = line->starts_aged;
            }
}

static void start_all(struct world *w)
{
    struct queue_ticket t;
    while (queue_next(w->queue, w->now_ms, &t)) {
        struct req *r = t.owner;
        watch_start(w, r, &t);
        struct line *line = line_of(w, r);
        line->waiting--;
        if (w->now_ms - line->since_ms > w->head_ms_max)
            w->head_ms_max = w->now_ms - line->since_ms;
        line->since_ms = w->now_ms;
        line->starts_aged = 0;
        r->state = REQ_RUNNING;
        r->pool = t.pool;
        r->end_ms = w->now_ms + 1 + r->real * 12;
        w->running[t.pool]++;
        w->starts++;
        if (++w->running_of[r->caller] >= w->callers[r->caller].running_max)
            for (int i = 0; i < MODELS * MASKS * QUEUE_CLASSES; i++)
                (&w->lines[r->caller][0][0][0])[i].starts_aged = 0;
        w->hash = (w->hash ^ t.id ^ (uint64_t)t.pool) * 0x100000001B3u;
    }
}

/* No slot is free beside a waiter whom it could serve; nobody is forgotten. */
static void watch_waiters(struct world *w)
{
    struct queue_pool_view views[POOLS];
    for (int p = 0; p < POOLS; p++) {
        views[p] = queue_pool_view(w->queue, p, w->now_ms);
        MUST(w, views[p].running == w->running[p]);
    }
    for (int c = 0; c < CALLERS; c++)
        for (int i = 0; i < MODELS * MASKS * QUEUE_CLASSES; i++) {
            if ((&w->lines[c][0][0][0])[i].waiting == 0)
                continue;
            int model = i / (MASKS * QUEUE_CLASSES), mask = i / QUEUE_CLASSES % MASKS;
            bool cared_for = false;
            for (int p = 0; p < POOLS; p++) {
                if (!(mask >> p & 1))
                    continue;
                bool open = w->pools[p].model == model && !views[p].closed;
                MUST(w, !open || w->running[p] >= SLOTS ||
                    w->running_of[c] >= w->callers[c].running_max);
                cared_for |= open || w->pools[p].loading == model ||
                    views[p].contender != QUEUE_NONE || w->pools[p].denied_until_ms > w->now_ms;
            }
            MUST(w, cared_for);
        }
}

static void wants(struct world *w)
{
    struct queue_want list[POOLS];
    int count = queue_wants(w->queue, w->now_ms, list, POOLS);
    for (int i = 0; i < count; i++) {
        struct queue_pool *p = &w->pools[list[i].pool];
        int waiting = 0, single = 0; /* single: they can use but one pool */
        for (int c = 0; c < CALLERS; c++)
            for (int m = 1; m < MASKS; m++)
                for (int k = 0; k < QUEUE_CLASSES; k++) {
                    int here = w->lines[c][list[i].model][m][k].waiting;
                    waiting += m >> list[i].pool & 1 ? here : 0;
                    single += m < 3 ? here : 0;
                }
        MUST(w, waiting > 0 && waiting == list[i].waiters);
        MUST(w, i == 0 || list[0].pool != list[1].pool);
        MUST(w, i == 0 || list[0].model != list[1].model || single > 0);
        MUST(w, p->loading == list[i].model || w->running[list[i].pool] == 0);
        MUST(w, p->model != list[i].model);
        if (p->loading != QUEUE_NONE)
            continue;
        p->model = QUEUE_NONE;
        p->loading = list[i].model;
        w->load_end_ms[list[i].pool] = w->now_ms + 5000 + rnd(w, 20000);
        pool_tell(w, list[i].pool);
    }
    int closed_idle = 0;
    for (int p = 0; p < POOLS; p++) {
        struct queue_pool_view view = queue_pool_view(w->queue, p, w->now_ms);
        closed_idle += view.closed && view.running == 0 && w->pools[p].loading == QUEUE_NONE;
    }
    MUST(w, closed_idle == 0); /* a closed pool with nothing to do was wanted */
}

/* --- the run */

static void advance(struct world *w, bool arrivals)
{
    int64_t at = arrivals ? w->arrival_ms : INT64_MAX, wake = queue_wake_at_ms(w->queue, w->now_ms);
    struct req *first = NULL;
    MUST(w, wake < 0 || wake > w->now_ms);
    for (int p = 0; p < POOLS; p++)
        if (w->load_end_ms[p] >= 0 && w->load_end_ms[p] < at)
            at = w->load_end_ms[p];
    if (wake >= 0 && wake < at)
        at = wake;
    for (int i = 0; i < LIVE_MAX; i++)
        if (w->live[i].state == REQ_RUNNING && w->live[i].end_ms < at) {
            first = &w->live[i];
            at = first->end_ms;
        }
    MUST(w, at != INT64_MAX);
    w->now_ms = at > w->now_ms && at != INT64_MAX ? at : w->now_ms;
    if (first != NULL)
        finish(w, first);
    for (int p = 0; p < POOLS; p++)
        if (w->load_end_ms[p] >= 0 && w->load_end_ms[p] <= w->now_ms)
            load_end(w, p);
    if (arrivals && w->arrival_ms <= w->now_ms)
        arrive(w, w->now_ms / 3600000 % 4 == 3);
    if (rnd(w, 100) < 2) {
        struct req *r = &w->live[rnd(w, LIVE_MAX)];
        if (r->state != REQ_NONE)
            cancel(w, r);
    }
    int victim = (int)rnd(w, POOLS * 5000);
    if (victim < POOLS && w->pools[victim].model != QUEUE_NONE)
        die(w, victim);
    fail_stranded(w);
}

static void run(struct world *w, int64_t events)
{
    for (; w->events < events || queue_waiting(w->queue) + queue_running(w->queue) > 0;
        w->events++) {
        if (w->errors > 10 || w->events > events + 1000000)
            break;
        advance(w, w->events < events);
        start_all(w);
        wants(w);
        start_all(w);
        watch_waiters(w);
    }
    MUST(w, queue_waiting(w->queue) == 0 && queue_running(w->queue) == 0);
    MUST(w, w->admitted == w->finished + w->cancelled + w->failed);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

TEST(a_million_events_keep_every_promise)
{
    static struct world w;
    uint64_t seed = number("QUEUE_SIM_SEED", 3);
    world_init(&w, seed);
    run(&w, (int64_t)number("QUEUE_SIM_EVENTS", EVENTS));
    printf("# seed %llu: %lld events, %lld admitted, %lld refused, %lld finished, %lld cancelled, "
           "%lld failed, %lld put back, %lld loads, %.1f days\n",
        (unsigned long long)seed, (long long)w.events, (long long)w.admitted, (long long)w.refused,
        (long long)w.finished, (long long)w.cancelled, (long long)w.failed, (long long)w.put_back,
        (long long)w.loads, (double)w.now_ms / 86400000);
    printf("# longest wait %lld s, %lld s between two starts of a caller that waits; most starts "
           "that passed an aged one by: %lld, with at most %lld lines waiting for a model\n",
        (long long)w.wait_ms_max / 1000, (long long)w.head_ms_max / 1000,
        (long long)w.starts_aged_max, (long long)w.lines_max);
    CHECK_INT(w.errors, 0);
    CHECK(w.starts_aged_max <= w.limits.age_every * (w.lines_max + 2));
    CHECK(w.starts > w.events / 10 && w.loads > 100 && w.failed > 0 && w.put_back > 0);
    queue_close(w.queue);
}

TEST(same_seed_gives_the_same_run)
{
    static struct world a, b;
    world_init(&a, 11);
    world_init(&b, 11);
    run(&a, 30000);
    run(&b, 30000);
    CHECK(a.hash == b.hash && a.now_ms == b.now_ms && a.finished == b.finished);
    CHECK_INT(a.errors, 0);
    queue_close(a.queue);
    queue_close(b.queue);
}

TAP_MAIN
