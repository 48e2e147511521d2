/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sensor sees, on its way to the rules and into the record: one observation at a time.
 * Readings are answered with `taken` when all that they changed is durable and learned. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "channel/channel.h"
#include "os/clock.h"
#include "os/fd.h"
#include "json/json_take.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS 1000         /* records that failed, facts that were not learned */
#define CHUNK_BYTES_MAX 98304 /* of transitions in one append: half a message */
#define CHUNK_ENTRIES_MAX 64
#define ROWS_MAX 500          /* of one message */
#define FAILURES_PER_LINE 100 /* a rule that fails each time is said now and then */

static void record_next(struct judge *j);

/* --- the table ---------------------------------------------------------------------------------
 */

static void send_table(struct judge *j)
{
    struct senses *s = &j->senses;
    struct err err = {0};

    if (s->sensor && s->table &&
        !channel_send(s->sensor, message_make(MESSAGE_senses, "{s:O}", "table", s->table), &err))
        log_error("senses_not_sent", "message", err.message, NULL);
}

static void on_table(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;
    j->senses.table_asked = false;
    json_t *table = answer->ok ? prolog_answer_json(answer) : NULL;

    if (json_is_object(table)) {
        json_decref(j->senses.table);
        j->senses.table = json_incref(table);
        send_table(j);
    } else {
        log_error("senses_not_known", "message",
            answer->ok ? "the rules gave no table" : answer->err.message, NULL);
    }
    judge_maybe_open(j);
    door_answered(j);
}

static void ask_table(struct judge *j)
{
    struct err err;

    if (j->senses.table_asked)
        return;
    j->senses.table_asked = ask_door(j, PROLOG_SENSES, json_object(), on_table, j, &err);
    if (!j->senses.table_asked)
        log_error("senses_not_known", "message", err.message, NULL);
}

bool senses_known(struct judge *j, struct err *err)
{
    if (j->senses.table)
        return true;
    ask_table(j); /* rules that failed at it once may be asked again */
    return err_code(err, ERR_PEER, "senses_starting", NULL,
        "the sources are being read; ask again in a moment");
}

bool senses_awaited(const struct judge *j)
{
    return j->senses.table_asked || (j->senses.sensor && j->senses.table && !j->senses.caught_up);
}

const json_t *senses_metric(const struct judge *j, struct str name)
{
    json_t *row;
    size_t i;

    json_array_foreach (json_object_get(j->senses.table, "metrics"), i, row)
        if (str_eq(name, str_from(message_text(row, "metric"))))
            return row;
    return NULL;
}

/* --- observing -----------------------------------------------------------------------------------
 */

static void done_observing(struct judge *j)
{
    struct senses *s = &j->senses;
    struct err err;

    if (s->reading_id && s->sensor)
        (void)channel_send(
            s->sensor, message_make(MESSAGE_taken, "{s:I}", "id", (json_int_t)s->reading_id), &err);
    s->reading_id = 0;
    s->observing = false;
    json_done(&s->transitions);
    senses_next(j);
}

static void on_transitions_recorded(void *context, const json_t *entries, const struct err *err)
{
    struct judge *j = context;

    if (entries) {
        j->senses.recorded += json_array_size(entries);
        record_next(j);
        return;
    }
    log_error("alert_not_recorded", "message", err->message, NULL);
    j->senses.stuck = true;
}

static bool is_transition(const json_t *transition)
{
    static const char *const KINDS[] = {"alert_raised", "alert_changed", "alert_cleared"};

    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (strcmp(message_text(transition, "kind"), KINDS[i]) == 0)
            return json_is_object(json_object_get(transition, "body"));
    return false;
}

/* The rules that made it belong to it: replay loads them. */
static json_t *entry_of(const struct judge *j, const json_t *transition)
{
    json_t *body = json_copy(json_object_get(transition, "body"));

    check(body);
    json_object_set_new(body, "rules", json_string(j->rules));
    json_object_set_new(body, "site", json_string(j->site_hash));
    return records_entry(message_text(transition, "kind"), "", body, false);
}

/* What is no transition, or can be in no ledger, is left out and said: it must not stand in the
 * way of those behind it. */
static void drop_bad(json_t *transitions)
{
    for (size_t i = json_array_size(transitions); i-- > 0;) {
        const json_t *transition = json_array_get(transitions, i);
        if (is_transition(transition) &&
            json_dumpb(transition, NULL, 0, JSON_COMPACT) <= CHUNK_BYTES_MAX)
            continue;
        log_error("transition_dropped", "kind", message_text(transition, "kind"), NULL);
        json_array_remove(transitions, i);
    }
}

/* The next of them that fit one message. */
static json_t *next_chunk(const struct judge *j)
{
    const json_t *transitions = j->senses.transitions;
    json_t *entries = json_array();
    size_t bytes = 0;

    for (size_t i = j->senses.recorded; i < json_array_size(transitions); i++) {
        const json_t *transition = json_array_get(transitions, i);
        bytes += json_dumpb(transition, NULL, 0, JSON_COMPACT);
        size_t count = json_array_size(entries);
        if (count && (bytes > CHUNK_BYTES_MAX || count == CHUNK_ENTRIES_MAX))
            break;
        json_array_append_new(entries, entry_of(j, transition));
    }
    return entries;
}

