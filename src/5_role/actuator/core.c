/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/core.h"

#include "actuator/machine.h"
#include "actuator/nonces.h"
#include "actuator/warrant.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/random.h"
#include "secret/secret.h"

#include <stdio.h>
#include <stdlib.h>

#define LANE_BYTES_MAX 384
#define WAITERS_MAX 16
#define NONCE_KEPT_MS 60000 /* beyond its expiry */
#define DONE_BYTES_MORE 4096

enum work_kind {
    WORK_LOOK,
    WORK_WARRANT,
    WORK_OUTCOME,
};

/* Each sort has its own bounds: what takes minutes holds up nothing that takes a moment. */
enum work_sort {
    SORT_SHORT, /* name servers, playbooks */
    SORT_LOOK,  /* hosts and pools looked at */
    SORT_LONG,  /* hosts and pools changed */
    SORTS,
};

struct work {
    uv_work_t request;
    struct actuator *actuator;
    struct work *next;
    enum work_kind kind;
    enum work_sort sort;
    int64_t ids[WAITERS_MAX]; /* who is answered */
    size_t id_count;
    uint64_t life;  /* of the judge that asked */
    json_t *holder; /* what the job borrows from */
    struct hand_job job;
    char lane[LANE_BYTES_MAX]; /* "": runs beside everything */
    struct machine_call machine;
    char plan_sha256[SHA256_HEX_BYTES];
    int64_t expires_at_ms;   /* civil; warrants */
    int64_t start_before_ms; /* steady; warrants */
    struct hand_end end;
};

struct outcome {
    char plan_sha256[SHA256_HEX_BYTES];
    json_t *done; /* without id */
};

struct actuator {
    struct actuator_setup setup;
    struct secret_store *secrets;
    struct nonces nonces;
    char boot[ID_BYTES];
    uint64_t life;
    struct work *running, *waiting;
    size_t running_of[SORTS], waiting_of[SORTS];
    struct machines *machines;
    struct outcome *outcomes; /* a ring */
    size_t outcome_next;
    struct actuator_counts counts;
    void (*idle)(void *owner); /* set: stopping */
};

static void pump(struct actuator *a);

struct actuator *actuator_open(const struct actuator_setup *setup)
{
    struct actuator *a = calloc(1, sizeof *a);

    check(a);
    a->setup = *setup;
    a->secrets = secret_open(setup->secrets);
    nonces_init(&a->nonces, (size_t)setup->settings.nonces_max);
    a->outcomes = calloc((size_t)setup->settings.outcomes_max, sizeof *a->outcomes);
    check(a->outcomes);
    id_make(clock_civil_ms(), a->boot);
    const struct machines_setup machines = {.loop = setup->loop,
        .paths = setup->machines,
        .settings = &a->setup.settings,
        .secrets = a->secrets,
        .send = setup->send,
        .owner = setup->owner,
        .life = &a->life};
    a->machines = machines_open(&machines);
    return a;
}

void actuator_close(struct actuator *a)
{
    if (!a)
        return;
    check(!a->running && !a->waiting);
    for (int64_t i = 0; i < a->setup.settings.outcomes_max; i++)
        json_decref(a->outcomes[i].done);
    free(a->outcomes);
    nonces_done(&a->nonces);
    machines_close(a->machines);
    secret_close(&a->secrets);
    free(a);
}

const char *actuator_boot(const struct actuator *a)
{
    return a->boot;
}

struct actuator_counts actuator_counts(const struct actuator *a)
{
    struct actuator_counts counts = a->counts;

    for (size_t i = 0; i < SORTS; i++) {
        counts.running += a->running_of[i];
        counts.waiting += a->waiting_of[i];
    }
    return counts;
}

void actuator_greet(struct actuator *a)
{
    a->life++;
    a->setup.send(a->setup.owner, message_make(MESSAGE_hello, "{s:s}", "boot", a->boot));
}

/* --- answers ------------------------------------------------------------------------------- */

