/* SPDX-License-Identifier: Apache-2.0
 *
 * readiness — the life of one pool as a table: (state, event) → (state, effects).
 *
 * Pure: no clock (now_ms is a parameter, steady, never back), no I/O, no allocation. The gateway
 * keeps one struct readiness per pool beside the struct power of its host, feeds it what happened,
 * and carries out the effects in order. Never is more than one proposal of a pool out.
 *
 *   empty ─wanted─► host ─up─► driver_ready ─► engine_starting ─► verifying ─► loading ─► ready
 *     ▲                       (load proposed; the stages are its progress)               │
 *     └── unloading ◄─accepted─ draining ◄─── idle for idle_ms, or another model is wanted ┘
 *   any stage of a load ──denied, failed──► failed ──retry_at_ms, or another model──► host …
 *
 * How the three modules go together (the gateway does this after every event):
 *   queue_next() … ; for each pool: listed by queue_wants() with model m → READINESS_WANTED m,
 *   not listed → READINESS_UNWANTED; READINESS_RUNNING whenever the number of running requests
 *   changed. After a step: readiness_queue_pool() → queue_pool_set(). On READINESS_DO_FAIL: first
 *   that, then fail all of queue_stranded(model): whoever has another pool goes on waiting.
 *   DO_WANT_HOST / DO_RELEASE_HOST are counted per host; 0→1 is POWER_WANTED, 1→0 POWER_UNWANTED.
 *   POWER_DO_UP, _DOWN, _FAIL go to every pool of the host as HOST_UP, HOST_GONE, HOST_FAILED.
 *
 * - A pool is unloaded only with nothing running, but when it makes way: after idle_ms without a
 *   request, or when another model is wanted. Wanted no more before the unload was proposed: it
 *   stays (ready again).
 * - A load cannot be called back: wanted by nobody any more, it ends, idles and is unloaded.
 * - A denied or failed load is tried again at its retry time, else after retry_first_ms doubling to
 *   retry_max_ms; waiters are failed at once unless that is at most hold_ms away: then they are
 *   held. Another model may be loaded meanwhile. An engine that dies within healthy_ms counts as a
 *   failed load.
 * - A pool makes way (somebody plays on its machine) whatever runs there: it serves nobody from
 *   that moment on, nothing is loaded, its waiters are failed unless another pool has them, and a
 *   pool of ours is unloaded at once; a load that is out ends first. Until told when it is over.
 * - What a status shows wins: a dead engine, another model, an empty pool; except what a proposal
 *   that is out is about to change. Each pool of a status is given SEEN, whoever asked for it.
 *
 * source   docs/inference.md §4 (the stages), §7 (the codes); issue 3 §5
 */
#pragma once

#include "power/power.h"
#include "queue/queue.h"
#include "readiness/readiness_config.h"

#define READINESS_WORDS_BYTES 160
#define READINESS_VERSION_BYTES 64
#define READINESS_MODELS_LEARNED 64 /* load times kept; the oldest gives way */
#define READINESS_LOST_MAX 3        /* looks in a row that find nobody before it counts as empty */
#define READINESS_EFFECTS_MAX 8

enum readiness_state {
    READINESS_EMPTY,
    READINESS_HOST,         /* wanted, its host is not up */
    READINESS_DRIVER_READY, /* the host is up, the load is proposed */
    READINESS_ENGINE_STARTING,
    READINESS_VERIFYING,
    READINESS_LOADING,
    READINESS_READY,
    READINESS_DRAINING, /* nothing new starts; the unload is proposed once nothing runs */
    READINESS_UNLOADING,
    READINESS_FAILED, /* see failed_model, retry_at_ms */
    READINESS_STATES,
};

enum readiness_event_kind {
    READINESS_WANTED, /* model */
    READINESS_UNWANTED,
    READINESS_RUNNING, /* running: how many requests it serves now */
    READINESS_HOST_UP,
    READINESS_HOST_GONE,
    READINESS_HOST_FAILED, /* words, retry_ms: it will not come up before */
    READINESS_STAGE,       /* stage: of docs/inference.md §4; unknown ones are left alone */
    READINESS_LOAD_ACCEPTED,
    READINESS_LOAD_DONE,   /* engine_version, slots */
    READINESS_LOAD_DENIED, /* words, retry_ms */
    READINESS_LOAD_FAILED, /* words, retry_ms; also: its fate is not known */
    READINESS_UNLOAD_ACCEPTED,
    READINESS_UNLOAD_DONE,
    READINESS_UNLOAD_DENIED, /* words, retry_ms */
    READINESS_UNLOAD_FAILED,
    READINESS_EMPTIED, /* somebody else's unload was done: the record says so */
    READINESS_MAKE_WAY, /* words; retry_ms: for so long still, 0: until the next such event */
    READINESS_UPSTREAM_FAILED, /* the engine did not answer (connection refused, broken) */
    READINESS_SEEN,      /* seen, model, slots, engine_version: what the agent says of this pool */
    READINESS_LOST,      /* a look found nobody */
    READINESS_RESTARTED, /* link to the judge came back: what was out is forgotten, look */
    READINESS_TICK, READINESS_EVENTS,
};

