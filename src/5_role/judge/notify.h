/* SPDX-License-Identifier: Apache-2.0
 *
 * notify — who is told outside, of what was recorded; for the files of this folder only.
 *
 *     notify.c         an entry to door notify, its messages to the actuator, what came of it
 * recorded notify_queue.h   which is next, when again, which were told (pure) notify_show.c    what
 * was told, read back after a start; the requests
 *
 * All of it goes on beside the cases and waits for nothing of theirs; nothing of theirs waits for
 * it. What is sent was worded by the rules, where to stands in the site facts; no caller chooses
 * either (docs/decisions/0011). After a start cases that wait, alerts that are open and failures
 * and refused rules of the last hour are told if the ledger does not say that they were: at least
 * once, and twice only where somebody died between the sending and its record.
 */
#pragma once

#include "base/err.h"
#include "judge/notify_queue.h"

#include <uv.h>

#define NOTIFY_LAST_MAX 100
#define NOTIFY_RECENT_MAX 64 /* failures and refusals that are looked at again after a start */

struct judge;
struct asked;

struct notifier {
    struct notify_queue queue;
    json_t *channels;    /* as door notify says; NULL: not known yet, nothing is looked at */
    json_t *looks;       /* entries that the rules must still see, oldest first */
    size_t looking;      /* with the rules now */
    json_t *recent;      /* case_failed and kb_refused entries read back */
    json_t *last;        /* rows of what was sent or given up, oldest first */
    json_t *by_channel;  /* channel -> {"sent","failed","last"}: all that the ledger holds */
    bool pumping, asked; /* asked: for the channels */
    uint64_t sent, failed, dropped; /* since the start; entries that the rules never saw */
    uv_timer_t timer;
};

/* --- notify.c */
void notify_init(struct judge *j);
void notify_start(struct judge *j);
/* An entry that was just recorded. */
void notify_see(struct judge *j, const json_t *entry);
/* The cases and alerts are rebuilt: tell what was not told. */
void notify_recovered(struct judge *j);
/* Begin what can begin. */
void notify_pump(struct judge *j);
/* What an item or a row is about, in one line: "consent 01J…", "alert_critical 412". */
void notify_about_text(const json_t *about, char ret_text[NOTIFY_ABOUT_BYTES]);
/* One message of the rules into the queue, with at most so many tries. NULL: it is known there. */
struct notify_item *notify_add(struct judge *j, const json_t *message, int64_t tries);

/* --- notify_show.c */
/* An entry that is read back, or was just recorded. True: it is about a notification, and nobody
 * else needs it. */
bool notify_fold(struct judge *j, const json_t *entry);
bool notify_list(struct asked *a, struct err *err);
bool notify_test(struct asked *a, struct err *err);
