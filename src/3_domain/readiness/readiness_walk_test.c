/* SPDX-License-Identifier: Apache-2.0
 *
 * A seeded walk of a queue, three pools and two hosts, wired as readiness.h says, against a world
 * that is slow, refuses, breaks and is touched by others. READINESS_WALK_SEED and _EVENTS.
 */
#include "readiness_walk.h"
#include "base/scoped.h"
#include "tap.h"

#include <string.h>

static void task(struct walk *w, struct task task)
{
    for (int i = 0; i < TASKS_MAX; i++)
        if (w->tasks[i].kind == TASK_NONE) {
            w->tasks[i] = task;
            return;
        }
    MUST(w, false);
}

static bool out(const struct walk *w, bool pool, int subject)
{
    for (int i = 0; i < TASKS_MAX; i++)
        if (w->tasks[i].kind == TASK_END && !w->tasks[i].forgotten && w->tasks[i].pool == pool &&
            w->tasks[i].subject == subject)
            return true;
    return false;
}

static void propose(struct walk *w, enum action action, int subject, int model)
{
    bool pool = action >= LOAD;
    uint32_t dice = w->calm ? 99 : rnd(w, 100);
    struct task t = {.kind = TASK_END, .action = action, .pool = pool, .subject = subject,
        .model = model, .outcome = dice < 12 ? 1 : dice < 25 ? 2 : 0};
    static const int LONG_MS[] = {60000, 20000, 30000, 4000};
    int64_t ms = t.outcome == 1 ? 50 : 1000 + rnd(w, (uint32_t)LONG_MS[action]);
    MUST(w, !out(w, pool, subject)); /* never two at once */
    w->proposals++;
    t.at_ms = w->now_ms + ms;
    task(w, t);
    for (int i = 1; i < 4 && t.outcome != 1; i++) {
        t.kind = TASK_PROGRESS;
        t.outcome = i;
        t.at_ms = w->now_ms + ms * i / 4;
        task(w, t);
    }
}

static void look(struct walk *w, bool pool, int subject)
{
    if (w->calm || rnd(w, 20) != 0) /* else its answer is lost */
        task(w, (struct task){.kind = TASK_LOOK, .pool = pool, .subject = subject,
                    .at_ms = w->now_ms + 20 + rnd(w, 2000)});
}

/* --- the wiring of readiness.h */

static void pool_step(struct walk *w, int pool, struct readiness_event event);

static void host_step(struct walk *w, int host, struct power_event event)
{
    struct power_effects effects;
    power_step(&w->hosts[host], &event, w->now_ms, &effects);
    for (int i = 0; i < effects.count; i++) {
        struct readiness_event told = {.words = effects.list[i].words};
        switch (effects.list[i].kind) {
        case POWER_DO_PROPOSE_WAKE:
            propose(w, WAKE, host, 0);
            continue;
        case POWER_DO_PROPOSE_SLEEP:
            MUST(w, w->held[host] == 0);
            propose(w, SLEEP, host, 0);
            continue;
        case POWER_DO_WITHDRAW_SLEEP:
            continue;
        case POWER_DO_ASK:
            look(w, false, host);
            continue;
        case POWER_DO_UP:
            told.kind = READINESS_HOST_UP;
            break;
        case POWER_DO_DOWN:
            told.kind = READINESS_HOST_GONE;
            break;
        case POWER_DO_FAIL:
            told.kind = READINESS_HOST_FAILED;
            told.retry_ms = effects.list[i].retry_after_ms;
            break;
        case POWER_EFFECT_KINDS:
            break;
        }
        for (int pool = 0; pool < POOLS; pool++)
            if (HOST_OF[pool] == host)
                pool_step(w, pool, told);
    }
}

static void pool_tell(struct walk *w, int pool)
{
    struct queue_pool view;
    readiness_queue_pool(&w->pools[pool], &w->hosts[HOST_OF[pool]], w->now_ms, &view);
    queue_pool_set(w->queue, pool, &view, w->now_ms);
}

static void give_up(struct walk *w, int model)
{
    uint64_t ids[LIVE_MAX];
    int count = queue_stranded(w->queue, model, w->now_ms, ids, LIVE_MAX);
    for (int i = 0; i < count; i++) {
        struct req *r = queue_owner(w->queue, ids[i]);
        MUST(w, r != NULL && !r->running);
        MUST(w, queue_cancelled(w->queue, r->id, 0, w->now_ms));
        r->id = 0;
        w->failed++;
    }
}

