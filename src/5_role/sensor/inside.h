/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — what the parts of the sensor share. Internal.
 */
#pragma once

#include "sensor/core.h"

#include "base/buf.h"
#include "sense/sense.h"
#include "sense/sense_turn.h"

#define SENSOR_WORDS_BYTES 120
#define SENSOR_URL_BYTES (SENSE_WHERE_BYTES_MAX + 16)

enum source_state { SOURCE_SILENT, SOURCE_OK, SOURCE_FAILING, SOURCE_REFUSED };

struct source {
    struct sensor *sensor;
    json_t *kept; /* holds the texts of `fact` */
    struct sense_source fact;
    struct sense_state *readings;
    struct upstream_place *place; /* NULL: it pushes, is a backup, or `where` is no place */
    struct upstream_call *call;   /* NULL: it is not being asked */
    struct str path;
    char path_text[SENSE_WHERE_BYTES_MAX + 1];
    struct buf body;
    int64_t limit_ms; /* steady: the answer must be whole by then */
    int64_t heard_ms; /* steady: the last good text; 0 none */
    int64_t push_ms;  /* steady: the last push; 0 none */
    enum source_state state;
    char words[SENSOR_WORDS_BYTES];
    int64_t at_ms; /* civil: when it last said something, or failed to */
    uint64_t refused[SENSE_REFUSALS], texts_refused, too_often;
};

struct sensor_counts {
    uint64_t asked, failed, pushes, pushes_refused, texts, texts_refused, samples, readings,
        batches, rows, taken;
    uint64_t refused[SENSE_REFUSALS];
};

struct sensor {
    struct sensor_setup setup;
    struct sensor_counts counts;
    struct sense_table *table; /* NULL: none came yet */
    struct sense_reader *reader;
    struct sense_outbox outbox;
    size_t series_left;
    int source_ok; /* the metric; -1: the rules know none */
    struct source *sources[SENSE_SOURCES_MAX];
    struct sense_turn turns[SENSE_SOURCES_MAX];
    size_t count, asking;
    struct upstream *upstream;
    uv_timer_t timer;
    /* the judge */
    bool ready;     /* there is one, and it has given its table */
    uint64_t life;  /* which one it is */
    bool caught_up; /* it has taken what was known when it came, and was told so */
    int64_t id;     /* of the last message of readings */
    bool out;       /* it is not taken yet */
    struct buf out_text;
    int64_t tell_ms;     /* steady: readings go then; 0: none wait */
    int64_t standing_ms; /* steady: when the machine below is looked at next */
    /* sources: steady, when they are told next */
    bool changed, grown; /* a state; only numbers */
    int64_t sources_ms, grown_ms;
    /* history */
    struct history *history;
    char history_url[SENSE_WHERE_BYTES_MAX + 1]; /* wished; "" none */
    char history_at[SENSE_WHERE_BYTES_MAX + 1];  /* of `history` */
    char history_words[SENSOR_WORDS_BYTES];      /* why there is none */
    bool history_closing;
    size_t handles; /* not closed yet */
    bool closing;
    void (*closed)(void *owner);
    void *owner;
};

struct sense_clock sensor_now(void);
/* The timer is set to what is due next. */
void sensor_plan(struct sensor *sensor);
uint32_t sensor_chance(void);
/* A handle is closed. */
void sensor_one_less(struct sensor *sensor);

/* --- sources.c: the table */
void sensor_table(struct sensor *sensor, const json_t *table);
void sources_free(struct sensor *sensor);
/* The index of a source; -1 none of this name. */
int source_named(const struct sensor *sensor, struct str name);
/* Its state is this now. `words` are ours. */
void source_is(struct source *source, enum source_state state, const char *words);
/* A text of it: readings to the judge and to history. errors  those of sense_read() */
bool source_says(struct source *source, struct str text, size_t *ret_readings, struct err *err);
/* source_ok: it was asked, or it pushed. */
void source_ok(struct source *source, bool ok);
/* Those that were to push and are silent. */
void sources_watch(struct sensor *sensor);

/* --- ask.c: exporters and agents */
/* errors  ERR_INPUT "bad_place" */
bool source_place(struct source *source, struct err *err);
void source_ask(struct sensor *sensor, size_t i);
/* The time for its answer is over. */
void source_late(struct source *source);
void source_stop(struct source *source);

/* --- backup.c: of this node */
void backup_source_ask(struct sensor *sensor, size_t i);
/* Its age, or that it is unknown, beside the other numbers; nothing where none is set up. */
void backup_stats(const struct sensor *sensor, json_t *stats);

/* --- tell.c: the judge */
void tell_readings(struct sensor *sensor);
/* A judge that knows nothing yet: what was out when the last one went, then the newest of all. */
void tell_again(struct sensor *sensor);
void tell_taken(struct sensor *sensor, int64_t id);
void tell_sources(struct sensor *sensor);
void tell_standing(struct sensor *sensor);

/* --- request.c: questions of the judge, history */
void sensor_request(struct sensor *sensor, const json_t *message);
/* As the table wishes it. */
void history_wish(struct sensor *sensor);
void history_learn(struct source *source, const struct sense_reading *readings, size_t count);