static void record_next(struct judge *j)
{
    struct senses *s = &j->senses;
    struct err err = {0};

    s->stuck = false;
    if (s->recorded >= json_array_size(s->transitions))
        done_observing(j);
    else if (!alerts_record(j, next_chunk(j), on_transitions_recorded, j, &err))
        on_transitions_recorded(j, NULL, &err);
}

/* Each time in the answer, told when it is another. */
static void take_make_way(struct judge *j, json_t *pools)
{
    struct senses *s = &j->senses;

    if (!json_is_array(pools) || (s->make_way && json_equal(s->make_way, pools)))
        return;
    json_decref(s->make_way);
    s->make_way = json_incref(pools);
    senses_tell_make_way(j);
}

void senses_tell_make_way(struct judge *j)
{
    struct err err = {0};

    if (j->gateway && j->senses.make_way &&
        !channel_send(
            j->gateway, message_make(MESSAGE_make_way, "{s:O}", "pools", j->senses.make_way), &err))
        log_error("make_way_not_told", "message", err.message, NULL);
}

static void on_observed(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;
    struct senses *s = &j->senses;
    const json_t *out = answer->ok ? prolog_answer_json(answer) : NULL;

    if (!out && s->failed++ % FAILURES_PER_LINE == 0)
        log_error("readings_not_observed", "message", answer->err.message, NULL);
    s->refused += (uint64_t)message_int(out, "refused");
    take_make_way(j, json_object_get(out, "make_way"));
    s->transitions = json_incref(json_object_get(out, "transitions"));
    s->recorded = 0;
    drop_bad(s->transitions);
    record_next(j);
    door_answered(j);
}

static void observe(struct judge *j, json_t *rows)
{
    struct senses *s = &j->senses;
    struct err err = {0};
    json_t *in = json_pack("{s:I, s:O}", "now_ms", (json_int_t)clock_civil_ms(), "rows", rows);

    check(in);
    s->observing = true;
    s->tick_due = false; /* any observation looks at the clock */
    s->observed += json_array_size(rows);
    if (ask_door(j, PROLOG_OBSERVE, in, on_observed, j, &err))
        return;
    s->failed++;
    log_error("readings_not_observed", "message", err.message, NULL);
    s->stuck = true; /* the rules are busy: `taken` a little later slows the sensor down */
}