/* The `state` of POOL in the agent's status. */
enum readiness_seen {
    READINESS_SEEN_EMPTY,
    READINESS_SEEN_STARTING,
    READINESS_SEEN_VERIFYING,
    READINESS_SEEN_LOADING,
    READINESS_SEEN_READY,
    READINESS_SEEN_DRAINING,
    READINESS_SEEN_FAILED,
    READINESS_SEENS,
};

struct readiness_event {
    enum readiness_event_kind kind;
    int model; /* of WANTED, SEEN; QUEUE_NONE in SEEN: none that we know */
    int running, slots;
    enum readiness_seen seen;
    const char *stage, *words, *engine_version; /* copied, cut; NULL = not said */
    int64_t retry_ms;                           /* from now; 0 = not said */
};

enum readiness_effect_kind {
    READINESS_DO_WANT_HOST,
    READINESS_DO_RELEASE_HOST,
    READINESS_DO_PROPOSE_LOAD,   /* {action pool_load, model}; answer by READINESS_LOAD_… */
    READINESS_DO_PROPOSE_UNLOAD, /* {action pool_unload}; answer by READINESS_UNLOAD_… */
    READINESS_DO_ASK,            /* a look: READINESS_SEEN or READINESS_LOST */
    READINESS_DO_FAIL, /* model (QUEUE_ANY: all), code, words, retry_after_ms, should_retry */
    READINESS_EFFECT_KINDS,
};

struct readiness_effect {
    enum readiness_effect_kind kind;
    int model;
    const char *code;       /* pool_unavailable, engine_failed */
    const char *words;      /* valid until the next step */
    int64_t retry_after_ms; /* at most QUEUE_RETRY_MS_MAX; 0 with should_retry false */
    bool should_retry;
};

struct readiness_effects {
    struct readiness_effect list[READINESS_EFFECTS_MAX];
    int count;
};

enum readiness_out { READINESS_OUT_NONE, READINESS_OUT_LOAD, READINESS_OUT_UNLOAD };

/* May be read by anybody, changed only by the functions below. */
struct readiness {
    struct readiness_config config;
    enum readiness_state state;
    int model; /* being loaded or loaded; QUEUE_NONE: none, or (ready) one that we do not know */
    int want;  /* wanted here and not ready here, or QUEUE_NONE */
    int slots, running;
    bool host_held, host_up;
    bool looking;           /* after RESTARTED nothing is proposed before a look */
    enum readiness_out out; /* the proposal whose end is not known yet */
    int out_model;          /* of a load that is out */
    int64_t since_ms;       /* in this state */
    int64_t load_ms, out_ms, news_ms; /* when the load, the proposal began; the last news */
    int64_t ready_ms, idle_ms;   /* since when ready; since when nothing runs */
    int64_t retry_at_ms;         /* no load (failed) or unload (ready) is proposed before */
    int64_t ask_at_ms, asked_ms; /* the next look; when the one that runs began; −1 none */
    int failed_model;            /* what may not be loaded before retry_at_ms; QUEUE_ANY: nothing */
    bool holding;                /* its waiters are held until then, not failed */
    int failures, lost;          /* in a row */
    bool makes_way;              /* until way_until_ms; INT64_MAX: until told otherwise */
    int64_t way_until_ms;
    struct readiness_learned {
        int model;
        int64_t load_ms;
    } learned[READINESS_MODELS_LEARNED];
    int learned_count;
    char words[READINESS_WORDS_BYTES]; /* of the last denial or failure */
    char engine_version[READINESS_VERSION_BYTES];
};

/* A pool of which nothing is known counts as empty until it is seen; the first look is due now.
 * config_set: new facts while it lives. */
void readiness_init(struct readiness *pool, const struct readiness_config *config, int64_t now_ms);
void readiness_config_set(struct readiness *pool, const struct readiness_config *config);
/* A load time from the record (load_ms_learned); LOAD_DONE teaches by itself. */
void readiness_learn(struct readiness *pool, int model, int64_t load_ms);

/* *ret_effects is set anew; it may be empty. Every event is fine in every state. */
void readiness_step(struct readiness *pool, const struct readiness_event *event, int64_t now_ms,
    struct readiness_effects *ret_effects);
int64_t readiness_wake_at_ms(const struct readiness *pool); /* when a TICK is due; −1 never */

/* How the queue should see it now; host may be NULL (none). */
void readiness_queue_pool(const struct readiness *pool, const struct power *host, int64_t now_ms,
    struct queue_pool *ret_pool);
/* How long until `model` is ready here, if wanted now: 0 ready, −1 not to be had. */
int64_t readiness_eta_ms(
    const struct readiness *pool, const struct power *host, int model, int64_t now_ms);

/* empty host driver_ready engine_starting verifying loading ready draining unloading failed */
const char *readiness_state_name(enum readiness_state state);
/* The stage of docs/inference.md §4 that a waiter is told: the host's while it waits for it. An
 * empty or failed pool has the host's too ("asleep", "agent_up"), or "unloading" without a host. */
const char *readiness_stage(const struct readiness *pool, const struct power *host);
