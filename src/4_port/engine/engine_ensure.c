/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

#include <stdio.h>
#include <string.h>

/* --- gate one: the model is what the manifest says --------------------------------------- */

static void on_model_progress(void *user, double fraction)
{
    struct engine *engine = user;

    engine_tell(engine, ENGINE_STAGE_VERIFYING, fraction, "hashing the model");
}

static void on_model(void *user, const struct digest_result *result, const struct err *why)
{
    struct engine *engine = user;
    const struct engine_model *model = &engine->config.model;

    engine->digest = NULL;
    if (why) {
        engine_fail_with(engine,
            strcmp(why->code, "file_changed") == 0 ? "model_changed" : "model_missing", "%s",
            why->message);
    } else if (strcmp(result->sha256, model->sha256) != 0) {
        engine_fail_with(engine, "model_changed",
            "'%s' has SHA-256 %.12s…, the manifest says %.12s…: fetch it again or `logicctl model "
            "add` it anew",
            model->path, result->sha256, model->sha256);
    } else {
        engine->model_stamp = result->stamp;
        engine_spawn(engine);
    }
}

static void verify_model(struct engine *engine)
{
    const struct engine_model *model = &engine->config.model;
    struct digest_stamp stamp;
    struct err err;

    engine->state = ENGINE_VERIFYING;
    engine_tell(engine, ENGINE_STAGE_VERIFYING, 0, "size and SHA-256 of the model");
    if (engine->closed || engine->state != ENGINE_VERIFYING)
        return;
    if (!digest_stamp_of_path(model->path, &stamp, &err)) {
        engine_fail_with(engine, "model_missing", "%s", err.message);
        return;
    }
    if (stamp.bytes != model->bytes) {
        engine_fail_with(engine, "model_size", "'%s' has %llu bytes, the manifest says %llu",
            model->path, (unsigned long long)stamp.bytes, (unsigned long long)model->bytes);
        return;
    }
    if (!digest_file(engine->loop, model->path, engine->config.digests, engine->config.always_hash,
            on_model_progress, on_model, engine, &engine->digest, &err))
        engine_fail_with(engine, "model_missing", "%s", err.message);
}

/* --- gate two: the engine is what was prepared ------------------------------------------- */

static void on_identity(void *user, const struct identity_found *found, const struct err *why)
{
    struct engine *engine = user;
    const struct prepared_engine *prepared = &engine->prepared;

    engine->identity = NULL;
    if (why) {
        engine_fail(engine, why);
    } else if (strcmp(found->sha256, prepared->sha256) != 0) {
        engine_fail_with(engine, "engine_changed",
            "'%s' is not the program that was prepared (SHA-256 %.12s…, recorded %.12s…): run "
            "`logicctl engine prepare` again",
            prepared->bin, found->sha256, prepared->sha256);
    } else if (!engine_version_matches(prepared->version, found->version)) {
        engine_fail_with(engine, "engine_version", "'%s' says version %.100s, recorded is %.100s",
            prepared->bin, found->version, prepared->version);
    } else {
        engine->bin_stamp = found->stamp;
        verify_model(engine);
    }
}

static void ensure_engine(struct engine *engine)
{
    const struct identity_order order = {.prepared = &engine->prepared,
        .digests = engine->config.digests,
        .always_hash = engine->config.always_hash,
        .limit_ms = engine->config.limits.version_ms};

    engine_tell(engine, ENGINE_STAGE_ENGINE_STARTING, -1, "digest and version of the engine");
    if (!engine->closed && engine->state == ENGINE_STARTING)
        identity_ask(engine->loop, &order, on_identity, engine, &engine->identity);
}

static void driver_is_ready(struct engine *engine, const char *words)
{
    engine_tell(engine, ENGINE_STAGE_DRIVER_READY, -1, words);
    if (!engine->closed && engine->state == ENGINE_STARTING)
        ensure_engine(engine);
}

static void on_driver(void *user, const struct gpu_facts *facts, const struct err *why)
{
    struct engine *engine = user;
    const struct gpu *gpu = gpu_find(facts, str_from(engine->config.mask));
    char words[192];

    engine->gpu = NULL;
    if (why) {
        engine_fail(engine, why);
    } else if (!facts->present) {
        driver_is_ready(engine, "there is no nvidia-smi to ask; the engine's log will show");
    } else if (!gpu) {
        engine_fail_with(engine, "driver_not_ready", "nvidia-smi lists %zu GPUs, but none is '%s'",
            facts->count, engine->config.mask);
    } else {
        engine->gpu_known = gpu->total_bytes > 0;
        engine->free_before = engine->free_bytes = engine->gpu_known ? gpu->free_bytes : -1;
        snprintf(words, sizeof words, "%s, driver %s, %lld MiB free", gpu->name, facts->driver,
            (long long)gpu->free_bytes >> 20);
        driver_is_ready(engine, words);
    }
}

void engine_begin(struct engine *engine)
{
    if (engine->config.kind == ENGINE_CUDA)
        gpu_ask(engine->loop, engine->config.nvidia_smi, engine->config.limits.driver_ms, on_driver,
            engine, &engine->gpu);
    else if (engine->config.kind == ENGINE_CPU)
        driver_is_ready(engine, "a pool of the CPU needs none");
    else
        driver_is_ready(engine, "the engine's log will show");
}
