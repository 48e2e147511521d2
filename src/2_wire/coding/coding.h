/* SPDX-License-Identifier: Apache-2.0
 *
 * coding — bytes as hex and base64 text, and strictly back.
 *
 * One text for one value: decoding refuses upper-case hex, missing or extra padding, bits
 * behind the last byte, white space. So decode(text) = bytes means encode(bytes) = text.
 *
 * threads  any: no state
 * source   RFC 4648, sections 4 and 8
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define HEX_BYTES(count) (2 * (count) + 1)
/* Characters of base64 for `count` bytes, without a terminator. */
#define BASE64_LENGTH(count) (((count) + 2) / 3 * 4)

/* Lower case, with a terminator: HEX_BYTES(count) bytes are written. */
void hex_encode(const void *bytes, size_t count, char *ret_text);
/* Exactly `count` bytes or false; ret_bytes is then untouched. */
bool hex_decode(struct str text, size_t count, void *ret_bytes);

void base64_encode(struct str bytes, struct buf *out);
/* At most `bytes_max` bytes or false; *ret_count is then untouched, ret_bytes may be scribbled on.
 */
bool base64_decode(struct str text, size_t bytes_max, void *ret_bytes, size_t *ret_count);
