/* SPDX-License-Identifier: Apache-2.0
 *
 * A case from its proposal to its outcome. Each step is recorded before the next begins: a function
 * here asks (a door, the ledger, hands), and the answer's function goes on. The state after each
 * record alone says what comes next (flow_advance). */
#include "judge/core.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"
#include "os/random.h"

#include <stdio.h>
#include <string.h>

static void go_on(struct live *live);

/* --- doors ------------------------------------------------------------------------------- */

bool ask_door(struct judge *j, enum prolog_door door, json_t *in, prolog_answered *answered,
    void *context, struct err *err)
{
    if (!prolog_ask(j->prolog, door, in, j->settings.door_ms, answered, context, err))
        return false;
    j->under_way++;
    return true;
}

void door_answered(struct judge *j)
{
    j->under_way--;
    leave_when_done(j);
}

/* --- recording ----------------------------------------------------------------------------- */

/* The record did not happen. What had no effect is told to the client; the rest is tried again. */
static void not_recorded(struct live *live, json_t *entries, const struct err *why)
{
    struct judge *j = live->judge;

    log_error("record_failed", "case", live->kase.id, "message", why->message, NULL);
    if (live->kase.state == CASE_NONE) {
        client_refuse(j, &live->client, why);
        live_drop(live);
        return;
    }
    if (live->kase.state == CASE_AWAITING) {
        client_refuse(j, &live->client, why);
        consent_next(live);
        return;
    }
    if (live->kase.state == CASE_ACTING) {
        live->retry = json_incref(entries);
    } else {
        json_t *body = json_pack("{s:o, s:s}", "error", message_from_err(why), "changed", "no");
        live->retry = json_pack("[o]", records_entry("case_failed", live->kase.id, body, false));
        client_refuse(j, &live->client, why);
    }
    live->stuck = true;
}

static void on_recorded(void *context, const json_t *entries, const struct err *err)
{
    struct live *live = context;
    struct err broken = {0};
    size_t i;
    json_t *entry;

    live->busy = false;
    if (!entries) {
        scoped(json_done) json_t *sent = live->retry;
        live->retry = NULL;
        not_recorded(live, sent, err);
        return;
    }
    json_decref(live->retry);
    live->retry = NULL;
    json_array_foreach ((json_t *)entries, i, entry)
        if (!case_apply(&live->kase, entry, &broken))
            panic("case %s: %s", live->kase.id, broken.message);
    go_on(live);
}

void flow_record(struct live *live, json_t *entries)
{
    struct err err = {0};

    check(!live->busy);
    live->busy = true;
    live->retry = json_incref(entries); /* until it is durable */
    if (records_append(live->judge, entries, on_recorded, live, &err))
        return;
    on_recorded(live, NULL, &err);
}

static json_t *member_or_null(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return value ? value : json_null();
}

/* What was done, or begun: with all that the rules need to remember it (also after a restart). */
static void add_deed(const struct live *live, json_t *body)
{
    static const char *const MEMBERS[] = {"action", "params", "by"};
    scoped(json_done) json_t *plan = json_loads(live->kase.plan, 0, NULL);

    for (size_t i = 0; i < COUNT(MEMBERS); i++)
        json_object_set(body, MEMBERS[i], member_or_null(plan, MEMBERS[i]));
}

void flow_fail(struct live *live, const struct err *why, const char *changed)
{
    json_t *body = json_pack("{s:o, s:s}", "error", message_from_err(why), "changed", changed);

    check(body);
    if (live->kase.plan && strcmp(changed, "no") != 0)
        add_deed(live, body);
    flow_record(live, json_pack("[o]", records_entry("case_failed", live->kase.id, body, false)));
}

/* --- verdicts ------------------------------------------------------------------------------ */

/* The plan and the answer have entries of their own. */
static json_t *judged_body(const struct live *live)
{
    json_t *body = json_pack("{s:O, s:o, s:O?, s:s, s:s}", "question", live->question, "verdict",
        case_verdict_kept(live->verdict), "learned", json_object_get(live->verdict, "learned"),
        "rules", live->judge->rules, "site", live->judge->site_hash);
    check(body);
    return body;
}

