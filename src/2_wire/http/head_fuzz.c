/* SPDX-License-Identifier: Apache-2.0
 * Properties: nothing is read behind the end; splitting the input anywhere gives the same answer;
 * an accepted head encodes to bytes that parse to the same head; the short way (plain.h) and llhttp
 * give the same answer. */
#include "base/panic.h"
#include "base/scoped.h"
#include "http/plain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each look gets a copy of exactly the bytes there are, so that ASan sees a step too far. */
static const struct http_refusal *look_in_steps(struct str bytes, size_t step, size_t *ret_whole)
{
    struct http_guard guard = {0};
    size_t len = 0;

    do {
        len = len + step < bytes.len ? len + step : bytes.len;
        scoped(free_done) void *copy = malloc(len ? len : 1);
        check(copy);
        if (len)
            memcpy(copy, bytes.at, len);
        const struct http_refusal *refusal =
            http_guard_look(&guard, (struct str){copy, len}, 4096, ret_whole);
        if (refusal)
            return refusal;
    } while (!*ret_whole && len < bytes.len);
    return NULL;
}

static void check_same(const struct http_head *a, const struct http_head *b)
{
    check(a->method == b->method && a->minor == b->minor && a->chunked == b->chunked);
    check(a->keep_alive == b->keep_alive && a->expects_continue == b->expects_continue);
    check(a->content_length == b->content_length && a->fields_count == b->fields_count);
    check(str_eq(http_head_str(a, a->path), http_head_str(b, b->path)));
    check(str_eq(http_head_str(a, a->query), http_head_str(b, b->query)));
    check(str_eq(http_head_str(a, a->host), http_head_str(b, b->host)));
    for (size_t i = 0; i < a->fields_count; i++) {
        check(str_eq(http_head_str(a, a->fields[i].name), http_head_str(b, b->fields[i].name)));
        check(str_eq(http_head_str(a, a->fields[i].value), http_head_str(b, b->fields[i].value)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head, again;
    size_t whole = 0, whole_in_steps = 0;

    if (size < 1)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    const struct http_refusal *refusal = look_in_steps(bytes, bytes.len + 1, &whole);
    check(refusal == look_in_steps(bytes, data[0] % 16u + 1, &whole_in_steps));
    check(refusal || whole == whole_in_steps);
    if (refusal || !whole)
        return 0;
    scoped(free_done) char *copy = malloc(whole);
    check(copy);
    memcpy(copy, bytes.at, whole);
    refusal = http_head_parse((struct str){copy, whole}, &head);
    check(refusal == http_head_parse_slowly((struct str){copy, whole}, &again));
    if (refusal)
        return 0;
    check_same(&head, &again);
    scoped(buf_done) struct buf out = buf_of(1 << 16);
    http_head_encode(&head, &out);
    check(!http_head_parse(buf_str(&out), &again));
    check_same(&head, &again);
    struct str path = http_head_str(&head, head.path);
    scoped(free_done) char *decoded = malloc(path.len);
    size_t len;
    check(decoded);
    if (http_path_decode(path, decoded, &len)) {
        check(len <= path.len && !memmem(decoded, len, "/../", 4) && !memchr(decoded, 0, len));
        for (size_t part = 0; http_path_segment((struct str){decoded, len}, part).at; part++)
            check(part < len);
    }
    return 0;
}
