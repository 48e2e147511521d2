/* SPDX-License-Identifier: Apache-2.0
 *
 * The table: for each state, what each event does. A cell is a small function; NULL: nothing.
 * Before it, book() notes what an event says whatever the state; after it, settle() goes on to what
 * the state and the wishes ask for together.
 */
#include "readiness/readiness_inner.h"
#include "base/panic.h"

#include <string.h>

#define WAY_AGAIN_MS 1000 /* what made way and was not let go yet: requests end in a moment */

/* --- small parts */

static struct readiness_effect *effect(struct step *s, enum readiness_effect_kind kind)
{
    check(s->out->count < READINESS_EFFECTS_MAX);
    struct readiness_effect *e = &s->out->list[s->out->count++];
    *e = (struct readiness_effect){.kind = kind, .model = QUEUE_NONE};
    return e;
}

void readiness_enter(struct step *s, enum readiness_state state)
{
    if (s->p->state != state)
        s->p->since_ms = s->now_ms;
    s->p->state = state;
}

static void ask_at(struct readiness *p, int64_t at_ms)
{
    if (p->asked_ms < 0 && (p->ask_at_ms < 0 || p->ask_at_ms > at_ms))
        p->ask_at_ms = at_ms;
}

static void text_set(char *at, size_t size, const char *from)
{
    size_t bytes = strnlen(from, size - 1);
    while (from[bytes] != 0 && bytes > 0 && ((unsigned char)from[bytes] & 0xC0) == 0x80)
        bytes--; /* no half character */
    memmove(at, from, bytes);
    at[bytes] = 0;
}

static void words_set(struct readiness *p, const char *words, const char *otherwise)
{
    text_set(p->words, sizeof p->words, words != NULL ? words : otherwise);
}

static int64_t retry_after(const struct step *s)
{
    const struct readiness *p = s->p;
    int64_t ms = p->config.retry_first_ms;
    for (int i = 1; i < p->failures && ms < p->config.retry_max_ms; i++)
        ms *= 2;
    if (s->event->retry_ms > 0)
        return s->event->retry_ms;
    return ms < p->config.retry_max_ms ? ms : p->config.retry_max_ms;
}

static void fail(struct step *s, int model, const char *code)
{
    const struct readiness *p = s->p;
    struct readiness_effect *e = effect(s, READINESS_DO_FAIL);
    int64_t wait_ms = p->retry_at_ms - s->now_ms;
    e->model = model;
    e->code = code;
    e->words = p->words;
    e->should_retry = p->retry_at_ms != INT64_MAX;
    if (e->should_retry)
        e->retry_after_ms = wait_ms < 1000 ? 1000
            : wait_ms > QUEUE_RETRY_MS_MAX ? QUEUE_RETRY_MS_MAX : wait_ms;
}

/* Nobody is served here before way_until_ms. */
static void fail_for_way(struct step *s)
{
    const struct readiness *p = s->p;
    struct readiness_effect *e = effect(s, READINESS_DO_FAIL);
    e->model = QUEUE_ANY;
    e->code = "pool_unavailable";
    e->words = p->words;
    e->should_retry = true;
    e->retry_after_ms = readiness_way_left_ms(p, s->now_ms);
}

/* --- the larger steps */

/* What was here is not any more. */
void readiness_gone(struct step *s)
{
    s->p->model = QUEUE_NONE;
    s->p->retry_at_ms = 0;
    s->p->lost = 0;
    readiness_enter(s, READINESS_EMPTY);
    if (s->p->config.manages)
        return;
    words_set(s->p, s->event->words, "the engine of this pool, run by somebody else, is away");
    s->p->retry_at_ms = s->now_ms + s->p->config.watch_ms;
    fail(s, QUEUE_ANY, "pool_unavailable");
}

