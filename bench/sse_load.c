/* SPDX-License-Identifier: Apache-2.0
 *
 * sse_load — both ends of a proxied stream for bench/streams.py.
 *
 *     sse_load serve PORT                     an engine: each POST gets TOKENS frames, one per
 * STEP_MS, then [DONE]; with "hold" in its body only the first and then silence; /health is 200
 *     sse_load load PORT STREAMS [HEADER]     STREAMS requests at once; prints
 * {"tokens","streams","bad","ms","late_us_p99"} sse_load hold PORT STREAMS [HEADER]     STREAMS
 * held requests; prints "held" when each has its first frame, ends with stdin sse_load idle PORT
 * STREAMS PATH         the same with GET PATH (an event stream that says nothing yet)
 *     sse_load watch PORT STREAMS PATH        the same; its end prints what came of events with a
 * number: {"events","least","most","bytes"}, in all and of one stream
 *
 * Written for speed, not for the world: it believes its peer. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define TOKENS 200
#define STEP_MS 5
#define HEAD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define FRAME                                                                                      \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"fake\","   \
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define STREAMS_MAX 20000

static uv_loop_t *loop;

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "sse_load: %s\n", what);
    exit(1);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[65536];

    (void)handle, (void)size;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

/* --- the engine --------------------------------------------------------------------------------
 */

struct client {
    uv_tcp_t tcp;
    uv_timer_t timer;
    int left, handles;
    size_t have;
    char request[8192];
};

static char frame[512], last[64];

static void send_text(uv_stream_t *stream, const char *text)
{
    uv_buf_t buf = uv_buf_init((char *)(size_t)text, (unsigned)strlen(text));

    (void)uv_try_write(stream, &buf, 1);
}

static void on_step(uv_timer_t *timer)
{
    struct client *c = timer->data;

    send_text((uv_stream_t *)&c->tcp, frame);
    if (--c->left)
        return;
    uv_timer_stop(timer);
    send_text((uv_stream_t *)&c->tcp, last);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;

    if (--c->handles == 0)
        free(c);
}

static void answer(struct client *c, const char *body)
{
    if (strncmp(c->request, "GET", 3) == 0) {
        send_text((uv_stream_t *)&c->tcp, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        return;
    }
    send_text((uv_stream_t *)&c->tcp, HEAD);
    send_text((uv_stream_t *)&c->tcp, frame);
    if (strstr(body, "hold"))
        return;
    c->left = TOKENS - 1;
    uv_timer_start(&c->timer, on_step, STEP_MS, STEP_MS);
}

static void on_request(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct client *c = stream->data;

    if (got < 0) {
        uv_close((uv_handle_t *)&c->tcp, on_client_closed);
        uv_close((uv_handle_t *)&c->timer, on_client_closed);
        return;
    }
    must(c->have + (size_t)got < sizeof c->request, "a request is too long");
    memcpy(c->request + c->have, buf->base, (size_t)got);
    c->have += (size_t)got;
    c->request[c->have] = '\0';
    const char *end = strstr(c->request, "\r\n\r\n"),
               *length = strcasestr(c->request, "content-length:");
    if (!end ||
        c->have < (size_t)(end + 4 - c->request) + (length ? strtoul(length + 15, NULL, 10) : 0))
        return;
    c->have = 0;
    answer(c, end + 4);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *c = calloc(1, sizeof *c);

    must(c && status == 0 && uv_tcp_init(loop, &c->tcp) == 0 && uv_timer_init(loop, &c->timer) == 0,
        "cannot accept");
    c->handles = 2;
    c->tcp.data = c->timer.data = c;
    must(uv_accept(listener, (uv_stream_t *)&c->tcp) == 0, "cannot accept");
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_request);
}

static void serve(int port)
{
    uv_tcp_t listener;
    struct sockaddr_in address;

    snprintf(frame, sizeof frame, "%zx\r\n%s\r\n", strlen(FRAME), FRAME);
    snprintf(last, sizeof last, "%zx\r\n%s\r\n0\r\n\r\n", strlen(DONE), DONE);
    uv_ip4_addr("127.0.0.1", port, &address);
    must(uv_tcp_init(loop, &listener) == 0 &&
             uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) == 0 &&
             uv_listen((uv_stream_t *)&listener, 4096, on_connection) == 0,
        "cannot listen");
    uv_run(loop, UV_RUN_DEFAULT);
}

/* --- the callers
 * ---------------------------------------------------------------------------------- */

struct caller {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uint64_t at_ns;
    int tokens, events;
    size_t matched; /* bytes of an id line that stand at the end of what was read */
    bool done;
};

static struct caller *callers;
static int streams, opened, first_seen, ended, bad;
static long tokens, gaps_count;
static uint32_t *gaps_us; /* between two frames of a stream */
static bool holds, watches;
static size_t bytes_read;
static char request[8192];
static uv_pipe_t input;

static void end_caller(struct caller *c)
{
    if (c->done)
        return;
    c->done = true;
    bad += c->tokens != TOKENS;
    tokens += c->tokens;
    uv_close((uv_handle_t *)&c->tcp, NULL);
    if (++ended == streams)
        uv_stop(loop);
}

