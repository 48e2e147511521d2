/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream — a pooled HTTP/1.1 client on the loop: a request goes to a place (an engine, an agent),
 * its reply comes back strictly checked, piece by piece as it comes.
 *
 *     struct upstream *upstream = upstream_make(loop, &limits);
 *     upstream_place_open(upstream, "http://127.0.0.1:8081", NULL, NULL, &place, &err);
 *     struct upstream_request request = {.method = METHOD_POST, .path = S("/v1/completions"),
 *         .fields = fields, .fields_count = 1, .body = body, .hooks = &HOOKS, .user = me};
 *     struct upstream_call *call = upstream_send(place, &request, &err);
 *
 * owner    a call belongs to whoever sent it, until on_end, or on_whole, is called or until
 *          upstream_cancel(): after that its pointer is dead. Each call ends in exactly one of
 * these. calls    hooks come from the loop, never from inside a function here. In a hook everything
 * is allowed: cancel this or any call, send others, close the place or all. body     is only
 * referenced and sent byte for byte: it must stay until on_head, on_whole, on_end or
 * upstream_cancel(). Method, path and fields are copied. memory   a call in which nothing flows
 * costs its structs (under 2 KiB, upstream_test.c), no buffer; with TLS what OpenSSL needs retry
 * only a kept connection may turn out to be stale: the engine closed it while our request was on
 * its way. If it ends without a single byte of reply within upstream_stale_ms of the request, the
 * request is sent once more on a fresh connection, whatever its method; `sent` is then true.
 * Nothing else is ever sent twice. threads  only the thread of its loop limits upstream_limits.def
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "http/http.h"
#include "http/reply.h"
#include "net/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct upstream;
struct upstream_place;
struct upstream_call;

struct upstream_limits {
#define UPSTREAM_LIMIT(name, min, max, standard, help) int64_t name;
#include "net/upstream_limits.def"
#undef UPSTREAM_LIMIT
};

void upstream_limits_default(struct upstream_limits *ret_limits);

/* Panics on a limit out of bounds (the role's settings checked them). */
struct upstream *upstream_make(uv_loop_t *loop, const struct upstream_limits *limits);
/* All calls end as UPSTREAM_CLOSED, all places are closed; after the last the memory is freed and
 * `closed` (may be NULL) is called, from the loop. */
void upstream_close(struct upstream *upstream, void (*closed)(void *user), void *user);

/* --- places -------------------------------------------------------------------------- */

/* `url`: http://HOST:PORT  https://HOST:PORT  unix:/PATH — no path behind the port; HOST a name, an
 * address or [v6]; localhost is 127.0.0.1. Another name is looked up at each connect, its addresses
 * are tried in turn. `tls`
 * (tls_client_open(); must outlive the place) belongs to https and is an error elsewhere; the
 * certificate must be of its CA and carry `server_name` (NULL: HOST).
 * errors  ERR_INPUT bad_place: with the reason */
bool upstream_place_open(struct upstream *upstream, const char *url, struct tls *tls,
    const char *server_name, struct upstream_place **ret_place, struct err *err);
/* Its calls end as UPSTREAM_CLOSED, from the loop; a drained place has none. NULL is fine. */
void upstream_place_close(struct upstream_place **at);
const char *upstream_place_url(const struct upstream_place *place);

struct upstream_counts {
    uint64_t calls, connects, reused, retried; /* ever */
    uint64_t open, idle;                       /* connections now; idle is part of open */
};

struct upstream_counts upstream_place_counts(const struct upstream_place *place);

/* --- calls ---------------------------------------------------------------------------- */

enum upstream_how {
    UPSTREAM_WHOLE,     /* the reply is complete, whatever its status says */
    UPSTREAM_TORN,      /* the connection ended or broke before it was */
    UPSTREAM_REFUSED,   /* no connection: refused, unreachable, name unknown, TLS not agreed */
    UPSTREAM_TIMED_OUT, /* connect_ms, head_ms, stall_ms, write_ms: the code tells which */
    UPSTREAM_BAD_REPLY, /* not one unambiguous HTTP reply, or beyond a limit */
    UPSTREAM_CLOSED,    /* the place or all was closed under it */
};

struct upstream_end {
    enum upstream_how how;
    bool sent;  /* a byte of the request may have reached the engine: work may have begun */
    bool began; /* on_head was called */
    /* UPSTREAM_WHOLE: .kind is ERR_NONE. Else ERR_PEER (CLOSED: ERR_SYSTEM), code one of
     * connection_refused host_unreachable name_unknown socket_missing tls_failed connect_failed ·
     * connect_timeout head_timeout stall_timeout write_timeout · reply_torn no_reply · those of
     * reply.h · place_closed */
    const struct err *err;
};

/* What is told meanwhile. `reply` and `bytes` die with the call of the hook. */
struct upstream_hooks {
    /* Instead of all others, where the whole reply came at once; NULL: never, the others are
     * called. */
    void (*on_whole)(
        struct upstream_call *call, const struct http_reply *reply, struct str body, void *user);
    void (*on_head)(struct upstream_call *call, const struct http_reply *reply, void *user);
    /* As they come, without chunk framing, never empty. */
    void (*on_body)(struct upstream_call *call, struct str bytes, void *user);
    void (*on_end)(struct upstream_call *call, const struct upstream_end *end, void *user);
};

struct upstream_request {
    enum http_method method;
    /* With query, as it shall stand in the request: begins with '/', no blank, no control byte. */
    struct str path;
    /* Neither Host, Content-Length, Transfer-Encoding, Connection, Expect nor Upgrade: those are
     * ours. Content-Length is sent with a body, and always with POST, PUT and PATCH. */
    const struct http_field *fields;
    size_t fields_count;
    struct str body;
    const struct upstream_hooks *hooks; /* must outlive the call */
    void *user;
    int64_t head_ms, stall_ms; /* 0: the limits' own; negative: none */
};

/* errors  NULL and err: ERR_INPUT bad_request a field or path that is no legal one; ERR_LIMIT
 *         upstream_full connections_max are busy; ERR_SYSTEM place_closed */
struct upstream_call *upstream_send(
    struct upstream_place *place, const struct upstream_request *request, struct err *err);

/* Stop and go on reading the engine: back-pressure. A proxy pauses when the client is half of
 * stream_behind_bytes_max behind, so that what may still come does not get the client dropped. Up
 * to 64 KiB, what was read already, may still come behind a pause. While it lasts no stall is
 * counted and an engine's leaving is not seen. */
void upstream_pause(struct upstream_call *call);
void upstream_resume(struct upstream_call *call);

/* The connection is closed at once, which tells the engine; no hook is called any more. */
void upstream_cancel(struct upstream_call *call);

void *upstream_user(const struct upstream_call *call);
struct upstream_place *upstream_place_of(const struct upstream_call *call);
/* For the log: a byte of the request may have left. */
bool upstream_sent(const struct upstream_call *call);
