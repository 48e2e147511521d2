/* SPDX-License-Identifier: Apache-2.0
 *
 * ollama_reply — the engine's OpenAI replies as Ollama's: NDJSON chunks, whole replies, errors.
 *
 *     struct ollama_stream stream;
 *     ollama_stream_init(&stream, &request);
 *     ollama_stream_read(&stream, frames, &moment, &out, err);  // any pieces; appends whole lines
 *     …at the end of the engine's body: if (!stream.done) ollama_error_write("…", &out)…
 *
 * `frames` is what openai_stream gives with keep_usage, or the engine's bytes themselves. Content
 * goes out as it comes; tool calls are gathered and told whole, arguments as an object, in a line
 * before the last; the last line comes with [DONE], when the usage is known.
 *
 * owner    whoever holds the stream; ollama_stream_done() releases
 * threads  one at a time
 * source   Ollama's docs/api.md. Split-invariant (ollama_stream_fuzz.c)
 */
#pragma once

#include "ollama/ollama_request.h"
#include "openai/openai_stream.h"
#include "sse/sse.h"

#include <jansson.h>

#define OLLAMA_ARGUMENTS_BYTES_MAX (1 << 20) /* of all tool calls of one reply */
#define OLLAMA_LINE_BYTES_MAX (4 << 20)      /* of one event, of a name or an id in it */

/* Times of one request, as the gateway measures them. */
struct ollama_moment {
    int64_t now_ms;   /* since 1970: created_at */
    int64_t load_ns;  /* waiting, waking, loading */
    int64_t total_ns; /* since the request came */
};

struct ollama_call {
    struct buf id, name, arguments;
};

struct ollama_stream {
    enum ollama_route route;
    char model[OPENAI_MODEL_BYTES_MAX];
    size_t model_len;
    bool done; /* the last line was written */
    struct openai_usage usage;
    /* private */
    struct sse_reader reader;
    struct ollama_call *calls;
    size_t call_count, arguments_bytes;
    char reason[16];            /* finish_reason; "" until it comes */
    int64_t prompt_ns, eval_ns; /* from the engine's timings; -1: not told */
    int64_t first_total_ns;     /* total_ns at the first token; -1: none yet */
};

void ollama_stream_init(struct ollama_stream *stream, const struct ollama_request *request);
void ollama_stream_done(struct ollama_stream *stream);

/* errors  ERR_PEER "engine_failed" with the engine's own words, or an event, a tool call that is
 * not what it must be; "engine_line_too_long". Then: ollama_error_write(), close. */
bool ollama_stream_read(struct ollama_stream *stream, struct str bytes,
    const struct ollama_moment *moment, struct buf *out, struct err *err);

/* A line that says nothing, while one waits (NDJSON has no comment). `thinking` (may be empty) goes
 * out as thinking text: for the dialect reasoning. */
void ollama_beat_write(
    const struct ollama_request *request, struct str thinking, int64_t now_ms, struct buf *out);

/* A whole reply of the engine as Ollama's, without a newline. *ret_usage is set if the engine told
 * it; may be NULL. After an error `out` holds nothing of use.
 * errors  ERR_PEER "engine_failed" */
bool ollama_reply_write(const struct ollama_request *request, struct str body,
    const struct ollama_moment *moment, struct buf *out, struct openai_usage *ret_usage,
    struct err *err);

/* request.nothing: done at once; done_reason "load", or "unload" for keep_alive 0. With a newline
 * when it streams. */
void ollama_nothing_write(
    const struct ollama_request *request, const struct ollama_moment *moment, struct buf *out);

/* {"error":"text"}\n: a body, and the last line of a stream that breaks. */
void ollama_error_write(struct str message, struct buf *out);
