/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "history/inside.h"
#include "os/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_CONNECTIONS 4 /* beside those of questions: the write, and what is closing */
#define CONNECT_MS_MAX 5000
#define DROPS_LINE_MS 60000 /* a server that comes and goes does not fill the log */

void history_limits_default(struct history_limits *ret_limits)
{
    *ret_limits = (struct history_limits){
#define HISTORY_LIMIT(name, min, max, standard, help) .name = standard,
#include "history/history_limits.def"
#undef HISTORY_LIMIT
    };
}

static void check_limits(const struct history_limits *limits)
{
#define HISTORY_LIMIT(name, min, max, standard, help)                                              \
    if (limits->name < (min) || limits->name > (max))                                              \
        panic("history limit %s is %lld", #name, (long long)limits->name);
#include "history/history_limits.def"
#undef HISTORY_LIMIT
}

/* --- timers ---------------------------------------------------------------------------- */

static void on_fire(struct wheel_entry *entry)
{
    struct history_timer *timer =
        (struct history_timer *)((char *)entry - offsetof(struct history_timer, entry));

    timer->fire(timer->owner);
}

void history_timer_start(struct history *history, struct history_timer *timer, int64_t wait_ms,
    void (*fire)(void *owner), void *owner)
{
    timer->fire = fire;
    timer->owner = owner;
    wheel_arm(&history->wheel, &timer->entry, uv_now(history->loop) + (uint64_t)wait_ms);
}

void history_timer_stop(struct history *history, struct history_timer *timer)
{
    wheel_disarm(&history->wheel, &timer->entry);
}

bool history_end_words(const struct upstream_end *end, struct err *err)
{
    const char *code = end->how == UPSTREAM_TIMED_OUT   ? "history_timeout"
                       : end->how == UPSTREAM_BAD_REPLY ? "history_bad_reply"
                       : end->how == UPSTREAM_CLOSED    ? "history_closed"
                                                        : "history_away";

    return err_code(err, ERR_PEER, code, NULL, "history: %s", end->err->message);
}

/* --- what is lost, said ------------------------------------------------------------------ */

static void say_drops(struct history *history, const char *reason)
{
    struct history_drops *drops = &history->drops;
    char samples[24];

    snprintf(samples, sizeof samples, "%" PRIu64, drops->untold);
    if (reason)
        log_error("history_dropped", "samples_n", samples, "reason", reason, NULL);
    else
        log_event("history_kept_again", "samples_dropped_n", samples, NULL);
    drops->untold = 0;
}

/* The first of a run is said, but not more than one a minute; a line names all since the last. */
static void note_drops(struct history *history)
{
    struct history_drops *drops = &history->drops;
    const struct history_counts *counts = &history->counts;
    uint64_t now_ms = uv_now(history->loop), seen = counts->samples_dropped + counts->samples_lost;
    char disk[128];

    if (seen == drops->seen)
        return;
    drops->untold += seen - drops->seen;
    drops->seen = seen;
    if (drops->said || now_ms < drops->next_line_ms)
        return;
    snprintf(disk, sizeof disk, "the disk does not take it: %s", strerror(history->spool.error));
    say_drops(history, history->spool.error ? disk : "the spool is full: the oldest goes");
    drops->said = true;
    drops->next_line_ms = now_ms + DROPS_LINE_MS;
}

/* What comes now is kept, or has arrived. */
static void note_kept(struct history *history)
{
    struct history_drops *drops = &history->drops;

    if (drops->said)
        say_drops(history, NULL);
    drops->said = false;
}

static void keep(struct history *history, uint64_t number, struct str body, uint32_t samples)
{
    uint64_t seen = history->drops.seen;

    history->spool.error = 0;
    spool_add(&history->spool, number, body, samples);
    note_drops(history);
    if (seen == history->drops.seen)
        note_kept(history);
}

/* --- one write at a time ---------------------------------------------------------------- */

static void send_next(struct history *history);

static void on_backoff_end(void *owner)
{
    struct history *history = owner;

    history->backing_off = false;
    send_next(history);
}

static void back_off(struct history *history, int64_t asked_ms)
{
    int64_t least = history->limits.history_backoff_min_ms,
            most = history->limits.history_backoff_max_ms;
    int64_t wait_ms = history->backoff_ms < least ? least : history->backoff_ms;
    uint32_t random;

    most = most < least ? least : most;
    wait_ms = wait_ms > most ? most : wait_ms;
    history->backoff_ms = wait_ms * 2;
    random_bytes(&random, sizeof random);
    wait_ms -= (int64_t)(random % (uint64_t)(wait_ms / 2 + 1)); /* half to all of it */
    if (asked_ms > wait_ms)
        wait_ms = asked_ms > most ? most : asked_ms;
    history->backing_off = true;
    history_timer_start(history, &history->backoff_timer, wait_ms, on_backoff_end, history);
}

/* The batch of the flight stays ours: back to where it was. */
static void flight_keep(struct history *history)
{
    struct history_flight *flight = &history->flight;

    flight->call = NULL;
    if (flight->from_spool)
        spool_release(&history->spool, false);
    else
        keep(history, flight->number, buf_str(&flight->body), flight->samples);
}

/* `history->last_error` says why. */
static void flight_failed(struct history *history)
{
    history_timer_stop(history, &history->flight.deadline);
    flight_keep(history);
    history->counts.attempts_failed++;
    if (!history->counts.away)
        log_error("history_lost_sight", "why", history->last_error.message, NULL);
    history->counts.away = true;
    back_off(history, history->flight.retry_after_ms);
}

/* The server took it or never will. */
static void flight_done(struct history *history, bool taken)
{
    struct history_flight *flight = &history->flight;
    struct history_counts *counts = &history->counts;

    history_timer_stop(history, &flight->deadline);
    flight->call = NULL;
    counts->batches_delivered += taken;
    counts->samples_delivered += taken ? flight->samples : 0;
    counts->batches_refused += !taken;
    counts->samples_refused += taken ? 0 : flight->samples;
    if (!taken && !history->refusing)
        log_error("history_batch_refused", "why", history->last_error.message, NULL);
    if (taken && (counts->away || history->refusing))
        log_event("history_in_sight", NULL);
    history->refusing = !taken;
    if (taken)
        history->last_error = (struct err){0};
    counts->away = false;
    history->backoff_ms = 0;
    if (flight->from_spool)
        spool_release(&history->spool, true);
    if (taken && history->spool.count == 0)
        note_kept(history);
    send_next(history);
}

static void on_write_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct history *history = user;
    struct str text = http_reply_field(reply, S("Retry-After"));
    uint64_t seconds;

    (void)call;
    history->flight.status = reply->status;
    if (text.at && str_to_u64(text, 86400, &seconds))
        history->flight.retry_after_ms = (int64_t)seconds * 1000;
}

