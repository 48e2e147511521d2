/* SPDX-License-Identifier: Apache-2.0
 * The routes that are one question to the judge, or none. */
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "gateway/open_api.h"
#include "ollama/ollama_models.h"

#include <inttypes.h>

#define PLAN_TYPE "application/vnd.logic-node.plan+json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Check the client's part, then ask and hand the answer on. */
static void forward(struct visit *visit, bool (*compose)(struct str, struct buf *, struct err *),
    struct str from, const char *method, enum link_pace pace)
{
    struct buf *body = visit_body(visit);
    struct err err = {0};

    if (compose(from, body, &err))
        visit_ask(visit, method, buf_str(body), pace, visit_on_answer);
    else
        visit_reply_error(visit, &err);
}

static void forward_nothing(struct visit *visit, const char *method, enum link_pace pace)
{
    forward(visit, body_nothing, exchange_body(visit->ex), method, pace);
}

void route_proposals(struct visit *visit)
{
    forward(visit, body_proposal, exchange_body(visit->ex), "proposal", LINK_SLOW);
}

void route_query(struct visit *visit)
{
    forward(visit, body_query, exchange_body(visit->ex), "query", LINK_FAST);
}

void route_cases(struct visit *visit)
{
    forward(visit, body_cases, exchange_query(visit->ex), "cases", LINK_FAST);
}

void route_ledger(struct visit *visit)
{
    forward(visit, body_ledger, exchange_query(visit->ex), "ledger", LINK_FAST);
}

void route_actions(struct visit *visit)
{
    forward_nothing(visit, "actions", LINK_FAST);
}

void route_status(struct visit *visit)
{
    forward_nothing(visit, "status", LINK_FAST);
}

void route_ledger_verify(struct visit *visit)
{
    struct err err = {0};
    struct buf *unused = visit_body(visit);

    if (body_nothing(exchange_body(visit->ex), unused, &err))
        forward(visit, body_verify, exchange_query(visit->ex), "ledger_verify", LINK_SLOW);
    else
        visit_reply_error(visit, &err);
}

void route_ledger_verified(struct visit *visit)
{
    route_ledger_verify(visit);
}

void route_ledger_checkpoint(struct visit *visit)
{
    forward_nothing(visit, "ledger_checkpoint", LINK_SLOW);
}

void route_kb_reload(struct visit *visit)
{
    forward_nothing(visit, "kb_reload", LINK_SLOW);
}

void route_case(struct visit *visit)
{
    struct buf *body = visit_body(visit);

    body_id(visit->id, body);
    visit_ask(visit, "case", buf_str(body), LINK_FAST, visit_on_answer);
}

void route_consent(struct visit *visit)
{
    struct buf *body = visit_body(visit);
    struct err err = {0};

    if (body_consent(exchange_body(visit->ex), visit->id, body, &err))
        visit_ask(visit, "consent", buf_str(body), LINK_SLOW, visit_on_answer);
    else
        visit_reply_error(visit, &err);
}

/* The bytes a person signs: not one of them is ours. */
static void on_plan(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;
    const json_t *plan = json_object_get(body, "plan");
    char hash[SHA256_HEX_BYTES];
    struct err err = {0};

    visit->call = NULL;
    if (why) {
        visit_reply_error(visit, why);
        return;
    }
    if (!json_is_string(plan)) {
        err_code(&err, ERR_INPUT, "no_plan", NULL, "this case has no plan");
        visit_reply_error(visit, &err);
        return;
    }
    struct str bytes = {json_string_value(plan), json_string_length(plan)};
    sha256_hex(bytes, hash);
    const struct http_field fields[] = {{S("X-Plan-SHA256"), str_from(hash)},
        {S("Cache-Control"), S("no-store")}, {S("X-Content-Type-Options"), S("nosniff")}};
    visit_reply(visit, 200, S(PLAN_TYPE), fields, COUNT(fields), bytes);
}

void route_plan(struct visit *visit)
{
    struct buf *body = visit_body(visit);

    body_id(visit->id, body);
    visit_ask(visit, "plan", buf_str(body), LINK_FAST, on_plan);
}

/* --- events ---------------------------------------------------------------------------------- */

