/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/machine.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"
#include "secret/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STAGE_BYTES 33
#define WORDS_BYTES 208
#define OUTCOME_EVERY_MS 500
#define NAP_MS 100

struct progress {
    int64_t id;
    uint64_t life;
    char case_id[MACHINE_CASE_BYTES], stage[STAGE_BYTES], words[WORDS_BYTES];
};

struct machines {
    uv_async_t wake;
    struct machines_setup setup;
    atomic_bool stop;
    pthread_mutex_t lock; /* of the ring below, and of what changes in a call */
    size_t first, count;
    struct progress ring[MACHINE_PROGRESS_MAX];
};

static void on_wake(uv_async_t *wake)
{
    machines_tell(wake->data);
}

struct machines *machines_open(const struct machines_setup *setup)
{
    struct machines *m = calloc(1, sizeof *m);

    check(m && uv_async_init(setup->loop, &m->wake, on_wake) == 0);
    check(pthread_mutex_init(&m->lock, NULL) == 0);
    uv_unref((uv_handle_t *)&m->wake); /* a loop with nothing else to do may end */
    m->wake.data = m;
    m->setup = *setup;
    return m;
}

static void on_closed(uv_handle_t *handle)
{
    struct machines *m = handle->data;

    pthread_mutex_destroy(&m->lock);
    free(m);
}

void machines_close(struct machines *m)
{
    uv_close((uv_handle_t *)&m->wake, on_closed);
}

void machines_stop(struct machines *m)
{
    atomic_store(&m->stop, true);
}

void machine_call_init(struct machine_call *call, struct machines *machines, int64_t id,
    const char *case_id, bool quiet)
{
    *call = (struct machine_call){.machines = machines,
        .id = id,
        .life = *machines->setup.life,
        .quiet = quiet,
        .stages_left = machines->setup.settings->stages_burst};
    snprintf(call->case_id, sizeof call->case_id, "%s", case_id);
}

void machine_call_move(struct machine_call *call, int64_t id)
{
    struct machines *m = call->machines;

    pthread_mutex_lock(&m->lock);
    call->id = id;
    call->life = *m->setup.life;
    pthread_mutex_unlock(&m->lock);
}

static bool is_of_pool(const struct host_job *job)
{
    return job->op == POOL_STATUS || job->op == POOL_LOAD || job->op == POOL_UNLOAD;
}

void machine_lane(const struct host_job *job, bool serial, char *ret_lane, size_t bytes)
{
    *ret_lane = '\0';
    if (serial && is_of_pool(job))
        snprintf(ret_lane, bytes, "pool %.*s %.*s", STR(job->host), STR(job->pool));
    else if (serial)
        snprintf(ret_lane, bytes, "host %.*s", STR(job->host));
}

/* A burst, then one each stage_ms: an agent that talks without end fills nobody's channel. */
static bool may_tell(struct machine_call *call)
{
    const struct actuator_settings *settings = call->machines->setup.settings;
    int64_t now_ms = clock_steady_ms();

    if (call->quiet || (call->stages_left == 0 && now_ms - call->told_ms < settings->stage_ms))
        return false;
    call->stages_left -= call->stages_left > 0;
    call->told_ms = now_ms;
    return true;
}

static void set_text(char *text, size_t bytes, struct str from)
{
    struct str fits =
        str_utf8_prefix((struct str){from.at, from.len < bytes ? from.len : bytes - 1});

    snprintf(text, bytes, "%.*s", STR(fits));
}

/* The place of the next one; the oldest makes room. */
static struct progress *place(struct machines *m)
{
    if (m->count == MACHINE_PROGRESS_MAX) {
        m->first = (m->first + 1) % MACHINE_PROGRESS_MAX;
        m->count--;
    }
    return &m->ring[(m->first + m->count++) % MACHINE_PROGRESS_MAX];
}

/* On a worker. `words` are the agent's: data. */
static void on_progress(void *owner, const char *stage, struct str words)
{
    struct machine_call *call = owner;
    struct machines *m = call->machines;

    pthread_mutex_lock(&m->lock);
    if (may_tell(call)) {
        struct progress *p = place(m);
        p->id = call->id;
        p->life = call->life;
        memcpy(p->case_id, call->case_id, sizeof p->case_id);
        set_text(p->stage, sizeof p->stage, str_from(stage));
        set_text(p->words, sizeof p->words, words);
    }
    pthread_mutex_unlock(&m->lock);
    uv_async_send(&m->wake);
}

/* --- outcomes ----------------------------------------------------------------------------- */

static void wait_until(const struct host_call *host, int64_t until_ms)
{
    const struct timespec nap = {0, NAP_MS * 1000000};

    while (clock_steady_ms() < until_ms && !atomic_load(host->stop))
        (void)nanosleep(&nap, NULL);
}

