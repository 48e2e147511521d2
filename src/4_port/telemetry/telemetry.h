/* SPDX-License-Identifier: Apache-2.0
 *
 * telemetry — this machine's numbers as Prometheus text, with node_exporter's names and meanings:
 * what knows one of them knows the other. GPUs go by the names of NVIDIA's dcgm-exporter.
 *
 *     struct buf text = buf_of(TELEMETRY_BYTES_MAX);
 *     telemetry_write(&(struct telemetry_roots){0}, clock_civil_ms(), &text);
 *     telemetry_gpus(&facts, &text);
 *
 * From /proc, /sys and statvfs(3). What is not there is left out, never zero; a file system of the
 * network is not asked, for its server may be away and the question would hang. Texts of the kernel
 * (labels of sensors, mount points) are data: escaped, cut to TELEMETRY_LABEL_BYTES_MAX.
 *
 * owner    none kept; telemetry_ask() reads on a worker of libuv, one question each
 * threads  telemetry_write() any; it may block for as long as a disk does
 * limits   TELEMETRY_… of each sort, the further ones are left out; past the buffer's limit nothing
 * source   node_exporter 1.5 (Debian 12), Linux Documentation/hwmon/sysfs-interface.rst,
 *          power/powercap, block/stat.rst; dcgm-exporter's default counters
 */
#pragma once

#include "base/buf.h"
#include "engine/gpu.h"

#include <stdint.h>
#include <uv.h>

#define TELEMETRY_BYTES_MAX (512 * 1024)
#define TELEMETRY_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define TELEMETRY_LABEL_BYTES_MAX 128
#define TELEMETRY_CPUS_MAX 1024
#define TELEMETRY_DISKS_MAX 64
#define TELEMETRY_NETWORKS_MAX 64
#define TELEMETRY_FILE_SYSTEMS_MAX 64
#define TELEMETRY_SENSORS_MAX 256 /* of each kind: temperatures, fans, powers, zones */

/* Where the kernel tells it; NULL: "/proc", "/sys". Tests give folders of their own. */
struct telemetry_roots {
    const char *proc, *sys;
};

/* Append all but GPUs. */
void telemetry_write(const struct telemetry_roots *roots, int64_t civil_ms, struct buf *out);
/* Append what nvidia-smi said; nothing without GPUs. */
void telemetry_gpus(const struct gpu_facts *facts, struct buf *out);

struct telemetry_question;
/* telemetry_write() on a worker; `answered` once from the loop with a text that dies with the call.
 * `roots` as above, its texts must stay. */
void telemetry_ask(uv_loop_t *loop, const struct telemetry_roots *roots,
    void (*answered)(void *user, struct str text), void *user,
    struct telemetry_question **ret_question);
/* Nobody is called any more; the loop is busy until the worker is done. */
void telemetry_cancel(struct telemetry_question **at);
