/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

#include <inttypes.h>
#include <string.h>

#define LEAST_PERCENT 80 /* of what is expected */
#define MIB (1 << 20)

const char *engine_device_prefix(enum engine_kind kind)
{
    switch (kind) {
    case ENGINE_CUDA:
        return "CUDA";
    case ENGINE_ROCM:
        return "ROCm";
    case ENGINE_VULKAN:
        return "Vulkan";
    case ENGINE_CPU:
        return "";
    }
    return "";
}

bool engine_version_matches(const char *recorded, const char *said)
{
    size_t len = strlen(said);

    return strncmp(recorded, said, len) == 0 && (recorded[len] == '\0' || recorded[len] == ' ');
}

static bool refuse(struct err *err, const char *code, const char *words)
{
    return err_code(err, ERR_SYSTEM, code, NULL, "%s", words);
}

static bool enough(uint64_t found, uint64_t wanted)
{
    return found >= wanted / 100 * LEAST_PERCENT;
}

/* The first buffer whose device is none of ours; NULL: there is none. */
static const struct engine_buffer *elsewhere(
    const struct engine_buffers *buffers, const char *prefix, bool on_host)
{
    for (size_t i = 0; i < buffers->count; i++) {
        const struct engine_buffer *buffer = &buffers->list[i];
        bool host = engine_device_is_host(buffer->device);
        if (on_host
                ? host && (buffer->kind == ENGINE_BUFFER_KV || buffer->kind == ENGINE_BUFFER_RS)
                : !host && (!*prefix || !str_starts(str_from(buffer->device), str_from(prefix))))
            return buffer;
    }
    return NULL;
}

/* Devices of one kind that hold anything: a pool is one of them. */
static bool on_several(const struct engine_buffers *buffers)
{
    for (size_t i = 0; i < buffers->count; i++)
        if (!engine_device_is_host(buffers->list[i].device) &&
            strcmp(buffers->list[i].device, buffers->device) != 0 &&
            buffers->list[i].kind == ENGINE_BUFFER_MODEL)
            return true;
    return false;
}

bool engine_check_buffers(enum engine_kind kind, const struct engine_expected *expected,
    struct engine_buffers *buffers, struct err *err)
{
    const char *prefix = engine_device_prefix(kind);
    const struct engine_buffer *wrong;

    engine_buffers_sum(buffers, prefix);
    if (buffers->beyond > 0)
        return refuse(err, "engine_unverified", "the log tells of more buffers than are kept");
    if ((wrong = elsewhere(buffers, prefix, false)) != NULL)
        return err_code(err, ERR_SYSTEM, kind == ENGINE_CPU ? "engine_on_gpu" : "engine_on_cpu",
            NULL, "a buffer lies on %s, which is not of this %s pool", wrong->device,
            engine_kind_word(kind));
    if (kind == ENGINE_CPU)
        return buffers->weights_bytes > 0 ||
               refuse(err, "engine_unverified",
                   "the log tells of no buffer of weights; the engine must log with -lv 4");
    if (buffers->weights_bytes == 0)
        return err_code(err, ERR_SYSTEM, "engine_on_cpu", NULL,
            "no weights lie on %s: the engine would compute on the CPU; driver, device mask %s and "
            "the engine's build are what can be wrong",
            prefix, "of the pool");
    if ((wrong = elsewhere(buffers, prefix, true)) != NULL)
        return err_code(err, ERR_SYSTEM, "engine_on_cpu", NULL,
            "a part of the cache lies on %s: %" PRIu64 " MiB", wrong->device, wrong->bytes / MIB);
    if (!buffers->offloaded_known || buffers->offloaded != buffers->layers)
        return err_code(err, ERR_SYSTEM, "engine_not_offloaded", NULL,
            "%u of %u layers are on the device%s", buffers->offloaded, buffers->layers,
            buffers->offloaded_known ? "" : " (the log does not say)");
    if (on_several(buffers))
        return refuse(err, "engine_vram", "the model is spread over several devices");
    if (!enough(buffers->weights_bytes, expected->weights_bytes) ||
        !enough(buffers->kv_bytes, expected->kv_bytes))
        return err_code(err, ERR_SYSTEM, "engine_vram", NULL,
            "on %s lie %" PRIu64 " MiB of weights and %" PRIu64 " MiB of cache; %" PRIu64
            " and %" PRIu64 " were expected",
            buffers->device, buffers->weights_bytes / MIB, buffers->kv_bytes / MIB,
            expected->weights_bytes / MIB, expected->kv_bytes / MIB);
    return true;
}

bool engine_check_vram(const struct engine_buffers *buffers, const struct gpu_facts *facts,
    const struct gpu *gpu, int64_t free_before, pid_t pid, struct err *err)
{
    uint64_t wanted = buffers->weights_bytes + buffers->kv_bytes;
    int64_t held = -1;

    for (size_t i = 0; i < facts->process_count; i++)
        if (facts->processes[i].pid == pid && strcmp(facts->processes[i].uuid, gpu->uuid) == 0)
            held = facts->processes[i].used_bytes;
    if (held < 0 && free_before >= 0) /* not listed, as in a container */
        held = free_before - gpu->free_bytes > 0 ? free_before - gpu->free_bytes : 0;
    if (held < 0 || enough((uint64_t)held, wanted))
        return true;
    return err_code(err, ERR_SYSTEM, "engine_vram", NULL,
        "GPU %lld shows %lld MiB for this engine, its log says %" PRIu64 " MiB",
        (long long)gpu->index, (long long)(held / MIB), wanted / MIB);
}
