/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/nonces.h"
#include "actuator/plan_for_test.h"
#include "actuator/warrant.h"
#include "tap.h"

#define NOW 1000000
#define LATER 2000000

static json_t *good_plan(void)
{
    return plan_for_test(
        "C1", add_job_for_test("a.local", "10.0.0.1", 53, "secret:tsig/home"), LATER);
}

/* Takes the message. */
static bool is_taken(json_t *message, struct err *err)
{
    scoped(json_done) json_t *owned = message;
    scoped(warrant_done) struct warrant warrant = {0};

    *err = (struct err){0};
    return warrant_read(owned, "BOOT", NOW, &warrant, err);
}

static json_t *order_of(json_t *plan)
{
    scoped(free_done) char *text = plan_text_for_test(plan);
    return warrant_for_test("C1", text, "nonce-1", "BOOT", LATER, 7);
}

static json_t *with(json_t *message, const char *field, json_t *value)
{
    json_object_set_new(message, field, value);
    return message;
}

TEST(a_good_order_is_taken)
{
    struct err err;
    CHECK(is_taken(order_of(good_plan()), &err));
    CHECK_TEXT(err.message, "");
}

TEST(an_order_that_differs_in_anything_is_refused_with_its_code)
{
    scoped(free_done) char *text = plan_text_for_test(good_plan());
    scoped(buf_done) struct buf edited = buf_of(96 * 1024);
    struct err err;

    CHECK(!is_taken(with(order_of(good_plan()), "boot", json_string("OTHER")), &err));
    CHECK_TEXT(err.code, "wrong_boot");
    CHECK_INT(err.kind, ERR_DENIED);
    CHECK(!is_taken(with(order_of(good_plan()), "plan_sha256", json_string("00")), &err));
    CHECK_TEXT(err.code, "wrong_hash");
    buf_printf(&edited, "%s", text);
    *strstr(edited.at, "10.0.0.1") = '2'; /* 20.0.0.1 under the old hash */
    CHECK(!is_taken(with(order_of(good_plan()), "plan", json_string(buf_text(&edited))), &err));
    CHECK_TEXT(err.code, "wrong_hash");
    CHECK(!is_taken(with(order_of(good_plan()), "case", json_string("C2")), &err));
    CHECK_TEXT(err.code, "wrong_case");
    CHECK(!is_taken(with(order_of(good_plan()), "expires_at_ms", json_integer(NOW)), &err));
    CHECK_TEXT(err.code, "expired");
    CHECK(!is_taken(with(order_of(good_plan()), "nonce", json_string("")), &err));
    CHECK_TEXT(err.code, "bad_nonce");
    CHECK(!is_taken(with(order_of(good_plan()), "nonce", json_string("a b")), &err));
    CHECK_TEXT(err.code, "bad_nonce");
}

TEST(a_plan_that_is_not_whole_and_canonical_is_refused)
{
    scoped(free_done) char *text = plan_text_for_test(good_plan());
    scoped(buf_done) struct buf spaced = buf_of(96 * 1024);
    struct err err;

    buf_printf(&spaced, " %s", text);
    CHECK(!is_taken(warrant_for_test("C1", buf_text(&spaced), "n", "BOOT", LATER, 7), &err));
    CHECK_TEXT(err.code, "not_canonical");
    CHECK(!is_taken(warrant_for_test("C1", "[]", "n", "BOOT", LATER, 7), &err));
    CHECK(!is_taken(warrant_for_test("C1", "{", "n", "BOOT", LATER, 7), &err));
    CHECK_TEXT(err.code, "bad_json");
    CHECK(!is_taken(order_of(with(good_plan(), "more", json_true())), &err));
    CHECK_TEXT(err.code, "unknown_field");
    CHECK(!is_taken(order_of(with(good_plan(), "kind", json_string("logic-node/plan/v2"))), &err));
    CHECK_TEXT(err.code, "bad_plan");
    CHECK(!is_taken(order_of(with(good_plan(), "expires_at_ms", json_integer(NOW - 1))), &err));
    CHECK_TEXT(err.code, "expired");
    json_t *short_plan = good_plan();
    json_object_del(short_plan, "undo");
    CHECK(!is_taken(order_of(short_plan), &err));
    CHECK_TEXT(err.code, "missing_field");
}

TEST(a_job_must_be_known_whole_and_an_effect)
{
    json_t *job = add_job_for_test("a.local", "10.0.0.1", 53, "secret:tsig/home");
    struct err err;

    json_object_set_new(job, "shell", json_string("id"));
    CHECK(!is_taken(order_of(plan_for_test("C1", job, LATER)), &err));
    CHECK_TEXT(err.code, "unknown_field");
    CHECK(!is_taken(
        order_of(plan_for_test("C1", json_pack("{s:s, s:s}", "hand", "shell", "op", "run"), LATER)),
        &err));
    CHECK_TEXT(err.code, "bad_job");
    CHECK(!is_taken(order_of(plan_for_test("C1",
                        json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "hand", "dns", "op", "lookup",
                            "server", "127.0.0.1", "port", 53, "name", "a.local", "type", "A"),
                        LATER)),
        &err));
    CHECK_TEXT(err.code, "bad_job");
    CHECK_INT(err.kind, ERR_DENIED);
}

TEST(what_was_used_is_remembered_until_its_time_and_no_longer_than_there_is_room)
{
    struct nonces nonces;
    char text[32];

    nonces_init(&nonces, 100);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "n%d", i);
        CHECK(!nonces_has(&nonces, str_from(text)));
        CHECK(nonces_add(&nonces, str_from(text), 0, 50 + i));
    }
    CHECK(!nonces_add(&nonces, S("one-more"), 0, 1000));
    CHECK(nonces_add(&nonces, S("one-more"), 60, 1000)); /* eleven are forgotten by now */
    CHECK(!nonces_has(&nonces, S("n0")) && !nonces_has(&nonces, S("n10")));
    CHECK(nonces_has(&nonces, S("n11")) && nonces_has(&nonces, S("n99")) &&
          nonces_has(&nonces, S("one-more")));
    nonces_done(&nonces);
}

TAP_MAIN
