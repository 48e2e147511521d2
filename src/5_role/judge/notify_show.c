/* SPDX-License-Identifier: Apache-2.0
 *
 * What was told and what was given up: the fold of the ledger's entries about it, the same for one
 * that was just made and one that is read back after a start. And the two requests. */
#include "judge/requests.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <string.h>

#define WAITING_SHOWN_MAX 100

/* --- reading back -------------------------------------------------------------------------- */

static json_t *row_of(const json_t *entry, bool sent)
{
    json_t *row = json_copy(json_object_get(entry, "body"));

    check(row);
    json_object_set_new(row, "sent", json_boolean(sent));
    json_object_set(row, "at", json_object_get(entry, "at"));
    json_object_set(row, "seq", json_object_get(entry, "seq"));
    return row;
}

static void count_row(struct notifier *n, const char *channel, json_t *row, bool sent)
{
    json_t *sum = json_object_get(n->by_channel, channel);
    const char *which = sent ? "sent" : "failed";

    if (!sum) {
        sum = json_pack("{s:i, s:i}", "sent", 0, "failed", 0);
        json_object_set_new(n->by_channel, channel, sum);
    }
    json_object_set_new(sum, which, json_integer(message_int(sum, which) + 1));
    json_object_set(sum, "last", row);
}

/* The last ones, to look at again once it is known what was told. */
static void keep_recent(struct notifier *n, const json_t *entry)
{
    if (json_array_size(n->recent) == NOTIFY_RECENT_MAX)
        json_array_remove(n->recent, 0);
    json_array_append(n->recent, (json_t *)entry);
}

bool notify_fold(struct judge *j, const json_t *entry)
{
    struct notifier *n = &j->notifier;
    const char *kind = message_text(entry, "kind");
    const json_t *body = json_object_get(entry, "body");
    bool sent = strcmp(kind, "notification_sent") == 0;
    char about[NOTIFY_ABOUT_BYTES];

    if (!n->channels && (strcmp(kind, "case_failed") == 0 || strcmp(kind, "kb_refused") == 0))
        keep_recent(n, entry);
    if (!sent && strcmp(kind, "notification_failed") != 0)
        return false;
    const char *channel = message_text(body, "channel");
    scoped(json_done) json_t *row = row_of(entry, sent);
    notify_about_text(json_object_get(body, "about"), about);
    notify_queue_remember(&n->queue, channel, about);
    count_row(n, channel, row, sent);
    if (json_array_size(n->last) == NOTIFY_LAST_MAX)
        json_array_remove(n->last, 0);
    json_array_append(n->last, row);
    return true;
}

/* --- showing ------------------------------------------------------------------------------- */

static json_t *channel_row(const struct notifier *n, const json_t *channel)
{
    const char *name = message_text(channel, "channel");
    const json_t *sum = json_object_get(n->by_channel, name);
    json_t *row = json_copy((json_t *)channel), *last = json_object_get(sum, "last");

    json_object_set_new(
        row, "waiting", json_integer((json_int_t)notify_queue_waiting(&n->queue, name)));
    json_object_set_new(row, "sent", json_integer(message_int(sum, "sent")));
    json_object_set_new(row, "failed", json_integer(message_int(sum, "failed")));
    json_object_set(row, "last", last ? last : json_null());
    return row;
}

static json_t *waiting_row(const struct notify_item *item, int64_t steady_ms, int64_t civil_ms)
{
    int64_t left_ms = item->due_ms > steady_ms ? item->due_ms - steady_ms : 0;
    char next_at[CLOCK_TEXT_BYTES];

    clock_text(civil_ms + left_ms, next_at);
    json_t *why = item->code[0] ? json_pack("{s:s, s:s}", "code", item->code, "words", item->words)
                                : json_null();
    return json_pack("{s:s, s:O, s:I, s:s, s:b, s:o}", "channel", item->channel, "about",
        json_object_get(item->job, "about"), "tries", (json_int_t)item->tries, "next_at", next_at,
        "under_way", (int)item->running, "why", why);
}

static json_t *waiting_rows(const struct notify_queue *q)
{
    int64_t steady_ms = clock_steady_ms(), civil_ms = clock_civil_ms();
    json_t *rows = json_array();

    for (const struct notify_item *item = q->first; item; item = item->next)
        if (!item->outcome && json_array_size(rows) < WAITING_SHOWN_MAX)
            json_array_append_new(rows, waiting_row(item, steady_ms, civil_ms));
    return rows;
}

bool notify_list(struct asked *a, struct err *err)
{
    const struct notifier *n = &a->judge->notifier;
    json_t *channels, *last, *channel;
    size_t i;

    if (!json_take(a->body, NULL, 0, err))
        return false;
    if (!n->channels)
        return err_code(err, ERR_PEER, "not_known_yet", NULL,
            "the rules did not say yet which channels there are; ask again in a moment");
    channels = json_array();
    json_array_foreach (n->channels, i, channel)
        json_array_append_new(channels, channel_row(n, channel));
    last = json_array();
    for (i = json_array_size(n->last); i > 0; i--)
        json_array_append(last, json_array_get(n->last, i - 1));
    client_reply(a->judge, &a->client,
        json_pack("{s:o, s:o, s:I, s:o}", "channels", channels, "waiting", waiting_rows(&n->queue),
            "waiting_count", (json_int_t)notify_queue_waiting(&n->queue, NULL), "last", last));
    return true;
}

/* --- a test ---------------------------------------------------------------------------------- */

struct testing {
    struct judge *judge;
    struct client client;
};

static bool is_testing(const struct notify_queue *q, const char *channel)
{
    for (const struct notify_item *item = q->first; item; item = item->next)
        if (item->waiter && strcmp(item->channel, channel) == 0)
            return true;
    return false;
}

static bool add_test(struct testing *t, const json_t *message, struct err *err)
{
    struct judge *j = t->judge;
    const char *channel = message_text(message, "channel");

    if (is_testing(&j->notifier.queue, channel))
        return err_code(err, ERR_LIMIT, "test_under_way", "channel",
            "a test of the channel '%s' is under way; see what becomes of it first", channel);
    struct notify_item *item = notify_add(j, message, 1);
    if (!item)
        return err_code(err, ERR_SYSTEM, "rule_error", NULL, "the rules gave no test message");
    struct client *waiter = malloc(sizeof *waiter);
    check(waiter);
    *waiter = t->client;
    item->waiter = waiter;
    return true;
}

static void on_test_worded(void *context, struct prolog_answer *answer)
{
    struct testing *t = context;
    struct judge *j = t->judge;
    struct err err = {0};
    const json_t *messages =
        answer->ok ? json_object_get(prolog_answer_json(answer), "messages") : NULL;

    if (!answer->ok)
        client_refuse(j, &t->client, &answer->err);
    else if (!add_test(t, json_array_get(messages, 0), &err))
        client_refuse(j, &t->client, &err);
    free(t);
    notify_pump(j);
    door_answered(j);
}

bool notify_test(struct asked *a, struct err *err)
{
    struct str channel;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("channel", &channel, 1, NOTIFY_CHANNEL_BYTES - 1)};

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    struct testing *t = malloc(sizeof *t);
    json_t *in = json_pack(
        "{s:s%, s:I}", "test", channel.at, channel.len, "now_ms", (json_int_t)clock_civil_ms());
    check(t && in);
    *t = (struct testing){a->judge, a->client};
    if (ask_door(a->judge, PROLOG_NOTIFY, in, on_test_worded, t, err))
        return true;
    free(t);
    return false;
}
