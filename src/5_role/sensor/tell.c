/* SPDX-License-Identifier: Apache-2.0
 *
 * What the judge is told: readings, how sources are, what was counted. */
#include "sensor/inside.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>

static void add_row(struct buf *out, const struct sense_row *row, const struct sensor *sensor,
    const struct source *source)
{
    const struct sense_series *series = sense_state_at(row->state, row->series);

    buf_add_char(out, '[');
    json_add_string(out, str_from(source->fact.node));
    buf_add_char(out, ',');
    json_add_string(out, str_from(sense_table_metric(sensor->table, series->metric)->name));
    buf_add_char(out, ',');
    json_add_string(out, (struct str){series->part, series->part_len});
    buf_printf(out, ",%" PRId64 ",%" PRId64 "]", row->point.value, row->point.at_ms);
}

/* Rows of one source stand together. */
static const struct source *source_of(
    const struct sensor *sensor, const struct sense_state *state, const struct source *last)
{
    if (last && last->readings == state)
        return last;
    for (size_t i = 0; i < sensor->count; i++)
        if (sensor->sources[i]->readings == state)
            return sensor->sources[i];
    panic("a row of no source");
}

static void send_out(struct sensor *sensor)
{
    if (sensor->ready)
        (void)sensor->setup.send(sensor->setup.owner, buf_str(&sensor->out_text));
}

void tell_readings(struct sensor *sensor)
{
    struct sense_row rows[SENSOR_BATCH_ROWS];
    const struct source *source = NULL;
    size_t count;

    if (!sensor->ready || sensor->out)
        return;
    sensor->tell_ms = 0;
    count = sense_outbox_take(&sensor->outbox, rows, SENSOR_BATCH_ROWS);
    if (!count)
        return;
    buf_clear(&sensor->out_text);
    buf_printf(&sensor->out_text, "{\"v\":%d,\"type\":\"readings\",\"id\":%" PRId64 ",\"rows\":[",
        MESSAGE_VERSION, ++sensor->id);
    for (size_t i = 0; i < count; i++) {
        source = source_of(sensor, rows[i].state, source);
        if (i)
            buf_add_char(&sensor->out_text, ',');
        add_row(&sensor->out_text, &rows[i], sensor, source);
    }
    buf_add(&sensor->out_text, S("]}"));
    check(!sensor->out_text.overflowed); /* 500 rows of 300 bytes at most */
    sensor->out = true;
    sensor->counts.batches++;
    sensor->counts.rows += count;
    send_out(sensor);
}

static void look_whether_caught_up(struct sensor *sensor)
{
    if (!sensor->ready || sensor->caught_up || sensor->out || sensor->outbox.waiting)
        return;
    scoped(buf_done) struct buf text = buf_of(64);
    buf_printf(&text, "{\"v\":%d,\"type\":\"caught_up\"}", MESSAGE_VERSION);
    sensor->caught_up = sensor->setup.send(sensor->setup.owner, buf_str(&text));
}

void tell_again(struct sensor *sensor)
{
    int64_t civil_ms = sensor_now().civil_ms;

    for (size_t i = 0; i < sensor->count; i++)
        sense_outbox_again(
            &sensor->outbox, sensor->sources[i]->readings, sensor->table, civil_ms, sensor->out);
    if (sensor->out)
        send_out(sensor);
    else
        tell_readings(sensor);
    look_whether_caught_up(sensor);
}

void tell_taken(struct sensor *sensor, int64_t id)
{
    if (!sensor->out || id != sensor->id) {
        log_error("taken_of_nothing", NULL);
        return;
    }
    sensor->out = false;
    sensor->counts.taken++;
    if (sensor->outbox.waiting && !sensor->tell_ms)
        sensor->tell_ms = 1; /* at once: others came meanwhile */
    look_whether_caught_up(sensor);
}

/* --- the machine below --------------------------------------------------------------------------
 */

/* What firmware says stays as it is; cards and addresses come and go. */
void tell_standing(struct sensor *sensor)
{
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);

    standing_look_again(&(struct standing_roots){0}, sensor->setup.standing);
    buf_printf(&text, "{\"v\":%d,\"type\":\"standing\",", MESSAGE_VERSION);
    standing_write(sensor->setup.standing, &text);
    buf_add_char(&text, '}');
    check(!text.overflowed); /* 65 marks of 50 bytes at most */
    (void)sensor->setup.send(sensor->setup.owner, buf_str(&text));
}

