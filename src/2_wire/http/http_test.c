/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "http/chunks.h"
#include "http/plain.h"
#include "tap.h"

/* The status a head gets, 0 if it is good. The guard sees it in pieces of `step` bytes. */
static int status_in_steps(struct str bytes, size_t step, struct http_head *ret_head)
{
    struct http_guard guard = {0};
    size_t whole = 0;

    for (size_t len = step < bytes.len ? step : bytes.len;;
        len = len + step < bytes.len ? len + step : bytes.len) {
        const struct http_refusal *refusal =
            http_guard_look(&guard, (struct str){bytes.at, len}, 32768, &whole);
        if (refusal)
            return refusal->status;
        if (whole || len == bytes.len)
            break;
    }
    if (!whole)
        return -1;
    static struct http_head slow;
    const struct http_refusal *refusal =
        http_head_parse((struct str){bytes.at, whole}, ret_head);
    CHECK(refusal == http_head_parse_slowly((struct str){bytes.at, whole}, &slow));
    CHECK(refusal || (slow.method == ret_head->method &&
                         slow.fields_count == ret_head->fields_count &&
                         slow.keep_alive == ret_head->keep_alive && slow.minor == ret_head->minor &&
                         slow.content_length == ret_head->content_length));
    return refusal ? refusal->status : 0;
}

static int status_of(struct str bytes)
{
    struct http_head head;
    int at_once = status_in_steps(bytes, bytes.len, &head);

    for (size_t step = 1; step < 8; step++)
        CHECK_INT(status_in_steps(bytes, step, &head), at_once);
    return at_once;
}

TEST(a_plain_request_is_read)
{
    struct http_head head;
    REQUIRE(status_in_steps(S("GET /a/b?x=1&y HTTP/1.1\r\nHost: localhost:80\r\nX-Empty:\r\n"
                              "accept: \t a, b \r\n\r\n"), 1000, &head) == 0);
    CHECK_INT(head.method, METHOD_GET);
    CHECK_STR(http_head_str(&head, head.path), "/a/b");
    CHECK_STR(http_head_str(&head, head.query), "x=1&y");
    CHECK_STR(http_head_str(&head, head.host), "localhost:80");
    CHECK_STR(http_head_field(&head, S("Accept")), "a, b");
    CHECK(http_head_field(&head, S("X-Empty")).at && http_head_field(&head, S("X-Empty")).len == 0);
    CHECK(!http_head_field(&head, S("Cookie")).at);
    CHECK(head.keep_alive && !head.chunked && !head.expects_continue);
}

