/* SPDX-License-Identifier: Apache-2.0
 *
 * sense — what a source said becomes readings: whole numbers in our units, of a metric, a part, a
 * time; or it is refused, and counted by reason. Pure: no clock, no I/O.
 *
 *     sense_table_read(json, &table, err)               door `senses` (docs/senses.md §4.1)
 *     struct sense_state *state = sense_state_make(every_ms);   one for each source
 *     struct sense_reader *reader = sense_reader_make(seed);    one for all
 *     if (sense_read(reader, table, state, text, &now, &result, err))
 *         …result.readings[i]…
 *
 * A text counts whole or not at all. What no row of the table asks for is ignored. A reading is
 * never outside its metric's range, never from more than SENSE_FUTURE_MS ahead and never older than
 * the newest of its series. Rounding is to the nearest whole number, halves away from zero.
 *
 * Counters: a rate is of each series by itself, over the time between two looks by the steady clock
 * (by the exporter's own timestamps where it gives them). The first look, one after a gap longer
 * than the metric's staleness and three intervals, and a counter that went back give nothing; the
 * next does. A rate up to SENSE_OVER_PERCENT beyond the range is the range's end: looks are not
 * exactly as far apart as the exporter's own.
 *
 * Civil time that is set (or we slept): rates give nothing once. Set back: the newest times of all
 * series are forgotten, so that a clock that was once wrong does not blind us.
 *
 * memory   a state: 24 bytes a counter, about 200 a series; the reader about 1 MiB
 * threads  one at a time
 * source   docs/senses.md §4.1, §6; when a source is asked: sense_turn.h
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

#define SENSE_TEXT_BYTES_MAX (1u << 20)
#define SENSE_SAMPLES_MAX 5000
#define SENSE_SERIES_MAX 500    /* of one source */
#define SENSE_COUNTERS_MAX 4096 /* of one source */
#define SENSE_PART_BYTES_MAX 64
#define SENSE_SOURCES_MAX 512
#define SENSE_SERIES_ALL_MAX 100000
#define SENSE_METRICS_MAX 512
#define SENSE_ROWS_MAX 1024
#define SENSE_WHERE_BYTES_MAX 256
#define SENSE_FUTURE_MS 60000
#define SENSE_APART_MS 200 /* counters nearer in time give no rate; the older look stays */
#define SENSE_OVER_PERCENT 5
#define SENSE_FORGET_MS 600000 /* a series not seen for so long makes room for another */
/* --- the table ---------------------------------------------------------------------------------
 */

enum sense_kind { SENSE_EXPORTER, SENSE_AGENT, SENSE_PUSH, SENSE_BACKUP };

struct sense_source {
    const char *source, *node, *where;
    enum sense_kind kind;
    int64_t every_ms;
};

struct sense_metric {
    const char *name, *unit;
    int64_t min, max, stale_ms;
};

struct sense_table;
/* Members that are not known are passed over. errors  ERR_INPUT "bad_table" with the reason */
bool sense_table_read(const json_t *json, struct sense_table **ret_table, struct err *err);
void sense_table_free(struct sense_table **at);
size_t sense_table_sources(const struct sense_table *table);
const struct sense_source *sense_table_source(const struct sense_table *table, size_t i);
const struct sense_metric *sense_table_metric(const struct sense_table *table, uint16_t metric);
int sense_table_find(const struct sense_table *table, struct str metric); /* -1: none */
const char *sense_table_history(const struct sense_table *table);         /* NULL: none */

/* --- one source --------------------------------------------------------------------------------
 */

enum sense_refusal {
    SENSE_NOT_A_NUMBER,
    SENSE_INFINITE,
    SENSE_OUT_OF_RANGE,
    SENSE_FUTURE,
    SENSE_OLD,   /* older than the newest of its series, or as old */
    SENSE_STALE, /* older than its metric's staleness */
    SENSE_BAD_PART,
    SENSE_DUPLICATE, /* a series twice in one text: the first counts */
    SENSE_TOO_MANY_SERIES,
    SENSE_TOO_MANY_COUNTERS,
    SENSE_REFUSALS,
};

const char *sense_refusal_word(enum sense_refusal refusal);

