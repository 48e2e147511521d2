/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry is looked at by the rules (door notify; with its case as it is by then), what they word
 * is sent by the actuator, and what came of it is recorded. */
#include "judge/requests.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOKING_MAX 4 /* questions to the rules at once: telling is not urgent for them */
#define AGAIN_MS 1000 /* somebody was away, or the disk refused */

static void on_timer(uv_timer_t *timer)
{
    notify_pump(timer->data);
}

static void pump_in(struct judge *j, int64_t wait_ms)
{
    uv_timer_t *timer = &j->notifier.timer;

    if (j->stopping)
        return;
    if (!uv_is_active((uv_handle_t *)timer) || (int64_t)uv_timer_get_due_in(timer) > wait_ms)
        uv_timer_start(timer, on_timer, (uint64_t)wait_ms, 0);
}

void notify_init(struct judge *j)
{
    struct notifier *n = &j->notifier;
    const struct notify_limits limits = {j->settings.notify_tries, j->settings.notify_pause_ms,
        j->settings.notify_waiting_max, j->settings.notify_at_once};

    notify_queue_init(&n->queue, &limits);
    n->looks = json_array();
    n->recent = json_array();
    n->last = json_array();
    n->by_channel = json_object();
    check(n->looks && n->recent && n->last && n->by_channel);
}

void notify_start(struct judge *j)
{
    uv_timer_init(&j->role->loop, &j->notifier.timer);
    j->notifier.timer.data = j;
}

void notify_about_text(const json_t *about, char ret_text[NOTIFY_ABOUT_BYTES])
{
    static const char *const NUMBERS[] = {"alert", "seq", "at_ms"};
    const char *what = message_text(about, "what");
    int64_t number = 0;

    for (size_t i = 0; i < COUNT(NUMBERS) && !number; i++)
        number = message_int(about, NUMBERS[i]);
    if (number)
        snprintf(ret_text, NOTIFY_ABOUT_BYTES, "%s %" PRId64, what, number);
    else
        snprintf(ret_text, NOTIFY_ABOUT_BYTES, "%s %s", what, message_text(about, "case"));
}

/* --- what came of it ----------------------------------------------------------------------- */

/* Its item, while the ledger or the hand has it: both answer exactly once. */
struct sending {
    struct judge *judge;
    struct notify_item *item;
};

static struct sending *sending_of(struct judge *j, struct notify_item *item)
{
    struct sending *s = malloc(sizeof *s);

    check(s);
    *s = (struct sending){j, item};
    return s;
}

/* Who asked for a test hears of it when it stands in the ledger. */
static void answer_waiter(struct judge *j, struct notify_item *item)
{
    struct client *client = item->waiter;

    item->waiter = NULL;
    if (client) {
        json_t *answer = json_copy(item->outcome);
        json_object_set_new(answer, "sent", json_boolean(item->code[0] == '\0'));
        client_reply(j, client, answer);
    }
    free(client);
}

static void on_recorded(void *context, const json_t *entries, const struct err *err)
{
    struct sending *s = context;
    struct judge *j = s->judge;
    struct notify_item *item = s->item;

    free(s);
    item->recording = false;
    if (!entries) {
        log_error(
            "notification_not_recorded", "channel", item->channel, "message", err->message, NULL);
        pump_in(j, AGAIN_MS);
        return;
    }
    j->notifier.sent += item->code[0] == '\0';
    j->notifier.failed += item->code[0] != '\0';
    answer_waiter(j, item);
    notify_queue_end(&j->notifier.queue, item);
    notify_pump(j);
}

static void record(struct judge *j, struct notify_item *item)
{
    const char *kind = item->code[0] ? "notification_failed" : "notification_sent";
    struct sending *s = sending_of(j, item);
    struct err err = {0};

    item->recording = true;
    if (!records_append(j,
            json_pack("[o]", records_entry(kind, "", json_incref(item->outcome), false)),
            on_recorded, s, &err))
        on_recorded(s, NULL, &err);
}

/* It is over: told, or given up with the reason in code and words. */
static void settle(struct judge *j, struct notify_item *item)
{
    json_t *about = json_object_get(item->job, "about");

    item->outcome =
        item->code[0]
            ? json_pack("{s:s, s:O, s:s, s:s, s:I}", "channel", item->channel, "about", about,
                  "code", item->code, "words", item->words, "tries", (json_int_t)item->tries)
            : json_pack("{s:s, s:O, s:I, s:I}", "channel", item->channel, "about", about, "tries",
                  (json_int_t)item->tries, "ms", (json_int_t)(clock_steady_ms() - item->added_ms));
    check(item->outcome);
    record(j, item);
}

