/* SPDX-License-Identifier: Apache-2.0
 *
 * queue — who is next, fairly: callers wait here for a slot of a pool that serves their model.
 *
 * Pure: no clock (time is a parameter, steady ms, and never runs back), no I/O, and the same calls
 * give the same answers. All memory is taken by queue_open(); a request costs no allocation.
 * Callers, pools and models are small numbers that the user hands out (indices of its own tables);
 * `owner` is the user's pointer, never looked into. A number out of range is the user's bug: panic.
 *
 *     queue_admit ──► waiting ──queue_next──► running ──queue_finished──► gone
 *                        │  ▲                    │ │
 *          queue_cancelled  └──queue_put_back────┘ └──queue_cancelled──► gone (charged)
 *
 * After every event: queue_next() until it says false, then queue_wants(); and both again at
 * queue_wake_at_ms(), for what time alone changes.
 *
 * Order, on a pool, among the waiters for the model it has loaded:
 * - Callers share by weight, tokens are the cost: charged as estimated at the start, put right by
 *   queue_finished(). Between two callers that both have something to start on a pool all the
 *   while, service divided by weight differs by at most (r+1)·(c/w + c'/w'), c and c' their dearest
 *   request, r the most that either has running there. Fairness is per pool: who used a pool that
 *   was idle owes nobody.
 *   Requests of one caller (same model, pools and class) start in the order of admission.
 * - Interactive before background; but once `background_after` tokens of interactive work were
 *   started on a pool with background waiting, one background request is next.
 * - Ageing: a caller that was not served for age_ms (low weight, background) is next, the longest
 *   first, for one start of age_every. So once age_ms is over, the head of a caller's requests
 *   starts within age_every × (callers waiting there, counted per class) starts of that pool.
 * Between models: waiters for a model that no pool has contend for a pool; the oldest interactive
 * first, then the oldest background. A pool with a contender goes on with its own model for at most
 * batch_tokens started or batch_ms, from the load or the contender's oldest waiter, the later one.
 * Then it is closed: nothing starts, what runs ends, and the other model is wanted. Without own
 * waiters it gives way linger_ms after its last request ended. If only background contends, a pool
 * with interactive work, or with the last less than background_linger_ms ago, gives way to it after
 * at most background_ms. A pool that is asked for serves one request at least before it gives way.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_POOLS_MAX 32
#define QUEUE_MODELS_MAX 1024
#define QUEUE_CALLERS_MAX 4096
#define QUEUE_ENTRIES_MAX 65536 /* waiting and running */
#define QUEUE_LANES_MAX 256     /* pairs (model, pools) that have waiters */
#define QUEUE_SLOTS_MAX 256     /* of one pool */
#define QUEUE_WEIGHT_MAX 1000
#define QUEUE_COST_MAX (1 << 24) /* tokens; a request that costs more counts as this much */
#define QUEUE_RETRY_MS_MAX 60000 /* more would be ignored by common clients */
#define QUEUE_NONE (-1)          /* no model */
#define QUEUE_ANY (-2)           /* every model, in queue_pool.denied */

enum queue_class { QUEUE_INTERACTIVE, QUEUE_BACKGROUND, QUEUE_CLASSES };

/* QUEUE_LIMITS_DEFAULT has a value for each. */
struct queue_limits {
    int callers, entries; /* sizes of the tables */
    int waiting_max;      /* in all; one more is refused with 503 queue_full */
    int64_t batch_tokens, batch_ms, linger_ms, background_ms, background_linger_ms;
    int64_t background_after, age_ms;
    int age_every;
};
#define QUEUE_LIMITS_DEFAULT                                                                       \
    ((struct queue_limits){.callers = 1024, .entries = 4096, .waiting_max = 1024,                  \
        .batch_tokens = 32768, .batch_ms = 30000, .linger_ms = 1000, .background_ms = 300000,      \
        .background_linger_ms = 60000, .background_after = 65536, .age_ms = 120000,                \
        .age_every = 4})

struct queue_caller {
    int weight;      /* 1 … QUEUE_WEIGHT_MAX; outside it is moved to the nearest */
    int waiting_max; /* one more is refused with 429 concurrency_limit */
    int running_max; /* beyond it its requests wait; at least 1 */
};

struct queue_pool {
    int model;       /* loaded and ready, or QUEUE_NONE */
    int loading;     /* on its way there, or QUEUE_NONE: its waiters are provided for */
    int slots;       /* 0 … QUEUE_SLOTS_MAX; may fall below what runs: then nothing new starts */
    int64_t load_ms; /* estimate until another model is ready; the quicker pool is wanted first */
    int denied;      /* a model that it cannot get now, QUEUE_ANY: none at all; or QUEUE_NONE */
    int64_t denied_until_ms; /* INT64_MAX: for good */
};

struct queue_request {
    int caller, model;
    uint32_t pools; /* bit p: pool p may serve it (it serves the model, the context fits) */
    enum queue_class class;
    int64_t cost; /* tokens, estimated: prompt + max_tokens or a guess */
    void *owner;
};

