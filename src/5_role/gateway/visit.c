/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/visit.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "gateway/session_people.h"
#include "os/clock.h"
#include "json/json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define ERROR_PATH_BYTES 200
#define LOOPBACK "{\"principal\":\"loopback\",\"channel\":\"http\"}"

static const struct http_field API_FIELDS[] = {
    {S("Cache-Control"), S("no-store")}, {S("X-Content-Type-Options"), S("nosniff")}};

/* Codes whose status is not that of their kind. */
static const struct {
    const char *code;
    int status;
} CODES[] = {
    {"no_route", 404},
    {"no_such_case", 404},
    {"no_such_alert", 404},
    {"unknown_source", 404},
    {"unknown_node", 404},
    {"sensor_busy", 503},
    {"sensor_silent", 504},
    {"push_too_long", 413},
    {"no_plan", 404},
    {"no_such_document", 404},
    {"docs_too_large", 413},
    {"unknown_query", 404},
    {"wrong_method", 405},
    {"plan_differs", 409},
    {"not_awaiting", 409},
    {"signed_already", 409},
    {"rules_changed", 409},
    {"reload_under_way", 409},
    {"consent_late", 410},
    {"too_large", 413},
    {"body_too_long", 413},
    {"wrong_content_type", 415},
    {"no_token", 401},
    {"bad_passkey", 401},
    {"no_such_session", 404},
    {"busy", 503},
    {"too_many_streams", 503},
    {"too_many_waiting", 503},
    {"ledger_busy", 503},
    {"judge_silent", 504},
};

int visit_error_status(const struct err *err)
{
    for (size_t i = 0; i < COUNT(CODES); i++)
        if (strcmp(CODES[i].code, err->code) == 0)
            return CODES[i].status;
    return err_http_status(err->kind);
}

/* --- the end --------------------------------------------------------------------------------- */

static void forget(struct visit *visit)
{
    struct gateway *g = visit->gateway;

    if (visit->before)
        visit->before->next = visit->next;
    else
        g->visits = visit->next;
    if (visit->next)
        visit->next->before = visit->before;
    g->visit_count--;
    json_decref(visit->answer);
    free(visit->sentence);
    free(visit);
}

void visit_leave(struct visit *visit, int status)
{
    struct gateway *g = visit->gateway;

    metrics_count(&g->metrics, visit->route ? (size_t)visit->route->id : METRICS_NO_ROUTE, status,
        clock_steady_ns() - visit->started_ns);
    if (visit->call)
        link_forget(visit->call);
    if (visit->model_call)
        model_cancel(visit->model_call);
    if (visit->uses_usage)
        usage_forget(g->front.usage, visit);
    if (visit->uses_documents)
        documents_forget(g, visit);
    forget(visit);
}

void visit_reply(struct visit *visit, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count, struct str body)
{
    struct exchange *ex = visit->ex;

    visit_leave(visit, status);
    exchange_reply(ex, status, content_type, fields, fields_count, body);
}

