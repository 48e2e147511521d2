/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prepared.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "catalogue/document.h"
#include "json/json_take.h"

#include <stdlib.h>
#include <string.h>

static void words_done(struct prepared_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->at[i]);
    words->count = 0;
}

static void words_copy(const struct prepared_words *from, struct prepared_words *ret_copy)
{
    ret_copy->count = 0;
    for (size_t i = 0; i < from->count; i++)
        ret_copy->at[ret_copy->count++] = str_dup(str_from(from->at[i]));
}

void prepared_engine_done(struct prepared_engine *prepared)
{
    words_done(&prepared->flags);
    words_done(&prepared->args);
    words_done(&prepared->env);
}

void prepared_engine_copy(const struct prepared_engine *from, struct prepared_engine *ret_copy)
{
    *ret_copy = *from;
    words_copy(&from->flags, &ret_copy->flags);
    words_copy(&from->args, &ret_copy->args);
    words_copy(&from->env, &ret_copy->env);
}

bool prepared_words_add(struct prepared_words *words, struct str word)
{
    if (words->count == PREPARED_WORDS_MAX || word.len > PREPARED_WORD_BYTES_MAX ||
        !str_is_utf8(word) || memchr(word.at ? word.at : "", '\0', word.len))
        return false;
    words->at[words->count++] = str_dup(word);
    return true;
}

static bool words_read(
    const json_t *array, const char *field, struct prepared_words *words, struct err *err)
{
    size_t i;
    json_t *word;

    json_array_foreach (array, i, word)
        if (!json_is_string(word) ||
            !prepared_words_add(
                words, (struct str){json_string_value(word), json_string_length(word)}))
            return err_code(err, ERR_INPUT, "bad_engine", field,
                "%s[%zu] is no text of at most %d bytes", field, i, PREPARED_WORD_BYTES_MAX);
    return true;
}

/* {"NAME":"value"} */
static bool env_read(const json_t *object, struct prepared_words *words, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)object, name, value) {
        scoped(buf_done) struct buf word = buf_of(PREPARED_WORD_BYTES_MAX);
        if (json_is_string(value))
            buf_printf(&word, "%s=%s", name, json_string_value(value));
        if (!json_is_string(value) || word.overflowed || !*name || strchr(name, '=') ||
            !prepared_words_add(words, buf_str(&word)))
            return err_code(err, ERR_INPUT, "bad_engine", "env", "env.%.64s is no text", name);
    }
    return true;
}

static bool of_bytes(struct str s, const char *also, size_t least)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.at[i] >= 'a' && s.at[i] <= 'z') && !(s.at[i] >= '0' && s.at[i] <= '9') &&
            (!strchr(also, s.at[i]) || s.at[i] == '\0'))
            return false;
    return s.len >= least;
}

bool prepared_name_valid(struct str name)
{
    return of_bytes(name, "._-", 1) && !strchr("._-", name.at[0]) && name.len < PREPARED_NAME_BYTES;
}

static bool printable(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < ' ' || s.at[i] > '~')
            return false;
    return true;
}

static bool plain_path(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ')
            return false;
    return true;
}

/* Words only: the struct's own members are set when all is right. */
static bool texts_right(struct str engine, struct str kind, struct str version, struct str provider,
    struct str bin, struct str sha256, struct err *err)
{
    const char *wrong = NULL;

    if (!prepared_name_valid(engine))
        wrong = "engine";
    else if (!str_eq(kind, S("llama.cpp")))
        wrong = "kind";
    else if (!printable(version))
        wrong = "version";
    else if (!str_eq(provider, S("process")) && !str_eq(provider, S("source")))
        wrong = "provider";
    else if (bin.at[0] != '/' || !plain_path(bin))
        wrong = "bin";
    else if (!of_bytes(sha256, "", 64) || strpbrk(sha256.at, "ghijklmnopqrstuvwxyz"))
        wrong = "sha256";
    return !wrong ||
           err_code(err, ERR_INPUT, "bad_engine", wrong, "the %s of this engine is none", wrong);
}

static void set(char *at, struct str text)
{
    memcpy(at, text.at, text.len);
    at[text.len] = '\0';
}

bool prepared_engine_read(
    const json_t *entry, struct prepared_engine *ret_prepared, struct err *err)
{
    struct str engine, kind, version, provider, bin, sha256, created, bundle;
    json_t *flags = NULL, *args = NULL, *env = NULL;
    scoped(prepared_engine_done) struct prepared_engine made = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("engine", &engine, 1, PREPARED_NAME_BYTES - 1),
        JSON_TAKE_TEXT("kind", &kind, 1, sizeof made.kind - 1),
        JSON_TAKE_TEXT("version", &version, 1, PREPARED_VERSION_BYTES - 1),
        JSON_TAKE_TEXT("provider", &provider, 1, sizeof made.provider - 1),
        JSON_TAKE_TEXT("bin", &bin, 1, PREPARED_PATH_BYTES - 1),
        JSON_TAKE_TEXT("sha256", &sha256, 64, 64),
        JSON_TAKE_ARRAY("flags", &flags, 0, PREPARED_WORDS_MAX),
        JSON_TAKE_ARRAY("args", &args, 0, PREPARED_WORDS_MAX),
        JSON_TAKE_OBJECT("env", &env),
        JSON_TAKE_TEXT("created_at", &created, 1, sizeof made.created_at - 1),
        JSON_TAKE_TEXT("bundle", &bundle, 0, PREPARED_PATH_BYTES - 1),
    };

    if (!json_take(entry, fields, COUNT(fields), err) ||
        !texts_right(engine, kind, version, provider, bin, sha256, err) ||
        !words_read(flags, "flags", &made.flags, err) ||
        !words_read(args, "args", &made.args, err) || !env_read(env, &made.env, err))
        return false;
    if (!plain_path(bundle) || !printable(created))
        return err_code(err, ERR_INPUT, "bad_engine", "bundle", "bundle or created_at is none");
    set(made.engine, engine);
    set(made.kind, kind);
    set(made.version, version);
    set(made.provider, provider);
    set(made.bin, bin);
    set(made.sha256, sha256);
    set(made.created_at, created);
    set(made.bundle, bundle);
    *ret_prepared = made;
    made = (struct prepared_engine){0};
    return true;
}

