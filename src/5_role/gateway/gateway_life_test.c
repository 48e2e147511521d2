/* SPDX-License-Identifier: Apache-2.0
 * Streams, exports and engines, over judges that come and go. The judge and the engine are FAKE. */
#include "base/scoped.h"
#include "gateway/gateway_harness.h"
#include "os/fd.h"
#include "tap.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct node node;
static struct fake_judge judge;

static void open_both(json_t *settings, json_t *more, int64_t entries)
{
    judge_open(&judge, entries);
    node_open(&node, settings, more);
    judge_join(&judge, &node);
}

static void close_both(void)
{
    node_close(&node);
    judge_close(&judge);
}

static int post(const char *path, const char *body, const char *code)
{
    struct reply reply;

    ask(&node, "POST", path, "", body, &reply);
    int status = reply.status;
    CHECK_TEXT(reply_code(&reply), code);
    reply_done(&reply);
    return status;
}

/* --- the judge comes and goes ------------------------------------------------------------- */

TEST(a_request_waits_for_a_judge_that_is_away)
{
    judge_open(&judge, 0);
    node_open(&node, json_pack("{s:i}", "judge_hold_ms", 20000), NULL);
    scoped(fd_done) int fd = client_open(&node);
    scoped(buf_done) struct buf text = buf_of(65536);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n"
                    "{\"query\":\"echo\"}");
    judge_join(&judge, &node);
    CHECK(client_until(fd, &text, "\"answers\""));
    close_both();
}

TEST(a_judge_that_stays_away_is_503_and_says_nothing_was_done)
{
    struct reply reply;

    node_open(&node, json_pack("{s:i}", "judge_hold_ms", 50), NULL);
    ask(&node, "POST", "/api/v1/intent", "", "{\"nl\":\"x\"}", &reply);
    CHECK_INT(reply.status, 503);
    CHECK_TEXT(reply_code(&reply), "judge_away");
    CHECK(reply_has(&reply, "Retry-After: 1\r\n"));
    reply_done(&reply);
    node_close(&node);
}

TEST(a_judge_that_dies_with_a_change_leaves_a_503_and_the_next_one_serves)
{
    open_both(NULL, NULL, 0);
    CHECK_INT(post("/api/v1/intent", "{\"nl\":\"die\"}", "judge_restarted"), 503);
    judge_die(&judge);
    judge_join(&judge, &node);
    CHECK_INT(post("/api/v1/query", "{\"query\":\"echo\"}", ""), 200);
    close_both();
}

TEST(a_read_that_dies_with_its_judge_is_asked_again_once_and_not_for_ever)
{
    static struct fake_judge next;
    scoped(fd_done) int fd = -1;

    open_both(json_pack("{s:i}", "judge_hold_ms", 20000), NULL, 0);
    fd = client_open(&node);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n"
                    "{\"query\":\"die\"}");
    CHECK(judge_wait(&judge, &judge.asked, 1));
    judge_open(&next, 0);
    judge_join(&next, &node);
    CHECK(judge_wait(&next, &next.asked, 1));
    scoped(buf_done) struct buf text = buf_of(65536);
    CHECK(client_until(fd, &text, "judge_restarted"));
    CHECK(strstr(buf_text(&text), " 503 "));
    node_close(&node);
    judge_close(&judge);
    judge_close(&next);
}

TEST(what_a_leaving_judge_hands_back_the_next_one_gets)
{
    static struct fake_judge next;
    scoped(fd_done) int fd = -1;

    open_both(json_pack("{s:i}", "judge_hold_ms", 20000), NULL, 0);
    fd = client_open(&node);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n"
                    "{\"query\":\"leave\"}");
    CHECK(judge_wait(&judge, &judge.asked, 1));
    judge_open(&next, 0);
    judge_join(&next, &node);
    CHECK(judge_wait(&next, &next.asked, 1));
    node_close(&node);
    judge_close(&judge);
    judge_close(&next);
}

