/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_peer.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX 65535

enum tsig_error {
    TSIG_BADSIG = 16,
    TSIG_BADKEY = 17,
    TSIG_BADTIME = 18,
};

void dns_reply_done(struct dns_reply *reply)
{
    ldns_pkt_free(reply->packet);
    reply->packet = NULL;
}

void dns_peer_close(struct dns_peer *peer)
{
    fd_done(&peer->fd);
}

static int64_t reply_deadline_ms(const struct dns_peer *peer)
{
    int64_t at_ms = clock_steady_ms() + peer->timeout_ms;
    return at_ms < peer->deadline_ms ? at_ms : peer->deadline_ms;
}

static bool silent(const struct dns_peer *peer, const char *what, struct err *err)
{
    return err_code(err, ERR_PEER, "silent", "server",
        "name server %s:%d %s within %lld ms; look whether it runs and is not overloaded",
        peer->host, peer->port, what, (long long)peer->timeout_ms);
}

/* Until `events` are there or the time is over. */
static bool wait_for(const struct dns_peer *peer, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_steady_ms();
        struct pollfd at = {.fd = peer->fd, .events = events};
        if (left_ms <= 0)
            return false;
        int ready = poll(&at, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return true; /* the call that follows says why */
    }
}

static bool address_of(
    struct str host, int port, struct sockaddr_storage *ret_address, socklen_t *ret_bytes)
{
    char text[DNS_HOST_BYTES_MAX];
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;

    if (host.len >= sizeof text || port < 1 || port > UINT16_MAX)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_bytes = sizeof *v4;
        return true;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *ret_bytes = sizeof *v6;
    return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

static bool unreachable(const struct dns_peer *peer, int why, struct err *err)
{
    return err_code(err, ERR_PEER, "unreachable", "server",
        "cannot reach name server %s:%d: %s; look whether it runs", peer->host, peer->port,
        strerror(why));
}

bool dns_peer_open(struct dns_peer *peer, struct str host, int port, struct dns_tsig *tsig,
    int64_t timeout_ms, int64_t job_ms, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t bytes, why_bytes = sizeof(int);
    int why = 0, on = 1;

    if (!address_of(host, port, &address, &bytes))
        return err_code(err, ERR_INPUT, "bad_server", "server",
            "'%.*s' port %d is no name server; it must be an IP address and a port",
            STR(str_utf8_prefix(host)), port);
    struct dns_peer fresh = {.port = port,
        .fd = -1,
        .tsig = tsig,
        .timeout_ms = timeout_ms,
        .deadline_ms = clock_steady_ms() + job_ms};
    memcpy(fresh.host, host.at, host.len);
    fresh.fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fresh.fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot make a socket: %s", strerror(errno));
    (void)setsockopt(fresh.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fresh.fd, (struct sockaddr *)&address, bytes) != 0) {
        why = errno;
        if (why == EINPROGRESS && !wait_for(&fresh, POLLOUT, reply_deadline_ms(&fresh))) {
            dns_peer_close(&fresh);
            return silent(&fresh, "took no connection", err);
        }
        if (why == EINPROGRESS)
            (void)getsockopt(fresh.fd, SOL_SOCKET, SO_ERROR, &why, &why_bytes);
    }
    if (why != 0) {
        dns_peer_close(&fresh);
        return unreachable(&fresh, why, err);
    }
    *peer = fresh;
    return true;
}