TEST(body_framing_and_connection_wishes_are_read)
{
    struct http_head head;
    REQUIRE(!status_in_steps(
        S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n"
                               "Connection: close\r\n\r\n"), 1000, &head));
    CHECK(head.content_length == 12 && !head.keep_alive && head.expects_continue);
    REQUIRE(!status_in_steps(
        S("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"), 99, &head));
    CHECK(head.chunked && head.keep_alive);
    REQUIRE(!status_in_steps(
        S("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), 99, &head));
    CHECK(!head.keep_alive && head.minor == 0);
    REQUIRE(!status_in_steps(
        S("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), 99, &head));
    CHECK(head.keep_alive);
    REQUIRE(!status_in_steps(
        S("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"), 99, &head));
    CHECK(head.keep_alive);
}

static bool is_plain(struct str lines)
{
    struct http_head_field fields[HTTP_FIELDS_MAX];
    struct http_wishes wishes;
    uint16_t count;

    return http_plain_fields(lines, 0, fields, &count, &wishes);
}

TEST(what_everybody_sends_needs_no_llhttp_and_what_has_two_readings_goes_there)
{
    CHECK(is_plain(S("Host: a:1\r\nUser-Agent: x (y; z)\r\nAccept: */*\r\nContent-Length: 930\r\n"
                     "Authorization: Bearer abc\r\nContent-Type: application/json\r\n"
                     "connection: Keep-Alive \r\nX-Empty:\r\nX-Tab:\t a\t\r\n\r\n")));
    CHECK(is_plain(S("\r\n")));
    CHECK(is_plain(S("X: gr\xc3\xbc\xc3\x9f and so long that whole blocks of it are looked at\r\n"
                     "\r\n")));
    CHECK(!is_plain(S("Connection: close, x\r\n\r\n")));
    CHECK(!is_plain(S("Connection: close\r\nConnection: close\r\n\r\n")));
    CHECK(!is_plain(S("Connection: close\t\r\n\r\n"))); /* no end of a word to llhttp */
    CHECK(!is_plain(S("Content-Length: 1\t\r\n\r\n")));
    CHECK(!is_plain(S("Upgrade: h2c\r\n\r\n")));
    CHECK(!is_plain(S("Proxy-Connection: close\r\n\r\n")));
    CHECK(!is_plain(S("Transfer-Encoding: chunked\r\n\r\n")));
    CHECK(!is_plain(S("Content-Length: 1\r\ncontent-length: 1\r\n\r\n")));
    CHECK(!is_plain(S("Content-Length: +1\r\n\r\n")));
    CHECK(!is_plain(S("Content-Length: 1, 1\r\n\r\n")));
    CHECK(!is_plain(S("Content-Length:\r\n\r\n")));
    CHECK(!is_plain(S("Content-Length: 1234567890123456789\r\n\r\n")));
    CHECK(!is_plain(S("X: a\nY: b\r\n\r\n")));
    CHECK(!is_plain(S("X: a\rY: b\r\n\r\n")));
    CHECK(!is_plain(S("X : a\r\n\r\n")));
    CHECK(!is_plain(S(" X: a\r\n\r\n")));
    CHECK(!is_plain(S("X: a\r\n b\r\n\r\n")));
    CHECK(!is_plain(S(": a\r\n\r\n")));
    CHECK(!is_plain(S("X: a\r\n")));
    CHECK(!is_plain(S("X: a")));
    CHECK(!is_plain(S("X")));
    CHECK(!is_plain(S("")));
    CHECK(!is_plain(S("\r\n\r\n")));
    CHECK(!is_plain(S("X: a\x7f 0123456789abcdef0123456789abcdef\r\n\r\n")));
    CHECK(!is_plain(S("X: 0123456789abcdef0123456789abcd\0\r\n\r\n")));
}

TEST(more_fields_than_there_is_room_for_are_not_plain)
{
    scoped(buf_done) struct buf lines = buf_of(4096);

    for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
        buf_add(&lines, S("X: y\r\n"));
    buf_add(&lines, S("\r\n"));
    CHECK(is_plain(buf_str(&lines)));
    lines.len -= 2;
    buf_add(&lines, S("X: y\r\n\r\n"));
    CHECK(!is_plain(buf_str(&lines)));
}

#define R "GET / HTTP/1.1\r\n"
#define H "Host: a\r\n"
#define P "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct {
    int status;
    struct str bytes;
} HEADS[] = {
    {0, {"\r\n" R H "\r\n", 2 + 16 + 9 + 2}}, /* one empty line in front is custom */
    {0, {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 31}},
#define ROW(status, text) {status, {text, sizeof(text) - 1}}
    ROW(0, R "hOsT: a\r\n\r\n"),
    ROW(0, P "Content-Length: 0\r\n\r\n"),
    ROW(0, R H "X: gr\xc3\xbc\xc3\x9f\r\n\r\n"),
    ROW(400, "\r\n\r\n" R H "\r\n"),
    ROW(400, "\n" R H "\r\n"),
    ROW(400, "GET / HTTP/1.1\nHost: a\n\n"),
    ROW(400, R "Host: a\nX: b\r\n\r\n"),
    ROW(400, R "Host: a\rX: b\r\n\r\n"),
    ROW(400, R H "X: a\r\r\n\r\n"),
    ROW(400, R H "\r\r\n"),
    ROW(400, R H "\rX: a\r\n\r\n"),
    ROW(400, R H "X: a\0b\r\n\r\n"),
    ROW(400, R H "X: a\x01" "b\r\n\r\n"),
    ROW(400, R H "X: a\x7f\r\n\r\n"),
    ROW(400, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, R H "X: a\r\n b\r\n\r\n"),
    ROW(400, R H "X: a\r\n\tb\r\n\r\n"),
    ROW(400, R " Host: a\r\n\r\n"),
    ROW(400, R "Host : a\r\n\r\n"),
    ROW(400, R H ": a\r\n\r\n"),
    ROW(400, R H "X\r\n\r\n"),
    ROW(400, R H "X Y: a\r\n\r\n"),
    ROW(400, R H "X\xc3\xbc: a\r\n\r\n"),
    ROW(400, R H "X(): a\r\n\r\n"),
    ROW(400, R "\r\n"),
    ROW(400, "GET / HTTP/1.0\r\n\r\n"),
    ROW(400, R H H "\r\n"),
    ROW(400, R "Host: a\r\nhost: b\r\n\r\n"),
    ROW(400, R "Host:\r\n\r\n"),
    ROW(400, R "Host: a b\r\n\r\n"),
    ROW(400, R "Host: a/b\r\n\r\n"),
    ROW(400, R "Host: a:b\r\n\r\n"),
    ROW(400, R "Host: a:0\r\n\r\n"),
    ROW(400, R "Host: a:65536\r\n\r\n"),
    ROW(400, R "Host: [::1\r\n\r\n"),
    ROW(400, R "Host: a, b\r\n\r\n"),
    ROW(400, R "Host: user@a\r\n\r\n"),
    ROW(400, P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    ROW(400, P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    ROW(400, P "Content-Length: 5, 5\r\n\r\n"),
    ROW(400, P "Content-Length: +5\r\n\r\n"),
    ROW(400, P "Content-Length: -5\r\n\r\n"),
    ROW(400, P "Content-Length: 0x5\r\n\r\n"),
    ROW(400, P "Content-Length: 5 5\r\n\r\n"),
    ROW(400, P "Content-Length: 05\r\n\r\n"),
    ROW(400, P "Content-Length:\r\n\r\n"),
    ROW(400, P "Content-Length: 99999999999999999999\r\n\r\n"),
    ROW(400, P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: chunked, chunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: chunked, identity\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: identity\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: xchunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding: \x0b" "chunked\r\n\r\n"),
    ROW(400, P "Transfer-Encoding : chunked\r\n\r\n"),
    ROW(400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW(400, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(505, "GET /\r\nHost: a\r\n\r\n"),
    ROW(505, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    ROW(400, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "G\xc3T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(400, "\x16\x03\x01\x02"), /* a TLS hello on a plain port */
    ROW(501, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(501, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ROW(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ROW(505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    ROW(505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    ROW(417, P "Expect: tea\r\n\r\n"),
    ROW(-1, "GET / HTTP/1.1\r\nHost: a\r\n"),
    ROW(-1, "GET / HTTP/1.1\r\nHost: a\r\n\r"),
};

TEST(malformed_and_ambiguous_heads_are_refused_however_they_are_split)
{
    for (size_t i = 0; i < COUNT(HEADS); i++) {
        int got = status_of(HEADS[i].bytes);
        if (got != HEADS[i].status)
            printf("# row %zu: %.*s\n", i, STR(HEADS[i].bytes));
        CHECK_INT(got, HEADS[i].status);
    }
}

TEST(a_head_beyond_the_limit_gets_431_and_up_to_it_does_not)
{
    scoped(buf_done) struct buf head = buf_of(1 << 20);
    struct http_guard guard = {0};
    size_t whole;

    buf_add(&head, S(R H "X: "));
    while (head.len < 32768 - 4)
        buf_add_char(&head, 'x');
    buf_add(&head, S("\r\n\r\n"));
    CHECK(!http_guard_look(&guard, buf_str(&head), 32768, &whole) && whole == 32768);
    head.len -= 4;
    buf_add(&head, S("x\r\n\r\n"));
    CHECK_INT(status_of(buf_str(&head)), 431);
}

TEST(a_hundred_headers_are_taken_and_one_more_gets_431)
{
    scoped(buf_done) struct buf head = buf_of(1 << 20);

    buf_add(&head, S(R H));
    for (int i = 1; i < HTTP_FIELDS_MAX; i++)
        buf_add(&head, S("X: y\r\n"));
    buf_add(&head, S("\r\n"));
    CHECK_INT(status_of(buf_str(&head)), 0);
    head.len -= 2;
    buf_add(&head, S("X: y\r\n\r\n"));
    CHECK_INT(status_of(buf_str(&head)), 431);
}

TEST(paths_are_decoded_once_and_never_mean_two_things)
{
    char out[64];
    size_t len;
    REQUIRE(http_path_decode(S("/a%20b/%C3%BC"), out, &len));
    CHECK_STR(((struct str){out, len}), "/a b/\xc3\xbc");
    REQUIRE(http_path_decode(S("/%2541"), out, &len));
    CHECK_STR(((struct str){out, len}), "/%41");
    CHECK(http_path_decode(S("/..a/.b/..."), out, &len));
    CHECK(!http_path_decode(S("/a/../b"), out, &len));
    CHECK(!http_path_decode(S("/a/%2e%2E"), out, &len));
    CHECK(!http_path_decode(S("/."), out, &len));
    CHECK(!http_path_decode(S("/a%2fb"), out, &len));
    CHECK(!http_path_decode(S("/a%00"), out, &len));
    CHECK(!http_path_decode(S("/a%0a"), out, &len));
    CHECK(!http_path_decode(S("/a%4"), out, &len));
    CHECK(!http_path_decode(S("/a%"), out, &len));
    CHECK(!http_path_decode(S("/a%zz"), out, &len));
    CHECK(!http_path_decode(S("/%c0%af"), out, &len));
    CHECK(!http_path_decode(S(""), out, &len));
    CHECK(!http_path_decode(S("*"), out, &len));
}

TEST(segments_are_counted_from_zero)
{
    CHECK_STR(http_path_segment(S("/api/v1/x"), 0), "api");
    CHECK_STR(http_path_segment(S("/api/v1/x"), 2), "x");
    CHECK(!http_path_segment(S("/api/v1/x"), 3).at);
    CHECK(http_path_segment(S("/"), 0).at && !http_path_segment(S("/"), 0).len);
    CHECK(!http_path_segment(S("/"), 1).at);
    CHECK(http_path_segment(S("/a/"), 1).at && !http_path_segment(S("/a/"), 2).at);
}

TEST(query_values_are_found_decoded_or_refused_by_name)
{
    scoped(buf_done) struct buf out = buf_of(64);
    struct err err;
    bool found;

    REQUIRE(http_query_value(S("a=1&b=two%20w+o&b=3"), S("b"), &out, &found, &err));
    CHECK(found);
    CHECK_STR(buf_str(&out), "two w o");
    CHECK(http_query_value(S("ab=1"), S("a"), &out, &found, &err) && !found);
    CHECK(!http_query_value(S("a=%zz"), S("a"), &out, &found, &err));
    CHECK_TEXT(err.param, "a");
    CHECK(!http_query_value(S("a=%00"), S("a"), &out, &found, &err));
    CHECK(!http_query_value(S("a=%ff"), S("a"), &out, &found, &err));
    CHECK_STR(buf_str(&out), "two w o");
}

TEST(loopback_names_are_those_no_stranger_can_own)
{
    CHECK(http_host_is_loopback(S("LocalHost")));
    CHECK(http_host_is_loopback(S("a.localhost")));
    CHECK(http_host_is_loopback(S("127.0.0.1")) && http_host_is_loopback(S("127.9.9.9")));
    CHECK(http_host_is_loopback(S("[::1]")));
    CHECK(!http_host_is_loopback(S("127.0.0.1.evil.example")));
    CHECK(!http_host_is_loopback(S("127.0.0")) && !http_host_is_loopback(S("127.0.0.1.")));
    CHECK(!http_host_is_loopback(S("notlocalhost")) && !http_host_is_loopback(S("192.168.0.1")));
}

TEST(a_reply_head_has_its_fields_and_takes_no_smuggled_line)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    char date[HTTP_DATE_BYTES];
    struct http_field fields[] = {{S("X-A"), S("b")}};
    http_date(1795229221123, date);
    struct http_reply_head head = {.status = 404,
        .framing = HTTP_LENGTH,
        .length = 120,
        .close = true,
        .date = str_from(date),
        .content_type = S("text/plain"),
        .fields = fields,
        .fields_count = 1};

    REQUIRE(http_reply_head_encode(&head, &out));
    CHECK_STR(buf_str(&out), "HTTP/1.1 404 Not Found\r\nDate: Sat, 21 Nov 2026 02:47:01 GMT\r\n"
                             "Content-Type: text/plain\r\nX-A: b\r\nContent-Length: 120\r\n"
                             "Connection: close\r\n\r\n");
    size_t before = out.len;
    fields[0].value = S("b\r\nSet-Cookie: c");
    CHECK(!http_reply_head_encode(&head, &out));
    fields[0] = (struct http_field){S("X: y\r\nZ"), S("")};
    CHECK(!http_reply_head_encode(&head, &out));
    CHECK_INT(out.len, before);
}

/* The status of a chunked body fed in pieces of `step` bytes; what follows it must stay. */
static int chunks_in_steps(struct str bytes, size_t step, struct buf *body, size_t *ret_used)
{
    scoped(http_chunks_done) struct http_chunks *chunks = http_chunks_make();
    bool whole = false;
    size_t used, at = 0;

    while (at < bytes.len && !whole) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        const struct http_refusal *refusal =
            http_chunks_feed(chunks, (struct str){bytes.at + at, len}, body, &used, &whole);
        if (refusal)
            return refusal->status;
        at += used;
    }
    *ret_used = at;
    return whole ? 0 : -1;
}

static const struct {
    int status;
    struct str bytes, body;
    size_t rest;
} BODIES[] = {
    /* clang-format off */
#define BODY(status, text, body, rest)                                                             \
    {status, {text, sizeof(text) - 1}, {body, sizeof(body) - 1}, rest}
    BODY(0, "0\r\n\r\n", "", 0),
    BODY(0, "3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    BODY(0, "3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\nGET /", "abc0123456789", 5),
    BODY(0, "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0),
    BODY(-1, "3\r\nab", "", 0),
    BODY(400, "3\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "3\r\nabc\n0\r\n\r\n", "", 0),
    BODY(400, "3\r\nabcd\r\n0\r\n\r\n", "", 0),
    BODY(400, "3;ext=1\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "3;a\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "3 \r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, " 3\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "0x3\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "-3\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "+3\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "\r\nabc\r\n0\r\n\r\n", "", 0),
    BODY(400, "3\r\nabc\r\n0\r\nX: y\r\n\r\n", "", 0),
    BODY(400, "3\r\nabc\r\n0\r\n\n", "", 0),
    BODY(400, "3\r\nabc\r\n0\n\r\n", "", 0),
    BODY(400, "3\r\nabc\r\n0\r\nX", "", 0),
    BODY(400, "ffffffffffffffff0\r\n", "", 0),
    BODY(413,
        "ffffffff\r\n01234567890123456789012345678901234567890123456789012345678901234", "", 0),
    /* clang-format on */
};

TEST(chunked_bodies_are_right_or_refused_however_they_are_split)
{
    for (size_t i = 0; i < COUNT(BODIES); i++)
        for (size_t step = 1; step < 70; step++) {
            scoped(buf_done) struct buf body = buf_of(64);
            size_t used = 0;
            int got = chunks_in_steps(BODIES[i].bytes, step, &body, &used);
            if (got != BODIES[i].status)
                printf("# row %zu step %zu: %.*s\n", i, step, STR(BODIES[i].bytes));
            CHECK_INT(got, BODIES[i].status);
            if (got != 0)
                continue;
            CHECK(str_eq(buf_str(&body), BODIES[i].body));
            CHECK_INT(BODIES[i].bytes.len - used, BODIES[i].rest);
        }
}

TEST(a_body_of_nothing_but_framing_is_refused)
{
    scoped(buf_done) struct buf zeros = buf_of(1 << 20), body = buf_of(1 << 20);
    size_t used;

    while (zeros.len < 8192)
        buf_add_char(&zeros, '0');
    CHECK_INT(chunks_in_steps(buf_str(&zeros), 100, &body, &used), 400);
}

TAP_MAIN
