/* SPDX-License-Identifier: Apache-2.0
 * Streams, leaving clients, full servers, drains, the unix socket. net_test.c has the requests
 * themselves. */
#include "base/panic.h"
#include "base/scoped.h"
#include "net_test_words.h"
#include "os/fd.h"
#include "tap.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_BYTES_MAX (64u << 20)

TEST(pipelined_requests_are_answered_in_order_one_at_a_time)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct site site;

    site_init(&site);
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S("POST /hold HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\none"
                      "POST /hold HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\ntwo"
                      "POST /now HTTP/1.1\r\n" H CLOSE "Content-Length: 5\r\n\r\nthree"
                      "GET /never HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    site_do(&site, reply_held, &(int){0});
    CHECK(client_read_until(fd, &out, "one"));
    CHECK(site_wait(&site, &site.held_count, 2));
    CHECK_INT(site.held_count, 2);
    CHECK_INT(client_count(buf_str(&out), "HTTP/1.1 200"), 1);
    site_do(&site, reply_held, &(int){1});
    CHECK(client_read_all(fd, &out));
    CHECK_INT(client_count(buf_str(&out), "HTTP/1.1 200"), 3);
    CHECK(str_ends(buf_str(&out), S("three")));
    site_close(&site);
    CHECK_INT(site.requests, 3);
}

