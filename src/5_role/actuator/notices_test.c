/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of notifications on a real loop with real workers, before a receiver of our own that
 * answers when the test lets it (a fake; how a receiver may misbehave is in notice_test.c). */
#include "actuator/notices.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "scratch.h"
#include "tap.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID_MAX 64
#define WAIT_MAX_S 20 /* only broken code makes a test wait for this */

/* --- the receiver ---------------------------------------------------------------------------- */

static struct {
    int listener;
    uint16_t port;
    atomic_bool held, end; /* held: whoever comes waits */
    atomic_int accepted;
    pthread_t thread;
} receiver;

static void reply(int fd)
{
    static const char GOOD[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char bytes[4096];

    (void)!send(fd, GOOD, sizeof GOOD - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    close(fd);
}

static void *receive(void *context)
{
    struct pollfd wait = {.fd = receiver.listener, .events = POLLIN};
    int open[SAID_MAX], count = 0;

    (void)context;
    while (!atomic_load(&receiver.end)) {
        if (poll(&wait, 1, 5) > 0 && count < SAID_MAX) {
            open[count++] = accept(receiver.listener, NULL, NULL);
            atomic_fetch_add(&receiver.accepted, 1);
        }
        while (count && !atomic_load(&receiver.held))
            reply(open[--count]);
    }
    while (count)
        close(open[--count]);
    return NULL;
}

static void receiver_open(bool held)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;

    receiver.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(receiver.listener, (struct sockaddr *)&at, sizeof at) == 0 &&
          listen(receiver.listener, SAID_MAX) == 0 &&
          getsockname(receiver.listener, (struct sockaddr *)&at, &bytes) == 0);
    receiver.port = ntohs(at.sin_port);
    atomic_store(&receiver.held, held);
    atomic_store(&receiver.end, false);
    atomic_store(&receiver.accepted, 0);
    check(pthread_create(&receiver.thread, NULL, receive, NULL) == 0);
}

static void receiver_close(void)
{
    atomic_store(&receiver.end, true);
    pthread_join(receiver.thread, NULL);
    close(receiver.listener);
}

static bool receiver_has(int count)
{
    for (int i = 0; i < WAIT_MAX_S * 1000; i++) {
        if (atomic_load(&receiver.accepted) >= count)
            return true;
        usleep(1000);
    }
    return false;
}

/* --- the queue ------------------------------------------------------------------------------- */

static uv_loop_t loop;
static json_t *said[SAID_MAX];
static size_t said_count;
static int idle_count;
static struct actuator_settings settings;
static struct notices *notices;

static const struct actuator_settings STANDARD = {
#define SETTING(name, min, max, standard, help) .name = (standard),
#include "actuator/settings.def"
#undef SETTING
};

static void take_said(void *owner, json_t *message)
{
    (void)owner;
    check(said_count < SAID_MAX);
    said[said_count++] = message;
}

static void on_idle(void *owner)
{
    (void)owner;
    idle_count++;
}

static void open_all(bool held, int64_t at_once, int64_t waiting_max)
{
    static bool begun;

    settings = STANDARD;
    settings.notices_at_once = at_once;
    settings.notices_waiting_max = waiting_max;
    settings.notice_ms = WAIT_MAX_S * 1000;
    if (!begun) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        actuator_widen_threads(&STANDARD);
        begun = true;
    }
    receiver_open(held);
    check(uv_loop_init(&loop) == 0);
    said_count = 0;
    idle_count = 0;
    const struct notices_setup setup = {
        .loop = &loop, .secrets = scratch_folder(), .settings = &settings, .send = take_said};
    notices = notices_open(&setup);
    notices_greet(notices);
}

/* Everything must have ended by itself, or been stopped. */
static void close_all(void)
{
    notices_close(notices);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop) == 0);
    receiver_close();
    for (size_t i = 0; i < said_count; i++)
        json_decref(said[i]);
}

static void take_where(int64_t id, const char *where)
{
    scoped(json_done) json_t *message = message_make(MESSAGE_notify,
        "{s:I, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:s, s:{s:s}, s:s, s:s}}", "id",
        (json_int_t)id, "job", "hand", "notify", "op", "send", "kind", "webhook", "where", where,
        "title", "t", "text", "x", "link", "urgency", "low", "about", "what", "test", "node", "n",
        "at", "2026-11-21T08:00:00.000Z");

    notices_take(notices, message);
}

static void take(int64_t id)
{
    char where[64];

    snprintf(where, sizeof where, "http://127.0.0.1:%u/in", receiver.port);
    take_where(id, where);
}

static void until_said(size_t count)
{
    while (said_count < count)
        uv_run(&loop, UV_RUN_ONCE);
}

static const char *code_of(size_t at)
{
    return message_text(json_object_get(said[at], "error"), "code");
}

