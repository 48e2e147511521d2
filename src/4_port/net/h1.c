/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1: one request at a time per connection. What is pipelined stays unparsed, up to a bound;
 * the socket is read on while a request is handled: a client that leaves is seen. */
#include "base/panic.h"
#include "base/scoped.h"
#include "http/chunks.h"
#include "net/server.h"
#include "net/tls_stream.h"

#include <stdlib.h>

/* Beyond this much unparsed input behind the request in hand the socket is not read. */
#define PIPELINED_BYTES_MAX 32768
#define SMALL_BODY_BYTES 4096 /* copied behind its head: one piece to write instead of two */

#define REFUSAL(name, status, code, message)                                                       \
    static const struct http_refusal name = {status, code, message}

REFUSAL(BODY_TOO_LONG, 413, "body_too_long", "the request body is longer than this server takes");
REFUSAL(HEAD_TIMEOUT, 408, "head_timeout", "the request head did not arrive in time");
REFUSAL(BODY_TIMEOUT, 408, "body_timeout", "the request body did not arrive in time");
REFUSAL(FULL, 503, "too_many_connections",
    "the server has as many connections as it takes; try again later");
REFUSAL(NO_ROOM, 503, "too_much_input",
    "the server holds as many unfinished requests as it takes; try again later");

enum h1_phase {
    H1_HEAD,   /* between requests, or inside a head */
    H1_BODY,   /* the head is read, the body is not */
    H1_HANDLE, /* the handler has the exchange */
    H1_FLUSH,  /* the last reply is on its way */
    H1_LINGER, /* FIN is sent, what still comes is thrown away */
};

struct h1 {
    struct http_server *server;
    struct conn *conn;
    struct buf in; /* what is not parsed yet */
    struct http_guard guard;
    struct request *request; /* H1_BODY */
    struct http_chunks *chunks;
    struct exchange *ex; /* H1_HANDLE */
    uint64_t body_left, body_bytes_max;
    uint64_t lingered_bytes;
    size_t accounted_bytes;
    enum h1_phase phase;
    bool running;     /* inside run(): no need to wake it */
    bool is_ready;    /* in the server's list */
    bool in_head;     /* its first byte has come */
    bool kept;        /* not the first request */
    bool keep_alive;  /* after this reply */
    bool until_close; /* the stream's end is the connection's */
    bool chunked;     /* the stream's framing */
    bool minor;       /* HTTP/1.1 */
    bool linger;      /* H1_FLUSH: there may be unread input */
};

static struct h1 *h1_of(const struct conn *conn)
{
    return conn->state;
}

static const struct http_limits *limits_of(const struct h1 *h1)
{
    return &h1->server->config.limits;
}

/* Keep the server's sum of unparsed and unfinished bytes true. */
static void account(struct h1 *h1)
{
    size_t now = h1->in.cap + (h1->request ? h1->request->body.cap : 0);

    h1->server->counts.input_bytes += now - h1->accounted_bytes;
    h1->accounted_bytes = now;
}

/* --- the way out ---------------------------------------------------------------------- */

static void end_linger(struct h1 *h1)
{
    h1->phase = H1_LINGER;
    conn_shut(h1->conn);
    conn_read(h1->conn, true);
    conn_set_due(h1->conn, (uint64_t)limits_of(h1)->linger_ms);
}

/* The last reply is written or queued: FIN behind it. With unread input we drain first, or the
 * reset that answers it would eat the reply. */
static void end_after_flush(struct h1 *h1, bool linger)
{
    h1->phase = H1_FLUSH;
    h1->linger = linger;
    buf_done(&h1->in);
    http_chunks_done(&h1->chunks);
    server_request_give(h1->server, &h1->request);
    account(h1);
    if (linger && !h1->conn->eof)
        end_linger(h1);
    else
        conn_close_flushed(h1->conn);
}

static enum err_kind kind_of(int status)
{
    if (status == 403 || status == 421)
        return ERR_DENIED;
    return status == 408 || status == 413 || status == 431 || status == 503 ? ERR_LIMIT : ERR_INPUT;
}

