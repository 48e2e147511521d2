/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <stdio.h>

#define TAIL_BYTES 1000

static const struct restart_policy AGAIN = {.first_delay_ms = 1000,
    .delay_max_ms = 60000,
    .healthy_ms = 600000,
    .window_ms = 600000,
    .crashes_max = 0};

static void begin_engine(struct pool *pool);

static void set_state(struct pool *pool, enum pool_state state)
{
    pool->state = state;
    pool->since_ms = clock_civil_ms();
}

struct pool *pool_find(struct agent *agent, struct str name)
{
    for (size_t i = 0; i < agent->pools_count; i++)
        if (str_eq(str_from(agent->pools[i]->name), name))
            return agent->pools[i];
    return NULL;
}

struct pool *pool_make(struct agent *agent, struct str name, struct err *err)
{
    if (agent->pools_count == (size_t)agent->config.settings.pools_max) {
        err_code(err, ERR_LIMIT, "too_many_pools", "pool", "there are %zu pools here already",
            agent->pools_count);
        return NULL;
    }
    struct pool *pool = calloc(1, sizeof *pool);
    struct pool **grown = realloc(agent->pools, (agent->pools_count + 1) * sizeof *agent->pools);
    check(pool && grown);
    pool->agent = agent;
    pool->free_bytes = -1;
    snprintf(pool->name, sizeof pool->name, "%.*s", STR(name));
    int len =
        snprintf(pool->folder, sizeof pool->folder, "%s/pools/%s", agent->config.home, pool->name);
    check(len > 0 && len < (int)sizeof pool->folder);
    set_state(pool, POOL_EMPTY);
    agent->pools = grown;
    agent->pools[agent->pools_count++] = pool;
    return pool;
}

bool pool_is_idle(const struct pool *pool)
{
    return !pool->task && !pool->engine &&
           (pool->state == POOL_EMPTY || pool->state == POOL_FAILED);
}

/* What was loaded is forgotten. */
static void forget(struct pool *pool)
{
    if (pool->has_prepared)
        prepared_engine_done(&pool->prepared);
    pool->has_prepared = false;
    order_done(&pool->held);
    pool->loaded = (struct host_job){0};
    pool->restart_ms = pool->driver_ms = pool->limit_ms = 0;
}

static void drop_engine(struct pool *pool)
{
    upstream_place_close(&pool->place); /* its calls end */
    engine_close(&pool->engine);
}

static struct str tail_of(struct pool *pool)
{
    struct str tail = pool->engine ? engine_tail(pool->engine) : S("");
    size_t skip = tail.len > TAIL_BYTES ? tail.len - TAIL_BYTES : 0;

    while (skip < tail.len && (tail.at[skip] & 0xc0) == 0x80) /* not within a character */
        skip++;
    return (struct str){tail.at + skip, tail.len - skip};
}

static bool refuse(int *ret_status, struct err *err)
{
    *ret_status = 409;
    (void)err;
    return false;
}

/* --- the engine's events ------------------------------------------------------------------------
 */

static void on_stage(void *user, enum engine_stage stage, double fraction, const char *words)
{
    struct pool *pool = user;
    char text[AGENT_WORDS_BYTES + 1];

    if (stage == ENGINE_STAGE_VERIFYING && pool->state != POOL_VERIFYING)
        set_state(pool, POOL_VERIFYING);
    else if (stage == ENGINE_STAGE_LOADING && pool->state != POOL_LOADING)
        set_state(pool, POOL_LOADING);
    if (fraction >= 0)
        snprintf(text, sizeof text, "%.0f %% %.*s", fraction * 100, AGENT_WORDS_BYTES - 10, words);
    else
        snprintf(text, sizeof text, "%.*s", AGENT_WORDS_BYTES, words ? words : "");
    if (pool->task)
        task_stage(pool->task, engine_stage_word(stage), text);
}

static json_t *bytes_or_null(int64_t bytes)
{
    return bytes >= 0 ? json_integer((json_int_t)bytes) : json_null();
}

