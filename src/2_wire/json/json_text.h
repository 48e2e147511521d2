/* SPDX-License-Identifier: Apache-2.0
 *
 * json_text — JSON values to text, into a buffer with a limit.
 *
 * Canonical is RFC 8785 (JCS): keys sorted by UTF-16 code units, no white space, shortest escapes.
 * Our canonical documents hold whole numbers only, so the one hard part of JCS (doubles) is left
 * out: a real, or an integer that a double cannot hold exactly, is refused instead of being
 * written.
 *
 * threads  any: no state
 * source   RFC 8785
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "json/json_string.h"

#include <jansson.h>

/* Our own values lie some levels around what was read (case in entry in message). */
#define JSON_TEXT_DEPTH_MAX 64
/* 2^53 - 1: what every reader of JSON can hold (RFC 7493). */
#define JSON_INTEGER_MAX 9007199254740991

/* Append; after an error `out` is as it was.
 * errors  ERR_INPUT "not_canonical" a real or an integer beyond ±JSON_INTEGER_MAX;
 *         ERR_LIMIT "too_deep", "too_large" more than out->bytes_max */
bool json_canonical(const json_t *value, struct buf *out, struct err *err);

/* Append, compact, keys in the order they were set, reals allowed. errors  ERR_LIMIT as above */
bool json_plain(const json_t *value, struct buf *out, struct err *err);

/* Order of canonical keys: < 0, 0, > 0, as their UTF-16 code units compare. */
int json_key_compare(struct str a, struct str b);
