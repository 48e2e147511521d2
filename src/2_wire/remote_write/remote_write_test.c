/* SPDX-License-Identifier: Apache-2.0 */
#include "remote_write/remote_write.h"

#include "base/scoped.h"
#include "remote_write.pb-c.h"
#include "tap.h"

#include <math.h>
#include <snappy-c.h>

static Remote__WriteRequest *decode(struct str body)
{
    scoped(free_done) char *plain = NULL;
    size_t bytes;

    if (snappy_uncompressed_length(body.at, body.len, &bytes) != SNAPPY_OK)
        return NULL;
    plain = malloc(bytes + 1);
    if (!plain || snappy_uncompress(body.at, body.len, plain, &bytes) != SNAPPY_OK)
        return NULL;
    return remote__write_request__unpack(NULL, bytes, (const uint8_t *)plain);
}

static const struct remote_write_sample NOW[] = {{42, 1763711333000}};

/* One series of these labels, one sample. */
static bool encode(const struct remote_write_label *labels, size_t count, struct err *err)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct remote_write_series series = {labels, count, NOW, 1};

    buf_add(&out, S("before"));
    bool good = remote_write_encode(&series, 1, &out, err);
    CHECK(good == (out.len > 6) && !out.overflowed);
    return good;
}

TEST(what_is_written_is_read_back)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    const struct remote_write_label a[] = {{S("__name__"), S("logic_x")},
        {S("node"), S("h\xc3\xa9 \"\\")}},
                                    b[] = {{S("A"), S("1")}, {S("__name__"), S("b:c")},
                                        {S("a"), S("2")}};
    const struct remote_write_sample many[] = {
        {0, 0}, {-1.5, -7}, {INFINITY, INT64_MAX}, {1e300, 3}};
    const struct remote_write_series series[] = {{a, 2, NOW, 1}, {b, 3, many, 4}};
    struct err err;

    REQUIRE(remote_write_encode(series, 2, &out, &err));
    Remote__WriteRequest *got = decode(buf_str(&out));
    REQUIRE(got);
    REQUIRE(got->n_timeseries == 2);
    for (size_t i = 0; i < 2; i++) {
        Remote__TimeSeries *one = got->timeseries[i];
        REQUIRE(
            one->n_labels == series[i].labels_count && one->n_samples == series[i].samples_count);
        for (size_t k = 0; k < one->n_labels; k++) {
            CHECK(str_eq(str_from(one->labels[k]->name), series[i].labels[k].name));
            CHECK(str_eq(str_from(one->labels[k]->value), series[i].labels[k].value));
        }
        for (size_t k = 0; k < one->n_samples; k++) {
            CHECK(one->samples[k]->value == series[i].samples[k].value);
            CHECK_INT(one->samples[k]->timestamp, series[i].samples[k].at_ms);
        }
    }
    remote__write_request__free_unpacked(got, NULL);
}

TEST(labels_that_a_server_would_refuse_do_not_leave)
{
    static const struct {
        struct remote_write_label labels[3];
        size_t count;
    } ROWS[] = {{{{S("node"), S("x")}}, 1}, {{{{0}}}, 0}, {{{S("__name__"), S("a b")}}, 1},
        {{{S("__name__"), S("a")}, {S("b"), S("")}}, 2},
        {{{S("b"), S("x")}, {S("__name__"), S("a")}}, 2},
        {{{S("__name__"), S("a")}, {S("b"), S("x")}, {S("b"), S("x")}}, 3},
        {{{S("__name__"), S("a")}, {S("bb"), S("x")}, {S("b"), S("x")}}, 3},
        {{{S("__name__"), S("a")}, {S("b"), S("\xff")}}, 2},
        {{{S("__name__"), S("a")}, {S("b"), S("x\0y")}}, 2},
        {{{S("__name__"), S("a")}, {S("b-c"), S("x")}}, 2},
        {{{S("__name__"), S("a")}, {S("b\n"), S("x")}}, 2}};
    struct err err;

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        err = (struct err){0};
        CHECK(!encode(ROWS[i].labels, ROWS[i].count, &err));
        CHECK_TEXT(err.code, "bad_labels");
        if (!str_eq(str_from(err.code), S("bad_labels")))
            printf("# row %zu\n", i);
    }
}

TEST(each_limit_is_kept)
{
    static char text[REMOTE_WRITE_LABEL_BYTES_MAX + 1], names[REMOTE_WRITE_LABELS_MAX + 1][8];
    struct remote_write_label labels[REMOTE_WRITE_LABELS_MAX + 1] = {{S("__name__"), S("a")}};
    struct err err;

    memset(text, 'x', sizeof text);
    labels[1] = (struct remote_write_label){S("b"), {text, sizeof text - 1}};
    CHECK(encode(labels, 2, &err));
    labels[1].value.len++;
    CHECK(!encode(labels, 2, &err));
    CHECK_TEXT(err.code, "too_large");
    for (size_t i = 1; i < COUNT(labels); i++) {
        snprintf(names[i], sizeof names[i], "b%02zu", i);
        labels[i] = (struct remote_write_label){str_from(names[i]), S("x")};
    }
    CHECK(encode(labels, REMOTE_WRITE_LABELS_MAX, &err));
    CHECK(!encode(labels, REMOTE_WRITE_LABELS_MAX + 1, &err));
    CHECK_TEXT(err.code, "too_large");

    scoped(buf_done) struct buf out = buf_of(1 << 24), tight = buf_of(10);
    scoped(free_done) struct remote_write_sample *many =
        calloc(REMOTE_WRITE_SAMPLES_MAX + 1, sizeof *many);
    struct remote_write_series series[2] = {
        {labels, 1, many, REMOTE_WRITE_SAMPLES_MAX}, {labels, 1, NOW, 1}};
    CHECK(remote_write_encode(series, 1, &out, &err));
    CHECK(!remote_write_encode(series, 2, &out, &err));
    CHECK_TEXT(err.code, "too_large");
    CHECK(!remote_write_encode(series + 1, 1, &tight, &err));
    CHECK_TEXT(err.code, "too_large");
    CHECK(tight.len == 0 && !tight.overflowed);
    series[1].samples_count = 0;
    CHECK(!remote_write_encode(series, 2, &out, &err));
    CHECK_TEXT(err.code, "no_samples");
    CHECK(!remote_write_encode(series, 0, &out, &err));
    CHECK_TEXT(err.code, "no_samples");
    scoped(free_done) struct remote_write_series *lots =
        calloc(REMOTE_WRITE_SERIES_MAX + 1, sizeof *lots);
    CHECK(!remote_write_encode(lots, REMOTE_WRITE_SERIES_MAX + 1, &out, &err));
    CHECK_TEXT(err.code, "too_large");
}

TAP_MAIN
