/* SPDX-License-Identifier: Apache-2.0
 *
 * again — the child's side of a replay: one rule set, all entries, one line a difference.
 * Inside of replay.
 */
#pragma once

#include "replay/replay.h"

struct again {
    const char *kb, *site;    /* folders */
    const char *rules, *hash; /* only verdicts given by these; NULL: all */
    int64_t since;
};

/* The next entry of an export; other lines are skipped. *ret_entry NULL at the end. Line numbers
 * count from 1. errors  ERR_INPUT the line is no JSON object; ERR_LIMIT it is too long */
bool again_read(FILE *entries, int64_t *line, json_t **ret_entry, struct err *err);

enum again_what { AGAIN_VERDICT, AGAIN_ALERT, AGAIN_RUNBOOK, AGAIN_WHATS };

/* Is it one that this replay is about? */
bool again_wanted(const struct again *again, const json_t *entry);
/* Of one that is wanted. */
enum again_what again_what(const json_t *entry);

/* Load, lock up, walk, write to `out`: {"difference":{…}} each, at last {"replayed","altered",
 * "reworded"} or {"error"}. Called in a fresh process, which ends with the status it returns. */
int again_run(const struct again *again, FILE *entries, FILE *out);
