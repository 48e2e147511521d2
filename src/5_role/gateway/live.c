/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/live.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "inference/inference.h"
#include "os/clock.h"
#include "json/json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define ID_BYTES 33
#define NAME_BYTES 65
#define STAGE_BYTES 33
#define REMARK_BYTES 512
#define TEXT_BYTES_MAX (2 * MESSAGE_BYTES_MAX) /* of one event */
#define QUEUE_REFUSED "queue: this caller may not see who waits; that takes scope queue"

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
    char who[LIVE_WHO_BYTES], words[REMARK_BYTES];
};

/* What a stage is of: told by its case_opened. */
struct live_case {
    char id[ID_BYTES], action[NAME_BYTES], host[NAME_BYTES], pool[NAME_BYTES], stage[STAGE_BYTES];
    int64_t told_ms;
    json_t *waits; /* the last message of the same stage, told later */
};

static void text_of(const json_t *data, struct buf *out)
{
    struct err err;

    buf_clear(out);
    check(json_plain(data, out, &err)); /* none of ours is longer than a message */
}

static int64_t now_ms(const struct live *live)
{
    return (int64_t)uv_now(live->loop);
}

/* --- the house ------------------------------------------------------------------------------- */

static bool ask(struct asker *asker);

static json_t *house_of(json_t *rows, bool whole)
{
    json_t *data = json_pack(
        "{s:b, s:I, s:o}", "whole", whole, "at_ms", (json_int_t)clock_civil_ms(), "nodes", rows);

    check(data);
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
    scoped(json_done) json_t *data = house_of(rows, whole);
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);

    text_of(data, &text);
    hub_push(live->hub, HUB_HOUSE, buf_str(&text));
}

