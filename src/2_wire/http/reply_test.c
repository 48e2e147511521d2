/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "http/reply.h"
#include "tap.h"

#define HEAD_BYTES_MAX 4096

/* What a client got out of `bytes`, fed in pieces of `step`. */
struct outcome {
    const char *code; /* NULL: not refused */
    struct http_reply reply;
    struct buf head_text, body; /* the head's fields as text: the reply points into what is gone */
    bool head, end, keep_alive, ends_at_close;
    size_t used;
};

static void outcome_done(struct outcome *out)
{
    buf_done(&out->head_text);
    buf_done(&out->body);
}

static void note_head(struct outcome *out)
{
    for (size_t i = 0; i < out->reply.fields_count; i++) {
        struct http_field field = http_reply_field_at(&out->reply, i);
        buf_printf(&out->head_text, "%.*s=%.*s;", STR(field.name), STR(field.value));
    }
}

static struct outcome read_in_steps(struct str bytes, size_t step, enum http_method method)
{
    struct outcome out = {.head_text = buf_of(1 << 20), .body = buf_of(1 << 20)};
    struct http_reply_reader reader = {0};
    struct http_reply_news news = {0};

    http_reply_begin(&reader, method, HEAD_BYTES_MAX);
    while (out.used < bytes.len && !out.end) {
        size_t len = bytes.len - out.used < step ? bytes.len - out.used : step;
        char *piece = malloc(len);
        check(piece);
        memcpy(piece, bytes.at + out.used, len);
        const struct http_refusal *refusal =
            http_reply_feed(&reader, piece, len, &out.reply, &news);
        if (refusal) {
            out.code = refusal->code;
        } else {
            if (news.head)
                note_head(&out);
            out.head = out.head || news.head;
            buf_add(&out.body, news.body);
        }
        http_reply_settle(&reader);
        free(piece);
        if (refusal)
            break;
        out.used += news.used;
        out.end = news.end;
    }
    out.keep_alive = out.end && news.keep_alive;
    out.ends_at_close = http_reply_ends_at_close(&reader);
    http_reply_reader_done(&reader);
    return out;
}

#define OK "HTTP/1.1 200 OK\r\n"
#define LEN3 OK "Content-Length: 3\r\n\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define AS_LONG_AS(text) {text, sizeof(text) - 1}

