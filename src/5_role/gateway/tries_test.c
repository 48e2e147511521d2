/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tries.h"

#include "base/scoped.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static const struct tries_limits LIMITS = {.of_one = 3, .of_all = 1000};
static int64_t wait_ms;
static bool all;

static bool may(const struct tries *t, const char *address, int64_t now_ms)
{
    return tries_may(t, &LIMITS, str_from(address), now_ms, &wait_ms, &all);
}

static void wrong(struct tries *t, const char *address, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++)
        tries_wrong(t, &LIMITS, str_from(address), now_ms);
}

TEST(who_guesses_shuts_out_nobody_else)
{
    struct tries *t = calloc(1, sizeof *t);

    wrong(t, "192.0.2.1", 2, 1000);
    CHECK(may(t, "192.0.2.1", 1000));
    wrong(t, "192.0.2.1", 1, 1000);
    CHECK(!may(t, "192.0.2.1", 1000));
    CHECK(!all);
    CHECK_INT(wait_ms, 20000);
    CHECK(may(t, "192.0.2.2", 1000));
    CHECK(may(t, "unix", 1000));
    CHECK(!may(t, "192.0.2.1", 20999));
    CHECK(may(t, "192.0.2.1", 21000));
    wrong(t, "192.0.2.1", 1000, 21000); /* a long attack is forgotten in a minute, too */
    CHECK(may(t, "192.0.2.1", 81000));
    free(t);
}

TEST(looking_takes_nothing)
{
    struct tries *t = calloc(1, sizeof *t);

    for (int i = 0; i < 2000; i++)
        CHECK(may(t, "192.0.2.1", 5));
    free(t);
}

TEST(everybody_together_has_a_limit_that_is_said)
{
    struct tries *t = calloc(1, sizeof *t);
    char address[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        CHECK(may(t, address, 1000));
        wrong(t, address, 1, 1000);
    }
    CHECK(!may(t, "192.0.2.9", 1000));
    CHECK(all);
    CHECK_INT(wait_ms, 60);
    CHECK(may(t, "192.0.2.9", 1060));
    free(t);
}

TEST(of_too_many_addresses_the_one_unused_for_longest_is_forgotten)
{
    struct tries *t = calloc(1, sizeof *t);
    char address[32];

    wrong(t, "192.0.2.1", 3, 1000);
    wrong(t, "192.0.2.2", 3, 1001);
    for (int i = 0; i < TRIES_ADDRESSES_MAX - 2; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        wrong(t, address, 1, 1002);
    }
    CHECK(!may(t, "192.0.2.1", 1002));
    wrong(t, "10.9.9.9", 1, 1003); /* one more than there is room for */
    CHECK(may(t, "192.0.2.1", 1003));
    CHECK(!may(t, "192.0.2.2", 1003));
    CHECK(all == false);
    free(t);
}

TEST(an_address_counts_as_what_one_stranger_has)
{
    static const struct {
        const char *address, *is;
    } ROWS[] = {{"192.0.2.1", "192.0.2.1"}, {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}, {"2001:db8:1:2::9", "2001:db8:1:2::"},
        {"2001:db8:1:3::9", "2001:db8:1:3::"}, {"unix", "unix"}, {"", ""}};
    char is[TRIES_ADDRESS_BYTES];

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        tries_address(str_from(ROWS[i].address), is);
        CHECK_TEXT(is, ROWS[i].is);
    }
    struct tries *t = calloc(1, sizeof *t);
    wrong(t, "2001:db8::1", 3, 0);
    CHECK(!may(t, "2001:db8::ffff", 0));
    CHECK(may(t, "2001:db8:0:1::1", 0));
    wrong(t, "", 3, 0); /* nobody's: only together */
    CHECK(may(t, "", 0));
    free(t);
}

TEST(of_what_proxies_add_the_last_counts)
{
    static const struct {
        const char *header, *is;
    } ROWS[] = {{"192.0.2.1", "192.0.2.1"}, {"10.0.0.1, 192.0.2.1", "192.0.2.1"},
        {"made up,2001:db8::1 ", "2001:db8::1"}, {"192.0.2.1, made up", NULL},
        {"192.0.2.1,", "192.0.2.1"}, {"", NULL}, {"192.0.2.1:80", NULL}, {",", NULL},
        {"192.0.2.1, 1111111111111111111111111111111111111111111111111111111111111111", NULL}};

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        struct str is = tries_forwarded(str_from(ROWS[i].header));
        CHECK(!is.at == !ROWS[i].is);
        CHECK(!is.at || str_eq(is, str_from(ROWS[i].is)));
    }
}

TAP_MAIN
