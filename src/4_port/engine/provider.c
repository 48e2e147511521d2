/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/provider.h"

#include "base/scoped.h"
#include "engine/identity.h"
#include "engine/provider_inside.h"
#include "os/clock.h"
#include "os/file.h"
#include "json/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_BYTES_MAX (1u << 20)
#define ASK_MS 30000

/* What --help must name, or the engine cannot be led by us. */
static const char *const NEEDED[] = {
    "--host", "--port", "--alias", "--ctx-size", "--parallel", "--cache-type-k", "--metrics"};

/* Passed always, where --help names the option. */
static const struct {
    const char *option; /* as in --help */
    const char *mark;   /* must stand near it too; NULL: nothing */
    const char *args[2];
} WANTED[] = {
    {"-ngl", "'all'", {"-ngl", "all"}},
    {"-ngl", NULL, {"-ngl", "999"}},
    {"-fit,", NULL, {"-fit", "off"}},
    {"--log-verbosity", NULL, {"-lv", "4"}},
    {"--flash-attn", "[on|", {"-fa", "on"}},
    {"--flash-attn", NULL, {"-fa", NULL}},
    {"--offline", NULL, {"--offline", NULL}},
    {"--no-ui", NULL, {"--no-ui", NULL}},
    {"--no-webui", NULL, {"--no-webui", NULL}},
    {"--metrics", NULL, {"--metrics", NULL}},
    {"--slots", NULL, {"--slots", NULL}},
    {"--no-kv-unified", NULL, {"--no-kv-unified", NULL}},
};

#define NEAR_BYTES 400 /* how far a mark may stand behind its option */

static void preparation_done(struct preparation *at)
{
    prepared_engine_done(&at->prepared);
    json_decref(at->checks);
    json_decref(at->plan);
    json_decref(at->capabilities);
}

/* The place of a whole option in --help; NULL: it is not there. */
static const char *find_option(struct str help, const char *option)
{
    struct str rest = help;
    const char *hit;
    size_t len = strlen(option);

    while ((hit = memmem(rest.at, rest.len, option, len)) != NULL) {
        const char *behind = hit + len;
        bool begins = hit == help.at || strchr(" \n,\t", hit[-1]);
        bool ends =
            option[len - 1] == ',' || behind == help.at + help.len || strchr(" ,\n\t", *behind);
        if (begins && ends)
            return hit;
        rest = (struct str){behind, (size_t)(help.at + help.len - behind)};
    }
    return NULL;
}

static void choose_args(struct preparation *at, struct str help)
{
    json_t *options = json_object();
    struct prepared_words *args = &at->prepared.args;

    for (size_t i = 0; i < COUNT(WANTED); i++) {
        const char *hit = find_option(help, WANTED[i].option);
        size_t left = hit ? (size_t)(help.at + help.len - hit) : 0;
        left = left < NEAR_BYTES ? left : NEAR_BYTES;
        if (!hit || json_object_get(options, WANTED[i].option) ||
            (WANTED[i].mark && !memmem(hit, left, WANTED[i].mark, strlen(WANTED[i].mark))) ||
            (strcmp(WANTED[i].option, "--no-webui") == 0 && json_object_get(options, "--no-ui")))
            continue;
        json_object_set_new(options, WANTED[i].option, json_true());
        for (size_t k = 0; k < COUNT(WANTED[i].args) && WANTED[i].args[k]; k++)
            prepared_words_add(args, str_from(WANTED[i].args[k]));
    }
    for (size_t i = 0; i < COUNT(WANTED); i++)
        if (!json_object_get(options, WANTED[i].option))
            json_object_set_new(options, WANTED[i].option, json_false());
    json_object_set_new(at->capabilities, "options", options);
    json_object_set_new(at->capabilities, "unix_socket",
        json_boolean(memmem(help.at, help.len, "UNIX socket", 11) != NULL));
    json_object_set_new(
        at->capabilities, "embeddings", json_boolean(find_option(help, "--embeddings") != NULL));
}

static bool ask_help(struct preparation *at, struct buf *output, struct err *err)
{
    struct prepared_engine *prepared = &at->prepared;
    const char *argv[PREPARED_WORDS_MAX + 3], *env[PREPARED_WORDS_MAX + 3];
    size_t words = 0, names = 0;
    int status = -1;

    argv[words++] = prepared->bin;
    for (size_t i = 0; i < prepared->args.count; i++)
        argv[words++] = prepared->args.at[i];
    argv[words++] = "--help";
    argv[words] = NULL;
    for (size_t i = 0; i < prepared->env.count; i++)
        env[names++] = prepared->env.at[i];
    env[names++] = "PATH=/usr/bin:/bin";
    env[names++] = "LC_ALL=C";
    env[names] = NULL;
    const struct provider_run run = {
        .order = {.argv = argv, .env = env}, .limit_ms = ASK_MS, .bytes_max = HELP_BYTES_MAX};
    plan_add(at, "ask what it understands", argv);
    return provider_run(&run, output, &status, err);
}

