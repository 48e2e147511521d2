/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "history/inside.h"
#include "history/words.h"

#include <stdlib.h>

#define FORM_BYTES_MAX (1u << 18) /* the longest PromQL, each byte as %XX, and times */

struct history_query {
    struct history *history;
    struct history_query *prev, *next;
    struct upstream_call *call;
    struct history_timer deadline;
    struct buf form, reply;
    int status;
    history_answered *answered;
    void *user;
};

static void unlink_query(struct history_query *query)
{
    struct history *history = query->history;

    history_timer_stop(history, &query->deadline);
    if (query->prev)
        query->prev->next = query->next;
    else
        history->queries = query->next;
    if (query->next)
        query->next->prev = query->prev;
    history->counts.queries_open--;
}

static void free_query(struct history_query *query)
{
    buf_done(&query->form);
    buf_done(&query->reply);
    free(query);
}

/* `why` NULL: `json` is the answer. Afterwards the query, and maybe history, are gone. */
static void finish(struct history_query *query, struct str json, const struct err *why)
{
    static const struct err NONE;
    history_answered *answered = query->answered;
    void *user = query->user;

    query->history->counts.queries_failed += why != NULL;
    unlink_query(query);
    free_query(query);
    answered(json, why ? why : &NONE, user);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct history_query *query = user;

    (void)call;
    query->status = reply->status;
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct history_query *query = user;
    struct err err;

    buf_add(&query->reply, bytes);
    if (!query->reply.overflowed)
        return;
    upstream_cancel(call);
    err_code(&err, ERR_LIMIT, "history_too_large", NULL,
        "history answers with more than %lld bytes: ask for less",
        (long long)query->history->limits.history_reply_bytes);
    finish(query, S(""), &err);
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct history_query *query = user;
    const struct history_limits *limits = &query->history->limits;
    scoped(buf_done) struct buf out = buf_of((size_t)limits->history_answer_bytes);
    struct err err;
    bool good = false;

    (void)call;
    if (end->how != UPSTREAM_WHOLE)
        history_end_words(end, &err);
    else if (query->status != 200)
        words_refusal(query->status, buf_str(&query->reply), &err);
    else
        good = words_answer(buf_str(&query->reply), limits, &out, &err);
    finish(query, buf_str(&out), good ? NULL : &err);
}

static void on_deadline(void *owner)
{
    struct history_query *query = owner;
    struct err err;

    upstream_cancel(query->call);
    err_code(&err, ERR_PEER, "history_timeout", NULL, "history did not answer within %lld ms",
        (long long)query->history->limits.history_query_ms);
    finish(query, S(""), &err);
}

static bool send_query(struct history_query *query, struct str path, struct err *err)
{
    static const struct upstream_hooks HOOKS = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end};
    const struct http_field fields[] = {
        {S("Content-Type"), S("application/x-www-form-urlencoded")},
        {S("Accept"), S("application/json")},
    };
    struct upstream_request request = {.method = METHOD_POST,
        .path = path,
        .fields = fields,
        .fields_count = COUNT(fields),
        .body = buf_str(&query->form),
        .hooks = &HOOKS,
        .user = query,
        .head_ms = -1,
        .stall_ms = -1};

    query->call = upstream_send(query->history->place, &request, err);
    return query->call != NULL;
}

bool history_ask(struct history *history, const struct history_question *question,
    history_answered *answered, void *user, struct history_query **ret_query, struct err *err)
{
    struct str path;

    if (!history->upstream)
        return err_code(err, ERR_PEER, "no_history", NULL,
            "no history is configured: the site has no fact history(Url)");
    if (history->closing)
        return err_code(err, ERR_PEER, "history_closed", NULL, "history is being closed");
    if (history->counts.queries_open >= (uint64_t)history->limits.history_queries_max)
        return err_code(err, ERR_LIMIT, "history_busy", NULL,
            "history: %lld questions are open; ask again later",
            (long long)history->limits.history_queries_max);
    struct history_query *query = calloc(1, sizeof *query);
    check(query);
    query->history = history;
    query->form = buf_of(FORM_BYTES_MAX);
    query->reply = buf_of((size_t)history->limits.history_reply_bytes);
    query->answered = answered;
    query->user = user;
    if (!words_question(question, &history->limits, &path, &query->form, err) ||
        !send_query(query, path, err)) {
        free_query(query);
        return false;
    }
    history->counts.queries++;
    history->counts.queries_open++;
    query->next = history->queries;
    if (query->next)
        query->next->prev = query;
    history->queries = query;
    history_timer_start(
        history, &query->deadline, history->limits.history_query_ms, on_deadline, query);
    if (ret_query)
        *ret_query = query;
    return true;
}

void history_cancel(struct history_query **at)
{
    struct history_query *query = *at;

    *at = NULL;
    if (!query)
        return;
    upstream_cancel(query->call);
    unlink_query(query);
    free_query(query);
}
