/* SPDX-License-Identifier: Apache-2.0
 *
 * What is answered from the node's own records, whoever sleeps: lists of models in two languages,
 * what pools can do, who waits. */
#include "inference/turn.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "ollama/ollama_models.h"
#include "os/clock.h"

#include <stdlib.h>

#define QUEUE_ROWS_MAX 200
#define PAGE_BYTES_MAX (4u << 20)

static const struct power *power_of(const struct inference *inf, const struct pool *pool)
{
    return pool->host >= 0 ? &inf->hosts[pool->host].power : NULL;
}

/* --- models ------------------------------------------------------------------------------------
 */

/* The best that any pool makes of it; the words are llama-server's, which front ends read. */
static const char *state_of(const struct inference *inf, int model)
{
    const char *state = "unloaded";

    for (int i = 0; i < inf->pool_count; i++) {
        const struct readiness *r = &inf->pools[i].readiness;
        if (r->model != model || !inf->pools[i].listed)
            continue;
        if (r->state == READINESS_READY)
            return "loaded";
        if (r->state >= READINESS_DRIVER_READY && r->state <= READINESS_LOADING)
            state = "loading";
    }
    return state;
}

static int64_t added_ms(const struct model *model)
{
    int64_t ms = 0;

    (void)clock_from_text(text_of(model->entry, "added_at"), &ms);
    return ms;
}

static int64_t context_of(const struct inference *inf, const struct model *model)
{
    int64_t longest = 0;

    for (int i = 0; i < inf->pool_count; i++)
        if (model->pools & UINT32_C(1) << i && inf->pools[i].context > longest)
            longest = inf->pools[i].context;
    return longest ? longest : model->context_max;
}

static struct openai_model openai_row(const struct inference *inf, int at)
{
    const struct model *model = &inf->models[at];

    return (struct openai_model){.name = str_from(model->name),
        .created_s = added_ms(model) / 1000,
        .context = (uint64_t)context_of(inf, model),
        .bytes = (uint64_t)model->bytes,
        .state = str_from(state_of(inf, at)),
        .embedding = model->embedding};
}

static bool shown_to(const struct model *model, const struct caller *caller)
{
    return model->listed && model->pools && caller_may_model(caller, str_from(model->name));
}

static void write_models(const struct inference *inf, const struct caller *caller, struct buf *out)
{
    scoped(free_done) struct openai_model *rows =
        calloc((size_t)inf->model_count + 1, sizeof *rows);
    size_t count = 0;

    check(rows);
    for (int i = 0; i < inf->model_count; i++)
        if (shown_to(&inf->models[i], caller))
            rows[count++] = openai_row(inf, i);
    openai_models_write(rows, count, out);
}

void show_changed(struct inference *inf)
{
    buf_clear(&inf->list);
}

/* Whoever may have all of them gets the bytes that were written last. */
static void reply_models(struct inference *inf, struct exchange *ex, const struct caller *caller)
{
    if (caller->is_local) {
        if (!inf->list.len)
            write_models(inf, caller, &inf->list);
        exchange_reply(ex, 200, S("application/json"), NULL, 0, buf_str(&inf->list));
        return;
    }
    buf_clear(&inf->scratch);
    write_models(inf, caller, &inf->scratch);
    exchange_reply(ex, 200, S("application/json"), NULL, 0, buf_str(&inf->scratch));
}

static void reply_missing(struct exchange *ex, bool ollama)
{
    tell_refused(ex, ollama,
        &(struct trouble){.code = OPENAI_MODEL_NOT_FOUND,
            .message =
                S("there is no such model here for this caller; the list of models names all"),
            .param = S("model")},
        "");
}

static void reply_model(struct inference *inf, struct exchange *ex, const struct caller *caller)
{
    int at = view_model(inf, exchange_segment(ex, 2));

    if (at < 0 || !shown_to(&inf->models[at], caller)) {
        reply_missing(ex, false);
        return;
    }
    struct openai_model row = openai_row(inf, at);
    buf_clear(&inf->scratch);
    openai_model_write(&row, &inf->scratch);
    exchange_reply(ex, 200, S("application/json"), NULL, 0, buf_str(&inf->scratch));
}

/* --- Ollama -------------------------------------------------------------------------------------
 */

static struct ollama_model ollama_row(const struct inference *inf, int at)
{
    const struct model *model = &inf->models[at];

    return (struct ollama_model){.name = str_from(model->name),
        .sha256 = str_from(model->sha256),
        .architecture = str_from(text_of(model->entry, "architecture")),
        .parameters = str_from(text_of(model->entry, "parameters")),
        .quantisation = str_from(text_of(model->entry, "quantisation")),
        .modified_ms = added_ms(model),
        .bytes = (uint64_t)model->bytes,
        .context_max = (uint64_t)model->context_max,
        .embedding = model->embedding,
        .tools = json_is_true(json_object_get(model->entry, "chat_template")),
        .expires_ms = -1};
}

