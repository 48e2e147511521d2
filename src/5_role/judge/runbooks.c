/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompts of runbooks and what became of them: the node's own gateway asks and adds, nobody else.
 * The rules read a model's answer strictly and word it; it is text in the record, once per alert,
 * and no way leads from it to anything that acts. */
#include "judge/requests.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX 65536
#define WORDS_BYTES_MAX 1000
#define CODE_BYTES_MAX 64
#define SHA256_CHARS 64
#define FACTS_MAX 1024
#define ASKING_MS_MAX 3600000

/* --- the prompt
 * ----------------------------------------------------------------------------------- */

struct prompting {
    struct judge *judge;
    struct client client;
    int64_t alert;
};

static bool by_node(const struct asked *a, struct err *err)
{
    return strcmp(message_text(a->who, "channel"), NODE_CHANNEL) == 0 ||
           err_code(err, ERR_DENIED, "node_only", NULL,
               "runbooks are asked for and added by the node itself");
}

static struct alert *alert_named(struct judge *j, int64_t id, struct err *err)
{
    struct alert *alert = book_find(&j->alerts, id);

    if (!alert)
        (void)alert_unknown(j, id, err);
    return alert;
}

/* The facts that it used belong to the runbook's entry. */
static void on_prompt(void *context, struct prolog_answer *answer)
{
    struct prompting p = *(struct prompting *)context;
    struct judge *j = p.judge;
    json_t *out = answer->ok ? prolog_answer_json(answer) : NULL;
    struct alert *alert = book_find(&j->alerts, p.alert);

    free(context);
    if (out && alert) {
        json_decref(alert->facts);
        alert->facts = json_incref(json_object_get(out, "facts"));
    }
    if (out)
        client_reply(j, &p.client, json_incref(out));
    else
        client_refuse(j, &p.client, &answer->err);
    door_answered(j);
}

bool runbook_prompt(struct asked *a, struct err *err)
{
    int64_t id = 0;
    const struct json_field fields[] = {JSON_TAKE_INTEGER("alert", &id, 1, INT64_MAX)};

    if (!by_node(a, err) || !json_take(a->body, fields, COUNT(fields), err) ||
        !alert_named(a->judge, id, err))
        return false;
    struct prompting *p = malloc(sizeof *p);
    json_t *in =
        json_pack("{s:I, s:I}", "alert", (json_int_t)id, "now_ms", (json_int_t)clock_civil_ms());
    check(p && in);
    *p = (struct prompting){a->judge, a->client, id};
    if (ask_door(a->judge, PROLOG_PROMPT, in, on_prompt, p, err))
        return true;
    free(p);
    return false;
}

/* --- the answer, or why there is none ------------------------------------------------------------
 */

struct adding {
    struct judge *judge;
    struct client client;
    int64_t alert;
    json_t *entry_body; /* what stands in the entry in either case */
    json_t *answer;     /* NULL: it failed */
};

static void adding_end(struct adding *adding)
{
    struct alert *alert = book_find(&adding->judge->alerts, adding->alert);

    if (alert)
        alert->runbook_under_way = false;
    json_decref(adding->entry_body);
    json_decref(adding->answer);
    free(adding);
}

static void on_added(void *context, const json_t *entries, const struct err *err)
{
    struct adding *adding = context;
    const json_t *entry = json_array_get(entries, 0);
    const json_t *body = json_object_get(entry, "body");
    bool failed = strcmp(message_text(entry, "kind"), "runbook_failed") == 0;

    if (entries)
        client_reply(adding->judge, &adding->client,
            json_pack("{s:s, s:O, s:O?, s:O?}", "status", failed ? "failed" : "generated", "seq",
                json_object_get(entry, "seq"), "code",
                failed ? json_object_get(body, "code") : NULL, "words",
                failed ? json_object_get(body, "words") : NULL));
    else
        client_refuse(adding->judge, &adding->client, err);
    adding_end(adding);
}

static void record(struct adding *adding, const char *kind)
{
    json_t *entries =
        json_pack("[o]", records_entry(kind, "", json_incref(adding->entry_body), false));
    struct err err = {0};

    check(entries);
    if (!alerts_record(adding->judge, entries, on_added, adding, &err))
        on_added(adding, NULL, &err);
}

static void record_failure(struct adding *adding, const char *code, const char *words)
{
    static const char *const OF_SUCCESS[] = {"facts", "truncated"};

    for (size_t i = 0; i < COUNT(OF_SUCCESS); i++)
        json_object_del(adding->entry_body, OF_SUCCESS[i]);
    json_object_set_new(adding->entry_body, "code", json_string(code));
    json_object_set_new(adding->entry_body, "words", json_string(words));
    record(adding, "runbook_failed");
}

