/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "catalogue/document.h"
#include "host/host_inside.h"

#include <limits.h>
#include <stdio.h>

#define CATALOGUE_BYTES_MAX (8u << 20)

static const struct document_form MODELS = {
    .blank = "{\"schema\":\"logic-node/models/v1\",\"models\":[]}",
    .bytes_max = CATALOGUE_BYTES_MAX};
static const struct document_form ENGINES = {
    .blank = "{\"schema\":\"logic-node/engines/v1\",\"engines\":[]}",
    .bytes_max = CATALOGUE_BYTES_MAX};

/* The entry whose member `key` is `name`, with the members of `keep`; NULL: there is none. */
static json_t *entry_of(const json_t *document, const char *list, const char *key, struct str name,
    const char *const *keep)
{
    json_t *one;
    size_t i;

    json_array_foreach (json_object_get(document, list), i, one) {
        if (!str_eq(str_from(json_string_value(json_object_get(one, key))), name))
            continue;
        json_t *kept = json_object();
        for (size_t k = 0; keep[k]; k++)
            if (json_object_get(one, keep[k]))
                json_object_set(kept, keep[k], json_object_get(one, keep[k]));
        return kept;
    }
    return NULL;
}

static bool find(const struct host_call *call, const char *file, const struct document_form *form,
    const char *list, const char *key, struct str name, const char *const *keep, json_t **ret,
    struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", call->paths->catalogue, file) >= (int)sizeof path)
        return err_set(err, ERR_LIMIT, "the path of the catalogue is too long");
    if (!document_read(path, form, &document, err))
        return false;
    *ret = entry_of(document, list, key, name, keep);
    return true;
}

bool host_catalogue(
    const struct host_job *job, const struct host_call *call, json_t *ret_result, struct err *err)
{
    static const char *const MODEL[] = {"name", "file", "bytes", "sha256", NULL};
    static const char *const ENGINE[] = {"engine", "version", NULL};
    scoped(json_done) json_t *model = NULL, *engine = NULL;

    if (!call->paths || !call->paths->catalogue)
        return err_code(err, ERR_SYSTEM, "no_catalogue", NULL, "no catalogue is configured");
    if (job->model.at &&
        !find(call, "models.json", &MODELS, "models", "name", job->model, MODEL, &model, err))
        return false;
    if (job->engine.len && !find(call, "engines.json", &ENGINES, "engines", "engine", job->engine,
                               ENGINE, &engine, err))
        return false;
    json_object_set_new(ret_result, "model", model ? json_incref(model) : json_null());
    json_object_set_new(ret_result, "engine", engine ? json_incref(engine) : json_null());
    return true;
}