static bool verdict_is(const struct live *live, const char *word)
{
    return strcmp(message_text(live->verdict, "verdict"), word) == 0;
}

json_t *flow_warrant(
    struct live *live, const char *plan_sha256, int64_t expires_at_ms, struct err *err)
{
    const struct judge *j = live->judge;
    char nonce[ID_BYTES];
    int64_t now_ms = clock_civil_ms();
    int64_t latest_ms = now_ms + j->settings.warrant_ms;

    if (!j->actuator || !j->actuator_boot[0]) {
        err_code(err, ERR_PEER, "actuator_away", NULL,
            "the actuator is away, so nothing was changed; ask again in a moment");
        return NULL;
    }
    id_make(now_ms, nonce);
    json_t *body = json_pack("{s:s, s:s, s:s, s:I}", "plan_sha256", plan_sha256, "nonce", nonce,
        "boot", j->actuator_boot, "expires_at_ms",
        (json_int_t)(expires_at_ms < latest_ms ? expires_at_ms : latest_ms));
    check(body);
    return records_entry("warrant_issued", live->kase.id, body, true);
}

/* A plan follows the verdict: with its order at once when no signature is needed. */
static void add_plan(struct live *live, json_t *entries)
{
    struct judge *j = live->judge;
    struct err err = {0};
    scoped(free_done) char *plan = NULL;
    char sha256[65];
    bool consent = verdict_is(live, "needs_consent");
    int64_t lives_ms = consent ? j->settings.consent_ms : j->settings.warrant_ms;
    int64_t expires_at_ms = clock_civil_ms() + lives_ms;

    live->expires_steady_ms = clock_steady_ms() + lives_ms;
    if (consent && json_is_null(json_object_get(live->verdict, "consent")))
        err_code(&err, ERR_SYSTEM, "rule_error", NULL,
            "the rules ask for consent and do not say whose; the change is not made");
    if (err.kind || !plan_make(live, live->kase.id, expires_at_ms, &plan, sha256, &err)) {
        json_array_append_new(entries,
            records_entry("case_failed", live->kase.id,
                json_pack("{s:o, s:s}", "error", message_from_err(&err), "changed", "no"), false));
        return;
    }
    json_t *body = json_pack("{s:s, s:s, s:I, s:O}", "plan", plan, "plan_sha256", sha256,
        "expires_at_ms", (json_int_t)expires_at_ms, "consent",
        consent ? json_object_get(live->verdict, "consent") : json_null());
    check(body);
    json_array_append_new(entries, records_entry("case_planned", live->kase.id, body, true));
    if (consent)
        return;
    json_t *warrant = flow_warrant(live, sha256, expires_at_ms, &err);
    if (!warrant)
        warrant = records_entry("case_failed", live->kase.id,
            json_pack("{s:o, s:s}", "error", message_from_err(&err), "changed", "no"), false);
    json_array_append_new(entries, warrant);
}

