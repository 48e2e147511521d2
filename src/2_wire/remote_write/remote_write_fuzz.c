/* SPDX-License-Identifier: Apache-2.0
 * Properties: any labels are refused or come out of the other end as they were; nothing is left
 * behind by a refusal. */
#include "base/panic.h"
#include "base/scoped.h"
#include "remote_write.pb-c.h"
#include "remote_write/remote_write.h"

#include <snappy-c.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct str body, const struct remote_write_series *series, size_t count)
{
    scoped(free_done) char *plain = NULL;
    size_t bytes;

    check(snappy_uncompressed_length(body.at, body.len, &bytes) == SNAPPY_OK);
    plain = malloc(bytes + 1);
    check(plain && snappy_uncompress(body.at, body.len, plain, &bytes) == SNAPPY_OK);
    Remote__WriteRequest *got = remote__write_request__unpack(NULL, bytes, (uint8_t *)plain);
    check(got && got->n_timeseries == count);
    for (size_t i = 0; i < count; i++) {
        Remote__TimeSeries *one = got->timeseries[i];
        check(one->n_labels == series[i].labels_count && one->n_samples == series[i].samples_count);
        for (size_t k = 0; k < one->n_labels; k++)
            check(str_eq(str_from(one->labels[k]->name), series[i].labels[k].name) &&
                  str_eq(str_from(one->labels[k]->value), series[i].labels[k].value));
        for (size_t k = 0; k < one->n_samples; k++)
            check(one->samples[k]->timestamp == series[i].samples[k].at_ms);
    }
    remote__write_request__free_unpacked(got, NULL);
}

/* The bytes, cut at ';' into series, at ',' into labels, at '=' into name and value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_write_label labels[4][REMOTE_WRITE_LABELS_MAX + 2];
    struct remote_write_sample samples[4];
    struct remote_write_series series[4];
    scoped(buf_done) struct buf out = buf_of(1 << 16);
    struct str text = {(const char *)data, size};
    struct err err;
    size_t count = 0;

    while (text.len && count < COUNT(series)) {
        struct str one = str_cut(text, ';', &text);
        size_t k = 0;
        while (one.len && k < COUNT(labels[0])) {
            struct str label = str_cut(one, ',', &one);
            labels[count][k].name = str_cut(label, '=', &labels[count][k].value);
            k++;
        }
        samples[count] = (struct remote_write_sample){1.5 * (double)size, (int64_t)size - 9};
        series[count] =
            (struct remote_write_series){labels[count], k, &samples[count], size % 7 != 0};
        count++;
    }
    if (remote_write_encode(series, count, &out, &err))
        look(buf_str(&out), series, count);
    else
        check(out.len == 0 && err.code[0]);
    return 0;
}
