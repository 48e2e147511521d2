/* SPDX-License-Identifier: Apache-2.0
 * Kept connections that went stale, cancelling and closing at every point.
 * upstream_flow_test.c has what flows. */
#include "base/panic.h"
#include "base/scoped.h"
#include "tap.h"
#include "upstream_fake_engine.h"

#include <stdio.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_3 OK "Content-Length: 3\r\n\r\nabc"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static struct upstream_limits limits;

__attribute__((constructor)) static void set_limits(void)
{
    upstream_limits_default(&limits);
}

static struct seen ask_once(struct client *client, enum http_method method)
{
    struct seen seen = {0};

    seen_send(&seen, client, method, "/", S("x"));
    CHECK(client_turn(client, &seen.ends, 1));
    buf_done(&seen.body);
    return seen;
}

/* --- stale connections --------------------------------------------------------------------- */

/* The first connection answers once, then takes a request and closes without a word. */
static bool first_goes_stale(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    while (fake_read_request(fake, fd, &in)) {
        if (number == 0)
            return false;
        fake_send(fake, fd, S(OK_3));
    }
    return false;
}

static bool first_goes_stale_by_reset(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    if (number)
        return first_goes_stale(fake, fd, number);
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    fake_read_request(fake, fd, &in);
    fake_reset(fd);
    return true;
}

TEST(a_stale_connection_is_replaced_once_and_nobody_notices)
{
    bool (*const scripts[])(struct fake *, int, int) = {
        first_goes_stale, first_goes_stale_by_reset};
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct client client;
        struct fake fake;
        fake_open(&fake, scripts[i], NULL);
        client_open_to(&client, &limits, &fake);
        CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
        struct seen seen = ask_once(&client, METHOD_POST);
        CHECK(seen.how == UPSTREAM_WHOLE && seen.sent);
        CHECK(upstream_place_counts(client.place).retried == 1);
        CHECK(upstream_place_counts(client.place).connects == 2);
        CHECK_INT(fake.requests, 3);
        client_close(&client);
        fake_close(&fake);
    }
}

/* Every connection answers once and then takes a request and says nothing. */
static bool answer_once_then_close(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake->requests == 0 && fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    fake_read_request(fake, fd, &in);
    return false;
}

TEST(a_fresh_connection_that_closes_is_not_tried_again)
{
    struct client client;
    struct fake fake;

    fake_open(&fake, answer_once_then_close, NULL);
    client_open_to(&client, &limits, &fake);
    CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
    struct seen twice = ask_once(&client, METHOD_POST); /* stale, then the fresh one too */
    CHECK(twice.how == UPSTREAM_TORN && twice.sent && !twice.began);
    CHECK_TEXT(twice.code, "no_reply");
    CHECK_INT(fake.requests, 3);
    struct seen once = ask_once(&client, METHOD_GET); /* only fresh ones left */
    CHECK(once.how == UPSTREAM_TORN);
    CHECK_INT(fake.requests, 4);
    CHECK(upstream_place_counts(client.place).retried == 1);
    client_close(&client);
    fake_close(&fake);
}

static bool answer_half_the_second(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S("H"));
    return false;
}

TEST(a_reply_that_has_begun_is_never_asked_for_again)
{
    struct client client;
    struct fake fake;

    fake_open(&fake, answer_half_the_second, NULL);
    client_open_to(&client, &limits, &fake);
    CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
    struct seen seen = ask_once(&client, METHOD_GET);
    CHECK(seen.how == UPSTREAM_TORN);
    CHECK_TEXT(seen.code, "reply_torn");
    CHECK_INT(fake.requests, 2);
    client_close(&client);
    fake_close(&fake);
}

static bool work_a_while_and_die(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    if (fake_read_request(fake, fd, &in))
        usleep(400000);
    return false;
}

