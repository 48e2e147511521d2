/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever a rule does, it is stopped, and the worker's next answer is right. */
#include "base/panic.h"
#include "base/scoped.h"
#include "prolog/test_rules.h"
#include "tap.h"

#define LONG_MS 60000
#define RANDOM_KILLS 2000

/* As many good answers as there are workers, so that each has given one. */
static void check_all_usable(void)
{
    struct test_answer got[2 * TEST_WORKERS] = {0};
    struct err err;

    for (size_t i = 0; i < COUNT(got); i++)
        CHECK(prolog_ask(test_rules(), PROLOG_QUERY,
            test_query(i % 2 ? "sum" : "tabled", i % 2 ? 100 : 1), LONG_MS, test_answered, &got[i],
            &err));
    for (size_t i = 0; i < COUNT(got); i++) {
        while (!got[i].here)
            test_wait(test_rules());
        CHECK_STR(buf_str(&got[i].answer.text),
            i % 2 ? "{\"n\":100,\"sum\":5050}" : "{\"paths\":[1,2,3]}");
        test_answer_done(&got[i]);
    }
}

static void check_stopped(const char *name, int64_t n, int64_t deadline_ms, enum err_kind kind,
    const char *code, const char *part)
{
    struct test_answer got = test_ask(PROLOG_QUERY, test_query(name, n), deadline_ms);

    CHECK(!got.answer.ok);
    CHECK_INT(got.answer.err.kind, kind);
    CHECK_TEXT(got.answer.err.code, code);
    if (!strstr(got.answer.err.message, part)) {
        printf("# %s: '%s' lacks '%s'\n", name, got.answer.err.message, part);
        CHECK(false);
    }
    test_answer_done(&got);
    check_all_usable();
}

TEST(loops_meet_the_deadline)
{
    check_stopped("tail_loop", 0, 100, ERR_LIMIT, "deadline", "");
    check_stopped("failure_loop", 0, 100, ERR_LIMIT, "deadline", "");
    check_stopped("sorts", 0, 100, ERR_LIMIT, "deadline", "");
}

TEST(a_rule_that_catches_everything_meets_the_deadline)
{
    check_stopped("stubborn", 0, 100, ERR_LIMIT, "deadline", "");
}

TEST(a_loop_meets_the_inference_limit)
{
    check_stopped("tail_loop", 0, LONG_MS, ERR_LIMIT, "inference_limit", "inferences");
}

static enum prolog_brief ask_brief(const char *question, struct buf *out, struct err *err)
{
    struct json_tape tape;

    check(json_scan(str_from(question), &tape) == JSON_SCAN_GOOD);
    return prolog_ask_brief(test_rules(), PROLOG_QUERY, &tape, 0, out, err);
}

TEST(brief_question_is_answered_at_once_and_a_long_one_is_handed_back)
{
    static const char SMALL[] = "{\"name\":\"sum\",\"n\":100}";
    scoped(buf_done) struct buf out = buf_of(100);
    struct err err = {0};

    buf_add(&out, S("before"));
    CHECK(ask_brief(SMALL, &out, &err) == PROLOG_BRIEF_YES);
    CHECK_STR(buf_str(&out), "before{\"n\":100,\"sum\":5050}");
    CHECK(ask_brief("{\"name\":\"tail_loop\",\"n\":0}", &out, &err) == PROLOG_BRIEF_NOT);
    CHECK(ask_brief("{\"name\":\"stubborn\",\"n\":0}", &out, &err) == PROLOG_BRIEF_NOT);
    CHECK(ask_brief("{\"name\":\"no_predicate\",\"n\":0}", &out, &err) == PROLOG_BRIEF_ERROR);
    CHECK_TEXT(err.code, "rule_error");
    CHECK_STR(buf_str(&out), "before{\"n\":100,\"sum\":5050}");
    buf_clear(&out);
    CHECK(ask_brief(SMALL, &out, &err) == PROLOG_BRIEF_YES);
    CHECK_STR(buf_str(&out), "{\"n\":100,\"sum\":5050}");
    out.bytes_max = out.len + 5; /* the answer needs more */
    CHECK(ask_brief(SMALL, &out, &err) == PROLOG_BRIEF_NOT);
    CHECK_STR(buf_str(&out), "{\"n\":100,\"sum\":5050}");
    CHECK(!out.overflowed);
}

