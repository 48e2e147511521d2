/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "host/host_inside.h"
#include "host/order.h"
#include "os/clock.h"
#include "os/random.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <stdio.h>
#include <time.h>

#define REAL_MAX 9e15        /* every whole number up to here is exact */
#define ORDER_QUIET_MS 30000 /* the agent says a stage again each few seconds */
#define ORDER_LATE_MS 15000  /* beyond the job's own limit, for the agent to say that it ran out */
#define LOOK_AWAKE_MS 20000  /* a slow boot may answer slowly */

static void say(const struct host_call *call, const char *stage, struct str words)
{
    words = str_utf8_prefix((struct str){
        words.at, words.len < HOST_WORDS_BYTES_MAX ? words.len : HOST_WORDS_BYTES_MAX});
    if (call->progress)
        call->progress(call->owner, stage, words);
}

static bool is_stopped(const struct host_call *call)
{
    return call->stop && atomic_load(call->stop);
}

static void fail(struct hand_end *end, enum hand_changed changed)
{
    end->ok = false;
    end->changed = changed;
}

static void nap(int64_t ms)
{
    const struct timespec time = {ms / 1000, (ms % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

/* --- looks -------------------------------------------------------------------------------- */

/* What is seen may be recorded, and a ledger takes whole numbers only: an agent that measures finer
 * is rounded. */
static json_t *whole_numbers(const json_t *value)
{
    json_t *one, *copy;
    const char *name;
    size_t i;

    if (json_is_real(value)) {
        double real = json_real_value(value);
        return json_integer(real > REAL_MAX    ? (json_int_t)REAL_MAX
                            : real < -REAL_MAX ? (json_int_t)-REAL_MAX
                                               : (json_int_t)(real < 0 ? real - 0.5 : real + 0.5));
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach ((json_t *)(uintptr_t)value, name, one)
            json_object_set_new(copy, name, whole_numbers(one));
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach ((json_t *)(uintptr_t)value, i, one)
            json_array_append_new(copy, whole_numbers(one));
        return copy;
    }
    return json_incref((json_t *)(uintptr_t)value);
}

static void round_result(struct hand_end *end)
{
    json_t *result = end->result;

    if (!result)
        return;
    end->result = whole_numbers(result);
    json_decref(result);
}

static json_t *look_result(const struct host_job *job, const struct host_call *call)
{
    json_t *status = NULL;
    enum host_reach reach;
    struct err err = {0};
    bool good = host_look(job, call, call->limits->answer_ms, NULL, NULL, &status, &reach, &err);
    json_t *result = json_pack(
        "{s:b, s:o?, s:s}", "reachable", good, "status", status, "words", good ? "" : err.message);

    check(result);
    return result;
}

static void run_status(
    const struct host_job *job, const struct host_call *call, struct hand_end *end)
{
    end->result = look_result(job, call);
    end->ok = true;
}

static void run_pool_status(
    const struct host_job *job, const struct host_call *call, struct hand_end *end)
{
    scoped(json_done) json_t *result = look_result(job, call);
    const json_t *pool = host_pool_of(json_object_get(result, "status"), job->pool);

    json_object_set_new(result, "pool", pool ? json_incref((json_t *)pool) : json_null());
    if (!host_catalogue(job, call, result, &end->err))
        return;
    end->result = json_incref(result);
    end->ok = true;
}

/* --- wake ----------------------------------------------------------------------------------- */

struct wake {
    const struct host_job *job;
    const struct host_call *call;
    uint8_t packet[HOST_PACKET_BYTES_MAX];
    size_t len;
    int64_t next_ms, packets;
    struct err err; /* of the last round */
};

static void send_when_due(void *user)
{
    struct wake *wake = user;
    int64_t now_ms = clock_steady_ms();
    struct err err = {0};

    if (now_ms < wake->next_ms)
        return;
    wake->next_ms = now_ms + wake->call->limits->packet_every_ms;
    wake->err = host_packets_send(wake->job, wake->packet, wake->len, &wake->packets, &err)
                    ? (struct err){0}
                    : err;
}

static bool make_packet(struct wake *wake, struct err *err)
{
    uint8_t mac[HOST_MAC_BYTES], secure_on[HOST_MAC_BYTES];
    struct str handle = wake->job->secure_on, value;

    if (!host_mac_read(wake->job->mac, mac, err))
        return false;
    if (handle.len) {
        if (!secret_get(wake->call->secrets, handle, &value, err))
            return false;
        if (!host_six_read(value, secure_on)) /* without words that would hold the value */
            return err_code(err, ERR_SYSTEM, "bad_secret", NULL,
                "%.*s is no SecureOn password of the form 01:02:03:04:05:06", STR(handle));
    }
    wake->len = host_packet_make(mac, handle.len ? secure_on : NULL, wake->packet);
    return true;
}

static void awake(const struct wake *wake, json_t *status, int64_t began_ms, struct hand_end *end)
{
    bool driver = json_is_true(json_object_get(json_object_get(status, "driver"), "ready"));

    say(wake->call, "agent_up", S(""));
    if (driver)
        say(wake->call, "driver_ready", S(""));
    end->result =
        json_pack("{s:I, s:I, s:O}", "took_ms", (json_int_t)(clock_steady_ms() - began_ms),
            "packets", (json_int_t)wake->packets, "status", status);
    check(end->result);
    end->ok = true;
    end->changed = HAND_CHANGED_YES;
}

static void not_awake(const struct wake *wake, const struct err *last, struct hand_end *end)
{
    fail(end, wake->packets ? HAND_CHANGED_UNKNOWN : HAND_CHANGED_NO);
    if (is_stopped(wake->call))
        err_code(&end->err, ERR_LIMIT, "stopped", NULL,
            "the actuator was ending before '%.*s' answered", STR(wake->job->host));
    else if (!wake->packets)
        end->err = wake->err;
    else
        err_code(&end->err, ERR_PEER, "not_awake", NULL,
            "'%.*s' did not answer within %lld s and %lld packets; last: %.200s",
            STR(wake->job->host), (long long)wake->job->limit_s, (long long)wake->packets,
            last->message);
}

static void run_wake(const struct host_job *job, const struct host_call *call, struct hand_end *end)
{
    struct wake wake = {.job = job, .call = call};
    int64_t began_ms = clock_steady_ms(), until_ms = began_ms + job->limit_s * 1000;
    enum host_reach reach = HOST_SILENT;
    bool booting = false;
    struct err err = {0};

    if (!make_packet(&wake, &end->err))
        return;
    say(call, "waking", S(""));
    for (;;) {
        scoped(json_done) json_t *status = NULL;
        int64_t left_ms = until_ms - clock_steady_ms();
        if (left_ms <= 0 || is_stopped(call))
            break;
        send_when_due(&wake);
        if (wake.packets == 0 && wake.err.kind != ERR_NONE)
            break; /* there is no way to it at all */
        if (host_look(job, call, left_ms < LOOK_AWAKE_MS ? left_ms : LOOK_AWAKE_MS, send_when_due,
                &wake, &status, &reach, &err)) {
            awake(&wake, status, began_ms, end);
            return;
        }
        if (err.kind == ERR_SYSTEM) /* ours to mend: no certificate */
            break;
        if (!booting && reach != HOST_SILENT && reach != HOST_STOPPED) {
            booting = true;
            say(call, "booting", S("the machine answers, its agent does not yet"));
        }
        nap(call->limits->look_every_ms < left_ms ? call->limits->look_every_ms : left_ms);
    }
    if (err.kind == ERR_SYSTEM && !is_stopped(call)) {
        end->err = err;
        fail(end, wake.packets ? HAND_CHANGED_UNKNOWN : HAND_CHANGED_NO);
        return;
    }
    not_awake(&wake, &err, end);
}

/* --- orders ---------------------------------------------------------------------------------- */

struct hearing {
    const struct host_call *call;
    json_t *done; /* the last line */
    struct err err;
};

/* One line of NDJSON. */
static bool on_line(void *user, struct str line)
{
    struct hearing *hearing = user;
    scoped(json_done) json_t *object = NULL;

    if (!str_trim(line).len)
        return true;
    if (!json_read(line, HOST_REPLY_BYTES_MAX, &object, &hearing->err)) {
        err_code(&hearing->err, ERR_PEER, "bad_reply", NULL, "a line of the agent is no JSON");
        return false;
    }
    if (json_object_get(object, "done")) {
        hearing->done = json_incref(object);
        return false;
    }
    const char *stage = json_string_value(json_object_get(object, "stage"));
    const json_t *words = json_object_get(object, "words");
    if (stage && strlen(stage) <= 32)
        say(hearing->call, stage,
            (struct str){
                json_is_string(words) ? json_string_value(words) : "", json_string_length(words)});
    return true;
}

static bool write_order(
    const struct host_job *job, const struct host_call *call, struct buf *out, struct err *err)
{
    char nonce[ID_BYTES];
    struct str seed;
    const struct order order = {.host = job->host,
        .case_id = str_from(call->case_id),
        .nonce = {nonce, ID_BYTES - 1},
        .expires_at_ms = clock_civil_ms() + call->limits->order_ms,
        .job = (json_t *)job->json};

    id_make(clock_civil_ms(), nonce);
    return secret_get(call->secrets, S(HOST_ORDER_SECRET), &seed, err) &&
           order_write(&order, seed, out, err);
}

static enum hand_changed changed_of(const json_t *done)
{
    const char *word = json_string_value(json_object_get(done, "changed"));

    return word && strcmp(word, "no") == 0    ? HAND_CHANGED_NO
           : word && strcmp(word, "yes") == 0 ? HAND_CHANGED_YES
                                              : HAND_CHANGED_UNKNOWN;
}

/* The agent's last line. */
static void take_done(const json_t *done, struct hand_end *end)
{
    const json_t *error = json_object_get(done, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *type = json_string_value(json_object_get(error, "type"));
    json_t *result = json_object_get(done, "result");

    if (json_is_true(json_object_get(done, "ok")) && json_is_object(result)) {
        end->result = json_incref(result);
        end->ok = true;
        end->changed = HAND_CHANGED_YES;
        return;
    }
    fail(end, changed_of(done));
    err_code(&end->err, type ? err_from_word(type) : ERR_PEER, code ? code : "bad_reply", NULL,
        "%.400s", message ? message : "the agent's last line says neither ok nor why not");
    if (json_is_object(result))
        end->result = json_incref(result);
}

static void judge_order(
    const struct host_heard *heard, const struct hearing *hearing, struct hand_end *end)
{
    if (hearing->done) {
        take_done(hearing->done, end);
    } else if (heard->reach == HOST_ANSWERED && heard->status != 200) {
        fail(end, HAND_CHANGED_NO);
        host_said_no(heard, &end->err);
    } else if (heard->reach == HOST_REFUSED || heard->reach == HOST_SILENT) {
        fail(end, HAND_CHANGED_NO);
        end->err = heard->err;
    } else {
        fail(end, HAND_CHANGED_UNKNOWN);
        if (heard->reach != HOST_ANSWERED)
            end->err = heard->err;
        else if (hearing->err.kind != ERR_NONE)
            end->err = hearing->err;
        else
            err_code(&end->err, ERR_PEER, "torn", NULL,
                "the agent's answer ended before it said what became of the order");
    }
}

static void run_order(
    const struct host_job *job, const struct host_call *call, struct hand_end *end)
{
    scoped(buf_done) struct buf body = buf_of(ORDER_BODY_BYTES_MAX);
    struct hearing hearing = {.call = call};
    struct host_heard heard;

    if (!write_order(job, call, &body, &end->err))
        return;
    const struct host_ask ask = {.job = job,
        .call = call,
        .path = "/v1/orders",
        .body = buf_str(&body),
        .connect_ms = call->limits->connect_ms,
        .limit_ms = job->limit_s * 1000 + ORDER_LATE_MS,
        .quiet_ms = ORDER_QUIET_MS,
        .line = on_line,
        .user = &hearing};
    host_ask_run(&ask, &heard);
    judge_order(&heard, &hearing, end);
    json_decref(hearing.done);
    buf_done(&heard.reply);
}

/* --- sleep --------------------------------------------------------------------------------------
 */

/* Silent for long enough. A machine that refuses is up, whatever became of its agent: it must do so
 * three times as long, until we take the agent's end for the machine's. */
static bool wait_asleep(const struct host_job *job, const struct host_call *call, int64_t until_ms)
{
    int64_t silent_since_ms = 0;

    while (clock_steady_ms() < until_ms && !is_stopped(call)) {
        scoped(json_done) json_t *status = NULL;
        enum host_reach reach;
        struct err err;
        int64_t asked_ms = clock_steady_ms();
        (void)host_look(job, call, call->limits->answer_ms, NULL, NULL, &status, &reach, &err);
        int64_t now_ms = clock_steady_ms();
        if (status || reach == HOST_ANSWERED)
            silent_since_ms = 0;
        else if (!silent_since_ms)
            silent_since_ms = asked_ms;
        int64_t enough_ms = call->limits->silent_ms * (reach == HOST_REFUSED ? 3 : 1);
        if (silent_since_ms && now_ms - silent_since_ms >= enough_ms)
            return true;
        nap(call->limits->look_every_ms);
    }
    return false;
}

static void run_sleep(
    const struct host_job *job, const struct host_call *call, struct hand_end *end)
{
    int64_t began_ms = clock_steady_ms();

    run_order(job, call, end);
    if (!end->ok)
        return;
    json_decref(end->result);
    end->result = NULL;
    say(call, "sleeping", S(""));
    if (!wait_asleep(job, call, began_ms + job->limit_s * 1000)) {
        fail(end, HAND_CHANGED_UNKNOWN);
        err_code(&end->err, ERR_PEER, is_stopped(call) ? "stopped" : "still_awake", NULL,
            "the agent of '%.*s' took the order, but did not fall silent within %lld s",
            STR(job->host), (long long)job->limit_s);
        return;
    }
    say(call, "asleep", S(""));
    end->result = json_pack("{s:I, s:s%}", "took_ms", (json_int_t)(clock_steady_ms() - began_ms),
        "how", job->how.at, job->how.len);
    check(end->result);
}

/* --- doors
 * ----------------------------------------------------------------------------------------- */

void host_job_run(
    const struct host_job *job, const struct host_call *call, struct hand_end *ret_end)
{
    *ret_end = (struct hand_end){.changed = HAND_CHANGED_NO};
    switch (job->op) {
    case HOST_STATUS:
        run_status(job, call, ret_end);
        break;
    case HOST_WAKE:
        run_wake(job, call, ret_end);
        break;
    case HOST_SLEEP:
        run_sleep(job, call, ret_end);
        break;
    case POOL_STATUS:
        run_pool_status(job, call, ret_end);
        break;
    case POOL_LOAD:
    case POOL_UNLOAD:
        run_order(job, call, ret_end);
        break;
    }
    round_result(ret_end);
}

/* 1: it is as the job wanted. -1: it is not, and nothing is under way. 0: not to be told. */
static int is_done(const struct host_job *job, const json_t *status, bool silent)
{
    const json_t *pool = host_pool_of(status, job->pool);
    const char *state = json_string_value(json_object_get(pool, "state"));
    const char *sha256 = json_string_value(json_object_get(pool, "sha256"));

    switch (job->op) {
    case HOST_WAKE:
        return status ? 1 : 0;
    case HOST_SLEEP:
        return status ? -1 : silent ? 1 : 0;
    case POOL_LOAD:
        if (!status)
            return 0;
        if (state && strcmp(state, "ready") == 0)
            return sha256 && str_eq(str_from(sha256), job->model_sha256) ? 1 : -1;
        return !state || strcmp(state, "empty") == 0 || strcmp(state, "failed") == 0 ? -1 : 0;
    case POOL_UNLOAD:
        if (!status)
            return 0;
        if (!state || strcmp(state, "empty") == 0 || strcmp(state, "failed") == 0)
            return 1;
        return strcmp(state, "ready") == 0 ? -1 : 0;
    case HOST_STATUS:
    case POOL_STATUS:
        return -1;
    }
    return 0;
}

void host_job_outcome(
    const struct host_job *job, const struct host_call *call, struct hand_end *ret_end)
{
    scoped(json_done) json_t *status = NULL;
    enum host_reach reach;
    struct err err = {0};

    *ret_end = (struct hand_end){.changed = HAND_CHANGED_UNKNOWN};
    (void)host_look(job, call, call->limits->answer_ms, NULL, NULL, &status, &reach, &err);
    bool silent = reach == HOST_SILENT;
    if (job->op == HOST_SLEEP && silent)
        silent = wait_asleep(
            job, call, clock_steady_ms() + 3 * call->limits->silent_ms + call->limits->answer_ms);
    switch (is_done(job, status, silent)) {
    case 1:
        ret_end->ok = true;
        ret_end->changed = HAND_CHANGED_YES;
        ret_end->result = json_pack("{s:O?}", "status", status);
        break;
    case -1:
        fail(ret_end, HAND_CHANGED_NO);
        err_code(&ret_end->err, ERR_PEER, "not_done", NULL,
            "the agent of '%.*s' says that it is not so; ask again", STR(job->host));
        break;
    case 0:
        err_code(&ret_end->err, ERR_PEER, "outcome_unknown", NULL,
            "what became of the order to '%.*s' is unknown: %.200s", STR(job->host),
            status ? "it is under way" : err.message);
        break;
    }
    round_result(ret_end);
}
