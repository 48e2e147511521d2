/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <stdio.h>

#define BEHIND_BYTES (128 * 1024) /* then the engine is not read any more */
#define PATH_BYTES_MAX 2048
#define FIELDS_MAX 8

struct proxy {
    struct pool *pool;
    struct exchange *ex;
    struct upstream_call *call;
    bool begun, paused;
};

static void proxy_free(struct proxy *p)
{
    p->pool->calls--;
    free(p);
}

/* Who asked has left: the engine is told at once by a closed connection. */
static void on_gone(struct exchange *ex, void *data)
{
    struct proxy *p = data;

    if (p->call)
        upstream_cancel(p->call);
    exchange_stream_abort(ex);
    proxy_free(p);
}

static void on_drained(struct exchange *ex, void *data)
{
    struct proxy *p = data;

    (void)ex;
    if (p->paused && p->call) {
        p->paused = false;
        upstream_resume(p->call);
    }
}

/* Of the engine's head: what says something of the body. */
static size_t reply_fields(const struct http_reply *reply, struct http_field *ret)
{
    static const struct str KEPT[] = {
        S("Cache-Control"), S("Content-Encoding"), S("Retry-After"), S("X-Request-Id")};
    size_t count = 0;

    for (size_t i = 0; i < COUNT(KEPT); i++) {
        struct str value = http_reply_field(reply, KEPT[i]);
        if (value.at)
            ret[count++] = (struct http_field){KEPT[i], value};
    }
    return count;
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    struct proxy *p = user;
    struct http_field fields[FIELDS_MAX];
    size_t count = reply_fields(reply, fields);

    (void)call;
    exchange_reply(
        p->ex, reply->status, http_reply_field(reply, S("Content-Type")), fields, count, body);
    proxy_free(p);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct proxy *p = user;
    struct http_field fields[FIELDS_MAX];
    size_t count = reply_fields(reply, fields);

    (void)call;
    p->begun = true;
    exchange_stream_begin(
        p->ex, reply->status, http_reply_field(reply, S("Content-Type")), fields, count);
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct proxy *p = user;

    if (!exchange_stream_write(p->ex, bytes))
        return; /* on_gone follows */
    if (exchange_stream_queued(p->ex) > BEHIND_BYTES && !p->paused) {
        p->paused = true;
        upstream_pause(call);
    }
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct proxy *p = user;
    struct err err;

    (void)call;
    p->call = NULL;
    if (end->how == UPSTREAM_WHOLE) {
        exchange_stream_end(p->ex);
    } else if (p->begun) {
        exchange_stream_abort(p->ex);
    } else {
        err_code(&err, ERR_PEER, "engine_failed", NULL, "the engine gave no answer (%.40s): %.300s",
            end->err->code, end->err->message);
        exchange_reply_error(p->ex, 503, &err);
    }
    proxy_free(p);
}

static const struct upstream_hooks HOOKS = {on_whole, on_head, on_body, on_end};

/* --- taking a request ------------------------------------------------------------------------ */

/* "/v1/pools/POOL/rest": what is behind the pool, as it was sent: only plain characters, so that
 * nothing can be read two ways. */
static bool engine_path(struct exchange *ex, struct str pool, struct buf *out, struct err *err)
{
    struct str path = exchange_path(ex), query = exchange_query(ex);
    size_t skip = sizeof "/v1/pools/" - 1 + pool.len;
    struct str rest = {path.at + skip, path.len - skip};

    for (size_t i = 0; i < rest.len; i++)
        if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-.~",
                rest.at[i], 67))
            return err_code(err, ERR_INPUT, "bad_path", NULL, "no engine has such a path");
    if (rest.len < 2)
        return err_code(err, ERR_INPUT, "bad_path", NULL, "the engine's path is missing");
    buf_add(out, rest);
    if (query.len) {
        buf_add_char(out, '?');
        buf_add(out, query);
    }
    return !out->overflowed || err_code(err, ERR_LIMIT, "bad_path", NULL, "the path is too long");
}

static bool may_proxy(struct agent *agent, const struct pool *pool, struct exchange *ex,
    int *ret_status, struct err *err)
{
    struct str wants = exchange_header(ex, S("X-Logic-Model"));

    *ret_status = 503;
    if (agent->phase != AGENT_UP)
        return err_code(err, ERR_LIMIT, "pool_not_ready", "pool", "this host is going to sleep");
    if (!pool || pool->state != POOL_READY)
        return err_code(err, ERR_LIMIT, "pool_not_ready", "pool", "the pool is %s",
            pool ? pool_state_word(pool->state) : "empty");
    if (pool->calls >= (size_t)agent->config.settings.calls_max)
        return err_code(
            err, ERR_LIMIT, "pool_full", "pool", "%zu requests are under way", pool->calls);
    *ret_status = wants.at ? 409 : 400;
    if (!wants.at)
        return err_code(err, ERR_INPUT, "model_header_missing", "X-Logic-Model",
            "the header X-Logic-Model must say which model is meant");
    if (!str_eq(wants, pool->loaded.model_sha256))
        return err_code(err, ERR_DENIED, "other_model", "X-Logic-Model",
            "the pool '%s' serves another model", pool->name);
    return true;
}

static bool send_on(struct proxy *p, struct str path, struct err *err)
{
    static const struct str KEPT[] = {S("Content-Type"), S("Accept"), S("X-Request-Id")};
    struct http_field fields[COUNT(KEPT)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(KEPT); i++) {
        struct str value = exchange_header(p->ex, KEPT[i]);
        if (value.at)
            fields[count++] = (struct http_field){KEPT[i], value};
    }
    const struct upstream_request request = {.method = exchange_method(p->ex),
        .path = path,
        .fields = fields,
        .fields_count = count,
        .body = exchange_body(p->ex),
        .hooks = &HOOKS,
        .user = p,
        .head_ms = -1, /* a long prompt may take its time; who asked may leave */
        .stall_ms = -1};
    p->call = upstream_send(p->pool->place, &request, err);
    return p->call != NULL;
}

void agent_proxy(struct agent *agent, struct exchange *ex)
{
    scoped(buf_done) struct buf path = buf_of(PATH_BYTES_MAX);
    struct str name = exchange_segment(ex, 2);
    struct pool *pool = name.at ? pool_find(agent, name) : NULL;
    int status = 0;
    struct err err = {0};

    if (!may_proxy(agent, pool, ex, &status, &err)) {
        exchange_reply_error(ex, status, &err);
        return;
    }
    if (!engine_path(ex, name, &path, &err)) {
        exchange_reply_error(ex, 400, &err);
        return;
    }
    struct proxy *p = calloc(1, sizeof *p);
    check(p);
    *p = (struct proxy){.pool = pool, .ex = ex};
    pool->calls++;
    exchange_set_data(ex, p);
    exchange_on_gone(ex, on_gone);
    exchange_on_drained(ex, on_drained);
    if (send_on(p, buf_str(&path), &err))
        return;
    exchange_reply_error(ex, 503, &err);
    proxy_free(p);
}
