/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — the gateway's own state; for the files of this folder only.
 */
#pragma once

#include "gateway/documents.h"
#include "gateway/enrolment.h"
#include "gateway/front.h"
#include "gateway/gateway.h"
#include "gateway/hub.h"
#include "gateway/link.h"
#include "gateway/live.h"
#include "gateway/metrics.h"
#include "gateway/page.h"
#include "gateway/runbook.h"
#include "gateway/session.h"
#include "gateway/session_people.h"
#include "gateway/token.h"
#include "gateway/visit.h"
#include "net/http_server.h"

#include <limits.h>

#define REPLY_BYTES_MAX                                                                            \
    (4 * 1024 * 1024) /* one whole reply: the catalogue with all schemas is the longest */

struct gateway_settings {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "gateway/gateway_settings.def"
#undef SETTING
    struct http_limits http;
    struct inference_settings inference;
    struct identity_limits identity;
    struct upstream_limits upstream;
};

struct gateway {
    struct role *role;
    struct gateway_settings settings;
    struct http_server *server;
    struct tls *tls;
    struct tokens tokens;
    struct pages pages;
    struct metrics metrics;
    struct link link;
    struct hub hub;
    struct live live;
    struct sessions *sessions;
    struct enrolments *enrolments;
    struct front front;
    struct documents *documents;
    struct model *model; /* NULL: no engine is configured */
    struct runbooks *runbooks;
    json_t *role_stats;   /* role -> numbers: the supervisor's, and the judge's last answer */
    json_t *actions;      /* the catalogue as last read; NULL: ask */
    struct visit *visits; /* open ones */
    struct exporting *exports;
    int64_t visit_count;
    struct buf reply, body; /* reused by every request */
    /* For the server, which reads them at each request: NULL-ended. From names_own on they are the
     * hosts of the page's origins, with room for all of them. */
    char **names, **origins;
    size_t names_own;
    uv_timer_t *ready_again;
    uv_timer_t *once;
    bool judge_ready, stopping;
};

/* Our own front door, as a client names it: "unix:HOME/run/api.sock", or the socket that was given.
 */
#define GATEWAY_URL_BYTES (PATH_MAX + 8)
void gateway_own_url(const struct gateway *gateway, char ret_url[GATEWAY_URL_BYTES]);

/* handlers of route.def */
#define ROUTE(name, method, pattern, open, summary) void route_##name(struct visit *visit);
#include "gateway/route.def"
#undef ROUTE
