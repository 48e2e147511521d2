/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be asked of a pool: when to step it, how the queue sees it, how long it will take.
 */
#include "readiness/readiness_inner.h"

#include <string.h>

#define ETA_OVER_PART 4 /* over its usual time, a load is thought to need a quarter more */
#define ETA_OVER_MS_MIN 1000

void readiness_init(struct readiness *pool, const struct readiness_config *config, int64_t now_ms)
{
    *pool = (struct readiness){.config = *config, .model = QUEUE_NONE, .want = QUEUE_NONE,
        .out_model = QUEUE_NONE, .failed_model = QUEUE_NONE, .slots = config->slots,
        .host_up = !config->has_host, .since_ms = now_ms, .idle_ms = now_ms,
        .ask_at_ms = now_ms, .asked_ms = -1};
}

void readiness_config_set(struct readiness *pool, const struct readiness_config *config)
{
    pool->config = *config;
    pool->host_up |= !config->has_host;
}

static struct readiness_learned *learned(const struct readiness *pool, int model)
{
    for (int i = 0; i < pool->learned_count; i++)
        if (pool->learned[i].model == model)
            return (struct readiness_learned *)(uintptr_t)&pool->learned[i];
    return NULL;
}

void readiness_learn(struct readiness *pool, int model, int64_t load_ms)
{
    struct readiness_learned *known = learned(pool, model);
    if (model < 0 || load_ms <= 0)
        return;
    if (known != NULL) {
        known->load_ms = (known->load_ms + load_ms) / 2;
        return;
    }
    if (pool->learned_count == READINESS_MODELS_LEARNED) {
        memmove(pool->learned, pool->learned + 1,
            (READINESS_MODELS_LEARNED - 1) * sizeof *pool->learned);
        pool->learned_count--;
    }
    pool->learned[pool->learned_count++] = (struct readiness_learned){model, load_ms};
}

int64_t readiness_way_left_ms(const struct readiness *p, int64_t now_ms)
{
    int64_t left_ms = p->way_until_ms - now_ms;
    return left_ms > QUEUE_RETRY_MS_MAX ? QUEUE_RETRY_MS_MAX : left_ms < 1000 ? 1000 : left_ms;
}

static void sooner(int64_t *at, int64_t other)
{
    if (other >= 0 && (*at < 0 || other < *at))
        *at = other;
}

int64_t readiness_wake_at_ms(const struct readiness *p)
{
    int64_t at = -1;
    sooner(&at, p->asked_ms >= 0 ? p->asked_ms + p->config.look_limit_ms : p->ask_at_ms);
    if (p->out != READINESS_OUT_NONE)
        sooner(&at, p->out_ms + p->config.case_limit_ms);
    if (p->state == READINESS_FAILED && p->retry_at_ms != INT64_MAX)
        sooner(&at, p->retry_at_ms);
    if (p->makes_way && p->way_until_ms != INT64_MAX)
        sooner(&at, p->way_until_ms);
    sooner(&at, readiness_idle_at_ms(p));
    return at;
}

void readiness_queue_pool(const struct readiness *pool, const struct power *host, int64_t now_ms,
    struct queue_pool *ret_pool)
{
    bool ready = pool->state == READINESS_READY;
    bool coming = pool->state == READINESS_HOST || readiness_starting(pool->state);
    *ret_pool = (struct queue_pool){.model = ready ? pool->model : QUEUE_NONE,
        .loading = QUEUE_NONE, .slots = ready ? pool->slots : pool->config.slots,
        .denied = QUEUE_NONE, .load_ms = readiness_eta_ms(pool, host, QUEUE_ANY, now_ms)};
    if (!ready)
        ret_pool->loading = coming && pool->model >= 0 ? pool->model : pool->want;
    if (ret_pool->load_ms < 0)
        ret_pool->load_ms = pool->config.load_limit_ms;
    if (!pool->config.manages) {
        ret_pool->denied = QUEUE_ANY;
        ret_pool->denied_until_ms = ready ? INT64_MAX : now_ms + pool->config.watch_ms;
    } else if (pool->failed_model != QUEUE_NONE && !pool->holding && now_ms < pool->retry_at_ms) {
        ret_pool->denied = pool->failed_model;
        ret_pool->denied_until_ms = pool->retry_at_ms;
    }
    if (pool->makes_way) {
        ret_pool->model = ret_pool->loading = QUEUE_NONE;
        ret_pool->slots = 0;
        ret_pool->denied = QUEUE_ANY;
        ret_pool->denied_until_ms = pool->way_until_ms;
    }
}