static bool has(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

void flow_record_verdict(struct live *live, json_t *entries, bool seen)
{
    bool deny = !verdict_is(live, "permit") && !verdict_is(live, "needs_consent");
    bool answers = !deny && has(live->verdict, "answer") && verdict_is(live, "permit");
    bool looks = !deny && !answers && !seen && has(live->verdict, "look");

    live->judge->verdicts.denies += deny;
    live->judge->verdicts.permits += verdict_is(live, "permit");
    live->judge->verdicts.consents += verdict_is(live, "needs_consent");
    json_array_append_new(
        entries, records_entry("case_judged", live->kase.id, judged_body(live), !deny));
    if (answers)
        json_array_append_new(entries,
            records_entry("case_answered", live->kase.id,
                json_pack("{s:O}", "answer",
                    live->answer ? live->answer : json_object_get(live->verdict, "answer")),
                false));
    else if (!deny && !looks)
        add_plan(live, entries);
    flow_record(live, entries);
}

/* The first verdict: from here on there is a case. */
static void open_case(struct live *live)
{
    const char *asked = message_text(json_object_get(live->verdict, "answer"), "case");

    id_make(clock_civil_ms(), live->kase.id);
    live_index(live);
    if (strcmp(message_text(live->verdict, "action"), "case_explain") == 0 && asked[0])
        explain_case(live, asked);
    else
        flow_record_verdict(live, json_pack("[o]", records_opened(live)), false);
}

static void on_first_verdict(void *context, struct prolog_answer *answer)
{
    struct live *live = context;
    struct judge *j = live->judge;

    live->busy = false;
    if (answer->ok)
        live->verdict = json_incref(prolog_answer_json(answer));
    if (!live->verdict) {
        client_refuse(j, &live->client, &answer->err);
        live_drop(live);
    } else {
        open_case(live);
    }
    door_answered(j);
}

static json_t *question_of(const struct live *live, json_t *seen)
{
    json_t *question = json_pack("{s:O, s:O, s:O, s:O, s:I}", "action", live->action, "params",
        live->params, "by", live->by, "seen", seen, "now_ms", (json_int_t)clock_civil_ms());
    check(question);
    return question;
}

void flow_open(struct judge *j, const struct client *client, const struct proposal *proposal)
{
    struct err err = {0};
    struct client waiting = *client;

    if ((int64_t)j->live_count >= j->settings.open_cases_max) {
        err_code(&err, ERR_LIMIT, "too_many_cases", NULL,
            "%zu cases are open, which is the limit; approve, refuse or let some expire",
            j->live_count);
        client_refuse(j, &waiting, &err);
        return;
    }
    struct live *live = live_add(j);
    live->client = waiting;
    live->action = json_incref(proposal->action);
    live->params = json_incref(proposal->params);
    live->by = json_incref(proposal->by);
    live->nl = json_incref(proposal->nl);
    live->model = json_incref(proposal->model);
    live->busy = true;
    live->question = question_of(live, json_null());
    if (ask_door(j, PROLOG_JUDGE, json_incref(live->question), on_first_verdict, live, &err))
        return;
    client_refuse(j, &live->client, &err);
    live_drop(live);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void on_final_verdict(void *context, struct prolog_answer *answer)
{
    struct live *live = context;
    struct judge *j = live->judge;

    live->busy = false;
    if (answer->ok && prolog_answer_json(answer)) {
        json_decref(live->verdict);
        live->verdict = json_incref(prolog_answer_json(answer));
        flow_record_verdict(live, json_array(), true);
    } else {
        flow_fail(live, &answer->err, "no");
    }
    door_answered(j);
}

static void on_looked(void *context, const json_t *message)
{
    struct live *live = context;
    struct err err = {0};

    live->busy = false;
    if (!message) {
        err_code(&err, ERR_PEER, "actuator_away", NULL,
            "the actuator went away while it looked; nothing was changed; ask again");
        flow_fail(live, &err, "no");
        return;
    }
    if (!message_true(message, "ok")) {
        message_to_err(json_object_get(message, "error"), &err);
        flow_fail(live, &err, "no");
        return;
    }
    json_decref(live->question);
    live->question = question_of(live, json_object_get(message, "result"));
    live->busy = true;
    if (ask_door(
            live->judge, PROLOG_JUDGE, json_incref(live->question), on_final_verdict, live, &err))
        return;
    live->busy = false;
    flow_fail(live, &err, "no");
}

static void look(struct live *live)
{
    struct err err = {0};
    json_t *fields = json_pack(
        "{s:s, s:O?}", "case", live->kase.id, "job", json_object_get(live->verdict, "look"));

    live->busy = true;
    if (fields && hands_send(live->judge, MESSAGE_look, fields, on_looked, live, &err))
        return;
    live->busy = false;
    flow_fail(live, &err, "no");
}

/* --- acting -------------------------------------------------------------------------------------
 */

static void on_learned(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;

    if (!answer->ok)
        log_error("fact_not_learned", "message", answer->err.message, NULL);
    judge_schedule_snapshot(j);
    door_answered(j);
}

static json_t *executed_body(const struct live *live, const json_t *result)
{
    scoped(json_done) json_t *plan = json_loads(live->kase.plan, 0, NULL);
    json_t *body = json_pack("{s:O, s:O}", "result", result ? result : json_null(), "undo",
        member_or_null(plan, "undo"));
    check(body);
    add_deed(live, body);
    return body;
}

/* The rules remember what was done, and what was tried and may have been done. */
static void learn(struct live *live)
{
    struct judge *j = live->judge;
    struct err err = {0};
    bool failed = live->kase.state == CASE_FAILED;
    scoped(json_done) json_t *body =
        failed ? json_incref(live->kase.error) : executed_body(live, live->kase.execution);
    json_t *in = json_pack("{s:s, s:s, s:I, s:s, s:O}", "kind",
        failed ? "case_failed" : "case_executed", "case", live->kase.id, "seq",
        (json_int_t)live->kase.last_seq, "at", live->kase.updated_at, "body", body);

    check(in);
    if (!ask_door(j, PROLOG_LEARN, in, on_learned, j, &err))
        log_error("fact_not_learned", "message", err.message, NULL);
}

void flow_hands_done(struct live *live, const json_t *message)
{
    struct err err = {0};

    live->busy = false;
    if (!message) { /* the actuator died; its successor is asked what became of it */
        recover_ask_outcomes(live->judge);
        return;
    }
    if (message_true(message, "ok")) {
        json_t *body = executed_body(live, json_object_get(message, "result"));
        flow_record(
            live, json_pack("[o]", records_entry("case_executed", live->kase.id, body, false)));
        return;
    }
    message_to_err(json_object_get(message, "error"), &err);
    flow_fail(live, &err, message_text(message, "changed"));
}

static void on_acted(void *context, const json_t *message)
{
    flow_hands_done(context, message);
}

static void act(struct live *live)
{
    struct err err = {0};
    const json_t *w = live->kase.warrant;
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "case", live->kase.id, "plan", live->kase.plan,
            "plan_sha256", live->kase.plan_sha256, "nonce", message_text(w, "nonce"), "boot",
            message_text(w, "boot"), "expires_at_ms", (json_int_t)message_int(w, "expires_at_ms"));

    check(fields);
    live->busy = true;
    if (hands_send(live->judge, MESSAGE_warrant, fields, on_acted, live, &err))
        return;
    live->busy = false;
    flow_fail(live, &err, "no"); /* it was never sent */
}

/* --- what comes next
 * ------------------------------------------------------------------------------ */

static void close_case(struct live *live)
{
    struct judge *j = live->judge;

    j->cases_by_status[live->kase.state]++;
    if ((live->kase.state == CASE_DONE && live->kase.execution) ||
        (live->kase.state == CASE_FAILED && json_object_get(live->kase.error, "action")))
        learn(live);
    if (live->client.gateway)
        client_reply(j, &live->client, case_answer(&live->kase));
    live_drop(live);
}

void flow_advance(struct live *live)
{
    switch (live->kase.state) {
    case CASE_JUDGED:
        look(live);
        break;
    case CASE_ACTING:
        act(live);
        break;
    case CASE_AWAITING:
        if (live->client.gateway)
            client_reply(live->judge, &live->client, case_answer(&live->kase));
        consent_next(live);
        break;
    case CASE_DONE:
    case CASE_FAILED:
    case CASE_DENIED:
    case CASE_REFUSED:
    case CASE_EXPIRED:
        close_case(live);
        break;
    case CASE_NONE:
    case CASE_PROPOSED:
    case CASE_PLANNED:
    case CASE_CONSENTED:
    case CASE_STATES:
        panic("case %s rests in state '%s'", live->kase.id, case_state_name(live->kase.state));
    }
}

static void go_on(struct live *live)
{
    live->stuck = false;
    flow_advance(live);
}

static bool expired(const struct live *live)
{
    return clock_civil_ms() >= live->kase.expires_at_ms ||
           clock_steady_ms() >= live->expires_steady_ms;
}

/* Records that failed are tried again, plans nobody signed expire. */
static void tick_one(struct live *live)
{
    if (live->busy)
        return;
    if (live->stuck) {
        json_t *entries = live->retry;
        live->retry = NULL;
        flow_record(live, entries);
    } else if (live->kase.state == CASE_AWAITING && expired(live)) {
        flow_record(live,
            json_pack("[o]", records_entry("case_expired", live->kase.id, json_object(), false)));
    }
}

void flow_tick(struct judge *j)
{
    for (size_t b = 0; b < JUDGE_BUCKETS; b++)
        for (struct live *live = j->buckets[b], *next; live; live = next) {
            next = live->next;
            tick_one(live);
        }
}
