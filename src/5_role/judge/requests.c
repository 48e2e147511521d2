/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gateway asks, one small function per method. The gateway has checked the form; the
 * fields are checked again here, because the other side of a channel may be hostile. */
#include "judge/requests.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <string.h>

#define SENTENCE_BYTES_MAX 8192
#define WORD_BYTES_MAX 128
#define PARAMS_MAX 64
#define LEDGER_PAGE 200
#define GROUND_TEXTS_MAX 256

/* --- answering ------------------------------------------------------------------------------ */

/* One of several cases of a sentence: the last one sends them all. */
static void bundle_add(struct judge *j, struct client *client, json_t *body);

static bool somebody_waits(const struct judge *j, const struct client *client)
{
    return client->gateway && client->gateway == j->gateway_life && j->gateway;
}

void client_reply(struct judge *j, struct client *client, json_t *body)
{
    struct err err = {0};

    if (client->bundle) {
        bundle_add(j, client, body);
        return;
    }
    if (somebody_waits(j, client) && !channel_send(j->gateway,
                                         message_make(MESSAGE_reply, "{s:I, s:b, s:O}", "id",
                                             (json_int_t)client->id, "ok", 1, "body", body),
                                         &err))
        client_refuse(j, client, &err);
    client->gateway = 0;
    json_decref(body);
}

void client_reply_text(struct judge *j, struct client *client, struct str body)
{
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);
    struct err err = {0};

    if (!somebody_waits(j, client))
        return;
    buf_printf(&text,
        "{\"v\":%d,\"type\":\"reply\",\"id\":%" PRId64 ",\"ok\":true,\"body\":", MESSAGE_VERSION,
        client->id);
    buf_add(&text, body);
    buf_add_char(&text, '}');
    if (text.overflowed)
        err_code(&err, ERR_LIMIT, "answer_too_large", NULL,
            "the answer is longer than %d bytes; ask for less", MESSAGE_BYTES_MAX);
    if (text.overflowed || !channel_send_text(j->gateway, buf_str(&text), &err))
        client_refuse(j, client, &err);
    client->gateway = 0;
}

void client_refuse(struct judge *j, struct client *client, const struct err *err)
{
    struct err again;

    if (client->bundle) {
        bundle_add(j, client,
            json_pack("{s:s, s:o, s:s}", "status", "failed", "error", message_from_err(err), "text",
                err->message));
        return;
    }
    if (somebody_waits(j, client))
        (void)channel_send(j->gateway,
            message_make(MESSAGE_reply, "{s:I, s:b, s:o}", "id", (json_int_t)client->id, "ok", 0,
                "error", message_from_err(err)),
            &again);
    client->gateway = 0;
}

/* Of several answers the one that needs most attention. */
static const char *worst_status(const json_t *results)
{
    static const char *const ORDER[] = {
        "failed", "denied", "refused", "expired", "awaiting_consent", "success"};
    size_t i;
    json_t *result;

    for (size_t k = 0; k < COUNT(ORDER); k++)
        json_array_foreach ((json_t *)results, i, result)
            if (strcmp(message_text(result, "status"), ORDER[k]) == 0)
                return ORDER[k];
    return "failed";
}

static json_t *bundle_answer(const struct bundle *b)
{
    json_t *first = json_array_get(b->results, 0);
    json_t *answer = json_copy(first);
    json_t *intents = json_array();
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);
    size_t i;
    json_t *result;

    json_array_foreach (b->results, i, result) {
        json_t *intent = json_object_get(result, "intent");
        json_array_append_new(intents, intent ? json_incref(intent) : json_null());
        buf_printf(&text, "%s%s", i ? "\n" : "", message_text(result, "text"));
    }
    json_object_set_new(answer, "status", json_string(worst_status(b->results)));
    json_object_set_new(answer, "intents", intents);
    json_object_set_new(answer, "results", json_incref(b->results));
    json_object_set_new(answer, "text", json_string(buf_text(&text)));
    return answer;
}

