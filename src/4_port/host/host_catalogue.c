/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "catalogue/models.h"
#include "host/host_inside.h"
#include "vram/vram.h"

#include <limits.h>
#include <stdio.h>

#define CATALOGUE_BYTES_MAX (8u << 20)
#define CONTEXT_STANDARD 8192

static const struct document_form ENGINES = {
    .blank = "{\"schema\":\"logic-node/engines/v1\",\"engines\":[]}",
    .bytes_max = CATALOGUE_BYTES_MAX};

/* The entry whose member `key` is `name`, borrowed; NULL: there is none. */
static json_t *entry_of(const json_t *document, const char *list, const char *key, struct str name)
{
    json_t *one;
    size_t i;

    json_array_foreach (json_object_get(document, list), i, one)
        if (str_eq(str_from(json_string_value(json_object_get(one, key))), name))
            return one;
    return NULL;
}

static bool find(const struct host_call *call, const char *file, const struct document_form *form,
    const char *list, const char *key, struct str name, json_t **ret, struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", call->paths->catalogue, file) >= (int)sizeof path)
        return err_set(err, ERR_LIMIT, "the path of the catalogue is too long");
    if (!document_read(path, form, &document, err))
        return false;
    *ret = json_incref(entry_of(document, list, key, name));
    return true;
}

static json_t *kept(const json_t *entry, const char *const *names)
{
    json_t *object = entry ? json_object() : json_null();

    for (size_t i = 0; entry && names[i]; i++)
        if (json_object_get(entry, names[i]))
            json_object_set(object, names[i], json_object_get(entry, names[i]));
    return object;
}

/* --- what it needs ----------------------------------------------------------------------- */

static bool setup_of(const struct host_job *job, struct vram_setup *ret, struct err *err)
{
    enum vram_kind kind = VRAM_CPU;
    char word[17];

    snprintf(word, sizeof word, "%.*s", (int)job->kind.len, job->kind.at ? job->kind.at : "");
    if (job->kind.at && !vram_kind_from_word(word, &kind))
        return err_code(err, ERR_INPUT, "bad_job", "kind", "'%s' is no kind of device", word);
    *ret = vram_setup_standard(kind);
    ret->context = (uint32_t)(job->context ? job->context : CONTEXT_STANDARD);
    ret->slots = (uint32_t)(job->slots ? job->slots : 1);
    snprintf(word, sizeof word, "%.*s", (int)job->kv.len, job->kv.at ? job->kv.at : "");
    if (job->kv.at && !vram_cache_type(word, &ret->key_type))
        return err_code(err, ERR_INPUT, "bad_job", "kv", "'%s' is no type of a cache", word);
    if (job->kv.at)
        ret->value_type = ret->key_type;
    return true;
}

/* "need" and "need_bytes"; where it cannot be told (no shape, or it cannot be run so) "need" is
 * null and "cannot" says why. */
static void add_need(const struct host_job *job, const json_t *entry, json_t *model)
{
    scoped(free_done) struct vram_shape *shape = calloc(1, sizeof *shape);
    struct vram_setup setup;
    struct vram_estimate need;
    struct err err = {0};

    check(shape);
    bool good = vram_shape_from_json(json_object_get(entry, "shape"), shape, &err) &&
                setup_of(job, &setup, &err);
    /* a pool's context is what it allows; a model trained for less gets what it can use */
    if (good && shape->context_max && setup.context > shape->context_max)
        setup.context = shape->context_max;
    if (!good || !vram_estimate(shape, &setup, &need, &err)) {
        json_object_set_new(model, "need", json_null());
        json_object_set_new(model, "need_bytes", json_null());
        json_object_set_new(
            model, "cannot", json_pack("{s:s, s:s}", "code", err.code, "message", err.message));
        return;
    }
    json_object_set_new(model, "need",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "weights_bytes",
            (json_int_t)need.weights_bytes, "kv_bytes", (json_int_t)need.kv_bytes, "compute_bytes",
            (json_int_t)need.compute_bytes, "other_bytes",
            (json_int_t)(need.state_bytes + need.output_bytes + need.overhead_bytes), "host_bytes",
            (json_int_t)need.host_bytes, "slots", (json_int_t)setup.slots, "context",
            (json_int_t)setup.context));
    json_object_set_new(model, "need_bytes", json_integer((json_int_t)need.total_bytes));
}

bool host_catalogue(
    const struct host_job *job, const struct host_call *call, json_t *ret_result, struct err *err)
{
    static const char *const MODEL[] = {
        "name", "file", "bytes", "sha256", "embedding", "context_max", NULL};
    static const char *const ENGINE[] = {"engine", "version", NULL};
    scoped(json_done) json_t *model = NULL, *engine = NULL;

    if (!call->paths || !call->paths->catalogue)
        return err_code(err, ERR_SYSTEM, "no_catalogue", NULL, "no catalogue is configured");
    if (job->model.at &&
        !find(call, "models.json", &models_form, "models", "name", job->model, &model, err))
        return false;
    if (job->engine.len &&
        !find(call, "engines.json", &ENGINES, "engines", "engine", job->engine, &engine, err))
        return false;
    json_t *shown = kept(model, MODEL);
    if (model)
        add_need(job, model, shown);
    json_object_set_new(ret_result, "model", shown);
    json_object_set_new(ret_result, "engine", kept(engine, ENGINE));
    return true;
}