static json_t *buffers_json(const struct pool *pool)
{
    const struct engine_buffers *b = pool->engine ? engine_buffers(pool->engine) : NULL;
    char offloaded[32] = "";

    if (!b || pool->state != POOL_READY)
        return json_null();
    if (b->offloaded_known)
        snprintf(offloaded, sizeof offloaded, "%u/%u", b->offloaded, b->layers);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "weights_bytes",
        (json_int_t)b->weights_bytes, "kv_bytes", (json_int_t)b->kv_bytes, "compute_bytes",
        (json_int_t)b->compute_bytes, "other_bytes", (json_int_t)b->other_bytes, "host_bytes",
        (json_int_t)b->host_bytes, "device", b->device, "offloaded", offloaded);
}

static json_t *load_result(const struct pool *pool)
{
    return json_pack("{s:s, s:o, s:s, s:o}", "engine_version", pool->prepared.version, "buffers",
        buffers_json(pool), "endpoint", engine_endpoint(pool->engine), "free_bytes",
        bytes_or_null(pool->free_bytes));
}

static void on_failed(void *user, const struct err *why);

static void on_ready(void *user, const struct engine_ready *ready)
{
    struct pool *pool = user;
    struct err err = {0};

    if (!upstream_place_open(
            pool->agent->upstream, ready->endpoint, NULL, NULL, &pool->place, &err)) {
        on_failed(pool, &err);
        return;
    }
    pool->free_bytes = ready->free_bytes;
    pool->limit_ms = 0;
    set_state(pool, POOL_READY);
    log_event("pool_loaded", "pool", pool->name, "sha256", pool->task ? "" : "again", NULL);
    if (pool->task) {
        task_stage(pool->task, "ready", "");
        task_end(&pool->task, load_result(pool));
    }
}

/* After a crash of what had been ready: again, some times. */
static void restart_later(struct pool *pool)
{
    struct restart_policy policy = AGAIN;
    int64_t delay_ms, now_ms = clock_steady_ms();

    policy.crashes_max = pool->agent->config.settings.restarts_max;
    if (pool->agent->phase != AGENT_UP || !restart_after_crash(&pool->restart, &policy, now_ms,
                                              now_ms - pool->engine_began_ms, &delay_ms)) {
        log_error("pool_given_up", "pool", pool->name, "code", pool->error.code, NULL);
        forget(pool);
        return;
    }
    pool->restart_ms = now_ms + delay_ms;
    agent_wait(pool->agent);
}

static void on_failed(void *user, const struct err *why)
{
    struct pool *pool = user;
    bool was_ready = pool->state == POOL_READY || (!pool->task && pool->restarts > 0);
    struct str tail = tail_of(pool);

    pool->error = *why;
    pool->limit_ms = 0;
    log_error(
        "engine_failed", "pool", pool->name, "code", why->code, "message", why->message, NULL);
    set_state(pool, POOL_FAILED);
    if (pool->task) {
        task_fail(&pool->task, why, HAND_CHANGED_NO, tail);
        forget(pool);
    }
    drop_engine(pool);
    if (was_ready)
        restart_later(pool);
}

static void on_stopped(void *user, int64_t free_bytes, bool vram_back)
{
    struct pool *pool = user;

    drop_engine(pool);
    pool->free_bytes = free_bytes;
    forget(pool);
    set_state(pool, POOL_EMPTY);
    log_event("pool_unloaded", "pool", pool->name, NULL);
    if (pool->task)
        task_end(&pool->task, json_pack("{s:o, s:b}", "free_bytes", bytes_or_null(free_bytes),
                                  "vram_back", vram_back));
}

static const struct engine_events EVENTS = {on_stage, on_ready, on_failed, on_stopped};

/* --- loading -------------------------------------------------------------------------------------
 */

static bool is_cpu(const struct host_job *job)
{
    return str_eq(job->kind, S("cpu"));
}

static int64_t memory_available(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    long long kib = -1;

    while (file && fgets(line, sizeof line, file) && kib < 0)
        (void)sscanf(line, "MemAvailable: %lld kB", &kib);
    if (file)
        fclose(file);
    return kib < 0 ? -1 : (int64_t)kib * 1024;
}

