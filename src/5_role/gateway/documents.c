/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/documents.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/embedder.h"
#include "gateway/inside.h"
#include "os/clock.h"
#include "os/file.h"
#include "retrieval/retrieval.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EMBED_AGAIN_MS 30000 /* an engine that was away */
#define QUERY_WAIT_MS 500    /* for the vector of a question; then words alone */

enum job_kind { JOB_ADD, JOB_REMOVE, JOB_LIST, JOB_SEARCH, JOB_PIECES, JOB_EMBED, JOB_SKIP };

struct job {
    struct job *next;
    enum job_kind kind;
    struct documents *documents;
    struct visit *visit; /* NULL: left, or nobody asked */
    json_t *in;          /* what was sent; texts below are borrowed from it */
    struct str text, source, title;
    int64_t id, limit;
    float *vectors; /* yours, from malloc: of the question, or of the pieces */
    size_t vectors_count, dimensions;
    int64_t chunks[RETRIEVAL_EMBED_MAX];
    /* set by the worker */
    json_t *out;
    bool done;
    struct err err;
};

struct documents {
    struct gateway *gateway;
    struct retrieval *retrieval;
    struct embedder *embedder; /* NULL: words only */
    const char *model;
    struct job *first, **last; /* waiting */
    int waiting;
    struct job *running, *asking[DOCUMENTS_JOBS_MAX]; /* asking: searches that wait for a vector */
    uv_work_t work;
    uv_timer_t *again;
    int64_t batch; /* pieces in the next one */
    bool embedding, closing;
};

/* --- the worker ---------------------------------------------------------------------- */

static bool add(struct retrieval *retrieval, struct job *job)
{
    const struct retrieval_document document = {job->source, job->title, job->text};
    struct retrieval_added added;

    if (!retrieval_add(retrieval, &document, clock_civil_ms(), &added, &job->err))
        return false;
    job->out = json_pack("{s:I, s:I, s:b, s:b}", "id", (json_int_t)added.id, "chunks",
        (json_int_t)added.chunks, "replaced", added.replaced, "unchanged", added.unchanged);
    return true;
}

static bool drop(struct retrieval *retrieval, struct job *job)
{
    bool found;

    if (!retrieval_remove(retrieval, job->id, &found, &job->err))
        return false;
    if (!found)
        return err_code(&job->err, ERR_INPUT, "no_such_document", "id",
            "there is no document %lld; GET /api/v1/docs lists them", (long long)job->id);
    job->out = json_pack("{s:I, s:b}", "id", (json_int_t)job->id, "removed", 1);
    return true;
}

static bool search(struct retrieval *retrieval, const char *model, struct job *job)
{
    const struct retrieval_question question = {.text = job->text,
        .vector = job->vectors,
        .dimensions = job->dimensions,
        .model = str_from(model),
        .limit = job->limit};

    return retrieval_search(retrieval, &question, &job->out, &job->err);
}

static bool embed(struct retrieval *retrieval, const char *model, struct job *job)
{
    return retrieval_embed(retrieval,
        &(struct retrieval_vectors){.model = str_from(model),
            .chunks = job->chunks,
            .at = job->vectors,
            .count = job->vectors_count,
            .dimensions = job->dimensions},
        &job->err);
}

static void on_worker(uv_work_t *work)
{
    struct documents *d = work->data;
    struct job *job = d->running;
    struct retrieval *r = d->retrieval;

    switch (job->kind) {
    case JOB_ADD:
        job->done = add(r, job);
        break;
    case JOB_REMOVE:
        job->done = drop(r, job);
        break;
    case JOB_LIST:
        job->done = retrieval_list(r, job->text, job->limit, &job->out, &job->err);
        break;
    case JOB_SEARCH:
        job->done = search(r, d->model, job);
        break;
    case JOB_PIECES:
        job->done = retrieval_unembedded(r, str_from(d->model), job->limit, &job->out, &job->err);
        break;
    case JOB_EMBED:
        job->done = embed(r, d->model, job);
        break;
    case JOB_SKIP:
        job->done = retrieval_skip(r, job->chunks[0], &job->err);
        break;
    }
}

/* --- jobs ------------------------------------------------------------------------------ */

