/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "engine/call.h"
#include "engine/gpu.h"
#include "engine/identity.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the reader. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gpu_facts facts;
    struct str text = {(const char *)data + 1, size ? size - 1 : 0}, names[8], paths[8];
    char words[CALL_WORDS_BYTES], version[PREPARED_VERSION_BYTES];
    int64_t slots, context;
    struct err err;

    if (size < 1)
        return 0;
    switch (data[0] % 4) {
    case 0:
        if (gpu_read_list(text, &facts, &err))
            for (size_t i = 0; i < facts.count; i++)
                check(facts.gpus[i].free_bytes >= 0 && strlen(facts.gpus[i].name) > 0);
        break;
    case 1:
        if (gpu_read_processes(text, &facts, &err))
            check(facts.process_count <= GPU_PROCESSES_MAX);
        break;
    case 2:
        (void)call_read_props(text, &slots, &context);
        (void)call_read_token(text);
        (void)call_read_embedding(text);
        (void)call_read_health(text);
        call_words(text, words);
        check(strlen(words) < sizeof words);
        break;
    case 3:
        if (identity_read_version(text, version))
            check(strlen(version) > 0);
        for (size_t i = 0, n = identity_read_libraries(text, names, paths, 8); i < n; i++)
            check(paths[i].len > 0 && paths[i].at[0] == '/');
        break;
    }
    return 0;
}
