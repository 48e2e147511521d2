/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "ollama/inside.h"

#include <stdlib.h>

#define CALLS_BYTES_MAX                                                                            \
    (OLLAMA_ARGUMENTS_BYTES_MAX + OLLAMA_CALLS_MAX * (12 * OLLAMA_NAME_BYTES_MAX + 64))

void ollama_stream_init(struct ollama_stream *stream, const struct ollama_request *request)
{
    *stream = (struct ollama_stream){.route = request->route,
        .model_len = request->model_len,
        .prompt_ns = -1,
        .eval_ns = -1,
        .first_total_ns = -1};
    memcpy(stream->model, request->model, request->model_len);
    sse_reader_init(&stream->reader, OLLAMA_LINE_BYTES_MAX);
}

void ollama_stream_done(struct ollama_stream *stream)
{
    for (size_t i = 0; i < stream->call_count; i++) {
        buf_done(&stream->calls[i].id);
        buf_done(&stream->calls[i].name);
        buf_done(&stream->calls[i].arguments);
    }
    free(stream->calls);
    stream->calls = NULL;
    stream->call_count = 0;
    sse_reader_done(&stream->reader);
}

/* A line of text, thinking or calls that is not the last. */
static void add_line(const struct ollama_stream *s, struct str content, struct str thinking,
    struct str calls, int64_t now_ms, struct buf *out)
{
    ollama_add_head((struct str){s->model, s->model_len}, now_ms, out);
    ollama_add_text(s->route, content, thinking, calls, out);
    buf_add(out, S(",\"done\":false}\n"));
}

/* --- tool calls --------------------------------------------------------------------------- */

static struct ollama_call *new_call(struct ollama_stream *s)
{
    struct ollama_call *calls = realloc(s->calls, (s->call_count + 1) * sizeof *calls);

    if (!calls)
        return NULL;
    s->calls = calls;
    calls[s->call_count] = (struct ollama_call){buf_of(OLLAMA_NAME_BYTES_MAX),
        buf_of(OLLAMA_NAME_BYTES_MAX), buf_of(OLLAMA_ARGUMENTS_BYTES_MAX)};
    return &calls[s->call_count++];
}

static bool take_call(struct ollama_stream *s, const json_t *delta, struct err *err)
{
    const json_t *place = ollama_member(delta, "index"),
                 *function = ollama_member(delta, "function");
    json_int_t index = place ? json_integer_value(place) : (json_int_t)s->call_count;
    struct str arguments = ollama_text(ollama_member(function, "arguments"));

    if ((place && !json_is_integer(place)) || index < 0 || index > (json_int_t)s->call_count ||
        index >= OLLAMA_CALLS_MAX)
        return ollama_engine_failed(err, "it tells tool calls out of order, or too many");
    s->arguments_bytes += arguments.len;
    if (s->arguments_bytes > OLLAMA_ARGUMENTS_BYTES_MAX)
        return ollama_engine_failed(err, "its tool calls are too long");
    struct ollama_call *call = index == (json_int_t)s->call_count ? new_call(s) : &s->calls[index];
    if (!call)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!call->id.len)
        buf_add(&call->id, ollama_text(ollama_member(delta, "id")));
    if (!call->name.len)
        buf_add(&call->name, ollama_text(ollama_member(function, "name")));
    buf_add(&call->arguments, arguments);
    if (call->id.overflowed || call->name.overflowed)
        return ollama_engine_failed(err, "a name or an id of a tool call is too long");
    return true;
}

/* Gathered calls as one line. Of a call that ran into the token limit nothing is told but that. */
static bool tell_calls(struct ollama_stream *s, int64_t now_ms, struct buf *out, struct err *err)
{
    scoped(buf_done) struct buf calls = buf_of(CALLS_BYTES_MAX);
    bool cut = strcmp(s->reason, "length") == 0;

    for (size_t i = 0; i < s->call_count; i++) {
        const struct ollama_call *call = &s->calls[i];
        size_t before = calls.len;
        if (before)
            buf_add_char(&calls, ',');
        if (ollama_add_call(
                buf_str(&call->id), buf_str(&call->name), buf_str(&call->arguments), &calls, err))
            continue;
        if (!cut)
            return false;
        calls.len = before;
    }
    if (calls.len)
        add_line(s, S(""), S(""), buf_str(&calls), now_ms, out);
    return true;
}