/* A line that begins with ID is an event with a number, however the bytes were cut. */
static void count_events(struct caller *c, const char *at, size_t len)
{
    static const char ID[] = "\nid: ";

    bytes_read += len;
    for (size_t i = 0; i < len; i++) {
        if (!c->matched) {
            const char *line = memchr(at + i, '\n', len - i);
            if (!line)
                return;
            i = (size_t)(line - at);
        }
        c->matched = at[i] == ID[c->matched] ? c->matched + 1 : at[i] == '\n';
        if (c->matched == sizeof ID - 1) {
            c->events++;
            c->matched = 0;
        }
    }
}

static void on_reply(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct caller *c = stream->data;
    uint64_t now = uv_hrtime();

    if (got < 0) {
        end_caller(c);
        return;
    }
    if (watches)
        count_events(c, buf->base, (size_t)got);
    if (!c->at_ns && ++first_seen == streams && holds) {
        printf("held\n");
        fflush(stdout);
    }
    if (c->at_ns && !watches && gaps_count < (long)STREAMS_MAX * TOKENS)
        gaps_us[gaps_count++] = (uint32_t)((now - c->at_ns) / 1000);
    c->at_ns = now;
    if (watches)
        return;
    for (const char *at = buf->base, *end = at + got;
         (at = memmem(at, (size_t)(end - at), "\"delta\"", 7)); at += 7)
        c->tokens++;
    if (memmem(buf->base, (size_t)got, "[DONE]", 6))
        end_caller(c);
}

static void connect_next(void);

static void on_connected(uv_connect_t *connect, int status)
{
    struct caller *c = connect->data;
    uv_buf_t buf = uv_buf_init(request, (unsigned)strlen(request));

    must(status == 0, "cannot connect");
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_reply);
    must(uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, NULL) == 0, "cannot write");
    connect_next();
}

static int to_port;

static void connect_next(void)
{
    struct sockaddr_in address;

    if (opened == streams)
        return;
    struct caller *c = &callers[opened++];
    uv_ip4_addr("127.0.0.1", to_port, &address);
    uv_tcp_init(loop, &c->tcp);
    uv_tcp_nodelay(&c->tcp, 1);
    c->tcp.data = c->connect.data = c;
    must(uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&address, on_connected) == 0,
        "cannot connect");
}

static void on_input(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    (void)stream, (void)buf;
    if (got < 0)
        uv_stop(loop);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void tell_watched(void)
{
    int least = callers[0].events, most = least;
    long events = 0;

    for (int i = 0; i < streams; i++) {
        least = callers[i].events < least ? callers[i].events : least;
        most = callers[i].events > most ? callers[i].events : most;
        events += callers[i].events;
    }
    printf("{\"events\":%ld,\"least\":%d,\"most\":%d,\"bytes\":%zu}\n", events, least, most,
        bytes_read);
}

static void load(const char *path, const char *header)
{
    char body[256];

    snprintf(body, sizeof body,
        "{\"model\":\"fake\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]"
        "}",
        holds ? "hold" : "go");
    if (path)
        snprintf(request, sizeof request,
            "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", path);
    else
        snprintf(request, sizeof request,
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
            "application/json\r\n%s%sContent-Length: "
            "%zu\r\n\r\n%s",
            header, *header ? "\r\n" : "", strlen(body), body);
    callers = calloc((size_t)streams, sizeof *callers);
    gaps_us = malloc(sizeof *gaps_us * STREAMS_MAX * TOKENS);
    must(callers && gaps_us, "no memory");
    uint64_t begin = uv_hrtime();
    for (int i = 0; i < 64; i++)
        connect_next();
    if (holds) {
        uv_pipe_init(loop, &input, 0);
        uv_pipe_open(&input, 0);
        uv_read_start((uv_stream_t *)&input, on_alloc, on_input);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    if (watches) {
        tell_watched();
        return;
    }
    qsort(gaps_us, (size_t)gaps_count, sizeof *gaps_us, by_size);
    printf("{\"tokens\":%ld,\"streams\":%d,\"bad\":%d,\"ms\":%.1f,\"gap_us_p99\":%u}\n", tokens,
        streams, bad, (double)(uv_hrtime() - begin) / 1e6,
        gaps_count ? gaps_us[gaps_count * 99 / 100] : 0);
}

int main(int argc, char **argv)
{
    loop = uv_default_loop();
    must(argc >= 3, "usage: sse_load serve PORT | load|hold PORT STREAMS [HEADER] | idle|watch "
                    "PORT STREAMS PATH");
    to_port = (int)strtol(argv[2], NULL, 10);
    if (strcmp(argv[1], "serve") == 0) {
        serve(to_port);
        return 0;
    }
    streams = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    must(streams > 0 && streams <= STREAMS_MAX, "too many streams");
    holds = strcmp(argv[1], "load") != 0;
    watches = strcmp(argv[1], "watch") == 0;
    load(watches || strcmp(argv[1], "idle") == 0 ? argv[4] : NULL, argc > 4 ? argv[4] : "");
    return 0;
}
