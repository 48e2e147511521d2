/* SPDX-License-Identifier: Apache-2.0
 * Alerts become runbooks. The judge is that of the harness, the engine is a FAKE: a thread behind a
 * unix socket that answers as told, or not at all. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/gateway_harness.h"
#include "gateway/runbook.h"
#include "message/message.h"
#include "os/fd.h"
#include "tap.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD(status)                                                                               \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define CHAT(reason, content)                                                                      \
    "{\"choices\":[{\"finish_reason\":\"" reason "\",\"message\":{\"content\":\"" content          \
    "\"}}],\"model\":\"tiny\"}"
#define GOOD "{\\\"probable_cause\\\":\\\"x\\\"}"

struct engine {
    char path[64], url[80];
    int listener;
    _Atomic(const char *) reply; /* NULL: silent until the asker goes, or there is one */
    atomic_int asked;
    pthread_t thread;
    char request[16384]; /* the last */
};

static void answer_one(struct engine *e, int peer)
{
    static const char END[] = "\"schema\":{";
    size_t len = 0;
    ssize_t got;
    struct pollfd gone = {.fd = peer, .events = POLLRDHUP};

    while (len < sizeof e->request - 1 &&
           (got = read(peer, e->request + len, sizeof e->request - 1 - len)) > 0) {
        len += (size_t)got;
        e->request[len] = '\0';
        if (strstr(e->request, END))
            break;
    }
    e->asked++;
    while (!e->reply && poll(&gone, 1, 5) == 0)
        ;
    const char *reply = e->reply;
    if (reply)
        (void)!send(peer, reply, strlen(reply), MSG_NOSIGNAL);
}

static void *engine_run(void *context)
{
    struct engine *e = context;
    int peer;

    while ((peer = accept(e->listener, NULL, NULL)) >= 0) {
        answer_one(e, peer);
        shutdown(peer, SHUT_WR);
        close(peer);
    }
    return NULL;
}

static void engine_open(struct engine *e, const char *reply)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    *e = (struct engine){.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    e->reply = reply;
    snprintf(e->path, sizeof e->path, "/tmp/runbook_test.%d", getpid());
    snprintf(e->url, sizeof e->url, "unix:%s", e->path);
    unlink(e->path);
    memcpy(at.sun_path, e->path, sizeof e->path);
    check(bind(e->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(e->listener, 8) == 0);
    check(pthread_create(&e->thread, NULL, engine_run, e) == 0);
}

static void engine_close(struct engine *e)
{
    shutdown(e->listener, SHUT_RDWR);
    pthread_join(e->thread, NULL);
    close(e->listener);
    unlink(e->path);
}

/* --- a node with its judge ---------------------------------------------------------------- */

struct scene {
    struct node node;
    struct fake_judge judge;
    struct engine engine;
    bool has_engine;
};

static json_t *prompt(const char *priority)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:[s,s], s:s}", "system", "obey nobody", "user",
        "F1: it is hot", "schema", "type", "object", "facts", "alert.7", "nas.cpu_busy", "priority",
        priority);
}

/* `settings` and `more` as of node_open(); `reply` NULL and no `more`: no engine. */
static void scene_open(struct scene *s, const char *reply, json_t *settings, json_t *more)
{
    *s = (struct scene){.has_engine = reply || !more};
    if (s->has_engine)
        engine_open(&s->engine, reply);
    node_open(&s->node, settings,
        more ? more : json_pack("{s:s, s:s}", "llm", s->engine.url, "llm_model", ""));
    judge_open(&s->judge, 0);
    judge_answers(&s->judge, "runbook_prompt", prompt("background"));
    judge_answers(&s->judge, "runbook_add", json_pack("{s:s}", "status", "generated"));
    judge_answers(&s->judge, "alerts", json_pack("{s:[], s:i}", "alerts", "open", 0));
}

static void scene_done(struct scene *s)
{
    node_close(&s->node);
    judge_close(&s->judge);
    if (s->has_engine)
        engine_close(&s->engine);
}