TEST(a_judge_that_leaves_hears_when_nothing_more_comes_and_the_next_one_gets_what_does)
{
    static struct fake_judge next;
    scoped(fd_done) int fd = -1;
    scoped(buf_done) struct buf text = buf_of(65536);

    open_both(json_pack("{s:i}", "judge_hold_ms", 20000), NULL, 0);
    judge_say(&judge, message_make(MESSAGE_leaving, "{}"));
    CHECK(judge_wait(&judge, &judge.left, 1));
    fd = client_open(&node);
    client_send(fd, "POST /api/v1/intent HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
                    "{\"nl\":\"x\"}");
    judge_open(&next, 0);
    judge_join(&next, &node);
    CHECK(client_until(fd, &text, "\"Done.\""));
    CHECK_INT(judge.asked, 0);
    CHECK_INT(next.asked, 1);
    node_close(&node);
    judge_close(&judge);
    judge_close(&next);
}

TEST(the_end_of_a_case_that_goes_on_is_asked_of_the_next_judge)
{
    static struct fake_judge next;
    scoped(fd_done) int fd = -1;
    scoped(buf_done) struct buf text = buf_of(65536);

    open_both(json_pack("{s:i}", "judge_hold_ms", 20000), NULL, 0);
    fd = client_open(&node);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 23\r\n\r\n"
                    "{\"query\":\"leave_begun\"}");
    CHECK(judge_wait(&judge, &judge.asked, 1));
    judge_open(&next, 0);
    judge_join(&next, &node);
    CHECK(client_until(fd, &text, "{\"method\":\"await\",\"seen\":{\"case\":\"01JCASE\"}}"));
    CHECK_INT(next.asked, 1);
    node_close(&node);
    judge_close(&judge);
    judge_close(&next);
}

TEST(a_case_that_goes_on_without_any_judge_is_never_said_to_be_nothing)
{
    open_both(json_pack("{s:i}", "judge_hold_ms", 50), NULL, 0);
    CHECK_INT(post("/api/v1/query", "{\"query\":\"leave_begun\"}", "judge_silent"), 504);
    close_both();
}

TEST(the_old_judge_answers_what_it_has_after_the_new_one_joined)
{
    static struct fake_judge next;
    scoped(fd_done) int fd = -1;
    scoped(buf_done) struct buf text = buf_of(65536);

    open_both(NULL, NULL, 3);
    judge.hold_pages = true;
    fd = client_open(&node);
    client_send(fd, "GET /api/v1/ledger HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(judge_wait(&judge, &judge.pages, 1));
    judge_open(&next, 0);
    judge_join(&next, &node);
    CHECK_INT(post("/api/v1/query", "{\"query\":\"echo\"}", ""), 200);
    CHECK_INT(next.asked, 1);
    judge_release_pages(&judge);
    CHECK(client_until(fd, &text, "\"seq\":3"));
    node_close(&node);
    judge_close(&judge);
    judge_close(&next);
}

TEST(a_message_that_is_none_is_counted_and_nothing_else)
{
    struct reply reply;

    open_both(json_pack("{s:i}", "judge_fast_ms", 100), NULL, 0);
    CHECK_INT(post("/api/v1/query", "{\"query\":\"nonsense\"}", "judge_silent"), 504);
    CHECK_INT(post("/api/v1/query", "{\"query\":\"raw_broken\"}", "judge_silent"), 504);
    ask(&node, "GET", "/metrics", "", NULL, &reply);
    CHECK(strstr(reply.body.at, "logic_messages_refused_total 2\n") != NULL);
    reply_done(&reply);
    close_both();
}

TEST(a_client_that_leaves_frees_its_request)
{
    struct reply reply;

    open_both(json_pack("{s:i}", "judge_fast_ms", 100), NULL, 0);
    int fd = client_open(&node);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18\r\n\r\n"
                    "{\"query\":\"silent\"}");
    CHECK(judge_wait(&judge, &judge.asked, 1));
    close(fd);
    CHECK_INT(
        post("/api/v1/query", "{\"query\":\"silent\"}", "judge_silent"), 504); /* surely later */
    ask(&node, "GET", "/metrics", "", NULL, &reply);
    CHECK(strstr(reply.body.at, "logic_http_requests_total{route=\"query\",code=\"499\"} 1\n") !=
          NULL);
    reply_done(&reply);
    close_both();
}

/* What inference asked is out when it closes: it is told, and frees what it kept (LeakSanitizer).
 */
