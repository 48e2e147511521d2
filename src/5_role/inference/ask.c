/* SPDX-License-Identifier: Apache-2.0
 *
 * The beginning of a request: read, may it, can it ever, its place in the queue. What can never be
 * served is refused here, before anything is woken, with the numbers. */
#include "inference/turn.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <stdio.h>
#include <stdlib.h>

#define TASK_LOOK_BYTES 4096
#define MESSAGE_BYTES 320
#define ESTIMATE_MARGIN 2 /* a refusal for length needs an estimate twice too long */
#define GIB (1024.0 * 1024.0 * 1024.0)

static const bool IS_OLLAMA[INFERENCE_ROUTES] = {
#define OPENAI false
#define OLLAMA true
#define INFERENCE_ROUTE(name, scope, error) [INFERENCE_##name] = error,
#include "inference/inference_routes.def"
#undef INFERENCE_ROUTE
#undef OPENAI
#undef OLLAMA
};

bool ask_is_ollama(enum inference_route route)
{
    return IS_OLLAMA[route];
}

static const enum caller_scope SCOPES[INFERENCE_ROUTES] = {
#define INFERENCE_ROUTE(name, scope, error) [INFERENCE_##name] = scope,
#include "inference/inference_routes.def"
#undef INFERENCE_ROUTE
};

/* --- may it, can it ever
 * -------------------------------------------------------------------------- */

static void refuse(struct turn *turn, enum openai_code code, const char *param, const char *message)
{
    turn->inf->counts.refused++;
    tell_trouble(turn,
        &(struct trouble){.code = code, .message = str_from(message), .param = str_from(param)});
}

static void refuse_identity(struct turn *turn, const struct identity_refusal *refusal)
{
    enum openai_code code = OPENAI_INVALID_API_KEY;

    (void)openai_code_from(str_from(refusal->code), &code);
    turn->inf->counts.refused++;
    tell_trouble(turn, &(struct trouble){.code = code,
                           .status = refusal->status,
                           .message = str_from(refusal->message),
                           .param = str_from(refusal->param),
                           .retry_after_ms = refusal->retry_after_ms});
}

static void refuse_err(struct turn *turn, const struct err *err)
{
    bool large = strcmp(err->code, "too_large") == 0;

    turn->inf->counts.refused++;
    tell_trouble(
        turn, &(struct trouble){.code = large ? OPENAI_REQUEST_TOO_LARGE : OPENAI_INVALID_REQUEST,
                  .message = str_from(err->message),
                  .param = str_from(err->param),
                  .code_word = str_from(err->code)});
}

/* Why a known model can be had on no pool: that which comes nearest. */
static void refuse_fit(struct turn *turn, const struct model *model)
{
    struct inference *inf = turn->inf;
    char message[MESSAGE_BYTES];
    int best = -1;

    for (int i = 0; i < inf->pool_count; i++) {
        const struct fit *fit = &model->fits[i];
        if (inf->pools[i].listed && fit->served && !fit->fits &&
            (best < 0 || fit->have_bytes > model->fits[best].have_bytes))
            best = i;
    }
    if (best < 0) {
        snprintf(message, sizeof message,
            "no pool serves the model '%.128s': see pool_serves in the site's facts", model->name);
        refuse(turn, OPENAI_MODEL_NOT_FOUND, "model", message);
        return;
    }
    snprintf(message, sizeof message,
        "the model '%.128s' needs %.1f GiB with %lld x %lld tokens of context; pool %s has %.1f "
        "GiB",
        model->name, (double)model->fits[best].need_bytes / GIB, (long long)inf->pools[best].slots,
        (long long)inf->pools[best].context, inf->pools[best].name,
        (double)model->fits[best].have_bytes / GIB);
    refuse(turn, OPENAI_MODEL_DOES_NOT_FIT, "model", message);
}

