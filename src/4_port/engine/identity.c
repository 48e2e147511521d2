/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/identity.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "engine/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX (1 + IDENTITY_LIBRARIES_MAX)
#define ENV_MAX (PREPARED_WORDS_MAX + 4)

struct identity_file {
    char name[128];
    char path[PREPARED_PATH_BYTES];
    char sha256[65];
};

struct identity {
    uv_loop_t *loop;
    struct identity_order order;
    uv_timer_t timer;
    struct probe *probe;
    struct digest *digest;
    struct identity_file files[FILES_MAX];
    size_t count, at;
    struct identity_found found;
    struct err err;
    bool closed;
    void (*done)(void *user, const struct identity_found *found, const struct err *err);
    void *user;
};

bool identity_read_version(struct str output, char ret_version[PREPARED_VERSION_BYTES])
{
    while (output.len > 0) {
        struct str line = str_trim(str_cut(output, '\n', &output));
        if (!str_starts(line, S("version: ")))
            continue;
        line = str_trim((struct str){line.at + 9, line.len - 9});
        size_t len = 0;
        for (; len < line.len && line.at[len] >= ' ' && line.at[len] <= '~'; len++)
            if (len == PREPARED_VERSION_BYTES - 1)
                return false;
        if (len == 0 || len != line.len)
            return false;
        memcpy(ret_version, line.at, len);
        ret_version[len] = '\0';
        return true;
    }
    return false;
}

static bool engines_own(struct str name)
{
    return str_starts(name, S("libllama")) || str_starts(name, S("libggml")) ||
           str_starts(name, S("libmtmd"));
}

size_t identity_read_libraries(
    struct str output, struct str *ret_names, struct str *ret_paths, size_t max)
{
    size_t count = 0;

    while (output.len > 0 && count < max) {
        struct str line = str_trim(str_cut(output, '\n', &output)), path, rest;
        struct str name = str_cut(line, ' ', &path);
        if (!engines_own(name) || !str_starts(path, S("=> /")))
            continue;
        path = (struct str){path.at + 3, path.len - 3};
        const char *end = memmem(path.at, path.len, " (0x", 4);
        path.len = end ? (size_t)(end - path.at) : path.len;
        (void)str_cut(path, '\0', &rest);
        if (name.len >= 128 || path.len >= PREPARED_PATH_BYTES || rest.len > 0)
            continue;
        ret_names[count] = name;
        ret_paths[count++] = path;
    }
    return count;
}

static void on_freed(uv_handle_t *handle)
{
    free(handle->data);
}

static void tell(struct identity *identity, bool good)
{
    identity->closed = true;
    uv_close((uv_handle_t *)&identity->timer, on_freed);
    identity->done(identity->user, good ? &identity->found : NULL, good ? NULL : &identity->err);
}

static bool fail(struct identity *identity, const char *code, const struct err *why)
{
    struct err err = *why;

    err_code(&identity->err, ERR_SYSTEM, code, NULL, "%s: %s", identity->order.prepared->bin,
        err.message);
    tell(identity, false);
    return false;
}

/* Run the program with its own arguments and --version; `extra` is one more variable or NULL. */
static bool run(struct identity *identity, const char *extra,
    void (*done)(void *user, int status, struct str output, const struct err *err))
{
    const struct prepared_engine *prepared = identity->order.prepared;
    const char *argv[PREPARED_WORDS_MAX + 3], *env[ENV_MAX];
    size_t args = 0, words = 0;

    argv[args++] = prepared->bin;
    for (size_t i = 0; i < prepared->args.count; i++)
        argv[args++] = prepared->args.at[i];
    argv[args++] = "--version";
    argv[args] = NULL;
    for (size_t i = 0; i < prepared->env.count; i++)
        env[words++] = prepared->env.at[i];
    env[words++] = "PATH=/usr/bin:/bin";
    env[words++] = "LC_ALL=C";
    if (extra)
        env[words++] = extra;
    env[words] = NULL;
    const struct child_order order = {.argv = argv, .env = env};
    struct err err;
    return probe_start(identity->loop, &order, identity->order.limit_ms, IDENTITY_OUTPUT_BYTES_MAX,
               done, identity, &identity->probe, &err) ||
           fail(identity, "engine_missing", &err);
}

