/* SPDX-License-Identifier: Apache-2.0
 *
 * server — what the parts of an HTTP server share: the exchange's inside, the transport behind it,
 * the pool of request buffers, the counts. Internal to net/.
 */
#pragma once

#include "http/head.h"
#include "net/conn.h"
#include "net/exchange.h"
#include "net/http_server.h"

/* How a protocol carries a reply: HTTP/1 has one, HTTP/2 and gRPC will have theirs. Each call
 * happens only while the exchange still has its client (ex->stream is set). */
struct exchange_transport {
    void (*reply)(struct exchange *ex, const struct http_reply_head *head, struct str body);
    void (*stream_begin)(struct exchange *ex, const struct http_reply_head *head);
    bool (*stream_write)(struct exchange *ex, struct shared_bytes *shared, struct str bytes);
    /* torn: so that the client cannot take it for a whole reply */
    void (*stream_end)(struct exchange *ex, bool torn);
    size_t (*stream_queued)(const struct exchange *ex);
    /* false: no verified certificate with a name */
    bool (*peer_name)(const struct exchange *ex, char ret_name[EXCHANGE_NAME_BYTES]);
    /* false: the connection is closing, only on_gone has not been called yet. */
    bool (*alive)(const struct exchange *ex);
};

/* A request's memory, taken from a pool and given back when its strings die. */
struct request {
    struct request *next_free;
    struct http_head head;
    struct str path; /* decoded; lies in text */
    struct buf text; /* the head's bytes, then the decoded path */
    struct buf body;
};

struct exchange {
    struct exchange *next_free;
    struct http_server *server;
    const struct exchange_transport *transport;
    void *stream;            /* the transport's; NULL: the client is gone */
    struct request *request; /* NULL once a stream began */
    enum http_method method;
    size_t body_bytes; /* of its request, and held for it by the handler: in counts.input_bytes */
    size_t held_bytes;
    bool begun; /* stream_begin was called */
    bool above; /* the queue was above stream_resume_bytes */
    void *data;
    void (*gone)(struct exchange *ex, void *data);
    void (*drained)(struct exchange *ex, void *data);
    struct exchange_peer peer;
};

/* The transport lost its client: tell the handler. */
void exchange_lose(struct exchange *ex);
/* Something was taken: perhaps the handler wants to know. */
void exchange_taken(struct exchange *ex);

/* Connections beyond connections_max that get a 503 and are drained; more are just closed. */
#define SERVER_REFUSALS_AT_ONCE_MAX 64

struct http_listener;

struct http_server {
    struct conn_shared shared;
    struct http_server_config config;
    struct http_server_counts counts;
    struct http_listener *listeners;
    struct conn **ready; /* connections with pipelined input to go on with */
    size_t ready_count, ready_cap;
    uv_idle_t idle;
    size_t exchanges, handles;
    struct request *free_requests;
    struct exchange *free_exchanges;
    size_t free_requests_count, free_exchanges_count;
    struct buf scratch;
    int64_t date_s;
    uint64_t date_turn_ms; /* of uv_now(): the clock is read once for each turn of the loop */
    char date[HTTP_DATE_BYTES];
    uint16_t port;
    bool stopping, closing, ending;
    void (*closed)(void *user);
    void *closed_user;
};

struct request *server_request_take(struct http_server *server);
void server_request_give(struct http_server *server, struct request **at);
struct exchange *server_exchange_make(struct http_server *server, struct request *request);
void server_exchange_free(struct exchange *ex);
/* The request's strings die before the exchange does. */
void server_exchange_give_request(struct exchange *ex);
struct str server_date(struct http_server *server);
/* Go on with this connection's pipelined input from the loop. */
void server_ready(struct http_server *server, struct conn *conn);
/* A connection is gone for good. */
void server_conn_closed(struct http_server *server, struct conn *conn);

/* Free the server if it is closing and nothing of it is left. */
void server_end_if_done(struct http_server *server);
void listeners_close(struct http_server *server);

/* NULL, or why a request with this head must not reach the handler: Host, Origin, path. */
const struct http_refusal *server_judge(
    const struct http_server *server, const struct request *request, bool tls);

/* How long a body with this head may be. Decided with the head: what is too long is not read. */
uint64_t server_body_bytes(const struct http_server *server, const struct request *request);
/* False: what all hold leaves no room for so many bytes more of it. */
bool server_room(const struct http_server *server, const struct request *request, uint64_t more);

/* {"error":…} appended to `out`. */
void server_error_body(
    struct buf *out, const char *type, const char *code, const char *param, const char *message);

/* --- HTTP/1 ------------------------------------------------------------------------------ */

extern const struct conn_protocol H1_PROTOCOL;
/* The state for conn_accept(), and afterwards its connection. */
void *h1_make(struct http_server *server);
void h1_free(void *state);
void h1_start(struct conn *conn, struct tls_stream *tls);
/* For a server that is full: 503 and close. */
void h1_refuse_full(struct conn *conn, struct tls_stream *tls);
/* Read what was pipelined while the last request was handled. */
void h1_resume(struct conn *conn);
/* Close if nothing is being handled, else after the reply. */
void h1_drain(struct conn *conn);
