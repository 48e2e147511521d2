/* SPDX-License-Identifier: Apache-2.0
 * exposition_echo < TEXT — read Prometheus text and write it again with the writer, families with
 * HELP and TYPE. With -n it tells the number of samples and of nanoseconds for one reading, best of
 * twenty. */
#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BYTES_MAX (64u << 20)

static const struct exposition_limits LIMITS = {
    BYTES_MAX, 1 << 16, EXPOSITION_LABELS_MAX, 10000000};

static const char *text_of(struct str s, struct buf *out)
{
    buf_clear(out);
    buf_add(out, s);
    return buf_text(out);
}

static int echo(struct str text)
{
    scoped(buf_done) struct buf out = buf_of(BYTES_MAX), name = buf_of(1 << 16);
    struct exposition_pair pairs[EXPOSITION_LABELS_MAX];
    struct exposition_sample sample;
    struct exposition reader;
    struct err err;
    char values[1 << 16];
    struct str family = {0};
    bool found = true;

    exposition_begin(&reader, text, &LIMITS);
    while (exposition_next(&reader, &sample, &found, &err)) {
        if (!found)
            return fwrite(out.at, 1, out.len, stdout) == out.len ? 0 : 1;
        if (!str_eq(family, reader.family)) {
            family = reader.family;
            check(
                exposition_family(&out, text_of(family, &name), reader.type, "Some \"words\" \\"));
        }
        size_t count = 0, used = 0;
        struct exposition_label label;
        for (struct str at = sample.labels; exposition_label_next(&at, &label); count++) {
            pairs[count] =
                (struct exposition_pair){label.name, exposition_unescape(label.raw, values + used)};
            used += label.raw.len;
        }
        check(exposition_write(&out, text_of(sample.name, &name), pairs, count, sample.value));
    }
    fprintf(stderr, "%s: %s\n", err.code, err.message);
    return 1;
}

static int measure(struct str text)
{
    int64_t best = INT64_MAX;
    size_t samples = 0;
    struct err err;

    for (int i = 0; i < 20; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        check(exposition_check(text, &LIMITS, &samples, &err));
        clock_gettime(CLOCK_MONOTONIC, &b);
        int64_t took = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
        best = took < best ? took : best;
    }
    printf("%zu %lld\n", samples, (long long)best);
    return 0;
}

int main(int argc, char **argv)
{
    scoped(buf_done) struct buf in = buf_of(BYTES_MAX);
    char *room;
    ssize_t count;

    while ((room = buf_room(&in, 1 << 16)) && (count = read(0, room, 1 << 16)) > 0)
        in.len += (size_t)count;
    return argc > 1 && str_eq(str_from(argv[1]), S("-n")) ? measure(buf_str(&in))
                                                          : echo(buf_str(&in));
}