static void reply_json(struct exchange *ex, const struct buf *body)
{
    exchange_reply(ex, 200, S("application/json; charset=utf-8"), NULL, 0, buf_str(body));
}

static void reply_tags(struct inference *inf, struct exchange *ex, const struct caller *caller)
{
    scoped(free_done) struct ollama_model *rows =
        calloc((size_t)inf->model_count + 1, sizeof *rows);
    size_t count = 0;

    check(rows);
    for (int i = 0; i < inf->model_count; i++)
        if (shown_to(&inf->models[i], caller))
            rows[count++] = ollama_row(inf, i);
    buf_clear(&inf->scratch);
    ollama_tags_write(rows, count, &inf->scratch);
    reply_json(ex, &inf->scratch);
}

static void reply_ps(struct inference *inf, struct exchange *ex, const struct caller *caller)
{
    struct ollama_model rows[QUEUE_POOLS_MAX];
    size_t count = 0;
    int64_t civil_ms = identity_clock().civil_ms, now = inference_now(inf);

    for (int i = 0; i < inf->pool_count; i++) {
        const struct pool *pool = &inf->pools[i];
        const struct readiness *r = &pool->readiness;
        if (!pool->listed || r->state != READINESS_READY || r->model < 0 ||
            !shown_to(&inf->models[r->model], caller))
            continue;
        rows[count] = ollama_row(inf, r->model);
        rows[count].context = (uint64_t)pool->context;
        rows[count].vram_bytes = (uint64_t)inf->models[r->model].fits[i].need_bytes;
        if (r->config.manages && !r->running)
            rows[count].expires_ms = civil_ms + r->config.idle_ms - (now - r->idle_ms);
        count++;
    }
    buf_clear(&inf->scratch);
    ollama_ps_write(rows, count, &inf->scratch);
    reply_json(ex, &inf->scratch);
}

static void reply_show(struct inference *inf, struct exchange *ex, const struct caller *caller)
{
    char name[MODEL_BYTES];
    size_t len;
    struct err err;

    if (!ollama_name_read(exchange_body(ex), sizeof name - 1, name, &len, &err)) {
        tell_refused(ex, true,
            &(struct trouble){.code = OPENAI_INVALID_REQUEST, .message = str_from(err.message)},
            "");
        return;
    }
    int at = view_model(inf, (struct str){name, len});
    if (at < 0 || !shown_to(&inf->models[at], caller)) {
        reply_missing(ex, true);
        return;
    }
    struct ollama_model row = ollama_row(inf, at);
    buf_clear(&inf->scratch);
    ollama_show_write(&row, &inf->scratch);
    reply_json(ex, &inf->scratch);
}

/* --- what pools can do ---------------------------------------------------------------------------
 */

static json_t *pool_models(const struct inference *inf, int at)
{
    const struct pool *pool = &inf->pools[at];
    json_t *list = json_array();
    int64_t now = inference_now(inf);

    for (int i = 0; i < inf->model_count; i++) {
        const struct fit *fit = &inf->models[i].fits[at];
        if (!inf->models[i].listed || !fit->served)
            continue;
        int64_t eta =
            fit->fits ? readiness_eta_ms(&pool->readiness, power_of(inf, pool), i, now) : -1;
        json_array_append_new(list,
            json_pack("{s:s, s:b, s:o?, s:o?, s:b, s:o?}", "model", inf->models[i].name, "fits",
                fit->fits, "need_bytes", fit->need_bytes ? json_integer(fit->need_bytes) : NULL,
                "have_bytes", fit->have_bytes ? json_integer(fit->have_bytes) : NULL, "measured",
                fit->measured, "first_token_ms", eta >= 0 ? json_integer(eta) : NULL));
    }
    return list;
}

static json_t *pool_page(const struct inference *inf, int at)
{
    const struct pool *pool = &inf->pools[at];
    const struct readiness *r = &pool->readiness;
    struct queue_pool_view view = queue_pool_view(inf->queue, at, inference_now(inf));

    return json_pack(
        "{s:s, s:s?, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:i, s:s, s:s, s:s?, s:s?, s:s?, s:s?, "
        "s:o}",
        "pool", pool->name, "host", pool->host >= 0 ? inf->hosts[pool->host].name : NULL, "device",
        pool->kind, "engine", pool->engine, "engine_version", r->engine_version, "kv", pool->kv,
        "context", (json_int_t)pool->context, "slots", (json_int_t)pool->slots, "running",
        view.running, "waiting", view.waiting, "state", readiness_state_name(r->state), "stage",
        readiness_stage(r, power_of(inf, pool)), "model",
        r->model >= 0 ? inf->models[r->model].name : NULL, "sha256",
        *pool->sha256 ? pool->sha256 : NULL, "words", *r->words ? r->words : NULL, "makes_way",
        r->makes_way ? r->words : NULL, "models", pool_models(inf, at));
}