TEST(one_is_sent_and_answered_with_what_came_of_it)
{
    open_all(false, 4, 64);
    take(7);
    until_said(1);
    CHECK_TEXT(message_text(said[0], "type"), "done");
    CHECK_INT(message_int(said[0], "id"), 7);
    CHECK(message_true(said[0], "ok"));
    CHECK_TEXT(message_text(said[0], "changed"), "no");
    CHECK_INT(message_int(json_object_get(said[0], "result"), "status"), 200);
    const struct notices_counts counts = notices_counts(notices);
    CHECK_INT(counts.ended, 1);
    CHECK_INT(counts.failed + counts.refused + counts.running + counts.waiting, 0);
    close_all();
}

TEST(what_is_no_job_is_refused_at_once_and_sent_nowhere)
{
    scoped(json_done) json_t *none =
        message_make(MESSAGE_notify, "{s:i, s:{s:s}}", "id", 3, "job", "hand", "dns");

    open_all(false, 4, 64);
    notices_take(notices, none);
    CHECK_INT(said_count, 1);
    CHECK_INT(message_int(said[0], "id"), 3);
    CHECK(!message_true(said[0], "ok"));
    CHECK_TEXT(code_of(0), "bad_job");
    CHECK_TEXT(message_text(said[0], "changed"), "no");
    CHECK_INT(notices_counts(notices).refused, 1);
    CHECK_INT(atomic_load(&receiver.accepted), 0);
    close_all();
}

TEST(an_address_that_is_a_secret_and_not_there_is_a_failure_that_names_the_handle_only)
{
    open_all(false, 4, 64);
    take_where(1, "secret:notify/phone");
    until_said(1);
    CHECK_TEXT(code_of(0), "no_secret");
    CHECK(
        strstr(message_text(json_object_get(said[0], "error"), "message"), "secret:notify/phone"));
    CHECK_INT(notices_counts(notices).failed, 1);
    close_all();
}

TEST(so_many_are_under_way_and_so_many_wait_and_one_more_is_refused)
{
    open_all(true, 2, 3);
    for (int64_t id = 1; id <= 6; id++)
        take(id);
    CHECK_INT(said_count, 1);
    CHECK_INT(message_int(said[0], "id"), 6);
    CHECK_TEXT(code_of(0), "queue_full");
    CHECK(receiver_has(2));
    CHECK_INT(notices_counts(notices).running, 2);
    CHECK_INT(notices_counts(notices).waiting, 3);
    CHECK_INT(atomic_load(&receiver.accepted), 2);
    atomic_store(&receiver.held, false);
    until_said(6);
    for (size_t i = 1; i < 6; i++)
        CHECK(message_true(said[i], "ok"));
    CHECK_INT(notices_counts(notices).ended, 5);
    take(7);
    until_said(7);
    CHECK(message_true(said[6], "ok")); /* there is room again */
    close_all();
}

TEST(one_after_the_other_in_the_order_in_which_they_came)
{
    open_all(true, 1, 64);
    for (int64_t id = 1; id <= 4; id++)
        take(id);
    CHECK_INT(notices_counts(notices).waiting, 3);
    atomic_store(&receiver.held, false);
    until_said(4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(message_int(said[i], "id"), i + 1);
    close_all();
}

TEST(what_the_judge_before_asked_is_sent_and_not_answered)
{
    open_all(true, 1, 64);
    take(1);
    take(2);
    CHECK(receiver_has(1));
    notices_greet(notices); /* another judge, whose numbers begin anew */
    take(1);
    atomic_store(&receiver.held, false);
    until_said(1);
    CHECK_INT(said_count, 1);
    CHECK_INT(message_int(said[0], "id"), 1);
    CHECK_INT(atomic_load(&receiver.accepted), 3);
    CHECK_INT(notices_counts(notices).ended, 3);
    close_all();
}

TEST(a_stop_refuses_what_waits_and_comes_and_lets_go_what_is_under_way)
{
    open_all(true, 1, 64);
    take(1);
    take(2);
    CHECK(receiver_has(1));
    notices_stop(notices, on_idle);
    CHECK_INT(said_count, 1);
    CHECK_INT(message_int(said[0], "id"), 2);
    CHECK_TEXT(code_of(0), "stopping");
    take(3);
    CHECK_TEXT(code_of(1), "stopping");
    CHECK_INT(idle_count, 0);
    until_said(3); /* the receiver never answers */
    CHECK_INT(message_int(said[2], "id"), 1);
    CHECK_TEXT(code_of(2), "stopped");
    CHECK_INT(idle_count, 1);
    CHECK_INT(notices_counts(notices).running + notices_counts(notices).waiting, 0);
    close_all();
}

TEST(a_stop_of_nothing_is_idle_at_once)
{
    open_all(false, 1, 64);
    notices_stop(notices, on_idle);
    CHECK_INT(idle_count, 1);
    close_all();
}

TAP_MAIN
