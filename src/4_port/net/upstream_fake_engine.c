/* SPDX-License-Identifier: Apache-2.0 */
#include "upstream_fake_engine.h"

#include "base/panic.h"
#include "base/scoped.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void nap(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

struct played {
    struct fake *fake;
    int fd, number;
};

static void *play(void *argument)
{
    struct played played = *(struct played *)argument;

    free(argument);
    if (!played.fake->script(played.fake, played.fd, played.number))
        close(played.fd);
    return NULL;
}

static void *serve(void *argument)
{
    struct fake *fake = argument;

    for (;;) {
        int fd = accept(fake->listener, NULL, NULL);
        if (fd < 0 || fake->stopping) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        int number = fake->accepted;
        check(number < FAKE_CONNECTIONS_MAX);
        fake->held[number] = fake->script ? -1 : fd;
        if (fake->script) {
            struct played *played = malloc(sizeof *played);
            check(played);
            *played = (struct played){fake, fd, number};
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            /* so that nothing hangs for ever */
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){WAIT_MAX_S, 0},
                sizeof(struct timeval));
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){WAIT_MAX_S, 0},
                sizeof(struct timeval));
            check(pthread_create(&fake->threads[number], NULL, play, played) == 0);
        }
        fake->accepted++;
    }
}

void fake_open(struct fake *fake, bool (*script)(struct fake *, int, int), const char *socket_path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t len = sizeof in;

    *fake = (struct fake){.script = script};
    fake->listener = socket(socket_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fake->listener >= 0);
    if (socket_path) {
        snprintf(fake->socket_path, sizeof fake->socket_path, "%s", socket_path);
        snprintf(un.sun_path, sizeof un.sun_path, "%s", socket_path);
        unlink(socket_path);
        check(bind(fake->listener, (struct sockaddr *)&un, sizeof un) == 0);
    } else {
        check(bind(fake->listener, (struct sockaddr *)&in, sizeof in) == 0);
        check(getsockname(fake->listener, (struct sockaddr *)&in, &len) == 0);
        fake->port = ntohs(in.sin_port);
    }
    check(listen(fake->listener, 4096) == 0);
    check(pthread_create(&fake->thread, NULL, serve, fake) == 0);
}

void fake_close(struct fake *fake)
{
    fake->stopping = true;
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    if (fake->socket_path[0])
        unlink(fake->socket_path);
    for (int i = 0; i < fake->accepted; i++)
        if (fake->script)
            pthread_join(fake->threads[i], NULL);
        else
            close(fake->held[i]);
}

bool fake_read_request(struct fake *fake, int fd, struct buf *out)
{
    size_t whole = 0;

    buf_clear(out);
    while (!whole || out->len < whole) {
        char *room = buf_room(out, 65536);
        check(room);
        ssize_t count = recv(fd, room, 65536, 0);
        if (count <= 0) {
            fake->left++;
            return false;
        }
        out->len += (size_t)count;
        const char *end = memmem(out->at, out->len, "\r\n\r\n", 4);
        if (whole || !end)
            continue;
        const char *length = memmem(out->at, (size_t)(end - out->at), "Content-Length: ", 16);
        whole = (size_t)(end + 4 - out->at) + (length ? strtoul(length + 16, NULL, 10) : 0);
    }
    fake->requests++;
    return true;
}

bool fake_send(struct fake *fake, int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t count = send(fd, bytes.at, bytes.len < 65536 ? bytes.len : 65536, MSG_NOSIGNAL);
        if (count <= 0) {
            fake->left++;
            return false;
        }
        fake->taken_bytes += count;
        bytes = (struct str){bytes.at + count, bytes.len - (size_t)count};
    }
    return true;
}

bool fake_send_bytewise(struct fake *fake, int fd, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!fake_send(fake, fd, (struct str){bytes.at + i, 1}))
            return false;
        if (i % 16 == 0)
            nap(1);
    }
    return true;
}

void fake_reset(int fd)
{
    struct linger linger = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

void fake_hang(struct fake *fake, int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) > 0)
        ;
    fake->left++;
}

void fake_wait_go(struct fake *fake, int least)
{
    for (int i = 0; fake->go < least && i < WAIT_MAX_S * 1000; i++)
        nap(1);
}

/* --- the client --------------------------------------------------------------------------- */

