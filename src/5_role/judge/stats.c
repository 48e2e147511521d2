/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers that the roles tell of themselves, and ours (common/stats.def). A role that went away
 * has none: a number that nobody vouches for any more is not shown. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_take.h"

#include <stdio.h>
#include <string.h>

#define STATS_MAX 512 /* numbers of one role */
#define KEY_BYTES 64

/* A role speaks for itself: the name is that of the channel, whatever the message says. */
void stats_take(struct judge *j, const char *role, const json_t *message)
{
    json_t *values = json_object_get(message, "values"), *value;
    const char *name;

    if (json_object_size(values) > STATS_MAX) {
        log_error("stats_refused", "from", role, NULL);
        return;
    }
    json_object_foreach (values, name, value)
        if (!json_is_number(value)) {
            log_error("stats_refused", "from", role, NULL);
            return;
        }
    json_object_set(j->senses.stats, role, values);
}

void stats_forget(struct judge *j, const char *role)
{
    json_object_del(j->senses.stats, role);
}

static void add(json_t *values, const char *name, int64_t value)
{
    json_object_set_new(values, name, json_integer((json_int_t)value));
}

static void add_rules(const struct judge *j, json_t *values)
{
    struct prolog_counts c;

    prolog_count(j->prolog, &c);
    add(values, "questions", c.asked);
    add(values, "questions_refused", c.refused);
    add(values, "questions_killed", c.killed);
    for (int door = 0; door < PROLOG_DOORS; door++) {
        char key[KEY_BYTES];
        snprintf(key, sizeof key, "us_%s", prolog_door_word((enum prolog_door)door));
        add(values, key, c.spent_ns[door] / 1000);
    }
}

static void add_alerts(const struct alert_book *book, json_t *values)
{
    int64_t warning = 0, critical = 0;

    for (size_t i = 0; i < book->count; i++) {
        const struct alert *alert = book->alerts[i];
        bool severe = strcmp(message_text(alert->said, "severity"), "critical") == 0;
        if (alert->state == ALERT_CLEARED)
            continue;
        critical += severe;
        warning += !severe;
    }
    add(values, "alerts_warning", warning);
    add(values, "alerts_critical", critical);
}

static json_t *our_own(const struct judge *j)
{
    const struct senses *s = &j->senses;
    json_t *values = json_object();

    check(values);
    add_rules(j, values);
    add(values, "permits", (int64_t)j->verdicts.permits);
    add(values, "consents", (int64_t)j->verdicts.consents);
    add(values, "denies", (int64_t)j->verdicts.denies);
    add(values, "readings", (int64_t)s->observed);
    add(values, "readings_refused", (int64_t)s->refused);
    add(values, "observations_failed", (int64_t)s->failed);
    add(values, "alert_entries", (int64_t)s->told);
    add_alerts(&j->alerts, values);
    add(values, "notifications_sent", (int64_t)j->notifier.sent);
    add(values, "notifications_failed", (int64_t)j->notifier.failed);
    add(values, "notifications_dropped", (int64_t)j->notifier.dropped);
    add(values, "notifications_waiting",
        (int64_t)notify_queue_waiting(&j->notifier.queue, NULL));
    add(values, "sensor_calls", s->calls_count);
    add(values, "ledger_calls", (int64_t)j->ledger_calls.count);
    add(values, "records_failed", (int64_t)j->records_failed);
    role_measure(j->role, values);
    return values;
}

bool stats_show(struct asked *a, struct err *err)
{
    struct judge *j = a->judge;

    if (!json_take(a->body, NULL, 0, err))
        return false;
    json_object_set_new(j->senses.stats, j->role->kind->name, our_own(j));
    client_reply(j, &a->client, json_pack("{s:O}", "roles", j->senses.stats));
    return true;
}
