/* SPDX-License-Identifier: Apache-2.0
 *
 * Events go in a row and are stepped one after the other, so that no step is taken inside another
 * one's effects. */
#include "inference/inside.h"
#include "inference/propose.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

#define STRANDED_AT_ONCE 64
#define PENDING_MAX 65536 /* a bug, not a load: an event makes a handful of others */

static struct pending *push(struct inference *inf, bool is_host, int at)
{
    if (inf->pending_count == inf->pending_cap) {
        size_t cap = inf->pending_cap ? 2 * inf->pending_cap : 64;
        struct pending *grown = calloc(cap, sizeof *grown);
        check(grown && cap <= PENDING_MAX);
        for (size_t i = 0; i < inf->pending_count; i++)
            grown[i] = inf->pending[(inf->pending_first + i) % inf->pending_cap];
        free(inf->pending);
        inf->pending = grown;
        inf->pending_cap = cap;
        inf->pending_first = 0;
    }
    struct pending *p =
        &inf->pending[(inf->pending_first + inf->pending_count++) % inf->pending_cap];
    *p = (struct pending){.is_host = is_host, .at = at};
    return p;
}

static void copy(char *to, size_t bytes, const char *from)
{
    snprintf(to, bytes, "%s", from ? from : "");
}

void drive_host(struct inference *inf, int host, const struct power_event *event)
{
    struct pending *p = push(inf, true, host);

    p->power = *event;
    copy(p->words, sizeof p->words, event->words);
}

void drive_pool(struct inference *inf, int pool, const struct readiness_event *event)
{
    struct pending *p = push(inf, false, pool);

    p->readiness = *event;
    copy(p->words, sizeof p->words, event->words);
    copy(p->stage, sizeof p->stage, event->stage);
    copy(p->version, sizeof p->version, event->engine_version);
}

static void pools_of_host(struct inference *inf, int host, const struct readiness_event *event)
{
    for (int i = 0; i < inf->pool_count; i++)
        if (inf->pools[i].host == host && inf->pools[i].listed)
            drive_pool(inf, i, event);
}

void drive_pool_told(struct inference *inf, int at)
{
    struct pool *pool = &inf->pools[at];
    struct queue_pool spec;
    int64_t now = inference_now(inf);

    readiness_queue_pool(
        &pool->readiness, pool->host >= 0 ? &inf->hosts[pool->host].power : NULL, now, &spec);
    if (!pool->listed) {
        spec.slots = 0;
        spec.denied = QUEUE_ANY;
        spec.denied_until_ms = INT64_MAX;
    }
    queue_pool_set(inf->queue, at, &spec, now);
}

/* --- effects of a host ----------------------------------------------------------------- */

static void host_effect(struct inference *inf, int at, const struct power_effect *effect)
{
    switch (effect->kind) {
    case POWER_DO_PROPOSE_WAKE:
        propose(inf, PROPOSE_WAKE, at, QUEUE_NONE);
        return;
    case POWER_DO_PROPOSE_SLEEP:
        propose(inf, PROPOSE_SLEEP, at, QUEUE_NONE);
        return;
    case POWER_DO_WITHDRAW_SLEEP: /* a proposal that waits for nobody is on its way already */
        return;
    case POWER_DO_ASK:
        propose_look(inf, at);
        return;
    case POWER_DO_UP:
        pools_of_host(inf, at, &(struct readiness_event){.kind = READINESS_HOST_UP});
        return;
    case POWER_DO_DOWN:
        pools_of_host(inf, at, &(struct readiness_event){.kind = READINESS_HOST_GONE});
        return;
    case POWER_DO_FAIL:
        pools_of_host(inf, at,
            &(struct readiness_event){.kind = READINESS_HOST_FAILED,
                .words = effect->words,
                .retry_ms = effect->retry_after_ms});
        return;
    case POWER_EFFECT_KINDS:
        break;
    }
    panic("power has no such effect");
}

static void step_host(struct inference *inf, struct pending *p)
{
    struct host *host = &inf->hosts[p->at];
    struct power_effects effects;
    enum power_state before = host->power.state;

    p->power.words = *p->words ? p->words : NULL;
    power_step(&host->power, &p->power, inference_now(inf), &effects);
    if (host->power.state != before) {
        log_event("host_state", "host", host->name, "state", power_state_name(host->power.state),
            "was", power_state_name(before), NULL);
        for (int i = 0; i < inf->pool_count; i++)
            if (inf->pools[i].host == p->at)
                drive_pool_told(inf, i);
    }
    for (int i = 0; i < effects.count; i++)
        host_effect(inf, p->at, &effects.list[i]);
}

/* --- effects of a pool ------------------------------------------------------------------ */

