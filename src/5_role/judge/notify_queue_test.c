/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/notify_queue.h"

#include "base/scoped.h"
#include "tap.h"

#include <stdio.h>

static struct notify_queue queue_of(int64_t tries, int64_t waiting_max, int64_t at_once)
{
    const struct notify_limits limits = {tries, 10000, waiting_max, at_once};
    struct notify_queue q;

    notify_queue_init(&q, &limits);
    return q;
}

static struct notify_item *add(
    struct notify_queue *q, const char *channel, const char *about, int64_t now_ms)
{
    scoped(json_done) json_t *job = json_object();
    struct notify_item *dropped;

    return notify_queue_add(q, channel, about, job, NOTIFY_TRIES_MAX, now_ms, &dropped);
}

static void told(struct notify_queue *q, struct notify_item *item)
{
    notify_queue_settle(q, item);
    notify_queue_end(q, item);
}

TEST(one_is_told_at_once_and_never_again)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 4);
    struct notify_item *item;

    REQUIRE(add(&q, "phone", "consent C1", 1000));
    CHECK(notify_queue_wait_ms(&q, 1000) == 0);
    CHECK(!add(&q, "phone", "consent C1", 1000)); /* it waits */
    item = notify_queue_next(&q, 1000);
    REQUIRE(item && item->tries == 1);
    CHECK(!add(&q, "phone", "consent C1", 1000)); /* it is under way */
    CHECK(notify_queue_wait_ms(&q, 1000) == -1);
    told(&q, item);
    CHECK(q.count == 0);
    CHECK(!add(&q, "phone", "consent C1", 1000)); /* it was told */
    CHECK(add(&q, "office", "consent C1", 1000) && add(&q, "phone", "consent C2", 1000));
}

TEST(it_is_tried_again_by_the_table_and_then_given_up)
{
    static const int64_t PAUSES_MS[] = {10000, 60000, 300000, 1800000};
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 4);
    int64_t now_ms = 500;
    struct notify_item *item = add(&q, "phone", "a 1", now_ms);

    for (size_t i = 0; i < COUNT(PAUSES_MS); i++) {
        REQUIRE(notify_queue_next(&q, now_ms) == item);
        CHECK(notify_queue_failed(&q, item, now_ms));
        CHECK(notify_queue_wait_ms(&q, now_ms) == PAUSES_MS[i]);
        CHECK(!notify_queue_next(&q, now_ms + PAUSES_MS[i] - 1));
        now_ms += PAUSES_MS[i];
    }
    REQUIRE(notify_queue_next(&q, now_ms) == item);
    CHECK(item->tries == 5);
    CHECK(!notify_queue_failed(&q, item, now_ms));
    notify_queue_end(&q, item);
    CHECK(!add(&q, "phone", "a 1", now_ms));
}

TEST(fewer_tries_may_be_set)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(2, 10, 4);
    scoped(json_done) json_t *job = json_object();
    struct notify_item *dropped, *item = add(&q, "phone", "a 1", 0);

    REQUIRE(notify_queue_next(&q, 0) == item && notify_queue_failed(&q, item, 0));
    REQUIRE(notify_queue_next(&q, 10000) == item);
    CHECK(!notify_queue_failed(&q, item, 10000));
    notify_queue_end(&q, item);
    item = notify_queue_add(&q, "phone", "test 1", job, 1, 0, &dropped);
    REQUIRE(notify_queue_next(&q, 0) == item);
    CHECK(!notify_queue_failed(&q, item, 0)); /* a test is tried once */
}

TEST(a_try_that_was_none_does_not_count)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(1, 10, 4);
    struct notify_item *item = add(&q, "phone", "a 1", 0);

    for (int64_t now_ms = 0; now_ms < 5000; now_ms += 1000) {
        REQUIRE(notify_queue_next(&q, now_ms) == item);
        notify_queue_put_back(&q, item, 1000, now_ms);
        CHECK(!notify_queue_next(&q, now_ms + 999));
    }
    REQUIRE(notify_queue_next(&q, 5000) == item);
    CHECK(item->tries == 1);
}

