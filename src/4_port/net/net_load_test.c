/* SPDX-License-Identifier: Apache-2.0
 * Ten thousand sockets: idle ones, then streams, one event to all. Fewer where RLIMIT_NOFILE allows
 * fewer. */
#include "base/panic.h"
#include "base/scoped.h"
#include "net/http_server.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS_WANTED 10000
#if defined(__SANITIZE_ADDRESS__)
#define BYTES_PER_CONNECTION_MAX 65536 /* a sanitizer's own */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BYTES_PER_CONNECTION_MAX 65536
#endif
#endif
#ifndef BYTES_PER_CONNECTION_MAX
#define BYTES_PER_CONNECTION_MAX 4096 /* of our memory; the kernel has its own */
#endif

static struct exchange *streams[CLIENTS_WANTED];
static size_t stream_count, gone_count;
static struct http_server *server;

static void on_gone(struct exchange *ex, void *data)
{
    (void)data;
    gone_count++;
    exchange_stream_abort(ex);
}

static void on_request(struct exchange *ex, void *user)
{
    (void)user;
    exchange_stream_begin(ex, 200, S("text/event-stream"), NULL, 0);
    exchange_on_gone(ex, on_gone);
    streams[stream_count++] = ex;
}

static size_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    check(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The other process: open all, ask on each, wait for one event on each, say so, go. */
static int run_clients(uint16_t port, size_t count, int go, int tell)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static int fds[CLIENTS_WANTED];
    static const char ASK[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char byte = 0, piece[4096];

    for (size_t i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)&address, sizeof address) != 0)
            return 1;
    }
    if (write(tell, &byte, 1) != 1 || read(go, &byte, 1) != 1)
        return 2;
    for (size_t i = 0; i < count; i++)
        if (send(fds[i], ASK, sizeof ASK - 1, 0) != sizeof ASK - 1)
            return 3;
    for (size_t i = 0; i < count; i++) {
        size_t len = 0;
        while (!len || !memmem(piece, len, "data: to all", 12)) {
            ssize_t got = recv(fds[i], piece + len, sizeof piece - len, 0);
            if (got <= 0)
                return 4;
            len += (size_t)got;
        }
    }
    return 0;
}

static void on_server_closed(void *user)
{
    *(bool *)user = true;
}

TEST(ten_thousand_sockets_are_held_and_served_in_little_memory)
{
    struct http_server_config config = {.handle = on_request};
    int go[2], tell[2], status;
    char byte = 0;
    uv_loop_t loop;
    struct err err;
    bool closed = false;

    http_limits_default(&config.limits);
    check(uv_loop_init(&loop) == 0);
    server = http_server_make(&loop, &config);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    size_t count = files.rlim_cur > CLIENTS_WANTED + 300 ? CLIENTS_WANTED : files.rlim_cur - 300;
    printf("# %zu sockets\n", count);
    check(pipe(go) == 0 && pipe(tell) == 0);
    check(http_server_listen_tcp(server, "127.0.0.1", 0, NULL, &err));
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        _exit(run_clients(http_server_port(server), count, go[0], tell[1]));
    size_t before = resident_bytes();
    while (http_server_counts(server).open < count)
        uv_run(&loop, UV_RUN_ONCE);
    size_t idle = resident_bytes();
    check(read(tell[0], &byte, 1) == 1 && write(go[1], &byte, 1) == 1);
    while (stream_count < count)
        uv_run(&loop, UV_RUN_ONCE);
    size_t streaming = resident_bytes();
    printf("# bytes a connection: idle %zu, streaming %zu\n", (idle - before) / count,
        (streaming - before) / count);
    CHECK((idle - before) / count < BYTES_PER_CONNECTION_MAX);
    CHECK((streaming - before) / count < BYTES_PER_CONNECTION_MAX);
    struct shared_bytes *event = shared_bytes_make(S("data: to all\n\n"));
    for (size_t i = 0; i < count; i++)
        CHECK(exchange_stream_share(streams[i], event));
    shared_bytes_drop(&event);
    while (gone_count < count)
        uv_run(&loop, UV_RUN_ONCE);
    check(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    http_server_close(server, on_server_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(closed && uv_loop_close(&loop) == 0);
}

TAP_MAIN
