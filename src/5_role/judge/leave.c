/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/leave.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "channel/channel.h"
#include "judge/requests.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RELOADS_WAITING_MAX 16
#define CASE_BYTES_MAX 64

struct leaving {
    struct client reload; /* whose reload is with the supervisor */
    bool asked;           /* there is one */
    struct client waiting[RELOADS_WAITING_MAX];
    int64_t waiting_count;
    bool untold; /* the gateway may still send */
    uv_timer_t drain;
};

void leave_init(struct judge *j)
{
    j->leaving = calloc(1, sizeof *j->leaving);
    check(j->leaving && uv_timer_init(&j->role->loop, &j->leaving->drain) == 0);
    j->leaving->drain.data = j;
}

/* --- reload --------------------------------------------------------------------------------- */

static bool ask_supervisor(struct judge *j, const struct client *client, struct err *err)
{
    struct leaving *l = j->leaving;

    if (!channel_send(j->role->control, message_make(MESSAGE_reload, "{}"), err))
        return false;
    l->reload = *client;
    l->asked = true;
    return true;
}

bool leave_reload(struct asked *a, struct err *err)
{
    struct judge *j = a->judge;
    struct leaving *l = j->leaving;

    if (!json_take(a->body, NULL, 0, err))
        return false;
    if (!l->asked)
        return ask_supervisor(j, &a->client, err);
    if (l->waiting_count >= j->settings.reloads_waiting_max)
        return err_code(err, ERR_LIMIT, "reload_under_way", NULL,
            "a reload is under way and %" PRId64
            " wait behind it, which is the limit; ask again when they are done",
            l->waiting_count);
    l->waiting[l->waiting_count++] = a->client;
    return true;
}

/* The one before it changed nothing: the next begins. */
static void next_reload(struct judge *j)
{
    struct leaving *l = j->leaving;
    struct err err = {0};

    while (!l->asked && l->waiting_count) {
        struct client client = l->waiting[0];
        memmove(l->waiting, l->waiting + 1, (size_t)--l->waiting_count * sizeof *l->waiting);
        if (!ask_supervisor(j, &client, &err))
            client_refuse(j, &client, &err);
    }
}

static void on_refusal_recorded(void *context, const json_t *entries, const struct err *err)
{
    (void)context;
    if (!entries)
        log_error("record_failed", "message", err->message, NULL);
}

void leave_reloaded(struct judge *j, const json_t *message)
{
    struct leaving *l = j->leaving;
    struct err err = {0};
    bool good = message_true(message, "ok");
    const char *words = message_text(message, "words");

    l->asked = false;
    client_reply(j, &l->reload,
        json_pack("{s:s, s:s, s:s}", "status", good ? "success" : "refused", "rules",
            message_text(message, "rules"), "text", words));
    if (good) { /* whatever is asked from here on is for the new rules */
        leave_begin(j);
        return;
    }
    json_t *body = json_pack("{s:s}", "words", words);
    if (!records_append(j, json_pack("[o]", records_entry("kb_refused", "", body, false)),
            on_refusal_recorded, j, &err))
        log_error("record_failed", "message", err.message, NULL);
    next_reload(j);
}

/* --- the end -------------------------------------------------------------------------------- */

static void hand_back(struct judge *j, struct client *client)
{
    struct err err = {0};

    err_code(&err, ERR_PEER, "judge_leaving", NULL, "the judge is being replaced; ask again");
    client_refuse(j, client, &err);
}

/* Its case is in the ledger, and goes on: the next judge knows the end of it. Answers of several
 * cases are put together here alone, so who waits for those is told where to look. */
static void hand_over(struct judge *j, struct live *live)
{
    bool alone = !live->client.bundle;
    struct err err = {0};

    while (live->consents) {
        struct consent *c = live->consents;
        live->consents = c->next;
        hand_back(j, &c->client);
    }
    if (live->weighed) /* nothing is recorded of it yet: the next judge weighs it anew */
        hand_back(j, &live->weighed->client);
    if (!live->client.gateway && alone)
        return;
    err_code(&err, ERR_PEER, alone ? "judge_leaving" : "judge_restarted", live->kase.id,
        "the rules changed while case '%s' was under way; it goes on: look at GET "
        "/api/v1/cases/%s before you try again",
        live->kase.id, live->kase.id);
    client_refuse(j, &live->client, &err);
}

