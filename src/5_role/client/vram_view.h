/* SPDX-License-Identifier: Apache-2.0
 *
 * vram_view — what a model needs, as tables and as a document.
 */
#pragma once

#include "client/client.h"
#include "vram/vram.h"

struct vram_device {
    const char *name;
    uint64_t bytes; /* that a model may take */
};
#define VRAM_DEVICES_MAX 64

struct vram_page {
    const char *model;
    const struct vram_shape *shape;
    const struct vram_setup *setup;
    const char *kv;
    const struct vram_estimate *need;
    const struct vram_device *devices;
    size_t devices_count;
};

void vram_view(const struct screen *screen, const struct vram_page *page);
/* The caller owns it. */
json_t *vram_document(const struct vram_page *page);

/* "4.9 GiB", "12 MiB". */
void vram_size_text(uint64_t bytes, char ret_text[SCRATCH_BYTES]);

/* A graphics card by its usual name ("RTX 4090", "rtx4090"); false: not known. */
bool vram_card(const char *name, struct vram_device *ret_device);
void vram_cards_text(struct buf *out);
