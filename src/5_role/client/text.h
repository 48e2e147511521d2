/* SPDX-License-Identifier: Apache-2.0
 *
 * text — what came from outside, made safe and measurable for a terminal.
 *
 * A reply may hold a record value that somebody else chose. Control characters, direction
 * overrides, invisible and unassigned-width code points would let it move the cursor or hide
 * a word from the person who signs; here they become visible: \x1b, \u{202e}.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum text_lines {
    TEXT_ONE_LINE,  /* a newline is written as \n */
    TEXT_MANY_LINES /* newlines stay */
};

/* Append `raw` with nothing in it but printable UTF-8. */
void text_visible(struct buf *out, struct str raw, enum text_lines lines);

/* Columns on a terminal. `s` has been through text_visible. */
size_t text_width(struct str s);

/* The longest head that fits `columns`. */
struct str text_head(struct str s, size_t columns);