static void note_head(struct seen *seen, const struct http_reply *reply)
{
    struct str model = http_reply_field(reply, S("X-Model"));

    seen->status = reply->status;
    snprintf(seen->model, sizeof seen->model, "%.*s", STR(model));
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    struct seen *seen = user;

    check(seen->call == call && !seen->heads && !seen->ends && !seen->wholes);
    seen->wholes++;
    seen->call = NULL;
    seen->how = UPSTREAM_WHOLE;
    note_head(seen, reply);
    buf_add(&seen->body, body);
    if (seen->at_end)
        seen->at_end(seen);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct seen *seen = user;

    check(seen->call == call && !seen->heads && !seen->ends);
    seen->heads++;
    note_head(seen, reply);
    if (seen->at_head)
        seen->at_head(seen);
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct seen *seen = user;

    check(seen->call == call && seen->heads == 1 && !seen->ends && bytes.len);
    seen->pieces++;
    buf_add(&seen->body, bytes);
    if (seen->at_body)
        seen->at_body(seen);
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct seen *seen = user;

    check(seen->call == call && !seen->ends && !seen->wholes);
    check(end->began == (seen->heads == 1));
    check((end->how == UPSTREAM_WHOLE) == (end->err->kind == ERR_NONE));
    seen->ends++;
    seen->call = NULL;
    seen->how = end->how;
    seen->sent = end->sent;
    seen->began = end->began;
    seen->kind = end->err->kind;
    snprintf(seen->code, sizeof seen->code, "%s", end->err->code);
    snprintf(seen->message, sizeof seen->message, "%s", end->err->message);
    if (seen->at_end)
        seen->at_end(seen);
}

const struct upstream_hooks SEEN_HOOKS = {.on_head = on_head, .on_body = on_body, .on_end = on_end};
const struct upstream_hooks SEEN_WHOLE_HOOKS = {
    .on_whole = on_whole, .on_head = on_head, .on_body = on_body, .on_end = on_end};

void client_open(struct client *client, const struct upstream_limits *limits, const char *url,
    struct tls *tls, const char *server_name)
{
    struct err err;

    *client = (struct client){0};
    check(uv_loop_init(&client->loop) == 0);
    client->upstream = upstream_make(&client->loop, limits);
    if (!upstream_place_open(client->upstream, url, tls, server_name, &client->place, &err))
        panic("%s", err.message);
}

void client_open_to(struct client *client, const struct upstream_limits *limits, struct fake *fake)
{
    char url[128];

    if (fake->socket_path[0])
        snprintf(url, sizeof url, "unix:%s", fake->socket_path);
    else
        snprintf(url, sizeof url, "http://127.0.0.1:%u", fake->port);
    client_open(client, limits, url, NULL, NULL);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

void client_close(struct client *client)
{
    upstream_close(client->upstream, on_closed, &client->closed);
    for (int i = 0; uv_run(&client->loop, UV_RUN_ONCE) && i < 1000000; i++)
        ;
    check(client->closed && uv_loop_close(&client->loop) == 0);
}

static void on_time(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void ignore(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

/* Turn the loop until one of the two numbers is there. */
static bool turn(
    struct client *client, const int *number, const atomic_int *count, int least, uint64_t ms)
{
    uv_timer_t timer, poll;
    bool late = false, unused = false, gone = false;

    check(uv_timer_init(&client->loop, &timer) == 0 && uv_timer_init(&client->loop, &poll) == 0);
    timer.data = &late;
    poll.data = &unused;
    uv_timer_start(&timer, on_time, ms, 0);
    uv_timer_start(&poll, on_time, 1, 1); /* threads do not wake the loop */
    while (!late && !(number && *number >= least) && !(count && *count >= least))
        uv_run(&client->loop, UV_RUN_ONCE);
    timer.data = poll.data = &gone;
    uv_close((uv_handle_t *)&poll, ignore);
    uv_run(&client->loop, UV_RUN_NOWAIT);
    gone = false;
    uv_close((uv_handle_t *)&timer, ignore);
    while (!gone)
        uv_run(&client->loop, UV_RUN_NOWAIT);
    return !late;
}

bool client_turn(struct client *client, const int *number, int least)
{
    return turn(client, number, NULL, least, (uint64_t)WAIT_MAX_S * 1000);
}

bool client_turn_atomic(struct client *client, const atomic_int *number, int least)
{
    return turn(client, NULL, number, least, (uint64_t)WAIT_MAX_S * 1000);
}

void client_turn_ms(struct client *client, uint64_t ms)
{
    turn(client, NULL, NULL, 1, ms);
}

void seen_send(struct seen *seen, struct client *client, enum http_method method, const char *path,
    struct str body)
{
    struct upstream_request request = {
        .method = method, .path = str_from(path), .body = body, .hooks = &SEEN_HOOKS, .user = seen};
    struct err err;

    if (!seen->body.bytes_max)
        seen->body = buf_of(1u << 30);
    seen->client = client;
    seen->call = upstream_send(client->place, &request, &err);
    if (!seen->call)
        panic("%s", err.message);
}

void seen_done(struct seen *seen)
{
    buf_done(&seen->body);
}