static bool check_program(struct preparation *at, struct err *err)
{
    scoped(buf_done) struct buf help = {0}, missing = buf_of(512);
    struct prepared_engine *prepared = &at->prepared;
    struct err why = {0};

    if (access(prepared->bin, X_OK) != 0) {
        preflight_add(at, "program", false, strerror(errno),
            "give the path of a llama-server that can be run");
        return preflight_done(at, err);
    }
    preflight_add(at, "program", true, prepared->bin, "");
    if (!ask_help(at, &help, &why)) {
        preflight_add(at, "can be run", false, why.message, "use a build for this machine");
        return preflight_done(at, err);
    }
    for (size_t i = 0; i < COUNT(NEEDED); i++)
        if (!find_option(buf_str(&help), NEEDED[i]))
            buf_printf(&missing, "%s%s", missing.len ? " " : "no ", NEEDED[i]);
    preflight_add(at, "options of --help", missing.len == 0,
        missing.len ? buf_text(&missing) : "all that are needed",
        "this is no llama-server, or one that is too old");
    if (!preflight_done(at, err))
        return false;
    choose_args(at, buf_str(&help));
    return true;
}

struct answer {
    bool good;
    struct identity_found found;
    struct err err;
};

static void on_identity(void *user, const struct identity_found *found, const struct err *err)
{
    struct answer *answer = user;

    answer->good = found != NULL;
    if (found)
        answer->found = *found;
    if (err)
        answer->err = *err;
}

static bool identify(struct preparation *at, struct err *err)
{
    const struct identity_order order = {.prepared = &at->prepared, .limit_ms = ASK_MS};
    struct prepared_engine *prepared = &at->prepared;
    struct answer answer = {0};
    char version[PREPARED_VERSION_BYTES + sizeof at->source_version];
    struct identity *identity;
    uv_loop_t loop;

    uv_loop_init(&loop);
    identity_ask(&loop, &order, on_identity, &answer, &identity);
    uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    if (!answer.good) {
        *err = answer.err;
        return false;
    }
    int len = snprintf(version, sizeof version, "%s%s%s", answer.found.version,
        at->source_version[0] ? " " : "", at->source_version);
    if (len < 0 || len >= PREPARED_VERSION_BYTES)
        return err_code(err, ERR_SYSTEM, "engine_version", NULL, "its version is too long");
    memcpy(prepared->version, version, (size_t)len + 1);
    memcpy(prepared->sha256, answer.found.sha256, sizeof prepared->sha256);
    return true;
}

static bool add_document(struct buf *tar, const char *name, const json_t *document, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(1u << 20);

    if (!json_canonical(document, &text, err))
        return err_wrap(err, "%s", name);
    buf_add_char(&text, '\n');
    bundle_add(tar, name, buf_str(&text));
    return true;
}

/* ORCH-3805; ports and workdir are the pool's. */
static json_t *prepared_document(const json_t *entry)
{
    return json_pack("{s:O, s:O, s:O, s:[], s:n, s:O, s:O}", "bin_or_entry",
        json_object_get(entry, "bin"), "args", json_object_get(entry, "args"), "env",
        json_object_get(entry, "env"), "ports", "workdir", "engine_version",
        json_object_get(entry, "version"), "engine_digest", json_object_get(entry, "sha256"));
}