static void on_version(void *user, int status, struct str output, const struct err *why)
{
    struct identity *identity = user;
    struct err err;
    char end[CHILD_END_BYTES];

    identity->probe = NULL;
    child_end_words(status, end);
    if (why) {
        fail(identity, "engine_version", why);
    } else if (status != 0 || !identity_read_version(output, identity->found.version)) {
        struct str rest, line = str_utf8_prefix(str_trim(str_cut(output, '\n', &rest)));
        err_set(&err, ERR_SYSTEM, "--version says no version (%s): %.*s", end,
            (int)(line.len < 200 ? line.len : 200), line.at);
        fail(identity, "engine_version", &err);
    } else {
        tell(identity, true);
    }
}

static void compose(struct identity *identity)
{
    scoped(buf_done) struct buf lines = buf_of(FILES_MAX * 256);

    if (identity->count == 1) {
        memcpy(identity->found.sha256, identity->files[0].sha256, 65);
        return;
    }
    for (size_t i = 0; i < identity->count; i++)
        buf_printf(&lines, "%s  %s\n", identity->files[i].sha256, identity->files[i].name);
    sha256_hex(buf_str(&lines), identity->found.sha256);
}

static void next_file(struct identity *identity);

static void on_digest(void *user, const struct digest_result *result, const struct err *why)
{
    struct identity *identity = user;

    identity->digest = NULL;
    if (why) {
        fail(identity, strcmp(why->code, "file_changed") == 0 ? "engine_changed" : "engine_missing",
            why);
        return;
    }
    if (identity->at == 0)
        identity->found.stamp = result->stamp;
    memcpy(identity->files[identity->at++].sha256, result->sha256, 65);
    next_file(identity);
}

static void next_file(struct identity *identity)
{
    struct err err;

    if (identity->at == identity->count) {
        compose(identity);
        run(identity, NULL, on_version);
    } else if (!digest_file(identity->loop, identity->files[identity->at].path,
                   identity->order.digests, identity->order.always_hash, NULL, on_digest, identity,
                   &identity->digest, &err)) {
        fail(identity, "engine_missing", &err);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct identity_file *)a)->name, ((const struct identity_file *)b)->name);
}

/* What the loader would map; a program without a loader has simply told its version. */
static void on_libraries(void *user, int status, struct str output, const struct err *why)
{
    struct identity *identity = user;
    struct str names[IDENTITY_LIBRARIES_MAX], paths[IDENTITY_LIBRARIES_MAX];
    size_t count;

    (void)status;
    identity->probe = NULL;
    if (why) {
        fail(identity, "engine_version", why);
        return;
    }
    count = identity_read_libraries(output, names, paths, IDENTITY_LIBRARIES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct identity_file *file = &identity->files[identity->count++];
        snprintf(file->name, sizeof file->name, "%.*s", STR(names[i]));
        snprintf(file->path, sizeof file->path, "%.*s", STR(paths[i]));
    }
    qsort(identity->files + 1, count, sizeof *identity->files, by_name);
    next_file(identity);
}

static void on_begin(uv_timer_t *timer)
{
    run(timer->data, "LD_TRACE_LOADED_OBJECTS=1", on_libraries);
}

void identity_ask(uv_loop_t *loop, const struct identity_order *order,
    void (*done)(void *user, const struct identity_found *found, const struct err *err), void *user,
    struct identity **ret_identity)
{
    struct identity *identity = calloc(1, sizeof *identity);
    const char *bin = order->prepared->bin;
    const char *slash = strrchr(bin, '/');

    if (!identity)
        panic("no memory");
    identity->loop = loop;
    identity->order = *order;
    identity->done = done;
    identity->user = user;
    identity->count = 1;
    snprintf(identity->files[0].path, PREPARED_PATH_BYTES, "%s", bin);
    snprintf(identity->files[0].name, 128, "%.127s", slash ? slash + 1 : bin);
    uv_timer_init(loop, &identity->timer);
    identity->timer.data = identity;
    uv_timer_start(&identity->timer, on_begin, 0, 0);
    *ret_identity = identity;
}

void identity_cancel(struct identity **at)
{
    struct identity *identity = *at;

    *at = NULL;
    if (!identity || identity->closed)
        return;
    identity->closed = true;
    probe_cancel(&identity->probe);
    digest_cancel(&identity->digest);
    uv_close((uv_handle_t *)&identity->timer, on_freed);
}
