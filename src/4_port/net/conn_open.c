/* SPDX-License-Identifier: Apache-2.0
 * How a connection comes to be: accepted, or made and connected. */
#include "base/panic.h"
#include "net/conn.h"
#include "net/tls_stream.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define KEEPALIVE_S 60 /* a machine that vanished is noticed after about two minutes */

void conn_shared_init(struct conn_shared *shared, uv_loop_t *loop, uint64_t write_ms)
{
    *shared = (struct conn_shared){.loop = loop, .write_ms = write_ms};
    shared->read_at = malloc(CONN_READ_BYTES);
    shared->plain_at = malloc(CONN_READ_BYTES);
    check(shared->read_at && shared->plain_at);
    wheel_init(&shared->wheel, loop, conn_on_wheel);
}

void conn_shared_done(struct conn_shared *shared)
{
    free(shared->read_at);
    free(shared->plain_at);
}

static void find_peer(struct conn *conn, bool is_unix)
{
    struct exchange_peer *peer = &conn->peer;
    struct sockaddr_storage address;
    int fd, len = sizeof address;

    *peer = (struct exchange_peer){.channel = EXCHANGE_REMOTE, .uid = (uid_t)-1};
    if (is_unix) {
        struct ucred credentials;
        socklen_t size = sizeof credentials;
        snprintf(peer->address, sizeof peer->address, "unix");
        peer->channel = EXCHANGE_UNIX;
        if (uv_fileno(&conn->handle, &fd) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
            peer->uid = credentials.uid;
            peer->pid = credentials.pid;
        }
        return;
    }
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        uv_ip4_name(in, peer->address, sizeof peer->address);
        if (ntohl(in->sin_addr.s_addr) >> 24 == 127)
            peer->channel = EXCHANGE_LOOPBACK;
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&address;
        uv_ip6_name(in, peer->address, sizeof peer->address);
        if (IN6_IS_ADDR_LOOPBACK(&in->sin6_addr))
            peer->channel = EXCHANGE_LOOPBACK;
    }
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void link_in(struct conn *conn)
{
    struct conn_shared *shared = conn->shared;

    conn->next = shared->conns;
    if (conn->next)
        conn->next->prev = conn;
    shared->conns = conn;
}

static struct conn *make(
    struct conn_shared *shared, bool is_unix, const struct conn_protocol *protocol, void *state)
{
    struct conn *conn = calloc(1, sizeof *conn);

    if (!conn)
        return NULL;
    int bad = is_unix ? uv_pipe_init(shared->loop, &conn->pipe, 0)
                      : uv_tcp_init(shared->loop, &conn->tcp);
    check(bad == 0);
    conn->fd = -1;
    conn->handle.data = conn;
    conn->shared = shared;
    conn->protocol = protocol;
    conn->state = state;
    return conn;
}

struct conn *conn_accept(struct conn_shared *shared, uv_stream_t *listener,
    const struct conn_protocol *protocol, void *state)
{
    bool is_unix = listener->type == UV_NAMED_PIPE;
    struct conn *conn = make(shared, is_unix, protocol, state);

    if (!conn)
        return NULL;
    if (uv_accept(listener, &conn->stream) != 0) {
        uv_close(&conn->handle, free_handle);
        return NULL;
    }
    link_in(conn);
    conn->open = true;
    find_peer(conn, is_unix);
    if (!is_unix)
        uv_tcp_nodelay(&conn->tcp, 1);
    if (conn->peer.channel == EXCHANGE_REMOTE)
        uv_tcp_keepalive(&conn->tcp, 1, KEEPALIVE_S);
    return conn;
}

/* --- our own ---------------------------------------------------------------------------- */

struct conn *conn_make(
    struct conn_shared *shared, bool is_unix, const struct conn_protocol *protocol, void *state)
{
    struct conn *conn = make(shared, is_unix, protocol, state);

    check(conn);
    link_in(conn);
    return conn;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct conn *conn = request->handle->data;

    free(request);
    if (conn->closing)
        return;
    if (status < 0) {
        conn_break(conn, status);
        return;
    }
    if (conn->handle.type == UV_TCP) {
        uv_tcp_nodelay(&conn->tcp, 1);
        uv_tcp_keepalive(&conn->tcp, 1, KEEPALIVE_S);
    }
    conn_begin(conn);
}

static uv_connect_t *request_make(void)
{
    uv_connect_t *request = malloc(sizeof *request);

    check(request);
    return request;
}

void conn_connect_tcp(struct conn *conn, const struct sockaddr *address, struct tls_stream *tls)
{
    uv_connect_t *request = request_make();

    conn->tls = tls;
    int bad = uv_tcp_connect(request, &conn->tcp, address, on_connected);
    if (!bad)
        return;
    free(request);
    conn_break(conn, bad);
}

void conn_connect_unix(struct conn *conn, const char *path)
{
    uv_pipe_connect(request_make(), &conn->pipe, path, on_connected);
}