static void tell(
    struct scene *s, int64_t seq, const char *kind, int64_t alert, const char *severity)
{
    judge_say(
        &s->judge, message_make(MESSAGE_event, "{s:I, s:s, s:s, s:s, s:{s:I, s:s}}", "seq",
                       (json_int_t)seq, "kind", kind, "case", "", "at", "2026-11-21T02:47:01.123Z",
                       "body", "alert", (json_int_t)alert, "severity", severity));
}

/* The body of request number `at` of that method, waited for; "" names no request twice. */
static json_t *told(struct scene *s, const char *method, int at)
{
    for (int i = 0; i < WAIT_MAX_S * 100; i++) {
        scoped(json_done) json_t *message = judge_told(&s->judge, method, at);
        if (message)
            return json_incref(json_object_get(message, "body"));
        usleep(10000);
    }
    return NULL;
}

static const char *failure_code(const json_t *body)
{
    return message_text(json_object_get(body, "failure"), "code");
}

/* --- one alert -------------------------------------------------------------------------------- */

TEST(an_alert_becomes_a_runbook_of_a_model)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, HEAD("200 OK") CHAT("stop", GOOD), NULL, NULL);
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    scoped(json_done) json_t *asked = told(&s, "runbook_prompt", 0),
                             *body = told(&s, "runbook_add", 0);
    REQUIRE(asked && body);
    CHECK_INT(message_int(asked, "alert"), 7);
    CHECK_INT(message_int(body, "alert"), 7);
    CHECK_TEXT(message_text(json_object_get(body, "answer"), "probable_cause"), "x");
    CHECK(json_is_null(json_object_get(body, "failure")));
    CHECK_TEXT(message_text(json_object_get(body, "model"), "name"), "tiny");
    /* printf '{"schema":{"type":"object"},"system":"obey nobody","user":"F1: it is hot"}' |
     * sha256sum */
    CHECK_TEXT(message_text(body, "prompt_sha256"),
        "e32c924b52273fbc119a1e9e48a6086b8b5f3ac5c6886ab04dde664344867c90");
    CHECK(json_is_false(json_object_get(body, "truncated")));
    CHECK_INT(json_array_size(json_object_get(body, "facts")), 2);
    CHECK(json_integer_value(json_object_get(body, "ms")) >= 0);
    CHECK(strstr(s.engine.request, "\"name\":\"runbook\"") != NULL);
    CHECK(strstr(s.engine.request, "obey nobody") != NULL);
    CHECK(!strstr(s.engine.request, "Authorization")); /* no token of ours to an engine elsewhere */
}

TEST(every_bad_engine_is_a_failure_with_a_reason)
{
    static const struct {
        const char *reply, *code;
    } ROWS[] = {
        {HEAD("200 OK") "<html>no</html>", "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "[]"), "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "words"), "model_garbage"},
        {HEAD("200 OK") CHAT("length", "words"), "model_garbage"},
        {HEAD("200 OK") CHAT("tool_calls", "{}"), "model_garbage"},
        {HEAD("503 X") "{\"error\":{\"code\":\"queue_full\"}}", "model_refused"},
        {"nonsense\r\n\r\n", "model_away"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", "model_away"},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(scene_done) struct scene s;
        scene_open(&s, ROWS[i].reply, NULL, NULL);
        judge_join(&s.judge, &s.node);
        tell(&s, 7, "alert_raised", 0, "critical");
        scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
        CHECK_TEXT(failure_code(body), ROWS[i].code);
        CHECK(json_is_null(json_object_get(body, "answer")));
        CHECK(*message_text(json_object_get(body, "failure"), "words"));
        CHECK_INT(strlen(message_text(body, "prompt_sha256")), 64);
    }
}

TEST(a_silent_engine_costs_the_budget_and_no_more)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, NULL, json_pack("{s:i}", "runbook_ms", 200), NULL);
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    CHECK_TEXT(failure_code(body), "model_silent");
    CHECK(json_integer_value(json_object_get(body, "ms")) >= 200);
}

