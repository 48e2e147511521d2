/* SPDX-License-Identifier: Apache-2.0
 *
 * session — browsers that signed in: who a cookie is, what it may, when that ends;
 * docs/dashboard.md §3.
 *
 * A session only names a principal. What it may is asked anew with each request: the scopes of its
 * token's row now, the roles of its person now; a revoked token, or a person or passkey that left
 * the site, ends it there. The book (session_book.h) is kept in HOME/sessions/sessions.json, hashes
 * only; a file that cannot be read is no sessions, and is said in the log.
 *
 * owner    sessions_open() … sessions_close(), of the gateway
 * threads  the loop's only; the file is written by a worker
 * secrets  no cookie, CSRF word or token is logged or kept
 * limits   sessions_max, session_tries_per_minute, session_tries_of_all, challenges_max
 */
#pragma once

#include "gateway/session_book.h"
#include "net/exchange.h"

struct gateway;
struct visit;
struct sessions;

/* Who asks, as far as roles go. A zero one is nobody. */
struct visitor {
    enum session_role role;
    enum session_how how;
    char session[SESSION_NAME_BYTES]; /* "": by token, from this machine, or nobody */
    struct str cookie;                /* its value; lives as long as the request */
};

#define SESSION_COOKIE_TLS "__Host-logic_session"
#define SESSION_COOKIE_PLAIN "logic_session" /* of this machine, without TLS */

/* Before the sandbox. errors  ERR_SYSTEM the folder cannot be made */
bool sessions_open(struct gateway *gateway, struct err *err);
void sessions_start(struct gateway *gateway);
/* What is not written yet is written; memory goes when the loop has turned. */
void sessions_close(struct gateway *gateway);
void sessions_free(struct gateway *gateway);
/* There is a judge; a ledger entry. */
void sessions_judge(struct gateway *gateway);
void sessions_event(struct gateway *gateway, const json_t *message);

/* It came to an https address of the page without TLS: a proxy before the node speaks it. Whoever
 * comes through is somewhere else, though the connection is of this machine. */
bool sessions_by_proxy(const struct gateway *gateway, struct exchange *ex);
/* The browser speaks TLS, to us or to such a proxy. */
bool sessions_by_tls(const struct gateway *gateway, struct exchange *ex);
/* Does the request show a cookie that counts: of our name, and no token beside it? */
bool sessions_shown(const struct gateway *gateway, struct exchange *ex);
/* True: who it is must be asked for first; the exchange is taken and comes back to visit_begin().
 */
bool sessions_wait(struct gateway *gateway, struct exchange *ex);
/* Who shows it; SESSION_NOBODY: it is nobody's any more. `ret_principal` is "token:NAME" or
 * "person:NAME". errors  ERR_PEER "judge_away": that cannot be said now */
bool sessions_find(struct gateway *gateway, struct exchange *ex, struct visitor *ret_visitor,
    char ret_principal[SESSION_PRINCIPAL_BYTES], struct err *err);
/* Of a request that changes something and shows a cookie. errors  ERR_DENIED "csrf" */
bool sessions_guard(const struct visitor *visitor, struct exchange *ex, struct err *err);
/* The caller of inference that this session is: that of its token, a person's own, or for what is
 * only looked at one that sees what its role sees. `scope` is what the route needs. NULL: there are
 * as many callers as there can be. */
struct caller *sessions_caller(
    struct gateway *gateway, const struct visitor *visitor, struct exchange *ex, uint32_t scope);

/* Tries (tries.h): tokens and passkeys that sign in, codes that enrol. Ask before, say afterwards
 * that it was wrong. Behind a proxy on this machine the address is the one that it wrote into
 * X-Forwarded-For; one that writes none is one address for all. errors  ERR_LIMIT "too_many_tries"
 */
bool sessions_may_try(struct gateway *gateway, struct exchange *ex, struct err *err);
void sessions_wrong_try(struct gateway *gateway, struct exchange *ex);

/* For /metrics. */
void sessions_metrics(const struct gateway *gateway, struct buf *out);
