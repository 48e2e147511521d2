/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_tsig.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HEADER_BYTES 12
#define TYPE_TSIG 250
#define CLASS_ANY 255
#define MESSAGE_BYTES_MAX 65535
#define DIGEST_BYTES_MAX (MESSAGE_BYTES_MAX + 1024)
#define BADTIME 18

static const struct str ALGORITHM = {"\x0bhmac-sha256", 13}; /* with the root label */

/* The fields of a TSIG record, RFC 8945 4.2. */
struct tsig_record {
    struct str owner, algorithm, mac, other;
    uint64_t signed_at_s;
    unsigned fudge_s, original_id, error;
};

static void add_number(struct buf *out, uint64_t number, unsigned bytes)
{
    while (bytes--)
        buf_add_char(out, (char)(number >> (8 * bytes) & 0xff));
}

static bool take(struct str *rest, size_t bytes, struct str *ret)
{
    if (rest->len < bytes)
        return false;
    *ret = (struct str){rest->at, bytes};
    *rest = (struct str){rest->at + bytes, rest->len - bytes};
    return true;
}

static bool take_number(struct str *rest, unsigned bytes, uint64_t *ret_number)
{
    struct str at;
    uint64_t number = 0;

    if (!take(rest, bytes, &at))
        return false;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)at.at[i];
    *ret_number = number;
    return true;
}

static bool take_name(struct str *rest, struct str *ret_wire)
{
    scoped(buf_done) struct buf text = buf_of(4 * DNS_NAME_WIRE_BYTES_MAX);
    size_t used;

    return dns_name_print(*rest, &text, &used) && take(rest, used, ret_wire);
}

/* Over a name that may end in a pointer. */
static bool skip_name(struct str *rest)
{
    struct str skipped;
    uint64_t length;

    for (;;) {
        if (!take_number(rest, 1, &length))
            return false;
        if (length == 0)
            return true;
        if (length >= 0xc0)
            return take(rest, 1, &skipped);
        if (length > DNS_LABEL_BYTES_MAX || !take(rest, (size_t)length, &skipped))
            return false;
    }
}

static bool skip_record(struct str *rest, uint64_t *ret_type)
{
    struct str skipped;
    uint64_t data_bytes;

    return skip_name(rest) && take_number(rest, 2, ret_type) && take(rest, 6, &skipped) &&
           take_number(rest, 2, &data_bytes) && take(rest, (size_t)data_bytes, &skipped);
}

/* *ret_at: where the last record of the additional section starts if it is a TSIG, else the
 * message's length. */
static bool find_tsig(struct str wire, size_t *ret_at)
{
    struct str rest = wire;
    uint64_t ignored, questions, records = 0, additional, type = 0, count;
    size_t at = wire.len;

    if (!take_number(&rest, 4, &ignored) || !take_number(&rest, 2, &questions))
        return false;
    for (int section = 0; section < 3; section++) {
        if (!take_number(&rest, 2, &count))
            return false;
        records += count;
        additional = count;
    }
    for (; questions; questions--) {
        struct str skipped;
        if (!skip_name(&rest) || !take(&rest, 4, &skipped))
            return false;
    }
    for (; records; records--) {
        at = wire.len - rest.len;
        if (!skip_record(&rest, &type))
            return false;
    }
    *ret_at = type == TYPE_TSIG && additional > 0 ? at : wire.len;
    return rest.len == 0;
}

static bool read_tsig(struct str rest, struct tsig_record *ret)
{
    uint64_t number, bytes;
    struct str skipped;

    if (!take_name(&rest, &ret->owner) || !take(&rest, 10, &skipped) ||
        !take_name(&rest, &ret->algorithm) || !take_number(&rest, 6, &ret->signed_at_s) ||
        !take_number(&rest, 2, &number))
        return false;
    ret->fudge_s = (unsigned)number;
    if (!take_number(&rest, 2, &bytes) || !take(&rest, (size_t)bytes, &ret->mac) ||
        !take_number(&rest, 2, &number))
        return false;
    ret->original_id = (unsigned)number;
    if (!take_number(&rest, 2, &number))
        return false;
    ret->error = (unsigned)number;
    return take_number(&rest, 2, &bytes) && take(&rest, (size_t)bytes, &ret->other) &&
           rest.len == 0;
}

