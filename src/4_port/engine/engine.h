/* SPDX-License-Identifier: Apache-2.0
 *
 * engine — one engine's process (llama-server) from three gates to its end, on the caller's loop.
 *
 *     struct engine_config config = {.pool = "gpu0", .kind = ENGINE_CUDA, .mask = "0", …};
 *     engine_limits_default(&config.limits);
 *     engine_start(loop, &prepared, &config, &events, pool, &engine, &err);
 *     … events.stage … events.ready: engine_endpoint(engine) answers now
 *     engine_stop(engine);            → events.stopped, then engine_close(&engine)
 *
 * Gates, in the order of the stages: the driver answers (GPU kinds) · the engine's files have the
 * recorded digest and say the recorded version · the model file is there, has its size and SHA-256
 * · the process loads, answers /health with 200 and really generates a token (or an embedding) with
 * the asked-for slots and context, and its log says that its buffers lie where the pool says.
 * Nothing is served that passed fewer. A GPU pool whose buffers lie on the CPU is refused.
 *
 * The process: argv only, no shell; a clean environment with the device mask (for ENGINE_CPU all
 * devices are masked), stdin null, own process group, killed with us (PDEATHSIG), no descriptor but
 * its own, stdout and stderr into the log: folder/engine.log, kept bounded, one older file beside.
 *
 * restarts are the caller's, after the time that 3_domain/restart says.
 *
 * owner    the caller, from engine_start() to engine_close(); engine_close() at any time, also from
 *          an event: the group is killed at once, no event comes any more, memory goes by itself
 * events   come from the loop, never from inside engine_start/stop/close. Of ready, failed,
 * stopped: failed at most once; after it no process is left; stopped once after engine_stop()
 * threads  the loop's; the thread must live as long as the process (PDEATHSIG follows the thread);
 *          hashing and HTTP on libuv's workers. curl_global_init(3) was called before
 * errors   codes of `failed`: driver_not_ready engine_missing engine_changed engine_version
 *          model_missing model_size model_changed engine_exited engine_stalled engine_slow
 *          engine_unhealthy engine_on_cpu engine_on_gpu engine_not_offloaded engine_context
 *          engine_vram engine_unverified engine_address out_of_memory unknown_architecture
 *          model_broken engine_arguments
 * source   llama.cpp tools/server/README.md; docs/inference.md §4, §5
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "engine/digest.h"
#include "engine/engine_log.h"
#include "engine/prepared.h"

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define ENGINE_POOL_BYTES_MAX 64
#define ENGINE_SLOTS_MAX 64
#define ENGINE_CONTEXT_MAX (4 << 20) /* of one slot */
#define ENGINE_FOLDER_BYTES_MAX 80   /* sun_path is 108 */
#define ENGINE_ENDPOINT_BYTES 128

enum engine_kind { ENGINE_CUDA, ENGINE_ROCM, ENGINE_VULKAN, ENGINE_CPU };
#define ENGINE_KINDS 4
/* "cuda" …; false for a word that is none of them. */
bool engine_kind_read(struct str word, enum engine_kind *ret_kind);
const char *engine_kind_word(enum engine_kind kind);

/* The states of POOL in docs/inference.md §5 that a process can have. */
enum engine_state {
    ENGINE_STARTING,
    ENGINE_VERIFYING,
    ENGINE_LOADING,
    ENGINE_READY,
    ENGINE_STOPPING, /* "draining" there */
    ENGINE_STOPPED,  /* "empty" there */
    ENGINE_FAILED,
};
const char *engine_state_word(enum engine_state state);

enum engine_stage {
    ENGINE_STAGE_DRIVER_READY,
    ENGINE_STAGE_ENGINE_STARTING,
    ENGINE_STAGE_VERIFYING,
    ENGINE_STAGE_LOADING,
    ENGINE_STAGE_READY,
};
const char *engine_stage_word(enum engine_stage stage);