static bool write_bundle(struct preparation *at, struct err *err)
{
    scoped(buf_done) struct buf tar = buf_of(BUNDLE_BYTES_MAX);
    struct prepared_engine *prepared = &at->prepared;
    char path[2 * PREPARED_PATH_BYTES + 8], stamp[CLOCK_TEXT_BYTES], *to = stamp;

    for (const char *from = prepared->created_at; *from && *from != '.'; from++)
        if (*from != '-' && *from != ':')
            *to++ = *from;
    *to = '\0';
    (void)snprintf(
        prepared->bundle, sizeof prepared->bundle, "bundles/%s-%s.tar", prepared->engine, stamp);
    (void)snprintf(path, sizeof path, "%s/bundles", at->folder);
    scoped(json_done) json_t *entry = prepared_engine_json(prepared);
    scoped(json_done) json_t *document = prepared_document(entry);
    scoped(json_done) json_t *preflight = json_pack("{s:O}", "checks", at->checks);
    if (!file_make_folder(path, 0700, err) ||
        !add_document(&tar, "preflight.json", preflight, err) ||
        !add_document(&tar, "plan.json", at->plan, err) ||
        !add_document(&tar, "prepared.json", document, err) ||
        !add_document(&tar, "entry.json", entry, err) ||
        !add_document(&tar, "capabilities.json", at->capabilities, err))
        return false;
    bundle_end(&tar);
    if (tar.overflowed)
        return err_code(err, ERR_LIMIT, "too_large", NULL, "the proof bundle is too large");
    (void)snprintf(path, sizeof path, "%s/%s", at->folder, prepared->bundle);
    return file_replace(path, buf_str(&tar), 0600, err);
}

static bool take_words(
    const char *const *from, struct prepared_words *words, const char *field, struct err *err)
{
    for (size_t i = 0; from && from[i]; i++)
        if (!prepared_words_add(words, str_from(from[i])))
            return err_code(
                err, ERR_INPUT, "bad_order", field, "too many or too long: %.60s", from[i]);
    return true;
}

static bool begin(struct preparation *at, struct err *err)
{
    const struct provider_order *order = at->order;
    struct prepared_engine *prepared = &at->prepared;
    const char *slash = strrchr(order->catalogue, '/');
    bool source = strcmp(order->provider, "source") == 0;

    if (!source && strcmp(order->provider, "process") != 0)
        return err_code(err, ERR_INPUT, "bad_order", "provider",
            "'%.40s' is no provider; there are process and source", order->provider);
    if (!slash || slash - order->catalogue > PREPARED_PATH_BYTES - 32)
        return err_code(err, ERR_INPUT, "bad_order", "catalogue", "give the path of engines.json");
    if (!prepared_name_valid(str_from(order->engine)))
        return err_code(err, ERR_INPUT, "bad_order", "engine",
            "'%.80s' is no name of an engine: small letters, digits, '.', '_' and '-'",
            order->engine);
    (void)snprintf(
        at->folder, sizeof at->folder, "%.*s", (int)(slash - order->catalogue), order->catalogue);
    (void)snprintf(prepared->engine, sizeof prepared->engine, "%s", order->engine);
    (void)snprintf(prepared->kind, sizeof prepared->kind, "llama.cpp");
    (void)snprintf(prepared->provider, sizeof prepared->provider, "%s", order->provider);
    clock_text(order->now_ms, prepared->created_at);
    at->checks = json_array();
    at->plan = json_pack(
        "{s:s, s:s, s:[]}", "provider", order->provider, "engine", order->engine, "steps");
    at->capabilities = json_object();
    return take_words(order->env, &prepared->env, "env", err) &&
           take_words(order->args, &prepared->args, "args", err) &&
           file_make_folder(at->folder, 0700, err);
}

static bool find_program(struct preparation *at, struct err *err)
{
    char path[4096];

    if (strcmp(at->order->provider, "source") == 0)
        return provider_build(at, err);
    if (!at->order->bin)
        return err_code(err, ERR_INPUT, "bad_order", "bin", "the program is missing");
    /* a link stays a link only by its target's digest: the entry names the file itself */
    if (!realpath(at->order->bin, path) || strlen(path) >= PREPARED_PATH_BYTES) {
        preflight_add(at, "program", false, strerror(errno),
            "give the path of a llama-server that can be run");
        return preflight_done(at, err);
    }
    memcpy(at->prepared.bin, path, strlen(path) + 1);
    return true;
}

/* As the catalogue will read it: nothing is written that could not be read. */
static bool check_entry(const struct preparation *at, struct err *err)
{
    scoped(json_done) json_t *entry = prepared_engine_json(&at->prepared);
    scoped(prepared_engine_done) struct prepared_engine again = {0};

    return prepared_engine_read(entry, &again, err);
}

bool provider_prepare(
    const struct provider_order *order, struct prepared_engine *ret_prepared, struct err *err)
{
    scoped(preparation_done) struct preparation at = {.order = order};

    if (!begin(&at, err) || !find_program(&at, err) || !check_program(&at, err) ||
        !identify(&at, err) || !check_entry(&at, err) || !write_bundle(&at, err) ||
        !engine_list_put(order->catalogue, &at.prepared, err))
        return false;
    *ret_prepared = at.prepared;
    at.prepared = (struct prepared_engine){0};
    return true;
}
