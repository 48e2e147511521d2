/* SPDX-License-Identifier: Apache-2.0
 *
 * How the nodes are, now: the action that answers a sentence about them is judged, looked at by the
 * rules themselves and judged again, but telemetry for a list or a page opens no case and leaves no
 * record. Whoever may not ask the action may not ask this.
 *
 * A list of all nodes gets beside each what a page shows of it (3_rules/vitals.pl), as much as a
 * message holds: numbers of many nodes are not in the look, which is bounded and recorded. */
#include "judge/requests.h"
#include "judge/vitals.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <string.h>

#define NODE_BYTES_MAX 64

struct telling {
    struct judge *judge;
    struct client client;
    json_t *question, *told; /* told: the answer, while the vitals of its nodes are asked for */
    bool looked, all;
};

static void telling_end(struct telling *t)
{
    json_decref(t->question);
    json_decref(t->told);
    free(t);
}

static void refuse(struct telling *t, const struct err *why)
{
    client_refuse(t->judge, &t->client, why);
    telling_end(t);
}

static void on_verdict(void *context, struct prolog_answer *answer);

static void judge(struct telling *t)
{
    struct err err = {0};

    json_object_set_new(t->question, "now_ms", json_integer((json_int_t)clock_civil_ms()));
    if (!ask_door(t->judge, PROLOG_JUDGE, json_copy(t->question), on_verdict, t, &err))
        refuse(t, &err);
}

static void on_looked(void *context, const json_t *message)
{
    struct telling *t = context;
    struct err err = {0};

    if (!message_true(message, "ok")) {
        message_to_err(json_object_get(message, "error"), &err);
        refuse(t, &err);
        return;
    }
    t->looked = true;
    json_object_set(t->question, "seen", json_object_get(message, "result"));
    judge(t);
}

/* --- beside each node ------------------------------------------------------------------------ */

static void tell_told(struct telling *t)
{
    json_t *told = t->told;

    t->told = NULL;
    client_reply(t->judge, &t->client, told);
    telling_end(t);
}

static void on_vitals(void *context, struct prolog_answer *answer)
{
    struct telling *t = context;
    struct judge *j = t->judge;
    const json_t *found = answer->ok ? prolog_answer_json(answer) : NULL;

    vitals_add(t->told, json_object_get(found, "nodes"), VITALS_REPLY_BYTES_MAX);
    tell_told(t);
    door_answered(j);
}

/* Without them the nodes are told still: each row that has none is counted. */
static void add_vitals(struct telling *t)
{
    struct err err;
    json_t *in = json_pack("{s:{s:s, s:s, s:s, s:s}, s:I}", "job", "hand", "senses", "op", "facts",
        "what", "vitals", "nodes", "all", "now_ms", (json_int_t)clock_civil_ms());

    check(in);
    if (ask_door(t->judge, PROLOG_SENSED, in, on_vitals, t, &err))
        return;
    vitals_add(t->told, NULL, VITALS_REPLY_BYTES_MAX);
    tell_told(t);
}

/* Only what the rules know themselves is looked at: no hand moves for a list. */
static bool look(struct telling *t, json_t *job, struct err *err)
{
    json_t *fields = json_pack("{s:s, s:O}", "case", "", "job", job);

    check(fields);
    if (!t->looked && senses_is_look(fields))
        return senses_look(t->judge, fields, on_looked, t, err);
    json_decref(fields);
    return err_code(
        err, ERR_SYSTEM, "rule_error", NULL, "the rules ask for a look that tells no node's state");
}

static void on_verdict(void *context, struct prolog_answer *answer)
{
    struct telling *t = context;
    struct judge *j = t->judge;
    const json_t *verdict = answer->ok ? prolog_answer_json(answer) : NULL;
    json_t *told = json_object_get(verdict, "answer"), *job = json_object_get(verdict, "look");
    struct err err = {0};

    if (!verdict) {
        refuse(t, &answer->err);
    } else if (strcmp(message_text(verdict, "verdict"), "permit") != 0 ||
               strcmp(message_text(verdict, "tier"), "observe") != 0) {
        err_code(&err, ERR_DENIED, "denied", NULL, "%s", message_text(verdict, "words"));
        refuse(t, &err);
    } else if (json_array_size(json_object_get(told, "unknown"))) { /* a name that nobody has */
        err_code(&err, ERR_INPUT, "unknown_node", "node", "%s", message_text(told, "words"));
        refuse(t, &err);
    } else if (json_is_object(told)) {
        t->told = json_incref(told);
        if (t->all)
            add_vitals(t);
        else
            tell_told(t);
    } else if (!look(t, job, &err)) {
        refuse(t, &err);
    }
    door_answered(j);
}

static bool tell(struct asked *a, const char *action, json_t *params, bool all, struct err *err)
{
    struct telling *t = malloc(sizeof *t);
    json_t *question = json_pack("{s:s, s:o, s:{s:s, s:s}, s:n, s:I}", "action", action, "params",
        params, "by", "principal", message_text(a->who, "principal"), "via", "api", "seen",
        "now_ms", (json_int_t)clock_civil_ms());

    check(t && question);
    *t = (struct telling){.judge = a->judge, .client = a->client, .question = question, .all = all};
    if (ask_door(a->judge, PROLOG_JUDGE, json_copy(question), on_verdict, t, err))
        return true;
    telling_end(t);
    return false;
}

bool tell_nodes(struct asked *a, struct err *err)
{
    return json_take(a->body, NULL, 0, err) && tell(a, "node_health", json_object(), true, err);
}

bool tell_node(struct asked *a, struct err *err)
{
    struct str node;
    const struct json_field fields[] = {JSON_TAKE_TEXT("node", &node, 1, NODE_BYTES_MAX)};

    return json_take(a->body, fields, COUNT(fields), err) &&
           tell(a, "node_show", json_pack("{s:s%}", "node", node.at, node.len), false, err);
}
