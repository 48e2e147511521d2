/* SPDX-License-Identifier: Apache-2.0
 * What all clients together may make the server hold. */
#include "base/scoped.h"
#include "net_test_words.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

TEST(beyond_the_input_of_all_together_a_request_gets_503)
{
    scoped(buf_done) struct buf in = buf_of(1 << 20);
    struct site site;
    int fds[3];

    site_init(&site);
    site.config.limits.input_bytes_max = 200000;
    site_open(&site);
    buf_add(&in, S(P "Content-Length: 65000\r\n\r\n"));
    while (in.len < 60000)
        buf_add(&in, S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    for (int i = 0; i < 3; i++) { /* each holds 64 KiB of buffer */
        fds[i] = client_connect(&site);
        client_send(fds[i], buf_str(&in));
        for (int n = 0; n < 1000 && site_counts(&site).input_bytes < 65536u * (unsigned)(i + 1);
             n++)
            usleep(10000);
    }
    check_refused(&site, buf_str(&in), 503, "too_much_input");
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    for (int n = 0; n < 1000 && site_counts(&site).open; n++)
        usleep(10000);
    CHECK_INT(site_counts(&site).input_bytes, 0);
    site_close(&site);
}

static void drop_held_body(struct site *site, void *argument)
{
    (void)argument;
    free(exchange_take_body(site->held[0]));
    CHECK_INT(exchange_body(site->held[0]).len, 0);
    CHECK(!exchange_take_body(site->held[0]));
}

static void hold_bytes(struct site *site, void *argument)
{
    exchange_holds(site->held[0], *(size_t *)argument);
}

TEST(what_waits_for_its_answer_counts_and_leaves_room_for_modest_requests)
{
    scoped(buf_done) struct buf hold = buf_of(1 << 20), more = buf_of(1 << 20),
                                out = buf_of(1 << 20);
    struct str modest = S(P CLOSE "Content-Length: 2\r\n\r\nhi");
    struct site site;
    int fds[2];

    site_init(&site);
    site.config.limits.input_bytes_max = 1600000; /* 1,400,000 for what is not modest */
    site.config.limits.body_bytes_max = 1 << 20;
    site_open(&site);
    buf_add(&hold, S("POST /hold HTTP/1.1\r\n" H "Content-Length: 400000\r\n\r\n"));
    buf_add(&more, S(P CLOSE "Content-Length: 400000\r\n\r\n"));
    for (int i = 0; i < 25000; i++) {
        buf_add(&hold, S("xxxxxxxxxxxxxxxx"));
        buf_add(&more, S("xxxxxxxxxxxxxxxx"));
    }
    for (int i = 0; i < 2; i++) {
        fds[i] = client_connect(&site);
        client_send(fds[i], buf_str(&hold));
        CHECK(site_wait(&site, &site.held_count, i + 1));
    }
    CHECK_INT(site_counts(&site).input_bytes, 2 * 524288); /* as they were allocated */
    check_refused(&site, buf_str(&more), 503, "too_much_input");
    CHECK(client_ask(&site, modest, &out));
    CHECK_INT(client_status(buf_str(&out)), 200);
    site_do(&site, drop_held_body, NULL);
    buf_clear(&out);
    CHECK(client_ask(&site, buf_str(&more), &out));
    CHECK_INT(client_status(buf_str(&out)), 200);
    site_do(&site, hold_bytes, &(size_t){1600000});
    check_refused(&site, modest, 503, "too_much_input");
    for (int i = 0; i < 2; i++)
        site_do(&site, reply_held, &(int){i}); /* what it held is forgotten with it */
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    for (int n = 0; n < 1000 && site_counts(&site).input_bytes; n++)
        usleep(10000);
    CHECK_INT(site_counts(&site).input_bytes, 0);
    site_close(&site);
}

TAP_MAIN
