/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "gateway/export.h"
#include "gateway/inside.h"
#include "os/fd.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define SOCKET_MODE 0660
#define READY_AGAIN_MS 500
#define DRAIN_LOOK_MS 20
#define LISTEN_BYTES_MAX 128

static const struct setting ROWS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct gateway_settings, name)},
#include "gateway/gateway_settings.def"
#undef SETTING
#define HTTP_LIMIT(name, min, max, standard, help)                                                 \
    {#name, min, max, standard, help, offsetof(struct gateway_settings, http.name)},
#include "net/http_limits.def"
#undef HTTP_LIMIT
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct gateway_settings, inference.name)},
#include "inference/inference_settings.def"
#undef SETTING
#define IDENTITY_LIMIT(name, min, max, standard, help)                                             \
    {#name, min, max, standard, help, offsetof(struct gateway_settings, identity.name)},
#include "identity/identity_limits.def"
#undef IDENTITY_LIMIT
#define UPSTREAM_LIMIT(name, min, max, standard, help)                                             \
    {#name, min, max, standard, help, offsetof(struct gateway_settings, upstream.name)},
#include "net/upstream_limits.def"
#undef UPSTREAM_LIMIT
};

/* What libcurl needs to find and trust an engine; nothing of HOME. */
static const char *const READABLE[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
    "/etc/gai.conf", "/etc/host.conf", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"};

/* --- the judge comes and goes ---------------------------------------------------------------- */

static void on_event(void *owner, json_t *message)
{
    struct gateway *g = owner;

    if (strcmp(message_text(message, "kind"), "kb_loaded") == 0) {
        json_decref(g->actions); /* other rules, other actions */
        g->actions = NULL;
    }
    live_event(&g->live, message);
    sessions_event(g, message);
    hub_event(&g->hub, message);
    inference_event(g->front.inference, message);
    runbooks_event(g, message);
}

static void on_stage(void *owner, json_t *message)
{
    struct gateway *g = owner;

    inference_stage(g->front.inference, message);
    live_stage(&g->live, message);
}

static void on_make_way(void *owner, json_t *message)
{
    const struct gateway *g = owner;

    inference_make_way(g->front.inference, json_object_get(message, "pools"));
}

static void ask_ready(struct gateway *g);

static void on_ready_again(uv_timer_t *timer)
{
    ask_ready(timer->data);
}

static void on_status(void *owner, json_t *body, const struct err *why)
{
    struct gateway *g = owner;

    bool can_record = !json_is_false(json_object_get(body, "ledger"));
    bool was_ready = g->judge_ready;

    g->judge_ready = !why && can_record;
    if (g->judge_ready && !was_ready)
        runbooks_judge(g);
    if (!g->judge_ready && link_connected(&g->link))
        uv_timer_start(g->ready_again, on_ready_again, READY_AGAIN_MS, 0);
}

/* Ready is a judge that has answered and has its ledger. */
static void ask_ready(struct gateway *g)
{
    struct link_call *call;
    struct err err;
    const struct link_request request = {.method = S("status"),
        .who = S("{\"principal\":\"node:gateway\",\"channel\":\"internal\"}"),
        .body = S("{}"),
        .pace = LINK_SLOW,
        .never_held = true,
        .answered = on_status,
        .owner = g};

    if (!link_ask(&g->link, &request, &call, &err) && link_connected(&g->link))
        uv_timer_start(g->ready_again, on_ready_again, READY_AGAIN_MS, 0);
}

static void on_joined(void *owner)
{
    struct gateway *g = owner;

    json_decref(g->actions);
    g->actions = NULL;
    g->judge_ready = false;
    ask_ready(g);
    sessions_judge(g);
    hub_joined(&g->hub);
    live_joined(&g->live);
    inference_judge(g->front.inference, true);
    log_event("judge_joined", NULL);
}

static void on_lost(void *owner)
{
    struct gateway *g = owner;

    g->judge_ready = false;
    g->metrics.judge_restarts++;
    inference_judge(g->front.inference, false);
    log_error("judge_lost", NULL);
}

static const struct link_events LINK_EVENTS = {on_event, on_stage, on_make_way, on_joined, on_lost};

/* --- opening --------------------------------------------------------------------------------- */

static void on_request(struct exchange *ex, void *user)
{
    const struct gateway *g = user;

    if (g->role->ended)
        exchange_reply(ex, 503, S(""), NULL, 0, S(""));
    else
        visit_begin(user, ex);
}

/* "127.0.0.1:30080", "[::1]:30080", "localhost:30080" */
static bool split_listen(
    struct str listen, char ret_address[LISTEN_BYTES_MAX], uint16_t *ret_port, struct err *err)
{
    size_t colon = listen.len;
    uint64_t port = 0;

    while (colon && listen.at[colon - 1] != ':')
        colon--;
    struct str address = {listen.at, colon ? colon - 1 : 0};
    if (!colon ||
        !str_to_u64((struct str){listen.at + colon, listen.len - colon}, UINT16_MAX, &port) ||
        address.len == 0 || address.len >= LISTEN_BYTES_MAX)
        return err_code(err, ERR_INPUT, "bad_listen", "listen",
            "'%.100s' is not ADDRESS:PORT, e.g. 127.0.0.1:30080", listen.at);
    if (str_eq(address, S("localhost")))
        address = S("127.0.0.1");
    if (str_starts(address, S("[")) && str_ends(address, S("]")))
        address = (struct str){address.at + 1, address.len - 2};
    snprintf(ret_address, LISTEN_BYTES_MAX, "%.*s", STR(address));
    *ret_port = (uint16_t)port;
    return true;
}

static bool guard_listen(const struct gateway *g, const char *address, struct err *err)
{
    bool has_tokens = g->tokens.count || identity_counts(g->front.identity).callers;

    if (http_address_is_loopback(address) || (g->tls && has_tokens))
        return true;
    return err_code(err, ERR_DENIED, "open_without_lock", "listen",
        "refused to listen on %s, which other machines reach, %s: give --tls-cert, --tls-key and "
        "a token (logicctl token create, or --tokens), or listen on 127.0.0.1",
        address,
        g->tls       ? "without tokens"
        : has_tokens ? "without TLS"
                     : "without TLS and tokens");
}

static void own_socket(const struct gateway *g, char ret_path[PATH_MAX])
{
    const char *given = role_config_text(g->role, "socket");

    role_path(g->role, "run/api.sock", ret_path);
    if (*given)
        snprintf(ret_path, PATH_MAX, "%s", given);
}

void gateway_own_url(const struct gateway *g, char url[GATEWAY_URL_BYTES])
{
    char path[PATH_MAX];

    own_socket(g, path);
    snprintf(url, GATEWAY_URL_BYTES, "unix:%s", path);
}

static bool listen_all(struct gateway *g, struct err *err)
{
    char address[LISTEN_BYTES_MAX], socket_path[PATH_MAX];
    uint16_t port = 0;

    if (!split_listen(str_from(role_config_text(g->role, "listen")), address, &port, err) ||
        !guard_listen(g, address, err))
        return false;
    own_socket(g, socket_path);
    return http_server_listen_tcp(g->server, address, port, g->tls, err) &&
           http_server_listen_unix(g->server, socket_path, SOCKET_MODE, err);
}

static bool open_locks(struct gateway *g, struct err *err)
{
    const char *cert = role_config_text(g->role, "tls_cert");
    const char *key = role_config_text(g->role, "tls_key");
    const char *tokens = role_config_text(g->role, "tokens");

    if (!*cert != !*key)
        return err_code(err, ERR_INPUT, "half_tls", *cert ? "tls_key" : "tls_cert",
            "TLS needs both, --tls-cert and --tls-key");
    const char *client_ca = role_config_text(g->role, "tls_client_ca");
    if (*client_ca && !*cert)
        return err_code(err, ERR_INPUT, "half_tls", "tls_cert",
            "--tls-client-ca says whose certificates callers may show: it needs --tls-cert too");
    if (*cert && !tls_open(cert, key, *client_ca ? client_ca : NULL, &g->tls, err))
        return false;
    if (*client_ca) /* who shows none needs a token */
        tls_certificate_optional(g->tls);
    return (!*tokens || tokens_load(tokens, &g->tokens, err));
}

static bool open_model(struct gateway *g, struct err *err)
{
    const struct model_config config = {.url = role_config_text(g->role, "llm"),
        .name = role_config_text(g->role, "llm_model"),
        .calls_max = g->settings.model_calls_max,
        .queue_max = g->settings.model_queue_max,
        .budget_ms = g->settings.model_budget_ms,
        .response_bytes_max = g->settings.model_response_bytes_max};

    if (!*config.url)
        return true;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(err, ERR_SYSTEM, "cannot start libcurl");
    return model_open(&g->role->loop, &config, &g->model, err);
}

/* The host of --listen, as a Host header names it; empty for every address of this machine. */
static struct str listen_host(const struct gateway *g)
{
    struct str name, listen = str_from(role_config_text(g->role, "listen"));

    if (!http_host_name(listen, &name) || str_eq(name, S("0.0.0.0")) || str_eq(name, S("[::]")))
        return S("");
    return name;
}

/* The rules name the page's addresses. */
static bool lists_whole(void *user)
{
    return people_known(user);
}

static void open_server(struct gateway *g)
{
    const json_t *names = role_config(g->role, "names");
    struct http_server_config config = {.limits = g->settings.http,
        .body_bytes = visit_body_bytes,
        .body_bytes_unasked = g->settings.api_body_bytes_max,
        .lists_whole = lists_whole,
        .handle = on_request,
        .user = g};

    g->names = calloc(json_array_size(names) + 1 + PEOPLE_ORIGINS_MAX + 1, sizeof *g->names);
    g->origins = calloc(PEOPLE_ORIGINS_MAX + 1, sizeof *g->origins);
    check(g->names && g->origins);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        g->names[g->names_own++] = str_dup(str_from(name ? name : "-"));
    }
    struct str address = listen_host(g);
    if (address.len)
        g->names[g->names_own++] = str_dup(address);
    config.names = (const char *const *)g->names;
    config.origins = (const char *const *)g->origins;
    g->server = http_server_make(&g->role->loop, &config);
}

/* jansson seeds its hashes from a file: once, before the sandbox. */
static void warm_up(void)
{
    struct err err;
    scoped(json_done) json_t *value = NULL;

    (void)json_read(S("{\"a\":1}"), 64, &value, &err);
}

static bool open_gateway(struct role *role, struct err *err)
{
    struct gateway *g = calloc(1, sizeof *g);

    check(g);
    g->role = role;
    role->state = g;
    g->reply = buf_of(REPLY_BYTES_MAX);
    g->body = buf_of(MESSAGE_BYTES_MAX);
    g->role_stats = json_object();
    warm_up();
    metrics_init(&g->metrics);
    settings_default(ROWS, COUNT(ROWS), &g->settings);
    if (!settings_apply(ROWS, COUNT(ROWS), role_config(role, "settings"), &g->settings, err) ||
        !open_locks(g, err) || !pages_load(role_config_text(role, "web"), &g->pages, err) ||
        !open_model(g, err) || !front_open(g, err) || !sessions_open(g, err) ||
        !documents_open(g, err) || !runbooks_open(g, err))
        return false;
    open_server(g);
    if (!listen_all(g, err) || !enrolments_open(g, err))
        return false;
    role->deny = SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK | SANDBOX_DENY_SIGNALS;
    for (size_t i = 0; i < COUNT(READABLE); i++)
        role_allow_read(role, READABLE[i]);
    return true;
}

/* --- life ------------------------------------------------------------------------------------ */

static uv_timer_t *make_timer(struct gateway *g)
{
    uv_timer_t *timer = calloc(1, sizeof *timer);

    check(timer && uv_timer_init(&g->role->loop, timer) == 0);
    timer->data = g;
    return timer;
}

/* The control channel opens after start(): from the loop it can be told. */
static void on_first_turn(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    role_ready(g->role);
}

static bool start_gateway(struct role *role, struct err *err)
{
    struct gateway *g = role->state;
    const struct gateway_settings *s = &g->settings;
    const struct link_limits link = {.in_flight_max = s->in_flight_max,
        .hold_ms = s->judge_hold_ms,
        .answer_ms = {s->judge_brief_ms, s->judge_fast_ms, s->judge_slow_ms, s->judge_long_ms}};
    const struct hub_limits hub = {s->subscribers_max, s->heartbeat_ms, s->replay_max,
        s->replay_page, s->http.stream_resume_bytes, s->stream_pause_ms,
        s->stream_gather_bytes_max};
    const struct live_limits live = {s->house_ms, s->queue_ms};

    if (!front_start(g, err) || !documents_start(g, err))
        return false;
    g->ready_again = make_timer(g);
    g->once = make_timer(g);
    link_init(&g->link, &role->loop, &link, &LINK_EVENTS, g);
    hub_init(&g->hub, &role->loop, &g->link, &hub);
    g->hub.token_lives = front_token_lives;
    g->hub.token_owner = g;
    live_init(&g->live, &role->loop, &g->hub, &g->link, g->front.inference, &live);
    sessions_start(g);
    uv_timer_start(g->once, on_first_turn, 0, 0);
    return true;
}

static void on_peer(struct role *role, const char *name, int fd)
{
    struct gateway *g = role->state;

    if (strcmp(name, "judge") == 0 && !role->ended) {
        link_join(&g->link, fd);
        return;
    }
    log_error("peer_refused", "name", name, NULL);
    fd_done(&fd);
}

/* --- the end --------------------------------------------------------------------------------- */

static void leave_judge(struct gateway *g)
{
    if (!g->link.slots) /* it was done before, or never begun */
        return;
    hub_done(&g->hub);
    live_done(&g->live);
    link_done(&g->link);
}

/* The loop still hands out what is there in its last round: no judge is heard then, and whoever
 * asks gets a 503 (on_request). */
static void end(struct gateway *g)
{
    struct err err = {0};

    err_code(&err, ERR_PEER, "stopping", NULL,
        "the node is stopping; look at GET /api/v1/cases when it is back");
    while (g->visits)
        visit_reply_error(g->visits, &err);
    sessions_close(g);
    leave_judge(g);
    documents_close(g);
    front_close(g);
    role_end(g->role, 0);
}

static void on_drain_look(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    g->settings.drain_ms -= DRAIN_LOOK_MS;
    if ((g->visit_count == 0 && !inference_open_requests(g->front.inference)) ||
        g->settings.drain_ms <= 0) {
        uv_timer_stop(timer);
        end(g);
    }
}

/* Streams end at once: their clients come back with what they have. */
static void stop_gateway(struct role *role)
{
    struct gateway *g = role->state;

    if (g->stopping)
        return;
    g->stopping = true;
    http_server_stop_listening(g->server);
    front_stop(g);
    runbooks_stop(g);
    hub_end_all(&g->hub);
    export_stop_all(g);
    uv_timer_start(g->once, on_drain_look, 0, DRAIN_LOOK_MS);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void gateway_free(struct role *role)
{
    struct gateway *g = role->state;

    sessions_close(g);
    leave_judge(g);
    if (g->once) { /* it was started */
        uv_close((uv_handle_t *)g->ready_again, on_timer_closed);
        uv_close((uv_handle_t *)g->once, on_timer_closed);
    }
    documents_close(g);
    front_close(g);
    model_close(g->model);
    runbooks_close(g);
    if (g->server)
        http_server_close(g->server, NULL, NULL);
    uv_run(&role->loop, UV_RUN_DEFAULT);
    tls_close(&g->tls);
    tls_close(&g->front.agent_tls);
    identity_close(&g->front.identity);
    tokens_done(&g->tokens);
    sessions_free(g);
    enrolments_close(g);
    pages_done(&g->pages);
    metrics_done(&g->metrics);
    json_decref(g->role_stats);
    json_decref(g->actions);
    buf_done(&g->reply);
    buf_done(&g->body);
    for (size_t i = 0; g->names && i < g->names_own + PEOPLE_ORIGINS_MAX; i++)
        free(g->names[i]);
    for (size_t i = 0; g->origins && i < PEOPLE_ORIGINS_MAX; i++)
        free(g->origins[i]);
    free(g->names);
    free(g->origins);
    free(g);
    role->state = NULL;
}

uint16_t gateway_port(const struct role *role)
{
    const struct gateway *g = role->state;
    return http_server_port(g->server);
}

/* The supervisor's own numbers: they are worth most while the judge is away. */
static void gateway_control(struct role *role, enum message_type type, json_t *message)
{
    struct gateway *g = role->state;

    if (type == MESSAGE_stats)
        json_object_set(g->role_stats, "supervisor", json_object_get(message, "values"));
    else
        log_error("message_refused", "from", "supervisor", "type", message_type_name(type), NULL);
}

const struct role_kind GATEWAY_ROLE = {
    .name = "gateway",
    .open = open_gateway,
    .start = start_gateway,
    .peer = on_peer,
    .stop = stop_gateway,
    .control = gateway_control,
};
