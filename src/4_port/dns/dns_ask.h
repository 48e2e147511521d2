/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_ask — inside the hand: questions about rrsets, and conditions on them.
 */
#pragma once

#include "dns/dns_job.h"
#include "dns/dns_peer.h"

/* Records gathered into the rrsets of a result. */
struct dns_found {
    json_t *rrsets; /* [{"name","type","ttl","values"}] */
    json_t *index;  /* "name type" -> its place */
    size_t records;
    size_t bytes;
};

void dns_found_init(struct dns_found *found);
void dns_found_done(struct dns_found *found);
/* Values in a fixed order; the caller owns what is returned. */
json_t *dns_found_take(struct dns_found *found);

/* Add a record of `reply`'s answer. DNSSEC's own records and SOA are left out.
 * errors  ERR_PEER "bad_reply"; ERR_LIMIT "too_many_records" */
bool dns_found_add(struct dns_found *found, const ldns_rr *rr, struct err *err);

/* Upper and lower case are the same. */
bool dns_same_name(const ldns_rdf *owner, struct str name);

ldns_rr *dns_rr_new(struct str name, unsigned type, unsigned class_number);

/* A question packet. */
ldns_pkt *dns_question(struct str name, unsigned type, bool recursive);

/* The records that the authority has at `name`, of `type` (or ANY) into `found`. A name that is not
 * there gives none.
 * errors  ERR_PEER as dns_reply_refused, "delegated" */
bool dns_ask_records(struct dns_peer *peer, struct str name, unsigned type, struct str zone,
    struct dns_found *found, struct err *err);

/* errors  ERR_PEER "not_served" */
bool dns_ask_serial(struct dns_peer *peer, struct str zone, uint32_t *ret_serial, struct err *err);

/* Does it hold now? *ret_found is what was found (owned by the caller). */
bool dns_condition_holds(struct dns_peer *peer, const struct dns_condition *condition,
    struct str zone, bool *ret_holds, json_t **ret_found, struct err *err);
