/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — what the parts of an engine share. Internal to engine/.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "engine/call.h"
#include "engine/child.h"
#include "engine/engine.h"
#include "engine/gpu.h"
#include "engine/identity.h"

#define ENGINE_ARGV_MAX (PREPARED_WORDS_MAX + 32)
#define ENGINE_ENV_MAX (PREPARED_WORDS_MAX + 16)
#define ENGINE_MARK "LOGIC_ENGINE=" /* in the environment: whose process this is */

struct engine_words {
    char *argv[ENGINE_ARGV_MAX];
    char *env[ENGINE_ENV_MAX];
};

/* The two files of the log and the last lines. */
struct engine_record {
    char path[ENGINE_FOLDER_BYTES_MAX + 24];
    int fd;
    int64_t bytes, bytes_max;
    struct buf recent; /* at most twice ENGINE_TAIL_BYTES */
    struct buf shown;
};

struct engine {
    uv_loop_t *loop;
    uv_timer_t timer;
    void (*due)(struct engine *engine);
    struct arena arena; /* all strings of config */
    struct prepared_engine prepared;
    struct engine_config config;
    struct engine_events events;
    void *user;
    enum engine_state state;
    bool closed, was_ready, gpu_known;
    char *socket_path, *endpoint;
    struct child *child;
    struct gpu_question *gpu;
    struct identity *identity;
    struct digest *digest;
    struct call *call;
    struct digest_stamp bin_stamp, model_stamp;
    struct engine_log log;
    struct engine_record record;
    struct err why; /* of a failure that waits for the process's end */
    uint64_t began_ms, spawned_ms, moved_ms, ending_ms;
    uint64_t work; /* processor time and page faults as last seen */
    int64_t free_before, free_bytes;
    pid_t last_pid;
};

/* engine_config.c: errors ERR_INPUT "bad_config" */
bool engine_config_check(const struct engine_config *config, struct err *err);
void engine_config_copy(struct engine *engine, const struct engine_config *config);
void engine_words_make(struct engine *engine, struct engine_words *ret_words);

/* engine_check.c, pure: does everything lie where the pool says? Sums the buffers.
 * errors ERR_SYSTEM engine_on_cpu engine_on_gpu engine_not_offloaded engine_vram engine_unverified
 */
bool engine_check_buffers(enum engine_kind kind, const struct engine_expected *expected,
    struct engine_buffers *buffers, struct err *err);
/* The device as nvidia-smi shows it after loading; `free_before` -1: not known. */
bool engine_check_vram(const struct engine_buffers *buffers, const struct gpu_facts *facts,
    const struct gpu *gpu, int64_t free_before, pid_t pid, struct err *err);
/* How the buffers of a kind are called: "CUDA"; "" for the CPU. */
const char *engine_device_prefix(enum engine_kind kind);
/* A version matches what --version says if it is that, or that, a space and more (its build). */
bool engine_version_matches(const char *recorded, const char *said);

/* engine_record.c */
bool engine_record_open(
    struct engine_record *record, const char *folder, int64_t bytes_max, struct err *err);
void engine_record_add(struct engine_record *record, struct str bytes);
struct str engine_record_tail(struct engine_record *record);
void engine_record_done(struct engine_record *record);
/* Processor time and page faults of a process: any change is life. 0: not known. */
uint64_t engine_process_work(pid_t pid);

/* engine.c: from the loop only; after each of them look at closed and state */
void engine_tell(
    struct engine *engine, enum engine_stage stage, double fraction, const char *words);
/* failed() comes at once, or when the process is gone. */
void engine_fail(struct engine *engine, const struct err *why);
void engine_fail_with(struct engine *engine, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void engine_arm(struct engine *engine, int64_t ms, void (*due)(struct engine *engine));
uint64_t engine_now(struct engine *engine);
void engine_process_ended(void *user, int status);

/* engine_ensure.c: driver, gates two and one */
void engine_begin(struct engine *engine);
/* engine_load.c: the process, and gate three */
void engine_spawn(struct engine *engine);
