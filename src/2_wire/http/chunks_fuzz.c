/* SPDX-License-Identifier: Apache-2.0
 * Properties: splitting a chunked body anywhere gives the same body, the same length and the same
 * answer. */
#include "base/panic.h"
#include "base/scoped.h"
#include "http/chunks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool feed_in_steps(
    struct str bytes, size_t step, struct buf *body, size_t *ret_at, bool *ret_whole)
{
    scoped(http_chunks_done) struct http_chunks *chunks = http_chunks_make();

    while (*ret_at < bytes.len && !*ret_whole) {
        size_t used = 0, len = bytes.len - *ret_at < step ? bytes.len - *ret_at : step;
        scoped(free_done) char *copy = malloc(len);
        check(copy);
        memcpy(copy, bytes.at + *ret_at, len);
        if (http_chunks_feed(chunks, (struct str){copy, len}, body, &used, ret_whole))
            return false;
        check(used <= len && (used == len || *ret_whole));
        *ret_at += used;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf one = buf_of(512), other = buf_of(512);
    size_t one_at = 0, other_at = 0;
    bool one_whole = false, other_whole = false;

    if (size < 2)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    bool good = feed_in_steps(bytes, bytes.len, &one, &one_at, &one_whole);
    check(good == feed_in_steps(bytes, data[0] % 16u + 1, &other, &other_at, &other_whole));
    if (good)
        check(one_at == other_at && one_whole == other_whole &&
              str_eq(buf_str(&one), buf_str(&other)));
    return 0;
}
