/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest — what an archive says it holds; believed only where it is in this form.
 *
 *     {"schema":"logic-node/backup/v1","about":{…},
 *      "folders":[{"path":"keys","mode":448,"nodes":true}, …],                          parents
 * before children
 *      "files":[{"path":"keys/owner.pem","mode":384,"nodes":false,"bytes":119,"sha256":"…",
 *                "chunks":[{"sealed":151,"key":"…"}, …]}, …]}
 *
 * Who has the public half of a recovery key can make an archive, so its names and numbers are
 * checked like anybody's: relative paths of plain steps, each once, below a folder that is named;
 * modes without special bits; as many chunks as the bytes need; sums within the limits.
 *
 * threads  any: no state
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

#define BACKUP_SCHEMA "logic-node/backup/v1"
#define BACKUP_FILES_MAX 20000
#define BACKUP_FOLDERS_MAX 5000
#define BACKUP_PATH_BYTES_MAX 512
#define BACKUP_STEP_BYTES_MAX 255
#define BACKUP_BYTES_MAX (1024ll << 20) /* of all files, as they are */
#define BACKUP_MANIFEST_BYTES_MAX (32u << 20)

/* One file's row, checked. */
struct backup_file {
    const char *path;
    uint32_t mode;
    bool is_nodes; /* it belongs to the node's user, not to root */
    uint64_t bytes;
    const char *sha256;
    const json_t *chunks;
};

/* May a file of a backup be called so? */
bool backup_path_valid(struct str path);

/* Read and check; the caller owns *ret_manifest. *ret_sealed: bytes of all chunks together.
 * errors  ERR_INPUT "backup_malformed", ERR_LIMIT "backup_too_large"; the path is in the message */
bool manifest_read(struct str text, json_t **ret_manifest, uint64_t *ret_sealed, struct err *err);

/* Of a manifest that manifest_read() gave. */
struct backup_file manifest_file(const json_t *row);
uint64_t manifest_bytes(const json_t *manifest);