/* Pools whose slots are long enough; 0 and an answer if there is none. */
static uint32_t pools_for(struct turn *turn, const struct model *model, int64_t max_tokens)
{
    struct inference *inf = turn->inf;
    int64_t sure = turn->prompt_estimate / ESTIMATE_MARGIN, longest = 0;
    int64_t need = sure + (max_tokens > 0 ? max_tokens : 0);
    uint32_t pools = 0;
    char message[MESSAGE_BYTES];

    for (int i = 0; i < inf->pool_count; i++) {
        int64_t context = inf->pools[i].context;
        if (model->context_max && (!context || context > model->context_max))
            context = model->context_max;
        if (!(model->pools & UINT32_C(1) << i))
            continue;
        longest = context > longest ? context : longest;
        if (!context || need <= context)
            pools |= UINT32_C(1) << i;
    }
    if (pools)
        return pools;
    snprintf(message, sizeof message,
        "about %lld prompt tokens and %lld to be written do not fit: the longest context for "
        "'%.128s' is %lld tokens",
        (long long)turn->prompt_estimate, (long long)(max_tokens > 0 ? max_tokens : 0), model->name,
        (long long)longest);
    refuse(turn, OPENAI_CONTEXT_LENGTH_EXCEEDED, "messages", message);
    return 0;
}

static bool kind_fits(struct turn *turn, const struct model *model)
{
    bool embeds = turn->engine_route == OPENAI_EMBEDDINGS;

    if (!model->entry || embeds == model->embedding)
        return true;
    refuse(turn, OPENAI_INVALID_REQUEST, "model",
        embeds ? "this model writes text; it makes no embeddings"
               : "this model makes embeddings; it writes no text");
    return false;
}

/* --- the place in the queue
 * -------------------------------------------------------------------------- */

/* Titles, tags and follow-ups that a chat page asks for beside the talk: they must not push aside
 * what a person waits for. Looked for only where front ends speak; only ever lowers a request. */
static bool is_task(struct turn *turn, struct str body)
{
    static const char MARK[] = "\"### Task:";
    struct str wish = exchange_header(turn->ex, S("X-Logic-Priority"));
    size_t len = body.len < TASK_LOOK_BYTES ? body.len : TASK_LOOK_BYTES;

    return str_eq(wish, S("background")) ||
           ((turn->caller->speaks_for_users || turn->caller->is_local) &&
               memmem(body.at, len, MARK, sizeof MARK - 1));
}

static void tell_queue_of(struct inference *inf, const struct caller *caller)
{
    const struct inference_settings *s = &inf->config.settings;

    queue_caller_set(inf->queue, (int)caller->number,
        &(struct queue_caller){.weight = (int)caller->weight,
            .waiting_max = (int)s->caller_waiting_max,
            .running_max =
                (int)(caller->concurrent_max ? caller->concurrent_max : s->caller_running_max)},
        inference_now(inf));
}

static void refuse_queue(struct turn *turn, const struct queue_refusal *refusal, uint32_t pools)
{
    const char *why = make_way_words(turn->inf, pools);
    bool away = why && strcmp(refusal->code, "pool_unavailable") == 0;
    struct trouble trouble = {.code = OPENAI_POOL_UNAVAILABLE,
        .status = refusal->status,
        .message = str_from(away ? why : refusal->words),
        .retry_after_ms = refusal->retry_after_ms,
        .hopeless = !refusal->should_retry};

    (void)openai_code_from(str_from(refusal->code), &trouble.code);
    turn->inf->counts.refused++;
    tell_trouble(turn, &trouble);
}

static void admit(struct turn *turn, uint32_t pools, int64_t max_tokens, bool task)
{
    struct inference *inf = turn->inf;
    struct queue_refusal refusal;
    bool background = turn->caller->priority == CALLER_BACKGROUND || task;
    int64_t more = max_tokens > 0 ? max_tokens : inf->config.settings.answer_tokens_guess;
    const struct queue_request request = {.caller = (int)turn->caller->number,
        .model = turn->model,
        .pools = pools,
        .class = background ? QUEUE_BACKGROUND : QUEUE_INTERACTIVE,
        .cost = turn->prompt_estimate + (turn->engine_route == OPENAI_EMBEDDINGS ? 0 : more),
        .owner = turn};

    tell_queue_of(inf, turn->caller);
    if (!queue_admit(inf->queue, &request, inference_now(inf), &turn->id, &refusal)) {
        refuse_queue(turn, &refusal, pools);
        return;
    }
    hold_arm(turn);
    drive_settle(inf);
}

