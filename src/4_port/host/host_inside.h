/* SPDX-License-Identifier: Apache-2.0
 *
 * host_inside — what the parts of these hands share. Internal.
 */
#pragma once

#include "base/buf.h"
#include "host/host.h"

#include <netinet/in.h>

#define HOST_SLOTS_MAX 64
#define HOST_CONTEXT_MAX (4 << 20)
#define HOST_WORDS_BYTES_MAX 200

/* --- forms (host_job.c) ---------------------------------------------------------------- */

struct host_place {
    bool local, v6;
    struct str address; /* a name or an address, without brackets */
    int port;
};

/* "01:23:45:67:89:ab", any six bytes */
bool host_six_read(struct str text, uint8_t ret_bytes[HOST_MAC_BYTES]);
bool host_agent_read(struct str text, struct host_place *ret, struct err *err);
bool host_address_read(struct str text, struct in_addr *ret, struct err *err);

/* --- packets (host_packet.c) -------------------------------------------------------------- */

/* One round: three packets each to where they must go. errors  ERR_SYSTEM "not_sent": none left */
bool host_packets_send(const struct host_job *job, const uint8_t *packet, size_t len,
    int64_t *packets, struct err *err);

/* --- asking the agent (host_ask.c) ---------------------------------------------------------- */

enum host_reach {
    HOST_ANSWERED, /* HTTP; `status` says what */
    HOST_REFUSED,  /* the machine is up, nobody listens, or TLS failed */
    HOST_SILENT,   /* nothing came: not there, or a connection that never opened */
    HOST_TORN,     /* the request may have been sent; no whole answer came */
    HOST_STOPPED,  /* by call->stop */
};

struct host_ask {
    const struct host_job *job;
    const struct host_call *call;
    const char *path;
    struct str body; /* POST; .at NULL: GET */
    int64_t connect_ms, limit_ms;
    int64_t quiet_ms; /* no byte for so long tears an answer; 0: only limit_ms */
    /* each line of a 200's body; NULL: the body goes into `reply`. false ends the call */
    bool (*line)(void *user, struct str line);
    /* about once a second while waiting; may be NULL */
    void (*tick)(void *user);
    void *user;
};

struct host_heard {
    enum host_reach reach;
    long status;
    struct buf reply; /* buf_done() */
    struct err err;   /* unless ANSWERED */
};

void host_ask_run(const struct host_ask *ask, struct host_heard *ret);

/* An answer that is not 200 as an error, with the agent's own code and words. */
bool host_said_no(const struct host_heard *heard, struct err *err);

/* GET /v1/status, checked. false: err; *ret_reach says how far it came. */
bool host_look(const struct host_job *job, const struct host_call *call, int64_t limit_ms,
    void (*tick)(void *user), void *user, json_t **ret_status, enum host_reach *ret_reach,
    struct err *err);
/* The POOL of that status; NULL: the agent has not heard of it, so it is empty. */
const json_t *host_pool_of(const json_t *status, struct str pool);

/* The entries of HOME/catalogue that a pool's status tells: "model" and "engine". */
bool host_catalogue(
    const struct host_job *job, const struct host_call *call, json_t *ret_result, struct err *err);
