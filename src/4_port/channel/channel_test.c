/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "channel/channel.h"
#include "os/fd.h"
#include "tap.h"

#include <sys/socket.h>
#include <unistd.h>

struct side {
    struct channel *channel;
    int64_t got, last_id;
    bool in_order, gone;
    int fd;
};

static void on_message(void *owner, enum message_type type, json_t *message, int fd)
{
    struct side *side = owner;
    if (type == MESSAGE_outcome) {
        int64_t id = message_int(message, "id");
        side->in_order = side->in_order && id == side->last_id + 1;
        side->last_id = id;
    }
    side->got++;
    if (fd >= 0)
        side->fd = fd;
}

static void on_gone(void *owner)
{
    ((struct side *)owner)->gone = true;
}

static const struct channel_events EVENTS = {on_message, on_gone};

static void open_pair(uv_loop_t *loop, struct side *a, struct side *b)
{
    struct err err = {0};
    int ends[2];
    uv_loop_init(loop);
    if (!fd_pair(MESSAGE_BYTES_MAX, ends, &err))
        abort();
    *a = *b = (struct side){.in_order = true, .fd = -1};
    a->channel = channel_open(loop, ends[0], &EVENTS, a);
    b->channel = channel_open(loop, ends[1], &EVENTS, b);
}

static void close_pair(uv_loop_t *loop, struct side *a, struct side *b)
{
    if (!a->gone)
        channel_close(a->channel);
    if (!b->gone)
        channel_close(b->channel);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}

static json_t *numbered(int64_t id, size_t bytes)
{
    scoped(free_done) char *plan = malloc(bytes + 1);
    memset(plan, 'x', bytes);
    plan[bytes] = '\0';
    return message_make(
        MESSAGE_outcome, "{s:I, s:s, s:s}", "id", (json_int_t)id, "case", "", "plan", plan);
}

TEST(ten_thousand_messages_arrive_in_order)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    open_pair(&loop, &a, &b);
    for (int64_t i = 1; i <= 10000; i++)
        CHECK(channel_send(a.channel, numbered(i, 300), &err));
    while (b.got < 10000)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK(b.in_order);
    close_pair(&loop, &a, &b);
}

TEST(longest_message_passes_and_one_byte_more_does_not)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    open_pair(&loop, &a, &b);
    scoped(json_done) json_t *empty = numbered(1, 0);
    scoped(free_done) char *text = json_dumps(empty, JSON_COMPACT);
    size_t room = MESSAGE_BYTES_MAX - strlen(text);
    CHECK(channel_send(a.channel, numbered(1, room), &err));
    CHECK(!channel_send(a.channel, numbered(2, room + 1), &err));
    CHECK_TEXT(err.code, "too_long");
    while (b.got < 1)
        uv_run(&loop, UV_RUN_ONCE);
    close_pair(&loop, &a, &b);
}

TEST(full_queue_refuses_and_loses_nothing_it_took)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    int64_t sent = 0;
    open_pair(&loop, &a, &b);
    while (channel_send(a.channel, numbered(sent + 1, 150000), &err))
        sent++;
    CHECK_TEXT(err.code, "queue_full");
    while (b.got < sent)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK(b.in_order);
    CHECK(channel_send(a.channel, numbered(sent + 1, 10), &err));
    close_pair(&loop, &a, &b);
}

/* Whether one side is open; the other is a bare socket, ends[0]. */
static bool open_far(uv_loop_t *loop, struct side *side, int ends[2])
{
    struct err err = {0};

    uv_loop_init(loop);
    if (!fd_pair(MESSAGE_BYTES_MAX, ends, &err))
        return false;
    side->channel = channel_open(loop, ends[1], &EVENTS, side);
    return true;
}