static bool gpu_fits(struct pool *pool, struct err *err)
{
    const struct gpu_facts *facts = &pool->agent->gpus;

    if (!facts->present) /* no nvidia-smi: the engine's own gates look */
        return true;
    const struct gpu *gpu = gpu_find(facts, pool->loaded.mask);
    if (!gpu)
        return err_code(err, ERR_SYSTEM, "device_missing", "mask",
            "there is no GPU '%.*s' here; %zu are listed", STR(pool->loaded.mask), facts->count);
    pool->free_bytes = gpu->free_bytes;
    return agent_fits(pool->agent, &pool->loaded, gpu->free_bytes, err);
}

static void fail_load(struct pool *pool, const struct err *why)
{
    pool->error = *why;
    set_state(pool, POOL_FAILED);
    if (pool->task)
        task_fail(&pool->task, why, HAND_CHANGED_NO, tail_of(pool));
    drop_engine(pool);
    forget(pool);
}

static void begin_engine(struct pool *pool)
{
    struct agent *agent = pool->agent;
    const struct host_job *job = &pool->loaded;
    char path[PATH_MAX], name[160], sha256[65], mask[160], kv[16];
    struct engine_config config = {.pool = pool->name,
        .slots = job->slots,
        .context = job->context,
        .folder = pool->folder,
        .digests = agent->digests,
        .always_hash = agent->config.settings.hash_always != 0,
        .nvidia_smi = agent->config.nvidia_smi};
    struct err err = {0};

    int len = snprintf(path, sizeof path, "%s/%.*s", agent->config.models, STR(job->model_file));
    check(len > 0); /* one that is cut is not there: the engine's gate says so */
    snprintf(name, sizeof name, "%.*s", STR(job->model));
    snprintf(sha256, sizeof sha256, "%.*s", STR(job->model_sha256));
    snprintf(mask, sizeof mask, "%.*s", STR(job->mask));
    snprintf(kv, sizeof kv, "%.*s", STR(job->kv));
    check(engine_kind_read(job->kind, &config.kind));
    config.mask = mask;
    config.kv = kv;
    config.model = (struct engine_model){.name = name,
        .path = path,
        .sha256 = sha256,
        .bytes = (uint64_t)job->model_bytes,
        .embedding = job->embedding};
    engine_limits_default(&config.limits);
    int64_t left_ms = pool->limit_ms ? pool->limit_ms - clock_steady_ms() : config.limits.load_ms;
    if (left_ms < config.limits.load_ms)
        config.limits.load_ms = left_ms > 1000 ? left_ms : 1000;
    set_state(pool, POOL_STARTING);
    pool->engine_began_ms = clock_steady_ms();
    pool->driver_ms = pool->restart_ms = 0;
    if (!engine_start(agent->loop, &pool->prepared, &config, &EVENTS, pool, &pool->engine, &err))
        fail_load(pool, &err);
}

/* The GPUs were looked at. */
void pool_gpus_known(struct pool *pool)
{
    char words[AGENT_WORDS_BYTES];
    struct err err = {0};

    if (!pool->driver_ms || pool->engine)
        return;
    if (agent_driver_ready(pool->agent, words)) {
        if (gpu_fits(pool, &err))
            begin_engine(pool);
        else
            fail_load(pool, &err);
    } else if (clock_steady_ms() >= pool->driver_ms) {
        err_code(&err, ERR_SYSTEM, "driver_not_ready", NULL,
            "the GPU's driver is not ready: %.200s", words);
        fail_load(pool, &err);
    } else if (pool->task) {
        task_stage(pool->task, "agent_up", words);
    }
}

static bool engine_known(struct pool *pool, const struct host_job *job, struct err *err)
{
    scoped(engine_list_done) struct engine_list list = {0};

    if (!engine_list_read(pool->agent->config.engines, &list, err))
        return false;
    const struct prepared_engine *found = engine_list_find(&list, job->engine);
    if (!found)
        return err_code(err, ERR_INPUT, "engine_missing", "engine",
            "there is no prepared engine '%.*s' on this host: logicctl engine prepare",
            STR(job->engine));
    if (!str_eq(str_from(found->version), job->engine_version))
        return err_code(err, ERR_INPUT, "engine_version", "version",
            "the engine '%.*s' of this host is %.80s, the order wants %.*s", STR(job->engine),
            found->version, (int)(job->engine_version.len < 80 ? job->engine_version.len : 80),
            job->engine_version.at);
    prepared_engine_copy(found, &pool->prepared);
    pool->has_prepared = true;
    return true;
}

