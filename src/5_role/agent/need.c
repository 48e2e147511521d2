/* SPDX-License-Identifier: Apache-2.0
 *
 * need — does it fit? What the node says, and what the file itself says: its weights and its cache
 * are exact sums, so that part is asked for here too, whatever the order claims. */
#include "agent/inside.h"
#include "base/scoped.h"
#include "catalogue/models.h"

#include <stdio.h>

#define MIB (INT64_C(1) << 20)

/* Weights and cache on the device, from the header; 0: not to be told, the engine's gates look. */
static int64_t exact_bytes(const struct host_job *job, const char *path)
{
    scoped(free_done) struct model_file *file = calloc(1, sizeof *file);
    struct vram_setup setup;
    struct vram_estimate need;
    enum vram_kind kind;
    char word[17];
    struct err err;

    snprintf(word, sizeof word, "%.*s", STR(job->kind));
    if (!file || !vram_kind_from_word(word, &kind) || !model_file_read(path, file, &err))
        return 0;
    setup = vram_setup_standard(kind);
    setup.context = (uint32_t)job->context;
    setup.slots = (uint32_t)job->slots;
    snprintf(word, sizeof word, "%.*s", STR(job->kv));
    if (!vram_cache_type(word, &setup.key_type))
        return 0;
    setup.value_type = setup.key_type;
    return vram_estimate(&file->shape, &setup, &need, &err)
               ? (int64_t)(need.weights_bytes + need.kv_bytes)
               : 0;
}

bool agent_fits(
    const struct agent *agent, const struct host_job *job, int64_t free_bytes, struct err *err)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%.*s", agent->config.models, STR(job->model_file));
    int64_t need = len > 0 && len < PATH_MAX ? exact_bytes(job, path) : 0;

    need = need > job->need_bytes ? need : job->need_bytes;
    if (free_bytes < 0 || need <= free_bytes)
        return true;
    return err_code(err, ERR_LIMIT, "does_not_fit", "need_bytes",
        "'%.*s' needs %lld MiB, %lld MiB are free: nothing was loaded", STR(job->model),
        (long long)(need / MIB), (long long)(free_bytes / MIB));
}
