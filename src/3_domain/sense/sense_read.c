/* SPDX-License-Identifier: Apache-2.0
 *
 * One text of one source: which samples somebody asks for, and how counters grew. */
#include "sense/sense_reader.h"

#include "base/panic.h"

#include <math.h>
#include <stdlib.h>

struct sense_reader *sense_reader_make(uint64_t seed)
{
    struct sense_reader *reader = calloc(1, sizeof *reader);

    check(reader);
    reader->seed = seed;
    return reader;
}

void sense_reader_free(struct sense_reader **at)
{
    free(*at);
    *at = NULL;
}

/* --- the text -----------------------------------------------------------------------------------
 */

/* A series that came before in this text? */
static bool seen_before(struct sense_reader *reader, uint64_t key, size_t at)
{
    size_t i = key % SENSE_SLOTS;

    for (; reader->keys[i].life == reader->life; i = (i + 1) % SENSE_SLOTS)
        if (reader->used[reader->keys[i].at].key == key)
            return true;
    reader->keys[i] = (struct sense_slot){reader->life, (uint32_t)at};
    return false;
}

static void take(struct sense_reader *reader, const struct exposition_sample *sample)
{
    const struct sense_name *name = sense_table_name(reader->table, sample->name);
    uint64_t key;

    if (!name)
        return;
    key = sense_key_of(reader->seed, sample->name, sample->labels);
    if (seen_before(reader, key, reader->used_count)) {
        reader->result->refused[SENSE_DUPLICATE]++;
        return;
    }
    check(reader->used_count < SENSE_SAMPLES_MAX); /* the text's limit */
    reader->used[reader->used_count++] = (struct sense_used){.name = name,
        .labels = sample->labels,
        .key = key,
        .value = sample->value,
        .timed = sample->has_timestamp,
        .at_ms = sample->has_timestamp ? sample->timestamp_ms : reader->now.civil_ms,
        .bad = !isfinite(sample->value)};
}

static bool collect(struct sense_reader *reader, struct str text, struct err *err)
{
    const struct exposition_limits limits = EXPOSITION_LIMITS;
    struct exposition at;
    struct exposition_sample sample;
    bool found;

    _Static_assert(SENSE_SAMPLES_MAX >= 5000, "as many as a text may have");
    exposition_begin(&at, text, &limits);
    for (;;) {
        if (!exposition_next(&at, &sample, &found, err))
            return false;
        if (!found)
            return true;
        reader->result->samples++;
        take(reader, &sample);
    }
}

/* --- counters -----------------------------------------------------------------------------------
 */

static struct sense_counter *counter_at(struct sense_counter *counters, size_t slots, uint64_t key)
{
    size_t i = key & (slots - 1);

    while (counters[i].key && counters[i].key != key)
        i = (i + 1) & (slots - 1);
    return &counters[i];
}

/* How it grew since the last look; what is remembered for the next. */
static struct sense_counter grown(
    const struct sense_reader *reader, struct sense_used *used, const struct sense_counter *was)
{
    const struct sense_counter is = {
        used->key, used->value, used->timed ? used->at_ms : reader->now.steady_ms};

    if (!was || !was->key || (reader->state->stepped && !used->timed))
        return is;
    used->dt_ms = is.at_ms - was->at_ms;
    if (used->value < was->value) {
        used->went_back = true;
        return is;
    }
    if (used->dt_ms < SENSE_APART_MS)
        return used->dt_ms < 0 ? is : *was;
    used->delta = used->value - was->value;
    used->grew = true;
    return is;
}

/* What is not in this text is forgotten. */
static void count_on(struct sense_reader *reader)
{
    struct sense_state *state = reader->state;
    size_t wanted = 0, slots = 0, kept = 0;
    struct sense_counter *counters = NULL;

    for (size_t i = 0; i < reader->used_count; i++)
        wanted += reader->used[i].name->counted && !reader->used[i].bad;
    if (wanted > SENSE_COUNTERS_MAX) {
        reader->result->refused[SENSE_TOO_MANY_COUNTERS] += (uint32_t)(wanted - SENSE_COUNTERS_MAX);
        wanted = SENSE_COUNTERS_MAX;
    }
    if (wanted) {
        for (slots = 16; slots < wanted + wanted / 2;)
            slots *= 2;
        counters = calloc(slots, sizeof *counters);
        check(counters);
    }
    for (size_t i = 0; i < reader->used_count && kept < wanted; i++) {
        struct sense_used *used = &reader->used[i];
        if (!used->name->counted || used->bad)
            continue;
        *counter_at(counters, slots, used->key) = grown(reader, used,
            state->counters_slots ? counter_at(state->counters, state->counters_slots, used->key)
                                  : NULL);
        kept++;
    }
    free(state->counters);
    state->counters = counters;
    state->counters_slots = slots;
}

/* --- all of it ----------------------------------------------------------------------------------
 */

bool sense_read(struct sense_reader *reader, const struct sense_table *table,
    struct sense_state *state, struct str text, const struct sense_clock *now, size_t *series_left,
    struct sense_result *ret_result, struct err *err)
{
    struct sense_result result = {.readings = reader->readings};

    if (++reader->life == 0) { /* once in four thousand million texts */
        memset(reader->keys, 0, sizeof reader->keys);
        memset(reader->joins, 0, sizeof reader->joins);
        memset(reader->parts, 0, sizeof reader->parts);
        reader->life = 1;
    }
    reader->table = table;
    reader->state = state;
    reader->now = *now;
    reader->series_left = series_left;
    reader->result = &result;
    reader->used_count = reader->sums_count = 0;
    if (!collect(reader, text, err))
        return false;
    sense_look_at_clock(state, now);
    count_on(reader);
    sense_joins_make(reader);
    sense_sums_make(reader);
    sense_sums_tell(reader);
    state->stepped = false;
    *ret_result = result;
    reader->result = NULL;
    return true;
}