/* As the gateway does it: the queue is told, what runs ends or waits again, then the effects. */
static void end_what_runs(struct walk *w, int pool)
{
    pool_tell(w, pool);
    for (int i = 0; i < LIVE_MAX; i++) {
        struct req *r = &w->live[i];
        if (r->id == 0 || !r->running || r->pool != pool)
            continue;
        w->running[pool]--;
        r->running = false;
        if (rnd(w, 2)) {
            MUST(w, queue_put_back(w->queue, r->id, w->now_ms));
            w->back++;
        } else {
            MUST(w, queue_cancelled(w->queue, r->id, 5, w->now_ms));
            r->id = 0;
            w->failed++;
        }
    }
}

static void pool_step(struct walk *w, int pool, struct readiness_event event)
{
    struct readiness_effects effects;
    int host = HOST_OF[pool];
    readiness_step(&w->pools[pool], &event, w->now_ms, &effects);
    pool_tell(w, pool);
    if (event.kind == READINESS_MAKE_WAY)
        end_what_runs(w, pool);
    for (int i = 0; i < effects.count; i++) {
        const struct readiness_effect *e = &effects.list[i];
        switch (e->kind) {
        case READINESS_DO_WANT_HOST:
            if (w->held[host]++ == 0)
                host_step(w, host, (struct power_event){.kind = POWER_WANTED});
            break;
        case READINESS_DO_RELEASE_HOST:
            if (--w->held[host] == 0)
                host_step(w, host, (struct power_event){.kind = POWER_UNWANTED});
            break;
        case READINESS_DO_PROPOSE_LOAD:
            MUST(w, w->pools[pool].host_up);
            propose(w, LOAD, pool, e->model);
            break;
        case READINESS_DO_PROPOSE_UNLOAD:
            MUST(w, w->running[pool] == 0); /* never while it serves; who makes way ended it */
            propose(w, UNLOAD, pool, 0);
            break;
        case READINESS_DO_ASK:
            look(w, true, pool);
            break;
        case READINESS_DO_FAIL:
            MUST(w, e->code != NULL && e->words != NULL && e->words[0] != 0);
            MUST(w, e->should_retry == (e->retry_after_ms > 0));
            give_up(w, e->model);
            break;
        case READINESS_EFFECT_KINDS:
            break;
        }
    }
}

static void turn(struct walk *w)
{
    struct queue_ticket t;
    struct queue_want wants[POOLS];
    while (queue_next(w->queue, w->now_ms, &t)) {
        struct req *r = t.owner;
        MUST(w, w->pools[t.pool].state == READINESS_READY && w->pools[t.pool].model == t.model);
        MUST(w, !w->pools[t.pool].makes_way);
        MUST(w, w->running[t.pool] < w->pools[t.pool].slots);
        r->running = true;
        r->pool = t.pool;
        r->end_ms = w->now_ms + 100 + rnd(w, 20000);
        w->running[t.pool]++;
        if (t.waited_ms > w->wait_ms_max)
            w->wait_ms_max = t.waited_ms;
    }
    int count = queue_wants(w->queue, w->now_ms, wants, POOLS);
    for (int pool = 0; pool < POOLS; pool++) {
        struct readiness_event event = {.kind = READINESS_UNWANTED};
        if (w->told[pool] != w->running[pool])
            pool_step(w, pool,
                (struct readiness_event){
                    .kind = READINESS_RUNNING, .running = w->told[pool] = w->running[pool]});
        for (int i = 0; i < count; i++)
            if (wants[i].pool == pool)
                event = (struct readiness_event){
                    .kind = READINESS_WANTED, .model = wants[i].model};
        pool_step(w, pool, event);
    }
}

/* --- the world */

static void engine_set(struct walk *w, int pool, enum readiness_seen state, int model)
{
    w->engine[pool] = state;
    w->engine_model[pool] = model;
}

static void power_truth(struct walk *w, int host, bool up)
{
    w->up[host] = up;
    for (int pool = 0; pool < POOLS && !up; pool++)
        if (HOST_OF[pool] == host)
            engine_set(w, pool, READINESS_SEEN_EMPTY, QUEUE_NONE);
}

static void seen(struct walk *w, int pool)
{
    struct readiness_event event = {.kind = READINESS_SEEN, .seen = w->engine[pool],
        .model = w->engine_model[pool], .slots = 2};
    pool_step(w, pool, event);
}