TEST(what_grows_meets_the_stack_limit)
{
    check_stopped("recursion", 0, LONG_MS, ERR_LIMIT, "stack_limit", "stack");
    check_stopped("findall", 0, LONG_MS, ERR_LIMIT, "stack_limit", "stack");
    check_stopped("doubling", 0, LONG_MS, ERR_LIMIT, "stack_limit", "stack");
}

TEST(tabling_meets_the_table_limit)
{
    check_stopped("tabling", 0, LONG_MS, ERR_LIMIT, "table_limit", "table");
}

TEST(a_rule_ends_neither_the_process_nor_its_worker)
{
    check_stopped("halt", 0, LONG_MS, ERR_SYSTEM, "rule_error", "halt");
    check_stopped("halt_1", 0, LONG_MS, ERR_SYSTEM, "rule_error", "halt");
    check_stopped("thread_exit", 0, LONG_MS, ERR_SYSTEM, "rule_error", "thread_exit");
    check_stopped("abort", 0, LONG_MS, ERR_SYSTEM, "rule_error", "abort");
    struct test_answer got = test_ask(PROLOG_QUERY, test_query("halt_caught", 0), LONG_MS);
    CHECK_STR(buf_str(&got.answer.text), "{}");
    test_answer_done(&got);
}

TEST(an_exception_is_said_in_bounded_words)
{
    check_stopped("throws", 0, LONG_MS, ERR_SYSTEM, "rule_error", "my_ball(\"with text\")");
    check_stopped("throws_much", 0, LONG_MS, ERR_SYSTEM, "rule_error", "|...]");
    check_stopped("throws_itself", 0, LONG_MS, ERR_SYSTEM, "rule_error", "wrong");
    check_stopped("type_error", 0, LONG_MS, ERR_SYSTEM, "rule_error", "instantiation_error");
    check_stopped("no_predicate", 0, LONG_MS, ERR_SYSTEM, "rule_error", "this_is_nowhere");
    check_stopped("no", 0, LONG_MS, ERR_SYSTEM, "rule_error", "failed");
}

TEST(nothing_is_loaded_behind_our_back)
{
    check_stopped("autoload", 0, LONG_MS, ERR_SYSTEM, "rule_error", "partition");
}

TEST(answers_that_are_no_json_are_refused)
{
    check_stopped("not_ground", 0, LONG_MS, ERR_SYSTEM, "rule_error", "a variable");
    check_stopped("variable", 0, LONG_MS, ERR_SYSTEM, "rule_error", "a variable");
    check_stopped("cycle", 0, LONG_MS, ERR_SYSTEM, "rule_error", "contains itself");
    check_stopped("endless_list", 0, LONG_MS, ERR_SYSTEM, "rule_error", "contains itself");
    check_stopped("improper_list", 0, LONG_MS, ERR_SYSTEM, "rule_error", "without an end");
    check_stopped("big_integer", 0, LONG_MS, ERR_SYSTEM, "rule_error", "64 bits");
    check_stopped("fraction", 0, LONG_MS, ERR_SYSTEM, "rule_error", "fraction");
    check_stopped("infinite", 0, LONG_MS, ERR_SYSTEM, "rule_error", "infinite");
    check_stopped("compound", 0, LONG_MS, ERR_SYSTEM, "rule_error", "point/2");
    check_stopped("pair", 0, LONG_MS, ERR_SYSTEM, "rule_error", "-/2");
    check_stopped("not_pairs", 0, LONG_MS, ERR_SYSTEM, "rule_error", "Key-Value");
    check_stopped("key_number", 0, LONG_MS, ERR_SYSTEM, "rule_error", "a key");
    check_stopped("same_key", 0, LONG_MS, ERR_SYSTEM, "rule_error", "twice");
    check_stopped("same_key_of_many", 0, LONG_MS, ERR_SYSTEM, "rule_error", "twice");
    check_stopped("nul", 0, LONG_MS, ERR_SYSTEM, "rule_error", "NUL");
    check_stopped("surrogate", 0, LONG_MS, ERR_SYSTEM, "rule_error", "surrogate");
    check_stopped("stream", 0, LONG_MS, ERR_SYSTEM, "rule_error", "stream");
}

