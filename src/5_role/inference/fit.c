/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model of the catalogue needs on a pool: the arithmetic of 3_domain/vram on the shape that
 * was kept when the model was added. */
#include "inference/inside.h"

#include "base/log.h"
#include "vram/vram.h"

#include <stdlib.h>

static int64_t number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

/* What a real load took, if the same was loaded before: by the engine that the pool has now, or, as
 * long as it has shown none, by whichever. */
static bool use_measured(const struct inference *inf, const struct model *model,
    const struct pool *pool, const struct vram_setup *setup, struct vram_estimate *need)
{
    const char *has = pool->readiness.engine_version;
    struct vram_setup asked = *setup;
    const json_t *row;
    size_t k;

    asked.context = (uint32_t)pool->context; /* the record's is the pool's, too */
    json_array_foreach (inf->measured, k, row) {
        const char *version = text_of(row, "engine_version");
        const struct vram_measured measured = {.sha256 = text_of(row, "sha256"),
            .engine_version = version,
            .device_kind = text_of(row, "device_kind"),
            .kv = text_of(row, "kv"),
            .context = (uint32_t)number_of(row, "context"),
            .slots = (uint32_t)number_of(row, "slots"),
            .weights_bytes = (uint64_t)number_of(row, "weights_bytes"),
            .kv_bytes = (uint64_t)number_of(row, "kv_bytes"),
            .compute_bytes = (uint64_t)number_of(row, "compute_bytes"),
            .other_bytes = (uint64_t)number_of(row, "other_bytes")};
        if (vram_use_measured(
                need, &measured, &asked, model->sha256, *has ? has : version, pool->kv))
            return true;
    }
    return false;
}

static bool setup_of(
    const struct pool *pool, const struct vram_shape *shape, struct vram_setup *ret_setup)
{
    enum vram_kind device;

    if (!vram_kind_from_word(pool->kind, &device))
        return false;
    *ret_setup = vram_setup_standard(device);
    ret_setup->slots = (uint32_t)pool->slots;
    if (pool->context > 0)
        ret_setup->context = (uint32_t)pool->context;
    if (shape->context_max && ret_setup->context > shape->context_max)
        ret_setup->context = shape->context_max;
    if (!vram_cache_type(*pool->kv ? pool->kv : "f16", &ret_setup->key_type))
        return false;
    ret_setup->value_type = ret_setup->key_type;
    return true;
}

int64_t view_need(const struct inference *inf, const struct model *model, const struct pool *pool,
    bool *ret_measured)
{
    struct vram_shape *shape = malloc(sizeof *shape); /* too large for a stack: one row per layer */
    struct vram_setup setup;
    struct vram_estimate need;
    struct err err = {0};
    bool good = shape &&
                vram_shape_from_json(json_object_get(model->entry, "shape"), shape, &err) &&
                setup_of(pool, shape, &setup) && vram_estimate(shape, &setup, &need, &err);

    *ret_measured = good && use_measured(inf, model, pool, &setup, &need);
    free(shape);
    if (good)
        return (int64_t)need.total_bytes;
    log_error(
        "model_need_unknown", "model", model->name, "kind", pool->kind, "words", err.message, NULL);
    return -1;
}
