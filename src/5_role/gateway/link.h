/* SPDX-License-Identifier: Apache-2.0
 *
 * link — requests to the judge and their replies, over judges that come and go.
 *
 * A judge that is away is waited for (judge_hold_ms), so a reload costs nobody an error. One that
 * leaves says so, is told when nothing more can be on the way to it, and hands back what it did not
 * begin: the next one is asked, and also for the end of a case that goes on. A judge that dies
 * while it has a change takes the answer with it: "judge_restarted"; a read is asked again once.
 * The channel before a new one is kept until its end, for the replies that are still in it.
 *
 * owner    link_init() … link_done()
 * threads  the loop's only
 * limits   in_flight_max requests, each with a time; beyond: "busy", "judge_away", "judge_silent"
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "channel/channel.h"

#include <jansson.h>
#include <uv.h>

enum link_pace { /* what is waited for an answer */
    LINK_BRIEF,  /* reads */
    LINK_FAST,   /* reads */
    LINK_SLOW,   /* may change something: never asked twice */
    LINK_LONG,   /* the same, and may take minutes: hosts that boot, models that load */
    LINK_PACES,
};

struct link_limits {
    int64_t in_flight_max, hold_ms;
    int64_t answer_ms[LINK_PACES];
};

struct link_events {
    void (*event)(void *owner, json_t *message);    /* a ledger entry as made */
    void (*stage)(void *owner, json_t *message);    /* progress of a case; not kept */
    void (*make_way)(void *owner, json_t *message); /* which pools do, now */
    void (*joined)(void *owner);                    /* a new judge; ask it what you must know */
    void (*lost)(void *owner);                      /* the judge in force went */
};

struct link_call;

struct link {
    uv_loop_t *loop;
    struct link_limits limits;
    const struct link_events *events;
    void *owner;
    struct link_end *current; /* NULL: away */
    struct link_end *ends;    /* all, also those that only drain */
    struct link_call *slots;
    struct link_call *free_slots;
    struct link_list {
        struct link_call *first, *last;
    } lists[LINK_PACES + 1]; /* each in the order of its deadlines; the last: held */
    uv_timer_t *tick;
    bool ticking;
    struct buf text;
    int64_t in_flight;
    uint64_t next_turn, refused, held_ever;
};

/* Exactly one of `body` and `why` is not NULL; both live during the call. */
struct link_request {
    struct str method;
    struct str who;  /* JSON text, checked by you */
    struct str body; /* the same */
    enum link_pace pace;
    bool never_held; /* away is an answer at once */
    void (*answered)(void *owner, json_t *body, const struct err *why);
    /* May be NULL. Called instead when the body need not be taken apart: the text of one JSON
     * object as the judge wrote it; lives during the call. */
    void (*answered_text)(void *owner, struct str body);
    void *owner;
};

/* Pure. Is this the text of a good reply in the order of the judge's hot path, and is its body
 * exactly one {…}? Then *ret_id and *ret_body. Anything else is read the usual way. */
bool link_split_reply(struct str text, uint64_t *ret_id, struct str *ret_body);

void link_init(struct link *link, uv_loop_t *loop, const struct link_limits *limits,
    const struct link_events *events, void *owner);
/* Nobody is called any more. */
void link_done(struct link *link);

/* `fd` is one end of a channel to a new judge. */
void link_join(struct link *link, int fd);

/* `answered` is called once from the loop, never from here. errors  ERR_LIMIT "busy"; ERR_PEER
 * "judge_away" */
bool link_ask(struct link *link, const struct link_request *request, struct link_call **ret_call,
    struct err *err);
/* The answer does not interest any more. The place is taken until it comes. */
void link_forget(struct link_call *call);

bool link_connected(const struct link *link);
uint64_t link_refused(const struct link *link);