/* No spill-over: one pool per device. */
static bool device_free(const struct pool *pool, const struct host_job *job, struct err *err)
{
    for (size_t i = 0; i < pool->agent->pools_count; i++) {
        const struct pool *other = pool->agent->pools[i];
        if (other != pool && !is_cpu(job) && !pool_is_idle(other) &&
            str_eq(other->loaded.mask, job->mask) && !is_cpu(&other->loaded))
            return err_code(err, ERR_DENIED, "device_taken", "mask",
                "the device '%.*s' is that of the pool '%s'", STR(job->mask), other->name);
    }
    return true;
}

static bool is_loaded(const struct pool *pool, const struct host_job *job)
{
    const struct host_job *has = &pool->loaded;

    return str_eq(has->model_sha256, job->model_sha256) && str_eq(has->kind, job->kind) &&
           str_eq(has->mask, job->mask) && str_eq(has->kv, job->kv) && has->slots == job->slots &&
           has->context == job->context && str_eq(has->engine, job->engine) &&
           str_eq(has->engine_version, job->engine_version);
}

static bool may_load(struct pool *pool, const struct host_job *job, struct err *err)
{
    if (pool->task)
        return err_code(err, ERR_DENIED, "pool_busy", "pool",
            "another order for the pool '%s' is under way", pool->name);
    if (pool->state == POOL_READY && is_loaded(pool, job))
        return true;
    if (!pool_is_idle(pool))
        return err_code(err, ERR_DENIED, "pool_not_empty", "pool",
            "the pool '%s' is %s with '%.*s'; unload it first", pool->name,
            pool_state_word(pool->state), STR(pool->loaded.model));
    return true;
}

bool pool_load(struct pool *pool, struct exchange *ex, struct order *order,
    const struct host_job *job, int *ret_status, struct err *err)
{
    if (!may_load(pool, job, err))
        return refuse(ret_status, err);
    if (pool->state == POOL_READY) {
        struct task *task = task_open(ex, order, job);
        task_stage(task, "ready", "it is loaded already");
        task_end(&task, load_result(pool));
        return true;
    }
    forget(pool);
    if (!engine_known(pool, job, err) || !device_free(pool, job, err) ||
        (is_cpu(job) && !agent_fits(pool->agent, job, memory_available(), err))) {
        forget(pool);
        return refuse(ret_status, err);
    }
    pool->restart = (struct restart){0};
    pool->restarts = 0;
    pool->held = (struct order){.whole = json_incref(order->whole)};
    pool->loaded = *job; /* its texts lie in whole */
    pool->error = (struct err){0};
    pool->task = task_open(ex, order, job);
    pool->limit_ms = clock_steady_ms() + job->limit_s * 1000;
    set_state(pool, POOL_STARTING);
    agent_wait(pool->agent);
    if (is_cpu(job)) {
        begin_engine(pool);
        return true;
    }
    pool->driver_ms = clock_steady_ms() + pool->agent->config.settings.driver_wait_ms;
    if (agent_gpus_fresh(pool->agent))
        pool_gpus_known(pool);
    return true;
}

/* --- unloading
 * --------------------------------------------------------------------------------------- */

bool pool_unload(struct pool *pool, struct exchange *ex, struct order *order,
    const struct host_job *job, int *ret_status, struct err *err)
{
    if (pool->task) {
        err_code(err, ERR_DENIED, "pool_busy", "pool",
            "another order for the pool '%s' is under way", pool->name);
        return refuse(ret_status, err);
    }
    if (pool->calls) {
        err_code(err, ERR_DENIED, "pool_busy", "pool",
            "the pool '%s' answers %zu requests; it is not unloaded under them", pool->name,
            pool->calls);
        return refuse(ret_status, err);
    }
    pool->task = task_open(ex, order, job);
    if (!pool->engine) { /* failed, or empty already */
        forget(pool);
        set_state(pool, POOL_EMPTY);
        pool->error = (struct err){0};
        task_end(&pool->task, json_pack("{s:o}", "free_bytes", bytes_or_null(pool->free_bytes)));
        return true;
    }
    pool->limit_ms = clock_steady_ms() + job->limit_s * 1000;
    set_state(pool, POOL_DRAINING);
    task_stage(pool->task, "draining", "");
    task_stage(pool->task, "unloading", "");
    agent_wait(pool->agent);
    engine_stop(pool->engine);
    return true;
}

