/* SPDX-License-Identifier: Apache-2.0 */
#include "case/case.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* The whole life. A pair without a row cannot happen: the entry is refused before it is recorded.
 */
static const struct case_rule {
    enum case_state from;
    enum case_event on;
    enum case_state to;
} CASE_RULES[] = {
    {CASE_NONE,      CASE_OPENED,           CASE_PROPOSED },
    {CASE_PROPOSED,  CASE_VERDICT_GO,       CASE_JUDGED   },
    {CASE_PROPOSED,  CASE_VERDICT_DENY,     CASE_DENIED   },
    {CASE_PROPOSED,  CASE_FAILURE,          CASE_FAILED   },
    {CASE_JUDGED,    CASE_VERDICT_GO,       CASE_JUDGED   }, /* again, with what hands saw */
    {CASE_JUDGED,    CASE_VERDICT_DENY,     CASE_DENIED   },
    {CASE_JUDGED,    CASE_ANSWERED,         CASE_DONE     },
    {CASE_JUDGED,    CASE_PLAN_FREE,        CASE_PLANNED  },
    {CASE_JUDGED,    CASE_PLAN_CONSENT,     CASE_AWAITING },
    {CASE_JUDGED,    CASE_FAILURE,          CASE_FAILED   },
    {CASE_PLANNED,   CASE_WARRANT,          CASE_ACTING   },
    {CASE_PLANNED,   CASE_FAILURE,          CASE_FAILED   },
    {CASE_AWAITING,  CASE_CONSENT_MORE,     CASE_AWAITING },
    {CASE_AWAITING,  CASE_CONSENT_ENOUGH,   CASE_CONSENTED},
    {CASE_AWAITING,  CASE_CONSENT_REFUSED,  CASE_REFUSED  },
    {CASE_AWAITING,  CASE_CONSENT_REJECTED, CASE_AWAITING },
    {CASE_AWAITING,  CASE_EXPIRY,           CASE_EXPIRED  },
    {CASE_CONSENTED, CASE_WARRANT,          CASE_ACTING   },
    {CASE_CONSENTED, CASE_FAILURE,          CASE_FAILED   },
    {CASE_ACTING,    CASE_EXECUTED,         CASE_DONE     },
    {CASE_ACTING,    CASE_FAILURE,          CASE_FAILED   },
};

static const struct case_word {
    const char *name;
    const char *status;
    bool closed;
} CASE_WORDS[CASE_STATES] = {
    [CASE_NONE] = {"none", "working", false},
    [CASE_PROPOSED] = {"proposed", "working", false},
    [CASE_JUDGED] = {"judged", "working", false},
    [CASE_PLANNED] = {"planned", "working", false},
    [CASE_AWAITING] = {"awaiting", "awaiting_consent", false},
    [CASE_CONSENTED] = {"consented", "working", false},
    [CASE_ACTING] = {"acting", "working", false},
    [CASE_DONE] = {"done", "success", true},
    [CASE_FAILED] = {"failed", "failed", true},
    [CASE_DENIED] = {"denied", "denied", true},
    [CASE_REFUSED] = {"refused", "refused", true},
    [CASE_EXPIRED] = {"expired", "expired", true},
};

bool case_step(enum case_state from, enum case_event event, enum case_state *ret_next)
{
    for (const struct case_rule *r = CASE_RULES; r < CASE_RULES + COUNT(CASE_RULES); r++)
        if (r->from == from && r->on == event) {
            *ret_next = r->to;
            return true;
        }
    return false;
}

bool case_closed(enum case_state state)
{
    return CASE_WORDS[state].closed;
}

const char *case_state_name(enum case_state state)
{
    return CASE_WORDS[state].name;
}

