/* SPDX-License-Identifier: Apache-2.0
 *
 * usage_db — the SQLite file of usage: add sums, answer questions. Blocking; called by one thread
 * at a time (the worker, or whoever opens and closes).
 *
 * The ledger's store keeps chained entries and would not suit sums that are updated.
 *
 * errors  ERR_SYSTEM "usage_broken" (foreign, damaged, or of another version), "usage_io" (no room,
 *         locked, everything that may pass)
 * source  sqlite.org/wal.html, sqlite.org/lang_upsert.html
 */
#pragma once

#include "usage/sums.h"

struct usage_db;

/* `path` NULL: in memory. */
bool usage_db_open(const char *path, struct usage_db **ret_db, struct err *err);
void usage_db_close(struct usage_db **at);

/* All or nothing, durable. */
bool usage_db_add(
    struct usage_db *db, const struct sums *sums, uint64_t *ret_folded, struct err *err);

/* `unwritten` (may be empty) counts as if it stood in the file. New reference. */
bool usage_db_ask(struct usage_db *db, const struct usage_question *question,
    const struct sums *unwritten, json_t **ret_answer, struct err *err);

int64_t usage_day_of(int64_t civil_ms);
