/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "net/tls_stream.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PIECES_IN_FLIGHT_MAX 32
#define PARTS_MAX 4
#define KEEPALIVE_S 60 /* a machine that vanished is noticed after about two minutes */

struct conn_piece {
    struct conn_piece *next;
    struct shared_bytes *bytes;
    size_t from, to;
};

/* A write that the kernel could not take at once. */
struct flight {
    uv_write_t request;
    struct conn *conn;
    size_t count;
    struct conn_piece *pieces[PIECES_IN_FLIGHT_MAX];
};

static struct conn *conn_of(const void *handle)
{
    return ((const uv_handle_t *)handle)->data;
}

/* --- deadlines ------------------------------------------------------------------------ */

static void arm(struct conn *conn)
{
    uint64_t due = conn->due_ms;

    if (conn->stall_due_ms && (!due || conn->stall_due_ms < due))
        due = conn->stall_due_ms;
    if (conn->closing || !due)
        wheel_disarm(&conn->shared->wheel, &conn->timer);
    else
        wheel_arm(&conn->shared->wheel, &conn->timer, due);
}

void conn_set_due(struct conn *conn, uint64_t ms)
{
    uint64_t due = ms ? uv_now(conn->shared->loop) + ms : 0;

    if (due == conn->due_ms)
        return;
    conn->due_ms = due;
    arm(conn);
}

static uint64_t taken(const struct conn *conn)
{
    return conn->total_bytes - conn_queued(conn);
}

/* The stall clock runs while something is queued and is set back by every byte that the client
 * takes. */
static void watch_stall(struct conn *conn)
{
    bool queued = conn_queued(conn) > 0;

    if (!queued == !conn->stall_due_ms && (!queued || taken(conn) == conn->taken_bytes))
        return;
    conn->taken_bytes = taken(conn);
    conn->stall_due_ms = queued ? uv_now(conn->shared->loop) + conn->shared->write_ms : 0;
    arm(conn);
}

void conn_on_wheel(struct wheel_entry *entry)
{
    struct conn *conn = (struct conn *)((char *)entry - offsetof(struct conn, timer));
    uint64_t now = uv_now(conn->shared->loop);

    if (conn->stall_due_ms && conn->stall_due_ms <= now) {
        if (taken(conn) == conn->taken_bytes) {
            conn_close(conn);
            return;
        }
        watch_stall(conn);
    }
    if (conn->due_ms && conn->due_ms <= now) {
        conn->due_ms = 0;
        conn->protocol->on_due(conn);
    }
    arm(conn);
}

/* --- out ------------------------------------------------------------------------------ */

size_t conn_queued(const struct conn *conn)
{
    return conn->pending_bytes + uv_stream_get_write_queue_size(&conn->stream);
}

static void piece_done(struct conn_piece *piece)
{
    shared_bytes_drop(&piece->bytes);
    free(piece);
}

/* Takes over one reference to `bytes`. */
static void queue_piece(struct conn *conn, struct shared_bytes *bytes, size_t from, size_t to)
{
    struct conn_piece *piece = malloc(sizeof *piece);

    check(piece);
    *piece = (struct conn_piece){.bytes = bytes, .from = from, .to = to};
    if (conn->last)
        conn->last->next = piece;
    else
        conn->first = piece;
    conn->last = piece;
    conn->pending_bytes += to - from;
    conn->total_bytes += to - from;
}

static void on_written(uv_write_t *request, int status);

/* Give the head of the queue to libuv. */
static void take_off(struct conn *conn)
{
    uv_buf_t bufs[PIECES_IN_FLIGHT_MAX];

    if (conn->in_flight || !conn->first || conn->closing)
        return;
    struct flight *flight = malloc(sizeof *flight);
    check(flight);
    flight->conn = conn;
    flight->count = 0;
    while (conn->first && flight->count < PIECES_IN_FLIGHT_MAX) {
        struct conn_piece *piece = conn->first;
        conn->first = piece->next;
        conn->pending_bytes -= piece->to - piece->from;
        bufs[flight->count] =
            uv_buf_init(piece->bytes->data + piece->from, (unsigned)(piece->to - piece->from));
        flight->pieces[flight->count++] = piece;
    }
    if (!conn->first)
        conn->last = NULL;
    conn->in_flight = true;
    if (uv_write(&flight->request, &conn->stream, bufs, (unsigned)flight->count, on_written) == 0)
        return;
    conn->in_flight = false;
    for (size_t i = 0; i < flight->count; i++)
        piece_done(flight->pieces[i]);
    free(flight);
    conn_close(conn);
}

static void after_progress(struct conn *conn)
{
    if (conn->closing)
        return;
    watch_stall(conn);
    if (conn->close_when_flushed && !conn_queued(conn))
        conn_close(conn);
    else
        conn->protocol->on_taken(conn);
}

