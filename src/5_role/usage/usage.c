/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop's side: sums in memory, one job at a time for the worker.
 */
#include "usage/usage.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "usage/usage_db.h"

#include <stdio.h>
#include <stdlib.h>

struct asking {
    struct usage_question question;
    char caller[USAGE_CALLER_BYTES_MAX + 1], model[USAGE_MODEL_BYTES_MAX + 1];
    void (*answer)(void *owner, const json_t *value, const struct err *err);
    void *owner;
    json_t *value; /* set by the worker, or err */
    struct err err;
};

struct usage {
    char *path;
    struct sums pending; /* the loop's */
    struct asking waiting[USAGE_QUESTIONS_MAX];
    size_t waiting_count;

    /* the worker's while `busy` */
    struct usage_db *db;
    struct sums writing;
    struct asking asked[USAGE_QUESTIONS_MAX];
    size_t asked_count;
    uint64_t folded;
    bool written;
    struct err err;

    uv_work_t work;
    uv_loop_t *loop;
    uv_timer_t *timer;
    bool busy, closing;
    void (*closed)(void *user);
    void *user;
    struct usage_counts counts;
};

bool usage_open(const char *path, struct usage **ret_usage, struct err *err)
{
    struct usage *usage = calloc(1, sizeof *usage);

    check(usage);
    usage->pending = sums_of(USAGE_ROWS_MAX);
    usage->writing = sums_of(USAGE_ROWS_MAX);
    usage->counts.writable = usage_db_open(path, &usage->db, err);
    if (!usage->counts.writable && strcmp(err->code, "usage_broken") == 0) {
        free(usage);
        return false;
    }
    if (!usage->counts.writable)
        log_error("usage_write_failed", "code", err->code, "why", err->message, NULL);
    usage->path = path ? str_dup(str_from(path)) : NULL;
    *ret_usage = usage;
    return true;
}

static int64_t within(int64_t number)
{
    return number < 0 ? 0 : number > USAGE_ONCE_MAX ? USAGE_ONCE_MAX : number;
}

void usage_add(struct usage *usage, struct str caller, struct str model,
    const struct usage_work *work, int64_t civil_ms)
{
    struct usage_work one = {within(work->requests), within(work->failed), within(work->cancelled),
        within(work->prompt_tokens), within(work->completion_tokens), within(work->wasted_tokens),
        within(work->busy_ms), within(work->held_ms)};

    sums_add(&usage->pending, usage_day_of(civil_ms), caller, model, &one);
}

/* --- the worker -------------------------------------------------------------------- */

static void write_now(struct usage *usage)
{
    usage->written = (usage->db || usage_db_open(usage->path, &usage->db, &usage->err)) &&
                     usage_db_add(usage->db, &usage->writing, &usage->folded, &usage->err);
}

static void on_worker(uv_work_t *work)
{
    struct usage *usage = work->data;
    struct sums none = sums_of(0);

    write_now(usage);
    for (size_t i = 0; i < usage->asked_count; i++) {
        struct asking *asking = &usage->asked[i];
        asking->err = usage->err;
        if (usage->db)
            (void)usage_db_ask(usage->db, &asking->question,
                usage->written ? &none : &usage->writing, &asking->value, &asking->err);
    }
}

/* --- the loop ---------------------------------------------------------------------- */

static void say(struct usage *usage)
{
    if (usage->written == usage->counts.writable)
        return;
    usage->counts.writable = usage->written;
    if (usage->written)
        log_event("usage_written_again", NULL);
    else
        log_error("usage_write_failed", "code", usage->err.code, "why", usage->err.message, NULL);
}

static void settle(struct usage *usage)
{
    if (usage->written) {
        usage->counts.flushes += usage->writing.count > 0;
        usage->counts.rows_written += usage->writing.count;
        usage->counts.folded += usage->folded;
    } else {
        usage->counts.failed_flushes++;
        sums_merge(&usage->pending, &usage->writing);
    }
    say(usage);
    usage->folded = 0;
    sums_done(&usage->writing);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void finish(struct usage *usage)
{
    void (*closed)(void *user) = usage->closed;
    void *user = usage->user;

    if (usage->pending.count) {
        char count[24];
        snprintf(count, sizeof count, "%zu", usage->pending.count);
        log_error("usage_lost", "rows_n", count, NULL);
    }
    usage_db_close(&usage->db);
    sums_done(&usage->pending);
    sums_done(&usage->writing);
    free(usage->path);
    free(usage);
    if (closed)
        closed(user);
}

static void after_worker(uv_work_t *work, int status);

static void begin_job(struct usage *usage)
{
    if (usage->busy || (usage->pending.count == 0 && usage->waiting_count == 0))
        return;
    struct sums pending = usage->pending;
    usage->pending = usage->writing; /* empty */
    usage->pending.folded = pending.folded;
    usage->writing = pending;
    memcpy(usage->asked, usage->waiting, usage->waiting_count * sizeof *usage->waiting);
    for (size_t i = 0; i < usage->waiting_count; i++) { /* their texts moved too */
        struct asking *asking = &usage->asked[i];
        asking->question.caller.at = asking->caller;
        asking->question.model.at = asking->model;
    }
    usage->asked_count = usage->waiting_count;
    usage->waiting_count = 0;
    usage->busy = true;
    usage->err = (struct err){0};
    usage->work.data = usage;
    check(uv_queue_work(usage->loop, &usage->work, on_worker, after_worker) == 0);
}

static void answer_all(struct asking *askings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct asking *asking = &askings[i];
        if (asking->answer)
            asking->answer(asking->owner, asking->value, asking->value ? NULL : &asking->err);
        json_decref(asking->value);
    }
}

