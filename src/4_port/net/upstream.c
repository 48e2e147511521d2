/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upstream.h"

#include "base/panic.h"
#include "net/upstream_inside.h"

#include <signal.h>
#include <stdlib.h>

void upstream_limits_default(struct upstream_limits *ret_limits)
{
    *ret_limits = (struct upstream_limits){
#define UPSTREAM_LIMIT(name, min, max, standard, help) .name = standard,
#include "net/upstream_limits.def"
#undef UPSTREAM_LIMIT
    };
}

static void check_limits(const struct upstream_limits *limits)
{
#define UPSTREAM_LIMIT(name, min, max, standard, help)                                             \
    if (limits->name < (min) || limits->name > (max))                                              \
        panic("upstream limit %s is %lld", #name, (long long)limits->name);
#include "net/upstream_limits.def"
#undef UPSTREAM_LIMIT
}

struct upstream *upstream_make(uv_loop_t *loop, const struct upstream_limits *limits)
{
    struct upstream *upstream = calloc(1, sizeof *upstream);

    check(upstream);
    check_limits(limits);
    signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    upstream->limits = *limits;
    conn_shared_init(&upstream->shared, loop, (uint64_t)limits->upstream_write_ms);
    return upstream;
}

/* --- memory of calls ---------------------------------------------------------------------- */

static struct upstream_call *call_take(struct upstream_place *place)
{
    struct upstream *upstream = place->upstream;
    struct upstream_call *call = upstream->free_calls;
    struct buf head = buf_of(UPSTREAM_REQUEST_BYTES_MAX);

    if (call) {
        upstream->free_calls = call->next_free;
        upstream->free_calls_count--;
        head = call->head;
        buf_clear(&head);
    } else {
        call = malloc(sizeof *call);
        check(call);
    }
    *call = (struct upstream_call){.place = place, .head = head};
    return call;
}

void call_free(struct upstream_call *call)
{
    struct upstream *upstream = call->place->upstream;

    if (upstream->closing || upstream->free_calls_count >= UPSTREAM_FREE_CALLS_MAX ||
        call->head.cap > UPSTREAM_WARM_BYTES_MAX) {
        buf_done(&call->head);
        free(call);
        return;
    }
    call->next_free = upstream->free_calls;
    upstream->free_calls = call;
    upstream->free_calls_count++;
}

void call_end(struct upstream_call *call, enum upstream_how how, const struct err *err)
{
    static const struct err NONE = {.kind = ERR_NONE};
    struct upstream_end end = {
        .how = how, .sent = call->sent, .began = call->began, .err = err ? err : &NONE};

    call->line = NULL;
    call->hooks->on_end(call, &end, call->user);
    call_free(call);
}

/* --- calls -------------------------------------------------------------------------------- */

static uint64_t limit_of(int64_t own_ms, int64_t standard_ms)
{
    if (own_ms)
        return own_ms < 0 ? 0 : (uint64_t)own_ms;
    return (uint64_t)standard_ms;
}

static bool encode(struct upstream_call *call, const struct upstream_request *request)
{
    enum http_method method = request->method;
    bool length = request->body.len || method == METHOD_POST || method == METHOD_PUT ||
                  method == METHOD_PATCH;

    return http_request_head_encode(method, request->path, str_from(call->place->authority),
               request->fields, request->fields_count, length ? HTTP_LENGTH : HTTP_UNTIL_CLOSE,
               request->body.len, &call->head) &&
           !call->head.overflowed;
}

struct upstream_call *upstream_send(
    struct upstream_place *place, const struct upstream_request *request, struct err *err)
{
    const struct upstream_limits *limits = &place->upstream->limits;

    check(request->hooks && request->hooks->on_head && request->hooks->on_body &&
          request->hooks->on_end);
    if (place->closing) {
        err_code(err, ERR_SYSTEM, "place_closed", NULL, "%s was taken out of use", place->url);
        return NULL;
    }
    if (!place->idle && place->counts.open >= (uint64_t)limits->upstream_connections_max) {
        err_code(err, ERR_LIMIT, "upstream_full", "upstream_connections_max",
            "all %llu connections to %s are busy; try again later",
            (unsigned long long)place->counts.open, place->url);
        return NULL;
    }
    struct upstream_call *call = call_take(place);
    if (!encode(call, request)) {
        call_free(call);
        err_code(err, ERR_INPUT, "bad_request", "path",
            "the path or a header of the request to %s is no legal one, or is not the caller's",
            place->url);
        return NULL;
    }
    call->hooks = request->hooks;
    call->user = request->user;
    call->body = request->body;
    call->to_head_request = request->method == METHOD_HEAD;
    call->head_ms = limit_of(request->head_ms, limits->upstream_head_ms);
    call->stall_ms = limit_of(request->stall_ms, limits->upstream_stall_ms);
    place->counts.calls++;
    struct upstream_line *line = place_take_idle(place);
    if (!line) {
        place_connect(place, call);
        return call;
    }
    place->counts.reused++;
    line->call = call;
    call->line = line;
    line_begin(line);
    return call;
}

void upstream_pause(struct upstream_call *call)
{
    if (!call->line || call->paused)
        return;
    call->paused = true;
    if (call->phase == PHASE_CONNECT)
        return;
    conn_read(call->line->conn, false);
    line_arm(call->line);
}

void upstream_resume(struct upstream_call *call)
{
    if (!call->line || !call->paused)
        return;
    call->paused = false;
    if (call->phase == PHASE_CONNECT)
        return;
    conn_read(call->line->conn, true);
    line_arm(call->line);
}

void upstream_cancel(struct upstream_call *call)
{
    check(call->line); /* not in its own on_end or on_whole: there it has ended */
    call->line->call = NULL;
    conn_close(call->line->conn);
    call_free(call);
}

void *upstream_user(const struct upstream_call *call)
{
    return call->user;
}

struct upstream_place *upstream_place_of(const struct upstream_call *call)
{
    return call->place;
}

bool upstream_sent(const struct upstream_call *call)
{
    return call->sent;
}

/* --- the end ------------------------------------------------------------------------------ */

static void on_wheel_closed(uv_handle_t *handle)
{
    struct wheel *wheel = handle->data;
    struct upstream *upstream =
        (struct upstream *)((char *)wheel - offsetof(struct upstream, shared.wheel));
    void (*closed)(void *) = upstream->closed;
    void *user = upstream->closed_user;

    while (upstream->free_calls) {
        struct upstream_call *call = upstream->free_calls;
        upstream->free_calls = call->next_free;
        buf_done(&call->head);
        free(call);
    }
    conn_shared_done(&upstream->shared);
    free(upstream);
    if (closed)
        closed(user);
}

void upstream_end_if_done(struct upstream *upstream)
{
    if (!upstream->closing || upstream->ending || upstream->places || upstream->lookups)
        return;
    upstream->ending = true;
    wheel_close(&upstream->shared.wheel, on_wheel_closed);
}

void upstream_close(struct upstream *upstream, void (*closed)(void *user), void *user)
{
    check(!upstream->closing);
    upstream->closing = true;
    upstream->closed = closed;
    upstream->closed_user = user;
    for (struct upstream_place *place = upstream->places, *next; place; place = next) {
        next = place->next;
        upstream_place_close(&(struct upstream_place *){place});
    }
    upstream_end_if_done(upstream);
}
