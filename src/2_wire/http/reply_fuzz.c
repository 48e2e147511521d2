/* SPDX-License-Identifier: Apache-2.0
 * Properties: splitting a reply anywhere gives the same head, body, length and answer; nothing is
 * read or written outside of what was fed; a body in chunks without extensions and trailers is what
 * llhttp (chunks.h) makes of it; of a head the short way (plain.h) and llhttp give the same answer.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "http/chunks.h"
#include "http/plain.h"

#include <stdlib.h>

#define BODY_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    bool refused, head, end, keep_alive, at_close;
    int status;
    enum http_body framing;
    size_t used, head_used;
    struct buf text, body;
};

static void note_head(struct outcome *out, const struct http_reply *reply)
{
    out->head = true;
    out->status = reply->status;
    out->framing = reply->framing;
    for (size_t i = 0; i < reply->fields_count; i++) {
        struct http_field field = http_reply_field_at(reply, i);
        check(http_field_valid(field));
        buf_printf(&out->text, "%.*s: %.*s\n", STR(field.name), STR(field.value));
    }
}

static struct outcome read_in_steps(struct str bytes, size_t step, enum http_method method)
{
    static struct http_reply reply;
    struct outcome out = {.text = buf_of(1 << 20), .body = buf_of(BODY_BYTES_MAX)};
    struct http_reply_reader reader = {0};
    struct http_reply_news news;

    http_reply_begin(&reader, method, 4096);
    while (out.used < bytes.len && !out.end && !out.refused) {
        size_t len = bytes.len - out.used < step ? bytes.len - out.used : step;
        scoped(free_done) char *copy = malloc(len);
        check(copy);
        memcpy(copy, bytes.at + out.used, len);
        out.refused = http_reply_feed(&reader, copy, len, &reply, &news) != NULL;
        if (!out.refused) {
            check(news.used <= len && (news.used == len || news.end));
            if (news.head)
                note_head(&out, &reply);
            buf_add(&out.body, news.body);
            out.used += news.used;
            out.end = news.end;
            out.keep_alive = news.keep_alive;
        }
        http_reply_settle(&reader);
    }
    out.at_close = http_reply_ends_at_close(&reader);
    http_reply_reader_done(&reader);
    return out;
}

static void outcome_done(struct outcome *out)
{
    buf_done(&out->text);
    buf_done(&out->body);
}

/* The parser of requests refuses extensions, trailers and waste: what it takes must be the same. */
static void compare_with_chunks(struct str bytes, const struct outcome *mine)
{
    static const char HEAD[] = "\r\n\r\n";
    scoped(http_chunks_done) struct http_chunks *chunks = http_chunks_make();
    scoped(buf_done) struct buf body = buf_of(BODY_BYTES_MAX);
    const char *end = memmem(bytes.at, bytes.len, HEAD, 4);
    size_t used;
    bool whole = false;

    if (!end || memmem(bytes.at, bytes.len, "HTTP/1.1 1", 10))
        return;
    struct str rest = {end + 4, bytes.len - (size_t)(end + 4 - bytes.at)};
    if (!rest.len || http_chunks_feed(chunks, rest, &body, &used, &whole) || !whole)
        return;
    check(!mine->refused && mine->end);
    check(mine->used == used + (size_t)(rest.at - bytes.at));
    check(str_eq(buf_str(&body), buf_str(&mine->body)));
}

static void compare_ways(struct str bytes, bool to_head_request)
{
    static struct http_reply one, other;
    struct http_guard guard = {0};
    size_t whole = 0;

    if (http_guard_look(&guard, bytes, 4096, &whole) || !whole || guard.start)
        return;
    scoped(free_done) char *copy = malloc(whole);
    check(copy);
    memcpy(copy, bytes.at, whole);
    struct str head = {copy, whole};
    const struct http_refusal *refusal = http_reply_parse(head, to_head_request, &one);
    check(refusal == http_reply_parse_slowly(head, to_head_request, &other));
    if (refusal)
        return;
    check(one.status == other.status && one.minor == other.minor && one.length == other.length);
    check(one.framing == other.framing && one.keep_alive == other.keep_alive);
    check(one.fields_count == other.fields_count);
    for (size_t i = 0; i < one.fields_count; i++) {
        struct http_field a = http_reply_field_at(&one, i), b = http_reply_field_at(&other, i);
        check(str_eq(a.name, b.name) && str_eq(a.value, b.value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum http_method method = data[0] & 0x80 ? METHOD_HEAD : METHOD_GET;
    struct str bytes = {(const char *)data + 1, size - 1};
    scoped(outcome_done) struct outcome one = read_in_steps(bytes, bytes.len, method);
    scoped(outcome_done) struct outcome other = read_in_steps(bytes, data[0] % 32u + 1, method);

    compare_ways(bytes, method == METHOD_HEAD);
    check(one.refused == other.refused);
    if (one.head && one.framing == HTTP_BODY_CHUNKED)
        compare_with_chunks(bytes, &one);
    if (one.refused)
        return 0;
    check(one.head == other.head && one.end == other.end && one.used == other.used);
    check(one.at_close == other.at_close);
    check(str_eq(buf_str(&one.text), buf_str(&other.text)));
    check(str_eq(buf_str(&one.body), buf_str(&other.body)));
    if (one.head) {
        check(one.status == other.status && one.framing == other.framing);
        check(one.status >= 200 && one.status <= 599 && one.status != 101);
    }
    if (one.end)
        check(one.keep_alive == other.keep_alive);
    return 0;
}