static void refuse(struct h1 *h1, const struct http_refusal *refusal)
{
    scoped(buf_done) struct buf body = buf_of(4096);
    struct buf *out = &h1->server->scratch;
    struct http_reply_head head = {.status = refusal->status,
        .close = true,
        .date = server_date(h1->server),
        .content_type = S("application/json")};

    server_error_body(
        &body, err_word(kind_of(refusal->status)), refusal->code, NULL, refusal->message);
    head.length = body.len;
    buf_clear(out);
    check(http_reply_head_encode(&head, out));
    if (!h1->request || h1->request->head.method != METHOD_HEAD)
        buf_add(out, buf_str(&body));
    h1->server->counts.refused_requests++;
    struct str bytes = buf_str(out);
    conn_write(h1->conn, &bytes, 1);
    end_after_flush(h1, true);
}

/* A reply is complete: close, or on to the next request. */
static void next_request(struct h1 *h1)
{
    h1->ex = NULL;
    if (!h1->keep_alive || h1->server->stopping || h1->until_close) {
        end_after_flush(h1, h1->in.len > 0);
        return;
    }
    h1->phase = H1_HEAD;
    h1->kept = true;
    h1->in_head = false;
    h1->guard = (struct http_guard){0};
    conn_set_due(h1->conn, (uint64_t)limits_of(h1)->idle_ms);
    conn_read(h1->conn, true);
    if (!h1->running && (h1->in.len || h1->conn->eof) && !h1->is_ready) {
        h1->is_ready = true;
        server_ready(h1->server, h1->conn);
    }
}

/* --- the transport behind exchange ------------------------------------------------------ */

static bool has_body(int status)
{
    return status != 204 && status != 304;
}

static void fill_head(struct h1 *h1, struct http_reply_head *head)
{
    head->date = server_date(h1->server);
    head->close = !h1->keep_alive || h1->server->stopping || h1->until_close;
    head->keep_alive = !head->close && !h1->minor;
    buf_clear(&h1->server->scratch);
    check(http_reply_head_encode(head, &h1->server->scratch));
}

static void on_reply(struct exchange *ex, const struct http_reply_head *head, struct str body)
{
    struct h1 *h1 = ex->stream;
    struct buf *out = &h1->server->scratch;
    struct http_reply_head full = *head;

    full.framing = has_body(head->status) ? HTTP_LENGTH : HTTP_UNTIL_CLOSE;
    full.length = body.len;
    fill_head(h1, &full);
    if (ex->method == METHOD_HEAD || !has_body(head->status))
        body.len = 0;
    if (body.len <= SMALL_BODY_BYTES) {
        buf_add(out, body);
        body.len = 0;
    }
    struct str parts[] = {buf_str(out), body};
    conn_write(h1->conn, parts, body.len ? 2 : 1);
    next_request(h1);
}

static void on_stream_begin(struct exchange *ex, const struct http_reply_head *head)
{
    struct h1 *h1 = ex->stream;
    struct http_reply_head full = *head;

    h1->chunked = h1->minor && has_body(head->status);
    h1->until_close = !h1->minor && has_body(head->status);
    full.framing = h1->chunked ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
    fill_head(h1, &full);
    struct str bytes = buf_str(&h1->server->scratch);
    conn_write(h1->conn, &bytes, 1);
}

static size_t on_stream_queued(const struct exchange *ex)
{
    return conn_queued(((const struct h1 *)ex->stream)->conn);
}

static bool on_stream_write(struct exchange *ex, struct shared_bytes *shared, struct str bytes)
{
    struct h1 *h1 = ex->stream;
    char size[CHUNK_SIZE_BYTES];

    if (conn_queued(h1->conn) + bytes.len > (size_t)limits_of(h1)->stream_behind_bytes_max &&
        conn_queued(h1->conn) > 0) {
        h1->server->counts.dropped_slow++;
        conn_close(h1->conn);
        return false;
    }
    if (shared) {
        conn_write_shared(h1->conn, shared, h1->chunked ? 0 : shared->from,
            h1->chunked ? shared->framed_len : shared->from + shared->len);
    } else if (h1->chunked) {
        struct str parts[] = {chunk_size(size, bytes.len), bytes, S("\r\n")};
        conn_write(h1->conn, parts, 3);
    } else {
        conn_write(h1->conn, &bytes, 1);
    }
    return !h1->conn->closing;
}