static int64_t load_of(const struct readiness *pool, int model)
{
    const struct readiness_learned *known = learned(pool, model);
    int64_t sum_ms = 0;
    if (known != NULL)
        return known->load_ms;
    for (int i = 0; i < pool->learned_count; i++)
        sum_ms += pool->learned[i].load_ms;
    return model == QUEUE_ANY && pool->learned_count > 0 ? sum_ms / pool->learned_count
                                                         : pool->config.load_limit_ms;
}

static int64_t host_eta(
    const struct readiness *pool, const struct power *host, int64_t now_ms, bool *ret_never)
{
    int64_t ms = pool->host_up || host == NULL ? 0 : power_eta_ms(host, now_ms);
    *ret_never = ms < 0;
    return ms;
}

int64_t readiness_eta_ms(
    const struct readiness *pool, const struct power *host, int model, int64_t now_ms)
{
    bool never;
    int64_t load_ms = load_of(pool, model), gone_ms = now_ms - pool->load_ms;
    int64_t host_ms = host_eta(pool, host, now_ms, &never);
    int64_t wait_ms = pool->retry_at_ms - now_ms;
    bool away = pool->makes_way && pool->way_until_ms > now_ms;
    int64_t way_ms = away ? pool->way_until_ms - now_ms : 0;
    if (pool->state == READINESS_READY && model == pool->model && !pool->makes_way)
        return 0;
    if (!pool->config.manages || never || pool->retry_at_ms == INT64_MAX)
        return -1;
    if (pool->makes_way && pool->way_until_ms == INT64_MAX)
        return -1;
    switch (pool->state) {
    case READINESS_DRIVER_READY:
    case READINESS_ENGINE_STARTING:
    case READINESS_VERIFYING:
    case READINESS_LOADING: {
        int64_t own_ms = load_of(pool, pool->model), over_ms = own_ms / ETA_OVER_PART;
        int64_t left_ms = gone_ms < own_ms ? own_ms - gone_ms
            : over_ms > ETA_OVER_MS_MIN ? over_ms : ETA_OVER_MS_MIN;
        return model == pool->model ? left_ms : left_ms + pool->config.unload_ms + load_ms;
    }
    case READINESS_READY:
    case READINESS_DRAINING:
    case READINESS_UNLOADING:
        return pool->config.unload_ms + load_ms;
    case READINESS_FAILED:
        return host_ms + load_ms + (wait_ms > way_ms ? wait_ms : way_ms);
    case READINESS_EMPTY:
    case READINESS_HOST:
    case READINESS_STATES:
        break;
    }
    return host_ms + load_ms + way_ms;
}

const char *readiness_state_name(enum readiness_state state)
{
    static const char *const NAMES[READINESS_STATES] = {"empty", "host", "driver_ready",
        "engine_starting", "verifying", "loading", "ready", "draining", "unloading", "failed"};
    return state >= 0 && state < READINESS_STATES ? NAMES[state] : "?";
}

const char *readiness_stage(const struct readiness *pool, const struct power *host)
{
    if (pool->state != READINESS_EMPTY && pool->state != READINESS_HOST &&
        pool->state != READINESS_FAILED)
        return readiness_state_name(pool->state);
    return host == NULL ? "unloading" : power_stage(host);
}