static void bundle_add(struct judge *j, struct client *client, json_t *body)
{
    struct bundle *b = client->bundle;

    client->bundle = NULL;
    client->gateway = 0;
    json_array_set_new(b->results, (size_t)client->place, body);
    if (--b->missing)
        return;
    client_reply(j, &b->client, bundle_answer(b));
    json_decref(b->results);
    free(b);
}

/* --- intents and proposals ----------------------------------------------------------------------
 */

static json_t *by_of(const struct asked *a, const char *via)
{
    json_t *by =
        json_pack("{s:s, s:s}", "principal", message_text(a->who, "principal"), "via", via);
    check(by);
    return by;
}

struct sentence {
    struct asked asked;
    bool parse_only;
    json_t *nl;
};

static void sentence_done(struct sentence *s)
{
    json_decref(s->asked.body);
    json_decref((json_t *)s->asked.who);
    json_decref(s->nl);
    free(s);
}

static json_t *empty_answer(const char *status, const char *text)
{
    json_t *answer = json_pack("{s:s, s:n, s:n, s:[], s:n, s:n, s:n, s:n, s:n, s:s}", "status",
        status, "case", "intent", "intents", "verdict", "plan", "plan_sha256", "execution",
        "question", "text", text);
    check(answer);
    return answer;
}

static json_t *understood_only(const json_t *intents)
{
    json_t *answer = empty_answer("success", "Understood; nothing was proposed.");

    json_object_set(answer, "intent", json_array_get(intents, 0));
    json_object_set(answer, "intents", (json_t *)intents);
    return answer;
}

static void open_all(struct sentence *s, const json_t *intents)
{
    struct judge *j = s->asked.judge;
    size_t count = json_array_size(intents), i;
    struct bundle *bundle = NULL;
    json_t *intent;
    scoped(json_done) json_t *by = by_of(&s->asked, "grammar");

    if (count > 1) {
        bundle = calloc(1, sizeof *bundle);
        check(bundle);
        *bundle = (struct bundle){
            .client = s->asked.client, .results = json_array(), .missing = (int)count};
        for (i = 0; i < count; i++)
            json_array_append_new(bundle->results, json_null());
    }
    json_array_foreach ((json_t *)intents, i, intent) {
        struct client client = s->asked.client;
        client.bundle = bundle;
        client.place = (int)i;
        const struct proposal proposal = {.action = json_object_get(intent, "action"),
            .params = json_object_get(intent, "params"),
            .by = by,
            .nl = s->nl};
        flow_open(j, &client, &proposal);
    }
}

static void answer_parse(struct sentence *s, json_t *parsed)
{
    struct judge *j = s->asked.judge;
    struct err err = {0};
    const char *status = message_text(parsed, "status");
    const json_t *intents = json_object_get(parsed, "intents");
    json_t *answer;

    if (strcmp(status, "understood") == 0 && json_array_size(intents) > 0) {
        if ((int64_t)json_array_size(intents) > j->settings.changes_in_sentence_max) {
            err_code(&err, ERR_LIMIT, "too_many_changes", "nl",
                "%zu changes in one sentence, %" PRId64 " are allowed; say it in parts",
                json_array_size(intents), j->settings.changes_in_sentence_max);
            client_refuse(j, &s->asked.client, &err);
        } else if (s->parse_only) {
            client_reply(j, &s->asked.client, understood_only(intents));
        } else {
            open_all(s, intents);
        }
        return;
    }
    if (strcmp(status, "question") == 0) {
        json_t *question = json_object_get(parsed, "question");
        answer = empty_answer("question", message_text(question, "text"));
        json_object_set(answer, "question", question);
    } else {
        answer = empty_answer("not_understood", message_text(parsed, "text"));
        json_object_set(answer, "examples", json_object_get(parsed, "examples"));
    }
    client_reply(j, &s->asked.client, answer);
}

