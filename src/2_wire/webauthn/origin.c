/* SPDX-License-Identifier: Apache-2.0
 *
 * Origins and RP IDs: what a page calls itself, and for whom a passkey was made. */
#include "webauthn/webauthn.h"

#include "base/scoped.h"
#include "coding/coding.h"

#include <arpa/inet.h>
#include <stdio.h>

#define PORT_HTTP 80
#define PORT_HTTPS 443
#define LABEL_BYTES_MAX 63
#define ADDRESS_BYTES 64

static bool is_label(struct str label)
{
    if (!label.len || label.len > LABEL_BYTES_MAX || label.at[0] == '-' ||
        label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.at[i]) || !label.at[i])
            return false;
    return true;
}

/* A domain name; its last label is no number, or browsers take it for an address. */
static bool is_name(struct str name, size_t *ret_labels)
{
    struct str rest = name, label = {0};
    size_t labels = 0;

    if (!name.len || name.len > WEBAUTHN_RP_ID_BYTES_MAX || name.at[name.len - 1] == '.')
        return false;
    while (rest.len) {
        label = str_cut(rest, '.', &rest);
        if (!is_label(label))
            return false;
        labels++;
    }
    *ret_labels = labels;
    return label.at[0] < '0' || label.at[0] > '9';
}

/* An address in the one text that inet_ntop() gives it, which is the browsers' too. */
static bool is_address(int family, struct str host)
{
    char text[ADDRESS_BYTES], again[ADDRESS_BYTES];
    uint8_t bytes[sizeof(struct in6_addr)];

    if (host.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", STR(host));
    return strlen(text) == host.len && inet_pton(family, text, bytes) == 1 &&
           inet_ntop(family, bytes, again, sizeof again) && strcmp(text, again) == 0;
}

static bool bad_origin(struct str text, struct err *err)
{
    return err_code(err, ERR_INPUT, "bad_origin", "origin",
        "'%.*s' is no origin: write https://name[:port] in lower case, with nothing behind it and "
        "no port that the scheme implies",
        text.len > 100 ? 100 : (int)text.len, text.len ? text.at : "");
}

static bool read_port(struct str text, bool has_port, bool tls, uint16_t *ret_port)
{
    uint64_t port = tls ? PORT_HTTPS : PORT_HTTP;

    if (has_port && (!str_to_u64(text, UINT16_MAX, &port) || port == 0 ||
                        port == (tls ? PORT_HTTPS : PORT_HTTP)))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool webauthn_origin_read(struct str text, struct webauthn_origin *ret_origin, struct err *err)
{
    bool tls = str_starts(text, S("https://"));
    struct str head = tls ? S("https://") : S("http://"), rest, port = {0};
    struct webauthn_origin origin = {.tls = tls};
    size_t labels = 0;

    if (!str_starts(text, head) || text.len >= WEBAUTHN_ORIGIN_BYTES)
        return bad_origin(text, err);
    rest = (struct str){text.at + head.len, text.len - head.len};
    bool bracket = str_starts(rest, S("["));
    if (bracket)
        rest = (struct str){rest.at + 1, rest.len - 1};
    origin.host = str_cut(rest, bracket ? ']' : ':', &port);
    bool more = origin.host.len < rest.len; /* something follows the host: the mark at least */
    if (bracket && more && port.len) {      /* "]:port" */
        if (port.at[0] != ':')
            return bad_origin(text, err);
        port = (struct str){port.at + 1, port.len - 1};
    } else if (bracket) {
        if (!more)
            return bad_origin(text, err);
        more = false;
    }
    bool name = !bracket && is_name(origin.host, &labels);
    if ((!name && !is_address(bracket ? AF_INET6 : AF_INET, origin.host)) ||
        !read_port(port, more, tls, &origin.port))
        return bad_origin(text, err);
    origin.passkeys = name && (tls || str_eq(origin.host, S("localhost")) ||
                                  str_ends(origin.host, S(".localhost")));
    *ret_origin = origin;
    return true;
}

bool webauthn_rp_fits(struct str host, struct str rp_id)
{
    size_t labels = 0, host_labels = 0;

    if (!is_name(rp_id, &labels) || !is_name(host, &host_labels))
        return false;
    if (str_eq(host, rp_id))
        return true;
    return labels >= 2 && host.len > rp_id.len && str_ends(host, rp_id) &&
           host.at[host.len - rp_id.len - 1] == '.';
}

/* --- keys as text --------------------------------------------------------------------------- */

static const struct {
    const char *mark;
    size_t bytes;
} KINDS[] = {[WEBAUTHN_ES256] = {"es256:", 65}, [WEBAUTHN_ED25519] = {"ed25519:", 32}};

void webauthn_key_text(const struct webauthn_key *key, char ret_text[WEBAUTHN_KEY_TEXT_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(WEBAUTHN_KEY_TEXT_BYTES);

    buf_add(&text, str_from(KINDS[key->kind].mark));
    base64_encode((struct str){(const char *)key->bytes, key->len}, &text);
    snprintf(ret_text, WEBAUTHN_KEY_TEXT_BYTES, "%s", buf_text(&text));
}

bool webauthn_key_parse(struct str text, struct webauthn_key *ret_key, struct err *err)
{
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct str mark = str_from(KINDS[i].mark);
        struct webauthn_key key = {.kind = (enum webauthn_kind)i};
        if (str_starts(text, mark) &&
            base64_decode((struct str){text.at + mark.len, text.len - mark.len}, sizeof key.bytes,
                key.bytes, &key.len) &&
            key.len == KINDS[i].bytes && (i != WEBAUTHN_ES256 || key.bytes[0] == 4)) {
            *ret_key = key;
            return true;
        }
    }
    return err_code(err, ERR_INPUT, "public_key_malformed", NULL,
        "'%.*s' is no passkey's key: es256: and the base64 of a point of 65 bytes, or ed25519: and "
        "that of 32",
        text.len > 100 ? 100 : (int)text.len, text.len ? text.at : "");
}