static void after_worker(uv_work_t *work, int status)
{
    struct usage *usage = work->data;
    size_t count = usage->asked_count;

    check(status == 0);
    settle(usage);
    answer_all(usage->asked, count); /* may ask again: that waits, we are busy */
    usage->asked_count = 0;
    usage->busy = false;
    bool give_up = usage->closing && !usage->written; /* tried once more, as it closes */
    if (usage->waiting_count || (usage->closing && usage->pending.count && !give_up))
        begin_job(usage);
    else if (usage->closing)
        finish(usage);
}

static void on_tick(uv_timer_t *timer)
{
    begin_job(timer->data);
}

void usage_start(struct usage *usage, uv_loop_t *loop, int64_t flush_ms)
{
    check(!usage->timer);
    usage->loop = loop;
    usage->timer = calloc(1, sizeof *usage->timer);
    check(usage->timer && uv_timer_init(loop, usage->timer) == 0);
    usage->timer->data = usage;
    check(uv_timer_start(usage->timer, on_tick, (uint64_t)flush_ms, (uint64_t)flush_ms) == 0);
    uv_unref((uv_handle_t *)usage->timer);
}

/* --- asking ------------------------------------------------------------------------ */

bool usage_ask(struct usage *usage, const struct usage_question *question,
    void (*answer)(void *owner, const json_t *value, const struct err *err), void *owner,
    struct err *err)
{
    if (usage->closing)
        return err_code(err, ERR_SYSTEM, "usage_closing", NULL, "the node is about to stop");
    check(usage->timer);
    if (question->caller.len > USAGE_CALLER_BYTES_MAX ||
        question->model.len > USAGE_MODEL_BYTES_MAX)
        return err_code(
            err, ERR_INPUT, "out_of_range", NULL, "the name of a caller or model is too long");
    if (usage->waiting_count == USAGE_QUESTIONS_MAX)
        return err_code(err, ERR_LIMIT, "usage_busy", NULL,
            "%d questions about usage wait already: ask again", USAGE_QUESTIONS_MAX);
    struct asking *asking = &usage->waiting[usage->waiting_count++];
    *asking = (struct asking){.question = *question, .answer = answer, .owner = owner};
    snprintf(asking->caller, sizeof asking->caller, "%.*s", STR(question->caller));
    snprintf(asking->model, sizeof asking->model, "%.*s", STR(question->model));
    begin_job(usage);
    return true;
}

void usage_forget(struct usage *usage, const void *owner)
{
    for (size_t i = 0; i < usage->waiting_count; i++)
        if (usage->waiting[i].owner == owner)
            usage->waiting[i].answer = NULL;
    for (size_t i = 0; i < usage->asked_count; i++)
        if (usage->asked[i].owner == owner)
            usage->asked[i].answer = NULL;
}

struct usage_counts usage_counts(const struct usage *usage)
{
    struct usage_counts counts = usage->counts;

    counts.folded += usage->pending.folded;
    counts.pending_rows = usage->pending.count;
    return counts;
}

/* At once, and here: nobody may turn the loop any more. */
static void finish_here(struct usage *usage)
{
    struct sums pending = usage->pending;

    usage->pending = usage->writing;
    usage->writing = pending;
    write_now(usage);
    settle(usage);
    finish(usage);
}

void usage_close(struct usage *usage, void (*closed)(void *user), void *user)
{
    usage->closed = closed;
    usage->user = user;
    if (!usage->timer) { /* never started */
        finish_here(usage);
        return;
    }
    uv_close((uv_handle_t *)usage->timer, free_handle);
    usage->timer = NULL;
    usage->closing = true;
    for (size_t i = 0; i < usage->waiting_count; i++)
        check(usage->busy); /* it is answered behind what runs */
    if (!usage->busy)
        finish_here(usage);
}
