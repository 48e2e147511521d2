/* SPDX-License-Identifier: Apache-2.0
 *
 * agent_harness — for tests: an agent on a thread of its own, certificates, orders, and a client
 * that may be anybody.
 */
#pragma once

#include "agent/agent.h"
#include "host/host.h"
#include "host/order.h"

#include <pthread.h>

#define SITE_PATH_BYTES 256

struct site {
    const char *folder; /* home and pki */
    char seed[ORDER_SEED_TEXT_BYTES];
    char order_key[PUBLIC_KEY_TEXT_BYTES];
    char marker[SITE_PATH_BYTES]; /* touched by "suspend" */
    bool local;                   /* unix socket instead of TLS */
    json_t *more;                 /* members of the configuration beside or instead */
    /* running */
    pthread_t thread;
    uv_async_t stop;
    uv_loop_t loop;
    struct agent *agent;
    uint16_t port;
    char socket[SITE_PATH_BYTES];
};

/* Authority, certificates "tower" (server), "gateway", "actuator", "sensor", "intruder" (clients),
 * order key.
 */
void site_make(struct site *site, bool local);
void site_start(struct site *site);
void site_stop(struct site *site);
void site_done(struct site *site);

/* FOLDER/tail. */
const char *site_path(const struct site *site, const char *tail);

/* What curl says to a request of `who` ("" : no certificate): the status, 0 for none; the body into
 * `out` (may be NULL). body NULL: GET. */
long site_ask(const struct site *site, const char *who, const char *path, const char *body,
    const char *header, struct buf *out);

struct site_order {
    const char *host, *nonce;
    int64_t expires_in_ms;
    const char *seed; /* NULL: the site's */
};
#define SITE_ORDER ((struct site_order){.host = "tower", .expires_in_ms = 60000})

/* The body of a signed order for this job (JSON text). nonce NULL: a fresh one. */
void site_sign(
    const struct site *site, const struct site_order *order, const char *job, struct buf *out);
/* Signed and posted as the actuator; the status, the body into `out`, the error's code ("" if there
 * is none) into `ret_code`. */
long site_order(const struct site *site, const struct site_order *order, const char *job,
    struct buf *out, char ret_code[ERR_CODE_BYTES_MAX]);

/* By the real client. */
void site_run(const struct site *site, const char *job, struct hand_end *ret_end);
