/* SPDX-License-Identifier: Apache-2.0
 *
 * engine_drive — one engine, driven by a test: engine_drive CONFIG.json
 *
 * Events are lines of JSON on stdout; lines on stdin are orders: "stop", "close", "tail", "again"
 * (start once more, with the same memory of digests). The end of stdin is "close".
 */
#include "base/scoped.h"
#include "engine/engine.h"
#include "os/file.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_BYTES_MAX (1u << 20)

static struct {
    uv_loop_t loop;
    uv_pipe_t orders;
    struct buf line;
    struct prepared_engine prepared;
    struct engine_config config;
    struct engine *engine;
    struct digest_cache *digests;
} all;

static void print(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    puts(text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

static void on_stage(void *user, enum engine_stage stage, double fraction, const char *words)
{
    (void)user;
    print(json_pack("{s:s, s:s, s:f, s:s}", "event", "stage", "stage", engine_stage_word(stage),
        "fraction", fraction, "words", words));
}

static void on_ready(void *user, const struct engine_ready *ready)
{
    const struct engine_buffers *b = ready->buffers;

    (void)user;
    print(
        json_pack("{s:s, s:I, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "event", "ready",
            "took_ms", (json_int_t)ready->took_ms, "version", ready->engine_version, "endpoint",
            ready->endpoint, "pid", (int)ready->pid, "weights_bytes", (json_int_t)b->weights_bytes,
            "kv_bytes", (json_int_t)b->kv_bytes, "compute_bytes", (json_int_t)b->compute_bytes,
            "other_bytes", (json_int_t)b->other_bytes, "host_bytes", (json_int_t)b->host_bytes,
            "device", b->device, "free_bytes", (json_int_t)ready->free_bytes));
}

static void on_failed(void *user, const struct err *err)
{
    (void)user;
    print(json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "event", "failed", "code", err->code,
        "message", err->message, "state", engine_state_word(engine_state(all.engine)), "pid",
        (int)engine_pid(all.engine), "reads", (json_int_t)digest_cache_reads(all.digests)));
}

static void on_stopped(void *user, int64_t free_bytes, bool back)
{
    (void)user;
    print(json_pack("{s:s, s:I, s:b, s:i, s:I}", "event", "stopped", "free_bytes",
        (json_int_t)free_bytes, "back", back, "pid", (int)engine_pid(all.engine), "reads",
        (json_int_t)digest_cache_reads(all.digests)));
}

static void start(void)
{
    static const struct engine_events EVENTS = {on_stage, on_ready, on_failed, on_stopped};
    struct err err;

    if (!engine_start(&all.loop, &all.prepared, &all.config, &EVENTS, NULL, &all.engine, &err))
        print(json_pack(
            "{s:s, s:s, s:s}", "event", "refused", "code", err.code, "message", err.message));
}

static void obey(struct str order)
{
    if (str_eq(order, S("stop")) && all.engine) {
        engine_stop(all.engine);
    } else if (str_eq(order, S("tail")) && all.engine) {
        struct str tail = engine_tail(all.engine);
        print(json_pack("{s:s, s:s%}", "event", "tail", "text", tail.at, tail.len));
    } else if (str_eq(order, S("again"))) {
        engine_close(&all.engine);
        start();
    } else if (str_eq(order, S("close"))) {
        engine_close(&all.engine);
        uv_close((uv_handle_t *)&all.orders, NULL);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    static char space[4096];

    (void)handle, (void)suggested;
    *ret_room = uv_buf_init(space, sizeof space);
}

static void on_orders(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    (void)stream;
    if (got < 0 && !uv_is_closing((uv_handle_t *)&all.orders)) {
        obey(S("close"));
        return;
    }
    for (ssize_t i = 0; i < got; i++)
        if (room->base[i] == '\n') {
            obey(buf_str(&all.line));
            buf_clear(&all.line);
        } else {
            buf_add_char(&all.line, room->base[i]);
        }
}

static int64_t number(const json_t *config, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(config, name);

    return value ? (int64_t)json_integer_value(value) : otherwise;
}

static const char *text(const json_t *config, const char *name)
{
    return json_string_value(json_object_get(config, name));
}

static bool read_config(const json_t *config, struct err *err)
{
    struct engine_limits *limits = &all.config.limits;
    const char *kind = text(config, "kind");

    if (!engine_kind_read(str_from(kind), &all.config.kind))
        return err_set(err, ERR_INPUT, "no kind");
    all.config.pool = "test";
    all.config.mask = text(config, "mask");
    all.config.model = (struct engine_model){text(config, "model"), text(config, "path"),
        text(config, "sha256"), (uint64_t)number(config, "bytes", 0),
        json_is_true(json_object_get(config, "embedding"))};
    all.config.slots = number(config, "slots", 1);
    all.config.context = number(config, "context", 512);
    all.config.kv = "f16";
    all.config.folder = text(config, "folder");
    all.config.port = (uint16_t)number(config, "port", 0);
    all.config.expected.weights_bytes = (uint64_t)number(config, "expected_weights", 0);
    all.config.digests = all.digests;
    all.config.always_hash = json_is_true(json_object_get(config, "always_hash"));
    all.config.nvidia_smi = text(config, "nvidia_smi");
    engine_limits_default(limits);
    limits->stall_ms = number(config, "stall_ms", limits->stall_ms);
    limits->load_ms = number(config, "load_ms", limits->load_ms);
    limits->term_ms = number(config, "term_ms", limits->term_ms);
    limits->health_ms = number(config, "health_ms", limits->health_ms);
    limits->generation_ms = number(config, "generation_ms", limits->generation_ms);
    limits->version_ms = number(config, "version_ms", limits->version_ms);
    limits->vram_ms = number(config, "vram_ms", limits->vram_ms);
    limits->log_bytes = number(config, "log_bytes", limits->log_bytes);
    limits->poll_ms = 20;
    return prepared_engine_read(json_object_get(config, "prepared"), &all.prepared, err);
}

int main(int argc, char **argv)
{
    scoped(buf_done) struct buf file = buf_of(CONFIG_BYTES_MAX);
    scoped(json_done) json_t *config = NULL;
    struct err err;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    all.digests = digest_cache_make();
    all.line = buf_of(256);
    if (argc != 2 || !file_read(argv[1], &file, &err) ||
        !json_read(buf_str(&file), CONFIG_BYTES_MAX, &config, &err) || !read_config(config, &err)) {
        fprintf(stderr, "engine_drive: %s\n", argc == 2 ? err.message : "CONFIG.json");
        return 2;
    }
    uv_loop_init(&all.loop);
    uv_pipe_init(&all.loop, &all.orders, 0);
    uv_pipe_open(&all.orders, 0);
    uv_read_start((uv_stream_t *)&all.orders, on_room, on_orders);
    start();
    uv_run(&all.loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&all.loop);
    buf_done(&all.line);
    prepared_engine_done(&all.prepared);
    digest_cache_free(&all.digests);
    curl_global_cleanup();
    return left == 0 ? 0 : 3;
}