TEST(answers_have_limits)
{
    check_stopped("deep", 28, LONG_MS, ERR_LIMIT, "too_deep", "deeper than 28");
    check_stopped("deep", 100000, LONG_MS, ERR_LIMIT, "too_deep", "deeper than 28");
    check_stopped("big_string", 1048577, LONG_MS, ERR_LIMIT, "answer_too_large", "1048576 bytes");
    check_stopped("big_list", 300000, LONG_MS, ERR_LIMIT, "answer_too_large", "1048576 bytes");
    struct test_answer got = test_ask(PROLOG_QUERY, test_query("deep", 27), LONG_MS);
    CHECK(got.answer.ok && prolog_answer_json(&got.answer));
    test_answer_done(&got);
    got = test_ask(PROLOG_QUERY, test_query("big_string", 1048574), LONG_MS);
    CHECK(got.answer.ok && got.answer.text.len == 1048576);
    test_answer_done(&got);
}

/* ---- thousands of kills at any instant ---- */

static struct {
    int64_t waiting, killed, right, wrong;
} kills;

struct expected {
    bool used;
    int64_t n;
};

static void judge_kill(void *context, struct prolog_answer *answer)
{
    struct expected *expected = context;
    char want[64];

    snprintf(want, sizeof want, "{\"n\":%lld,\"sum\":%lld}", (long long)expected->n,
        (long long)(expected->n * (expected->n + 1) / 2));
    if (answer->ok && str_eq(buf_str(&answer->text), str_from(want)))
        kills.right++;
    else if (!answer->ok && answer->err.kind == ERR_LIMIT)
        kills.killed++; /* when the watchdog gets no processor in time, another limit comes first */
    else if (kills.wrong++ < 3)
        printf("# wrong: %s %s\n", answer->err.code, answer->err.message);
    kills.waiting--;
    expected->used = false;
}

/* Sums of about a millisecond under a deadline of some: the kill comes before, during, at the end
 * of and after the answer. One in two loops for ever, so that it ends on any machine. */
TEST(two_thousand_kills_and_no_wrong_answer)
{
    static struct expected expected[2 * TEST_WORKERS];
    uint32_t seed = 20261121;
    struct prolog_counts before, after;
    struct err err;

    prolog_count(test_rules(), &before);
    after = before;
    while (after.killed - before.killed < RANDOM_KILLS) {
        for (size_t i = 0; i < COUNT(expected); i++) {
            if (expected[i].used)
                continue;
            seed = seed * 1664525 + 1013904223;
            expected[i] = (struct expected){true, 1 + (seed >> 8) % 40000};
            const char *name = seed >> 31 ? "sum" : "stubborn";
            CHECK(prolog_ask(test_rules(), PROLOG_QUERY, test_query(name, expected[i].n),
                1 + (seed >> 24) % 4, judge_kill, &expected[i], &err));
            kills.waiting++;
        }
        test_wait(test_rules());
        prolog_count(test_rules(), &after);
    }
    while (kills.waiting)
        test_wait(test_rules());
    prolog_count(test_rules(), &after);
    printf("# %lld right, %lld stopped, %lld kills\n", (long long)kills.right,
        (long long)kills.killed, (long long)(after.killed - before.killed));
    CHECK_INT(kills.wrong, 0);
    check_all_usable();
}

TAP_MAIN