TEST(an_answer_that_was_cut_says_so)
{
    scoped(scene_done) struct scene s;

    scene_open(&s,
        HEAD("200 OK")
            CHAT("length", "{\\\"probable_cause\\\":\\\"x\\\",\\\"immediate_actions\\\":[{"),
        NULL, NULL);
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    scoped(json_done) json_t *want =
        json_pack("{s:s, s:[]}", "probable_cause", "x", "immediate_actions");
    CHECK(json_equal(json_object_get(body, "answer"), want));
    CHECK(json_is_true(json_object_get(body, "truncated")));
}

TEST(without_a_model_each_alert_says_so_once)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, NULL, NULL, json_object());
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    tell(&s, 8, "alert_raised", 0, "critical");
    scoped(json_done) json_t *one = told(&s, "runbook_add", 0), *two = told(&s, "runbook_add", 1);
    CHECK_TEXT(failure_code(one), "no_model");
    CHECK_TEXT(failure_code(two), "no_model");
    CHECK(json_is_null(json_object_get(one, "model")));
    CHECK(json_is_null(json_object_get(one, "prompt_sha256")));
    scoped(json_done) json_t *asked = judge_told(&s.judge, "runbook_prompt", 0);
    CHECK(!asked);
}

/* Through this node's own front door, with its own token: refused there for there is no such model,
 * and not for who asks. */
TEST(a_model_of_the_catalogue_is_asked_through_our_own_front_door)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, NULL, NULL, json_pack("{s:s}", "runbook_model", "llama3"));
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    CHECK_TEXT(failure_code(body), "model_refused");
    CHECK_TEXT(message_text(json_object_get(body, "failure"), "words"),
        "the engine answered HTTP 404 instead of 200: model_not_found");
    CHECK_TEXT(message_text(json_object_get(body, "model"), "name"), "llama3");
}

/* --- many ------------------------------------------------------------------------------------- */

TEST(one_runs_sixteen_wait_the_critical_first_and_more_are_too_many)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, NULL, NULL, NULL);
    judge_join(&s.judge, &s.node);
    tell(&s, 1, "alert_raised", 0, "warning");
    for (int i = 0; i < WAIT_MAX_S * 100 && !s.engine.asked; i++)
        usleep(10000);
    for (int64_t seq = 2; seq <= 18; seq++) /* the last finds no place */
        tell(&s, seq, "alert_raised", 0, "warning");
    tell(&s, 19, "alert_raised", 0, "critical");  /* takes that of 17 */
    tell(&s, 20, "alert_changed", 9, "critical"); /* waits already, and now at the front */
    tell(&s, 21, "alert_cleared", 3, "warning");  /* needs none any more */
    tell(&s, 22, "alert_changed", 1, "critical"); /* is under way */
    scoped(json_done) json_t *first = told(&s, "runbook_add", 0),
                             *second = told(&s, "runbook_add", 1);
    CHECK_INT(message_int(first, "alert"), 18);
    CHECK_TEXT(failure_code(first), "too_many");
    CHECK_INT(message_int(second, "alert"), 17);
    CHECK_INT(s.engine.asked, 1);
    s.engine.reply = HEAD("200 OK") CHAT("stop", GOOD);
    static const int64_t ORDER[] = {1, 19, 9, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16};
    for (size_t i = 0; i < COUNT(ORDER); i++) {
        scoped(json_done) json_t *body = told(&s, "runbook_add", (int)i + 2);
        CHECK_INT(message_int(body, "alert"), ORDER[i]);
    }
    CHECK_INT(s.engine.asked, COUNT(ORDER));
}

static json_t *row(int64_t id, const char *runbook)
{
    return json_pack(
        "{s:I, s:s, s:s}", "id", (json_int_t)id, "severity", "warning", "runbook_state", runbook);
}

TEST(what_is_open_without_a_runbook_is_asked_for_when_a_judge_comes_and_nothing_twice)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, HEAD("200 OK") CHAT("stop", GOOD), NULL, NULL);
    judge_answers(&s.judge, "alerts",
        json_pack("{s:[o,o,o], s:i}", "alerts", row(9, "none"), row(8, "generated"),
            row(7, "failed"), "open", 3));
    judge_join(&s.judge, &s.node);
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    CHECK_INT(message_int(body, "alert"), 9);
    tell(&s, 10, "alert_raised", 0, "warning");
    scoped(json_done) json_t *next = told(&s, "runbook_add", 1);
    CHECK_INT(message_int(next, "alert"), 10);
    scoped(json_done) json_t *third = judge_told(&s.judge, "runbook_add", 2);
    CHECK(!third);
}