/* Its body if the reply is whole; the refusal's code; or neither while more must come. */
static const struct {
    struct str bytes;
    const char *code, *body;
    size_t rest;
} REPLIES[] = {
    /* clang-format off */
#define GOOD(text, body, rest) {{text, sizeof(text) - 1}, NULL, body, rest}
#define BAD(text, code) {{text, sizeof(text) - 1}, code, NULL, 0}
    GOOD(LEN3 "abc", "abc", 0),
    GOOD(LEN3 "abcd", "abc", 1),
    GOOD(LEN3 "abcHTTP/1.1 200 OK\r\n\r\n", "abc", 19),
    GOOD(LEN3 "ab", NULL, 0),
    GOOD(OK "Content-Length: 0\r\n\r\n", "", 0),
    GOOD("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", 0),
    GOOD("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "", 0),
    GOOD("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 0),
    GOOD("HTTP/1.1 204 No Content\r\n\r\nx", "", 1),
    GOOD("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", 0),
    GOOD("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", 0),
    GOOD("HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", "", 0),
    GOOD("HTTP/1.1 100 Continue\r\n\r\n" LEN3 "abc", "abc", 0),
    GOOD("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n" LEN3 "abc", "abc", 0),
    GOOD(CHUNKED "3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD(CHUNKED "3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\nHTTP", "abc0123456789", 4),
    GOOD(CHUNKED "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0),
    GOOD(CHUNKED "3;ext=\"1\"\r\nabc\r\n0;last\r\n\r\n", "abc", 0),
    GOOD(CHUNKED "3\r\nabc\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nz", "abc", 1),
    GOOD(OK "transfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", 0),
    GOOD(CHUNKED "3\r\nabc\r\n0\r\n\r", NULL, 0),
    GOOD(CHUNKED "3\r\nab", NULL, 0),
    GOOD(OK "Content-Le", NULL, 0),

    BAD(OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "*"),
    BAD(OK "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "*"),
    BAD(OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: 3, 3\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: +3\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: -3\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: 0x3\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: 03\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length:\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length: 99999999999999999999\r\n\r\nabc", "bad_content_length"),
    BAD(OK "Content-Length : 3\r\n\r\nabc", "malformed_head"),
    BAD(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    BAD(OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    BAD(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "bad_transfer_encoding"),
    BAD(OK "Transfer-Encoding: identity\r\n\r\nabc", "bad_transfer_encoding"),
    BAD(OK "Transfer-Encoding: xchunked\r\n\r\nabc", "bad_transfer_encoding"),
    BAD("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"),
    BAD("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_transfer_encoding"),
    BAD("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", "bad_content_length"),
    BAD("HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc", "bad_content_length"),
    BAD("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "bad_status"),
    BAD("HTTP/1.1 600 OK\r\n\r\n", "bad_status"),
    BAD("HTTP/1.1 099 OK\r\n\r\n", "*"),
    BAD("HTTP/1.1 20 OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/1.1 2000 OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/1.1  200 OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/1.1 200OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/1.2 200 OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/2.0 200 OK\r\n\r\n", "malformed_head"),
    BAD("HTTP/2 200 OK\r\n\r\n", "malformed_head"),
    BAD("http/1.1 200 OK\r\n\r\n", "malformed_head"),
    BAD("ICY 200 OK\r\n\r\nxxxxxxxxxx", "malformed_head"),
    BAD("<html><body>502</body></html>\r\n\r\n", "malformed_head"),
    BAD("\r\nHTTP/1.1 200 OK\r\n\r\n", "malformed_head"),
    BAD("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_head"),
    BAD("\x16\x03\x01\x02", "control_character"),
    BAD("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bad_line_end"),
    BAD(OK "X: a\nY: b\r\n\r\n", "bad_line_end"),
    BAD(OK "X: a\rY: b\r\n\r\n", "bad_line_end"),
    BAD(OK "X: a\r\n b\r\n\r\n", "folded_header"),
    BAD(OK "X: a\r\n\tb\r\n\r\n", "folded_header"),
    BAD(OK "X: a\0b\r\n\r\n", "control_character"),
    BAD(OK "X: a\x01\r\n\r\n", "control_character"),
    BAD(OK "X\r\n\r\n", "malformed_head"),
    BAD(OK ": a\r\n\r\n", "malformed_head"),
    BAD(OK "X y: a\r\n\r\n", "malformed_head"),

    BAD(CHUNKED "3\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabc\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "-3\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED ";a\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3;a\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3;a\0\r\nabc\r\n0\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabc\r\n0\r\n\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabc\r\n0\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabc\r\n0\r\nX: y\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "3\r\nabc\r\n0\r\n X: y\r\n\r\n", "malformed_chunk"),
    BAD(CHUNKED "8000000000000000\r\n", "malformed_chunk"),
    BAD(CHUNKED "00000000000000001\r\na\r\n", "malformed_chunk"),
    BAD(CHUNKED "fffffffffffffffff\r\n", "malformed_chunk"),
    /* clang-format on */
};

/* "*": llhttp 8 and 9 name it differently. */
static bool refused_as(const char *got, const char *wanted)
{
    return got && (strcmp(wanted, "*") == 0 || strcmp(got, wanted) == 0);
}

TEST(each_reply_is_read_or_refused_the_same_however_it_is_split)
{
    for (size_t i = 0; i < COUNT(REPLIES); i++)
        for (size_t step = 1; step < 90; step++) {
            scoped(outcome_done) struct outcome out =
                read_in_steps(REPLIES[i].bytes, step, METHOD_GET);
            bool good = REPLIES[i].code ? refused_as(out.code, REPLIES[i].code) : !out.code;
            good = good && out.end == (REPLIES[i].body != NULL);
            if (!good)
                printf("# row %zu step %zu: %s: %.*s\n", i, step, out.code ? out.code : "-",
                    STR(REPLIES[i].bytes));
            CHECK(good);
            if (!good || !out.end)
                continue;
            CHECK_STR(buf_str(&out.body), REPLIES[i].body);
            CHECK_INT(REPLIES[i].bytes.len - out.used, REPLIES[i].rest);
            CHECK(out.keep_alive == !strstr(REPLIES[i].bytes.at, "HTTP/1.0"));
        }
}

TEST(status_and_fields_arrive)
{
    for (size_t step = 1; step < 100; step++) {
        scoped(outcome_done) struct outcome out = read_in_steps(
            S("HTTP/1.1 503 Busy\r\nRetry-After: \t 7 \r\nX-Empty:\r\nContent-Length: 0\r\n\r\n"),
            step, METHOD_POST);
        CHECK(out.head && out.end);
        CHECK_INT(out.reply.status, 503);
        CHECK_STR(buf_str(&out.head_text), "Retry-After=7;X-Empty=;Content-Length=0;");
    }
}

TEST(a_field_is_found_without_case)
{
    char text[] = OK "X-Model: a\r\nx-model: b\r\nContent-Length: 0\r\n\r\n";
    struct http_reply_reader reader = {0};
    struct http_reply_news news;
    struct http_reply reply;

    http_reply_begin(&reader, METHOD_GET, HEAD_BYTES_MAX);
    REQUIRE(!http_reply_feed(&reader, text, sizeof text - 1, &reply, &news) && news.head);
    CHECK_STR(http_reply_field(&reply, S("x-MODEL")), "a");
    CHECK(!http_reply_field(&reply, S("X-Mode")).at);
}

TEST(connections_are_kept_as_the_head_says)
{
    static const struct {
        struct str bytes;
        bool keep;
    } ROWS[] = {
        {AS_LONG_AS(OK "Content-Length: 0\r\n\r\n"), true},
        {AS_LONG_AS(OK "Content-Length: 0\r\nConnection: close\r\n\r\n"), false},
        {AS_LONG_AS(OK "Content-Length: 0\r\nConnection: foo, Close\r\n\r\n"), false},
        {AS_LONG_AS("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), false},
        {AS_LONG_AS("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
            true},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        scoped(outcome_done) struct outcome out = read_in_steps(ROWS[i].bytes, 1000, METHOD_GET);
        CHECK(out.end && out.keep_alive == ROWS[i].keep);
    }
}

TEST(a_reply_to_head_has_no_body)
{
    scoped(outcome_done) struct outcome out =
        read_in_steps(S(OK "Content-Length: 1000\r\n\r\n"), 7, METHOD_HEAD);
    CHECK(out.end && !out.body.len);
    CHECK_INT(out.reply.length, 1000);
    scoped(outcome_done) struct outcome chunked = read_in_steps(S(CHUNKED), 7, METHOD_HEAD);
    CHECK(chunked.end && !chunked.body.len);
}

TEST(a_body_without_framing_lasts_until_the_connection_ends)
{
    scoped(outcome_done) struct outcome out =
        read_in_steps(S(OK "\r\nall of it"), 5, METHOD_GET);
    CHECK(!out.end && out.ends_at_close && !out.keep_alive);
    CHECK_STR(buf_str(&out.body), "all of it");
    scoped(outcome_done) struct outcome with_length = read_in_steps(S(LEN3 "ab"), 5, METHOD_GET);
    CHECK(!with_length.ends_at_close);
    scoped(outcome_done) struct outcome half_head = read_in_steps(S(OK "X: "), 5, METHOD_GET);
    CHECK(!half_head.ends_at_close);
}

TEST(chunks_of_one_read_come_side_by_side)
{
    char text[] = CHUNKED "3\r\nabc\r\n4;x=y\r\ndefg\r\n1\r\nh\r\n2\r\ni";
    struct http_reply_reader reader = {0};
    struct http_reply_news news;
    struct http_reply reply;

    http_reply_begin(&reader, METHOD_GET, HEAD_BYTES_MAX);
    REQUIRE(!http_reply_feed(&reader, text, sizeof text - 1, &reply, &news));
    CHECK(news.head && !news.end);
    CHECK_STR(news.body, "abcdefghi");
    CHECK(!reader.kept.at);
}

static const char *code_of(struct buf *text, size_t step)
{
    scoped(outcome_done) struct outcome out = read_in_steps(buf_str(text), step, METHOD_GET);

    return out.code;
}

TEST(each_limit_has_its_refusal)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    buf_add(&text, S(OK "X: "));
    while (text.len < HEAD_BYTES_MAX - 4)
        buf_add_char(&text, 'a');
    buf_add(&text, S("\r\n\r\n"));
    CHECK(!code_of(&text, 1000) && !code_of(&text, 1));
    buf_clear(&text);
    buf_add(&text, S(OK "X: "));
    while (text.len < 2 * HEAD_BYTES_MAX)
        buf_add_char(&text, 'a');
    CHECK(refused_as(code_of(&text, 100000), "reply_head_too_long"));
    CHECK(refused_as(code_of(&text, 1), "reply_head_too_long"));
    CHECK(refused_as(code_of(&text, 999), "reply_head_too_long"));

    for (size_t more = 0; more < 2; more++) {
        buf_clear(&text);
        buf_add(&text, S(OK));
        for (size_t i = 0; i < HTTP_FIELDS_MAX + more; i++)
            buf_add(&text, S("A: b\r\n"));
        buf_add(&text, S("\r\n"));
        const char *code = code_of(&text, 64);
        CHECK(more ? refused_as(code, "too_many_headers") : !code);
    }
    for (size_t more = 0; more < 2; more++) {
        buf_clear(&text);
        for (size_t i = 0; i < HTTP_INFORMATIONAL_MAX + more; i++)
            buf_add(&text, S("HTTP/1.1 100 Continue\r\n\r\n"));
        buf_add(&text, S(LEN3 "abc"));
        const char *code = code_of(&text, 64);
        CHECK(more ? refused_as(code, "too_many_informational") : !code);
    }
}

TEST(extensions_and_trailers_are_bounded)
{
    scoped(buf_done) struct buf text = buf_of(1 << 20);

    buf_add(&text, S(CHUNKED "1;"));
    for (size_t i = 0; i < HTTP_CHUNK_LINE_BYTES_MAX + 1; i++)
        buf_add_char(&text, 'a');
    CHECK(refused_as(code_of(&text, 1), "chunk_line_too_long"));
    CHECK(refused_as(code_of(&text, 1 << 20), "chunk_line_too_long"));
    buf_clear(&text);
    buf_add(&text, S(CHUNKED "0\r\n"));
    for (size_t i = 0; i < HTTP_TRAILER_BYTES_MAX / 5; i++)
        buf_add(&text, S("a: b\r\n"));
    CHECK(!code_of(&text, 1000));
    for (size_t i = 0; i < 20; i++)
        buf_add(&text, S("a: b\r\n"));
    CHECK(refused_as(code_of(&text, 1000), "trailers_too_long"));
}

TEST(a_reader_holds_memory_only_while_a_head_has_come_in_part)
{
    struct http_reply_reader reader = {0};
    struct http_reply_news news;
    struct http_reply reply;
    char one[] = "HTTP/1.1 200 OK\r\nContent-", two[] = "Length: 1\r\n\r\n", three[] = "x";

    http_reply_begin(&reader, METHOD_GET, HEAD_BYTES_MAX);
    REQUIRE(!http_reply_feed(&reader, one, sizeof one - 1, &reply, &news) && !news.head);
    http_reply_settle(&reader);
    CHECK(reader.kept.at);
    REQUIRE(!http_reply_feed(&reader, two, sizeof two - 1, &reply, &news) && news.head);
    CHECK_STR(http_reply_field(&reply, S("content-length")), "1");
    http_reply_settle(&reader);
    CHECK(!reader.kept.at);
    REQUIRE(!http_reply_feed(&reader, three, 1, &reply, &news) && news.end);
    CHECK(!reader.kept.at && news.keep_alive);
}

TEST(a_request_head_is_ours_to_frame)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct http_field field = {S("Content-Type"), S("application/json")};
    static const struct http_field BAD[] = {
        {AS_LONG_AS("Host"),              AS_LONG_AS("a")         },
        {AS_LONG_AS("content-length"),    AS_LONG_AS("3")         },
        {AS_LONG_AS("Transfer-Encoding"), AS_LONG_AS("chunked")   },
        {AS_LONG_AS("connection"),        AS_LONG_AS("close")     },
        {AS_LONG_AS("Keep-Alive"),        AS_LONG_AS("5")         },
        {AS_LONG_AS("Upgrade"),           AS_LONG_AS("h2c")       },
        {AS_LONG_AS("Expect"),            AS_LONG_AS("100-continue")},
        {AS_LONG_AS("TE"),                AS_LONG_AS("trailers")  },
        {AS_LONG_AS("Trailer"),           AS_LONG_AS("X")         },
        {AS_LONG_AS("X"),                 AS_LONG_AS("a\r\nY: b") },
        {AS_LONG_AS("X: y\r\nZ"),         AS_LONG_AS("a")         },
        {AS_LONG_AS(""),                  AS_LONG_AS("a")         },
    };
    REQUIRE(http_request_head_encode(METHOD_POST, S("/v1/x?y=1"), S("engine:1"), &field, 1,
        HTTP_LENGTH, 12, &out));
    CHECK_STR(buf_str(&out), "POST /v1/x?y=1 HTTP/1.1\r\nHost: engine:1\r\nContent-Type: "
                             "application/json\r\nContent-Length: 12\r\n\r\n");
    buf_clear(&out);
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!http_request_head_encode(
            METHOD_GET, S("/"), S("a"), &BAD[i], 1, HTTP_UNTIL_CLOSE, 0, &out));
    static const char *const TARGETS[] = {"", "x", "/a b", "/a\r\nX: y", "/#x", "/\xc3\xbc", "/\t"};
    for (size_t i = 0; i < COUNT(TARGETS); i++)
        CHECK(!http_request_head_encode(
            METHOD_GET, str_from(TARGETS[i]), S("a"), NULL, 0, HTTP_UNTIL_CLOSE, 0, &out));
    CHECK_INT(out.len, 0);
}

TAP_MAIN
