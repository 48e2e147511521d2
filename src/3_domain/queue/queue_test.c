/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue.h"
#include "base/scoped.h"
#include "tap.h"

static void queue_done(struct queue **queue)
{
    queue_close(*queue);
}

static struct queue *opened(const struct queue_limits *limits)
{
    struct queue *queue = NULL;
    struct err err = {0};
    if (!queue_open(limits, &queue, &err))
        abort();
    for (int caller = 0; caller < 8 && caller < limits->callers; caller++)
        queue_caller_set(queue, caller,
            &(struct queue_caller){.weight = 1, .waiting_max = 1000, .running_max = 1000}, 0);
    return queue;
}

static struct queue_pool pool_with(int model, int slots)
{
    return (struct queue_pool){.model = model, .loading = QUEUE_NONE, .slots = slots,
        .load_ms = 10000, .denied = QUEUE_NONE};
}

static void pool(struct queue *queue, int index, int model, int slots, int64_t now_ms)
{
    struct queue_pool spec = pool_with(model, slots);
    queue_pool_set(queue, index, &spec, now_ms);
}

/* 0 = refused. */
static uint64_t admit_as(struct queue *queue, int caller, int model, uint32_t pools,
    enum queue_class class, int64_t cost, int64_t now_ms)
{
    uint64_t id = 0;
    struct queue_refusal refusal;
    struct queue_request request = {.caller = caller, .model = model, .pools = pools,
        .class = class, .cost = cost, .owner = queue};
    return queue_admit(queue, &request, now_ms, &id, &refusal) ? id : 0;
}

static uint64_t admit(struct queue *queue, int caller, int model, int64_t now_ms)
{
    return admit_as(queue, caller, model, 1, QUEUE_INTERACTIVE, 100, now_ms);
}

static uint64_t next(struct queue *queue, int64_t now_ms)
{
    struct queue_ticket ticket;
    return queue_next(queue, now_ms, &ticket) ? ticket.id : 0;
}

static int wanted(struct queue *queue, int pool_index, int64_t now_ms)
{
    struct queue_want wants[QUEUE_POOLS_MAX];
    int count = queue_wants(queue, now_ms, wants, QUEUE_POOLS_MAX);
    for (int i = 0; i < count; i++)
        if (wants[i].pool == pool_index)
            return wants[i].model;
    return QUEUE_NONE;
}

TEST(limits_out_of_range_are_refused_by_open)
{
    struct err err = {0};
    struct queue *queue = NULL;
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    limits.callers = QUEUE_CALLERS_MAX + 1;
    CHECK(!queue_open(&limits, &queue, &err));
    CHECK_INT(err.kind, ERR_INPUT);
    limits = QUEUE_LIMITS_DEFAULT;
    limits.entries = QUEUE_ENTRIES_MAX + 1;
    CHECK(!queue_open(&limits, &queue, &err));
    limits.entries = 0;
    CHECK(!queue_open(&limits, &queue, &err));
    limits = QUEUE_LIMITS_DEFAULT;
    limits.age_every = 0;
    CHECK(!queue_open(&limits, &queue, &err));
    CHECK(queue == NULL);
    limits = QUEUE_LIMITS_DEFAULT;
    limits.callers = QUEUE_CALLERS_MAX;
    limits.entries = QUEUE_ENTRIES_MAX;
    CHECK(queue_open(&limits, &queue, &err));
    queue_close(queue);
    queue_close(NULL);
}