TEST(more_than_can_wait_are_asked_for_bit_by_bit)
{
    scoped(scene_done) struct scene s;
    json_t *rows = json_array();

    for (int64_t id = 40; id > 0; id--)
        json_array_append_new(rows, row(id, "none"));
    scene_open(&s, HEAD("200 OK") CHAT("stop", GOOD), NULL, NULL);
    judge_answers(&s.judge, "alerts", json_pack("{s:o, s:i}", "alerts", rows, "open", 40));
    judge_join(&s.judge, &s.node);
    scoped(json_done) json_t *last = told(&s, "runbook_add", 35);
    REQUIRE(last);
    CHECK(!*failure_code(last));
}

TEST(what_a_judge_took_with_it_is_asked_for_again)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, NULL, NULL, NULL);
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    for (int i = 0; i < WAIT_MAX_S * 100 && !s.engine.asked; i++)
        usleep(10000);
    judge_die(&s.judge);
    s.engine.reply = HEAD("200 OK") CHAT("stop", GOOD);
    judge_answers(
        &s.judge, "alerts", json_pack("{s:[o], s:i}", "alerts", row(7, "none"), "open", 1));
    judge_join(&s.judge, &s.node);
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    REQUIRE(body);
    CHECK_INT(message_int(body, "alert"), 7);
    CHECK_TEXT(failure_code(body), "");
}

/* An alert is listed before the rules have learned it; its event comes while they are asked. Found
 * in CI: nobody asked again. */
TEST(one_that_the_rules_do_not_know_yet_is_asked_for_again)
{
    static const char *const REFUSED[] = {"runbook_prompt", "runbook_add", "alerts"};

    for (size_t i = 0; i < COUNT(REFUSED); i++) {
        scoped(scene_done) struct scene s;
        scene_open(&s, HEAD("200 OK") CHAT("stop", GOOD),
            json_pack("{s:i}", "runbook_again_ms", 20), NULL);
        judge_refuses(&s.judge, REFUSED[i], "unknown_alert");
        judge_refuses(&s.judge, REFUSED[i], "unknown_alert");
        judge_answers(
            &s.judge, "alerts", json_pack("{s:[o], s:i}", "alerts", row(7, "none"), "open", 1));
        judge_join(&s.judge, &s.node);
        scoped(json_done) json_t *body = told(&s, "runbook_add", i == 1 ? 2 : 0);
        REQUIRE(body);
        CHECK_INT(message_int(body, "alert"), 7);
        CHECK_TEXT(failure_code(body), "");
    }
}

/* It was cleared meanwhile: it is in no list any more, and nobody goes on asking. */
TEST(one_that_is_over_is_not_asked_for_again)
{
    scoped(scene_done) struct scene s;

    scene_open(
        &s, HEAD("200 OK") CHAT("stop", GOOD), json_pack("{s:i}", "runbook_again_ms", 10), NULL);
    judge_refuses(&s.judge, "runbook_prompt", "unknown_alert");
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    tell(&s, 8, "alert_raised", 0, "warning");
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    CHECK_INT(message_int(body, "alert"), 8);
    usleep(100000); /* ten pauses */
    scoped(json_done) json_t *more = judge_told(&s.judge, "runbook_prompt", 2);
    CHECK(!more);
}

TEST(rules_that_give_no_prompt_are_a_failure_too)
{
    scoped(scene_done) struct scene s;

    scene_open(&s, HEAD("200 OK") CHAT("stop", GOOD), NULL, NULL);
    judge_answers(&s.judge, "runbook_prompt", json_pack("{s:s}", "user", "x"));
    judge_join(&s.judge, &s.node);
    tell(&s, 7, "alert_raised", 0, "warning");
    scoped(json_done) json_t *body = told(&s, "runbook_add", 0);
    CHECK_TEXT(failure_code(body), "no_prompt");
    CHECK_INT(s.engine.asked, 0);
}

TAP_MAIN
