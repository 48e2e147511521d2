/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/models.h"

#include "base/scoped.h"
#include "json/json_take.h"
#include "os/clock.h"

#include <ctype.h>
#include <stdio.h>

#define PARAMETERS_MAX ((int64_t)1 << 62)

bool model_name_valid(struct str name)
{
    if (name.len == 0 || name.len > MODEL_NAME_BYTES_MAX || !isalnum((unsigned char)name.at[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] > 0x7e ||
            (!isalnum((unsigned char)name.at[i]) && !memchr("._:-", name.at[i], 4)))
            return false;
    return true;
}

bool model_path_valid(struct str path)
{
    struct str rest = path;

    if (path.len == 0 || path.len > MODEL_PATH_BYTES_MAX || path.at[path.len - 1] == '/' ||
        !str_is_utf8(path))
        return false;
    while (rest.len) {
        struct str step = str_cut(rest, '/', &rest);
        if (step.len == 0 || step.at[0] == '.')
            return false;
        for (size_t i = 0; i < step.len; i++)
            if ((unsigned char)step.at[i] < 0x20 || step.at[i] == 0x7f)
                return false;
    }
    return true;
}

void model_name_of(struct str path, char ret_name[MODEL_NAME_BYTES_MAX + 1])
{
    uint32_t part, count;
    size_t n = 0;

    if (gguf_split_of(path, &part, &count))
        path.len -= sizeof "-00001-of-00003.gguf" - 1;
    else if (str_ends(path, S(".gguf")))
        path.len -= sizeof ".gguf" - 1;
    for (size_t i = path.len; i-- > 0;)
        if (path.at[i] == '/') {
            path = (struct str){path.at + i + 1, path.len - i - 1};
            break;
        }
    for (size_t i = 0; i < path.len && n < MODEL_NAME_BYTES_MAX; i++) {
        int c = tolower((unsigned char)path.at[i]);
        bool good = (c < 0x7f && isalnum(c)) || (n && memchr("._-", c, 3));
        if (good || n)
            ret_name[n++] = good ? (char)c : '-';
    }
    ret_name[n] = '\0';
}

static bool is_sha256(struct str text)
{
    if (text.len != MODEL_SHA256_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!memchr("0123456789abcdef", text.at[i], 16))
            return false;
    return true;
}

static bool entry_valid(const json_t *entry, struct err *err)
{
    struct str name, file, sha256, added_at, architecture, quantisation;
    int64_t bytes, parameters, context_max;
    bool embedding, chat_template;
    json_t *shape;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &name, 1, MODEL_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("file", &file, 1, MODEL_PATH_BYTES_MAX),
        JSON_TAKE_INTEGER("bytes", &bytes, 1, PARAMETERS_MAX),
        JSON_TAKE_TEXT("sha256", &sha256, 64, 64),
        JSON_TAKE_TEXT("added_at", &added_at, 1, CLOCK_TEXT_BYTES),
        JSON_TAKE_TEXT("architecture", &architecture, 1, VRAM_WORD_BYTES - 1),
        JSON_TAKE_INTEGER("parameters", &parameters, 0, PARAMETERS_MAX),
        JSON_TAKE_TEXT("quantisation", &quantisation, 0, VRAM_WORD_BYTES - 1),
        JSON_TAKE_INTEGER("context_max", &context_max, 1, INT32_MAX),
        JSON_TAKE_BOOL("embedding", &embedding),
        JSON_TAKE_BOOL("chat_template", &chat_template),
        JSON_TAKE_OBJECT("shape", &shape),
    };
    int64_t at_ms;

    if (!json_take(entry, fields, COUNT(fields), err))
        return false;
    if (!model_name_valid(name))
        return err_code(err, ERR_INPUT, "bad_model", "name", "'%.*s' is no name of a model",
            STR(name));
    if (!model_path_valid(file))
        return err_code(err, ERR_INPUT, "bad_model", "file",
            "the file of '%.*s' is no path below a folder", STR(name));
    if (!is_sha256(sha256))
        return err_code(err, ERR_INPUT, "bad_model", "sha256",
            "the sha256 of '%.*s' is not 64 hexadecimal digits", STR(name));
    if (!clock_from_text(added_at.at, &at_ms))
        return err_code(err, ERR_INPUT, "bad_model", "added_at",
            "added_at of '%.*s' is no time", STR(name));
    scoped(free_done) struct vram_shape *read = malloc(sizeof *read);
    return read && (vram_shape_from_json(shape, read, err) ||
                       err_wrap(err, "model '%.*s'", STR(name)));
}

static bool document_valid(const json_t *document, struct err *err)
{
    struct str schema;
    json_t *models, *entry;
    size_t i;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &schema, 1, 64),
        JSON_TAKE_ARRAY("models", &models, 0, MODELS_MAX),
    };

    if (!json_take(document, fields, COUNT(fields), err))
        return false;
    json_array_foreach(models, i, entry)
    {
        if (!entry_valid(entry, err))
            return false;
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (models_find(document, name) != entry)
            return err_code(err, ERR_INPUT, "bad_model", "name", "two models are named '%s'", name);
    }
    return true;
}

const struct document_form models_form = {
    .blank = "{\"schema\":\"logic-node/models/v1\",\"models\":[]}",
    .bytes_max = MODELS_BYTES_MAX,
    .mode = 0644, /* no secret in it, and every role reads it */
    .valid = document_valid,
};

bool models_read(const char *path, json_t **ret_document, struct err *err)
{
    return document_read(path, &models_form, ret_document, err);
}

const json_t *models_find(const json_t *document, const char *name)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(document, "models"), i, entry)
    {
        const char *is = json_string_value(json_object_get(entry, "name"));
        if (is && strcmp(is, name) == 0)
            return entry;
    }
    return NULL;
}

static bool add_entry(json_t *document, void *context, struct err *err)
{
    const struct model_entry *entry = context;
    const struct vram_shape *shape = &entry->read->shape;
    json_t *models = json_object_get(document, "models");

    if (models_find(document, entry->name))
        return err_code(err, ERR_INPUT, "model_exists", "name",
            "there is a model '%s' already: remove it first, or take another --name", entry->name);
    if (json_array_size(models) >= MODELS_MAX)
        return err_code(err, ERR_LIMIT, "too_many", NULL,
            "there are %d models, which is the most: remove one first", MODELS_MAX);
    json_array_append_new(models,
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:I, s:b, s:b, s:o}", "name",
            entry->name, "file", entry->file, "bytes", (json_int_t)entry->read->bytes, "sha256",
            entry->sha256, "added_at", entry->added_at, "architecture", shape->architecture,
            "parameters", (json_int_t)shape->parameters, "quantisation", shape->quantisation,
            "context_max", (json_int_t)shape->context_max, "embedding", shape->embedding,
            "chat_template", shape->chat_template, "shape", vram_shape_json(shape)));
    return true;
}

bool models_add(const char *path, const struct model_entry *entry, struct err *err)
{
    struct model_entry copy = *entry;

    return document_change(path, &models_form, add_entry, &copy, err);
}

static bool remove_entry(json_t *document, void *context, struct err *err)
{
    const char *name = context;
    json_t *models = json_object_get(document, "models");

    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *entry = json_array_get(models, i);
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return json_array_remove(models, i) == 0;
    }
    return err_code(
        err, ERR_INPUT, "no_such_model", "name", "there is no model '%s' in the catalogue", name);
}

bool models_remove(const char *path, const char *name, struct err *err)
{
    scoped(free_done) char *copy = str_dup(str_from(name));

    return document_change(path, &models_form, remove_entry, copy, err);
}