static void on_write_body(struct upstream_call *call, struct str bytes, void *user)
{
    (void)call, (void)bytes, (void)user; /* the status says it all */
}

static void on_write_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct history *history = user;
    int status = history->flight.status;

    (void)call;
    if (end->how != UPSTREAM_WHOLE) {
        history_end_words(end, &history->last_error);
        flight_failed(history);
        return;
    }
    if (status >= 200 && status < 300) {
        flight_done(history, true);
        return;
    }
    err_code(&history->last_error, ERR_PEER, "history_status", NULL,
        "history answers a write with status %d", status);
    if (status >= 400 && status < 500 && status != 429 && status != 408)
        flight_done(history, false);
    else
        flight_failed(history);
}

static void on_write_deadline(void *owner)
{
    struct history *history = owner;

    upstream_cancel(history->flight.call);
    err_code(&history->last_error, ERR_PEER, "history_timeout", NULL,
        "history did not answer a write within %lld ms",
        (long long)history->limits.history_write_ms);
    flight_failed(history);
}

/* flight.body is what goes out. */
static void send_flight(struct history *history)
{
    static const struct upstream_hooks HOOKS = {
        .on_head = on_write_head, .on_body = on_write_body, .on_end = on_write_end};
    const struct http_field fields[] = {
        {S("Content-Type"), S("application/x-protobuf")},
        {S("Content-Encoding"), S("snappy")},
        {S("X-Prometheus-Remote-Write-Version"), S("0.1.0")},
        {S("User-Agent"), S("logic-node")},
    };
    struct history_flight *flight = &history->flight;
    struct upstream_request request = {.method = METHOD_POST,
        .path = S("/api/v1/write"),
        .fields = fields,
        .fields_count = COUNT(fields),
        .body = buf_str(&flight->body),
        .hooks = &HOOKS,
        .user = history,
        .head_ms = -1,
        .stall_ms = -1};

    flight->status = 0;
    flight->retry_after_ms = 0;
    history->counts.attempts++;
    flight->call = upstream_send(history->place, &request, &history->last_error);
    if (!flight->call) {
        flight_failed(history);
        return;
    }
    history_timer_start(
        history, &flight->deadline, history->limits.history_write_ms, on_write_deadline, history);
}

static void send_next(struct history *history)
{
    struct history_flight *flight = &history->flight;

    if (history->closing || flight->call || history->backing_off)
        return;
    if (!spool_hold(&history->spool, &flight->body, &flight->samples))
        return;
    flight->from_spool = true;
    send_flight(history);
}

/* --- samples -------------------------------------------------------------------------------- */

