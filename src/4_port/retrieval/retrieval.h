/* SPDX-License-Identifier: Apache-2.0
 *
 * retrieval — documents in one SQLite file, cut into pieces, found by words and by meaning.
 *
 *     retrieval_open(&(struct retrieval_config){.path = "…/docs.db"}, &retrieval, &err);
 *     retrieval_add(retrieval, &document, now_ms, &added, &err);
 *     retrieval_search(retrieval, &(struct retrieval_question){.text = S("fan stopped")}, &hits,
 * &err);
 *
 * Words: FTS5 (porter stems, bm25; title and section weigh more than text). Meaning: vectors that
 * somebody else made (an engine's /v1/embeddings) of the pieces that retrieval_unembedded() names;
 * they lie in a vec0 table. Both lists are merged by reciprocal ranks. What is found is text of
 * others.
 *
 * owner    whoever opened it, until retrieval_close()
 * threads  any, one at a time; every call blocks: use it from a worker
 * errors   ERR_SYSTEM "docs_io", "docs_broken" (a foreign or damaged file), "docs_full" (no room);
 *          ERR_LIMIT "docs_too_many", "docs_too_large"; ERR_INPUT "bad_document", "bad_query",
 * "no_vectors" source   sqlite.org/fts5.html; github.com/asg017/sqlite-vec; Cormack et al. 2009
 * (reciprocal ranks)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RETRIEVAL_DOCUMENTS_MAX 20000
#define RETRIEVAL_CHUNKS_MAX 200000
#define RETRIEVAL_DOCUMENT_BYTES_MAX (2 * 1024 * 1024)
#define RETRIEVAL_SOURCE_BYTES_MAX 512
#define RETRIEVAL_TITLE_BYTES_MAX 200
#define RETRIEVAL_QUERY_BYTES_MAX 1024
#define RETRIEVAL_WORDS_MAX 32     /* of a question; further ones are not looked for */
#define RETRIEVAL_CHUNK_BYTES 1200 /* a piece is cut at the next end of a paragraph or line */
#define RETRIEVAL_CHUNK_BYTES_MAX 2000
#define RETRIEVAL_HITS_MAX 20
#define RETRIEVAL_DIMENSIONS_MAX 4096
#define RETRIEVAL_EMBED_MAX 64 /* pieces in one batch */

struct retrieval;

struct retrieval_config {
    const char *path;          /* NULL: in memory */
    const char *vec_extension; /* sqlite-vec's vec0.so; NULL: words only */
};

/* Makes the file (0600) if there is none. A vec_extension that cannot be loaded is an error. */
bool retrieval_open(
    const struct retrieval_config *config, struct retrieval **ret_retrieval, struct err *err);
/* For scoped(). */
void retrieval_close(struct retrieval **retrieval);

struct retrieval_document {
    struct str source; /* where it is from: one document a source; a path, a URL, a name */
    struct str title;  /* "": the first heading, else the source */
    struct str text;   /* UTF-8; Markdown headings and man page sections become sections */
};

struct retrieval_added {
    int64_t id;
    int64_t chunks;
    bool replaced, unchanged; /* unchanged: the same bytes were there; nothing was done */
};

/* Whole or not at all. */
bool retrieval_add(struct retrieval *retrieval, const struct retrieval_document *document,
    int64_t now_ms, struct retrieval_added *ret, struct err *err);
bool retrieval_remove(struct retrieval *retrieval, int64_t id, bool *ret_found, struct err *err);
/* {"documents":[{"id","source","title","sha256","bytes","chunks","added_at_ms"}],"count","chunks",
 *  "embedded","model":"…"|null}, by source, after `after` (a source, "" from the start), new. */
bool retrieval_list(struct retrieval *retrieval, struct str after, int64_t limit, json_t **ret_list,
    struct err *err);

/* Up to `limit` (1 … RETRIEVAL_EMBED_MAX) pieces that have no vector of `model`: [{"id","text"}],
 * new. Another model than the one of the vectors kept drops those first. */
bool retrieval_unembedded(struct retrieval *retrieval, struct str model, int64_t limit,
    json_t **ret_pieces, struct err *err);
/* The model cannot make a vector of this piece: it is found by words only and not named again. */
bool retrieval_skip(struct retrieval *retrieval, int64_t chunk, struct err *err);
/* `count` vectors one behind the other for as many pieces, all or none. A piece that went meanwhile
 * is left out. errors  ERR_INPUT "no_vectors" sqlite-vec is not loaded, or another length than
 * before */
struct retrieval_vectors {
    struct str model;
    const int64_t *chunks;
    const float *at;
    size_t count, dimensions;
};
bool retrieval_embed(
    struct retrieval *retrieval, const struct retrieval_vectors *vectors, struct err *err);

struct retrieval_question {
    struct str text;
    const float *vector; /* of `model`; NULL: words only */
    size_t dimensions;
    struct str model;
    int64_t limit; /* 1 … RETRIEVAL_HITS_MAX; 0 is 5 */
};

/* {"hits":[{"chunk","document","source","title","section","text","sha256","words_rank"|null,
 * "meaning_rank"|null}],"by":"words"|"words and meaning"}, new. errors  ERR_INPUT "bad_query" */
bool retrieval_search(struct retrieval *retrieval, const struct retrieval_question *question,
    json_t **ret_found, struct err *err);

/* --- pure parts, for tests and fuzzers ---------------------------------------------- */

struct retrieval_chunk {
    struct str section; /* a slice of the text: its nearest heading, "" before the first */
    struct str text;
};
/* Cut `*rest` once more; false when nothing is left. `*section` is carried from call to call. */
bool retrieval_chunk_next(struct str *rest, struct str *section, struct retrieval_chunk *ret_chunk);

/* The FTS5 expression of a question: its words as quoted strings joined by OR, without the very
 * common ones. False when no word is in it. `ret_expression` has at least 4 ×
 * RETRIEVAL_QUERY_BYTES_MAX bytes. */
bool retrieval_expression(struct str question, char *ret_expression, size_t bytes);
