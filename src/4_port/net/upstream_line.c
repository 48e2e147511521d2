/* SPDX-License-Identifier: Apache-2.0
 * One connection to an engine: it opens, carries one call at a time, and is kept or closed. */
#include "base/panic.h"
#include "net/tls_stream.h"
#include "net/upstream_inside.h"

static struct upstream_line *line_of(const struct conn *conn)
{
    return conn->state;
}

static uint64_t now_of(const struct upstream_line *line)
{
    return uv_now(line->place->upstream->shared.loop);
}

/* --- ends -------------------------------------------------------------------------------- */

/* The call ends and the connection with it. */
static void fail(struct upstream_line *line, enum upstream_how how, enum err_kind kind,
    const char *code, const char *why)
{
    struct upstream_call *call = line->call;
    struct err err;

    err_code(&err, kind, code, NULL, "%s: %s", line->place->url, why);
    line->call = NULL;
    conn_close(line->conn);
    call_end(call, how, &err);
}

/* The rule of upstream.h: kept, closed without an answer, and at once. */
static bool is_stale(const struct upstream_line *line)
{
    const struct upstream_call *call = line->call;
    uint64_t stale_ms = (uint64_t)line->place->upstream->limits.upstream_stale_ms;

    return line->kept && !call->answered && !call->retried && stale_ms &&
           now_of(line) - call->sent_ms <= stale_ms;
}

static void retry(struct upstream_line *line)
{
    struct upstream_call *call = line->call;

    line->call = NULL;
    conn_close(line->conn);
    call->retried = true;
    call->written = 0;
    call->phase = PHASE_CONNECT;
    call->place->counts.retried++;
    place_connect(call->place, call);
}

/* The engine ended the connection before the reply was whole. */
static void torn(struct upstream_line *line, const char *why)
{
    if (is_stale(line))
        retry(line);
    else if (!line->call->answered)
        fail(line, UPSTREAM_TORN, ERR_PEER, "no_reply", why);
    else
        fail(line, UPSTREAM_TORN, ERR_PEER, "reply_torn", why);
}

/* --- out --------------------------------------------------------------------------------- */

void line_arm(struct upstream_line *line)
{
    const struct upstream_call *call = line->call;
    uint64_t ms = 0;

    if (!call->paused && call->phase == PHASE_HEAD && call->head_ms)
        ms = call->head_ms;
    else if (!call->paused && call->phase >= PHASE_HEAD && call->answered)
        ms = call->stall_ms;
    conn_set_due(line->conn, ms);
}

/* What is not written yet; returns how many parts that is. */
static size_t unwritten(const struct upstream_call *call, struct str *ret_parts)
{
    struct str head = buf_str(&call->head), body = call->body;
    size_t count = 0, at = call->written;

    if (at < head.len)
        ret_parts[count++] = (struct str){head.at + at, head.len - at};
    at = at < head.len ? 0 : at - head.len;
    if (at < body.len)
        ret_parts[count++] = (struct str){body.at + at, body.len - at};
    return count;
}

static bool is_written(const struct upstream_call *call)
{
    return call->written == call->head.len + call->body.len;
}

static void send_more(struct upstream_line *line)
{
    struct upstream_call *call = line->call;
    struct str parts[2];
    size_t count = unwritten(call, parts);
    size_t written = conn_write_some(line->conn, parts, count);

    call->written += written;
    call->sent = call->sent || written || line->conn->closing || line->conn->deaf;
    if (is_written(call) || line->conn->deaf) {
        call->phase = PHASE_HEAD;
        line_arm(line);
    }
}

void line_begin(struct upstream_line *line)
{
    struct upstream_call *call = line->call;

    http_reply_begin(&line->reader, call->to_head_request ? METHOD_HEAD : METHOD_GET,
        (size_t)line->place->upstream->limits.upstream_head_bytes_max);
    call->phase = PHASE_SEND;
    call->sent_ms = now_of(line);
    conn_set_due(line->conn, 0);
    if (call->paused)
        conn_read(line->conn, false);
    send_more(line);
}