static void failed(struct step *s, int model, int64_t retry_at_ms, const char *code)
{
    struct readiness *p = s->p;
    p->retry_at_ms = retry_at_ms;
    p->failed_model = model;
    p->model = QUEUE_NONE;
    p->lost = 0;
    p->holding = retry_at_ms - s->now_ms <= p->config.hold_ms;
    readiness_enter(s, READINESS_FAILED);
    if (p->holding)
        return;
    if (model == QUEUE_ANY || p->want == model)
        p->want = QUEUE_NONE;
    fail(s, model, code);
}

void readiness_load_failed(struct step *s)
{
    bool denied = s->event->kind == READINESS_LOAD_DENIED;
    words_set(s->p, s->event->words,
        denied ? "the model may not be loaded now" : "the engine did not get the model ready");
    s->p->failures++;
    ask_at(s->p, s->now_ms); /* what is there now? */
    failed(s, s->p->model, s->now_ms + retry_after(s),
        denied ? "pool_unavailable" : "engine_failed");
}

/* The engine is not there any more; soon after it came up, that is a failed load. */
void readiness_died(struct step *s)
{
    struct readiness *p = s->p;
    bool soon = p->model >= 0 && s->now_ms - p->ready_ms < p->config.healthy_ms;
    if (!soon || !p->config.manages || p->state != READINESS_READY) {
        p->failures = soon ? p->failures : 0;
        readiness_gone(s);
        return;
    }
    words_set(p, s->event->words, "the engine ended soon after it was ready");
    p->failures++;
    failed(s, p->model, s->now_ms + retry_after(s), "engine_failed");
}

void readiness_ready(struct step *s, int model)
{
    struct readiness *p = s->p;
    p->model = model;
    p->slots = s->event->slots > 0 ? s->event->slots : p->config.slots;
    p->ready_ms = p->idle_ms = s->now_ms;
    p->retry_at_ms = 0;
    p->failed_model = QUEUE_NONE;
    p->lost = 0;
    p->ask_at_ms = -1;
    if (s->event->engine_version != NULL)
        text_set(p->engine_version, sizeof p->engine_version, s->event->engine_version);
    readiness_enter(s, READINESS_READY);
}

/* --- the cells */

static void host_gone(struct step *s)
{
    readiness_gone(s);
}

static void host_failed(struct step *s)
{
    bool never = s->event->retry_ms <= 0;
    words_set(s->p, s->event->words, "the host of this pool cannot be woken");
    failed(s, QUEUE_ANY, never ? INT64_MAX : s->now_ms + s->event->retry_ms, "pool_unavailable");
}

static void host_back(struct step *s)
{
    if (s->p->failed_model == QUEUE_ANY)
        readiness_gone(s);
}

static void wanted_failed(struct step *s)
{
    struct readiness *p = s->p;
    bool barred = p->failed_model == QUEUE_ANY || p->failed_model == p->want;
    if (!barred || p->holding || s->now_ms >= p->retry_at_ms)
        return;
    fail(s, p->want, "pool_unavailable");
    p->want = QUEUE_NONE;
}

static void stage(struct step *s)
{
    for (int state = READINESS_DRIVER_READY; state <= READINESS_LOADING; state++)
        if (s->event->stage != NULL &&
            strcmp(s->event->stage, readiness_state_name((enum readiness_state)state)) == 0)
            readiness_enter(s, (enum readiness_state)state);
}

static void stage_unload(struct step *s)
{
    if (s->event->stage != NULL && strcmp(s->event->stage, "unloading") == 0)
        readiness_enter(s, READINESS_UNLOADING);
}

static void load_done(struct step *s)
{
    readiness_learn(s->p, s->p->out_model, s->now_ms - s->p->load_ms);
    readiness_ready(s, s->p->out_model);
}

static void load_done_seen(struct step *s) /* a status was quicker */
{
    if (s->p->model == s->p->out_model)
        load_done(s);
}

static void look(struct step *s)
{
    ask_at(s->p, s->now_ms);
}