/* The whole house, once written for all who come. */
static void give_house(struct watcher *w)
{
    struct live *live = w->live;

    if (!live->whole.len) {
        scoped(json_done) json_t *data = house_of(all_rows(live), true);
        text_of(data, &live->whole);
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
static void take_rows(struct live *live, const json_t *nodes)
{
    json_t *rows = rows_by_name(nodes), *changed = json_array(), *row;
    scoped(json_done) json_t *before = live->rows;
    const char *name;
    bool gone = false;

    check(changed);
    live->rows = rows;
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
static void settle_house(struct watcher *w)
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
    char words[REMARK_BYTES];

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
        take_rows(live, json_object_get(body, "nodes"));
    for (struct watcher *w = live->first; w; w = w->next)
        if (w->asker == asker)
            settle_house(w);
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
static void on_house(uv_timer_t *timer)
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

static struct asker *asker_of(struct live *live, const char *who)
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

static void leave_asker(struct live *live, struct asker *asker)
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

/* --- who waits ------------------------------------------------------------------------------- */

static void forget_times(json_t *page)
{
    static const char *const ROWS[] = {"hosts", "pools", "requests"};
    json_t *row;
    size_t k;

    json_object_del(page, "at_ms");
    for (size_t i = 0; i < COUNT(ROWS); i++)
        json_array_foreach (json_object_get(page, ROWS[i]), k, row) {
            json_object_del(row, "since_ms");
            json_object_del(row, "expected_ms");
            json_object_del(row, "waited_ms");
        }
}

/* True: it is another one than was told last. */
static bool look_at_queue(struct live *live)
{
    scoped(json_done) json_t *page = inference_overview(live->inference, clock_civil_ms());
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX), like = buf_of(TEXT_BYTES_MAX);

    text_of(page, &text);
    forget_times(page);
    text_of(page, &like);
    if (str_eq(buf_str(&like), buf_str(&live->queue_like)))
        return false;
    buf_clear(&live->queue);
    buf_clear(&live->queue_like);
    buf_add(&live->queue, buf_str(&text));
    buf_add(&live->queue_like, buf_str(&like));
    return true;
}

static void give_queue(struct watcher *w)
{
    struct live *live = w->live;

    if (!live->queue.len)
        (void)look_at_queue(live);
    hub_grant(w->s, HUB_QUEUE, true);
    hub_tell(w->s, HUB_QUEUE, buf_str(&live->queue));
}

/* --- how far the hands are ---------------------------------------------------------------------
 */

static struct live_case *case_of(struct live *live, const char *id)
{
    for (size_t i = 0; i < LIVE_CASES_MAX; i++)
        if (*live->cases[i].id && strcmp(live->cases[i].id, id) == 0)
            return &live->cases[i];
    return NULL;
}

static void forget_case(struct live_case *c)
{
    json_decref(c->waits);
    *c = (struct live_case){0};
}

static struct live_case *new_case(struct live *live, const char *id)
{
    struct live_case *c = &live->cases[live->next_case];

    live->next_case = (live->next_case + 1) % LIVE_CASES_MAX;
    forget_case(c);
    snprintf(c->id, sizeof c->id, "%s", id);
    return c;
}

/* Only what is done to a machine has stages. */
static void open_case(struct live *live, const json_t *message)
{
    const json_t *body = json_object_get(message, "body");
    const json_t *params = json_object_get(body, "params");
    const char *host = message_text(params, "host"), *pool = message_text(params, "pool");

    if (!*host && !*pool)
        return;
    struct live_case *c = new_case(live, message_text(message, "case"));
    snprintf(c->action, sizeof c->action, "%s", message_text(body, "action"));
    snprintf(c->host, sizeof c->host, "%s", host);
    snprintf(c->pool, sizeof c->pool, "%s", pool);
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void tell_stage(struct live *live, struct live_case *c, const json_t *message)
{
    struct inference_wait wait = {.since_ms = message_int(message, "at_ms"), .expected_ms = -1};
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    const char *host = or_null(c->host), *pool = or_null(c->pool);

    if (inference_wait(live->inference, host, pool, clock_civil_ms(), &wait))
        host = wait.host;
    scoped(json_done) json_t *data = json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:s, s:I, s:I, s:o?}",
        "case", c->id, "action", or_null(c->action), "host", host, "pool", pool, "stage",
        message_text(message, "stage"), "words", message_text(message, "words"), "at_ms",
        (json_int_t)message_int(message, "at_ms"), "since_ms", (json_int_t)wait.since_ms,
        "expected_ms", wait.expected_ms >= 0 ? json_integer(wait.expected_ms) : NULL);
    check(data);
    text_of(data, &text);
    snprintf(c->stage, sizeof c->stage, "%s", message_text(message, "stage"));
    c->told_ms = now_ms(live);
    hub_push(live->hub, HUB_STAGE, buf_str(&text));
}

static void tell_waiting(struct live *live)
{
    for (size_t i = 0; i < LIVE_CASES_MAX; i++) {
        scoped(json_done) json_t *message = live->cases[i].waits;
        live->cases[i].waits = NULL;
        if (message)
            tell_stage(live, &live->cases[i], message);
    }
}

void live_stage(struct live *live, const json_t *message)
{
    struct live_case *c = case_of(live, message_text(message, "case"));
    const char *stage = message_text(message, "stage");

    if (!live->wanting[HUB_STAGE])
        return;
    if (!c) /* opened before this process was there */
        c = new_case(live, message_text(message, "case"));
    json_decref(c->waits);
    c->waits = NULL;
    if (strcmp(c->stage, stage) != 0 || now_ms(live) - c->told_ms >= live->limits.queue_ms)
        tell_stage(live, c, message);
    else
        c->waits = json_incref((json_t *)(uintptr_t)message);
}

void live_event(struct live *live, const json_t *message)
{
    const char *kind = message_text(message, "kind");
    struct live_case *c;

    if (strcmp(kind, "kb_loaded") == 0)
        live_joined(live);
    else if (strcmp(kind, "case_opened") == 0)
        open_case(live, message);
    else if ((strcmp(kind, "case_executed") == 0 || strcmp(kind, "case_failed") == 0) &&
             (c = case_of(live, message_text(message, "case"))))
        forget_case(c);
}

/* --- coming and going ------------------------------------------------------------------------ */

static void on_queue(uv_timer_t *timer)
{
    struct live *live = timer->data;

    tell_waiting(live);
    if (live->wanting[HUB_QUEUE] && inference_moved(live->inference, &live->queue_mark) &&
        look_at_queue(live))
        hub_push(live->hub, HUB_QUEUE, buf_str(&live->queue));
}

/* Nothing is looked at for nobody; what is old then is not told to the next one. */
static void run_timers(struct live *live)
{
    const struct live_limits *l = &live->limits;
    bool queue = live->wanting[HUB_QUEUE] || live->wanting[HUB_STAGE];

    if (!live->wanting[HUB_QUEUE]) {
        buf_clear(&live->queue);
        buf_clear(&live->queue_like);
    }
    if (!live->wanting[HUB_HOUSE]) {
        uv_timer_stop(live->house_timer);
        json_decref(live->rows);
        live->rows = NULL;
        buf_clear(&live->whole);
    } else if (!uv_is_active((uv_handle_t *)live->house_timer)) {
        uv_timer_start(live->house_timer, on_house, (uint64_t)l->house_ms, (uint64_t)l->house_ms);
    }
    if (!queue)
        uv_timer_stop(live->queue_timer);
    else if (!uv_is_active((uv_handle_t *)live->queue_timer))
        uv_timer_start(live->queue_timer, on_queue, (uint64_t)l->queue_ms, (uint64_t)l->queue_ms);
}

static void count_wishes(struct live *live, unsigned wants, int64_t change)
{
    for (unsigned kind = 0; kind < HUB_KINDS; kind++)
        if (wants & HUB_BIT(kind))
            live->wanting[kind] += change;
    run_timers(live);
}

static void on_live(void *owner, struct subscriber *s)
{
    struct watcher *w = owner;

    w->s = s;
    if (w->wants & HUB_BIT(HUB_STAGE))
        hub_grant(s, HUB_STAGE, true);
    if (w->wants & HUB_BIT(HUB_QUEUE) && w->sees_queue)
        give_queue(w);
    else if (w->wants & HUB_BIT(HUB_QUEUE))
        hub_remark(s, S(QUEUE_REFUSED));
    settle_house(w);
}

static void forget_watcher(struct watcher *w)
{
    struct live *live = w->live;

    if (w->before)
        w->before->next = w->next;
    else
        live->first = w->next;
    if (w->next)
        w->next->before = w->before;
    if (w->asker)
        leave_asker(live, w->asker);
    count_wishes(live, w->wants, -1);
    free(w);
}

static void on_left(void *owner)
{
    forget_watcher(owner);
}

bool live_subscribe(
    struct live *live, struct exchange *ex, const struct live_wish *wish, struct err *err)
{
    static const struct hub_hooks HOOKS = {on_live, on_left};
    struct watcher *w = calloc(1, sizeof *w);

    check(w);
    *w = (struct watcher){
        .live = live, .next = live->first, .wants = wish->live, .sees_queue = wish->sees_queue};
    if (live->first)
        live->first->before = w;
    live->first = w;
    count_wishes(live, w->wants, 1);
    if (wish->live & HUB_BIT(HUB_HOUSE))
        w->asker = asker_of(live, wish->who);
    const struct hub_client client = {.after = wish->after,
        .form = wish->form,
        .hooks = &HOOKS,
        .owner = w,
        .session = wish->session,
        .token = wish->token};
    if (hub_subscribe(live->hub, ex, &client, err))
        return true; /* it may have left already */
    forget_watcher(w);
    return false;
}

static uv_timer_t *make_timer(struct live *live)
{
    uv_timer_t *timer = calloc(1, sizeof *timer);

    check(timer && uv_timer_init(live->loop, timer) == 0);
    timer->data = live;
    return timer;
}

void live_init(struct live *live, uv_loop_t *loop, struct hub *hub, struct link *link,
    struct inference *inference, const struct live_limits *limits)
{
    *live = (struct live){.loop = loop,
        .hub = hub,
        .link = link,
        .inference = inference,
        .limits = *limits,
        .whole = buf_of(TEXT_BYTES_MAX),
        .queue = buf_of(TEXT_BYTES_MAX),
        .queue_like = buf_of(TEXT_BYTES_MAX),
        .cases = calloc(LIVE_CASES_MAX, sizeof(struct live_case))};
    check(live->cases);
    live->house_timer = make_timer(live);
    live->queue_timer = make_timer(live);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void live_done(struct live *live)
{
    check(!live->first);
    for (size_t i = 0; i < LIVE_CASES_MAX; i++)
        forget_case(&live->cases[i]);
    free(live->cases);
    json_decref(live->rows);
    buf_done(&live->whole);
    buf_done(&live->queue);
    buf_done(&live->queue_like);
    uv_close((uv_handle_t *)live->house_timer, on_timer_closed);
    uv_close((uv_handle_t *)live->queue_timer, on_timer_closed);
    *live = (struct live){0};
}
