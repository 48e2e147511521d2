/* SPDX-License-Identifier: Apache-2.0
 * The engine here is a fake: a thread behind a unix socket that answers as told. */
#include "base/panic.h"
#include "base/scoped.h"
#include "model/model.h"
#include "os/fd.h"
#include "tap.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD(status)                                                                               \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define CHAT(reason, content)                                                                      \
    "{\"choices\":[{\"finish_reason\":\"" reason "\",\"message\":{\"content\":\"" content          \
    "\"}}],\"model\":\"tiny\"}"

struct engine {
    char path[64];
    int listener;
    const char *reply;  /* NULL: silent until the other side goes */
    size_t flood_bytes; /* more bytes behind the reply */
    pthread_t thread;
    char request[8192];
};

static void answer_one(struct engine *e, int peer)
{
    size_t len = 0;
    ssize_t got;
    static const char BLOCK[4096] = {[0 ... 4095] = 'x'};

    while (len < sizeof e->request - 1 && !strstr(e->request, "}}}}") &&
           (got = read(peer, e->request + len, sizeof e->request - 1 - len)) > 0) {
        len += (size_t)got;
        e->request[len] = '\0';
    }
    if (!e->reply) {
        char rest;
        while (read(peer, &rest, 1) > 0)
            ;
        return;
    }
    (void)!write(peer, e->reply, strlen(e->reply));
    for (size_t sent = 0; sent < e->flood_bytes; sent += sizeof BLOCK)
        if (send(peer, BLOCK, sizeof BLOCK, MSG_NOSIGNAL) < 0)
            return;
}

static void *engine_run(void *context)
{
    struct engine *e = context;
    int peer;

    while ((peer = accept(e->listener, NULL, NULL)) >= 0) {
        answer_one(e, peer);
        close(peer);
    }
    return NULL;
}