static void unloading(struct step *s)
{
    readiness_enter(s, READINESS_UNLOADING);
}

static void unloaded(struct step *s)
{
    s->p->failures = 0;
    readiness_gone(s);
}

static void emptied(struct step *s)
{
    if (s->p->out == READINESS_OUT_NONE)
        unloaded(s);
}

static void unload_denied(struct step *s)
{
    struct readiness *p = s->p;
    words_set(p, s->event->words, "the pool may not be unloaded now");
    p->failures++;
    p->retry_at_ms = s->now_ms + (p->makes_way ? WAY_AGAIN_MS : retry_after(s));
    readiness_enter(s, READINESS_READY);
    if (p->want == QUEUE_NONE || p->want == p->model)
        return;
    p->failed_model = p->want; /* what is here is served on meanwhile */
    p->holding = p->retry_at_ms - s->now_ms <= p->config.hold_ms;
    if (p->holding)
        return;
    fail(s, p->want, "pool_unavailable");
    p->want = QUEUE_NONE;
}

static void unload_unsure(struct step *s)
{
    words_set(s->p, s->event->words, "the pool did not say that it was unloaded");
    s->p->failures++;
    s->p->retry_at_ms = s->now_ms + retry_after(s);
    readiness_enter(s, READINESS_UNLOADING);
    ask_at(s->p, s->now_ms);
}

static void lost(struct step *s)
{
    if (++s->p->lost < READINESS_LOST_MAX)
        ask_at(s->p, s->now_ms + s->p->config.ask_ms);
    else if (s->p->out == READINESS_OUT_NONE)
        readiness_gone(s);
}

static void restarted(struct step *s)
{
    if (s->p->state == READINESS_DRAINING)
        readiness_enter(s, READINESS_UNLOADING); /* for all we know */
    s->p->looking = true;
    s->p->asked_ms = -1;
    ask_at(s->p, s->now_ms);
}

static void retry(struct step *s)
{
    if (s->now_ms < s->p->retry_at_ms)
        return;
    s->p->failed_model = QUEUE_NONE;
    readiness_gone(s);
}

#define STARTING                                                                                   \
    {[READINESS_HOST_GONE] = host_gone, [READINESS_STAGE] = stage,                                 \
        [READINESS_LOAD_DONE] = load_done, [READINESS_LOAD_DENIED] = readiness_load_failed,        \
        [READINESS_LOAD_FAILED] = readiness_load_failed,                                           \
        [READINESS_EMPTIED] = emptied, [READINESS_SEEN] = readiness_seen_starting,                 \
        [READINESS_LOST] = lost,                                                                   \
        [READINESS_RESTARTED] = restarted}