/* What was gathered becomes a batch: sent if nothing is before it, else spooled. */
static void seal(struct history *history)
{
    struct history_flight *flight = &history->flight;
    uint32_t samples = (uint32_t)history->batch.count;

    history_timer_stop(history, &history->batch_timer);
    if (samples == 0)
        return;
    batch_seal(&history->batch, &history->sealed);
    uint64_t number = spool_number(&history->spool);
    if (history->closing || flight->call || history->backing_off || history->spool.count) {
        keep(history, number, buf_str(&history->sealed), samples);
        send_next(history);
        return;
    }
    struct buf empty = flight->body;
    flight->body = history->sealed;
    history->sealed = empty;
    flight->number = number;
    flight->samples = samples;
    flight->from_spool = false;
    send_flight(history);
}

static void on_batch_end(void *owner)
{
    seal(owner);
}

void history_add(struct history *history, const struct history_sample *samples, size_t count)
{
    if (!history->upstream || history->closing)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!batch_sample_valid(&samples[i])) {
            history->counts.samples_bad++;
            continue;
        }
        if (history->batch.count == 0)
            history_timer_start(history, &history->batch_timer, history->limits.history_batch_ms,
                on_batch_end, history);
        batch_add(&history->batch, &samples[i]);
        history->counts.samples_taken++;
        if (history->batch.count >= (size_t)history->limits.history_batch_samples)
            seal(history);
    }
}

void history_flush(struct history *history)
{
    if (!history->closing)
        seal(history);
}

struct history_counts history_counts(const struct history *history)
{
    struct history_counts counts = history->counts;
    const struct history_flight *flight = &history->flight;

    counts.configured = history->upstream != NULL;
    counts.spool_files = history->spool.count;
    counts.spool_bytes = history->spool.bytes;
    counts.spool_samples = history->spool.samples;
    counts.pending_samples = history->batch.count;
    if (flight->call && !flight->from_spool)
        counts.pending_samples += flight->samples;
    return counts;
}

const struct err *history_last_error(const struct history *history)
{
    return &history->last_error;
}

/* --- life ------------------------------------------------------------------------------------- */

static bool connect_up(
    struct history *history, const struct history_options *options, struct err *err)
{
    struct upstream_limits limits;

    if (!spool_open(&history->spool, options->spool, (uint64_t)options->limits.history_spool_bytes,
            &history->counts, err))
        return false;
    upstream_limits_default(&limits);
    limits.upstream_connections_max = options->limits.history_queries_max + SPARE_CONNECTIONS;
    limits.upstream_idle_max = 2;
    limits.upstream_connect_ms = options->limits.history_write_ms < CONNECT_MS_MAX
                                     ? options->limits.history_write_ms
                                     : CONNECT_MS_MAX;
    history->upstream = upstream_make(history->loop, &limits);
    return upstream_place_open(
        history->upstream, options->url, options->tls, NULL, &history->place, err);
}

static void on_wheel_closed(uv_handle_t *handle)
{
    struct wheel *wheel = handle->data;
    struct history *history = (struct history *)((char *)wheel - offsetof(struct history, wheel));
    void (*closed)(void *user) = history->closed;
    void *user = history->closed_user;

    spool_close(&history->spool);
    batch_done(&history->batch);
    buf_done(&history->sealed);
    buf_done(&history->flight.body);
    free(history);
    if (closed)
        closed(user);
}

static void on_upstream_closed(void *user)
{
    struct history *history = user;

    check(!history->queries);
    wheel_close(&history->wheel, on_wheel_closed);
}

bool history_open(uv_loop_t *loop, const struct history_options *options,
    struct history **ret_history, struct err *err)
{
    struct history *history = calloc(1, sizeof *history);

    check(history);
    check_limits(&options->limits);
    history->loop = loop;
    history->limits = options->limits;
    history->spool.folder = -1;
    history->sealed = history->flight.body = buf_of(SPOOL_BODY_BYTES_MAX);
    batch_init(&history->batch);
    wheel_init(&history->wheel, loop, on_fire);
    if (options->url && !connect_up(history, options, err)) {
        history_close(history, NULL, NULL);
        return false;
    }
    *ret_history = history;
    if (options->url) {
        note_drops(history); /* the limit may be less than it was */
        send_next(history);
    }
    return true;
}

void history_close(struct history *history, void (*closed)(void *user), void *user)
{
    check(!history->closing);
    history->closing = true;
    history->closed = closed;
    history->closed_user = user;
    history_timer_stop(history, &history->backoff_timer);
    if (history->flight.call) {
        history_timer_stop(history, &history->flight.deadline);
        upstream_cancel(history->flight.call);
        flight_keep(history);
    }
    seal(history);
    if (history->upstream)
        upstream_close(history->upstream, on_upstream_closed, history);
    else
        wheel_close(&history->wheel, on_wheel_closed);
}
