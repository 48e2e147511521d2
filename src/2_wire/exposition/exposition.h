/* SPDX-License-Identifier: Apache-2.0
 *
 * exposition — Prometheus text 0.0.4, what exporters tell: read strictly, sample by sample, without
 * a copy; and written.
 *
 *     struct exposition reader;
 *     struct exposition_sample sample;
 *     bool found;
 *     exposition_begin(&reader, text, &limits);
 *     while (exposition_next(&reader, &sample, &found, err) && found)
 *         …sample.name, sample.value, exposition_label(&sample, S("device"), &raw)…
 *
 * A text counts whole or not at all: a fault in its last line may mean that all of it is something
 * else. So exposition_check() comes first, or what was read is kept apart until `found` is false.
 *
 * Every text is UTF-8 without NUL, and ends with a line feed: one that was cut is refused and not
 * read as a smaller number. Names are [A-Za-z_:][A-Za-z0-9_:]* (labels without ':', not
 * __name__), no label comes twice in a sample. Not looked for: the same series twice in a text,
 * families that are torn apart; the reader of samples knows series, this one does not.
 *
 * OpenMetrics: words that mean the same are taken (UNIT is a comment, `unknown`, `info`, `stateset`
 * and `gaugehistogram` are untyped, `# EOF` ends a text). What means something else is refused by
 * name: an exemplar, and a timestamp in a text that ends with `# EOF` (it would be seconds).
 *
 * Codes, each with line and value in its sentence (other bytes than printable ASCII as '?'):
 *     ERR_LIMIT  text_too_long line_too_long too_many_samples too_many_labels name_too_long
 *     ERR_INPUT  not_utf8 nul torn_text bad_name bad_label duplicate_label bad_escape torn_label
 *                bad_value value_out_of_range bad_timestamp bad_type exemplar openmetrics_timestamp
 *                behind_eof behind_sample
 *
 * threads  any: no state but the reader's own struct; whatever the locale is
 * source   prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPOSITION_NAME_BYTES_MAX 256
#define EXPOSITION_NUMBER_BYTES_MAX 64
#define EXPOSITION_LABELS_MAX 64
#define EXPOSITION_TIME_MAX_MS 253402300799999 /* the end of the year 9999; also below zero */

struct exposition_limits {
    size_t text_bytes_max, line_bytes_max; /* a line without its line feed */
    size_t labels_max;                     /* of a sample, at most EXPOSITION_LABELS_MAX */
    size_t samples_max;                    /* of a text */
};

/* 1 MiB, lines of 16 KiB, 32 labels, 5,000 samples. */
#define EXPOSITION_LIMITS ((struct exposition_limits){1u << 20, 1u << 14, 32, 5000})

enum exposition_type {
    EXPOSITION_UNTYPED,
    EXPOSITION_COUNTER,
    EXPOSITION_GAUGE,
    EXPOSITION_HISTOGRAM,
    EXPOSITION_SUMMARY,
};

struct exposition {
    struct exposition_limits limits;
    struct str text, rest;
    size_t line, samples; /* read so far */
    struct str family;    /* of the last TYPE line */
    enum exposition_type type;
    bool openmetrics; /* the text ends with # EOF */
    bool begun, ended, failed;
    struct err err; /* with failed */
};

/* Everything is borrowed from the text. */
struct exposition_sample {
    struct str name;
    struct str labels; /* between the braces; for exposition_label_next() */
    size_t labels_count;
    double value;          /* may be NaN, +Inf, -Inf */
    struct str value_text; /* as written */
    bool has_timestamp;
    int64_t timestamp_ms;
    enum exposition_type type; /* of its family, if a TYPE line stood before */
    size_t line;               /* from 1 */
};

void exposition_begin(
    struct exposition *reader, struct str text, const struct exposition_limits *limits);
/* *ret_found false: the text is through, whole and good. After an error each call gives it again.
 */
bool exposition_next(struct exposition *reader, struct exposition_sample *ret_sample,
    bool *ret_found, struct err *err);
/* All of it, for nothing but the error and the count. */
bool exposition_check(
    struct str text, const struct exposition_limits *limits, size_t *ret_samples, struct err *err);

struct exposition_label {
    struct str name;
    struct str raw; /* between the quotes */
    bool escaped;   /* raw holds a backslash: exposition_unescape() makes the value of it */
};

/* `at` begins as sample.labels; false behind the last. */
bool exposition_label_next(struct str *at, struct exposition_label *ret_label);
/* The one of this name; false: the sample has none. */
bool exposition_label(
    const struct exposition_sample *sample, struct str name, struct exposition_label *ret_label);
/* raw.len bytes are enough; what is returned lies there. */
struct str exposition_unescape(struct str raw, char *ret_value);
/* Is the label's value this text? */
bool exposition_label_is(const struct exposition_label *label, struct str value);

bool exposition_name_valid(struct str name);       /* of a metric */
bool exposition_label_name_valid(struct str name); /* of a label; __name__ is none */
/* A value as the text has it: decimal, exponent, NaN, Inf, +Inf, -Inf, without case; no hex.
 * *ret_overflow (may be NULL): it is a number, but beyond the range of a double. */
bool exposition_number(struct str text, double *ret_value, bool *ret_overflow);
const char *exposition_type_word(enum exposition_type type);

/* --- writing: what exposition_next() reads back as the same ------------------------------ */

struct exposition_pair {
    struct str name, value;
};

/* HELP (may be NULL) and TYPE. All samples of a family stand together behind it: the caller's care.
 * All three: false and nothing is written where a name is none; a value of a label that is no UTF-8
 * is written with U+FFFD for each wrong byte. */
bool exposition_family(
    struct buf *out, const char *name, enum exposition_type type, const char *help);
/* Labels in the order given; `name` with _bucket, _sum, _count where the type has those. A value is
 * the shortest text that is read as the same double. */
bool exposition_write(struct buf *out, const char *name, const struct exposition_pair *labels,
    size_t labels_count, double value);
bool exposition_write_whole(struct buf *out, const char *name, const struct exposition_pair *labels,
    size_t labels_count, int64_t value);
