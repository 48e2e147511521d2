/* SPDX-License-Identifier: Apache-2.0 */
#include "sense_for_test.h"

#include "tap.h"

#define TOLD(p, later_ms, text, wanted)                                                            \
    do {                                                                                           \
        CHECK(probe_read(p, later_ms, text));                                                      \
        CHECK_STR(str_from(probe_told(p)), wanted);                                                \
    } while (0)

TEST(a_rate_needs_two_looks)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 1000\nrx_total{device=\"lo\"} 5\n", "-");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 3000\nrx_total{device=\"lo\"} 9\n", "received[e]=200");
    TOLD(&p, 5000, "rx_total{device=\"e\"} 3000\n", "received[e]=0");
    probe_done(&p);
}

TEST(a_counter_that_went_back_gives_nothing_until_the_next)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 1000\n", "-");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 10\n", "-");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 110\n", "received[e]=10");
    /* one of two that sum up: the sum would have grown */
    TOLD(&p, 1000, "rx_errors{device=\"e\"} 100\ntx_errors{device=\"e\"} 5\n", "-");
    TOLD(&p, 1000, "rx_errors{device=\"e\"} 200\ntx_errors{device=\"e\"} 1\n", "-");
    TOLD(&p, 1000, "rx_errors{device=\"e\"} 203\ntx_errors{device=\"e\"} 2\n", "errors[e]=4");
    probe_done(&p);
}

TEST(a_gap_gives_nothing_and_a_look_too_near_does_not_spoil_the_next)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 0\n", "-");
    TOLD(&p, 60001, "rx_total{device=\"e\"} 60\n", "-");
    TOLD(&p, 60000, "rx_total{device=\"e\"} 60060\n", "received[e]=1000");
    TOLD(&p, 100, "rx_total{device=\"e\"} 60070\n", "-");
    TOLD(&p, 900, "rx_total{device=\"e\"} 60080\n", "received[e]=20"); /* of the whole second */
    probe_done(&p);
}

TEST(a_new_series_beside_known_ones_waits_for_its_second_look)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_errors{device=\"e\"} 0\n", "-");
    TOLD(&p, 1000, "rx_errors{device=\"e\"} 5\ntx_errors{device=\"e\"} 1000000\n", "errors[e]=5");
    TOLD(&p, 1000, "rx_errors{device=\"e\"} 5\ntx_errors{device=\"e\"} 1000001\n", "errors[e]=1");
    probe_done(&p);
}

TEST(shares_of_counters_are_of_what_both_grew)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0,
        "cpu{cpu=\"0\",mode=\"idle\"} 100\ncpu{cpu=\"0\",mode=\"user\"} 50\n"
        "cpu{cpu=\"1\",mode=\"idle\"} 100\ncpu{cpu=\"1\",mode=\"user\"} 50\n",
        "cores=2");
    TOLD(&p, 10000,
        "cpu{cpu=\"0\",mode=\"idle\"} 105\ncpu{cpu=\"0\",mode=\"user\"} 55\n"
        "cpu{cpu=\"1\",mode=\"idle\"} 110\ncpu{cpu=\"1\",mode=\"user\"} 50\n",
        "busy=250 cores=2");
    TOLD(&p, 10000,
        "cpu{cpu=\"0\",mode=\"idle\"} 105\ncpu{cpu=\"0\",mode=\"user\"} 55\n"
        "cpu{cpu=\"1\",mode=\"idle\"} 110\ncpu{cpu=\"1\",mode=\"user\"} 50\n",
        "cores=2"); /* nothing grew: no share of nothing */
    probe_done(&p);
}

TEST(a_step_of_civil_time_gives_no_rate_once)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 0\n", "-");
    p.now.civil_ms -= 86400000;
    TOLD(&p, 10000, "rx_total{device=\"e\"} 1000\n", "-");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 3000\n", "received[e]=200");
    p.now.civil_ms += 3600000; /* or we slept: the steady clock stood still */
    TOLD(&p, 10000, "rx_total{device=\"e\"} 999999\n", "-");
    p.now.civil_ms += 900; /* trimmed */
    TOLD(&p, 10000, "rx_total{device=\"e\"} 1000999\n", "received[e]=100");
    probe_done(&p);
}

TEST(timestamps_of_the_exporter_make_its_rates)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 0 1699999980000\n", "-");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 1000 1700000000000\n", "received[e]=50");
    TOLD(&p, 10000, "rx_total{device=\"e\"} 2000 1699999990000\n", "-"); /* back in time */
    TOLD(&p, 10000, "rx_total{device=\"e\"} 3000 1700000010000\n", "received[e]=50");
    probe_done(&p);
}

TEST(a_rate_little_beyond_its_range_is_the_end_of_it_a_greater_one_is_refused)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "rx_total{device=\"e\"} 0\n", "-");
    TOLD(&p, 1000, "rx_total{device=\"e\"} 1050000\n", "received[e]=1000000");
    TOLD(&p, 1000, "rx_total{device=\"e\"} 3000000\n", "-");
    CHECK(p.result.refused[SENSE_OUT_OF_RANGE] == 1);
    probe_done(&p);
}

TEST(growth_since_the_last_look_is_told_as_it_is)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "kills_total 7\n", "-");
    TOLD(&p, 10000, "kills_total 9\n", "kills=2");
    TOLD(&p, 10000, "kills_total NaN\n", "-");
    TOLD(&p, 10000, "kills_total 9\n", "-"); /* what was not told is not known */
    probe_done(&p);
}

TEST(counters_have_a_limit)
{
    static char text[512 * 1024];
    struct probe p;
    size_t len = 0;

    probe_init(&p);
    for (int i = 0; i < SENSE_COUNTERS_MAX + 4; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "rx_total{device=\"%d\"} 1\n", i);
    CHECK(probe_read(&p, 0, text));
    CHECK(p.result.refused[SENSE_TOO_MANY_COUNTERS] == 4);
    CHECK(sense_state_series(p.state) == 0);
    probe_done(&p);
}

TAP_MAIN
