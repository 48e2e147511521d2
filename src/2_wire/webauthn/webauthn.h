/* SPDX-License-Identifier: Apache-2.0
 *
 * webauthn — what a passkey says, read strictly, and held against what it must say. No signature is
 * checked and nothing hashed here: crypto/passkey.h does both, and is what most callers want.
 *
 *     if (!webauthn_client_read(client_data, &client, err) ||
 *         !webauthn_authenticator_read(authenticator_data, &said, err) ||
 *         !webauthn_check(&expected, &client, &said, err))
 *         return false;
 *
 * Each refusal has its code; no message repeats what came from outside but an origin.
 *
 *     not_base64url           a member of the request is not base64url without padding (param)
 *     bad_client_data         clientDataJSON is not JSON that json_read() reads, or a member of it
 *                             is missing or of the wrong type
 *     bad_authenticator_data  too short, too long, or bytes behind its end; its CBOR is not
 *                             canonical; a backup flag that cannot be; a key where none belongs
 *     bad_credential_key      the COSE key is of another kind than the two below, or spelled
 *                             otherwise
 *     bad_type bad_challenge bad_origin cross_origin     clientDataJSON says something else
 *     bad_rp                  made for another site: rpIdHash, or an RP ID that is not of this
 *                             origin
 *     not_present not_verified     flag UP or UV is missing: nobody touched it, or it did not ask
 *                             who it is
 *
 * threads  any: no state
 * source   Web Authentication level 2 §5.8.1, §6.1, §6.5.1, §7; RFC 8152 §13; CTAP 2.1 §8
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define WEBAUTHN_CLIENT_BYTES_MAX 2048
#define WEBAUTHN_AUTHENTICATOR_BYTES_MAX 1024
#define WEBAUTHN_SIGNATURE_BYTES_MAX 256
#define WEBAUTHN_CREDENTIAL_BYTES_MAX 512
#define WEBAUTHN_CHALLENGE_BYTES_MAX 64
#define WEBAUTHN_ORIGIN_BYTES 256    /* with a terminator */
#define WEBAUTHN_RP_ID_BYTES_MAX 253 /* a domain name */
#define WEBAUTHN_HASH_BYTES 32       /* SHA-256 */
#define WEBAUTHN_KEY_BYTES_MAX 65    /* 4, x, y */
#define WEBAUTHN_KEY_TEXT_BYTES 97   /* "ed25519:" or "es256:", base64 and a terminator */
#define WEBAUTHN_AAGUID_BYTES 16
/* Characters of base64url for `count` bytes. */
#define WEBAUTHN_TEXT_LENGTH(count) (((count)*4 + 2) / 3)

enum webauthn_ceremony { WEBAUTHN_CREATE, WEBAUTHN_GET };
enum webauthn_kind { WEBAUTHN_ES256, WEBAUTHN_ED25519 };

/* A credential's public key. Whether it is a point of its curve is for crypto/passkey.h. */
struct webauthn_key {
    enum webauthn_kind kind;
    size_t len; /* 65 or 32 */
    uint8_t bytes[WEBAUTHN_KEY_BYTES_MAX];
};

struct webauthn_client {
    enum webauthn_ceremony ceremony;
    bool other_ceremony; /* neither create nor get: webauthn_check() refuses it */
    bool cross_origin;   /* crossOrigin is true, or a topOrigin is named */
    char origin[WEBAUTHN_ORIGIN_BYTES];
    size_t challenge_len;
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES_MAX];
};

enum {
    WEBAUTHN_PRESENT = 0x01,
    WEBAUTHN_VERIFIED = 0x04,
    WEBAUTHN_MAY_BE_BACKED_UP = 0x08,
    WEBAUTHN_BACKED_UP = 0x10,
    WEBAUTHN_ATTESTED = 0x40, /* a new credential follows */
    WEBAUTHN_EXTENDED = 0x80,
};

struct webauthn_authenticator {
    uint8_t rp_id_hash[WEBAUTHN_HASH_BYTES];
    uint8_t flags; /* reserved bits are ignored, as the standard wishes */
    uint32_t counter;
    /* With WEBAUTHN_ATTESTED only. */
    uint8_t aaguid[WEBAUTHN_AAGUID_BYTES];
    struct str credential_id; /* borrowed */
    struct webauthn_key key;
};

/* At most WEBAUTHN_CLIENT_BYTES_MAX bytes. Members besides type, challenge, origin, crossOrigin and
 * topOrigin are allowed and ignored; one that stands twice is not. */
bool webauthn_client_read(struct str text, struct webauthn_client *ret_client, struct err *err);

/* All of `bytes`, at most WEBAUTHN_AUTHENTICATOR_BYTES_MAX; extensions are read over. */
bool webauthn_authenticator_read(
    struct str bytes, struct webauthn_authenticator *ret_said, struct err *err);

struct webauthn_expected {
    enum webauthn_ceremony ceremony;
    struct str challenge; /* its bytes */
    const struct str *origins;
    size_t origin_count;
    struct str rp_id;
    uint8_t rp_id_hash[WEBAUTHN_HASH_BYTES]; /* SHA-256 of rp_id */
};

/* Of a credential that was just created, and of an assertion: everything but the signature.
 * errors  ERR_DENIED, with the codes from bad_type on; ERR_INPUT bad_authenticator_data */
bool webauthn_check(const struct webauthn_expected *expected, const struct webauthn_client *client,
    const struct webauthn_authenticator *said, struct err *err);

/* What an assertion's signature is over. */
void webauthn_signed_bytes(struct str authenticator_data,
    const uint8_t client_data_sha256[WEBAUTHN_HASH_BYTES], struct buf *out);

/* An assertion as it came: three texts of base64url made bytes. */
struct webauthn_assertion {
    size_t authenticator_len, client_len, signature_len;
    uint8_t authenticator[WEBAUTHN_AUTHENTICATOR_BYTES_MAX];
    uint8_t client[WEBAUTHN_CLIENT_BYTES_MAX];
    uint8_t signature[WEBAUTHN_SIGNATURE_BYTES_MAX];
};
/* errors  ERR_INPUT not_base64url, ERR_LIMIT too_large; param: authenticator_data,
 * client_data_json or signature. *ret_assertion may be scribbled on. */
bool webauthn_assertion_read(struct str authenticator_data, struct str client_data_json,
    struct str signature, struct webauthn_assertion *ret_assertion, struct err *err);

/* What a page calls itself: scheme://host[:port], as a browser writes it: lower case, nothing
 * behind it, no port that the scheme implies. */
struct webauthn_origin {
    bool tls;
    bool passkeys;   /* browsers give passkeys to it: https with a name, or localhost */
    struct str host; /* borrowed; without brackets of an IPv6 address */
    uint16_t port;
};
/* errors  ERR_INPUT "bad_origin" */
bool webauthn_origin_read(struct str text, struct webauthn_origin *ret_origin, struct err *err);

/* May a page of this host use credentials of this RP ID: the host itself, or a parent domain of at
 * least two labels. (That a browser refuses more, such as co.uk, is the browser's.) */
bool webauthn_rp_fits(struct str host, struct str rp_id);

/* `es256:BASE64` of 65 bytes, `ed25519:BASE64` of 32, as in the site facts. */
void webauthn_key_text(const struct webauthn_key *key, char ret_text[WEBAUTHN_KEY_TEXT_BYTES]);
/* errors  ERR_INPUT "public_key_malformed" */
bool webauthn_key_parse(struct str text, struct webauthn_key *ret_key, struct err *err);