/* Why a request was not admitted, as the caller is told. */
struct queue_refusal {
    int status;             /* 429, 503 or 400 */
    const char *code;       /* concurrency_limit, queue_full, pool_unavailable */
    const char *words;      /* one sentence, static */
    int64_t limit;          /* the number that was reached */
    int64_t retry_after_ms; /* 1,000 … QUEUE_RETRY_MS_MAX; 0 with should_retry false */
    bool should_retry;
};

struct queue_ticket {
    uint64_t id;
    void *owner;
    int pool, model, caller;
    int64_t waited_ms;
};

struct queue_want {
    int pool, model; /* should be loaded on this pool, which is empty or has nothing running */
    int waiters;
    int64_t oldest_ms; /* when the first of them was admitted */
    bool interactive;  /* one of them is */
};

struct queue_place {
    int position;     /* 1 = next; 0 = running */
    int64_t start_ms; /* estimate from now; −1: not known (no pool can be had now) */
    int pool;         /* expected or actual; −1: not known */
};

struct queue_pool_view {
    int running, waiting; /* waiting: for the model it has and allowed here */
    bool closed;          /* ends what runs, for the contender's sake */
    int contender;        /* model, or QUEUE_NONE */
};

struct queue;

/* errors  ERR_INPUT a limit out of range, ERR_SYSTEM no memory */
bool queue_open(const struct queue_limits *limits, struct queue **ret_queue, struct err *err);
void queue_close(struct queue *queue); /* NULL is fine; owners are the user's */

/* Make or change a caller (0 … limits.callers−1). Requests that wait stay. */
void queue_caller_set(
    struct queue *queue, int caller, const struct queue_caller *spec, int64_t now_ms);
/* The index may be given to somebody else. False while it has requests. */
bool queue_caller_forget(struct queue *queue, int caller);

/* Tell what a pool has and can, whenever that changes (and at the start). What runs there keeps its
 * slot until it is finished, cancelled or put back, even if the engine is gone. */
void queue_pool_set(struct queue *queue, int pool, const struct queue_pool *spec, int64_t now_ms);

/* *ret_id only when true, *ret_refusal only when false. An id is never used twice. */
bool queue_admit(struct queue *queue, const struct queue_request *request, int64_t now_ms,
    uint64_t *ret_id, struct queue_refusal *ret_refusal);

/* Somebody may start: it runs from now on, holding a slot of ticket.pool. False: nobody may now. */
bool queue_next(struct queue *queue, int64_t now_ms, struct queue_ticket *ret_ticket);

/* It ran to its end. cost: tokens really used; negative: not known, the estimate stands.
 * The three below: false = no such request (any more), or not in that state: nothing is changed. */
bool queue_finished(struct queue *queue, uint64_t id, int64_t cost, int64_t now_ms);
/* Its client left, waiting or running; cost as above, not looked at if it did not start. */
bool queue_cancelled(struct queue *queue, uint64_t id, int64_t cost, int64_t now_ms);
/* It could not be served (connection refused, not a byte was answered): waits again as the first of
 * its caller, its charge is taken back. Without regard to the limits on waiting. */
bool queue_put_back(struct queue *queue, uint64_t id, int64_t now_ms);

/* Loads that somebody waits for, also while they are on their way; most urgent first, one per pool,
 * and one pool per model unless its waiters have none in common. Never for a model whose last
 * waiter left, never one that is to begin while anything runs on the pool. Returns how many. */
int queue_wants(struct queue *queue, int64_t now_ms, struct queue_want *wants, int wants_max);
/* When queue_next() or queue_wants() may change by time alone; −1: not before the next event. */
int64_t queue_wake_at_ms(struct queue *queue, int64_t now_ms);

/* Where a request stands. O(callers waiting for the model). False = no such request. */
bool queue_place(struct queue *queue, uint64_t id, int64_t now_ms, struct queue_place *ret_place);

struct queue_pool_view queue_pool_view(struct queue *queue, int pool, int64_t now_ms);
int queue_waiting(const struct queue *queue);
int queue_running(const struct queue *queue);
/* Waiting for a model, any class: readiness is told "wanted" and "unwanted" by it. */
int queue_model_waiting(const struct queue *queue, int model);
int queue_caller_waiting(const struct queue *queue, int caller);
int queue_caller_running(const struct queue *queue, int caller);
/* Waiters for this model (QUEUE_ANY: for any) whom no pool serves, is loading for or could be
 * wanted for now: to be failed after queue_pool_set() denied something. Such a request is not
 * admitted either. Fills ids, oldest first per model and pools; returns how many there are, may be
 * more than ids_max. */
int queue_stranded(
    const struct queue *queue, int model, int64_t now_ms, uint64_t *ids, int ids_max);
/* Its owner; NULL = no such request. */
void *queue_owner(const struct queue *queue, uint64_t id);
