/* SPDX-License-Identifier: Apache-2.0
 * net_proxy_bench PORT URL — the least a proxy can be: http_server in front, upstream behind,
 * nothing between them. The floor below which no gateway of ours can come; bench/proxy_floor.py
 * measures it. Ends at SIGTERM. */
#include "base/panic.h"
#include "net/http_server.h"
#include "net/upstream.h"

#include <stdio.h>
#include <stdlib.h>

/* Beyond, the engine is not read; what was read already still fits below stream_behind_bytes_max.
 */
#define QUEUED_BYTES_MAX 131072

struct proxy {
    struct upstream *upstream;
    struct upstream_place *place;
};

static void on_gone(struct exchange *ex, void *data)
{
    if (data)
        upstream_cancel(data);
    exchange_stream_abort(ex);
}

static void on_drained(struct exchange *ex, void *data)
{
    (void)ex;
    if (data)
        upstream_resume(data);
}

/* What goes on to the client: all that is not about the connection. */
static size_t pass_fields(const struct http_reply *reply, struct http_field *ret_fields)
{
    size_t count = 0;

    for (size_t i = 0; i < reply->fields_count; i++) {
        struct http_field field = http_reply_field_at(reply, i);
        if (str_eq_nocase(field.name, S("connection")) ||
            str_eq_nocase(field.name, S("keep-alive")) || str_eq_nocase(field.name, S("date")) ||
            str_eq_nocase(field.name, S("content-length")) ||
            str_eq_nocase(field.name, S("transfer-encoding")))
            continue;
        ret_fields[count++] = field;
    }
    return count;
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    struct http_field fields[HTTP_FIELDS_MAX];

    (void)call;
    exchange_reply(user, reply->status, (struct str){0}, fields, pass_fields(reply, fields), body);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct http_field fields[HTTP_FIELDS_MAX];

    (void)call;
    exchange_stream_begin(user, reply->status, (struct str){0}, fields, pass_fields(reply, fields));
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    exchange_stream_write(user, bytes);
    if (exchange_stream_queued(user) > QUEUED_BYTES_MAX)
        upstream_pause(call);
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    (void)call;
    if (end->how == UPSTREAM_WHOLE)
        exchange_stream_end(user);
    else if (end->began)
        exchange_stream_abort(user);
    else
        exchange_reply_error(user, end->how == UPSTREAM_TIMED_OUT ? 504 : 502, end->err);
}

static const struct upstream_hooks HOOKS = {on_whole, on_head, on_body, on_end};

static void on_request(struct exchange *ex, void *user)
{
    static const struct str PASSED[] = {
        {"Content-Type", 12},
        {"Accept", 6},
        {"User-Agent", 10},
    };
    struct proxy *proxy = user;
    struct http_field fields[sizeof PASSED / sizeof *PASSED];
    struct upstream_request request = {.method = exchange_method(ex),
        .path = exchange_path(ex),
        .fields = fields,
        .body = exchange_body(ex),
        .hooks = &HOOKS,
        .user = ex};
    struct err err;

    for (size_t i = 0; i < sizeof PASSED / sizeof *PASSED; i++) {
        struct str value = exchange_header(ex, PASSED[i]);
        if (value.at)
            fields[request.fields_count++] = (struct http_field){PASSED[i], value};
    }
    struct upstream_call *call = upstream_send(proxy->place, &request, &err);
    if (!call) {
        exchange_reply_error(ex, 0, &err);
        return;
    }
    exchange_set_data(ex, call);
    exchange_on_gone(ex, on_gone);
    exchange_on_drained(ex, on_drained);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(int count, char **words)
{
    struct proxy proxy;
    struct http_server_config config = {.handle = on_request, .user = &proxy};
    struct upstream_limits limits;
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t term;
    struct err err;

    check(count == 3);
    http_limits_default(&config.limits);
    config.limits.body_bytes_max = 16 << 20;
    upstream_limits_default(&limits);
    limits.upstream_connections_max = limits.upstream_idle_max = 20000;
    proxy.upstream = upstream_make(loop, &limits);
    struct http_server *server = http_server_make(loop, &config);
    if (!upstream_place_open(proxy.upstream, words[2], NULL, NULL, &proxy.place, &err) ||
        !http_server_listen_tcp(
            server, "127.0.0.1", (uint16_t)strtoul(words[1], NULL, 10), NULL, &err))
        panic("%s", err.message);
    uv_signal_init(loop, &term);
    uv_signal_start(&term, on_signal, SIGTERM);
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
