/* SPDX-License-Identifier: Apache-2.0
 *
 * secret_forms — inside the store: the spellings in which a value may turn up in a text.
 *
 * owner    secret_forms_done() wipes
 * threads  one at a time
 */
#pragma once

#include "base/str.h"

#define SECRET_FORMS_MAX 64

struct secret_forms {
    struct str forms[SECRET_FORMS_MAX]; /* slices of `pages` */
    size_t count;
    char *pages; /* of our own, locked, not dumped */
    size_t bytes;
    size_t used;
};

/* Of `value`: itself, base64 and base64url at each of three offsets, percent and hex (both cases),
 * JSON escapes, and its lines if it has several. Forms shorter than SECRET_FORM_BYTES_MIN are left
 * out. */
#define SECRET_FORM_BYTES_MIN 8

void secret_forms_init(struct secret_forms *forms, struct str value);
void secret_forms_done(struct secret_forms *forms);

/* The longest form that `text` begins with; 0: none. With `at_end` also a form that the end of
 * `text` cuts off, if at least SECRET_CUT_BYTES_MIN of it are there. */
#define SECRET_CUT_BYTES_MIN 6
size_t secret_forms_match(const struct secret_forms *forms, struct str text, bool at_end);