struct engine_limits {
    int64_t driver_ms;     /* nvidia-smi has answered by then */
    int64_t version_ms;    /* `--version` and the loader's list have */
    int64_t stall_ms;      /* no log line, no progress, no processor time: it hangs */
    int64_t load_ms;       /* from the start of the process to ready, in all */
    int64_t health_ms;     /* one answer of /health and /props */
    int64_t generation_ms; /* the one token */
    int64_t poll_ms;       /* between two looks at /health */
    int64_t term_ms;       /* from SIGTERM to SIGKILL */
    int64_t vram_ms;       /* how long to wait for freed VRAM after the end */
    int64_t log_bytes;     /* of each of the two log files */
};
void engine_limits_default(struct engine_limits *ret_limits);

struct engine_model {
    const char *name; /* what the engine calls it: the alias */
    const char *path;
    const char *sha256; /* 64 hex digits: the manifest's */
    uint64_t bytes;     /* the manifest's */
    bool embedding;     /* asked for an embedding instead of a token */
};

/* What the arithmetic or an earlier load says; 0: not known, not compared. */
struct engine_expected {
    uint64_t weights_bytes, kv_bytes; /* on the device; refused below 80 % of it */
};

/* All strings are copied. */
struct engine_config {
    const char *pool;
    enum engine_kind kind;
    const char *mask; /* one device: "0" or a UUID; "" for ENGINE_CPU */
    struct engine_model model;
    int64_t slots, context; /* context of one slot */
    const char *kv;     /* f16 bf16 f32 q8_0 q5_1 q5_0 q4_1 q4_0 iq4_nl; q…: flash attention */
    const char *folder; /* of this pool alone; made 0700; socket, log and working directory */
    uint16_t port;      /* 0: folder/engine.sock, else 127.0.0.1:port */
    struct engine_expected expected;
    struct engine_limits limits;
    struct digest_cache *digests; /* may be NULL: everything is hashed each time. Outlives us */
    bool always_hash;             /* do not look into digests */
    const char *nvidia_smi;       /* NULL: the first of PATH, if there is one */
};

struct engine_ready {
    int64_t took_ms;
    const char *engine_version;
    const struct engine_buffers *buffers; /* engine_log.h */
    int64_t free_bytes;                   /* of the device, -1: not known */
    const char *endpoint;
    pid_t pid;
};

/* All are needed. `fraction` is 0…1, -1 where nobody knows. */
struct engine_events {
    void (*stage)(void *user, enum engine_stage stage, double fraction, const char *words);
    void (*ready)(void *user, const struct engine_ready *ready);
    /* Before or after ready. The last lines are in engine_tail(). */
    void (*failed)(void *user, const struct err *err);
    /* free_bytes of the device afterwards, -1: not known. vram_back: it rose, or nobody can know.
     */
    void (*stopped)(void *user, int64_t free_bytes, bool vram_back);
};

struct engine;

/* errors  ERR_INPUT the config is not one (code "bad_config"); ERR_SYSTEM the folder cannot be made
 */
bool engine_start(uv_loop_t *loop, const struct prepared_engine *prepared,
    const struct engine_config *config, const struct engine_events *events, void *user,
    struct engine **ret_engine, struct err *err);
/* SIGTERM, SIGKILL after term_ms, until the group is gone; then until VRAM is back. In any state.
 */
void engine_stop(struct engine *engine);
/* NULL in, NULL out. */
void engine_close(struct engine **at);

enum engine_state engine_state(const struct engine *engine);
/* 0: none runs. */
pid_t engine_pid(const struct engine *engine);
/* "unix:/…/engine.sock" or "http://127.0.0.1:port"; from the start. */
const char *engine_endpoint(const struct engine *engine);
/* The path of the socket; NULL with a port. */
const char *engine_socket(const struct engine *engine);
/* The last lines of its log, printable UTF-8, at most ENGINE_TAIL_BYTES. Valid until the next call.
 */
#define ENGINE_TAIL_BYTES 4096
struct str engine_tail(struct engine *engine);
/* As far as the log has said. */
const struct engine_buffers *engine_buffers(const struct engine *engine);

/* Kill what an earlier life of ours left running for this folder (found by the mark in the
 * environment; own uid only). Returns how many. */
size_t engine_sweep(const char *folder);
