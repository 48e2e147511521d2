/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ranked lists, by words and by meaning, merged: a piece counts 1/(K + rank) in each. */
#include "retrieval/inside.h"

#include "base/panic.h"

#include <stdlib.h>

#define DEPTH 50 /* of each list */
#define RANK_K 60
#define HITS_STANDARD 5

struct hit {
    int64_t chunk;
    int words, meaning; /* 1 …; 0: not in that list */
};

struct hits {
    struct hit at[2 * DEPTH];
    size_t count;
};

static struct hit *hit_of(struct hits *hits, int64_t chunk)
{
    for (size_t i = 0; i < hits->count; i++)
        if (hits->at[i].chunk == chunk)
            return &hits->at[i];
    hits->at[hits->count] = (struct hit){.chunk = chunk};
    return &hits->at[hits->count++];
}

static bool by_words(
    struct retrieval *retrieval, struct str question, struct hits *hits, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
    char expression[4 * RETRIEVAL_QUERY_BYTES_MAX];
    int rank = 0, step;

    if (!retrieval_expression(question, expression, sizeof expression))
        return err_code(err, ERR_INPUT, "bad_query", "q", "no word to look for in '%.*s'",
            (int)(question.len < 80 ? question.len : 80), question.at);
    if (!docs_prepare(retrieval,
            "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ?1 "
            "ORDER BY bm25(chunk_words, 4.0, 2.0, 1.0), rowid LIMIT ?2",
            &statement, err))
        return false;
    docs_bind(statement, 1, str_from(expression));
    check(sqlite3_bind_int(statement, 2, DEPTH) == SQLITE_OK);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        hit_of(hits, sqlite3_column_int64(statement, 0))->words = ++rank;
    return step == SQLITE_DONE || docs_failed(retrieval, "searching", err);
}

static bool can_by_meaning(const struct retrieval *retrieval, const struct retrieval_question *q)
{
    return q->vector && retrieval->can_vectors && retrieval->model[0] &&
           str_eq(q->model, str_from(retrieval->model)) &&
           (int64_t)q->dimensions == retrieval->dimensions;
}

static bool by_meaning(struct retrieval *retrieval, const struct retrieval_question *question,
    struct hits *hits, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
    int rank = 0, step;

    if (!docs_prepare(retrieval,
            "SELECT rowid FROM chunk_vector WHERE embedding MATCH ?1 AND k = ?2 ORDER BY distance",
            &statement, err))
        return false;
    check(sqlite3_bind_blob64(statement, 1, question->vector,
              question->dimensions * sizeof *question->vector, SQLITE_STATIC) == SQLITE_OK &&
          sqlite3_bind_int(statement, 2, DEPTH) == SQLITE_OK);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        hit_of(hits, sqlite3_column_int64(statement, 0))->meaning = ++rank;
    return step == SQLITE_DONE || docs_failed(retrieval, "searching", err);
}

static double score_of(const struct hit *hit)
{
    return (hit->words ? 1.0 / (RANK_K + hit->words) : 0) +
           (hit->meaning ? 1.0 / (RANK_K + hit->meaning) : 0);
}

static int better(const void *a, const void *b)
{
    const struct hit *one = a, *two = b;
    double difference = score_of(two) - score_of(one);

    if (difference < 0 || difference > 0)
        return difference < 0 ? -1 : 1;
    return one->chunk < two->chunk ? -1 : one->chunk > two->chunk;
}

static json_t *rank_json(int rank)
{
    return rank ? json_integer(rank) : json_null();
}

static bool add_hit(struct retrieval *retrieval, sqlite3_stmt *statement, const struct hit *hit,
    json_t *into, struct err *err)
{
    check(sqlite3_bind_int64(statement, 1, hit->chunk) == SQLITE_OK);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return docs_failed(retrieval, "searching", err);
    json_t *row = json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "chunk",
        (json_int_t)hit->chunk, "document", (json_int_t)sqlite3_column_int64(statement, 0),
        "source", docs_column(statement, 1), "title", docs_column(statement, 2), "section",
        docs_column(statement, 3), "text", docs_column(statement, 4), "sha256",
        docs_column(statement, 5), "words_rank", rank_json(hit->words), "meaning_rank",
        rank_json(hit->meaning));
    check(row);
    json_array_append_new(into, row);
    sqlite3_reset(statement);
    return true;
}

bool retrieval_search(struct retrieval *retrieval, const struct retrieval_question *question,
    json_t **ret_found, struct err *err)
{
    scoped(docs_statement_done) sqlite3_stmt *statement = NULL;
    struct hits hits = {.count = 0};
    bool meaning = can_by_meaning(retrieval, question);
    size_t limit = question->limit ? (size_t)question->limit : HITS_STANDARD;

    if (question->text.len > RETRIEVAL_QUERY_BYTES_MAX || !str_is_utf8(question->text) ||
        question->limit < 0 || question->limit > RETRIEVAL_HITS_MAX)
        return err_code(err, ERR_INPUT, "bad_query", "q",
            "a search has at most %d bytes of UTF-8 and asks for 1 to %d pieces",
            RETRIEVAL_QUERY_BYTES_MAX, RETRIEVAL_HITS_MAX);
    if (!by_words(retrieval, question->text, &hits, err) ||
        (meaning && !by_meaning(retrieval, question, &hits, err)) ||
        !docs_prepare(retrieval,
            "SELECT c.document, d.source, c.title, c.section, c.text, c.sha256 FROM chunk c JOIN "
            "document d ON d.id = c.document WHERE c.id = ?1",
            &statement, err))
        return false;
    qsort(hits.at, hits.count, sizeof *hits.at, better);
    json_t *rows = json_array();
    for (size_t i = 0; i < hits.count && i < limit; i++)
        if (!add_hit(retrieval, statement, &hits.at[i], rows, err)) {
            json_decref(rows);
            return false;
        }
    *ret_found =
        json_pack("{s:o, s:s}", "hits", rows, "by", meaning ? "words and meaning" : "words");
    check(*ret_found);
    return true;
}