static void answer(struct walk *w, const struct task *t)
{
    int host = t->pool ? HOST_OF[t->subject] : t->subject;
    if (t->pool && w->up[host])
        seen(w, t->subject);
    else if (t->pool)
        pool_step(w, t->subject, (struct readiness_event){.kind = READINESS_LOST});
    else
        host_step(w, host,
            (struct power_event){.kind = w->up[host] ? POWER_SEEN : POWER_LOST});
    for (int pool = 0; pool < POOLS && !t->pool && w->up[host]; pool++)
        if (HOST_OF[pool] == host)
            seen(w, pool);
}

static void progress(struct walk *w, const struct task *t)
{
    static const char *const STAGES[] = {"driver_ready", "engine_starting", "verifying", "loading"};
    int pool = t->subject;
    bool here = t->pool && w->up[HOST_OF[pool]];
    if (t->action == LOAD && here && w->engine_model[pool] == QUEUE_NONE) {
        w->engine[pool] = (enum readiness_seen)t->outcome; /* starting, verifying, loading */
    }
    if (t->forgotten)
        return;
    if (t->action == LOAD)
        pool_step(w, pool,
            (struct readiness_event){.kind = READINESS_STAGE, .stage = STAGES[t->outcome]});
    else if (t->action == UNLOAD)
        pool_step(w, pool, (struct readiness_event){.kind = READINESS_UNLOAD_ACCEPTED});
    else if (t->action == WAKE)
        host_step(w, t->subject,
            (struct power_event){
                .kind = t->outcome == 2 ? POWER_STAGE_BOOTING : POWER_WAKE_ACCEPTED});
    else
        host_step(w, t->subject, (struct power_event){.kind = POWER_SLEEP_ACCEPTED});
}

/* What a proposal did to the world; returns its real outcome. */
static int take_effect(struct walk *w, const struct task *t)
{
    int pool = t->subject, outcome = t->outcome;
    if (outcome == 1)
        return 1;
    if (t->action == WAKE || t->action == SLEEP) {
        if (outcome == 0 || rnd(w, 4) == 0)
            power_truth(w, t->subject, t->action == WAKE);
        return outcome;
    }
    if (!w->up[HOST_OF[pool]])
        return 2;
    if (t->action == UNLOAD) {
        if (outcome == 0 || rnd(w, 2))
            engine_set(w, pool, READINESS_SEEN_EMPTY, QUEUE_NONE);
        return outcome;
    }
    if (w->engine_model[pool] != QUEUE_NONE && w->engine_model[pool] != t->model)
        return 1; /* something else is loaded: it does not fit */
    if (outcome == 0)
        engine_set(w, pool, READINESS_SEEN_READY, t->model);
    else
        engine_set(w, pool, rnd(w, 2) ? READINESS_SEEN_FAILED : READINESS_SEEN_EMPTY, QUEUE_NONE);
    return outcome;
}

static void end(struct walk *w, const struct task *t)
{
    int outcome = take_effect(w, t);
    int64_t retry_ms = rnd(w, 3) ? 0 : 1000 + rnd(w, 600000);
    if (t->forgotten)
        return;
    static const enum power_event_kind HOST_KINDS[2][3] = {
        {POWER_WAKE_DONE, POWER_WAKE_DENIED, POWER_WAKE_FAILED},
        {POWER_SLEEP_DONE, POWER_SLEEP_DENIED, POWER_SLEEP_FAILED}};
    static const enum readiness_event_kind POOL_KINDS[2][3] = {
        {READINESS_LOAD_DONE, READINESS_LOAD_DENIED, READINESS_LOAD_FAILED},
        {READINESS_UNLOAD_DONE, READINESS_UNLOAD_DENIED, READINESS_UNLOAD_FAILED}};
    if (t->pool)
        pool_step(w, t->subject,
            (struct readiness_event){.kind = POOL_KINDS[t->action - LOAD][outcome], .slots = 2,
                .retry_ms = retry_ms, .words = "as it is"});
    else
        host_step(w, t->subject,
            (struct power_event){.kind = HOST_KINDS[t->action][outcome], .retry_ms = retry_ms});
}

static void request_ends(struct walk *w, struct req *r)
{
    int pool = r->pool, model = w->pools[pool].model;
    bool served = w->engine[pool] == READINESS_SEEN_READY && w->engine_model[pool] == model;
    w->running[pool]--;
    if (served) {
        MUST(w, queue_finished(w->queue, r->id, 100, w->now_ms));
        r->id = 0;
        w->finished++;
        return;
    }
    MUST(w, queue_put_back(w->queue, r->id, w->now_ms));
    r->running = false;
    w->back++;
    pool_step(w, pool, (struct readiness_event){.kind = READINESS_UPSTREAM_FAILED});
}

