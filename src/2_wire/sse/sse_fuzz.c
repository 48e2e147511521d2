/* SPDX-License-Identifier: Apache-2.0
 * Properties: what is encoded is read back, with line ends made LF, in whatever pieces; any bytes
 * can be read. */
#include "base/panic.h"
#include "base/scoped.h"
#include "sse/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_all(struct str bytes, size_t step, struct buf *out)
{
    struct sse_reader reader;
    struct sse_event event;
    struct err err;
    size_t count = 0, used;
    bool found;

    sse_reader_init(&reader, 1 << 16);
    for (size_t at = 0; at < bytes.len; at += used) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        check(sse_read(&reader, (struct str){bytes.at + at, len}, &used, &event, &found, &err));
        check(used <= len);
        if (!found)
            continue;
        count++;
        buf_printf(out, "%zu %zu %zu:", event.id.len, event.event.len, event.data.len);
        buf_add(out, event.id);
        buf_add(out, event.event);
        buf_add(out, event.data);
    }
    sse_reader_done(&reader);
    return count;
}

static void normalise(struct str data, struct buf *out)
{
    for (size_t i = 0; i < data.len; i++) {
        if (data.at[i] == '\r' && i + 1 < data.len && data.at[i + 1] == '\n')
            continue;
        buf_add_char(out, data.at[i] == '\r' ? '\n' : data.at[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf wire = buf_of(1 << 20), one = buf_of(1 << 20),
                                other = buf_of(1 << 20);
    scoped(buf_done) struct buf want = buf_of(1 << 20), lines = buf_of(1 << 20);
    struct err err;

    if (size < 1 || size > 4096)
        return 0;
    size_t step = data[0] % 16u + 1;
    struct str rest, bytes = {(const char *)data + 1, size - 1};
    check(read_all(bytes, size, &one) == read_all(bytes, step, &other));
    check(str_eq(buf_str(&one), buf_str(&other)));

    struct sse_event event = {.id = str_cut(bytes, '|', &rest)};
    event.event = str_cut(rest, '|', &event.data);
    if (!sse_encode(&event, &wire, &err))
        return 0;
    buf_clear(&other);
    check(read_all(buf_str(&wire), step, &other) == 1);
    normalise(event.data, &lines);
    buf_printf(&want, "%zu %zu %zu:", event.id.len, event.event.len, lines.len);
    buf_add(&want, event.id);
    buf_add(&want, event.event);
    buf_add(&want, buf_str(&lines));
    check(str_eq(buf_str(&want), buf_str(&other)));
    return 0;
}
