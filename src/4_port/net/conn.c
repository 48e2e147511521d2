/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "net/tls_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PIECES_IN_FLIGHT_MAX 32
#define PARTS_MAX 4
#define TOGETHER_BYTES_MAX 4096

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
    if (conn->closing) {
        wheel_disarm(&conn->shared->wheel, &conn->timer);
        return;
    }
    /* Armed for earlier: it fires, finds nothing due and is armed again. That is cheaper than to
     * move it with each piece of a stream. */
    if (due && (!conn->timer.next || due < conn->timer.due_ms))
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
            conn_break(conn, UV_ETIMEDOUT);
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

static void drop_queue(struct conn *conn)
{
    while (conn->first) {
        struct conn_piece *piece = conn->first;
        conn->first = piece->next;
        piece_done(piece);
    }
    conn->last = NULL;
    conn->total_bytes -= conn->pending_bytes;
    conn->pending_bytes = 0;
}

/* The peer takes nothing more. */
static void write_failed(struct conn *conn, int why)
{
    if (!conn->protocol->reads_on || conn->eof) {
        conn_break(conn, why);
        return;
    }
    conn->deaf = true;
    drop_queue(conn);
    watch_stall(conn);
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
    int bad = uv_write(&flight->request, &conn->stream, bufs, (unsigned)flight->count, on_written);
    if (!bad)
        return;
    conn->in_flight = false;
    for (size_t i = 0; i < flight->count; i++)
        piece_done(flight->pieces[i]);
    free(flight);
    write_failed(conn, bad);
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
    if (conn->closing)
        return;
    if (status < 0) {
        write_failed(conn, status);
        return;
    }
    take_off(conn);
    after_progress(conn);
}

/* As send(2), of all parts. One plain send is a tenth cheaper than writev, which libuv would use:
 * small parts are copied together for it. */
static ssize_t send_parts(struct conn *conn, const struct str *parts, size_t count, size_t total)
{
    char together[TOGETHER_BYTES_MAX];
    struct iovec vector[PARTS_MAX];
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    size_t at = 0;
    int fd = conn->fd;

    if (count == 1)
        return send(fd, parts[0].at, parts[0].len, flags);
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){(char *)(uintptr_t)parts[i].at, parts[i].len};
        if (total <= sizeof together && parts[i].len)
            memcpy(together + at, parts[i].at, parts[i].len);
        at += parts[i].len;
    }
    return total <= sizeof together ? send(fd, together, total, flags)
                                    : sendmsg(fd, &message, flags);
}

/* How much the kernel takes right now; what it does not is queued by the caller. */
static size_t write_now(struct conn *conn, const struct str *parts, size_t count)
{
    size_t total = 0;
    ssize_t written;

    if (conn->in_flight || conn->first)
        return 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    if (!total)
        return 0;
    do {
        errno = EBADF;
        written = send_parts(conn, parts, count, total);
    } while (written < 0 && errno == EINTR);
    if (written >= 0)
        return (size_t)written;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
        write_failed(conn, uv_translate_sys_error(errno));
    return 0;
}

