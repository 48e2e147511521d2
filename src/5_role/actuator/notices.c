/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/notices.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "notify/notice.h"

#include <stdlib.h>

#define REPLY_BYTES_MAX (64u << 10)

struct
try {
    uv_work_t request;
    struct notices *notices;
    struct try *next; /* of those that wait */
    int64_t id;
    uint64_t life; /* of the judge that asked */
    json_t *job;   /* the notice borrows from it */
    struct notice notice;
    struct hand_end end;
};

struct notices {
    struct notices_setup setup;
    struct secret_store *secrets;
    uint64_t life;
    struct try *first, *last; /* waiting */
    struct notices_counts counts;
    atomic_bool stop;
    void (*idle)(void *owner); /* set: stopping */
};

static void pump(struct notices *n);

struct notices *notices_open(const struct notices_setup *setup)
{
    struct notices *n = calloc(1, sizeof *n);

    check(n);
    n->setup = *setup;
    n->secrets = secret_open(setup->secrets);
    return n;
}

void notices_close(struct notices *n)
{
    if (!n)
        return;
    check(!n->counts.running && !n->counts.waiting);
    secret_close(&n->secrets);
    free(n);
}

void notices_greet(struct notices *n)
{
    n->life++;
}

struct notices_counts notices_counts(const struct notices *n)
{
    return n->counts;
}

static void answer(struct notices *n, int64_t id, const struct hand_end *end)
{
    json_t *fields = json_pack("{s:I, s:b, s:s}", "id", (json_int_t)id, "ok", end->ok, "changed",
        hand_changed_word(end->changed));

    check(fields);
    if (end->ok)
        json_object_set(fields, "result", end->result);
    else
        json_object_set_new(fields, "error", message_from_err(&end->err));
    n->setup.send(n->setup.owner, message_make(MESSAGE_done, "O", fields));
    json_decref(fields);
}

static void answer_error(struct notices *n, int64_t id, const struct err *err)
{
    const struct hand_end end = {.ok = false, .err = *err, .changed = HAND_CHANGED_NO};

    answer(n, id, &end);
}

static void try_free(struct try *try)
{
    hand_end_done(&try->end);
    json_decref(try->job);
    free(try);
}

/* On a worker. */
static void on_work(uv_work_t *request)
{
    struct try *try = request->data;
    struct notices *n = try->notices;
    const struct notice_limits limits = {.answer_ms = n->setup.settings->notice_ms,
        .reply_bytes_max = REPLY_BYTES_MAX,
        .ca_file = n->setup.ca_file};

    notice_send(&try->notice, n->secrets, &limits, &n->stop, &try->end);
}

static void on_worked(uv_work_t *request, int status)
{
    struct try *try = request->data;
    struct notices *n = try->notices;

    check(status == 0);
    n->counts.running--;
    n->counts.ended++;
    n->counts.failed += !try->end.ok;
    if (try->life == n->life)
        answer(n, try->id, &try->end);
    try_free(try);
    pump(n);
    if (n->idle && n->counts.running == 0)
        n->idle(n->setup.owner);
}

static void pump(struct notices *n)
{
    while (n->first && (int64_t)n->counts.running < n->setup.settings->notices_at_once) {
        struct try *try = n->first;
        n->first = try->next;
        n->counts.waiting--;
        n->counts.running++;
        check(uv_queue_work(n->setup.loop, &try->request, on_work, on_worked) == 0);
    }
}

static bool room(const struct notices *n, struct err *err)
{
    if (n->idle)
        return err_code(err, ERR_LIMIT, "stopping", NULL, "the actuator is ending; ask again");
    if ((int64_t)n->counts.waiting >= n->setup.settings->notices_waiting_max)
        return err_code(err, ERR_LIMIT, "queue_full", NULL,
            "%llu notifications are waiting already; ask again later",
            (unsigned long long)n->counts.waiting);
    return true;
}

void notices_take(struct notices *n, const json_t *message)
{
    int64_t id = message_int(message, "id");
    json_t *job = json_object_get(message, "job");
    struct notice notice;
    struct err err = {0};

    if (!notice_read(job, &notice, &err) || !room(n, &err)) {
        n->counts.refused++;
        log_error("notification_refused", "code", err.code, NULL);
        answer_error(n, id, &err);
        return;
    }
    struct try *try = calloc(1, sizeof *try);
    check(try);
    *try = (struct try){
        .notices = n, .id = id, .life = n->life, .job = json_incref(job), .notice = notice};
    try->request.data = try;
    if (n->first)
        n->last->next = try;
    else
        n->first = try;
    n->last = try;
    n->counts.waiting++;
    pump(n);
}

void notices_stop(struct notices *n, void (*idle)(void *owner))
{
    struct err err = {0};

    n->idle = idle;
    atomic_store(&n->stop, true);
    err_code(&err, ERR_LIMIT, "stopping", NULL, "the actuator is ending before this was sent");
    while (n->first) {
        struct try *try = n->first;
        n->first = try->next;
        n->counts.waiting--;
        if (try->life == n->life)
            answer_error(n, try->id, &err);
        try_free(try);
    }
    if (n->counts.running == 0)
        idle(n->setup.owner);
}