/* The kernel says first that our message was not read, then gives what came before the end. */
TEST(what_was_said_before_an_end_that_left_something_unread_is_read)
{
    uv_loop_t loop;
    struct side b = {.in_order = true, .fd = -1};
    struct err err = {0};
    int ends[2];
    REQUIRE(open_far(&loop, &b, ends));
    CHECK(channel_send(b.channel, numbered(1, 10), &err));
    channel_flush(b.channel);
    for (int i = 0; i < 20; i++)
        CHECK(send(ends[0], "{\"v\":1,\"type\":\"beat\"}", 21, 0) == 21);
    fd_done(&ends[0]);
    while (!b.gone)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(b.got, 20);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

TEST(garbage_is_counted_and_dropped)
{
    uv_loop_t loop;
    struct side b = {.in_order = true, .fd = -1};
    int ends[2];
    REQUIRE(open_far(&loop, &b, ends));
    CHECK(send(ends[0], "garbage", 7, 0) == 7);
    CHECK(send(ends[0], "{\"v\":1,\"type\":\"beat\"}", 21, 0) == 21);
    while (b.got < 1)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(channel_refused(b.channel), 1);
    fd_done(&ends[0]);
    while (!b.gone)
        uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

TEST(a_packet_holds_several_messages_up_to_a_bad_one)
{
    static const char GOOD[] = "{\"v\":1,\"type\":\"beat\"}\0{\"v\":1,\"type\":\"beat\"}";
    static const char BAD[] = "{\"v\":1,\"type\":\"beat\"}\0\0\0\0{\"v\":1,\"type\":\"beat\"}";
    uv_loop_t loop;
    struct side b = {.in_order = true, .fd = -1};
    int ends[2];
    REQUIRE(open_far(&loop, &b, ends));
    CHECK(send(ends[0], GOOD, sizeof GOOD - 1, 0) == sizeof GOOD - 1);
    CHECK(send(ends[0], BAD, sizeof BAD - 1, 0) == sizeof BAD - 1);
    while (b.got < 3)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(b.got, 3);
    CHECK_INT(channel_refused(b.channel), 1);
    fd_done(&ends[0]);
    while (!b.gone)
        uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

TEST(a_text_that_would_be_two_messages_is_not_sent)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    open_pair(&loop, &a, &b);
    CHECK(!channel_send_text(a.channel, S("{\"v\":1,\"type\":\"beat\"}\0{}"), &err));
    CHECK_TEXT(err.code, "bad_json");
    close_pair(&loop, &a, &b);
}

TEST(descriptor_travels_with_its_message)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    int pipe_ends[2];
    open_pair(&loop, &a, &b);
    REQUIRE(pipe(pipe_ends) == 0);
    CHECK(channel_send_fd(
        a.channel, message_make(MESSAGE_peer, "{s:s}", "role", "judge"), pipe_ends[1], &err));
    while (b.fd < 0)
        uv_run(&loop, UV_RUN_ONCE);
    char c = 0;
    CHECK(write(b.fd, "!", 1) == 1 && read(pipe_ends[0], &c, 1) == 1 && c == '!');
    fd_done(&b.fd);
    fd_done(&pipe_ends[0]);
    fd_done(&pipe_ends[1]);
    close_pair(&loop, &a, &b);
}

TEST(death_of_the_other_side_is_told_once)
{
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    open_pair(&loop, &a, &b);
    channel_close(a.channel);
    a.gone = true;
    while (!b.gone)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK(!channel_send(NULL, message_make(MESSAGE_beat, "{}"), &err));
    CHECK_TEXT(err.code, "role_away");
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

static bool take_short(void *owner, struct str text)
{
    struct side *side = owner;

    side->last_id += text.len < 64;
    return text.len < 64;
}

TEST(a_raw_taker_sees_the_text_first_and_leaves_the_rest)
{
    static const struct channel_events RAW = {on_message, on_gone, take_short};
    uv_loop_t loop;
    struct side a, b;
    struct err err = {0};
    int ends[2];

    uv_loop_init(&loop);
    REQUIRE(fd_pair(MESSAGE_BYTES_MAX, ends, &err));
    a = b = (struct side){.in_order = true, .fd = -1};
    a.channel = channel_open(&loop, ends[0], &EVENTS, &a);
    b.channel = channel_open(&loop, ends[1], &RAW, &b);
    CHECK(channel_send_text(a.channel, S("no JSON at all"), &err));
    CHECK(channel_send(a.channel, numbered(1, 500), &err));
    while (b.got == 0)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(b.got, 1);
    CHECK_INT(channel_refused(b.channel), 0);
    close_pair(&loop, &a, &b);
}

TAP_MAIN