TEST(a_question_for_facts_that_is_out_at_the_end_leaves_nothing_behind)
{
    node_open(&node,
        json_pack("{s:i, s:i, s:i}", "judge_hold_ms", 20000, "ground_ms", 20000, "drain_ms", 0),
        NULL);
    scoped(fd_done) int fd = client_open(&node);
    client_send(fd,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 82\r\n\r\n"
        "{\"model\":\"m\",\"grounding\":true,\"messages\":[{\"role\":\"user\",\"content\":\"is it "
        "hot?\"}]}");
    for (bool asked = false; !asked;) {
        struct reply reply;
        ask(&node, "GET", "/metrics", "", NULL, &reply);
        asked = strstr(buf_text(&reply.text), "logic_node_inference_requests_total 1\n");
        reply_done(&reply);
    }
    node_close(&node);
}

/* In its last round the loop still hands out what is there: answers and requests (ASan). */
TEST(what_comes_in_the_last_round_of_the_loop_finds_nobody)
{
    for (int i = 0; i < 20; i++) {
        open_both(json_pack("{s:i}", "drain_ms", 0), NULL, 0);
        scoped(fd_done) int fd = client_open(&node);
        client_send(fd,
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
        judge_tell(&judge);
        close_both();
    }
}

/* --- events ---------------------------------------------------------------------------------- */

static int subscribe(const char *head)
{
    int fd = client_open(&node);
    char request[256];

    snprintf(
        request, sizeof request, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", head);
    client_send(fd, request);
    return fd;
}

static bool read_to(int fd, struct buf *text, int64_t seq)
{
    char mark[64];

    snprintf(mark, sizeof mark, "\nid: %" PRId64 "\n", seq);
    return client_until(fd, text, mark) && client_until(fd, text, "}\n\n");
}

TEST(a_live_stream_gets_each_entry_once)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    open_both(NULL, NULL, 10);
    scoped(fd_done) int fd = subscribe("");
    CHECK(client_until(fd, &text, ": events follow\n\n"));
    judge_tell(&judge);
    judge_tell(&judge);
    CHECK(read_to(fd, &text, 12));
    CHECK(stream_has_run(&text, 11, 12));
    CHECK(strstr(buf_text(&text), "event: case_opened\n") != NULL);
    CHECK(strstr(buf_text(&text), "data: {\"seq\":11,\"kind\":\"case_opened\",\"case\":") != NULL);
    close_both();
}

TEST(a_client_that_comes_back_has_no_gap_and_no_duplicate)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    open_both(json_pack("{s:i}", "replay_page", 7), NULL, 50);
    judge.hold_pages = true;
    scoped(fd_done) int fd = subscribe("Last-Event-ID: 20\r\n");
    CHECK(judge_wait(
        &judge, &judge.pages, 1)); /* the first page is asked for: now entries are made */
    judge.hold_pages = false;      /* nobody else looks: the judge waits for a broadcast */
    judge_release_pages(&judge);
    for (int i = 0; i < 30; i++)
        judge_tell(&judge);
    CHECK(read_to(fd, &text, 80));
    CHECK(stream_has_run(&text, 21, 80));
    judge_tell(&judge);
    CHECK(read_to(fd, &text, 81));
    CHECK(stream_has_run(&text, 21, 81));
    close_both();
}

TEST(entries_made_while_the_judge_was_away_are_caught_up)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    open_both(NULL, NULL, 5);
    scoped(fd_done) int fd = subscribe("Last-Event-ID: 0\r\n");
    CHECK(read_to(fd, &text, 5));
    judge_tell(&judge);
    CHECK(read_to(fd, &text, 6));
    judge_die(&judge);
    judge_make(&judge);
    judge_make(&judge);
    judge_join(&judge, &node);
    CHECK(read_to(fd, &text, 8));
    judge_tell(&judge);
    CHECK(read_to(fd, &text, 9));
    judge_make(&judge);
    judge_tell(&judge); /* 10 was never told */
    CHECK(read_to(fd, &text, 11));
    CHECK(stream_has_run(&text, 1, 11));
    close_both();
}

TEST(a_long_replay_ends_and_the_client_goes_on)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    open_both(json_pack("{s:i, s:i}", "replay_max", 20, "replay_page", 10), NULL, 50);
    scoped(fd_done) int fd = subscribe("Last-Event-ID: 0\r\n");
    CHECK(client_until(fd, &text, "\r\n0\r\n\r\n"));
    CHECK(stream_has_run(&text, 1, 20));
    scoped(fd_done) int again = subscribe("Last-Event-ID: 40\r\n");
    buf_clear(&text);
    CHECK(read_to(again, &text, 50));
    CHECK(stream_has_run(&text, 41, 50));
    close_both();
}

