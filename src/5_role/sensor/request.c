/* SPDX-License-Identifier: Apache-2.0
 *
 * What the judge asks of the sensor: a push is taken, history is asked. */
#include "sensor/inside.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void send_reply(struct sensor *sensor, int64_t id, struct str body, const struct err *why)
{
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);

    buf_printf(&text, "{\"v\":%d,\"type\":\"reply\",\"id\":%" PRId64 ",\"ok\":%s,", MESSAGE_VERSION,
        id, why ? "false" : "true");
    if (why) {
        json_t *error = message_from_err(why);
        char *dump = json_dumps(error, JSON_COMPACT);
        check(dump);
        buf_printf(&text, "\"error\":%s}", dump);
        free(dump);
        json_decref(error);
    } else {
        buf_add(&text, S("\"body\":"));
        buf_add(&text, body);
        buf_add_char(&text, '}');
    }
    check(!text.overflowed);
    (void)sensor->setup.send(sensor->setup.owner, buf_str(&text));
}

/* --- push ---------------------------------------------------------------------------------------
 */

static bool take_push(
    struct sensor *sensor, const json_t *body, size_t *ret_readings, struct err *err)
{
    struct str name, text;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("source", &name, 1, 128),
        JSON_TAKE_TEXT("text", &text, 0, SENSE_TEXT_BYTES_MAX),
    };
    int64_t now_ms = sensor_now().steady_ms;

    if (!json_take(body, fields, COUNT(fields), err))
        return false;
    int at = source_named(sensor, name);
    struct source *source = at < 0 ? NULL : sensor->sources[at];
    if (!source || source->fact.kind != SENSE_PUSH)
        return err_code(err, ERR_INPUT, "unknown_source", "source",
            "there is no source of this name that pushes");
    if (source->push_ms && now_ms - source->push_ms < sensor->setup.settings.push_ms) {
        source->too_often++;
        sensor->grown = true;
        return err_code(err, ERR_LIMIT, "too_often", "source",
            "one push each %" PRId64 " ms is taken", sensor->setup.settings.push_ms);
    }
    source->push_ms = now_ms;
    if (!source_says(source, text, ret_readings, err)) {
        source_is(source, SOURCE_REFUSED, err->message);
        source_ok(source, false);
        return false;
    }
    sensor->counts.pushes++;
    source_is(source, SOURCE_OK, "");
    source_ok(source, true);
    return true;
}

/* --- history ------------------------------------------------------------------------------------
 */

struct question {
    struct sensor *sensor;
    int64_t id;
    uint64_t life; /* of the judge that asked: ids mean something else to the next one */
};

static void on_answer(struct str json, const struct err *err, void *user)
{
    struct question *question = user;

    if (question->life == question->sensor->life)
        send_reply(question->sensor, question->id, json, err && err->kind != ERR_NONE ? err : NULL);
    free(question);
}

static bool ask_history(struct sensor *sensor, const json_t *body, int64_t id, struct err *err)
{
    struct history_question asked = {0};
    const struct json_field fields[] = {
        JSON_MAY_TEXT("promql", &asked.promql, 1, 65536),
        JSON_MAY_TEXT("node", &asked.node, 1, HISTORY_NODE_BYTES_MAX),
        JSON_MAY_TEXT("metric", &asked.metric, 1, HISTORY_METRIC_BYTES_MAX),
        JSON_MAY_TEXT_OR_NULL("part", &asked.part, 0, HISTORY_PART_BYTES_MAX),
        JSON_TAKE_INTEGER("from_ms", &asked.from_ms, 0, INT64_MAX),
        JSON_TAKE_INTEGER("to_ms", &asked.to_ms, 0, INT64_MAX),
        JSON_MAY_INTEGER("step_s", &asked.step_s, 0, INT64_MAX),
    };

    if (!json_take(body, fields, COUNT(fields), err))
        return false;
    if (!asked.promql.at && (!asked.node.at || !asked.metric.at))
        return err_code(err, ERR_INPUT, "missing_field", asked.node.at ? "metric" : "node",
            "history is asked by node and metric, or by promql");
    if (!sensor->history)
        return err_code(err, ERR_PEER, "no_history", NULL, "%s",
            sensor->history_words[0] ? sensor->history_words
                                     : "no history is kept: the fact history(Url) says where");
    struct question *question = calloc(1, sizeof *question);
    check(question);
    *question = (struct question){sensor, id, sensor->life};
    if (history_ask(sensor->history, &asked, on_answer, question, NULL, err))
        return true;
    free(question);
    return false;
}