static void want_host(struct inference *inf, const struct pool *pool, int change)
{
    if (pool->host < 0)
        return;
    struct host *host = &inf->hosts[pool->host];
    int before = host->wants;

    host->wants += change;
    check(host->wants >= 0);
    if (!before != !host->wants)
        drive_host(inf, pool->host,
            &(struct power_event){.kind = host->wants ? POWER_WANTED : POWER_UNWANTED});
}

static void fail_stranded(struct inference *inf, int at, const struct readiness_effect *effect)
{
    uint64_t ids[STRANDED_AT_ONCE];
    int found;

    drive_pool_told(inf, at);
    do {
        found =
            queue_stranded(inf->queue, effect->model, inference_now(inf), ids, STRANDED_AT_ONCE);
        for (int i = 0; i < found && i < STRANDED_AT_ONCE; i++)
            turn_fail(queue_owner(inf->queue, ids[i]), 503, effect->code, effect->words,
                effect->retry_after_ms, effect->should_retry);
    } while (found > STRANDED_AT_ONCE);
}

static void pool_effect(struct inference *inf, int at, const struct readiness_effect *effect)
{
    struct pool *pool = &inf->pools[at];

    switch (effect->kind) {
    case READINESS_DO_WANT_HOST:
        want_host(inf, pool, 1);
        return;
    case READINESS_DO_RELEASE_HOST:
        want_host(inf, pool, -1);
        return;
    case READINESS_DO_PROPOSE_LOAD:
        propose(inf, PROPOSE_LOAD, at, effect->model);
        return;
    case READINESS_DO_PROPOSE_UNLOAD:
        propose(inf, PROPOSE_UNLOAD, at, QUEUE_NONE);
        return;
    case READINESS_DO_ASK:
        if (pool->host >= 0)
            propose_look(inf, pool->host);
        else
            propose_look_external(inf, at);
        return;
    case READINESS_DO_FAIL:
        fail_stranded(inf, at, effect);
        return;
    case READINESS_EFFECT_KINDS:
        break;
    }
    panic("readiness has no such effect");
}

/* Requests may be with the engine. */
static bool serves_now(enum readiness_state state)
{
    return state == READINESS_READY || state == READINESS_DRAINING;
}

static void step_pool(struct inference *inf, struct pending *p)
{
    struct pool *pool = &inf->pools[p->at];
    struct readiness_effects effects;
    enum readiness_state before = pool->readiness.state;

    p->readiness.words = *p->words ? p->words : NULL;
    p->readiness.stage = *p->stage ? p->stage : NULL;
    p->readiness.engine_version = *p->version ? p->version : NULL;
    readiness_step(&pool->readiness, &p->readiness, inference_now(inf), &effects);
    if (pool->readiness.state != before)
        log_event("pool_state", "pool", pool->name, "state",
            readiness_state_name(pool->readiness.state), "was", readiness_state_name(before), NULL);
    show_changed(inf);
    drive_pool_told(inf, p->at);
    bool made_way = p->readiness.kind == READINESS_MAKE_WAY;
    if (made_way || (serves_now(before) && !serves_now(pool->readiness.state)))
        turns_lost(inf, p->at, pool->readiness.makes_way ? pool->readiness.words : NULL);
    for (int i = 0; i < effects.count; i++)
        pool_effect(inf, p->at, &effects.list[i]);
}

/* --- the round ---------------------------------------------------------------------------- */

void drive_running(struct inference *inf, int at, int change)
{
    struct pool *pool = &inf->pools[at];

    pool->running += change;
    check(pool->running >= 0);
    if (!pool->running != !pool->told_running) {
        pool->told_running = pool->running;
        drive_pool(inf, at,
            &(struct readiness_event){.kind = READINESS_RUNNING, .running = pool->running});
    }
}

