/* SPDX-License-Identifier: Apache-2.0
 *
 * file — whole small files: read with a limit, replace atomically, list a folder.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Append the whole file to `out`. errors  ERR_SYSTEM cannot open or read; ERR_LIMIT longer than
 * out->bytes_max leaves */
bool file_read(const char *path, struct buf *out, struct err *err);

/* Replace `path` by `text`: temporary file beside it, fsync, rename, fsync of the folder.
 * After an error the old file stands as it was. */
bool file_replace(const char *path, struct str text, mode_t mode, struct err *err);

/* mkdir -p with `mode` for what is made. Existing folders are left as they are. */
bool file_make_folder(const char *path, mode_t mode, struct err *err);

bool file_exists(const char *path);