static void say_why(struct notify_item *item, const struct err *err)
{
    snprintf(item->code, sizeof item->code, "%s", err->code[0] ? err->code : "failed");
    snprintf(item->words, sizeof item->words, "%s", err->message);
}

/* --- sending ------------------------------------------------------------------------------- */

/* The actuator is ending, or full: nobody was asked. */
static bool was_no_try(const struct err *err)
{
    static const char *const CODES[] = {"stopped", "stopping", "queue_full"};

    for (size_t i = 0; i < COUNT(CODES); i++)
        if (strcmp(err->code, CODES[i]) == 0)
            return true;
    return false;
}

static void on_sent(void *context, const json_t *message)
{
    struct sending *s = context;
    struct judge *j = s->judge;
    struct notify_item *item = s->item;
    struct notify_queue *q = &j->notifier.queue;
    struct err err = {0};

    free(s);
    if (message && message_true(message, "ok")) {
        item->code[0] = item->words[0] = '\0';
        notify_queue_settle(q, item);
        settle(j, item);
        notify_pump(j);
        return;
    }
    if (message)
        message_to_err(json_object_get(message, "error"), &err);
    else
        err_code(&err, ERR_PEER, "hands_lost", NULL,
            "the actuator ended while it sent this; it may have arrived");
    if (message && was_no_try(&err)) {
        notify_queue_put_back(q, item, AGAIN_MS, clock_steady_ms());
    } else {
        say_why(item, &err);
        if (!notify_queue_failed(q, item, clock_steady_ms()))
            settle(j, item);
    }
    notify_pump(j);
}

/* A signature that nobody waits for any more is not asked for. */
static bool is_over(struct judge *j, struct notify_item *item)
{
    const json_t *about = json_object_get(item->job, "about");
    const struct live *live;

    if (strcmp(message_text(about, "what"), "consent") != 0)
        return false;
    live = live_find(j, message_text(about, "case"));
    return !live || live->kase.state != CASE_AWAITING;
}

static void send_item(struct judge *j, struct notify_item *item)
{
    struct notify_queue *q = &j->notifier.queue;
    struct sending *s;
    struct err err = {0};

    if (is_over(j, item)) {
        item->tries--;
        notify_queue_settle(q, item);
        snprintf(item->code, sizeof item->code, "no_longer");
        snprintf(
            item->words, sizeof item->words, "the case does not wait for a signature any more");
        settle(j, item);
        return;
    }
    s = sending_of(j, item);
    if (hands_send(j, MESSAGE_notify, json_pack("{s:O}", "job", item->job), on_sent, s, &err))
        return;
    free(s);
    notify_queue_put_back(q, item, AGAIN_MS, clock_steady_ms());
}

/* --- what the rules say -------------------------------------------------------------------- */

struct notify_item *notify_add(struct judge *j, const json_t *message, int64_t tries)
{
    static const char *const KEPT[] = {
        "kind", "where", "title", "text", "link", "urgency", "about", "node", "at"};
    const char *channel = message_text(message, "channel");
    scoped(json_done) json_t *job = json_pack("{s:s, s:s}", "hand", "notify", "op", "send");
    struct notify_item *item, *dropped;
    char about[NOTIFY_ABOUT_BYTES], now[CLOCK_TEXT_BYTES];

    check(job);
    if (!channel[0] || strlen(channel) > NOTIFY_CHANNEL_BYTES - 1)
        return NULL;
    for (size_t i = 0; i < COUNT(KEPT); i++)
        json_object_set(job, KEPT[i], json_object_get(message, KEPT[i]));
    if (!message_text(job, "at")[0]) { /* a test has no entry */
        clock_text(clock_civil_ms(), now);
        json_object_set_new(job, "at", json_string(now));
    }
    notify_about_text(json_object_get(job, "about"), about);
    item = notify_queue_add(
        &j->notifier.queue, channel, about, job, tries, clock_steady_ms(), &dropped);
    if (dropped)
        settle(j, dropped);
    return item;
}

/* One entry with the rules. */
struct look {
    struct judge *judge;
    json_t *entry;
};

static void look_end(struct look *look)
{
    struct judge *j = look->judge;

    json_decref(look->entry);
    free(look);
    j->notifier.looking--;
    notify_pump(j);
}

static void look_failed(struct look *look, const struct err *err)
{
    log_error("notification_not_worded", "kind", message_text(look->entry, "kind"), "message",
        err->message, NULL);
    look->judge->notifier.dropped++;
    look_end(look);
}

static void on_worded(void *context, struct prolog_answer *answer)
{
    struct look *look = context;
    struct judge *j = look->judge;
    size_t i;
    json_t *message;

    if (!answer->ok) {
        look_failed(look, &answer->err);
    } else {
        json_array_foreach (json_object_get(prolog_answer_json(answer), "messages"), i, message)
            (void)notify_add(j, message, NOTIFY_TRIES_MAX);
        look_end(look);
    }
    door_answered(j);
}