/* --- events ------------------------------------------------------------------------------- */

static bool take_end(
    struct ollama_stream *s, const struct ollama_moment *moment, struct buf *out, struct err *err)
{
    struct ollama_ending ending = {.reason = S("stop"), .moment = moment, .usage = &s->usage};

    if (!tell_calls(s, moment->now_ms, out, err))
        return false;
    if (strcmp(s->reason, "length") == 0)
        ending.reason = S("length");
    if (s->eval_ns >= 0) {
        ending.prompt_ns = s->prompt_ns;
        ending.eval_ns = s->eval_ns;
    } else if (s->first_total_ns >= 0) { /* what the engine does not tell is what we saw */
        int64_t prompt_ns = s->first_total_ns - moment->load_ns;
        ending.prompt_ns = prompt_ns > 0 ? prompt_ns : 0;
        ending.eval_ns = moment->total_ns - s->first_total_ns;
    }
    ollama_add_head((struct str){s->model, s->model_len}, moment->now_ms, out);
    ollama_add_text(s->route, S(""), S(""), S(""), out);
    ollama_add_ending(&ending, out);
    buf_add_char(out, '\n');
    s->done = true;
    return true;
}

static bool take_choice(struct ollama_stream *s, const json_t *choice,
    const struct ollama_moment *moment, struct buf *out, struct err *err)
{
    const json_t *delta = ollama_member(choice, "delta"), *call;
    struct str reason = ollama_text(ollama_member(choice, "finish_reason"));
    struct str content =
        ollama_text(delta ? ollama_member(delta, "content") : ollama_member(choice, "text"));
    struct str thinking = ollama_thinking(delta);
    size_t i;

    json_array_foreach (ollama_member(delta, "tool_calls"), i, call)
        if (!take_call(s, call, err))
            return false;
    if (reason.len && reason.len < sizeof s->reason) {
        memcpy(s->reason, reason.at, reason.len);
        s->reason[reason.len] = '\0';
    }
    if ((content.len || thinking.len || s->call_count) && s->first_total_ns < 0)
        s->first_total_ns = moment->total_ns;
    if (content.len || thinking.len)
        add_line(s, content, thinking, S(""), moment->now_ms, out);
    return true;
}

static bool take_event(struct ollama_stream *s, const struct sse_event *event,
    const struct ollama_moment *moment, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *chunk = NULL;

    if (str_starts(event->data, S("[DONE]")))
        return take_end(s, moment, out, err);
    if (!ollama_engine_read(event->data, OLLAMA_LINE_BYTES_MAX, &chunk, err))
        return false;
    if (ollama_member(chunk, "usage"))
        openai_usage_read(event->data, &s->usage);
    ollama_timings(chunk, &s->prompt_ns, &s->eval_ns);
    const json_t *choice = json_array_get(ollama_member(chunk, "choices"), 0);
    if (!choice || json_integer_value(ollama_member(choice, "index")) != 0)
        return true;
    return take_choice(s, choice, moment, out, err);
}

bool ollama_stream_read(struct ollama_stream *stream, struct str bytes,
    const struct ollama_moment *moment, struct buf *out, struct err *err)
{
    struct sse_event event;
    struct err unused;
    size_t used;
    bool found;

    while (bytes.len && !stream->done) {
        if (!sse_read(&stream->reader, bytes, &used, &event, &found, &unused))
            return err_code(err, ERR_PEER, "engine_line_too_long", NULL,
                "the engine sent an event of more than %d bytes", OLLAMA_LINE_BYTES_MAX);
        bytes = (struct str){bytes.at + used, bytes.len - used};
        if (found && !take_event(stream, &event, moment, out, err))
            return false;
    }
    return true;
}

void ollama_beat_write(
    const struct ollama_request *request, struct str thinking, int64_t now_ms, struct buf *out)
{
    ollama_add_head(ollama_request_model(request), now_ms, out);
    ollama_add_text(request->route, S(""), thinking, S(""), out);
    buf_add(out, S(",\"done\":false}\n"));
}