static void on_stream_end(struct exchange *ex, bool torn)
{
    struct h1 *h1 = ex->stream;

    if (torn && !(ex->method == METHOD_HEAD && ex->begun))
        conn_close(h1->conn);
    if (h1->conn->closing) {
        h1->ex = NULL;
        return;
    }
    if (h1->chunked && ex->method != METHOD_HEAD) {
        struct str last = S("0\r\n\r\n");
        conn_write(h1->conn, &last, 1);
    }
    next_request(h1);
}

static bool on_alive(const struct exchange *ex)
{
    return !((const struct h1 *)ex->stream)->conn->closing;
}

static bool on_peer_name(const struct exchange *ex, char ret_name[EXCHANGE_NAME_BYTES])
{
    const struct conn *conn = ((const struct h1 *)ex->stream)->conn;

    return conn->tls && tls_stream_peer_name(conn->tls, ret_name, EXCHANGE_NAME_BYTES);
}

static const struct exchange_transport TRANSPORT = {
    .reply = on_reply,
    .stream_begin = on_stream_begin,
    .stream_write = on_stream_write,
    .stream_end = on_stream_end,
    .stream_queued = on_stream_queued,
    .peer_name = on_peer_name,
    .alive = on_alive,
};

/* --- requests ------------------------------------------------------------------------- */

static void hand_over(struct h1 *h1)
{
    struct exchange *ex = server_exchange_make(h1->server, h1->request);

    ex->transport = &TRANSPORT;
    ex->stream = h1;
    ex->peer = h1->conn->peer;
    http_chunks_done(&h1->chunks);
    h1->request = NULL;
    account(h1); /* its body is counted with the exchange now */
    h1->ex = ex;
    h1->phase = H1_HANDLE;
    h1->until_close = h1->chunked = false;
    conn_set_due(h1->conn, 0);
    h1->server->counts.requests++;
    h1->server->config.handle(ex, h1->server->config.user);
}

/* The head in `bytes` is whole: copy it to where it can stay, and judge it there. */
static const struct http_refusal *take_head(struct h1 *h1, struct str bytes)
{
    struct request *request = server_request_take(h1->server);
    const struct http_refusal *refusal;

    h1->request = request;
    request->text.bytes_max = 2 * HTTP_HEAD_BYTES_LIMIT;
    check(buf_room(&request->text, 2 * bytes.len)); /* so that it does not move any more */
    buf_add(&request->text, bytes);
    refusal = http_head_parse(buf_str(&request->text), &request->head);
    if (refusal) {
        server_request_give(h1->server, &h1->request);
        return refusal;
    }
    struct http_head *head = &request->head;
    struct str raw = http_head_str(head, head->path);
    char *decoded = request->text.at + request->text.len;
    request->path = (struct str){0};
    if (head->method == METHOD_OPTIONS && str_eq(raw, S("*")))
        request->path = raw;
    else if (http_path_decode(raw, decoded, &request->path.len))
        request->path.at = decoded;
    h1->minor = head->minor == 1;
    h1->keep_alive = head->keep_alive;
    refusal = server_judge(h1->server, request, h1->conn->tls != NULL);
    if (refusal)
        return refusal;
    h1->body_bytes_max = server_body_bytes(h1->server, request);
    if (head->content_length > h1->body_bytes_max)
        return &BODY_TOO_LONG;
    bool fits = !head->content_length || server_room(h1->server, request, head->content_length);
    return fits ? NULL : &NO_ROOM;
}