TEST(one_request_goes_through_and_is_gone)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 7, 1, 0);
    uint64_t id = admit(q, 1, 7, 5);
    REQUIRE(id != 0);
    CHECK(queue_owner(q, id) == q);
    CHECK_INT(queue_model_waiting(q, 7), 1);
    CHECK_INT(queue_caller_waiting(q, 1), 1);
    struct queue_ticket ticket;
    REQUIRE(queue_next(q, 9, &ticket));
    CHECK_INT(ticket.id, id);
    CHECK_INT(ticket.pool, 0);
    CHECK_INT(ticket.model, 7);
    CHECK_INT(ticket.caller, 1);
    CHECK_INT(ticket.waited_ms, 4);
    CHECK_INT(queue_running(q), 1);
    CHECK_INT(queue_caller_running(q, 1), 1);
    CHECK(!queue_next(q, 9, &ticket));
    CHECK(queue_finished(q, id, 50, 20));
    CHECK(!queue_finished(q, id, 50, 20));
    CHECK(!queue_cancelled(q, id, 0, 20));
    CHECK(!queue_put_back(q, id, 20));
    CHECK(queue_owner(q, id) == NULL);
    CHECK_INT(queue_running(q) + queue_waiting(q), 0);
    uint64_t again = admit(q, 1, 7, 30);
    CHECK(again != id);
    CHECK(!queue_finished(q, again, 1, 30)); /* it waits */
    CHECK(!queue_put_back(q, again, 30));
}

TEST(slots_are_never_exceeded_even_when_they_become_fewer)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 3, 0);
    uint64_t ids[3];
    for (int i = 0; i < 10; i++)
        CHECK(admit(q, i % 3, 1, 0) != 0);
    for (int i = 0; i < 3; i++)
        CHECK((ids[i] = next(q, 0)) != 0);
    CHECK_INT(next(q, 0), 0);
    pool(q, 0, 1, 1, 1);
    CHECK(queue_finished(q, ids[0], -1, 2));
    CHECK(queue_finished(q, ids[1], -1, 2));
    CHECK_INT(next(q, 2), 0);
    CHECK(queue_finished(q, ids[2], -1, 2));
    CHECK(next(q, 2) != 0);
    CHECK_INT(next(q, 2), 0);
    pool(q, 1, 1, QUEUE_SLOTS_MAX + 5, 3); /* not in the mask of any of these */
    CHECK_INT(next(q, 3), 0);
    CHECK_INT(queue_pool_view(q, 0, 3).running, 1);
    CHECK_INT(queue_pool_view(q, 0, 3).waiting, 6);
}

TEST(limits_refuse_with_the_status_the_code_and_when_to_come_again)
{
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    limits.waiting_max = 3;
    limits.entries = 4;
    scoped(queue_done) struct queue *q = opened(&limits);
    pool(q, 0, 1, 1, 0);
    queue_caller_set(q, 0, &(struct queue_caller){.weight = 0, .waiting_max = 2}, 0);
    uint64_t id;
    struct queue_refusal refusal;
    struct queue_request request = {.caller = 0, .model = 1, .pools = 1, .cost = 1};
    CHECK(queue_admit(q, &request, 0, &id, &refusal));
    CHECK(queue_admit(q, &request, 0, &id, &refusal));
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal));
    CHECK_INT(refusal.status, 429);
    CHECK_TEXT(refusal.code, "concurrency_limit");
    CHECK_INT(refusal.limit, 2);
    CHECK(refusal.should_retry && refusal.retry_after_ms >= 1000);
    request.caller = 1;
    CHECK(queue_admit(q, &request, 0, &id, &refusal));
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal));
    CHECK_INT(refusal.status, 503);
    CHECK_TEXT(refusal.code, "queue_full");
    CHECK_INT(refusal.limit, 3);
    CHECK(refusal.should_retry && refusal.retry_after_ms <= QUEUE_RETRY_MS_MAX);
    CHECK(next(q, 0) != 0);
    CHECK(queue_admit(q, &request, 0, &id, &refusal)); /* the table's fourth */
    CHECK(queue_cancelled(q, id, 0, 0));
    CHECK(queue_admit(q, &request, 0, &id, &refusal));
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal));
}

TEST(table_of_requests_full_with_running_ones_refuses)
{
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    limits.entries = 2;
    scoped(queue_done) struct queue *q = opened(&limits);
    pool(q, 0, 1, 8, 0);
    CHECK(admit(q, 0, 1, 0) && next(q, 0));
    CHECK(admit(q, 0, 1, 0) && next(q, 0));
    CHECK_INT(admit(q, 0, 1, 0), 0);
}

