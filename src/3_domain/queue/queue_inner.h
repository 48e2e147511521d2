/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_inner — the tables of the queue, for its own files.
 *
 * entry   one request, waiting or running.
 * flow    the waiting entries of one caller, lane and class, in order; exists while it has some. It
 *         lies in the heap of every pool that has the lane's model loaded and may serve the lane,
 *         unless it is parked: its caller runs as much as it may.
 * lane    (model, pools that may serve it): all its waiters are alike to the pools. Covered: a pool
 *         of it has the model and is not closed, or loads it. Uncovered ones contend for a pool.
 * tag     virtual time of a caller on a pool, per class: its service there divided by its weight.
 *         The smallest is next (start-time fair queueing); who is new starts at the pool's clock.
 */
#pragma once

#include "queue/queue.h"

#define NIL UINT32_MAX
#define VIRTUAL_PER_TOKEN 65536 /* divided by the weight */
#define TAG_MAX (INT64_C(1) << 60)
#define TAG_KEPT (INT64_C(1) << 50) /* what lies further behind a clock counts as this far */
#define SERVICE_MS_FIRST 5000       /* of a request, until one of its model has ended */

enum entry_state { ENTRY_FREE, ENTRY_WAITING, ENTRY_RUNNING };

struct entry {
    uint64_t id;
    void *owner;
    int64_t cost, charged; /* tokens; virtual time that was added at the start */
    int64_t admitted_ms, started_ms;
    uint32_t flow_next, flow_back; /* in its flow; flow_next also links the free ones */
    uint32_t lane_next, lane_back; /* in its lane and class, by admission */
    uint32_t flow, lane;
    int caller, pool;
    uint8_t state, class;
};

struct flow {
    uint32_t head, tail;
    uint32_t since_next, since_back; /* in its lane and class, longest unserved first */
    uint32_t caller_next, caller_back;
    uint32_t lane;
    int caller, waiting;
    int64_t since_ms, waiting_cost;
    uint64_t order; /* decides between equal tags */
    uint8_t class;
    bool parked;
};

struct ends {
    uint32_t head, tail;
};

struct lane {
    uint32_t pools, next; /* next of the same model */
    int model, users;     /* waiting and running */
    int waiting[QUEUE_CLASSES];
    struct ends entries[QUEUE_CLASSES], since[QUEUE_CLASSES];
};

struct caller {
    struct queue_caller spec;
    int waiting, running;
    uint32_t flows;
};

struct heap {
    uint32_t *flows;
    uint32_t count;
};

struct pool {
    struct queue_pool spec;
    bool known, closed, started; /* started: something, since it has its model */
    int running, running_interactive;
    struct heap heaps[QUEUE_CLASSES];
    int64_t clock[QUEUE_CLASSES], tag_max[QUEUE_CLASSES];
    int64_t interactive_since; /* tokens started while background waits */
    int since_aged;            /* starts */
    int contender;             /* model */
    bool contender_interactive;
    int64_t contend_from_ms, contend_tokens, loaded_ms, ended_ms;
    int64_t interactive_ms; /* when the last interactive request ended */
};

struct model {
    uint32_t lanes;
    uint32_t cover; /* pools that have it and are not closed, or are loading it */
    int waiting;
    int64_t service_ms;
};

/* An uncovered lane, for sorting. */
struct plea {
    uint32_t lane;
    bool interactive;
    int64_t oldest_ms;
};

struct queue {
    struct queue_limits limits;
    uint64_t ids, orders;
    int waiting, running;
    uint32_t lanes_used, free_entry, free_flow, entries_fresh, flows_fresh;
    uint32_t contended, loaded; /* pools: with a contender; with a model */
    bool stale;                 /* who contends where must be found anew */
    bool unplaced;              /* a lane found no pool */
    int64_t denied_next_ms;     /* the next denial that ends; INT64_MAX none */
    struct entry *entries;
    struct flow *flows;
    uint32_t *places; /* [flow][pool]: index in the heap, NIL not in it */
    struct caller *callers;
    int64_t *tags; /* [pool][class][caller] */
    uint32_t *heap_room;
    struct lane lanes[QUEUE_LANES_MAX];
    struct model models[QUEUE_MODELS_MAX];
    struct pool pools[QUEUE_POOLS_MAX];
};

/* queue.c */
struct entry *queue_entry(const struct queue *queue, uint64_t id); /* NULL: none such */
int64_t queue_service_ms(const struct queue *queue, int model);    /* what a request takes */

/* queue_order.c: flows, heaps, tags */
int64_t *queue_tag(struct queue *queue, int pool, int class, int caller);
/* Into the heaps and the order of ageing; a tag that is behind the clock is brought up. */
void queue_flow_enter(struct queue *queue, uint32_t flow, int64_t now_ms);
void queue_flow_leave(struct queue *queue, uint32_t flow);
void queue_flow_served(struct queue *queue, uint32_t flow, int64_t now_ms); /* youngest again */
void queue_charge(struct queue *queue, int pool, int class, int caller, int64_t virtual_cost);
uint32_t queue_pick(struct queue *queue, int pool, int64_t now_ms, bool *ret_aged);
void queue_pool_fill(struct queue *queue, int pool);  /* its heaps, for the model it has now */
void queue_pool_clear(struct queue *queue, int pool); /* its heaps */
void queue_pool_rest(struct queue *queue, int pool);  /* if nothing runs or waits: clocks up */
int64_t queue_virtual(const struct queue *queue, int caller, int64_t cost);
bool queue_before(const struct queue *queue, int pool, uint32_t a, uint32_t b);

/* queue_model.c: which model where */
uint32_t queue_lane_find(struct queue *queue, int model, uint32_t pools); /* NIL: table full */
/* May it matter to who contends where? False: an open pool serves it, none is asked for more. */
bool queue_contends(const struct queue *queue, const struct lane *lane);
bool queue_covered(const struct queue *queue, const struct lane *lane);
bool queue_denies(const struct pool *pool, int model, int64_t now_ms);
bool queue_lane_stranded(const struct queue *queue, const struct lane *lane, int64_t now_ms);
void queue_cover(struct queue *queue, int model);
void queue_settle(struct queue *queue, int64_t now_ms);
/* When the pool closes if nothing changes; INT64_MAX without a contender. */
int64_t queue_close_at_ms(const struct queue *queue, int pool);

static inline int queue_lane_waiting(const struct lane *lane)
{
    return lane->waiting[QUEUE_INTERACTIVE] + lane->waiting[QUEUE_BACKGROUND];
}

static inline uint32_t queue_startable(const struct pool *pool)
{
    return pool->heaps[QUEUE_INTERACTIVE].count + pool->heaps[QUEUE_BACKGROUND].count;
}