static void arrive(struct walk *w)
{
    w->arrival_ms = w->now_ms + rnd(w, rnd(w, 100) ? 20000 : 5000000);
    for (int i = 0; i < LIVE_MAX; i++) {
        struct queue_refusal refusal;
        struct req *r = &w->live[i];
        if (r->id != 0)
            continue;
        struct queue_request request = {.caller = (int)rnd(w, CALLERS),
            .model = (int)rnd(w, MODELS), .pools = 1 + rnd(w, (1 << POOLS) - 1),
            .class = rnd(w, 4) ? QUEUE_INTERACTIVE : QUEUE_BACKGROUND, .cost = 100, .owner = r};
        *r = (struct req){.admitted_ms = w->now_ms};
        if (queue_admit(w->queue, &request, w->now_ms, &r->id, &refusal)) {
            w->admitted++;
        } else {
            w->refused++;
        }
        return;
    }
}

static void make_way(struct walk *w, int pool, int64_t retry_ms)
{
    w->ways++;
    pool_step(w, pool,
        (struct readiness_event){
            .kind = READINESS_MAKE_WAY, .words = "somebody plays", .retry_ms = retry_ms});
}

static void meddle(struct walk *w)
{
    int pool = (int)rnd(w, POOLS), host = (int)rnd(w, HOSTS);
    switch (rnd(w, 300)) {
    case 0:
        power_truth(w, host, false); /* the plug */
        break;
    case 1:
        power_truth(w, host, true); /* somebody's hand */
        break;
    case 2:
    case 3:
        engine_set(w, pool, READINESS_SEEN_FAILED, QUEUE_NONE);
        break;
    case 4:
        if (w->up[HOST_OF[pool]])
            engine_set(w, pool, READINESS_SEEN_READY, (int)rnd(w, MODELS + 1) - 1);
        break;
    case 5: /* the link to the judge */
        for (int i = 0; i < TASKS_MAX; i++)
            w->tasks[i].forgotten = true;
        for (int h = 0; h < HOSTS; h++)
            host_step(w, h, (struct power_event){.kind = POWER_RESTARTED});
        for (int p = 0; p < POOLS; p++)
            pool_step(w, p, (struct readiness_event){.kind = READINESS_RESTARTED});
        break;
    case 6:
        for (int i = 0; i < LIVE_MAX; i++)
            if (w->live[i].id != 0 && rnd(w, 3) == 0) {
                w->running[w->live[i].pool] -= w->live[i].running;
                MUST(w, queue_cancelled(w->queue, w->live[i].id, 5, w->now_ms));
                w->live[i].id = 0;
                w->failed++;
            }
        break;
    case 7:
        make_way(w, pool, rnd(w, 2) ? 0 : 1000 + rnd(w, 300000));
        break;
    case 8: /* over, soon */
        if (w->pools[pool].makes_way)
            make_way(w, pool, 120000);
        break;
    default:
        break;
    }
}

static void sooner(int64_t *at, int64_t other)
{
    if (other >= 0 && other < *at)
        *at = other;
}

/* False: nothing will ever happen again. */
static bool advance(struct walk *w)
{
    int64_t at = w->calm ? INT64_MAX : w->arrival_ms, now_ms = w->now_ms;
    for (int i = 0; i < TASKS_MAX; i++)
        if (w->tasks[i].kind != TASK_NONE)
            sooner(&at, w->tasks[i].at_ms);
    for (int i = 0; i < LIVE_MAX; i++)
        if (w->live[i].id != 0 && w->live[i].running)
            sooner(&at, w->live[i].end_ms);
    for (int i = 0; i < HOSTS; i++)
        sooner(&at, power_wake_at_ms(&w->hosts[i]));
    for (int i = 0; i < POOLS; i++)
        sooner(&at, readiness_wake_at_ms(&w->pools[i]));
    sooner(&at, queue_wake_at_ms(w->queue, now_ms));
    if (at == INT64_MAX)
        return false;
    w->now_ms = at > now_ms ? at : now_ms;
    for (int i = 0; i < HOSTS; i++) /* all that is due is stepped, once */
        host_step(w, i, (struct power_event){.kind = POWER_TICK});
    for (int i = 0; i < POOLS; i++)
        pool_step(w, i, (struct readiness_event){.kind = READINESS_TICK});
    for (int i = 0; i < TASKS_MAX; i++) {
        struct task t = w->tasks[i];
        if (t.kind == TASK_NONE || t.at_ms > w->now_ms)
            continue;
        w->tasks[i].kind = TASK_NONE;
        if (t.kind == TASK_LOOK)
            answer(w, &t);
        else if (t.kind == TASK_PROGRESS)
            progress(w, &t);
        else
            end(w, &t);
    }
    for (int i = 0; i < LIVE_MAX; i++)
        if (w->live[i].id != 0 && w->live[i].running && w->live[i].end_ms <= w->now_ms)
            request_ends(w, &w->live[i]);
    if (!w->calm && w->arrival_ms <= w->now_ms)
        arrive(w);
    if (!w->calm)
        meddle(w);
    return true;
}

