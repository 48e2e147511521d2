/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- gate three: it answers, generates, and lies where it should ------------------------- */

static void be_ready(struct engine *engine)
{
    struct digest_stamp now;
    struct err err;

    if (!digest_stamp_of_path(engine->config.model.path, &now, &err) ||
        !digest_stamp_eq(&now, &engine->model_stamp)) {
        engine_fail_with(
            engine, "model_changed", "'%s' changed while it was loaded", engine->config.model.path);
        return;
    }
    uv_timer_stop(&engine->timer);
    engine->state = ENGINE_READY;
    engine->was_ready = true;
    engine->log.trouble = ENGINE_TROUBLE_NONE; /* of loading; what comes now is news */
    const struct engine_ready ready = {
        .took_ms = (int64_t)(engine_now(engine) - engine->began_ms),
        .engine_version = engine->prepared.version,
        .buffers = &engine->log.buffers,
        .free_bytes = engine->free_bytes,
        .endpoint = engine->endpoint,
        .pid = engine_pid(engine),
    };
    engine_tell(engine, ENGINE_STAGE_READY, 1, "it answers");
    if (!engine->closed && engine->state == ENGINE_READY)
        engine->events.ready(engine->user, &ready);
}

static void on_vram_loaded(void *user, const struct gpu_facts *facts, const struct err *why)
{
    struct engine *engine = user;
    const struct gpu *gpu = why ? NULL : gpu_find(facts, str_from(engine->config.mask));
    struct err err;

    engine->gpu = NULL;
    if (!gpu) {
        engine_fail_with(
            engine, "driver_not_ready", "%s", why ? why->message : "the GPU is no longer listed");
    } else if (!engine_check_vram(
                   &engine->log.buffers, facts, gpu, engine->free_before, engine->last_pid, &err)) {
        engine_fail(engine, &err);
    } else {
        engine->free_bytes = gpu->free_bytes;
        be_ready(engine);
    }
}

static void verify(struct engine *engine)
{
    struct err err;

    if (!engine_check_buffers(
            engine->config.kind, &engine->config.expected, &engine->log.buffers, &err))
        engine_fail(engine, &err);
    else if (engine->gpu_known)
        gpu_ask(engine->loop, engine->config.nvidia_smi, engine->config.limits.driver_ms,
            on_vram_loaded, engine, &engine->gpu);
    else
        be_ready(engine);
}

static void ask(struct engine *engine, const char *path, const char *body, int64_t limit_ms,
    void (*done)(void *user, int status, struct str body, const char *why))
{
    const struct call_order order = {.socket = engine->socket_path,
        .port = engine->config.port,
        .path = path,
        .body = body,
        .limit_ms = limit_ms};

    call_start(engine->loop, &order, done, engine, &engine->call);
}

static void unhealthy(
    struct engine *engine, const char *what, int status, struct str body, const char *why)
{
    char words[CALL_WORDS_BYTES];

    call_words(body, words);
    engine_fail_with(engine, "engine_unhealthy", "%s: %s%s (status %d)", what,
        why && *why ? why : "not the answer of an engine: ", why && *why ? "" : words, status);
}

static void on_generated(void *user, int status, struct str body, const char *why)
{
    struct engine *engine = user;

    engine->call = NULL;
    if (status != 200 ||
        !(engine->config.model.embedding ? call_read_embedding(body) : call_read_token(body)))
        unhealthy(engine,
            engine->config.model.embedding ? "it embeds nothing" : "it generates nothing", status,
            body, why);
    else
        verify(engine);
}

