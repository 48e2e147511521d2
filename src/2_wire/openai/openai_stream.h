/* SPDX-License-Identifier: Apache-2.0
 *
 * openai_stream — the bytes of an engine's event stream in, in whatever pieces; whole frames out,
 * byte-exact and (but for a frame that was cut by a read) without a copy.
 *
 *     struct openai_stream stream;
 *     openai_stream_init(&stream, request.include_usage, OPENAI_EVENT_BYTES_MAX);
 *     while (bytes.len) {                               // each read of the engine
 *         if (!openai_stream_read(&stream, bytes, &used, &frames, err))
 *             …the engine is broken: openai_error_frame(), close both…
 *         send(frames);                                 // may be empty; valid until the next call
 *         bytes = (struct str){bytes.at + used, bytes.len - used};
 *     }
 *     if (stream.failed) …the engine said so: error frame from stream.failure, close…
 *     …at the end of the engine's body:
 *     openai_stream_end(&stream, &frames);              // "data: [DONE]" without its blank line
 *     send(frames);
 *     if (!stream.done) …error frame "upstream_ended"; never a clean end…
 *
 * What passes: `data:` and `event:` lines with their blank line, as they are. Dropped: comments,
 * `id:`, `retry:` and unknown lines, events without data, everything behind [DONE] or an error, the
 * usage-only chunk (`"choices":[]` with `"usage":{`) unless the caller asked. Held back: only the
 * one event that is not complete yet. An event is looked into only if it names "usage" or "error".
 *
 * owner    whoever holds the struct; openai_stream_done() releases
 * threads  one at a time
 * source   WHATWG HTML 9.2; docs of llama-server and OpenAI. Split-invariant (openai_stream_fuzz.c)
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define OPENAI_EVENT_BYTES_MAX (1 << 20) /* for init(): more than any real event */
#define OPENAI_FAILURE_BYTES_MAX 512

struct openai_usage {
    bool known;
    uint64_t prompt_tokens;
    uint64_t cached_tokens; /* of them, from the engine's cache; 0 if not told */
    uint64_t completion_tokens;
};

struct openai_stream {
    bool keep_usage;
    bool passed;     /* some frame went out: a role was told, so an error is a frame now */
    bool done;       /* [DONE] was seen */
    bool failed;     /* an `error` came: nothing of it passes */
    uint64_t chunks; /* frames with data that passed, [DONE] not counted */
    struct openai_usage usage; /* the last that was told */
    size_t failure_len;
    char failure[OPENAI_FAILURE_BYTES_MAX]; /* the error's message, UTF-8, cut; "" if it had none */
    /* private */
    struct buf held; /* the incomplete event */
    size_t scanned;  /* of held: no end of an event before it */
    bool held_out;   /* held was given out: forget it at the next call */
};

/* No memory is taken before an event is cut. */
void openai_stream_init(struct openai_stream *stream, bool keep_usage, size_t event_bytes_max);
void openai_stream_done(struct openai_stream *stream);

/* Takes 1…bytes.len bytes (*ret_used) and gives the frames that became whole, in one piece of
 * `bytes` or of the stream's own buffer. After an error the stream is of no more use.
 * errors  ERR_PEER "engine_line_too_long" an event beyond event_bytes_max;
 *         ERR_PEER "engine_bad_stream" a carriage return that ends no line */
bool openai_stream_read(struct openai_stream *stream, struct str bytes, size_t *ret_used,
    struct str *ret_frames, struct err *err);

/* The engine closed. A last [DONE] or error without its blank line counts; what is given out then
 * is the whole frame. Anything else that is incomplete is dropped. */
void openai_stream_end(struct openai_stream *stream, struct str *ret_frames);

/* What was generated: from usage; else the chunks but for the first, which tells the role. */
uint64_t openai_stream_tokens(const struct openai_stream *stream);

/* Bytes that wait for the rest of their event. */
size_t openai_stream_held(const struct openai_stream *stream);

/* The `usage` of a whole reply (or of one chunk), without allocation. False: the text is no JSON
 * object, or has no usage object; *ret_usage is untouched. */
bool openai_usage_read(struct str body, struct openai_usage *ret_usage);

/* The message of an `error` member (object with `message`, or a text) of a body, cut at `max` on a
 * character's border, escapes resolved. False: there is none. */
bool openai_failure_read(struct str body, size_t max, char *ret_text, size_t *ret_len);
