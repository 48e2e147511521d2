/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/notify_queue.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES (NOTIFY_CHANNEL_BYTES + NOTIFY_ABOUT_BYTES)

/* Before the second, third … try, in pauses. */
static const int64_t PAUSES[NOTIFY_TRIES_MAX] = {0, 1, 6, 30, 180};

void notify_queue_init(struct notify_queue *q, const struct notify_limits *limits)
{
    *q = (struct notify_queue){.limits = *limits};
    q->known = calloc(NOTIFY_KNOWN_MAX, sizeof *q->known);
    check(q->known && limits->tries >= 1 && limits->tries <= NOTIFY_TRIES_MAX);
}

static void item_free(struct notify_item *item)
{
    json_decref(item->job);
    json_decref(item->outcome);
    free(item);
}

void notify_queue_done(struct notify_queue *q)
{
    for (struct notify_item *item = q->first, *next; item; item = next) {
        next = item->next;
        item_free(item);
    }
    for (size_t i = 0; i < q->known_count; i++)
        free(q->known[i].key);
    free(q->known);
    *q = (struct notify_queue){0};
}

/* --- what was told ------------------------------------------------------------------------ */

static uint64_t key_of(const char *channel, const char *about, char key[KEY_BYTES])
{
    uint64_t hash = 14695981039346656037u;

    snprintf(key, KEY_BYTES, "%s %s", channel, about);
    for (const char *at = key; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash;
}

static bool was_told(const struct notify_queue *q, const char *channel, const char *about)
{
    char key[KEY_BYTES];
    uint64_t hash = key_of(channel, about, key);

    for (size_t i = 0; i < q->known_count; i++)
        if (q->known[i].hash == hash && strcmp(q->known[i].key, key) == 0)
            return true;
    return false;
}

bool notify_queue_knows(const struct notify_queue *q, const char *channel, const char *about)
{
    for (const struct notify_item *item = q->first; item; item = item->next)
        if (strcmp(item->about, about) == 0 && strcmp(item->channel, channel) == 0)
            return true;
    return was_told(q, channel, about);
}

void notify_queue_remember(struct notify_queue *q, const char *channel, const char *about)
{
    char key[KEY_BYTES];
    uint64_t hash = key_of(channel, about, key);

    if (was_told(q, channel, about))
        return;
    struct notify_known *place = &q->known[q->known_next];
    free(place->key);
    *place = (struct notify_known){str_dup(str_from(key)), hash};
    q->known_next = (q->known_next + 1) % NOTIFY_KNOWN_MAX;
    q->known_count += q->known_count < NOTIFY_KNOWN_MAX;
}

/* --- what waits --------------------------------------------------------------------------- */

static bool waits(const struct notify_item *item)
{
    return !item->outcome && !item->running && item->tries_max > 0;
}

size_t notify_queue_waiting(const struct notify_queue *q, const char *channel)
{
    size_t count = 0;

    for (const struct notify_item *item = q->first; item; item = item->next)
        count += !item->outcome && item->tries_max > 0 &&
                 (!channel || strcmp(item->channel, channel) == 0);
    return count;
}

/* The oldest gives way: what happened last matters most to who has heard nothing yet. */
static struct notify_item *make_room(struct notify_queue *q)
{
    if ((int64_t)notify_queue_waiting(q, NULL) < q->limits.waiting_max)
        return NULL;
    for (struct notify_item *item = q->first; item; item = item->next)
        if (waits(item)) {
            item->tries_max = 0;
            snprintf(item->code, sizeof item->code, "too_many");
            snprintf(item->words, sizeof item->words,
                "more than %lld notifications waited; the oldest gave way",
                (long long)q->limits.waiting_max);
            return item;
        }
    return NULL;
}

struct notify_item *notify_queue_add(struct notify_queue *q, const char *channel, const char *about,
    json_t *job, int64_t tries_max, int64_t now_ms, struct notify_item **ret_dropped)
{
    *ret_dropped = NULL;
    if (notify_queue_knows(q, channel, about))
        return NULL;
    struct notify_item *item = calloc(1, sizeof *item);
    check(item);
    *ret_dropped = make_room(q);
    snprintf(item->channel, sizeof item->channel, "%s", channel);
    snprintf(item->about, sizeof item->about, "%s", about);
    item->job = json_incref(job);
    item->tries_max = tries_max < q->limits.tries ? tries_max : q->limits.tries;
    item->due_ms = item->added_ms = now_ms;
    if (q->last)
        q->last->next = item;
    else
        q->first = item;
    q->last = item;
    q->count++;
    return item;
}

static bool channel_is_busy(const struct notify_queue *q, const char *channel)
{
    for (const struct notify_item *item = q->first; item; item = item->next)
        if (item->running && strcmp(item->channel, channel) == 0)
            return true;
    return false;
}

struct notify_item *notify_queue_next(struct notify_queue *q, int64_t now_ms)
{
    if ((int64_t)q->running >= q->limits.at_once)
        return NULL;
    for (struct notify_item *item = q->first; item; item = item->next) {
        if (!waits(item) || item->due_ms > now_ms || channel_is_busy(q, item->channel))
            continue;
        item->running = true;
        item->tries++;
        q->running++;
        return item;
    }
    return NULL;
}

void notify_queue_settle(struct notify_queue *q, struct notify_item *item)
{
    check(item->running && q->running > 0);
    item->running = false;
    q->running--;
}

bool notify_queue_failed(struct notify_queue *q, struct notify_item *item, int64_t now_ms)
{
    notify_queue_settle(q, item);
    if (item->tries >= item->tries_max)
        return false;
    item->due_ms = now_ms + PAUSES[item->tries] * q->limits.pause_ms;
    return true;
}

void notify_queue_put_back(
    struct notify_queue *q, struct notify_item *item, int64_t pause_ms, int64_t now_ms)
{
    notify_queue_settle(q, item);
    item->tries--;
    item->due_ms = now_ms + pause_ms;
}

void notify_queue_end(struct notify_queue *q, struct notify_item *item)
{
    struct notify_item **at = &q->first, *before = NULL;

    check(!item->running);
    while (*at != item) {
        before = *at;
        at = &before->next;
    }
    *at = item->next;
    if (q->last == item)
        q->last = before;
    q->count--;
    notify_queue_remember(q, item->channel, item->about);
    item_free(item);
}

int64_t notify_queue_wait_ms(const struct notify_queue *q, int64_t now_ms)
{
    int64_t soonest = -1;

    if ((int64_t)q->running >= q->limits.at_once)
        return -1;
    for (const struct notify_item *item = q->first; item; item = item->next) {
        if (!waits(item) || channel_is_busy(q, item->channel))
            continue;
        int64_t wait_ms = item->due_ms > now_ms ? item->due_ms - now_ms : 0;
        if (soonest < 0 || wait_ms < soonest)
            soonest = wait_ms;
    }
    return soonest;
}
