/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "os/file.h"
#include "prolog/test_rules.h"
#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

#define SOON_MS 10000

/* ---- in processes of their own: Prolog starts once in each, so these come before the rest ---- */

/* Runs `body` in a child; its exit status. */
static int in_child(void (*body)(const char *), const char *argument)
{
    int status = -1;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        body(argument);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static void start_bad_rules(const char *rules_and_part)
{
    char folder[] = "/tmp/prolog_test.XXXXXX", path[64];
    const char *part = rules_and_part + strlen(rules_and_part) + 1;
    struct prolog *prolog;
    struct err err = {0};

    if (!mkdtemp(folder))
        _exit(2);
    snprintf(path, sizeof path, "%s/main.pl", folder);
    if (!file_replace(path, str_from(rules_and_part), 0600, &err))
        _exit(2);
    struct prolog_settings settings = {.kb_folder = folder, .workers = 1};
    bool started = prolog_start(&settings, &prolog, &err);
    unlink(path);
    rmdir(folder);
    if (started || strcmp(err.code, "bad_rules") != 0 || !strstr(err.message, part)) {
        printf("# '%s' '%s' lacks '%s'\n", err.code, err.message, part);
        fflush(stdout);
        _exit(1);
    }
}

/* The text of the rules, a NUL, and what the message must say. */
TEST(rules_with_an_error_or_a_warning_do_not_start)
{
    CHECK_INT(in_child(start_bad_rules, "a.\nb :- c(.\n\0main.pl:2:"), 0);
    CHECK_INT(in_child(start_bad_rules, "a.\n\nb(X) :- a.\n\0main.pl:3:"), 0);
    CHECK_INT(in_child(start_bad_rules, "a.\nb.\na.\n\0a/0"), 0);
    CHECK_INT(in_child(start_bad_rules, ":- use_module(library(no_such)).\n\0main.pl:1:"), 0);
    CHECK_INT(in_child(start_bad_rules, ":- fail.\n\0main.pl:1:"), 0);
    CHECK_INT(in_child(start_bad_rules, ":- halt.\n\0halt/0"), 0);
    CHECK_INT(in_child(start_bad_rules, "a.\n\0lacks the door 'catalogue'"), 0);
}

static void start_nowhere(const char *argument)
{
    struct prolog_settings settings = {.kb_folder = argument, .home = "/nowhere"};
    struct prolog *prolog;
    struct err err = {0};

    if (prolog_start(&settings, &prolog, &err) || !strstr(err.message, "/nowhere"))
        _exit(1);
    settings.home = NULL;
    if (prolog_start(&settings, &prolog, &err) || !strstr(err.message, argument))
        _exit(2);
    if (prolog_start(&settings, &prolog, &err) || !strstr(err.message, "once"))
        _exit(3);
}

TEST(a_wrong_folder_is_named_and_there_is_one_start)
{
    CHECK_INT(in_child(start_nowhere, "/no/rules/here"), 0);
}

static void get_stuck(const char *seconds)
{
    struct prolog_settings settings = {
        .kb_folder = getenv("TEST_KB"), .workers = 1, .stuck_ms = 50};
    struct test_answer got = {0};
    struct prolog *prolog;
    struct err err;

    if (!prolog_start(&settings, &prolog, &err) ||
        !prolog_ask(prolog, PROLOG_QUERY, test_query("asleep", atoi(seconds)), 500, test_answered,
            &got, &err))
        _exit(1);
    while (!got.here)
        test_wait(prolog);
}

/* Asleep in a system call it does not see the kill. */
TEST(a_worker_that_cannot_be_stopped_ends_the_process)
{
    int stderr_is = dup(STDERR_FILENO);

    REQUIRE(freopen("/dev/null", "w", stderr));
    CHECK_INT(in_child(get_stuck, "600"), PROLOG_EXIT_STUCK);
    dup2(stderr_is, STDERR_FILENO);
    close(stderr_is);
}

static void stop_while_busy(const char *name)
{
    struct prolog_settings settings = {
        .kb_folder = getenv("TEST_KB"), .workers = 2, .questions_max = 16};
    struct test_answer got[16] = {0};
    struct prolog *prolog;
    struct err err;

    if (!prolog_start(&settings, &prolog, &err))
        _exit(1);
    for (size_t i = 0; i < COUNT(got); i++)
        if (!prolog_ask(
                prolog, PROLOG_QUERY, test_query(name, 0), 600000, test_answered, &got[i], &err))
            _exit(2);
    prolog_stop(prolog);
    for (size_t i = 0; i < COUNT(got); i++)
        if (!got[i].here || got[i].answer.ok)
            _exit(3);
}

TEST(a_stop_answers_every_question)
{
    CHECK_INT(in_child(stop_while_busy, "stubborn"), 0);
}

/* ---- one start for all that follows ---- */

/* A question as a tape gives the same answer. */
static void check_brief_answer(enum prolog_door door, const char *in, const char *out)
{
    scoped(buf_done) struct buf text = buf_of(4096);
    struct json_tape tape;
    struct err err = {0};

    if (json_scan(str_from(in), &tape) != JSON_SCAN_GOOD || tape.escaped)
        return;
    CHECK(prolog_ask_brief(test_rules(), door, &tape, 0, &text, &err) == PROLOG_BRIEF_YES);
    CHECK_STR(buf_str(&text), out);
}

static void check_answer(enum prolog_door door, const char *in, const char *out)
{
    struct test_answer got = test_ask(door, json_loads(in, JSON_DECODE_ANY, NULL), SOON_MS);

    if (!got.answer.ok)
        printf("# %s\n", got.answer.err.message);
    CHECK_STR(buf_str(&got.answer.text), out);
    test_answer_done(&got);
    check_brief_answer(door, in, out);
}

TEST(values_go_through_a_door_and_back)
{
    const char *values = "{\"a\":[1,-2,9223372036854775807,-9223372036854775808,1.5,1e+100,0.1,2.0,"
                         "true,false,null,\"\",\"x\",[],{}],\"b\":{\"c\":[[{\"d\":null}]]}}";

    check_answer(PROLOG_PARSE, values, values);
    values = "{\"a\":[1,-2,123456789012345678,1.5,1e+99,-0.1,2.0,true,false,null,\"\",\"x\",[],{}],"
             "\"b\":{\"c\":[[{\"d\":null}]]},\"gr\xc3\xbc\xc3\x9f\":\"\xf0\x9f\x98\x80\"}";
    check_answer(PROLOG_PARSE, values, values);
    check_answer(PROLOG_PARSE, "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\t\\\"\\\\\\u0001\"",
        "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\t\\\"\\\\\\u0001\"");
    check_answer(PROLOG_QUERY, "{\"name\":\"values\"}",
        "[1,-2,9223372036854775807,1.5,1e+100,0.1,2.0,true,false,null,[],{},\"atom\",\"tr\\\"ue\","
        "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\",\"\\t\\\"\\\\\"]");
}

TEST(keys_come_in_canonical_order)
{
    check_answer(
        PROLOG_PARSE, "{\"b\":1,\"a\":{\"z\":1,\"y\":2}}", "{\"a\":{\"y\":2,\"z\":1},\"b\":1}");
}

TEST(an_object_with_many_keys_goes_through)
{
    struct test_answer got = test_ask(PROLOG_QUERY, test_query("keys", 1000), SOON_MS);

    CHECK_INT(json_object_size(prolog_answer_json(&got.answer)), 1000);
    test_answer_done(&got);
}

TEST(text_is_never_run_and_never_an_atom)
{
    check_answer(
        PROLOG_PARSE, "[\"halt.\",\"'$x'(Y)\",\"obj([])\"]", "[\"halt.\",\"'$x'(Y)\",\"obj([])\"]");
    check_answer(PROLOG_PARSE, "{\"halt\":\"true\"}", "{\"halt\":\"true\"}");
}

TEST(only_the_first_answer_is_taken)
{
    check_answer(PROLOG_QUERY, "{\"name\":\"choices\",\"n\":7}", "{\"n\":7}");
}

TEST(the_rules_know_their_folders)
{
    struct test_answer got = test_ask(PROLOG_SITE, json_object(), SOON_MS);

    CHECK(strstr(buf_text(&got.answer.text), "\"/site of the test\"") != NULL);
    CHECK(strstr(buf_text(&got.answer.text), "/test_kb/core\"") != NULL);
    CHECK(strstr(buf_text(&got.answer.text), "state") == NULL);
    test_answer_done(&got);
}

static void check_error(const char *name, enum err_kind kind, const char *code, const char *part)
{
    struct test_answer got = test_ask(PROLOG_QUERY, test_query(name, 0), SOON_MS);

    CHECK(!got.answer.ok && !prolog_answer_json(&got.answer) && got.answer.text.len == 0);
    CHECK_INT(got.answer.err.kind, kind);
    CHECK_TEXT(got.answer.err.code, code);
    CHECK(strstr(got.answer.err.message, part) != NULL);
    test_answer_done(&got);
}

TEST(a_door_refuses_a_question_with_an_error)
{
    struct test_answer got = test_ask(PROLOG_APPROVER, json_object(), SOON_MS);

    CHECK(!got.answer.ok && got.answer.err.kind == ERR_INPUT);
    CHECK_TEXT(got.answer.err.code, "not_known");
    CHECK_TEXT(got.answer.err.param, "key_id");
    CHECK_TEXT(got.answer.err.message, "no such key");
    test_answer_done(&got);
    check_error("denied", ERR_DENIED, "not_yours", "ask the owner");
    check_error("odd_error", ERR_SYSTEM, "rule_error", "of a kind");
    check_error("bare_error", ERR_SYSTEM, "rule_error", "lacks kind");
    check_answer(PROLOG_QUERY, "{\"name\":\"error_and_more\"}",
        "{\"error\":{\"kind\":\"input\",\"message\":\"?\"},\"id\":7}");
}

TEST(only_the_doors_of_the_table_exist)
{
    enum prolog_door door;
    struct err err = {0};

    CHECK(prolog_door_from_word(S("state_text"), &door, &err) && door == PROLOG_STATE_TEXT);
    CHECK_TEXT(prolog_door_word(PROLOG_JUDGE), "judge");
    CHECK(!prolog_door_from_word(S("halt"), &door, &err));
    CHECK_TEXT(err.code, "unknown_door");
    CHECK(!prolog_door_from_word(S(""), &door, &err));
}

TEST(a_question_has_a_depth_limit)
{
    json_t *deep = json_array();

    for (int i = 0; i < 64; i++) {
        json_t *around = json_array();
        json_array_append_new(around, deep);
        deep = around;
    }
    struct test_answer got = test_ask(PROLOG_PARSE, deep, SOON_MS);
    CHECK(!got.answer.ok);
    CHECK_TEXT(got.answer.err.code, "too_deep");
    test_answer_done(&got);
}

TEST(a_question_larger_than_the_stack_is_refused_and_the_worker_stays)
{
    json_t *large = json_array();

    for (int i = 0; i < 3000000; i++)
        json_array_append_new(large, json_integer(i));
    struct test_answer got = test_ask(PROLOG_PARSE, large, SOON_MS);
    CHECK(!got.answer.ok && got.answer.err.kind == ERR_LIMIT);
    CHECK_TEXT(got.answer.err.code, "stack_limit");
    test_answer_done(&got);
    check_answer(PROLOG_PARSE, "[1]", "[1]");
}

TEST(the_owner_can_ask_at_once)
{
    struct prolog_answer answer;

    CHECK(prolog_ask_now(test_rules(), PROLOG_QUERY, test_query("sum", 10), SOON_MS, &answer));
    CHECK_STR(buf_str(&answer.text), "{\"n\":10,\"sum\":55}");
    prolog_answer_done(&answer);
    CHECK(!prolog_ask_now(test_rules(), PROLOG_QUERY, test_query("stubborn", 10), 20, &answer));
    CHECK_TEXT(answer.err.code, "deadline");
    prolog_answer_done(&answer);
    CHECK(
        !prolog_ask_now(test_rules(), PROLOG_QUERY, test_query("recursion", 10), SOON_MS, &answer));
    CHECK_TEXT(answer.err.code, "stack_limit");
    prolog_answer_done(&answer);
    CHECK(prolog_ask_now(test_rules(), PROLOG_QUERY, test_query("sum", 10), SOON_MS, &answer));
    prolog_answer_done(&answer);
}

static int64_t counted(void)
{
    struct prolog_answer answer;

    CHECK(prolog_ask_now(test_rules(), PROLOG_STATE_TEXT, json_object(), SOON_MS, &answer));
    int64_t count = json_integer_value(json_object_get(
        json_array_get(json_object_get(prolog_answer_json(&answer), "files"), 0), "text"));
    prolog_answer_done(&answer);
    return count;
}

/* An increment that reads, waits and writes loses some if two are inside. */
TEST(doors_that_write_are_let_in_one_at_a_time)
{
    static struct test_answer got[200];
    struct prolog_answer answer;
    struct err err;
    int64_t before = counted();

    for (size_t i = 0; i < COUNT(got); i++)
        REQUIRE(prolog_ask(
            test_rules(), PROLOG_LEARN, json_object(), SOON_MS, test_answered, &got[i], &err));
    for (int i = 0; i < 50; i++) {
        CHECK(prolog_ask_now(test_rules(), PROLOG_LEARN, json_object(), SOON_MS, &answer));
        prolog_answer_done(&answer);
    }
    for (size_t i = 0; i < COUNT(got); i++) {
        while (!got[i].here)
            test_wait(test_rules());
        CHECK_STR(buf_str(&got[i].answer.text), "{\"changed\":true}");
        test_answer_done(&got[i]);
    }
    CHECK_INT(counted() - before, 250);
}

TEST(too_many_questions_are_refused_and_none_is_lost)
{
    static struct test_answer got[TEST_QUESTIONS_MAX];
    struct prolog_counts counts;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(got); i++)
        REQUIRE(prolog_ask(test_rules(), PROLOG_QUERY, test_query("echo", (int64_t)i), SOON_MS,
            test_answered, &got[i], &err));
    CHECK(!prolog_ask(
        test_rules(), PROLOG_QUERY, test_query("echo", 0), SOON_MS, test_answered, NULL, &err));
    CHECK(err.kind == ERR_LIMIT);
    CHECK_TEXT(err.code, "judge_busy");
    for (size_t i = 0; i < COUNT(got); i++) {
        char want[32];
        while (!got[i].here)
            test_wait(test_rules());
        snprintf(want, sizeof want, "{\"n\":%zu}", i);
        CHECK_STR(buf_str(&got[i].answer.text), want);
        test_answer_done(&got[i]);
    }
    prolog_count(test_rules(), &counts);
    CHECK_INT(counts.under_way, 0);
    CHECK_INT(counts.asked, counts.answered);
    CHECK_INT(counts.refused, 1);
}

TEST(a_question_that_waits_too_long_is_not_begun)
{
    struct test_answer slow[TEST_WORKERS] = {0}, late = {0};
    struct err err;

    for (size_t i = 0; i < COUNT(slow); i++)
        REQUIRE(prolog_ask(test_rules(), PROLOG_QUERY, test_query("stubborn", 0), 200,
            test_answered, &slow[i], &err));
    REQUIRE(prolog_ask(
        test_rules(), PROLOG_QUERY, test_query("echo", 0), 1, test_answered, &late, &err));
    while (!late.here || !slow[0].here || !slow[1].here)
        test_wait(test_rules());
    CHECK(!late.answer.ok);
    CHECK_TEXT(late.answer.err.code, "deadline");
    CHECK(strstr(late.answer.err.message, "waited") != NULL);
}

TAP_MAIN