struct sense_clock {
    int64_t civil_ms, steady_ms;
};

struct sense_point {
    int64_t value, at_ms;
};

/* One metric of one part. What waits to be told: see the outbox below. */
struct sense_series {
    uint16_t metric;
    uint8_t part_len, waiting; /* of points */
    bool used, told_nonzero;
    char part[SENSE_PART_BYTES_MAX];
    int64_t newest_ms; /* civil; INT64_MIN: none */
    int64_t newest;    /* its value */
    int64_t seen_ms;   /* steady */
    uint64_t told_in;  /* the take of the outbox that it was last told in; 0: none */
    struct sense_point points[3];
};

struct sense_state;
/* `every_ms` of its source. */
struct sense_state *sense_state_make(int64_t every_ms);
void sense_state_free(struct sense_state **at);
size_t sense_state_series(const struct sense_state *state);
const struct sense_series *sense_state_at(const struct sense_state *state, uint16_t series);
struct sense_reading {
    uint16_t metric, series; /* sense_table_metric(), sense_state_at() */
    int64_t value, at_ms;
};

struct sense_result {
    const struct sense_reading *readings; /* until the next sense_read() */
    size_t readings_count;
    size_t samples; /* in the text */
    uint32_t refused[SENSE_REFUSALS];
};

struct sense_reader;
/* `seed` by chance: no source can know which of its series share a place in our tables. */
struct sense_reader *sense_reader_make(uint64_t seed);
void sense_reader_free(struct sense_reader **at);

/* `series_left`: how many more series may be kept over all sources; what is used is taken off, what
 * is dropped is given back. errors  those of exposition.h (the text), nothing is changed then */
bool sense_read(struct sense_reader *reader, const struct sense_table *table,
    struct sense_state *state, struct str text, const struct sense_clock *now, size_t *series_left,
    struct sense_result *ret_result, struct err *err);
/* A place is kept for it, whatever else is said. */
void sense_reserve(struct sense_state *state, uint16_t metric, struct str part,
    const struct sense_clock *now, size_t *series_left);
/* A reading of our own (source_ok). false: out of range, old, or too many series. */
bool sense_tell(const struct sense_table *table, struct sense_state *state, uint16_t metric,
    struct str part, int64_t value, const struct sense_clock *now, size_t *series_left,
    struct sense_reading *ret_reading);

/* --- what waits to be told ----------------------------------------------------------------------
 *
 * Each series keeps at most three readings that were not told: the lowest, the highest and the
 * newest, in the order of their times. So whoever is slow or floods loses only what lay between its
 * own readings, and no crossing of a threshold is lost, however long the listener is away. Sources
 * take turns, SENSE_TURN rows each. */

#define SENSE_TURN 50
struct sense_outbox {
    struct sense_state *first, *last; /* sources with something to tell */
    uint64_t merged;                  /* readings that lay between, ever */
    uint64_t takes;                   /* so many times something was taken */
    size_t waiting;
};

/* `reading` came of `state`. */
void sense_outbox_add(
    struct sense_outbox *outbox, struct sense_state *state, const struct sense_reading *reading);
struct sense_row {
    const struct sense_state *state;
    uint16_t series; /* sense_state_at(): metric and part */
    struct sense_point point;
};
/* At most `max`, oldest of a series first; they are told then. */
size_t sense_outbox_take(struct sense_outbox *outbox, struct sense_row *ret_rows, size_t max);
/* To a listener that knows nothing: the newest reading of each series is to be told once more,
 * unless it waits to be told anyway, was in the last take (`last_is_out`: that one is told again as
 * it is), or is older than its metric allows. */
void sense_outbox_again(struct sense_outbox *outbox, struct sense_state *state,
    const struct sense_table *table, int64_t civil_ms, bool last_is_out);
/* Before a state is freed. */
void sense_outbox_drop(struct sense_outbox *outbox, struct sense_state *state);
/* The rules changed: series of metrics that are gone, or are measured otherwise, are dropped. */
void sense_state_move(struct sense_outbox *outbox, struct sense_state *state,
    const struct sense_table *from, const struct sense_table *to, size_t *series_left);