static void begin_body(struct h1 *h1, bool nothing_yet)
{
    const struct http_head *head = &h1->request->head;

    h1->phase = H1_BODY;
    h1->request->body.bytes_max = (size_t)h1->body_bytes_max;
    h1->body_left = head->content_length;
    if (head->chunked)
        h1->chunks = http_chunks_make();
    conn_set_due(h1->conn, (uint64_t)limits_of(h1)->body_ms);
    if (head->expects_continue && nothing_yet) {
        struct str go_on = S("HTTP/1.1 100 Continue\r\n\r\n");
        conn_write(h1->conn, &go_on, 1);
    }
}

/* All there is since the head began; returns how much of it was the head, 0 if it is not whole. */
static size_t read_head(struct h1 *h1, struct str bytes)
{
    size_t whole;
    const struct http_refusal *refusal =
        http_guard_look(&h1->guard, bytes, (size_t)limits_of(h1)->head_bytes_max, &whole);

    if (!refusal && !whole) {
        if (!h1->in_head)
            conn_set_due(h1->conn, (uint64_t)limits_of(h1)->head_ms);
        h1->in_head = true;
        return 0;
    }
    if (!refusal)
        refusal = take_head(h1, (struct str){bytes.at, whole});
    if (refusal) {
        refuse(h1, refusal);
        return 0;
    }
    if (h1->request->head.chunked || h1->request->head.content_length)
        begin_body(h1, whole == bytes.len);
    else
        hand_over(h1);
    return whole;
}

static size_t read_body(struct h1 *h1, struct str bytes)
{
    const struct http_refusal *refusal = NULL;
    struct buf *body = &h1->request->body;
    size_t used = bytes.len;
    bool whole = false;

    if (h1->chunks) {
        refusal = http_chunks_feed(h1->chunks, bytes, body, &used, &whole);
    } else {
        used = bytes.len < h1->body_left ? bytes.len : (size_t)h1->body_left;
        buf_add(body, (struct str){bytes.at, used});
        h1->body_left -= used;
        whole = h1->body_left == 0;
    }
    account(h1);
    if (!refusal && !server_room(h1->server, h1->request, 0))
        refusal = &NO_ROOM;
    if (refusal) {
        refuse(h1, refusal);
        return 0;
    }
    if (whole)
        hand_over(h1);
    return used;
}

/* Parse as far as it goes; returns what is used up. */
static size_t run(struct h1 *h1, struct str bytes)
{
    size_t used = 0;

    h1->running = true;
    while (
        used < bytes.len && !h1->conn->closing && (h1->phase == H1_HEAD || h1->phase == H1_BODY)) {
        struct str rest = {bytes.at + used, bytes.len - used};
        size_t step = h1->phase == H1_HEAD ? read_head(h1, rest) : read_body(h1, rest);
        used += step;
        if (!step)
            break;
    }
    h1->running = false;
    return h1->phase == H1_FLUSH || h1->phase == H1_LINGER || h1->conn->closing ? bytes.len : used;
}

/* What run() left stays until more comes or the reply is out. */
static void keep_rest(struct h1 *h1)
{
    if (!h1->in.len)
        buf_done(&h1->in);
    account(h1);
    if (h1->phase == H1_HANDLE && h1->in.len >= PIPELINED_BYTES_MAX)
        conn_read(h1->conn, false);
    if (h1->server->counts.input_bytes <= (uint64_t)limits_of(h1)->input_bytes_max || !h1->in.len)
        return;
    if (h1->phase == H1_HEAD || h1->phase == H1_BODY)
        refuse(h1, &NO_ROOM);
    else if (h1->phase == H1_HANDLE)
        conn_close(h1->conn);
}

static void run_kept(struct h1 *h1)
{
    struct buf in = h1->in; /* a refusal empties it while it is looked at */

    h1->in = buf_of(in.bytes_max);
    size_t used = run(h1, buf_str(&in));
    buf_drop(&in, used);
    if (h1->phase == H1_FLUSH || h1->phase == H1_LINGER || h1->conn->closing)
        buf_done(&in);
    else
        h1->in = in;
    keep_rest(h1);
}

