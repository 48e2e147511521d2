/* SPDX-License-Identifier: Apache-2.0
 *
 * digest — SHA-256 of large files, in slices on libuv's workers, and a memory of what was hashed.
 *
 * The rule of the memory: a file is not read again if device, inode, size, mtime_ns and ctime_ns
 * are those of its last hashing, and its ctime was at least DIGEST_RACY_MS old when that hashing
 * began (a clock tick is coarse: a change within it could not be told). Nobody can set ctime but by
 * setting the machine's clock or by writing to the raw device; who fears that sets always_hash. The
 * memory lives as long as the process and is never stored. While it is read a file that changes
 * is an error ("file_changed").
 *
 * A path named as the first part of a model in several (NAME-00001-of-00003.gguf) stands for all of
 * them, one behind the other, as models.json has them: bytes are the sum, and the stamp is of all.
 *
 * threads  the loop's
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uv.h>

#define DIGEST_CACHE_MAX 1024 /* files; the oldest makes room */
#define DIGEST_RACY_MS 2000
#define DIGEST_SLICE_BYTES (32u << 20) /* one turn on a worker */

struct digest_stamp {
    uint64_t device, inode, bytes;
    int64_t mtime_ns, ctime_ns;
};
bool digest_stamp_of(int fd, struct digest_stamp *ret_stamp, struct err *err);
bool digest_stamp_of_path(const char *path, struct digest_stamp *ret_stamp, struct err *err);
bool digest_stamp_eq(const struct digest_stamp *a, const struct digest_stamp *b);

struct digest_cache;
struct digest_cache *digest_cache_make(void);
/* No digest_file() may be running with it. */
void digest_cache_free(struct digest_cache **at);
/* Files really read through this cache. */
uint64_t digest_cache_reads(const struct digest_cache *cache);

struct digest;
struct digest_result {
    char sha256[65];
    struct digest_stamp stamp;
    bool from_cache;
};

/* `progress` (may be NULL) from the loop, 0…1. `done` once from the loop, never from here: err is
 * NULL or says why not ("file_missing", "file_changed"). cache may be NULL. */
bool digest_file(uv_loop_t *loop, const char *path, struct digest_cache *cache, bool always_hash,
    void (*progress)(void *user, double fraction),
    void (*done)(void *user, const struct digest_result *result, const struct err *err), void *user,
    struct digest **ret_digest, struct err *err);
/* Nobody is called any more. */
void digest_cancel(struct digest **at);
