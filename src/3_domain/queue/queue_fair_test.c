/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded unfairness: callers that always have something to start, with costs and estimates that
 * are far apart, on one pool.
 */
#include "queue/queue.h"
#include "base/scoped.h"
#include "tap.h"

#define CALLERS 6
#define SLOTS 4
#define COST_MAX 4000
#define BACKLOG 3
#define STARTS 100000

static const int WEIGHTS[CALLERS] = {1, 1, 2, 3, 5, 10};

struct run {
    uint64_t id;
    int caller;
    int64_t est;
};

struct fair {
    struct queue *queue;
    uint64_t random;
    int64_t now_ms, served[CALLERS]; /* tokens; what runs counts as estimated */
    int64_t est_of[CALLERS][BACKLOG + 1];
    int waiting[CALLERS], running;
    struct run runs[SLOTS];
    double worst; /* of the bound */
};

static uint32_t rnd(struct fair *f, uint32_t below)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (uint32_t)((f->random >> 32) % below);
}

static void fair_init(struct fair *f, int64_t age_ms, uint64_t seed)
{
    struct err err = {0};
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    *f = (struct fair){.random = seed};
    limits.age_ms = age_ms;
    if (!queue_open(&limits, &f->queue, &err))
        abort();
    for (int c = 0; c < CALLERS; c++)
        queue_caller_set(f->queue, c,
            &(struct queue_caller){.weight = WEIGHTS[c], .waiting_max = 99, .running_max = 99}, 0);
    queue_pool_set(f->queue, 0,
        &(struct queue_pool){.loading = QUEUE_NONE, .slots = SLOTS, .denied = QUEUE_NONE}, 0);
}

static void admit(struct fair *f, int caller)
{
    uint64_t id;
    struct queue_refusal refusal;
    struct queue_request request = {
        .caller = caller, .pools = 1, .cost = 1 + rnd(f, rnd(f, 2) ? COST_MAX : 20)};
    CHECK(queue_admit(f->queue, &request, f->now_ms, &id, &refusal));
    f->est_of[caller][f->waiting[caller]++] = request.cost;
}

static void turn(struct fair *f)
{
    struct queue_ticket t;
    f->now_ms += 100;
    if (f->running == SLOTS) {
        int i = (int)rnd(f, SLOTS);
        int64_t real = 1 + rnd(f, rnd(f, 3) ? COST_MAX : 5);
        CHECK(queue_finished(f->queue, f->runs[i].id, real, f->now_ms));
        f->served[f->runs[i].caller] += real - f->runs[i].est;
        f->runs[i] = f->runs[--f->running];
    }
    while (queue_next(f->queue, f->now_ms, &t)) {
        struct run *r = &f->runs[f->running++];
        *r = (struct run){t.id, t.caller, f->est_of[t.caller][0]};
        f->served[t.caller] += r->est;
        f->waiting[t.caller]--;
        for (int i = 0; i < f->waiting[t.caller]; i++)
            f->est_of[t.caller][i] = f->est_of[t.caller][i + 1];
        admit(f, t.caller);
    }
}

static void watch(struct fair *f)
{
    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < i; j++) {
            double apart = (double)f->served[i] / WEIGHTS[i] - (double)f->served[j] / WEIGHTS[j];
            double bound =
                (SLOTS + 1) * ((double)COST_MAX / WEIGHTS[i] + (double)COST_MAX / WEIGHTS[j]);
            double part = (apart < 0 ? -apart : apart) / bound;
            if (part > f->worst)
                f->worst = part;
        }
}

static void backlog(struct fair *f)
{
    for (int i = 0; i < CALLERS * BACKLOG; i++)
        admit(f, i % CALLERS);
}

TEST(service_by_weight_differs_by_no_more_than_the_bound)
{
    struct fair f;
    fair_init(&f, 60000, 77); /* nobody who is served in turn comes to be as old */
    backlog(&f);
    for (int i = 0; i < STARTS; i++) {
        turn(&f);
        watch(&f);
    }
    printf("# the worst difference was %.2f of the bound, over %d starts\n", f.worst, STARTS);
    CHECK(f.worst <= 1);
    CHECK(f.worst > 0.02); /* the bound is not beyond all reason */
    queue_close(f.queue);
}

