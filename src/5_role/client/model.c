/* SPDX-License-Identifier: Apache-2.0
 *
 * model — the catalogue of models: add a file by its header and its hash, list, verify, remove.
 * Nothing here talks to the node: it reads HOME/catalogue/models.json again when it changes.
 */
#include "client/home.h"
#include "client/vram_view.h"

#include "base/scoped.h"
#include "catalogue/models.h"
#include "os/clock.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_MS 200

static bool catalogue_path(const struct client *client, char ret_path[PATH_MAX], struct err *err)
{
    return home_path(&client->options, "catalogue/models.json", ret_path, err);
}

/* The folder of models, with all links resolved. */
static bool models_folder(const struct client *client, char ret_path[PATH_MAX], struct err *err)
{
    char standard[PATH_MAX];
    const char *folder = client->options.models_dir;

    if (!folder) {
        if (!home_path(&client->options, "models", standard, err))
            return false;
        folder = standard;
    }
    if (realpath(folder, ret_path))
        return true;
    return err_set(err, ERR_INPUT,
        "there is no folder of models '%s' (%s): say where it is with --models-dir", folder,
        strerror(errno));
}

/* `path` below the folder; links are resolved, so that none leads out of it unseen. */
static bool below(const char *folder, const char *path, char ret_below[PATH_MAX], struct err *err)
{
    char real[PATH_MAX];
    size_t len = strlen(folder);

    if (!realpath(path, real))
        return err_set(err, ERR_INPUT, "cannot find '%s': %s", path, strerror(errno));
    if (strncmp(real, folder, len) != 0 || real[len] != '/')
        return err_set(err, ERR_INPUT,
            "'%s' is not below the folder of models '%s': put it there, or say --models-dir", real,
            folder);
    snprintf(ret_below, PATH_MAX, "%s", real + len + 1);
    if (!model_path_valid(str_from(ret_below)))
        return err_set(err, ERR_INPUT,
            "'%s' cannot stand in the catalogue: no hidden folders or files, no control "
            "characters, at most %d bytes",
            ret_below, MODEL_PATH_BYTES_MAX);
    return true;
}

struct progress {
    const char *name;
    bool shown;
    int64_t next_ms;
};

static bool tell(void *context, uint64_t done, uint64_t all)
{
    struct progress *progress = context;
    char done_text[SCRATCH_BYTES], all_text[SCRATCH_BYTES];
    int64_t now_ms = clock_steady_ms();

    if (!progress->shown || (now_ms < progress->next_ms && done < all))
        return true;
    progress->next_ms = now_ms + PROGRESS_MS;
    vram_size_text(done, done_text);
    vram_size_text(all, all_text);
    struct screen screen = screen_of(stderr, true);
    screen_print(&screen, PLAIN, "\rSHA-256 of %s: %3u %%, %s of %s ", progress->name,
        all ? (unsigned)(100.0 * (double)done / (double)all) : 100, done_text, all_text);
    if (done == all)
        fputc('\n', stderr);
    fflush(stderr);
    return true;
}

static bool hash(const char *path, const char *name, char ret[MODEL_SHA256_BYTES], struct err *err)
{
    struct progress progress = {.name = name, .shown = isatty(STDERR_FILENO) == 1};

    return model_file_hash(path, tell, &progress, ret, err);
}

static bool name_for(const struct client *client, const char *file,
    char ret[MODEL_NAME_BYTES_MAX + 1], struct err *err)
{
    const char *asked = client->options.name;

    if (!asked) {
        model_name_of(str_from(file), ret);
        if (*ret)
            return true;
        return err_set(err, ERR_INPUT, "no name can be made of '%s': say --name", file);
    }
    if (!model_name_valid(str_from(asked)))
        return err_set(err, ERR_INPUT,
            "'%.80s' is no name of a model: a letter or digit, then letters, digits, '.', '_', ':' "
            "and '-', at most %d",
            asked, MODEL_NAME_BYTES_MAX);
    snprintf(ret, MODEL_NAME_BYTES_MAX + 1, "%s", asked);
    return true;
}

static bool name_is_free(const char *catalogue, const char *name, struct err *err)
{
    scoped(json_done) json_t *document = NULL;

    if (!models_read(catalogue, &document, err))
        return false;
    return !models_find(document, name) ||
           err_set(err, ERR_INPUT,
               "there is a model '%s' already: remove it first, or take another --name", name);
}

static void view_entry(const struct client *client, const char *catalogue, const char *name)
{
    scoped(json_done) json_t *document = NULL;
    struct err err;

    if (!models_read(catalogue, &document, &err))
        return;
    const json_t *entry = models_find(document, name);
    if (client->options.json) {
        client_print(client, entry);
        return;
    }
    screen_print(&client->screen, PLAIN, "%s\n", name);
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM, "what it needs: logicctl vram %s\n", name);
}

enum client_exit client_model_add(struct client *client)
{
    scoped(free_done) struct model_file *file = malloc(sizeof *file);
    const char *path = client->options.args[0];
    char catalogue[PATH_MAX], folder[PATH_MAX], inside[PATH_MAX], full[PATH_MAX * 2];
    char name[MODEL_NAME_BYTES_MAX + 1], sha256[MODEL_SHA256_BYTES], now[CLOCK_TEXT_BYTES];
    struct err err;

