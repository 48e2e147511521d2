/* SPDX-License-Identifier: Apache-2.0
 *
 * sums — rows of (day, caller, model) in memory, a bounded number of them.
 *
 * Beyond rows_max a new row is added to (day, caller, "(other)"), and when there are too many of
 * those too, to (day, "(other)", "(other)"): nothing is lost from the sums.
 *
 * threads  one at a time
 */
#pragma once

#include "usage/usage.h"

#define SUMS_CALLERS_MAX 1100 /* rows of "(other)" beside the others: identity's callers */
#define SUMS_DAYS_MAX 64      /* and of all callers together */

struct sum_row {
    int64_t day; /* since 1970 */
    char caller[USAGE_CALLER_BYTES_MAX + 1], model[USAGE_MODEL_BYTES_MAX + 1];
    struct usage_work work;
};

struct sums {
    struct sum_row *rows;
    size_t count, cap, rows_max;
    uint32_t *places; /* row + 1 by hash; 0: free */
    size_t places_count;
    uint64_t folded;
};

struct sums sums_of(size_t rows_max);
void sums_done(struct sums *sums);
void sums_add(struct sums *sums, int64_t day, struct str caller, struct str model,
    const struct usage_work *work);
void sums_merge(struct sums *into, const struct sums *from);
void usage_work_add(struct usage_work *sum, const struct usage_work *work);
