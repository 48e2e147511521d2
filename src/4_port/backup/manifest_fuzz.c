/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a manifest, as a recovery key and as its public half: read or refused with words;
 * what was read keeps its promises.
 */
#include "backup/manifest.h"

#include "backup/seal.h"
#include "base/scoped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const json_t *manifest, uint64_t sealed)
{
    uint64_t sum = 0;
    size_t i, j;
    json_t *row, *chunk;

    if (manifest_bytes(manifest) > (uint64_t)BACKUP_BYTES_MAX)
        abort();
    json_array_foreach (json_object_get(manifest, "files"), i, row) {
        struct backup_file file = manifest_file(row);
        if (!backup_path_valid(str_from(file.path)) || strstr(file.path, "/../") ||
            file.path[0] == '/' || file.mode > 0777)
            abort();
        json_array_foreach ((json_t *)file.chunks, j, chunk)
            sum += (uint64_t)json_integer_value(json_object_get(chunk, "sealed"));
    }
    if (sum != sealed)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(json_done) json_t *manifest = NULL;
    struct str text = {(const char *)data, size};
    struct recovery_key key;
    uint8_t half[SEAL_KEY_BYTES];
    struct err err = {0};
    uint64_t sealed = 0;

    if (manifest_read(text, &manifest, &sealed, &err))
        look_at(manifest, sealed);
    else if (err.kind == ERR_NONE || !*err.message)
        abort();
    if (recovery_key_parse(text, &key, &err)) {
        char again[RECOVERY_TEXT_BYTES];
        recovery_key_text(&key, again);
        if (!recovery_key_parse(str_from(again), &key, &err))
            abort();
    }
    (void)recovery_public_parse(text, half, &err);
    return 0;
}
