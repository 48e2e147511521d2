/* SPDX-License-Identifier: Apache-2.0
 *
 * replay — every verdict, alert and runbook of a ledger given again: `logicd replay`.
 *
 * Same rules, facts and question: same verdict, bit for bit. A case_judged entry names all three:
 * rules and site by their hashes (HOME/kb/RULES16-SITE16 holds them, and must still be what its
 * name says), the question in full, and the state facts as the number of the last entry
 * that was learned. Each version is loaded in a child of its own, which locks itself up as
 * the judge does, walks the entries, learns and asks door `judge`; canonical bytes are compared.
 *
 * Entries alert_* hold a question of their own, all that they depend on, for door `alert`; of a
 * runbook_generated the model's answer is rendered again by door `runbook`.
 *
 * With another rule set it is a regression test: which verdicts would a change alter?
 *
 * threads  one, and no Prolog in this process
 * source   docs/protocol.md §1, §4
 */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdio.h>

#define REPLAY_LINE_BYTES_MAX (1024 * 1024) /* of one entry */
#define REPLAY_VERSIONS_MAX 1024            /* in one ledger; verdicts of more are not replayed */
#define REPLAY_LISTED_MAX 1000              /* differences; the rest is only counted */

struct replay_options {
    const char *versions;  /* HOME/kb */
    const char *with_kb;   /* judge everything by these rules instead; or NULL */
    const char *with_site; /* and these site facts */
    int64_t since;         /* verdicts with a greater seq; facts are learned from the beginning */
};

/* `entries` is an export or plain entries, one JSON object a line.
 * *ret_report {"ok","words","verdicts","alerts","runbooks","same","altered","reworded",
 *              "not_replayed",
 *              "differences":[{"seq","case","action","was","now","members":[…]}],"not_listed",
 *              "missing":[{"version","entries","words"}]}
 * `verdicts`, `alerts` (entries alert_*) and `runbooks` are how many there are; the rest is of all.
 * `altered` counts all that differ; `reworded` those of them that decide the same in other words.
 * ok: every verdict was replayed to the same bytes.
 * errors  ERR_INPUT a line is no entry, the rules of with_kb are refused; ERR_SYSTEM */
bool replay_run(
    const struct replay_options *options, FILE *entries, json_t **ret_report, struct err *err);
