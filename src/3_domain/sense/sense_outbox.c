/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits to be told, and whose turn it is. */
#include "sense/sense_inside.h"

#include "base/panic.h"

static void enqueue(struct sense_outbox *outbox, struct sense_state *state)
{
    if (state->in_outbox)
        return;
    state->in_outbox = true;
    state->next_waiting = NULL;
    if (outbox->last)
        outbox->last->next_waiting = state;
    else
        outbox->first = state;
    outbox->last = state;
}

/* Of four readings of a series the lowest, the highest and the newest stay, as they came. */
static void put(struct sense_series *series, struct sense_point point)
{
    struct sense_point four[4];
    size_t low = 0, high = 0, count = 0;

    memcpy(four, series->points, sizeof series->points);
    four[3] = point;
    for (size_t i = 1; i < 4; i++) {
        if (four[i].value <= four[low].value)
            low = i; /* the later one of equals */
        if (four[i].value >= four[high].value)
            high = i;
    }
    for (size_t i = 0; i < 4; i++)
        if (i == low || i == high || i == 3)
            series->points[count++] = four[i];
    series->waiting = (uint8_t)count;
}

void sense_outbox_add(
    struct sense_outbox *outbox, struct sense_state *state, const struct sense_reading *reading)
{
    struct sense_series *series = &state->series[reading->series];
    const struct sense_point point = {reading->value, reading->at_ms};
    size_t before = series->waiting;

    if (series->waiting < 3)
        series->points[series->waiting++] = point;
    else
        put(series, point);
    outbox->merged += before + 1 - series->waiting;
    outbox->waiting += series->waiting - before;
    state->waiting += series->waiting - before;
    enqueue(outbox, state);
}

/* Up to `max` of one source, from where its last turn ended. */
static size_t take_of(
    struct sense_outbox *outbox, struct sense_state *state, struct sense_row *ret, size_t max)
{
    size_t count = 0;

    for (size_t looked = 0; looked < state->series_room && count < max; looked++) {
        if (state->cursor >= state->series_room)
            state->cursor = 0;
        struct sense_series *series = &state->series[state->cursor];
        if (series->waiting > max - count)
            break; /* those of one series go together */
        if (series->waiting)
            series->told_in = outbox->takes;
        for (size_t i = 0; i < series->waiting; i++)
            ret[count++] = (struct sense_row){state, state->cursor, series->points[i]};
        outbox->waiting -= series->waiting;
        state->waiting -= series->waiting;
        series->waiting = 0;
        state->cursor++;
    }
    return count;
}

size_t sense_outbox_take(struct sense_outbox *outbox, struct sense_row *ret_rows, size_t max)
{
    size_t count = 0;

    outbox->takes++;
    while (outbox->first && max - count >= 3) {
        struct sense_state *state = outbox->first;
        size_t turn = max - count < SENSE_TURN ? max - count : SENSE_TURN;
        count += take_of(outbox, state, ret_rows + count, turn);
        outbox->first = state->next_waiting;
        if (!outbox->first)
            outbox->last = NULL;
        state->in_outbox = false;
        if (state->waiting)
            enqueue(outbox, state);
    }
    return count;
}

void sense_outbox_again(struct sense_outbox *outbox, struct sense_state *state,
    const struct sense_table *table, int64_t civil_ms, bool last_is_out)
{
    for (size_t i = 0; i < state->series_room; i++) {
        struct sense_series *series = &state->series[i];
        bool is_out = last_is_out && series->told_in == outbox->takes;
        if (!series->used || series->waiting || is_out || series->newest_ms == INT64_MIN ||
            series->newest_ms < civil_ms - table->metrics[series->metric].stale_ms)
            continue;
        series->points[0] = (struct sense_point){series->newest, series->newest_ms};
        series->waiting = 1;
        outbox->waiting++;
        state->waiting++;
        enqueue(outbox, state);
    }
}

void sense_outbox_drop(struct sense_outbox *outbox, struct sense_state *state)
{
    struct sense_state **at = &outbox->first, *before = NULL;

    if (!state->in_outbox)
        return;
    while (*at != state) {
        before = *at;
        at = &before->next_waiting;
    }
    *at = state->next_waiting;
    if (outbox->last == state)
        outbox->last = before;
    outbox->waiting -= state->waiting;
    state->waiting = 0;
    state->in_outbox = false;
    for (size_t i = 0; i < state->series_room; i++)
        state->series[i].waiting = 0;
}