static void on_written(uv_write_t *request, int status)
{
    struct flight *flight = (struct flight *)request;
    struct conn *conn = flight->conn;

    for (size_t i = 0; i < flight->count; i++)
        piece_done(flight->pieces[i]);
    free(flight);
    conn->in_flight = false;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    take_off(conn);
    after_progress(conn);
}

/* How much the kernel takes right now; what it does not is queued by the caller. */
static size_t write_now(struct conn *conn, const struct str *parts, size_t count)
{
    uv_buf_t bufs[PARTS_MAX];

    if (conn->in_flight || conn->first)
        return 0;
    for (size_t i = 0; i < count; i++)
        bufs[i] = (uv_buf_t){.base = (char *)(uintptr_t)parts[i].at, .len = parts[i].len};
    int written = uv_try_write(&conn->stream, bufs, (unsigned)count);
    if (written >= 0)
        return (size_t)written;
    if (written != UV_EAGAIN)
        conn_close(conn);
    return 0;
}

static void write_raw(struct conn *conn, const struct str *parts, size_t count)
{
    size_t total = 0;

    check(count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    size_t written = write_now(conn, parts, count);
    if (conn->closing || written == total)
        return;
    queue_piece(conn, shared_bytes_plain(parts, count, written), 0, total - written);
    take_off(conn);
    watch_stall(conn);
}

/* What TLS has encrypted goes to the socket. */
static void flush_tls(struct conn *conn)
{
    struct str bytes;

    while (!conn->closing && tls_stream_output(conn->tls, &bytes)) {
        write_raw(conn, &bytes, 1);
        tls_stream_output_done(conn->tls);
    }
}

void conn_write(struct conn *conn, const struct str *parts, size_t count)
{
    if (conn->closing || conn->shut)
        return;
    if (!conn->tls) {
        write_raw(conn, parts, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!tls_stream_encrypt(conn->tls, parts[i])) {
            conn_close(conn);
            return;
        }
    flush_tls(conn);
}

void conn_write_shared(struct conn *conn, struct shared_bytes *bytes, size_t from, size_t to)
{
    struct str part = {bytes->data + from, to - from};

    if (conn->closing || conn->shut)
        return;
    if (conn->tls) {
        conn_write(conn, &part, 1);
        return;
    }
    size_t written = write_now(conn, &part, 1);
    if (conn->closing || written == part.len)
        return;
    bytes->references++;
    queue_piece(conn, bytes, from + written, to);
    take_off(conn);
    watch_stall(conn);
}

/* --- in ------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)suggested;
    *ret_buf = uv_buf_init(conn_of(handle)->shared->read_at, CONN_READ_BYTES);
}

static void read_tls(struct conn *conn, struct str bytes)
{
    while (bytes.len && !conn->closing) {
        size_t used = tls_stream_input(conn->tls, bytes);
        bytes = (struct str){bytes.at + used, bytes.len - used};
        for (;;) {
            size_t len = 0;
            enum tls_answer answer =
                tls_stream_decrypt(conn->tls, conn->shared->plain_at, CONN_READ_BYTES, &len);
            flush_tls(conn); /* handshake and alerts too */
            if (conn->closing)
                return;
            if (answer == TLS_BYTES)
                conn->protocol->on_bytes(conn, (struct str){conn->shared->plain_at, len});
            else if (answer == TLS_END)
                conn->protocol->on_eof(conn);
            else if (answer == TLS_BROKEN)
                conn_close_flushed(conn);
            if (answer != TLS_BYTES)
                break;
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct conn *conn = conn_of(stream);

    if (conn->closing || count == 0)
        return;
    if (count < 0) {
        conn->eof = true;
        uv_read_stop(stream);
        if (count == UV_EOF)
            conn->protocol->on_eof(conn);
        else
            conn_close(conn);
        return;
    }
    struct str bytes = {buf->base, (size_t)count};
    if (conn->tls)
        read_tls(conn, bytes);
    else
        conn->protocol->on_bytes(conn, bytes);
}

void conn_read(struct conn *conn, bool on)
{
    if (conn->closing || conn->eof || conn->reading == on)
        return;
    conn->reading = on;
    if (on)
        check(uv_read_start(&conn->stream, on_alloc, on_read) == 0);
    else
        uv_read_stop(&conn->stream);
}

/* --- life ----------------------------------------------------------------------------- */

static void find_peer(struct conn *conn, bool is_unix)
{
    struct exchange_peer *peer = &conn->peer;
    struct sockaddr_storage address;
    int fd, len = sizeof address;

    *peer = (struct exchange_peer){.channel = EXCHANGE_REMOTE, .uid = (uid_t)-1};
    if (is_unix) {
        struct ucred credentials;
        socklen_t size = sizeof credentials;
        snprintf(peer->address, sizeof peer->address, "unix");
        peer->channel = EXCHANGE_UNIX;
        if (uv_fileno(&conn->handle, &fd) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
            peer->uid = credentials.uid;
            peer->pid = credentials.pid;
        }
        return;
    }
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        uv_ip4_name(in, peer->address, sizeof peer->address);
        if (ntohl(in->sin_addr.s_addr) >> 24 == 127)
            peer->channel = EXCHANGE_LOOPBACK;
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&address;
        uv_ip6_name(in, peer->address, sizeof peer->address);
        if (IN6_IS_ADDR_LOOPBACK(&in->sin6_addr))
            peer->channel = EXCHANGE_LOOPBACK;
    }
}