/* What is needed to word it, as it is now. */
static json_t *brief_of(const struct kase *kase)
{
    static const char *const KEPT[] = {"id", "status", "action", "nl", "by", "expires_at"};
    scoped(json_done) json_t *view = kase && kase->state != CASE_NONE ? case_view(kase) : NULL;
    json_t *brief, *tier, *summary;

    if (!view)
        return json_null();
    brief = json_object();
    tier = json_object_get(kase->verdict, "tier");
    summary = json_object_get(json_object_get(view, "plan"), "summary");
    for (size_t i = 0; i < COUNT(KEPT); i++)
        json_object_set(brief, KEPT[i], json_object_get(view, KEPT[i]));
    json_object_set_new(brief, "verdict", json_pack("{s:O*}", "tier", tier));
    json_object_set(brief, "summary", summary ? summary : json_null());
    return brief;
}

/* Only what the words are made of: a plan's bytes are long. */
static json_t *entry_shown(const json_t *entry)
{
    json_t *shown = json_copy((json_t *)entry);

    if (strcmp(message_text(entry, "kind"), "case_planned") == 0)
        json_object_set_new(shown, "body", json_object());
    return shown;
}

static void ask_rules(struct look *look, const struct kase *kase)
{
    json_t *in = json_pack("{s:o, s:o, s:I}", "entry", entry_shown(look->entry), "case",
        brief_of(kase), "now_ms", (json_int_t)clock_civil_ms());
    struct err err = {0};

    check(in);
    if (!ask_door(look->judge, PROLOG_NOTIFY, in, on_worded, look, &err))
        look_failed(look, &err);
}

static void on_case(void *context, const struct kase *kase, const struct err *err)
{
    struct look *look = context;

    if (kase)
        ask_rules(look, kase);
    else
        look_failed(look, err);
}

static void begin_look(struct judge *j, json_t *entry)
{
    struct look *look = malloc(sizeof *look);
    const char *id = message_text(entry, "case");
    struct err err = {0};

    check(look);
    *look = (struct look){j, json_incref(entry)};
    j->notifier.looking++;
    if (!id[0])
        ask_rules(look, NULL);
    else if (!read_case(j, id, on_case, look, &err))
        look_failed(look, &err);
}

/* --- what goes on -------------------------------------------------------------------------- */

static void look_more(struct judge *j)
{
    struct notifier *n = &j->notifier;

    if (!n->channels)
        return;
    if (json_array_size(n->channels) == 0)
        json_array_clear(n->looks); /* nobody is told anything */
    while (n->looking < LOOKING_MAX && json_array_size(n->looks)) {
        scoped(json_done) json_t *entry = json_incref(json_array_get(n->looks, 0));
        json_array_remove(n->looks, 0);
        begin_look(j, entry);
    }
}

/* A record that the ledger refused; one that gave way is recorded when it is dropped. */
static void record_again(struct judge *j)
{
    for (struct notify_item *item = j->notifier.queue.first, *next; item; item = next) {
        next = item->next;
        if (item->outcome && !item->recording)
            record(j, item);
    }
}

void notify_pump(struct judge *j)
{
    struct notifier *n = &j->notifier;
    struct notify_item *item;

    if (j->stopping || !j->recovered || n->pumping)
        return;
    if (!n->channels && !n->asked)
        notify_recovered(j);
    n->pumping = true; /* what fails at once comes back here */
    look_more(j);
    record_again(j);
    while ((item = notify_queue_next(&n->queue, clock_steady_ms())))
        send_item(j, item);
    n->pumping = false;
    int64_t wait_ms = notify_queue_wait_ms(&n->queue, clock_steady_ms());
    if (wait_ms >= 0)
        pump_in(j, wait_ms);
}

/* --- what is seen -------------------------------------------------------------------------- */

static void look_at(struct judge *j, const json_t *entry)
{
    struct notifier *n = &j->notifier;

    if ((int64_t)json_array_size(n->looks) >= j->settings.notify_looks_max) {
        if (n->dropped++ == 0)
            log_error("notification_dropped", "remedy",
                "more happens than the rules can word; see notifications_dropped_total", NULL);
        json_array_remove(n->looks, 0);
    }
    json_array_append(n->looks, (json_t *)entry);
}

