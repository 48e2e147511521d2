/* SPDX-License-Identifier: Apache-2.0
 * Property: what decodes is the only text of its bytes, and every bytes come back from their text.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_is_the_only_one(struct str text)
{
    scoped(free_done) char *bytes = malloc(text.len + 1);
    scoped(free_done) char *again = malloc(HEX_BYTES(text.len));
    scoped(buf_done) struct buf out = buf_of(text.len + 8);
    size_t count = 0;

    check(bytes && again);
    if (base64_decode(text, text.len, bytes, &count)) {
        base64_encode((struct str){bytes, count}, &out);
        check(str_eq(buf_str(&out), text));
    }
    if (hex_decode(text, text.len / 2, bytes)) {
        hex_encode(bytes, text.len / 2, again);
        check(str_eq(str_from(again), text));
    }
}

static void bytes_come_back(struct str bytes)
{
    scoped(free_done) char *back = malloc(bytes.len + 1);
    scoped(free_done) char *hex = malloc(HEX_BYTES(bytes.len));
    scoped(buf_done) struct buf text = buf_of(BASE64_LENGTH(bytes.len));
    size_t count = 0;

    check(back && hex);
    base64_encode(bytes, &text);
    check(text.len == BASE64_LENGTH(bytes.len));
    check(base64_decode(buf_str(&text), bytes.len, back, &count));
    check(str_eq(bytes, (struct str){back, count}));
    hex_encode(bytes.at, bytes.len, hex);
    check(hex_decode(str_from(hex), bytes.len, back));
    check(str_eq(bytes, (struct str){back, bytes.len}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size};

    text_is_the_only_one(all);
    bytes_come_back(all);
    return 0;
}
