/* SPDX-License-Identifier: Apache-2.0
 *
 * spool — batches on disk, oldest first, never more than a limit. Internal to history/.
 *
 * A batch is one file, NUMBER.batch with 16 hexadecimal digits: a head of SPOOL_HEAD_BYTES (mark,
 * samples, bytes, CRC-32, little endian) and the body. It is written beside itself and renamed, so
 * that a file with a name is whole unless the machine lost power; what is not is dropped and
 * counted. Other files in the folder are left alone.
 *
 * owner    the folder is locked (flock) for one handle
 * threads  one; reads and writes are done at once
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "history/history.h"

#define SPOOL_HEAD_BYTES 20
#define SPOOL_BODY_BYTES_MAX (32u << 20)
#define SPOOL_BLOCK_BYTES 4096 /* what a file takes on disk at least, and its multiples */

struct spool_file {
    uint64_t number;
    uint32_t samples, bytes; /* bytes of the body */
};

struct spool {
    int folder; /* -1: none */
    uint64_t next, bytes_max;
    struct spool_file *files; /* ring of `room` */
    size_t first, count, room;
    uint64_t bytes, samples;
    bool held;                     /* the oldest is on its way: it is not dropped */
    int error;                     /* errno of the write that failed last */
    struct history_counts *counts; /* of the owner: dropped, torn, lost, spooled */
};

/* errors  ERR_SYSTEM the folder cannot be made or read, or is another's */
bool spool_open(struct spool *spool, const char *path, uint64_t bytes_max,
    struct history_counts *counts, struct err *err);
void spool_close(struct spool *spool);

/* Numbers say the order of batches. */
uint64_t spool_number(struct spool *spool);
/* The number is above all that are there, or below all. What is too much is dropped from the old
 * end; what the disk does not take is lost. Both are counted. */
void spool_add(struct spool *spool, uint64_t number, struct str body, uint32_t samples);
/* The oldest whole batch into `body` (cleared before); torn ones before it go. false: none. It is
 * held until spool_release(). */
bool spool_hold(struct spool *spool, struct buf *body, uint32_t *ret_samples);
void spool_release(struct spool *spool, bool done);
