/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_job — inside the hand: the parts of a job, typed.
 */
#pragma once

#include "dns/dns.h"
#include "dns/dns_value.h"

enum dns_condition_kind {
    DNS_RRSET_EQUALS,
    DNS_RRSET_EXISTS,
    DNS_RRSET_ABSENT,
    DNS_NAME_IN_USE,
    DNS_NAME_ABSENT,
};

struct dns_condition {
    enum dns_condition_kind kind;
    struct str name;
    enum dns_type type;   /* RRSET_* */
    const json_t *values; /* RRSET_EQUALS */
};

enum dns_update_kind {
    DNS_ADD,
    DNS_DELETE_RRSET,
    DNS_DELETE_VALUE,
    DNS_DELETE_NAME,
};

struct dns_update {
    enum dns_update_kind kind;
    struct str name;
    enum dns_type type;
    int64_t ttl_s;
    struct str value; /* ADD, DELETE_VALUE */
};

bool dns_condition_read(
    const json_t *json, struct str zone, struct dns_condition *ret, struct err *err);
bool dns_update_read(const json_t *json, struct str zone, struct dns_update *ret, struct err *err);
/* {"name","type","values"}: no values means that the rrset is absent. */
bool dns_expectation_read(
    const json_t *json, struct str zone, struct dns_condition *ret, struct err *err);
