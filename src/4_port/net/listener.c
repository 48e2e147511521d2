/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "net/server.h"
#include "net/tls_stream.h"
#include "os/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

struct http_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct http_server *server;
    struct http_listener *next;
    struct tls *tls;
    char *path; /* of a unix socket; removed at the end if it is still ours */
    ino_t inode;
};

static void on_connection(uv_stream_t *stream, int status)
{
    struct http_listener *listener = stream->data;
    struct http_server *server = listener->server;
    uint64_t most = (uint64_t)server->config.limits.connections_max;

    if (status < 0)
        return;
    void *state = h1_make(server);
    struct conn *conn = conn_accept(&server->shared, stream, &H1_PROTOCOL, state);
    if (!conn) {
        h1_free(state);
        return;
    }
    struct tls_stream *tls = listener->tls ? tls_stream_open(listener->tls) : NULL;
    server->counts.open++;
    if (server->counts.open <= most) {
        server->counts.accepted++;
        h1_start(conn, tls);
        return;
    }
    server->counts.refused_full++;
    h1_refuse_full(conn, tls);
    if (server->counts.open > most + SERVER_REFUSALS_AT_ONCE_MAX)
        conn_close(conn);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    struct http_server *server = listener->server;

    for (struct http_listener **at = &server->listeners; *at; at = &(*at)->next)
        if (*at == listener) {
            *at = listener->next;
            break;
        }
    free(listener->path);
    free(listener);
    server_end_if_done(server);
}

void listeners_close(struct http_server *server)
{
    for (struct http_listener *listener = server->listeners; listener; listener = listener->next) {
        struct stat file;
        if (uv_is_closing(&listener->handle))
            continue;
        if (listener->path && lstat(listener->path, &file) == 0 && file.st_ino == listener->inode)
            unlink(listener->path);
        uv_close(&listener->handle, on_listener_closed);
    }
}

static struct http_listener *listener_make(struct http_server *server, struct tls *tls)
{
    struct http_listener *listener = calloc(1, sizeof *listener);

    check(listener && !server->closing);
    listener->server = server;
    listener->tls = tls;
    listener->next = server->listeners;
    server->listeners = listener;
    return listener;
}

bool http_address_is_loopback(const char *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (uv_ip4_addr(address, 0, &in) == 0)
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    return uv_ip6_addr(address, 0, &in6) == 0 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

bool http_server_listen_tcp(struct http_server *server, const char *address, uint16_t port,
    struct tls *tls, struct err *err)
{
    struct sockaddr_storage where;
    int bad, len = sizeof where;

    if (uv_ip4_addr(address, port, (struct sockaddr_in *)&where) != 0 &&
        uv_ip6_addr(address, port, (struct sockaddr_in6 *)&where) != 0)
        return err_code(err, ERR_INPUT, "bad_address", "listen",
            "'%s' is not an IP address to listen on, such as 127.0.0.1 or ::1", address);
    struct http_listener *listener = listener_make(server, tls);
    check(uv_tcp_init(server->shared.loop, &listener->tcp) == 0);
    listener->handle.data = listener;
    bad = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&where, 0);
    if (!bad)
        bad = uv_listen(&listener->stream, BACKLOG, on_connection);
    if (!bad)
        bad = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&where, &len);
    if (bad) {
        uv_close(&listener->handle, on_listener_closed);
        return err_code(err, ERR_SYSTEM, "cannot_listen", "listen",
            "cannot listen on %s port %u: %s%s", address, port, uv_strerror(bad),
            bad == UV_EADDRINUSE ? "; stop the program that has it or choose another port" : "");
    }
    server->port =
        ntohs(where.ss_family == AF_INET ? ((const struct sockaddr_in *)&where)->sin_port
                                         : ((const struct sockaddr_in6 *)&where)->sin6_port);
    return true;
}

/* A socket that nobody answers on is left over from a process that was killed. */
static bool remove_stale(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat file;

    if (lstat(path, &file) != 0)
        return errno == ENOENT ||
               err_set(err, ERR_SYSTEM, "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(file.st_mode))
        return err_set(err, ERR_SYSTEM, "%s exists and is no socket; move it away", path);
    scoped(fd_done) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot make a socket: %s", strerror(errno));
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
        errno != ECONNREFUSED)
        return err_set(err, ERR_SYSTEM,
            "%s is in use by another process; stop that one or choose another path", path);
    if (unlink(path) != 0)
        return err_set(
            err, ERR_SYSTEM, "cannot remove the stale socket %s: %s", path, strerror(errno));
    return true;
}

/* Between bind and listen a connect is refused, so the mode holds from the first client on. */
static int bind_and_listen(struct http_listener *listener, const char *path, mode_t mode)
{
    struct stat file;
    int bad = uv_pipe_bind(&listener->pipe, path);

    if (bad)
        return bad;
    listener->path = str_dup(str_from(path));
    if (chmod(path, mode) != 0 || lstat(path, &file) != 0)
        return uv_translate_sys_error(errno);
    listener->inode = file.st_ino;
    return uv_listen(&listener->stream, BACKLOG, on_connection);
}

bool http_server_listen_unix(
    struct http_server *server, const char *path, mode_t mode, struct err *err)
{
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;

    if (strlen(path) > most)
        return err_code(err, ERR_INPUT, "path_too_long", "socket",
            "the socket path %s is longer than the %zu bytes the kernel takes", path, most);
    if (!remove_stale(path, err))
        return false;
    struct http_listener *listener = listener_make(server, NULL);
    check(uv_pipe_init(server->shared.loop, &listener->pipe, 0) == 0);
    listener->handle.data = listener;
    int bad = bind_and_listen(listener, path, mode);
    if (bad) {
        uv_close(&listener->handle, on_listener_closed);
        return err_code(err, ERR_SYSTEM, "cannot_listen", "socket", "cannot listen on %s: %s", path,
            uv_strerror(bad));
    }
    return true;
}
