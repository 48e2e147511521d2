/* SPDX-License-Identifier: Apache-2.0
 *
 * json_read — JSON text from outside, read strictly.
 *
 *     scoped(json_done) json_t *body = NULL;
 *     if (!json_read(text, REQUEST_BYTES_MAX, &body, err))
 *         return false;
 *
 * Refused beyond RFC 8259: duplicate keys, a NUL in any spelling, text that is not UTF-8, white
 * space or words behind the value, integers beyond 64 bits, nesting beyond JSON_DEPTH_MAX. Depth is
 * looked at by a linear scan before the parser recurses. Messages give the place, never the text.
 *
 * threads  any: no state (jansson seeds its hashes on first use: read once before sandbox_enter)
 * source   RFC 8259, RFC 7493
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

#define JSON_DEPTH_MAX 32

/* The caller owns *ret_object, which is an object.
 * errors  ERR_INPUT "bad_json" with the place; ERR_LIMIT "too_large" longer than `bytes_max` */
bool json_read(struct str text, size_t bytes_max, json_t **ret_object, struct err *err);

/* The same for a value of any type. */
bool json_read_any(struct str text, size_t bytes_max, json_t **ret_value, struct err *err);

/* How deep the brackets of `text` go, by counting alone: `[]` is 1, `7` is 0. *ret_at is where the
 * deepest one opens. Text that is no JSON gives some number. */
size_t json_depth(struct str text, size_t *ret_at);
