/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/manifest.h"

#include "backup/seal.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <inttypes.h>

#define ABOUT_MEMBERS_MAX 32

static bool malformed(struct err *err, struct str path, const char *what)
{
    return err_code(err, ERR_INPUT, "backup_malformed", NULL,
        "the backup is not believed: '%.*s' %s", (int)(path.len > 200 ? 200 : path.len), path.at,
        what);
}

bool backup_path_valid(struct str path)
{
    struct str rest = path;

    if (path.len == 0 || path.len > BACKUP_PATH_BYTES_MAX || !str_is_utf8(path) ||
        path.at[path.len - 1] == '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] < ' ' || path.at[i] == 0x7f || path.at[i] == '\\')
            return false;
    while (rest.len) {
        struct str step = str_cut(rest, '/', &rest);
        if (step.len == 0 || step.len > BACKUP_STEP_BYTES_MAX || str_eq(step, S(".")) ||
            str_eq(step, S("..")))
            return false;
    }
    return true;
}

/* Names are given once, and stand below a folder that was named before. */
static bool take_name(json_t *names, struct str path, bool is_folder, struct err *err)
{
    size_t slash = path.len;

    if (!backup_path_valid(path))
        return malformed(err, path, "is no path below a home");
    while (slash && path.at[slash - 1] != '/')
        slash--;
    if (slash && !json_is_true(json_object_getn(names, path.at, slash - 1)))
        return malformed(err, path, "lies in a folder that it does not name");
    if (!slash && !is_folder)
        return malformed(err, path, "lies in no folder");
    if (json_object_getn(names, path.at, path.len))
        return malformed(err, path, "is named twice");
    json_object_setn_new(names, path.at, path.len, json_boolean(is_folder));
    return true;
}

static bool check_folder(json_t *names, const json_t *row, struct err *err)
{
    struct str path;
    int64_t mode;
    bool nodes;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("path", &path, 1, BACKUP_PATH_BYTES_MAX),
        JSON_TAKE_INTEGER("mode", &mode, 0, 0777),
        JSON_TAKE_BOOL("nodes", &nodes),
    };

    return json_take(row, fields, COUNT(fields), err) && take_name(names, path, true, err);
}

static bool check_chunk(const json_t *row, uint64_t *sealed, struct err *err)
{
    struct str key;
    int64_t bytes;
    uint8_t raw[SEAL_KEY_BYTES];
    const struct json_field fields[] = {
        JSON_TAKE_INTEGER("sealed", &bytes, SEAL_TAG_BYTES + 1, SEAL_SEALED_BYTES_MAX),
        JSON_TAKE_TEXT("key", &key, 2 * SEAL_KEY_BYTES, 2 * SEAL_KEY_BYTES),
    };

    if (!json_take(row, fields, COUNT(fields), err))
        return false;
    if (!hex_decode(key, sizeof raw, raw))
        return malformed(err, key, "is no key");
    *sealed += (uint64_t)bytes;
    return true;
}

static bool check_file(
    json_t *names, const json_t *row, uint64_t *bytes_sum, uint64_t *sealed, struct err *err)
{
    struct str path, sha256_text;
    int64_t mode, bytes;
    bool nodes;
    json_t *chunks, *chunk;
    uint8_t raw[SHA256_BYTES];
    size_t i;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("path", &path, 1, BACKUP_PATH_BYTES_MAX),
        JSON_TAKE_INTEGER("mode", &mode, 0, 0777),
        JSON_TAKE_BOOL("nodes", &nodes),
        JSON_TAKE_INTEGER("bytes", &bytes, 0, BACKUP_BYTES_MAX),
        JSON_TAKE_TEXT("sha256", &sha256_text, 2 * SHA256_BYTES, 2 * SHA256_BYTES),
        JSON_TAKE_ARRAY("chunks", &chunks, 0, BACKUP_BYTES_MAX / SEAL_CHUNK_BYTES_MAX + 1),
    };

    if (!json_take(row, fields, COUNT(fields), err) || !take_name(names, path, false, err))
        return false;
    if (!hex_decode(sha256_text, sizeof raw, raw))
        return malformed(err, path, "has no hash");
    uint64_t wanted = ((uint64_t)bytes + SEAL_CHUNK_BYTES_MAX - 1) / SEAL_CHUNK_BYTES_MAX;
    if (json_array_size(chunks) != wanted)
        return malformed(err, path, "has not as many pieces as its bytes need");
    *bytes_sum += (uint64_t)bytes;
    if (*bytes_sum > BACKUP_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "backup_too_large", NULL,
            "the backup says that it holds more than %lld bytes: it is not unpacked",
            (long long)BACKUP_BYTES_MAX);
    json_array_foreach (chunks, i, chunk)
        if (!check_chunk(chunk, sealed, err))
            return false;
    return true;
}

bool manifest_read(struct str text, json_t **ret_manifest, uint64_t *ret_sealed, struct err *err)
{
    scoped(json_done) json_t *manifest = NULL;
    scoped(json_done) json_t *names = json_object();
    json_t *about, *folders, *files, *row;
    struct str schema;
    uint64_t bytes = 0, sealed = 0;
    size_t i;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &schema, 1, 64),
        JSON_TAKE_OBJECT("about", &about),
        JSON_TAKE_ARRAY("folders", &folders, 0, BACKUP_FOLDERS_MAX),
        JSON_TAKE_ARRAY("files", &files, 0, BACKUP_FILES_MAX),
    };

    if (!json_read(text, BACKUP_MANIFEST_BYTES_MAX, &manifest, err))
        return false;
    struct str said = json_str(manifest, "schema");
    if (!str_eq(said, S(BACKUP_SCHEMA)))
        return err_code(err, ERR_INPUT, "backup_malformed", NULL,
            "the backup is of form '%.*s', this program knows " BACKUP_SCHEMA
            ": use the version that made it",
            (int)(said.len > 60 ? 60 : said.len), said.at);
    if (!json_take(manifest, fields, COUNT(fields), err))
        return false;
    if (json_object_size(about) > ABOUT_MEMBERS_MAX)
        return malformed(err, S("about"), "has too many members");
    json_array_foreach (folders, i, row)
        if (!check_folder(names, row, err))
            return false;
    json_array_foreach (files, i, row) {
        if (!check_file(names, row, &bytes, &sealed, err))
            return false;
    }
    *ret_manifest = manifest;
    *ret_sealed = sealed;
    manifest = NULL;
    return true;
}

struct backup_file manifest_file(const json_t *row)
{
    return (struct backup_file){.path = json_string_value(json_object_get(row, "path")),
        .mode = (uint32_t)json_integer_value(json_object_get(row, "mode")),
        .is_nodes = json_is_true(json_object_get(row, "nodes")),
        .bytes = (uint64_t)json_integer_value(json_object_get(row, "bytes")),
        .sha256 = json_string_value(json_object_get(row, "sha256")),
        .chunks = json_object_get(row, "chunks")};
}

uint64_t manifest_bytes(const json_t *manifest)
{
    uint64_t sum = 0;
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(manifest, "files"), i, row)
        sum += manifest_file(row).bytes;
    return sum;
}
