/* SPDX-License-Identifier: Apache-2.0
 * Event streams of dashboards: what is written together, brief bodies, stages, queue and house. The
 * judge is FAKE. A pause of a minute ends when the node stops, so no test waits for one. */
#include "base/scoped.h"
#include "gateway/gateway_harness.h"
#include "os/fd.h"
#include "tap.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LONG_PAUSE "stream_pause_ms", 60000
#define NODES_ANSWER "{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:[]}"

static struct node node;
static struct fake_judge judge;

static void open_both(json_t *settings, int64_t entries)
{
    judge_open(&judge, entries);
    node_open(&node, settings, NULL);
    judge_join(&judge, &node);
}

static void close_both(void)
{
    node_close(&node);
    judge_close(&judge);
}

static void send_request(int fd, const char *query, const char *head)
{
    char request[512];

    snprintf(request, sizeof request, "GET /api/v1/events%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
        query, head);
    client_send(fd, request);
}

static int subscribe(const char *query, const char *head)
{
    int fd = client_open(&node);

    send_request(fd, query, head);
    return fd;
}

/* In another's name than loopback's. */
static int subscribe_by_socket(const char *query)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s/api.sock", node.home);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        abort();
    send_request(fd, query, "");
    return fd;
}

/* All that the judge said before is with the gateway: an answer came behind it. */
static void settle(void)
{
    struct reply reply;

    ask(&node, "POST", "/api/v1/query", "", "{\"query\":\"echo\"}", &reply);
    CHECK_INT(reply.status, 200);
    reply_done(&reply);
}

static void tell(int count)
{
    while (count--)
        judge_tell(&judge);
    settle();
}

static int count_of(const char *text, const char *mark)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, mark)); at++)
        count++;
    return count;
}

/* Bytes of the chunk in which `mark` stands: one write is one chunk. */
static const char *chunk_with(struct buf *text, const char *mark, size_t *ret_len)
{
    const char *at = strstr(buf_text(text), "\r\n\r\n");

    for (at = at ? at + 4 : NULL; at && *at;) {
        char *body;
        size_t len = strtoul(at, &body, 16);
        if (memmem(body + 2, len, mark, strlen(mark))) {
            *ret_len = len;
            return body + 2;
        }
        at = body + 2 + len + 2;
    }
    return NULL;
}

/* --- together ------------------------------------------------------------------------------ */

TEST(what_comes_in_a_pause_is_one_write_and_the_first_waits_for_nothing)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);
    size_t len = 0;

    open_both(json_pack("{s:i}", LONG_PAUSE), 10);
    scoped(fd_done) int fd = subscribe("", "");
    CHECK(client_until(fd, &text, ": events follow\n\n"));
    judge_tell(&judge);
    CHECK(client_until(fd, &text, "\"seq\":11,"));
    tell(5);
    CHECK(!strstr(buf_text(&text), "\"seq\":12,"));
    close_both();
    CHECK(client_ended(fd, &text));
    CHECK(stream_has_run(&text, 11, 16));
    const char *chunk = chunk_with(&text, "\"seq\":12,", &len);
    CHECK(chunk && memmem(chunk, len, "\"seq\":16,", 9));
}

TEST(much_is_not_gathered_but_written_before_the_pause_ends)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    open_both(json_pack("{s:i, s:i}", LONG_PAUSE, "stream_gather_bytes_max", 1024), 0);
    scoped(fd_done) int fd = subscribe("", "");
    CHECK(client_until(fd, &text, ": events follow\n\n"));
    tell(40); /* more than two kilobytes */
    CHECK(client_until(fd, &text, "\"seq\":30,"));
    close_both();
    CHECK(client_ended(fd, &text));
    CHECK(stream_has_run(&text, 1, 40));
}

