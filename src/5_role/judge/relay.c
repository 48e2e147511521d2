/* SPDX-License-Identifier: Apache-2.0
 *
 * What only the sensor can answer (pushes, history), passed on and back: so many at once, each with
 * a time. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "channel/channel.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 64
#define PROMQL_BYTES_MAX 4096
#define WHERE_BYTES (NAME_BYTES_MAX + 16)

/* --- there and back -----------------------------------------------------------------------------
 */

static struct relayed *free_call(struct judge *j)
{
    for (size_t i = 0; i < SENSOR_CALLS_MAX; i++)
        if (!j->senses.calls[i].id)
            return &j->senses.calls[i];
    return NULL;
}

static void end_call(struct judge *j, struct relayed *call)
{
    json_decref(call->unit);
    *call = (struct relayed){0};
    j->senses.calls_count--;
}

static struct client client_of(const struct relayed *call)
{
    return (struct client){.gateway = call->gateway, .id = call->client_id};
}

static void refuse_call(struct judge *j, struct relayed *call, const struct err *why)
{
    struct client client = client_of(call);

    end_call(j, call);
    client_refuse(j, &client, why);
}

static bool pass_on(struct asked *a, const char *method, json_t *unit, struct err *err)
{
    struct judge *j = a->judge;
    struct senses *s = &j->senses;

    if (!s->sensor)
        return err_code(err, ERR_PEER, "sensor_away", NULL,
            "the sensor is away, so there are no numbers; the rest of the node works: try again in "
            "a moment");
    if (s->calls_count >= j->settings.sensor_calls_max)
        return err_code(err, ERR_LIMIT, "sensor_busy", NULL,
            "%" PRId64 " requests wait for the sensor, which is the limit; try again in a moment",
            s->calls_count);
    struct relayed *call = free_call(j);
    check(call);
    *call = (struct relayed){.id = ++s->last_call,
        .deadline_ms = clock_steady_ms() + j->settings.sensor_ms,
        .gateway = a->client.gateway,
        .client_id = a->client.id,
        .unit = json_incref(unit)};
    s->calls_count++;
    if (channel_send(s->sensor,
            message_make(MESSAGE_request, "{s:I, s:s, s:O, s:O}", "id", (json_int_t)call->id,
                "method", method, "who", (json_t *)a->who, "body", a->body),
            err))
        return true;
    end_call(j, call);
    return false;
}

void relay_take(struct judge *j, const json_t *reply)
{
    int64_t id = message_int(reply, "id");
    json_t *body = json_object_get(reply, "body");
    struct err why = {0};

    for (size_t i = 0; id && i < SENSOR_CALLS_MAX; i++) {
        struct relayed *call = &j->senses.calls[i];
        if (call->id != id)
            continue;
        struct client client = client_of(call);
        if (message_true(reply, "ok") && body) {
            if (call->unit)
                json_object_set(body, "unit", call->unit);
            end_call(j, call);
            client_reply(j, &client, json_incref(body));
            leave_when_done(j);
            return;
        }
        message_to_err(json_object_get(reply, "error"), &why);
        refuse_call(j, call, &why);
        leave_when_done(j);
        return;
    } /* else it came too late: its request was answered */
}

void relay_tick(struct judge *j)
{
    int64_t now_ms = clock_steady_ms();
    struct err why = {0};

    if (!j->senses.calls_count)
        return;
    err_code(&why, ERR_PEER, "sensor_silent", NULL,
        "the sensor did not answer within %" PRId64 " ms; try again", j->settings.sensor_ms);
    for (size_t i = 0; i < SENSOR_CALLS_MAX; i++)
        if (j->senses.calls[i].id && j->senses.calls[i].deadline_ms <= now_ms)
            refuse_call(j, &j->senses.calls[i], &why);
}

void relay_lost(struct judge *j)
{
    struct err why = {0};

    err_code(&why, ERR_PEER, "sensor_lost", NULL,
        "the sensor ended while it had this request; it starts again: try again in a moment");
    for (size_t i = 0; i < SENSOR_CALLS_MAX; i++)
        if (j->senses.calls[i].id)
            refuse_call(j, &j->senses.calls[i], &why);
    leave_when_done(j);
}

/* --- pushes ------------------------------------------------------------------------------------
 */

static const json_t *source_named(const struct judge *j, struct str name)
{
    json_t *row;
    size_t i;

    json_array_foreach (json_object_get(j->senses.table, "sources"), i, row)
        if (str_eq(name, str_from(message_text(row, "source"))))
            return row;
    return NULL;
}

/* The site says whose numbers these are, and nobody else may tell them. */
static bool may_push(const struct asked *a, struct str source, struct err *err)
{
    const json_t *row = source_named(a->judge, source);
    char wanted[WHERE_BYTES];

    if (!row || strcmp(message_text(row, "kind"), "push") != 0)
        return err_code(err, ERR_INPUT, "unknown_source", "source",
            "the site has no source '%.*s' that takes pushes; see sense_source in HOME/site",
            STR(source));
    snprintf(wanted, sizeof wanted, "token:%s", message_text(row, "where"));
    if (strcmp(wanted, message_text(a->who, "principal")) != 0)
        return err_code(err, ERR_DENIED, "not_your_source", "source",
            "source '%.*s' takes numbers from the caller token '%s' only", STR(source),
            message_text(row, "where"));
    return true;
}

bool relay_push(struct asked *a, struct err *err)
{
    struct str source, text;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("source", &source, 1, NAME_BYTES_MAX),
        JSON_TAKE_TEXT("text", &text, 0, MESSAGE_BYTES_MAX),
    };

    return json_take(a->body, fields, COUNT(fields), err) && senses_known(a->judge, err) &&
           may_push(a, source, err) && pass_on(a, "push", NULL, err);
}

/* --- history -----------------------------------------------------------------------------------
 */

bool relay_history(struct asked *a, struct err *err)
{
    struct str node = {0}, metric = {0}, part = {0}, promql = {0};
    int64_t from_ms = 0, to_ms = 0, step_s = 60;
    const struct json_field fields[] = {
        JSON_MAY_TEXT("node", &node, 1, NAME_BYTES_MAX),
        JSON_MAY_TEXT("metric", &metric, 1, NAME_BYTES_MAX),
        JSON_MAY_TEXT("part", &part, 0, NAME_BYTES_MAX),
        JSON_MAY_TEXT("promql", &promql, 1, PROMQL_BYTES_MAX),
        JSON_TAKE_INTEGER("from_ms", &from_ms, 0, INT64_MAX / 2),
        JSON_TAKE_INTEGER("to_ms", &to_ms, 0, INT64_MAX / 2),
        JSON_MAY_INTEGER("step_s", &step_s, 1, 86400),
    };

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    if (promql.len ? node.len || metric.len || part.len : !node.len || !metric.len)
        return err_code(err, ERR_INPUT, "bad_query", promql.len ? "promql" : "node",
            "history is asked of a node and a metric, or by promql alone");
    if (to_ms < from_ms)
        return err_code(err, ERR_INPUT, "out_of_range", "to_ms", "to_ms lies before from_ms");
    if (!promql.len && !senses_known(a->judge, err))
        return false;
    const json_t *row = senses_metric(a->judge, metric);
    if (!promql.len && !row) /* what is no word of ours is no question for a server of history */
        return err_code(
            err, ERR_INPUT, "unknown_metric", "metric", "there is no metric '%.*s'", STR(metric));
    return pass_on(a, "history", json_object_get(row, "unit"), err);
}
