/* SPDX-License-Identifier: Apache-2.0
 *
 * advisor — what an engine is asked about a sentence, and how little of its answer is believed.
 *
 * threads  any: no state
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define ADVISOR_PROMPT_BYTES_MAX (32 * 1024)

/* Does it ask, and so wants nothing done? A mark at its end, or its first word. */
bool advisor_is_question(struct str sentence);
/* What an engine may name for it: the catalogue; for a question only the actions of tier observe
 * of it, so that no engine turns one into a change. A new reference. */
json_t *advisor_catalogue(const json_t *catalogue, struct str sentence);

/* `catalogue` is the answer to `actions`, or a part of it. The schema is one of: each action with
 * its parameters, or
 * {"action":"none"}. Only keywords that engines know by experience are kept; the judge checks the
 * rest. errors  ERR_PEER the catalogue has not that form */
bool advisor_schema(const json_t *catalogue, json_t **ret_schema, struct err *err);
void advisor_prompt(const json_t *catalogue, struct buf *out);

struct advice {
    bool none;          /* the engine sees no action in the sentence */
    const char *action; /* borrowed from the content */
    json_t *params;
};

/* errors  ERR_PEER "model_garbage": not an action of the catalogue, an extra field, a wrong type */
bool advisor_read(
    const json_t *content, const json_t *catalogue, struct advice *ret_advice, struct err *err);
