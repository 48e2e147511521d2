/* SPDX-License-Identifier: Apache-2.0
 *
 * net_test_client — a real server on its own thread, and a client of plain blocking sockets, for
 * the tests of net/.
 */
#pragma once

#include "base/buf.h"
#include "net/http_server.h"
#include "patience.h"

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#define WAIT_MAX_S patience(20) /* only a broken server makes a test wait for this */

struct site {
    uv_loop_t loop;
    uv_async_t wake;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct http_server_config config;
    struct http_server *server;
    struct tls *tls;
    char socket_path[128]; /* "": TCP only */
    mode_t socket_mode;
    bool up, closed;
    void (*call)(struct site *site, void *argument);
    void *argument;
    /* what the handler saw; read with site_wait() or after site_close() */
    int requests, gone, drained;
    struct exchange *held[8]; /* of /hold and /stream, in order of arrival */
    int held_count;
};

/* Fill `site->config.limits` etc. between these two. */
void site_init(struct site *site);
void site_open(struct site *site);
/* Run on the server's thread and wait for it. */
void site_do(struct site *site, void (*call)(struct site *site, void *argument), void *argument);
/* Wait until *number has reached `least`; false after WAIT_MAX_S. */
bool site_wait(struct site *site, const int *number, int least);
struct http_server_counts site_counts(struct site *site);
void site_close(struct site *site);
/* The same in two steps; the first inside site_do(). */
void site_begin_close(struct site *site);
void site_join(struct site *site);

int client_connect(struct site *site);
int client_connect_unix(const char *path);
void client_send(int fd, struct str bytes);
/* At least one byte. */
bool client_read_more(int fd, struct buf *out);
/* All until the server closes; false on a reset or after WAIT_MAX_S. */
bool client_read_all(int fd, struct buf *out);
/* At least until `mark` was seen. */
bool client_read_until(int fd, struct buf *out, const char *mark);
/* Connect, send, read all, close. */
bool client_ask(struct site *site, struct str bytes, struct buf *out);
/* "HTTP/1.1 NNN" at the start; 0 if it is not. */
int client_status(struct str reply);
size_t client_count(struct str reply, const char *mark);