/* --- time
 * ---------------------------------------------------------------------------------------------- */

static void out_of_time(struct pool *pool)
{
    bool unloading = pool->state == POOL_DRAINING;
    struct err err;

    err_code(&err, ERR_PEER, unloading ? "unload_slow" : "load_slow", "limit_s",
        "the pool '%s' was not %s within the order's time; its engine was killed", pool->name,
        unloading ? "empty" : "ready");
    if (!unloading) {
        fail_load(pool, &err);
        return;
    }
    drop_engine(pool);
    forget(pool);
    set_state(pool, POOL_EMPTY);
    if (pool->task)
        task_fail(&pool->task, &err, HAND_CHANGED_YES, S(""));
}

bool pool_beat(struct pool *pool)
{
    int64_t now_ms = clock_steady_ms();

    if (pool->limit_ms && now_ms >= pool->limit_ms) {
        pool->limit_ms = 0;
        out_of_time(pool);
    }
    if (pool->restart_ms && now_ms >= pool->restart_ms) {
        pool->restarts++;
        log_event("engine_restarted", "pool", pool->name, NULL);
        begin_engine(pool);
    }
    if (pool->driver_ms && !pool->engine && agent_gpus_fresh(pool->agent))
        pool_gpus_known(pool);
    return pool->task || pool->limit_ms || pool->restart_ms || pool->driver_ms;
}

/* --- the end, and how it looks
 * --------------------------------------------------------------------------- */

void pool_close(struct pool *pool)
{
    struct err err;

    if (pool->task) {
        err_code(&err, ERR_SYSTEM, "agent_ending", NULL,
            "the agent of this host is ending, and its engines with it");
        task_fail(&pool->task, &err,
            pool->state == POOL_DRAINING ? HAND_CHANGED_YES : HAND_CHANGED_NO, S(""));
    }
    drop_engine(pool);
    forget(pool);
    set_state(pool, POOL_EMPTY);
}

const char *pool_state_word(enum pool_state state)
{
    static const char *const WORDS[] = {[POOL_EMPTY] = "empty",
        [POOL_STARTING] = "starting",
        [POOL_VERIFYING] = "verifying",
        [POOL_LOADING] = "loading",
        [POOL_READY] = "ready",
        [POOL_DRAINING] = "draining",
        [POOL_FAILED] = "failed"};

    return WORDS[state];
}

static json_t *text_or_null(struct str text)
{
    return text.len ? json_stringn(text.at, text.len) : json_null();
}

json_t *pool_json(const struct pool *pool)
{
    const struct host_job *job = &pool->loaded;
    size_t busy = pool->calls < (size_t)job->slots ? pool->calls : (size_t)job->slots;
    json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:s%, s:I}",
        "pool", pool->name, "state", pool_state_word(pool->state), "model",
        text_or_null(job->model), "sha256", text_or_null(job->model_sha256), "engine",
        text_or_null(job->engine), "engine_version", text_or_null(job->engine_version), "slots",
        (json_int_t)job->slots, "slots_busy", (json_int_t)busy, "context", (json_int_t)job->context,
        "kind", text_or_null(job->kind), "mask", job->mask.at ? job->mask.at : "", job->mask.len,
        "since_ms", (json_int_t)pool->since_ms);

    check(json);
    pid_t pid = pool->engine ? engine_pid(pool->engine) : 0;
    json_object_set_new(json, "pid", pid ? json_integer(pid) : json_null());
    json_object_set_new(json, "buffers", buffers_json(pool));
    json_object_set_new(json, "free_bytes", bytes_or_null(pool->free_bytes));
    json_object_set_new(json, "restarts", json_integer((json_int_t)pool->restarts));
    json_object_set_new(json, "error",
        pool->state == POOL_FAILED
            ? json_pack("{s:s, s:s}", "code", pool->error.code, "message", pool->error.message)
            : json_null());
    return json;
}