/* Whoever waits is served soon, or something is under way, or a retry has its time. */
static void watch(struct walk *w)
{
    for (int i = 0; i < LIVE_MAX; i++) {
        const struct req *r = &w->live[i];
        if (r->id != 0 && !r->running)
            MUST(w, w->now_ms - r->admitted_ms < WAIT_MS_MAX);
    }
    for (int h = 0; h < HOSTS; h++) {
        int held = 0;
        for (int p = 0; p < POOLS; p++)
            held += HOST_OF[p] == h && w->pools[p].host_held;
        MUST(w, held == w->held[h] && w->hosts[h].wanted == (held > 0));
        MUST(w, (w->hosts[h].out != POWER_OUT_NONE) == out(w, false, h));
    }
    for (int p = 0; p < POOLS; p++)
        MUST(w, (w->pools[p].out != READINESS_OUT_NONE) == out(w, true, p));
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void walk_init(struct walk *w, uint64_t seed)
{
    struct err err = {0};
    w->random = seed * 0x9E3779B97F4A7C15u + 1;
    if (!queue_open(&QUEUE_LIMITS_DEFAULT, &w->queue, &err))
        abort();
    for (int c = 0; c < CALLERS; c++)
        queue_caller_set(w->queue, c,
            &(struct queue_caller){.weight = 1, .waiting_max = 20, .running_max = 4}, 0);
    for (int h = 0; h < HOSTS; h++)
        power_init(&w->hosts[h], &POWER_CONFIG_DEFAULT, 0, 0);
    for (int p = 0; p < POOLS; p++) {
        readiness_init(&w->pools[p], &READINESS_CONFIG_DEFAULT, 0);
        engine_set(w, p, READINESS_SEEN_EMPTY, QUEUE_NONE);
        pool_tell(w, p);
    }
}

TEST(walk_keeps_its_promises_and_all_sleeps_in_the_end)
{
    static struct walk w;
    uint64_t seed = number("READINESS_WALK_SEED", 5);
    int64_t events = (int64_t)number("READINESS_WALK_EVENTS", EVENTS), calm_ms = 0;
    walk_init(&w, seed);
    for (; w.errors < 10; w.events++) {
        if (w.events == events) {
            w.calm = true;
            calm_ms = w.now_ms;
            for (int p = 0; p < POOLS; p++)
                if (w.pools[p].makes_way)
                    make_way(&w, p, 1000);
        }
        if (w.calm && w.now_ms - calm_ms > SETTLE_MS)
            break;
        MUST(&w, advance(&w));
        turn(&w);
        watch(&w);
    }
    printf("# seed %llu: %lld events, %lld admitted, %lld refused, %lld finished, %lld failed or "
           "left, %lld put back, %lld proposals, made way %lld times, longest "
           "wait %lld s, %.1f days\n",
        (unsigned long long)seed, (long long)w.events, (long long)w.admitted, (long long)w.refused,
        (long long)w.finished, (long long)w.failed, (long long)w.back, (long long)w.proposals,
        (long long)w.ways, (long long)w.wait_ms_max / 1000, (double)w.now_ms / 86400000);
    CHECK_INT(w.errors, 0);
    CHECK_INT(w.admitted, w.finished + w.failed);
    CHECK_INT(queue_waiting(w.queue) + queue_running(w.queue), 0);
    for (int p = 0; p < POOLS; p++) {
        CHECK_INT(w.pools[p].state, READINESS_EMPTY);
        CHECK(w.engine[p] != READINESS_SEEN_READY);
    }
    for (int h = 0; h < HOSTS; h++) {
        CHECK_INT(w.hosts[h].state, POWER_ASLEEP);
        CHECK(!w.up[h]);
    }
    CHECK(w.finished > w.events / 50 && w.proposals > 100);
    queue_close(w.queue);
}

TAP_MAIN