TEST(a_channel_has_one_under_way_and_all_have_so_many)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 2);
    struct notify_item *a, *b;

    add(&q, "a", "x 1", 0);
    add(&q, "a", "x 2", 0);
    add(&q, "b", "x 1", 0);
    add(&q, "c", "x 1", 0);
    a = notify_queue_next(&q, 0);
    b = notify_queue_next(&q, 0);
    REQUIRE(a && b);
    CHECK(strcmp(a->channel, "a") == 0 && strcmp(b->channel, "b") == 0);
    CHECK(!notify_queue_next(&q, 0)); /* two are under way */
    told(&q, b);
    b = notify_queue_next(&q, 0);
    REQUIRE(b);
    CHECK_STR(str_from(b->channel), "c"); /* not a's second */
    told(&q, b);
    CHECK(!notify_queue_next(&q, 0) && notify_queue_wait_ms(&q, 0) == -1);
    told(&q, a);
    CHECK(notify_queue_next(&q, 0) != NULL);
}

TEST(one_that_waits_for_its_next_try_holds_up_nobody)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 4);
    struct notify_item *first = add(&q, "a", "x 1", 0), *second = add(&q, "a", "x 2", 0);

    REQUIRE(notify_queue_next(&q, 0) == first && notify_queue_failed(&q, first, 0));
    CHECK(notify_queue_next(&q, 0) == second);
}

TEST(beyond_the_bound_the_oldest_that_is_not_under_way_gives_way)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 3, 4);
    scoped(json_done) json_t *job = json_object();
    struct notify_item *dropped, *first = add(&q, "a", "x 1", 0), *second = add(&q, "a", "x 2", 0);

    add(&q, "a", "x 3", 0);
    REQUIRE(notify_queue_next(&q, 0) == first);
    CHECK(notify_queue_add(&q, "a", "x 4", job, 5, 0, &dropped) && dropped == second);
    CHECK_STR(str_from(second->code), "too_many");
    CHECK(strstr(second->words, "3 ") != NULL);
    CHECK(notify_queue_waiting(&q, NULL) == 3 && notify_queue_waiting(&q, "a") == 3 &&
          notify_queue_waiting(&q, "b") == 0);
    CHECK(!add(&q, "a", "x 2", 0)); /* until it is recorded it is still known */
    notify_queue_end(&q, second);
    CHECK(!add(&q, "a", "x 2", 0));
    told(&q, first);
    CHECK(notify_queue_waiting(&q, NULL) == 2);
}

TEST(when_all_are_under_way_nobody_gives_way)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 1, 4);
    scoped(json_done) json_t *job = json_object();
    struct notify_item *dropped, *first = add(&q, "a", "x 1", 0);

    REQUIRE(notify_queue_next(&q, 0) == first);
    CHECK(notify_queue_add(&q, "b", "x 1", job, 5, 0, &dropped) && !dropped);
}

TEST(after_a_restart_what_was_told_is_known)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 4);

    notify_queue_remember(&q, "phone", "consent C1");
    notify_queue_remember(&q, "phone", "consent C1");
    CHECK(q.known_count == 1);
    CHECK(notify_queue_knows(&q, "phone", "consent C1"));
    CHECK(!notify_queue_knows(&q, "phone", "consent C"));
    CHECK(!notify_queue_knows(&q, "phon", "e consent C1"));
    CHECK(!add(&q, "phone", "consent C1", 0));
}

TEST(so_many_are_known_and_the_oldest_is_forgotten)
{
    scoped(notify_queue_done) struct notify_queue q = queue_of(5, 10, 4);
    char about[NOTIFY_ABOUT_BYTES];

    for (int i = 0; i <= NOTIFY_KNOWN_MAX; i++) {
        snprintf(about, sizeof about, "consent C%d", i);
        notify_queue_remember(&q, "phone", about);
    }
    CHECK(q.known_count == NOTIFY_KNOWN_MAX);
    CHECK(!notify_queue_knows(&q, "phone", "consent C0"));
    CHECK(notify_queue_knows(&q, "phone", "consent C1") && notify_queue_knows(&q, "phone", about));
}

TAP_MAIN
