/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples to sums, sums to readings: docs/senses.md §4.1. */
#include "sense/sense_reader.h"

#include <math.h>

#define WHOLE_MAX 9007199254740991.0

static bool two_sided(enum sense_how how)
{
    return how == SENSE_RATIO || how == SENSE_REST || how == SENSE_LESS || how == SENSE_RATIO_RATE;
}

static bool of_growth(enum sense_how how)
{
    return how == SENSE_RATE || how == SENSE_DELTA || how == SENSE_RATIO_RATE;
}

static void refuse(struct sense_reader *reader, enum sense_refusal why)
{
    reader->result->refused[why]++;
}

/* --- samples to sums ----------------------------------------------------------------------------
 */

/* Rows of one metric sum up together; the two sides of a ratio belong to one row. */
static bool same_sum(const struct sense_table *table, const struct sense_sum *sum, uint16_t row)
{
    return sum->row == row || (table->rows[sum->row].metric == table->rows[row].metric &&
                                  table->rows[sum->row].how == table->rows[row].how &&
                                  !two_sided(table->rows[row].how));
}

static struct sense_sum *sum_at(
    struct sense_reader *reader, uint16_t row, const char *part, uint8_t len, int64_t at_ms)
{
    const struct sense_row_of_table *of = &reader->table->rows[row];
    uint64_t seed = two_sided(of->how) ? 0x10000u + row : of->metric;
    size_t i = sense_hash(reader->seed + seed, (struct str){part, len}) % SENSE_SLOTS;

    for (; reader->parts[i].life == reader->life; i = (i + 1) % SENSE_SLOTS) {
        struct sense_sum *sum = &reader->sums[reader->parts[i].at];
        if (same_sum(reader->table, sum, row) && sum->part_len == len &&
            memcmp(sum->part, part, len) == 0) {
            sum->at_ms = at_ms < sum->at_ms ? at_ms : sum->at_ms;
            return sum;
        }
    }
    if (reader->sums_count == SENSE_SUMS_MAX) {
        refuse(reader, SENSE_TOO_MANY_SERIES);
        return NULL;
    }
    reader->parts[i] = (struct sense_slot){reader->life, (uint32_t)reader->sums_count};
    struct sense_sum *sum = &reader->sums[reader->sums_count++];
    *sum = (struct sense_sum){.row = row, .part_len = len, .at_ms = at_ms};
    memcpy(sum->part, part, len);
    return sum;
}

static void side_add(struct sense_side *side, double value)
{
    side->sum += value;
    side->max = side->count && side->max > value ? side->max : value;
    side->min = side->count && side->min < value ? side->min : value;
    side->count++;
}

static void add(struct sense_reader *reader, struct sense_used *used, uint16_t row, bool of_side)
{
    const struct sense_row_of_table *of = &reader->table->rows[row];
    const struct sense_metric *metric = &reader->table->metrics[of->metric];
    int64_t gap_ms = 3 * reader->state->every_ms;
    char part[SENSE_PART_BYTES_MAX];
    uint8_t len;

    if (!sense_part_of(reader, used, of, part, &len)) {
        if (!of_side)
            refuse(reader, SENSE_BAD_PART);
        return;
    }
    struct sense_sum *sum = sum_at(reader, row, part, len, used->at_ms);
    if (!sum)
        return;
    if (used->bad) {
        sum->bad = true;
        if (!used->blamed)
            refuse(reader, isnan(used->value) ? SENSE_NOT_A_NUMBER : SENSE_INFINITE);
        used->blamed = true;
        return;
    }
    struct sense_side *side = of_side ? &sum->of : &sum->own;
    sum->samples += !of_side;
    if (!of_growth(of->how)) {
        side_add(side, used->value);
        return;
    }
    sum->went_back = sum->went_back || used->went_back;
    if (!used->grew || used->dt_ms > (gap_ms > metric->stale_ms ? gap_ms : metric->stale_ms))
        return;
    side_add(side, of->how == SENSE_RATE ? used->delta * 1000 / (double)used->dt_ms : used->delta);
}