/* {"ok","changed"[,"result"][,"error"]}; never larger than a message. */
static json_t *done_fields(const struct hand_end *end)
{
    json_t *fields =
        json_pack("{s:b, s:s}", "ok", end->ok, "changed", hand_changed_word(end->changed));

    check(fields);
    if (end->result)
        json_object_set(fields, "result", end->result);
    if (!end->ok)
        json_object_set_new(fields, "error", message_from_err(&end->err));
    if (json_dumpb(fields, NULL, 0, JSON_COMPACT) + DONE_BYTES_MORE <= MESSAGE_BYTES_MAX)
        return fields;
    struct err err;
    json_object_del(fields, "result");
    if (end->changed == HAND_CHANGED_NO) { /* it was all about the result */
        err_code(&err, ERR_LIMIT, "result_too_large", NULL,
            "the result is larger than a message of %d bytes; ask for less", MESSAGE_BYTES_MAX);
        json_object_set_new(fields, "ok", json_false());
        json_object_set_new(fields, "error", message_from_err(&err));
    } else if (end->ok) {
        json_object_set_new(fields, "result", json_pack("{s:b}", "result_left_out", 1));
    }
    return fields;
}

static void answer(struct actuator *a, int64_t id, const json_t *fields)
{
    scoped(json_done) json_t *own = json_copy((json_t *)fields);

    json_object_set_new(own, "id", json_integer(id));
    a->setup.send(a->setup.owner, message_make(MESSAGE_done, "O", own));
}

static void answer_error(
    struct actuator *a, int64_t id, const struct err *err, enum hand_changed changed)
{
    const struct hand_end end = {.ok = false, .err = *err, .changed = changed};
    scoped(json_done) json_t *fields = done_fields(&end);

    answer(a, id, fields);
}

static struct outcome *outcome_of(struct actuator *a, const char *plan_sha256)
{
    for (int64_t i = 0; i < a->setup.settings.outcomes_max; i++)
        if (a->outcomes[i].done && strcmp(a->outcomes[i].plan_sha256, plan_sha256) == 0)
            return &a->outcomes[i];
    return NULL;
}

static void remember(struct actuator *a, const char *plan_sha256, json_t *fields)
{
    struct outcome *place = outcome_of(a, plan_sha256);

    if (!place) {
        place = &a->outcomes[a->outcome_next];
        a->outcome_next = (a->outcome_next + 1) % (size_t)a->setup.settings.outcomes_max;
    }
    json_decref(place->done);
    place->done = json_incref(fields);
    memcpy(place->plan_sha256, plan_sha256, sizeof place->plan_sha256);
}

/* --- work ---------------------------------------------------------------------------------- */

static void work_free(struct work *work)
{
    hand_end_done(&work->end);
    json_decref(work->holder);
    free(work);
}

/* Its hand let go because the actuator ends; the agent may go on with the order. */
static bool is_cut_short(const struct work *work)
{
    return work->actuator->idle && work->sort == SORT_LONG && !work->end.ok &&
           strcmp(work->end.err.code, "stopped") == 0;
}

/* On the loop: said to whoever asked, and no more. */
static void finish(struct work *work)
{
    struct actuator *a = work->actuator;
    scoped(json_done) json_t *fields = done_fields(&work->end);

    if (is_cut_short(work)) { /* no answer: the next life is asked, and sees how it went on */
        work_free(work);
        return;
    }
    a->counts.ended[work->kind]++;
    a->counts.failed += !work->end.ok;
    if (work->kind == WORK_WARRANT)
        remember(a, work->plan_sha256, fields);
    for (size_t i = 0; work->life == a->life && i < work->id_count; i++)
        answer(a, work->ids[i], fields);
    work_free(work);
}

static void scrub(struct work *work)
{
    struct actuator *a = work->actuator;

    if (!work->end.ok)
        secret_scrub_err(a->secrets, &work->end.err);
    if (work->end.result) {
        json_t *clean = secret_scrub_json(a->secrets, work->end.result);
        json_decref(work->end.result);
        work->end.result = clean;
    }
}

static void run_dns(struct work *work)
{
    struct actuator *a = work->actuator;
    const struct dns_limits limits = {
        .timeout_ms = a->setup.settings.dns_reply_ms, .job_ms = a->setup.settings.dns_job_ms};
    struct str secret = {0};

    if (work->job.dns.key.at &&
        !secret_get(a->secrets, work->job.dns.secret, &secret, &work->end.err))
        return;
    if (work->kind == WORK_OUTCOME)
        dns_job_outcome(&work->job.dns, secret, &limits, &work->end);
    else
        dns_job_run(&work->job.dns, secret, &limits, &work->end);
}

