/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of the pieces, in a vec0 table that is made with the first one: its width is the model's.
 */
#include "retrieval/inside.h"

#include "base/panic.h"

#include <math.h>
#include <stdio.h>

static bool forget_all(struct retrieval *retrieval, struct err *err)
{
    if (!docs_run(retrieval,
            "BEGIN IMMEDIATE; DROP TABLE IF EXISTS chunk_vector; DELETE FROM vectors;"
            "UPDATE chunk SET embedded = 0 WHERE embedded <> 0; COMMIT;",
            "removing vectors of", err)) {
        (void)sqlite3_exec(retrieval->database, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    retrieval->model[0] = '\0';
    retrieval->dimensions = 0;
    return true;
}

static bool needs_vectors(const struct retrieval *retrieval, struct err *err)
{
    return retrieval->can_vectors ||
           err_code(err, ERR_INPUT, "no_vectors", NULL,
               "sqlite-vec is not loaded, so documents are found by words only "
               "(logicd --sqlite-vec PATH)");
}

bool retrieval_unembedded(struct retrieval *retrieval, struct str model, int64_t limit,
    json_t **ret_pieces, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    check(limit >= 1 && limit <= RETRIEVAL_EMBED_MAX);
    if (!needs_vectors(retrieval, err))
        return false;
    if (retrieval->model[0] && !str_eq(model, str_from(retrieval->model)) &&
        !forget_all(retrieval, err))
        return false;
    if (!docs_prepare(retrieval,
            "SELECT id, title || ' ' || section || char(10) || text FROM chunk INDEXED BY "
            "chunk_unembedded WHERE embedded = 0 ORDER BY id LIMIT ?1",
            &statement, err))
        return false;
    check(sqlite3_bind_int64(statement, 1, limit) == SQLITE_OK);
    *ret_pieces = json_array();
    while (sqlite3_step(statement) == SQLITE_ROW)
        json_array_append_new(*ret_pieces,
            json_pack("{s:I, s:o}", "id", (json_int_t)sqlite3_column_int64(statement, 0), "text",
                docs_column(statement, 1)));
    return true;
}

bool retrieval_skip(struct retrieval *retrieval, int64_t chunk, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!docs_prepare(retrieval, "UPDATE chunk SET embedded = 2 WHERE id = ?1 AND embedded = 0",
            &statement, err))
        return false;
    check(sqlite3_bind_int64(statement, 1, chunk) == SQLITE_OK);
    return docs_step(retrieval, statement, "writing vectors of", err);
}

/* The first vector of a model says how wide they are. */
static bool ensure_table(
    struct retrieval *retrieval, struct str model, size_t dimensions, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
    char make[128];

    if (retrieval->model[0])
        return true;
    snprintf(make, sizeof make,
        "CREATE VIRTUAL TABLE chunk_vector USING vec0(embedding float[%zu] distance_metric=cosine)",
        dimensions);
    if (!docs_run(retrieval, make, "making vectors of", err) ||
        !docs_prepare(retrieval, "INSERT INTO vectors(one, model, dimensions) VALUES(1, ?1, ?2)",
            &statement, err))
        return false;
    docs_bind(statement, 1, model);
    check(sqlite3_bind_int64(statement, 2, (int64_t)dimensions) == SQLITE_OK);
    if (!docs_step(retrieval, statement, "writing vectors of", err))
        return false;
    snprintf(retrieval->model, sizeof retrieval->model, "%.*s", STR(model));
    retrieval->dimensions = (int64_t)dimensions;
    return true;
}

/* NaN, infinite or all zero has no direction. */
static bool has_direction(const float *vector, size_t dimensions)
{
    double sum = 0;

    for (size_t i = 0; i < dimensions; i++) {
        if (!isfinite(vector[i]))
            return false;
        sum += (double)vector[i] * (double)vector[i];
    }
    return sum > 0 && isfinite(sum);
}

static bool put_vectors(
    struct retrieval *retrieval, const struct retrieval_vectors *vectors, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *insert = NULL, *mark = NULL;
    size_t bytes = vectors->dimensions * sizeof *vectors->at;

    if (!docs_prepare(retrieval, "UPDATE chunk SET embedded = 1 WHERE id = ?1 AND embedded = 0",
            &mark, err) ||
        !docs_prepare(
            retrieval, "INSERT INTO chunk_vector(rowid, embedding) VALUES(?1, ?2)", &insert, err))
        return false;
    for (size_t i = 0; i < vectors->count; i++) {
        check(sqlite3_bind_int64(mark, 1, vectors->chunks[i]) == SQLITE_OK);
        if (!docs_step(retrieval, mark, "writing vectors of", err))
            return false;
        if (sqlite3_changes(retrieval->database) == 0) /* removed meanwhile, or there already */
            continue;
        const float *vector = vectors->at + i * vectors->dimensions;
        check(sqlite3_bind_int64(insert, 1, vectors->chunks[i]) == SQLITE_OK &&
              sqlite3_bind_blob64(insert, 2, vector, bytes, SQLITE_STATIC) == SQLITE_OK);
        if (!docs_step(retrieval, insert, "writing vectors of", err))
            return false;
    }
    return true;
}

static bool vectors_fit(
    const struct retrieval *retrieval, const struct retrieval_vectors *vectors, struct err *err)
{
    struct str model = vectors->model;
    size_t dimensions = vectors->dimensions;
    bool usable = model.len > 0 && model.len < MODEL_BYTES && dimensions > 0 &&
                  dimensions <= RETRIEVAL_DIMENSIONS_MAX && vectors->count <= RETRIEVAL_EMBED_MAX;

    for (size_t i = 0; usable && i < vectors->count; i++)
        usable = has_direction(vectors->at + i * dimensions, dimensions);
    if (!usable)
        return err_code(err, ERR_INPUT, "no_vectors", NULL,
            "the model '%.*s' gave no usable vectors of 1 to %d numbers", STR(model),
            RETRIEVAL_DIMENSIONS_MAX);
    if (!retrieval->model[0] ||
        (str_eq(model, str_from(retrieval->model)) && retrieval->dimensions == (int64_t)dimensions))
        return true;
    return err_code(err, ERR_INPUT, "no_vectors", NULL,
        "vectors of '%s' with %lld numbers are kept, these are of '%.*s' with %zu",
        retrieval->model, (long long)retrieval->dimensions, STR(model), dimensions);
}

bool retrieval_embed(
    struct retrieval *retrieval, const struct retrieval_vectors *vectors, struct err *err)
{
    if (!needs_vectors(retrieval, err) || !vectors_fit(retrieval, vectors, err) ||
        !docs_run(retrieval, "BEGIN IMMEDIATE", "writing vectors of", err))
        return false;
    bool first = retrieval->model[0] == '\0';
    if (ensure_table(retrieval, vectors->model, vectors->dimensions, err) &&
        put_vectors(retrieval, vectors, err) &&
        docs_run(retrieval, "COMMIT", "writing vectors of", err))
        return true;
    (void)sqlite3_exec(retrieval->database, "ROLLBACK", NULL, NULL, NULL);
    if (first)
        retrieval->model[0] = '\0';
    return false;
}

/* Without sqlite-vec they stay where they are: the next opening with it clears up. */
bool vectors_forget(struct retrieval *retrieval, int64_t document, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;

    if (!retrieval->model[0] || !retrieval->can_vectors)
        return true;
    if (!docs_prepare(retrieval,
            "DELETE FROM chunk_vector WHERE rowid IN (SELECT id FROM chunk WHERE document = ?1)",
            &statement, err))
        return false;
    check(sqlite3_bind_int64(statement, 1, document) == SQLITE_OK);
    return docs_step(retrieval, statement, "removing vectors of", err);
}

bool vectors_clear_up(struct retrieval *retrieval, struct err *err)
{
    return !retrieval->model[0] || !retrieval->can_vectors ||
           docs_run(retrieval,
               "DELETE FROM chunk_vector WHERE rowid IN (SELECT rowid FROM chunk_vector EXCEPT "
               "SELECT id FROM chunk)",
               "removing vectors of", err);
}
