/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_value — record data: presentation text to wire and back, type by type.
 *
 * Nothing is handed to a zone file parser, so no text can become a directive, a comment or a second
 * record. dns_value_print(dns_value_read(v)) is the normal form of v and reads to the same bytes.
 *
 * threads  any: no state
 * source   RFC 1035 3.3, 2782 (SRV), 3596 (AAAA), 8659 (CAA)
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* TXT is what gets long: DKIM keys of 4096 bits need about 750 bytes. */
#define DNS_VALUE_BYTES_MAX 4096
/* Every byte may become `\ddd`. */
#define DNS_VALUE_TEXT_BYTES_MAX (4 * DNS_VALUE_BYTES_MAX + 1024)
#define DNS_STRING_BYTES_MAX 255

/* In the order in which a look lists them. */
#define DNS_TYPES(X)                                                                               \
    X(A, 1) X(AAAA, 28) X(CNAME, 5) X(TXT, 16) X(MX, 15) X(SRV, 33) X(PTR, 12) X(CAA, 257) X(NS, 2)

enum dns_type {
#define X(name, number) DNS_TYPE_##name = (number),
    DNS_TYPES(X)
#undef X
};

extern const enum dns_type DNS_TYPE_LIST[];
extern const size_t DNS_TYPE_COUNT;

/* errors  ERR_INPUT "bad_type" */
bool dns_type_read(struct str word, const char *param, enum dns_type *ret_type, struct err *err);
/* NULL for a type that is none of ours. */
const char *dns_type_word(unsigned number);

/* Append the wire form. errors  ERR_INPUT "bad_value" with the value and the form that is wanted */
bool dns_value_read(enum dns_type type, struct str text, struct buf *rdata, struct err *err);
/* Append the normal form; false: the bytes are not of that type. */
bool dns_value_print(enum dns_type type, struct str rdata, struct buf *out);
/* Same data? Names inside compare without case. */
bool dns_value_equal(enum dns_type type, struct str rdata_a, struct str rdata_b);