TEST(who_comes_in_a_pause_sees_nothing_twice_and_misses_nothing)
{
    scoped(buf_done) struct buf first = buf_of(1 << 20), from_now = buf_of(1 << 20),
                                back = buf_of(1 << 20), ahead = buf_of(1 << 20);

    open_both(json_pack("{s:i}", LONG_PAUSE), 10);
    scoped(fd_done) int a = subscribe("", "");
    CHECK(client_until(a, &first, ": events follow\n\n"));
    judge_tell(&judge);
    CHECK(client_until(a, &first, "\"seq\":11,"));
    tell(2); /* 12 and 13 are gathered */
    scoped(fd_done) int b = subscribe("?form=brief", "");
    CHECK(client_until(b, &from_now, ": events follow\n\n"));
    scoped(fd_done) int c = subscribe("", "Last-Event-ID: 8\r\n");
    CHECK(client_until(c, &back, "\"seq\":13,"));
    scoped(fd_done) int d = subscribe("", "Last-Event-ID: 900\r\n");
    CHECK(client_until(d, &ahead, ": events follow\n\n"));
    settle(); /* its page was answered: there was none */
    tell(3);
    close_both();
    CHECK(client_ended(a, &first) && client_ended(b, &from_now) && client_ended(c, &back));
    CHECK(client_ended(d, &ahead));
    CHECK(stream_has_run(&first, 11, 16));
    CHECK(stream_has_run(&from_now, 14, 16));
    CHECK(stream_has_run(&back, 9, 16));
    CHECK(stream_has_run(&ahead, 14, 16));
}

static void say_judged(int64_t seq)
{
    judge_say(&judge,
        message_make(MESSAGE_event, "{s:I, s:s, s:s, s:s, s:{s:{s:s}, s:{s:s, s:s, s:s, s:[]}}}",
            "seq", (json_int_t)seq, "kind", "case_judged", "case", "01J00000000000000000000000",
            "at", "2026-11-21T02:47:01.123Z", "body", "question", "action", "node_list", "verdict",
            "verdict", "permit", "tier", "observe", "words", "yes", "reasons"));
    settle();
}

TEST(brief_and_full_streams_have_the_same_entries)
{
    scoped(buf_done) struct buf full = buf_of(1 << 20), brief = buf_of(1 << 20);

    open_both(json_pack("{s:i}", LONG_PAUSE), 10);
    scoped(fd_done) int a = subscribe("?form=full", ""), b = subscribe("?form=brief", "");
    CHECK(client_until(a, &full, ": events follow\n\n"));
    CHECK(client_until(b, &brief, ": events follow\n\n"));
    say_judged(11);
    say_judged(12);
    close_both();
    CHECK(client_ended(a, &full) && client_ended(b, &brief));
    CHECK(stream_has_run(&full, 11, 12) && stream_has_run(&brief, 11, 12));
    CHECK_INT(count_of(buf_text(&full), "\"question\":{\"action\":\"node_list\"}"), 2);
    CHECK_INT(count_of(buf_text(&brief), "question"), 0);
    CHECK_INT(count_of(buf_text(&brief), "\"body\":{\"verdict\":{\"verdict\":\"permit\",\"tier\":"
                                         "\"observe\",\"words\":\"yes\"}}}\n\n"),
        2);
}

TEST(what_a_stream_is_asked_for_is_checked_word_by_word)
{
    static const char *const WRONG[][2] = {{"?form=short", "form"}, {"?form=", "form"},
        {"?with=house,sky", "with"}, {"?with=house;queue", "with"}};
    struct reply reply;

    open_both(NULL, 0);
    for (size_t i = 0; i < COUNT(WRONG); i++) {
        char path[96];
        snprintf(path, sizeof path, "/api/v1/events%s", WRONG[i][0]);
        ask(&node, "GET", path, "", NULL, &reply);
        CHECK_INT(reply.status, 400);
        CHECK_TEXT(reply_code(&reply), "bad_value");
        CHECK_TEXT(
            json_string_value(json_object_get(json_object_get(reply.json, "error"), "param")),
            WRONG[i][1]);
        reply_done(&reply);
    }
    ask(&node, "GET", "/api/v1/events?with=house&without=queue", "", NULL, &reply);
    CHECK_TEXT(reply_code(&reply), "unknown_field");
    reply_done(&reply);
    close_both();
}

/* --- the house -------------------------------------------------------------------------------- */

static void nodes_are(const char *who, const char *tower, const char *nas)
{
    judge_answers(&judge, who,
        json_pack(NODES_ANSWER, "words", "so", "nodes", "node", "tower", "health", tower, "node",
            "nas", "health", nas, "proof"));
}