TEST(too_many_different_lanes_are_refused_and_empty_ones_are_used_again)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    uint64_t last = 0;
    pool(q, 0, QUEUE_NONE, 1, 0);
    for (int i = 0; i < QUEUE_LANES_MAX; i++)
        CHECK((last = admit(q, 0, i, 0)) != 0);
    CHECK_INT(admit(q, 0, QUEUE_LANES_MAX, 0), 0);
    CHECK(queue_cancelled(q, last, 0, 0));
    CHECK(admit(q, 0, QUEUE_LANES_MAX, 0) != 0);
    CHECK_INT(admit(q, 0, QUEUE_LANES_MAX - 1, 0), 0);
    CHECK(admit(q, 0, 3, 0) != 0);
}

TEST(caller_at_its_running_limit_waits_and_others_pass)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 4, 0);
    queue_caller_set(
        q, 0, &(struct queue_caller){.weight = 1, .waiting_max = 9, .running_max = 1}, 0);
    uint64_t a = admit(q, 0, 1, 0), b = admit(q, 0, 1, 0), c = admit(q, 1, 1, 0);
    CHECK_INT(next(q, 0), a);
    CHECK_INT(next(q, 0), c);
    CHECK_INT(next(q, 0), 0);
    CHECK(queue_finished(q, a, -1, 1));
    CHECK_INT(next(q, 1), b);
    uint64_t d = admit(q, 0, 1, 1);
    CHECK_INT(next(q, 1), 0);
    queue_caller_set(
        q, 0, &(struct queue_caller){.weight = 1, .waiting_max = 9, .running_max = 2}, 1);
    CHECK_INT(next(q, 1), d);
    CHECK(!queue_caller_forget(q, 0));
    CHECK(queue_finished(q, b, -1, 1) && queue_cancelled(q, d, 5, 1));
    CHECK(queue_caller_forget(q, 0));
}

TEST(requests_of_one_caller_keep_their_order_and_put_back_is_first)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t a = admit(q, 0, 1, 0), b = admit(q, 0, 1, 1), c = admit(q, 0, 1, 2);
    CHECK_INT(next(q, 3), a);
    CHECK(queue_put_back(q, a, 4));
    CHECK_INT(next(q, 5), a);
    CHECK(queue_finished(q, a, 1, 6));
    CHECK(queue_cancelled(q, b, 0, 6));
    CHECK_INT(next(q, 7), c);
    CHECK(queue_put_back(q, c, 8)); /* as its last: the flow is made anew */
    CHECK_INT(queue_waiting(q), 1);
    CHECK_INT(next(q, 9), c);
}

TEST(cancelled_waiter_never_starts_and_cancelled_runner_frees_its_slot)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t a = admit(q, 0, 1, 0), b = admit(q, 0, 1, 0), c = admit(q, 1, 1, 0);
    CHECK_INT(next(q, 0), a);
    CHECK(queue_cancelled(q, b, 0, 0));
    CHECK(queue_cancelled(q, a, 3, 0));
    CHECK_INT(next(q, 0), c);
    CHECK(queue_finished(q, c, -1, 0));
    CHECK_INT(next(q, 0), 0);
}

TEST(estimate_is_put_right_when_the_real_cost_is_known)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t big = admit_as(q, 0, 1, 1, 0, 10000, 0);
    uint64_t small = admit_as(q, 1, 1, 1, 0, 100, 0), more = admit_as(q, 0, 1, 1, 0, 10, 0);
    uint64_t other = admit_as(q, 1, 1, 1, 0, 100, 0);
    CHECK_INT(next(q, 0), big);
    CHECK(queue_finished(q, big, 1, 1)); /* it was far less */
    CHECK_INT(next(q, 1), small);
    CHECK(queue_finished(q, small, -1, 2));
    CHECK_INT(next(q, 2), more); /* 1 against 100 used */
    CHECK(queue_finished(q, more, 500, 3));
    CHECK_INT(next(q, 3), other);
}

