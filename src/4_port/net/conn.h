/* SPDX-License-Identifier: Apache-2.0
 *
 * conn — one socket, a client's that we accepted or ours to an engine: bytes in as they come, bytes
 * out through a queue, perhaps through TLS, two deadlines, and the news that the peer has left.
 * Internal to net/.
 *
 * What the bytes mean is the protocol's affair (h1.c, upstream_line.c; HTTP/2 later), chosen when
 * the connection opens.
 *
 * owner    itself, from conn_accept() or conn_make() until the protocol's on_closed; conn_close()
 *          only begins it
 * memory   the struct and nothing else while nothing is queued; bytes are read into one buffer per
 *          loop
 */
#pragma once

#include "base/str.h"
#include "net/exchange.h"
#include "net/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct conn;
struct conn_piece;
struct tls_stream;

#define CONN_READ_BYTES 65536
#define CONN_SLICE_BYTES 16384

/* What all connections of a loop share. */
struct conn_shared {
    uv_loop_t *loop;
    struct wheel wheel;
    struct conn *conns; /* all of them, linked by next */
    uint64_t write_ms;
    char *read_at;  /* CONN_READ_BYTES */
    char *plain_at; /* as many, for what TLS decrypted */
};

struct conn_protocol {
    /* Connected, with TLS agreed; may be NULL for those that were accepted. */
    void (*on_open)(struct conn *conn);
    /* `bytes` die with the call; they lie in a buffer of the loop and may be overwritten. */
    void (*on_bytes)(struct conn *conn, struct str bytes);
    /* The peer sends nothing more, or is gone. */
    void (*on_eof)(struct conn *conn);
    /* Some of the queue was taken. */
    void (*on_taken)(struct conn *conn);
    /* The time of conn_set_due() has come. */
    void (*on_due)(struct conn *conn);
    /* The last call; conn is freed after it. */
    void (*on_closed)(struct conn *conn);
    /* A peer that takes nothing more may have said why: read on until it ends. */
    bool reads_on;
};

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct conn *prev, *next;
    struct conn_shared *shared;
    const struct conn_protocol *protocol;
    void *state;                     /* the protocol's */
    struct tls_stream *tls;          /* NULL: plain */
    struct conn_piece *first, *last; /* queued and not yet given to the kernel */
    size_t pending_bytes;            /* in that list */
    uint64_t total_bytes;            /* ever queued, with what is in flight */
    uint64_t taken_bytes;            /* of total_bytes when the stall clock was set */
    struct wheel_entry timer;
    uint64_t due_ms, stall_due_ms; /* of uv_now(); 0: none */
    bool in_flight, reading, closing, shut, close_when_flushed, eof;
    bool open;      /* on_open was called, or it was accepted */
    bool clean_end; /* with eof: not torn, as far as the transport can tell */
    bool deaf;      /* reads_on: the peer takes nothing more */
    int fd;         /* once it is open; -1 */
    int broke;      /* why it closed by itself: a libuv error; UV_EPROTO for TLS, else 0 */
    struct exchange_peer peer;
};

/* One accepted from `listener` (its data is not looked at). false: the kernel had none, or no
 * memory. */
struct conn *conn_accept(struct conn_shared *shared, uv_stream_t *listener,
    const struct conn_protocol *protocol, void *state);
/* Begin reading; after this the protocol is called. */
void conn_start(struct conn *conn, struct tls_stream *tls);

/* One of our own, not connected yet. */
struct conn *conn_make(
    struct conn_shared *shared, bool is_unix, const struct conn_protocol *protocol, void *state);
/* Then on_open or on_closed, from the loop. `tls` (may be NULL) is taken over. */
void conn_connect_tcp(struct conn *conn, const struct sockaddr *address, struct tls_stream *tls);
void conn_connect_unix(struct conn *conn, const char *path);

/* Reading is on after conn_start(). While it is off the peer's leaving is not seen. */
void conn_read(struct conn *conn, bool on);

/* Write now as far as possible, queue the rest. A broken connection closes itself. */
void conn_write(struct conn *conn, const struct str *parts, size_t count);
/* Write as far as the peer takes it now and a little more (CONN_SLICE_BYTES); returns how much,
 * which is less than all only if on_taken will follow, or the connection broke. For what is too
 * large to be copied. */
size_t conn_write_some(struct conn *conn, const struct str *parts, size_t count);
/* bytes from..to of `bytes`; keeps a reference instead of a copy where it can. */
void conn_write_shared(struct conn *conn, struct shared_bytes *bytes, size_t from, size_t to);
/* Bytes the peer's kernel has not taken yet. */
size_t conn_queued(const struct conn *conn);

/* In `ms` from now, 0 for never. */
void conn_set_due(struct conn *conn, uint64_t ms);

/* Send FIN once all is written; reading goes on. */
void conn_shut(struct conn *conn);
/* At once, what is queued is dropped. on_closed comes from the loop. */
void conn_close(struct conn *conn);
/* Once all is written. */
void conn_close_flushed(struct conn *conn);

/* The same, for a reason of the transport's (conn->broke). */
void conn_break(struct conn *conn, int why);
/* For conn_open.c: connected, go on with TLS or on_open. */
void conn_begin(struct conn *conn);

/* For the wheel of conn_shared. */
void conn_on_wheel(struct wheel_entry *entry);
/* Buffers and wheel; `write_ms` as in conn_shared. */
void conn_shared_init(struct conn_shared *shared, uv_loop_t *loop, uint64_t write_ms);
/* The wheel was closed. */
void conn_shared_done(struct conn_shared *shared);

/* --- shared bytes, inside ----------------------------------------------------------- */

/* data is a complete chunk: "5\r\nhello\r\n"; the payload lies in it at from. */
struct shared_bytes {
    size_t references;
    size_t framed_len, from, len;
    char data[];
};

/* Without chunk framing: framed_len is len. At most `most` bytes behind the first `skip`. */
struct shared_bytes *shared_bytes_plain(
    const struct str *parts, size_t count, size_t skip, size_t most);

#define CHUNK_SIZE_BYTES 18
/* "1f\r\n" within `text` of so many bytes; once for each piece of a stream, so without printf. */
struct str chunk_size(char *text, size_t len);