static void run_ansible(struct work *work)
{
    struct actuator *a = work->actuator;
    const struct ansible_paths paths = {.playbooks = a->setup.playbooks,
        .inventories = a->setup.inventories,
        .work = a->setup.work};
    const struct ansible_limits limits = {.child_ms = a->setup.settings.playbook_ms,
        .output_bytes = a->setup.settings.playbook_output_bytes};

    ansible_job_run(&work->job.ansible, a->secrets, &paths, &limits, &work->end);
}

/* On a worker. */
static void on_work(uv_work_t *request)
{
    struct work *work = request->data;

    /* an outcome that cannot be looked up is unknown, not unchanged */
    work->end.changed = work->kind == WORK_OUTCOME ? HAND_CHANGED_UNKNOWN : HAND_CHANGED_NO;
    switch (work->job.hand) {
    case HAND_DNS:
        run_dns(work);
        break;
    case HAND_ANSIBLE:
        run_ansible(work);
        break;
    case HAND_MACHINE:
        machine_run(&work->machine, &work->job.machine, work->kind == WORK_OUTCOME, &work->end);
        break;
    case HAND_CLUSTER:
        cluster_run(&work->job.cluster, work->actuator->secrets, &work->end);
        break;
    case HAND_RECORD:
        /* the entry that follows is the effect: also of an outcome that nobody remembers */
        work->end = (struct hand_end){
            .ok = true, .result = json_pack("{s:b}", "recorded", 1), .changed = HAND_CHANGED_YES};
        break;
    }
    scrub(work);
}

static void unlink_work(struct work **list, const struct work *work)
{
    while (*list != work)
        list = &(*list)->next;
    *list = work->next;
}

static void on_worked(uv_work_t *request, int status)
{
    struct work *work = request->data;
    struct actuator *a = work->actuator;

    check(status == 0);
    machines_tell(a->machines); /* what came before its end */
    unlink_work(&a->running, work);
    a->running_of[work->sort]--;
    finish(work);
    pump(a);
    if (a->idle && !a->running)
        a->idle(a->setup.owner);
}

static bool lane_is_free(const struct actuator *a, const struct work *work)
{
    if (!work->lane[0])
        return true;
    for (const struct work *other = a->running; other; other = other->next)
        if (strcmp(other->lane, work->lane) == 0)
            return false;
    return true;
}

/* An order waits for a lane no longer than it may, by either clock. */
static bool too_late(const struct work *work)
{
    return work->kind == WORK_WARRANT &&
           (clock_steady_ms() >= work->start_before_ms || clock_civil_ms() >= work->expires_at_ms);
}

static bool has_place(const struct actuator *a, enum work_sort sort)
{
    const struct actuator_settings *s = &a->setup.settings;
    int64_t places = sort == SORT_LONG   ? s->long_jobs_at_once
                     : sort == SORT_LOOK ? s->host_looks_at_once
                                         : s->jobs_at_once;

    return a->running_of[sort] < (size_t)places;
}

/* Begin what can begin. */
static void pump(struct actuator *a)
{
    struct work **at = &a->waiting;

    while (*at) {
        struct work *work = *at;
        if (!has_place(a, work->sort) || !lane_is_free(a, work)) {
            at = &work->next;
            continue;
        }
        *at = work->next;
        a->waiting_of[work->sort]--;
        if (too_late(work)) {
            err_code(&work->end.err, ERR_DENIED, "expired", NULL,
                "the order could not begin in time, nothing was done; ask again");
            finish(work);
            continue;
        }
        work->next = a->running;
        a->running = work;
        a->running_of[work->sort]++;
        check(uv_queue_work(a->setup.loop, &work->request, on_work, on_worked) == 0);
    }
}

static enum work_sort sort_of(enum work_kind kind, const struct hand_job *job)
{
    bool far = job->hand == HAND_MACHINE || job->hand == HAND_CLUSTER;
    return !far ? SORT_SHORT : kind == WORK_LOOK ? SORT_LOOK : SORT_LONG;
}

