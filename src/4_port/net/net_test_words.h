/* SPDX-License-Identifier: Apache-2.0
 *
 * net_test_words — requests as they are written, and what is expected of a server, for the tests
 * of net/ that speak HTTP by hand.
 */
#pragma once

#include "base/scoped.h"
#include "net_test_client.h"
#include "tap.h"

#define H "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"
#define P "POST / HTTP/1.1\r\n" H

/* Ask, and expect this status and a closed connection. */
static inline void check_refused(struct site *site, struct str bytes, int status, const char *code)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);

    CHECK(client_ask(site, bytes, &out));
    CHECK_INT(client_status(buf_str(&out)), status);
    CHECK_INT(client_count(buf_str(&out), code), 1);
}

/* The one of /hold that came so many-th, on the server's thread. */
static inline void reply_held(struct site *site, void *argument)
{
    int i = *(int *)argument;
    struct exchange *ex = site->held[i];

    site->held[i] = NULL;
    exchange_reply(ex, 200, S("text/plain"), NULL, 0, exchange_body(ex));
}
