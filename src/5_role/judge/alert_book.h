/* SPDX-License-Identifier: Apache-2.0
 *
 * alert_book — alerts as the fold of their ledger entries, for lists and pages.
 *
 * Mechanical: severity, words and members are what the entries say; what is an alert and when it
 * ends is for the rules. The same function folds an entry that was just made and one that is read
 * back after a start, so both show the same.
 *
 *     book_fold(&book, entry)            every entry; those of no alert are passed over
 *     book_find(&book, 412)              its id is the seq of its alert_raised
 *
 * All open alerts are kept, and the newest `closed_max` closed ones; older ones are in the ledger.
 *
 * owner    book_init() … book_done()
 * threads  one; no clock, no I/O
 * source   docs/senses.md §5
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOK_HISTORY_MAX 64 /* lines of one alert's life that are shown; all are in the ledger */
#define BOOK_AT_BYTES 32

enum alert_state { ALERT_RAISED, ALERT_ACKNOWLEDGED, ALERT_CLEARED, ALERT_STATES };

struct alert {
    int64_t id;
    enum alert_state state;
    char raised_at[BOOK_AT_BYTES], changed_at[BOOK_AT_BYTES], cleared_at[BOOK_AT_BYTES];
    json_t *raised;       /* the body of alert_raised */
    json_t *said;         /* what its entries said last of severity, words, count, members, why */
    json_t *acknowledged; /* {"by","at","words"}, or NULL: nobody, or it became worse since */
    json_t *runbook;      /* {"at","markdown",…} or {"at","failed":{…}}; NULL: none yet */
    json_t *facts;        /* that its last prompt used */
    json_t *history;
    bool runbook_under_way; /* one is being checked and recorded */
};

struct alert_book {
    struct alert **alerts; /* by id, upwards */
    size_t count, room, closed, closed_max;
};

void book_init(struct alert_book *book, size_t closed_max);
void book_done(struct alert_book *book);

/* True: it was of an alert that is in the book. */
bool book_fold(struct alert_book *book, const json_t *entry);

/* NULL: no such alert, or it was closed long ago. Good until the next fold. */
struct alert *book_find(const struct alert_book *book, int64_t id);

/* "raised", "acknowledged", "cleared"; also "open" for the first two, and "all". */
bool book_status_known(struct str status);
bool alert_has_status(const struct alert *alert, struct str status);

/* A line of a list, and the whole page. New references. */
json_t *alert_row(const struct alert *alert);
json_t *alert_view(const struct alert *alert);
/* {"alerts":[rows],"open":n}: the newest first, with ids below `before` (0: from the newest). */
json_t *book_list(const struct alert_book *book, struct str status, int64_t before, int64_t limit);
