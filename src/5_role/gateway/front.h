/* SPDX-License-Identifier: Apache-2.0
 *
 * front — where inference meets the gateway: its routes, who its callers are, its questions to the
 * judge, what it used.
 *
 * owner    front_open() … front_close()
 * threads  the loop's only
 */
#pragma once

#include "gateway/route.h"
#include "gateway/session.h"
#include "identity/identity.h"
#include "inference/inference.h"
#include "net/exchange.h"
#include "usage/usage.h"

#include <limits.h>

struct gateway;

struct front {
    struct identity *identity;
    struct usage *usage;
    struct inference *inference;
    struct tls *agent_tls;
    struct front_question *questions;
    size_t routes[INFERENCE_ROUTES]; /* their rows in the table of all routes */
    char agent_place[256], catalogue[256], agent_pki[PATH_MAX];
};

/* Before the sandbox: files, certificates. errors  ERR_INPUT a file that is there and bad */
bool front_open(struct gateway *gateway, struct err *err);
bool front_start(struct gateway *gateway, struct err *err);
/* No new requests of callers; those under way may end. */
void front_stop(struct gateway *gateway);
void front_close(struct gateway *gateway);

/* Is this a route of inference? */
bool front_has(const struct route *route);
/* True: it was a request for inference, and is taken care of. */
bool front_takes(struct gateway *gateway, const struct route *route, struct exchange *ex);
/* The same for who comes with a session and was let through. */
void front_takes_session(struct gateway *gateway, const struct route *route, struct exchange *ex,
    const struct visitor *visitor);
/* The same for a path of /v1 or of Ollama's /api that is none of ours. */
bool front_takes_unknown(struct gateway *gateway, struct exchange *ex, struct str path);
/* Who asks for the node's own API by a token of HOME/tokens that has the scope; NULL and
 * *ret_refusal. */
const struct caller *front_caller(struct gateway *gateway, struct exchange *ex,
    enum caller_scope scope, struct identity_refusal *ret_refusal);

/* May whoever showed the token of this id still look at the node's own API? */
bool front_token_lives(void *gateway, const char *id, bool sees_queue);

/* For /metrics. */
void front_metrics(const struct gateway *gateway, struct buf *out);