TEST(streams_have_a_limit_a_heartbeat_and_a_strict_resume_point)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);
    struct reply reply;

    open_both(json_pack("{s:i, s:i}", "subscribers_max", 1, "heartbeat_ms", 50), NULL, 5);
    scoped(fd_done) int fd = subscribe("");
    CHECK(client_until(fd, &text, ": beat\n"));
    ask(&node, "GET", "/api/v1/events", "", NULL, &reply);
    CHECK_INT(reply.status, 503);
    CHECK_TEXT(reply_code(&reply), "too_many_streams");
    reply_done(&reply);
    ask(&node, "GET", "/api/v1/events", "Last-Event-ID: -3\r\n", NULL, &reply);
    CHECK_INT(reply.status, 400);
    reply_done(&reply);
    close_both();
}

/* --- export -------------------------------------------------------------------------------------
 */

TEST(an_export_is_header_entries_and_checkpoints_over_many_pages)
{
    struct reply reply;

    open_both(NULL, NULL, 5000);
    ask(&node, "GET", "/api/v1/ledger/export?after=0", "", NULL, &reply);
    CHECK_INT(reply.status, 200);
    CHECK(reply_has(&reply, "Content-Type: application/x-ndjson\r\n"));
    CHECK(strstr(reply.body.at, "\"to\":5000}\n") != NULL);
    CHECK(strstr(reply.body.at, "\"seq\":5000,\"v\":1}\n") != NULL);
    CHECK(strstr(reply.body.at, "{\"checkpoint\":\"pinned\\n\"}\n") != NULL);
    CHECK(strstr(reply.body.at, "\r\n0\r\n\r\n") != NULL);
    reply_done(&reply);
    ask(&node, "GET", "/api/v1/ledger/export?after=7", "", NULL, &reply);
    CHECK_INT(reply.status, 400);
    reply_done(&reply);
    close_both();
}

/* --- the engine
 * ------------------------------------------------------------------------------------ */

struct engine {
    char path[64];
    int listener;
    const char *content; /* NULL: says nothing */
    pthread_t thread;
};

static void *engine_run(void *context)
{
    struct engine *e = context;
    int peer;

    while ((peer = accept(e->listener, NULL, NULL)) >= 0) {
        scoped(buf_done) struct buf text = buf_of(1 << 20);
        scoped(json_done) json_t *body = json_pack("{s:s, s:[{s:s, s:{s:s}}]}", "model", "tiny",
            "choices", "finish_reason", "stop", "message", "content", e->content ? e->content : "");
        scoped(free_done) char *reply = json_dumps(body, 0);
        client_until(peer, &text, "\"json_schema\"");
        if (e->content) {
            client_send(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            client_send(peer, reply);
            shutdown(peer, SHUT_WR);
        }
        client_ended(peer, &text);
        close(peer);
    }
    return NULL;
}

static void engine_open(struct engine *e, const char *content)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    *e = (struct engine){.content = content};
    snprintf(e->path, sizeof e->path, "/tmp/gateway_engine.%d", getpid());
    memcpy(at.sun_path, e->path, strlen(e->path));
    unlink(e->path);
    e->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(e->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(e->listener, 8) != 0)
        abort();
    pthread_create(&e->thread, NULL, engine_run, e);
}

static void engine_close(struct engine *e)
{
    shutdown(e->listener, SHUT_RDWR);
    pthread_join(e->thread, NULL);
    close(e->listener);
    unlink(e->path);
}

/* What the sentence "gibberish" becomes before an engine that says `content`. */
static void consult(const char *content, const char *body, struct reply *reply)
{
    struct engine engine;
    char url[96];

    engine_open(&engine, content);
    snprintf(url, sizeof url, "unix:%s", engine.path);
    open_both(json_pack("{s:i}", "model_budget_ms", content ? 20000 : 100),
        json_pack("{s:s}", "llm", url), 0);
    ask(&node, "POST", "/api/v1/intent", "", body, reply);
    node_close(&node);
    engine_close(&engine);
}

static const char *text_at(const json_t *value, const char *outer, const char *inner)
{
    const json_t *at = outer ? json_object_get(value, outer) : value;
    const char *text = json_string_value(json_object_get(at, inner));
    return text ? text : "";
}

