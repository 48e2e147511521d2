/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/front.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/inside.h"
#include "net/tls.h"
#include "os/clock.h"
#include "os/file.h"
#include "pki/pki.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FLUSH_MS 1000
#define NODE_WHO S("{\"principal\":\"node:gateway\",\"channel\":\"node\"}")
#define NOT_INFERENCE (-1)

/* The routes of inference; all others are visits. */
static int inference_route(enum route_id id)
{
    static const int ROUTE_OF[ROUTES] = {
        [ROUTE_v1_chat] = INFERENCE_chat + 1,
        [ROUTE_v1_completions] = INFERENCE_completions + 1,
        [ROUTE_v1_embeddings] = INFERENCE_embeddings + 1,
        [ROUTE_v1_models] = INFERENCE_models + 1,
        [ROUTE_v1_model] = INFERENCE_model + 1,
        [ROUTE_v1_capabilities] = INFERENCE_capabilities + 1,
        [ROUTE_queue] = INFERENCE_queue + 1,
        [ROUTE_ollama_chat] = INFERENCE_ollama_chat + 1,
        [ROUTE_ollama_generate] = INFERENCE_ollama_generate + 1,
        [ROUTE_ollama_embed] = INFERENCE_ollama_embed + 1,
        [ROUTE_ollama_embeddings] = INFERENCE_ollama_embeddings + 1,
        [ROUTE_ollama_tags] = INFERENCE_ollama_tags + 1,
        [ROUTE_ollama_ps] = INFERENCE_ollama_ps + 1,
        [ROUTE_ollama_show] = INFERENCE_ollama_show + 1,
        [ROUTE_ollama_version] = INFERENCE_ollama_version + 1,
    };

    return ROUTE_OF[id] - 1;
}

/* --- questions to the judge --------------------------------------------------------------- */

struct front_question {
    struct front_question *next, *before;
    struct gateway *gateway;
    struct link_call *call;
    inference_answered *answered;
    void *asker;
};

static void drop(struct front_question *q)
{
    if (q->before)
        q->before->next = q->next;
    else
        q->gateway->front.questions = q->next;
    if (q->next)
        q->next->before = q->before;
    free(q);
}

static void on_answer(void *owner, json_t *body, const struct err *why)
{
    struct front_question *q = owner;
    inference_answered *answered = q->answered;
    void *asker = q->asker;

    drop(q);
    answered(asker, body, why);
}

static bool ask(void *owner, const char *method, json_t *body, bool slow,
    inference_answered *answered, void *asker, struct err *err)
{
    struct gateway *g = owner;
    struct front_question *q = calloc(1, sizeof *q);
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);

    check(q);
    *q = (struct front_question){
        .gateway = g, .answered = answered, .asker = asker, .next = g->front.questions};
    if (q->next)
        q->next->before = q;
    g->front.questions = q;
    const struct link_request request = {.method = str_from(method),
        .who = NODE_WHO,
        .body = json_plain(body, &text, err) ? buf_str(&text) : S("{}"),
        .pace = slow ? LINK_LONG : LINK_FAST,
        .answered = on_answer,
        .owner = q};
    if (link_ask(&g->link, &request, &q->call, err))
        return true;
    drop(q);
    return false;
}

static void on_finished(void *owner, enum inference_route route, int status, int64_t spent_ns)
{
    struct gateway *g = owner;

    metrics_count(&g->metrics, g->front.routes[route], status, spent_ns);
}

/* --- opening ------------------------------------------------------------------------------------
 */

/* Certificates of the node for its agents: there once an agent was enrolled, in a folder that may
 * be read in the sandbox too. Whoever enrolled one before there was this folder has them beside it.
 */
static bool open_agent_pki(struct gateway *g, struct err *err)
{
    char pki[PATH_MAX], certificate[PATH_MAX];

    role_path(g->role, "pki", pki);
    role_path(g->role, "pki/gateway.crt", certificate);
    role_path(g->role, "pki/gateway", g->front.agent_pki);
    if (!file_make_folder(g->front.agent_pki, 0700, err))
        return false;
    role_allow_read(g->role, g->front.agent_pki);
    return access(certificate, F_OK) != 0 || pki_show(pki, "gateway", err);
}

static bool home_text(struct gateway *g, const char *before, const char *tail, char *to,
    size_t bytes, struct err *err)
{
    char path[PATH_MAX];

    role_path(g->role, tail, path);
    if ((size_t)snprintf(to, bytes, "%s%s", before, path) < bytes)
        return true;
    return err_set(err, ERR_INPUT, "the path of the node's home is too long: '%.100s'", path);
}

