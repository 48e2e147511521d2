/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream_fake_engine — an engine that does as its script says, well or badly: plain blocking
 * sockets, a thread for each connection. And the client of a test: one loop, and what its hooks
 * saw.
 */
#pragma once

#include "base/buf.h"
#include "net/upstream.h"
#include "patience.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#define FAKE_CONNECTIONS_MAX 4096
#define WAIT_MAX_S patience(20) /* only a broken client makes a test wait for this */

struct fake {
    int listener;
    uint16_t port;
    char socket_path[108]; /* "": TCP */
    /* Plays one connection; `number` counts from 0. It may close `fd` itself and then returns true.
     * NULL: accept and hold. */
    bool (*script)(struct fake *fake, int fd, int number);
    pthread_t thread;
    pthread_t threads[FAKE_CONNECTIONS_MAX];
    int held[FAKE_CONNECTIONS_MAX];
    atomic_int accepted, requests, left; /* left: the peer was seen to leave */
    atomic_int go;                       /* a script may wait for this: fake_wait_go() */
    atomic_long taken_bytes;             /* what fake_send() has got rid of */
    atomic_bool stopping;
};

void fake_open(struct fake *fake, bool (*script)(struct fake *, int, int), const char *socket_path);
void fake_close(struct fake *fake);
/* One whole request, head and Content-Length bytes; false at the end of the connection. */
bool fake_read_request(struct fake *fake, int fd, struct buf *out);
/* All of it; false if the peer is gone. */
bool fake_send(struct fake *fake, int fd, struct str bytes);
/* One byte at a time. */
bool fake_send_bytewise(struct fake *fake, int fd, struct str bytes);
void fake_reset(int fd);
/* Until the peer closes. */
void fake_hang(struct fake *fake, int fd);
/* Until fake->go is at least `least`. */
void fake_wait_go(struct fake *fake, int least);

/* --- the client --------------------------------------------------------------------------- */

struct client {
    uv_loop_t loop;
    struct upstream *upstream;
    struct upstream_place *place;
    bool closed;
};

/* What the hooks of one call saw. */
struct seen {
    struct client *client;
    struct upstream_call *call; /* NULL: over */
    int heads, pieces, ends, wholes, status;
    bool sent, began;
    enum upstream_how how;
    enum err_kind kind;
    char code[ERR_CODE_BYTES_MAX], message[ERR_MESSAGE_BYTES_MAX], model[64];
    struct buf body;
    /* in on_head, in on_body, in on_end */
    void (*at_head)(struct seen *seen), (*at_body)(struct seen *seen), (*at_end)(struct seen *seen);
    void *argument;
};

extern const struct upstream_hooks SEEN_HOOKS;       /* without on_whole */
extern const struct upstream_hooks SEEN_WHOLE_HOOKS; /* with it */

void client_open(struct client *client, const struct upstream_limits *limits, const char *url,
    struct tls *tls, const char *server_name);
void client_open_to(struct client *client, const struct upstream_limits *limits, struct fake *fake);
/* upstream_close(), and the loop until all is gone. */
void client_close(struct client *client);
/* Turn the loop until *number is at least `least`; false after WAIT_MAX_S. */
bool client_turn(struct client *client, const int *number, int least);
/* The same for what threads count. */
bool client_turn_atomic(struct client *client, const atomic_int *number, int least);
/* Turn the loop for so long. */
void client_turn_ms(struct client *client, uint64_t ms);

void seen_send(struct seen *seen, struct client *client, enum http_method method, const char *path,
    struct str body);
void seen_done(struct seen *seen);
