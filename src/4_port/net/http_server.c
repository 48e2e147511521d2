/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "net/server.h"
#include "os/clock.h"

#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FREE_REQUESTS_MAX 64 /* kept warm; as many exchanges */
#define WARM_BYTES_MAX 16384 /* a larger buffer is not kept */
#define MODEST_BODY_BYTES 131072
#define HEAP_PIECE_BYTES_MAX (1 << 20)
#define HEAP_FREE_BYTES (4 << 20)
#define FILES_SPARE 128 /* descriptors for everything but connections */
#define SCRATCH_BYTES_MAX (1u << 20)

void http_limits_default(struct http_limits *ret_limits)
{
    *ret_limits = (struct http_limits){
#define HTTP_LIMIT(name, min, max, standard, help) .name = standard,
#include "net/http_limits.def"
#undef HTTP_LIMIT
    };
}

static void check_limits(const struct http_limits *limits)
{
#define HTTP_LIMIT(name, min, max, standard, help)                                                 \
    if (limits->name < (min) || limits->name > (max))                                              \
        panic("http limit %s is %lld", #name, (long long)limits->name);
#include "net/http_limits.def"
#undef HTTP_LIMIT
}

/* As many descriptors as connections_max asks for, or fewer connections. */
static void raise_files(struct http_limits *limits)
{
    rlim_t want = (rlim_t)limits->connections_max + SERVER_REFUSALS_AT_ONCE_MAX + FILES_SPARE;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    if (files.rlim_cur < want) {
        struct rlimit more = {want, files.rlim_max > want ? files.rlim_max : want};
        if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
            more = (struct rlimit){files.rlim_max, files.rlim_max};
            (void)setrlimit(RLIMIT_NOFILE, &more);
        }
        if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= want)
            return;
        int64_t left = (int64_t)files.rlim_cur - SERVER_REFUSALS_AT_ONCE_MAX - FILES_SPARE;
        limits->connections_max = left > 1 ? left : 1;
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)limits->connections_max);
        log_event("connections_limited", "connections_max", text, "by", "RLIMIT_NOFILE", NULL);
    }
}

struct http_server *http_server_make(uv_loop_t *loop, const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof *server);

    check(server && config->handle);
    check_limits(&config->limits);
    signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    /* Long bodies go back to the system when they are freed. Left to itself, malloc learns from the
     * first of them to keep the next ones in its heap. Advice: an allocator that takes none (that
     * of AddressSanitizer) serves too. */
    (void)mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_BYTES_MAX);
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_FREE_BYTES);
    server->config = *config;
    raise_files(&server->config.limits);
    conn_shared_init(&server->shared, loop, (uint64_t)config->limits.write_ms);
    check(uv_idle_init(loop, &server->idle) == 0);
    server->idle.data = server;
    server->handles = 2;
    server->scratch = buf_of(SCRATCH_BYTES_MAX);
    server->date_s = -1;
    return server;
}

struct http_server_counts http_server_counts(const struct http_server *server)
{
    return server->counts;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

/* --- memory of requests and exchanges --------------------------------------------------- */

struct request *server_request_take(struct http_server *server)
{
    struct request *request = server->free_requests;

    if (request) {
        server->free_requests = request->next_free;
        server->free_requests_count--;
        return request;
    }
    request = calloc(1, sizeof *request);
    check(request);
    return request;
}

static void trim(struct buf *buf)
{
    if (buf->cap > WARM_BYTES_MAX)
        buf_done(buf);
    else
        buf_clear(buf);
}

void server_request_give(struct http_server *server, struct request **at)
{
    struct request *request = *at;

    *at = NULL;
    if (!request)
        return;
    trim(&request->text);
    trim(&request->body);
    if (server->free_requests_count < FREE_REQUESTS_MAX && !server->closing) {
        request->next_free = server->free_requests;
        server->free_requests = request;
        server->free_requests_count++;
        return;
    }
    buf_done(&request->text);
    buf_done(&request->body);
    free(request);
}

struct exchange *server_exchange_make(struct http_server *server, struct request *request)
{
    struct exchange *ex = server->free_exchanges;

