/* SPDX-License-Identifier: Apache-2.0
 *
 * dns — the DNS hand: look, update, lookup and list of docs/protocol.md, section 2.
 *
 * An update is RFC 2136 over TCP, signed with TSIG; its prerequisites are the plan's, so the server
 * itself refuses when the world moved between plan and warrant. Afterwards the server is asked
 * whether it is so.
 *
 *     struct dns_job job;
 *     if (!dns_job_read(json, &job, err))        nothing was sent
 *         return false;
 *     scoped(hand_end_done) struct hand_end end;
 *     dns_job_run(&job, secret, &limits, &end);  blocks: a worker's work
 *
 * The name server is an IP address: finding a name server by DNS would make DNS depend on itself.
 *
 * threads  any; a job is borrowed from its JSON, which must outlive it
 * errors   ERR_INPUT "bad_job" "bad_name" "bad_value" "bad_type" "not_in_zone" "bad_server" …: the
 *          job is wrong. ERR_PEER "unreachable" "silent" "closed" "bad_reply" "bad_signature"
 *          "refused" "server_failed" "not_zone" "not_served" "tsig_badsig" "tsig_badkey"
 *          "tsig_badtime" "bad_format" "unsupported" "delegated" "moving" "world_moved" (nothing
 *          was changed, and what is there now) "not_verified" (accepted, yet not so). ERR_LIMIT
 *          "too_many_records" "too_large". ERR_SYSTEM "bad_secret"
 * source   RFC 2136, 8945, 5936
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "hand/hand.h"

#include <jansson.h>
#include <stdint.h>

#define DNS_NAMES_MAX 64
#define DNS_CONDITIONS_MAX 128 /* prerequisites, updates, expectations: each */
#define DNS_VALUES_MAX 64      /* of one rrset in a job */
#define DNS_RECORDS_MAX 2000   /* in one answer */
#define DNS_ANSWER_BYTES_MAX (128 * 1024)
#define DNS_TTL_S_MAX 2147483647

enum dns_op {
    DNS_LOOK,
    DNS_UPDATE,
    DNS_LOOKUP,
    DNS_LIST,
};

struct dns_job {
    enum dns_op op;
    struct str server;
    int port;
    struct str zone;   /* look, update, list */
    struct str key;    /* the key's name; .at NULL: unsigned (never for an update) */
    struct str secret; /* its handle */
    const json_t *names;
    const json_t *prerequisites, *updates, *expect;
    struct str name, type; /* lookup; list: only these records, .at NULL: all */
};

struct dns_limits {
    int64_t timeout_ms;     /* for one answer */
    int64_t job_ms;         /* for all of them */
    int64_t clock_offset_s; /* 0; a test signs in another time */
};

#define DNS_LIMITS_DEFAULT ((struct dns_limits){.timeout_ms = 5000, .job_ms = 30000})

/* Every field known, every name, type and value well formed and inside the zone. */
bool dns_job_read(const json_t *json, struct dns_job *ret_job, struct err *err);

/* `secret` is the key's base64, or empty. */
void dns_job_run(const struct dns_job *job, struct str secret, const struct dns_limits *limits,
    struct hand_end *ret_end);

/* What became of an update whose answer was lost? Looks only: all that was expected is so: changed
 * yes, ok; all prerequisites still hold: changed no, error "not_done"; else unknown, error
 * "outcome_unknown". */
void dns_job_outcome(const struct dns_job *job, struct str secret, const struct dns_limits *limits,
    struct hand_end *ret_end);
