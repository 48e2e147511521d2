/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES (16u << 10)
#define PATH_BYTES_MAX 1024
#define NAME_BYTES_MAX 128
#define LIMIT_MS_MAX (7 * 86400000LL)
#define LOG_BYTES_MIN (64 << 10)

static const char *const KIND_WORDS[ENGINE_KINDS] = {"cuda", "rocm", "vulkan", "cpu"};

bool engine_kind_read(struct str word, enum engine_kind *ret_kind)
{
    for (int i = 0; i < ENGINE_KINDS; i++)
        if (str_eq(word, str_from(KIND_WORDS[i]))) {
            *ret_kind = (enum engine_kind)i;
            return true;
        }
    return false;
}

const char *engine_kind_word(enum engine_kind kind)
{
    return KIND_WORDS[kind];
}

void engine_limits_default(struct engine_limits *ret_limits)
{
    *ret_limits = (struct engine_limits){
        .driver_ms = 15000,
        .version_ms = 20000,
        .stall_ms = 60000,
        .load_ms = 1800000,
        .health_ms = 10000,
        .generation_ms = 180000,
        .poll_ms = 250,
        .term_ms = 10000,
        .vram_ms = 5000,
        .log_bytes = 4 << 20,
    };
}

static bool refuse(struct err *err, const char *field, const char *words)
{
    return err_code(err, ERR_INPUT, "bad_config", field, "the %s of this pool %s", field, words);
}

static bool of_letters(const char *text, const char *also, size_t least, size_t most)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= 'A' && text[i] <= 'Z') &&
            !(text[i] >= '0' && text[i] <= '9') && !strchr(also, text[i]))
            return false;
    return text && len >= least && len <= most;
}

static bool good_path(const char *path, size_t most)
{
    size_t len = path ? strlen(path) : 0;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)path[i] < ' ' || path[i] == 127)
            return false;
    return len > 1 && len <= most && path[0] == '/';
}

static bool known_kv(const char *kv)
{
    static const char *const TYPES[] = {
        "f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"};

    for (size_t i = 0; kv && i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(kv, TYPES[i]) == 0)
            return true;
    return false;
}

static bool check_limits(const struct engine_limits *limits, struct err *err)
{
    const int64_t times[] = {limits->driver_ms, limits->version_ms, limits->stall_ms,
        limits->load_ms, limits->health_ms, limits->generation_ms, limits->poll_ms, limits->term_ms,
        limits->vram_ms};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] < 1 || times[i] > LIMIT_MS_MAX)
            return refuse(err, "limits", "have a time that is not 1 ms to 7 days");
    if (limits->log_bytes < LOG_BYTES_MIN || limits->log_bytes > INT32_MAX)
        return refuse(err, "limits", "have a log that is not 64 KiB to 2 GiB");
    return true;
}

static bool check_model(const struct engine_model *model, struct err *err)
{
    if (!of_letters(model->name, "._:/@+-", 1, NAME_BYTES_MAX) || model->name[0] == '-')
        return refuse(err, "model", "has a name that is none");
    if (!good_path(model->path, PATH_BYTES_MAX))
        return refuse(err, "model", "has a path that is not absolute, or none");
    if (!of_letters(model->sha256, "", 64, 64) ||
        model->sha256[strspn(model->sha256, "0123456789abcdef")])
        return refuse(err, "model", "has no SHA-256 of 64 small hex digits");
    if (model->bytes == 0)
        return refuse(err, "model", "is empty");
    return true;
}

bool engine_config_check(const struct engine_config *config, struct err *err)
{
    if (!of_letters(config->pool, "._-", 1, ENGINE_POOL_BYTES_MAX))
        return refuse(err, "pool", "is no name");
    if (config->kind == ENGINE_CPU ? config->mask && *config->mask
                                   : !of_letters(config->mask, "-", 1, 63))
        return refuse(err, "mask", "must be one device (none for a cpu pool)");
    if (config->slots < 1 || config->slots > ENGINE_SLOTS_MAX)
        return refuse(err, "slots", "must be 1 to 64");
    if (config->context < 1 || config->context > ENGINE_CONTEXT_MAX ||
        config->context * config->slots > INT32_MAX)
        return refuse(err, "context", "is out of range");
    if (!known_kv(config->kv))
        return refuse(err, "kv", "is no type of llama.cpp");
    if (!good_path(config->folder, ENGINE_FOLDER_BYTES_MAX))
        return refuse(err, "folder", "is not an absolute path of at most 80 bytes");
    if (config->port != 0 && config->port < 1024)
        return refuse(err, "port", "is below 1024");
    return check_model(&config->model, err) && check_limits(&config->limits, err);
}

static const char *keep(struct engine *engine, const char *text)
{
    return arena_copy(&engine->arena, str_from(text ? text : "")).at;
}

