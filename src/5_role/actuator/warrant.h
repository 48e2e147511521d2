/* SPDX-License-Identifier: Apache-2.0
 *
 * warrant — is this the judge's order for exactly this plan? Pure: no clock, no memory.
 *
 * owner    warrant_done()
 * threads  any: no state
 * source   docs/protocol.md, sections 3 and 5
 */
#pragma once

#include "ansible/ansible.h"
#include "cluster/cluster.h"
#include "crypto/crypto.h"
#include "dns/dns.h"
#include "host/host.h"

#define PLAN_BYTES_MAX (96 * 1024)
#define NONCE_BYTES_MAX 64

enum hand_kind {
    HAND_DNS,
    HAND_ANSIBLE,
    HAND_MACHINE, /* the hands `host` and `pool` */
    HAND_CLUSTER, /* looks only */
    HAND_RECORD,  /* nothing is done: that it was ordered and said is the effect */
};

/* A job of any hand, checked. Borrows from its JSON. */
struct hand_job {
    enum hand_kind hand;
    struct dns_job dns;
    struct ansible_job ansible;
    struct host_job machine;
    struct cluster_job cluster;
};

struct warrant {
    json_t *plan;
    struct hand_job job; /* borrows from plan */
    char plan_sha256[SHA256_HEX_BYTES];
    struct str nonce; /* of the message */
    int64_t expires_at_ms;
};

/* `effect`: only jobs that change something; else only those that do not. */
bool hand_job_read(const json_t *json, bool effect, struct hand_job *ret_job, struct err *err);

/* The plan's bytes alone: canonical, whole, with an effect job. errors  ERR_DENIED "bad_plan"
 * "not_canonical" "wrong_case" "bad_job" */
bool warrant_read_plan(
    struct str text, const char *case_id, struct warrant *ret_warrant, struct err *err);

/* The whole message. errors  ERR_DENIED also "wrong_boot" "wrong_hash" "bad_nonce" "expired" */
bool warrant_read(const json_t *message, const char *boot, int64_t now_ms,
    struct warrant *ret_warrant, struct err *err);

void warrant_done(struct warrant *warrant);