static bool make_folder(struct gateway *g, const char *name, mode_t mode, struct err *err)
{
    char path[PATH_MAX];

    role_path(g->role, name, path);
    return file_make_folder(path, mode, err);
}

bool front_open(struct gateway *g, struct err *err)
{
    struct front *f = &g->front;
    char tokens[PATH_MAX], usage[PATH_MAX], folder[PATH_MAX];
    struct identity_config identity;

    if (!make_folder(g, "tokens", 0700, err) || !make_folder(g, "catalogue", 0755, err) ||
        !make_folder(g, "usage", 0700, err) ||
        !home_text(g, "", "catalogue/models.json", f->catalogue, sizeof f->catalogue, err) ||
        !home_text(g, "unix:", "run/agent.sock", f->agent_place, sizeof f->agent_place, err))
        return false;
    role_path(g->role, "tokens/tokens.json", tokens);
    role_path(g->role, "usage/usage.db", usage);
    identity = (struct identity_config){.path = tokens, .limits = g->settings.identity};
    if (!identity_open(&identity, &f->identity, err) || !usage_open(usage, &f->usage, err) ||
        !open_agent_pki(g, err))
        return false;
    role_path(g->role, "tokens", folder);
    role_allow_read(g->role, folder);
    role_path(g->role, "catalogue", folder);
    role_allow_read(g->role, folder);
    role_path(g->role, "run", folder); /* to connect to the agent's socket */
    role_allow_read(g->role, folder);
    role_path(g->role, "usage", folder);
    role_allow_write(g->role, folder);
    return true;
}

bool front_start(struct gateway *g, struct err *err)
{
    struct front *f = &g->front;
    const struct inference_config config = {.settings = g->settings.inference,
        .upstream = g->settings.upstream,
        .catalogue = f->catalogue,
        .agent_place = f->agent_place,
        .agent_pki = f->agent_pki,
        .agent_tls = &f->agent_tls,
        .usage = f->usage,
        .ask = ask,
        .finished = on_finished,
        .owner = g};

    for (size_t i = 0; i < ROUTES; i++)
        if (inference_route((enum route_id)i) != NOT_INFERENCE)
            f->routes[inference_route((enum route_id)i)] = i;
    identity_watch(f->identity, &g->role->loop);
    usage_start(f->usage, &g->role->loop, FLUSH_MS);
    return inference_open(&g->role->loop, &config, &f->inference, err);
}

void front_stop(struct gateway *g)
{
    inference_stop(g->front.inference);
}

/* Whoever asked hears it, to let go of what it kept. The link is done: no answer comes any more. */
static void end_questions(struct gateway *g)
{
    struct err why = {0};

    err_code(&why, ERR_PEER, "stopping", NULL, "the node is stopping");
    while (g->front.questions)
        on_answer(g->front.questions, NULL, &why);
}

void front_close(struct gateway *g)
{
    struct front *f = &g->front;

    inference_close(f->inference);
    f->inference = NULL;
    end_questions(g);
    if (f->identity)
        identity_unwatch(f->identity);
    if (f->usage)
        usage_close(f->usage, NULL, NULL);
    f->usage = NULL;
}

/* --- callers
 * -------------------------------------------------------------------------------------- */

static struct caller *who(struct gateway *g, struct exchange *ex, struct identity_now now,
    struct identity_refusal *ret_refusal)
{
    bool local = exchange_peer(ex)->channel != EXCHANGE_REMOTE && !sessions_by_proxy(g, ex);
    char name[EXCHANGE_NAME_BYTES];
    bool has_name = exchange_peer_name(ex, name);
    const struct identity_shown shown = {.authorization = exchange_header(ex, S("Authorization")),
        .api_key = exchange_header(ex, S("X-Api-Key")),
        .certificate = has_name ? str_from(name) : (struct str){0},
        .local = local};
    struct caller *node = identity_own_find(g->front.identity, &shown);

    return node ? node : identity_find(g->front.identity, &shown, now, ret_refusal);
}

const struct caller *front_caller(struct gateway *g, struct exchange *ex, enum caller_scope scope,
    struct identity_refusal *ret_refusal)
{
    struct caller *caller = who(g, ex, identity_clock(), ret_refusal);

