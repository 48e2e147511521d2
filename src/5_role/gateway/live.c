/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/live_inside.h"

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
#define QUEUE_REFUSED "queue: this caller may not see who waits; that takes scope queue"

/* What a stage is of: told by its case_opened. */
struct live_case {
    char id[ID_BYTES], action[NAME_BYTES], host[NAME_BYTES], pool[NAME_BYTES], stage[STAGE_BYTES];
    int64_t told_ms;
    json_t *waits; /* the last message of the same stage, told later */
};

void live_text(const json_t *data, struct buf *out)
{
    struct err err;

    buf_clear(out);
    check(json_plain(data, out, &err)); /* none of ours is longer than a message */
}

static int64_t now_ms(const struct live *live)
{
    return (int64_t)uv_now(live->loop);
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
    scoped(buf_done) struct buf text = buf_of(LIVE_TEXT_BYTES_MAX),
                                like = buf_of(LIVE_TEXT_BYTES_MAX);

    live_text(page, &text);
    forget_times(page);
    live_text(page, &like);
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
    scoped(buf_done) struct buf text = buf_of(LIVE_TEXT_BYTES_MAX);
    const char *host = or_null(c->host), *pool = or_null(c->pool);

    if (inference_wait(live->inference, host, pool, clock_civil_ms(), &wait))
        host = wait.host;
    scoped(json_done) json_t *data = json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:s, s:I, s:I, s:o?}",
        "case", c->id, "action", or_null(c->action), "host", host, "pool", pool, "stage",
        message_text(message, "stage"), "words", message_text(message, "words"), "at_ms",
        (json_int_t)message_int(message, "at_ms"), "since_ms", (json_int_t)wait.since_ms,
        "expected_ms", wait.expected_ms >= 0 ? json_integer(wait.expected_ms) : NULL);
    check(data);
    live_text(data, &text);
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
        house_forget(live);
    } else if (!uv_is_active((uv_handle_t *)live->house_timer)) {
        uv_timer_start(live->house_timer, house_look, (uint64_t)l->house_ms, (uint64_t)l->house_ms);
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
    house_settle(w);
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
        house_leave(live, w->asker);
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
        w->asker = house_asker(live, wish->who);
    const struct hub_client client = {.after = wish->after,
        .form = wish->form,
        .hooks = &HOOKS,
        .owner = w,
        .session = wish->session,
        .token = wish->token,
        .sees_queue = w->sees_queue};
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
        .whole = buf_of(LIVE_TEXT_BYTES_MAX),
        .queue = buf_of(LIVE_TEXT_BYTES_MAX),
        .queue_like = buf_of(LIVE_TEXT_BYTES_MAX),
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
    house_forget(live);
    buf_done(&live->whole);
    buf_done(&live->queue);
    buf_done(&live->queue_like);
    uv_close((uv_handle_t *)live->house_timer, on_timer_closed);
    uv_close((uv_handle_t *)live->queue_timer, on_timer_closed);
    *live = (struct live){0};
}