static cell *const TABLE[READINESS_STATES][READINESS_EVENTS] = {
    [READINESS_EMPTY] = {[READINESS_LOAD_DONE] = look, [READINESS_UNLOAD_FAILED] = look,
        [READINESS_SEEN] = readiness_seen_without, [READINESS_RESTARTED] = restarted},
    [READINESS_HOST] = {[READINESS_HOST_FAILED] = host_failed, [READINESS_LOAD_DONE] = look,
        [READINESS_UNLOAD_FAILED] = look, [READINESS_SEEN] = readiness_seen_without,
        [READINESS_RESTARTED] = restarted},
    [READINESS_DRIVER_READY] = STARTING,
    [READINESS_ENGINE_STARTING] = STARTING,
    [READINESS_VERIFYING] = STARTING,
    [READINESS_LOADING] = STARTING,
    [READINESS_READY] = {[READINESS_HOST_GONE] = host_gone, [READINESS_LOAD_DONE] = load_done_seen,
        [READINESS_LOAD_DENIED] = look, [READINESS_LOAD_FAILED] = look,
        [READINESS_UNLOAD_DONE] = unloaded, [READINESS_EMPTIED] = emptied,
        [READINESS_UPSTREAM_FAILED] = look, [READINESS_SEEN] = readiness_seen_ready,
        [READINESS_LOST] = lost, [READINESS_RESTARTED] = restarted},
    [READINESS_DRAINING] = {[READINESS_HOST_GONE] = host_gone, [READINESS_STAGE] = stage_unload,
        [READINESS_UNLOAD_ACCEPTED] = unloading, [READINESS_UNLOAD_DONE] = unloaded,
        [READINESS_UNLOAD_DENIED] = unload_denied, [READINESS_UNLOAD_FAILED] = unload_unsure,
        [READINESS_EMPTIED] = emptied, [READINESS_UPSTREAM_FAILED] = look,
        [READINESS_SEEN] = readiness_seen_ready, [READINESS_LOST] = lost,
        [READINESS_RESTARTED] = restarted},
    [READINESS_UNLOADING] = {[READINESS_HOST_GONE] = host_gone, [READINESS_UNLOAD_DONE] = unloaded,
        [READINESS_UNLOAD_DENIED] = unload_denied, [READINESS_UNLOAD_FAILED] = unload_unsure,
        [READINESS_EMPTIED] = emptied, [READINESS_SEEN] = readiness_seen_unloading,
        [READINESS_LOST] = lost, [READINESS_RESTARTED] = restarted},
    [READINESS_FAILED] = {[READINESS_WANTED] = wanted_failed, [READINESS_HOST_UP] = host_back,
        [READINESS_LOAD_DONE] = look, [READINESS_UNLOAD_FAILED] = look,
        [READINESS_SEEN] = readiness_seen_without, [READINESS_RESTARTED] = restarted,
        [READINESS_TICK] = retry},
};

/* --- around the table */

static void wish(struct readiness *p, int model)
{
    bool here = p->state == READINESS_READY ||
        (p->state == READINESS_DRAINING && p->out == READINESS_OUT_NONE);
    p->want = model >= 0 && !(here && model == p->model) ? model : QUEUE_NONE;
}

static void make_way(struct step *s)
{
    struct readiness *p = s->p;
    bool did = p->makes_way;
    p->makes_way = true;
    p->want = QUEUE_NONE;
    p->way_until_ms = s->event->retry_ms > 0 ? s->now_ms + s->event->retry_ms : INT64_MAX;
    if (s->event->words != NULL || !did)
        words_set(p, s->event->words, "the machine of this pool is somebody else's for now");
    if (!did && (p->state == READINESS_READY || p->state == READINESS_DRAINING))
        p->retry_at_ms = 0; /* an unload that was put off is due now */
    fail_for_way(s);
}

/* What an event says whatever the state. False: it is about a proposal that is not out any more. */
static bool book(struct step *s)
{
    struct readiness *p = s->p;
    switch (s->event->kind) {
    case READINESS_WANTED:
        wish(p, s->event->model);
        return true;
    case READINESS_UNWANTED:
        p->want = QUEUE_NONE;
        return true;
    case READINESS_RUNNING:
        if (p->running > 0 || s->event->running > 0)
            p->idle_ms = s->now_ms;
        p->running = s->event->running > 0 ? s->event->running : 0;
        return true;
    case READINESS_HOST_UP:
    case READINESS_HOST_GONE:
        p->host_up = s->event->kind == READINESS_HOST_UP || !p->config.has_host;
        return p->config.has_host;
    case READINESS_HOST_FAILED:
        return p->config.has_host;
    case READINESS_STAGE:
    case READINESS_LOAD_ACCEPTED:
    case READINESS_UNLOAD_ACCEPTED:
        p->news_ms = s->now_ms;
        return p->out ==
            (readiness_starting(p->state) ? READINESS_OUT_LOAD : READINESS_OUT_UNLOAD);
    case READINESS_LOAD_DONE:
    case READINESS_LOAD_DENIED:
    case READINESS_LOAD_FAILED:
        if (p->out != READINESS_OUT_LOAD)
            return false;
        p->out = READINESS_OUT_NONE;
        return true;
    case READINESS_UNLOAD_DONE:
    case READINESS_UNLOAD_DENIED:
    case READINESS_UNLOAD_FAILED:
        if (p->out != READINESS_OUT_UNLOAD)
            return false;
        p->out = READINESS_OUT_NONE;
        return true;
    case READINESS_SEEN:
        p->news_ms = s->now_ms;
        p->asked_ms = p->ask_at_ms = -1;
        p->looking = false;
        return true;
    case READINESS_LOST:
        p->asked_ms = p->ask_at_ms = -1;
        p->looking = false;
        return true;
    case READINESS_RESTARTED:
        p->out = READINESS_OUT_NONE;
        return true;
    case READINESS_MAKE_WAY:
        make_way(s);
        return true;
    case READINESS_EMPTIED:
    case READINESS_UPSTREAM_FAILED:
    case READINESS_TICK:
    case READINESS_EVENTS:
        break;
    }
    return true;
}