static bool agent_answers(const struct host_job *job, const struct host_call *host)
{
    const struct host_job look = {
        .op = HOST_STATUS, .host = job->host, .agent = job->agent, .json = job->json};
    scoped(hand_end_done) struct hand_end end = {0};

    host_job_run(&look, host, &end);
    return json_is_true(json_object_get(end.result, "reachable"));
}

static const json_t *pool_said(const json_t *status, struct str name)
{
    size_t i;
    json_t *pool;

    json_array_foreach (json_object_get(status, "pools"), i, pool)
        if (str_eq(str_from(message_text(pool, "pool")), name))
            return pool;
    return NULL;
}

/* What the agent says of a pool that was loaded, as the order's own end would have said it: the
 * rules learn from that what is loaded. How long it took nobody knows any more. */
static void complete(const struct host_job *job, struct hand_end *end)
{
    static const char *const MEMBERS[] = {"engine_version", "buffers"};
    const json_t *pool = pool_said(json_object_get(end->result, "status"), job->pool);

    for (size_t i = 0; job->op == POOL_LOAD && pool && i < COUNT(MEMBERS); i++) {
        json_t *member = json_object_get(pool, MEMBERS[i]);
        if (member && !json_is_null(member))
            json_object_set(end->result, MEMBERS[i], member);
    }
}

/* An order outlives whoever gave it. An agent that does not answer is given less time, but for a
 * host that was to wake: that is what it does while it boots. */
static void wait_for_outcome(const struct machines *m, const struct host_job *job,
    const struct host_call *host, struct hand_end *end)
{
    int64_t began_ms = clock_steady_ms(), limit_ms = job->limit_s * 1000;
    int64_t silent_ms = job->op == HOST_WAKE ? limit_ms : m->setup.settings->outcome_silent_ms;

    for (;;) {
        host_job_outcome(job, host, end);
        int64_t now_ms = clock_steady_ms(), spent_ms = now_ms - began_ms;
        if (end->ok || strcmp(end->err.code, "outcome_unknown") != 0) {
            complete(job, end);
            return;
        }
        if (atomic_load(host->stop)) {
            err_code(&end->err, ERR_LIMIT, "stopped", NULL, "the actuator is ending");
            return;
        }
        if (spent_ms >= limit_ms || (spent_ms >= silent_ms && !agent_answers(job, host)))
            return;
        hand_end_done(end);
        wait_until(host, now_ms + OUTCOME_EVERY_MS);
    }
}

void machine_run(
    struct machine_call *call, const struct host_job *job, bool outcome, struct hand_end *ret_end)
{
    struct machines *m = call->machines;
    const struct actuator_settings *settings = m->setup.settings;
    struct host_limits limits = HOST_LIMITS_DEFAULT;
    const struct host_call host = {.paths = m->setup.paths,
        .limits = &limits,
        .secrets = m->setup.secrets,
        .case_id = call->case_id,
        .progress = on_progress,
        .owner = call,
        .stop = &m->stop};

    if (!m->setup.paths) {
        err_code(&ret_end->err, ERR_SYSTEM, "no_hosts", NULL,
            "this actuator was given no way to its hosts");
        return;
    }
    limits.answer_ms = settings->agent_answer_ms;
    limits.connect_ms = settings->agent_connect_ms;
    limits.silent_ms = settings->agent_silent_ms;
    if (outcome)
        wait_for_outcome(m, job, &host, ret_end);
    else
        host_job_run(job, &host, ret_end);
}

/* --- telling ------------------------------------------------------------------------------ */

static bool take(struct machines *m, struct progress *ret_progress)
{
    bool found;

    pthread_mutex_lock(&m->lock);
    found = m->count > 0;
    if (found) {
        *ret_progress = m->ring[m->first];
        m->first = (m->first + 1) % MACHINE_PROGRESS_MAX;
        m->count--;
    }
    pthread_mutex_unlock(&m->lock);
    return found;
}

void machines_tell(struct machines *m)
{
    struct progress p;

    while (take(m, &p)) {
        if (p.life != *m->setup.life)
            continue;
        scoped(json_done) json_t *said = json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)p.id,
            "case", p.case_id, "stage", p.stage, "words", p.words);
        check(said);
        scoped(json_done) json_t *clean = secret_scrub_json(m->setup.secrets, said);
        m->setup.send(m->setup.owner, message_make(MESSAGE_progress, "O", clean));
    }
}

/* What blocks a worker of libuv at most at once. */
void actuator_widen_threads(const struct actuator_settings *settings)
{
    char count[32];

    snprintf(count, sizeof count, "%lld",
        (long long)(settings->jobs_at_once + settings->host_looks_at_once +
                    settings->long_jobs_at_once + settings->notices_at_once));
    check(setenv("UV_THREADPOOL_SIZE", count, 1) == 0);
}