static void on_history_closed(void *user)
{
    struct sensor *sensor = user;

    sensor->history_closing = false;
    if (sensor->closing)
        sensor_one_less(sensor);
    else
        history_wish(sensor);
}

void history_wish(struct sensor *sensor)
{
    const char *wished = sensor->history_url;
    struct history_options options = {
        .url = wished, .spool = sensor->setup.spool, .limits = sensor->setup.settings.history};
    struct err err = {0};

    if (sensor->history_closing || (sensor->history && strcmp(sensor->history_at, wished) == 0))
        return;
    if (sensor->history) { /* the folder of the spool belongs to one at a time */
        struct history *old = sensor->history;
        sensor->history = NULL;
        sensor->history_closing = true;
        history_close(old, on_history_closed, sensor);
        return;
    }
    sensor->history_words[0] = '\0';
    if (!wished[0])
        return;
    if (strncmp(wished, "https:", 6) == 0)
        options.tls = sensor->setup.public_tls(sensor->setup.owner);
    if (!history_open(sensor->setup.loop, &options, &sensor->history, &err)) {
        snprintf(sensor->history_words, sizeof sensor->history_words, "%.*s",
            (int)sizeof sensor->history_words - 1, err.message);
        log_error("history_not_kept", "message", err.message, NULL);
        return;
    }
    snprintf(sensor->history_at, sizeof sensor->history_at, "%s", wished);
    log_event("history_kept", "url", wished, NULL);
}

/* --- both ---------------------------------------------------------------------------------------
 */

void sensor_request(struct sensor *sensor, const json_t *message)
{
    const char *method = message_text(message, "method");
    const json_t *body = json_object_get(message, "body");
    int64_t id = message_int(message, "id");
    char told[64];
    size_t readings = 0;
    struct err err = {0};

    if (!sensor->ready) {
        err_code(&err, ERR_PEER, "no_table", NULL, "the sensor does not know its sources yet");
    } else if (strcmp(method, "history") == 0) {
        if (ask_history(sensor, body, id, &err))
            return;
    } else if (strcmp(method, "push") != 0) {
        err_code(&err, ERR_INPUT, "unknown_method", NULL, "the sensor takes push and history");
    } else if (!take_push(sensor, body, &readings, &err)) {
        sensor->counts.pushes_refused++;
    } else {
        snprintf(told, sizeof told, "{\"readings\":%zu}", readings);
        send_reply(sensor, id, str_from(told), NULL);
        return;
    }
    send_reply(sensor, id, (struct str){"", 0}, &err);
}

void history_learn(struct source *source, const struct sense_reading *readings, size_t count)
{
    struct sensor *sensor = source->sensor;
    struct history_sample samples[64];
    size_t filled = 0;

    if (!sensor->history)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct sense_series *series = sense_state_at(source->readings, readings[i].series);
        samples[filled++] = (struct history_sample){.node = str_from(source->fact.node),
            .metric = str_from(sense_table_metric(sensor->table, readings[i].metric)->name),
            .part = {series->part, series->part_len},
            .value = readings[i].value,
            .at_ms = readings[i].at_ms};
        if (filled == COUNT(samples) || i + 1 == count) {
            history_add(sensor->history, samples, filled);
            filled = 0;
        }
    }
}