static json_t *host_page(const struct inference *inf, const struct host *host)
{
    int64_t eta = power_eta_ms(&host->power, inference_now(inf));
    char seen[CLOCK_TEXT_BYTES] = "";

    if (host->seen_civil_ms)
        clock_text(host->seen_civil_ms, seen);
    return json_pack("{s:s, s:s, s:s, s:o?, s:s?, s:s?}", "host", host->name, "state",
        power_state_name(host->power.state), "stage", power_stage(&host->power), "up_in_ms",
        eta >= 0 ? json_integer(eta) : NULL, "seen_at", *seen ? seen : NULL, "words",
        *host->power.words ? host->power.words : NULL);
}

json_t *inference_capabilities(struct inference *inf)
{
    json_t *pools = json_array(), *hosts = json_array();

    for (int i = 0; i < inf->pool_count; i++)
        if (inf->pools[i].listed)
            json_array_append_new(pools, pool_page(inf, i));
    for (int i = 0; i < inf->host_count; i++)
        if (inf->hosts[i].listed)
            json_array_append_new(hosts, host_page(inf, &inf->hosts[i]));
    return json_pack("{s:s, s:o, s:o}", "api_version", "v1", "hosts", hosts, "pools", pools);
}

/* --- who waits
 * ------------------------------------------------------------------------------------ */

static json_t *row_of(struct turn *turn)
{
    int position;
    int64_t eta_ms, now = inference_now(turn->inf);
    const char *stage = hold_stage(turn, &eta_ms, &position);

    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:o?, s:I, s:s?}", "request", turn->request_id,
        "caller", turn->caller->name, "model",
        turn->model >= 0 ? turn->inf->models[turn->model].name : "", "state",
        turn->phase == TURN_WAITING ? "waiting" : "running", "position", position, "stage", stage,
        "starts_in_ms", eta_ms >= 0 ? json_integer(eta_ms) : NULL, "since_ms",
        (json_int_t)(now - turn->begun_ms), "pool",
        turn->pool >= 0 ? turn->inf->pools[turn->pool].name : NULL);
}

json_t *inference_queue(struct inference *inf, const struct caller *caller)
{
    json_t *rows = json_array();
    size_t more = 0;

    for (struct turn *turn = inf->turns; turn; turn = turn->next) {
        if (!turn->id || (!caller->is_local && turn->caller != caller))
            continue;
        if (json_array_size(rows) < QUEUE_ROWS_MAX)
            json_array_append_new(rows, row_of(turn));
        else
            more++;
    }
    return json_pack("{s:i, s:i, s:o, s:I}", "waiting", queue_waiting(inf->queue), "running",
        queue_running(inf->queue), "requests", rows, "not_shown", (json_int_t)more);
}

/* --- which
 * ------------------------------------------------------------------------------------------ */

static void reply_page(struct exchange *ex, json_t *page)
{
    check(page);
    exchange_reply_json(ex, 200, page);
    json_decref(page);
}

bool show_route(struct inference *inf, struct exchange *ex, enum inference_route route,
    const struct caller *caller)
{
    switch (route) {
    case INFERENCE_models:
        reply_models(inf, ex, caller);
        return true;
    case INFERENCE_model:
        reply_model(inf, ex, caller);
        return true;
    case INFERENCE_capabilities:
        reply_page(ex, inference_capabilities(inf));
        return true;
    case INFERENCE_queue:
        reply_page(ex, inference_queue(inf, caller));
        return true;
    case INFERENCE_ollama_tags:
        reply_tags(inf, ex, caller);
        return true;
    case INFERENCE_ollama_ps:
        reply_ps(inf, ex, caller);
        return true;
    case INFERENCE_ollama_show:
        reply_show(inf, ex, caller);
        return true;
    case INFERENCE_ollama_version:
        buf_clear(&inf->scratch);
        ollama_version_write(&inf->scratch);
        reply_json(ex, &inf->scratch);
        return true;
    case INFERENCE_chat:
    case INFERENCE_completions:
    case INFERENCE_embeddings:
    case INFERENCE_ollama_chat:
    case INFERENCE_ollama_generate:
    case INFERENCE_ollama_embed:
    case INFERENCE_ollama_embeddings:
    case INFERENCE_ROUTES:
        break;
    }
    return false;
}
