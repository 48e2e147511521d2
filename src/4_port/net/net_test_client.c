/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test_client.h"

#include "base/panic.h"
#include "base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void note(struct site *site, int *number)
{
    pthread_mutex_lock(&site->lock);
    (*number)++;
    pthread_cond_broadcast(&site->change);
    pthread_mutex_unlock(&site->lock);
}

static void on_gone(struct exchange *ex, void *data)
{
    struct site *site = data;

    for (int i = 0; i < site->held_count; i++)
        if (site->held[i] == ex)
            site->held[i] = NULL;
    check(exchange_gone(ex) && !exchange_stream_queued(ex));
    exchange_stream_abort(ex);
    note(site, &site->gone);
}

static void on_drained(struct exchange *ex, void *data)
{
    struct site *site = data;

    (void)ex;
    note(site, &site->drained);
}

static void hold(struct site *site, struct exchange *ex)
{
    check(site->held_count < (int)COUNT(site->held));
    site->held[site->held_count] = ex;
    exchange_set_data(ex, site);
    exchange_on_gone(ex, on_gone);
    exchange_on_drained(ex, on_drained);
    note(site, &site->held_count);
}

static void reply_peer(struct exchange *ex)
{
    const struct exchange_peer *peer = exchange_peer(ex);
    char text[300], name[EXCHANGE_NAME_BYTES] = "-";

    (void)exchange_peer_name(ex, name);
    snprintf(text, sizeof text, "channel=%d tls=%d uid=%d pid=%d address=%s name=%s", peer->channel,
        peer->tls, (int)peer->uid, (int)peer->pid, peer->address, name);
    exchange_reply(ex, 200, S("text/plain"), NULL, 0, str_from(text));
}

static void on_request(struct exchange *ex, void *user)
{
    struct site *site = user;
    struct str path = exchange_path(ex);

    note(site, &site->requests);
    if (str_eq(path, S("/hold"))) {
        hold(site, ex);
    } else if (str_eq(path, S("/stream"))) {
        exchange_stream_begin(ex, 200, S("text/event-stream"), NULL, 0);
        hold(site, ex);
    } else if (str_eq(path, S("/pieces"))) {
        exchange_stream_begin(ex, 200, S("text/plain"), NULL, 0);
        exchange_stream_write(ex, S("one"));
        exchange_stream_write(ex, S(""));
        exchange_stream_write(ex, S("three"));
        exchange_stream_end(ex);
    } else if (str_eq(path, S("/peer"))) {
        reply_peer(ex);
    } else if (str_eq(path, S("/empty"))) {
        exchange_reply(ex, 204, S(""), NULL, 0, S(""));
    } else if (str_eq(path, S("/smuggle"))) {
        struct http_field bad = {S("X"), S("a\r\nSet-Cookie: b")};
        exchange_reply(ex, 200, S("text/plain"), &bad, 1, S("x"));
    } else if (str_eq(path, S("/error"))) {
        struct err err;
        err_code(&err, ERR_DENIED, "not_owned", "zone", "zone \"x\" is not owned");
        exchange_reply_error(ex, 0, &err);
    } else {
        struct http_field field = {S("X-Path"), path};
        exchange_reply(ex, 200, S("text/plain"), &field, 1, exchange_body(ex));
    }
}

/* --- the server's thread ------------------------------------------------------------------ */

static void on_wake(uv_async_t *wake)
{
    struct site *site = wake->data;

    pthread_mutex_lock(&site->lock);
    void (*call)(struct site *, void *) = site->call;
    pthread_mutex_unlock(&site->lock);
    if (!call)
        return;
    call(site, site->argument);
    pthread_mutex_lock(&site->lock);
    site->call = NULL;
    pthread_cond_broadcast(&site->change);
    pthread_mutex_unlock(&site->lock);
}

static void on_server_closed(void *user)
{
    struct site *site = user;

    site->closed = true;
    uv_close((uv_handle_t *)&site->wake, NULL);
}

static void *run_site(void *argument)
{
    struct site *site = argument;
    struct err err;

    site->config.handle = on_request;
    site->config.user = site;
    check(uv_loop_init(&site->loop) == 0);
    check(uv_async_init(&site->loop, &site->wake, on_wake) == 0);
    site->wake.data = site;
    site->server = http_server_make(&site->loop, &site->config);
    if (!http_server_listen_tcp(site->server, "127.0.0.1", 0, site->tls, &err))
        panic("%s", err.message);
    if (site->socket_path[0] &&
        !http_server_listen_unix(site->server, site->socket_path, site->socket_mode, &err))
        panic("%s", err.message);
    pthread_mutex_lock(&site->lock);
    site->up = true;
    pthread_cond_broadcast(&site->change);
    pthread_mutex_unlock(&site->lock);
    uv_run(&site->loop, UV_RUN_DEFAULT);
    check(site->closed && uv_loop_close(&site->loop) == 0); /* nothing of the server is left */
    return NULL;
}