/* --- sources ------------------------------------------------------------------------------------
 */

static const char *const STATE_WORDS[] = {
    [SOURCE_SILENT] = "silent",
    [SOURCE_OK] = "ok",
    [SOURCE_FAILING] = "failing",
    [SOURCE_REFUSED] = "refused",
};

static void add_count(struct buf *out, bool *begun, const char *word, uint64_t count)
{
    if (count)
        buf_printf(out, "%s\"%s\":%" PRIu64, *begun ? "," : "", word, count);
    *begun = *begun || count;
}

static void add_source(struct buf *out, const struct source *source)
{
    bool begun = false;

    buf_add(out, S("{\"source\":"));
    json_add_string(out, str_from(source->fact.source));
    buf_add(out, S(",\"node\":"));
    json_add_string(out, str_from(source->fact.node));
    buf_printf(out, ",\"state\":\"%s\",\"words\":", STATE_WORDS[source->state]);
    json_add_string(out, str_utf8_prefix(str_from(source->words)));
    buf_printf(out, ",\"at_ms\":%" PRId64 ",\"series\":%zu,\"refused\":{", source->at_ms,
        sense_state_series(source->readings));
    add_count(out, &begun, "text", source->texts_refused);
    add_count(out, &begun, "too_often", source->too_often);
    for (int i = 0; i < SENSE_REFUSALS; i++)
        add_count(out, &begun, sense_refusal_word((enum sense_refusal)i), source->refused[i]);
    buf_add(out, S("}}"));
}

void tell_sources(struct sensor *sensor)
{
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);

    buf_printf(&text, "{\"v\":%d,\"type\":\"sources\",\"sources\":[", MESSAGE_VERSION);
    for (size_t i = 0; i < sensor->count; i++) {
        if (i)
            buf_add_char(&text, ',');
        add_source(&text, sensor->sources[i]);
    }
    buf_add(&text, S("]}"));
    if (text.overflowed)
        log_error("sources_not_told", "message", "they are longer than a message may be", NULL);
    else
        (void)sensor->setup.send(sensor->setup.owner, buf_str(&text));
}

/* --- what was counted ---------------------------------------------------------------------------
 */

static int64_t in_state(const struct sensor *sensor, enum source_state state)
{
    int64_t count = 0;

    for (size_t i = 0; i < sensor->count; i++)
        count += sensor->sources[i]->state == state;
    return count;
}

static int64_t refused_all(const struct sensor_counts *c)
{
    uint64_t sum = 0;

    for (int i = 0; i < SENSE_REFUSALS; i++)
        sum += c->refused[i];
    return (int64_t)sum;
}

json_t *sensor_stats(const struct sensor *sensor)
{
    const struct sensor_counts *c = &sensor->counts;
    struct history_counts h =
        sensor->history ? history_counts(sensor->history) : (struct history_counts){0};
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {{"sources", (int64_t)sensor->count},
        {"sources_failing", in_state(sensor, SOURCE_FAILING) + in_state(sensor, SOURCE_REFUSED)},
        {"scrapes", (int64_t)c->asked}, {"scrapes_failed", (int64_t)c->failed},
        {"pushes", (int64_t)c->pushes}, {"pushes_refused", (int64_t)c->pushes_refused},
        {"samples", (int64_t)c->samples}, {"readings", (int64_t)c->readings},
        {"refused", refused_all(c)}, {"dropped", (int64_t)sensor->outbox.merged},
        {"history_sent", (int64_t)h.samples_delivered},
        {"history_dropped", (int64_t)(h.samples_dropped + h.samples_refused + h.samples_lost)},
        {"history_spooled_bytes", (int64_t)h.spool_bytes}};
    json_t *values = json_object();

    for (size_t i = 0; i < COUNT(rows); i++)
        json_object_set_new(values, rows[i].name, json_integer((json_int_t)rows[i].value));
    backup_stats(sensor, values);
    return values;
}
