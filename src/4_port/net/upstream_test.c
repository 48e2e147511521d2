/* SPDX-License-Identifier: Apache-2.0
 * Calls and what becomes of them, with engines that behave and engines that do not.
 * upstream_life_test.c has cancelling, closing, back-pressure and memory. */
#include "base/panic.h"
#include "base/scoped.h"
#include "tap.h"
#include "upstream_fake_engine.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define OK_3 OK "Content-Length: 3\r\nX-Model: m\r\n\r\nabc"

static struct upstream_limits standard_limits(void)
{
    struct upstream_limits limits;

    upstream_limits_default(&limits);
    return limits;
}

static struct str now_sent; /* what `answer_once` and others send */

/* --- engines that behave ------------------------------------------------------------------- */

static char last_request[4096];

static bool answer_all(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(64u << 20);

    (void)number;
    while (fake_read_request(fake, fd, &in)) {
        snprintf(last_request, sizeof last_request, "%.*s", STR(buf_str(&in)));
        fake_send(fake, fd, S(OK_3));
    }
    return false;
}

TEST(a_request_arrives_as_sent_and_the_reply_comes_back)
{
    struct upstream_limits limits = standard_limits();
    scoped(seen_done) struct seen seen = {0};
    struct http_field field = {S("Authorization"), S("Bearer x")};
    struct upstream_request request = {.method = METHOD_POST,
        .path = S("/v1/chat?x=1"),
        .fields = &field,
        .fields_count = 1,
        .body = S("{\"a\":\0\"b\"}"),
        .hooks = &SEEN_HOOKS,
        .user = &seen};
    struct client client;
    struct fake fake;
    struct err err;
    char wanted[256];

    fake_open(&fake, answer_all, NULL);
    client_open_to(&client, &limits, &fake);
    seen.body = buf_of(100);
    seen.call = upstream_send(client.place, &request, &err);
    REQUIRE(seen.call);
    CHECK(upstream_user(seen.call) == &seen && upstream_place_of(seen.call) == client.place);
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE && seen.sent && seen.began && seen.heads == 1);
    CHECK_INT(seen.status, 200);
    CHECK_TEXT(seen.model, "m");
    CHECK_STR(buf_str(&seen.body), "abc");
    snprintf(wanted, sizeof wanted,
        "POST /v1/chat?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer x\r\n"
        "Content-Length: 10\r\n\r\n{\"a\":", fake.port);
    CHECK_TEXT(last_request, wanted);
    client_close(&client);
    fake_close(&fake);
}

TEST(a_reply_that_comes_at_once_is_told_at_once)
{
    struct upstream_limits limits = standard_limits();
    scoped(seen_done) struct seen seen = {.body = buf_of(100)};
    struct upstream_request request = {
        .path = S("/"), .hooks = &SEEN_WHOLE_HOOKS, .user = &seen};
    struct client client;
    struct fake fake;
    struct err err;

    fake_open(&fake, answer_all, NULL);
    client_open_to(&client, &limits, &fake);
    seen.call = upstream_send(client.place, &request, &err);
    CHECK(client_turn(&client, &seen.wholes, 1));
    CHECK_INT(seen.status, 200);
    CHECK_STR(buf_str(&seen.body), "abc");
    CHECK(!seen.heads && !seen.ends && upstream_place_counts(client.place).idle == 1);
    client_close(&client);
    fake_close(&fake);
}

TEST(one_connection_serves_many_calls)
{
    struct upstream_limits limits = standard_limits();
    struct client client;
    struct fake fake;

    fake_open(&fake, answer_all, NULL);
    client_open_to(&client, &limits, &fake);
    for (int i = 0; i < 200; i++) {
        scoped(seen_done) struct seen seen = {0};
        seen_send(&seen, &client, i % 2 ? METHOD_GET : METHOD_POST, "/", S(""));
        REQUIRE(client_turn(&client, &seen.ends, 1));
        CHECK(seen.how == UPSTREAM_WHOLE);
    }
    struct upstream_counts counts = upstream_place_counts(client.place);
    CHECK(counts.calls == 200 && counts.connects == 1 && counts.reused == 199);
    CHECK(counts.open == 1 && counts.idle == 1 && !counts.retried);
    CHECK_INT(fake.accepted, 1);
    client_close(&client);
    fake_close(&fake);
}

