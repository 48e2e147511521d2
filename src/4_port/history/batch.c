/* SPDX-License-Identifier: Apache-2.0 */
#include "history/batch.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "history/words.h"
#include "remote_write/remote_write.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS 3 /* metric, node, part: in the order they sort */
#define TIME_MAX_MS 253402300799999

/* Places in batch->text. */
struct batch_row {
    uint32_t at[TEXTS];
    uint8_t len[TEXTS];
    uint32_t number; /* as they came: the order where all else is the same */
    int64_t value, at_ms;
};

void batch_init(struct batch *batch)
{
    *batch = (struct batch){.text = buf_of(BATCH_TEXT_BYTES_MAX)};
}

void batch_done(struct batch *batch)
{
    free(batch->rows);
    buf_done(&batch->text);
    *batch = (struct batch){0};
}

bool batch_sample_valid(const struct history_sample *sample)
{
    return words_node_valid(sample->node) && words_metric_valid(sample->metric) &&
           words_part_valid(sample->part) && sample->value <= HISTORY_VALUE_MAX &&
           sample->value >= -HISTORY_VALUE_MAX && sample->at_ms >= 0 &&
           sample->at_ms <= TIME_MAX_MS;
}

static struct str text_at(const struct batch *batch, const struct batch_row *row, size_t i)
{
    return (struct str){batch->text.at + row->at[i], row->len[i]};
}

void batch_add(struct batch *batch, const struct history_sample *sample)
{
    const struct str texts[TEXTS] = {sample->metric, sample->node, sample->part};

    if (batch->count == batch->room) {
        batch->room = batch->room ? batch->room * 2 : 256;
        batch->rows = reallocarray(batch->rows, batch->room, sizeof *batch->rows);
        check(batch->rows);
    }
    struct batch_row *row = &batch->rows[batch->count];
    *row = (struct batch_row){
        .number = (uint32_t)batch->count, .value = sample->value, .at_ms = sample->at_ms};
    for (size_t i = 0; i < TEXTS; i++) {
        const struct batch_row *last = batch->count ? row - 1 : NULL;
        row->len[i] = (uint8_t)texts[i].len;
        if (last && str_eq(text_at(batch, last, i), texts[i])) {
            row->at[i] = last->at[i]; /* readings come node by node */
            continue;
        }
        row->at[i] = (uint32_t)batch->text.len;
        buf_add(&batch->text, texts[i]);
    }
    check(!batch->text.overflowed);
    batch->count++;
}

static int compare_series(
    const struct batch *batch, const struct batch_row *a, const struct batch_row *b)
{
    for (size_t i = 0; i < TEXTS; i++) {
        struct str x = text_at(batch, a, i), y = text_at(batch, b, i);
        size_t least = x.len < y.len ? x.len : y.len;
        int order = least ? memcmp(x.at, y.at, least) : 0;
        if (order || x.len != y.len)
            return order ? order : (x.len > y.len) - (x.len < y.len);
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *batch)
{
    const struct batch_row *x = a, *y = b;
    int order = compare_series(batch, x, y);

    if (order == 0)
        order = (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* What the sorted rows become. */
struct sealed {
    struct remote_write_series *series;
    struct remote_write_label (*labels)[3];
    struct remote_write_sample *samples;
    char (*names)[WORDS_SERIES_BYTES];
};

static void sealed_done(struct sealed *sealed)
{
    free(sealed->series);
    free(sealed->labels);
    free(sealed->samples);
    free(sealed->names);
}

static void series_begin(const struct batch *batch, const struct batch_row *row,
    struct sealed *sealed, size_t series, size_t sample)
{
    struct str part = text_at(batch, row, 2);
    struct remote_write_label *labels = sealed->labels[series];

    words_series(text_at(batch, row, 0), sealed->names[series]);
    labels[0] = (struct remote_write_label){S("__name__"), str_from(sealed->names[series])};
    labels[1] = (struct remote_write_label){S("node"), text_at(batch, row, 1)};
    labels[2] = (struct remote_write_label){S("part"), part};
    sealed->series[series] =
        (struct remote_write_series){labels, part.len ? 3 : 2, &sealed->samples[sample], 0};
}

void batch_seal(struct batch *batch, struct buf *out)
{
    size_t count = batch->count, series = 0;
    scoped(sealed_done) struct sealed sealed = {calloc(count, sizeof *sealed.series),
        calloc(count, sizeof *sealed.labels), calloc(count, sizeof *sealed.samples),
        calloc(count, sizeof *sealed.names)};
    struct err err;

    check(count && sealed.series && sealed.labels && sealed.samples && sealed.names);
    qsort_r(batch->rows, count, sizeof *batch->rows, compare_rows, batch);
    for (size_t i = 0; i < count; i++) {
        const struct batch_row *row = &batch->rows[i];
        if (i == 0 || compare_series(batch, row - 1, row) != 0)
            series_begin(batch, row, &sealed, series++, i);
        sealed.samples[i] = (struct remote_write_sample){(double)row->value, row->at_ms};
        sealed.series[series - 1].samples_count++;
    }
    buf_clear(out);
    if (!remote_write_encode(sealed.series, series, out, &err))
        panic(
            "a batch cannot be written: %s", err.message); /* all of it was checked on its way in */
    batch->count = 0;
    buf_clear(&batch->text);
}
