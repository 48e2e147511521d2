/* SPDX-License-Identifier: Apache-2.0
 *
 * ollama_request — what an Ollama client sends, as the OpenAI body that the engine gets.
 *
 *     struct ollama_request request;
 *     scoped(buf_done) struct buf body = buf_of(OLLAMA_BODY_BYTES_MAX);
 *     if (!ollama_request_read(OLLAMA_CHAT, bytes, &request, &body, err))
 *         …400 ollama_error_write(err.message)…
 *     if (request.nothing)  …only load, or with keep_alive 0 unload: ollama_nothing_write()…
 *     else  openai_request_scan(request.engine_route, buf_str(&body), …) and on as any other
 *
 * The body always asks for usage when it streams. What becomes what:
 *   options   num_predict max_tokens (below 0: no limit) · temperature top_p top_k min_p typical_p
 * seed repeat_penalty repeat_last_n presence_penalty frequency_penalty stop as they are; num_ctx is
 * only told (.context); all others are ignored, as Ollama does format    "json" response_format
 * json_object · a schema json_schema images    image_url parts with data: of the kind that the
 * first bytes show think     chat_template_kwargs.enable_thinking, and reasoning_effort for
 * "low|medium|high" tools     as they are; calls in the history get ids call_0, call_1 …, and a
 * `tool` message the id of the oldest call that nobody answered (of that tool_name, if it says one)
 *   generate  system and prompt as messages; `raw` the route completions
 * Refused, as we could only pretend: `suffix`, `template` that are not empty.
 *
 * threads  any: no state
 * source   Ollama's docs/api.md; reference frames in ollama_test.c
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "openai/openai_request.h"

#define OLLAMA_BODY_BYTES_MAX (64 << 20) /* of what is read and of what is written */
#define OLLAMA_MESSAGES_MAX 4096
#define OLLAMA_CALLS_MAX 128 /* tool calls of one history, or of one reply */
#define OLLAMA_IMAGES_MAX 64 /* of one message */
#define OLLAMA_KEEP_ALIVE_MS_MAX (366ll * 24 * 3600 * 1000)

enum ollama_route { OLLAMA_CHAT, OLLAMA_GENERATE, OLLAMA_EMBED, OLLAMA_EMBEDDINGS };

struct ollama_request {
    enum ollama_route route;
    enum openai_route engine_route;
    char model[OPENAI_MODEL_BYTES_MAX]; /* without a last ":latest" */
    size_t model_len;
    bool stream;  /* default true for chat and generate */
    bool raw;     /* generate without a template: the engine answers as completions */
    bool nothing; /* no message and no prompt: nothing to generate, the body is empty */
    bool has_keep_alive;
    int64_t keep_alive_ms; /* -1: for ever; 0: unload now */
    int64_t context;       /* options.num_ctx; 0: not given */
};

static inline struct str ollama_request_model(const struct ollama_request *request)
{
    return (struct str){request->model, request->model_len};
}

/* Appends to *body; after an error *body holds nothing of use.
 * errors  ERR_INPUT with param: "bad_json", "bad_type", "missing_field", "out_of_range",
 *         "not_supported"; ERR_LIMIT "too_large", "too_many" */
bool ollama_request_read(enum ollama_route route, struct str text,
    struct ollama_request *ret_request, struct buf *body, struct err *err);

/* "5m", "1h30m", "-1s", "300ms" (Go's durations) to milliseconds; below 0: -1. Cut at
 * OLLAMA_KEEP_ALIVE_MS_MAX. */
bool ollama_duration_read(struct str text, int64_t *ret_ms);

/* The model that a body names, for /api/show {"model"|"name"}. errors  as above */
bool ollama_name_read(
    struct str text, size_t name_max, char *ret_name, size_t *ret_len, struct err *err);
