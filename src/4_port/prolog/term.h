/* SPDX-License-Identifier: Apache-2.0
 *
 * term — JSON values to Prolog terms and terms to JSON text, as docs/protocol.md §1 says.
 *
 * Text becomes strings, never atoms: what comes from outside must not fill the atom table. Keys
 * come in canonical order, so that a question replayed from its canonical text is the same term.
 *
 * threads  any with an engine; a foreign frame must be open
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "json/json_scan.h"

#include <SWI-Prolog.h>
#include <jansson.h>

/* Nesting of objects and arrays. An answer must fit, with its envelope (reply, results, verdict),
 * into what json_read() takes on the other side: JSON_DEPTH_MAX. A question is made by us, out of
 * what was read. */
#define TERM_IN_DEPTH_MAX 64
#define TERM_OUT_DEPTH_MAX 28

/* Look up names; once, after boot_start(). */
void term_open(void);

/* errors  ERR_LIMIT "too_deep"; "stack_limit" it does not fit the worker's stack */
bool term_build(term_t ret_term, const json_t *value, struct err *err);

/* The same from a tape without escapes, from the value at `token`: no value is made in between. */
bool term_build_tape(term_t ret_term, const struct json_tape *tape, size_t token, struct err *err);

/* Append to `out`. errors  ERR_SYSTEM "rule_error" the term is no JSON: not ground, cyclic, a
 * compound, a rational or an integer beyond 64 bits, a float that is not finite, text with NUL or a
 * lone surrogate, a key twice; ERR_LIMIT "too_deep", "answer_too_large" */
bool term_write(term_t term, struct buf *out, struct err *err);