    if (ex) {
        server->free_exchanges = ex->next_free;
        server->free_exchanges_count--;
    } else {
        ex = malloc(sizeof *ex);
        check(ex);
    }
    *ex = (struct exchange){.server = server,
        .request = request,
        .method = request->head.method,
        .body_bytes = request->body.cap};
    server->counts.input_bytes += ex->body_bytes;
    server->exchanges++;
    return ex;
}

struct str server_date(struct http_server *server)
{
    uint64_t turn_ms = uv_now(server->shared.loop);

    if (server->date_s >= 0 && turn_ms == server->date_turn_ms)
        return (struct str){server->date, HTTP_DATE_BYTES - 1};
    int64_t now_ms = clock_civil_ms();
    server->date_turn_ms = turn_ms;
    if (now_ms / 1000 != server->date_s) {
        server->date_s = now_ms / 1000;
        http_date(now_ms, server->date);
    }
    return (struct str){server->date, HTTP_DATE_BYTES - 1};
}

void server_error_body(
    struct buf *out, const char *type, const char *code, const char *param, const char *message)
{
    scoped(json_done) json_t *body =
        json_pack("{s:{s:s,s:s,s:s?,s:s?}}", "error", "message", message, "type", type, "param",
            param && *param ? param : NULL, "code", code && *code ? code : NULL);
    scoped(free_done) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    buf_add(out, text ? str_from(text)
                      : S("{\"error\":{\"message\":\"the error text is not UTF-8\","
                          "\"type\":\"system\",\"param\":null,\"code\":null}}"));
}

/* --- who may ask ------------------------------------------------------------------------- */

static const struct http_refusal BAD_PATH = {400, "bad_path",
    "the path holds a broken escape, an encoded '/', a control character, '.' or '..', or is not "
    "UTF-8"};
static const struct http_refusal NOT_OUR_NAME = {421, "wrong_host",
    "the Host header names none of this server's names; add the name to its settings if it is "
    "yours"};
static const struct http_refusal FOREIGN_ORIGIN = {403, "cross_site",
    "a page of another origin must not change anything here; add the origin to the settings if it "
    "is yours"};
static const struct http_refusal NOT_KNOWN_YET = {503, "not_ready",
    "this server is starting: which names and origins are its own is not known yet; ask again in a "
    "moment"};

static bool in_list(const char *const *list, struct str word)
{
    for (; list && *list; list++)
        if (str_eq_nocase(str_from(*list), word))
            return true;
    return false;
}

/* Same scheme, name and port as the request was sent to, or in the list. */
static bool origin_is_ours(
    const struct http_server *server, struct str origin, struct str host, bool tls)
{
    struct str scheme = tls ? S("https://") : S("http://");

    if (str_starts(origin, scheme) &&
        str_eq_nocase((struct str){origin.at + scheme.len, origin.len - scheme.len}, host))
        return true;
    return in_list(server->config.origins, origin);
}

uint64_t server_body_bytes(const struct http_server *server, const struct request *request)
{
    const struct http_server_config *config = &server->config;
    const struct http_head *head = &request->head;
    int64_t most = config->limits.body_bytes_max;

    if (config->body_bytes &&
        (head->chunked || head->content_length > (uint64_t)config->body_bytes_unasked)) {
        int64_t here = config->body_bytes(head->method, request->path, config->user);
        most = here < most ? here : most;
    }
    return (uint64_t)most;
}

/* The last eighth is for modest requests: prompts with pictures that wait for their engine must not
 * lock everybody out. */
bool server_room(const struct http_server *server, const struct request *request, uint64_t more)
{
    uint64_t most = (uint64_t)server->config.limits.input_bytes_max;

    if (request->head.chunked || request->head.content_length > MODEST_BODY_BYTES)
        most -= most / 8;
    return server->counts.input_bytes + more <= most;
}

static const struct http_refusal *foreign(
    const struct http_server *server, const struct http_refusal *refusal)
{
    const struct http_server_config *config = &server->config;

    return config->lists_whole && !config->lists_whole(config->user) ? &NOT_KNOWN_YET : refusal;
}

const struct http_refusal *server_judge(
    const struct http_server *server, const struct request *request, bool tls)
{
    const struct http_head *head = &request->head;
    struct str name, host = http_head_str(head, head->host);

    if (!request->path.at)
        return &BAD_PATH;
    if (!http_host_name(host, &name) ||
        !(http_host_is_loopback(name) || in_list(server->config.names, name)))
        return foreign(server, &NOT_OUR_NAME);
    if (!http_method_changes(head->method))
        return NULL;
    struct str origin = http_head_field(head, S("Origin"));
    return origin.at && !origin_is_ours(server, origin, host, tls)
               ? foreign(server, &FOREIGN_ORIGIN)
               : NULL;
}

/* --- connections ------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *idle)
{
    struct http_server *server = idle->data;
    size_t count = server->ready_count;

    for (size_t i = 0; i < count; i++)
        if (server->ready[i])
            h1_resume(server->ready[i]);
    memmove(server->ready, server->ready + count,
        (server->ready_count - count) * sizeof *server->ready);
    server->ready_count -= count;
    if (!server->ready_count)
        uv_idle_stop(idle);
}

void server_ready(struct http_server *server, struct conn *conn)
{
    if (server->ready_count == server->ready_cap) {
        size_t cap = server->ready_cap ? 2 * server->ready_cap : 16;
        struct conn **grown = realloc(server->ready, cap * sizeof *grown);
        check(grown);
        server->ready = grown;
        server->ready_cap = cap;
    }
    server->ready[server->ready_count++] = conn;
    uv_idle_start(&server->idle, on_idle);
}

void server_conn_closed(struct http_server *server, struct conn *conn)
{
    for (size_t i = 0; i < server->ready_count; i++)
        if (server->ready[i] == conn)
            server->ready[i] = NULL;
    server->counts.open--;
    server_end_if_done(server);
}

void server_exchange_give_request(struct exchange *ex)
{
    ex->server->counts.input_bytes -= ex->body_bytes;
    ex->body_bytes = 0;
    server_request_give(ex->server, &ex->request);
}

void server_exchange_free(struct exchange *ex)
{
    struct http_server *server = ex->server;

    server_exchange_give_request(ex);
    exchange_holds(ex, 0);
    if (server->free_exchanges_count < FREE_REQUESTS_MAX && !server->closing) {
        ex->next_free = server->free_exchanges;
        server->free_exchanges = ex;
        server->free_exchanges_count++;
    } else {
        free(ex);
    }
    server->exchanges--;
    server_end_if_done(server);
}

/* --- the end ----------------------------------------------------------------------------- */

static void free_server(struct http_server *server)
{
    void (*closed)(void *) = server->closed;
    void *user = server->closed_user;

    while (server->free_exchanges) {
        struct exchange *ex = server->free_exchanges;
        server->free_exchanges = ex->next_free;
        free(ex);
    }
    while (server->free_requests) {
        struct request *request = server->free_requests;
        server->free_requests = request->next_free;
        buf_done(&request->text);
        buf_done(&request->body);
        free(request);
    }
    buf_done(&server->scratch);
    free(server->ready);
    conn_shared_done(&server->shared);
    free(server);
    if (closed)
        closed(user);
}

static void handle_closed(struct http_server *server)
{
    if (--server->handles == 0)
        free_server(server);
}

static void on_idle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void on_wheel_closed(uv_handle_t *handle)
{
    struct wheel *wheel = handle->data;
    handle_closed(
        (struct http_server *)((char *)wheel - offsetof(struct http_server, shared.wheel)));
}

void server_end_if_done(struct http_server *server)
{
    if (!server->closing || server->ending || server->counts.open || server->exchanges ||
        server->listeners)
        return;
    server->ending = true;
    uv_idle_stop(&server->idle);
    uv_close((uv_handle_t *)&server->idle, on_idle_closed);
    wheel_close(&server->shared.wheel, on_wheel_closed);
}

void http_server_stop_listening(struct http_server *server)
{
    server->stopping = true;
    listeners_close(server);
    for (struct conn *conn = server->shared.conns; conn; conn = conn->next)
        h1_drain(conn);
}

void http_server_close(struct http_server *server, void (*closed)(void *user), void *user)
{
    check(!server->closing);
    server->stopping = server->closing = true;
    server->closed = closed;
    server->closed_user = user;
    listeners_close(server);
    for (struct conn *conn = server->shared.conns; conn; conn = conn->next)
        conn_close(conn);
    server_end_if_done(server);
}