TEST(a_unix_socket_serves_as_well)
{
    struct upstream_limits limits = standard_limits();
    scoped(seen_done) struct seen seen = {0};
    struct client client;
    struct fake fake;
    char path[64];

    snprintf(path, sizeof path, "/tmp/upstream_test.%d", getpid());
    fake_open(&fake, answer_all, path);
    client_open_to(&client, &limits, &fake);
    seen_send(&seen, &client, METHOD_PUT, "/x", S("body"));
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE);
    CHECK_TEXT(last_request,
        "PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody");
    client_close(&client);
    fake_close(&fake);
}

static bool stream_on_demand(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    fake_read_request(fake, fd, &in);
    fake_send(fake, fd, S(OK "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 1; i <= 20; i++) {
        fake_wait_go(fake, i);
        fake_send(fake, fd, S("7;x=y\r\ndata: a\r\n"));
    }
    fake_wait_go(fake, 21);
    fake_send(fake, fd, S("0\r\nX-Trailer: y\r\n\r\n"));
    fake_hang(fake, fd);
    return false;
}

TEST(pieces_of_a_stream_come_as_they_are_sent)
{
    struct upstream_limits limits = standard_limits();
    scoped(seen_done) struct seen seen = {0};
    struct client client;
    struct fake fake;

    fake_open(&fake, stream_on_demand, NULL);
    client_open_to(&client, &limits, &fake);
    seen_send(&seen, &client, METHOD_POST, "/", S("x"));
    CHECK(client_turn(&client, &seen.heads, 1));
    for (int i = 1; i <= 20; i++) {
        CHECK_INT(seen.pieces, i - 1);
        fake.go = i;
        REQUIRE(client_turn(&client, &seen.pieces, i));
    }
    CHECK_INT(seen.ends, 0);
    fake.go = 21;
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE && seen.body.len == 140);
    CHECK(upstream_place_counts(client.place).idle == 1);
    client_close(&client);
    fake_close(&fake);
}

/* --- one reply, then the end of the connection ----------------------------------------------- */

static bool answer_and_close(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, now_sent);
    return false;
}

static bool answer_bytewise(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in))
        fake_send_bytewise(fake, fd, now_sent);
    return false;
}

static bool answer_and_reset(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    fake_send(fake, fd, now_sent);
    fake_wait_go(fake, 1); /* a reset may overtake what was sent */
    fake_reset(fd);
    return true;
}

static bool answer_and_hang(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in) && fake_send(fake, fd, now_sent))
        fake_hang(fake, fd);
    return false;
}

/* The outcome of one call to an engine that sends `bytes`. */
static void ask(struct seen *seen, bool (*script)(struct fake *, int, int), struct str bytes,
    enum http_method method)
{
    struct upstream_limits limits = standard_limits();
    struct client client;
    struct fake fake;

    now_sent = bytes;
    limits.upstream_head_bytes_max = 4096;
    limits.upstream_stall_ms = 300;
    limits.upstream_head_ms = 300;
    fake_open(&fake, script, NULL);
    client_open_to(&client, &limits, &fake);
    seen_send(seen, &client, method, "/", S(""));
    if (script == answer_and_reset) {
        client_turn(&client, &seen->heads, 1);
        fake.go = 1;
    }
    CHECK(client_turn(&client, &seen->ends, 1));
    CHECK(seen->sent);
    client_close(&client);
    fake_close(&fake);
}

#define ROW(text) {text, sizeof(text) - 1}