    if (!file)
        return EXIT_TROUBLE;
    if (!catalogue_path(client, catalogue, &err) || !models_folder(client, folder, &err) ||
        !below(folder, path, inside, &err) || !name_for(client, inside, name, &err) ||
        !name_is_free(catalogue, name, &err))
        return client_fail(client, &err);
    snprintf(full, sizeof full, "%s/%s", folder, inside);
    if (!model_file_read(full, file, &err) || !hash(full, name, sha256, &err))
        return client_fail(client, &err);
    char made[PATH_MAX];
    scoped(home_leave) struct home_stay stay = {0};
    if (!home_enter(&client->options, &stay, &err) ||
        !home_path(&client->options, "catalogue", made, &err) ||
        !file_make_folder(made, 0755, &err))
        return client_fail(client, &err);
    clock_text(clock_civil_ms(), now);
    struct model_entry entry = {name, inside, sha256, now, file};
    if (!models_add(catalogue, &entry, &err))
        return client_fail(client, &err);
    view_entry(client, catalogue, name);
    return EXIT_DONE;
}

static json_int_t integer(const json_t *entry, const char *name)
{
    return json_integer_value(json_object_get(entry, name));
}

enum client_exit client_model_list(struct client *client)
{
    static const char *const TITLES[] = {
        "NAME", "ARCHITECTURE", "PARAMETERS", "QUANTISATION", "CONTEXT", "SIZE", "FILE"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    char catalogue[PATH_MAX];
    json_t *entry;
    size_t i;
    struct err err;

    if (!catalogue_path(client, catalogue, &err) || !models_read(catalogue, &document, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        client_print(client, document);
        return EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(document, "models"), i, entry) {
        char parameters[SCRATCH_BYTES], context[SCRATCH_BYTES], size[SCRATCH_BYTES];
        snprintf(
            parameters, sizeof parameters, "%.2f B", (double)integer(entry, "parameters") / 1e9);
        snprintf(context, sizeof context, "%lld", (long long)integer(entry, "context_max"));
        vram_size_text((uint64_t)integer(entry, "bytes"), size);
        table_add(&table,
            (struct str[]){json_str(entry, "name"), json_str(entry, "architecture"),
                str_from(parameters), json_str(entry, "quantisation"), str_from(context),
                str_from(size), json_str(entry, "file")},
            NULL);
    }
    table_print(&table, &client->screen);
    return EXIT_DONE;
}

/* Is the file of this entry what it was? */
static bool verify_one(const char *folder, const json_t *entry, struct err *err)
{
    scoped(free_done) struct model_file *file = malloc(sizeof *file);
    scoped(json_done) json_t *shape = NULL;
    const char *name = json_string_value(json_object_get(entry, "name"));
    char full[PATH_MAX * 2], sha256[MODEL_SHA256_BYTES];

    snprintf(full, sizeof full, "%s/%s", folder, json_string_value(json_object_get(entry, "file")));
    if (!file)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!model_file_read(full, file, err))
        return false;
    if (file->bytes != (uint64_t)integer(entry, "bytes"))
        return err_set(err, ERR_INPUT, "'%s' has %llu bytes, the catalogue says %lld", full,
            (unsigned long long)file->bytes, (long long)integer(entry, "bytes"));
    shape = vram_shape_json(&file->shape);
    if (!json_equal(shape, json_object_get(entry, "shape")))
        return err_set(err, ERR_INPUT, "the header of '%s' is not what it was", full);
    if (!hash(full, name, sha256, err))
        return false;
    return str_eq(str_from(sha256), json_str(entry, "sha256")) ||
           err_set(err, ERR_INPUT, "the SHA-256 of '%s' is %s, the catalogue says %s", full, sha256,
               json_string_value(json_object_get(entry, "sha256")));
}

static enum client_exit verify_all(struct client *client, const char *folder, const json_t *models)
{
    scoped(json_done) json_t *results = json_array();
    enum client_exit code = EXIT_DONE;
    const json_t *entry;
    size_t i;

    json_array_foreach (models, i, entry) {
        struct err err;
        bool good = verify_one(folder, entry, &err);
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (!good)
            code = EXIT_TROUBLE;
        json_array_append_new(results, json_pack("{s:s, s:b, s:s}", "name", name, "good", good,
                                           "words", good ? "" : err.message));
        if (!client->options.json)
            screen_print(&client->screen, good ? GREEN : RED, "%s: %s\n", name,
                good ? "as it was" : err.message);
    }
    if (client->options.json)
        client_print(client, results);
    return code;
}

enum client_exit client_model_verify(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    scoped(json_done) json_t *one = json_array();
    char catalogue[PATH_MAX], folder[PATH_MAX];
    const char *name = client->options.args_count ? client->options.args[0] : NULL;
    struct err err;

    if (!catalogue_path(client, catalogue, &err) || !models_folder(client, folder, &err) ||
        !models_read(catalogue, &document, &err))
        return client_fail(client, &err);
    if (!name)
        return verify_all(client, folder, json_object_get(document, "models"));
    const json_t *entry = models_find(document, name);
    if (!entry) {
        err_set(&err, ERR_INPUT, "there is no model '%.80s' in the catalogue", name);
        return client_fail(client, &err);
    }
    json_array_append_new(one, json_deep_copy(entry));
    return verify_all(client, folder, one);
}

enum client_exit client_model_remove(struct client *client)
{
    scoped(home_leave) struct home_stay stay = {0};
    char catalogue[PATH_MAX];
    struct err err;

    if (!catalogue_path(client, catalogue, &err) || !home_enter(&client->options, &stay, &err) ||
        !models_remove(catalogue, client->options.args[0], &err))
        return client_fail(client, &err);
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM, "The file itself is left where it is.\n");
    return EXIT_DONE;
}