static bool room(struct actuator *a, enum work_sort sort, struct err *err)
{
    if (a->idle)
        return err_code(err, ERR_LIMIT, "stopping", NULL, "the actuator is ending; ask again");
    if (a->waiting_of[sort] >= (size_t)a->setup.settings.jobs_waiting_max)
        return err_code(err, ERR_LIMIT, "queue_full", NULL,
            "%zu jobs are waiting already, nothing was done; ask again later", a->waiting_of[sort]);
    return true;
}

static void set_lane(struct work *work)
{
    const struct hand_job *job = &work->job;
    bool serial = work->kind != WORK_LOOK;

    if (job->hand == HAND_ANSIBLE)
        snprintf(work->lane, sizeof work->lane, "ansible");
    else if (job->hand == HAND_MACHINE)
        machine_lane(&job->machine, serial, work->lane, sizeof work->lane);
    else if (serial && job->hand == HAND_DNS)
        snprintf(work->lane, sizeof work->lane, "dns %.*s %d %.*s", STR(job->dns.server),
            job->dns.port, STR(job->dns.zone));
}

static struct work *work_new(struct actuator *a, enum work_kind kind, const json_t *message,
    json_t *holder, const struct hand_job *job)
{
    struct work *work = calloc(1, sizeof *work);
    int64_t id = message_int(message, "id");

    check(work);
    *work = (struct work){.actuator = a,
        .kind = kind,
        .sort = sort_of(kind, job),
        .ids = {id},
        .id_count = 1,
        .life = a->life,
        .holder = holder,
        .job = *job};
    work->request.data = work;
    machine_call_init(
        &work->machine, a->machines, id, message_text(message, "case"), kind == WORK_LOOK);
    set_lane(work);
    return work;
}

static void queue(struct actuator *a, struct work *work)
{
    struct work **end = &a->waiting;

    while (*end)
        end = &(*end)->next;
    *end = work;
    a->waiting_of[work->sort]++;
    pump(a);
}

/* --- messages ------------------------------------------------------------------------------ */

static void take_look(struct actuator *a, const json_t *message)
{
    json_t *holder = json_object_get(message, "job");
    int64_t id = message_int(message, "id");
    struct hand_job job;
    struct err err = {0};

    if (!hand_job_read(holder, false, &job, &err) || !room(a, sort_of(WORK_LOOK, &job), &err)) {
        answer_error(a, id, &err, HAND_CHANGED_NO);
        return;
    }
    queue(a, work_new(a, WORK_LOOK, message, json_incref(holder), &job));
}

/* Both the order and the plan count once: another order for the same plan does nothing. */
static bool use_up(
    struct actuator *a, const struct warrant *warrant, int64_t civil_ms, struct err *err)
{
    struct str plan = str_from(warrant->plan_sha256);
    int64_t now_ms = clock_steady_ms();
    int64_t until_ms = now_ms + (warrant->expires_at_ms - civil_ms) + NONCE_KEPT_MS;

    if (nonces_has(&a->nonces, warrant->nonce) || nonces_has(&a->nonces, plan))
        return err_code(err, ERR_DENIED, "used", "nonce",
            "the warrant is refused: this order or its plan was used before; ask for a new plan");
    if (!nonces_add(&a->nonces, warrant->nonce, now_ms, until_ms) ||
        !nonces_add(&a->nonces, plan, now_ms, until_ms))
        return err_code(err, ERR_LIMIT, "too_many_orders", NULL,
            "more than %lld orders are remembered, nothing was done; ask again in a minute",
            (long long)a->setup.settings.nonces_max);
    return true;
}