TEST(each_way_to_end_has_its_name)
{
    static const struct {
        bool (*script)(struct fake *, int, int);
        struct str bytes;
        enum upstream_how how;
        const char *code, *body;
    } ROWS[] = {
        /* clang-format off */
        {answer_and_close, ROW(OK_3), UPSTREAM_WHOLE, "", "abc"},
        {answer_bytewise, ROW(OK_3), UPSTREAM_WHOLE, "", "abc"},
        {answer_and_close, ROW(OK "\r\nuntil the end"), UPSTREAM_WHOLE, "", "until the end"},
        {answer_and_close, ROW("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            UPSTREAM_WHOLE, "", "x"},
        {answer_and_close, ROW(OK_3 "more than promised"), UPSTREAM_WHOLE, "", "abc"},
        {answer_and_hang, ROW(OK "Content-Length: 1\r\nConnection: close\r\n\r\nx"),
            UPSTREAM_WHOLE, "", "x"},
        {answer_and_reset, ROW(OK "\r\nuntil"), UPSTREAM_TORN, "reply_torn", "until"},
        {answer_and_close, ROW(""), UPSTREAM_TORN, "no_reply", ""},
        {answer_and_close, ROW("HTTP/1.1 200 O"), UPSTREAM_TORN, "reply_torn", ""},
        {answer_and_close, ROW(OK "Content-Length: 9\r\n\r\nabc"),
            UPSTREAM_TORN, "reply_torn", "abc"},
        {answer_and_close, ROW(CHUNKED "5\r\nab"), UPSTREAM_TORN, "reply_torn", "ab"},
        {answer_and_close, ROW(CHUNKED "2\r\nab\r\n"), UPSTREAM_TORN, "reply_torn", "ab"},
        {answer_and_close, ROW(CHUNKED "2\r\nab\r\n0\r\n"), UPSTREAM_TORN, "reply_torn", "ab"},
        {answer_and_reset, ROW(OK "Content-Length: 9\r\n\r\nabc"),
            UPSTREAM_TORN, "reply_torn", "abc"},
        {answer_and_hang, ROW(""), UPSTREAM_TIMED_OUT, "head_timeout", ""},
        {answer_and_hang, ROW("HTTP/1.1 100 Continue\r\n\r\n"),
            UPSTREAM_TIMED_OUT, "head_timeout", ""},
        {answer_and_hang, ROW(OK "Content-Length: 9\r\n\r\nabc"),
            UPSTREAM_TIMED_OUT, "stall_timeout", "abc"},
        {answer_and_hang, ROW("<html><h1>Welcome to nginx!</h1>\n"),
            UPSTREAM_BAD_REPLY, "bad_line_end", ""},
        {answer_and_hang, ROW("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            UPSTREAM_BAD_REPLY, "malformed_head", ""},
        {answer_and_hang, ROW(OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            UPSTREAM_BAD_REPLY, "bad_content_length", ""},
        {answer_and_hang, ROW("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
            UPSTREAM_BAD_REPLY, "bad_status", ""},
        {answer_and_hang, ROW(CHUNKED "2\r\nabX"), UPSTREAM_BAD_REPLY, "malformed_chunk", NULL},
        /* clang-format on */
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(seen_done) struct seen seen = {0};
        ask(&seen, ROWS[i].script, ROWS[i].bytes, METHOD_POST);
        if (seen.how != ROWS[i].how || strcmp(seen.code, ROWS[i].code) != 0)
            printf("# row %zu: how %d, %s: %s\n", i, (int)seen.how, seen.code, seen.message);
        CHECK(seen.how == ROWS[i].how);
        CHECK_TEXT(seen.code, ROWS[i].code);
        if (ROWS[i].body)
            CHECK_STR(buf_str(&seen.body), ROWS[i].body);
    }
}

TEST(replies_without_a_body_leave_the_connection_in_order)
{
    struct upstream_limits limits = standard_limits();
    struct client client;
    struct fake fake;
    static const struct {
        enum http_method method;
        struct str bytes;
        int status;
    } ROWS[] = {
        {METHOD_HEAD, ROW(OK "Content-Length: 1000\r\n\r\n"),               200},
        {METHOD_GET,  ROW("HTTP/1.1 204 No Content\r\n\r\n"),               204},
        {METHOD_GET,  ROW("HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n"), 304},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(seen_done) struct seen seen = {0};
        now_sent = ROWS[i].bytes;
        fake_open(&fake, answer_and_hang, NULL);
        client_open_to(&client, &limits, &fake);
        seen_send(&seen, &client, ROWS[i].method, "/", S(""));
        CHECK(client_turn(&client, &seen.ends, 1));
        CHECK(seen.how == UPSTREAM_WHOLE && seen.status == ROWS[i].status && !seen.pieces);
        CHECK(upstream_place_counts(client.place).idle == 1);
        client_close(&client);
        fake_close(&fake);
    }
}

/* --- without end ----------------------------------------------------------------------------- */

static bool send_for_ever(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    fake_send(fake, fd, S(OK "X: "));
    while (fake_send(fake, fd, now_sent) && fake->taken_bytes < 200l << 20)
        ;
    return false;
}

static bool inform_for_ever(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    while (fake_send(fake, fd, S("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")) &&
           fake->taken_bytes < 200l << 20)
        ;
    return false;
}

TEST(an_endless_head_is_cut_off_early)
{
    static char line[1 << 20];
    scoped(seen_done) struct seen one = {0}, other = {0};

    memset(line, 'a', sizeof line);
    ask(&one, send_for_ever, (struct str){line, sizeof line}, METHOD_POST);
    CHECK(one.how == UPSTREAM_BAD_REPLY && !one.began);
    CHECK_TEXT(one.code, "reply_head_too_long");
    ask(&other, inform_for_ever, S(""), METHOD_POST);
    CHECK(other.how == UPSTREAM_BAD_REPLY && !other.began);
    CHECK_TEXT(other.code, "too_many_informational");
}

static bool drip_head(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    while (fake_send(fake, fd, S("H"))) {
        now_sent = S("");
        usleep(20000);
        if (fake->taken_bytes == 1)
            fake_send(fake, fd, S("TTP/1.1 200 OK\r\nX: "));
    }
    return false;
}

TEST(a_head_in_drops_is_late_all_the_same)
{
    scoped(seen_done) struct seen seen = {0};

    ask(&seen, drip_head, S(""), METHOD_POST);
    CHECK(seen.how == UPSTREAM_TIMED_OUT);
    CHECK_TEXT(seen.code, "head_timeout");
}

/* --- no connection --------------------------------------------------------------------------- */

static void ask_url(struct seen *seen, const char *url)
{
    struct upstream_limits limits = standard_limits();
    struct client client;

    limits.upstream_connect_ms = 2000;
    client_open(&client, &limits, url, NULL, NULL);
    seen_send(seen, &client, METHOD_POST, "/", S("body"));
    CHECK(!upstream_sent(seen->call));
    CHECK(client_turn(&client, &seen->ends, 1));
    CHECK(!seen->sent && !seen->began && seen->kind == ERR_PEER);
    CHECK_INT(upstream_place_counts(client.place).idle, 0);
    client_close(&client);
}

TEST(no_connection_is_said_with_its_reason)
{
    scoped(seen_done) struct seen refused = {0}, missing = {0}, unknown = {0};
    struct fake fake;
    char url[64];

    fake_open(&fake, NULL, NULL); /* a port that was free a moment ago */
    snprintf(url, sizeof url, "http://127.0.0.1:%u", fake.port);
    fake_close(&fake);
    ask_url(&refused, url);
    CHECK(refused.how == UPSTREAM_REFUSED);
    CHECK_TEXT(refused.code, "connection_refused");
    CHECK(strstr(refused.message, url) == refused.message);
    ask_url(&missing, "unix:/nonexistent/socket");
    CHECK(missing.how == UPSTREAM_REFUSED);
    CHECK_TEXT(missing.code, "socket_missing");
    ask_url(&unknown, "http://nobody.invalid:80");
    CHECK(unknown.how == UPSTREAM_REFUSED || unknown.how == UPSTREAM_TIMED_OUT);
    if (unknown.how == UPSTREAM_REFUSED) /* else there is no name server to deny it */
        CHECK_TEXT(unknown.code, "name_unknown");
}

/* A listener whose queue is full answers nobody. */
TEST(a_connection_that_does_not_come_times_out)
{
    struct upstream_limits limits = standard_limits();
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    struct seen seen[8] = {0};
    struct client client;
    char url[64];
    int late = 0, listener = socket(AF_INET, SOCK_STREAM, 0);

    REQUIRE(bind(listener, (struct sockaddr *)&in, sizeof in) == 0 && listen(listener, 0) == 0);
    getsockname(listener, (struct sockaddr *)&in, &len);
    snprintf(url, sizeof url, "http://localhost:%u/", ntohs(in.sin_port));
    limits.upstream_connect_ms = 300;
    limits.upstream_head_ms = 300;
    client_open(&client, &limits, url, NULL, NULL);
    for (size_t i = 0; i < COUNT(seen); i++)
        seen_send(&seen[i], &client, METHOD_GET, "/", S(""));
    for (size_t i = 0; i < COUNT(seen); i++) {
        CHECK(client_turn(&client, &seen[i].ends, 1));
        CHECK(seen[i].how == UPSTREAM_TIMED_OUT);
        late += strcmp(seen[i].code, "connect_timeout") == 0 && !seen[i].sent;
    }
    CHECK(late > 0);
    client_close(&client);
    close(listener);
}

TEST(a_name_is_looked_up)
{
    struct upstream_limits limits = standard_limits();
    scoped(seen_done) struct seen seen = {0};
    struct client client;
    struct fake fake;
    char name[128], url[256];
    struct addrinfo *found = NULL;

    REQUIRE(gethostname(name, sizeof name) == 0);
    if (getaddrinfo(name, NULL, NULL, &found) != 0)
        return; /* this machine does not know its own name */
    freeaddrinfo(found);
    fake_open(&fake, answer_all, NULL);
    snprintf(url, sizeof url, "http://%s:%u", name, fake.port);
    client_open(&client, &limits, url, NULL, NULL);
    seen_send(&seen, &client, METHOD_GET, "/", S(""));
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE);
    client_close(&client);
    fake_close(&fake);
}

TEST(what_is_no_place_is_refused)
{
    static const char *const URLS[] = {"", "http://", "ftp://a:1", "http://a:0", "http://a:65536",
        "http://a:1/v1", "http://a b", "http://a:1x", "unix:", "unix:relative", "http://[::1",
        "http://user@a", "https://a:1" /* without an authority to trust */};
    struct upstream_limits limits = standard_limits();
    struct upstream_place *place = NULL;
    struct client client;
    struct err err;

    client_open(&client, &limits, "http://[::1]:1/", NULL, NULL);
    for (size_t i = 0; i < COUNT(URLS); i++) {
        CHECK(!upstream_place_open(client.upstream, URLS[i], NULL, NULL, &place, &err));
        CHECK_TEXT(err.code, "bad_place");
    }
    CHECK(!place);
    client_close(&client);
}

TEST(what_is_no_request_is_refused)
{
    static const struct http_field BAD[] = {
        {ROW("Content-Length"),    ROW("3")               },
        {ROW("Transfer-Encoding"), ROW("chunked")         },
        {ROW("Host"),              ROW("other")           },
        {ROW("X"),                 ROW("y\r\nHost: other")},
    };
    struct upstream_limits limits = standard_limits();
    struct client client;
    struct err err;

    client_open(&client, &limits, "http://127.0.0.1:1", NULL, NULL);
    for (size_t i = 0; i <= COUNT(BAD); i++) {
        struct upstream_request request = {.path = i < COUNT(BAD) ? S("/") : S("/a b"),
            .fields = &BAD[i % COUNT(BAD)],
            .fields_count = i < COUNT(BAD),
            .hooks = &SEEN_HOOKS};
        CHECK(!upstream_send(client.place, &request, &err));
        CHECK_TEXT(err.code, "bad_request");
    }
    CHECK_INT(upstream_place_counts(client.place).calls, 0);
    client_close(&client);
}

TAP_MAIN
