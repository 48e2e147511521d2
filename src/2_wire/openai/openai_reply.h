/* SPDX-License-Identifier: Apache-2.0
 *
 * openai_reply — what we write ourselves on the OpenAI routes: errors, error frames, keep-alives,
 * the list of models.
 *
 *     struct openai_error refusal = {OPENAI_MODEL_NOT_FOUND, message, .param = S("model")};
 *     openai_error_write(&refusal, &body);            // {"error":{…}}, status openai_code_status()
 *     openai_error_frame(&refusal, &body);            // after the 200: event: error, no [DONE]
 *
 * Texts are UTF-8 (what is not is cut there) and become JSON strings whatever is in them.
 *
 * threads  any: no state
 * source   docs/inference.md §7; the clients' parsers (tests/client)
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "openai/openai_request.h"

/*  name, word on the wire, status, type, does it heal: x-should-retry */
#define OPENAI_CODES(X)                                                                            \
    X(INVALID_REQUEST, "invalid_request", 400, "invalid_request_error", false)                     \
    X(CONTEXT_LENGTH_EXCEEDED, "context_length_exceeded", 400, "invalid_request_error", false)     \
    X(MODEL_DOES_NOT_FIT, "model_does_not_fit", 400, "invalid_request_error", false)               \
    X(INVALID_API_KEY, "invalid_api_key", 401, "authentication_error", false)                      \
    X(MODEL_NOT_ALLOWED, "model_not_allowed", 403, "permission_error", false)                      \
    X(ENDPOINT_NOT_ALLOWED, "endpoint_not_allowed", 403, "permission_error", false)                \
    X(NOT_FOUND, "not_found", 404, "not_found_error", false)                                       \
    X(MODEL_NOT_FOUND, "model_not_found", 404, "not_found_error", false)                           \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "invalid_request_error", false)               \
    X(REQUEST_TOO_LARGE, "request_too_large", 413, "invalid_request_error", false)                 \
    X(RATE_LIMIT_EXCEEDED, "rate_limit_exceeded", 429, "rate_limit_error", true)                   \
    X(CONCURRENCY_LIMIT, "concurrency_limit", 429, "rate_limit_error", true)                       \
    X(INTERNAL_ERROR, "internal_error", 500, "server_error", true)                                 \
    X(QUEUE_FULL, "queue_full", 503, "server_error", true)                                         \
    X(POOL_UNAVAILABLE, "pool_unavailable", 503, "server_error", true)                             \
    X(ENGINE_FAILED, "engine_failed", 503, "server_error", true)                                   \
    X(ENGINE_LINE_TOO_LONG, "engine_line_too_long", 503, "server_error", false)                    \
    X(UPSTREAM_ENDED, "upstream_ended", 503, "server_error", true)                                 \
    X(WAIT_TOO_LONG, "wait_too_long", 504, "server_error", true)

enum openai_code {
#define X(name, word, status, type, heals) OPENAI_##name,
    OPENAI_CODES(X)
#undef X
};

#define OPENAI_CODE_COUNT ((size_t)OPENAI_WAIT_TOO_LONG + 1)

int openai_code_status(enum openai_code code);
struct str openai_code_word(enum openai_code code);
struct str openai_code_type(enum openai_code code);
bool openai_code_heals(enum openai_code code);
/* False: none of the table's words. */
bool openai_code_from(struct str word, enum openai_code *ret_code);

struct openai_error {
    enum openai_code code;
    struct str message;
    struct str param;       /* empty: null */
    struct str code_word;   /* a finer word in place of the code's own ("bad_type"); empty: that */
    int64_t retry_after_ms; /* only in frames, which have no headers; 0: not told */
};

/* {"error":{"message","type","param","code"}} */
void openai_error_write(const struct openai_error *error, struct buf *out);
/* event: error\ndata:
 * {"error":{"message","type","param","code","retriable"[,"retry_after_ms"]}}\n\n A client raises at
 * it and so it is the last: no [DONE]. */
void openai_error_frame(const struct openai_error *error, struct buf *out);

/* How a caller is told that its request lives while it waits. */
enum openai_dialect {
    OPENAI_COMMENT,   /* ": keep-alive loading eta=12s\n": one newline, so nobody dispatches it */
    OPENAI_DELTA,     /* word "chunk": a chunk that says nothing */
    OPENAI_REASONING, /* a chunk with "[loading, 12 s]\n" as reasoning_content; completions: as
                         chunk */
    OPENAI_OFF,       /* nothing */
};

/* "comment", "chunk", "reasoning", "off" */
bool openai_dialect_from(struct str word, enum openai_dialect *ret_dialect);
struct str openai_dialect_word(enum openai_dialect dialect);

struct openai_beat {
    enum openai_route route; /* chat or completions */
    enum openai_dialect dialect;
    struct str
        stage; /* a word of ours: waking, loading, queued… Other bytes than [a-z0-9_] are dropped */
    int64_t eta_ms; /* -1: not known; told in whole seconds, rounded up */
    struct str id;  /* of chunks: the request's id */
    struct str model;
    int64_t created_s;
};

/* One keep-alive of a stream that has not begun. */
void openai_beat_write(const struct openai_beat *beat, struct buf *out);
/* One of a whole reply: a space, which JSON allows in front. (`off`: do not call.) */
#define OPENAI_BEAT_WHOLE S(" ")

/* data: [DONE]\n\n */
#define OPENAI_DONE_FRAME S("data: [DONE]\n\n")

struct openai_model {
    struct str name;
    int64_t created_s;
    uint64_t context; /* n_ctx_train and context_length; 0: not told */
    uint64_t bytes;   /* 0: not told */
    struct str state; /* status.value: loaded, loading, unloaded … */
    bool embedding;
};

/* {"object":"list","data":[{"id","object":"model","created","owned_by","status":{"value"},
 *   "meta":{"n_ctx_train","size"},"context_length","embedding"}]} */
void openai_models_write(const struct openai_model *models, size_t count, struct buf *out);
/* One of them, for GET /v1/models/NAME. */
void openai_model_write(const struct openai_model *model, struct buf *out);
