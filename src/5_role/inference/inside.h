/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — the state of inference; for the files of this folder only.
 *
 *     ask.c     what is asked, may it, can it ever; admission
 *     turn.c    the life of one request
 *     serve.c   its reply from the engine
 *     hold.c    signs of life while it waits
 *     tell.c    replies, heads, errors
 *     ground.c  facts of the house before a prompt
 *
 *     view.c    table and catalogue to hosts, pools, models
 *     fit.c     what a model needs
 *     drive.c   events to effects
 *     propose.c what should change, asked of the judge
 *     show.c    lists and pages
 *     overview.c  the same for who looks on
 *     certificates.c  what is shown to agents
 */
#pragma once

#include "catalogue/document.h"
#include "inference/inference.h"
#include "net/wheel.h"
#include "power/power.h"
#include "queue/queue.h"
#include "readiness/readiness.h"

#define NAME_BYTES 65   /* of a host, a pool, an engine */
#define MODEL_BYTES 129 /* of a model */
#define HASH_BYTES 65   /* SHA-256 in hex */
#define CASE_BYTES 33
#define URL_BYTES 256
#define HOSTS_MAX QUEUE_POOLS_MAX
#define MODEL_FIELD_MAX 3
#define CERTIFICATES 3

/* What one model needs on one pool, known before anything is woken. */
struct fit {
    int64_t need_bytes, have_bytes;
    bool served, fits, measured;
};

struct model {
    char name[MODEL_BYTES], sha256[HASH_BYTES];
    json_t *entry; /* of models.json; NULL: only an engine of somebody else has it */
    int64_t bytes, context_max;
    bool embedding, listed; /* listed: in the catalogue or on a pool now */
    uint32_t pools;         /* bit p: served there and fits */
    struct fit fits[QUEUE_POOLS_MAX];
};

struct host {
    char name[NAME_BYTES], agent[URL_BYTES], words[128];
    bool listed, asking, can_wake;
    bool look_again; /* it was touched while a look was under way */
    int wants;       /* pools that want it */
    struct power power;
    struct upstream_place *place;
    struct proposal *proposal;
    json_t *status; /* the agent's last; NULL: none yet */
    int64_t seen_civil_ms;
};

struct pool {
    char name[NAME_BYTES], kind[16], words[128], kv[16], engine[NAME_BYTES];
    char url[URL_BYTES];          /* an engine of somebody else, or "" */
    char prefix[16 + NAME_BYTES]; /* of paths: "/v1/pools/gpu0" or "" */
    char sha256[HASH_BYTES];      /* of what is loaded */
    json_t *serves;
    bool listed, asking, away;        /* away: as the rules say; readiness says how long after it */
    int host;                         /* -1: none */
    int64_t vram_mib, slots, context; /* context: of one slot */
    int running, told_running;
    int want_model;
    uint64_t tokens_ended, tokens_seen; /* of requests that ended; at the last count */
    int64_t tokens_per_s, rate_ms;      /* as counted last, and when (overview.c) */
    struct readiness readiness;
    struct upstream_place *place;
    struct upstream_call *look; /* of an engine of somebody else */
    struct proposal *proposal;
};

/* One event for one host or pool, until drive_settle() comes to it. */
struct pending {
    bool is_host;
    int at;
    union {
        struct power_event power;
        struct readiness_event readiness;
    };
    char words[POWER_WORDS_BYTES], stage[24], version[READINESS_VERSION_BYTES];
};

struct turn;

struct inference {
    uv_loop_t *loop;
    struct inference_config config;
    struct upstream *upstream;
    struct queue *queue;
    struct host hosts[HOSTS_MAX];
    struct pool pools[QUEUE_POOLS_MAX];
    int host_count, pool_count;
    struct model *models; /* QUEUE_MODELS_MAX of them */
    int model_count;
    json_t *measured; /* of the table */
    json_t *make_way; /* rows {pool, words} as the judge told them last; NULL: never */
    struct document_stamp stamp;
    struct document_stamp shown[CERTIFICATES], shown_seen[CERTIFICATES]; /* in force; last look */
    struct pending *pending;
    size_t pending_first, pending_count, pending_cap;
    struct proposal *proposals;
    uv_timer_t timer, catalogue_timer;
    struct wheel wheel;
    struct turn *turns, *free_turns;
    struct buf scratch, list; /* list: the body of /v1/models, "" = make it anew */
    struct inference_counts counts;
    int64_t open_requests;
    int64_t civil_ahead_ms; /* of steady time (overview.c) */
    uint64_t changes;       /* grows whenever something may have moved */
    int handles;
    bool settling, moved, judge_there, stopping, closing, any_want;
    bool table_asked, table_again; /* under way; to be asked once more then */
};

/* A member that is a text; "" if it is none. */
static inline const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static inline int64_t inference_now(const struct inference *inf)
{
    return (int64_t)uv_now(inf->loop);
}

/* --- view.c -------------------------------------------------------------------------- */

bool view_catalogue(struct inference *inf, struct err *err);
void view_table(struct inference *inf, const json_t *table);
void view_done(struct inference *inf);
/* -1: unknown */
int view_model(const struct inference *inf, struct str name);
int view_host(const struct inference *inf, const char *name);
int view_pool(const struct inference *inf, const char *name);
/* Bytes of the pool's device that the model takes, by the header of its file or as a real load of
 * the same by the same engine showed; -1: cannot be known. (fit.c) */
int64_t view_need(const struct inference *inf, const struct model *model, const struct pool *pool,
    bool *ret_measured);
/* Which pools serve which models, and what fits where: after either changed. */
void view_fit(struct inference *inf);

/* --- certificates.c ------------------------------------------------------------------ */

/* They came or changed: for the connections that come from now on. Called now and then. */
void certificates_look(struct inference *inf);

/* --- drive.c ------------------------------------------------------------------------- */

void drive_host(struct inference *inf, int host, const struct power_event *event);
void drive_pool(struct inference *inf, int pool, const struct readiness_event *event);
/* Carry everything out until nothing is left to do, start whoever may start, set the timer. */
void drive_settle(struct inference *inf);
void drive_running(struct inference *inf, int pool, int change);
/* A status of an agent, or NULL: nobody was found. */
void drive_status(struct inference *inf, int host, const json_t *status);
/* How the queue sees this pool now. */
void drive_pool_told(struct inference *inf, int pool);

/* --- turn.c -------------------------------------------------------------------------- */

/* The queue says: now, there. */
void turn_start(struct turn *turn, int pool);
/* It cannot be served. */
void turn_fail(struct turn *turn, int status, const char *code, const char *words,
    int64_t retry_after_ms, bool should_retry);
/* Nobody is served by this pool any more: a host that lost its power, or (words) one that makes
 * way. What has begun fails, the rest waits again. */
void turns_lost(struct inference *inf, int pool, const char *words);
void turns_done(struct inference *inf);

/* --- make_way.c ------------------------------------------------------------------------ */

void make_way(struct inference *inf);
/* Why one of these pools serves nobody; NULL: none makes way. */
const char *make_way_words(const struct inference *inf, uint32_t pools);

/* --- show.c -------------------------------------------------------------------------- */

/* What is answered from records alone; false: an engine is asked. Takes the exchange. */
bool show_route(struct inference *inf, struct exchange *ex, enum inference_route route,
    const struct caller *caller);
/* Some state or list changed: what was written for /v1/models is old. */
void show_changed(struct inference *inf);
