/* SPDX-License-Identifier: Apache-2.0
 *
 * host_drive — one job of these hands, driven by a test: host_drive CONFIG.json
 *
 *     {"pki","secrets","catalogue","socket","case","job":{…}, "outcome":true, "silent_ms":n, …}
 *
 * A line of JSON for each stage, then {"ok","changed","result","error"}. */
#include "base/panic.h"
#include "base/scoped.h"
#include "host/host.h"
#include "os/clock.h"
#include "os/file.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>

#define CONFIG_BYTES_MAX (256 * 1024)

static atomic_bool stop;

static void on_signal(int signal)
{
    (void)signal;
    atomic_store(&stop, true);
}

static void print(json_t *json)
{
    scoped(json_done) json_t *own = json;
    scoped(free_done) char *text = json_dumps(own, JSON_COMPACT);

    printf("%s\n", text);
    fflush(stdout);
}

static void on_stage(void *owner, const char *stage, struct str words)
{
    const int64_t *began_ms = owner;

    print(json_pack("{s:s, s:s%, s:I}", "stage", stage, "words", words.at ? words.at : "",
        words.len, "at_ms", (json_int_t)(clock_steady_ms() - *began_ms)));
}

static const char *text(const json_t *config, const char *name)
{
    const char *value = json_string_value(json_object_get(config, name));

    return value ? value : "";
}

static void set(const json_t *config, const char *name, int64_t *number)
{
    const json_t *value = json_object_get(config, name);

    if (value)
        *number = json_integer_value(value);
}

static int drive(const json_t *config)
{
    scoped(hand_end_done) struct hand_end end = {0};
    scoped(secret_close) struct secret_store *secrets = secret_open(text(config, "secrets"));
    struct host_limits limits = HOST_LIMITS_DEFAULT;
    int64_t began_ms = clock_steady_ms();
    const struct host_paths paths = {.socket = text(config, "socket"),
        .pki = text(config, "pki"),
        .catalogue = text(config, "catalogue")};
    const struct host_call call = {.paths = &paths,
        .limits = &limits,
        .secrets = secrets,
        .case_id = text(config, "case"),
        .progress = on_stage,
        .owner = &began_ms,
        .stop = &stop};
    struct host_job job;
    struct err err = {0};

    set(config, "silent_ms", &limits.silent_ms);
    set(config, "answer_ms", &limits.answer_ms);
    set(config, "connect_ms", &limits.connect_ms);
    set(config, "order_ms", &limits.order_ms);
    set(config, "look_every_ms", &limits.look_every_ms);
    if (!host_job_read(json_object_get(config, "job"), &job, &err)) {
        end.err = err;
    } else if (json_is_true(json_object_get(config, "outcome"))) {
        host_job_outcome(&job, &call, &end);
    } else {
        host_job_run(&job, &call, &end);
    }
    print(json_pack("{s:b, s:s, s:O?, s:{s:s, s:s, s:s}}", "ok", end.ok, "changed",
        hand_changed_word(end.changed), "result", end.result, "error", "kind",
        err_word(end.err.kind), "code", end.err.code, "message", end.err.message));
    return end.ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    scoped(buf_done) struct buf file = buf_of(CONFIG_BYTES_MAX);
    scoped(json_done) json_t *config = NULL;
    struct err err;

    signal(SIGTERM, on_signal);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (argc != 2 || !file_read(argv[1], &file, &err) ||
        !json_read(buf_str(&file), CONFIG_BYTES_MAX, &config, &err)) {
        fprintf(stderr, "host_drive: %s\n", argc == 2 ? err.message : "CONFIG.json");
        return 2;
    }
    return drive(config);
}