bool dns_tsig_init(struct dns_tsig *tsig, struct str key_name, struct str secret, struct err *err)
{
    scoped(buf_done) struct buf wire = buf_of(DNS_NAME_WIRE_BYTES_MAX);
    uint8_t raw[DNS_TSIG_SECRET_BYTES_MAX + 3];

    if (!dns_name_check(key_name, "key", err))
        return false;
    *tsig = (struct dns_tsig){0};
    dns_name_add_wire(key_name, &wire);
    for (size_t i = 0; i < wire.len; i++) /* canonical: lower case; label lengths are below 'A' */
        tsig->name_wire[i] = (char)tolower((unsigned char)wire.at[i]);
    tsig->name_wire_bytes = wire.len;
    secret = str_trim(secret);
    int got = -1;
    if (secret.len % 4 == 0 && secret.len / 4 * 3 <= sizeof raw)
        got = EVP_DecodeBlock(raw, (const unsigned char *)secret.at, (int)secret.len);
    for (size_t i = secret.len; got > 0 && i > 0 && secret.at[i - 1] == '='; i--)
        got--;
    bool fine = got >= DNS_TSIG_SECRET_BYTES_MIN && got <= DNS_TSIG_SECRET_BYTES_MAX;
    if (fine) {
        memcpy(tsig->secret, raw, (size_t)got);
        tsig->secret_bytes = (size_t)got;
    }
    explicit_bzero(raw, sizeof raw);
    if (!fine)
        return err_code(err, ERR_SYSTEM, "bad_secret", "key",
            "the secret of key '%.*s' is not base64 of %d to %d bytes; store it as tsig-keygen "
            "prints it",
            STR(key_name), DNS_TSIG_SECRET_BYTES_MIN, DNS_TSIG_SECRET_BYTES_MAX);
    return true;
}

void dns_tsig_done(struct dns_tsig *tsig)
{
    explicit_bzero(tsig, sizeof *tsig);
}

static void make_mac(const struct dns_tsig *tsig, struct str digest, uint8_t *ret_mac)
{
    unsigned bytes = 0;

    if (!HMAC(EVP_sha256(), tsig->secret, (int)tsig->secret_bytes, (const unsigned char *)digest.at,
            digest.len, ret_mac, &bytes))
        panic("HMAC-SHA256 failed");
    check(bytes == DNS_TSIG_MAC_BYTES);
}

static void add_variables(const struct dns_tsig *tsig, const struct tsig_record *record,
    bool timers_only, struct buf *digest)
{
    if (!timers_only) {
        buf_add(digest, (struct str){tsig->name_wire, tsig->name_wire_bytes});
        add_number(digest, CLASS_ANY, 2);
        add_number(digest, 0, 4);
        buf_add(digest, ALGORITHM);
    }
    add_number(digest, record->signed_at_s, 6);
    add_number(digest, record->fudge_s, 2);
    if (!timers_only) {
        add_number(digest, record->error, 2);
        add_number(digest, record->other.len, 2);
        buf_add(digest, record->other);
    }
}

static void add_to_additional_count(struct buf *wire, int difference)
{
    unsigned count = (unsigned)((unsigned char)wire->at[10] << 8 | (unsigned char)wire->at[11]) +
                     (unsigned)difference;
    wire->at[10] = (char)(count >> 8);
    wire->at[11] = (char)(count & 0xff);
}

static uint64_t now_s(const struct dns_tsig *tsig)
{
    return (uint64_t)(clock_civil_ms() / 1000 + tsig->clock_offset_s);
}