static void propose(struct step *s, enum readiness_out out)
{
    struct readiness *p = s->p;
    p->out = out;
    p->out_ms = p->news_ms = s->now_ms;
    if (out == READINESS_OUT_UNLOAD) { /* who makes way waits for nobody */
        readiness_enter(s, p->makes_way ? READINESS_UNLOADING : READINESS_DRAINING);
        effect(s, READINESS_DO_PROPOSE_UNLOAD);
        return;
    }
    p->model = p->out_model = p->want;
    p->load_ms = s->now_ms;
    p->holding = false;
    readiness_enter(s, READINESS_DRIVER_READY);
    effect(s, READINESS_DO_PROPOSE_LOAD)->model = p->model;
}

/* Empty, failed or waiting for its host: onwards to what is wanted. */
static void onwards(struct step *s)
{
    struct readiness *p = s->p;
    bool barred = p->state == READINESS_FAILED && s->now_ms < p->retry_at_ms &&
        (p->failed_model == QUEUE_ANY || p->failed_model == p->want);
    if (p->makes_way && p->want != QUEUE_NONE) {
        p->want = QUEUE_NONE;
        fail_for_way(s);
    }
    if (p->want == QUEUE_NONE) {
        if (p->state == READINESS_HOST)
            readiness_enter(s, READINESS_EMPTY);
        return;
    }
    if (barred)
        return;
    if (!p->config.manages) {
        words_set(p, NULL, "the engine of this pool, run by somebody else, is away");
        p->retry_at_ms = s->now_ms + p->config.watch_ms;
        p->want = QUEUE_NONE;
        fail(s, QUEUE_ANY, "pool_unavailable");
    } else if (!p->host_up) {
        readiness_enter(s, READINESS_HOST);
    } else if (p->out == READINESS_OUT_NONE && !p->looking) {
        propose(s, READINESS_OUT_LOAD);
    } else if (p->state == READINESS_HOST) {
        readiness_enter(s, READINESS_EMPTY); /* until what is out has ended */
    }
}

int64_t readiness_idle_at_ms(const struct readiness *p)
{
    bool here = p->state == READINESS_READY || p->state == READINESS_DRAINING;
    if (here && p->makes_way && p->config.manages && p->out == READINESS_OUT_NONE && !p->looking)
        return p->retry_at_ms;
    if (!here || p->running > 0 || p->out != READINESS_OUT_NONE || p->looking ||
        !p->config.manages)
        return -1;
    int64_t at = p->want != QUEUE_NONE ? p->ready_ms : p->idle_ms + p->config.idle_ms;
    return at > p->retry_at_ms ? at : p->retry_at_ms;
}