void visit_reply_json(struct visit *visit, int status, const json_t *body)
{
    struct buf *out = &visit->gateway->reply;
    struct err err = {0};

    buf_clear(out);
    if (!json_plain(body, out, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    visit_reply(visit, status, S("application/json"), API_FIELDS, COUNT(API_FIELDS), buf_str(out));
}

/* `more` is one further header, or none (empty name). */
static void reply_error(struct visit *visit, const struct err *err, struct http_field more)
{
    int status = visit_error_status(err);
    scoped(json_done) json_t *error = json_pack("{s:{s:s, s:s, s:s?, s:s}}", "error", "message",
        err->message, "type", err_word(err->kind), "param", *err->param ? err->param : NULL, "code",
        *err->code ? err->code : err_word(err->kind));
    struct http_field fields[COUNT(API_FIELDS) + 1];
    size_t count = COUNT(API_FIELDS);
    struct buf *out = &visit->gateway->reply;
    struct err inner = {0};

    memcpy(fields, API_FIELDS, sizeof API_FIELDS);
    if (more.name.len)
        fields[count++] = more;
    buf_clear(out);
    check(error && json_plain(error, out, &inner));
    visit_reply(visit, status, S("application/json"), fields, count, buf_str(out));
}

void visit_reply_error(struct visit *visit, const struct err *err)
{
    struct http_field more = {0};
    int status = visit_error_status(err);

    if (status == 503)
        more = (struct http_field){S("Retry-After"), S("1")};
    if (status == 401)
        more = (struct http_field){S("WWW-Authenticate"), S("Bearer")};
    reply_error(visit, err, more);
}

/* 499 is nginx's word for a client that left. */
static void on_gone(struct exchange *ex, void *data)
{
    (void)ex;
    visit_reply(data, 499, S(""), NULL, 0, S(""));
}

/* --- the judge ------------------------------------------------------------------------------- */

/* The judge's bytes are the body of the reply. */
static void on_text(void *owner, struct str body)
{
    struct visit *visit = owner;

    visit->call = NULL;
    visit_reply(visit, 200, S("application/json"), API_FIELDS, COUNT(API_FIELDS), body);
}

struct buf *visit_body(struct visit *visit)
{
    buf_clear(&visit->gateway->body);
    return &visit->gateway->body;
}

void visit_ask(struct visit *visit, const char *method, struct str body, enum link_pace pace,
    void (*answered)(void *visit, json_t *body, const struct err *why))
{
    struct err err = {0};
    const struct link_request request = {.method = str_from(method),
        .who = str_from(visit->who),
        .body = body,
        .pace = pace,
        .answered = answered,
        .answered_text = answered == visit_on_answer ? on_text : NULL,
        .owner = visit};

    if (!link_ask(&visit->gateway->link, &request, &visit->call, &err))
        visit_reply_error(visit, &err);
}

void visit_on_answer(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    if (why)
        visit_reply_error(visit, why);
    else
        visit_reply_json(visit, 200, body);
}

/* --- the beginning --------------------------------------------------------------------------- */

static bool denied(struct err *err, const char *code, const char *words)
{
    return err_code(err, ERR_DENIED, code, NULL, "%s", words);
}

/* Whose token is it, if it may do this? Numbers of the node may be read by who may do nothing else.
 */
static const struct caller *shown_caller(struct visit *visit, struct identity_refusal *ret_refusal)
{
    bool numbers = visit->route && visit->route->id == ROUTE_senses;
    bool metrics = visit->route && visit->route->id == ROUTE_metrics;
    const struct caller *caller =
        front_caller(visit->gateway, visit->ex, numbers ? CALLER_SENSE : CALLER_API, ret_refusal);

    if (caller && !numbers)
        visit->visitor.role = SESSION_OPERATOR;
    if (!caller && ret_refusal->status == 403 && metrics)
        caller = front_caller(visit->gateway, visit->ex, CALLER_METRICS, ret_refusal);
    if (!caller && ret_refusal->status == 403 && !numbers) {
        struct identity_refusal refusal;
        caller = front_caller(visit->gateway, visit->ex, CALLER_VIEW, &refusal);
        visit->visitor.role = caller ? SESSION_VIEWER : SESSION_NOBODY;
    }
    return caller;
}

/* Who asks? A session was found before; a token always speaks for itself; without either only this
 * machine is heard. */
static bool name_principal(struct visit *visit, const char *principal, struct err *err)
{
    const struct exchange_peer *peer = exchange_peer(visit->ex);
    struct str authorization = exchange_header(visit->ex, S("Authorization"));
    struct visitor *visitor = &visit->visitor;
    const char *name = NULL;

    if (visitor->role != SESSION_NOBODY) {
        snprintf(visit->who, WHO_BYTES, "{\"principal\":\"%s\",\"channel\":\"http\"}", principal);
    } else if (authorization.at && peer->channel != EXCHANGE_UNIX) {
        name = tokens_find(&visit->gateway->tokens, authorization);
        struct identity_refusal refusal = {0};
        const struct caller *caller = name ? NULL : shown_caller(visit, &refusal);
        if (!name && !caller)
            return denied(err, refusal.status == 403 ? "endpoint_not_allowed" : "no_token",
                refusal.status == 403 ? refusal.message : "this bearer token is none of ours");
        if (name)
            visitor->role = SESSION_OPERATOR;
        visitor->how = SESSION_TOKEN;
        name = name ? name : caller->name;
        snprintf(visit->who, WHO_BYTES, "{\"principal\":\"token:%s\",\"channel\":\"http\"}", name);
    } else if (peer->channel == EXCHANGE_UNIX) {
        snprintf(visit->who, WHO_BYTES, "{\"principal\":\"uid:%u\",\"channel\":\"unix\"}",
            (unsigned)peer->uid);
        visitor->role = SESSION_OPERATOR;
    } else if (peer->channel == EXCHANGE_LOOPBACK &&
               !sessions_by_proxy(visit->gateway, visit->ex)) {
        memcpy(visit->who, LOOPBACK, sizeof LOOPBACK);
        visitor->role = SESSION_OPERATOR;
    } else if (visit->route && visit->route->open) {
        *visit->who = '\0'; /* such a route never asks the judge in somebody's name */
    } else {
        return denied(err, "no_token",
            sessions_shown(visit->gateway, visit->ex)
                ? "the session is over: sign in again"
                : "from another machine a token is needed: send `Authorization: Bearer …`");
    }
    return true;
}

/* curl -d says x-www-form-urlencoded; the body is read as JSON in any case, and a web page cannot
 * hide behind that type because Origin and Sec-Fetch-Site are looked at. */
static bool content_type_fits(struct str type, bool numbers)
{
    struct str rest, media = str_trim(str_cut(type, ';', &rest));

    if (numbers && (str_eq_nocase(media, S("text/plain")) ||
                       str_eq_nocase(media, S("application/openmetrics-text"))))
        return true;
    return !type.at || str_eq_nocase(media, S("application/json")) ||
           str_eq_nocase(media, S("application/x-www-form-urlencoded"));
}

/* Who only looks may do what anybody may, ask the rules, and see how a sentence is understood. */
static bool guard_viewer(const struct visit *visit, struct err *err)
{
    const struct route *route = visit->route;

    if (visit->visitor.role != SESSION_VIEWER || route->open || route->id == ROUTE_query ||
        (route->id == ROUTE_intent && body_is_parse_only(exchange_body(visit->ex))))
        return true;
    return denied(err, "viewer", "who asks may only look here, and this changes something");
}

/* It could not read the answer; but what is heavy it could ask for without end, and how long it
 * takes says something. What is open to everybody it may link to. */
static bool guard_site(const struct visit *visit, struct err *err)
{
    struct str site = exchange_header(visit->ex, S("Sec-Fetch-Site"));
    bool reads = visit->route->method == METHOD_GET;

    if (!site.at || str_eq(site, S("same-origin")) || str_eq(site, S("none")) ||
        (reads && (visit->route->open || exchange_header(visit->ex, S("Authorization")).at)))
        return true;
    return denied(err, "cross_site",
        "a page of another site made this request (Sec-Fetch-Site); that is refused");
}

static bool guard_change(const struct visit *visit, struct err *err)
{
    struct str type = exchange_header(visit->ex, S("Content-Type"));

    if (!sessions_guard(&visit->visitor, visit->ex, err) || !guard_viewer(visit, err))
        return false;
    bool numbers = visit->route->id == ROUTE_senses;
    if (!content_type_fits(type, numbers))
        return err_code(err, ERR_INPUT, "wrong_content_type", NULL,
            "Content-Type '%.*s' is not read here: send %s", (int)(type.len < 80 ? type.len : 80),
            type.at, numbers ? "text/plain" : "application/json");
    return true;
}

static bool find_page(struct visit *visit, struct str path)
{
    bool reads =
        exchange_method(visit->ex) == METHOD_GET || exchange_method(visit->ex) == METHOD_HEAD;

    if (!reads || !pages_find(&visit->gateway->pages, path))
        return false;
    visit->route = &ROUTE_TABLE[ROUTE_page];
    return true;
}

static void reply_wrong_method(struct visit *visit, struct str allow)
{
    struct err err;

    err_code(&err, ERR_INPUT, "wrong_method", NULL, "%s is not answered here; allowed: %.*s",
        http_method_name(exchange_method(visit->ex)), STR(allow));
    reply_error(visit, &err, (struct http_field){S("Allow"), allow});
}

static void (*const HANDLERS[ROUTES])(struct visit *visit) = {
#define ROUTE(name, method, pattern, open, summary) [ROUTE_##name] = route_##name,
#include "gateway/route.def"
#undef ROUTE
};

static struct visit *make(struct gateway *gateway, struct exchange *ex)
{
    struct visit *visit = calloc(1, sizeof *visit);

    check(visit);
    *visit = (struct visit){
        .gateway = gateway, .ex = ex, .started_ns = clock_steady_ns(), .next = gateway->visits};
    if (gateway->visits)
        gateway->visits->before = visit;
    gateway->visits = visit;
    gateway->visit_count++;
    exchange_set_data(ex, visit);
    exchange_on_gone(ex, on_gone);
    return visit;
}

int64_t visit_body_bytes(enum http_method method, struct str path, void *user)
{
    const struct gateway *gateway = user;
    scoped(buf_done) struct buf allow = buf_of(64);
    const struct route *route = NULL;
    struct str id;

    if (route_find(method, path, &route, &id, &allow) != ROUTE_FOUND)
        return gateway->settings.api_body_bytes_max;
    if (front_has(route))
        return gateway->settings.http.body_bytes_max;
    return route->id == ROUTE_docs_add ? DOCUMENTS_BODY_BYTES_MAX
                                       : gateway->settings.api_body_bytes_max;
}

/* Known length or not, it was bounded before it was read; a small bound of the settings also here.
 */
static bool guard_length(const struct visit *visit, struct err *err)
{
    const struct route *route = visit->route;
    int64_t max = visit_body_bytes(route->method, exchange_path(visit->ex), visit->gateway);

    if (exchange_body(visit->ex).len <= (size_t)max)
        return true;
    return err_code(err, ERR_LIMIT, "body_too_long", NULL,
        "the request body is longer than the %lld bytes that this route takes", (long long)max);
}

/* Files and health: served also while nobody can say whose cookie that is. */
static bool needs_nobody(const struct route *route)
{
    return route->open && route->method == METHOD_GET && route->id != ROUTE_session;
}

/* What the judge says of people must be there for these. */
static bool asks_of_people(const struct route *route)
{
    return route->id == ROUTE_session || route->id == ROUTE_sign_in || route->id == ROUTE_challenge;
}

void visit_begin(struct gateway *gateway, struct exchange *ex)
{
    scoped(buf_done) struct buf allow = buf_of(64);
    struct str path = exchange_path(ex), id;
    const struct route *route = NULL;
    char principal[SESSION_PRINCIPAL_BYTES] = "";
    struct visitor visitor = {0};
    struct err err = {0};

    enum route_found found = route_find(exchange_method(ex), path, &route, &id, &allow);
    bool shown = sessions_shown(gateway, ex), known = true;
    if ((shown && sessions_wait(gateway, ex)) ||
        (found == ROUTE_FOUND && asks_of_people(route) && people_wait(gateway, ex)))
        return; /* it comes back here */
    if (shown)
        known = sessions_find(gateway, ex, &visitor, principal, &err);
    if (visitor.role == SESSION_NOBODY && known) {
        if (found == ROUTE_FOUND && front_takes(gateway, route, ex))
            return;
        if (found == ROUTE_UNKNOWN && front_takes_unknown(gateway, ex, path))
            return;
    }
    struct visit *visit = make(gateway, ex);
    visit->route = route;
    visit->id = id;
    visit->visitor = visitor;
    bool page = found == ROUTE_UNKNOWN && find_page(visit, path); /* open to everybody */
    if (!known && visit->route && needs_nobody(visit->route))
        known = true;
    /* before 404: a stranger learns nothing */
    if (!known || !name_principal(visit, principal, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    if (found == ROUTE_WRONG_METHOD) {
        reply_wrong_method(visit, str_from(buf_text(&allow)));
        return;
    }
    if (found == ROUTE_UNKNOWN && !page) {
        err_code(&err, ERR_INPUT, "no_route", NULL, "there is nothing at '%.*s'; see /openapi.json",
            (int)(path.len < ERROR_PATH_BYTES ? path.len : ERROR_PATH_BYTES), path.at);
        visit_reply_error(visit, &err);
        return;
    }
    if (!guard_length(visit, &err) || !guard_site(visit, &err) ||
        (visit->route->method != METHOD_GET && !guard_change(visit, &err))) {
        visit_reply_error(visit, &err);
        return;
    }
    if (front_has(visit->route)) {
        forget(visit);
        exchange_set_data(ex, NULL);
        exchange_on_gone(ex, NULL);
        front_takes_session(gateway, route, ex, &visitor);
        return;
    }
    HANDLERS[visit->route->id](visit);
}