/* The header of a client that comes back wins over the address it began with. */
static bool resume_point(const struct visit *visit, int64_t *ret_after, struct err *err)
{
    struct str last = exchange_header(visit->ex, S("Last-Event-ID"));
    uint64_t after;

    if (!last.at || last.len == 0)
        return true;
    if (!str_to_u64(last, INT64_MAX, &after))
        return err_code(err, ERR_INPUT, "bad_value", "Last-Event-ID",
            "Last-Event-ID '%.*s' is not the number of a ledger entry",
            (int)(last.len < 40 ? last.len : 40), last.at);
    *ret_after = (int64_t)after;
    return true;
}

/* An operator, or who has the scope: that of GET /api/v1/queue. */
static bool sees_queue(const struct visit *visit)
{
    struct gateway *g = visit->gateway;
    struct identity_refusal refusal;

    if (visit->visitor.role == SESSION_OPERATOR)
        return true;
    const struct caller *caller = *visit->visitor.session
                                      ? sessions_caller(g, &visit->visitor, visit->ex, CALLER_QUEUE)
                                      : front_caller(g, visit->ex, CALLER_QUEUE, &refusal);
    return caller && caller->scopes & CALLER_QUEUE;
}

/* Of HOME/tokens: it may be revoked while its stream is open. */
static const char *token_shown(const struct visit *visit)
{
    struct identity_refusal refusal;
    const struct caller *caller =
        visit->visitor.how != SESSION_TOKEN || *visit->visitor.session
            ? NULL
            : front_caller(visit->gateway, visit->ex,
                  visit->visitor.role == SESSION_OPERATOR ? CALLER_API : CALLER_VIEW, &refusal);

    return caller ? caller->id : "";
}

static bool read_wish(const struct visit *visit, struct live_wish *ret_wish, struct err *err)
{
    struct body_events asked;

    if (!body_events(exchange_query(visit->ex), &asked, err))
        return false;
    *ret_wish = (struct live_wish){.after = asked.after,
        .form = asked.brief ? HUB_BRIEF : HUB_FULL,
        .live = (asked.stages ? HUB_BIT(HUB_STAGE) : 0) | (asked.queue ? HUB_BIT(HUB_QUEUE) : 0) |
                (asked.house ? HUB_BIT(HUB_HOUSE) : 0),
        .sees_queue = sees_queue(visit),
        .who = visit->who,
        .session = visit->visitor.session,
        .token = token_shown(visit)};
    return resume_point(visit, &ret_wish->after, err);
}

void route_events(struct visit *visit)
{
    struct live_wish wish;
    struct err err = {0};

    if (!read_wish(visit, &wish, &err))
        visit_reply_error(visit, &err);
    else if (exchange_method(visit->ex) == METHOD_HEAD)
        visit_reply(visit, 200, S("text/event-stream"), NULL, 0, S(""));
    else if (live_subscribe(&visit->gateway->live, visit->ex, &wish, &err))
        visit_leave(visit, 200);
    else
        visit_reply_error(visit, &err);
}

/* --- about the node -------------------------------------------------------------------------- */

void route_healthz(struct visit *visit)
{
    scoped(json_done) json_t *body = json_pack("{s:s}", "status", "alive");

    visit_reply_json(visit, 200, body);
}

void route_readyz(struct visit *visit)
{
    scoped(json_done) json_t *body = json_pack("{s:s}", "status", "ready");
    struct err err = {0};

    if (visit->gateway->judge_ready && people_known(visit->gateway)) {
        visit_reply_json(visit, 200, body);
        return;
    }
    err_code(&err, ERR_PEER, "not_ready", NULL, "the judge %s",
        link_connected(&visit->gateway->link) ? "has not answered yet" : "is away");
    visit_reply_error(visit, &err);
}

static void reply_metrics(struct visit *visit, const json_t *judge)
{
    struct gateway *g = visit->gateway;
    const struct http_server_counts http = http_server_counts(g->server);
    struct buf *out = visit_body(visit);
    const struct metrics_now now = {.in_flight = g->link.in_flight,
        .subscribers = g->hub.count,
        .model_calls = g->model ? model_calls(g->model) : 0,
        .judge_connected = link_connected(&g->link),
        .judge_ready = g->judge_ready,
        .messages_refused = link_refused(&g->link),
        .connections_open = http.open,
        .connections_accepted = http.accepted,
        .connections_refused = http.refused_full,
        .requests_refused = http.refused_requests};

    g->metrics.held = g->link.held_ever;
    g->metrics.streams_left = g->hub.left;
    metrics_write(&g->metrics, &now, judge, out);
    metrics_write_roles(g->role_stats, out);
    front_metrics(g, out);
    runbooks_metrics(g, out);
    sessions_metrics(g, out);
    visit_reply(visit, 200, S(METRICS_TYPE), NULL, 0, buf_str(out));
}

