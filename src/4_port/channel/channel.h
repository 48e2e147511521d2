/* SPDX-License-Identifier: Apache-2.0
 *
 * channel — messages to and from one other role, over a SOCK_SEQPACKET descriptor.
 *
 * owner    the role's loop; channel_close() ends it (the memory goes after libuv is done with it)
 * threads  none: call it from the loop's thread only
 * units    bytes
 *
 * What is sent during one turn of the loop goes out together just before the loop sleeps, several
 * messages in one packet with a NUL between them (none is ever within one: that would be two), and
 * what has arrived is read in one call: under load the cost of a system call is shared.
 * A message that is not one of message.def is counted, logged and dropped.
 */
#pragma once

#include "base/err.h"
#include "message/message.h"

#include <uv.h>

/* Unsent bytes until channel_send refuses: the other role is stuck. */
#define CHANNEL_QUEUE_BYTES_MAX (64 * 1024 * 1024)

struct channel;

struct channel_events {
    /* `fd` is -1 or a descriptor that is now yours. The message lives during the call; json_incref
     * to keep. */
    void (*message)(void *owner, enum message_type type, json_t *message, int fd);
    /* The other side is gone. Called once, never from within channel_send. The channel closes
     * itself: the pointer is dead when this returns, so set yours to NULL. */
    void (*gone)(void *owner);
    /* May be NULL. For hot paths: sees the text of a message without a descriptor before it is
     * read. true: it is taken, and checking it was yours; false: it goes the usual way. */
    bool (*raw)(void *owner, struct str text);
};

/* Takes `fd` over. `events` must outlive the channel. */
struct channel *channel_open(
    uv_loop_t *loop, int fd, const struct channel_events *events, void *owner);

/* After this no event is called. NULL is allowed. */
void channel_close(struct channel *channel);

/* Sends and consumes (decref) the message, also when it fails.
 * NULL is a role that is away. errors  ERR_LIMIT longer than MESSAGE_BYTES_MAX, or the queue is
 * full; ERR_PEER away */
bool channel_send(struct channel *channel, json_t *message, struct err *err);

/* The same with a message already written as text (for hot paths). */
bool channel_send_text(struct channel *channel, struct str text, struct err *err);

/* The same with a descriptor, at once, without the queue: for the supervisor. `fd` stays the
 * caller's. */
bool channel_send_fd(struct channel *channel, json_t *message, int fd, struct err *err);

/* Write out what waits now, e.g. before an exit. */
void channel_flush(struct channel *channel);

/* How many received messages were refused. */
uint64_t channel_refused(const struct channel *channel);
