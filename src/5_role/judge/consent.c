/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures. The rules say who may sign what and when it is enough; the arithmetic of a signature
 * is done here; the order of the checks is the order in which a person would want to hear of them.
 */
#include "judge/core.h"
#include "judge/passkey.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <stdio.h>
#include <string.h>

static void consent_run(struct consent *c);

static void consent_free(struct consent *c)
{
    if (c->live && c->live->weighed == c)
        c->live->weighed = NULL;
    json_decref(c->body);
    free(c);
}

void consent_drop_all(struct live *live)
{
    struct err err = {0};

    err_code(&err, ERR_DENIED, "not_awaiting", "id",
        "case '%s' no longer waits for a signature: it is %s", live->kase.id,
        case_state_name(live->kase.state));
    while (live->consents) {
        struct consent *c = live->consents;
        live->consents = c->next;
        client_refuse(live->judge, &c->client, &err);
        consent_free(c);
    }
}

void consent_next(struct live *live)
{
    struct consent *c = live->consents;

    if (!c || live->busy)
        return;
    live->consents = c->next;
    consent_run(c);
}

static void refuse(struct consent *c, const struct err *err);

/* A judge that is being replaced decides nothing more: under the rules of the next one this may be
 * no signature any more. True: `c` is gone. */
static bool handed_back(struct consent *c)
{
    struct err err = {0};

    if (!c->judge->stopping)
        return false;
    err_code(&err, ERR_PEER, "judge_leaving", NULL, "the judge is being replaced; ask again");
    refuse(c, &err);
    return true;
}

static const char *field(const struct consent *c, const char *name)
{
    return message_text(c->body, name);
}

static void refuse(struct consent *c, const struct err *err)
{
    struct live *live = c->live;

    client_refuse(c->judge, &c->client, err);
    consent_free(c);
    if (live && !live->busy)
        consent_next(live);
}

/* A signature that does not count is recorded too, up to a limit, so that an attack leaves a trace.
 */
static void reject(struct consent *c, const struct err *err)
{
    struct live *live = c->live;

    client_refuse(c->judge, &c->client, err);
    if (live->kase.rejection_count >= CASE_REJECTIONS_MAX) {
        consent_free(c);
        consent_next(live);
        return;
    }
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s}", "code", err->code, "words", err->message, "key_id",
            field(c, "key_id"), "how", json_object_get(c->body, "passkey") ? "passkey" : "key");
    check(body);
    consent_free(c);
    flow_record(
        live, json_pack("[o]", records_entry("consent_rejected", live->kase.id, body, true)));
}

static bool wants_refusal(const struct consent *c)
{
    return strcmp(field(c, "decision"), "refuse") == 0;
}

/* Of what this person decided, and of nothing else. */
static bool authentic(const struct consent *c, const json_t *approver, struct err *err)
{
    const struct kase *kase = &c->live->kase;
    scoped(buf_done) struct buf refusal = buf_of(CASE_REFUSAL_BYTES_MAX);

    if (!wants_refusal(c))
        return consent_signed(c->body, approver, str_from(kase->plan), err);
    case_refusal_text(kase->plan_sha256, json_str(c->body, "reason"), &refusal);
    return consent_signed(c->body, approver, buf_str(&refusal), err);
}

/* Record what a good signature says. `warrant` is the order that follows it, or NULL. */
static void give(struct consent *c, json_t *after)
{
    struct live *live = c->live;
    json_t *body = json_pack("{s:s, s:s, s:s, s:b}", "key_id", field(c, "key_id"), "person",
        c->person, "plan_sha256", live->kase.plan_sha256, "enough", (int)c->enough);

    check(body);
    consent_evidence(c->body, body);
    json_t *entries = json_pack("[o]", records_entry("consent_given", live->kase.id, body, true));
    if (after)
        json_array_append_new(entries, after);
    live->client = c->client; /* who signs waits for the outcome */
    consent_free(c);
    flow_record(live, entries);
}

static json_t *failed_entry(const struct live *live, const struct err *why)
{
    return records_entry("case_failed", live->kase.id,
        json_pack("{s:o, s:s}", "error", message_from_err(why), "changed", "no"), false);
}

static bool allows(const json_t *verdict)
{
    const char *word = message_text(verdict, "verdict");

    return strcmp(word, "permit") == 0 || strcmp(word, "needs_consent") == 0;
}