static void take_warrant(struct actuator *a, const json_t *message)
{
    int64_t id = message_int(message, "id"), civil_ms = clock_civil_ms();
    struct warrant warrant = {0};
    struct err err = {0};

    if (!warrant_read(message, a->boot, civil_ms, &warrant, &err) ||
        !room(a, sort_of(WORK_WARRANT, &warrant.job), &err) ||
        !use_up(a, &warrant, civil_ms, &err)) {
        a->counts.refused++;
        log_error("warrant_refused", "case", message_text(message, "case"), "code", err.code, NULL);
        answer_error(a, id, &err, HAND_CHANGED_NO);
        warrant_done(&warrant);
        return;
    }
    struct work *work = work_new(a, WORK_WARRANT, message, warrant.plan, &warrant.job);
    memcpy(work->plan_sha256, warrant.plan_sha256, sizeof work->plan_sha256);
    work->expires_at_ms = warrant.expires_at_ms;
    work->start_before_ms = clock_steady_ms() + a->setup.settings.warrant_wait_ms;
    queue(a, work);
}

static struct work *find_work(struct work *list, const char *plan_sha256)
{
    while (list && !(list->kind == WORK_WARRANT && strcmp(list->plan_sha256, plan_sha256) == 0))
        list = list->next;
    return list;
}

/* Answered when it is finished. A judge of a later life takes the place of those before. */
static bool wait_for_work(struct actuator *a, struct work *work, int64_t id, struct err *err)
{
    if (work->life != a->life) {
        work->life = a->life;
        work->id_count = 0;
    }
    if (work->id_count == WAITERS_MAX)
        return err_code(
            err, ERR_LIMIT, "queue_full", NULL, "%d wait for this outcome already", WAITERS_MAX);
    work->ids[work->id_count++] = id;
    machine_call_move(&work->machine, id);
    return true;
}

/* Nobody remembers: the world may. Playbooks leave nothing to compare with. */
static bool look_for_outcome(
    struct actuator *a, const json_t *message, struct str plan, struct err *err)
{
    struct warrant warrant = {0};

    if (!warrant_read_plan(plan, message_text(message, "case"), &warrant, err))
        return false;
    if (warrant.job.hand == HAND_ANSIBLE) {
        warrant_done(&warrant);
        return err_code(err, ERR_PEER, "outcome_unknown", NULL,
            "it is unknown how far the playbook came: this node was not there to see it; a new dry "
            "run shows what is missing");
    }
    if (!room(a, sort_of(WORK_OUTCOME, &warrant.job), err)) {
        warrant_done(&warrant);
        return false;
    }
    queue(a, work_new(a, WORK_OUTCOME, message, warrant.plan, &warrant.job));
    return true;
}

static void take_outcome(struct actuator *a, const json_t *message)
{
    struct str plan = {json_string_value(json_object_get(message, "plan")),
        json_string_length(json_object_get(message, "plan"))};
    int64_t id = message_int(message, "id");
    char plan_sha256[SHA256_HEX_BYTES];
    struct err err = {0};

    sha256_hex(plan, plan_sha256);
    struct outcome *known = outcome_of(a, plan_sha256);
    if (known) {
        answer(a, id, known->done);
        return;
    }
    struct work *work = find_work(a->running, plan_sha256);
    work = work ? work : find_work(a->waiting, plan_sha256);
    if (work ? !wait_for_work(a, work, id, &err) : !look_for_outcome(a, message, plan, &err))
        answer_error(a, id, &err, HAND_CHANGED_UNKNOWN);
}

void actuator_take(struct actuator *a, enum message_type type, const json_t *message)
{
    if (type == MESSAGE_look) {
        take_look(a, message);
    } else if (type == MESSAGE_warrant) {
        take_warrant(a, message);
    } else if (type == MESSAGE_outcome) {
        take_outcome(a, message);
    } else {
        a->counts.refused++;
        log_error("message_refused", "from", "judge", "type", message_type_name(type), NULL);
    }
}

void actuator_stop(struct actuator *a, void (*idle)(void *owner))
{
    a->idle = idle;
    machines_stop(a->machines);
    while (a->waiting) {
        struct work *work = a->waiting;
        a->waiting = work->next;
        a->waiting_of[work->sort]--;
        err_code(&work->end.err, ERR_LIMIT, "stopping", NULL,
            "the actuator is ending before this began; nothing was done");
        work->end.changed = work->kind == WORK_OUTCOME ? HAND_CHANGED_UNKNOWN : HAND_CHANGED_NO;
        finish(work);
    }
    if (!a->running)
        idle(a->setup.owner);
}