static void on_props(void *user, int status, struct str body, const char *why)
{
    struct engine *engine = user;
    const struct engine_config *c = &engine->config;
    int64_t slots, context;

    engine->call = NULL;
    if (status != 200 || !call_read_props(body, &slots, &context))
        unhealthy(engine, "/props tells no slots and context", status, body, why);
    else if (slots != c->slots || context < c->context)
        engine_fail_with(engine, "engine_context",
            "it has %lld slots of %lld tokens; %lld of %lld were asked for", (long long)slots,
            (long long)context, (long long)c->slots, (long long)c->context);
    else if (c->model.embedding)
        ask(engine, "/v1/embeddings", "{\"input\":\"1\"}", c->limits.generation_ms, on_generated);
    else
        ask(engine, "/v1/completions", "{\"prompt\":\"1\",\"max_tokens\":1,\"temperature\":0}",
            c->limits.generation_ms, on_generated);
}

static void on_health(void *user, int status, struct str body, const char *why)
{
    struct engine *engine = user;

    engine->call = NULL;
    if (status == 200 && call_read_health(body))
        ask(engine, "/props", NULL, engine->config.limits.health_ms, on_props);
    else if (status != 0 && status != 503)
        unhealthy(engine, "/health", status, body, why);
}

/* --- loading ----------------------------------------------------------------------------- */

static void on_output(void *user, struct str bytes)
{
    struct engine *engine = user;
    double before = engine->log.fraction;

    engine_record_add(&engine->record, bytes);
    engine->moved_ms = engine_now(engine);
    if (engine->was_ready) { /* what callers say may stand in the log: no fact is taken from it */
        struct engine_buffers kept = engine->log.buffers;
        engine_log_add(&engine->log, bytes);
        engine->log.buffers = kept;
        return;
    }
    engine_log_add(&engine->log, bytes);
    if (engine->state == ENGINE_LOADING && engine->log.fraction > before)
        engine_tell(engine, ENGINE_STAGE_LOADING, engine->log.fraction, "reading weights");
}

/* Every poll_ms until ready: is it alive, is it late, does it answer? */
static void look(struct engine *engine)
{
    const struct engine_limits *limits = &engine->config.limits;
    uint64_t now = engine_now(engine), work = engine_process_work(engine_pid(engine));

    if (work != engine->work) {
        engine->work = work;
        engine->moved_ms = now;
    }
    if (now - engine->spawned_ms > (uint64_t)limits->load_ms) {
        engine_fail_with(
            engine, "engine_slow", "not ready after %lld s", (long long)limits->load_ms / 1000);
        return;
    }
    if (now - engine->moved_ms > (uint64_t)limits->stall_ms) {
        engine_fail_with(engine, "engine_stalled",
            "no log line and no processor time for %lld s while it loaded",
            (long long)limits->stall_ms / 1000);
        return;
    }
    if (!engine->call && !engine->gpu)
        ask(engine, "/health", NULL, limits->health_ms, on_health);
    engine_arm(engine, limits->poll_ms, look);
}

void engine_spawn(struct engine *engine)
{
    static const struct child_events EVENTS = {on_output, engine_process_ended};
    struct engine_words words;
    struct digest_stamp now;
    struct err err;

    if (!digest_stamp_of_path(engine->prepared.bin, &now, &err) ||
        !digest_stamp_eq(&now, &engine->bin_stamp)) {
        engine_fail_with(
            engine, "engine_changed", "'%s' changed a moment ago", engine->prepared.bin);
        return;
    }
    engine_words_make(engine, &words);
    if (engine->socket_path && unlink(engine->socket_path) != 0 && errno != ENOENT) {
        engine_fail_with(engine, "engine_address", "cannot remove '%s': %s", engine->socket_path,
            strerror(errno));
        return;
    }
    const struct child_order order = {.argv = (const char *const *)words.argv,
        .env = (const char *const *)words.env,
        .folder = engine->config.folder};
    if (!child_start(engine->loop, &order, &EVENTS, engine, &engine->child, &err)) {
        engine_fail(engine, &err);
        return;
    }
    engine->last_pid = child_pid(engine->child);
    engine->spawned_ms = engine->moved_ms = engine_now(engine);
    engine->state = ENGINE_LOADING;
    engine_arm(engine, engine->config.limits.poll_ms, look);
    engine_tell(engine, ENGINE_STAGE_LOADING, -1, "the engine runs and loads");
}