/* The caller's body may die in on_head: what is not written yet is copied now. */
static void write_rest(struct upstream_line *line)
{
    struct str parts[2];
    size_t count = unwritten(line->call, parts);

    conn_write(line->conn, parts, count);
    line->call->written = line->call->head.len + line->call->body.len;
}

/* --- in ---------------------------------------------------------------------------------- */

/* The reply is whole: the call is off the line, which is kept if it may be. */
static void release(struct upstream_line *line, bool good)
{
    const struct upstream_place *place = line->place;
    struct conn *conn = line->conn;

    line->call = NULL;
    if (!good || conn->closing || conn->eof || conn->deaf || place->closing || conn_queued(conn) ||
        place->counts.idle >= (uint64_t)place->upstream->limits.upstream_idle_max) {
        conn_close(conn);
        return;
    }
    line->kept = true;
    conn_read(conn, true);
    line_set_idle(line, true);
    conn_set_due(conn, (uint64_t)place->upstream->limits.upstream_idle_ms);
}

/* Tell the call what came; false: it is not on this line any more. */
static bool tell(struct upstream_line *line, const struct http_reply_news *news)
{
    struct upstream_call *call = line->call;
    struct upstream *upstream = line->place->upstream;

    if (news->head) {
        if (!is_written(call))
            write_rest(line);
        call->began = true;
        call->phase = PHASE_BODY;
        call->hooks->on_head(call, &upstream->reply, call->user);
        if (line->call != call || line->conn->closing)
            return false;
    }
    if (news->body.len) {
        call->hooks->on_body(call, news->body, call->user);
        if (line->call != call || line->conn->closing)
            return false;
    }
    return true;
}

/* Head and body in one. */
static void tell_whole(struct upstream_line *line, const struct http_reply_news *news)
{
    struct upstream_call *call = line->call;

    call->began = true;
    line->call = NULL;
    call->line = NULL;
    call->hooks->on_whole(call, &line->place->upstream->reply, news->body, call->user);
    call_free(call);
}

static void on_bytes(struct conn *conn, struct str bytes)
{
    struct upstream_line *line = line_of(conn);
    struct upstream_call *call = line->call;
    struct http_reply_news news;

    if (!call || call->phase == PHASE_CONNECT) {
        conn_close(conn); /* an engine that speaks unasked */
        return;
    }
    call->answered = true;
    const struct http_refusal *refusal = http_reply_feed(&line->reader, (char *)(uintptr_t)bytes.at,
        bytes.len, &line->place->upstream->reply, &news);
    if (refusal) {
        fail(line, UPSTREAM_BAD_REPLY, ERR_PEER, refusal->code, refusal->message);
        return;
    }
    bool good = news.end && news.keep_alive && news.used == bytes.len;
    if (news.head && news.end && call->hooks->on_whole && is_written(call)) {
        tell_whole(line, &news);
        http_reply_settle(&line->reader);
        release(line, good);
        return;
    }
    if (!tell(line, &news))
        return;
    http_reply_settle(&line->reader);
    if (!news.end) {
        if (call->phase == PHASE_BODY || !call->head_ms)
            line_arm(line); /* else a head in drops would never be late */
        return;
    }
    release(line, good);
    call_end(call, UPSTREAM_WHOLE, NULL);
}

static void on_eof(struct conn *conn)
{
    struct upstream_line *line = line_of(conn);
    struct upstream_call *call = line->call;

    if (!call) {
        conn_close(conn);
    } else if (call->phase == PHASE_CONNECT) {
        conn_break(conn, UV_ECONNRESET);
    } else if (http_reply_ends_at_close(&line->reader) && conn->clean_end) {
        release(line, false);
        call_end(call, UPSTREAM_WHOLE, NULL);
    } else {
        torn(line, call->answered ? "the engine ended the connection inside its reply"
                                  : "the engine ended the connection without a reply");
    }
}

