/* SPDX-License-Identifier: Apache-2.0
 *
 * Any header that can be read: sized or refused, without overflow, and the same after JSON.
 */
#include "vram/vram.h"

#include "base/scoped.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t len;
};

static bool pull(void *context, uint64_t at, char *ret_bytes, size_t count, struct err *err)
{
    const struct bytes *from = context;

    (void)err;
    memset(ret_bytes, 0, count);
    if (at < from->len)
        memcpy(ret_bytes, from->at + at, count < from->len - at ? count : from->len - at);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t CONTEXTS[] = {1, 4096, 131072, VRAM_CONTEXT_MAX};
    static struct vram_shape shape, again;
    struct bytes from = {data, size};
    /* As if zeros without end followed, so that small inputs may name large tensors. */
    struct gguf_source source = {.pull = pull, .context = &from, .bytes = UINT64_MAX / 2};
    scoped(gguf_header_done) struct gguf_header header = {0};
    struct err err;

    if (!gguf_read(&source, &header, &err) || !vram_shape_of(&header, &shape, &err))
        return 0;
    scoped(json_done) json_t *document = vram_shape_json(&shape);
    if (shape.parts == 1 && (!vram_shape_from_json(document, &again, &err) ||
                                memcmp(&shape, &again, sizeof shape) != 0))
        abort();
    for (size_t i = 0; i < COUNT(CONTEXTS); i++) {
        struct vram_setup setup = vram_setup_standard((enum vram_kind)(i % VRAM_KINDS));
        struct vram_estimate got;
        setup.context = CONTEXTS[i];
        setup.slots = i & 1 ? VRAM_SLOTS_MAX : 1;
        setup.unified = i & 1;
        if (vram_estimate(&shape, &setup, &got, &err) && got.total_bytes < got.weights_bytes)
            abort();
        (void)vram_context_fitting(&shape, &setup, 1ull << 34);
    }
    return 0;
}