void dns_tsig_sign(struct dns_tsig *tsig, struct buf *wire)
{
    scoped(buf_done) struct buf digest = buf_of(DIGEST_BYTES_MAX);
    struct tsig_record record = {.signed_at_s = now_s(tsig), .fudge_s = DNS_TSIG_FUDGE_S};

    check(wire->len >= HEADER_BYTES);
    buf_add(&digest, buf_str(wire));
    add_variables(tsig, &record, false, &digest);
    make_mac(tsig, buf_str(&digest), tsig->mac);
    struct str id = {
        (char[2]){wire->at[0], wire->at[1]},
        2
    };
    buf_add(wire, (struct str){tsig->name_wire, tsig->name_wire_bytes});
    add_number(wire, TYPE_TSIG, 2);
    add_number(wire, CLASS_ANY, 2);
    add_number(wire, 0, 4);
    add_number(wire, ALGORITHM.len + 10 + DNS_TSIG_MAC_BYTES + 6, 2);
    buf_add(wire, ALGORITHM);
    add_number(wire, record.signed_at_s, 6);
    add_number(wire, record.fudge_s, 2);
    add_number(wire, DNS_TSIG_MAC_BYTES, 2);
    buf_add(wire, (struct str){(const char *)tsig->mac, DNS_TSIG_MAC_BYTES});
    buf_add(wire, id);
    add_number(wire, 0, 4); /* error, other */
    add_to_additional_count(wire, 1);
}

/* `wire` is without its signature by now. */
static bool mac_is_good(
    struct dns_tsig *tsig, bool first, const struct buf *wire, const struct tsig_record *record)
{
    scoped(buf_done) struct buf digest = buf_of(DIGEST_BYTES_MAX);
    uint8_t mac[DNS_TSIG_MAC_BYTES];
    int64_t apart_s = (int64_t)record->signed_at_s - (int64_t)now_s(tsig);

    if (record->mac.len != DNS_TSIG_MAC_BYTES || !str_eq_nocase(record->algorithm, ALGORITHM) ||
        !str_eq_nocase(record->owner, (struct str){tsig->name_wire, tsig->name_wire_bytes}))
        return false;
    add_number(&digest, DNS_TSIG_MAC_BYTES, 2);
    buf_add(&digest, (struct str){(const char *)tsig->mac, DNS_TSIG_MAC_BYTES});
    add_number(&digest, record->original_id, 2);
    buf_add(&digest, (struct str){wire->at + 2, wire->len - 2});
    add_variables(tsig, record, !first, &digest);
    make_mac(tsig, buf_str(&digest), mac);
    if (digest.overflowed || CRYPTO_memcmp(mac, record->mac.at, sizeof mac) != 0)
        return false;
    memcpy(tsig->mac, mac, sizeof mac);
    return apart_s <= DNS_TSIG_FUDGE_S && apart_s >= -DNS_TSIG_FUDGE_S;
}

bool dns_tsig_check(
    struct dns_tsig *tsig, bool first, struct buf *wire, struct dns_tsig_seen *ret_seen)
{
    struct tsig_record record;
    struct dns_tsig_seen seen = {.state = DNS_TSIG_NONE};
    size_t at;

    if (wire->len < HEADER_BYTES || !find_tsig(buf_str(wire), &at))
        return false;
    if (at < wire->len) {
        if (!read_tsig((struct str){wire->at + at, wire->len - at}, &record))
            return false;
        wire->len = at; /* the record's slices stay valid behind it */
        add_to_additional_count(wire, -1);
        seen.error = record.error;
        struct str other = record.other;
        uint64_t server_s;
        if (tsig && record.error == BADTIME && take_number(&other, 6, &server_s))
            seen.server_ahead_s = (int64_t)server_s - (int64_t)now_s(tsig);
        seen.state = tsig && mac_is_good(tsig, first, wire, &record) ? DNS_TSIG_GOOD : DNS_TSIG_BAD;
    }
    *ret_seen = seen;
    return true;
}
