/* SPDX-License-Identifier: Apache-2.0
 *
 * enrol_book — HOME/enrol as its owner sees it: codes that logicctl made, and what the gateway
 * wrote for them.
 *
 * The gateway may have written anything below pending/: links, pipes, files of other names, texts
 * of another form. None is followed or waited for, and only what belongs to a code of ours counts.
 *
 * owner    whoever holds the struct; nothing is kept open
 */
#pragma once

#include "client/options.h"
#include "identity/enrolment_file.h"

#include <limits.h>

struct enrol_book {
    const struct options *options;
    char codes[PATH_MAX], pending[PATH_MAX];
};

/* Makes the folders. errors  as home_path(); ERR_SYSTEM */
bool enrol_book_open(const struct options *options, struct enrol_book *ret_book, struct err *err);

/* One more code. Rows of codes that expired unused go. errors  as document_change(): also that
 * there are ENROLMENT_CODES_MAX */
bool enrol_book_add(
    const struct enrol_book *book, const struct enrolment_code *fresh, struct err *err);

/* Has a browser used the code? */
bool enrol_book_used(const struct enrol_book *book, const char *id);

/* What it made, if all of it is of a code of ours. The texts live as long as *ret_document. `name`
 * is of the code. errors  ERR_INPUT "no_enrolment", "bad_enrolment", "no_code"; ERR_DENIED
 * "not_of_code" */
bool enrol_book_read(const struct enrol_book *book, const char *id, json_t **ret_document,
    struct enrolment *ret_enrolment, struct err *err);

/* Its code first, so that it cannot be used again, then its file. *ret_found: was there any? */
bool enrol_book_forget(
    const struct enrol_book *book, const char *id, bool *ret_found, struct err *err);

/* Rows {"enrolment","state","person","words","key_id","origin","expires_at","made_at","why"}: state
 * "open" (a code that nobody used yet), "waits", "refused" (with why), the oldest first. */
bool enrol_book_list(const struct enrol_book *book, json_t **ret_rows, struct err *err);
