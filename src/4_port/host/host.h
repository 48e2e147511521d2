/* SPDX-License-Identifier: Apache-2.0
 *
 * host — the hands `host` and `pool` of docs/inference.md, section 4: wake a machine, put it to
 * sleep, load and unload a model through its agent.
 *
 *     struct host_job job;
 *     if (!host_job_read(json, &job, err))       nothing was sent
 *         return false;
 *     scoped(hand_end_done) struct hand_end end = {0};
 *     host_job_run(&job, &call, &end);           blocks: a worker's work
 *
 * Wake is a magic packet by UDP broadcast, three at once and again each second, until the agent
 * answers: "sent" is no evidence. What changes something at the agent is an order signed with
 * secret:agent/order (order.h), sent with the actuator's certificate; on this machine ("local")
 * over the agent's unix socket. Sleep counts as done when the agent has been silent for a while.
 *
 * threads  any; a job is borrowed from its JSON, which must outlive it. curl_global_init first.
 * errors   ERR_INPUT "bad_job" "bad_mac" "bad_address" "bad_agent": the job is wrong, nothing was
 *          sent. ERR_PEER "unreachable" "silent" "bad_reply" "not_awake" (with the limit)
 *          "still_awake" "torn" (the agent vanished amid an order: changed unknown), and whatever
 *          code the agent gave. ERR_SYSTEM "no_secret" "bad_secret" "no_certificate" "not_sent".
 *          ERR_LIMIT "stopped": the caller wanted to end
 * source   docs/inference.md, sections 4 to 6; AMD, Magic Packet Technology (1995)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "hand/hand.h"
#include "secret/secret.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#define HOST_NAME_BYTES_MAX 64
#define HOST_LIMIT_S_MAX 3600
#define HOST_REPLY_BYTES_MAX (256 * 1024)
#define HOST_MAC_BYTES 6
#define HOST_PACKET_BYTES_MAX 108 /* 6 × ff, 16 × MAC, SecureOn */
#define HOST_ORDER_SECRET "secret:agent/order"

enum host_op {
    HOST_STATUS,
    HOST_WAKE,
    HOST_SLEEP,
    POOL_STATUS,
    POOL_LOAD,
    POOL_UNLOAD,
};

/* What an op does not have is empty. */
struct host_job {
    enum host_op op;
    struct str host;
    struct str agent;                     /* "local" or https://HOST:PORT */
    struct str mac, broadcast, secure_on; /* wake; secure_on: "" or a handle */
    struct str how;                       /* sleep: suspend, poweroff */
    struct str pool;
    struct str kind, mask, kv;                  /* load */
    struct str model, model_file, model_sha256; /* load; status: model alone, .at NULL is null */
    struct str engine, engine_version;          /* load; status: engine alone */
    bool embedding; /* gives vectors, no text; may be missing in "model" */
    int64_t model_bytes, vram_mib, slots, context, need_bytes;
    int64_t limit_s;
    const json_t *json; /* the whole job, as it is put into an order */
};

struct host_limits {
    int64_t answer_ms; /* for a status, or the head of another answer */
    int64_t connect_ms;
    int64_t order_ms;      /* an order is valid for so long; the clocks may differ by it */
    int64_t look_every_ms; /* between two looks whether it is awake (asleep) yet */
    int64_t packet_every_ms;
    int64_t silent_ms; /* asleep: no answer for so long */
};

#define HOST_LIMITS_DEFAULT                                                                        \
    ((struct host_limits){.answer_ms = 5000,                                                       \
        .connect_ms = 3000,                                                                        \
        .order_ms = 60000,                                                                         \
        .look_every_ms = 500,                                                                      \
        .packet_every_ms = 1000,                                                                   \
        .silent_ms = 5000})

/* Where things are on this node; NULL only where a test does without. */
struct host_paths {
    const char *socket;    /* HOME/run/agent.sock, for "local" */
    const char *pki;       /* HOME/pki: ca.crt, actuator.crt, actuator.key */
    const char *catalogue; /* HOME/catalogue: models.json, engines.json */
};

struct host_call {
    const struct host_paths *paths;
    const struct host_limits *limits;
    struct secret_store *secrets;
    const char *case_id; /* put into the order; "" for a look */
    /* A stage was reached (docs/inference.md, section 4), on this thread; may be NULL. `words` is
     * from the agent: data, at most 200 bytes. */
    void (*progress)(void *owner, const char *stage, struct str words);
    void *owner;
    const atomic_bool *stop; /* may be NULL; true: end soon, error "stopped" */
};

/* Every field known, typed, in bounds and of its form. */
bool host_job_read(const json_t *json, struct host_job *ret_job, struct err *err);

/* A pool's status may also say "kind", "slots", "context", "kv": what it is asked for. Then the
 * result's model has "need" {weights_bytes, kv_bytes, compute_bytes, other_bytes, host_bytes,
 * slots, context} and "need_bytes" for exactly that (else cpu, 1, 8192, f16); "need" null and
 * "cannot" {code, message}: it cannot be run so. An entry that the catalogue does not have is null.
 */

/* host status and pool status only look. */
bool host_job_changes(const struct host_job *job);

/* A status that cannot be had is no error: {"reachable":false,"status":null,"words"}.
 * ret_end is as after HAND_CHANGED_NO at first. */
void host_job_run(
    const struct host_job *job, const struct host_call *call, struct hand_end *ret_end);

/* What became of an order whose answer was lost? Looks only. The agent says it is so: ok, changed
 * yes; it says it is not and nothing is under way: changed no, error "not_done"; else unknown,
 * error "outcome_unknown". */
void host_job_outcome(
    const struct host_job *job, const struct host_call *call, struct hand_end *ret_end);

/* --- pure parts, for tests and others ------------------------------------------------- */

/* "52:54:00:aa:bb:01", not a group address, not all zero. errors  ERR_INPUT "bad_mac" */
bool host_mac_read(struct str text, uint8_t ret_mac[HOST_MAC_BYTES], struct err *err);

/* The payload: 102 bytes, or 108 with SecureOn (6 bytes, or NULL). */
size_t host_packet_make(const uint8_t mac[HOST_MAC_BYTES], const uint8_t *secure_on,
    uint8_t ret_packet[HOST_PACKET_BYTES_MAX]);
