/* SPDX-License-Identifier: Apache-2.0
 *
 * What is remembered of one source: its series and how they were told last. */
#include "sense/sense_inside.h"

#include "base/panic.h"

#include <stdlib.h>

#define SERIES_FIRST 16
#define STEP_MS 1000     /* less is a clock that is being trimmed, */
#define TRIMMED_PER 1000 /* by at most one in so many */

struct sense_state *sense_state_make(int64_t every_ms)
{
    struct sense_state *state = calloc(1, sizeof *state);

    check(state);
    state->every_ms = every_ms;
    return state;
}

void sense_state_free(struct sense_state **at)
{
    struct sense_state *state = *at;

    *at = NULL;
    if (!state)
        return;
    check(!state->in_outbox);
    free(state->counters);
    free(state->series);
    free(state->index);
    free(state);
}

size_t sense_state_series(const struct sense_state *state)
{
    return state->series_count;
}

const struct sense_series *sense_state_at(const struct sense_state *state, uint16_t series)
{
    return &state->series[series];
}

/* --- finding ------------------------------------------------------------------------------------
 */

static uint64_t series_hash(uint16_t metric, struct str part)
{
    return sense_hash((uint64_t)metric * 0x9e3779b97f4a7c15, part);
}

static void index_add(struct sense_state *state, size_t series)
{
    const struct sense_series *at = &state->series[series];
    size_t mask = state->index_slots - 1;
    size_t i = series_hash(at->metric, (struct str){at->part, at->part_len}) & mask;

    while (state->index[i])
        i = (i + 1) & mask;
    state->index[i] = (uint16_t)(series + 1);
}

static void index_again(struct sense_state *state, size_t slots)
{
    free(state->index);
    state->index = calloc(slots, sizeof *state->index);
    check(state->index);
    state->index_slots = slots;
    for (size_t i = 0; i < state->series_room; i++)
        if (state->series[i].used)
            index_add(state, i);
}

uint32_t sense_series_find(const struct sense_state *state, uint16_t metric, struct str part)
{
    size_t mask = state->index_slots - 1;

    if (!state->index_slots)
        return SENSE_NONE;
    for (size_t i = series_hash(metric, part) & mask; state->index[i]; i = (i + 1) & mask) {
        const struct sense_series *at = &state->series[state->index[i] - 1];
        if (at->metric == metric && str_eq((struct str){at->part, at->part_len}, part))
            return (uint32_t)state->index[i] - 1;
    }
    return SENSE_NONE;
}

/* Those that were not seen for long and have nothing left to tell. */
static size_t forget(struct sense_state *state, int64_t steady_ms)
{
    size_t gone = 0;

    for (size_t i = 0; i < state->series_room; i++) {
        struct sense_series *at = &state->series[i];
        if (at->used && !at->waiting && steady_ms - at->seen_ms > SENSE_FORGET_MS) {
            *at = (struct sense_series){0};
            gone++;
        }
    }
    state->series_count -= gone;
    if (gone)
        index_again(state, state->index_slots);
    return gone;
}

static void grow(struct sense_state *state)
{
    size_t room = state->series_room ? 2 * state->series_room : SERIES_FIRST;

    if (room > SENSE_SERIES_MAX)
        room = SENSE_SERIES_MAX;
    state->series = realloc(state->series, room * sizeof *state->series);
    check(state->series);
    memset(
        state->series + state->series_room, 0, (room - state->series_room) * sizeof *state->series);
    state->series_room = room;
    index_again(state, state->index_slots ? 2 * state->index_slots : 4 * SERIES_FIRST);
}

uint32_t sense_series_at(struct sense_state *state, uint16_t metric, struct str part,
    int64_t steady_ms, size_t *series_left)
{
    uint32_t found = sense_series_find(state, metric, part);
    size_t free_one = 0;

    if (found != SENSE_NONE)
        return found;
    if (state->series_count == SENSE_SERIES_MAX || !*series_left)
        *series_left += forget(state, steady_ms);
    if (state->series_count == SENSE_SERIES_MAX || !*series_left)
        return SENSE_NONE;
    if (state->series_count == state->series_room)
        grow(state);
    if (!state->series[state->series_count].used)
        free_one = state->series_count; /* the usual case: nothing was ever forgotten */
    while (state->series[free_one].used)
        free_one++;
    struct sense_series *at = &state->series[free_one];
    *at = (struct sense_series){.metric = metric,
        .part_len = (uint8_t)part.len,
        .used = true,
        .newest_ms = INT64_MIN,
        .seen_ms = steady_ms};
    memcpy(at->part, part.at, part.len);
    state->series_count++;
    --*series_left;
    index_add(state, free_one);
    return (uint32_t)free_one;
}