    if (caller && caller->is_local) /* a dummy key: inference shrugs at it, this API does not */
        return NULL;
    return caller && identity_may(caller, scope, S(""), ret_refusal) ? caller : NULL;
}

bool front_token_lives(void *gateway, const char *id, bool sees_queue)
{
    const struct gateway *g = gateway;
    struct identity_refusal refusal;
    const struct caller *caller =
        identity_row(g->front.identity, id, NULL, identity_clock(), &refusal);

    return caller && caller->scopes & (CALLER_API | CALLER_VIEW) &&
           (!sees_queue || caller->scopes & (CALLER_API | CALLER_QUEUE));
}

/* A page of another site must not spend this machine's power with a visitor's browser. */
static bool foreign_page(struct exchange *ex)
{
    struct str site = exchange_header(ex, S("Sec-Fetch-Site"));

    return site.at && !str_eq(site, S("same-origin")) && !str_eq(site, S("none")) &&
           !exchange_header(ex, S("Authorization")).at;
}

bool front_has(const struct route *route)
{
    return inference_route(route->id) != NOT_INFERENCE;
}

bool front_takes(struct gateway *g, const struct route *route, struct exchange *ex)
{
    int at = inference_route(route->id);
    struct identity_refusal refusal; /* large: filled only where it is needed */
    struct identity_now now;

    if (at == NOT_INFERENCE)
        return false;
    if (foreign_page(ex)) {
        refusal = (struct identity_refusal){.status = 403, .code = "endpoint_not_allowed"};
        snprintf(refusal.message, sizeof refusal.message,
            "a page of another site made this request (Sec-Fetch-Site) and shows no token");
        inference_refuse(ex, (enum inference_route)at, &refusal);
        return true;
    }
    now = identity_clock();
    struct caller *caller = who(g, ex, now, &refusal);
    if (caller) {
        inference_take(g->front.inference, ex, (enum inference_route)at, caller, now);
        return true;
    }
    char label[CALLER_LABEL_BYTES];
    snprintf(label, sizeof label, "%s%s", *refusal.fp6 ? "token:" : "", refusal.fp6);
    log_event("caller_refused", "identity", label, "reason", refusal.reason, NULL);
    metrics_count(&g->metrics, route->id, refusal.status, 0);
    inference_refuse(ex, (enum inference_route)at, &refusal);
    return true;
}

void front_takes_session(struct gateway *g, const struct route *route, struct exchange *ex,
    const struct visitor *visitor)
{
    static const uint32_t SCOPES[INFERENCE_ROUTES] = {
#define INFERENCE_ROUTE(name, scope, error) [INFERENCE_##name] = scope,
#include "inference/inference_routes.def"
#undef INFERENCE_ROUTE
    };
    const struct identity_refusal refusal = {.status = 429,
        .code = "concurrency_limit",
        .message = "as many callers as there can be have requests under way",
        .retry_after_ms = 1000};
    int at = inference_route(route->id);

    check(at != NOT_INFERENCE);
    struct caller *caller = sessions_caller(g, visitor, ex, SCOPES[at]);
    if (caller) {
        inference_take(g->front.inference, ex, (enum inference_route)at, caller, identity_clock());
        return;
    }
    metrics_count(&g->metrics, route->id, refusal.status, 0);
    inference_refuse(ex, (enum inference_route)at, &refusal);
}

/* Only whoever may ask at all is told what there is not. */
bool front_takes_unknown(struct gateway *g, struct exchange *ex, struct str path)
{
    struct identity_refusal refusal;
    bool ollama = str_starts(path, S("/api/")) && !str_starts(path, S("/api/v1"));

    if (!ollama && !str_starts(path, S("/v1/")))
        return false;
    if (who(g, ex, identity_clock(), &refusal))
        inference_unknown(ex, path);
    else
        inference_refuse(ex, ollama ? INFERENCE_ollama_chat : INFERENCE_chat, &refusal);
    return true;
}

/* --- /api/v1/usage
 * ----------------------------------------------------------------------------------- */

static void on_usage(void *owner, const json_t *value, const struct err *err)
{
    struct visit *visit = owner;

    if (err)
        visit_reply_error(visit, err);
    else
        visit_reply_json(visit, 200, value);
}

static bool usage_query(struct visit *visit, const char *name, struct buf *out, struct err *err)
{
    bool found;

    buf_clear(out);
    return http_query_value(exchange_query(visit->ex), str_from(name), out, &found, err);
}

