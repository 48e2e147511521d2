/* SPDX-License-Identifier: Apache-2.0
 * The house for those whom the judge lets see it: asked in their names, told as it changes. */
#include "gateway/live_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t now_ms(const struct live *live)
{
    return (int64_t)uv_now(live->loop);
}

static bool ask(struct asker *asker);

static json_t *house_of(const struct live *live, json_t *rows, bool whole)
{
    json_t *data = json_pack(
        "{s:b, s:I, s:o}", "whole", whole, "at_ms", (json_int_t)clock_civil_ms(), "nodes", rows);

    check(data);
    if (live->left_out)
        check(json_object_set_new(data, "vitals_left_out", json_integer(live->left_out)) == 0);
    return data;
}

static json_t *all_rows(const struct live *live)
{
    json_t *rows = json_array(), *row;
    const char *name;

    check(rows);
    json_object_foreach (live->rows, name, row)
        json_array_append(rows, row);
    return rows;
}

static void push_house(struct live *live, json_t *rows, bool whole)
{
    scoped(json_done) json_t *data = house_of(live, rows, whole);
    scoped(buf_done) struct buf text = buf_of(LIVE_TEXT_BYTES_MAX);

    live_text(data, &text);
    hub_push(live->hub, HUB_HOUSE, buf_str(&text));
}

/* The whole house, once written for all who come. */
static void give_house(struct watcher *w)
{
    struct live *live = w->live;

    if (!live->whole.len) {
        scoped(json_done) json_t *data = house_of(live, all_rows(live), true);
        live_text(data, &live->whole);
    }
    w->has_house = true;
    hub_grant(w->s, HUB_HOUSE, true);
    hub_tell(w->s, HUB_HOUSE, buf_str(&live->whole));
}

/* By name, in the order of the answer. */
static json_t *rows_by_name(const json_t *nodes)
{
    json_t *rows = json_object(), *row;
    size_t i;

    check(rows);
    json_array_foreach (nodes, i, row)
        json_object_set(rows, message_text(row, "node"), row);
    return rows;
}

/* What changed is told to those who have the house; a node that is gone makes it a whole one. */
static void take_rows(struct live *live, const json_t *told)
{
    json_t *rows = rows_by_name(json_object_get(told, "nodes")), *changed = json_array(), *row;
    scoped(json_done) json_t *before = live->rows;
    const char *name;
    bool gone = false;

    check(changed);
    live->rows = rows;
    live->left_out = message_int(told, "vitals_left_out");
    buf_clear(&live->whole);
    json_object_foreach (rows, name, row) {
        const json_t *old = json_object_get(before, name);
        if (!old || !json_equal(old, row))
            json_array_append(changed, row);
    }
    json_object_foreach (before, name, row)
        gone = gone || !json_object_get(rows, name);
    if (before && gone)
        push_house(live, all_rows(live), true);
    else if (before && json_array_size(changed))
        push_house(live, json_incref(changed), false);
    json_decref(changed);
}

static void refuse_house(struct watcher *w)
{
    if (!w->s)
        return;
    w->has_house = false;
    hub_grant(w->s, HUB_HOUSE, false);
    hub_remark(w->s, str_from(w->asker->words));
}

/* What its asker knows is what it gets. */
void house_settle(struct watcher *w)
{
    if (!w->s || !w->asker || w->asker->may == UNSURE)
        return;
    if (w->asker->may == REFUSED)
        refuse_house(w);
    else if (!w->has_house)
        give_house(w);
}

/* Nothing is known of it: it is asked at the next time. Who waits for a first house hears why. */
static void house_delayed(struct asker *asker, const struct err *why)
{
    char words[LIVE_REMARK_BYTES];

    snprintf(words, sizeof words, "house: not yet: %.400s", why->message);
    if (asker->may != UNSURE || strcmp(words, asker->words) == 0)
        return;
    memcpy(asker->words, words, sizeof words);
    for (struct watcher *w = asker->live->first; w; w = w->next)
        if (w->asker == asker && w->s)
            hub_remark(w->s, str_from(words));
}

static void on_nodes(void *owner, json_t *body, const struct err *why)
{
    struct asker *asker = owner;
    struct live *live = asker->live;

    asker->call = NULL;
    if (asker->again) {
        asker->again = false;
        (void)ask(asker);
        return;
    }
    if (why && why->kind != ERR_DENIED) {
        house_delayed(asker, why);
        return;
    }
    asker->answered_ms = now_ms(live);
    asker->may = why ? REFUSED : ALLOWED;
    if (why)
        snprintf(asker->words, sizeof asker->words, "house: %.400s", why->message);
    else
        take_rows(live, body);
    for (struct watcher *w = live->first; w; w = w->next)
        if (w->asker == asker)
            house_settle(w);
}

static bool ask(struct asker *asker)
{
    const struct link_request request = {.method = S("nodes"),
        .who = str_from(asker->who),
        .body = S("{}"),
        .pace = LINK_FAST,
        .answered = on_nodes,
        .owner = asker};
    struct err err;

    return asker->call || link_ask(asker->live->link, &request, &asker->call, &err);
}

/* One of those who may see it asks for all, each in turn: whoever may no more is found so. */
void house_look(uv_timer_t *timer)
{
    struct live *live = timer->data;
    struct asker *first = live->last_asked ? live->last_asked->next : NULL;
    struct asker *at = first ? first : live->askers;

    for (struct asker *a = live->askers; a; a = a->next)
        if (a->may == UNSURE)
            (void)ask(a);
    for (struct asker *begin = at; at;) {
        if (at->may == ALLOWED) {
            live->last_asked = at;
            (void)ask(at);
            return;
        }
        at = at->next ? at->next : live->askers;
        if (at == begin)
            return;
    }
}

struct asker *house_asker(struct live *live, const char *who)
{
    struct asker *asker = live->askers;

    while (asker && strcmp(asker->who, who) != 0)
        asker = asker->next;
    if (!asker) {
        asker = calloc(1, sizeof *asker);
        check(asker && strlen(who) < sizeof asker->who);
        asker->live = live;
        snprintf(asker->who, sizeof asker->who, "%s", who);
        asker->next = live->askers;
        live->askers = asker;
    }
    asker->watchers++;
    bool old = asker->may == REFUSED && now_ms(live) - asker->answered_ms >= live->limits.house_ms;
    if (old)
        asker->may = UNSURE;
    if (asker->may == UNSURE)
        (void)ask(asker);
    return asker;
}

void house_leave(struct live *live, struct asker *asker)
{
    if (--asker->watchers)
        return;
    for (struct asker **at = &live->askers; *at; at = &(*at)->next)
        if (*at == asker) {
            *at = asker->next;
            break;
        }
    if (live->last_asked == asker)
        live->last_asked = NULL;
    if (asker->call)
        link_forget(asker->call);
    free(asker);
}

/* Other rules, or perhaps: whoever could see it before has to be asked for anew. */
void live_joined(struct live *live)
{
    for (struct watcher *w = live->first; w; w = w->next)
        if (w->has_house) {
            w->has_house = false;
            hub_grant(w->s, HUB_HOUSE, false);
        }
    for (struct asker *a = live->askers; a; a = a->next) {
        a->may = UNSURE;
        a->again = a->call != NULL;
        (void)ask(a);
    }
}

void house_forget(struct live *live)
{
    json_decref(live->rows);
    live->rows = NULL;
    buf_clear(&live->whole);
}