/* --- telling ------------------------------------------------------------------------------------
 */

bool sense_accept(const struct sense_metric *metric, struct sense_series *series, int64_t value,
    int64_t at_ms, int64_t civil_ms, int64_t steady_ms, enum sense_refusal *ret_why)
{
    if (value < metric->min || value > metric->max)
        *ret_why = SENSE_OUT_OF_RANGE;
    else if (at_ms > civil_ms + SENSE_FUTURE_MS)
        *ret_why = SENSE_FUTURE;
    else if (at_ms < civil_ms - metric->stale_ms)
        *ret_why = SENSE_STALE;
    else if (series && at_ms <= series->newest_ms)
        *ret_why = SENSE_OLD;
    else {
        if (!series)
            return true;
        series->newest_ms = at_ms;
        series->newest = value;
        series->seen_ms = steady_ms;
        series->told_nonzero = series->told_nonzero || value != 0;
        return true;
    }
    return false;
}

void sense_look_at_clock(struct sense_state *state, const struct sense_clock *now)
{
    int64_t offset_ms = now->civil_ms - now->steady_ms, moved_ms = offset_ms - state->offset_ms;
    int64_t room_ms = STEP_MS + (now->steady_ms - state->looked_ms) / TRIMMED_PER;

    if (state->any && moved_ms < -room_ms)
        for (size_t i = 0; i < state->series_room; i++)
            state->series[i].newest_ms = INT64_MIN;
    if (state->any && (moved_ms < -room_ms || moved_ms > room_ms))
        state->stepped = true;
    state->any = true;
    state->offset_ms = offset_ms;
    state->looked_ms = now->steady_ms;
}

void sense_reserve(struct sense_state *state, uint16_t metric, struct str part,
    const struct sense_clock *now, size_t *series_left)
{
    if (part.len <= SENSE_PART_BYTES_MAX)
        (void)sense_series_at(state, metric, part, now->steady_ms, series_left);
}

bool sense_tell(const struct sense_table *table, struct sense_state *state, uint16_t metric,
    struct str part, int64_t value, const struct sense_clock *now, size_t *series_left,
    struct sense_reading *ret_reading)
{
    enum sense_refusal why;
    uint32_t series;

    sense_look_at_clock(state, now);
    if (part.len > SENSE_PART_BYTES_MAX ||
        (series = sense_series_at(state, metric, part, now->steady_ms, series_left)) ==
            SENSE_NONE ||
        !sense_accept(&table->metrics[metric], &state->series[series], value, now->civil_ms,
            now->civil_ms, now->steady_ms, &why))
        return false;
    *ret_reading = (struct sense_reading){metric, (uint16_t)series, value, now->civil_ms};
    return true;
}

static bool same_measure(const struct sense_metric *a, const struct sense_metric *b)
{
    return strcmp(a->unit, b->unit) == 0 && a->min == b->min && a->max == b->max;
}

void sense_state_move(struct sense_outbox *outbox, struct sense_state *state,
    const struct sense_table *from, const struct sense_table *to, size_t *series_left)
{
    for (size_t i = 0; i < state->series_room; i++) {
        struct sense_series *at = &state->series[i];
        if (!at->used)
            continue;
        const struct sense_metric *was = &from->metrics[at->metric];
        int metric = sense_table_find(to, str_from(was->name));
        if (metric >= 0 && same_measure(was, &to->metrics[metric])) {
            at->metric = (uint16_t)metric;
            continue;
        }
        state->waiting -= at->waiting;
        outbox->waiting -= at->waiting;
        *at = (struct sense_series){0};
        state->series_count--;
        ++*series_left;
    }
    if (state->index_slots)
        index_again(state, state->index_slots);
}

const char *sense_refusal_word(enum sense_refusal refusal)
{
    static const char *const WORDS[SENSE_REFUSALS] = {
        [SENSE_NOT_A_NUMBER] = "not_a_number",
        [SENSE_INFINITE] = "infinite",
        [SENSE_OUT_OF_RANGE] = "out_of_range",
        [SENSE_FUTURE] = "future",
        [SENSE_OLD] = "old",
        [SENSE_STALE] = "stale",
        [SENSE_BAD_PART] = "bad_part",
        [SENSE_DUPLICATE] = "duplicate",
        [SENSE_TOO_MANY_SERIES] = "too_many_series",
        [SENSE_TOO_MANY_COUNTERS] = "too_many_counters",
    };

    return WORDS[refusal];
}
