/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — what the files of this folder share.
 */
#pragma once

#include "base/scoped.h"
#include "retrieval/retrieval.h"

#include <sqlite3.h>

#define MODEL_BYTES 129

struct retrieval {
    sqlite3 *database;
    bool can_vectors;        /* sqlite-vec is loaded */
    char model[MODEL_BYTES]; /* of the vectors kept; "": there are none */
    int64_t dimensions;
};

/* The last failure of SQLite as our error. Returns false. */
bool docs_failed(struct retrieval *retrieval, const char *doing, struct err *err);
bool docs_run(struct retrieval *retrieval, const char *text, const char *doing, struct err *err);
bool docs_prepare(
    struct retrieval *retrieval, const char *text, sqlite3_stmt **ret_statement, struct err *err);
/* One number of a statement without parameters. */
bool docs_number(
    struct retrieval *retrieval, const char *text, int64_t *ret_number, struct err *err);
/* Step a statement that gives no rows. */
bool docs_step(
    struct retrieval *retrieval, sqlite3_stmt *statement, const char *doing, struct err *err);
/* For scoped(). */
void docs_statement_done(sqlite3_stmt **statement);
void docs_bind(sqlite3_stmt *statement, int at, struct str text);
/* A JSON string of a column; null for none. */
json_t *docs_column(sqlite3_stmt *statement, int at);

/* vectors.c: no vectors of this document's pieces any more. */
bool vectors_forget(struct retrieval *retrieval, int64_t document, struct err *err);
/* Vectors of pieces that went while sqlite-vec was not loaded. */
bool vectors_clear_up(struct retrieval *retrieval, struct err *err);
