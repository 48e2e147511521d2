/* SPDX-License-Identifier: Apache-2.0
 *
 * engine_log — what llama.cpp's log says of memory, devices, progress and trouble. Pure: bytes in,
 * facts out. A log is text of strangers: nothing of it is believed beyond these facts, numbers are
 * bounded, a line longer than ENGINE_LINE_BYTES_MAX is cut.
 *
 *     engine_log_init(&log);
 *     engine_log_add(&log, bytes)…          log.buffers, log.trouble, log.fraction
 *
 * threads  any: no state but the struct
 * source   llama.cpp src/llama-model.cpp, llama-context.cpp, llama-kv-cache.cpp (log lines at -lv
 * 4)
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_LINE_BYTES_MAX 4096
#define ENGINE_BUFFERS_MAX 32 /* lines of buffers; more are counted in `beyond` */
#define ENGINE_DEVICE_BYTES 32
#define ENGINE_MIB_MAX (16u << 20) /* 16 TiB: a larger number is not believed */

enum engine_buffer_kind {
    ENGINE_BUFFER_MODEL,
    ENGINE_BUFFER_KV,
    ENGINE_BUFFER_RS, /* recurrent state */
    ENGINE_BUFFER_COMPUTE,
    ENGINE_BUFFER_OUTPUT,
};

struct engine_buffer {
    char device[ENGINE_DEVICE_BYTES]; /* as written: "CUDA0", "CPU_Mapped", "CUDA_Host" */
    enum engine_buffer_kind kind;
    uint64_t bytes;
};

struct engine_buffers {
    struct engine_buffer list[ENGINE_BUFFERS_MAX];
    size_t count, beyond;
    bool offloaded_known;
    uint32_t offloaded, layers; /* "offloaded 33/33 layers" */
    /* Sums over the pool's devices (engine_buffers_sum); other: RS, output and unknown */
    uint64_t weights_bytes, kv_bytes, compute_bytes, other_bytes, host_bytes;
    char device[ENGINE_DEVICE_BYTES]; /* where most of it lies: "CUDA0", "CPU" */
};

/* A buffer in the machine's own memory: CPU, CPU_*, BLAS, AMX, *_Host, REPACK. */
bool engine_device_is_host(const char *device);
/* Fill the sums: over the devices that begin with `prefix` ("CUDA", "ROCm", "Vulkan"), all others
 * in host_bytes; prefix "" sums over the host's. */
void engine_buffers_sum(struct engine_buffers *buffers, const char *prefix);

enum engine_trouble {
    ENGINE_TROUBLE_NONE,
    ENGINE_TROUBLE_MEMORY,       /* "out_of_memory" */
    ENGINE_TROUBLE_ARCHITECTURE, /* "unknown_architecture" */
    ENGINE_TROUBLE_MODEL,        /* "model_broken" */
    ENGINE_TROUBLE_ARGUMENTS,    /* "engine_arguments" */
    ENGINE_TROUBLE_ADDRESS,      /* "engine_address": the port or socket is taken */
    ENGINE_TROUBLE_DEVICE,       /* "driver_not_ready": no device, driver error */
};
const char *engine_trouble_code(enum engine_trouble trouble);

struct engine_log {
    struct engine_buffers buffers;
    enum engine_trouble trouble; /* the first that was told */
    char trouble_line[256];      /* its line, printable UTF-8 */
    double fraction;             /* of loading, -1 until it says so */
    uint64_t lines, bytes, long_lines;
    /* a line that is not whole yet */
    char line[ENGINE_LINE_BYTES_MAX];
    size_t len;
    bool cut;
};

void engine_log_init(struct engine_log *log);
void engine_log_add(struct engine_log *log, struct str bytes);