void senses_next(struct judge *j)
{
    struct senses *s = &j->senses;
    scoped(json_done) json_t *message = NULL;
    scoped(json_done) json_t *none = NULL;

    if (!j->recovered || j->stopping || s->observing || json_array_size(s->unlearned))
        return;
    if (s->readings) {
        message = s->readings;
        s->readings = NULL;
        s->reading_id = message_int(message, "id");
        observe(j, json_object_get(message, "rows"));
    } else if (s->tick_due) {
        none = json_array();
        s->ticks++;
        observe(j, none);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct judge *j = timer->data;

    j->senses.tick_due = true;
    senses_next(j);
}

static void on_again(uv_timer_t *timer)
{
    struct judge *j = timer->data;

    relay_tick(j);
    if (!j->recovered)
        return;
    standing_tick(j);
    if (json_array_size(j->senses.unlearned))
        alerts_learn_again(j);
    if (j->senses.stuck)
        record_next(j);
    else
        senses_next(j);
}

/* --- the sensor ------------------------------------------------------------------------------- */

/* At most one is out until `taken`; what comes beside it is refused, so that nothing piles up. */
static void take_readings(struct judge *j, json_t *message)
{
    struct senses *s = &j->senses;
    size_t rows = json_array_size(json_object_get(message, "rows"));

    if (s->readings || s->reading_id || rows > ROWS_MAX) {
        log_error("readings_refused", "reason",
            rows > ROWS_MAX ? "more than 500 rows" : "those before are not taken yet", NULL);
        s->refused += rows;
        return;
    }
    s->readings = json_incref(message);
    senses_next(j);
}

static void from_sensor(void *owner, enum message_type type, json_t *message, int fd)
{
    struct judge *j = owner;

    fd_done(&fd);
    if (type == MESSAGE_readings) {
        take_readings(j, message);
    } else if (type == MESSAGE_sources) {
        json_decref(j->senses.sources);
        j->senses.sources = json_incref(json_object_get(message, "sources"));
    } else if (type == MESSAGE_caught_up) {
        j->senses.caught_up = true;
        judge_maybe_open(j);
    } else if (type == MESSAGE_standing) {
        standing_take(j, message);
    } else if (type == MESSAGE_reply) {
        relay_take(j, message);
    } else if (type == MESSAGE_stats) {
        stats_take(j, "sensor", message);
    } else {
        log_error("message_refused", "from", "sensor", "type", message_type_name(type), NULL);
    }
}

/* What was under way is observed to its end; its `taken` would mean something else to the next. */
static void forget_sensor(struct judge *j)
{
    struct senses *s = &j->senses;

    s->sensor = NULL;
    s->caught_up = false;
    s->reading_id = 0;
    json_done(&s->readings);
    json_done(&s->sources);
    stats_forget(j, "sensor");
    relay_lost(j);
}

static void sensor_gone(void *owner)
{
    forget_sensor(owner);
    judge_maybe_open(owner); /* there is nothing to wait for */
}

static const struct channel_events SENSOR_EVENTS = {from_sensor, sensor_gone};

void senses_join(struct judge *j, int fd)
{
    struct senses *s = &j->senses;

    if (!j->recovered) {
        fd_done(&s->waiting_fd);
        s->waiting_fd = fd;
        return;
    }
    if (s->sensor) {
        channel_close(s->sensor);
        forget_sensor(j);
    }
    s->sensor = channel_open(&j->role->loop, fd, &SENSOR_EVENTS, j);
    if (s->table)
        send_table(j);
    else
        ask_table(j);
}

/* --- life ----------------------------------------------------------------------------------------
 */

void senses_init(struct judge *j)
{
    j->senses.waiting_fd = -1;
    j->senses.unlearned = json_array();
    j->senses.stats = json_object();
    check(j->senses.unlearned && j->senses.stats);
    book_init(&j->alerts, (size_t)j->settings.alerts_kept);
}

void senses_start(struct judge *j)
{
    struct senses *s = &j->senses;

    uv_timer_init(&j->role->loop, &s->tick);
    uv_timer_init(&j->role->loop, &s->again);
    s->tick.data = s->again.data = j;
}

void senses_recovered(struct judge *j)
{
    struct senses *s = &j->senses;
    uint64_t tick_ms = (uint64_t)j->settings.senses_tick_ms;
    int fd = s->waiting_fd;

    uv_timer_start(&s->tick, on_tick, tick_ms, tick_ms);
    uv_timer_start(&s->again, on_again, AGAIN_MS, AGAIN_MS);
    ask_table(j);
    s->tick_due = true; /* the alerts of before are taken up before any reading is looked at */
    senses_next(j);
    s->waiting_fd = -1;
    if (fd >= 0)
        senses_join(j, fd);
}

/* --- looks --------------------------------------------------------------------------------------
 */

struct sense_look {
    struct judge *judge;
    void (*done)(void *context, const json_t *message);
    void *context;
};

bool senses_is_look(const json_t *fields)
{
    return strcmp(message_text(json_object_get(fields, "job"), "hand"), "senses") == 0;
}

/* As hands would say it. */
static void on_sensed(void *context, struct prolog_answer *answer)
{
    struct sense_look look = *(struct sense_look *)context;
    json_t *result = answer->ok ? prolog_answer_json(answer) : NULL;
    scoped(json_done) json_t *message =
        result ? json_pack("{s:b, s:O}", "ok", 1, "result", result)
               : json_pack("{s:b, s:o}", "ok", 0, "error", message_from_err(&answer->err));

    check(message);
    free(context);
    look.done(look.context, message);
    door_answered(look.judge);
}

bool senses_look(struct judge *j, json_t *fields,
    void (*done)(void *context, const json_t *message), void *context, struct err *err)
{
    struct sense_look *look = malloc(sizeof *look);
    json_t *in = json_pack("{s:O, s:I}", "job", json_object_get(fields, "job"), "now_ms",
        (json_int_t)clock_civil_ms());

    check(look && in);
    json_decref(fields);
    *look = (struct sense_look){j, done, context};
    if (ask_door(j, PROLOG_SENSED, in, on_sensed, look, err))
        return true;
    free(look);
    return false;
}

/* --- request `sources` -------------------------------------------------------------------------
 */

/* What the sensor told; while it is away, what it would look at. */
static json_t *sources_now(const struct senses *s)
{
    json_t *rows, *row;
    size_t i;

    if (s->sensor && s->sources)
        return json_incref(s->sources);
    rows = json_array();
    json_array_foreach (json_object_get(s->table, "sources"), i, row)
        json_array_append_new(
            rows, json_pack("{s:O, s:O, s:s, s:s, s:n, s:i, s:{}}", "source",
                      json_object_get(row, "source"), "node", json_object_get(row, "node"), "state",
                      "unknown", "words",
                      s->sensor ? "not asked yet" : "the sensor is away: nobody asks this source",
                      "at_ms", "series", 0, "refused"));
    return rows;
}

bool senses_sources(struct asked *a, struct err *err)
{
    const struct senses *s = &a->judge->senses;

    if (!json_take(a->body, NULL, 0, err) || !senses_known(a->judge, err))
        return false;
    json_t *history = json_object_get(s->table, "history");
    client_reply(a->judge, &a->client,
        json_pack("{s:o, s:s, s:O?}", "sources", sources_now(s), "sensor",
            s->sensor ? "ready" : "away", "history", history));
    return true;
}
