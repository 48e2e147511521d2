/* SPDX-License-Identifier: Apache-2.0
 *
 * How a case looks from outside: the view of GET /api/v1/cases/ID and the answer to an intent. */
#include "case/case.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static json_t *shared_or_null(json_t *value)
{
    return value ? json_incref(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text && text[0] ? json_string(text) : json_null();
}

/* The plan as an object; the bytes themselves are at …/plan. */
static json_t *plan_object(const struct kase *kase)
{
    json_t *plan = kase->plan ? json_loads(kase->plan, 0, NULL) : NULL;

    return plan ? plan : json_null();
}

static json_t *expiry(const struct kase *kase)
{
    char text[32];
    struct tm utc;
    time_t seconds = (time_t)(kase->expires_at_ms / 1000);

    if (!kase->plan)
        return json_null();
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

static const char *how(bool by_passkey)
{
    return by_passkey ? "passkey" : "key";
}

static json_t *consents(const struct kase *kase)
{
    json_t *list = json_array();

    for (int i = 0; i < kase->consent_count; i++)
        json_array_append_new(list,
            json_pack("{s:s, s:s, s:s}", "key_id", kase->consents[i].key_id, "person",
                kase->consents[i].person, "how", how(kase->consents[i].by_passkey)));
    return list;
}

/* Who said no and why; key files of old gave no reason. */
static json_t *refusal(const struct kase *kase)
{
    const json_t *body = kase->refusal;

    if (!body)
        return json_null();
    json_t *said = json_object();
    json_object_set_new(said, "person", shared_or_null(json_object_get(body, "person")));
    json_object_set_new(said, "key_id", shared_or_null(json_object_get(body, "key_id")));
    json_object_set_new(
        said, "how", json_string(how(json_is_object(json_object_get(body, "passkey")))));
    json_object_set_new(said, "reason", shared_or_null(json_object_get(body, "reason")));
    return said;
}

static json_t *execution(const struct kase *kase)
{
    if (kase->execution)
        return json_incref(kase->execution);
    return shared_or_null(kase->answer);
}

static const char *member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

json_t *case_view(const struct kase *kase)
{
    json_t *view = json_object();
    static const char *const SHARED[] = {"action", "params", "by", "nl"};

    json_object_set_new(view, "id", json_string(kase->id));
    json_object_set_new(view, "status", json_string(case_status(kase->state)));
    json_object_set_new(view, "state", json_string(case_state_name(kase->state)));
    for (size_t i = 0; i < COUNT(SHARED); i++)
        json_object_set_new(
            view, SHARED[i], shared_or_null(json_object_get(kase->opened, SHARED[i])));
    json_object_set_new(view, "opened_at", text_or_null(kase->opened_at));
    json_object_set_new(view, "updated_at", text_or_null(kase->updated_at));
    json_object_set_new(view, "verdict", shared_or_null(kase->verdict));
    json_object_set_new(view, "plan", plan_object(kase));
    json_object_set_new(view, "plan_sha256", text_or_null(kase->plan_sha256));
    json_object_set_new(view, "expires_at", expiry(kase));
    json_object_set_new(view, "consents", consents(kase));
    json_object_set_new(view, "refusal", refusal(kase));
    json_object_set_new(view, "execution", execution(kase));
    json_object_set_new(view, "error", shared_or_null(json_object_get(kase->error, "error")));
    json_object_set_new(view, "history", shared_or_null(kase->history));
    return view;
}

/* One sentence for a person, made of parts the rules wrote. */
static void sentence(const struct kase *kase, char *ret_text, size_t bytes)
{
    const char *words = member_text(kase->verdict, "words");
    scoped(json_done) json_t *plan = plan_object(kase);
    const char *summary = member_text(plan, "summary");
    const char *error = member_text(json_object_get(kase->error, "error"), "message");

    switch (kase->state) {
    case CASE_DONE:
        snprintf(ret_text, bytes, "Done: %s", summary[0] ? summary : words);
        break;
    case CASE_AWAITING:
        snprintf(ret_text, bytes,
            "Waiting for a signature: %s. Look at it and sign it with: logicctl approve %s",
            summary, kase->id);
        break;
    case CASE_DENIED:
        snprintf(ret_text, bytes, "%s", words);
        break;
    case CASE_FAILED:
        snprintf(ret_text, bytes, "Failed: %s", error);
        break;
    case CASE_REFUSED:
        snprintf(ret_text, bytes, "Refused by a person: %s", summary);
        break;
    case CASE_EXPIRED:
        snprintf(ret_text, bytes, "Expired unsigned; nothing was changed: %s", summary);
        break;
    case CASE_NONE:
    case CASE_PROPOSED:
    case CASE_JUDGED:
    case CASE_PLANNED:
    case CASE_CONSENTED:
    case CASE_ACTING:
    case CASE_STATES:
        snprintf(ret_text, bytes, "Under way: %s", summary[0] ? summary : words);
        break;
    }
}

json_t *case_answer(const struct kase *kase)
{
    json_t *answer = json_object();
    json_t *intent = json_pack("{s:O?, s:O?}", "action", json_object_get(kase->opened, "action"),
        "params", json_object_get(kase->opened, "params"));
    char text[4096];

    check(intent);
    sentence(kase, text, sizeof text);
    json_object_set_new(answer, "status", json_string(case_status(kase->state)));
    json_object_set_new(answer, "case", json_string(kase->id));
    json_object_set(answer, "intent", intent);
    json_object_set_new(answer, "intents", json_pack("[o]", intent));
    json_object_set_new(answer, "verdict", shared_or_null(kase->verdict));
    json_object_set_new(answer, "plan", plan_object(kase));
    json_object_set_new(answer, "plan_sha256", text_or_null(kase->plan_sha256));
    json_object_set_new(answer, "execution", execution(kase));
    json_object_set_new(answer, "question", json_null());
    json_object_set_new(answer, "error", shared_or_null(json_object_get(kase->error, "error")));
    struct str good = str_utf8_prefix(str_from(text));
    json_object_set_new(answer, "text", json_stringn(good.at, good.len));
    return answer;
}