TEST(interactive_goes_first_but_background_gets_its_turn)
{
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    limits.background_after = 500;
    scoped(queue_done) struct queue *q = opened(&limits);
    pool(q, 0, 1, 1, 0);
    uint64_t back = admit_as(q, 1, 1, 1, QUEUE_BACKGROUND, 100, 0);
    for (int i = 0; i < 20; i++)
        admit(q, 0, 1, 0);
    int before = 0;
    for (uint64_t id = 0; (id = next(q, 0)) != back; before++)
        REQUIRE(before < 20 && queue_finished(q, id, -1, 0));
    CHECK_INT(before, 5); /* 5 × 100 tokens */
}

TEST(ageing_serves_who_was_left_out)
{
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    limits.age_ms = 1000;
    limits.background_after = INT64_MAX;
    scoped(queue_done) struct queue *q = opened(&limits);
    pool(q, 0, 1, 1, 0);
    uint64_t back = admit_as(q, 1, 1, 1, QUEUE_BACKGROUND, 100, 0);
    int before = 0;
    int64_t now_ms = 0;
    for (uint64_t id = 0;; before++, now_ms += 100) {
        admit(q, 0, 1, now_ms);
        REQUIRE((id = next(q, now_ms)) != 0 && before < 100);
        REQUIRE(queue_finished(q, id, -1, now_ms));
        if (id == back)
            break;
    }
    CHECK(before >= 10 && before <= 10 + limits.age_every);
}

TEST(one_load_serves_all_waiters_and_none_is_wanted_after_the_last_left)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, QUEUE_NONE, 2, 0);
    pool(q, 1, QUEUE_NONE, 2, 0);
    uint64_t a = admit_as(q, 0, 5, 3, 0, 1, 0), b = admit_as(q, 1, 5, 3, 0, 1, 1);
    struct queue_want wants[4];
    REQUIRE(queue_wants(q, 2, wants, 4) == 1);
    CHECK_INT(wants[0].pool, 0);
    CHECK_INT(wants[0].model, 5);
    CHECK_INT(wants[0].waiters, 2);
    CHECK_INT(wants[0].oldest_ms, 0);
    CHECK(wants[0].interactive);
    CHECK_INT(queue_wants(q, 2, wants, 0), 0);
    struct queue_pool loading = pool_with(QUEUE_NONE, 2);
    loading.loading = 5;
    queue_pool_set(q, 0, &loading, 3);
    CHECK_INT(wanted(q, 0, 3), 5); /* still: somebody waits for it */
    CHECK_INT(wanted(q, 1, 3), QUEUE_NONE);
    CHECK(queue_cancelled(q, a, 0, 4));
    CHECK_INT(wanted(q, 0, 4), 5);
    CHECK(queue_cancelled(q, b, 0, 5));
    CHECK_INT(wanted(q, 0, 5), QUEUE_NONE);
    a = admit_as(q, 0, 5, 3, 0, 1, 6);
    CHECK_INT(wanted(q, 0, 6), 5);
    pool(q, 0, 5, 2, 7);
    CHECK_INT(wanted(q, 0, 7), QUEUE_NONE);
    CHECK_INT(next(q, 7), a);
}

TEST(quicker_pool_is_wanted_and_a_denied_one_is_not)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    struct queue_pool slow = pool_with(QUEUE_NONE, 1), fast = slow;
    slow.load_ms = 90000;
    queue_pool_set(q, 0, &slow, 0);
    queue_pool_set(q, 1, &fast, 0);
    uint64_t a = admit_as(q, 0, 5, 3, 0, 1, 0);
    CHECK_INT(wanted(q, 1, 0), 5);
    fast.denied = 5;
    fast.denied_until_ms = 1000;
    queue_pool_set(q, 1, &fast, 0);
    CHECK_INT(wanted(q, 1, 0), QUEUE_NONE);
    CHECK_INT(wanted(q, 0, 0), 5);
    CHECK_INT(queue_stranded(q, 5, 0, &a, 1), 0);
    slow.denied = QUEUE_ANY;
    slow.denied_until_ms = 5000;
    queue_pool_set(q, 0, &slow, 0);
    uint64_t found = 0;
    CHECK_INT(queue_stranded(q, QUEUE_ANY, 0, &found, 1), 1);
    CHECK_INT(found, a);
    CHECK_INT(queue_wake_at_ms(q, 0), 1000);
    CHECK_INT(wanted(q, 1, 1000), 5); /* the denial is over */
}