/* Nothing but the rules changes a verdict besides the world and the time. */
static bool other_rules(const struct judge *j, const json_t *plan)
{
    return strcmp(message_text(plan, "rules"), j->rules) != 0 ||
           strcmp(message_text(plan, "site"), j->site_hash) != 0;
}

/* May it still be done, under the rules, the world and the time of this moment, and would it be the
 * same? */
static bool still_the_same(const struct live *live, const json_t *verdict, struct err *err)
{
    scoped(json_done) json_t *plan = json_loads(live->kase.plan, 0, NULL);
    const json_t *now = json_object_get(verdict, "plan");
    bool rules = other_rules(live->judge, plan);
    const char *code = rules ? "rules_changed" : "world_moved";
    const char *what = rules ? "the rules" : "things";

    if (!allows(verdict))
        return err_code(err, rules ? ERR_DENIED : ERR_PEER, code, NULL,
            "%s changed since the plan was made, and the rules deny it now: %s", what,
            message_text(verdict, "words"));
    if (json_equal(json_object_get(plan, "job"), json_object_get(now, "job")))
        return true;
    const json_t *first = json_array_get(json_object_get(now, "diff"), 0);
    return err_code(err, rules ? ERR_DENIED : ERR_PEER, code, NULL,
        "%s changed since the plan was made, and it would be done differently now%s%.200s; propose "
        "it again",
        what, first ? ": " : "", message_text(first, "text"));
}

static bool too_late(const struct live *live, struct err *err)
{
    if (clock_civil_ms() < live->kase.expires_at_ms && clock_steady_ms() < live->expires_steady_ms)
        return false;
    err_code(err, ERR_DENIED, "consent_late", "id",
        "the plan has expired; propose the change again to sign it as the world is now");
    return true;
}

static void order(struct consent *c)
{
    struct live *live = c->live;
    struct err err = {0};
    json_t *warrant = flow_warrant(live, live->kase.plan_sha256, live->kase.expires_at_ms, &err);

    give(c, warrant ? warrant : failed_entry(live, &err));
}

static bool may_sign(const struct consent *c, const json_t *approver, struct err *err);

static void on_asked_who(void *context, struct prolog_answer *answer)
{
    struct consent *c = context;
    struct judge *j = c->judge;
    const json_t *approver = answer->ok ? prolog_answer_json(answer) : NULL;
    struct err err = {0};

    c->live->busy = false;
    if (handed_back(c))
        ;
    else if (!approver)
        give(c, failed_entry(c->live, &answer->err));
    else if (!may_sign(c, approver, &err))
        reject(c, &err);
    else if (message_true(approver, "enough"))
        order(c);
    else { /* somebody who had signed before does not count any more */
        c->enough = false;
        give(c, NULL);
    }
    door_answered(j);
}

static json_t *approver_question(const struct consent *c);

/* The last word before the order: is it still the same, and is this still somebody who may sign? It
 * may be long since that was asked: hands looked in between. */
static void decide(struct consent *c, const json_t *verdict)
{
    struct live *live = c->live;
    struct err err = {0};

    if (too_late(live, &err)) { /* while hands looked */
        refuse(c, &err);
        return;
    }
    if (!still_the_same(live, verdict, &err)) {
        give(c, failed_entry(live, &err));
        return;
    }
    live->busy = true;
    if (ask_door(c->judge, PROLOG_APPROVER, approver_question(c), on_asked_who, c, &err))
        return;
    live->busy = false;
    refuse(c, &err);
}

static void ask_again(struct consent *c, json_t *seen, prolog_answered *answered);

static void on_judged_again(void *context, struct prolog_answer *answer)
{
    struct consent *c = context;
    struct judge *j = c->judge;

    c->live->busy = false;
    if (handed_back(c))
        ;
    else if (answer->ok && prolog_answer_json(answer))
        decide(c, prolog_answer_json(answer));
    else
        give(c, failed_entry(c->live, &answer->err));
    door_answered(j);
}

static void on_looked_again(void *context, const json_t *message)
{
    struct consent *c = context;
    struct err err = {0};

    c->live->busy = false;
    if (handed_back(c))
        return;
    if (!message) {
        err_code(&err, ERR_PEER, "actuator_away", NULL,
            "the actuator went away while it looked once more; nothing was changed; sign again");
        refuse(c, &err);
    } else if (!message_true(message, "ok")) {
        message_to_err(json_object_get(message, "error"), &err);
        give(c, failed_entry(c->live, &err));
    } else {
        ask_again(c, json_object_get(message, "result"), on_judged_again);
    }
}

