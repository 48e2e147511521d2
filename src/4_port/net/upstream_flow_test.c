/* SPDX-License-Identifier: Apache-2.0
 * Back-pressure, large bodies, limits, memory: what a call may hold. */
#include "base/panic.h"
#include "base/scoped.h"
#include "tap.h"
#include "upstream_fake_engine.h"

#include <malloc.h>
#include <stdio.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_3 OK "Content-Length: 3\r\n\r\nabc"
#define LARGE_BYTES (48u << 20)

static struct upstream_limits limits;

__attribute__((constructor)) static void set_limits(void)
{
    upstream_limits_default(&limits);
}

static bool answer_all(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(64u << 20);

    (void)number;
    while (fake_read_request(fake, fd, &in))
        fake_send(fake, fd, S(OK_3));
    return false;
}

/* --- much -------------------------------------------------------------------------------- */

static bool send_large(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);
    static char piece[1 << 20];
    char head[96];

    (void)number;
    if (!fake_read_request(fake, fd, &in))
        return false;
    snprintf(head, sizeof head, OK "Content-Length: %u\r\n\r\n", LARGE_BYTES);
    fake_send(fake, fd, str_from(head));
    for (size_t i = 0; i < LARGE_BYTES / sizeof piece; i++)
        if (!fake_send(fake, fd, (struct str){piece, sizeof piece}))
            return false;
    fake_hang(fake, fd);
    return false;
}

static void pause_it(struct seen *seen)
{
    upstream_pause(seen->call);
}

TEST(a_paused_call_holds_the_engine_back)
{
    struct seen seen = {.at_head = pause_it};
    struct client client;
    struct fake fake;

    limits.upstream_stall_ms = 200; /* not counted while paused */
    fake_open(&fake, send_large, NULL);
    client_open_to(&client, &limits, &fake);
    seen_send(&seen, &client, METHOD_POST, "/", S("x"));
    CHECK(client_turn(&client, &seen.heads, 1));
    client_turn_ms(&client, 600);
    long before = fake.taken_bytes;
    client_turn_ms(&client, 200);
    CHECK(fake.taken_bytes == before && before < LARGE_BYTES);
    CHECK(seen.body.len <= 65536 && seen.ends == 0);
    seen.at_body = NULL;
    upstream_resume(seen.call);
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE && seen.body.len == LARGE_BYTES);
    limits.upstream_stall_ms = 120000;
    client_close(&client);
    seen_done(&seen);
    fake_close(&fake);
}

static uint64_t sum_of(struct str bytes)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ (unsigned char)bytes.at[i]) * 1099511628211u;
    return sum;
}

static bool answer_with_the_sum(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(128u << 20);
    char reply[128];

    (void)number;
    fake_wait_go(fake, 1); /* so that the socket fills up */
    if (!fake_read_request(fake, fd, &in))
        return false;
    const char *body = (const char *)memmem(in.at, in.len, "\r\n\r\n", 4) + 4;
    struct str got = {body, in.len - (size_t)(body - in.at)};
    snprintf(reply, sizeof reply, OK "Content-Length: 16\r\n\r\n%016llx",
        (unsigned long long)sum_of(got));
    fake_send(fake, fd, str_from(reply));
    fake_hang(fake, fd);
    return false;
}

static char *large_body(void)
{
    char *body = malloc(LARGE_BYTES);

    check(body);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    return body;
}

TEST(a_large_body_arrives_byte_for_byte)
{
    scoped(free_done) char *body = large_body();
    struct seen seen = {0};
    struct client client;
    struct fake fake;
    char wanted[24];

    fake_open(&fake, answer_with_the_sum, NULL);
    client_open_to(&client, &limits, &fake);
    struct mallinfo2 before = mallinfo2();
    seen_send(&seen, &client, METHOD_POST, "/", (struct str){body, LARGE_BYTES});
    client_turn_ms(&client, 50);
    CHECK(mallinfo2().uordblks < before.uordblks + (1 << 20)); /* referenced, not copied */
    fake.go = 1;
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_WHOLE);
    snprintf(wanted, sizeof wanted, "%016llx",
        (unsigned long long)sum_of((struct str){body, LARGE_BYTES}));
    CHECK_STR(buf_str(&seen.body), wanted);
    CHECK(upstream_place_counts(client.place).idle == 1);
    client_close(&client);
    seen_done(&seen);
    fake_close(&fake);
}

static void drop_body(struct seen *seen)
{
    free(*(char **)seen->argument);
    *(char **)seen->argument = NULL;
}