/* Kinds that the rules may have words for; which of them anybody is told of is theirs to say. */
static bool is_of_interest(const json_t *entry)
{
    static const char *const KINDS[] = {
        "case_failed", "alert_raised", "alert_changed", "kb_loaded", "kb_refused"};
    const char *kind = message_text(entry, "kind");
    const json_t *consent = json_object_get(json_object_get(entry, "body"), "consent");

    if (strcmp(kind, "case_planned") == 0)
        return consent && !json_is_null(consent);
    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (strcmp(kind, KINDS[i]) == 0)
            return true;
    return false;
}

void notify_see(struct judge *j, const json_t *entry)
{
    if (notify_fold(j, entry) || !is_of_interest(entry))
        return;
    if (j->notifier.channels && json_array_size(j->notifier.channels) == 0)
        return;
    look_at(j, entry);
    pump_in(j, 0); /* not in the middle of what is being recorded */
}

/* Is there a channel that was not told of this and wants to be? */
static bool somebody_misses(struct judge *j, const char *what, const char *about)
{
    size_t i, k;
    json_t *channel, *wanted;

    json_array_foreach (j->notifier.channels, i, channel)
        json_array_foreach (json_object_get(channel, "about"), k, wanted)
            if (json_is_string(wanted) && strcmp(json_string_value(wanted), what) == 0 &&
                !notify_queue_knows(&j->notifier.queue, message_text(channel, "channel"), about))
                return true;
    return false;
}

static void look_at_case(struct judge *j, const struct live *live)
{
    char about[NOTIFY_ABOUT_BYTES];

    snprintf(about, sizeof about, "consent %s", live->kase.id);
    if (live->kase.state != CASE_AWAITING || !somebody_misses(j, "consent", about))
        return;
    scoped(json_done) json_t *entry =
        json_pack("{s:s, s:s, s:I, s:s, s:{}}", "kind", "case_planned", "case", live->kase.id,
            "seq", (json_int_t)live->kase.last_seq, "at", live->kase.updated_at, "body");
    check(entry);
    look_at(j, entry);
}

static void look_at_alert(struct judge *j, const struct alert *alert)
{
    char about[NOTIFY_ABOUT_BYTES], what[NOTIFY_ABOUT_BYTES / 2];

    snprintf(what, sizeof what, "alert_%s", message_text(alert->said, "severity"));
    snprintf(about, sizeof about, "%s %" PRId64, what, alert->id);
    if (alert->state == ALERT_CLEARED || !somebody_misses(j, what, about))
        return;
    scoped(json_done) json_t *entry =
        json_pack("{s:s, s:s, s:I, s:s, s:{s:s, s:s}}", "kind", "alert_raised", "case", "", "seq",
            (json_int_t)alert->id, "at", alert->raised_at, "body", "severity",
            message_text(alert->said, "severity"), "words", message_text(alert->said, "words"));
    check(entry);
    look_at(j, entry);
}

/* A failure, or rules that were refused. A start is not among them: this one tells of itself. */
static void look_at_recent(struct judge *j, const json_t *entry)
{
    bool failed = strcmp(message_text(entry, "kind"), "case_failed") == 0;
    char about[NOTIFY_ABOUT_BYTES];

    if (failed)
        snprintf(about, sizeof about, "case_failed %s", message_text(entry, "case"));
    else
        snprintf(about, sizeof about, "node %" PRId64, message_int(entry, "seq"));
    if (somebody_misses(j, failed ? "case_failed" : "node", about))
        look_at(j, entry);
}

static void look_at_all(struct judge *j)
{
    size_t i;
    json_t *entry;

    for (size_t b = 0; b < JUDGE_BUCKETS; b++)
        for (const struct live *live = j->buckets[b]; live; live = live->next)
            look_at_case(j, live);
    for (i = 0; i < j->alerts.count; i++)
        look_at_alert(j, j->alerts.alerts[i]);
    json_array_foreach (j->notifier.recent, i, entry)
        look_at_recent(j, entry);
    json_array_clear(j->notifier.recent);
}

static void on_channels(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;
    json_t *channels = answer->ok ? json_object_get(prolog_answer_json(answer), "channels") : NULL;

    j->notifier.asked = false;
    if (json_is_array(channels)) {
        j->notifier.channels = json_incref(channels);
        look_at_all(j);
        notify_pump(j);
    } else {
        log_error("channels_not_known", "message", answer->err.message, NULL);
        pump_in(j, AGAIN_MS);
    }
    door_answered(j);
}

void notify_recovered(struct judge *j)
{
    struct err err = {0};

    j->notifier.asked = ask_door(j, PROLOG_NOTIFY,
        json_pack("{s:I}", "now_ms", (json_int_t)clock_civil_ms()), on_channels, j, &err);
    if (j->notifier.asked)
        return;
    log_error("channels_not_known", "message", err.message, NULL);
    pump_in(j, AGAIN_MS);
}