TEST(request_that_no_pool_can_get_is_not_admitted)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    struct queue_pool spec = pool_with(QUEUE_NONE, 1);
    uint64_t id;
    struct queue_refusal refusal;
    struct queue_request request = {.caller = 0, .model = 2, .pools = 1, .cost = 1};
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal)); /* no such pool yet */
    CHECK_TEXT(refusal.code, "pool_unavailable");
    spec.denied = QUEUE_ANY;
    spec.denied_until_ms = 500000;
    queue_pool_set(q, 0, &spec, 0);
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal));
    CHECK_INT(refusal.status, 503);
    CHECK_INT(refusal.retry_after_ms, QUEUE_RETRY_MS_MAX);
    CHECK(refusal.should_retry);
    spec.denied_until_ms = INT64_MAX;
    queue_pool_set(q, 0, &spec, 0);
    REQUIRE(!queue_admit(q, &request, 0, &id, &refusal));
    CHECK(!refusal.should_retry && refusal.retry_after_ms == 0);
    request.pools = 0;
    CHECK(!queue_admit(q, &request, 0, &id, &refusal));
    spec.model = 2; /* loaded all the same */
    queue_pool_set(q, 0, &spec, 0);
    request.pools = 1;
    CHECK(queue_admit(q, &request, 0, &id, &refusal));
}

TEST(busy_model_is_not_asked_to_go_and_an_idle_one_lingers)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t a = admit(q, 0, 1, 0);
    CHECK_INT(next(q, 0), a);
    admit(q, 1, 2, 10);
    CHECK_INT(wanted(q, 0, 10), QUEUE_NONE);
    CHECK_INT(queue_pool_view(q, 0, 10).contender, 2);
    CHECK_INT(wanted(q, 0, 20000), QUEUE_NONE);
    CHECK(queue_finished(q, a, -1, 20000));
    CHECK_INT(wanted(q, 0, 20000), QUEUE_NONE);
    CHECK_INT(queue_wake_at_ms(q, 20000), 21000);
    CHECK_INT(wanted(q, 0, 21000), 2);
}

TEST(batch_ends_by_tokens_or_time_and_the_other_model_gets_the_pool)
{
    for (int by_time = 0; by_time < 2; by_time++) {
        struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
        limits.batch_tokens = by_time ? 1 << 30 : 1000;
        scoped(queue_done) struct queue *q = opened(&limits);
        pool(q, 0, 1, 2, 0);
        admit(q, 1, 2, 0);
        int started = 0;
        int64_t now_ms = 1000;
        uint64_t running[2] = {0};
        for (; started < 1000; now_ms += 100, started++) {
            admit(q, 0, 1, now_ms);
            if (running[started & 1] != 0)
                CHECK(queue_finished(q, running[started & 1], -1, now_ms));
            running[started & 1] = next(q, now_ms);
            if (running[started & 1] == 0)
                break;
            CHECK_INT(wanted(q, 0, now_ms), QUEUE_NONE); /* it is busy */
        }
        CHECK_INT(started, by_time ? 290 : 10);
        CHECK(queue_pool_view(q, 0, now_ms).closed);
        CHECK_INT(wanted(q, 0, now_ms), QUEUE_NONE);
        CHECK(queue_finished(q, running[!(started & 1)], -1, now_ms));
        CHECK_INT(next(q, now_ms), 0);
        CHECK_INT(wanted(q, 0, now_ms), 2);
        pool(q, 0, 2, 2, now_ms + 5000); /* swapped: it serves one at least before the way back */
        CHECK_INT(wanted(q, 0, now_ms + 5000 + limits.batch_ms), QUEUE_NONE);
        CHECK(next(q, now_ms + 5000 + limits.batch_ms) != 0);
    }
}

