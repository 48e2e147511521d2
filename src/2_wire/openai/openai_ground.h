/* SPDX-License-Identifier: Apache-2.0
 *
 * openai_ground — a chat request and its reply with facts of the house in them: what the caller's
 * texts are, the request with one system message before the others, our own sentence before the
 * engine's words, and the facts that it was given and cited.
 *
 * Not the hot path: bodies are read into values and written again; numbers keep their worth, not
 * their spelling.
 *
 * threads  any: no state
 * source   docs/senses.md §8
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define OPENAI_GROUND_MARK "house/"            /* before a model's name */
#define OPENAI_GROUND_TEXTS_MAX 8              /* the newest texts of the user */
#define OPENAI_GROUND_TEXT_BYTES_MAX 4096      /* of each; the rest is not looked at */
#define OPENAI_GROUND_VALUES_MAX 100000        /* of a body: each takes some 130 bytes when read */
#define OPENAI_GROUND_CONTENT_BYTES_MAX 262144 /* of a reply, looked through for citations */

/* Is that small when it is read into values? `[[],[],…` of 32 MiB would be 1.4 GiB. A long text is
 * one value. `body` is JSON, or is refused by whoever reads it. */
bool openai_ground_fits(struct str body);

/* The texts of user messages, the newest OPENAI_GROUND_TEXTS_MAX in their order, new. */
json_t *openai_ground_texts(const json_t *body);

/* `body` as it shall go on: without "grounding", the model without its mark, `system` as the first
 * message. False: it is longer than `out` takes, its messages are no list, or `system` is no UTF-8.
 */
bool openai_ground_request(const json_t *body, struct str system, struct buf *out);

/* The text that was cited: which of `facts` ([{"id","words"}]) stand as [id] in `content`, new. */
json_t *openai_ground_cited(const json_t *facts, struct str content);

/* {"facts","cited","unknown"}, new. */
json_t *openai_ground_told(const json_t *facts, const json_t *unknown, struct str content);

/* A whole reply with `before` at the beginning of the first choice's content, and "grounding".
 * errors  ERR_PEER "engine_failed" it is no reply of a chat */
bool openai_ground_reply(struct str reply, struct str before, const json_t *facts,
    const json_t *unknown, struct buf *out, struct err *err);

/* "data: {chunk}\n\n": our words as the first delta of a stream. */
void openai_ground_first(struct str model, struct str words, struct buf *out);
/* "data: {chunk without choices, "grounding"}\n\n": before [DONE]. */
void openai_ground_last(struct str model, const json_t *told, struct buf *out);

/* The content that these whole frames bring, appended to `content` as far as it takes; what is no
 * chunk is passed over. *ret_done: where "data: [DONE]" begins in `frames`, frames.len if it is not
 * there. */
void openai_ground_listen(struct str frames, struct buf *content, size_t *ret_done);
