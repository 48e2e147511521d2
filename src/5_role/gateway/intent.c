/* SPDX-License-Identifier: Apache-2.0
 * POST /api/v1/intent. The grammar answers first. Where it does not understand, and an engine is
 * configured, the engine may name an action (for a question: one that only looks); what it names is
 * a proposal "by model" that the judge decides. Whatever goes wrong with the engine, the grammar's
 * answer stands. */
#include "base/scoped.h"
#include "gateway/advisor.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "json/json_text.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_PREFIX "model_"

/* --- answers ----------------------------------------------------------------------------- */

static json_t *model_note(const struct visit *visit, const char *status, const char *words)
{
    const char *name = *visit->model_name ? visit->model_name : NULL;

    return json_pack("{s:s, s:s?, s:I, s:s}", "status", status, "name", name, "ms",
        (json_int_t)visit->model_ms, "words", words);
}

/* The grammar's answer, with a word about the engine. */
static void reply_grammar(struct visit *visit, const char *status, const char *words)
{
    scoped(json_done) json_t *answer = json_copy(visit->answer);
    const char *text = json_string_value(json_object_get(answer, "text"));
    scoped(json_done) json_t *longer =
        json_sprintf("%s%s(%s)", text ? text : "", text && *text ? " " : "", words);

    if (longer)
        json_object_set(answer, "text", longer);
    json_object_set_new(answer, "model", model_note(visit, status, words));
    visit_reply_json(visit, 200, answer);
}

static void reply_without_engine(struct visit *visit, const struct err *why)
{
    bool ours = str_starts(str_from(why->code), S(MODEL_PREFIX));

    reply_grammar(visit, ours ? why->code + strlen(MODEL_PREFIX) : "away", why->message);
}

/* parse_only: how it was understood; no case, no verdict. */
static void reply_understood(struct visit *visit, const struct advice *advice)
{
    scoped(json_done) json_t *answer = json_copy(visit->answer);
    json_t *intent = json_pack("{s:s, s:O}", "action", advice->action, "params", advice->params);

    json_object_set(answer, "intent", intent);
    json_object_set_new(answer, "intents", json_pack("[o]", intent));
    json_object_set_new(answer, "status", json_string("success"));
    json_object_set_new(answer, "text",
        json_sprintf("The engine reads it as %s. Nothing was checked or done.", advice->action));
    json_object_set_new(answer, "model", model_note(visit, "answered", "not by grammar"));
    visit_reply_json(visit, 200, answer);
}

/* --- the engine ----------------------------------------------------------------------------- */

static void on_verdict(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    if (why && why->kind == ERR_INPUT) {
        reply_grammar(visit, "refused", why->message);
        return;
    }
    if (why) {
        visit_reply_error(visit, why);
        return;
    }
    scoped(json_done) json_t *answer = json_copy(body);
    visit->gateway->metrics.model_answered++;
    json_object_set_new(
        answer, "model", model_note(visit, "answered", "proposed by an engine, not by grammar"));
    visit_reply_json(visit, 200, answer);
}

static void propose(struct visit *visit, const struct advice *advice)
{
    struct buf *out = visit_body(visit);
    struct err err = {0};
    scoped(json_done) json_t *body =
        json_pack("{s:s, s:O, s:s, s:s, s:s}", "action", advice->action, "params", advice->params,
            "via", "model", "model", visit->model_name, "nl", visit->sentence);

    if (json_plain(body, out, &err))
        visit_ask(visit, "proposal", buf_str(out), LINK_SLOW, on_verdict);
    else
        reply_without_engine(visit, &err);
}

static void on_engine(void *owner, const struct model_answer *answer)
{
    struct visit *visit = owner;
    struct advice advice;
    struct err err = {0};

    visit->model_call = NULL;
    visit->model_ms = answer->spent_ms;
    if (answer->why) {
        reply_without_engine(visit, answer->why);
        return;
    }
    memcpy(visit->model_name, answer->name, sizeof visit->model_name);
    if (!visit->gateway->actions) {
        reply_grammar(visit, "outdated", "the rules changed while the engine thought; ask again");
        return;
    }
    scoped(json_done) json_t *actions =
        advisor_catalogue(visit->gateway->actions, str_from(visit->sentence));
    if (!advisor_read(answer->content, actions, &advice, &err))
        reply_without_engine(visit, &err);
    else if (advice.none)
        reply_grammar(visit, "none", "the engine sees no action in it either");
    else if (visit->parse_only)
        reply_understood(visit, &advice);
    else
        propose(visit, &advice);
}

static void ask_engine(struct visit *visit)
{
    struct gateway *g = visit->gateway;
    scoped(json_done) json_t *actions = advisor_catalogue(g->actions, str_from(visit->sentence));
    scoped(json_done) json_t *schema = NULL;
    scoped(buf_done) struct buf prompt = buf_of(ADVISOR_PROMPT_BYTES_MAX);
    struct err err = {0};

    if (!advisor_schema(actions, &schema, &err)) {
        reply_without_engine(visit, &err);
        return;
    }
    advisor_prompt(actions, &prompt);
    const struct model_question question = {.system = buf_str(&prompt),
        .user = str_from(visit->sentence),
        .schema = schema,
        .tokens_max = g->settings.model_tokens_max};
    if (!model_ask(g->model, &question, on_engine, visit, &visit->model_call, &err)) {
        reply_without_engine(visit, &err);
        return;
    }
    g->metrics.model_asked++;
}

static void on_actions(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    if (why) {
        reply_without_engine(visit, why);
        return;
    }
    json_decref(visit->gateway->actions);
    visit->gateway->actions = json_incref(body);
    ask_engine(visit);
}

/* --- the grammar --------------------------------------------------------------------------------
 */

static bool engine_helps(const struct visit *visit, const json_t *answer)
{
    const char *status = message_text(answer, "status");

    return visit->wants_model &&
           (strcmp(status, "not_understood") == 0 ||
               (strcmp(status, "question") == 0 && visit->gateway->settings.model_questions));
}

static void on_grammar(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;
    struct gateway *g = visit->gateway;

    if (why || !engine_helps(visit, body) || g->stopping) {
        visit_on_answer(visit, body, why);
        return;
    }
    visit->call = NULL;
    visit->answer = json_incref(body);
    if (!g->model)
        reply_grammar(visit, "absent", "no engine is configured: --llm");
    else if (g->actions)
        ask_engine(visit);
    else
        visit_ask(visit, "actions", S("{}"), LINK_FAST, on_actions);
}

void route_intent(struct visit *visit)
{
    struct buf *body = visit_body(visit);
    struct body_intent intent;
    struct err err = {0};

    if (!body_intent(exchange_body(visit->ex), &intent, body, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    visit->sentence = intent.sentence;
    visit->parse_only = intent.parse_only;
    visit->wants_model =
        intent.model == BODY_YES ||
        (intent.model == BODY_UNSAID && !intent.parse_only && visit->gateway->model);
    visit_ask(
        visit, "intent", buf_str(body), intent.parse_only ? LINK_FAST : LINK_SLOW, on_grammar);
}
