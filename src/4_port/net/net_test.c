/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "net_test_words.h"
#include "os/fd.h"
#include "tap.h"

#include <sys/socket.h>
#include <unistd.h>

#define REPLY_BYTES_MAX (64u << 20)
#define SECOND "GET /second HTTP/1.1\r\n" H CLOSE "\r\n"

TEST(a_request_is_answered_with_what_the_handler_said)
{
    scoped(buf_done) struct buf out = buf_of(REPLY_BYTES_MAX);
    struct site site;

    site_init(&site);
    site_open(&site);
    CHECK(client_ask(
        &site, S("POST /a%20b?x=1 HTTP/1.1\r\n" H CLOSE "Content-Length: 3\r\n\r\nabc"), &out));
    CHECK_INT(client_status(buf_str(&out)), 200);
    CHECK(str_ends(
        buf_str(&out), S("\r\nX-Path: /a b\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")));
    CHECK_INT(client_count(buf_str(&out), "\r\nDate: "), 1);
    site_close(&site);
    CHECK_INT(site.requests, 1);
}

/* Each is followed by a second, plain request. `status` 0: both are right. Else this is the only
 * reply, and the handler sees neither: nothing can be smuggled in. */
static const struct {
    int status;
    const char *why;
    struct str bytes;
} BATTERY[] = {
#define ROW(status, why, text)                                                                     \
    {                                                                                              \
        status, why,                                                                               \
        {                                                                                          \
            text, sizeof(text) - 1                                                                 \
        }                                                                                          \
    }
    ROW(0, "plain", "GET / HTTP/1.1\r\n" H "\r\n"),
    ROW(0, "length", P "Content-Length: 3\r\n\r\nabc"),
    ROW(0, "chunked", P "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ROW(0, "empty line in front", "\r\nGET / HTTP/1.1\r\n" H "\r\n"),
    ROW(0, "HTTP/1.0 kept alive", "GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n"),
    ROW(0, "upgrade is not taken",
        "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ROW(400, "CL and TE", P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "TE and CL", P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    ROW(400, "two lengths", P "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"),
    ROW(400, "two equal lengths", P "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(400, "list of lengths", P "Content-Length: 3, 3\r\n\r\nabc"),
    ROW(400, "plus", P "Content-Length: +3\r\n\r\nabc"),
    ROW(400, "minus", P "Content-Length: -3\r\n\r\nabc"),
    ROW(400, "hex", P "Content-Length: 0x3\r\n\r\nabc"),
    ROW(400, "huge length", P "Content-Length: 18446744073709551619\r\n\r\nabc"),
    ROW(400, "empty length", P "Content-Length: \r\n\r\n"),
    ROW(400, "bare LF", "GET / HTTP/1.1\nHost: localhost\n\n"),
    ROW(400, "one bare LF", "GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
    ROW(400, "bare CR", "GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"),
    ROW(400, "obs-fold", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"),
    ROW(400, "folded coding", P "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "NUL", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"),
    ROW(400, "space before colon", P "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "coding twice",
        P "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    ROW(400, "coding list", P "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "odd coding", P "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "TE on 1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ROW(400, "no Host", "GET / HTTP/1.1\r\n\r\n"),
    ROW(400, "no Host on 1.0", "GET / HTTP/1.0\r\n\r\n"),
    ROW(400, "two Hosts", "GET / HTTP/1.1\r\n" H H "\r\n"),
    ROW(400, "odd Host", "GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    ROW(421, "foreign Host", "GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n"),
    ROW(421, "foreign address", "GET / HTTP/1.1\r\nHost: 192.168.1.1\r\n\r\n"),
    ROW(400, "absolute target", "GET http://localhost/ HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "two spaces", "GET  / HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "no path", "GET x HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "dot segments", "GET /a/../b HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "encoded dot segments", "GET /a/%2e%2e/b HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "encoded slash", "GET /a%2fb HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "encoded NUL", "GET /a%00 HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "bad escape", "GET /%zz HTTP/1.1\r\n" H "\r\n"),
    ROW(505, "HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n"),
    ROW(400, "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ROW(505, "no version", "GET /\r\n" H "\r\n"),
    ROW(501, "CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" H "\r\n"),
    ROW(501, "TRACE", "TRACE / HTTP/1.1\r\n" H "\r\n"),
    ROW(400, "method of ours", "XYZZY / HTTP/1.1\r\n" H "\r\n"),
    ROW(417, "odd expectation", P "Expect: tea\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(400, "chunk with bare LF", P "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
    ROW(400, "chunk extension", P "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n"),
    ROW(400, "chunk too long", P "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
    ROW(400, "chunk size minus", P "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n"),
    ROW(400, "chunk size hex mark", P "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
    ROW(400, "chunk size overflow",
        P "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ROW(400, "trailer", P "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n"),
    ROW(400, "last line bare LF", P "Transfer-Encoding: chunked\r\n\r\n0\r\n\n"),
    ROW(400, "TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ROW(403, "foreign origin", P "Origin: http://evil.example\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(403, "origin null", P "Origin: null\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(403, "origin of another port",
        P "Origin: http://localhost:99\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(403, "origin of another scheme",
        P "Origin: https://localhost\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(0, "own origin", P "Origin: http://localhost\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(0, "listed origin", P "Origin: https://desk.home.arpa\r\nContent-Length: 3\r\n\r\nabc"),
    ROW(0, "foreign origin that changes nothing",
        "GET / HTTP/1.1\r\n" H "Origin: http://evil.example\r\n\r\n"),
    ROW(0, "own name", "GET / HTTP/1.1\r\nHost: Node.Home.Arpa:8443\r\n\r\n"),
};

static void open_battery_site(struct site *site)
{
    static const char *const NAMES[] = {"node.home.arpa", NULL};
    static const char *const ORIGINS[] = {"https://desk.home.arpa", NULL};

    site_init(site);
    site->config.names = NAMES;
    site->config.origins = ORIGINS;
    site_open(site);
}

static void check_battery_row(struct site *site, size_t i, struct str reply, int requests_before)
{
    int wanted = BATTERY[i].status, seen = site->requests - requests_before;
    size_t replies = client_count(reply, "\r\nDate: ");
    bool right = wanted ? client_status(reply) == wanted && replies == 1 && seen == 0 &&
                              client_count(reply, "{\"error\":{\"message\":\"") == 1 &&
                              client_count(reply, "Connection: close\r\n") == 1
                        : client_status(reply) == 200 && replies == 2 && seen == 2;
    if (!right)
        printf("# %s: %zu replies, %d handled: %.*s\n", BATTERY[i].why, replies, seen, STR(reply));
    CHECK(right);
}

TEST(the_battery_is_answered_right_or_refused_and_nothing_is_smuggled)
{
    struct site site;

    open_battery_site(&site);
    for (size_t i = 0; i < COUNT(BATTERY); i++) {
        scoped(buf_done) struct buf in = buf_of(4096), out = buf_of(1 << 20);
        int before = site.requests;
        buf_add(&in, BATTERY[i].bytes);
        buf_add(&in, S(SECOND));
        CHECK(client_ask(&site, buf_str(&in), &out));
        check_battery_row(&site, i, buf_str(&out), before);
    }
    site_close(&site);
}

TEST(the_battery_byte_by_byte_gives_the_same)
{
    struct site site;
    int on = 1;

    open_battery_site(&site);
    for (size_t i = 0; i < COUNT(BATTERY); i++) {
        scoped(buf_done) struct buf in = buf_of(4096), out = buf_of(1 << 20);
        scoped(fd_done) int fd = client_connect(&site);
        int before = site.requests;
        buf_add(&in, BATTERY[i].bytes);
        buf_add(&in, S(SECOND));
        setsockopt(fd, 6, 1, &on, sizeof on); /* TCP_NODELAY */
        for (size_t at = 0; at < in.len; at++)
            client_send(fd, (struct str){in.at + at, 1});
        CHECK(client_read_all(fd, &out));
        check_battery_row(&site, i, buf_str(&out), before);
    }
    site_close(&site);
}

TEST(heads_and_bodies_beyond_their_limit_get_431_and_413)
{
    scoped(buf_done) struct buf in = buf_of(REPLY_BYTES_MAX);
    struct site site;

    site_init(&site);
    site_open(&site);
    buf_add(&in, S("GET / HTTP/1.1\r\n" H "X: "));
    while (in.len < 200000)
        buf_add(&in, S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    check_refused(&site, buf_str(&in), 431, "head_too_long");
    /* refused from its length: the body never comes */
    check_refused(&site, S(P "Content-Length: 131073\r\n\r\n"), 413, "body_too_long");
    buf_clear(&in);
    buf_add(&in, S(P "Transfer-Encoding: chunked\r\n\r\n"));
    while (in.len < 1000000)
        buf_add(&in, S("10\r\nxxxxxxxxxxxxxxxx\r\n"));
    check_refused(&site, buf_str(&in), 413, "body_too_long");
    /* 3 MB that nobody wants must not turn the answer into a reset */
    buf_clear(&in);
    buf_add(&in, S(P "Content-Length: 3000000\r\n\r\n"));
    while (in.len < 3000000)
        buf_add(&in, S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    check_refused(&site, buf_str(&in), 413, "body_too_long");
    struct http_server_counts counts = site_counts(&site);
    CHECK_INT(counts.requests, 0);
    CHECK_INT(counts.input_bytes, 0);
    site_close(&site);
}

TEST(a_body_up_to_the_limit_comes_whole)
{
    scoped(buf_done) struct buf in = buf_of(REPLY_BYTES_MAX), out = buf_of(REPLY_BYTES_MAX);
    struct site site;

    site_init(&site);
    site_open(&site);
    buf_add(&in, S(P CLOSE "Content-Length: 131072\r\n\r\n"));
    size_t start = in.len;
    for (unsigned i = 0; i < 131072; i++)
        buf_add_char(&in, (char)(i % 251));
    CHECK(client_ask(&site, buf_str(&in), &out));
    CHECK_INT(client_status(buf_str(&out)), 200);
    CHECK(str_ends(buf_str(&out), (struct str){in.at + start, 131072}));
    site_close(&site);
}

TEST(slow_senders_get_408_and_silent_ones_are_closed)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;

    site_init(&site);
    site.config.limits.head_ms = site.config.limits.body_ms = site.config.limits.idle_ms = 100;
    site.config.limits.linger_ms = 50;
    site_open(&site);
    check_refused(&site, S("GET / HTTP/1.1\r\nHost: lo"), 408, "head_timeout");
    check_refused(&site, S(P "Content-Length: 5\r\n\r\nab"), 408, "body_timeout");
    check_refused(&site, S(P "Transfer-Encoding: chunked\r\n\r\n5\r\nab"), 408, "body_timeout");
    CHECK(client_ask(&site, S(""), &out));
    CHECK_INT(out.len, 0);
    /* kept alive, then idle: closed without a word */
    CHECK(client_ask(&site, S("GET / HTTP/1.1\r\n" H "\r\n"), &out));
    CHECK_INT(client_count(buf_str(&out), "HTTP/1.1 "), 1);
    site_close(&site);
}

TEST(dripping_bytes_do_not_prolong_the_head)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;
    ssize_t sent;

    site_init(&site);
    site.config.limits.head_ms = 200;
    site.config.limits.linger_ms = 50;
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S("GET / HTTP/1.1\r\nX: "));
    for (int i = 0; i < 2000; i++) { /* 20 s; the server ends it after 0.2 */
        usleep(10000);
        sent = send(fd, "x", 1, MSG_NOSIGNAL);
        if (sent != 1 || recv(fd, &(char){0}, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            break;
    }
    client_read_until(fd, &out, "head_timeout");
    CHECK_INT(client_status(buf_str(&out)), 408);
    site_close(&site);
}

TAP_MAIN