static void end(struct judge *j)
{
    for (size_t b = 0; b < JUDGE_BUCKETS; b++)
        for (struct live *live = j->buckets[b]; live; live = live->next)
            hand_over(j, live);
    channel_flush(j->gateway);
    role_end(j->role, 0);
}

static void on_drained(uv_timer_t *timer)
{
    end(timer->data);
}

/* Without a gateway nobody waits for what hands and the sensor have: the next judge asks what
 * became of it. */
static bool owes(const struct judge *j)
{
    return j->under_way ||
           (j->gateway && (j->leaving->untold || j->actuator_calls.count || j->senses.calls_count));
}

void leave_when_done(struct judge *j)
{
    if (j->stopping && !j->role->ended && !owes(j))
        end(j);
}

void leave_gateway(struct judge *j)
{
    struct err err = {0};

    if (!j->stopping)
        return;
    j->leaving->untold =
        j->gateway && channel_send(j->gateway, message_make(MESSAGE_leaving, "{}"), &err);
    leave_when_done(j);
}

void leave_told(struct judge *j)
{
    j->leaving->untold = false;
    leave_when_done(j);
}

void leave_begin(struct judge *j)
{
    struct leaving *l = j->leaving;

    if (j->stopping)
        return;
    j->stopping = true; /* requests still arriving are handed back: requests_take() */
    while (l->waiting_count)
        hand_back(j, &l->waiting[--l->waiting_count]);
    if (l->asked)
        hand_back(j, &l->reload);
    uv_timer_start(&l->drain, on_drained, (uint64_t)j->settings.drain_ms, 0);
    leave_gateway(j);
}

/* --- what the judge before had begun ---------------------------------------------------------- */

static void on_closed(void *context, const struct kase *kase, const struct err *err)
{
    struct asked *a = context;
    struct err why = {0};

    if (kase && kase->state != CASE_NONE) {
        client_reply(a->judge, &a->client, case_answer(kase));
    } else {
        if (err)
            why = *err;
        else
            err_code(&why, ERR_PEER, "judge_restarted", NULL,
                "the rules changed before anything was recorded; nothing was done: try again");
        client_refuse(a->judge, &a->client, &why);
    }
    free(a);
}

/* One hears of its end; another one is told where to look. */
static bool wait_beside(struct asked *a, struct live *live, struct err *err)
{
    if (live->client.gateway || live->client.bundle)
        return err_code(err, ERR_PEER, "judge_restarted", "case",
            "case '%s' goes on: look at GET /api/v1/cases/%s", live->kase.id, live->kase.id);
    live->client = a->client;
    return true;
}

bool leave_await(struct asked *a, struct err *err)
{
    struct str id;
    const struct json_field fields[] = {JSON_TAKE_TEXT("case", &id, 1, CASE_BYTES_MAX)};
    struct asked *kept;

    if (strcmp(message_text(a->who, "channel"), NODE_CHANNEL) != 0)
        return err_code(err, ERR_DENIED, "not_for_callers", "method",
            "the node itself waits for cases; callers have GET /api/v1/cases/ID");
    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    struct live *live = live_find(a->judge, id.at);
    if (live && live->kase.state != CASE_AWAITING)
        return wait_beside(a, live, err);
    if (live) { /* also while somebody's signature is weighed: who gives it hears of the end */
        client_reply(a->judge, &a->client, case_answer(&live->kase));
        return true;
    }
    kept = malloc(sizeof *kept);
    check(kept);
    *kept = *a;
    if (read_case(a->judge, id.at, on_closed, kept, err))
        return true;
    free(kept);
    return false;
}
