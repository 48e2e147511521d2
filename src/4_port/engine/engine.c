/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

#include "base/panic.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNKILLABLE_MS                                                                              \
    10000 /* a process that waits inside a driver does not even die of SIGKILL                     \
           */
#define VRAM_TICK_MS 250
#define VRAM_BACK_PERCENT 75

/* --- small parts ------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct engine *engine = timer->data;

    if (!engine->closed)
        engine->due(engine);
}

void engine_arm(struct engine *engine, int64_t ms, void (*due)(struct engine *engine))
{
    engine->due = due;
    uv_update_time(engine->loop);
    uv_timer_start(&engine->timer, on_timer, (uint64_t)ms, 0);
}

uint64_t engine_now(struct engine *engine)
{
    uv_update_time(engine->loop);
    return uv_now(engine->loop);
}

void engine_tell(struct engine *engine, enum engine_stage stage, double fraction, const char *words)
{
    engine->events.stage(engine->user, stage, fraction, words);
}

static void cancel_questions(struct engine *engine)
{
    gpu_cancel(&engine->gpu);
    identity_cancel(&engine->identity);
    digest_cancel(&engine->digest);
    call_cancel(&engine->call);
}

static void on_freed(uv_handle_t *handle)
{
    struct engine *engine = handle->data;

    engine_record_done(&engine->record);
    prepared_engine_done(&engine->prepared);
    arena_done(&engine->arena);
    free(engine);
}

/* --- failure ----------------------------------------------------------------------------- */

static void report_failure(struct engine *engine)
{
    struct err err = engine->why;

    uv_timer_stop(&engine->timer);
    engine->state = ENGINE_FAILED;
    engine->events.failed(engine->user, &err);
}

static void give_up_waiting(struct engine *engine)
{
    err_wrap(&engine->why, "process %d does not even die of SIGKILL", engine->last_pid);
    child_close(&engine->child);
    report_failure(engine);
}

/* From the loop only. failed() is called when the process is gone. */
void engine_fail(struct engine *engine, const struct err *why)
{
    cancel_questions(engine);
    engine->why = *why;
    if (!engine->child) {
        report_failure(engine);
        return;
    }
    engine->state = ENGINE_FAILED;
    child_signal(engine->child, SIGKILL);
    engine_arm(engine, UNKILLABLE_MS, give_up_waiting);
}

void engine_fail_with(struct engine *engine, const char *code, const char *format, ...)
{
    char words[ERR_MESSAGE_BYTES_MAX];
    struct err err;
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    err_code(&err, ERR_SYSTEM, code, NULL, "%s", words);
    engine_fail(engine, &err);
}

static void end_of_process(struct engine *engine, int status)
{
    const struct engine_log *log = &engine->log;
    char end[CHILD_END_BYTES];

    child_end_words(status, end);
    if (log->trouble != ENGINE_TROUBLE_NONE)
        engine_fail_with(engine, engine_trouble_code(log->trouble), "the engine ended (%s): %s",
            end, log->trouble_line);
    else
        engine_fail_with(engine, "engine_exited", "the engine ended by itself%s (%s)",
            engine->was_ready ? "" : " while it loaded", end);
}

/* --- the end ----------------------------------------------------------------------------- */

static void stopped(struct engine *engine, bool back)
{
    uv_timer_stop(&engine->timer);
    engine->state = ENGINE_STOPPED;
    engine->events.stopped(engine->user, engine->free_bytes, back);
}

static void stopped_simply(struct engine *engine)
{
    stopped(engine, true);
}

static void ask_vram(struct engine *engine);

static void on_vram_after(void *user, const struct gpu_facts *facts, const struct err *err)
{
    struct engine *engine = user;
    const struct gpu *gpu = err ? NULL : gpu_find(facts, str_from(engine->config.mask));
    uint64_t held = engine->log.buffers.weights_bytes + engine->log.buffers.kv_bytes;
    bool listed = false;

    engine->gpu = NULL;
    if (gpu) {
        for (size_t i = 0; i < facts->process_count; i++)
            listed = listed || facts->processes[i].pid == engine->last_pid;
        bool back = !listed && (!engine->was_ready || engine->free_bytes < 0 ||
                                   gpu->free_bytes - engine->free_bytes >=
                                       (int64_t)(held / 100 * VRAM_BACK_PERCENT));
        if (back ||
            engine_now(engine) - engine->ending_ms >= (uint64_t)engine->config.limits.vram_ms) {
            engine->free_bytes = gpu->free_bytes;
            stopped(engine, back);
            return;
        }
    } else if (engine_now(engine) - engine->ending_ms >= (uint64_t)engine->config.limits.vram_ms) {
        engine->free_bytes = -1;
        stopped(engine, false);
        return;
    }
    engine_arm(engine, VRAM_TICK_MS, ask_vram);
}

static void ask_vram(struct engine *engine)
{
    gpu_ask(engine->loop, engine->config.nvidia_smi, engine->config.limits.driver_ms, on_vram_after,
        engine, &engine->gpu);
}

static void after_process(struct engine *engine)
{
    if (engine->socket_path)
        (void)unlink(engine->socket_path);
    engine->ending_ms = engine_now(engine);
    if (engine->gpu_known)
        ask_vram(engine);
    else
        stopped(engine, true);
}

void engine_process_ended(void *user, int status)
{
    struct engine *engine = user;

    engine->child = NULL;
    if (engine->state == ENGINE_STOPPING)
        after_process(engine);
    else if (engine->state == ENGINE_FAILED)
        report_failure(engine);
    else
        end_of_process(engine, status);
}

static void stop_unkillable(struct engine *engine)
{
    child_close(&engine->child);
    stopped(engine, false);
}

static void kill_now(struct engine *engine)
{
    child_signal(engine->child, SIGKILL);
    engine_arm(engine, UNKILLABLE_MS, stop_unkillable);
}

void engine_stop(struct engine *engine)
{
    if (engine->state == ENGINE_STOPPING || engine->state == ENGINE_STOPPED)
        return;
    cancel_questions(engine);
    engine->state = ENGINE_STOPPING;
    if (engine->child) {
        child_signal(engine->child, SIGTERM);
        engine_arm(engine, engine->config.limits.term_ms, kill_now);
    } else {
        engine_arm(engine, 0, stopped_simply);
    }
}

void engine_close(struct engine **at)
{
    struct engine *engine = *at;

    *at = NULL;
    if (!engine || engine->closed)
        return;
    engine->closed = true;
    cancel_questions(engine);
    child_close(&engine->child);
    uv_close((uv_handle_t *)&engine->timer, on_freed);
}

bool engine_start(uv_loop_t *loop, const struct prepared_engine *prepared,
    const struct engine_config *config, const struct engine_events *events, void *user,
    struct engine **ret_engine, struct err *err)
{
    struct engine *engine;

    if (!engine_config_check(config, err))
        return false;
    engine = calloc(1, sizeof *engine);
    if (!engine)
        panic("no memory");
    if (!engine_record_open(&engine->record, config->folder, config->limits.log_bytes, err)) {
        engine_record_done(&engine->record);
        free(engine);
        return false;
    }
    engine->loop = loop;
    engine->events = *events;
    engine->user = user;
    engine->free_before = engine->free_bytes = -1;
    engine_config_copy(engine, config);
    prepared_engine_copy(prepared, &engine->prepared);
    engine_log_init(&engine->log);
    uv_timer_init(loop, &engine->timer);
    engine->timer.data = engine;
    engine->began_ms = engine_now(engine);
    engine_arm(engine, 0, engine_begin);
    *ret_engine = engine;
    return true;
}
