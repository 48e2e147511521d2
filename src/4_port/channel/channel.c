/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/channel.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MESSAGES_MAX 64
#define BATCH 4     /* packets a system call */
#define TURNS_MAX 8 /* batches a turn: then others have their turn */
#define QUEUE_FIRST 64

struct waiting {
    char *text;
    size_t len;
};

struct channel {
    const struct channel_events *events;
    void *owner;
    uv_poll_t poll;
    uv_prepare_t prepare;
    int fd;
    int open_handles;
    bool closed;
    bool watching_write;
    struct waiting *queue; /* a ring of `queue_cap` */
    size_t queue_cap, queue_first, queue_count, queue_bytes;
    uint64_t refused;
};

/* One area for all channels of the process: only pages that messages touched are resident. It is
 * not used
 * across calls of `events`: a channel is never read from within one. */
static char receive_area[BATCH][MESSAGE_BYTES_MAX];

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_prepare(uv_prepare_t *prepare);

struct channel *channel_open(
    uv_loop_t *loop, int fd, const struct channel_events *events, void *owner)
{
    struct channel *c = calloc(1, sizeof *c);

    check(c && fd >= 0);
    *c = (struct channel){.events = events, .owner = owner, .fd = fd, .open_handles = 2};
    check(uv_poll_init(loop, &c->poll, fd) == 0);
    check(uv_prepare_init(loop, &c->prepare) == 0);
    c->poll.data = c;
    c->prepare.data = c;
    check(uv_poll_start(&c->poll, UV_READABLE, on_poll) == 0);
    return c;
}

static void drop_queue(struct channel *c)
{
    for (; c->queue_count; c->queue_count--) {
        free(c->queue[c->queue_first].text);
        c->queue_first = (c->queue_first + 1) % c->queue_cap;
    }
    free(c->queue);
    c->queue = NULL;
    c->queue_cap = 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct channel *c = handle->data;

    if (--c->open_handles)
        return;
    fd_done(&c->fd);
    drop_queue(c);
    free(c);
}

void channel_close(struct channel *c)
{
    if (!c || c->closed)
        return;
    c->closed = true;
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_handle_closed);
    uv_close((uv_handle_t *)&c->prepare, on_handle_closed);
}

static void lost(struct channel *c)
{
    if (c->closed)
        return;
    channel_close(c);
    c->events->gone(c->owner);
}

static void queue_grow(struct channel *c)
{
    size_t cap = c->queue_cap ? c->queue_cap * 2 : QUEUE_FIRST;
    struct waiting *grown = calloc(cap, sizeof *grown);

    check(grown);
    for (size_t i = 0; i < c->queue_count; i++)
        grown[i] = c->queue[(c->queue_first + i) % c->queue_cap];
    free(c->queue);
    c->queue = grown;
    c->queue_cap = cap;
    c->queue_first = 0;
}

/* Takes `text` (from malloc) over. A NUL would make two messages of one. */
static bool enqueue(struct channel *c, char *text, size_t len, struct err *err)
{
    bool away = !c || c->closed;
    bool two = memchr(text, '\0', len) != NULL;
    if (away || two || len > MESSAGE_BYTES_MAX || c->queue_bytes + len > CHANNEL_QUEUE_BYTES_MAX) {
        free(text);
        if (away)
            return err_code(err, ERR_PEER, "role_away", NULL, "the other role is away; try again");
        if (two)
            return err_code(
                err, ERR_SYSTEM, "bad_json", NULL, "a message that holds a NUL is not sent");
        return err_code(err, ERR_LIMIT, len > MESSAGE_BYTES_MAX ? "too_long" : "queue_full", NULL,
            "a message of %zu bytes cannot be sent: %zu wait already", len, c->queue_bytes);
    }
    if (c->queue_count == c->queue_cap)
        queue_grow(c);
    c->queue[(c->queue_first + c->queue_count++) % c->queue_cap] = (struct waiting){text, len};
    c->queue_bytes += len;
    if (c->queue_count == 1)
        uv_prepare_start(&c->prepare, on_prepare);
    return true;
}