static void look_again(struct consent *c, json_t *look)
{
    struct live *live = c->live;
    struct err err = {0};
    json_t *fields = json_pack("{s:s, s:O}", "case", live->kase.id, "job", look);

    check(fields);
    live->busy = true;
    if (hands_send(live->judge, MESSAGE_look, fields, on_looked_again, c, &err))
        return;
    live->busy = false;
    refuse(c, &err);
}

static void on_asked_again(void *context, struct prolog_answer *answer)
{
    struct consent *c = context;
    struct judge *j = c->judge;
    json_t *verdict = answer->ok ? prolog_answer_json(answer) : NULL;
    json_t *look = json_object_get(verdict, "look");

    c->live->busy = false;
    if (handed_back(c))
        ;
    else if (!verdict)
        give(c, failed_entry(c->live, &answer->err));
    else if (allows(verdict) && json_is_object(look))
        look_again(c, look);
    else
        decide(c, verdict);
    door_answered(j);
}

/* The question of the plan at the time it is now. */
static void ask_again(struct consent *c, json_t *seen, prolog_answered *answered)
{
    struct err err = {0};
    json_t *question = json_copy(c->live->kase.question);

    check(question);
    json_object_set(question, "seen", seen);
    json_object_set_new(question, "now_ms", json_integer(clock_civil_ms()));
    c->live->busy = true;
    if (ask_door(c->judge, PROLOG_JUDGE, question, answered, c, &err))
        return;
    c->live->busy = false;
    refuse(c, &err);
}

/* The job itself holds what was seen, and hands do nothing where that is not so any more. */
static bool is_pinned(const struct live *live)
{
    static const char *const PINS[] = {"prerequisites", "fingerprint"};
    scoped(json_done) json_t *plan = json_loads(live->kase.plan, 0, NULL);

    for (size_t i = 0; i < COUNT(PINS); i++)
        if (json_object_get(json_object_get(plan, "job"), PINS[i]))
            return true;
    return false;
}

/* As from the beginning where that may change the answer: what hands saw when the plan was made may
 * be hours old. */
static void judge_again(struct consent *c)
{
    const json_t *question = c->live->kase.question;

    if (is_pinned(c->live))
        ask_again(c, json_object_get(question, "seen"), on_judged_again);
    else
        ask_again(c, json_null(), on_asked_again); /* null is no reference that could be lost */
}

static void record_refusal(struct consent *c)
{
    struct live *live = c->live;
    json_t *body = json_pack("{s:s, s:s, s:s}", "key_id", field(c, "key_id"), "person", c->person,
        "plan_sha256", live->kase.plan_sha256);

    check(body);
    consent_evidence(c->body, body);
    live->client = c->client;
    consent_free(c);
    flow_record(
        live, json_pack("[o]", records_entry("consent_refused", live->kase.id, body, false)));
}

static bool may_sign(const struct consent *c, const json_t *approver, struct err *err)
{
    if (!message_true(approver, "known"))
        return err_code(err, ERR_DENIED, "unknown_key", "key_id",
            "key %s belongs to nobody in the site facts (see `logicctl key show`, `logicctl "
            "operator list`)",
            field(c, "key_id"));
    if (!authentic(c, approver, err))
        return false;
    return message_true(approver, "may") || err_code(err, ERR_DENIED, "may_not_approve", "key_id",
                                                "%s", message_text(approver, "words"));
}

static void weigh(struct consent *c, const json_t *approver)
{
    struct err err = {0};

    snprintf(c->person, sizeof c->person, "%s", message_text(approver, "person"));
    if (!may_sign(c, approver, &err)) {
        reject(c, &err);
    } else if (wants_refusal(c)) {
        record_refusal(c);
    } else if (message_true(approver, "enough")) {
        c->enough = true;
        judge_again(c);
    } else {
        give(c, NULL);
    }
}

static void on_approver(void *context, struct prolog_answer *answer)
{
    struct consent *c = context;
    struct judge *j = c->judge;
    json_t *approver = answer->ok ? prolog_answer_json(answer) : NULL;

    c->live->busy = false;
    if (handed_back(c))
        ;
    else if (approver)
        weigh(c, approver);
    else
        refuse(c, &answer->err);
    door_answered(j);
}