static bool send_all(struct dns_peer *peer, struct str bytes, int64_t deadline_ms, struct err *err)
{
    while (bytes.len) {
        if (!wait_for(peer, POLLOUT, deadline_ms))
            return silent(peer, "did not take the message", err);
        ssize_t put = send(peer->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (put < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put < 0)
            return err_code(err, ERR_PEER, "closed", "server",
                "name server %s:%d closed the connection: %s", peer->host, peer->port,
                strerror(errno));
        peer->sent = true;
        bytes = (struct str){bytes.at + put, bytes.len - (size_t)put};
    }
    return true;
}

static bool receive_bytes(
    struct dns_peer *peer, size_t count, int64_t deadline_ms, struct buf *out, struct err *err)
{
    while (count) {
        char *room = buf_room(out, count);
        check(room);
        if (!wait_for(peer, POLLIN, deadline_ms))
            return silent(peer, "gave no answer", err);
        ssize_t got = recv(peer->fd, room, count, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return err_code(err, ERR_PEER, "closed", "server",
                "name server %s:%d closed the connection without an answer", peer->host,
                peer->port);
        out->len += (size_t)got;
        count -= (size_t)got;
    }
    return true;
}

bool dns_packet_read(struct str wire, ldns_pkt **ret_packet)
{
    ldns_pkt *packet = NULL;

    if (ldns_wire2pkt(&packet, (const uint8_t *)wire.at, wire.len) != LDNS_STATUS_OK)
        return false;
    *ret_packet = packet;
    return true;
}

static bool bad_reply(const struct dns_peer *peer, const char *what, struct err *err)
{
    return err_code(err, ERR_PEER, "bad_reply", "server",
        "name server %s:%d sent a reply that %s; it is not used", peer->host, peer->port, what);
}

/* An unsigned refusal may be anybody's; it is told, but nothing is concluded from it. */
static bool may_be_unsigned(const struct dns_reply *reply)
{
    unsigned rcode = ldns_pkt_get_rcode(reply->packet);

    return rcode == LDNS_RCODE_NOTAUTH || rcode == LDNS_RCODE_REFUSED ||
           rcode == LDNS_RCODE_SERVFAIL || rcode == LDNS_RCODE_FORMERR ||
           rcode == LDNS_RCODE_NOTIMPL;
}

static bool receive(struct dns_peer *peer, bool first, struct dns_reply *ret_reply, struct err *err)
{
    scoped(buf_done) struct buf wire = buf_of(MESSAGE_BYTES_MAX + 1);
    int64_t deadline_ms = reply_deadline_ms(peer);
    struct dns_reply reply = {0};

    if (!receive_bytes(peer, 2, deadline_ms, &wire, err))
        return false;
    size_t bytes = (size_t)((unsigned char)wire.at[0] << 8 | (unsigned char)wire.at[1]);
    buf_clear(&wire);
    if (!receive_bytes(peer, bytes, deadline_ms, &wire, err))
        return false;
    if (!dns_tsig_check(peer->tsig, first, &wire, &reply.seen) ||
        !dns_packet_read(buf_str(&wire), &reply.packet))
        return bad_reply(peer, "is torn", err);
    reply.authentic = !peer->tsig || reply.seen.state == DNS_TSIG_GOOD;
    if (!reply.authentic && !may_be_unsigned(&reply)) {
        dns_reply_done(&reply);
        return err_code(err, ERR_PEER, "bad_signature", "server",
            "name server %s:%d sent a reply that our key did not sign; it is not used", peer->host,
            peer->port);
    }
    *ret_reply = reply;
    return true;
}

static const char *wrong_with(const ldns_pkt *asked, const ldns_pkt *reply)
{
    const ldns_rr *ours = ldns_rr_list_rr(ldns_pkt_question(asked), 0);
    const ldns_rr *theirs = ldns_rr_list_rr(ldns_pkt_question(reply), 0);

    if (ldns_pkt_id(asked) != ldns_pkt_id(reply))
        return "has another id";
    if (!ldns_pkt_qr(reply) || ldns_pkt_get_opcode(asked) != ldns_pkt_get_opcode(reply))
        return "is none";
    if (ldns_pkt_tc(reply))
        return "is cut short";
    if (ldns_pkt_qdcount(reply) > 1)
        return "has several questions";
    if (theirs && (ldns_rr_get_type(ours) != ldns_rr_get_type(theirs) ||
                      ldns_dname_compare(ldns_rr_owner(ours), ldns_rr_owner(theirs)) != 0))
        return "answers another question";
    return NULL;
}

bool dns_peer_ask(
    struct dns_peer *peer, ldns_pkt *packet, struct dns_reply *ret_reply, struct err *err)
{
    scoped(buf_done) struct buf wire = buf_of(MESSAGE_BYTES_MAX + 2);
    scoped(free_done) uint8_t *plain = NULL;
    struct dns_reply reply;
    size_t bytes = 0;

    peer->sent = false;
    random_bytes(&peer->id, sizeof peer->id);
    ldns_pkt_set_id(packet, peer->id);
    if (ldns_pkt2wire(&plain, packet, &bytes) != LDNS_STATUS_OK)
        return err_code(
            err, ERR_LIMIT, "too_large", NULL, "the change does not fit into a DNS message");
    buf_add(&wire, (struct str){(const char *)plain, bytes});
    if (peer->tsig)
        dns_tsig_sign(peer->tsig, &wire);
    if (wire.overflowed || wire.len > MESSAGE_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "too_large", NULL,
            "the change does not fit into a DNS message of %d bytes", MESSAGE_BYTES_MAX);
    char head[2] = {(char)(wire.len >> 8), (char)(wire.len & 0xff)};
    int64_t deadline_ms = reply_deadline_ms(peer);
    if (!send_all(peer, (struct str){head, 2}, deadline_ms, err) ||
        !send_all(peer, buf_str(&wire), deadline_ms, err) || !receive(peer, true, &reply, err))
        return false;
    const char *wrong = wrong_with(packet, reply.packet);
    if (wrong) {
        dns_reply_done(&reply);
        return bad_reply(peer, wrong, err);
    }
    *ret_reply = reply;
    return true;
}

bool dns_peer_next(struct dns_peer *peer, struct dns_reply *ret_reply, struct err *err)
{
    struct dns_reply reply;

    if (!receive(peer, false, &reply, err))
        return false;
    if (ldns_pkt_id(reply.packet) != peer->id || !ldns_pkt_qr(reply.packet)) {
        dns_reply_done(&reply);
        return bad_reply(peer, "does not belong to this transfer", err);
    }
    *ret_reply = reply;
    return true;
}

static bool refused_by_key(
    const struct dns_peer *peer, const struct dns_reply *reply, struct err *err)
{
    int64_t ahead_s = reply->seen.server_ahead_s;

    switch (reply->seen.error) {
    case TSIG_BADSIG:
        return err_code(err, ERR_PEER, "tsig_badsig", "key",
            "name server %s:%d says BADSIG: it knows the key's name, but its secret is another",
            peer->host, peer->port);
    case TSIG_BADKEY:
        return err_code(err, ERR_PEER, "tsig_badkey", "key",
            "name server %s:%d says BADKEY: it has no key of this name and algorithm", peer->host,
            peer->port);
    case TSIG_BADTIME:
        return err_code(err, ERR_PEER, "tsig_badtime", "key",
            "name server %s:%d says BADTIME: its clock is %lld s %s ours; at most %d s are "
            "allowed, "
            "look at time synchronisation",
            peer->host, peer->port, (long long)(ahead_s < 0 ? -ahead_s : ahead_s),
            ahead_s < 0 ? "behind" : "ahead of", DNS_TSIG_FUDGE_S);
    default:
        return err_code(err, ERR_PEER, "tsig_refused", "key",
            "name server %s:%d refuses the signature with TSIG error %u", peer->host, peer->port,
            reply->seen.error);
    }
}

bool dns_reply_refused(
    const struct dns_peer *peer, const struct dns_reply *reply, struct str zone, struct err *err)
{
    static const struct {
        unsigned rcode;
        const char *code, *words;
    } WORDS[] = {
        {LDNS_RCODE_FORMERR,  "bad_format",    "FORMERR: it cannot read the message"              },
        {LDNS_RCODE_SERVFAIL, "server_failed", "SERVFAIL: it has a fault of its own; see its log" },
        {LDNS_RCODE_NXDOMAIN, "world_moved",   "NXDOMAIN: the name is not there any more"         },
        {LDNS_RCODE_NOTIMPL,  "unsupported",   "NOTIMP: it cannot do that"                        },
        {LDNS_RCODE_REFUSED,  "refused",       "REFUSED: its policy does not let this key do that"},
        {LDNS_RCODE_YXDOMAIN, "world_moved",   "YXDOMAIN: the name is there by now"               },
        {LDNS_RCODE_YXRRSET,  "world_moved",   "YXRRSET: records are there by now that should not"},
        {LDNS_RCODE_NXRRSET,  "world_moved",   "NXRRSET: the records are not as they were"        },
        {LDNS_RCODE_NOTAUTH,  "not_served",    "NOTAUTH: it does not serve this zone"             },
        {LDNS_RCODE_NOTZONE,  "not_zone",      "NOTZONE: a name lies outside of this zone"        },
    };
    unsigned rcode = ldns_pkt_get_rcode(reply->packet);

    if (rcode == LDNS_RCODE_NOTAUTH && reply->seen.error)
        return refused_by_key(peer, reply, err);
    for (size_t i = 0; i < COUNT(WORDS); i++)
        if (WORDS[i].rcode == rcode)
            return err_code(err, ERR_PEER, WORDS[i].code, "zone",
                "name server %s:%d says %s (zone '%.*s')", peer->host, peer->port, WORDS[i].words,
                STR(zone));
    return err_code(err, ERR_PEER, "server_failed", "zone",
        "name server %s:%d answers with code %u (zone '%.*s')", peer->host, peer->port, rcode,
        STR(zone));
}
