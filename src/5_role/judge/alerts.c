/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of alerts: recorded, then learned, then told, in this order. Nobody hears of an alert
 * that is not durable, and whoever hears of one can ask the rules about it. The requests that show
 * alerts are answered from the book. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>

#define ALERT_ROWS_MAX 200
#define STATUS_BYTES_MAX 16

/* --- recording ----------------------------------------------------------------------------------
 */

struct batch {
    struct judge *judge;
    alerts_recorded *done;
    void *context;
    json_t *entries; /* whole */
    size_t missing;  /* not learned yet */
};

/* One entry on its way to the rules. */
struct lesson {
    struct judge *judge;
    struct batch *batch; /* NULL: another try */
    json_t *entry;
};

static void batch_end(struct batch *batch, const struct err *why)
{
    struct batch ended = *batch;

    free(batch);
    records_release(ended.judge);
    ended.done(ended.context, why ? NULL : ended.entries, why);
    json_decref(ended.entries);
}

/* The rules must take it before they look again, or they would raise it again. */
static void not_learned(struct lesson *lesson, const struct err *why)
{
    log_error("alert_not_learned", "message", why->message, NULL);
    json_array_append(lesson->judge->senses.unlearned, lesson->entry);
}

static void lesson_end(struct lesson *lesson)
{
    struct batch *batch = lesson->batch;

    json_decref(lesson->entry);
    free(lesson);
    if (batch && --batch->missing == 0)
        batch_end(batch, NULL);
}

static void on_learned(void *context, struct prolog_answer *answer)
{
    struct lesson *lesson = context;
    struct judge *j = lesson->judge;

    if (!answer->ok)
        not_learned(lesson, &answer->err);
    if (!lesson->batch)
        j->senses.learning = false;
    lesson_end(lesson);
    judge_schedule_snapshot(j);
    senses_next(j);
    door_answered(j);
}

static void learn(struct judge *j, struct batch *batch, json_t *entry)
{
    struct lesson *lesson = malloc(sizeof *lesson);
    struct err err = {0};

    check(lesson);
    *lesson = (struct lesson){j, batch, json_incref(entry)};
    if (ask_door(j, PROLOG_LEARN, case_learn_question(entry), on_learned, lesson, &err))
        return;
    not_learned(lesson, &err);
    if (!batch)
        j->senses.learning = false;
    lesson_end(lesson);
}

/* One a second, the oldest first: whatever kept the rules from it may be over. */
void alerts_learn_again(struct judge *j)
{
    json_t *unlearned = j->senses.unlearned;

    if (j->senses.learning)
        return;
    scoped(json_done) json_t *entry = json_incref(json_array_get(unlearned, 0));
    json_array_remove(unlearned, 0);
    j->senses.learning = true;
    learn(j, NULL, entry);
}

/* All are asked at once: the rules take what is written in the order of asking, which is that of
 * the ledger. */
static void on_recorded(void *context, const json_t *entries, const struct err *err)
{
    struct batch *batch = context;
    struct judge *j = batch->judge;
    size_t i;
    json_t *entry;

    if (!entries) {
        batch_end(batch, err);
        return;
    }
    batch->entries = json_incref((json_t *)entries);
    batch->missing = json_array_size(entries) + 1;
    j->senses.told += json_array_size(entries);
    json_array_foreach (batch->entries, i, entry)
        learn(j, batch, entry);
    if (--batch->missing == 0)
        batch_end(batch, NULL);
}

bool alerts_record(
    struct judge *j, json_t *entries, alerts_recorded *done, void *context, struct err *err)
{
    struct batch *batch = malloc(sizeof *batch);

    check(batch);
    *batch = (struct batch){.judge = j, .done = done, .context = context};
    records_hold(j);
    if (records_append(j, entries, on_recorded, batch, err))
        return true;
    records_release(j);
    free(batch);
    return false;
}

void alerts_see(struct judge *j, const json_t *entry)
{
    (void)book_fold(&j->alerts, entry);
}

/* --- showing ------------------------------------------------------------------------------------
 */

bool alerts_list(struct asked *a, struct err *err)
{
    struct str status = {0};
    int64_t limit = 50, before = 0;
    const struct json_field fields[] = {
        JSON_MAY_TEXT("status", &status, 1, STATUS_BYTES_MAX),
        JSON_MAY_INTEGER("limit", &limit, 1, ALERT_ROWS_MAX),
        JSON_MAY_INTEGER("before", &before, 0, INT64_MAX),
    };

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    if (status.len && !book_status_known(status))
        return err_code(err, ERR_INPUT, "bad_value", "status",
            "status is open, raised, acknowledged, cleared or all, not '%.*s'", STR(status));
    client_reply(a->judge, &a->client, book_list(&a->judge->alerts, status, before, limit));
    return true;
}

/* For people: the entry has no units, they are those of the vocabulary. */
static void add_units(const struct judge *j, json_t *view)
{
    json_t *question = json_deep_copy(json_object_get(view, "question")), *reading;
    size_t i;

    if (!question)
        return;
    json_array_foreach (json_object_get(question, "readings"), i, reading) {
        const json_t *row = senses_metric(j, str_from(message_text(reading, "metric")));
        json_object_set(reading, "unit", json_object_get(row, "unit"));
    }
    json_object_set_new(view, "question", question);
}

bool alerts_show(struct asked *a, struct err *err)
{
    int64_t id = 0;
    const struct json_field fields[] = {JSON_TAKE_INTEGER("id", &id, 1, INT64_MAX)};

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    const struct alert *alert = book_find(&a->judge->alerts, id);
    if (!alert)
        return alert_unknown(a->judge, id, err);
    json_t *view = alert_view(alert);
    add_units(a->judge, view);
    client_reply(a->judge, &a->client, view);
    return true;
}

bool alert_unknown(const struct judge *j, int64_t id, struct err *err)
{
    return err_code(err, ERR_INPUT, "no_such_alert", "alert",
        "there is no alert %" PRId64 " among those that are open or the last %" PRId64
        " closed ones; older ones are in the ledger",
        id, j->settings.alerts_kept);
}
