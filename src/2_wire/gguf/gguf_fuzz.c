/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: read or refused, within the memory that is promised. What was read holds together.
 */
#include "gguf/gguf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t len;
    uint64_t last;
};

static bool pull(void *context, uint64_t at, char *ret_bytes, size_t count, struct err *err)
{
    struct bytes *from = context;

    (void)err;
    if (count == 0 || count > GGUF_WINDOW_BYTES || at < from->last || at > from->len ||
        count > from->len - at)
        abort();
    from->last = at;
    memcpy(ret_bytes, from->at + at, count);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes from = {data, size, 0};
    struct gguf_source source = {.pull = pull, .context = &from, .bytes = size};
    struct gguf_header header = {0};
    struct err err = {0};
    uint64_t number, sum = 0;

    if (!gguf_read(&source, &header, &err)) {
        if (err.kind == ERR_NONE || !*err.code || header.pairs || header.tensors)
            abort();
        return 0;
    }
    for (size_t i = 0; i < header.pairs_count; i++) {
        const struct gguf_pair *pair = &header.pairs[i];
        if (gguf_find(&header, pair->key) != pair)
            abort();
        (void)gguf_whole(&header, pair->key, 0, &number);
        (void)gguf_whole(&header, pair->key, GGUF_ITEMS_KEPT, &number);
        (void)gguf_text(&header, pair->key);
        (void)gguf_count(&header, pair->key);
    }
    for (size_t i = 0; i < header.tensors_count; i++) {
        sum += header.tensors[i].bytes;
        if (header.data_at + header.tensors[i].offset + header.tensors[i].bytes > size)
            abort();
    }
    if (sum != header.tensors_bytes || header.data_at % header.alignment)
        abort();
    gguf_header_done(&header);
    return 0;
}
