/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of one request: made, started on a pool, put back, failed, accounted for and ended. */
#include "inference/turn.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define FREE_TURNS_MAX 256

/* --- memory ---------------------------------------------------------------------------------- */

static char *hex8(char *to, uint32_t number)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[number >> shift & 15];
    return to;
}

/* "req-BOOT-COUNT" */
static void name_request(char *to, uint32_t boot, uint32_t count)
{
    memcpy(to, "req-", 4);
    to = hex8(to + 4, boot);
    *to++ = '-';
    *hex8(to, count) = '\0';
}

static void on_gone(struct exchange *ex, void *data);

struct turn *turn_make(struct inference *inf, struct exchange *ex, enum inference_route route)
{
    static uint32_t boot, count;
    struct turn *turn = inf->free_turns;

    if (turn)
        inf->free_turns = turn->next;
    else
        turn = malloc(sizeof *turn);
    check(turn);
    memset(turn, 0, offsetof(struct turn, filter));
    turn->whole = buf_of((size_t)inf->config.settings.reply_bytes_max);
    turn->usage = (struct openai_usage){0};
    *turn->user = '\0';
    turn->inf = inf;
    turn->ex = ex;
    turn->route = route;
    turn->model = turn->pool = QUEUE_NONE;
    turn->begun_ns = clock_steady_ns();
    turn->begun_ms = turn->last_ms = inference_now(inf);
    if (!boot)
        boot = (uint32_t)clock_civil_ms() | 1;
    name_request(turn->request_id, boot, ++count);
    turn->next = inf->turns;
    if (turn->next)
        turn->next->prev = turn;
    inf->turns = turn;
    inf->open_requests++;
    inf->counts.requests++;
    exchange_set_data(ex, turn);
    exchange_on_gone(ex, on_gone);
    return turn;
}

static void drop_ollama(struct turn *turn)
{
    if (!turn->ollama)
        return;
    if (turn->ollama->streaming)
        ollama_stream_done(&turn->ollama->stream);
    free(turn->ollama);
    turn->ollama = NULL;
}

static void release(struct turn *turn)
{
    struct inference *inf = turn->inf;

    ground_done(turn);
    wheel_disarm(&inf->wheel, &turn->timer);
    if (turn->prev)
        turn->prev->next = turn->next;
    else
        inf->turns = turn->next;
    if (turn->next)
        turn->next->prev = turn->prev;
    inf->open_requests--;
    if (turn->reply == REPLY_STREAM)
        openai_stream_done(&turn->filter);
    buf_done(&turn->whole);
    drop_ollama(turn);
    free(turn->own_body);
    turn->next = inf->free_turns;
    inf->free_turns = turn;
}

/* --- the account --------------------------------------------------------------------------------
 */

static bool succeeded(const struct turn *turn)
{
    return turn->status >= 200 && turn->status < 300;
}

static struct openai_usage used(const struct turn *turn)
{
    struct openai_usage usage = turn->usage;

    if (!usage.known && turn->reply == REPLY_STREAM) {
        usage = turn->filter.usage;
        if (!usage.known)
            usage.completion_tokens = openai_stream_tokens(&turn->filter);
    }
    if (!usage.known && turn->started_ms)
        usage.prompt_tokens = (uint64_t)turn->prompt_estimate;
    return usage;
}

static void account(struct turn *turn, const struct openai_usage *usage, struct identity_now clock)
{
    struct inference *inf = turn->inf;
    int64_t now = inference_now(inf);
    char who[CALLER_NAME_BYTES + USER_BYTES];
    bool cancelled = turn->status == 499, failed = !succeeded(turn) && !cancelled;
    const struct usage_work work = {.requests = 1,
        .failed = failed,
        .cancelled = cancelled,
        .prompt_tokens = (int64_t)usage->prompt_tokens,
        .completion_tokens = (int64_t)usage->completion_tokens,
        .wasted_tokens = failed || cancelled ? (int64_t)usage->completion_tokens : 0,
        .busy_ms = turn->started_ms ? now - turn->started_ms : 0,
        .held_ms = (turn->started_ms ? turn->started_ms : now) - turn->begun_ms};

    inf->counts.prompt_tokens += usage->prompt_tokens;
    inf->counts.completion_tokens += usage->completion_tokens;
    if (turn->pool >= 0)
        inf->pools[turn->pool].tokens_ended += usage->completion_tokens;
    inf->counts.cancelled += cancelled;
    inf->counts.failed += failed;
    if (!inf->config.usage)
        return;
    if (*turn->user)
        snprintf(who, sizeof who, "%s/%s", turn->caller->name, turn->user);
    usage_add(inf->config.usage, str_from(*turn->user ? who : turn->caller->name),
        turn->model >= 0 ? str_from(inf->models[turn->model].name) : S("(none)"), &work,
        clock.civil_ms);
}

/* Who, never the token: the label ends in six digits of its hash. */
static void log_end(const struct turn *turn)
{
    const struct inference *inf = turn->inf;
    char status[16], spent[24];

    snprintf(status, sizeof status, "%d", turn->status);
    snprintf(spent, sizeof spent, "%lld", (long long)(inference_now(inf) - turn->begun_ms));
    log_event("request_ended", "request", turn->request_id, "identity", turn->label, "model",
        turn->model >= 0 ? inf->models[turn->model].name : "", "pool",
        turn->pool >= 0 ? inf->pools[turn->pool].name : "", "status", status, "ms", spent, NULL);
}

