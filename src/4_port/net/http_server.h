/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server — listens, reads requests strictly, gives each to one handler as an exchange
 * (exchange.h).
 *
 *     struct http_server_config config = {.handle = on_request, .user = gateway};
 *     http_limits_default(&config.limits);
 *     struct http_server *server = http_server_make(loop, &config);
 *     http_server_listen_tcp(server, "127.0.0.1", 30080, NULL, &err);
 *     http_server_listen_unix(server, path, 0660, &err);
 *
 * What is not one unambiguous request is answered 400 (431, 413, 408, 501, 505, 417) and the
 * connection is closed; the handler never sees it. So are a Host that is not ours (421: a
 * DNS-rebinding guard) and a foreign Origin on a method that changes something (403). Error bodies
 * are {"error":{"message","type","param","code"}}.
 *
 * owner    whoever called http_server_make(); released by http_server_close()
 * threads  only the thread of its loop; several loops have a server each
 * limits   http_limits.def
 */
#pragma once

#include "base/err.h"
#include "net/exchange.h"
#include "net/tls.h"

#include <stdint.h>
#include <uv.h>

struct http_limits {
#define HTTP_LIMIT(name, min, max, standard, help) int64_t name;
#include "net/http_limits.def"
#undef HTTP_LIMIT
};

void http_limits_default(struct http_limits *ret_limits);

struct http_server_config {
    struct http_limits limits;
    /* Host names that are ours beside the loopback ones; lower case, NULL-ended, may be NULL. */
    const char *const *names;
    /* Origins allowed beside the server's own ("https://desk.home.arpa"); NULL-ended, may be NULL.
     */
    const char *const *origins;
    /* Whether both lists are whole; what is not in them is 503 not_ready until then, and no refusal
     * that a browser shows as its user's fault. NULL: from the beginning. */
    bool (*lists_whole)(void *user);
    /* How long a body may be here, asked before any of it is read, where it may be longer than
     * body_bytes_unasked; never more than limits.body_bytes_max counts. NULL: that everywhere. */
    int64_t (*body_bytes)(enum http_method method, struct str path, void *user);
    int64_t body_bytes_unasked;
    void (*handle)(struct exchange *ex, void *user);
    void *user;
};

struct http_server_counts {
    uint64_t accepted, refused_full, requests, refused_requests, dropped_slow, open, input_bytes;
};

struct http_server;

/* Config is copied, the lists in it are not. Process-wide: RLIMIT_NOFILE is raised as far as
 * allowed and SIGPIPE is ignored. */
struct http_server *http_server_make(uv_loop_t *loop, const struct http_server_config *config);

/* Port 0 takes a free one (http_server_port). `tls` (may be NULL) must outlive the server. This
 * layer lets you listen anywhere; the role refuses a non-loopback address without TLS and tokens.
 * errors  ERR_INPUT not an address; ERR_SYSTEM the port is taken or forbidden */
bool http_server_listen_tcp(struct http_server *server, const char *address, uint16_t port,
    struct tls *tls, struct err *err);
/* A stale socket is removed, one that answers or another kind of file is not. Nobody can connect
 * before the mode is set.
 * errors  ERR_INPUT the path is too long; ERR_SYSTEM it is in use, no rights */
bool http_server_listen_unix(
    struct http_server *server, const char *path, mode_t mode, struct err *err);
/* Of the last TCP listener; 0 if there is none. */
uint16_t http_server_port(const struct http_server *server);
/* 127.0.0.0/8, ::1. */
bool http_address_is_loopback(const char *address);

struct http_server_counts http_server_counts(const struct http_server *server);

/* Accept nothing more; what is being handled goes on, idle connections are closed. For a drain. */
void http_server_stop_listening(struct http_server *server);
/* Close everything. Unfinished exchanges hear on_gone and must still be finished; after the last
 * the server is freed and `closed` (may be NULL) is called, from the loop. */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);