/* Says no before it has read the request; then either reads it all, or resets. */
static bool say_no_early(struct fake *fake, int fd, int number)
{
    scoped(buf_done) struct buf in = buf_of(128u << 20);

    (void)number;
    fake_send(fake, fd, S("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"));
    if (fake->go) {
        fake_reset(fd);
        return true;
    }
    if (fake_read_request(fake, fd, &in))
        fake_hang(fake, fd);
    return false;
}

TEST(a_reply_before_the_body_is_sent_is_heard_and_the_body_may_go)
{
    for (int go = 0; go < 2; go++) {
        char *body = large_body();
        struct seen seen = {.at_head = drop_body, .argument = &body};
        struct client client;
        struct fake fake;

        fake_open(&fake, say_no_early, NULL);
        fake.go = go;
        client_open_to(&client, &limits, &fake);
        seen_send(&seen, &client, METHOD_POST, "/", (struct str){body, LARGE_BYTES});
        CHECK(client_turn(&client, &seen.ends, 1));
        if (!go || seen.heads) /* a reset may overtake the reply */
            CHECK(seen.how == UPSTREAM_WHOLE && seen.status == 413);
        CHECK(upstream_place_counts(client.place).idle == 0);
        client_close(&client);
        free(body);
        seen_done(&seen);
        fake_close(&fake);
    }
}

TEST(an_engine_that_takes_nothing_is_given_up)
{
    scoped(free_done) char *body = large_body();
    struct upstream_limits own = limits;
    struct seen seen = {0};
    struct client client;
    struct fake fake;

    own.upstream_write_ms = 200;
    fake_open(&fake, NULL, NULL);
    client_open_to(&client, &own, &fake);
    seen_send(&seen, &client, METHOD_POST, "/", (struct str){body, LARGE_BYTES});
    CHECK(client_turn(&client, &seen.ends, 1));
    CHECK(seen.how == UPSTREAM_TIMED_OUT && seen.sent);
    CHECK_TEXT(seen.code, "write_timeout");
    client_close(&client);
    seen_done(&seen);
    fake_close(&fake);
}

/* --- limits and memory ------------------------------------------------------------------- */

TEST(connections_are_bounded_and_so_are_idle_ones)
{
    struct upstream_limits own = limits;
    struct upstream_request request = {.path = S("/"), .hooks = &SEEN_HOOKS};
    struct seen seen[6] = {0};
    struct client client;
    struct fake fake;
    struct err err;

    own.upstream_connections_max = 6;
    own.upstream_idle_max = 2;
    own.upstream_idle_ms = 200;
    fake_open(&fake, answer_all, NULL);
    client_open_to(&client, &own, &fake);
    for (size_t i = 0; i < COUNT(seen); i++)
        seen_send(&seen[i], &client, METHOD_GET, "/", S(""));
    CHECK(!upstream_send(client.place, &request, &err));
    CHECK(err.kind == ERR_LIMIT);
    CHECK_TEXT(err.code, "upstream_full");
    for (size_t i = 0; i < COUNT(seen); i++) {
        CHECK(client_turn(&client, &seen[i].ends, 1) && seen[i].how == UPSTREAM_WHOLE);
        seen_done(&seen[i]);
    }
    client_turn_ms(&client, 20);
    CHECK(upstream_place_counts(client.place).idle == 2);
    CHECK(upstream_place_counts(client.place).open == 2);
    client_turn_ms(&client, 500);
    CHECK(upstream_place_counts(client.place).open == 0);
    client_close(&client);
    fake_close(&fake);
}

TEST(a_held_call_costs_its_structs_only)
{
    enum { CALLS = 500 };
    struct upstream_limits own = limits;
    static struct seen seen[CALLS];
    struct client client;
    struct fake fake;

    fake_open(&fake, NULL, NULL);
    client_open_to(&client, &own, &fake);
    struct mallinfo2 before = mallinfo2();
    for (size_t i = 0; i < CALLS; i++)
        seen_send(&seen[i], &client, METHOD_POST, "/v1/chat/completions", S("{\"model\":\"m\"}"));
    CHECK(client_turn_atomic(&client, &fake.accepted, CALLS));
    client_turn_ms(&client, 100);
    size_t each = (mallinfo2().uordblks - before.uordblks) / CALLS;
    printf("# %zu bytes a call\n", each);
    CHECK(each < 2048);
    for (size_t i = 0; i < CALLS; i++)
        upstream_cancel(seen[i].call);
    client_close(&client);
    fake_close(&fake);
}

TAP_MAIN