static void on_taken(struct conn *conn)
{
    struct upstream_line *line = line_of(conn);

    if (line->call && line->call->phase == PHASE_SEND)
        send_more(line);
}

static void on_due(struct conn *conn)
{
    struct upstream_line *line = line_of(conn);

    if (!line->call) {
        conn_close(conn);
        return;
    }
    switch (line->call->phase) {
    case PHASE_CONNECT:
        fail(line, UPSTREAM_TIMED_OUT, ERR_PEER, "connect_timeout",
            "no connection within upstream_connect_ms");
        break;
    case PHASE_SEND:
        break; /* the stall clock of conn */
    case PHASE_HEAD:
        fail(line, UPSTREAM_TIMED_OUT, ERR_PEER, "head_timeout",
            "the reply did not begin within upstream_head_ms");
        break;
    case PHASE_BODY:
        fail(line, UPSTREAM_TIMED_OUT, ERR_PEER, "stall_timeout",
            "nothing of the reply came for upstream_stall_ms");
        break;
    }
}

static void on_open(struct conn *conn)
{
    struct upstream_line *line = line_of(conn);

    line->place->counts.connects++;
    if (line->call)
        line_begin(line);
    else
        conn_close(conn);
}

/* --- closed ------------------------------------------------------------------------------- */

static const char *code_of_connect(int broke)
{
    switch (broke) { /* clang-format off */
    case UV_ECONNREFUSED: return "connection_refused";
    case UV_EHOSTUNREACH: case UV_ENETUNREACH: case UV_EHOSTDOWN: return "host_unreachable";
    case UV_ENOENT: return "socket_missing";
    case UV_ETIMEDOUT: return "connect_timeout";
    case UV_EPROTO: return "tls_failed";
    default: return broke <= UV_EAI_ADDRFAMILY && broke >= UV_EAI_PROTOCOL ? "name_unknown"
                                                                          : "connect_failed";
    } /* clang-format on */
}

static void end_unconnected(struct upstream_line *line)
{
    struct conn *conn = line->conn;
    const char *why = conn->broke == UV_EPROTO && conn->tls ? tls_stream_reason(conn->tls)
                                                            : uv_strerror(conn->broke);

    fail(line, conn->broke == UV_ETIMEDOUT ? UPSTREAM_TIMED_OUT : UPSTREAM_REFUSED, ERR_PEER,
        code_of_connect(conn->broke), why);
}

static void end_broken(struct upstream_line *line)
{
    struct upstream_call *call = line->call;
    struct conn *conn = line->conn;

    if (line->place->closing) {
        fail(line, UPSTREAM_CLOSED, ERR_SYSTEM, "place_closed", "it was taken out of use");
    } else if (call->phase == PHASE_CONNECT) {
        end_unconnected(line);
    } else if (conn->broke == UV_ETIMEDOUT && call->phase == PHASE_SEND) {
        fail(line, UPSTREAM_TIMED_OUT, ERR_PEER, "write_timeout",
            "the engine took nothing of the request for upstream_write_ms");
    } else if (conn->broke == UV_EPROTO && conn->tls && !call->answered) {
        /* of TLS 1.3: a server that refuses our certificate says so behind the handshake */
        fail(line, UPSTREAM_REFUSED, ERR_PEER, "tls_failed", tls_stream_reason(conn->tls));
    } else {
        torn(line, uv_strerror(conn->broke ? conn->broke : UV_ECONNRESET));
    }
}

static void on_closed(struct conn *conn)
{
    struct upstream_line *line = line_of(conn);

    if (line->call && line->call->phase == PHASE_CONNECT && !line->place->closing && conn->broke &&
        line_connect_next(line))
        return;
    if (line->call)
        end_broken(line);
    line_free(line);
}

const struct conn_protocol UPSTREAM_PROTOCOL = {
    .on_open = on_open,
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_taken = on_taken,
    .on_due = on_due,
    .on_closed = on_closed,
    .reads_on = true,
};
