/* SPDX-License-Identifier: Apache-2.0 */
#include "client/plan_view.h"

#include "base/scoped.h"
#include "tap.h"

#define PLAN(tail)                                                                                 \
    "{\"action\":\"dns_record_delete\",\"by\":{\"principal\":\"owner\",\"via\":\"" tail            \
    "\"},\"case\":\"01J\",\"consent\":{},\"coverage\":{\"changed\":1,\"ok\":0,\"skipped\":0,"      \
    "\"unsupported\":0},\"current\":[],\"diff\":[{\"op\":\"remove\",\"text\":\"test.local A "      \
    "192.168.1.100\"}],\"expires_at_ms\":900000,\"job\":{\"hand\":\"dns\",\"op\":\"update\","      \
    "\"updates\":[{\"name\":\"test.local\",\"op\":\"delete_rrset\",\"type\":\"A\"}]},"             \
    "\"kind\":\"logic-node/plan/v1\",\"nonce\":\"n\",\"params\":{},\"preconditions\":[\"the "      \
    "record is still there\"],\"rules\":\"r\",\"site\":\"s\",\"summary\":\"remove it\","           \
    "\"targets\":[\"test.local\"],\"tier\":\"risky\",\"undo\":null}"

static bool reads(struct str bytes, struct err *err)
{
    scoped(json_done) json_t *plan = NULL;
    struct plan_facts facts;

    return plan_read(bytes, &plan, &facts, err);
}

static bool shows(const char *text, const char *words)
{
    if (strstr(text, words))
        return true;
    printf("# not shown: %s\n# in: %s\n", words, text);
    return false;
}

TEST(the_plan_is_shown_with_its_diff_its_job_and_its_expiry)
{
    scoped(json_done) json_t *plan = NULL;
    scoped(free_done) char *text = NULL;
    struct plan_facts facts;
    struct err err;
    size_t len;

    REQUIRE(plan_read(S(PLAN("grammar")), &plan, &facts, &err));
    CHECK_INT(facts.expires_at_ms, 900000);
    CHECK_TEXT(facts.case_id, "01J");
    CHECK(!facts.by_model);
    struct screen screen = {.out = open_memstream(&text, &len)};
    plan_view(&screen, plan, 0);
    fclose(screen.out);
    CHECK(shows(text, "remove it"));
    CHECK(shows(text, "- test.local A 192.168.1.100"));
    CHECK(shows(text, "updates       name test.local  op delete_rrset  type A"));
    CHECK(shows(text, "only if       the record is still there"));
    CHECK(shows(text, "expires       in 15 min"));
    CHECK(shows(text, "owner, via grammar"));
    CHECK(shows(text, "cannot be undone"));
    CHECK(!strstr(text, "language model"));
}

TEST(a_plan_by_a_model_carries_a_warning)
{
    scoped(json_done) json_t *plan = NULL;
    scoped(free_done) char *text = NULL;
    struct plan_facts facts;
    struct err err;
    size_t len;

    REQUIRE(plan_read(S(PLAN("model")), &plan, &facts, &err));
    CHECK(facts.by_model);
    struct screen screen = {.out = open_memstream(&text, &len)};
    plan_view(&screen, plan, 0);
    fclose(screen.out);
    CHECK(shows(text, "A language model wrote this proposal"));
}

TEST(a_summary_cannot_start_a_line_of_its_own)
{
    scoped(json_done) json_t *plan =
        json_pack("{s:s}", "summary", "harmless\n  tier        observe");
    scoped(free_done) char *text = NULL;
    size_t len;

    struct screen screen = {.out = open_memstream(&text, &len)};
    plan_view(&screen, plan, 0);
    fclose(screen.out);
    CHECK(shows(text, "harmless\\n  tier        observe"));
}

TEST(bytes_that_could_hide_something_are_no_plan)
{
    struct err err;

    CHECK(reads(S(PLAN("grammar")), &err));
    CHECK(!reads(S(" " PLAN("grammar")), &err));   /* white space: not canonical */
    CHECK(!reads(S(PLAN("\\u0067rammar")), &err)); /* a needless escape: not canonical */
    CHECK(!reads(S("{\"kind\":\"logic-node/plan/v2\"}"), &err));
    CHECK(!reads(S("{\"kind\":\"logic-node/plan/v1\"}"), &err)); /* no job, no expiry */
    CHECK(!reads(S("{\"a\":1,\"a\":2}"), &err));
    CHECK(!reads(S("not json"), &err));
    CHECK_INT(err.kind, ERR_INPUT);
}

TEST(a_span_is_said_in_the_unit_that_fits)
{
    char words[PLAN_SPAN_BYTES];

    plan_span(0, 20000, words);
    CHECK_TEXT(words, "in 20 s");
    plan_span(0, 900000, words);
    CHECK_TEXT(words, "in 15 min");
    plan_span(0, 7200000, words);
    CHECK_TEXT(words, "in 2 h");
    plan_span(180000, 0, words);
    CHECK_TEXT(words, "expired 3 min ago");
    plan_span(INT64_MIN, INT64_MAX, words); /* no overflow on a plan made of lies */
    CHECK(strstr(words, "in ") == words);
}

TAP_MAIN
