/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — what the parts of an agent share. Internal.
 */
#pragma once

#include "agent/agent.h"
#include "agent/memory.h"
#include "engine/engine.h"
#include "engine/gpu.h"
#include "host/host.h"
#include "host/order.h"
#include "net/upstream.h"
#include "restart/restart.h"
#include "telemetry/telemetry.h"

#define AGENT_WAITERS_MAX 64
#define AGENT_WORDS_BYTES 200
#define AGENT_POOLS_MAX 64 /* as the setting pools_max */

/* --- one order under way (task.c) -------------------------------------------------------- */

/* Its reply is NDJSON; who asked may leave, the work goes on. */
struct task {
    struct exchange *ex; /* NULL: nobody listens any more */
    struct order order;
    struct host_job job; /* borrows from order */
    int64_t began_ms, stage_ms;
    json_t *stages; /* [{"stage","ms"}] of those that are over */
    char stage[32];
    char words[AGENT_WORDS_BYTES + 1];
};

/* --- one pool (pool.c) ---------------------------------------------------------------------- */

enum pool_state {
    POOL_EMPTY,
    POOL_STARTING,
    POOL_VERIFYING,
    POOL_LOADING,
    POOL_READY,
    POOL_DRAINING,
    POOL_FAILED,
};

struct pool {
    struct agent *agent;
    char name[HOST_NAME_BYTES_MAX + 1];
    char folder[PATH_MAX];
    enum pool_state state;
    int64_t since_ms; /* civil */
    struct task *task;
    struct order held; /* of the last load: what `loaded` borrows from */
    struct host_job loaded;
    struct prepared_engine prepared;
    bool has_prepared;
    struct engine *engine;
    struct upstream_place *place;
    int64_t free_bytes; /* of its device when last seen; -1: not known */
    size_t calls;       /* requests under way */
    struct restart restart;
    int64_t restarts, engine_began_ms;
    struct err error; /* of FAILED */
    /* steady; 0: none. Looked at by pool_beat() */
    int64_t limit_ms;   /* the order's end */
    int64_t restart_ms; /* the engine is started again */
    int64_t driver_ms;  /* so long we wait for the driver */
};

/* --- this machine's numbers (metrics.c) and their push (push.c) ------------------------------ */

struct metrics {
    struct exchange *waiters[AGENT_WAITERS_MAX];
    size_t waiters_count;
    struct telemetry_question *question; /* NULL: none under way */
    struct buf text;                     /* what it said */
    bool told, push;                     /* it answered; the answer is pushed */
};

struct push {
    struct tls *tls;
    struct upstream_place *place; /* NULL: nothing is pushed */
    struct upstream_call *call;
    struct str path;
    char authorization[AGENT_TOKEN_BYTES_MAX + 8];
    struct buf body;
    uv_timer_t timer;
    bool failing; /* it was said */
};

enum agent_phase { AGENT_UP, AGENT_FALLING_ASLEEP, AGENT_CLOSING };

struct agent {
    uv_loop_t *loop;
    struct agent_config config;
    struct tls *tls;
    struct http_server *server;
    struct upstream *upstream;
    struct digest_cache *digests;
    struct memory memory;
    struct pool **pools;
    size_t pools_count;
    enum agent_phase phase;
    uv_timer_t beat, sleep_timer;
    size_t handles; /* timers not closed yet, server, upstream */
    uv_process_t *sleeper;
    const char *const *sleep_argv;
    char boot_id[40];
    /* GPUs */
    struct gpu_facts gpus;
    struct err gpu_error;
    int64_t gpus_ms; /* steady: when they were asked; 0: never */
    struct gpu_question *gpu_question;
    struct exchange *waiters[AGENT_WAITERS_MAX]; /* for a status with fresh GPUs */
    size_t waiters_count;
    struct metrics metrics;
    struct push push;
    void (*closed)(void *owner);
    void *owner;
};

/* --- agent.c ---------------------------------------------------------------------------- */
/* Something waits: look at it a few times a second until nothing does. */
void agent_wait(struct agent *agent);
/* One handle less. */
void agent_end_if_done(struct agent *agent);
void agent_init_timer(struct agent *agent, uv_timer_t *timer);

/* --- http.c: routes and who may use them ------------------------------------------------------ */
void agent_handle(struct exchange *ex, void *user);

/* --- orders.c */
void agent_take_order(struct agent *agent, struct exchange *ex);
void agent_sleep_now(struct agent *agent);
void agent_sleeper_closed(uv_handle_t *handle);

/* --- task.c */
struct task *task_open(struct exchange *ex, struct order *order, const struct host_job *job);
/* A stage began, or goes on with other words. */
void task_stage(struct task *task, const char *stage, const char *words);
void task_again(struct task *task); /* say it again */
/* The last line, and the end of the task. `result` is taken. */
void task_end(struct task **at, json_t *result);
/* `tail`: the engine's last lines. */
void task_fail(struct task **at, const struct err *err, enum hand_changed changed, struct str tail);

/* --- pool.c */
const char *pool_state_word(enum pool_state state);
/* NULL: none of this name. */
struct pool *pool_find(struct agent *agent, struct str name);
/* errors  ERR_LIMIT "too_many_pools" */
struct pool *pool_make(struct agent *agent, struct str name, struct err *err);
bool pool_is_idle(const struct pool *pool); /* empty or failed, no order, no engine */
/* Takes the order (and its exchange). false: refused, nothing was done and the exchange is still
 * the caller's. */
bool pool_load(struct pool *pool, struct exchange *ex, struct order *order,
    const struct host_job *job, int *ret_status, struct err *err);
bool pool_unload(struct pool *pool, struct exchange *ex, struct order *order,
    const struct host_job *job, int *ret_status, struct err *err);
void pool_gpus_known(struct pool *pool);
/* What time brings. true: it waits for something. */
bool pool_beat(struct pool *pool);
/* At once. Its memory stays: requests to it end a little later. */
void pool_close(struct pool *pool);
json_t *pool_json(const struct pool *pool);

/* --- need.c */
/* errors  ERR_LIMIT "does_not_fit", with the numbers */
bool agent_fits(
    const struct agent *agent, const struct host_job *job, int64_t free_bytes, struct err *err);

/* --- status.c */
json_t *agent_status(struct agent *agent);
size_t agent_own_pids(const struct agent *agent, pid_t ret_pids[AGENT_POOLS_MAX]);
/* Fresh enough, or a question is on its way and pool_gpus_known() follows. */
bool agent_gpus_fresh(struct agent *agent);
void agent_gpus_ask(struct agent *agent);
bool agent_driver_ready(const struct agent *agent, char ret_words[AGENT_WORDS_BYTES]);

/* --- metrics.c, push.c */
void agent_tell_metrics(struct agent *agent, struct exchange *ex);
void metrics_push(struct agent *agent); /* tell them to push_send() when they are there */
void metrics_gpus_known(struct agent *agent);
void metrics_close(struct agent *agent);
/* A timer of the agent's is made where there is something to push. errors  ERR_INPUT "bad_config",
 * those of tls_client_open() */
bool push_open(struct agent *agent, struct err *err);
void push_send(struct agent *agent, struct str text);
void push_close(struct agent *agent);

/* --- person.c */
json_t *agent_inhibitors(struct agent *agent, const json_t *users);
json_t *agent_users(void);
/* As Prometheus text. */
void agent_inhibitors_write(struct agent *agent, struct buf *out);

/* --- proxy.c */
void agent_proxy(struct agent *agent, struct exchange *ex);