TEST(an_engine_that_dies_at_work_is_not_asked_again)
{
    struct upstream_limits own = limits;
    struct client client;
    struct fake fake;

    own.upstream_stale_ms = 100;
    fake_open(&fake, work_a_while_and_die, NULL);
    client_open_to(&client, &own, &fake);
    CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
    struct seen seen = ask_once(&client, METHOD_POST);
    CHECK(seen.how == UPSTREAM_TORN && seen.sent);
    CHECK_TEXT(seen.code, "no_reply");
    CHECK_INT(fake.requests, 2);
    client_close(&client);
    fake_close(&fake);
}

static bool answer_and_close(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    return false;
}

static bool answer_and_talk_on(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in) || !fake_send(fake, fd, S(OK_3)))
        return false;
    fake_wait_go(fake, 1);
    fake_send(fake, fd, S(OK_3));
    fake_hang(fake, fd);
    return false;
}

TEST(idle_connections_that_end_or_speak_are_dropped)
{
    struct client client;
    struct fake fake;

    fake_open(&fake, answer_and_close, NULL);
    client_open_to(&client, &limits, &fake);
    for (int i = 0; i < 3; i++) {
        CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
        client_turn_ms(&client, 50);
        CHECK(upstream_place_counts(client.place).open == 0);
    }
    CHECK(upstream_place_counts(client.place).connects == 3);
    client_close(&client);
    fake_close(&fake);
    fake_open(&fake, answer_and_talk_on, NULL);
    client_open_to(&client, &limits, &fake);
    CHECK(ask_once(&client, METHOD_POST).how == UPSTREAM_WHOLE);
    CHECK(upstream_place_counts(client.place).idle == 1);
    fake.go = 1;
    CHECK(client_turn_atomic(&client, &fake.left, 1));
    CHECK(upstream_place_counts(client.place).open == 0);
    client_close(&client);
    fake_close(&fake);
}

/* --- cancelling and closing ------------------------------------------------------------------ */

/* Plays to the point that `fake->go` allows, and on from there. */
static bool point_by_point(struct fake *fake, int fd, int number)
{
    static const struct str STEPS[] = {
        {"HTTP/1.1 100 Continue\r\n\r\n", 25},
        {"HTTP/1.1 200 O", 14},
        {"K\r\nTransfer-Encoding: chunked\r\n\r\n", 33},
        {"3\r\nab", 5},
        {"c\r\n0", 4},
    };
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    for (int i = 0; i < fake->go; i++)
        fake_send(fake, fd, STEPS[i]);
    fake->requests++; /* 2: at the point */
    fake_hang(fake, fd);
    return false;
}

#define POINTS 6

enum ending { BY_CANCEL, BY_PLACE, BY_ALL };

static void end_at(int point, bool paused, enum ending ending)
{
    struct seen seen = {0};
    struct client client;
    struct fake fake;

    fake_open(&fake, point_by_point, NULL);
    client_open_to(&client, &limits, &fake);
    fake.go = point;
    seen_send(&seen, &client, METHOD_POST, "/", S("x"));
    CHECK(client_turn_atomic(&client, &fake.requests, 2));
    client_turn_ms(&client, 10);
    CHECK_INT(seen.heads, point >= 3);
    CHECK_INT(seen.ends, 0);
    if (paused)
        upstream_pause(seen.call);
    if (ending == BY_CANCEL) {
        upstream_cancel(seen.call);
        CHECK(client_turn_atomic(&client, &fake.left, 1));
    } else if (ending == BY_PLACE) {
        upstream_place_close(&client.place);
        CHECK_INT(seen.ends, 0); /* from the loop only */
        CHECK(client_turn(&client, &seen.ends, 1));
    }
    client_close(&client);
    CHECK_INT(seen.ends, ending != BY_CANCEL);
    if (ending != BY_CANCEL) {
        CHECK(seen.how == UPSTREAM_CLOSED && seen.sent && seen.began == (point >= 3));
        CHECK_TEXT(seen.code, "place_closed");
    }
    seen_done(&seen);
    fake_close(&fake);
}

