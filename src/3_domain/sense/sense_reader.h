/* SPDX-License-Identifier: Apache-2.0
 *
 * sense_reader — the work of one sense_read(): the samples that somebody asks for, then sums of
 * them, then readings. Internal.
 */
#pragma once

#include "exposition/exposition.h"
#include "sense/sense_inside.h"

#define SENSE_SUMS_MAX 2048
#define SENSE_SLOTS 16384 /* a power of two, more than twice the samples */
#define SENSE_LABEL_ROOM 16384

/* A sample that some row asks for. */
struct sense_used {
    const struct sense_name *name;
    struct str labels; /* of the text */
    uint64_t key;
    double value;
    int64_t at_ms; /* the reading's time */
    double delta;  /* since the last look */
    int64_t dt_ms;
    bool timed; /* at_ms is the exporter's own */
    bool grew;  /* delta and dt_ms are known */
    bool went_back;
    bool bad;    /* NaN, infinite: what it is part of gives nothing */
    bool blamed; /* and was counted */
};

struct sense_side {
    double sum, max, min;
    size_t count;
};

/* What becomes one reading. */
struct sense_sum {
    uint16_t row;
    uint8_t part_len;
    bool bad, went_back;
    char part[SENSE_PART_BYTES_MAX];
    int64_t at_ms;  /* the oldest of its samples */
    size_t samples; /* of its own side, also those that have not grown yet */
    struct sense_side own, of;
};

/* Cleared by counting on. */
struct sense_slot {
    uint32_t life;
    uint32_t at;
};

struct sense_reader {
    uint64_t seed;
    uint32_t life;
    const struct sense_table *table;
    struct sense_state *state;
    struct sense_clock now;
    size_t *series_left;
    struct sense_result *result;
    struct sense_used used[SENSE_SAMPLES_MAX];
    size_t used_count;
    struct sense_sum sums[SENSE_SUMS_MAX];
    size_t sums_count;
    struct sense_slot keys[SENSE_SLOTS], joins[SENSE_SLOTS], parts[SENSE_SLOTS];
    struct sense_reading readings[SENSE_SERIES_MAX];
    char room[SENSE_LABEL_ROOM], taken[SENSE_LABEL_ROOM]; /* for values with escapes */
};

/* sense_match.c: what label it has; a missing one is "". Lies in the text or in `room`. */
struct str sense_label_of(struct str labels, struct str name, char room[SENSE_LABEL_ROOM]);
/* Does it fit? `take` is the joined label and its value, .at NULL: none. */
bool sense_fits(struct sense_reader *reader, const struct sense_used *used,
    const struct sense_tests *tests, struct str take, struct str taken);
/* false: too long. */
bool sense_part_of(struct sense_reader *reader, const struct sense_used *used,
    const struct sense_row_of_table *row, char ret_part[SENSE_PART_BYTES_MAX], uint8_t *ret_len);
/* One number for a series, however its labels are ordered. Never 0. */
uint64_t sense_key_of(uint64_t seed, struct str name, struct str labels);
/* The values of joins, to be found by row and label. */
void sense_joins_make(struct sense_reader *reader);
/* "" if there is none. */
struct str sense_join(struct sense_reader *reader, uint16_t row, const struct sense_used *used);

/* sense_sum.c: samples to sums, sums to readings. */
void sense_sums_make(struct sense_reader *reader);
void sense_sums_tell(struct sense_reader *reader);
