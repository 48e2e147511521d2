/* SPDX-License-Identifier: Apache-2.0
 *
 * brief — a ledger entry's body, cut to what a page needs of it (docs/dashboard.md §5).
 *
 * Only members that an entry has are in its brief; what a page wants beyond them it reads from the
 * case. The judge's order of the world stays in the ledger: nothing here can be signed or replayed.
 *
 * threads  any: no state
 * limits   texts beyond BRIEF_CHARS_MAX characters end in `…`; no brief is longer than its body
 *          but for those marks
 */
#pragma once

#include <jansson.h>

#define BRIEF_CHARS_MAX 2000

/* A new reference. `body` is not changed; parts of it may be shared with the brief. A kind that is
 * not known here keeps its body, with its texts cut. */
json_t *brief_body(const char *kind, const json_t *body);
