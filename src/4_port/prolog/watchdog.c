/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "os/clock.h"
#include "prolog/boot.h"
#include "prolog/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NEVER_MS INT64_MAX
#define LINGER_MS                                                                                  \
    1000 /* after the last question it wakes once more: a trickle of questions costs no signals */
#define RETRY_MS 10 /* a kill that Prolog did not take */

static void kill_now(struct watchdog *watchdog, struct engine *engine, int64_t now_ms)
{
    if (!PL_thread_raise(engine->thread, boot_kill_signal()))
        return;
    engine->killed = engine->running;
    engine->killed_at_ms = now_ms;
    atomic_fetch_add(&watchdog->kills, 1);
}

/* A thread cannot be killed, and its half-done work must not go on: the process ends. */
static void end_process(const struct engine *engine, int64_t since_ms)
{
    char waited[24];

    snprintf(waited, sizeof waited, "%" PRId64, since_ms);
    log_error("prolog_worker_stuck", "door", prolog_door_word(engine->door), "waited_ms", waited,
        "then", "the process ends", NULL);
    _exit(PROLOG_EXIT_STUCK);
}

/* When to look at this engine again. */
static int64_t look_after(struct watchdog *watchdog, struct engine *engine, int64_t now_ms)
{
    int64_t next_ms = NEVER_MS;

    pthread_mutex_lock(&engine->mutex);
    if (engine->running) {
        bool late = engine->deadline_at_ms <= now_ms || atomic_load(&watchdog->kills_all);
        if (engine->killed != engine->running && late)
            kill_now(watchdog, engine, now_ms);
        if (engine->killed == engine->running) {
            next_ms = engine->killed_at_ms + watchdog->stuck_ms;
            if (next_ms <= now_ms)
                end_process(engine, now_ms - engine->killed_at_ms);
        } else {
            next_ms = late ? now_ms + RETRY_MS : engine->deadline_at_ms;
        }
    }
    pthread_mutex_unlock(&engine->mutex);
    return next_ms;
}

static int64_t look_after_all(struct watchdog *watchdog)
{
    int64_t now_ms = clock_steady_ms(), next_ms = NEVER_MS;

    for (size_t i = 0; i < watchdog->engines_n; i++) {
        int64_t engine_ms = look_after(watchdog, &watchdog->engines[i], now_ms);
        next_ms = engine_ms < next_ms ? engine_ms : next_ms;
    }
    return next_ms;
}

static void sleep_until(struct watchdog *watchdog, int64_t at_ms)
{
    struct timespec at = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};

    if (at_ms == NEVER_MS)
        pthread_cond_wait(&watchdog->woken, &watchdog->mutex);
    else
        pthread_cond_timedwait(&watchdog->woken, &watchdog->mutex, &at);
}

/* wakes_at_ms is NEVER while we look: whoever begins meanwhile pokes us, and we look again. Whoever
 * still read the old value had begun before we looked. */
static void *watch(void *context)
{
    struct watchdog *watchdog = context;
    bool lingered = true;

    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->stopping) {
        watchdog->poked = false;
        atomic_store(&watchdog->wakes_at_ms, NEVER_MS);
        int64_t next_ms = look_after_all(watchdog);
        bool idle = next_ms == NEVER_MS;
        if (idle && !lingered)
            next_ms = clock_steady_ms() + LINGER_MS;
        lingered = idle;
        atomic_store(&watchdog->wakes_at_ms, next_ms);
        if (!watchdog->poked && !watchdog->stopping)
            sleep_until(watchdog, next_ms);
    }
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

static void poke(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->poked = true;
    pthread_cond_signal(&watchdog->woken);
    pthread_mutex_unlock(&watchdog->mutex);
}

void watchdog_expect(struct watchdog *watchdog, int64_t deadline_at_ms)
{
    if (deadline_at_ms < atomic_load(&watchdog->wakes_at_ms) || atomic_load(&watchdog->kills_all))
        poke(watchdog);
}

void watchdog_kill_all(struct watchdog *watchdog)
{
    atomic_store(&watchdog->kills_all, true);
    poke(watchdog);
}

bool watchdog_start(struct watchdog *watchdog, struct engine *engines, size_t engines_n,
    int64_t stuck_ms, struct err *err)
{
    pthread_condattr_t steady;

    watchdog->engines = engines;
    watchdog->engines_n = engines_n;
    watchdog->stuck_ms = stuck_ms;
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->woken, &steady);
    pthread_condattr_destroy(&steady);
    int failed = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    if (failed)
        return err_set(err, ERR_SYSTEM, "no thread for the watchdog: %s", strerror(failed));
    return true;
}

void watchdog_stop(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->stopping = true;
    pthread_cond_signal(&watchdog->woken);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->woken);
    pthread_mutex_destroy(&watchdog->mutex);
}
