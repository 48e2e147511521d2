/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/embedder.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/inside.h"
#include "net/upstream.h"
#include "retrieval/retrieval.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES_MAX_EMBED (1024 * 1024)

struct embedding {
    struct embedder *embedder;
    struct upstream_call *call; /* NULL: this place is free */
    uv_timer_t *timer;
    struct buf body, reply;
    size_t count;
    int status;
    embedder_answered *answered;
    void *owner;
};

struct embedder {
    struct upstream *upstream;
    struct upstream_place *place;
    const char *model;
    struct embedding calls[EMBEDDER_CALLS_MAX];
};

/* --- the reply, read strictly -------------------------------------------------------- */

static bool read_vector(const json_t *numbers, size_t dimensions, float *ret)
{
    for (size_t i = 0; i < dimensions; i++) {
        const json_t *number = json_array_get(numbers, i);
        double value = json_number_value(number);
        if (!json_is_number(number) || !(fabs(value) <= 1e30))
            return false;
        ret[i] = (float)value;
    }
    return true;
}

/* Each index once, all of one length. */
static bool read_data(const json_t *data, size_t count, float **ret_vectors, size_t *ret_dimensions)
{
    size_t dimensions = json_array_size(json_object_get(json_array_get(data, 0), "embedding"));
    bool seen[EMBEDDER_TEXTS_MAX] = {false};

    if (json_array_size(data) != count || dimensions == 0 || dimensions > RETRIEVAL_DIMENSIONS_MAX)
        return false;
    scoped(free_done) float *vectors = calloc(count, dimensions * sizeof *vectors);
    check(vectors);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(data, i), *at = json_object_get(row, "index");
        const json_t *numbers = json_object_get(row, "embedding");
        json_int_t index = json_is_integer(at) ? json_integer_value(at) : (json_int_t)i;
        if (index < 0 || (size_t)index >= count || seen[index] ||
            json_array_size(numbers) != dimensions ||
            !read_vector(numbers, dimensions, vectors + (size_t)index * dimensions))
            return false;
        seen[index] = true;
    }
    *ret_vectors = vectors;
    vectors = NULL;
    *ret_dimensions = dimensions;
    return true;
}

bool embedder_read(
    const char *text, size_t bytes, size_t count, float **ret_vectors, size_t *ret_dimensions)
{
    scoped(json_done) json_t *reply = NULL;
    struct err err;

    return count > 0 && count <= EMBEDDER_TEXTS_MAX &&
           json_read((struct str){text, bytes}, EMBEDDER_REPLY_BYTES_MAX, &reply, &err) &&
           read_data(json_object_get(reply, "data"), count, ret_vectors, ret_dimensions);
}

/* --- calls --------------------------------------------------------------------------- */

static void end(struct embedding *e, float *vectors, size_t dimensions, enum embedder_why why)
{
    embedder_answered *answered = e->answered;
    void *owner = e->owner;

    uv_timer_stop(e->timer);
    e->call = NULL;
    buf_done(&e->body);
    buf_done(&e->reply);
    answered(owner, vectors, vectors ? e->count : 0, dimensions, why);
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct embedding *e = user;

    (void)call;
    e->status = reply->status;
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct embedding *e = user;

    (void)call;
    buf_add(&e->reply, bytes);
}

static void on_end(struct upstream_call *call, const struct upstream_end *how, void *user)
{
    struct embedding *e = user;
    float *vectors = NULL;
    size_t dimensions = 0;

    (void)call;
    if (how->how == UPSTREAM_WHOLE && e->status == 200 && !e->reply.overflowed && e->reply.len)
        (void)embedder_read(e->reply.at, e->reply.len, e->count, &vectors, &dimensions);
    bool refused = how->how == UPSTREAM_WHOLE && e->status >= 400 && e->status < 500 &&
                   e->status != 404 && e->status != 408 && e->status != 429;
    end(e, vectors, dimensions,
        vectors   ? EMBEDDER_DONE
        : refused ? EMBEDDER_REFUSED
                  : EMBEDDER_AWAY);
}