TEST(a_flood_of_pipelined_bytes_is_not_read_beyond_the_bound)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);
    struct site site;

    site_init(&site);
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S("GET /hold HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    while (in.len < 65536)
        buf_add(&in, S("GET / HTTP/1.1\r\n" H "\r\n"));
    ssize_t sent;
    do { /* until nobody takes any more */
        sent = send(fd, in.at, in.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            usleep(20000);
            sent = send(fd, in.at, in.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (sent > 0);
    CHECK(site_counts(&site).input_bytes <= 262144);
    site_do(&site, reply_held, &(int){0});
    CHECK(site_wait(&site, &site.requests, 1000)); /* and goes on when the reply is out */
    close(fd);
    fd = -1;
    site_close(&site);
}

TEST(a_client_that_leaves_is_noticed_while_both_are_silent)
{
    struct site site;

    site_init(&site);
    site_open(&site);
    for (int i = 0; i < 2; i++) { /* before the head of the reply, and within a stream */
        int fd = client_connect(&site);
        client_send(
            fd, i ? S("GET /stream HTTP/1.1\r\n" H "\r\n") : S("GET /hold HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.held_count, i + 1));
        close(fd);
        CHECK(site_wait(&site, &site.gone, i + 1));
    }
    int fd = client_connect(&site); /* and by a reset */
    client_send(fd, S("GET /hold HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 3));
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    CHECK(site_wait(&site, &site.gone, 3));
    site_close(&site);
}

static void write_held(struct site *site, void *argument)
{
    static char bytes[16384];
    struct exchange *ex = site->held[0];
    int *written = argument;

    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 16 && site->held[0]; i++) {
        if (!exchange_stream_write(ex, (struct str){bytes, sizeof bytes})) {
            *written = -1;
            return;
        }
        (*written)++;
        check(exchange_stream_queued(ex) <=
              (size_t)site->config.limits.stream_behind_bytes_max + sizeof bytes);
    }
}

static void share_held(struct site *site, void *argument)
{
    int *written = argument;
    struct shared_bytes *bytes = shared_bytes_make(S("data: shared by many\n\n"));

    for (int i = 0; i < 20000 && *written >= 0; i++)
        *written = exchange_stream_share(site->held[0], bytes) ? *written + 1 : -1;
    shared_bytes_drop(&bytes);
}

static void end_held(struct site *site, void *argument)
{
    (void)argument;
    exchange_stream_end(site->held[0]);
    site->held[0] = NULL;
}

static void abort_held(struct site *site, void *argument)
{
    (void)argument;
    exchange_stream_abort(site->held[0]);
    site->held[0] = NULL;
}

TEST(a_stalled_reader_is_dropped_when_it_is_too_far_behind)
{
    for (int shared = 0; shared < 2; shared++) {
        struct site site;
        int written = 0, small = 4096;
        site_init(&site);
        site_open(&site);
        int fd = client_connect(&site);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        client_send(fd, S("GET /stream HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.held_count, 1));
        for (int i = 0; i < 1000 && written >= 0; i++)
            site_do(&site, shared ? share_held : write_held, &written);
        CHECK_INT(written, -1);
        CHECK(site_wait(&site, &site.gone, 1));
        CHECK_INT(site_counts(&site).dropped_slow, 1);
        close(fd);
        site_close(&site);
    }
}

TEST(a_client_that_takes_nothing_of_a_long_reply_is_dropped)
{
    scoped(buf_done) struct buf in = buf_of(REPLY_BYTES_MAX);
    struct site site;
    int small = 4096;

    site_init(&site);
    site.config.limits.body_bytes_max = 32 << 20;
    site.config.limits.write_ms = 200;
    site_open(&site);
    int fd = client_connect(&site);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    buf_add(&in, S(P "Content-Length: 16777216\r\n\r\n"));
    size_t start = in.len;
    check(buf_room(&in, 16777216));
    memset(in.at + start, 'x', 16777216);
    in.len += 16777216;
    client_send(fd, buf_str(&in));
    CHECK(site_wait(&site, &site.requests, 1));
    for (int i = 0; i < 1000 && site_counts(&site).open; i++)
        usleep(20000);
    CHECK_INT(site_counts(&site).open, 0);
    close(fd);
    site_close(&site);
}

TEST(a_long_reply_comes_whole_and_a_source_hears_when_to_go_on)
{
    scoped(buf_done) struct buf out = buf_of(REPLY_BYTES_MAX);
    struct site site;
    int written = 0;

    site_init(&site);
    site.config.limits.stream_behind_bytes_max = 64 << 20;
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S("GET /stream HTTP/1.0\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    for (int i = 0; i < 64; i++) /* 16 MB */
        site_do(&site, write_held, &written);
    CHECK_INT(written, 1024);
    CHECK_INT(site.drained, 0);
    while (out.len < 1024 * 16384)
        REQUIRE(client_read_more(fd, &out));
    CHECK(site_wait(&site, &site.drained, 1));
    site_do(&site, end_held, NULL);
    CHECK(client_read_all(fd, &out));
    CHECK(out.len > 1024 * 16384 && out.len < 1024 * 16384 + 300);
    CHECK_INT(site.drained, 1);
    site_close(&site);
}

TEST(a_stream_is_chunked_for_1_1_and_until_close_for_1_0)
{
    scoped(buf_done) struct buf one = buf_of(4096), other = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    CHECK(client_ask(&site, S("GET /pieces HTTP/1.1\r\n" H CLOSE "\r\n"), &one));
    CHECK_INT(client_count(buf_str(&one), "\r\nTransfer-Encoding: chunked\r\n"), 1);
    CHECK(str_ends(buf_str(&one), S("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")));
    CHECK(client_ask(
        &site, S("GET /pieces HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n"), &other));
    CHECK_INT(client_count(buf_str(&other), "Transfer-Encoding"), 0);
    CHECK(str_ends(buf_str(&other), S("Connection: close\r\n\r\nonethree")));
    site_close(&site);
}

TEST(a_torn_stream_does_not_look_whole)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S("GET /stream HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    site_do(&site, abort_held, NULL);
    client_read_all(fd, &out);
    CHECK_INT(client_count(buf_str(&out), "\r\n0\r\n\r\n"), 0);
    site_close(&site);
}

TEST(head_and_204_have_no_body)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    CHECK(client_ask(&site,
        S("HEAD /peer HTTP/1.1\r\n" H "\r\n"
          "HEAD /pieces HTTP/1.1\r\n" H "\r\n"
          "GET /empty HTTP/1.1\r\n" H CLOSE "\r\n"),
        &out));
    CHECK_INT(client_count(buf_str(&out), "HTTP/1.1 20"), 3);
    CHECK_INT(client_count(buf_str(&out), "Content-Length: "), 1);
    CHECK_INT(client_count(buf_str(&out), "channel="), 0);
    CHECK_INT(client_count(buf_str(&out), "one"), 0);
    CHECK(str_ends(buf_str(&out), S("Connection: close\r\n\r\n")));
    site_close(&site);
}

TEST(an_expectation_is_met_before_the_body_and_only_if_it_may_come)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    scoped(fd_done) int fd = client_connect(&site);
    client_send(fd, S(P CLOSE "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    CHECK(client_read_until(fd, &out, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send(fd, S("abc"));
    CHECK(client_read_all(fd, &out));
    CHECK_INT(client_count(buf_str(&out), "HTTP/1.1 200 OK"), 1);
    check_refused(&site, S(P "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"), 413,
        "body_too_long");
    site_close(&site);
}

TEST(errors_are_json_and_no_reply_header_ends_its_line)
{
    scoped(buf_done) struct buf out = buf_of(4096), bad = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    CHECK(client_ask(&site, S("GET /error HTTP/1.1\r\n" H CLOSE "\r\n"), &out));
    CHECK_INT(client_status(buf_str(&out)), 403);
    CHECK(str_ends(buf_str(&out),
        S("{\"error\":{\"message\":\"zone \\\"x\\\" is not owned\",\"type\":\"denied\","
          "\"param\":\"zone\",\"code\":\"not_owned\"}}")));
    CHECK(client_ask(&site, S("GET /smuggle HTTP/1.1\r\n" H CLOSE "\r\n"), &bad));
    CHECK_INT(client_status(buf_str(&bad)), 500);
    CHECK_INT(client_count(buf_str(&bad), "Set-Cookie"), 0);
    site_close(&site);
}

TEST(beyond_the_connections_a_further_one_gets_503_and_the_others_go_on)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;
    int fds[4];

    site_init(&site);
    site.config.limits.connections_max = 4;
    site_open(&site);
    for (int i = 0; i < 4; i++) {
        fds[i] = client_connect(&site);
        client_send(fds[i], S("GET / HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.requests, i + 1));
    }
    check_refused(&site, S("GET / HTTP/1.1\r\n" H "\r\n"), 503, "too_many_connections");
    CHECK_INT(site_counts(&site).refused_full, 1);
    for (int i = 0; i < 4; i++) {
        client_send(fds[i], S("GET /again HTTP/1.1\r\n" H CLOSE "\r\n"));
        buf_clear(&out);
        CHECK(client_read_all(fds[i], &out));
        CHECK_INT(client_count(buf_str(&out), "X-Path: /again"), 1);
        close(fds[i]);
    }
    site_close(&site);
    CHECK_INT(site.requests, 8);
}

static void stop_listening(struct site *site, void *argument)
{
    (void)argument;
    http_server_stop_listening(site->server);
}

TEST(a_drain_lets_the_held_request_finish_and_closes_the_idle)
{
    scoped(buf_done) struct buf out = buf_of(4096), none = buf_of(4096);
    struct site site;

    site_init(&site);
    site_open(&site);
    scoped(fd_done) int idle = client_connect(&site), busy = client_connect(&site);
    client_send(busy, S("GET /hold HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    site_do(&site, stop_listening, NULL);
    CHECK(client_read_all(idle, &none) && !none.len);
    site_do(&site, reply_held, &(int){0});
    CHECK(client_read_all(busy, &out));
    CHECK_INT(client_count(buf_str(&out), "Connection: close"), 1);
    site_close(&site);
}

TEST(a_server_that_closes_tells_every_held_exchange)
{
    struct site site;
    int fds[3];

    site_init(&site);
    site_open(&site);
    for (int i = 0; i < 3; i++) {
        fds[i] = client_connect(&site);
        client_send(fds[i],
            i ? S("GET /stream HTTP/1.1\r\n" H "\r\n") : S("GET /hold HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.held_count, i + 1));
    }
    site_close(&site); /* run_site() checks that nothing is left */
    CHECK_INT(site.gone, 3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void close_and_finish(struct site *site, void *argument)
{
    struct shared_bytes *bytes = shared_bytes_make(S("late"));

    (void)argument;
    site_begin_close(site);
    check(exchange_gone(site->held[0]) && exchange_gone(site->held[1]));
    exchange_reply(site->held[0], 200, S("text/plain"), NULL, 0, S("late"));
    check(!exchange_stream_write(site->held[1], S("late")));
    check(!exchange_stream_share(site->held[1], bytes));
    exchange_stream_end(site->held[1]);
    shared_bytes_drop(&bytes);
}

TEST(an_exchange_finished_while_its_connection_closes_hears_nothing_more)
{
    struct site site;
    int fds[2];

    site_init(&site);
    site_open(&site);
    for (int i = 0; i < 2; i++) {
        fds[i] = client_connect(&site);
        client_send(fds[i],
            i ? S("GET /stream HTTP/1.1\r\n" H "\r\n") : S("GET /hold HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.held_count, i + 1));
    }
    site_do(&site, close_and_finish, NULL);
    site_join(&site);
    CHECK_INT(site.gone, 0);
    close(fds[0]);
    close(fds[1]);
}

/* --- unix socket --------------------------------------------------------------------- */

static void make_socket_path(struct site *site, char *folder, size_t folder_bytes)
{
    snprintf(folder, folder_bytes, "/tmp/net_test.XXXXXX");
    check(mkdtemp(folder));
    snprintf(site->socket_path, sizeof site->socket_path, "%s/s", folder);
}

TEST(the_unix_socket_has_its_mode_and_names_its_peer)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    char folder[64], want[128];
    struct site site;
    struct stat file;

    site_init(&site);
    make_socket_path(&site, folder, sizeof folder);
    site.socket_mode = 0660;
    site_open(&site);
    CHECK(stat(site.socket_path, &file) == 0 && (file.st_mode & 07777) == 0660);
    scoped(fd_done) int fd = client_connect_unix(site.socket_path);
    REQUIRE(fd >= 0);
    client_send(fd, S("GET /peer HTTP/1.1\r\n" H CLOSE "\r\n"));
    CHECK(client_read_all(fd, &out));
    snprintf(want, sizeof want, "\r\n\r\nchannel=%d tls=0 uid=%d pid=%d address=unix name=-",
        EXCHANGE_UNIX, (int)getuid(), (int)getpid());
    CHECK(str_ends(buf_str(&out), str_from(want)));
    buf_clear(&out);
    CHECK(client_ask(&site, S("GET /peer HTTP/1.1\r\n" H CLOSE "\r\n"), &out));
    snprintf(want, sizeof want, "\r\n\r\nchannel=%d tls=0 uid=-1 pid=0 address=127.0.0.1 name=-",
        EXCHANGE_LOOPBACK);
    CHECK(str_ends(buf_str(&out), str_from(want)));
    site_close(&site);
    CHECK(stat(site.socket_path, &file) != 0 && errno == ENOENT);
    rmdir(folder);
}

static void write_to_the_dead(struct site *site, void *argument)
{
    close(*(int *)argument);
    check(!exchange_stream_write(site->held[0], S("late")) && exchange_gone(site->held[0]));
}

TEST(a_write_to_a_client_that_left_just_now_is_no_signal)
{
    char folder[64];
    struct site site;

    site_init(&site);
    make_socket_path(&site, folder, sizeof folder);
    site_open(&site);
    int fd = client_connect_unix(site.socket_path);
    client_send(fd, S("GET /stream HTTP/1.1\r\n" H "\r\n"));
    CHECK(site_wait(&site, &site.held_count, 1));
    site_do(&site, write_to_the_dead, &fd);
    CHECK(site_wait(&site, &site.gone, 1));
    site_close(&site);
    rmdir(folder);
}

static void listen_again(struct site *site, void *argument)
{
    struct err *err = argument;

    if (http_server_listen_unix(site->server, site->socket_path, 0600, err))
        err->kind = ERR_NONE;
}

TEST(a_stale_socket_is_replaced_but_one_in_use_and_a_file_are_not)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[64];
    struct site site;
    struct err err;

    site_init(&site);
    make_socket_path(&site, folder, sizeof folder);
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", site.socket_path);
    check(bind(stale, (struct sockaddr *)&address, sizeof address) == 0 && listen(stale, 1) == 0);
    close(stale);
    site_open(&site); /* panics if it cannot listen */
    site_do(&site, listen_again, &err);
    CHECK_INT(err.kind, ERR_SYSTEM);
    CHECK(strstr(err.message, "in use"));
    snprintf(site.socket_path, sizeof site.socket_path, "%s/file", folder);
    FILE *file = fopen(site.socket_path, "w");
    check(file);
    fclose(file);
    site_do(&site, listen_again, &err);
    CHECK_INT(err.kind, ERR_SYSTEM);
    unlink(site.socket_path);
    memset(site.socket_path, 'x', 120);
    site.socket_path[120] = 0;
    site_do(&site, listen_again, &err);
    CHECK_INT(err.kind, ERR_INPUT);
    site_close(&site);
    rmdir(folder);
}

static void listen_taken(struct site *site, void *argument)
{
    if (http_server_listen_tcp(
            site->server, "127.0.0.1", http_server_port(site->server), NULL, argument))
        ((struct err *)argument)->kind = ERR_NONE;
}

TEST(a_taken_port_and_a_bad_address_are_errors_with_a_remedy)
{
    struct site site;
    struct err err = {0};

    site_init(&site);
    site_open(&site);
    site_do(&site, listen_taken, &err);
    CHECK_INT(err.kind, ERR_SYSTEM);
    CHECK(strstr(err.message, "choose another port"));
    CHECK(!http_address_is_loopback("0.0.0.0") && !http_address_is_loopback("nonsense"));
    CHECK(http_address_is_loopback("127.0.0.1") && http_address_is_loopback("::1"));
    site_close(&site);
}

TAP_MAIN