static bool signed_already(const struct kase *kase, const char *key_id)
{
    for (int i = 0; i < kase->consent_count; i++)
        if (strcmp(kase->consents[i].key_id, key_id) == 0)
            return true;
    return false;
}

static bool worth_weighing(const struct consent *c, struct err *err)
{
    const struct kase *kase = &c->live->kase;

    if (kase->state != CASE_AWAITING)
        return err_code(err, ERR_DENIED, "not_awaiting", "id",
            "case '%s' does not wait for a signature: it is %s", kase->id,
            case_state_name(kase->state));
    if (too_late(c->live, err))
        return false;
    if (strcmp(field(c, "plan_sha256"), kase->plan_sha256) != 0)
        return err_code(err, ERR_DENIED, "plan_differs", "plan_sha256",
            "what was signed is not this plan: it is %s", kase->plan_sha256);
    if (signed_already(kase, field(c, "key_id")))
        return err_code(err, ERR_DENIED, "signed_already", "key_id",
            "key %s has signed this plan already; another person is needed", field(c, "key_id"));
    if (kase->consent_count == CASE_CONSENTS_MAX)
        return err_code(err, ERR_LIMIT, "too_many_signatures", "id", "%d signatures are the limit",
            CASE_CONSENTS_MAX);
    return true;
}

static json_t *approver_question(const struct consent *c)
{
    const struct kase *kase = &c->live->kase;
    json_t *approvals = json_array();

    for (int i = 0; i < kase->consent_count; i++)
        json_array_append_new(approvals, json_pack("{s:s, s:s}", "person", kase->consents[i].person,
                                             "key_id", kase->consents[i].key_id));
    json_t *in = json_pack("{s:s, s:O?, s:O?, s:O?, s:O?, s:o}", "key_id", field(c, "key_id"),
        "tier", json_object_get(kase->verdict, "tier"), "action",
        json_object_get(kase->opened, "action"), "params", json_object_get(kase->opened, "params"),
        "by", json_object_get(kase->opened, "by"), "approvals", approvals);
    check(in);
    return in;
}

/* The case is idle and this signature's turn has come. */
static void consent_run(struct consent *c)
{
    struct err err = {0};

    c->live->weighed = c;
    if (handed_back(c))
        return;
    if (!worth_weighing(c, &err)) {
        bool trace = c->live->kase.state == CASE_AWAITING && err.kind == ERR_DENIED;
        (trace ? reject : refuse)(c, &err);
        return;
    }
    c->live->busy = true;
    if (ask_door(c->judge, PROLOG_APPROVER, approver_question(c), on_approver, c, &err))
        return;
    c->live->busy = false;
    refuse(c, &err);
}

static void on_closed_case(void *context, const struct kase *kase, const struct err *err)
{
    struct consent *c = context;
    struct err why = {0};

    if (!kase)
        why = *err;
    else if (kase->state == CASE_NONE)
        err_code(&why, ERR_INPUT, "no_such_case", "id",
            "there is no case '%s'; see GET /api/v1/cases", field(c, "id"));
    else
        err_code(&why, ERR_DENIED, kase->state == CASE_EXPIRED ? "consent_late" : "not_awaiting",
            "id", "case '%s' does not wait for a signature: it is %s", kase->id,
            case_state_name(kase->state));
    refuse(c, &why);
}

static bool enqueue(struct consent *c, struct err *err)
{
    struct consent **end = &c->live->consents;
    int64_t waiting = 0;

    for (; *end; end = &(*end)->next)
        waiting++;
    if (waiting >= c->judge->settings.consents_waiting_max)
        return err_code(err, ERR_LIMIT, "too_many_waiting", "id",
            "%lld signatures wait for this case already; try again", (long long)waiting);
    *end = c;
    return true;
}

void consent_take(struct judge *j, const struct client *client, json_t *body)
{
    struct err err = {0};
    struct str id;
    struct client waiting = *client;

    if (!consent_form(body, &id, &err)) {
        client_refuse(j, &waiting, &err);
        return;
    }
    struct consent *c = calloc(1, sizeof *c);
    check(c);
    *c = (struct consent){
        .judge = j, .live = live_find(j, id.at), .client = waiting, .body = json_incref(body)};
    if (!c->live) {
        if (!read_case(j, id.at, on_closed_case, c, &err))
            refuse(c, &err);
        return;
    }
    if (!enqueue(c, &err)) {
        c->live = NULL;
        refuse(c, &err);
        return;
    }
    consent_next(c->live);
}
