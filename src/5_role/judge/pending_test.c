/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/pending.h"
#include "tap.h"

static void nothing(void)
{
}

TEST(each_call_is_taken_once_by_its_number)
{
    struct pending p;
    struct pending_call call;
    int mark = 0;
    pending_init(&p);
    int64_t a = pending_add(&p, nothing, &mark, NULL), b = pending_add(&p, nothing, NULL, NULL);
    CHECK(a && b && a != b);
    CHECK(pending_has(&p, a) && pending_has(&p, b) && !pending_has(&p, b + 1));
    CHECK(!pending_has(&p, a + PENDING_MAX) && !pending_has(&p, 0) && !pending_has(&p, -1));
    CHECK(pending_take(&p, a, &call) && call.context == &mark);
    CHECK(!pending_has(&p, a));
    CHECK(!pending_take(&p, a, &call));
    CHECK(!pending_take(&p, a + PENDING_MAX, &call) && !pending_take(&p, 0, &call) &&
          !pending_take(&p, -1, &call));
    CHECK(pending_take_any(&p, &call) && call.id == b);
    CHECK(!pending_take_any(&p, &call));
    free(p.slots);
}

TEST(long_call_is_not_overwritten_and_a_full_table_refuses)
{
    struct pending p;
    struct pending_call call;
    pending_init(&p);
    int64_t first = pending_add(&p, nothing, NULL, NULL);
    for (int i = 0; i < 3 * PENDING_MAX; i++) {
        int64_t id = pending_add(&p, nothing, NULL, NULL);
        CHECK(id && pending_take(&p, id, &call));
    }
    for (int i = 1; i < PENDING_MAX; i++)
        CHECK(pending_add(&p, nothing, NULL, NULL));
    CHECK_INT(pending_add(&p, nothing, NULL, NULL), 0);
    CHECK(pending_take(&p, first, &call));
    CHECK(pending_add(&p, nothing, NULL, NULL));
    free(p.slots);
}

TAP_MAIN
