/* SPDX-License-Identifier: Apache-2.0
 *
 * body — what a client sent, checked field by field, as the text of a request to the judge.
 *
 * Every field is known, typed and in bounds before the judge sees it; an unknown one is refused by
 * name. The words in it (names, zones, keys) are the judge's to know.
 *
 * errors   ERR_INPUT "bad_json", "unknown_field", "missing_field", "bad_type", "out_of_range",
 *          "bad_value" with the field as param; ERR_LIMIT "too_large"
 * threads  any: no state
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define BODY_BYTES_MAX (128 * 1024)
#define SENTENCE_CHARS_MAX 2000
#define WORD_BYTES_MAX 64 /* names of actions, queries, statuses */
#define CASES_LIMIT_MAX 200
#define CASES_LIMIT_DEFAULT 50
#define LEDGER_LIMIT_MAX 500
#define ALERTS_LIMIT_MAX 200
#define ALERTS_LIMIT_DEFAULT 50
#define ACKNOWLEDGE_WORDS_MAX 400 /* bytes */
#define PROMQL_BYTES_MAX 4096
#define HISTORY_SINCE_S_MAX 31536000
#define HISTORY_STEP_S_MAX 86400
#define LEDGER_LIMIT_DEFAULT 100

enum body_choice { BODY_UNSAID, BODY_NO, BODY_YES };

struct body_intent {
    char *sentence; /* yours, from malloc */
    bool parse_only;
    enum body_choice model;
};

/* Does an intent say that nothing is to be done, and ask for no engine? False for what is no
 * intent.
 */
bool body_is_parse_only(struct str text);

/* `out` is appended to in each; after an error it holds nothing of use. */
bool body_intent(struct str text, struct body_intent *ret_intent, struct buf *out, struct err *err);
bool body_proposal(struct str text, struct buf *out, struct err *err);
bool body_consent(struct str text, struct str id, struct buf *out, struct err *err);
/* The hot one: the bytes of the client go on as they are, once they were read. */
bool body_query(struct str text, struct buf *out, struct err *err);
/* Nothing, or {}. */
bool body_nothing(struct str text, struct buf *out, struct err *err);
/* {"id":…} of a path. */
void body_id(struct str id, struct buf *out);
/* ?limit&before&status */
bool body_cases(struct str query, struct buf *out, struct err *err);
/* ?after&limit */
bool body_ledger(struct str query, struct buf *out, struct err *err);
/* ?after alone, as {"after":…} */
bool body_verify(struct str query, struct buf *out, struct err *err);
/* ?status&limit&before, of alerts */
bool body_alerts(struct str query, struct buf *out, struct err *err);
/* Nothing, {} or {"words":…}: a proposal to acknowledge that alert. */
bool body_acknowledge(struct str text, uint64_t alert, struct buf *out, struct err *err);
/* {"MEMBER":NAME} of a path: letters, digits, '_', '-' and '.'. */
bool body_named(struct str name, const char *member, struct buf *out, struct err *err);
/* ?node&metric&part or ?promql, with from_ms&to_ms or since_s, step_s; the last hour without. */
bool body_history(struct str query, int64_t now_ms, struct buf *out, struct err *err);
/* ?after alone; -1 if it is not there */
/* ?after=SEQ&form=full|brief&with=house,queue,stages */
struct body_events {
    int64_t after; /* -1: from now on */
    bool brief, house, queue, stages;
};
bool body_events(struct str query, struct body_events *ret_events, struct err *err);

bool body_after(struct str query, int64_t *ret_after, struct err *err);
