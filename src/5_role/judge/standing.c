/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the node stands (docs/operations.md §6): what the sensor saw of the machine, and what a
 * cluster's API told of its guests, go to door `stand`. What is news is recorded and learned, so a
 * verdict that depends on it can be given again; where no cluster is written down nothing is. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <string.h>

static void ask_stand(struct judge *j);

/* One thing to be recorded, or one answer to be had, at a time. */
struct news {
    struct judge *judge;
    const char *kind;
    json_t *body;
};

static void news_end(struct news *news)
{
    json_decref(news->body);
    free(news);
}

static void on_news_recorded(void *context, const json_t *entries, const struct err *err)
{
    struct news *news = context;
    struct judge *j = news->judge;

    if (!entries) {
        log_error("standing_not_recorded", "kind", news->kind, "message", err->message, NULL);
        j->standing.due = true; /* said again on the next tick */
    }
    news_end(news);
    j->standing.recording = false;
    if (entries)
        ask_stand(j);
}

static void record(struct news *news)
{
    struct judge *j = news->judge;
    json_t *entries = json_array();
    struct err err = {0};

    json_array_append_new(entries, records_entry(news->kind, "", json_incref(news->body), false));
    j->standing.recording = true;
    if (!alerts_record(j, entries, on_news_recorded, news, &err))
        on_news_recorded(news, NULL, &err);
}

static bool is_news(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "record"));
}

/* --- the guests of a cluster --------------------------------------------------------------------
 */

static void on_guests_weighed(void *context, struct prolog_answer *answer)
{
    struct news *news = context;
    struct judge *j = news->judge;

    if (answer->ok && is_news(prolog_answer_json(answer)))
        record(news);
    else
        news_end(news);
    door_answered(j);
}

static void on_guests(void *context, const json_t *message)
{
    struct judge *j = context;
    const json_t *result = json_object_get(message, "result");
    struct err err = {0};

    j->standing.looks--;
    if (!message || !message_true(message, "ok") || !json_is_object(result)) {
        if (!j->standing.api_failed)
            log_error("cluster_not_asked", "message",
                message_text(json_object_get(message, "error"), "message"), NULL);
        j->standing.api_failed = true;
        return;
    }
    struct news *news = malloc(sizeof *news);
    check(news);
    *news = (struct news){j, "cluster_seen", json_incref((json_t *)result)};
    if (!ask_door(
            j, PROLOG_STAND, json_pack("{s:O}", "guests", result), on_guests_weighed, news, &err))
        news_end(news);
}

static void look_at_clusters(struct judge *j)
{
    size_t i;
    json_t *job;

    if (j->standing.looks)
        return;
    j->standing.api_failed = false;
    json_array_foreach (json_object_get(j->standing.answer, "jobs"), i, job) {
        struct err err = {0};
        json_t *fields = json_pack("{s:s, s:O}", "case", "", "job", job);
        check(fields);
        j->standing.looks++;
        if (!hands_send(j, MESSAGE_look, fields, on_guests, j, &err)) {
            j->standing.looks--;
            j->standing.api_failed = true;
        }
    }
}

/* --- the machine --------------------------------------------------------------------------------
 */

static void on_stands(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;
    struct standing_now *s = &j->standing;
    json_t *now = answer->ok ? prolog_answer_json(answer) : NULL;

    s->asked = false;
    if (!now) {
        log_error("standing_not_known", "message", answer->err.message, NULL);
        door_answered(j);
        return;
    }
    const char *words = message_text(now, "words");
    if (!s->answer || strcmp(message_text(s->answer, "words"), words) != 0)
        log_event("node_stands", "stands", message_text(now, "stands"), "words", words, NULL);
    json_decref(s->answer);
    s->answer = json_incref(now);
    if (is_news(now) && !s->recording) {
        struct news *news = malloc(sizeof *news);
        check(news);
        *news = (struct news){j, "standing_seen", json_incref(s->seen)};
        record(news);
    }
    door_answered(j);
}

static void ask_stand(struct judge *j)
{
    struct err err = {0};

    if (j->standing.asked)
        return;
    j->standing.asked = ask_door(
        j, PROLOG_STAND, json_pack("{s:O?}", "seen", j->standing.seen), on_stands, j, &err);
    if (!j->standing.asked)
        j->standing.due = true;
}

void standing_take(struct judge *j, const json_t *message)
{
    static const char *const FIELDS[] = {"vm", "container", "uuids", "macs", "addresses"};
    json_t *seen = json_object();

    check(seen);
    for (size_t i = 0; i < COUNT(FIELDS); i++)
        json_object_set(seen, FIELDS[i], json_object_get(message, FIELDS[i]));
    json_decref(j->standing.seen);
    j->standing.seen = seen;
    ask_stand(j);
}

/* Each second: what is due. An API that could not be asked is tried again each minute, so that the
 * first moment it can be reached is not missed; otherwise each hour. */
void standing_tick(struct judge *j)
{
    struct standing_now *s = &j->standing;

    if (!s->answer || s->due) {
        s->due = false;
        ask_stand(j);
        return;
    }
    int64_t pause_s = s->api_failed ? j->settings.cluster_retry_s : j->settings.cluster_look_s;
    if (s->looked && ++s->since_look_s < pause_s)
        return;
    if (json_array_size(json_object_get(s->answer, "jobs")) && !j->actuator)
        return; /* hands are on their way */
    s->looked = true;
    s->since_look_s = 0;
    look_at_clusters(j);
}

json_t *standing_show(const struct judge *j)
{
    static const char *const SHOWN[] = {
        "stands", "words", "cluster", "guest", "proof", "vm", "container", "cycle"};
    json_t *shown = json_object();

    check(shown);
    for (size_t i = 0; i < COUNT(SHOWN); i++) {
        json_t *value = json_object_get(j->standing.answer, SHOWN[i]);
        json_object_set(shown, SHOWN[i], value ? value : json_null());
    }
    return shown;
}
