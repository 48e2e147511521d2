/* SPDX-License-Identifier: Apache-2.0
 *
 * model — asks an OpenAI-compatible engine for one JSON object that obeys a schema.
 *
 *     struct model_config config = {.url = "http://127.0.0.1:8080", .calls_max = 2, .queue_max =
 * 16, .budget_ms = 45000, .response_bytes_max = 65536}; model_open(loop, &config, &model, &err)
 *     model_ask(model, &question, on_answer, owner, &call, &err)
 *
 * An engine is an advisor: whatever it sends is data to be doubted. Its answer is read strictly,
 * and everything that is not one whole JSON object in good time is an error with a code:
 * model_away, model_silent, model_refused, model_too_long, model_garbage, model_busy.
 *
 * owner    model_open() … model_close(); a call belongs to the model, its pointer dies with the
 * answer threads  the loop's only; libcurl runs on libuv's workers units    ms, bytes source OpenAI
 * API reference, chat completions; llama.cpp tools/server/README.md
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#define MODEL_NAME_BYTES                                                                           \
    129 /* what an engine calls itself: 128 printable characters and a terminator */
#define MODEL_URL_BYTES_MAX 1024
#define MODEL_CONTENT_BYTES_MAX (16 * 1024) /* the object itself */

struct model;
struct model_call;

struct model_config {
    const char *url;   /* http://host:port, https://host, unix:/path; may end in /v1 */
    const char *name;  /* the model asked for; NULL or "" is "default" */
    int64_t calls_max; /* running at once */
    int64_t queue_max; /* waiting behind them */
    int64_t budget_ms; /* of one call, waiting included */
    int64_t response_bytes_max;
};

struct model_question {
    struct str system; /* ours */
    struct str user;   /* what somebody wrote: data */
    const json_t *schema;
    int64_t tokens_max;
    const char *schema_name;  /* NULL: "action" */
    const char *token;        /* sent as a bearer token; NULL: none */
    size_t content_bytes_max; /* 0: MODEL_CONTENT_BYTES_MAX */
    bool may_be_cut; /* what the engine ended for length is not lost: model_cut() of it counts */
};

/* `content` and `name` live during the call. content is NULL when `why` says what went wrong. */
struct model_answer {
    const json_t *content;
    const char *name; /* what the engine calls its model; "unnamed" if it does not */
    int64_t spent_ms;
    bool truncated; /* may_be_cut, and it was */
    const struct err *why;
};

/* Call curl_global_init(3) first. errors  ERR_INPUT not such a URL, or one with a password in it */
bool model_open(
    uv_loop_t *loop, const struct model_config *config, struct model **ret_model, struct err *err);
/* Nobody is called any more; the memory goes when the workers are done. NULL is allowed. */
void model_close(struct model *model);

/* `answered` is called once from the loop, never from here, unless the call is cancelled.
 * errors  ERR_LIMIT "model_busy": calls_max run and queue_max wait */
bool model_ask(struct model *model, const struct model_question *question,
    void (*answered)(void *owner, const struct model_answer *answer), void *owner,
    struct model_call **ret_call, struct err *err);
/* Nobody is called any more. */
void model_cancel(struct model_call *call);

/* Running and waiting calls. */
int64_t model_calls(const struct model *model);

/* --- pure parts, for tests and fuzzers ---------------------------------------------- */

struct model_place {
    char url[MODEL_URL_BYTES_MAX];         /* of the chat completions */
    char socket_path[MODEL_URL_BYTES_MAX]; /* "" for TCP */
};
bool model_place_read(const char *text, struct model_place *ret_place, struct err *err);

/* The body of the request. errors  ERR_LIMIT longer than out->bytes_max */
bool model_request_write(
    const struct model_question *question, const char *name, struct buf *out, struct err *err);

struct model_reading {
    size_t bytes_max, content_bytes_max;
    bool may_be_cut;
};
struct model_response {
    json_t *content; /* the object the model wrote, the caller's */
    char name[MODEL_NAME_BYTES];
    bool truncated;
};
/* The body of the response. */
bool model_response_read(struct str text, const struct model_reading *reading,
    struct model_response *ret_response, struct err *err);

/* Of the beginning of a JSON object as much as is whole, closed: what was cut within a value is
 * left out together with its name. */
void model_cut(struct str wrote, struct buf *out);

/* error.code of an error in OpenAI's form if it is a plain word, else "". */
#define MODEL_CODE_BYTES 48
void model_error_code(struct str text, char ret_code[MODEL_CODE_BYTES]);
