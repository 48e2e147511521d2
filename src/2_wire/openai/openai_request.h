/* SPDX-License-Identifier: Apache-2.0
 *
 * openai_request — the body of an OpenAI request, checked whole and looked at in place, and the
 * body to forward: the same bytes but for the smallest splice. No allocation, one pass, any length.
 *
 *     struct openai_request request;
 *     struct openai_parts parts;
 *     if (!openai_request_scan(OPENAI_CHAT, body, &request, err))
 *         return refuse(err);                  // 400; err->param is the member
 *     openai_request_forward(&request, real_name_or_empty, &parts);   // write parts.part[0…count)
 *
 * The whole text is checked: RFC 8259, UTF-8, no NUL in any spelling, no duplicate key at any depth
 * ("a" and "\u0061" are the same key), at most OPENAI_DEPTH_MAX deep. So what we saw is what the
 * engine will see. Members that we do not know pass untouched; `null` counts as not given.
 *
 * threads  any: no state
 * source   RFC 8259; the OpenAI API's names; fuzzed against jansson (openai_request_fuzz.c)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define OPENAI_MODEL_BYTES_MAX 128
#define OPENAI_USER_BYTES_MAX 256
#define OPENAI_DEPTH_MAX 64
#define OPENAI_MEMBERS_MAX 512 /* of one object, and of all objects that are open at once */
#define OPENAI_CHOICES_MAX 128 /* `n` */
#define OPENAI_BYTES_PER_TOKEN 4
#define OPENAI_TOKENS_PER_MESSAGE 4  /* what a chat template puts around one */
#define OPENAI_TOKENS_PER_MEDIA 768  /* an image or a sound given as data, whatever its bytes */
#define OPENAI_TOKENS_MAX 2147483647 /* of max_tokens */

enum openai_route { OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS };

/* Borrows the body; may be copied. */
struct openai_request {
    enum openai_route route;
    struct str body;
    char model[OPENAI_MODEL_BYTES_MAX]; /* escapes resolved; not empty, no control characters */
    size_t model_len;
    char user[OPENAI_USER_BYTES_MAX]; /* the same; user_len 0: not given */
    size_t user_len;
    bool stream;        /* always false for embeddings */
    bool include_usage; /* the caller asked for the usage chunk */
    bool grounding;     /* chats only: facts of the house are wished for (docs/senses.md §8) */
    bool tools;         /* a `tools` or `functions` that is not empty */
    int64_t max_tokens; /* the larger of max_tokens and max_completion_tokens; -1: no limit given */
    int64_t choices;    /* n; 1 when not given */
    uint64_t inputs;    /* messages, prompts or inputs */
    /* An estimate that needs no tokenizer: each text of messages, prompt and input counts
     * its bytes (as written) / OPENAI_BYTES_PER_TOKEN rounded up, each message
     * OPENAI_TOKENS_PER_MESSAGE, each "url" that begins with "data:" and each "data" that is a text
     * OPENAI_TOKENS_PER_MEDIA, each number of a prompt or an input that is given as tokens 1, and
     * tools their whole JSON as if it were a text. English in a common vocabulary is 3.5 to 4.5
     * bytes per token: good for a queue's cost; a refusal for length wants a margin. */
    uint64_t prompt_tokens;
    /* where forward() cuts; 0: is not there (no value begins at 0) */
    size_t open_at; /* the body's first bracket */
    size_t model_at, model_bytes;
    size_t options_at, options_bytes; /* the value of stream_options */
    size_t usage_at, usage_bytes;     /* the value of include_usage */
    bool options_empty;
};

static inline struct str openai_request_model(const struct openai_request *request)
{
    return (struct str){request->model, request->model_len};
}

static inline struct str openai_request_user(const struct openai_request *request)
{
    return (struct str){request->user, request->user_len};
}

/* param is the member ("stream_options.include_usage"), or the top member in which the text is
 * wrong, or "".
 * errors  ERR_INPUT "bad_json" (the place is told, never the text), "duplicate_key", "bad_type",
 *         "missing_field" (model; messages, prompt or input), "out_of_range";
 *         ERR_LIMIT "too_deep", "too_many_members" */
bool openai_request_scan(
    enum openai_route route, struct str body, struct openai_request *ret_request, struct err *err);

#define OPENAI_PARTS_MAX 5

struct openai_parts {
    struct str part[OPENAI_PARTS_MAX]; /* of the body, of `model` and constants; none is empty */
    size_t count;
    size_t bytes; /* of all: the Content-Length */
};

/* The body to send: include_usage is true when it streams, and the model is `model` unless that is
 * empty. `model` is at most OPENAI_MODEL_BYTES_MAX bytes without quotes, backslashes and control
 * characters (a label of the catalogue; panics otherwise). Everything else stays byte by byte. */
void openai_request_forward(
    const struct openai_request *request, struct str model, struct openai_parts *ret_parts);

/* The model's name that a caller may ask for, as scan() checks it: 1…OPENAI_MODEL_BYTES_MAX bytes
 * of UTF-8 without control characters. */
bool openai_is_model(struct str name);
