/* SPDX-License-Identifier: Apache-2.0
 *
 * read_case — a case that is not in memory, folded from its entries; for the files of this folder.
 */
#pragma once

#include "case/case.h"

struct judge;

/* State CASE_NONE when there is none. NULL: err says why. Lives during the call. */
typedef void read_case_done(void *context, const struct kase *kase, const struct err *err);
bool read_case(
    struct judge *j, const char *id, read_case_done *done, void *context, struct err *err);

/* What cannot follow is logged and skipped: a list stays useful. */
void fold_entry(struct kase *kase, const json_t *entry);
