/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_peer — one TCP conversation with one name server: questions out, checked replies in.
 *
 * Blocking on purpose (a worker thread runs it), never beyond its time limits. A reply is taken
 * only with our random id, our question, and our key's signature if we signed.
 *
 * owner    dns_peer_close()
 * threads  one at a time; any number of peers
 */
#pragma once

#include "dns/dns_tsig.h"

#include <ldns/ldns.h>

#define DNS_HOST_BYTES_MAX 64

struct dns_peer {
    char host[DNS_HOST_BYTES_MAX];
    int port;
    int fd;
    uint16_t id;           /* of the last question */
    struct dns_tsig *tsig; /* NULL: unsigned */
    int64_t timeout_ms;    /* for one reply */
    int64_t deadline_ms;   /* for all of it, steady */
    /* the last message left us whole or in part: without a reply its effect is unknown */
    bool sent;
};

struct dns_reply {
    ldns_pkt *packet;
    struct dns_tsig_seen seen;
    bool authentic; /* unsigned, or signed by our key as it had to be */
};

void dns_reply_done(struct dns_reply *reply);

/* `host` is an IP address. errors  ERR_INPUT "bad_server"; ERR_PEER "unreachable", "silent" */
bool dns_peer_open(struct dns_peer *peer, struct str host, int port, struct dns_tsig *tsig,
    int64_t timeout_ms, int64_t job_ms, struct err *err);
/* Destructor for scoped(). */
void dns_peer_close(struct dns_peer *peer);

/* Send the packet (takes a new random id), receive the reply. The reply may be an error of the
 * server's: see dns_reply_refused(). errors  ERR_PEER "silent", "closed", "bad_reply",
 * "bad_signature" */
bool dns_peer_ask(
    struct dns_peer *peer, ldns_pkt *packet, struct dns_reply *ret_reply, struct err *err);

/* The next message of a transfer. */
bool dns_peer_next(struct dns_peer *peer, struct dns_reply *ret_reply, struct err *err);

/* Always false: the reply's code as an error, each with its own `code` and what to do. `zone` for
 * the words.
 * codes  tsig_badsig tsig_badkey tsig_badtime not_served refused server_failed not_zone bad_format
 *        unsupported world_moved */
bool dns_reply_refused(
    const struct dns_peer *peer, const struct dns_reply *reply, struct str zone, struct err *err);

/* Bytes from the net (signature cut off) as a packet; false if they are none. Also the fuzzer's
 * door. */
bool dns_packet_read(struct str wire, ldns_pkt **ret_packet);
