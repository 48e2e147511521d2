/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu — what nvidia-smi says of the GPUs of this machine; nothing where there is none.
 *
 * The program is run without a shell, with a limit on time and output; its text is read strictly:
 * what is not of the asked-for form is an error ("driver_not_ready"), never half an answer.
 *
 * threads  the loop's
 * source   nvidia-smi --help-query-gpu, --help-query-compute-apps
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define GPUS_MAX 16
#define GPU_PROCESSES_MAX 256
#define GPU_NAME_BYTES 96
#define GPU_OUTPUT_BYTES_MAX (256u << 10)

struct gpu {
    int64_t index;
    char uuid[64];
    char name[GPU_NAME_BYTES];                   /* printable ASCII */
    int64_t total_bytes, used_bytes, free_bytes; /* all 0: not told; else some is reserved */
    int64_t util_percent, celsius;               /* -1: not told */
    double watts;                                /* -1: not told */
};

struct gpu_process {
    char uuid[64];
    pid_t pid;
    int64_t used_bytes; /* -1: not told */
};

struct gpu_facts {
    bool present; /* there is an nvidia-smi, and it answered */
    char driver[32];
    struct gpu gpus[GPUS_MAX];
    size_t count;
    struct gpu_process processes[GPU_PROCESSES_MAX];
    size_t process_count;
};

/* NULL where there is none. `path` is the caller's wish or NULL: the first in PATH. */
bool gpu_program(const char *path, char ret_path[1024]);

struct gpu_question;
/* `answered` once from the loop, never from here. Without a program: present is false, no error.
 * errors told  ERR_SYSTEM "driver_not_ready": it failed, was late, or wrote something else */
void gpu_ask(uv_loop_t *loop, const char *path, int64_t limit_ms,
    void (*answered)(void *user, const struct gpu_facts *facts, const struct err *err), void *user,
    struct gpu_question **ret_question);
/* Nobody is called any more. */
void gpu_cancel(struct gpu_question **at);

/* By index ("0") or UUID (also its beginning, as CUDA takes it). NULL: not listed. */
const struct gpu *gpu_find(const struct gpu_facts *facts, struct str mask);
/* Memory of this GPU held by processes that are not in `own` (leaders of groups or pids). */
int64_t gpu_foreign_bytes(
    const struct gpu_facts *facts, const struct gpu *gpu, const pid_t *own, size_t own_count);

/* --- pure parts, fuzzed -------------------------------------------------------------- */
bool gpu_read_list(struct str text, struct gpu_facts *facts, struct err *err);
bool gpu_read_processes(struct str text, struct gpu_facts *facts, struct err *err);