static void on_bytes(struct conn *conn, struct str bytes)
{
    struct h1 *h1 = h1_of(conn);

    if (h1->phase == H1_FLUSH)
        return;
    if (h1->phase == H1_LINGER) {
        h1->lingered_bytes += bytes.len;
        if (h1->lingered_bytes > (uint64_t)limits_of(h1)->linger_bytes_max)
            conn_close(conn);
        return;
    }
    if (h1->in.len) {
        buf_add(&h1->in, bytes);
        check(!h1->in.overflowed);
        run_kept(h1);
        return;
    }
    size_t used = run(h1, bytes);
    if (used < bytes.len) {
        buf_add(&h1->in, (struct str){bytes.at + used, bytes.len - used});
        keep_rest(h1);
    } else if (h1->in.at || h1->accounted_bytes) {
        keep_rest(h1);
    }
}

void h1_resume(struct conn *conn)
{
    struct h1 *h1 = h1_of(conn);

    h1->is_ready = false;
    if (conn->closing || h1->phase != H1_HEAD)
        return;
    if (h1->in.len)
        run_kept(h1);
    if (conn->eof && h1->phase == H1_HEAD)
        conn_close_flushed(conn);
}

/* Who sends nothing more while the request is handled has left: the work is not wanted. */
static void on_eof(struct conn *conn)
{
    struct h1 *h1 = h1_of(conn);

    conn->eof = true;
    switch (h1->phase) {
    case H1_HEAD:
        if (h1->is_ready)
            return; /* h1_resume() sees it */
        conn_close_flushed(conn);
        break;
    case H1_BODY:
    case H1_HANDLE:
        conn_close(conn);
        break;
    case H1_FLUSH:
    case H1_LINGER:
        conn_close_flushed(conn);
        break;
    }
}

static void on_taken(struct conn *conn)
{
    struct h1 *h1 = h1_of(conn);

    if (h1->ex && h1->ex->begun)
        exchange_taken(h1->ex);
}

static void on_due(struct conn *conn)
{
    struct h1 *h1 = h1_of(conn);

    switch (h1->phase) {
    case H1_HEAD:
        if (h1->in_head)
            refuse(h1, &HEAD_TIMEOUT);
        else
            conn_close_flushed(conn); /* silent: nothing was asked */
        break;
    case H1_BODY:
        refuse(h1, &BODY_TIMEOUT);
        break;
    case H1_HANDLE:
        break;
    case H1_FLUSH:
    case H1_LINGER:
        conn_close(conn);
        break;
    }
}

static void on_closed(struct conn *conn)
{
    struct h1 *h1 = h1_of(conn);
    struct http_server *server = h1->server;
    struct exchange *ex = h1->ex;

    h1->ex = NULL;
    buf_done(&h1->in);
    http_chunks_done(&h1->chunks);
    server_request_give(server, &h1->request);
    account(h1);
    free(h1);
    if (ex)
        exchange_lose(ex);
    server_conn_closed(server, conn);
}

const struct conn_protocol H1_PROTOCOL = {
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_taken = on_taken,
    .on_due = on_due,
    .on_closed = on_closed,
};

void *h1_make(struct http_server *server)
{
    struct h1 *h1 = calloc(1, sizeof *h1);

    check(h1);
    h1->server = server;
    h1->in = buf_of(
        (size_t)server->config.limits.head_bytes_max + PIPELINED_BYTES_MAX + CONN_READ_BYTES);
    return h1;
}

void h1_free(void *state)
{
    free(state);
}

void h1_start(struct conn *conn, struct tls_stream *tls)
{
    struct h1 *h1 = h1_of(conn);

    h1->conn = conn;
    conn_start(conn, tls);
    conn_set_due(conn, (uint64_t)limits_of(h1)->head_ms);
}

void h1_refuse_full(struct conn *conn, struct tls_stream *tls)
{
    struct h1 *h1 = h1_of(conn);

    h1_start(conn, tls);
    if (tls)
        conn_close(conn); /* a handshake only to say no is what a flood wants */
    else
        refuse(h1, &FULL);
}

void h1_drain(struct conn *conn)
{
    if (h1_of(conn)->phase == H1_HEAD && !h1_of(conn)->in_head)
        conn_close_flushed(conn);
}