static void job_done(struct job *job)
{
    json_decref(job->in);
    json_decref(job->out);
    free(job->vectors);
    free(job);
}

static void after_worker(uv_work_t *work, int status);
static void embed_more(struct documents *d);
static void on_again(uv_timer_t *timer);

static void run_next(struct documents *d)
{
    struct job *job = d->first;

    if (d->running || !job)
        return;
    d->first = job->next;
    if (!d->first)
        d->last = &d->first;
    d->waiting--;
    d->running = job;
    d->work.data = d;
    check(uv_queue_work(&d->gateway->role->loop, &d->work, on_worker, after_worker) == 0);
}

static void queue(struct documents *d, struct job *job)
{
    *d->last = job;
    d->last = &job->next;
    d->waiting++;
    run_next(d);
}

static struct job *make(struct documents *d, enum job_kind kind, struct visit *visit)
{
    struct job *job = calloc(1, sizeof *job);

    check(job);
    *job = (struct job){.kind = kind, .documents = d, .visit = visit};
    return job;
}

static void reply(struct job *job)
{
    struct visit *visit = job->visit;

    if (!visit)
        return;
    job->visit = NULL;
    visit->uses_documents = false;
    if (job->done)
        visit_reply_json(visit, 200, job->out);
    else
        visit_reply_error(visit, &job->err);
}

/* --- vectors in the background ---------------------------------------------------------- */

/* Refused together: fewer at once, and at last the one that no vector can be made of. */
static void refused_together(struct documents *d, struct job *job)
{
    if (job->vectors_count > 1) {
        d->batch = (int64_t)job->vectors_count / 2;
        d->embedding = false;
        job_done(job);
        embed_more(d);
        return;
    }
    log_error("document_piece_skipped", "remedy",
        "the embedding model refuses it; it is found by its words", NULL);
    job->kind = JOB_SKIP;
    queue(d, job);
}

static void on_vectors(
    void *owner, float *vectors, size_t count, size_t dimensions, enum embedder_why why)
{
    struct job *job = owner;
    struct documents *d = job->documents;

    if (why == EMBEDDER_REFUSED && !d->closing) {
        refused_together(d, job);
        return;
    }
    if (!vectors || d->closing) { /* the engine is away: again later */
        free(vectors);
        d->embedding = false;
        job_done(job);
        if (!d->closing)
            uv_timer_start(d->again, on_again, EMBED_AGAIN_MS, 0);
        return;
    }
    d->batch = 2 * d->batch < RETRIEVAL_EMBED_MAX ? 2 * d->batch : RETRIEVAL_EMBED_MAX;
    job->kind = JOB_EMBED;
    job->vectors = vectors;
    job->vectors_count = count;
    job->dimensions = dimensions;
    queue(d, job);
}

static void embed_pieces(struct documents *d, struct job *pieces)
{
    json_t *list = pieces->out;
    struct job *job = make(d, JOB_EMBED, NULL);
    const char *texts[RETRIEVAL_EMBED_MAX];
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++) {
        const json_t *piece = json_array_get(list, i);
        job->chunks[i] = json_integer_value(json_object_get(piece, "id"));
        texts[i] = json_string_value(json_object_get(piece, "text"));
    }
    job->vectors_count = count;
    if (count && embedder_ask(d->embedder, texts, count, 0, on_vectors, job))
        return;
    d->embedding = false;
    job_done(job);
}

static void embed_more(struct documents *d)
{
    if (!d->embedder || d->embedding || d->closing)
        return;
    d->embedding = true;
    struct job *job = make(d, JOB_PIECES, NULL);
    job->limit = d->batch;
    queue(d, job);
}

static void on_again(uv_timer_t *timer)
{
    embed_more(timer->data);
}

static void after_background(struct documents *d, struct job *job)
{
    if (!job->done) {
        log_error(
            "documents_not_embedded", "code", job->err.code, "message", job->err.message, NULL);
        d->embedding = false;
    } else if (job->kind == JOB_PIECES) {
        embed_pieces(d, job);
    } else { /* further ones */
        d->embedding = false;
        embed_more(d);
    }
}

static void finish(struct documents *d)
{
    retrieval_close(&d->retrieval);
    free(d);
}

