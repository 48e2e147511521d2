/* SPDX-License-Identifier: Apache-2.0 */
#include "restart/restart.h"
#include "tap.h"

static const struct restart_policy POLICY = {.first_delay_ms = 100,
    .delay_max_ms = 1000,
    .healthy_ms = 30000,
    .window_ms = 60000,
    .crashes_max = 5};

TEST(delay_doubles_to_its_ceiling_and_then_the_role_is_given_up)
{
    struct restart r = {0};
    int64_t delay = 0, wanted[] = {100, 200, 400, 800, 1000};
    for (int i = 0; i < 5; i++) {
        CHECK(restart_after_crash(&r, &POLICY, 1000 * i, 10, &delay));
        CHECK_INT(delay, wanted[i]);
    }
    CHECK(!restart_after_crash(&r, &POLICY, 6000, 10, &delay));
    CHECK(r.failed);
    CHECK(!restart_after_crash(&r, &POLICY, 9999999, 99999, &delay));
}

TEST(healthy_run_starts_the_delay_anew)
{
    struct restart r = {0};
    int64_t delay = 0;
    CHECK(restart_after_crash(&r, &POLICY, 0, 10, &delay));
    CHECK(restart_after_crash(&r, &POLICY, 10, 10, &delay));
    CHECK(restart_after_crash(&r, &POLICY, 40000, 30000, &delay));
    CHECK_INT(delay, 100);
}

TEST(crashes_far_apart_never_fail)
{
    struct restart r = {0};
    int64_t delay = 0;
    for (int64_t i = 0; i < 100; i++)
        CHECK(restart_after_crash(&r, &POLICY, i * 60001, 10, &delay));
    CHECK_INT(delay, 1000);
}

TAP_MAIN
