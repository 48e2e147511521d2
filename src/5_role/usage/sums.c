/* SPDX-License-Identifier: Apache-2.0 */
#include "usage/sums.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROWS 64

struct sums sums_of(size_t rows_max)
{
    return (struct sums){.rows_max = rows_max};
}

void sums_done(struct sums *sums)
{
    size_t rows_max = sums->rows_max;
    uint64_t folded = sums->folded;

    free(sums->rows);
    free(sums->places);
    *sums = (struct sums){.rows_max = rows_max, .folded = folded};
}

void usage_work_add(struct usage_work *sum, const struct usage_work *work)
{
    sum->requests += work->requests;
    sum->failed += work->failed;
    sum->cancelled += work->cancelled;
    sum->prompt_tokens += work->prompt_tokens;
    sum->completion_tokens += work->completion_tokens;
    sum->wasted_tokens += work->wasted_tokens;
    sum->busy_ms += work->busy_ms;
    sum->held_ms += work->held_ms;
}

/* Neighbours collide seldom; who chooses names is a caller we know, and rows are bounded. */
static uint64_t hash_of(int64_t day, struct str caller, struct str model)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)day;

    for (size_t i = 0; i < caller.len; i++)
        hash = (hash ^ (uint8_t)caller.at[i]) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
    for (size_t i = 0; i < model.len; i++)
        hash = (hash ^ (uint8_t)model.at[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static bool is_row(const struct sum_row *row, int64_t day, struct str caller, struct str model)
{
    return row->day == day && str_eq(caller, str_from(row->caller)) &&
           str_eq(model, str_from(row->model));
}

static uint32_t *place_of(const struct sums *sums, int64_t day, struct str caller, struct str model)
{
    size_t at = hash_of(day, caller, model) & (sums->places_count - 1);

    while (sums->places[at] && !is_row(&sums->rows[sums->places[at] - 1], day, caller, model))
        at = (at + 1) & (sums->places_count - 1);
    return &sums->places[at];
}

static void grow(struct sums *sums)
{
    size_t cap = sums->cap ? 2 * sums->cap : FIRST_ROWS;

    sums->rows = reallocarray(sums->rows, cap, sizeof *sums->rows);
    free(sums->places);
    sums->places_count = 2 * cap;
    sums->places = calloc(sums->places_count, sizeof *sums->places);
    check(sums->rows && sums->places);
    sums->cap = cap;
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum_row *row = &sums->rows[i];
        *place_of(sums, row->day, str_from(row->caller), str_from(row->model)) = (uint32_t)i + 1;
    }
}

/* Of at most rows_max rows; NULL when it would be one more. */
static struct sum_row *row_of(
    struct sums *sums, size_t rows_max, int64_t day, struct str caller, struct str model)
{
    if (sums->count == sums->cap)
        grow(sums);
    uint32_t *place = place_of(sums, day, caller, model);
    if (*place)
        return &sums->rows[*place - 1];
    if (sums->count >= rows_max)
        return NULL;
    struct sum_row *row = &sums->rows[sums->count++];
    *row = (struct sum_row){.day = day};
    snprintf(row->caller, sizeof row->caller, "%.*s", STR(caller));
    snprintf(row->model, sizeof row->model, "%.*s", STR(model));
    *place = (uint32_t)sums->count;
    return row;
}

/* Only whole characters, and nothing behind a NUL. */
static struct str name_of(struct str text, size_t bytes_max)
{
    const char *nul = text.len ? memchr(text.at, '\0', text.len) : NULL;

    if (nul)
        text.len = (size_t)(nul - text.at);
    if (text.len > bytes_max)
        text.len = bytes_max;
    text = str_utf8_prefix(text);
    return text.len ? text : S(USAGE_OTHER);
}

void sums_add(struct sums *sums, int64_t day, struct str caller, struct str model,
    const struct usage_work *work)
{
    size_t rows_max = sums->rows_max;

    caller = name_of(caller, USAGE_CALLER_BYTES_MAX);
    model = name_of(model, USAGE_MODEL_BYTES_MAX);
    struct sum_row *row = row_of(sums, rows_max, day, caller, model);
    if (!row) {
        sums->folded++;
        row = row_of(sums, rows_max + SUMS_CALLERS_MAX, day, caller, S(USAGE_OTHER));
    }
    if (!row)
        row = row_of(
            sums, rows_max + SUMS_CALLERS_MAX + SUMS_DAYS_MAX, day, S(USAGE_OTHER), S(USAGE_OTHER));
    if (!row) /* a clock that jumps about for as long as nothing can be written */
        row = &sums->rows[sums->count - 1];
    usage_work_add(&row->work, work);
}

void sums_merge(struct sums *into, const struct sums *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct sum_row *row = &from->rows[i];
        sums_add(into, row->day, str_from(row->caller), str_from(row->model), &row->work);
    }
}