static void after_worker(uv_work_t *work, int status)
{
    struct documents *d = work->data;
    struct job *job = d->running;

    check(status == 0);
    d->running = NULL;
    if (d->closing) {
        job_done(job);
        finish(d);
        return;
    }
    if (job->kind == JOB_PIECES || job->kind == JOB_EMBED || job->kind == JOB_SKIP)
        after_background(d, job);
    else
        reply(job);
    if (job->kind == JOB_ADD && job->done)
        embed_more(d);
    job_done(job);
    run_next(d);
}

/* --- routes ------------------------------------------------------------------------------ */

static struct job *take(struct visit *visit, enum job_kind kind)
{
    struct documents *d = visit->gateway->documents;
    struct err err = {0};

    if (d->waiting < DOCUMENTS_JOBS_MAX) {
        visit->uses_documents = true;
        return make(d, kind, visit);
    }
    err_code(&err, ERR_LIMIT, "busy", NULL,
        "%d requests for documents wait already: ask again in a moment", DOCUMENTS_JOBS_MAX);
    visit_reply_error(visit, &err);
    return NULL;
}

static void refuse(struct job *job, const struct err *err)
{
    job->err = *err;
    job->done = false;
    reply(job);
    job_done(job);
}

void route_docs_add(struct visit *visit)
{
    struct job *job = take(visit, JOB_ADD);
    struct err err = {0};

    if (!job)
        return;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("source", &job->source, 1, RETRIEVAL_SOURCE_BYTES_MAX),
        JSON_MAY_TEXT("title", &job->title, 0, RETRIEVAL_TITLE_BYTES_MAX),
        JSON_TAKE_TEXT("text", &job->text, 1, RETRIEVAL_DOCUMENT_BYTES_MAX),
    };
    if (!json_read(exchange_body(visit->ex), DOCUMENTS_BODY_BYTES_MAX, &job->in, &err) ||
        !json_take(job->in, fields, COUNT(fields), &err))
        refuse(job, &err);
    else
        queue(job->documents, job);
}

void route_docs_remove(struct visit *visit)
{
    struct job *job = take(visit, JOB_REMOVE);
    struct err err = {0};
    uint64_t id = 0;

    if (!job)
        return;
    if (!str_to_u64(visit->id, INT64_MAX, &id)) {
        err_code(&err, ERR_INPUT, "no_such_document", "id", "'%.*s' is no number of a document",
            (int)(visit->id.len < 64 ? visit->id.len : 64), visit->id.at);
        refuse(job, &err);
        return;
    }
    job->id = (int64_t)id;
    queue(job->documents, job);
}

/* A member of the query string, kept with the job; "" if it is not there. */
static bool query_text(
    struct job *job, const char *name, size_t bytes_max, struct str *ret_text, struct err *err)
{
    scoped(buf_done) struct buf value = buf_of(bytes_max);
    bool found;

    if (!http_query_value(exchange_query(job->visit->ex), str_from(name), &value, &found, err))
        return false;
    if (value.overflowed)
        return err_code(
            err, ERR_INPUT, "out_of_range", name, "%s is longer than %zu bytes", name, bytes_max);
    json_t *kept = json_stringn(value.at ? value.at : "", value.len);
    if (!kept)
        return err_code(err, ERR_INPUT, "bad_value", name, "%s is not UTF-8", name);
    if (!job->in)
        job->in = json_object();
    json_object_set_new(job->in, name, kept);
    *ret_text = (struct str){json_string_value(kept), json_string_length(kept)};
    return true;
}

static bool query_limit(struct job *job, int64_t max, struct err *err)
{
    struct str text;
    uint64_t limit = 0;

    if (!query_text(job, "limit", 8, &text, err))
        return false;
    if (text.len && (!str_to_u64(text, (uint64_t)max, &limit) || limit == 0))
        return err_code(err, ERR_INPUT, "out_of_range", "limit",
            "limit is %.*s; 1 to %lld are answered", STR(text), (long long)max);
    job->limit = (int64_t)limit;
    return true;
}