static void tell_wants(struct inference *inf)
{
    struct queue_want wants[QUEUE_POOLS_MAX];
    int models[QUEUE_POOLS_MAX];
    int count = queue_wants(inf->queue, inference_now(inf), wants, QUEUE_POOLS_MAX);

    for (int i = 0; i < inf->pool_count; i++)
        models[i] = QUEUE_NONE;
    for (int i = 0; i < count; i++)
        models[wants[i].pool] = wants[i].model;
    inf->any_want = count > 0;
    for (int i = 0; i < inf->pool_count; i++) {
        struct pool *pool = &inf->pools[i];
        if (models[i] == pool->want_model)
            continue;
        pool->want_model = models[i];
        drive_pool(inf, i,
            models[i] == QUEUE_NONE
                ? &(struct readiness_event){.kind = READINESS_UNWANTED}
                : &(struct readiness_event){.kind = READINESS_WANTED, .model = models[i]});
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void on_timer(uv_timer_t *timer)
{
    struct inference *inf = timer->data;
    int64_t now = inference_now(inf);

    for (int i = 0; i < inf->host_count; i++) {
        int64_t due = power_wake_at_ms(&inf->hosts[i].power);
        if (due >= 0 && due <= now)
            drive_host(inf, i, &(struct power_event){.kind = POWER_TICK});
    }
    for (int i = 0; i < inf->pool_count; i++) {
        int64_t due = readiness_wake_at_ms(&inf->pools[i].readiness);
        if (due >= 0 && due <= now)
            drive_pool(inf, i, &(struct readiness_event){.kind = READINESS_TICK});
    }
    inf->moved = true;
    drive_settle(inf);
}

static void set_timer(struct inference *inf)
{
    int64_t now = inference_now(inf), due = queue_wake_at_ms(inf->queue, now);

    for (int i = 0; i < inf->host_count; i++)
        due = earlier(due, power_wake_at_ms(&inf->hosts[i].power));
    for (int i = 0; i < inf->pool_count; i++)
        due = earlier(due, readiness_wake_at_ms(&inf->pools[i].readiness));
    if (due < 0)
        uv_timer_stop(&inf->timer);
    else
        uv_timer_start(&inf->timer, on_timer, due > now ? (uint64_t)(due - now) : 1, 0);
}

static bool step_one(struct inference *inf)
{
    if (!inf->pending_count)
        return false;
    struct pending p = inf->pending[inf->pending_first];
    inf->pending_first = (inf->pending_first + 1) % inf->pending_cap;
    inf->pending_count--;
    inf->moved = true;
    if (p.is_host)
        step_host(inf, &p);
    else
        step_pool(inf, &p);
    return true;
}

void drive_settle(struct inference *inf)
{
    struct queue_ticket ticket;

    inf->changes++;
    if (inf->settling || inf->closing)
        return;
    inf->settling = true;
    do {
        while (step_one(inf))
            ;
        while (queue_next(inf->queue, inference_now(inf), &ticket))
            turn_start(ticket.owner, ticket.pool);
        if (inf->any_want || queue_waiting(inf->queue)) {
            inf->moved = true;
            tell_wants(inf);
        }
    } while (inf->pending_count);
    if (inf->moved)
        set_timer(inf);
    inf->moved = false;
    inf->settling = false;
}

/* --- what an agent says --------------------------------------------------------------------- */

static bool seen_from(const char *state, enum readiness_seen *ret_seen)
{
    static const char *const WORDS[READINESS_SEENS] = {[READINESS_SEEN_EMPTY] = "empty",
        [READINESS_SEEN_STARTING] = "starting",
        [READINESS_SEEN_VERIFYING] = "verifying",
        [READINESS_SEEN_LOADING] = "loading",
        [READINESS_SEEN_READY] = "ready",
        [READINESS_SEEN_DRAINING] = "draining",
        [READINESS_SEEN_FAILED] = "failed"};

    for (int i = 0; i < READINESS_SEENS; i++)
        if (strcmp(WORDS[i], state) == 0) {
            *ret_seen = (enum readiness_seen)i;
            return true;
        }
    return false;
}

/* The model is named by its hash: a name alone could be another file. */
static int model_of(const struct inference *inf, const json_t *row)
{
    int model = view_model(inf, str_from(text_of(row, "model")));

    return model >= 0 && strcmp(inf->models[model].sha256, text_of(row, "sha256")) == 0
               ? model
               : QUEUE_NONE;
}

static void pool_seen(struct inference *inf, int at, const json_t *row)
{
    struct pool *pool = &inf->pools[at];
    struct readiness_event event = {.kind = READINESS_SEEN, .model = QUEUE_NONE};

    if (row && seen_from(text_of(row, "state"), &event.seen)) {
        event.model = model_of(inf, row);
        event.slots = (int)json_integer_value(json_object_get(row, "slots"));
        event.engine_version = text_of(row, "engine_version");
        copy(pool->sha256, sizeof pool->sha256, text_of(row, "sha256"));
        event.words = text_of(json_object_get(row, "error"), "message");
    }
    drive_pool(inf, at, &event);
}

void drive_status(struct inference *inf, int at, const json_t *status)
{
    struct host *host = &inf->hosts[at];
    const json_t *rows = json_object_get(status, "pools");

    drive_host(inf, at, &(struct power_event){.kind = status ? POWER_SEEN : POWER_LOST});
    if (status) {
        json_decref(host->status);
        host->status = json_incref((json_t *)(uintptr_t)status);
        host->seen_civil_ms = identity_clock().civil_ms;
    }
    for (int i = 0; i < inf->pool_count; i++) {
        const json_t *found = NULL, *row;
        size_t k;
        if (inf->pools[i].host != at || !inf->pools[i].listed)
            continue;
        json_array_foreach ((json_t *)(uintptr_t)rows, k, row)
            if (strcmp(text_of(row, "pool"), inf->pools[i].name) == 0)
                found = row;
        if (status)
            pool_seen(inf, i, found);
        else
            drive_pool(inf, i, &(struct readiness_event){.kind = READINESS_LOST});
    }
}
