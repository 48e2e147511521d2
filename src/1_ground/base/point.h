/* SPDX-License-Identifier: Apache-2.0
 *
 * point — the code points of a text, and which of them nobody sees.
 *
 * threads  any: no state
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

/* Take one off the front; false: the first byte is no UTF-8 and was taken alone. */
bool point_take(struct str *rest, uint32_t *ret_point, struct str *ret_bytes);

/* One that a terminal obeys instead of showing, or does not show at all. */
bool point_is_hidden(uint32_t point);

/* UTF-8 without any hidden code point; a new line is one. */
bool str_is_plain(struct str s);