TEST(closed_pool_opens_again_when_the_contender_leaves)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t other = admit(q, 1, 2, 0), a = admit(q, 0, 1, 0), b = admit(q, 0, 1, 0);
    CHECK_INT(next(q, 0), a);
    CHECK(queue_finished(q, a, -1, 40000));
    CHECK_INT(next(q, 40000), 0);
    CHECK_INT(wanted(q, 0, 40000), 2);
    CHECK(queue_cancelled(q, other, 0, 40000));
    CHECK_INT(wanted(q, 0, 40000), QUEUE_NONE);
    CHECK_INT(next(q, 40000), b);
}

TEST(background_does_not_take_the_pool_from_interactive_work_at_once)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    int64_t now_ms = 0, swapped_ms = -1;
    pool(q, 0, 1, 1, 0);
    admit_as(q, 1, 2, 1, QUEUE_BACKGROUND, 100, 0);
    for (; now_ms < 1000000 && swapped_ms < 0; now_ms += 500) {
        admit(q, 0, 1, now_ms);
        uint64_t id = next(q, now_ms);
        if (id != 0)
            CHECK(queue_finished(q, id, -1, now_ms));
        if (wanted(q, 0, now_ms) == 2)
            swapped_ms = now_ms;
    }
    CHECK_INT(swapped_ms, QUEUE_LIMITS_DEFAULT.background_ms);
}

TEST(background_takes_an_idle_pool_when_its_interactive_user_is_gone_for_long)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t a = admit(q, 0, 1, 0);
    CHECK_INT(next(q, 0), a);
    CHECK(queue_finished(q, a, -1, 5000));
    admit_as(q, 1, 2, 1, QUEUE_BACKGROUND, 100, 6000);
    CHECK_INT(wanted(q, 0, 60000), QUEUE_NONE);
    CHECK_INT(queue_wake_at_ms(q, 60000), 65000);
    CHECK_INT(wanted(q, 0, 65000), 2);
    admit(q, 1, 2, 65000); /* and an interactive waiter waits for nothing of that */
    CHECK_INT(wanted(q, 0, 65000), 2);
}

TEST(places_count_down_and_estimates_grow_with_the_way)
{
    scoped(queue_done) struct queue *q = opened(&QUEUE_LIMITS_DEFAULT);
    pool(q, 0, 1, 1, 0);
    uint64_t ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = admit(q, i / 2, 1, 0); /* three callers with two each: 0 2 4 1 3 5 */
    int want[6] = {1, 4, 2, 5, 3, 6};
    struct queue_place place;
    for (int i = 0; i < 6; i++) {
        REQUIRE(queue_place(q, ids[i], 0, &place));
        CHECK_INT(place.position, want[i]);
        CHECK_INT(place.pool, 0);
        CHECK_INT(place.start_ms, i == 0 ? 0 : (want[i] - 1) * 5000);
    }
    CHECK_INT(next(q, 0), ids[0]);
    CHECK(queue_place(q, ids[0], 0, &place));
    CHECK_INT(place.position, 0);
    CHECK(queue_finished(q, ids[0], -1, 2000));
    CHECK(queue_place(q, ids[5], 2000, &place));
    CHECK_INT(place.position, 5);
    CHECK_INT(place.start_ms, 8000); /* a request took 2 s */
    CHECK(!queue_place(q, ids[0], 2000, &place));
    pool(q, 0, QUEUE_NONE, 1, 3000);
    CHECK(queue_place(q, ids[2], 3000, &place));
    CHECK_INT(place.start_ms, 10000); /* the load */
    struct queue_pool spec = pool_with(QUEUE_NONE, 1);
    spec.denied = 1;
    spec.denied_until_ms = 9000;
    queue_pool_set(q, 0, &spec, 3000);
    CHECK(queue_place(q, ids[2], 3000, &place));
    CHECK_INT(place.start_ms, -1);
    CHECK_INT(place.pool, -1);
}

TAP_MAIN
