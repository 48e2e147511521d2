/* SPDX-License-Identifier: Apache-2.0
 * Properties: the first byte says what the rest is. A reply: what comes out is JSON with the facts
 * as they were and our sentence first. A stream in any split: the same bytes go out, the facts
 * once, before [DONE]. A request: what goes on is a request of one message more, ours is the first.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "openai/openai_ground.h"
#include "openai/openai_request.h"
#include "openai/openai_stream.h"
#include "json/json_read.h"

#include <stdlib.h>

#define EVENT_MAX 512
#define OUT_MAX (1 << 20)
#define SENTENCE S("There is no node zeus.\n\n")
#define SYSTEM S("facts: \"[a.b]\"\n")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *facts_made(void)
{
    json_t *facts =
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "id", "a.b", "words", "1 C", "id", "c", "words", "2");
    check(facts);
    return facts;
}

static json_t *read_back(const struct buf *out)
{
    json_t *value = NULL;
    struct err err;

    check(json_read(buf_str(out), out->len, &value, &err));
    return value;
}

static struct str text_of(const json_t *value)
{
    check(json_is_string(value));
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* --- a whole reply --------------------------------------------------------------------------- */

static void try_reply(struct str bytes)
{
    scoped(json_done) json_t *facts = facts_made();
    scoped(json_done) json_t *none = json_array();
    scoped(buf_done) struct buf out = buf_of(OUT_MAX);
    struct err err = {0};

    if (!openai_ground_reply(bytes, SENTENCE, facts, none, &out, &err)) {
        check(strcmp(err.code, "engine_failed") == 0);
        return;
    }
    scoped(json_done) json_t *reply = read_back(&out);
    const json_t *told = json_object_get(reply, "grounding");
    const json_t *message =
        json_object_get(json_array_get(json_object_get(reply, "choices"), 0), "message");
    check(json_equal(json_object_get(told, "facts"), facts));
    check(json_equal(json_object_get(told, "unknown"), none));
    check(json_array_size(json_object_get(told, "cited")) <= json_array_size(facts));
    check(str_starts(text_of(json_object_get(message, "content")), SENTENCE));
}

/* --- a stream in pieces ------------------------------------------------------------------------
 */

struct seen {
    struct buf out, content;
    size_t times; /* the facts were told */
};

static void seen_done(struct seen *seen)
{
    buf_done(&seen->out);
    buf_done(&seen->content);
}

static void hear(struct seen *seen, struct str frames, const json_t *facts)
{
    size_t done;

    openai_ground_listen(frames, &seen->content, &done);
    check(done <= frames.len);
    buf_add(&seen->out, (struct str){frames.at, done});
    if (done == frames.len)
        return;
    scoped(json_done) json_t *told = openai_ground_told(facts, facts, buf_str(&seen->content));
    openai_ground_last(S("m"), told, &seen->out);
    buf_add(&seen->out, (struct str){frames.at + done, frames.len - done});
    seen->times++;
}

static struct seen play(struct str bytes, size_t step, const json_t *facts)
{
    struct seen seen = {.out = buf_of(OUT_MAX), .content = buf_of(64)};
    scoped(openai_stream_done) struct openai_stream stream;
    struct str frames;
    struct err err;

    openai_stream_init(&stream, true, EVENT_MAX);
    for (size_t at = 0, used; at < bytes.len; at += used) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        scoped(free_done) char *piece = malloc(len);
        memcpy(piece, bytes.at + at, len);
        if (!openai_stream_read(&stream, (struct str){piece, len}, &used, &frames, &err))
            return seen;
        hear(&seen, frames, facts);
    }
    openai_stream_end(&stream, &frames);
    hear(&seen, frames, facts);
    check(seen.times <= 1);
    return seen;
}

static void try_frames(struct str bytes, size_t step)
{
    scoped(json_done) json_t *facts = facts_made();
    scoped(seen_done) struct seen one = play(bytes, bytes.len, facts);
    scoped(seen_done) struct seen other = play(bytes, step, facts);

    check(one.times == other.times && !one.out.overflowed);
    check(str_eq(buf_str(&one.content), buf_str(&other.content)));
    check(str_eq(buf_str(&one.out), buf_str(&other.out)));
}

/* --- a request ---------------------------------------------------------------------------------
 */

static void check_texts(const json_t *body)
{
    scoped(json_done) json_t *texts = openai_ground_texts(body);
    json_t *text;
    size_t i;

    check(json_array_size(texts) <= OPENAI_GROUND_TEXTS_MAX);
    json_array_foreach (texts, i, text)
        check(text_of(text).len > 0 && text_of(text).len <= OPENAI_GROUND_TEXT_BYTES_MAX);
}

static void try_request(struct str bytes)
{
    scoped(json_done) json_t *body = NULL;
    scoped(buf_done) struct buf out = buf_of(OUT_MAX);
    struct openai_request before, after;
    struct err err;

    if (!openai_request_scan(OPENAI_CHAT, bytes, &before, &err) ||
        !json_read(bytes, bytes.len, &body, &err))
        return;
    check_texts(body);
    if (!openai_ground_request(body, SYSTEM, &out))
        return;
    scoped(json_done) json_t *given = read_back(&out);
    const json_t *first = json_array_get(json_object_get(given, "messages"), 0);
    check(str_eq(text_of(json_object_get(first, "content")), SYSTEM));
    check(str_eq(text_of(json_object_get(first, "role")), S("system")));
    check(!json_object_get(given, "grounding"));
    if (!openai_request_scan(OPENAI_CHAT, buf_str(&out), &after, &err)) {
        check(
            err.kind == ERR_LIMIT || str_eq(openai_request_model(&before), S(OPENAI_GROUND_MARK)));
        return;
    }
    check(!after.grounding && after.inputs == before.inputs + 1 && after.stream == before.stream);
    check(after.max_tokens == before.max_tokens && after.choices == before.choices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    if (data[0] < 64)
        try_reply(bytes);
    else if (data[0] < 128)
        try_request(bytes);
    else
        try_frames(bytes, data[0] % 0x80u + 1u);
    return 0;
}
