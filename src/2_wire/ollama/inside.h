/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — what ollama_stream.c and ollama_reply.c share: pieces of Ollama's lines, and how the
 * engine's objects are read. Not for others.
 *
 * threads  any: no state
 */
#pragma once

#include "ollama/ollama_reply.h"

#define OLLAMA_NAME_BYTES_MAX 1024 /* of a tool, of a call's id */

struct ollama_ending {
    struct str reason;
    const struct ollama_moment *moment;
    const struct openai_usage *usage;
    int64_t prompt_ns, eval_ns;
};

/* {"model":…,"created_at":… */
void ollama_add_head(struct str model, int64_t now_ms, struct buf *out);
/* ,"message":{…} or ,"response":…; empty `thinking` and `calls` (JSON, without brackets) are left
 * out. */
void ollama_add_text(enum ollama_route route, struct str content, struct str thinking,
    struct str calls, struct buf *out);
/* ,"done_reason":…,"done":true,…} */
void ollama_add_ending(const struct ollama_ending *ending, struct buf *out);

bool ollama_engine_failed(struct err *err, const char *words);
/* An object that is no error; the caller owns it. */
bool ollama_engine_read(struct str text, size_t bytes_max, json_t **ret_object, struct err *err);
/* NULL: it is not there, or null. */
const json_t *ollama_member(const json_t *object, const char *name);
/* Empty: it is no text. */
struct str ollama_text(const json_t *value);
struct str ollama_thinking(const json_t *message);
/* timings.prompt_ms, predicted_ms. False: not told. */
bool ollama_timings(const json_t *object, int64_t *ret_prompt_ns, int64_t *ret_eval_ns);
/* {"id"?,"function":{"name","arguments":{…}}} */
bool ollama_add_call(
    struct str id, struct str name, struct str arguments, struct buf *out, struct err *err);
