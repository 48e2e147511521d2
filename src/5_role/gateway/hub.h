/* SPDX-License-Identifier: Apache-2.0
 *
 * hub — ledger entries to everybody who listens, each once and in order; between them what is live
 * and has no number (live.h).
 *
 * Entries come from the judge as they are made. A client that names the last one it has
 * (Last-Event-ID) is first given the entries behind it, page by page from the ledger, then goes
 * live where the pages end. When numbers are missing (a judge was replaced) the hub itself reads
 * them from the ledger before it goes on, so nobody sees a gap.
 *
 * Written together: what comes after a pause goes out at the end of that turn of the loop, then a
 * pause of pause_ms begins; what comes in it is gathered and goes out at its end, the same bytes to
 * all clients of one form that want the same. Each client has the order of the ledger.
 *
 * owner    hub_init() … hub_done()
 * threads  the loop's only
 * limits   subscribers_max, replay_max; a client that is stream_behind_bytes_max behind is dropped;
 *          what is gathered goes out before the pause ends when it is gather_bytes_max or
 *          HUB_ITEMS_MAX items
 */
#pragma once

#include "base/buf.h"
#include "gateway/link.h"
#include "gateway/session_book.h"
#include "net/exchange.h"

#include <stdint.h>
#include <uv.h>

#define HUB_ITEMS_MAX 512

enum hub_form { HUB_FULL, HUB_BRIEF, HUB_FORMS };

/* What is live. A client gets those that it was given by hub_grant(). */
enum hub_kind { HUB_STAGE, HUB_QUEUE, HUB_HOUSE, HUB_KINDS };
#define HUB_BIT(kind) (1u << (kind))

struct hub_limits {
    int64_t subscribers_max, heartbeat_ms, replay_max, replay_page, resume_bytes;
    int64_t pause_ms, gather_bytes_max;
};

struct subscriber;
struct hub_item;

/* Of one client. Both may be NULL. */
struct hub_hooks {
    void (*live)(void *owner, struct subscriber *s); /* from here on live; perhaps at once */
    void (*left)(void *owner); /* in any case, once, unless hub_subscribe() refused it */
};

struct hub {
    uv_loop_t *loop;
    struct link *link;
    struct hub_limits limits;
    struct subscriber *first;
    int64_t count;
    int64_t forms[HUB_FORMS]; /* of those who are live */
    int64_t last_seq;         /* given to those who are live, or gathered; -1: not known yet */
    int64_t seen_seq;         /* the highest heard of */
    bool catching_up;
    struct hub_item *items; /* gathered */
    size_t item_count;
    struct buf gathered[HUB_FORMS]; /* their bytes */
    uint64_t serial;                /* of the next item */
    bool pausing;
    uv_timer_t *heartbeat, *pause;
    uint64_t left;    /* clients that went or were dropped */
    uint64_t written; /* writes to clients, of whatever was gathered */
    /* Is this session still one, and may still see who waits if the stream began so? Asked at each
     * heartbeat, which so counts as its use; a stream of one that is over, or may less, ends: its
     * client comes back as what it is now. NULL: all are. */
    bool (*session_lives)(void *owner, const char *name, bool sees_queue);
    void *owner; /* of session_lives */
    /* The same for a token that was shown, by the id of its row. NULL: all are. */
    bool (*token_lives)(void *token_owner, const char *id, bool sees_queue);
    void *token_owner;
};

void hub_init(struct hub *hub, uv_loop_t *loop, struct link *link, const struct hub_limits *limits);
/* Every stream ends in good order. */
void hub_end_all(struct hub *hub);
void hub_done(struct hub *hub);

struct hub_client {
    int64_t after; /* the last seq it has, -1: from now on */
    enum hub_form form;
    const struct hub_hooks *hooks; /* NULL: none */
    void *owner;
    const char *session; /* its name, copied; NULL or "": none asks */
    const char *token;   /* id of its row, copied; the same */
    bool sees_queue;     /* by this session or token */
};

/* Take the exchange over for good. errors  ERR_LIMIT "too_many_streams": it is still yours */
bool hub_subscribe(
    struct hub *hub, struct exchange *ex, const struct hub_client *client, struct err *err);

/* The streams of this session end: it is over. */
void hub_end_session(struct hub *hub, const char *session);

/* An `event` message of the judge. */
void hub_event(struct hub *hub, json_t *message);
/* There is a new judge: what was missed meanwhile is read. */
void hub_joined(struct hub *hub);

/* --- what is live ------------------------------------------------------------------- */

/* From now on it gets this kind, or no more. What was gathered before is not for it. */
void hub_grant(struct subscriber *s, enum hub_kind kind, bool gets);
/* `data` is JSON text in one line. For all who get the kind. */
void hub_push(struct hub *hub, enum hub_kind kind, struct str data);
/* For one, at once, whether it gets the kind or not; it must be live. */
void hub_tell(struct subscriber *s, enum hub_kind kind, struct str data);
/* A comment line, which clients skip and people read. */
void hub_remark(struct subscriber *s, struct str words);
