/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/propose.h"
#include "inference/turn.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdlib.h>

#define CALLERS (IDENTITY_CALLERS_MAX + 64) /* more than there can be: numbers are used again */
#define SCRATCH_BYTES_MAX (8u << 20)
#define LIST_BYTES_MAX (4u << 20)

static void on_catalogue_timer(uv_timer_t *timer)
{
    struct inference *inf = timer->data;
    struct document_stamp now = document_stamp(inf->config.catalogue);
    struct err err;

    certificates_look(inf);
    if (document_stamp_equal(&now, &inf->stamp))
        return;
    if (!view_catalogue(inf, &err)) /* the old one stays in force */
        log_error("catalogue_refused", "code", err.code, "words", err.message, NULL);
    drive_settle(inf);
}

static bool open_queue(struct inference *inf, struct err *err)
{
    struct queue_limits limits = QUEUE_LIMITS_DEFAULT;
    const struct inference_settings *s = &inf->config.settings;

    limits.callers = CALLERS;
    limits.entries = (int)s->running_max;
    limits.waiting_max = (int)(s->waiting_max < s->running_max ? s->waiting_max : s->running_max);
    return queue_open(&limits, &inf->queue, err);
}

bool inference_open(uv_loop_t *loop, const struct inference_config *config,
    struct inference **ret_inference, struct err *err)
{
    struct inference *inf = calloc(1, sizeof *inf);

    check(inf);
    inf->loop = loop;
    inf->config = *config;
    inf->models = calloc(QUEUE_MODELS_MAX, sizeof *inf->models);
    check(inf->models);
    inf->scratch = buf_of(SCRATCH_BYTES_MAX);
    inf->list = buf_of(LIST_BYTES_MAX);
    if (!open_queue(inf, err) || !view_catalogue(inf, err)) {
        queue_close(inf->queue);
        view_done(inf);
        free(inf);
        return false;
    }
    inf->upstream = upstream_make(loop, &config->upstream);
    certificates_look(inf);
    certificates_look(inf); /* at the start they rest */
    wheel_init(&inf->wheel, loop, hold_fire);
    check(uv_timer_init(loop, &inf->timer) == 0 && uv_timer_init(loop, &inf->catalogue_timer) == 0);
    inf->timer.data = inf->catalogue_timer.data = inf;
    uv_timer_start(&inf->catalogue_timer, on_catalogue_timer,
        (uint64_t)config->settings.catalogue_ms, (uint64_t)config->settings.catalogue_ms);
    *ret_inference = inf;
    return true;
}

static void end_if_done(struct inference *inf)
{
    if (--inf->handles)
        return;
    queue_close(inf->queue);
    view_done(inf);
    buf_done(&inf->scratch);
    buf_done(&inf->list);
    free(inf->pending);
    free(inf);
}

static void on_timer_closed(uv_handle_t *handle)
{
    end_if_done(handle->data);
}

static void on_wheel_closed(uv_handle_t *handle)
{
    struct wheel *wheel = (struct wheel *)((char *)handle - offsetof(struct wheel, timer));
    end_if_done((struct inference *)((char *)wheel - offsetof(struct inference, wheel)));
}

static void on_upstream_closed(void *user)
{
    end_if_done(user);
}

void inference_stop(struct inference *inf)
{
    inf->stopping = true;
}

void inference_close(struct inference *inf)
{
    if (!inf)
        return;
    inf->stopping = inf->settling = true;
    turns_done(inf);
    inf->closing = true;
    propose_forget_all(inf);
    inf->handles = 4;
    uv_close((uv_handle_t *)&inf->timer, on_timer_closed);
    uv_close((uv_handle_t *)&inf->catalogue_timer, on_timer_closed);
    wheel_close(&inf->wheel, on_wheel_closed);
    upstream_close(inf->upstream, on_upstream_closed, inf);
}

int64_t inference_open_requests(const struct inference *inf)
{
    return inf->open_requests;
}

void inference_table(struct inference *inf, const json_t *table)
{
    view_table(inf, table);
    make_way(inf); /* a pool may be new */
    drive_settle(inf);
}

void inference_judge(struct inference *inf, bool there)
{
    if (inf->judge_there == there)
        return;
    inf->judge_there = there;
    if (!there)
        return;
    propose_forget_all(inf);
    for (int i = 0; i < inf->host_count; i++)
        drive_host(inf, i, &(struct power_event){.kind = POWER_RESTARTED});
    for (int i = 0; i < inf->pool_count; i++)
        drive_pool(inf, i, &(struct readiness_event){.kind = READINESS_RESTARTED});
    propose_table(inf);
    drive_settle(inf);
}

struct inference_counts inference_counts(const struct inference *inf)
{
    struct inference_counts counts = inf->counts;

    counts.waiting = queue_waiting(inf->queue);
    counts.running = queue_running(inf->queue);
    return counts;
}
