/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model of the catalogue needs on a pool: the arithmetic of 3_domain/vram on the shape that
 * was kept when the model was added. */
#include "inference/inside.h"

#include "base/log.h"
#include "vram/vram.h"

#include <stdlib.h>

int64_t view_need(
    const json_t *entry, const char *kind, int64_t slots, int64_t context, const char *kv)
{
    struct vram_shape *shape = malloc(sizeof *shape); /* too large for a stack: one row per layer */
    struct vram_setup setup;
    struct vram_estimate need;
    struct err err = {0};
    enum vram_kind device = VRAM_CPU;
    bool good = shape && vram_kind_from_word(kind, &device) &&
                vram_shape_from_json(json_object_get(entry, "shape"), shape, &err);

    if (good) {
        setup = vram_setup_standard(device);
        setup.slots = (uint32_t)slots;
        if (context > 0)
            setup.context = (uint32_t)context;
        if (shape->context_max && setup.context > shape->context_max)
            setup.context = shape->context_max;
        good = vram_cache_type(*kv ? kv : "f16", &setup.key_type);
        setup.value_type = setup.key_type;
        good = good && vram_estimate(shape, &setup, &need, &err);
    }
    free(shape);
    if (!good) {
        log_error("model_need_unknown", "model", json_string_value(json_object_get(entry, "name")),
            "kind", kind, "words", err.message, NULL);
        return -1;
    }
    return (int64_t)need.total_bytes;
}