static void write_raw(struct conn *conn, const struct str *parts, size_t count)
{
    size_t total = 0;

    check(count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    size_t written = write_now(conn, parts, count);
    if (conn->closing || conn->deaf || written == total)
        return;
    queue_piece(conn, shared_bytes_plain(parts, count, written, SIZE_MAX), 0, total - written);
    take_off(conn);
    watch_stall(conn);
}

/* Not all fits: a slice of it is queued, and when that was taken there is room again. */
static size_t write_some_plain(struct conn *conn, const struct str *parts, size_t count)
{
    size_t total = 0;

    check(count <= PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    size_t written = write_now(conn, parts, count);
    if (conn->closing || conn->deaf || written == total || conn->first || conn->in_flight)
        return written;
    struct shared_bytes *slice = shared_bytes_plain(parts, count, written, CONN_SLICE_BYTES);
    size_t len = slice->len;
    queue_piece(conn, slice, 0, len);
    take_off(conn);
    watch_stall(conn);
    return written + len;
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

size_t conn_write_some(struct conn *conn, const struct str *parts, size_t count)
{
    size_t done = 0;

    if (conn->closing || conn->shut || conn->deaf)
        return 0;
    if (!conn->tls)
        return write_some_plain(conn, parts, count);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].len;) {
            size_t left = parts[i].len - at;
            size_t step = left < CONN_SLICE_BYTES ? left : CONN_SLICE_BYTES;
            if (conn_queued(conn))
                return done;
            struct str slice = {parts[i].at + at, step};
            conn_write(conn, &slice, 1);
            if (conn->closing || conn->deaf)
                return done;
            at += step;
            done += step;
        }
    return done;
}

void conn_write(struct conn *conn, const struct str *parts, size_t count)
{
    if (conn->closing || conn->shut || conn->deaf)
        return;
    if (!conn->tls) {
        write_raw(conn, parts, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!tls_stream_encrypt(conn->tls, parts[i])) {
            conn_break(conn, UV_EPROTO);
            return;
        }
    flush_tls(conn);
}

void conn_write_shared(struct conn *conn, struct shared_bytes *bytes, size_t from, size_t to)
{
    struct str part = {bytes->data + from, to - from};

    if (conn->closing || conn->shut || conn->deaf)
        return;
    if (conn->tls) {
        conn_write(conn, &part, 1);
        return;
    }
    size_t written = write_now(conn, &part, 1);
    if (conn->closing || conn->deaf || written == part.len)
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

static void tell_open(struct conn *conn)
{
    conn->open = true;
    conn->protocol->on_open(conn);
}

/* What TLS makes of the bytes it has. */
static void decrypt(struct conn *conn)
{
    enum tls_answer answer;

    do {
        size_t len = 0;
        answer = tls_stream_decrypt(conn->tls, conn->shared->plain_at, CONN_READ_BYTES, &len);
        flush_tls(conn); /* handshake and alerts too */
        if (!conn->closing && !conn->open && tls_stream_agreed(conn->tls))
            tell_open(conn);
        if (conn->closing)
            return;
        if (answer == TLS_BYTES) {
            conn->protocol->on_bytes(conn, (struct str){conn->shared->plain_at, len});
        } else if (answer == TLS_END) {
            conn->clean_end = true;
            conn->protocol->on_eof(conn);
        } else if (answer == TLS_BROKEN) {
            conn->broke = UV_EPROTO;
            conn_close_flushed(conn);
        }
    } while (answer == TLS_BYTES && !conn->closing);
}

static void read_tls(struct conn *conn, struct str bytes)
{
    while (bytes.len && !conn->closing) {
        size_t used = tls_stream_input(conn->tls, bytes);
        bytes = (struct str){bytes.at + used, bytes.len - used};
        decrypt(conn);
    }
}

static void know_fd(struct conn *conn)
{
    check(uv_fileno(&conn->handle, &conn->fd) == 0);
}

void conn_begin(struct conn *conn)
{
    know_fd(conn);
    conn_read(conn, true);
    if (conn->tls)
        decrypt(conn); /* it says hello */
    else
        tell_open(conn);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct conn *conn = conn_of(stream);

    if (conn->closing || count == 0)
        return;
    if (count < 0) {
        conn->eof = true;
        uv_read_stop(stream);
        if (count != UV_EOF) {
            conn_break(conn, (int)count);
            return;
        }
        conn->clean_end = conn->clean_end || !conn->tls;
        conn->protocol->on_eof(conn);
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

void conn_start(struct conn *conn, struct tls_stream *tls)
{
    know_fd(conn);
    conn->tls = tls;
    conn->peer.tls = tls != NULL;
    conn_read(conn, true);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->handle->data;

    free(request);
    if (status < 0)
        conn_break(conn, status);
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

    drop_queue(conn);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conn->shared->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    conn->protocol->on_closed(conn);
    tls_stream_close(&conn->tls);
    free(conn);
}

void conn_break(struct conn *conn, int why)
{
    if (!conn->broke && !conn->closing)
        conn->broke = why;
    conn_close(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    conn->fd = -1; /* uv_close() gives the number away */
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