static void on_parsed(void *context, struct prolog_answer *answer)
{
    struct sentence *s = context;
    struct judge *j = s->asked.judge;
    json_t *parsed = answer->ok ? prolog_answer_json(answer) : NULL;

    if (parsed)
        answer_parse(s, parsed);
    else
        client_refuse(j, &s->asked.client, &answer->err);
    sentence_done(s);
    door_answered(j);
}

static bool parse(struct asked *a, bool parse_only, struct str nl, struct err *err)
{
    struct sentence *s = calloc(1, sizeof *s);
    json_t *in = json_pack(
        "{s:s%, s:s}", "nl", nl.at, nl.len, "principal", message_text(a->who, "principal"));

    check(s && in);
    *s =
        (struct sentence){.asked = *a, .parse_only = parse_only, .nl = json_stringn(nl.at, nl.len)};
    json_incref(a->body);
    json_incref((json_t *)a->who);
    if (ask_door(a->judge, PROLOG_PARSE, in, on_parsed, s, err))
        return true;
    sentence_done(s);
    return false;
}

static bool do_intent(struct asked *a, struct err *err)
{
    struct str nl;
    bool parse_only = false;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("nl", &nl, 1, SENTENCE_BYTES_MAX),
        JSON_MAY_BOOL("parse_only", &parse_only),
    };

    return json_take(a->body, fields, COUNT(fields), err) && parse(a, parse_only, nl, err);
}

static bool do_understand(struct asked *a, struct err *err)
{
    struct str nl;
    const struct json_field fields[] = {JSON_TAKE_TEXT("nl", &nl, 1, SENTENCE_BYTES_MAX)};

    return json_take(a->body, fields, COUNT(fields), err) && parse(a, true, nl, err);
}

/* The node's own wishes are `rule`: nobody else's may be, and they may be nothing else. */
static bool via_is_fine(const json_t *who, struct str via, struct err *err)
{
    bool by_node = strcmp(message_text(who, "channel"), NODE_CHANNEL) == 0;

    if (by_node ? str_eq(via, S("rule")) : str_eq(via, S("api")) || str_eq(via, S("model")))
        return true;
    return err_code(err, ERR_INPUT, "bad_value", "via", "via is %s, not '%.*s'",
        by_node ? "'rule' for the node itself" : "'api' or 'model'", STR(via));
}

static bool do_proposal(struct asked *a, struct err *err)
{
    struct str action, via = S("api"), model = {0}, nl = {0};
    json_t *params;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("action", &action, 1, WORD_BYTES_MAX),
        JSON_TAKE_OBJECT("params", &params),
        JSON_MAY_TEXT("via", &via, 1, 16),
        JSON_MAY_TEXT("model", &model, 1, 256),
        JSON_MAY_TEXT("nl", &nl, 1, SENTENCE_BYTES_MAX),
    };

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    if (!via_is_fine(a->who, via, err))
        return false;
    if (json_object_size(params) > PARAMS_MAX)
        return err_code(err, ERR_LIMIT, "too_many_params", "params",
            "%zu parameters, %d are allowed", json_object_size(params), PARAMS_MAX);
    bool by_model = str_eq(via, S("model"));
    scoped(json_done) json_t *by = by_of(a, by_model                 ? "model"
                                            : str_eq(via, S("rule")) ? "rule"
                                                                     : "api");
    scoped(json_done) json_t *word = json_stringn(action.at, action.len);
    scoped(json_done) json_t *said = nl.len ? json_stringn(nl.at, nl.len) : NULL;
    scoped(json_done) json_t *engine =
        by_model && model.len ? json_stringn(model.at, model.len) : NULL;
    const struct proposal proposal = {
        .action = word, .params = params, .by = by, .nl = said, .model = engine};

    flow_open(a->judge, &a->client, &proposal);
    return true;
}

/* --- the rules ---------------------------------------------------------------------------------
 */

static void on_door_text(void *context, struct prolog_answer *answer)
{
    struct asked *a = context;
    struct judge *j = a->judge;

    if (answer->ok)
        client_reply_text(j, &a->client, buf_str(&answer->text));
    else
        client_refuse(j, &a->client, &answer->err);
    free(a);
    door_answered(j);
}

