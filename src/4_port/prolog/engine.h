/* SPDX-License-Identifier: Apache-2.0
 *
 * engine — one Prolog engine: puts one question at a time, and is stopped when its time is over.
 * Inside of port prolog.
 *
 * Each engine belongs to one thread. One watchdog thread looks after all of them: it raises the
 * kill signal at the deadline and ends the process if a kill does not work.
 */
#pragma once

#include "prolog/prolog.h"

#include <pthread.h>
#include <stdatomic.h>

struct engine {
    pthread_mutex_t mutex;                /* guards what follows */
    int thread;                           /* Prolog's number of our thread */
    uint64_t asked;                       /* questions so far; the number of the last one */
    uint64_t running;                     /* which one now; 0 none */
    uint64_t killed;                      /* which one was killed last */
    int64_t deadline_at_ms, killed_at_ms; /* steady */
    enum prolog_door door;
};

struct watchdog {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    _Atomic int64_t wakes_at_ms; /* nobody needs to wake it for a deadline behind this */
    bool poked, stopping;
    int64_t stuck_ms;
    struct engine *engines;
    size_t engines_n;
    _Atomic int64_t kills;
    _Atomic bool kills_all;
};

/* In the thread that the engine belongs to, after Prolog knows the thread. */
void engine_init(struct engine *engine);

/* Once, after the rules are loaded: names of the doors. */
void engine_open_doors(void);

/* How far one question may go. */
struct engine_limits {
    int64_t deadline_at_ms; /* steady */
    int64_t inferences;     /* 0: what doors.def says */
};

/* What is asked: a value, or the place of one on a tape. */
struct engine_question {
    enum prolog_door door;
    const json_t *in; /* NULL: see the tape */
    const struct json_tape *tape;
    size_t token;
};

/* Put one question. True: the JSON text of Out stands behind what `out` held. False: *err says
 * why, `out` is as
 * it was. */
bool engine_ask(struct engine *engine, struct watchdog *watchdog,
    const struct engine_question *question, const struct engine_limits *limits, struct buf *out,
    struct err *err);

/* The engines must outlive the watchdog. errors  ERR_SYSTEM no thread */
bool watchdog_start(struct watchdog *watchdog, struct engine *engines, size_t engines_n,
    int64_t stuck_ms, struct err *err);
/* Kill whatever runs, now and from now on. */
void watchdog_kill_all(struct watchdog *watchdog);
void watchdog_stop(struct watchdog *watchdog);
/* An engine has begun something with this deadline. */
void watchdog_expect(struct watchdog *watchdog, int64_t deadline_at_ms);