void site_init(struct site *site)
{
    *site = (struct site){.socket_mode = 0600};
    http_limits_default(&site->config.limits);
    site->config.limits.connections_max = 64;
    site->config.limits.body_bytes_max = 131072;
    pthread_mutex_init(&site->lock, NULL);
    pthread_cond_init(&site->change, NULL);
}

void site_open(struct site *site)
{
    check(pthread_create(&site->thread, NULL, run_site, site) == 0);
    pthread_mutex_lock(&site->lock);
    while (!site->up)
        pthread_cond_wait(&site->change, &site->lock);
    pthread_mutex_unlock(&site->lock);
}

void site_do(struct site *site, void (*call)(struct site *site, void *argument), void *argument)
{
    pthread_mutex_lock(&site->lock);
    site->call = call;
    site->argument = argument;
    uv_async_send(&site->wake);
    while (site->call)
        pthread_cond_wait(&site->change, &site->lock);
    pthread_mutex_unlock(&site->lock);
}

bool site_wait(struct site *site, const int *number, int least)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MAX_S;
    pthread_mutex_lock(&site->lock);
    while (*number < least && pthread_cond_timedwait(&site->change, &site->lock, &until) == 0)
        ;
    bool reached = *number >= least;
    pthread_mutex_unlock(&site->lock);
    return reached;
}

static void take_counts(struct site *site, void *argument)
{
    *(struct http_server_counts *)argument = http_server_counts(site->server);
}

struct http_server_counts site_counts(struct site *site)
{
    struct http_server_counts counts;

    site_do(site, take_counts, &counts);
    return counts;
}

void site_begin_close(struct site *site)
{
    http_server_close(site->server, on_server_closed, site);
}

void site_join(struct site *site)
{
    pthread_join(site->thread, NULL);
    pthread_mutex_destroy(&site->lock);
    pthread_cond_destroy(&site->change);
}

static void begin_close(struct site *site, void *argument)
{
    (void)argument;
    site_begin_close(site);
}

void site_close(struct site *site)
{
    site_do(site, begin_close, NULL);
    site_join(site);
}

/* --- the client --------------------------------------------------------------------------- */

static int client_on(int fd, const void *address, socklen_t len)
{
    struct timeval limit = {.tv_sec = WAIT_MAX_S};

    check(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, address, len) == 0)
        return fd;
    close(fd);
    return -1;
}

int client_connect(struct site *site)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons(http_server_port(site->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    int fd = client_on(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address);
    check(fd >= 0);
    return fd;
}

int client_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return client_on(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address);
}

void client_send(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server may have closed: the test looks at what it said */
        bytes = (struct str){bytes.at + sent, bytes.len - (size_t)sent};
    }
}

/* 1: some came, 0: the end, -1: broken. */
static int read_some(int fd, struct buf *out)
{
    char piece[16384];
    ssize_t got = recv(fd, piece, sizeof piece, 0);

    if (got > 0)
        buf_add(out, (struct str){piece, (size_t)got});
    return got > 0 ? 1 : (int)got;
}

bool client_read_more(int fd, struct buf *out)
{
    return read_some(fd, out) > 0;
}

bool client_read_all(int fd, struct buf *out)
{
    int got;

    do
        got = read_some(fd, out);
    while (got > 0);
    return got == 0;
}

bool client_read_until(int fd, struct buf *out, const char *mark)
{
    while (!client_count(buf_str(out), mark))
        if (read_some(fd, out) <= 0)
            return false;
    return true;
}

bool client_ask(struct site *site, struct str bytes, struct buf *out)
{
    int fd = client_connect(site);

    client_send(fd, bytes);
    bool good = client_read_all(fd, out);
    close(fd);
    return good;
}

int client_status(struct str reply)
{
    int status = 0;
    char start[16] = "";

    memcpy(start, reply.at, reply.len < 15 ? reply.len : 15);
    sscanf(start, "HTTP/1.1 %3d", &status);
    return status;
}

size_t client_count(struct str reply, const char *mark)
{
    size_t count = 0, len = strlen(mark);

    for (const char *at = reply.at, *end = reply.at + reply.len;
         (at = memmem(at, (size_t)(end - at), mark, len)); at += len)
        count++;
    return count;
}
