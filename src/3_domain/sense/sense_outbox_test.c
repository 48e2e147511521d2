/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/sense_turn.h"
#include "sense_for_test.h"

#include "tap.h"

#include <stdlib.h>

static void tell(struct probe *p, struct sense_outbox *outbox, const char *text)
{
    CHECK(probe_read(p, 1000, text));
    for (size_t i = 0; i < p->result.readings_count; i++)
        sense_outbox_add(outbox, p->state, &p->result.readings[i]);
}

TEST(what_was_told_at_once_goes_out_as_it_came)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p;

    probe_init(&p);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 0);
    tell(&p, &outbox, "load1 1\navail{mount=\"/\"} 5\n");
    CHECK(outbox.waiting == 2);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 2);
    CHECK(rows[0].point.value == 1000 && rows[1].point.value == 5);
    CHECK(outbox.waiting == 0 && outbox.merged == 0 && !outbox.first && !outbox.last);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 0);
    probe_done(&p);
}

TEST(while_nobody_listens_the_lowest_highest_and_newest_stay)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p;
    char text[64];

    probe_init(&p);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "load1 %d\n", i == 300 ? 99 : i == 700 ? 0 : 50);
        tell(&p, &outbox, text);
    }
    CHECK(outbox.waiting == 3 && outbox.merged == 997);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 3);
    CHECK(rows[0].point.value == 99000 && rows[1].point.value == 0 && rows[2].point.value == 50000);
    CHECK(rows[0].point.at_ms < rows[1].point.at_ms && rows[1].point.at_ms < rows[2].point.at_ms);
    probe_done(&p);
}

TEST(random_readings_never_lose_an_extreme_or_the_newest)
{
    struct probe p;
    char text[64];

    srand(2);
    for (int round = 0; round < 300; round++) {
        struct sense_outbox outbox = {0};
        struct sense_row rows[8];
        int low = 1000, high = -1, last = 0, count = 1 + rand() % 12;
        probe_init(&p);
        for (int i = 0; i < count; i++) {
            last = rand() % 6;
            low = last < low ? last : low;
            high = last > high ? last : high;
            snprintf(text, sizeof text, "load1 %d\n", last);
            tell(&p, &outbox, text);
        }
        size_t told = sense_outbox_take(&outbox, rows, 8);
        bool has_low = false, has_high = false, in_order = true;
        for (size_t i = 0; i < told; i++) {
            has_low = has_low || rows[i].point.value == low * 1000;
            has_high = has_high || rows[i].point.value == high * 1000;
            in_order = in_order && (i == 0 || rows[i].point.at_ms > rows[i - 1].point.at_ms);
        }
        CHECK(has_low && has_high && in_order && rows[told - 1].point.value == last * 1000);
        CHECK(outbox.merged + told == (uint64_t)count);
        probe_done(&p);
    }
}

TEST(sources_take_turns_and_one_that_floods_does_not_hold_up_the_others)
{
    struct sense_outbox outbox = {0};
    static struct sense_row rows[500];
    static char text[32 * 1024];
    struct probe loud, quiet;
    size_t len = 0, told, of_quiet = 0, all = 0;

    probe_init(&loud);
    probe_init(&quiet);
    for (int i = 0; i < 400; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "avail{mount=\"/%d\"} 1\n", i);
    for (int i = 0; i < 10; i++)
        tell(&loud, &outbox, text);
    tell(&quiet, &outbox, "load1 7\n");
    CHECK(outbox.waiting == 1 + 400); /* all alike: one says it all */
    told = sense_outbox_take(&outbox, rows, 100);
    for (size_t i = 0; i < told; i++)
        of_quiet += rows[i].state == quiet.state;
    CHECK(of_quiet == 1);
    for (all = told; (told = sense_outbox_take(&outbox, rows, 500)) > 0;)
        all += told;
    CHECK(all == 401 && outbox.waiting == 0 && !outbox.first);
    probe_done(&loud);
    probe_done(&quiet);
}

static void tell_anew(struct probe *p, struct sense_outbox *outbox, bool last_is_out)
{
    sense_outbox_again(outbox, p->state, p->table, p->now.civil_ms, last_is_out);
}

TEST(a_new_listener_hears_the_newest_of_each_once_more)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p;

    probe_init(&p);
    tell_anew(&p, &outbox, false); /* nothing was ever said */
    CHECK(outbox.waiting == 0 && !outbox.first);
    tell(&p, &outbox, "load1 1\navail{mount=\"/\"} 5\n");
    tell(&p, &outbox, "load1 2\n");
    CHECK(sense_outbox_take(&outbox, rows, 8) == 3);
    int64_t newest_ms = rows[1].point.at_ms;
    tell(&p, &outbox, "load1 7\nload1 3\n"); /* a second of a series in one text is none */
    tell_anew(&p, &outbox, false);
    CHECK(outbox.waiting == 2); /* load waits with what is newer */
    CHECK(sense_outbox_take(&outbox, rows, 8) == 2);
    CHECK(rows[0].point.value == 7000 && rows[0].point.at_ms > newest_ms);
    CHECK(rows[1].point.value == 5 && rows[1].point.at_ms < newest_ms);
    probe_done(&p);
}

TEST(what_is_out_already_is_not_told_a_second_time)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p;

    probe_init(&p);
    tell(&p, &outbox, "load1 1\n");
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1);
    tell(&p, &outbox, "avail{mount=\"/\"} 5\n");
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1);
    tell_anew(&p, &outbox, true);
    CHECK(outbox.waiting == 1 && sense_outbox_take(&outbox, rows, 8) == 1);
    CHECK(rows[0].point.value == 1000);
    tell_anew(&p, &outbox, false);
    CHECK(outbox.waiting == 2);
    sense_outbox_drop(&outbox, p.state);
    probe_done(&p);
}