TEST(an_engine_proposes_and_the_judge_decides)
{
    struct reply reply;

    consult("{\"action\":\"dns_record_add\",\"params\":{\"name\":\"a.local\"}}",
        "{\"nl\":\"gibberish\"}", &reply);
    CHECK_INT(reply.status, 200);
    CHECK_TEXT(text_at(reply.json, NULL, "status"), "awaiting_consent");
    CHECK_TEXT(text_at(reply.json, "model", "status"), "answered");
    CHECK_TEXT(text_at(reply.json, "model", "name"), "tiny");
    CHECK_TEXT(text_at(reply.json, "seen", "via"), "model");
    CHECK_TEXT(text_at(reply.json, "seen", "model"), "tiny");
    CHECK_TEXT(text_at(reply.json, "seen", "nl"), "gibberish");
    CHECK_TEXT(text_at(reply.json, "seen", "action"), "dns_record_add");
    reply_done(&reply);
    judge_close(&judge);
}

TEST(no_engine_makes_a_question_a_change)
{
    static const char ADD[] = "{\"action\":\"dns_record_add\",\"params\":{\"name\":\"a.local\"}}";
    struct reply reply;

    consult(ADD, "{\"nl\":\"could it be gibberish\"}", &reply);
    CHECK_TEXT(text_at(reply.json, NULL, "status"), "not_understood");
    CHECK_TEXT(text_at(reply.json, "model", "status"), "garbage");
    CHECK_TEXT(text_at(reply.json, "seen", "action"), ""); /* only the grammar was asked */
    reply_done(&reply);
    judge_close(&judge);
    consult("{\"action\":\"node_list\",\"params\":{}}", "{\"nl\":\"gibberish?\"}", &reply);
    CHECK_TEXT(text_at(reply.json, "model", "status"), "answered");
    CHECK_TEXT(text_at(reply.json, "seen", "action"), "node_list");
    reply_done(&reply);
    judge_close(&judge);
}

TEST(whatever_an_engine_does_wrong_the_grammar_stands)
{
    static const struct {
        const char *content, *status;
    } ROWS[] = {{"{\"action\":\"none\"}", "none"},
        {"{\"action\":\"rm_rf\",\"params\":{}}", "garbage"}, {"I would add a record.", "garbage"},
        {NULL, "silent"}};

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        struct reply reply;
        consult(ROWS[i].content, "{\"nl\":\"gibberish\"}", &reply);
        CHECK_INT(reply.status, 200);
        CHECK_TEXT(text_at(reply.json, NULL, "status"), "not_understood");
        CHECK_TEXT(text_at(reply.json, "model", "status"), ROWS[i].status);
        CHECK_TEXT(text_at(judge.last, NULL, "method"), "actions"); /* nothing was proposed */
        reply_done(&reply);
        judge_close(&judge);
    }
}

TEST(parse_only_asks_no_engine_unless_told_and_never_proposes)
{
    static const char GOOD[] = "{\"action\":\"node_list\",\"params\":{}}";
    struct reply reply;

    consult(GOOD, "{\"nl\":\"gibberish\",\"parse_only\":true}", &reply);
    CHECK_TEXT(text_at(reply.json, NULL, "status"), "not_understood");
    CHECK(!json_object_get(reply.json, "model"));
    reply_done(&reply);
    judge_close(&judge);
    consult(GOOD, "{\"nl\":\"gibberish\",\"parse_only\":true,\"model\":true}", &reply);
    CHECK_TEXT(text_at(reply.json, NULL, "status"), "success");
    CHECK_TEXT(text_at(reply.json, "intent", "action"), "node_list");
    CHECK_TEXT(text_at(judge.last, NULL, "method"), "actions");
    reply_done(&reply);
    judge_close(&judge);
    consult(GOOD, "{\"nl\":\"gibberish\",\"model\":false}", &reply);
    CHECK_TEXT(text_at(reply.json, NULL, "status"), "not_understood");
    reply_done(&reply);
    judge_close(&judge);
}

TEST(without_an_engine_the_answer_says_so_when_asked)
{
    struct reply reply;

    open_both(NULL, NULL, 0);
    ask(&node, "POST", "/api/v1/intent", "", "{\"nl\":\"gibberish\",\"model\":true}", &reply);
    CHECK_TEXT(text_at(reply.json, "model", "status"), "absent");
    reply_done(&reply);
    CHECK_INT(post("/api/v1/intent", "{\"nl\":\"add it\"}", ""), 200);
    close_both();
}

TAP_MAIN
