/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte cuts the rest into two pieces: the facts must not depend on it.
 */
#include "base/panic.h"
#include "engine/engine_log.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine_log whole, split;

    if (size < 2)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    size_t cut = text.len * data[0] / 256;
    engine_log_init(&whole);
    engine_log_init(&split);
    engine_log_add(&whole, text);
    engine_log_add(&split, (struct str){text.at, cut});
    engine_log_add(&split, (struct str){text.at + cut, text.len - cut});
    check(memcmp(&whole.buffers, &split.buffers, sizeof whole.buffers) == 0);
    check(whole.trouble == split.trouble && whole.lines == split.lines);
    check(whole.buffers.count <= ENGINE_BUFFERS_MAX && whole.fraction <= 1.0);
    check(strlen(whole.trouble_line) < sizeof whole.trouble_line);
    engine_buffers_sum(&whole.buffers, "CUDA");
    uint64_t most = (uint64_t)ENGINE_BUFFERS_MAX * (ENGINE_MIB_MAX + 1ULL) << 20;
    check(whole.buffers.weights_bytes + whole.buffers.host_bytes <= most);
    return 0;
}
