/* SPDX-License-Identifier: Apache-2.0 */
#include "remote_write/remote_write.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"
#include "remote_write.pb-c.h"

#include <snappy-c.h>
#include <stdlib.h>

/* All structs of one request, each kind in one block: protobuf-c wants pointers to them. */
struct request {
    Remote__WriteRequest whole;
    Remote__TimeSeries *series, **series_at;
    Remote__Label *labels, **labels_at;
    Remote__Sample *samples, **samples_at;
    char *text; /* names and values of labels, each with a terminator */
};

struct totals {
    size_t labels, samples, text;
};

static void request_done(struct request *request)
{
    void *all[] = {request->series, request->series_at, request->labels, request->labels_at,
        request->samples, request->samples_at, request->text};

    for (size_t i = 0; i < COUNT(all); i++)
        free(all[i]);
}

static void *take(size_t count, size_t size)
{
    void *at = calloc(count, size);

    check(at);
    return at;
}

static bool bad_labels(struct err *err, size_t series, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_labels", "labels",
        "series %zu cannot be written: a label %s", series, why);
}

static bool too_large(struct err *err, const char *what, size_t count, size_t most)
{
    return err_code(err, ERR_LIMIT, "too_large", NULL, "%zu %s cannot go in one write; at most %zu",
        count, what, most);
}

/* Below zero, zero, above: by bytes, as strings in Go compare. */
static int compare(struct str a, struct str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int by_bytes = least ? memcmp(a.at, b.at, least) : 0;

    return by_bytes ? by_bytes : (a.len > b.len) - (a.len < b.len);
}

static bool check_labels(
    const struct remote_write_series *series, size_t number, size_t *text, struct err *err)
{
    bool named = false;

    if (series->labels_count > REMOTE_WRITE_LABELS_MAX)
        return too_large(err, "labels", series->labels_count, REMOTE_WRITE_LABELS_MAX);
    for (size_t i = 0; i < series->labels_count; i++) {
        const struct remote_write_label *label = &series->labels[i];
        bool is_name = str_eq(label->name, S("__name__"));
        if (label->name.len > REMOTE_WRITE_LABEL_BYTES_MAX ||
            label->value.len > REMOTE_WRITE_LABEL_BYTES_MAX)
            return too_large(err, "bytes of a label", label->name.len + label->value.len,
                REMOTE_WRITE_LABEL_BYTES_MAX);
        if (!is_name && !exposition_label_name_valid(label->name))
            return bad_labels(err, number, "has a name that is none");
        if (i && compare(series->labels[i - 1].name, label->name) >= 0)
            return bad_labels(err, number, "stands twice or not in order");
        if (label->value.len == 0)
            return bad_labels(err, number, "is empty");
        if (memchr(label->value.at, '\0', label->value.len) || !str_is_utf8(label->value))
            return bad_labels(err, number, "is not UTF-8 or holds a NUL");
        if (is_name && !exposition_name_valid(label->value))
            return bad_labels(err, number, "__name__ is no name of a metric");
        named |= is_name;
        *text += label->name.len + label->value.len + 2;
    }
    return named || bad_labels(err, number, "__name__ is missing");
}

static bool check_all(const struct remote_write_series *series, size_t count,
    struct totals *ret_totals, struct err *err)
{
    struct totals totals = {0};

    if (count > REMOTE_WRITE_SERIES_MAX)
        return too_large(err, "series", count, REMOTE_WRITE_SERIES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!check_labels(&series[i], i, &totals.text, err))
            return false;
        if (series[i].samples_count == 0)
            return err_code(err, ERR_INPUT, "no_samples", NULL, "series %zu has no sample", i);
        if (series[i].samples_count > REMOTE_WRITE_SAMPLES_MAX - totals.samples)
            return too_large(
                err, "samples of one series", series[i].samples_count, REMOTE_WRITE_SAMPLES_MAX);
        totals.samples += series[i].samples_count;
        totals.labels += series[i].labels_count;
        if (totals.text > REMOTE_WRITE_BYTES_MAX)
            return too_large(err, "bytes of labels", totals.text, REMOTE_WRITE_BYTES_MAX);
    }
    if (totals.samples == 0)
        return err_code(err, ERR_INPUT, "no_samples", NULL, "a write without samples");
    *ret_totals = totals;
    return true;
}

static char *put(char **at, struct str text)
{
    char *here = *at;

    memcpy(here, text.at, text.len);
    *at += text.len + 1; /* the terminator is there: the block was zeroed */
    return here;
}

static void build(struct request *request, const struct remote_write_series *series, size_t count,
    const struct totals *totals)
{
    size_t label = 0, sample = 0;

    request->whole = (Remote__WriteRequest)REMOTE__WRITE_REQUEST__INIT;
    request->series = take(count, sizeof *request->series);
    request->series_at = take(count, sizeof(void *));
    request->labels = take(totals->labels, sizeof *request->labels);
    request->labels_at = take(totals->labels, sizeof(void *));
    request->samples = take(totals->samples, sizeof *request->samples);
    request->samples_at = take(totals->samples, sizeof(void *));
    char *text = request->text = take(totals->text, 1);
    request->whole.n_timeseries = count;
    request->whole.timeseries = request->series_at;
    for (size_t i = 0; i < count; i++) {
        Remote__TimeSeries *one = request->series_at[i] = &request->series[i];
        *one = (Remote__TimeSeries)REMOTE__TIME_SERIES__INIT;
        one->n_labels = series[i].labels_count;
        one->labels = request->labels_at + label;
        one->n_samples = series[i].samples_count;
        one->samples = request->samples_at + sample;
        for (size_t k = 0; k < one->n_labels; k++, label++) {
            Remote__Label *at = request->labels_at[label] = &request->labels[label];
            *at = (Remote__Label)REMOTE__LABEL__INIT;
            at->name = put(&text, series[i].labels[k].name);
            at->value = put(&text, series[i].labels[k].value);
        }
        for (size_t k = 0; k < one->n_samples; k++, sample++) {
            Remote__Sample *at = request->samples_at[sample] = &request->samples[sample];
            *at = (Remote__Sample)REMOTE__SAMPLE__INIT;
            at->value = series[i].samples[k].value;
            at->timestamp = series[i].samples[k].at_ms;
        }
    }
}

bool remote_write_encode(
    const struct remote_write_series *series, size_t count, struct buf *out, struct err *err)
{
    scoped(request_done) struct request request = {0};
    scoped(free_done) uint8_t *plain = NULL;
    scoped(free_done) char *small = NULL;
    struct totals totals = {0};

    if (!check_all(series, count, &totals, err))
        return false;
    build(&request, series, count, &totals);
    size_t bytes = remote__write_request__get_packed_size(&request.whole);
    if (bytes > REMOTE_WRITE_BYTES_MAX)
        return too_large(err, "bytes", bytes, REMOTE_WRITE_BYTES_MAX);
    plain = take(bytes, 1);
    check(remote__write_request__pack(&request.whole, plain) == bytes);
    size_t small_bytes = snappy_max_compressed_length(bytes);
    small = take(small_bytes, 1);
    check(snappy_compress((const char *)plain, bytes, small, &small_bytes) == SNAPPY_OK);
    if (out->overflowed || small_bytes > out->bytes_max - out->len)
        return too_large(err, "compressed bytes", small_bytes, out->bytes_max - out->len);
    buf_add(out, (struct str){small, small_bytes});
    return true;
}
