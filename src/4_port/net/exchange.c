/* SPDX-License-Identifier: Apache-2.0 */
#include "net/exchange.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "net/server.h"

#define REPLY_JSON_BYTES_MAX (64u << 20)

static const struct request *request_of(const struct exchange *ex)
{
    if (!ex->request)
        panic("the request's strings are gone: exchange_stream_begin() was called");
    return ex->request;
}

enum http_method exchange_method(const struct exchange *ex)
{
    return ex->method;
}

struct str exchange_path(const struct exchange *ex)
{
    return request_of(ex)->path;
}

struct str exchange_segment(const struct exchange *ex, size_t part)
{
    return http_path_segment(request_of(ex)->path, part);
}

struct str exchange_query(const struct exchange *ex)
{
    const struct http_head *head = &request_of(ex)->head;
    return http_head_str(head, head->query);
}

struct str exchange_header(const struct exchange *ex, struct str name)
{
    return http_head_field(&request_of(ex)->head, name);
}

struct str exchange_body(const struct exchange *ex)
{
    return buf_str(&request_of(ex)->body);
}

char *exchange_take_body(struct exchange *ex)
{
    struct buf *body = ex->request ? &ex->request->body : NULL;
    char *bytes = body ? body->at : NULL;

    if (body)
        *body = buf_of(body->bytes_max);
    ex->server->counts.input_bytes -= ex->body_bytes;
    ex->body_bytes = 0;
    return bytes;
}

void exchange_holds(struct exchange *ex, size_t bytes)
{
    ex->server->counts.input_bytes += bytes - ex->held_bytes;
    ex->held_bytes = bytes;
}

const struct exchange_peer *exchange_peer(const struct exchange *ex)
{
    return &ex->peer;
}

bool exchange_peer_name(const struct exchange *ex, char ret_name[EXCHANGE_NAME_BYTES])
{
    return !exchange_gone(ex) && ex->transport->peer_name(ex, ret_name);
}

void exchange_set_data(struct exchange *ex, void *data)
{
    ex->data = data;
}

void *exchange_data(const struct exchange *ex)
{
    return ex->data;
}

bool exchange_gone(const struct exchange *ex)
{
    return !ex->stream || !ex->transport->alive(ex);
}

void exchange_on_gone(struct exchange *ex, void (*call)(struct exchange *ex, void *data))
{
    ex->gone = call;
}

void exchange_on_drained(struct exchange *ex, void (*call)(struct exchange *ex, void *data))
{
    ex->drained = call;
}

void exchange_lose(struct exchange *ex)
{
    ex->stream = NULL;
    if (ex->gone)
        ex->gone(ex, ex->data);
}

void exchange_taken(struct exchange *ex)
{
    if (!ex->above || ex->transport->stream_queued(ex) >=
                          (size_t)ex->server->config.limits.stream_resume_bytes + 1)
        return;
    ex->above = false;
    if (ex->drained)
        ex->drained(ex, ex->data);
}

/* --- replies ---------------------------------------------------------------------------- */

/* A handler put something into a header that would end its line. The client gets a 500 instead. */
static bool replace_bad_fields(struct http_reply_head *head, struct buf *ret_body)
{
    head->checked = http_reply_head_valid(head);
    if (head->checked)
        return false;
    server_error_body(ret_body, err_word(ERR_SYSTEM), "bad_reply_header", NULL,
        "a header of the reply held a control character; this is an error in the server");
    *head = (struct http_reply_head){.status = 500, .content_type = S("application/json")};
    return true;
}

void exchange_reply(struct exchange *ex, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count, struct str body)
{
    scoped(buf_done) struct buf instead = buf_of(4096);
    struct http_reply_head head = {.status = status,
        .content_type = content_type,
        .fields = fields,
        .fields_count = fields_count};

    check(status >= 200 && status <= 599);
    if (ex->begun)
        panic("exchange_reply() after exchange_stream_begin()");
    if (!exchange_gone(ex)) {
        if (replace_bad_fields(&head, &instead))
            body = buf_str(&instead);
        ex->transport->reply(ex, &head, body);
    } else if (ex->stream) {
        ex->transport->stream_end(ex, true); /* it is closing: it must forget us */
    }
    server_exchange_free(ex);
}

void exchange_reply_json(struct exchange *ex, int status, const json_t *body)
{
    scoped(free_done) char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);

    check(text);
    exchange_reply(ex, status, S("application/json"), NULL, 0, str_from(text));
}

void exchange_reply_error(struct exchange *ex, int status, const struct err *err)
{
    scoped(buf_done) struct buf body = buf_of(8192);

    server_error_body(&body, err_word(err->kind), err->code, err->param, err->message);
    exchange_reply(ex, status ? status : err_http_status(err->kind), S("application/json"), NULL, 0,
        buf_str(&body));
}

void exchange_stream_begin(struct exchange *ex, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count)
{
    scoped(buf_done) struct buf instead = buf_of(4096);
    struct http_reply_head head = {.status = status,
        .content_type = content_type,
        .fields = fields,
        .fields_count = fields_count};

    check(status >= 200 && status <= 599 && !ex->begun);
    ex->begun = true;
    replace_bad_fields(&head, &instead);
    if (!exchange_gone(ex))
        ex->transport->stream_begin(ex, &head);
    server_exchange_give_request(ex);
}

static bool stream_out(struct exchange *ex, struct shared_bytes *shared, struct str bytes)
{
    check(ex->begun);
    if (exchange_gone(ex))
        return false;
    if (!bytes.len || ex->method == METHOD_HEAD)
        return true;
    if (!ex->transport->stream_write(ex, shared, bytes))
        return false;
    ex->above = ex->above || ex->transport->stream_queued(ex) >
                                 (size_t)ex->server->config.limits.stream_resume_bytes;
    return true;
}

bool exchange_stream_write(struct exchange *ex, struct str bytes)
{
    return stream_out(ex, NULL, bytes);
}

bool exchange_stream_share(struct exchange *ex, struct shared_bytes *bytes)
{
    return stream_out(ex, bytes, (struct str){bytes->data + bytes->from, bytes->len});
}

size_t exchange_stream_queued(const struct exchange *ex)
{
    return exchange_gone(ex) ? 0 : ex->transport->stream_queued(ex);
}

static void finish_stream(struct exchange *ex, bool torn)
{
    if (ex->stream)
        ex->transport->stream_end(ex, torn);
    server_exchange_free(ex);
}

void exchange_stream_end(struct exchange *ex)
{
    check(ex->begun);
    finish_stream(ex, false);
}

void exchange_stream_abort(struct exchange *ex)
{
    finish_stream(ex, true);
}
