/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream_inside — what the parts of the HTTP client share. Internal to net/.
 *
 *     upstream.c        calls, hooks, the end
 *     upstream_place.c  places, their lines, names and addresses
 *     upstream_line.c   what happens on one connection
 */
#pragma once

#include "base/buf.h"
#include "net/conn.h"
#include "net/upstream.h"

#define UPSTREAM_FREE_CALLS_MAX 256  /* kept warm */
#define UPSTREAM_WARM_BYTES_MAX 2048 /* a call with a larger head is not kept with it */
#define UPSTREAM_REQUEST_BYTES_MAX (1u << 20)

struct upstream_lookup;

enum upstream_phase {
    PHASE_CONNECT,
    PHASE_SEND, /* not all of the request is written */
    PHASE_HEAD, /* waiting for the reply's */
    PHASE_BODY,
};

struct upstream_call {
    struct upstream_place *place;
    struct upstream_line *line;
    const struct upstream_hooks *hooks;
    void *user;
    struct upstream_call *next_free;
    struct buf head; /* of the request, until the reply begins */
    struct str body;
    size_t written; /* of head and body */
    uint64_t head_ms, stall_ms, sent_ms;
    enum upstream_phase phase;
    bool to_head_request, sent, began, paused, retried;
    bool answered; /* a byte of the reply came */
};

/* One connection of a place, or one to be. */
struct upstream_line {
    struct upstream_place *place;
    struct upstream_line *prev, *next;           /* of all lines of the place */
    struct upstream_line *prev_idle, *next_idle; /* the last used first */
    struct conn *conn;
    struct upstream_call *call; /* NULL: idle, or closing */
    struct upstream_lookup *lookup;
    struct addrinfo *addresses, *next_address; /* while connecting */
    uint64_t connect_due_ms;
    struct http_reply_reader reader;
    bool idle;
    bool kept; /* it has served a call before this one */
};

struct upstream_place {
    struct upstream *upstream;
    struct upstream_place *prev, *next;
    char *url, *authority, *host, *socket_path, *server_name;
    uint16_t port;
    struct tls *tls;
    bool numeric; /* `address` is set */
    bool closing;
    struct sockaddr_storage address;
    struct upstream_line *lines, *idle;
    struct upstream_counts counts;
};

struct upstream {
    struct conn_shared shared;
    struct upstream_limits limits;
    struct upstream_place *places;
    struct upstream_call *free_calls;
    size_t free_calls_count, lookups;
    bool closing, ending;
    void (*closed)(void *user);
    void *closed_user;
    struct http_reply reply;
};

/* --- upstream_place.c -------------------------------------------------------------------- */

/* A kept line, or NULL. */
struct upstream_line *place_take_idle(struct upstream_place *place);
/* A line that begins to connect; never NULL. */
struct upstream_line *place_connect(struct upstream_place *place, struct upstream_call *call);
/* The next of its addresses, after the last one failed; false: there is none. */
bool line_connect_next(struct upstream_line *line);
void line_set_idle(struct upstream_line *line, bool idle);
/* Its connection is gone. May free the place and end the upstream. */
void line_free(struct upstream_line *line);

/* --- upstream_line.c --------------------------------------------------------------------- */

extern const struct conn_protocol UPSTREAM_PROTOCOL;
/* The line is open and has its call: send. */
void line_begin(struct upstream_line *line);
/* Set the deadline that belongs to the phase. */
void line_arm(struct upstream_line *line);

/* --- upstream.c -------------------------------------------------------------------------- */

/* The call is over: on_end, and it is freed. Its line is not its any more. */
void call_end(struct upstream_call *call, enum upstream_how how, const struct err *err);
void call_free(struct upstream_call *call);
/* Free all if it is closing and nothing is left. */
void upstream_end_if_done(struct upstream *upstream);