static void engine_open(struct engine *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    snprintf(e->path, sizeof e->path, "/tmp/model_test.%d.sock", getpid());
    memcpy(at.sun_path, e->path, strlen(e->path));
    unlink(e->path);
    e->listener = socket(AF_UNIX, SOCK_STREAM, 0);
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

struct heard {
    int count;
    char code[ERR_CODE_BYTES_MAX];
    char name[MODEL_NAME_BYTES];
    char words[200];
    bool truncated;
    json_t *content;
};

static void on_answer(void *owner, const struct model_answer *answer)
{
    struct heard *heard = owner;

    heard->count++;
    json_decref(heard->content);
    heard->content = answer->content ? json_deep_copy(answer->content) : NULL;
    snprintf(heard->code, sizeof heard->code, "%s", answer->why ? answer->why->code : "");
    snprintf(heard->name, sizeof heard->name, "%s", answer->name);
    snprintf(heard->words, sizeof heard->words, "%.199s", answer->why ? answer->why->message : "");
    heard->truncated = answer->truncated;
}

static struct model *open_model(uv_loop_t *loop, struct engine *e, int64_t budget_ms)
{
    char url[96];
    struct err err;
    struct model *model;

    snprintf(url, sizeof url, "unix:%s", e->path);
    const struct model_config config = {.url = url,
        .calls_max = 1,
        .queue_max = 1,
        .budget_ms = budget_ms,
        .response_bytes_max = 65536};
    check(model_open(loop, &config, &model, &err));
    return model;
}

static struct model_question question(json_t *schema)
{
    return (struct model_question){
        .system = S("be brief"), .user = S("say \"so\"\n"), .schema = schema, .tokens_max = 64};
}

static void ask_with(
    struct engine *at, struct model_question q, int64_t budget_ms, struct heard *heard)
{
    struct engine e = *at;
    scoped(json_done) json_t *schema = json_pack("{s:{}}", "const");
    const char *reply = e.reply;
    struct model_call *call;
    struct err err;
    uv_loop_t loop;

    e.request[0] = '\0';
    q.schema = schema;
    *heard = (struct heard){0};
    engine_open(&e);
    uv_loop_init(&loop);
    struct model *model = open_model(&loop, &e, budget_ms);
    CHECK(model_ask(model, &q, on_answer, heard, &call, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    model_close(model);
    check(uv_loop_close(&loop) == 0);
    engine_close(&e);
    if (reply)
        CHECK(strstr(e.request, "POST /v1/chat/completions HTTP/1.1\r\n") != NULL);
    memcpy(at->request, e.request, sizeof at->request);
}

/* One question to an engine that answers `reply`. */
static void ask_once(const char *reply, size_t flood_bytes, int64_t budget_ms, struct heard *heard)
{
    struct engine e = {.reply = reply, .flood_bytes = flood_bytes};

    ask_with(&e, question(NULL), budget_ms, heard);
}

TEST(a_good_answer_is_an_object_with_the_name_of_the_model)
{
    struct heard heard;
    ask_once(HEAD("200 OK") CHAT("stop", "{\\\"action\\\":\\\"none\\\"}"), 0, 20000, &heard);
    CHECK_INT(heard.count, 1);
    CHECK_TEXT(heard.code, "");
    CHECK_TEXT(heard.name, "tiny");
    CHECK_TEXT(json_string_value(json_object_get(heard.content, "action")), "none");
    json_decref(heard.content);
}

TEST(every_bad_answer_has_its_code)
{
    static const struct {
        const char *reply, *code;
        size_t flood_bytes;
    } ROWS[] = {
        {HEAD("500 Internal Server Error") "{}", "model_refused"},
        {HEAD("301 Moved\r\nLocation: http://127.0.0.1:1/") "", "model_refused"},
        {HEAD("200 OK") "{\"choices\":[", "model_garbage"},
        {HEAD("200 OK") "{}", "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "hello"), "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "[]"), "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "{\\\"a\\\":1,\\\"a\\\":2}"), "model_garbage"},
        {HEAD("200 OK") CHAT("stop", "{} and more"), "model_garbage"},
        {HEAD("200 OK") CHAT("tool_calls", "{}"), "model_garbage"},
        {HEAD("200 OK") CHAT("length", "{}"), "model_too_long"},
        {HEAD("200 OK") "{\"a\":\"", "model_too_long", 1024 * 1024},
        {"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", "model_away"},
        {"gibberish\r\n\r\n", "model_away"},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        struct heard heard;
        ask_once(ROWS[i].reply, ROWS[i].flood_bytes, 20000, &heard);
        CHECK_INT(heard.count, 1);
        CHECK_TEXT(heard.code, ROWS[i].code);
        CHECK(!heard.content);
    }
}

TEST(what_was_cut_is_told_and_kept_as_far_as_it_is_whole)
{
    struct engine e = {
        .reply = HEAD("200 OK") CHAT("length", "{\\\"a\\\":\\\"x\\\",\\\"b\\\":[\\\"y\\\",\\\"z")};
    struct model_question q = question(NULL);
    struct heard heard;

    q.may_be_cut = true;
    ask_with(&e, q, 20000, &heard);
    CHECK_TEXT(heard.code, "");
    CHECK(heard.truncated);
    scoped(json_done) json_t *want = json_pack("{s:s, s:[s]}", "a", "x", "b", "y");
    CHECK(json_equal(heard.content, want));
    json_decref(heard.content);
    e.reply = HEAD("200 OK") CHAT("stop", "{}");
    ask_with(&e, q, 20000, &heard);
    CHECK(!heard.truncated && heard.content);
    json_decref(heard.content);
    e.reply = HEAD("200 OK") CHAT("length", "no object");
    ask_with(&e, q, 20000, &heard);
    CHECK_TEXT(heard.code, "model_garbage");
}

TEST(the_cut_of_an_object_is_an_object)
{
    static const struct {
        const char *wrote, *whole;
    } ROWS[] = {
        {"", ""},
        {"{", "{}"},
        {"{\"a", "{}"},
        {"{\"a\"", "{}"},
        {"{\"a\":", "{}"},
        {"{\"a\":\"x", "{}"},
        {"{\"a\":\"x\\", "{}"},
        {"{\"a\":\"x\\\"", "{}"},
        {"{\"a\":\"x\"", "{\"a\":\"x\"}"},
        {"{\"a\":\"x\",", "{\"a\":\"x\"}"},
        {"{\"a\":\"x\",\"b\":12", "{\"a\":\"x\"}"},
        {"{\"a\":12,", "{\"a\":12}"},
        {"{\"a\":[", "{\"a\":[]}"},
        {"{\"a\":[{", "{\"a\":[]}"},
        {"{\"a\":[{\"t\":\"x\",\"c\":\"rm", "{\"a\":[{\"t\":\"x\"}]}"},
        {"{\"a\":[{\"t\":\"]}\"}, {", "{\"a\":[{\"t\":\"]}\"}]}"},
        {"{\"a\":1} and more", "{\"a\":1}"},
        {"{\"a\":\"x\"]", "{\"a\":\"x\"}"},
        {"words", ""},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(buf_done) struct buf out = buf_of(256);
        model_cut(str_from(ROWS[i].wrote), &out);
        CHECK_STR(buf_str(&out), ROWS[i].whole);
    }
    char deep[101] = {0};
    scoped(buf_done) struct buf out = buf_of(256);
    memset(deep, '[', 100);
    model_cut(str_from(deep), &out);
    CHECK_INT(out.len, 64);
}

TEST(the_token_and_the_name_of_the_schema_are_sent)
{
    struct engine e = {.reply = HEAD("200 OK") CHAT("stop", "{}")};
    struct model_question q = question(NULL);
    struct heard heard;

    q.token = "node_0123";
    q.schema_name = "runbook";
    ask_with(&e, q, 20000, &heard);
    CHECK(strstr(e.request, "\r\nAuthorization: Bearer node_0123\r\n") != NULL);
    CHECK(strstr(e.request, "\"name\":\"runbook\"") != NULL);
    json_decref(heard.content);
    q.token = q.schema_name = NULL;
    ask_with(&e, q, 20000, &heard);
    CHECK(!strstr(e.request, "Authorization"));
    CHECK(strstr(e.request, "\"name\":\"action\"") != NULL);
    json_decref(heard.content);
}

TEST(the_code_of_a_refusal_is_named_if_it_is_a_word)
{
    struct heard heard;

    ask_once(HEAD("503 X") "{\"error\":{\"message\":\"m\",\"code\":\"pool_unavailable\"}}", 0,
        20000, &heard);
    CHECK_TEXT(heard.code, "model_refused");
    CHECK_TEXT(heard.words, "the engine answered HTTP 503 instead of 200: pool_unavailable");
    ask_once(
        "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n  {\"error\":{\"code\":\"wait_too_long\"}}",
        0, 20000, &heard);
    CHECK_TEXT(heard.words, "the engine answered HTTP 200 with an error: wait_too_long");
    ask_once(HEAD("400 X") "{\"error\":{\"code\":\"Evil words <b>\"}}", 0, 20000, &heard);
    CHECK_TEXT(heard.words, "the engine answered HTTP 400 instead of 200");
}

TEST(a_longer_answer_is_read_where_it_is_asked_for)
{
    static char reply[40000];
    struct engine e = {.reply = reply};
    struct model_question q = question(NULL);
    struct heard heard;
    char text[20001] = {0};

    memset(text, 'x', 20000);
    snprintf(reply, sizeof reply, HEAD("200 OK") CHAT("stop", "{\\\"a\\\":\\\"%s\\\"}"), text);
    ask_with(&e, q, 20000, &heard);
    CHECK_TEXT(heard.code, "model_too_long");
    q.content_bytes_max = 32768;
    ask_with(&e, q, 20000, &heard);
    CHECK_TEXT(heard.code, "");
    json_decref(heard.content);
}

TEST(a_silent_engine_costs_no_more_than_the_budget)
{
    struct heard heard;
    ask_once(NULL, 0, 60, &heard);
    CHECK_TEXT(heard.code, "model_silent");
}

TEST(an_absent_engine_is_said_to_be_away)
{
    struct engine e = {0};
    scoped(json_done) json_t *schema = json_object();
    struct model_question q = question(schema);
    struct heard heard = {0};
    struct model_call *call;
    struct err err;
    uv_loop_t loop;

    snprintf(e.path, sizeof e.path, "/tmp/model_test.%d.none", getpid());
    uv_loop_init(&loop);
    struct model *model = open_model(&loop, &e, 20000);
    CHECK(model_ask(model, &q, on_answer, &heard, &call, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_TEXT(heard.code, "model_away");
    model_close(model);
    check(uv_loop_close(&loop) == 0);
}

TEST(beyond_the_queue_it_is_busy_and_cancelled_calls_stay_quiet)
{
    struct engine e = {.reply = NULL};
    scoped(json_done) json_t *schema = json_object();
    struct model_question q = question(schema);
    struct heard heard = {0};
    struct model_call *running, *waiting, *third;
    struct err err;
    uv_loop_t loop;

    engine_open(&e);
    uv_loop_init(&loop);
    struct model *model = open_model(&loop, &e, 20000);
    CHECK(model_ask(model, &q, on_answer, &heard, &running, &err));
    CHECK(model_ask(model, &q, on_answer, &heard, &waiting, &err));
    CHECK(!model_ask(model, &q, on_answer, &heard, &third, &err));
    CHECK_TEXT(err.code, "model_busy");
    CHECK_INT(model_calls(model), 2);
    model_cancel(waiting);
    CHECK_INT(model_calls(model), 1);
    model_cancel(running);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(heard.count, 0);
    CHECK(model_ask(model, &q, on_answer, &heard, &running, &err));
    model_close(model);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(heard.count, 0);
    check(uv_loop_close(&loop) == 0);
    engine_close(&e);
}

TEST(places_are_http_https_or_a_unix_socket_without_secrets)
{
    struct model_place place;
    struct err err;

    CHECK(model_place_read("http://127.0.0.1:8080", &place, &err));
    CHECK_TEXT(place.url, "http://127.0.0.1:8080/v1/chat/completions");
    CHECK(model_place_read("https://desk.home.arpa/llm/v1/", &place, &err));
    CHECK_TEXT(place.url, "https://desk.home.arpa/llm/v1/chat/completions");
    CHECK(model_place_read("unix:/run/llm.sock", &place, &err));
    CHECK_TEXT(place.socket_path, "/run/llm.sock");
    static const char *const BAD[] = {"", "ftp://a", "file:///etc/passwd", "http://", "http:///x",
        "http://me:pw@host", "http://a b", "http://a?x", "unix:relative", "HTTP"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        CHECK(!model_place_read(BAD[i], &place, &err));
        CHECK_TEXT(err.code, "bad_llm_url");
        CHECK(!strstr(err.message, "pw"));
    }
}

TEST(the_sentence_is_data_in_the_request)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    scoped(json_done) json_t *schema = json_pack("{s:s}", "type", "object");
    struct model_question q = question(schema);
    struct err err;

    CHECK(model_request_write(&q, "", &out, &err));
    scoped(json_done) json_t *body = json_loadb(out.at, out.len, 0, NULL);
    const json_t *user = json_array_get(json_object_get(body, "messages"), 1);
    CHECK_TEXT(json_string_value(json_object_get(user, "content")), "say \"so\"\n");
    CHECK_TEXT(json_string_value(json_object_get(body, "model")), "default");
    const json_t *form = json_object_get(json_object_get(body, "response_format"), "json_schema");
    CHECK(json_equal(json_object_get(form, "schema"), schema));
    q.user = S("\xff");
    CHECK(!model_request_write(&q, "", &out, &err));
    CHECK_TEXT(err.code, "not_utf8");
}

TAP_MAIN
