/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange — one request and its reply; all that a handler sees of the network. HTTP/1 today,
 * HTTP/2 and gRPC will speak through the same functions.
 *
 * owner    the handler, from handle(exchange, user) until it is finished. Every exchange is
 *          finished
 *          exactly once, at once or later, by one of
 *              exchange_reply…()       the whole reply
 *              exchange_stream_end()   after exchange_stream_begin()
 *              exchange_stream_abort() whatever was said before
 *          Finishing frees it: the pointer is dead when the call returns.
 *          If the client leaves first, on_gone is called once; the exchange stays valid (writes do
 *          nothing and return false) and must still be finished, which may happen inside on_gone.
 *          So nothing leaks and nothing dangles, whoever is first.
 * strings  of the request live until the exchange is finished or exchange_stream_begin() is called
 *          (a stream may last for days: what it needs it copies first).
 * threads  only the thread of the server's loop
 * calls    handle, on_gone and on_drained come from the loop, never from inside a function here
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct exchange;

enum exchange_channel {
    EXCHANGE_LOOPBACK, /* TCP from this machine */
    EXCHANGE_REMOTE,   /* TCP from another */
    EXCHANGE_UNIX,     /* the unix socket: uid and pid are what the kernel says */
};

#define EXCHANGE_ADDRESS_BYTES 64
#define EXCHANGE_NAME_BYTES 65 /* 64 and a terminator */

struct exchange_peer {
    enum exchange_channel channel;
    bool tls;
    uid_t uid;                            /* EXCHANGE_UNIX only, else (uid_t)-1 */
    pid_t pid;                            /* EXCHANGE_UNIX only, else 0; may have ended since */
    char address[EXCHANGE_ADDRESS_BYTES]; /* "127.0.0.1"; "unix" */
};

/* --- the request ------------------------------------------------------------------ */

enum http_method exchange_method(const struct exchange *ex);
/* Percent-decoded, begins with '/', without query; "." ".." and an encoded '/' were refused with
 * 400. */
struct str exchange_path(const struct exchange *ex);
/* exchange_segment(ex, 2) of "/api/v1/cases/ID" is "cases"; .at is NULL behind the last. */
struct str exchange_segment(const struct exchange *ex, size_t part);
/* As sent, without '?'; may be empty. http_query_value() takes it apart. */
struct str exchange_query(const struct exchange *ex);
/* The first header of this name (no case); .at is NULL if there is none. */
struct str exchange_header(const struct exchange *ex, struct str name);
/* Whole, without any transfer coding; at most body_bytes_max of the server. */
struct str exchange_body(const struct exchange *ex);
/* The body's memory becomes the caller's, to be freed with free(). Its bytes stay where they are;
 * exchange_body() is empty from here on. NULL: there was none. */
char *exchange_take_body(struct exchange *ex);
/* The handler holds so many bytes for this request itself, such as a copy that outlives the body:
 * they count in input_bytes_max, as the body does while it is there, so that requests that wait are
 * bounded in sum. Until told otherwise, at most until the exchange is finished. */
void exchange_holds(struct exchange *ex, size_t bytes);
const struct exchange_peer *exchange_peer(const struct exchange *ex);
/* The common name of the client's verified certificate; false: it showed none, is gone, or the name
 * is empty or longer. */
bool exchange_peer_name(const struct exchange *ex, char ret_name[EXCHANGE_NAME_BYTES]);

/* One pointer of the handler's own, NULL at first. */
void exchange_set_data(struct exchange *ex, void *data);
void *exchange_data(const struct exchange *ex);

/* --- the reply, whole ------------------------------------------------------------- */

/* Content-Length, Date and Connection are ours; `fields` (may be NULL) are further headers, such as
 * {S("Cache-Control"), S("no-store")}. An empty content_type sends none. To HEAD the body is not
 * sent. Everything is copied before the call returns. A field that is no legal header makes it a
 * 500. */
void exchange_reply(struct exchange *ex, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count, struct str body);
/* application/json of `body` in compact form; the reference stays the caller's. */
void exchange_reply_json(struct exchange *ex, int status, const json_t *body);
/* {"error":{"message","type","param","code"}} with the status of the kind (err.h), or `status` if
 * not 0. */
void exchange_reply_error(struct exchange *ex, int status, const struct err *err);

/* --- the reply, piece by piece ---------------------------------------------------- */

/* Head of a reply without a known length: chunked (until close for HTTP/1.0). For server-sent
 * events content_type is "text/event-stream". */
void exchange_stream_begin(struct exchange *ex, int status, struct str content_type,
    const struct http_field *fields, size_t fields_count);
/* Sent at once as far as the socket takes it, the rest is queued. false: the client is gone or was
 * just dropped because it was more than stream_behind_bytes_max behind; on_gone follows from the
 * loop. */
bool exchange_stream_write(struct exchange *ex, struct str bytes);
/* Orderly end, and the exchange is freed. */
void exchange_stream_end(struct exchange *ex);
/* Break off: the client sees a torn connection, never an end that looks complete. Finishes too. */
void exchange_stream_abort(struct exchange *ex);
/* Bytes the client has not yet taken. */
size_t exchange_stream_queued(const struct exchange *ex);

/* The same bytes to many streams: one copy however many clients are behind. */
struct shared_bytes;
struct shared_bytes *shared_bytes_make(struct str bytes);
void shared_bytes_drop(struct shared_bytes **at);
bool exchange_stream_share(struct exchange *ex, struct shared_bytes *bytes);

/* --- what may happen meanwhile ---------------------------------------------------- */

/* `call(ex, data)` once if the client leaves before the exchange is finished, also while both are
 * silent. data is exchange_data(). */
void exchange_on_gone(struct exchange *ex, void (*call)(struct exchange *ex, void *data));
bool exchange_gone(const struct exchange *ex);
/* `call(ex, data)` whenever the queue of a stream has fallen below stream_resume_bytes after it was
 * above: for a source that can wait (an upstream, a long export). */
void exchange_on_drained(struct exchange *ex, void (*call)(struct exchange *ex, void *data));
