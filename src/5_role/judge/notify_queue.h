/* SPDX-License-Identifier: Apache-2.0
 *
 * notify_queue — notifications that wait: which is next, when one is tried again, which were told.
 *
 *     notify_queue_add(&q, "phone", "consent 01J…", job, 5, now_ms, &dropped)
 *     while ((item = notify_queue_next(&q, now_ms)))      send it; then
 *         notify_queue_failed(&q, item, now_ms)           true: it is tried again later
 *         notify_queue_end(&q, item)                      told or given up: never again
 *
 * One channel is told of one thing once: what waits, was told or was given up is known and not
 * added again. One at a time per channel, `at_once` in all: a slow receiver holds up itself. Tries
 * are at 0, 1, 6, 30 and 180 times pause_ms after the one before (0, 10 s, 1 min, 5 min, 30 min).
 *
 * owner    notify_queue_init() … notify_queue_done(); items are the queue's until removed
 * threads  one; no clock, no I/O: `now_ms` is steady
 * limits   waiting_max items, the oldest that is not under way gives way; NOTIFY_KNOWN_MAX told
 * ones are known, the oldest is forgotten
 */
#pragma once

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_TRIES_MAX 5
#define NOTIFY_KNOWN_MAX 4096
#define NOTIFY_CHANNEL_BYTES 65 /* of a name, with its end */
#define NOTIFY_ABOUT_BYTES 128
#define NOTIFY_CODE_BYTES 48
#define NOTIFY_WORDS_BYTES 512

struct notify_limits {
    int64_t tries, pause_ms, waiting_max, at_once;
};

struct notify_item {
    char channel[NOTIFY_CHANNEL_BYTES], about[NOTIFY_ABOUT_BYTES];
    json_t *job; /* what the hand is given */
    int64_t tries_max;
    int64_t tries; /* begun */
    int64_t due_ms, added_ms;
    bool running;    /* with the hand */
    json_t *outcome; /* not NULL: over, being recorded; the owner's, dropped with the item */
    bool recording;
    void *waiter;                                            /* the owner's */
    char code[NOTIFY_CODE_BYTES], words[NOTIFY_WORDS_BYTES]; /* why the last try failed; "" */
    struct notify_item *next;
};

struct notify_known {
    char *key; /* channel, a space, about */
    uint64_t hash;
};

struct notify_queue {
    struct notify_limits limits;
    struct notify_item *first, *last;
    size_t count, running;
    struct notify_known *known; /* a ring */
    size_t known_count, known_next;
};

void notify_queue_init(struct notify_queue *q, const struct notify_limits *limits);
void notify_queue_done(struct notify_queue *q);

/* Does it wait, or was it told or given up? */
bool notify_queue_knows(const struct notify_queue *q, const char *channel, const char *about);
void notify_queue_remember(struct notify_queue *q, const char *channel, const char *about);

/* Takes a reference of `job`. NULL: it is known. *ret_dropped: one that gave way and is over (code
 * "too_many"), still in the queue: to be recorded, then ended; or NULL. `tries_max` at most the
 * limits'. */
struct notify_item *notify_queue_add(struct notify_queue *q, const char *channel, const char *about,
    json_t *job, int64_t tries_max, int64_t now_ms, struct notify_item **ret_dropped);

/* Due, of a channel with none under way; it is running then, one try more. NULL: none now. */
struct notify_item *notify_queue_next(struct notify_queue *q, int64_t now_ms);

/* The try under way failed. False: it was the last one. */
bool notify_queue_failed(struct notify_queue *q, struct notify_item *item, int64_t now_ms);
/* The try under way was none: nobody was asked. Again after `pause_ms`. */
void notify_queue_put_back(
    struct notify_queue *q, struct notify_item *item, int64_t pause_ms, int64_t now_ms);
/* The try under way was the last one, whatever came of it. */
void notify_queue_settle(struct notify_queue *q, struct notify_item *item);
/* Over and recorded: remembered and freed. */
void notify_queue_end(struct notify_queue *q, struct notify_item *item);

/* Until the next is due: -1 if none waits, also while all that wait must wait for others. */
int64_t notify_queue_wait_ms(const struct notify_queue *q, int64_t now_ms);
/* Of one channel (NULL: all): those that are not over. */
size_t notify_queue_waiting(const struct notify_queue *q, const char *channel);