TEST(a_call_can_be_cancelled_or_lose_its_place_at_every_point)
{
    for (int point = 0; point < POINTS; point++)
        for (int ending = BY_CANCEL; ending <= BY_ALL; ending++) {
            end_at(point, false, (enum ending)ending);
            end_at(point, true, (enum ending)ending);
        }
}

TEST(a_call_can_be_cancelled_before_it_has_a_connection)
{
    static const char *const URLS[] = {"http://127.0.0.1:9", "http://nobody.invalid:9",
        "unix:/nonexistent/socket", "http://10.255.255.1:9"};
    for (size_t i = 0; i < COUNT(URLS); i++)
        for (int turns = 0; turns < 2; turns++)
            for (int ending = BY_CANCEL; ending <= BY_ALL; ending++) {
                struct seen seen = {0};
                struct client client;
                client_open(&client, &limits, URLS[i], NULL, NULL);
                seen_send(&seen, &client, METHOD_GET, "/", S(""));
                if (turns && i == 3)
                    uv_run(&client.loop, UV_RUN_NOWAIT);
                if (seen.call && ending == BY_CANCEL)
                    upstream_cancel(seen.call);
                else if (ending == BY_PLACE)
                    upstream_place_close(&client.place);
                client_close(&client);
                CHECK(ending == BY_CANCEL || seen.ends == 1);
                CHECK(!seen.sent);
                seen_done(&seen);
            }
}

static void cancel_it(struct seen *seen)
{
    upstream_cancel(seen->call);
    seen->call = NULL;
    (*(int *)seen->argument)++;
}

static void close_place(struct seen *seen)
{
    upstream_place_close(&seen->client->place);
    (*(int *)seen->argument)++;
}

static void send_another(struct seen *seen)
{
    struct seen *next = seen->argument;

    seen_send(next, seen->client, METHOD_POST, "/", S("y"));
}

static bool stream_three(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);

    (void)number;
    while (fake_read_request(fake, fd, &in)) {
        fake_send(fake, fd, S(CHUNKED "1\r\na\r\n"));
        usleep(2000);
        fake_send(fake, fd, S("1\r\nb\r\n0\r\n\r\n"));
    }
    return false;
}

TEST(a_hook_may_end_its_own_call_or_close_its_place)
{
    for (int where = 0; where < 2; where++)
        for (int what = 0; what < 2; what++) {
            void (*const act)(struct seen *) = what ? close_place : cancel_it;
            struct client client;
            struct fake fake;
            int done = 0;
            struct seen seen = {.argument = &done};

            if (where)
                seen.at_body = act;
            else
                seen.at_head = act;
            fake_open(&fake, stream_three, NULL);
            client_open_to(&client, &limits, &fake);
            seen_send(&seen, &client, METHOD_POST, "/", S("x"));
            CHECK(client_turn(&client, &done, 1));
            CHECK(client_turn_atomic(&client, &fake.left, 1));
            client_close(&client);
            CHECK_INT(seen.ends, what);
            CHECK_INT(done, 1);
            seen_done(&seen);
            fake_close(&fake);
        }
}

TEST(a_hook_may_send_the_next_call_and_it_takes_the_same_connection)
{
    struct seen seen[20] = {0};
    struct client client;
    struct fake fake;

    for (size_t i = 0; i + 1 < COUNT(seen); i++) {
        seen[i].at_end = send_another;
        seen[i].argument = &seen[i + 1];
    }
    fake_open(&fake, stream_three, NULL);
    client_open_to(&client, &limits, &fake);
    seen_send(&seen[0], &client, METHOD_POST, "/", S("x"));
    CHECK(client_turn(&client, &seen[COUNT(seen) - 1].ends, 1));
    for (size_t i = 0; i < COUNT(seen); i++) {
        CHECK(seen[i].how == UPSTREAM_WHOLE);
        CHECK_STR(buf_str(&seen[i].body), "ab");
        seen_done(&seen[i]);
    }
    CHECK(upstream_place_counts(client.place).connects == 1);
    client_close(&client);
    fake_close(&fake);
}

TAP_MAIN
