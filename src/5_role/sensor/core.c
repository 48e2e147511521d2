/* SPDX-License-Identifier: Apache-2.0
 *
 * The sensor's life and its clock. */
#include "sensor/inside.h"

#include "base/panic.h"
#include "os/clock.h"
#include "os/random.h"

#include <stdlib.h>

#define WATCH_MS 1000  /* who pushes no more is noticed so late */
#define IDLE_MS 60000  /* without sources there is nothing to look at */
#define GROWN_MS 10000 /* numbers of sources alone are told so often */

struct sense_clock sensor_now(void)
{
    return (struct sense_clock){clock_civil_ms(), clock_steady_ms()};
}

uint32_t sensor_chance(void)
{
    uint32_t chance;

    random_bytes(&chance, sizeof chance);
    return chance;
}

/* --- time ---------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer);

static int64_t sooner(int64_t a, int64_t b)
{
    return b && b < a ? b : a;
}

void sensor_plan(struct sensor *sensor)
{
    int64_t now_ms = clock_steady_ms(), wait_ms;
    int64_t at_ms = now_ms + (sensor->count ? WATCH_MS : IDLE_MS);

    if (sensor->closing)
        return;
    if (sense_turn_next(sensor->turns, sizeof *sensor->turns, sensor->count, sensor->asking,
            (size_t)sensor->setup.settings.asks_at_once, now_ms, &wait_ms) >= 0)
        at_ms = now_ms;
    else if (wait_ms >= 0)
        at_ms = sooner(at_ms, now_ms + wait_ms);
    for (size_t i = 0; sensor->asking && i < sensor->count; i++)
        if (sensor->sources[i]->call)
            at_ms = sooner(at_ms, sensor->sources[i]->limit_ms);
    if (sensor->ready && !sensor->out)
        at_ms = sooner(at_ms, sensor->tell_ms);
    if (sensor->ready && sensor->setup.standing)
        at_ms = sensor->standing_ms < at_ms ? sensor->standing_ms : at_ms;
    int64_t left_ms = at_ms - now_ms;
    uv_update_time(sensor->setup.loop);
    uv_timer_start(&sensor->timer, on_timer, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
}

static void ask_those_due(struct sensor *sensor, int64_t now_ms)
{
    int64_t wait_ms;
    int next;

    while (
        (next = sense_turn_next(sensor->turns, sizeof *sensor->turns, sensor->count, sensor->asking,
             (size_t)sensor->setup.settings.asks_at_once, now_ms, &wait_ms)) >= 0)
        source_ask(sensor, (size_t)next);
}

/* The machine below, the sources. */
static void tell_how_things_are(struct sensor *sensor, int64_t now_ms)
{
    const struct sensor_settings *settings = &sensor->setup.settings;

    if (sensor->ready && sensor->setup.standing && now_ms >= sensor->standing_ms) {
        tell_standing(sensor);
        sensor->standing_ms = now_ms + settings->standing_s * 1000;
    }
    if (sensor->grown && now_ms >= sensor->grown_ms)
        sensor->changed = true;
    if (sensor->ready && sensor->changed && now_ms >= sensor->sources_ms) {
        tell_sources(sensor);
        sensor->changed = sensor->grown = false;
        sensor->sources_ms = now_ms + settings->sources_ms;
        sensor->grown_ms = now_ms + GROWN_MS;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct sensor *sensor = timer->data;
    int64_t now_ms = clock_steady_ms();

    for (size_t i = 0; i < sensor->count; i++)
        if (sensor->sources[i]->call && sensor->sources[i]->limit_ms <= now_ms)
            source_late(sensor->sources[i]);
    ask_those_due(sensor, now_ms);
    sources_watch(sensor);
    if (sensor->tell_ms && sensor->tell_ms <= now_ms)
        tell_readings(sensor);
    tell_how_things_are(sensor, now_ms);
    sensor_plan(sensor);
}

/* --- the judge ----------------------------------------------------------------------------------
 */

void sensor_judge(struct sensor *sensor)
{
    sensor->life++;
    sensor->ready = sensor->caught_up = false;
}

void sensor_take(struct sensor *sensor, enum message_type type, const json_t *message)
{
    if (sensor->closing)
        return;
    if (type == MESSAGE_senses) {
        sensor_table(sensor, json_object_get(message, "table"));
        sensor->ready = sensor->table != NULL;
        sensor->changed = true;
        sensor->sources_ms = sensor->standing_ms = 0;
        tell_how_things_are(sensor, clock_steady_ms());
        if (sensor->ready && !sensor->caught_up)
            tell_again(sensor);
    } else if (type == MESSAGE_taken) {
        tell_taken(sensor, message_int(message, "id"));
    } else if (type == MESSAGE_request) {
        sensor_request(sensor, message);
    }
    sensor_plan(sensor);
}

/* --- begin and end ------------------------------------------------------------------------------
 */

struct sensor *sensor_open(const struct sensor_setup *setup)
{
    struct sensor *sensor = calloc(1, sizeof *sensor);
    uint64_t seed;

    check(sensor);
    random_bytes(&seed, sizeof seed);
    sensor->setup = *setup;
    sensor->reader = sense_reader_make(seed);
    sensor->series_left = SENSE_SERIES_ALL_MAX;
    sensor->source_ok = -1;
    sensor->out_text = buf_of(MESSAGE_BYTES_MAX);
    sensor->upstream = upstream_make(setup->loop, &setup->settings.upstream);
    check(uv_timer_init(setup->loop, &sensor->timer) == 0);
    sensor->timer.data = sensor;
    sensor->handles = 2;
    sensor_plan(sensor);
    return sensor;
}

void sensor_one_less(struct sensor *sensor)
{
    void (*closed)(void *owner) = sensor->closed;
    void *owner = sensor->owner;

    if (--sensor->handles)
        return;
    sources_free(sensor);
    sense_table_free(&sensor->table);
    sense_reader_free(&sensor->reader);
    buf_done(&sensor->out_text);
    free(sensor);
    if (closed)
        closed(owner);
}

static void on_handle_closed(uv_handle_t *handle)
{
    sensor_one_less(handle->data);
}

static void on_port_closed(void *user)
{
    sensor_one_less(user);
}

void sensor_close(struct sensor *sensor, void (*closed)(void *owner), void *owner)
{
    if (sensor->closing)
        return;
    sensor->closing = true;
    sensor->closed = closed;
    sensor->owner = owner;
    for (size_t i = 0; i < sensor->count; i++) {
        source_stop(sensor->sources[i]);
        upstream_place_close(&sensor->sources[i]->place);
    }
    uv_close((uv_handle_t *)&sensor->timer, on_handle_closed);
    upstream_close(sensor->upstream, on_port_closed, sensor);
    if (sensor->history) {
        sensor->handles++;
        history_close(sensor->history, on_port_closed, sensor);
        sensor->history = NULL;
    } else if (sensor->history_closing) {
        sensor->handles++; /* its own end comes: request.c */
    }
}
