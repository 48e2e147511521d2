/* SPDX-License-Identifier: Apache-2.0
 *
 * words — what is said to the server and what it says, as text. Pure. Internal to history/.
 *
 * threads  any: no state
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "history/history.h"

#define WORDS_SERIES_BYTES (HISTORY_METRIC_BYTES_MAX + 8) /* logic_METRIC and a terminator */

bool words_node_valid(struct str node);
bool words_metric_valid(struct str metric);
bool words_part_valid(struct str part);
void words_series(struct str metric, char ret_name[WORDS_SERIES_BYTES]);

/* The path and the form (percent-encoded) of a question. `form` is cleared before.
 * errors  as of history_ask() */
bool words_question(const struct history_question *question, const struct history_limits *limits,
    struct str *ret_path, struct buf *form, struct err *err);

/* The body of an answer 200 into our form; `out` is cleared before and empty after an error.
 * errors  ERR_PEER history_bad_reply; ERR_LIMIT history_too_large */
bool words_answer(
    struct str body, const struct history_limits *limits, struct buf *out, struct err *err);

/* What another status of an answer means: always sets err and gives false. */
bool words_refusal(int status, struct str body, struct err *err);