static void on_rendered(void *context, struct prolog_answer *answer)
{
    struct adding *adding = context;
    struct judge *j = adding->judge;
    const json_t *out = answer->ok ? prolog_answer_json(answer) : NULL;
    json_t *markdown = json_object_get(out, "markdown");

    if (json_is_string(markdown)) {
        json_t *sections = json_object_get(out, "sections");
        json_object_set(adding->entry_body, "markdown", markdown);
        json_object_set(adding->entry_body, "sections", sections ? sections : json_null());
        json_object_set(adding->entry_body, "answer", adding->answer);
        record(adding, "runbook_generated");
    } else if (answer->ok) {
        record_failure(adding, "rule_error", "the rules gave no runbook for this answer");
    } else {
        record_failure(adding, answer->err.code, answer->err.message);
    }
    door_answered(j);
}

/* The two halves of a request: an answer, or a failure. */
static bool take_failure(
    const json_t *failure, struct str *code, struct str *words, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("code", code, 1, CODE_BYTES_MAX),
        JSON_TAKE_TEXT("words", words, 1, WORDS_BYTES_MAX),
    };

    return json_take(failure, fields, COUNT(fields), err);
}

static bool may_add(
    const struct alert *alert, const json_t *answer, const json_t *failure, struct err *err)
{
    if (alert->runbook || alert->runbook_under_way)
        return err_code(err, ERR_INPUT, "runbook_there", "alert",
            "alert %" PRId64 " has its runbook, or the reason why it has none", alert->id);
    if ((answer != NULL) == (failure != NULL))
        return err_code(err, ERR_INPUT, "bad_value", "answer",
            "a runbook is added with an answer or with a failure, one of them null");
    if (answer && json_dumpb(answer, NULL, 0, JSON_COMPACT) > ANSWER_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "too_large", "answer", "the answer is longer than %d bytes",
            ANSWER_BYTES_MAX);
    return true;
}

static json_t *entry_body(const struct judge *j, const struct alert *alert, json_t *given)
{
    static const char *const KEPT[] = {"alert", "model", "prompt_sha256", "truncated", "ms"};
    json_t *facts = json_object_get(given, "facts");
    json_t *body = json_pack("{s:s, s:s}", "rules", j->rules, "site", j->site_hash);

    check(body);
    for (size_t i = 0; i < COUNT(KEPT); i++)
        json_object_set(body, KEPT[i], json_object_get(given, KEPT[i]));
    facts = facts ? facts : alert->facts;
    json_object_set_new(body, "facts", facts ? json_incref(facts) : json_array());
    return body;
}

static void begin(
    struct asked *a, struct alert *alert, json_t *answer, struct str code, struct str words)
{
    struct judge *j = a->judge;
    struct adding *adding = malloc(sizeof *adding);
    struct err err = {0};

    check(adding);
    *adding = (struct adding){.judge = j,
        .client = a->client,
        .alert = alert->id,
        .entry_body = entry_body(j, alert, a->body),
        .answer = json_incref(answer)};
    alert->runbook_under_way = true;
    if (!answer) {
        record_failure(adding, code.at, words.at);
        return;
    }
    json_t *in = json_pack("{s:I, s:O, s:O}", "alert", (json_int_t)alert->id, "answer", answer,
        "truncated", json_object_get(a->body, "truncated"));
    check(in);
    if (!ask_door(j, PROLOG_RUNBOOK, in, on_rendered, adding, &err))
        on_added(adding, NULL, &err);
}

bool runbook_add(struct asked *a, struct err *err)
{
    int64_t id = 0, ms = 0;
    struct str code = {0}, words = {0}, sha256 = {0};
    json_t *answer = NULL, *failure = NULL, *model = NULL, *facts = NULL;
    bool truncated = false;
    const struct json_field fields[] = {
        JSON_TAKE_INTEGER("alert", &id, 1, INT64_MAX),
        JSON_TAKE_OBJECT_OR_NULL("answer", &answer),
        JSON_TAKE_OBJECT_OR_NULL("failure", &failure),
        JSON_TAKE_OBJECT_OR_NULL("model", &model),
        JSON_TAKE_TEXT_OR_NULL("prompt_sha256", &sha256, SHA256_CHARS, SHA256_CHARS),
        JSON_TAKE_BOOL("truncated", &truncated),
        JSON_TAKE_INTEGER("ms", &ms, 0, ASKING_MS_MAX),
        JSON_MAY_ARRAY("facts", &facts, 0, FACTS_MAX),
    };

    if (!by_node(a, err) || !json_take(a->body, fields, COUNT(fields), err))
        return false;
    struct alert *alert = alert_named(a->judge, id, err);
    if (!alert || !may_add(alert, answer, failure, err) ||
        (failure && !take_failure(failure, &code, &words, err)))
        return false;
    begin(a, alert, answer, code, words);
    return true;
}