TEST(the_house_is_told_whole_and_then_what_changed)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    judge_open(&judge, 0);
    nodes_are("nodes", "ok", "unknown");
    node_open(&node, json_pack("{s:i, s:i}", "house_ms", 100, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    scoped(fd_done) int fd = subscribe("?with=house", "");
    CHECK(client_until(fd, &text, "event: house\ndata: {\"whole\":true,\"at_ms\":"));
    CHECK(client_until(fd, &text,
        "\"nodes\":[{\"node\":\"tower\",\"health\":\"ok\"},{\"node\":"
        "\"nas\",\"health\":\"unknown\"}]}\n\n"));
    nodes_are("nodes", "critical", "unknown");
    CHECK(client_until(fd, &text, "{\"whole\":false,\"at_ms\":"));
    CHECK(client_until(fd, &text, "\"nodes\":[{\"node\":\"tower\",\"health\":\"critical\"}]}\n\n"));
    judge_answers(&judge, "nodes",
        json_pack("{s:[{s:s, s:s}]}", "nodes", "node", "nas", "health", "unknown"));
    buf_clear(&text);
    CHECK(client_until(fd, &text, "{\"whole\":true,\"at_ms\":"));
    CHECK(client_until(fd, &text, "\"nodes\":[{\"node\":\"nas\",\"health\":\"unknown\"}]}\n\n"));
    CHECK(!strstr(buf_text(&text), "id: "));
    close_both();
}

TEST(numbers_of_a_node_go_along_and_how_many_have_none)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    judge_open(&judge, 0);
    judge_answers(&judge, "nodes",
        json_pack("{s:[{s:s, s:{s:i}}, {s:s}], s:i}", "nodes", "node", "nas", "vitals", "cpu", 7,
            "node", "pve", "vitals_left_out", 1));
    node_open(&node, json_pack("{s:i, s:i}", "house_ms", 100, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    scoped(fd_done) int fd = subscribe("?with=house", "");
    CHECK(client_until(fd, &text,
        "\"nodes\":[{\"node\":\"nas\",\"vitals\":{\"cpu\":7}},{\"node\":\"pve\"}],\"vitals_left_"
        "out\":1}"
        "\n\n"));
    judge_answers(&judge, "nodes",
        json_pack("{s:[{s:s, s:{s:i}}, {s:s}]}", "nodes", "node", "nas", "vitals", "cpu", 8, "node",
            "pve"));
    CHECK(client_until(fd, &text, "\"nodes\":[{\"node\":\"nas\",\"vitals\":{\"cpu\":8}}]}\n\n"));
    close_both();
}

TEST(whoever_may_not_ask_for_the_nodes_gets_a_remark_and_no_house)
{
    scoped(buf_done) struct buf ours = buf_of(1 << 20), theirs = buf_of(1 << 20);

    judge_open(&judge, 0);
    nodes_are("nodes", "ok", "ok");
    judge_answers(&judge, "nodes loopback", json_string("not_granted"));
    node_open(&node, json_pack("{s:i, s:i}", "house_ms", 100, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    scoped(fd_done) int refused = subscribe("?with=house", ""),
                        allowed = subscribe_by_socket("?with=house");
    CHECK(client_until(refused, &theirs, ": house: refused as asked\n"));
    CHECK(client_until(allowed, &ours, "{\"whole\":true,"));
    nodes_are("nodes", "ok", "critical");
    CHECK(client_until(allowed, &ours, "{\"whole\":false,"));
    close_both();
    CHECK(client_ended(refused, &theirs));
    CHECK(!strstr(buf_text(&theirs), "event: house"));
}

TEST(a_house_that_cannot_be_had_yet_is_said_and_comes_later)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    judge_open(&judge, 0);
    nodes_are("nodes", "ok", "ok");
    judge_refuses(&judge, "nodes", "sick");
    judge_refuses(&judge, "nodes", "sick");
    node_open(&node, json_pack("{s:i, s:i}", "house_ms", 100, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    scoped(fd_done) int fd = subscribe("?with=house", "");
    CHECK(client_until(fd, &text, "{\"whole\":true,"));
    CHECK_INT(count_of(buf_text(&text), ": house: not yet: refused as asked\n"), 1);
    close_both();
}

static void say_rules(int64_t seq)
{
    judge_say(&judge,
        message_make(MESSAGE_event, "{s:I, s:s, s:s, s:s, s:{s:s}}", "seq", (json_int_t)seq, "kind",
            "kb_loaded", "case", "", "at", "2026-11-21T02:47:01.123Z", "body", "rules", "r"));
}

TEST(with_other_rules_everybody_is_asked_for_anew)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    judge_open(&judge, 0);
    nodes_are("nodes", "ok", "ok");
    node_open(&node, json_pack("{s:i, s:i}", "house_ms", 60000, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    scoped(fd_done) int fd = subscribe("?with=house", "");
    CHECK(client_until(fd, &text, "{\"whole\":true,"));
    judge_answers(&judge, "nodes", json_string("not_granted"));
    say_rules(1);
    CHECK(client_until(fd, &text, ": house: refused as asked\n"));
    nodes_are("nodes", "ok", "critical");
    say_rules(2);
    CHECK(client_until(fd, &text, "\"health\":\"critical\""));
    CHECK_INT(count_of(buf_text(&text), "\"whole\":true"), 2);
    close_both();
}

TEST(a_hundred_dashboards_of_one_person_are_one_question)
{
    enum { DASHBOARDS = 100 };
    int fds[DASHBOARDS];

    judge_open(&judge, 0);
    nodes_are("nodes", "ok", "ok");
    node_open(&node, json_pack("{s:i}", "house_ms", 60000), NULL);
    judge_join(&judge, &node);
    for (int i = 0; i < DASHBOARDS; i++) {
        scoped(buf_done) struct buf text = buf_of(1 << 20);
        fds[i] = subscribe("?with=house&form=brief", "");
        CHECK(client_until(fds[i], &text, "{\"whole\":true,"));
    }
    CHECK_INT(judge.asked, 1);
    for (int i = 0; i < DASHBOARDS; i++)
        close(fds[i]);
    close_both();
}

/* --- who waits, and how far the hands are ------------------------------------------------------
 */

static json_t *pool_row(const char *name)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:[s], s:s, s:i, s:i, s:s, s:n, s:n, s:{}}",
        "pool", name, "host", "tower", "kind", "cpu", "mask", "", "vram_mib", 0, "words", "w",
        "serves", "any", "engine", "llama", "slots", 2, "context", 1024, "kv", "f16", "url",
        "loaded", "load_ms_learned");
}

static void table_is(json_t *pools)
{
    judge_answers(&judge, "inference",
        json_pack("{s:[{s:s, s:s, s:s, s:n, s:s, s:i, s:i, s:i, s:i, s:n, s:s, s:n}], s:o, s:[]}",
            "hosts", "host", "tower", "agent", "local", "words", "w", "wake", "sleep", "never",
            "boot_s", 30, "min_on_s", 0, "min_off_s", 0, "wakes_per_hour", 9, "boot_ms_learned",
            "power", "unknown", "since_ms", "pools", pools, "measured"));
}

TEST(the_queue_is_told_at_the_beginning_and_when_it_changed)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    judge_open(&judge, 0);
    table_is(json_pack("[o]", pool_row("gpu0")));
    node_open(&node, json_pack("{s:i, s:i}", "queue_ms", 10, "stream_pause_ms", 0), NULL);
    judge_join(&judge, &node);
    settle();
    scoped(fd_done) int fd = subscribe("?with=queue", "");
    CHECK(client_until(fd, &text, "event: queue\ndata: {\"at_ms\":"));
    CHECK(client_until(fd, &text, "\"requests\":[]}\n\n"));
    table_is(json_pack("[o, o]", pool_row("gpu0"), pool_row("gpu1")));
    say_rules(1);
    CHECK(client_until(fd, &text,
        "{\"pool\":\"gpu1\",\"host\":\"tower\",\"state\":\"empty\","
        "\"model\":null,\"stage\":"));
    CHECK(client_until(fd, &text,
        "\"busy\":0,\"slots\":2,\"tokens_per_s\":0,\"makes_way\":null}],\"requests\":[]"));
    judge_say(&judge, message_make(MESSAGE_make_way, "{s:[{s:s, s:s}]}", "pools", "pool", "gpu1",
                          "words", "somebody plays"));
    CHECK(client_until(fd, &text, "\"makes_way\":null},{\"pool\":\"gpu1\""));
    CHECK(client_until(fd, &text, "\"makes_way\":\"somebody plays\"}],\"requests\":[]"));
    judge_say(&judge, message_make(MESSAGE_make_way, "{s:[]}", "pools"));
    judge_say(&judge, message_make(MESSAGE_make_way, "{s:[s, i, {s:i}]}", "pools", "x", 7, "pool",
                          9)); /* what no judge of ours says */
    judge_say(&judge, message_make(MESSAGE_make_way, "{s:[{s:s, s:s}]}", "pools", "pool", "gpu0",
                          "words", "late"));
    CHECK(client_until(fd, &text, "\"makes_way\":\"late\"},{\"pool\":\"gpu1\""));
    close_both();
}

static void say_stage(const char *id, const char *stage, const char *words)
{
    judge_say(&judge, message_make(MESSAGE_stage, "{s:s, s:s, s:s, s:I}", "case", id, "stage",
                          stage, "words", words, "at_ms", (json_int_t)1763700000000));
}

static void say_opened(int64_t seq, const char *id)
{
    judge_say(
        &judge, message_make(MESSAGE_event, "{s:I, s:s, s:s, s:s, s:{s:s, s:{s:s, s:s}, s:{s:s}}}",
                    "seq", (json_int_t)seq, "kind", "case_opened", "case", id, "at",
                    "2026-11-21T02:47:01.123Z", "body", "action", "pool_load", "params", "pool",
                    "gpu0", "model", "tiny", "by", "principal", "person:owner"));
}

TEST(stages_name_what_they_are_of_and_words_of_one_stage_do_not_flood)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);
    static const char CASE[] = "01J0000000000000000000000A";

    judge_open(&judge, 0);
    table_is(json_pack("[o]", pool_row("gpu0")));
    node_open(&node, json_pack("{s:i, s:i}", "queue_ms", 600000, LONG_PAUSE), NULL);
    judge_join(&judge, &node);
    settle();
    scoped(fd_done) int fd = subscribe("?with=stages", ""), without = subscribe("", "");
    CHECK(client_until(fd, &text, ": events follow\n\n"));
    scoped(buf_done) struct buf plain = buf_of(1 << 20);
    CHECK(client_until(without, &plain, ": events follow\n\n"));
    say_opened(1, CASE);
    say_stage(CASE, "loading", "first");
    for (int i = 0; i < 100; i++)
        say_stage(CASE, "loading", "more");
    say_stage(CASE, "ready", "it is there");
    say_stage("01J0000000000000000000000B", "waking", "of before");
    settle();
    close_both();
    CHECK(client_ended(fd, &text) && client_ended(without, &plain));
    CHECK_INT(count_of(buf_text(&text), "event: stage\n"), 3);
    CHECK(strstr(buf_text(&text),
        "event: stage\ndata: {\"case\":\"01J0000000000000000000000A\",\"action\":\"pool_load\","
        "\"host\":\"tower\",\"pool\":\"gpu0\",\"stage\":\"loading\",\"words\":\"first\",\"at_ms\":"
        "1763700000000,\"since_ms\":"));
    CHECK(strstr(buf_text(&text), "\"action\":null,\"host\":null,\"pool\":null,\"stage\":\"waking\""
                                  ",\"words\":\"of before\",\"at_ms\":1763700000000,\"since_ms\":"
                                  "1763700000000,\"expected_ms\":null}\n\n"));
    const char *opened = strstr(buf_text(&text), "\nid: 1\n"),
               *loading = strstr(buf_text(&text), "\"loading\""),
               *ready = strstr(buf_text(&text), "\"ready\"");
    CHECK(opened && opened < loading && loading < ready);
    CHECK(stream_has_run(&plain, 1, 1) && !strstr(buf_text(&plain), "event: stage"));
}

TAP_MAIN
