/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_tsig — messages signed with a shared key (hmac-sha256), and replies checked against it.
 *
 * libldns can do both, but it takes the algorithm from the reply, compares without constant time
 * and leaves copies of the secret on the heap; so the MAC is made here, on OpenSSL, over the bytes
 * as they travel.
 *
 * owner    dns_tsig_done() wipes the secret
 * threads  one at a time
 * source   RFC 8945 4.2, 4.3, 5.2, 5.3.1
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "dns/dns_name.h"

#include <stdint.h>

#define DNS_TSIG_SECRET_BYTES_MAX 128
#define DNS_TSIG_SECRET_BYTES_MIN 16
#define DNS_TSIG_MAC_BYTES 32
#define DNS_TSIG_FUDGE_S 300

struct dns_tsig {
    char name_wire[DNS_NAME_WIRE_BYTES_MAX];
    size_t name_wire_bytes;
    uint8_t secret[DNS_TSIG_SECRET_BYTES_MAX];
    size_t secret_bytes;
    uint8_t mac[DNS_TSIG_MAC_BYTES]; /* of the message before, in either direction */
    int64_t clock_offset_s;          /* 0; a test may live in another time */
};

enum dns_tsig_state {
    DNS_TSIG_NONE, /* the message carries no signature */
    DNS_TSIG_GOOD, /* made with our key, over these bytes, now */
    DNS_TSIG_BAD,  /* anything else */
};

struct dns_tsig_seen {
    enum dns_tsig_state state;
    /* what the server says about our signature: 16 BADSIG, 17 BADKEY, 18 BADTIME */
    unsigned error;
    int64_t server_ahead_s; /* with 18: its clock minus ours; 0 if it did not say */
};

/* `secret` is base64 as tsig-keygen prints it. errors  ERR_INPUT "bad_name"; ERR_SYSTEM
 * "bad_secret" (never with its text) */
bool dns_tsig_init(struct dns_tsig *tsig, struct str key_name, struct str secret, struct err *err);
void dns_tsig_done(struct dns_tsig *tsig);

/* Append the signature to a whole message. */
void dns_tsig_sign(struct dns_tsig *tsig, struct buf *wire);

/* Look at the reply to what was signed last, and cut the signature off. `first` is false from the
 * second message of a transfer on. false: the message is torn. `tsig` may be NULL: only the
 * signature is cut off. */
bool dns_tsig_check(
    struct dns_tsig *tsig, bool first, struct buf *wire, struct dns_tsig_seen *ret_seen);