TEST(what_is_stale_or_of_a_clock_that_was_wrong_is_not_told_again)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p;

    probe_init(&p);
    tell(&p, &outbox, "load1 1\n");
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1);
    p.now.civil_ms += 60000; /* what the table says */
    tell_anew(&p, &outbox, false);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1);
    p.now.civil_ms += 1;
    tell_anew(&p, &outbox, false);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 0);
    p.now.civil_ms -= 3600000;
    CHECK(probe_read(&p, 1000, "boot_s 1699990000\n")); /* it sees that civil time went back */
    tell_anew(&p, &outbox, false);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1 && rows[0].point.value != 1000);
    probe_done(&p);
}

TEST(a_source_that_leaves_takes_along_what_it_had_to_say)
{
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct probe p[3];

    for (int i = 0; i < 3; i++) {
        probe_init(&p[i]);
        tell(&p[i], &outbox, "load1 1\n");
    }
    sense_outbox_drop(&outbox, p[1].state);
    sense_outbox_drop(&outbox, p[1].state);
    sense_outbox_drop(&outbox, p[2].state);
    CHECK(outbox.waiting == 1 && outbox.last == p[0].state);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1 && rows[0].state == p[0].state);
    for (int i = 0; i < 3; i++)
        probe_done(&p[i]);
}

TEST(other_rules_keep_what_they_know_and_drop_the_rest)
{
    static const char OTHER[] = "{\"sources\":[],\"metrics\":[" METRIC(
        "free", 0, 9007199254740991, "") "," METRIC("load", 0, 7, "") "]}";
    struct sense_outbox outbox = {0};
    struct sense_row rows[8];
    struct sense_table *other;
    struct probe p;
    json_t *json = json_loads(OTHER, 0, NULL);

    probe_init(&p);
    CHECK(sense_table_read(json, &other, &p.err));
    tell(&p, &outbox, "load1 1\navail{mount=\"/\"} 5\nboot_s 1699999000\n");
    CHECK(outbox.waiting == 3);
    sense_state_move(&outbox, p.state, p.table, other, &p.left);
    CHECK(outbox.waiting == 1 && sense_state_series(p.state) == 1);
    CHECK(p.left == SENSE_SERIES_ALL_MAX - 1);
    CHECK(sense_outbox_take(&outbox, rows, 8) == 1);
    CHECK_STR(
        str_from(sense_table_metric(other, sense_state_at(p.state, rows[0].series)->metric)->name),
        "free");
    json_decref(json);
    sense_table_free(&other);
    probe_done(&p);
}

/* --- when to ask -------------------------------------------------------------------------------
 */

TEST(sources_begin_apart_and_keep_their_step)
{
    struct sense_turn turn;

    sense_turn_init(&turn, 10000, UINT32_MAX / 2, 1000);
    CHECK(turn.due_ms >= 5900 && turn.due_ms <= 6100);
    turn.due_ms = 6000;
    sense_turn_ended(&turn, true, 0, 6300);
    CHECK(turn.due_ms == 16000);
    sense_turn_ended(&turn, true, 0, 47000); /* it took long: no catching up */
    CHECK(turn.due_ms == 56000);
}

TEST(failures_put_a_source_off_up_to_a_limit)
{
    struct sense_turn turn;
    int64_t now = 0, waits[8];

    sense_turn_init(&turn, 10000, 0, now);
    for (int i = 0; i < 8; i++) {
        sense_turn_ended(&turn, false, 0, now);
        waits[i] = turn.due_ms - now;
        now = turn.due_ms;
    }
    CHECK(waits[0] == 10000 && waits[1] == 20000 && waits[2] == 40000 && waits[3] == 60000 &&
          waits[7] == 60000);
    sense_turn_ended(&turn, false, UINT32_MAX, now);
    CHECK(turn.due_ms - now >= 45000 && turn.due_ms - now <= 45001);
    sense_turn_ended(&turn, true, 0, now);
    CHECK(turn.failures == 0 && turn.due_ms == now + 10000);
    sense_turn_init(&turn, 3600000, 0, 0);
    sense_turn_ended(&turn, false, 0, 0);
    sense_turn_ended(&turn, false, 0, 0);
    CHECK(turn.due_ms == 3600000); /* its own interval is longer than the limit */
}

TEST(never_more_than_so_many_are_asked_at_once)
{
    struct sense_turn turns[3];
    int64_t wait;

    for (int i = 0; i < 3; i++)
        turns[i] = (struct sense_turn){.every_ms = 1000, .due_ms = 100 * (3 - i)};
    CHECK(sense_turn_next(turns, sizeof *turns, 3, 0, 2, 50, &wait) == -1 && wait == 50);
    CHECK(sense_turn_next(turns, sizeof *turns, 3, 0, 2, 250, &wait) == 2);
    turns[2].asking = true;
    CHECK(sense_turn_next(turns, sizeof *turns, 3, 1, 2, 250, &wait) == 1);
    turns[1].asking = true;
    CHECK(sense_turn_next(turns, sizeof *turns, 3, 2, 2, 1000, &wait) == -1 && wait == -1);
    turns[0].every_ms = 0; /* who pushes is not asked */
    CHECK(sense_turn_next(turns, sizeof *turns, 1, 0, 2, 1000, &wait) == -1 && wait == -1);
}

TAP_MAIN