/* --- in
 * ------------------------------------------------------------------------------------------------
 */

static void own_body(struct turn *turn, const struct openai_parts *parts)
{
    char *to = turn->own_body = malloc(parts->bytes ? parts->bytes : 1);

    check(to);
    for (size_t i = 0; i < parts->count; i++) {
        memcpy(to, parts->part[i].at, parts->part[i].len);
        to += parts->part[i].len;
    }
    turn->body = (struct str){turn->own_body, parts->bytes};
}

/* The name of a person behind a front end: of headers, so percent-encoded ASCII or an id. */
static void take_user(struct turn *turn, const struct openai_request *request)
{
    struct str user = exchange_header(turn->ex, S("X-OpenWebUI-User-Id"));
    size_t len = 0;

    if (!turn->caller->speaks_for_users)
        return;
    if (!user.at)
        user = openai_request_user(request);
    while (len < user.len && len < USER_BYTES - 1 && user.at[len] > ' ' && user.at[len] < 0x7f)
        len++;
    memcpy(turn->user, user.at ? user.at : "", len);
    turn->user[len] = '\0';
}

static void take_request(struct turn *turn, struct str text)
{
    struct inference *inf = turn->inf;
    struct openai_request request;
    struct openai_parts parts;
    struct identity_refusal refusal;
    struct err err;

    if (!openai_request_scan(turn->engine_route, text, &request, &err)) {
        refuse_err(turn, &err);
        return;
    }
    if (!turn->ground && ground_wanted(&request)) { /* once: what is left of a name is a name */
        ground_take(turn, &request);
        return;
    }
    turn->model = view_model(inf, openai_request_model(&request));
    if (!identity_may(
            turn->caller, SCOPES[turn->route], openai_request_model(&request), &refusal)) {
        turn->model = QUEUE_NONE;
        refuse_identity(turn, &refusal);
        return;
    }
    if (turn->model < 0) {
        char message[MESSAGE_BYTES];
        snprintf(message, sizeof message,
            "there is no model '%.128s' here; GET /v1/models lists them",
            request.model_len < OPENAI_MODEL_BYTES_MAX ? request.model : "");
        refuse(turn, OPENAI_MODEL_NOT_FOUND, "model", message);
        return;
    }
    const struct model *model = &inf->models[turn->model];
    turn->stream = request.stream;
    turn->include_usage = request.include_usage;
    turn->prompt_estimate = (int64_t)request.prompt_tokens;
    take_user(turn, &request);
    if (!model->pools) {
        refuse_fit(turn, model);
        return;
    }
    uint32_t pools = kind_fits(turn, model) ? pools_for(turn, model, request.max_tokens) : 0;
    if (!pools)
        return;
    bool task = is_task(turn, text);
    openai_request_forward(&request, S(""), &parts);
    if (parts.count == 1 && !turn->own_body)
        turn->body = text;
    else if (parts.count > 1) {
        char *before = turn->own_body;
        own_body(turn, &parts);
        free(before);
    }
    if (turn->own_body) {
        free(exchange_take_body(turn->ex));
        exchange_holds(turn->ex, turn->body.len);
    }
    admit(turn, pools, request.max_tokens * request.choices, task);
}

void ask_grounded(struct turn *turn)
{
    take_request(turn, turn->body);
}

static void take_ollama(struct turn *turn, enum ollama_route route)
{
    scoped(buf_done) struct buf body = buf_of(OLLAMA_BODY_BYTES_MAX);
    struct ollama_side *side = turn->ollama = calloc(1, sizeof *side);
    struct err err;

    check(side);
    if (!ollama_request_read(route, exchange_body(turn->ex), &side->request, &body, &err)) {
        refuse_err(turn, &err);
        return;
    }
    turn->engine_route = side->request.engine_route;
    if (side->request.nothing) {
        scoped(buf_done) struct buf out = buf_of(4096);
        const struct ollama_moment moment = {.now_ms = identity_clock().civil_ms};
        ollama_nothing_write(&side->request, &moment, &out);
        tell_whole(turn, buf_str(&out));
        return;
    }
    turn->own_body = body.at;
    turn->body = buf_str(&body);
    body = buf_of(0);
    take_request(turn, turn->body);
}

