/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot — a copy of a SQLite file as it was at one moment, while its owner goes on writing.
 *
 * The ledger holds its file exclusively, so nobody else can read it through SQLite. Its file and
 * the log beside it (-wal, -journal) are therefore copied as bytes, again and again until nothing
 * that a copy depends on has changed meanwhile; SQLite then recovers the copy as it would after a
 * loss of power, checks it, and its backup API makes one file of it. What was durable when the call
 * began is in it; the last of what is being written may be missing. Works as well after kill -9.
 * With a rollback journal instead of a write-ahead log a busy writer leaves no quiet moment: that
 * is said.
 *
 * owner    whoever makes a backup; the file's owner notices nothing
 * threads  one
 * errors   ERR_SYSTEM "snapshot_busy" no quiet moment within SNAPSHOT_PATIENCE_MS,
 * "snapshot_broken" the file itself is damaged, others: files, no room source
 * sqlite.org/walformat.html, sqlite.org/fileformat2.html section 4, sqlite.org/backup.html
 */
#pragma once

#include "base/err.h"

#define SNAPSHOT_PATIENCE_MS 30000
/* Files carry the time of a clock that ticks; within a tick a change leaves no trace. */
#define SNAPSHOT_QUIET_MS 20

/* `path` as `folder`/`name`, 0600. The folder is the caller's own, on any disk, and holds the file
 * twice for a moment; of that name nothing is there. */
bool snapshot_make(const char *path, const char *folder, const char *name, struct err *err);