TEST(ageing_leaves_the_shares_of_the_heavy_mostly_as_they_are)
{
    struct fair f;
    int64_t sum = 0, weights = 0;
    fair_init(&f, 2000, 78); /* a caller of weight 1 is often aged: a start each 22 × 100 ms */
    backlog(&f);
    for (int i = 0; i < STARTS; i++)
        turn(&f);
    for (int c = 0; c < CALLERS; c++) {
        sum += f.served[c];
        weights += WEIGHTS[c];
    }
    for (int c = 0; c < CALLERS; c++) {
        double share = (double)f.served[c] * (double)weights / ((double)sum * WEIGHTS[c]);
        CHECK(share > 0.7 && share < 1.8);
    }
    queue_close(f.queue);
}

TEST(who_was_away_gets_no_credit_for_it_and_who_was_alone_owes_nothing)
{
    struct fair f;
    fair_init(&f, INT64_MAX / 2, 79);
    for (int i = 0; i < BACKLOG; i++)
        admit(&f, 0);
    for (int i = 0; i < 1000; i++) /* alone on the pool */
        turn(&f);
    int64_t before = f.served[0];
    for (int i = 0; i < BACKLOG; i++)
        admit(&f, 1); /* the same weight */
    for (int i = 0; i < 1000; i++)
        turn(&f);
    int64_t apart = f.served[0] - before - f.served[1];
    CHECK((apart < 0 ? -apart : apart) <= 2 * (SLOTS + 1) * COST_MAX);
    queue_close(f.queue);
}

TEST(dear_request_on_an_idle_pool_is_not_owed_to_who_comes_later)
{
    struct fair f;
    struct queue_ticket t;
    int turns[2] = {0};
    fair_init(&f, INT64_MAX / 2, 80);
    admit(&f, 0);
    CHECK(queue_next(f.queue, 0, &t));
    CHECK(queue_finished(f.queue, t.id, 1000 * COST_MAX, 0));
    f.waiting[0] = 0;
    for (int i = 0; i < 20 * BACKLOG; i++) {
        struct queue_refusal refusal;
        uint64_t id;
        struct queue_request request = {.caller = i % 2, .pools = 1, .cost = 100};
        CHECK(queue_admit(f.queue, &request, 0, &id, &refusal));
    }
    for (int i = 0; i < 20; i++) {
        REQUIRE(queue_next(f.queue, 0, &t));
        CHECK(queue_finished(f.queue, t.id, -1, 0));
        turns[t.caller]++;
    }
    CHECK_INT(turns[0], turns[1]);
    queue_close(f.queue);
}

/* One start; the same caller has the next request waiting before it ends. */
static int dear_turn(struct queue *queue)
{
    uint64_t id;
    struct queue_refusal refusal;
    struct queue_ticket t;
    if (!queue_next(queue, 0, &t))
        return -1;
    struct queue_request request = {.caller = t.caller, .pools = 1, .cost = INT64_MAX};
    if (!queue_admit(queue, &request, 0, &id, &refusal) ||
        !queue_finished(queue, t.id, INT64_MAX, 0))
        return -1;
    return t.caller;
}

TEST(virtual_time_does_not_run_over)
{
    struct fair f;
    uint64_t id;
    struct queue_refusal refusal;
    struct queue_request request = {.caller = 0, .pools = 1, .cost = INT64_MAX};
    int turns[2] = {0};
    fair_init(&f, INT64_MAX / 2, 81);
    for (int i = 0; i < 2; i++)
        CHECK(queue_admit(f.queue, &request, 0, &id, &refusal));
    for (int i = 0; i < 9000000; i++) /* 2^24 tokens each: beyond 2^63 in all */
        if (dear_turn(f.queue) != 0)
            REQUIRE(false);
    request.caller = 1;
    for (int i = 0; i < 2; i++)
        CHECK(queue_admit(f.queue, &request, 0, &id, &refusal));
    for (int i = 0; i < 1000; i++) {
        int caller = dear_turn(f.queue);
        REQUIRE(caller >= 0);
        turns[caller]++;
    }
    CHECK(turns[0] >= 499 && turns[0] <= 501);
    queue_close(f.queue);
}

TAP_MAIN
