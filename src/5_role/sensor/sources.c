/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of the table and what they say. */
#include "sensor/inside.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

int source_named(const struct sensor *sensor, struct str name)
{
    for (size_t i = 0; i < sensor->count; i++)
        if (str_eq(name, str_from(sensor->sources[i]->fact.source)))
            return (int)i;
    return -1;
}

void source_is(struct source *source, enum source_state state, const char *words)
{
    struct sensor *sensor = source->sensor;

    source->at_ms = sensor_now().civil_ms;
    sensor->grown = true;
    if (source->state == state && strcmp(source->words, words) == 0)
        return;
    source->state = state;
    snprintf(source->words, sizeof source->words, "%.*s", (int)sizeof source->words - 1, words);
    sensor->changed = true;
}

/* --- readings ------------------------------------------------------------------------------------
 */

static void hand_on(struct source *source, const struct sense_reading *readings, size_t count)
{
    struct sensor *sensor = source->sensor;

    for (size_t i = 0; i < count; i++)
        sense_outbox_add(&sensor->outbox, source->readings, &readings[i]);
    history_learn(source, readings, count);
    sensor->counts.readings += count;
    if (count && !sensor->tell_ms)
        sensor->tell_ms = sensor_now().steady_ms + sensor->setup.settings.gather_ms;
}

bool source_says(struct source *source, struct str text, size_t *ret_readings, struct err *err)
{
    struct sensor *sensor = source->sensor;
    struct sense_clock now = sensor_now();
    struct sense_result result;

    sensor->counts.texts++;
    if (sensor->source_ok >= 0) /* before it takes all places for itself */
        sense_reserve(source->readings, (uint16_t)sensor->source_ok, str_from(source->fact.source),
            &now, &sensor->series_left);
    if (!sense_read(sensor->reader, sensor->table, source->readings, text, &now,
            &sensor->series_left, &result, err)) {
        source->texts_refused++;
        sensor->counts.texts_refused++;
        return false;
    }
    for (int i = 0; i < SENSE_REFUSALS; i++) {
        source->refused[i] += result.refused[i];
        sensor->counts.refused[i] += result.refused[i];
    }
    sensor->counts.samples += result.samples;
    source->heard_ms = now.steady_ms;
    hand_on(source, result.readings, result.readings_count);
    *ret_readings = result.readings_count;
    return true;
}

void source_ok(struct source *source, bool ok)
{
    struct sensor *sensor = source->sensor;
    struct sense_clock now = sensor_now();
    struct sense_reading reading;

    if (sensor->source_ok >= 0 &&
        sense_tell(sensor->table, source->readings, (uint16_t)sensor->source_ok,
            str_from(source->fact.source), ok, &now, &sensor->series_left, &reading))
        hand_on(source, &reading, 1);
}

void sources_watch(struct sensor *sensor)
{
    int64_t now_ms = sensor_now().steady_ms;

    for (size_t i = 0; i < sensor->count; i++) {
        struct source *source = sensor->sources[i];
        if (source->fact.kind == SENSE_PUSH && source->state != SOURCE_SILENT &&
            now_ms - source->push_ms > 3 * source->fact.every_ms)
            source_is(source, SOURCE_SILENT, "it pushed nothing for three of its intervals");
    }
}

/* --- the table ----------------------------------------------------------------------------------
 */

static void source_free(struct sensor *sensor, struct source *source)
{
    if (!source)
        return;
    source_stop(source);
    upstream_place_close(&source->place);
    sense_outbox_drop(&sensor->outbox, source->readings);
    sensor->series_left += sense_state_series(source->readings);
    sense_state_free(&source->readings);
    buf_done(&source->body);
    json_decref(source->kept);
    free(source);
}

void sources_free(struct sensor *sensor)
{
    for (size_t i = 0; i < sensor->count; i++)
        source_free(sensor, sensor->sources[i]);
    sensor->count = 0;
}

/* Its status lies on this machine, nowhere else. */
static bool backup_place(const struct source *source, struct err *err)
{
    return strcmp(source->fact.where, "local") == 0 ||
           err_code(err, ERR_INPUT, "bad_place", NULL, "a backup is looked at where it is: local");
}