static void free_handle(uv_handle_t *handle)
{
    free(conn_of(handle));
}

struct conn *conn_accept(struct conn_shared *shared, uv_stream_t *listener,
    const struct conn_protocol *protocol, void *state)
{
    bool is_unix = listener->type == UV_NAMED_PIPE;
    struct conn *conn = calloc(1, sizeof *conn);

    if (!conn)
        return NULL;
    int bad = is_unix ? uv_pipe_init(shared->loop, &conn->pipe, 0)
                      : uv_tcp_init(shared->loop, &conn->tcp);
    check(bad == 0);
    conn->handle.data = conn;
    conn->shared = shared;
    conn->protocol = protocol;
    conn->state = state;
    if (uv_accept(listener, &conn->stream) != 0) {
        uv_close(&conn->handle, free_handle);
        return NULL;
    }
    conn->next = shared->conns;
    if (conn->next)
        conn->next->prev = conn;
    shared->conns = conn;
    find_peer(conn, is_unix);
    if (!is_unix)
        uv_tcp_nodelay(&conn->tcp, 1);
    if (conn->peer.channel == EXCHANGE_REMOTE)
        uv_tcp_keepalive(&conn->tcp, 1, KEEPALIVE_S);
    return conn;
}

void conn_start(struct conn *conn, struct tls_stream *tls)
{
    conn->tls = tls;
    conn->peer.tls = tls != NULL;
    conn_read(conn, true);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->handle->data;

    free(request);
    if (status < 0)
        conn_close(conn);
}

void conn_shut(struct conn *conn)
{
    if (conn->closing || conn->shut)
        return;
    if (conn->tls) {
        tls_stream_end(conn->tls);
        flush_tls(conn);
        if (conn->closing)
            return;
    }
    conn->shut = true;
    uv_shutdown_t *request = malloc(sizeof *request);
    check(request);
    if (uv_shutdown(request, &conn->stream, on_shut) != 0) {
        free(request);
        conn_close(conn);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = conn_of(handle);

    while (conn->first) {
        struct conn_piece *piece = conn->first;
        conn->first = piece->next;
        piece_done(piece);
    }
    tls_stream_close(&conn->tls);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conn->shared->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    conn->protocol->on_closed(conn);
    free(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    wheel_disarm(&conn->shared->wheel, &conn->timer);
    uv_close(&conn->handle, on_closed);
}

void conn_close_flushed(struct conn *conn)
{
    if (conn->tls && !conn->closing && !conn->shut) {
        tls_stream_end(conn->tls);
        flush_tls(conn);
    }
    conn->close_when_flushed = true;
    if (!conn_queued(conn))
        conn_close(conn);
}

/* --- shared bytes --------------------------------------------------------------------- */

struct shared_bytes *shared_bytes_plain(const struct str *parts, size_t count, size_t skip)
{
    size_t total = 0, at = 0;

    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    check(skip <= total);
    struct shared_bytes *bytes = malloc(sizeof *bytes + total - skip);
    check(bytes);
    *bytes =
        (struct shared_bytes){.references = 1, .framed_len = total - skip, .len = total - skip};
    for (size_t i = 0; i < count; i++) {
        size_t hidden = skip < parts[i].len ? skip : parts[i].len;
        if (parts[i].len - hidden)
            memcpy(bytes->data + at, parts[i].at + hidden, parts[i].len - hidden);
        at += parts[i].len - hidden;
        skip -= hidden;
    }
    return bytes;
}

struct shared_bytes *shared_bytes_make(struct str payload)
{
    char head[24];
    int head_len = snprintf(head, sizeof head, "%zx\r\n", payload.len);
    struct str parts[] = {
        {head, (size_t)head_len},
        payload, S("\r\n")
    };
    struct shared_bytes *bytes = shared_bytes_plain(parts, 3, 0);

    bytes->from = (size_t)head_len;
    bytes->len = payload.len;
    return bytes;
}

void shared_bytes_drop(struct shared_bytes **at)
{
    struct shared_bytes *bytes = *at;

    *at = NULL;
    if (bytes && --bytes->references == 0)
        free(bytes);
}
