/* SPDX-License-Identifier: Apache-2.0
 *
 * amounts — numbers of the house for a person: "61.5 °C", "93.2 %", "12 s ago".
 *
 * The node tells whole numbers in units of its vocabulary (kb/core/1_words/metric_words.pl); a unit
 * that is not known here is written behind the number as it is.
 *
 * threads  any: no state
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AMOUNT_BYTES 64

/* "unknown" where a value is missing is the caller's. */
const char *amount_text(int64_t value, const char *unit, char ret_text[AMOUNT_BYTES]);

/* "12 s", "3 min", "2 h 5 min", "4 d": two steps at most; a negative span is "0 s". */
const char *span_text(int64_t seconds, char ret_text[AMOUNT_BYTES]);
/* "12 s ago" from RFC 3339; "in the future" beyond a minute; "" if it is no time. */
const char *ago_text(struct str at, int64_t now_ms, char ret_text[AMOUNT_BYTES]);

/* "90", "90s", "15m", "1h", "2d": 1 s to a year. errors  ERR_INPUT */
bool span_read(struct str text, const char *option, int64_t *ret_seconds, struct err *err);
