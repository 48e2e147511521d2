/* SPDX-License-Identifier: Apache-2.0
 *
 * live_inside — what live.c and live_house.c share; for them only.
 */
#pragma once

#include "gateway/live.h"

#include <stdbool.h>

#define LIVE_REMARK_BYTES 512
#define LIVE_TEXT_BYTES_MAX (2 * MESSAGE_BYTES_MAX) /* of one event */

/* One client. */
struct watcher {
    struct live *live;
    struct watcher *next, *before;
    struct subscriber *s; /* NULL: it is still read to */
    struct asker *asker;  /* NULL: it wants no house */
    unsigned wants;
    bool sees_queue, has_house;
};

/* One principal of clients that want the house. */
struct asker {
    struct live *live;
    struct asker *next;
    struct link_call *call;
    int64_t watchers, answered_ms;
    enum { UNSURE, ALLOWED, REFUSED } may;
    bool again; /* other rules came while it was asked */
    char who[LIVE_WHO_BYTES], words[LIVE_REMARK_BYTES];
};

void live_text(const json_t *data, struct buf *out);

/* --- live_house.c ------------------------------------------------------------------- */

/* Who asks in this name, made and asked for if it is new; one more of its clients. */
struct asker *house_asker(struct live *live, const char *who);
/* One less. */
void house_leave(struct live *live, struct asker *asker);
/* What is known of its asker is what a client that is live gets. */
void house_settle(struct watcher *w);
/* Each house_ms. */
void house_look(uv_timer_t *timer);
/* Nobody wants it any more. */
void house_forget(struct live *live);