/* What the judge knows of the roles replaces what it knew, also when it says nothing: old numbers
 * are not shown as if they were of now. The supervisor's came to us, and ours are at hand. */
static void take_role_numbers(struct gateway *g, const json_t *told)
{
    json_t *supervisor = json_object_get(g->role_stats, "supervisor");
    json_t *roles = json_is_object(told) ? json_copy((json_t *)told) : json_object();
    json_t *ours = json_object();

    role_measure(g->role, ours);
    json_object_set_new(roles, g->role->kind->name, ours);
    json_object_del(roles, "supervisor");
    if (supervisor)
        json_object_set(roles, "supervisor", supervisor);
    json_decref(g->role_stats);
    g->role_stats = roles;
}

static void on_role_numbers(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    take_role_numbers(visit->gateway, why ? NULL : json_object_get(body, "roles"));
    reply_metrics(visit, visit->answer);
}

static void ask_numbers(struct visit *visit, const char *method,
    void (*answered)(void *owner, json_t *body, const struct err *why))
{
    struct err err;
    const struct link_request request = {.method = str_from(method),
        .who = str_from(visit->who),
        .body = S("{}"),
        .pace = LINK_BRIEF,
        .never_held = true,
        .answered = answered,
        .owner = visit};

    if (!link_ask(&visit->gateway->link, &request, &visit->call, &err)) {
        take_role_numbers(visit->gateway, NULL);
        reply_metrics(visit, visit->answer);
    }
}

/* Ours are worth having without the judge's. */
static void on_numbers(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    visit->answer = why ? NULL : json_incref(body);
    if (why) {
        take_role_numbers(visit->gateway, NULL);
        reply_metrics(visit, NULL);
    } else {
        ask_numbers(visit, "stats", on_role_numbers);
    }
}

void route_metrics(struct visit *visit)
{
    ask_numbers(visit, "status", on_numbers);
}

static void on_catalogue(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    if (why) {
        visit_reply_error(visit, why);
        return;
    }
    scoped(json_done) json_t *document = open_api_make(body);
    visit_reply_json(visit, 200, document);
}

void route_openapi(struct visit *visit)
{
    visit_ask(visit, "actions", S("{}"), LINK_FAST, on_catalogue);
}

/* --- the page -------------------------------------------------------------------------------- */

/* Front ends that speak Ollama ask GET / or HEAD / whether it is there; browsers name the type. */
static bool asks_for_ollama(struct visit *visit)
{
    struct str accepts = exchange_header(visit->ex, S("Accept"));

    return str_eq(exchange_path(visit->ex), S("/")) &&
           !(accepts.len && memmem(accepts.at, accepts.len, "text/html", 9));
}

void route_page(struct visit *visit)
{
    static const struct http_field BY_ACCEPT[] = {
        {S("Vary"), S("Accept")}, {S("X-Content-Type-Options"), S("nosniff")}};
    const struct page_file *file = pages_find(&visit->gateway->pages, exchange_path(visit->ex));
    struct str known = exchange_header(visit->ex, S("If-None-Match"));
    const struct page_form form = {
        .gzip = page_takes_gzip(exchange_header(visit->ex, S("Accept-Encoding"))),
        .tls = sessions_by_tls(visit->gateway, visit->ex)};
    struct http_field fields[PAGE_FIELDS];
    struct err err = {0};

    if (asks_for_ollama(visit) && visit->visitor.role == SESSION_NOBODY) {
        err_code(&err, ERR_DENIED, "no_token", NULL,
            "from another machine a token is needed: send `Authorization: Bearer …`");
        visit_reply_error(visit, &err); /* its front ends show one; the page is for browsers */
        return;
    }
    if (asks_for_ollama(visit)) {
        visit_reply(visit, 200, S("text/plain; charset=utf-8"), BY_ACCEPT, COUNT(BY_ACCEPT),
            OLLAMA_ROOT_TEXT);
        return;
    }
    if (!file) {
        err_code(&err, ERR_INPUT, "no_route", NULL,
            "there is no page in this installation; the API is described at /openapi.json");
        visit_reply_error(visit, &err);
        return;
    }
    size_t count = page_fields(file, form, fields);
    if (page_known(known, str_from(form.gzip && file->gzip ? file->gzip_etag : file->etag)))
        visit_reply(visit, 304, S(""), fields, count, S(""));
    else
        visit_reply(visit, 200, file->type, fields, count, page_bytes(file, form));
}