void route_docs(struct visit *visit)
{
    struct job *job = take(visit, JOB_LIST);
    struct err err = {0};

    if (!job)
        return;
    if (!query_text(job, "after", RETRIEVAL_SOURCE_BYTES_MAX, &job->text, &err) ||
        !query_limit(job, 1000, &err))
        refuse(job, &err);
    else
        queue(job->documents, job);
}

/* The vector of the question came, or will not. */
static void on_question(
    void *owner, float *vectors, size_t count, size_t dimensions, enum embedder_why why)
{
    struct job *job = owner;
    struct documents *d = job->documents;

    (void)why; /* words alone, then */
    for (size_t i = 0; i < DOCUMENTS_JOBS_MAX; i++)
        if (d->asking[i] == job)
            d->asking[i] = NULL;
    if (d->closing || !job->visit) {
        free(vectors);
        job_done(job);
        return;
    }
    job->vectors = vectors;
    job->vectors_count = count;
    job->dimensions = dimensions;
    queue(d, job);
}

static bool ask_meaning(struct documents *d, struct job *job)
{
    const char *text = job->text.at;

    for (size_t i = 0; d->embedder && i < DOCUMENTS_JOBS_MAX; i++)
        if (!d->asking[i]) {
            d->asking[i] = job;
            if (embedder_ask(d->embedder, &text, 1, QUERY_WAIT_MS, on_question, job))
                return true;
            d->asking[i] = NULL;
            return false;
        }
    return false;
}

void route_docs_search(struct visit *visit)
{
    struct job *job = take(visit, JOB_SEARCH);
    struct err err = {0};

    if (!job)
        return;
    if (!query_text(job, "q", RETRIEVAL_QUERY_BYTES_MAX, &job->text, &err) ||
        !query_limit(job, RETRIEVAL_HITS_MAX, &err)) {
        refuse(job, &err);
        return;
    }
    if (!ask_meaning(job->documents, job))
        queue(job->documents, job);
}

/* --- life -------------------------------------------------------------------------------- */

void documents_forget(struct gateway *g, const struct visit *visit)
{
    struct documents *d = g->documents;

    if (d->running && d->running->visit == visit)
        d->running->visit = NULL;
    for (struct job *job = d->first; job; job = job->next)
        if (job->visit == visit)
            job->visit = NULL;
    for (size_t i = 0; i < DOCUMENTS_JOBS_MAX; i++)
        if (d->asking[i] && d->asking[i]->visit == visit)
            d->asking[i]->visit = NULL;
}

bool documents_open(struct gateway *g, struct err *err)
{
    const char *vec = role_config_text(g->role, "sqlite_vec");
    const char *model = role_config_text(g->role, "embedding_model");
    struct documents *d = calloc(1, sizeof *d);
    char folder[PATH_MAX], path[PATH_MAX];

    check(d);
    *d = (struct documents){
        .gateway = g, .model = model, .last = &d->first, .batch = RETRIEVAL_EMBED_MAX};
    g->documents = d;
    role_path(g->role, "documents", folder);
    role_path(g->role, "documents/documents.db", path);
    const struct retrieval_config config = {path, *vec ? vec : NULL};
    if (!file_make_folder(folder, 0700, err) || !retrieval_open(&config, &d->retrieval, err))
        return false;
    role_allow_write(g->role, folder);
    return true;
}

bool documents_start(struct gateway *g, struct err *err)
{
    struct documents *d = g->documents;
    const char *vec = role_config_text(g->role, "sqlite_vec");

    if (!*d->model || !*vec)
        return true;
    d->again = calloc(1, sizeof *d->again);
    check(d->again && uv_timer_init(&g->role->loop, d->again) == 0);
    d->again->data = d;
    if (!embedder_open(g, d->model, &d->embedder, err))
        return false;
    embed_more(d);
    return true;
}

static void free_timer(uv_handle_t *handle)
{
    free(handle);
}

void documents_close(struct gateway *g)
{
    struct documents *d = g->documents;

    if (!d)
        return;
    g->documents = NULL;
    d->closing = true;
    if (d->again)
        uv_close((uv_handle_t *)d->again, free_timer);
    if (d->embedder)
        embedder_close(d->embedder);
    while (d->first) {
        struct job *job = d->first;
        d->first = job->next;
        job_done(job);
    }
    if (!d->running)
        finish(d);
}