static bool is_asked(const struct source *source)
{
    struct err err;

    return source->place || (source->fact.kind == SENSE_BACKUP && backup_place(source, &err));
}

static struct source *source_make(
    struct sensor *sensor, const struct sense_source *fact, json_t *kept)
{
    struct source *source = calloc(1, sizeof *source);
    struct err err = {0};

    check(source);
    *source = (struct source){.sensor = sensor,
        .kept = json_incref(kept),
        .fact = *fact,
        .readings = sense_state_make(fact->every_ms),
        .body = buf_of((size_t)sensor->setup.settings.reply_bytes)};
    if (fact->kind == SENSE_PUSH)
        source_is(source, SOURCE_SILENT, "it has pushed nothing yet");
    else if (fact->kind == SENSE_BACKUP ? backup_place(source, &err) : source_place(source, &err))
        source_is(source, SOURCE_SILENT, "it has not answered yet");
    else
        source_is(source, SOURCE_FAILING, err.message);
    return source;
}

static bool same(const struct sense_source *a, const struct sense_source *b)
{
    return a->kind == b->kind && a->every_ms == b->every_ms && strcmp(a->source, b->source) == 0 &&
           strcmp(a->node, b->node) == 0 && strcmp(a->where, b->where) == 0;
}

/* Taken out of the sources there are, if it is among them. */
static struct source *take_old(
    struct sensor *sensor, const struct sense_source *fact, struct sense_turn *ret_turn)
{
    for (size_t i = 0; i < sensor->count; i++) {
        struct source *source = sensor->sources[i];
        if (source && same(&source->fact, fact)) {
            sensor->sources[i] = NULL;
            *ret_turn = sensor->turns[i];
            return source;
        }
    }
    return NULL;
}

static void take_sources(
    struct sensor *sensor, const struct sense_table *table, json_t *kept, int64_t now_ms)
{
    static struct source *sources[SENSE_SOURCES_MAX];
    static struct sense_turn turns[SENSE_SOURCES_MAX];
    size_t count = sense_table_sources(table);

    for (size_t i = 0; i < count; i++) {
        const struct sense_source *fact = sense_table_source(table, i);
        struct source *source = take_old(sensor, fact, &turns[i]);
        if (source) {
            json_decref(source->kept);
            source->kept = json_incref(kept);
            source->fact = *fact;
            if (sensor->table)
                sense_state_move(
                    &sensor->outbox, source->readings, sensor->table, table, &sensor->series_left);
        } else {
            source = source_make(sensor, fact, kept);
            /* who pushes, and a place that is none, are asked never */
            sense_turn_init(
                &turns[i], is_asked(source) ? fact->every_ms : 0, sensor_chance(), now_ms);
        }
        sources[i] = source;
    }
    for (size_t i = 0; i < sensor->count; i++)
        source_free(sensor, sensor->sources[i]); /* those that are no more */
    memcpy(sensor->sources, sources, sizeof sources);
    memcpy(sensor->turns, turns, sizeof turns);
    sensor->count = count;
}

void sensor_table(struct sensor *sensor, const json_t *json)
{
    struct sense_table *table;
    struct err err = {0};
    char count[24];

    if (!sense_table_read(json, &table, &err)) {
        log_error("senses_refused", "message", err.message, NULL);
        return; /* what was known before stays in force */
    }
    take_sources(sensor, table, (json_t *)json, sensor_now().steady_ms);
    sense_table_free(&sensor->table);
    sensor->table = table;
    sensor->source_ok = sense_table_find(table, S("source_ok"));
    const char *url = sense_table_history(table);
    snprintf(sensor->history_url, sizeof sensor->history_url, "%s",
        url && strlen(url) <= SENSE_WHERE_BYTES_MAX ? url : "");
    history_wish(sensor);
    snprintf(count, sizeof count, "%zu", sensor->count);
    log_event("senses_taken", "sources", count, NULL);
}
