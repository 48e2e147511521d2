/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <stdio.h>

static void refuse(struct exchange *ex, int status, const struct err *err)
{
    log_error("order_refused", "code", err->code, "message", err->message, NULL);
    exchange_reply_error(ex, status, err);
}

/* --- sleep -------------------------------------------------------------------------------------
 */

static bool may_sleep(struct agent *agent, struct err *err)
{
    scoped(json_done) json_t *users = agent_users();
    scoped(json_done) json_t *inhibitors = agent_inhibitors(agent, users);
    const json_t *first = json_array_get(inhibitors, 0);

    for (size_t i = 0; i < agent->pools_count; i++)
        if (!pool_is_idle(agent->pools[i]))
            return err_code(err, ERR_DENIED, "pool_not_empty", "pool",
                "the pool '%s' is %s: unload it before the host sleeps", agent->pools[i]->name,
                pool_state_word(agent->pools[i]->state));
    if (first)
        return err_code(err, ERR_DENIED, "inhibited", NULL, "the host must stay awake (%s: %.150s)",
            json_string_value(json_object_get(first, "kind")),
            json_string_value(json_object_get(first, "words")));
    return true;
}

static void on_sleep_time(uv_timer_t *timer)
{
    struct agent *agent = timer->data;

    if (agent->phase == AGENT_FALLING_ASLEEP && agent->sleep_argv)
        agent_sleep_now(agent);
    else if (agent->phase == AGENT_FALLING_ASLEEP) /* it came back, or never went */
        agent->phase = AGENT_UP;
}

/* Answered first, done then. */
static void take_sleep(
    struct agent *agent, struct exchange *ex, struct order *order, const struct host_job *job)
{
    bool suspend = str_eq(job->how, S("suspend"));
    struct err err = {0};

    if (!may_sleep(agent, &err)) {
        refuse(ex, 409, &err);
        return;
    }
    agent->phase = AGENT_FALLING_ASLEEP;
    agent->sleep_argv = suspend ? agent->config.suspend : agent->config.poweroff;
    struct task *task = task_open(ex, order, job);
    log_event("host_falling_asleep", "how", suspend ? "suspend" : "poweroff", NULL);
    task_stage(task, "sleeping", "");
    task_end(&task, json_pack("{s:s}", "how", suspend ? "suspend" : "poweroff"));
    agent->sleep_timer.data = agent;
    uv_timer_start(
        &agent->sleep_timer, on_sleep_time, (uint64_t)agent->config.settings.sleep_delay_ms, 0);
}

void agent_sleeper_closed(uv_handle_t *handle)
{
    struct agent *agent = handle->data;

    free(handle);
    agent->sleeper = NULL;
    agent_end_if_done(agent);
}

static void on_sleeper_exit(uv_process_t *process, int64_t status, int signal)
{
    char text[32];

    snprintf(text, sizeof text, "%lld/%d", (long long)status, signal);
    if (status || signal)
        log_error("sleep_failed", "status", text, NULL);
    uv_close((uv_handle_t *)process, agent_sleeper_closed);
}

void agent_sleep_now(struct agent *agent)
{
    uv_process_options_t options = {.exit_cb = on_sleeper_exit,
        .file = agent->sleep_argv[0],
        .args = (char **)(uintptr_t)agent->sleep_argv,
        .flags = UV_PROCESS_DETACHED};

    agent->sleep_argv = NULL;
    if (!agent->sleeper) {
        agent->sleeper = calloc(1, sizeof *agent->sleeper);
        check(agent->sleeper);
        agent->sleeper->data = agent;
        agent->handles++;
        int code = uv_spawn(agent->loop, agent->sleeper, &options);
        if (code != 0) {
            log_error("sleep_failed", "message", uv_strerror(code), NULL);
            uv_close((uv_handle_t *)agent->sleeper, agent_sleeper_closed);
        }
    }
    uv_timer_start(&agent->sleep_timer, on_sleep_time,
        (uint64_t)agent->config.settings.sleep_guard_s * 1000, 0);
}

/* --- orders
 * ---------------------------------------------------------------------------------------- */

static struct pool *pool_for(struct agent *agent, const struct host_job *job, struct err *err)
{
    struct pool *pool = pool_find(agent, job->pool);

    return pool ? pool : pool_make(agent, job->pool, err);
}

/* What is for this agent, signed, in time and of its form; used from here on. */
static bool take_order(struct agent *agent, struct exchange *ex, struct order *order,
    struct host_job *job, int *ret_status, struct err *err)
{
    int64_t now_ms = clock_civil_ms();

    *ret_status = 403;
    if (!order_read(
            exchange_body(ex), agent->config.order_key, agent->config.host, now_ms, order, err))
        return false;
    if (order->expires_at_ms - now_ms > agent->config.settings.order_life_s * 1000)
        return err_code(err, ERR_DENIED, "too_long_valid", "expires_at_ms",
            "the order is refused, nothing was done: it would be valid for too long");
    if (!host_job_read(order->job, job, err) || !host_job_changes(job)) {
        *ret_status = 400;
        return host_job_changes(job) || err->kind != ERR_NONE
                   ? false
                   : err_code(err, ERR_INPUT, "bad_job", "op", "this is no job for an order");
    }
    if (!str_eq(job->host, str_from(agent->config.host)) || job->op == HOST_WAKE)
        return err_code(err, ERR_DENIED, "wrong_host", "host",
            "the order is refused, nothing was done: its job is not for this host");
    if (agent->phase != AGENT_UP) {
        *ret_status = 503;
        return err_code(err, ERR_LIMIT, "falling_asleep", NULL,
            "this host is about to sleep; nothing was done");
    }
    *ret_status = 0; /* by the kind of the error */
    return memory_use(&agent->memory, order->nonce, order->expires_at_ms, now_ms, err);
}

void agent_take_order(struct agent *agent, struct exchange *ex)
{
    scoped(order_done) struct order order = {0};
    struct host_job job = {0};
    struct pool *pool;
    int status = 0;
    struct err err = {0};

    if (!take_order(agent, ex, &order, &job, &status, &err)) {
        refuse(ex, status, &err);
        return;
    }
    if (job.op == HOST_SLEEP) {
        take_sleep(agent, ex, &order, &job);
        return;
    }
    pool = pool_for(agent, &job, &err);
    if (!pool) {
        refuse(ex, 503, &err);
        return;
    }
    if (job.op == POOL_LOAD ? !pool_load(pool, ex, &order, &job, &status, &err)
                            : !pool_unload(pool, ex, &order, &job, &status, &err))
        refuse(ex, status, &err);
}