static void dispatch(struct turn *turn)
{
    switch (turn->route) {
    case INFERENCE_chat:
        turn->engine_route = OPENAI_CHAT;
        take_request(turn, exchange_body(turn->ex));
        return;
    case INFERENCE_completions:
        turn->engine_route = OPENAI_COMPLETIONS;
        take_request(turn, exchange_body(turn->ex));
        return;
    case INFERENCE_embeddings:
        turn->engine_route = OPENAI_EMBEDDINGS;
        take_request(turn, exchange_body(turn->ex));
        return;
    case INFERENCE_ollama_chat:
        take_ollama(turn, OLLAMA_CHAT);
        return;
    case INFERENCE_ollama_generate:
        take_ollama(turn, OLLAMA_GENERATE);
        return;
    case INFERENCE_ollama_embed:
        take_ollama(turn, OLLAMA_EMBED);
        return;
    case INFERENCE_ollama_embeddings:
        take_ollama(turn, OLLAMA_EMBEDDINGS);
        return;
    case INFERENCE_models:
    case INFERENCE_model:
    case INFERENCE_capabilities:
    case INFERENCE_queue:
    case INFERENCE_ollama_tags:
    case INFERENCE_ollama_ps:
    case INFERENCE_ollama_show:
    case INFERENCE_ollama_version:
    case INFERENCE_ROUTES:
        break;
    }
    panic("route %d asks no engine", (int)turn->route);
}

static enum openai_dialect dialect_of(const struct caller *caller)
{
    switch (caller->dialect) {
    case DIALECT_COMMENT:
        return OPENAI_COMMENT;
    case DIALECT_CHUNK:
        return OPENAI_DELTA;
    case DIALECT_REASONING:
        return OPENAI_REASONING;
    case DIALECT_OFF:
        break;
    }
    return OPENAI_OFF;
}

void inference_take(struct inference *inf, struct exchange *ex, enum inference_route route,
    struct caller *caller, struct identity_now now)
{
    struct identity_refusal refusal;

    if (!identity_may(caller, SCOPES[route], S(""), &refusal)) {
        inf->counts.refused++;
        inference_refuse(ex, route, &refusal);
        return;
    }
    if (show_route(inf, ex, route, caller))
        return;
    struct turn *turn = turn_make(inf, ex, route);
    memcpy(turn->label, caller->label, sizeof turn->label);
    if (inf->stopping) {
        refuse(turn, OPENAI_POOL_UNAVAILABLE, NULL, "the node is stopping; try again in a moment");
        return;
    }
    if (!identity_enter(caller, now, &refusal)) {
        refuse_identity(turn, &refusal);
        return;
    }
    turn->caller = caller;
    turn->dialect = dialect_of(caller);
    dispatch(turn);
}

void inference_refuse(
    struct exchange *ex, enum inference_route route, const struct identity_refusal *refusal)
{
    struct trouble trouble = {.code = OPENAI_INVALID_API_KEY,
        .status = refusal->status,
        .message = str_from(refusal->message),
        .param = str_from(refusal->param),
        .retry_after_ms = refusal->retry_after_ms};

    (void)openai_code_from(str_from(refusal->code), &trouble.code);
    tell_refused(ex, IS_OLLAMA[route], &trouble, "");
}

void inference_unknown(struct exchange *ex, struct str path)
{
    char message[MESSAGE_BYTES];
    bool ollama = str_starts(path, S("/api/"));

    snprintf(message, sizeof message, "this node does not answer '%.*s'; see /openapi.json",
        (int)(path.len < 100 ? path.len : 100), path.at);
    tell_refused(
        ex, ollama, &(struct trouble){.code = OPENAI_NOT_FOUND, .message = str_from(message)}, "");
}