static void with_model(struct step *s)
{
    struct readiness *p = s->p;
    if (p->out != READINESS_OUT_NONE)
        return;
    if (p->makes_way && !p->config.manages) { /* it stays loaded, and serves nobody */
        p->model = p->want = QUEUE_NONE;
        readiness_enter(s, READINESS_EMPTY);
        return;
    }
    if (p->want == p->model || !p->config.manages || p->makes_way)
        p->want = QUEUE_NONE;
    int64_t at = readiness_idle_at_ms(p);
    if (at >= 0 && s->now_ms >= at)
        propose(s, READINESS_OUT_UNLOAD);
    else if (p->want == QUEUE_NONE || s->now_ms < p->retry_at_ms)
        readiness_enter(s, READINESS_READY); /* nobody asks for its place, or it may not give it */
    else if (p->running > 0)
        readiness_enter(s, READINESS_DRAINING);
}

static int64_t watch(const struct readiness *p)
{
    bool ours = p->out != READINESS_OUT_NONE;
    switch (p->state) {
    case READINESS_EMPTY:
    case READINESS_READY:
    case READINESS_DRAINING:
    case READINESS_FAILED:
        return p->config.has_host || ours ? 0 : p->config.watch_ms;
    case READINESS_DRIVER_READY:
    case READINESS_ENGINE_STARTING:
    case READINESS_VERIFYING:
    case READINESS_LOADING:
        return ours ? p->config.stall_ms : p->config.ask_ms;
    case READINESS_UNLOADING:
        return ours ? 0 : p->config.ask_ms;
    case READINESS_HOST:
    case READINESS_STATES:
        break;
    }
    return 0;
}

static void settle(struct step *s)
{
    struct readiness *p = s->p;
    if (p->state == READINESS_EMPTY || p->state == READINESS_HOST || p->state == READINESS_FAILED)
        onwards(s);
    if (p->state == READINESS_READY || p->state == READINESS_DRAINING)
        with_model(s);
    bool idle = p->state == READINESS_EMPTY || p->state == READINESS_FAILED;
    bool hold = p->config.has_host &&
        (!idle || p->want != QUEUE_NONE || p->out != READINESS_OUT_NONE);
    if (hold != p->host_held)
        effect(s, hold ? READINESS_DO_WANT_HOST : READINESS_DO_RELEASE_HOST);
    p->host_held = hold;
    int64_t watch_ms = watch(p);
    if (watch_ms > 0)
        ask_at(p, (p->out != READINESS_OUT_NONE ? p->news_ms : s->now_ms) + watch_ms);
    if (p->asked_ms >= 0 || p->ask_at_ms < 0 || s->now_ms < p->ask_at_ms)
        return;
    p->asked_ms = s->now_ms;
    p->ask_at_ms = -1;
    effect(s, READINESS_DO_ASK);
}

static void apply(struct step *s)
{
    cell *act = TABLE[s->p->state][s->event->kind];
    if (book(s) && act != NULL)
        act(s);
}

/* What time alone ends: a look without an answer, a proposal without an end. */
static void overdue(struct step *s)
{
    struct readiness *p = s->p;
    const struct readiness_event *event = s->event;
    struct readiness_event late = {.kind = READINESS_LOST, .model = QUEUE_NONE};
    s->event = &late;
    if (p->asked_ms >= 0 && s->now_ms - p->asked_ms >= p->config.look_limit_ms)
        apply(s);
    if (p->out != READINESS_OUT_NONE && s->now_ms - p->out_ms >= p->config.case_limit_ms) {
        late.kind =
            p->out == READINESS_OUT_LOAD ? READINESS_LOAD_FAILED : READINESS_UNLOAD_FAILED;
        apply(s);
    }
    s->event = event;
}

void readiness_step(struct readiness *pool, const struct readiness_event *event, int64_t now_ms,
    struct readiness_effects *ret_effects)
{
    struct step s = {pool, event, ret_effects, now_ms};
    ret_effects->count = 0;
    if (pool->makes_way && now_ms >= pool->way_until_ms)
        pool->makes_way = false;
    overdue(&s);
    apply(&s);
    settle(&s);
}
