/* SPDX-License-Identifier: Apache-2.0
 *
 * readiness_walk — the state of the seeded walk of readiness_walk_test.c: three pools on two hosts,
 * the queue before them, and the truth about the world that they are told of late or never.
 */
#pragma once

#include "readiness/readiness.h"

#include <stdio.h>

#define POOLS 3
#define HOSTS 2
#define MODELS 3
#define CALLERS 6
#define LIVE_MAX 60
#define TASKS_MAX 64
#define EVENTS 300000
#define SETTLE_MS (int64_t)(48 * 3600 * 1000)
#define WAIT_MS_MAX (int64_t)(2 * 3600 * 1000)

static const int HOST_OF[POOLS] = {0, 0, 1};

enum task_kind { TASK_NONE, TASK_END, TASK_PROGRESS, TASK_SLEEPS, TASK_LOOK };
enum action { WAKE, SLEEP, LOAD, UNLOAD };

/* Something that the world will do: the end of a proposal, a step of it, the answer to a look. */
struct task {
    enum task_kind kind;
    enum action action;
    bool pool, forgotten;
    int subject, model, outcome; /* outcome: 0 done, 1 denied, 2 failed */
    int64_t at_ms;
};

struct req {
    uint64_t id;
    bool running;
    int pool;
    int64_t admitted_ms, end_ms;
};

struct walk {
    struct queue *queue;
    struct power hosts[HOSTS];
    struct readiness pools[POOLS];
    int held[HOSTS], running[POOLS], told[POOLS];
    struct task tasks[TASKS_MAX];
    struct req live[LIVE_MAX];
    int64_t now_ms, arrival_ms;
    uint64_t random;
    bool calm; /* no arrivals, no faults, nobody plays */
    /* the truth */
    bool up[HOSTS];
    enum readiness_seen engine[POOLS];
    int engine_model[POOLS];
    /* sums */
    int64_t ways, events, admitted, refused, finished, failed, back, proposals, wait_ms_max;
    int errors;
};

#define MUST(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition) && (w)->errors++ < 10)                                                    \
            printf("# %d: event %lld: not true: %s\n", __LINE__, (long long)(w)->events,           \
                #condition);                                                                       \
    } while (0)

static uint32_t rnd(struct walk *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 32) % below);
}
