/* SPDX-License-Identifier: Apache-2.0
 *
 * archive — one file that holds a node, closed to its recovery key.
 *
 *     "logic-node/backup/v1\n"      chunk … chunk      sealed manifest (manifest.h)      end
 *     end: ephemeral public half (32) · recovery key id (16 hex digits) · where the manifest begins
 *          (8, big-endian) · "\nLNBKUP1" (8)
 *
 * Each byte is covered: chunks by their tag and their order in the manifest, the manifest by its
 * tag, head and end as what stands beside it. So one bad byte anywhere is found before anything is
 * written. Chunks come first and are alike for alike text: a store that keeps equal pieces once
 * (restic) keeps little for a backup of little change.
 *
 * owner    whoever opened it
 * threads  one
 * errors   ERR_INPUT "backup_broken" (cut off, changed), "other_recovery_key", those of manifest.h;
 *          ERR_SYSTEM files, no room (the new archive is then gone)
 */
#pragma once

#include "backup/manifest.h"
#include "backup/seal.h"

#include <sys/types.h>

#define ARCHIVE_END_BYTES 64

struct archive_writer;

/* Writes PATH.new; nothing of that name may be there. `secret` lives as long as the writer. */
bool archive_create(
    const char *path, struct str secret, struct archive_writer **ret_writer, struct err *err);
void archive_add_folder(
    struct archive_writer *writer, const char *path, mode_t mode, bool is_nodes);
/* The bytes of `from` as they are while it is read. errors  ERR_LIMIT "backup_too_large" */
bool archive_add_file(struct archive_writer *writer, const char *path, mode_t mode, bool is_nodes,
    const char *from, struct err *err);
/* Manifest and end, durable, under its name. `about` is borrowed. */
bool archive_finish(struct archive_writer *writer, const uint8_t recovery[SEAL_KEY_BYTES],
    const json_t *about, uint64_t *ret_bytes, struct err *err);
/* For scoped(): what is not finished is gone. */
void archive_drop(struct archive_writer **writer);

struct archive;

/* Reads and checks the end and the manifest. */
bool archive_open(const char *path, const struct recovery_key *key, struct archive **ret_archive,
    struct err *err);
void archive_close(struct archive **archive);
const json_t *archive_manifest(const struct archive *archive);
/* Every chunk and every hash; nothing is written. */
bool archive_check(struct archive *archive, struct err *err);
/* Into `folder`, which is there and empty; modes as in the manifest. For root, what is the node's
 * goes to uid and gid. Checks again. After an error the folder holds some part. */
bool archive_unpack(
    struct archive *archive, const char *folder, uid_t uid, gid_t gid, struct err *err);