static json_t *words_json(const struct prepared_words *words)
{
    json_t *array = json_array();

    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(array, json_string(words->at[i]));
    return array;
}

static json_t *env_json(const struct prepared_words *words)
{
    json_t *object = json_object();

    for (size_t i = 0; i < words->count; i++) {
        struct str value, name = str_cut(str_from(words->at[i]), '=', &value);
        json_object_setn_new(object, name.at, name.len, json_stringn(value.at, value.len));
    }
    return object;
}

json_t *prepared_engine_json(const struct prepared_engine *p)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s}", "engine", p->engine,
        "kind", p->kind, "version", p->version, "provider", p->provider, "bin", p->bin, "sha256",
        p->sha256, "flags", words_json(&p->flags), "args", words_json(&p->args), "env",
        env_json(&p->env), "created_at", p->created_at, "bundle", p->bundle);
}

/* --- engines.json ------------------------------------------------------------------------ */

static bool entries_read(const json_t *document, struct engine_list *list, struct err *err)
{
    json_t *engines = NULL, *entry;
    struct str schema;
    size_t i;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &schema, 1, 64),
        JSON_TAKE_ARRAY("engines", &engines, 0, ENGINES_MAX),
    };

    if (!json_take(document, fields, COUNT(fields), err))
        return false;
    list->at = calloc(json_array_size(engines) + 1, sizeof *list->at);
    if (!list->at)
        return err_set(err, ERR_SYSTEM, "no memory for the list of engines");
    json_array_foreach (engines, i, entry) {
        if (!prepared_engine_read(entry, &list->at[list->count], err))
            return err_wrap(err, "engine %zu", i);
        list->count++;
        for (size_t other = 0; other < i; other++)
            if (strcmp(list->at[other].engine, list->at[i].engine) == 0)
                return err_code(err, ERR_INPUT, "bad_engine", "engine", "'%s' is there twice",
                    list->at[i].engine);
    }
    return true;
}

static bool valid(const json_t *document, struct err *err)
{
    scoped(engine_list_done) struct engine_list list = {0};

    return entries_read(document, &list, err);
}

static const struct document_form FORM = {
    .blank = "{\"schema\":\"" ENGINES_SCHEMA "\",\"engines\":[]}",
    .bytes_max = ENGINES_FILE_BYTES_MAX,
    .valid = valid,
};

void engine_list_done(struct engine_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        prepared_engine_done(&list->at[i]);
    free(list->at);
    *list = (struct engine_list){0};
}

bool engine_list_read(const char *path, struct engine_list *ret_list, struct err *err)
{
    scoped(json_done) json_t *document = NULL;
    scoped(engine_list_done) struct engine_list list = {0};

    if (!document_read(path, &FORM, &document, err) || !entries_read(document, &list, err))
        return false;
    *ret_list = list;
    list = (struct engine_list){0};
    return true;
}

const struct prepared_engine *engine_list_find(const struct engine_list *list, struct str engine)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(str_from(list->at[i].engine), engine))
            return &list->at[i];
    return NULL;
}

static size_t place_of(json_t *engines, const char *name)
{
    size_t i;
    json_t *entry;

    json_array_foreach (engines, i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "engine")), name) == 0)
            break;
    return i;
}

static bool edit_put(json_t *document, void *context, struct err *err)
{
    const struct prepared_engine *prepared = context;
    json_t *engines = json_object_get(document, "engines");
    size_t place = place_of(engines, prepared->engine);

    if (place == ENGINES_MAX)
        return err_code(err, ERR_LIMIT, "too_many_engines", "engine",
            "there are %d engines already; remove one", ENGINES_MAX);
    if (place < json_array_size(engines))
        json_array_set_new(engines, place, prepared_engine_json(prepared));
    else
        json_array_append_new(engines, prepared_engine_json(prepared));
    return true;
}

bool engine_list_put(const char *path, const struct prepared_engine *prepared, struct err *err)
{
    return document_change(path, &FORM, edit_put, (void *)prepared, err);
}

struct removal {
    char engine[PREPARED_NAME_BYTES];
    bool was;
};

static bool edit_remove(json_t *document, void *context, struct err *err)
{
    struct removal *removal = context;
    json_t *engines = json_object_get(document, "engines");
    size_t place = place_of(engines, removal->engine);

    (void)err;
    removal->was = place < json_array_size(engines);
    if (removal->was)
        json_array_remove(engines, place);
    return true;
}

bool engine_list_remove(const char *path, struct str engine, bool *ret_was, struct err *err)
{
    struct removal removal = {0};

    if (engine.len >= sizeof removal.engine) {
        *ret_was = false;
        return true;
    }
    set(removal.engine, engine);
    if (!document_change(path, &FORM, edit_remove, &removal, err))
        return false;
    *ret_was = removal.was;
    return true;
}
