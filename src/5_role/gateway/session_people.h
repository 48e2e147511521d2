/* SPDX-License-Identifier: Apache-2.0
 *
 * session_people — what the judge says of people, their passkeys and the addresses of the page,
 * kept until the rules change; docs/dashboard.md §4, request `people`.
 *
 * A request that must know waits while the judge is asked, and comes in anew when there is an
 * answer. While the judge is away what was known last stands: rules that nobody put in force have
 * changed nothing.
 *
 * owner    people_init() … people_close(), of the sessions
 * threads  the loop's only
 * limits   PEOPLE_ORIGINS_MAX; further ones are left out and said in the log
 */
#pragma once

#include "gateway/session_book.h"
#include "net/exchange.h"

#include <uv.h>

#define PEOPLE_ORIGINS_MAX 16

struct gateway;
struct link_call;

struct people {
    json_t *told; /* the answer; NULL: nobody could be asked yet */
    bool fresh;   /* of the rules in force */
    bool asking, again;
    uv_timer_t *retry;
    struct link_call *call;
    struct held *held;
};

void people_init(struct gateway *gateway);
/* There is another judge, or there are other rules. */
void people_changed(struct gateway *gateway);
/* True: it is not known and asked for; the exchange is taken and comes back to visit_begin(). */
bool people_wait(struct gateway *gateway, struct exchange *ex);
/* Those that wait are answered 503; nobody is asked any more. */
void people_close(struct gateway *gateway);

/* Somebody answered at least once. */
bool people_known(const struct gateway *gateway);
/* SESSION_NOBODY: there is no such person (any more). Who has no role, or only that of a viewer,
 * looks. */
enum session_role people_role(const struct gateway *gateway, struct str person);
/* A name to show, for a person the word itself if the site has no other. */
const char *people_name(const struct gateway *gateway, struct str person);
/* The row of a passkey, borrowed, and whose it is; NULL: there is none. Either text may be empty:
 * any. */
const json_t *people_passkey(const struct gateway *gateway, struct str key_id,
    struct str credential_id, const char **ret_person);

/* The address of the page that this request came to; "": it is none of the site's. `ret_host` is
 * its host; *ret_passkeys: browsers give passkeys to it. */
struct str people_origin(
    const struct gateway *gateway, struct exchange *ex, struct str *ret_host, bool *ret_passkeys);
/* The RP ID of that host: of the first passkey that fits, else the host. *ret_some: there is one.
 */
struct str people_rp_id(const struct gateway *gateway, struct str host, bool *ret_some);
