/* SPDX-License-Identifier: Apache-2.0
 * Properties: the same output and the same facts for every split; what passes has only data and
 * event lines, is read by a browser's reader, and passes again as it is. */
#include "base/panic.h"
#include "base/scoped.h"
#include "openai/openai_stream.h"

#define EVENT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct openai_stream stream;
    struct buf out;
    struct err err;
    bool good;
};

static void seen_done(struct seen *seen)
{
    openai_stream_done(&seen->stream);
    buf_done(&seen->out);
}

static struct seen play(struct str bytes, size_t step, bool keep)
{
    struct seen seen = {.out = buf_of(1 << 20), .good = true};
    struct str frames;

    openai_stream_init(&seen.stream, keep, EVENT_MAX);
    for (size_t at = 0; at < bytes.len && seen.good; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step, used;
        scoped(free_done) char *piece = malloc(len);
        memcpy(piece, bytes.at + at, len);
        for (size_t taken = 0; taken < len && seen.good; taken += used) {
            seen.good = openai_stream_read(
                &seen.stream, (struct str){piece + taken, len - taken}, &used, &frames, &seen.err);
            if (!seen.good)
                break;
            check(used > 0 && used <= len - taken && frames.len <= used + EVENT_MAX);
            check(openai_stream_held(&seen.stream) <= EVENT_MAX);
            buf_add(&seen.out, frames);
        }
    }
    if (seen.good) {
        openai_stream_end(&seen.stream, &frames);
        buf_add(&seen.out, frames);
    }
    return seen;
}

static void check_lines(struct str out)
{
    while (out.len) {
        struct str line = str_cut(out, '\n', &out);
        check(!line.len || str_eq(line, S("\r")) || str_starts(line, S("data:")) ||
              str_starts(line, S("event:")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    bool keep = data[0] & 0x80;
    scoped(seen_done) struct seen one = play(bytes, size, keep);
    scoped(seen_done) struct seen other = play(bytes, data[0] % 0x80u + 1u, keep);

    check(one.good == other.good && str_eq(buf_str(&one.out), buf_str(&other.out)));
    if (!one.good)
        check(strcmp(one.err.code, other.err.code) == 0);
    check(one.stream.done == other.stream.done && one.stream.failed == other.stream.failed);
    check(one.stream.chunks == other.stream.chunks && one.stream.passed == other.stream.passed);
    check(memcmp(&one.stream.usage, &other.stream.usage, sizeof one.stream.usage) == 0);
    check(str_eq((struct str){one.stream.failure, one.stream.failure_len},
        (struct str){other.stream.failure, other.stream.failure_len}));
    check_lines(buf_str(&one.out));
    if (!one.good)
        return 0;
    scoped(seen_done) struct seen again = play(buf_str(&one.out), size, keep);
    check(again.good && str_eq(buf_str(&one.out), buf_str(&again.out)));
    check(again.stream.chunks == one.stream.chunks);
    return 0;
}