/* Which rows take it: of each metric the first that fits. */
static void share(struct sense_reader *reader, struct sense_used *used)
{
    const struct sense_name *name = used->name;
    int taken_by = -1; /* the metric that took it last; rows of a metric stand together */

    for (size_t i = 0; i < name->uses_count; i++) {
        const struct sense_use *use = &name->uses[i];
        const struct sense_row_of_table *row = &reader->table->rows[use->row];
        struct str taken = {"", 0}, take = {NULL, 0};
        if (use->join)
            continue;
        if (use->of >= 0) {
            if (sense_fits(reader, used, &row->of[use->of].tests, take, taken))
                add(reader, used, use->row, true);
            continue;
        }
        if (row->metric == taken_by || (row->untaken && taken_by >= 0))
            continue;
        if (row->joined) {
            take = row->join_take;
            taken = sense_join(reader, use->row, used);
        }
        if (!sense_fits(reader, used, &row->tests, take, taken))
            continue;
        taken_by = row->metric;
        add(reader, used, use->row, false);
    }
}

void sense_sums_make(struct sense_reader *reader)
{
    for (size_t i = 0; i < reader->used_count; i++)
        share(reader, &reader->used[i]);
}

/* --- sums to readings ---------------------------------------------------------------------------
 */

static double many_of(enum sense_many many, const struct sense_side *side)
{
    switch (many) {
    case SENSE_SUM:
        return side->sum;
    case SENSE_MAX:
        return side->max;
    case SENSE_MIN:
        return side->min;
    case SENSE_COUNT:
        return (double)side->count;
    }
    return 0;
}

/* false: there is none. */
static bool number_of(
    const struct sense_row_of_table *row, const struct sense_sum *sum, double *ret_number)
{
    double own = many_of(row->many, &sum->own), of = sum->of.sum;
    double at_s = (double)sum->at_ms / 1000;

    if (sum->bad || sum->own.count == 0 || (of_growth(row->how) && sum->went_back) ||
        (two_sided(row->how) && sum->of.count == 0))
        return false;
    switch (row->how) {
    case SENSE_VALUE:
    case SENSE_RATE:
    case SENSE_DELTA:
        *ret_number = own;
        return true;
    case SENSE_RATIO:
    case SENSE_RATIO_RATE:
        *ret_number = own / of;
        return of != 0;
    case SENSE_REST:
        *ret_number = (of - own) / of;
        return of != 0;
    case SENSE_LESS:
        *ret_number = of - own;
        return true;
    case SENSE_AHEAD:
        *ret_number = own - at_s;
        return true;
    case SENSE_AGO:
        *ret_number = at_s - own;
        return true;
    }
    return false;
}

/* false: out of range, whatever the range is. */
static bool whole_of(const struct sense_row_of_table *row, const struct sense_metric *metric,
    double number, int64_t *ret)
{
    double whole = round(number * row->scale / row->divide), max = (double)metric->max;

    if (!(fabs(whole) <= WHOLE_MAX))
        return false;
    if ((row->how == SENSE_RATE || row->how == SENSE_RATIO_RATE) && whole > max &&
        whole <= max + max * SENSE_OVER_PERCENT / 100)
        whole = max;
    *ret = (int64_t)whole;
    return true;
}

static void tell(struct sense_reader *reader, const struct sense_sum *sum)
{
    const struct sense_row_of_table *row = &reader->table->rows[sum->row];
    const struct sense_metric *metric = &reader->table->metrics[row->metric];
    struct sense_state *state = reader->state;
    const struct str part = {sum->part, sum->part_len};
    enum sense_refusal why = SENSE_OUT_OF_RANGE;
    double number;
    int64_t value;

    if (!number_of(row, sum, &number))
        return;
    uint32_t at = sense_series_find(state, row->metric, part);
    struct sense_series *series = at == SENSE_NONE ? NULL : &state->series[at];
    if (!whole_of(row, metric, number, &value)) {
        refuse(reader, why);
        return;
    }
    if (row->nonzero && value == 0 && !(series && series->told_nonzero))
        return;
    if (!sense_accept(
            metric, NULL, value, sum->at_ms, reader->now.civil_ms, reader->now.steady_ms, &why)) {
        refuse(reader, why);
        return;
    }
    if (!series)
        at = sense_series_at(state, row->metric, part, reader->now.steady_ms, reader->series_left);
    if (at == SENSE_NONE || reader->result->readings_count == SENSE_SERIES_MAX) {
        refuse(reader, SENSE_TOO_MANY_SERIES);
        return;
    }
    if (!sense_accept(metric, &state->series[at], value, sum->at_ms, reader->now.civil_ms,
            reader->now.steady_ms, &why)) {
        refuse(reader, why);
        return;
    }
    reader->readings[reader->result->readings_count++] =
        (struct sense_reading){row->metric, (uint16_t)at, value, sum->at_ms};
}

void sense_sums_tell(struct sense_reader *reader)
{
    for (size_t i = 0; i < reader->sums_count; i++)
        tell(reader, &reader->sums[i]);
}