bool channel_send(struct channel *c, json_t *message, struct err *err)
{
    char *text = json_dumps(message, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0;

    json_decref(message);
    check(text);
    return enqueue(c, text, len, err);
}

bool channel_send_text(struct channel *c, struct str text, struct err *err)
{
    return enqueue(c, str_dup(text), text.len, err);
}

bool channel_send_fd(struct channel *c, json_t *message, int fd, struct err *err)
{
    scoped(free_done) char *text = json_dumps(message, JSON_COMPACT);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {text, strlen(text)};
    struct msghdr head = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    struct cmsghdr *item = CMSG_FIRSTHDR(&head);

    json_decref(message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &fd, sizeof fd);
    if (!c || c->closed || sendmsg(c->fd, &head, MSG_NOSIGNAL) < 0)
        return err_code(
            err, ERR_PEER, "role_away", NULL, "cannot pass a descriptor: %s", strerror(errno));
    return true;
}

/* What waits goes into as few packets as it fits, a NUL between two messages. */
static size_t fill_packet(struct channel *c, struct iovec *ret_parts, size_t *ret_parts_n)
{
    static char between = '\0';
    size_t count = 0, bytes = 0;

    for (*ret_parts_n = 0; count < c->queue_count && count < PACKET_MESSAGES_MAX; count++) {
        struct waiting *w = &c->queue[(c->queue_first + count) % c->queue_cap];
        if (count && bytes + 1 + w->len > MESSAGE_BYTES_MAX)
            break;
        if (count)
            ret_parts[(*ret_parts_n)++] = (struct iovec){&between, 1};
        ret_parts[(*ret_parts_n)++] = (struct iovec){w->text, w->len};
        bytes += (count > 0) + w->len;
    }
    return count;
}

/* One packet; false when nothing more goes out now. */
static bool send_packet(struct channel *c)
{
    struct iovec parts[2 * PACKET_MESSAGES_MAX];
    struct msghdr head = {.msg_iov = parts};
    size_t count = fill_packet(c, parts, &head.msg_iovlen);

    if (sendmsg(c->fd, &head, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return false;
    for (; count; count--) {
        struct waiting *w = &c->queue[c->queue_first];
        c->queue_bytes -= w->len;
        free(w->text);
        c->queue_first = (c->queue_first + 1) % c->queue_cap;
        c->queue_count--;
    }
    return c->queue_count > 0;
}

void channel_flush(struct channel *c)
{
    if (!c)
        return;
    while (!c->closed && c->queue_count && send_packet(c))
        ;
    bool wants_write = c->queue_count > 0;
    if (c->closed || wants_write == c->watching_write)
        return;
    c->watching_write = wants_write;
    uv_poll_start(&c->poll, wants_write ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

static void on_prepare(uv_prepare_t *prepare)
{
    uv_prepare_stop(prepare);
    channel_flush(prepare->data);
}

/* A descriptor that came with the message, or -1. */
static int passed_fd(struct msghdr *head)
{
    int fd = -1;

    for (struct cmsghdr *item = CMSG_FIRSTHDR(head); item; item = CMSG_NXTHDR(head, item))
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS)
            memcpy(&fd, CMSG_DATA(item), sizeof fd);
    return fd;
}

static void refused(struct channel *c, const char *why)
{
    c->refused++;
    log_error("message_refused", "why", why, NULL);
}

static bool take(struct channel *c, struct str text, int fd)
{
    struct err err = {0};
    enum message_type type;
    scoped(json_done) json_t *message = NULL;

    if (c->events->raw && fd < 0 && c->events->raw(c->owner, text))
        return true;
    if (!message_read(text, &message, &type, &err)) {
        refused(c, err.message);
        fd_done(&fd);
        return false;
    }
    c->events->message(c->owner, type, message, fd);
    return true;
}

/* A descriptor belongs to the first message. Behind a bad message nothing of its packet is looked
 * at: a
 * hostile role gets one line of log for each. */
static void take_packet(struct channel *c, struct str packet, struct msghdr *head)
{
    int fd = passed_fd(head);

    if (head->msg_flags & MSG_TRUNC) {
        refused(c, "cut");
        fd_done(&fd);
        return;
    }
    for (bool more = true; more && !c->closed; fd = -1) {
        struct str rest, text = str_cut(packet, '\0', &rest);
        more = take(c, text, fd) && text.len < packet.len;
        packet = rest;
    }
}

/* One batch; false when nothing more is there or the channel ended. */
static bool receive_batch(struct channel *c)
{
    struct mmsghdr heads[BATCH] = {0};
    struct iovec parts[BATCH];
    char controls[BATCH][CMSG_SPACE(sizeof(int))];

    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){receive_area[i], MESSAGE_BYTES_MAX};
        heads[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
            .msg_iovlen = 1,
            .msg_control = controls[i],
            .msg_controllen = sizeof controls[i]};
    }
    int got = recvmmsg(c->fd, heads, BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got < 0 && errno == ECONNRESET) /* said once; what it said before its end is there still */
        return true;
    if (got <= 0) {
        lost(c);
        return false;
    }
    for (int i = 0; i < got; i++) {
        if (c->closed)
            return false;
        if (heads[i].msg_len == 0) { /* end of file: a message is never empty */
            lost(c);
            return false;
        }
        take_packet(c, (struct str){receive_area[i], heads[i].msg_len}, &heads[i].msg_hdr);
    }
    return got == BATCH;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct channel *c = poll->data;

    if (status < 0) { /* e.g. it left with our messages unread */
        while (!c->closed && receive_batch(c))
            ;
        lost(c);
        return;
    }
    if (events & UV_WRITABLE)
        channel_flush(c);
    for (int turn = 0; (events & UV_READABLE) && !c->closed && turn < TURNS_MAX; turn++)
        if (!receive_batch(c))
            break;
}

uint64_t channel_refused(const struct channel *c)
{
    return c->refused;
}
