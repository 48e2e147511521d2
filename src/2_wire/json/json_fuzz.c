/* SPDX-License-Identifier: Apache-2.0
 * Properties: the reader accepts exactly what jansson accepts, within JSON_DEPTH_MAX and
 * without a NUL (jansson takes one for the end); canonical text read and written again is the same
 * bytes; plain text means the same value. */
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"
#include "json/json_text.h"

#define FUZZ_BYTES_MAX 1048576

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(const json_t *value)
{
    scoped(buf_done) struct buf first = buf_of(FUZZ_BYTES_MAX), second = buf_of(FUZZ_BYTES_MAX);
    scoped(json_done) json_t *again = NULL;
    struct err err;

    if (!json_canonical(value, &first, &err))
        return;
    check(json_read_any(buf_str(&first), FUZZ_BYTES_MAX, &again, &err));
    check(json_canonical(again, &second, &err));
    check(str_eq(buf_str(&first), buf_str(&second)) && json_equal(value, again));
}

static void check_plain(const json_t *value)
{
    scoped(buf_done) struct buf text = buf_of(FUZZ_BYTES_MAX);
    scoped(json_done) json_t *again = NULL;
    struct err err;

    check(json_plain(value, &text, &err));
    check(json_read_any(buf_str(&text), FUZZ_BYTES_MAX, &again, &err));
    check(json_equal(value, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    scoped(json_done) json_t *ours = NULL, *theirs = NULL;
    struct err err;
    size_t at;

    if (size > 65536)
        return 0;
    bool read = json_read_any(text, FUZZ_BYTES_MAX, &ours, &err);
    theirs = json_loadb(size ? text.at : "", size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (json_depth(text, &at) <= JSON_DEPTH_MAX && !(size && memchr(data, 0, size)))
        check(read == (theirs != NULL));
    if (!read)
        return 0;
    check(json_equal(ours, theirs));
    check_canonical(ours);
    check_plain(ours);
    return 0;
}
