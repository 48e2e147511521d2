/* SPDX-License-Identifier: Apache-2.0
 *
 * check — the gate before a rule set is loaded: `logicd kb-check DIR` in a process of its own.
 *
 * Loading runs directives, and Prolog starts once per process: so this is called in a fresh child,
 * which ends afterwards. The checker is tools/kb_check.pl, compiled into this program: what is
 * checked never brings the checker along.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define CHECK_REPORT_BYTES_MAX 262144

struct check_settings {
    const char *home;    /* SWI-Prolog's own files; NULL: where the build found them */
    const char *checker; /* the text of another one, for tests; NULL: ours */
    const char *kb_folder, *site_folder, *state_folder; /* the last two may be NULL */
};

/* true: the check ran; *ret_good says whether the rules passed, `report` holds its findings, a line
 * each (empty when all is well). errors  ERR_SYSTEM Prolog or the checker does not load */
bool prolog_check(
    const struct check_settings *settings, bool *ret_good, struct buf *report, struct err *err);