const char *case_status(enum case_state state)
{
    return CASE_WORDS[state].status;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* The events whose entries need a look at the body. */
static enum case_event judged_event(const json_t *body)
{
    const char *verdict = text_of(json_object_get(body, "verdict"), "verdict");
    bool go = strcmp(verdict, "permit") == 0 || strcmp(verdict, "needs_consent") == 0;

    return go ? CASE_VERDICT_GO : CASE_VERDICT_DENY; /* deny by default */
}

static enum case_event planned_event(const json_t *body)
{
    return json_is_null(json_object_get(body, "consent")) ? CASE_PLAN_FREE : CASE_PLAN_CONSENT;
}

static enum case_event consent_event(const json_t *body)
{
    return json_is_true(json_object_get(body, "enough")) ? CASE_CONSENT_ENOUGH : CASE_CONSENT_MORE;
}

bool case_event_of(const char *kind, const json_t *body, enum case_event *ret_event)
{
    static const struct {
        const char *kind;
        enum case_event event;
        enum case_event (*by_body)(const json_t *body);
    } KINDS[] = {
        {"case_opened",      CASE_OPENED,           NULL         },
        {"case_judged",      CASE_VERDICT_DENY,     judged_event },
        {"case_answered",    CASE_ANSWERED,         NULL         },
        {"case_planned",     CASE_PLAN_CONSENT,     planned_event},
        {"consent_given",    CASE_CONSENT_MORE,     consent_event},
        {"consent_refused",  CASE_CONSENT_REFUSED,  NULL         },
        {"consent_rejected", CASE_CONSENT_REJECTED, NULL         },
        {"warrant_issued",   CASE_WARRANT,          NULL         },
        {"case_executed",    CASE_EXECUTED,         NULL         },
        {"case_failed",      CASE_FAILURE,          NULL         },
        {"case_expired",     CASE_EXPIRY,           NULL         },
    };

    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (strcmp(KINDS[i].kind, kind) == 0) {
            *ret_event = KINDS[i].by_body ? KINDS[i].by_body(body) : KINDS[i].event;
            return true;
        }
    return false;
}

bool case_may(const struct kase *kase, const char *kind, const json_t *body)
{
    enum case_event event;
    enum case_state next;

    return case_event_of(kind, body, &event) && case_step(kase->state, event, &next);
}

void case_done(struct kase *kase)
{
    json_decref(kase->opened);
    json_decref(kase->verdict);
    json_decref(kase->question);
    json_decref(kase->answer);
    json_decref(kase->refusal);
    json_decref(kase->warrant);
    json_decref(kase->execution);
    json_decref(kase->error);
    json_decref(kase->history);
    free(kase->plan);
    *kase = (struct kase){0};
}

/* --- folding: one small function per kind that carries something --------------------------- */

static void keep(json_t **slot, json_t *value)
{
    json_t *old = *slot;

    *slot = json_incref(value);
    json_decref(old);
}

static void fold_planned(struct kase *kase, const json_t *body)
{
    free(kase->plan);
    kase->plan = str_dup(str_from(text_of(body, "plan")));
    snprintf(kase->plan_sha256, sizeof kase->plan_sha256, "%s", text_of(body, "plan_sha256"));
    kase->expires_at_ms = json_integer_value(json_object_get(body, "expires_at_ms"));
}

static void fold_consent(struct kase *kase, const json_t *body)
{
    if (kase->consent_count == CASE_CONSENTS_MAX)
        return;
    struct case_consent *c = &kase->consents[kase->consent_count++];
    snprintf(c->key_id, sizeof c->key_id, "%s", text_of(body, "key_id"));
    snprintf(c->person, sizeof c->person, "%s", text_of(body, "person"));
    c->by_passkey = json_is_object(json_object_get(body, "passkey"));
}

static void fold_body(struct kase *kase, enum case_event event, json_t *body)
{
    switch (event) {
    case CASE_OPENED:
        keep(&kase->opened, body);
        break;
    case CASE_VERDICT_GO:
    case CASE_VERDICT_DENY:
        keep(&kase->verdict, json_object_get(body, "verdict"));
        keep(&kase->question, json_object_get(body, "question"));
        break;
    case CASE_ANSWERED:
        keep(&kase->answer, json_object_get(body, "answer"));
        break;
    case CASE_PLAN_FREE:
    case CASE_PLAN_CONSENT:
        fold_planned(kase, body);
        break;
    case CASE_CONSENT_MORE:
    case CASE_CONSENT_ENOUGH:
        fold_consent(kase, body);
        break;
    case CASE_CONSENT_REJECTED:
        kase->rejection_count++;
        break;
    case CASE_WARRANT:
        keep(&kase->warrant, body);
        break;
    case CASE_EXECUTED:
        keep(&kase->execution, json_object_get(body, "result"));
        break;
    case CASE_FAILURE:
        keep(&kase->error, body);
        break;
    case CASE_CONSENT_REFUSED:
        keep(&kase->refusal, body);
        break;
    case CASE_EXPIRY:
    case CASE_EVENTS:
        break;
    }
}

static void fold_history(struct kase *kase, const json_t *entry)
{
    if (!kase->history)
        kase->history = json_array();
    if (json_array_size(kase->history) < CASE_HISTORY_MAX)
        json_array_append_new(kase->history,
            json_pack("{s:O, s:O, s:O}", "seq", json_object_get(entry, "seq"), "kind",
                json_object_get(entry, "kind"), "at", json_object_get(entry, "at")));
}

bool case_apply(struct kase *kase, const json_t *entry, struct err *err)
{
    const char *kind = text_of(entry, "kind");
    json_t *body = json_object_get(entry, "body");
    enum case_event event;
    enum case_state next;

    if (!json_is_integer(json_object_get(entry, "seq")) || !json_is_object(body) ||
        !case_event_of(kind, body, &event) || !case_step(kase->state, event, &next))
        return err_code(err, ERR_INPUT, "bad_transition", NULL,
            "entry '%s' cannot follow in a case that is '%s'", kind, case_state_name(kase->state));
    if (kase->state == CASE_NONE) {
        snprintf(kase->id, sizeof kase->id, "%s", text_of(entry, "case"));
        snprintf(kase->opened_at, sizeof kase->opened_at, "%s", text_of(entry, "at"));
        kase->first_seq = json_integer_value(json_object_get(entry, "seq"));
    }
    snprintf(kase->updated_at, sizeof kase->updated_at, "%s", text_of(entry, "at"));
    kase->last_seq = json_integer_value(json_object_get(entry, "seq"));
    fold_body(kase, event, body);
    fold_history(kase, entry);
    kase->state = next;
    return true;
}
