/* SPDX-License-Identifier: Apache-2.0
 *
 * visit — one request on its way: who asks, which route, what became of it.
 *
 * owner    itself: it ends with visit_reply…() or visit_leave(); the pointer is then dead
 * threads  the loop's only
 */
#pragma once

#include "gateway/link.h"
#include "gateway/route.h"
#include "gateway/session.h"
#include "model/model.h"
#include "net/exchange.h"

#define WHO_BYTES 128 /* {"principal":"token:NAME","channel":"http"} */

struct gateway;

struct visit {
    struct gateway *gateway;
    struct exchange *ex;
    const struct route *route; /* NULL: none was found */
    struct str id;             /* of the path */
    int64_t started_ns;
    char who[WHO_BYTES];
    struct visitor visitor;
    struct link_call *call;        /* with the judge */
    struct model_call *model_call; /* with the engine */
    struct visit *next, *before;   /* all that are open */
    /* of an intent that an engine is asked about */
    json_t *answer; /* what the grammar's way gave */
    char *sentence;
    bool wants_model, parse_only, uses_usage, uses_documents;
    char model_name[MODEL_NAME_BYTES];
    int64_t model_ms;
};

/* How long a body may be: only prompts with pictures in them, and documents, may be long. `user` is
 * the gateway. */
int64_t visit_body_bytes(enum http_method method, struct str path, void *user);

/* Makes the visit, guards, finds the route and calls its handler. */
void visit_begin(struct gateway *gateway, struct exchange *ex);

void visit_reply(struct visit *visit, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count, struct str body);
void visit_reply_json(struct visit *visit, int status, const json_t *body);
/* Status, Retry-After and body by the table in visit.c. */
void visit_reply_error(struct visit *visit, const struct err *err);
/* Somebody else has taken the exchange over. Counted as `status`. */
void visit_leave(struct visit *visit, int status);

/* Empty, for the body of one question; good until the next request. */
struct buf *visit_body(struct visit *visit);
/* Ask the judge; `answered` gets the visit. On an error here the visit was answered. */
void visit_ask(struct visit *visit, const char *method, struct str body, enum link_pace pace,
    void (*answered)(void *visit, json_t *body, const struct err *why));
/* The usual answer: the judge's body as it is. */
void visit_on_answer(void *visit, json_t *body, const struct err *why);

/* What an error is on HTTP: docs/protocol.md §6. */
int visit_error_status(const struct err *err);
