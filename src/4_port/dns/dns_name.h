/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_name — domain names: our strict text, and the wire.
 *
 * What we write is letters, digits, `-`, `_`, and `*` as the whole first label; labels of 1 to 63
 * bytes, no trailing dot. What we read from a server may hold anything: odd bytes are printed as
 * BIND prints them (`\.`, `\032`), so that no name can be taken for another.
 *
 * threads  any: no state
 * source   RFC 1035 2.3, 3.1
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define DNS_NAME_BYTES_MAX 253
#define DNS_LABEL_BYTES_MAX 63
#define DNS_NAME_WIRE_BYTES_MAX 255

/* errors  ERR_INPUT "bad_name" with the name and what is wrong; `param` names the field */
bool dns_name_check(struct str name, const char *param, struct err *err);

/* Append the wire form of a checked name; "." is the root. */
void dns_name_add_wire(struct str name, struct buf *out);

/* Append the text of the uncompressed name at the head of `wire`; *ret_used are its bytes.
 * false: torn, compressed or too long. */
bool dns_name_print(struct str wire, struct buf *out, size_t *ret_used);

/* name is zone or ends in .zone, letters without case */
bool dns_name_within(struct str name, struct str zone);