void turn_end(struct turn *turn)
{
    struct inference *inf = turn->inf;
    struct openai_usage usage = used(turn);
    int64_t tokens = (int64_t)(usage.prompt_tokens + usage.completion_tokens);
    int64_t cost = usage.known || turn->status == 499 ? tokens : -1;
    int64_t now_ns = clock_steady_ns();

    if (turn->call)
        upstream_cancel(turn->call);
    turn->call = NULL;
    if (turn->id && succeeded(turn))
        queue_finished(inf->queue, turn->id, cost, inference_now(inf));
    else if (turn->id)
        queue_cancelled(inf->queue, turn->id, cost, inference_now(inf));
    if (turn->phase == TURN_RUNNING)
        drive_running(inf, turn->pool, -1);
    if (turn->caller) {
        const struct identity_now clock = {clock_civil_ms(), now_ns / 1000000};
        account(turn, &usage, clock);
        identity_leave(turn->caller, turn->started_ms ? tokens : 0, clock);
    }
    if (inf->config.settings.log_requests || turn->held || !succeeded(turn))
        log_end(turn);
    if (inf->config.finished)
        inf->config.finished(inf->config.owner, turn->route, turn->status, now_ns - turn->begun_ns);
    release(turn);
    drive_settle(inf);
}

static void on_gone(struct exchange *ex, void *data)
{
    struct turn *turn = data;

    turn->status = 499;
    if (turn->begun)
        exchange_stream_abort(ex);
    else
        exchange_reply(ex, 499, S(""), NULL, 0, S(""));
    turn_end(turn);
}

/* --- with an engine
 * ---------------------------------------------------------------------------------------- */

static struct str path_of(const struct turn *turn, const struct pool *pool, char *to, size_t bytes)
{
    static const struct str PATHS[] = {[OPENAI_CHAT] = S("/v1/chat/completions"),
        [OPENAI_COMPLETIONS] = S("/v1/completions"),
        [OPENAI_EMBEDDINGS] = S("/v1/embeddings")};
    struct str path = PATHS[turn->engine_route];

    if (!*pool->prefix)
        return path;
    int len = snprintf(to, bytes, "%s%s", pool->prefix, path.at);
    return (struct str){to, (size_t)len};
}

void turn_start(struct turn *turn, int at)
{
    struct inference *inf = turn->inf;
    struct pool *pool = &inf->pools[at];
    char path[sizeof pool->prefix + 32];
    struct err err = {0};
    const struct http_field fields[MODEL_FIELD_MAX] = {{S("Content-Type"), S("application/json")},
        {S("X-Request-Id"), str_from(turn->request_id)},
        {S("X-Logic-Model"), str_from(pool->sha256)}};
    const struct upstream_request request = {.method = METHOD_POST,
        .path = path_of(turn, pool, path, sizeof path),
        .fields = fields,
        .fields_count = *pool->sha256 ? MODEL_FIELD_MAX : MODEL_FIELD_MAX - 1,
        .body = turn->body,
        .hooks = &SERVE_HOOKS,
        .user = turn,
        .head_ms = -1,
        .stall_ms = -1};

    turn->phase = TURN_RUNNING;
    turn->pool = at;
    turn->started_ms = inference_now(inf);
    drive_running(inf, at, 1);
    turn->call = pool->place ? upstream_send(pool->place, &request, &err) : NULL;
    if (!turn->call)
        turn_again(turn, pool->place ? err.message : "the pool has no address");
}

/* As if it had never begun. */
static void wait_again(struct turn *turn)
{
    struct inference *inf = turn->inf;
    int at = turn->pool;

    turn->call = NULL;
    turn->started_ms = 0;
    turn->phase = TURN_WAITING;
    if (turn->reply == REPLY_STREAM)
        openai_stream_done(&turn->filter);
    turn->reply = REPLY_NONE;
    turn->pool = QUEUE_NONE;
    drive_running(inf, at, -1);
    check(queue_put_back(inf->queue, turn->id, inference_now(inf)));
}

void turn_again(struct turn *turn, const char *words)
{
    struct inference *inf = turn->inf;
    int at = turn->pool;

    log_error("engine_not_there", "pool", inf->pools[at].name, "words", words, NULL);
    drive_pool(
        inf, at, &(struct readiness_event){.kind = READINESS_UPSTREAM_FAILED, .words = words});
    if (turn->retries >= inf->config.settings.retries_max) {
        turn_fail(turn, 503, "engine_failed", words, 0, true);
        return;
    }
    turn->retries++;
    inf->counts.retried++;
    wait_again(turn);
    drive_settle(inf);
}

void turn_fail(struct turn *turn, int status, const char *code, const char *words,
    int64_t retry_after_ms, bool should_retry)
{
    struct trouble trouble = {.code = OPENAI_POOL_UNAVAILABLE,
        .status = status,
        .message = str_from(words),
        .retry_after_ms = retry_after_ms,
        .hopeless = !should_retry};

    (void)openai_code_from(str_from(code), &trouble.code);
    tell_trouble(turn, &trouble);
}

void turns_lost(struct inference *inf, int pool, const char *words)
{
    for (struct turn *turn = inf->turns, *next; turn; turn = next) {
        next = turn->next;
        if (turn->phase != TURN_RUNNING || turn->pool != pool)
            continue;
        if (turn->call)
            upstream_cancel(turn->call);
        turn->call = NULL;
        if (turn->reply != REPLY_NONE)
            turn_fail(turn, 503, "upstream_ended",
                words ? words : "the engine's host is not there any more", 0, true);
        else if (words)
            wait_again(turn);
        else
            turn_again(turn, "its host is not there any more");
    }
}

void turns_done(struct inference *inf)
{
    while (inf->turns)
        turn_fail(inf->turns, 503, "pool_unavailable",
            "the node is stopping; try again in a moment", 1000, true);
    while (inf->free_turns) {
        struct turn *next = inf->free_turns->next;
        free(inf->free_turns);
        inf->free_turns = next;
    }
}
