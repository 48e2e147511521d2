/* SPDX-License-Identifier: Apache-2.0
 *
 * scratch — folders for a test, gone when its process ends (also when checks failed; not after a
 * crash).
 */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRATCH_FOLDERS_MAX 64

static char scratch_folders[SCRATCH_FOLDERS_MAX][64];
static size_t scratch_count;
static pid_t scratch_owner;

static inline int scratch_remove_one(
    const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    (void)seen, (void)kind, (void)place;
    return remove(path);
}

static inline void scratch_remove(void)
{
    if (getpid() != scratch_owner) /* a forked child leaves them to its parent */
        return;
    for (size_t i = 0; i < scratch_count; i++)
        (void)nftw(scratch_folders[i], scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new empty folder; the text lives as long as the process. */
static inline const char *scratch_folder(void)
{
    const char *root = getenv("TMPDIR");

    if (scratch_count == SCRATCH_FOLDERS_MAX)
        abort();
    if (!scratch_owner && atexit(scratch_remove) != 0)
        abort();
    scratch_owner = getpid();
    char *path = scratch_folders[scratch_count++];
    snprintf(path, sizeof *scratch_folders, "%.40s/scratch.XXXXXX", root ? root : "/tmp");
    if (!mkdtemp(path))
        abort();
    return path;
}