/* The answer's text goes on as it is: no value is built of it. */
static bool door_through(struct asked *a, enum prolog_door door, json_t *in, struct err *err)
{
    struct asked *kept = malloc(sizeof *kept);

    check(kept);
    *kept = *a;
    if (ask_door(a->judge, door, in, on_door_text, kept, err))
        return true;
    free(kept);
    return false;
}

static bool do_query(struct asked *a, struct err *err)
{
    struct str query;
    json_t *args = NULL;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("query", &query, 1, QUERY_BYTES_MAX),
        JSON_MAY_OBJECT("args", &args),
    };

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    if (!args)
        json_object_set_new(a->body, "args", json_object());
    return door_through(
        a, PROLOG_QUERY, json_incref(a->body), err); /* small ones: brief.c had them */
}

static bool do_actions(struct asked *a, struct err *err)
{
    return json_take(a->body, NULL, 0, err) &&
           door_through(a, PROLOG_CATALOGUE, json_object(), err);
}

static bool do_inference(struct asked *a, struct err *err)
{
    return json_take(a->body, NULL, 0, err) &&
           door_through(a, PROLOG_INFERENCE, json_object(), err);
}

/* Who is who, with their passkeys' keys: for the gateway itself, which signs people in. */
static bool do_people(struct asked *a, struct err *err)
{
    if (strcmp(message_text(a->who, "channel"), NODE_CHANNEL) != 0)
        return err_code(err, ERR_DENIED, "not_for_callers", "method",
            "the node itself asks for people; callers have GET /api/v1/people");
    return json_take(a->body, NULL, 0, err) && door_through(a, PROLOG_PEOPLE, json_object(), err);
}

/* Facts for a prompt, as they are now: no case, no record. */
static bool do_ground(struct asked *a, struct err *err)
{
    json_t *texts, *text;
    size_t i;
    const struct json_field fields[] = {JSON_TAKE_ARRAY("texts", &texts, 1, GROUND_TEXTS_MAX)};

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    json_array_foreach (texts, i, text)
        if (!json_is_string(text))
            return err_code(err, ERR_INPUT, "bad_type", "texts", "texts are strings");
    return door_through(a, PROLOG_GROUND,
        json_pack("{s:O, s:I}", "texts", texts, "now_ms", (json_int_t)clock_civil_ms()), err);
}

/* --- the record ---------------------------------------------------------------------------------
 */

static void on_ledger_read(void *context, const json_t *reply, const struct err *err)
{
    struct asked *a = context;

    if (reply)
        client_reply(a->judge, &a->client,
            json_pack("{s:O, s:O, s:O}", "entries", json_object_get(reply, "entries"), "more",
                json_object_get(reply, "more"), "info", json_object_get(reply, "info")));
    else
        client_refuse(a->judge, &a->client, err);
    free(a);
}

static bool read_through(
    struct asked *a, const char *what, int64_t after, int64_t limit, struct err *err)
{
    struct asked *kept = malloc(sizeof *kept);

    check(kept);
    *kept = *a;
    if (records_read(a->judge, what, after, "", limit, on_ledger_read, kept, err))
        return true;
    free(kept);
    return false;
}

static bool page_of_ledger(struct asked *a, const char *what, struct err *err)
{
    int64_t after = 0, limit = LEDGER_PAGE;
    const struct json_field fields[] = {
        JSON_MAY_INTEGER("after", &after, 0, INT64_MAX),
        JSON_MAY_INTEGER("limit", &limit, 1, 500),
    };

    return json_take(a->body, fields, COUNT(fields), err) &&
           read_through(a, what, after, limit, err);
}

static bool do_ledger(struct asked *a, struct err *err)
{
    return page_of_ledger(a, "after", err);
}

static bool do_ledger_export(struct asked *a, struct err *err)
{
    return page_of_ledger(a, "export", err);
}

static bool do_ledger_verify(struct asked *a, struct err *err)
{
    return page_of_ledger(a, "verify", err);
}

