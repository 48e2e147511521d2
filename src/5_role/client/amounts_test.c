/* SPDX-License-Identifier: Apache-2.0 */
#include "client/amounts.h"

#include "base/scoped.h"
#include "os/clock.h"
#include "tap.h"

static struct str amount(int64_t value, const char *unit)
{
    static char text[AMOUNT_BYTES];

    return str_from(amount_text(value, unit, text));
}

static struct str span(int64_t seconds)
{
    static char text[AMOUNT_BYTES];

    return str_from(span_text(seconds, text));
}

TEST(numbers_are_written_in_the_units_of_people)
{
    CHECK_STR(amount(61500, "millicelsius"), "61.5 °C");
    CHECK_STR(amount(-5000, "millicelsius"), "-5.0 °C");
    CHECK_STR(amount(932, "permille"), "93.2 %");
    CHECK_STR(amount(1000, "permille"), "100.0 %");
    CHECK_STR(amount(123400, "milliwatt"), "123.4 W");
    CHECK_STR(amount(420, "milli"), "0.42");
    CHECK_STR(amount(7, "count"), "7");
    CHECK_STR(amount(1, "bool"), "yes");
    CHECK_STR(amount(0, "bool"), "no");
    CHECK_STR(amount(3, "per_hour"), "3 an hour");
    CHECK_STR(amount(512, "bytes"), "512 B");
    CHECK_STR(amount(17179869184, "bytes"), "16.0 GiB");
    CHECK_STR(amount(1572864, "bytes_per_s"), "1.5 MiB/s");
    CHECK_STR(amount(1000, "mbit"), "1000 Mbit/s");
    CHECK_STR(amount(90061, "seconds"), "1 d 1 h");
}

TEST(a_unit_that_is_not_known_is_written_as_it_is)
{
    CHECK_STR(amount(7, "furlongs"), "7 furlongs");
    CHECK_STR(amount(7, ""), "7");
    CHECK_STR(amount(INT64_MIN, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop"),
        "-9223372036854775808 abcdefghijklmnopqrstuvwx");
}

TEST(spans_have_two_steps_at_most)
{
    CHECK_STR(span(0), "0 s");
    CHECK_STR(span(-5), "0 s");
    CHECK_STR(span(59), "59 s");
    CHECK_STR(span(60), "1 min");
    CHECK_STR(span(95), "95 s");
    CHECK_STR(span(120), "2 min");
    CHECK_STR(span(3599), "59 min");
    CHECK_STR(span(3600), "1 h");
    CHECK_STR(span(7500), "2 h 5 min");
    CHECK_STR(span(86400), "1 d");
    CHECK_STR(span(864000), "10 d");
}

TEST(ages_are_told_from_times)
{
    char text[AMOUNT_BYTES];
    int64_t now_ms;

    REQUIRE(clock_from_text("2026-11-21T02:47:12.000Z", &now_ms));
    CHECK_STR(str_from(ago_text(S("2026-11-21T02:47:00.000Z"), now_ms, text)), "12 s ago");
    CHECK_STR(str_from(ago_text(S("2026-11-21T02:47:30.000Z"), now_ms, text)), "0 s ago");
    CHECK_STR(str_from(ago_text(S("2027-11-21T02:47:30.000Z"), now_ms, text)), "in the future");
    CHECK_STR(str_from(ago_text(S("yesterday"), now_ms, text)), "");
    CHECK_STR(str_from(ago_text((struct str){0}, now_ms, text)), "");
}

TEST(spans_are_read_and_what_is_none_is_refused)
{
    static const char *const BAD[] = {
        "", "h", "0", "-1h", "1.5h", "1w", "9999999999", "400d", "1 h"};
    struct err err;
    int64_t s;

    CHECK(span_read(S("90"), "since", &s, &err) && s == 90);
    CHECK(span_read(S("90s"), "since", &s, &err) && s == 90);
    CHECK(span_read(S("15m"), "since", &s, &err) && s == 900);
    CHECK(span_read(S("1h"), "since", &s, &err) && s == 3600);
    CHECK(span_read(S("366d"), "since", &s, &err) && s == 366 * 86400);
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!span_read(str_from(BAD[i]), "since", &s, &err) && err.kind == ERR_INPUT);
}

TAP_MAIN
