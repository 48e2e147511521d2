/* SPDX-License-Identifier: Apache-2.0
 *
 * The world as inference sees it: hosts and pools of the judge's table, models of the catalogue,
 * and which fits where. A host, a pool or a model keeps its number as long as the process lives, so
 * that the queue's and everybody's indices stay true; what left the table is only unlisted. */
#include "inference/inside.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "catalogue/models.h"
#include "vram/vram.h"

#include <stdio.h>
#include <stdlib.h>

#define MIB (1024ll * 1024)

static int64_t number_of(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static bool keep_text(char *to, size_t bytes, const char *from)
{
    size_t len = strlen(from);

    if (len >= bytes)
        return false;
    memcpy(to, from, len + 1);
    return true;
}

int view_model(const struct inference *inf, struct str name)
{
    for (int i = 0; i < inf->model_count; i++)
        if (inf->models[i].listed && str_eq(str_from(inf->models[i].name), name))
            return i;
    return QUEUE_NONE;
}

int view_host(const struct inference *inf, const char *name)
{
    for (int i = 0; i < inf->host_count; i++)
        if (strcmp(inf->hosts[i].name, name) == 0)
            return i;
    return -1;
}

int view_pool(const struct inference *inf, const char *name)
{
    for (int i = 0; i < inf->pool_count; i++)
        if (strcmp(inf->pools[i].name, name) == 0)
            return i;
    return -1;
}

/* --- models -------------------------------------------------------------------------------------
 */

/* The number of this name, old or new; -1: too many. */
static int model_slot(struct inference *inf, const char *name)
{
    for (int i = 0; i < inf->model_count; i++)
        if (strcmp(inf->models[i].name, name) == 0)
            return i;
    if (inf->model_count == QUEUE_MODELS_MAX || strlen(name) >= MODEL_BYTES || !*name) {
        log_error("model_left_out", "model", name, NULL);
        return -1;
    }
    snprintf(inf->models[inf->model_count].name, MODEL_BYTES, "%s", name);
    return inf->model_count++;
}

static void take_model(struct inference *inf, json_t *entry)
{
    int at = model_slot(inf, text_of(entry, "name"));

    if (at < 0)
        return;
    struct model *model = &inf->models[at];
    keep_text(model->sha256, sizeof model->sha256, text_of(entry, "sha256"));
    model->bytes = number_of(entry, "bytes", 0);
    model->context_max = number_of(entry, "context_max", 0);
    model->embedding = json_is_true(json_object_get(entry, "embedding"));
    model->entry = json_incref(entry);
    model->listed = true;
}

bool view_catalogue(struct inference *inf, struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    struct document_stamp stamp = {0};
    json_t *entry;
    size_t k;

    if (inf->config.catalogue) {
        stamp = document_stamp(inf->config.catalogue);
        inf->stamp = stamp; /* a bad one is complained about once */
        if (!models_read(inf->config.catalogue, &document, err))
            return false;
    }
    for (int i = 0; i < inf->model_count; i++) {
        json_decref(inf->models[i].entry);
        inf->models[i].entry = NULL;
        inf->models[i].listed = false;
    }
    json_array_foreach (json_object_get(document, "models"), k, entry)
        take_model(inf, entry);
    view_fit(inf);
    return true;
}

/* --- what fits where
 * --------------------------------------------------------------------------------- */

static bool serves(const struct pool *pool, const char *name)
{
    const json_t *row;
    size_t k;

    json_array_foreach (pool->serves, k, row) {
        const char *word = json_string_value(row);
        if (word && (strcmp(word, "any") == 0 || strcmp(word, name) == 0))
            return true;
    }
    return false;
}

static struct fit fit_of(
    const struct inference *inf, const struct model *model, const struct pool *pool)
{
    struct fit fit = {.have_bytes = pool->vram_mib * MIB};

    fit.served = pool->listed && serves(pool, model->name) &&
                 (*pool->url || model->entry); /* a file of ours, or an engine that has its own */
    if (!fit.served)
        return fit;
    if (*pool->url) {
        fit.fits = true;
        return fit;
    }
    fit.need_bytes = view_need(inf, model, pool, &fit.measured);
    /* a pool without a figure is held to what its agent says at the load */
    fit.fits = fit.need_bytes >= 0 && (!fit.have_bytes || fit.need_bytes <= fit.have_bytes);
    return fit;
}

/* Models that only an engine of somebody else has. */
static void list_external(struct inference *inf)
{
    const json_t *row;
    size_t k;

    for (int i = 0; i < inf->pool_count; i++)
        json_array_foreach (
            inf->pools[i].listed && * inf->pools[i].url ? inf->pools[i].serves : NULL, k, row) {
            int at = model_slot(inf, json_string_value(row) ? json_string_value(row) : "");
            if (at >= 0)
                inf->models[at].listed = true;
        }
}

void view_fit(struct inference *inf)
{
    list_external(inf);
    for (int i = 0; i < inf->model_count; i++) {
        struct model *model = &inf->models[i];
        model->pools = 0;
        for (int k = 0; k < inf->pool_count; k++) {
            model->fits[k] = fit_of(inf, model, &inf->pools[k]);
            if (model->listed && model->fits[k].fits)
                model->pools |= UINT32_C(1) << k;
        }
    }
    show_changed(inf);
}

/* --- hosts
 * --------------------------------------------------------------------------------------------- */

static struct power_config power_config_of(const struct inference *inf, const json_t *row)
{
    struct power_config config = POWER_CONFIG_DEFAULT;
    const char *sleep = text_of(row, "sleep");

    config.can_wake = json_is_object(json_object_get(row, "wake"));
    config.can_sleep = *sleep && strcmp(sleep, "never") != 0;
    config.boot_limit_ms = number_of(row, "boot_s", 180) * 1000;
    config.min_on_ms = number_of(row, "min_on_s", 600) * 1000;
    config.idle_ms = inf->config.settings.idle_sleep_ms;
    config.retry_first_ms = inf->config.settings.retry_ms;
    return config;
}

static void open_host_place(struct inference *inf, struct host *host, const char *agent)
{
    bool local = strcmp(agent, "local") == 0;
    struct tls *tls = str_starts(str_from(agent), S("https:")) ? *inf->config.agent_tls : NULL;
    char name[NAME_BYTES];
    struct err err;

    if (host->place && strcmp(host->agent, agent) == 0)
        return;
    upstream_place_close(&host->place);
    keep_text(host->agent, sizeof host->agent, agent);
    keep_text(name, sizeof name, host->name);
    if (!upstream_place_open(inf->upstream, local ? inf->config.agent_place : agent, tls,
            tls ? name : NULL, &host->place, &err))
        log_error("host_address_refused", "host", host->name, "words", err.message, NULL);
}

static void take_host(struct inference *inf, const json_t *row)
{
    const char *name = text_of(row, "host");
    int at = view_host(inf, name);
    struct power_config config = power_config_of(inf, row);

    if (at < 0) {
        if (inf->host_count == HOSTS_MAX || strlen(name) >= NAME_BYTES || !*name) {
            log_error("host_left_out", "host", name, NULL);
            return;
        }
        at = inf->host_count++;
        struct host *host = &inf->hosts[at];
        keep_text(host->name, sizeof host->name, name);
        power_init(&host->power, &config, number_of(row, "boot_ms_learned", 0), inference_now(inf));
        drive_host(inf, at, &(struct power_event){.kind = POWER_TICK});
    } else {
        power_config_set(&inf->hosts[at].power, &config);
    }
    struct host *host = &inf->hosts[at];
    if (number_of(row, "boot_ms_learned", 0) > 0)
        power_learn(&host->power, number_of(row, "boot_ms_learned", 0));
    host->listed = true;
    host->can_wake = config.can_wake;
    snprintf(host->words, sizeof host->words, "%s", text_of(row, "words"));
    open_host_place(inf, host, text_of(row, "agent"));
}

/* --- pools
 * ---------------------------------------------------------------------------------------------- */

static struct readiness_config readiness_config_of(
    const struct inference *inf, const struct pool *pool)
{
    struct readiness_config config = READINESS_CONFIG_DEFAULT;

    config.has_host = pool->host >= 0;
    config.manages = !*pool->url;
    config.slots = (int)pool->slots;
    config.idle_ms = inf->config.settings.idle_unload_ms;
    config.retry_first_ms = inf->config.settings.retry_ms / 2;
    config.ask_ms = inf->config.settings.status_ms;
    return config;
}

static void learn_loads(struct inference *inf, struct pool *pool, const json_t *learned)
{
    const char *name;
    const json_t *ms;

    json_object_foreach ((json_t *)(uintptr_t)learned, name, ms) {
        int model = view_model(inf, str_from(name));
        if (model >= 0 && json_is_integer(ms))
            readiness_learn(&pool->readiness, model, json_integer_value(ms));
    }
}

static void open_pool_place(struct inference *inf, struct pool *pool, const char *url)
{
    struct err err;

    if (!*url) {
        pool->place = pool->host >= 0 ? inf->hosts[pool->host].place : NULL;
        snprintf(pool->prefix, sizeof pool->prefix, "/v1/pools/%s", pool->name);
        return;
    }
    if (pool->place && strcmp(pool->url, url) == 0)
        return;
    if (*pool->url)
        upstream_place_close(&pool->place);
    keep_text(pool->url, sizeof pool->url, url);
    if (!upstream_place_open(inf->upstream, url, NULL, NULL, &pool->place, &err))
        log_error("pool_address_refused", "pool", pool->name, "words", err.message, NULL);
}

static void read_pool(struct inference *inf, struct pool *pool, const json_t *row)
{
    pool->listed = true;
    pool->host = view_host(inf, text_of(row, "host"));
    snprintf(pool->kind, sizeof pool->kind, "%s", text_of(row, "kind"));
    snprintf(pool->words, sizeof pool->words, "%s", text_of(row, "words"));
    snprintf(pool->kv, sizeof pool->kv, "%s", text_of(row, "kv"));
    snprintf(pool->engine, sizeof pool->engine, "%s", text_of(row, "engine"));
    pool->vram_mib = number_of(row, "vram_mib", 0);
    pool->slots = number_of(row, "slots", 1);
    pool->context = number_of(row, "context", 0);
    if (pool->slots < 1 || pool->slots > QUEUE_SLOTS_MAX)
        pool->slots = 1;
    json_decref(pool->serves);
    pool->serves = json_incref(json_object_get(row, "serves"));
    open_pool_place(inf, pool, text_of(row, "url"));
}

static void take_pool(struct inference *inf, const json_t *row)
{
    const char *name = text_of(row, "pool");
    int at = view_pool(inf, name);
    bool is_new = at < 0;

    if (is_new) {
        if (inf->pool_count == QUEUE_POOLS_MAX || strlen(name) >= NAME_BYTES || !*name) {
            log_error("pool_left_out", "pool", name, NULL);
            return;
        }
        at = inf->pool_count++;
        keep_text(inf->pools[at].name, NAME_BYTES, name);
        inf->pools[at].want_model = QUEUE_NONE;
    }
    struct pool *pool = &inf->pools[at];
    read_pool(inf, pool, row);
    struct readiness_config config = readiness_config_of(inf, pool);
    if (is_new)
        readiness_init(&pool->readiness, &config, inference_now(inf));
    else
        readiness_config_set(&pool->readiness, &config);
    learn_loads(inf, pool, json_object_get(row, "load_ms_learned"));
}

/* --- the whole table
 * ---------------------------------------------------------------------------------------- */

void view_table(struct inference *inf, const json_t *table)
{
    json_t *row;
    size_t k;

    for (int i = 0; i < inf->host_count; i++)
        inf->hosts[i].listed = false;
    for (int i = 0; i < inf->pool_count; i++)
        inf->pools[i].listed = false;
    json_array_foreach (json_object_get(table, "hosts"), k, row)
        take_host(inf, row);
    json_array_foreach (json_object_get(table, "pools"), k, row)
        take_pool(inf, row);
    json_decref(inf->measured);
    inf->measured = json_incref(json_object_get(table, "measured"));
    view_fit(inf);
    for (int i = 0; i < inf->pool_count; i++) {
        drive_pool_told(inf, i);
        drive_pool(inf, i, &(struct readiness_event){.kind = READINESS_TICK});
    }
    inf->moved = true;
}

void view_done(struct inference *inf)
{
    for (int i = 0; i < inf->model_count; i++)
        json_decref(inf->models[i].entry);
    for (int i = 0; i < inf->host_count; i++)
        json_decref(inf->hosts[i].status);
    for (int i = 0; i < inf->pool_count; i++)
        json_decref(inf->pools[i].serves);
    json_decref(inf->measured);
    json_decref(inf->make_way);
    free(inf->models);
}

bool inference_model_sha256(
    const struct inference *inf, struct str name, char ret_hex[INFERENCE_SHA256_BYTES])
{
    int at = view_model(inf, name);

    if (at < 0 || !*inf->models[at].sha256)
        return false;
    memcpy(ret_hex, inf->models[at].sha256, INFERENCE_SHA256_BYTES);
    return true;
}