/* ?since=2026-11-01&by=caller|model|day|both&caller=NAME&model=NAME */
void route_usage(struct visit *visit)
{
    scoped(buf_done) struct buf since = buf_of(64), by = buf_of(64), caller = buf_of(256),
                                model = buf_of(256);
    struct usage_question question = {.by = USAGE_BY_CALLER_MODEL};
    struct err err = {0};
    char day[CLOCK_TEXT_BYTES + 64];

    if (!usage_query(visit, "since", &since, &err) || !usage_query(visit, "by", &by, &err) ||
        !usage_query(visit, "caller", &caller, &err) ||
        !usage_query(visit, "model", &model, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    snprintf(day, sizeof day, "%.*s%s", STR(buf_str(&since)), since.len == 10 ? "T00:00:00Z" : "");
    if ((since.len && !clock_from_text(day, &question.since_ms)) ||
        (by.len && !usage_by_from(buf_str(&by), &question.by))) {
        err_code(&err, ERR_INPUT, "bad_query", since.len ? "since" : "by",
            "`since` is a day such as 2026-11-01, `by` is caller, model, day or both");
        visit_reply_error(visit, &err);
        return;
    }
    question.caller = buf_str(&caller);
    question.model = buf_str(&model);
    visit->uses_usage = true;
    if (!usage_ask(visit->gateway->front.usage, &question, on_usage, visit, &err))
        visit_reply_error(visit, &err);
}

/* --- /metrics
 * ------------------------------------------------------------------------------------------- */

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    buf_printf(out,
        "# HELP logic_node_inference_%s %s\n# TYPE logic_node_inference_%s counter\n"
        "logic_node_inference_%s %" PRIu64 "\n",
        name, help, name, name, value);
}

void front_metrics(const struct gateway *g, struct buf *out)
{
    struct inference_counts c = inference_counts(g->front.inference);
    struct identity_counts i = identity_counts(g->front.identity);

    counter(out, "requests_total", "Requests of callers that asked an engine.", c.requests);
    counter(out, "held_total", "Of them, held with signs of life.", c.held);
    counter(out, "refused_total", "Refused before anything was asked.", c.refused);
    counter(out, "cancelled_total", "The caller left.", c.cancelled);
    counter(out, "failed_total", "Ended as an error.", c.failed);
    counter(out, "retried_total", "Put back because an engine was not there.", c.retried);
    counter(out, "proposals_total", "Wakes, loads, unloads and sleeps proposed.", c.proposals);
    counter(out, "prompt_tokens_total", "Tokens read by engines.", c.prompt_tokens);
    counter(out, "completion_tokens_total", "Tokens written by engines.", c.completion_tokens);
    counter(out, "token_verifications_total", "Signatures of tokens checked.", i.verified);
    counter(out, "token_refusals_total", "Tokens refused.", i.refused);
    buf_printf(out,
        "# HELP logic_node_inference_waiting Requests that wait.\n"
        "# TYPE logic_node_inference_waiting gauge\nlogic_node_inference_waiting %" PRId64
        "\n# HELP logic_node_inference_running Requests with an engine.\n"
        "# TYPE logic_node_inference_running gauge\nlogic_node_inference_running %" PRId64 "\n",
        c.waiting, c.running);
}

#define ROUTE_OF_INFERENCE(name)                                                                   \
    void route_##name(struct visit *visit)                                                         \
    {                                                                                              \
        (void)visit;                                                                               \
        panic("route " #name " is taken by front_takes()");                                        \
    }
ROUTE_OF_INFERENCE(v1_chat)
ROUTE_OF_INFERENCE(v1_completions)
ROUTE_OF_INFERENCE(v1_embeddings)
ROUTE_OF_INFERENCE(v1_models)
ROUTE_OF_INFERENCE(v1_model)
ROUTE_OF_INFERENCE(v1_capabilities)
ROUTE_OF_INFERENCE(queue)
ROUTE_OF_INFERENCE(ollama_chat)
ROUTE_OF_INFERENCE(ollama_generate)
ROUTE_OF_INFERENCE(ollama_embed)
ROUTE_OF_INFERENCE(ollama_embeddings)
ROUTE_OF_INFERENCE(ollama_tags)
ROUTE_OF_INFERENCE(ollama_ps)
ROUTE_OF_INFERENCE(ollama_show)
ROUTE_OF_INFERENCE(ollama_version)