static const struct upstream_hooks HOOKS = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

static void on_late(uv_timer_t *timer)
{
    struct embedding *e = timer->data;

    upstream_cancel(e->call);
    end(e, NULL, 0, EMBEDDER_AWAY);
}

static struct embedding *free_place(struct embedder *embedder)
{
    for (size_t i = 0; i < EMBEDDER_CALLS_MAX; i++)
        if (!embedder->calls[i].call)
            return &embedder->calls[i];
    return NULL;
}

static bool write_body(
    const struct embedder *embedder, const char *const *texts, size_t count, struct buf *out)
{
    scoped(json_done) json_t *input = json_array();
    struct err err;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(input, json_string(texts[i]));
    scoped(json_done) json_t *body =
        json_pack("{s:s, s:O}", "model", embedder->model, "input", input);
    return body && json_plain(body, out, &err);
}

bool embedder_ask(struct embedder *embedder, const char *const *texts, size_t count,
    int64_t wait_ms, embedder_answered *answered, void *owner)
{
    static const struct http_field FIELDS[] = {{S("Content-Type"), S("application/json")}};
    struct embedding *e = free_place(embedder);
    struct err err;

    if (!e || count == 0 || count > EMBEDDER_TEXTS_MAX)
        return false;
    e->body = buf_of(BODY_BYTES_MAX_EMBED);
    e->reply = buf_of(EMBEDDER_REPLY_BYTES_MAX);
    e->count = count;
    e->status = 0;
    e->answered = answered;
    e->owner = owner;
    int64_t budget_ms = wait_ms ? wait_ms : EMBEDDER_BUDGET_MS;
    const struct upstream_request request = {.method = METHOD_POST,
        .path = S("/v1/embeddings"),
        .fields = FIELDS,
        .fields_count = COUNT(FIELDS),
        .hooks = &HOOKS,
        .user = e,
        .head_ms = budget_ms};
    if (write_body(embedder, texts, count, &e->body)) {
        struct upstream_request whole = request;
        whole.body = buf_str(&e->body);
        e->call = upstream_send(embedder->place, &whole, &err);
    }
    if (!e->call) {
        buf_done(&e->body);
        return false;
    }
    return uv_timer_start(e->timer, on_late, (uint64_t)budget_ms, 0) == 0;
}

/* --- life ---------------------------------------------------------------------------- */

bool embedder_open(
    struct gateway *g, const char *model, struct embedder **ret_embedder, struct err *err)
{
    struct embedder *embedder = calloc(1, sizeof *embedder);
    char url[GATEWAY_URL_BYTES];

    check(embedder);
    gateway_own_url(g, url);
    embedder->model = model;
    embedder->upstream = upstream_make(&g->role->loop, &g->settings.upstream);
    for (size_t i = 0; i < EMBEDDER_CALLS_MAX; i++) {
        struct embedding *e = &embedder->calls[i];
        e->embedder = embedder;
        e->timer = calloc(1, sizeof *e->timer);
        check(e->timer && uv_timer_init(&g->role->loop, e->timer) == 0);
        e->timer->data = e;
    }
    *ret_embedder = embedder;
    return upstream_place_open(embedder->upstream, url, NULL, NULL, &embedder->place, err);
}

static void free_timer(uv_handle_t *handle)
{
    free(handle);
}

static void free_embedder(void *user)
{
    free(user);
}

void embedder_close(struct embedder *embedder)
{
    for (size_t i = 0; i < EMBEDDER_CALLS_MAX; i++) {
        struct embedding *e = &embedder->calls[i];
        if (e->call) {
            upstream_cancel(e->call);
            end(e, NULL, 0, EMBEDDER_AWAY);
        }
        uv_close((uv_handle_t *)e->timer, free_timer);
    }
    upstream_place_close(&embedder->place);
    upstream_close(embedder->upstream, free_embedder, embedder);
}