__attribute__((format(printf, 2, 3))) static char *keepf(
    struct engine *engine, const char *format, ...)
{
    char text[PREPARED_WORD_BYTES_MAX + 128];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return (char *)(uintptr_t)keep(engine, text);
}

void engine_config_copy(struct engine *engine, const struct engine_config *config)
{
    struct engine_config *c = &engine->config;

    arena_init(&engine->arena, ARENA_BYTES);
    *c = *config;
    c->pool = keep(engine, config->pool);
    c->mask = keep(engine, config->mask);
    c->model.name = keep(engine, config->model.name);
    c->model.path = keep(engine, config->model.path);
    c->model.sha256 = keep(engine, config->model.sha256);
    c->kv = keep(engine, config->kv);
    c->folder = keep(engine, config->folder);
    c->nvidia_smi = config->nvidia_smi ? keep(engine, config->nvidia_smi) : NULL;
    if (c->port == 0) {
        engine->socket_path = keepf(engine, "%s/engine.sock", c->folder);
        engine->endpoint = keepf(engine, "unix:%s", engine->socket_path);
    } else {
        engine->endpoint = keepf(engine, "http://127.0.0.1:%u", c->port);
    }
}

/* Every variable that makes a device visible, so that a pool sees its own and no other. */
static size_t mask_env(struct engine *engine, char **env)
{
    static const struct {
        const char *name, *none;
        enum engine_kind kind;
    } MASKS[] = {
        {"CUDA_VISIBLE_DEVICES", "-1", ENGINE_CUDA},
        {"HIP_VISIBLE_DEVICES", "-1", ENGINE_ROCM},
        {"ROCR_VISIBLE_DEVICES", "-1", ENGINE_ROCM},
        {"GGML_VK_VISIBLE_DEVICES", "", ENGINE_VULKAN},
    };
    size_t count = 0;

    for (size_t i = 0; i < sizeof MASKS / sizeof *MASKS; i++) {
        bool ours = MASKS[i].kind == engine->config.kind;
        /* HIP counts within what ROCR shows: one of the two is enough */
        if (ours && strcmp(MASKS[i].name, "ROCR_VISIBLE_DEVICES") == 0)
            continue;
        env[count++] =
            keepf(engine, "%s=%s", MASKS[i].name, ours ? engine->config.mask : MASKS[i].none);
    }
    env[count++] = keepf(engine, "CUDA_DEVICE_ORDER=PCI_BUS_ID"); /* as nvidia-smi counts */
    return count;
}

static bool has_name(char *const *env, size_t count, const char *word)
{
    size_t len = strcspn(word, "=") + 1;

    for (size_t i = 0; i < count; i++)
        if (strncmp(env[i], word, len) == 0)
            return true;
    return false;
}

void engine_words_make(struct engine *engine, struct engine_words *ret_words)
{
    const struct engine_config *c = &engine->config;
    char **argv = ret_words->argv, **env = ret_words->env;
    size_t n = 0, words = mask_env(engine, env);

    env[words++] = keepf(engine, "PATH=/usr/bin:/bin");
    env[words++] = keepf(engine, "LC_ALL=C");
    env[words++] = keepf(engine, "HOME=%s", c->folder);
    env[words++] = keepf(engine, ENGINE_MARK "%s", c->folder);
    for (size_t i = 0, own = words; i < engine->prepared.env.count; i++)
        if (!has_name(env, own, engine->prepared.env.at[i]))
            env[words++] = engine->prepared.env.at[i];
    env[words] = NULL;

    argv[n++] = engine->prepared.bin;
    for (size_t i = 0; i < engine->prepared.args.count; i++)
        argv[n++] = engine->prepared.args.at[i];
    const char *const fixed[] = {"-m", c->model.path, "--alias", c->model.name, "-ctk", c->kv,
        "-ctv", c->kv, "--host", engine->socket_path ? engine->socket_path : "127.0.0.1"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[n++] = (char *)(uintptr_t)fixed[i];
    argv[n++] = keepf(engine, "-c");
    argv[n++] = keepf(engine, "%lld", (long long)(c->context * c->slots));
    argv[n++] = keepf(engine, "-np");
    argv[n++] = keepf(engine, "%lld", (long long)c->slots);
    if (c->port) {
        argv[n++] = keepf(engine, "--port");
        argv[n++] = keepf(engine, "%u", c->port);
    }
    if (c->kind == ENGINE_CPU) {
        argv[n++] = keepf(engine, "-dev");
        argv[n++] = keepf(engine, "none");
    }
    if (c->model.embedding) { /* one text must fit into one batch */
        argv[n++] = keepf(engine, "--embeddings");
        argv[n++] = keepf(engine, "-b");
        argv[n++] = keepf(engine, "%lld", (long long)c->context);
        argv[n++] = keepf(engine, "-ub");
        argv[n++] = keepf(engine, "%lld", (long long)c->context);
    }
    argv[n] = NULL;
}
