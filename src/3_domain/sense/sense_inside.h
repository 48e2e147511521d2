/* SPDX-License-Identifier: Apache-2.0
 *
 * sense_inside — what the parts of sense share. Internal.
 */
#pragma once

#include "sense/sense.h"

#define SENSE_LABELS_MAX 8
#define SENSE_PATTERNS_MAX 32
#define SENSE_PARTS_MAX 4
#define SENSE_OFS_MAX 4
#define SENSE_NONE UINT32_MAX

enum sense_how {
    SENSE_VALUE,
    SENSE_RATE,
    SENSE_DELTA,
    SENSE_RATIO,
    SENSE_REST,
    SENSE_LESS,
    SENSE_RATIO_RATE,
    SENSE_AHEAD,
    SENSE_AGO,
};

enum sense_many { SENSE_SUM, SENSE_MAX, SENSE_MIN, SENSE_COUNT };

struct sense_pattern {
    struct str text; /* without '!' and '*' */
    bool not, prefix;
};

/* One label and what it must be. */
struct sense_test {
    struct str label;
    struct sense_pattern *patterns;
    size_t patterns_count;
};

struct sense_tests {
    struct sense_test at[SENSE_LABELS_MAX];
    size_t count;
};

struct sense_of {
    struct str name;
    struct sense_tests tests;
};

struct sense_row_of_table {
    uint16_t metric;
    struct str name;
    enum sense_how how;
    enum sense_many many;
    bool nonzero, untaken, joined;
    double scale; /* times scale, by divide */
    double divide;
    struct sense_tests tests;
    struct str parts[SENSE_PARTS_MAX];
    size_t parts_count;
    struct sense_of of[SENSE_OFS_MAX];
    size_t of_count;
    struct str join_name, join_on, join_take;
};

/* What a sample of one name is used for. In the order of the table. */
struct sense_use {
    uint16_t row;
    int8_t of; /* -1: the row's own side */
    bool join; /* its labels are taken by the row */
};

struct sense_name {
    struct str name;
    uint32_t hash;
    bool counted; /* some use looks at how it grew */
    struct sense_use *uses;
    size_t uses_count;
};

struct sense_table {
    json_t *json; /* keeps all texts alive */
    struct sense_source sources[SENSE_SOURCES_MAX];
    size_t sources_count;
    struct sense_metric metrics[SENSE_METRICS_MAX];
    size_t metrics_count;
    struct sense_row_of_table *rows;
    size_t rows_count;
    struct sense_name *names;
    size_t names_count;
    uint16_t *slots; /* hash to names + 1; a power of two */
    size_t slots_count;
    const char *history;
};

uint64_t sense_hash(uint64_t seed, struct str text);
/* NULL: nobody asks for it. */
const struct sense_name *sense_table_name(const struct sense_table *table, struct str name);

/* --- a source's memory --------------------------------------------------------------------------
 */

struct sense_counter {
    uint64_t key; /* 0: free */
    double value;
    int64_t at_ms; /* the exporter's own time, else steady */
};

struct sense_state {
    int64_t every_ms;
    int64_t offset_ms;              /* civil - steady, of the last text */
    int64_t looked_ms;              /* steady, then */
    bool any;                       /* a text was read */
    bool stepped;                   /* civil time was set, or we slept: this text gives no rates */
    struct sense_counter *counters; /* open addressing; a power of two */
    size_t counters_slots;
    struct sense_series *series;
    uint16_t *index;                               /* hash to series + 1; a power of two */
    size_t series_count, series_room, index_slots; /* room: also those that are free */
    struct sense_state *next_waiting;              /* in the outbox */
    bool in_outbox;
    uint16_t cursor; /* where its next turn begins */
    size_t waiting;  /* points */
};

/* The series, made if there is room; SENSE_NONE: there is none. */
uint32_t sense_series_at(struct sense_state *state, uint16_t metric, struct str part,
    int64_t steady_ms, size_t *series_left);
uint32_t sense_series_find(const struct sense_state *state, uint16_t metric, struct str part);
/* Time, order, range: may it be told? Then it is the newest. */
bool sense_accept(const struct sense_metric *metric, struct sense_series *series, int64_t value,
    int64_t at_ms, int64_t civil_ms, int64_t steady_ms, enum sense_refusal *ret_why);
/* Was civil time set since the last text? Set back: newest times are forgotten. */
void sense_look_at_clock(struct sense_state *state, const struct sense_clock *now);
