/* SPDX-License-Identifier: Apache-2.0
 *
 * engine — prepare an engine of this machine and list the prepared ones. Nothing here talks to the
 * node: engines.json belongs to the machine where this runs. The program is asked for its version,
 * and sources are built, as the node's user, who is to run it; with --catalogue as whoever calls.
 */
#include "client/client.h"
#include "client/home.h"

#include "base/scoped.h"
#include "engine/provider.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

#define NAME_STANDARD "llama"
#define WORDS_MAX OPTIONS_ARGS_MAX

static bool catalogue_path(const struct client *client, char ret_path[PATH_MAX], struct err *err)
{
    const char *given = client->options.catalogue;

    if (!given)
        return home_path(&client->options, "catalogue/engines.json", ret_path, err);
    /* the proof bundles lie beside it, so it needs a folder */
    if (snprintf(ret_path, PATH_MAX, "%s%s", strchr(given, '/') ? "" : "./", given) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path of the catalogue is too long");
    return true;
}

/* "env:NAME=value" is for the engine's environment, other words are flags of its build. */
static bool sort_words(
    const struct options *options, const char **ret_env, const char **ret_flags, struct err *err)
{
    size_t names = 0, flags = 0;

    for (size_t i = 0; i < options->args_count; i++) {
        const char *word = options->args[i];
        bool env = strncmp(word, "env:", 4) == 0;
        if (!strchr(word, '=') || (!env && strncmp(word, "-", 1) == 0))
            return err_set(err, ERR_INPUT, "'%.80s' is no NAME=VALUE and no env:NAME=VALUE", word);
        if (env)
            ret_env[names++] = word + 4;
        else
            ret_flags[flags++] = word;
    }
    ret_env[names] = ret_flags[flags] = NULL;
    if (flags > 0 && options->provider && strcmp(options->provider, "source") != 0)
        return err_set(err, ERR_INPUT, "'%.80s': only a build from source has flags", ret_flags[0]);
    return true;
}

static void on_told(void *user, const char *words)
{
    const struct screen *hints = user;

    screen_line(hints, DIM, str_from(words));
}

static void show(
    const struct client *client, const struct prepared_engine *prepared, const char *catalogue)
{
    const struct screen *screen = &client->screen;

    screen_print(screen, GREEN, "%s is prepared\n", prepared->engine);
    screen_field(screen, "version", PLAIN, str_from(prepared->version));
    screen_field(screen, "program", PLAIN, str_from(prepared->bin));
    screen_field(screen, "digest", PLAIN, str_from(prepared->sha256));
    screen_field(screen, "proof", PLAIN, str_from(prepared->bundle));
    screen_field(screen, "catalogue", PLAIN, str_from(catalogue));
}

enum client_exit client_engine_prepare(struct client *client)
{
    const struct options *options = &client->options;
    const char *env[WORDS_MAX + 1], *flags[WORDS_MAX + 1];
    scoped(prepared_engine_done) struct prepared_engine prepared = {0};
    struct screen hints = screen_of(stderr, options->no_color);
    char catalogue[PATH_MAX];
    struct err err;

    if (!sort_words(options, env, flags, &err) || !catalogue_path(client, catalogue, &err) ||
        (!options->catalogue && !home_become(options, &err)))
        return client_fail(client, &err);
    const struct provider_order order = {
        .provider = options->provider ? options->provider
                    : options->tree   ? "source"
                                      : "process",
        .engine = options->name ? options->name : NAME_STANDARD,
        .bin = options->bin,
        .tree = options->tree,
        .cmake_flags = flags,
        .env = env,
        .catalogue = catalogue,
        .now_ms = clock_civil_ms(),
        .told = on_told,
        .user = &hints,
    };
    if (!provider_prepare(&order, &prepared, &err))
        return client_fail(client, &err);
    if (options->json) {
        scoped(json_done) json_t *document = prepared_engine_json(&prepared);
        client_print(client, document);
    } else {
        show(client, &prepared, catalogue);
    }
    return EXIT_DONE;
}

enum client_exit client_engine_list(struct client *client)
{
    static const char *const TITLES[] = {"ENGINE", "VERSION", "PROVIDER", "DIGEST", "PROGRAM"};
    scoped(engine_list_done) struct engine_list list = {0};
    char catalogue[PATH_MAX];
    struct table table;
    struct err err;

    if (!catalogue_path(client, catalogue, &err) || !engine_list_read(catalogue, &list, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:[]}", "schema", ENGINES_SCHEMA, "engines");
        for (size_t i = 0; i < list.count; i++)
            json_array_append_new(
                json_object_get(document, "engines"), prepared_engine_json(&list.at[i]));
        client_print(client, document);
        return EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    for (size_t i = 0; i < list.count; i++) {
        const struct prepared_engine *at = &list.at[i];
        const struct str cells[] = {str_from(at->engine), str_from(at->version),
            str_from(at->provider), {at->sha256, 12}, str_from(at->bin)};
        table_add(&table, cells, NULL);
    }
    table_print(&table, &client->screen);
    table_done(&table);
    return EXIT_DONE;
}