static bool do_ledger_checkpoint(struct asked *a, struct err *err)
{
    return page_of_ledger(a, "checkpoint", err);
}

static bool do_consent(struct asked *a, struct err *err)
{
    (void)err;
    consent_take(a->judge, &a->client, a->body);
    return true;
}

static bool do_status(struct asked *a, struct err *err)
{
    struct judge *j = a->judge;
    struct prolog_counts counts;
    json_t *closed = json_object();

    (void)err;
    prolog_count(j->prolog, &counts);
    for (int s = 0; s < CASE_STATES; s++)
        if (case_closed((enum case_state)s))
            json_object_set_new(closed, case_status((enum case_state)s),
                json_integer((json_int_t)j->cases_by_status[s]));
    client_reply(j, &a->client,
        json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:o, s:{s:i, s:I, s:I, s:I, s:I, s:I}, "
                  "s:{s:I, s:I, s:I}, s:o}",
            "version", LOGIC_NODE_VERSION, "rules", j->rules, "site", j->site_hash, "ledger",
            (int)(j->ledger != NULL), "actuator", (int)(j->actuator != NULL), "open_cases",
            (json_int_t)j->live_count, "closed_cases", closed, "judge", "workers", counts.workers,
            "asked", (json_int_t)counts.asked, "answered", (json_int_t)counts.answered, "refused",
            (json_int_t)counts.refused, "killed", (json_int_t)counts.killed, "under_way",
            (json_int_t)counts.under_way, "hands", "host_looks", (json_int_t)j->host_looks,
            "stages_told", (json_int_t)j->stages_told, "stages_dropped",
            (json_int_t)j->stages_dropped, "standing", standing_show(j)));
    return true;
}

/* --- dispatch
 * -------------------------------------------------------------------------------------- */

static const struct method {
    const char *name;
    bool (*run)(struct asked *a, struct err *err);
} METHODS[] = {
    {"query", do_query}, /* the busiest first */
    {"intent", do_intent},
    {"proposal", do_proposal},
    {"understand", do_understand},
    {"case", list_one},
    {"cases", list_many},
    {"plan", list_plan},
    {"consent", do_consent},
    {"actions", do_actions},
    {"ledger", do_ledger},
    {"ledger_verify", do_ledger_verify},
    {"ledger_export", do_ledger_export},
    {"ledger_checkpoint", do_ledger_checkpoint},
    {"kb_reload", leave_reload},
    {"inference", do_inference},
    {"host_status", look_host},
    {"ground", do_ground},
    {"people", do_people},
    {"alerts", alerts_list},
    {"alert", alerts_show},
    {"nodes", tell_nodes},
    {"node", tell_node},
    {"sources", senses_sources},
    {"push", relay_push},
    {"history", relay_history},
    {"runbook_prompt", runbook_prompt},
    {"runbook_add", runbook_add},
    {"await", leave_await},
    {"notifications", notify_list},
    {"notifications_test", notify_test},
    {"stats", stats_show},
    {"status", do_status},
};

void requests_take(struct judge *j, json_t *message)
{
    const char *name = message_text(message, "method");
    struct err err = {0};
    struct asked a = {
        .judge = j,
        .client = {.gateway = j->gateway_life, .id = message_int(message, "id")},
        .body = json_object_get(message, "body"),
        .who = json_object_get(message, "who"),
    };

    if (j->stopping) { /* nothing was begun: the gateway may ask the next judge */
        err_code(&err, ERR_PEER, "judge_leaving", NULL, "the judge is being replaced; ask again");
        client_refuse(j, &a.client, &err);
        return;
    }
    for (size_t i = 0; i < COUNT(METHODS); i++)
        if (strcmp(METHODS[i].name, name) == 0) {
            if (!METHODS[i].run(&a, &err))
                client_refuse(j, &a.client, &err);
            return;
        }
    err_code(&err, ERR_INPUT, "unknown_method", "method", "the judge has no method '%s'", name);
    client_refuse(j, &a.client, &err);
}
