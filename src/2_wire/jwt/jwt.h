/* SPDX-License-Identifier: Apache-2.0
 *
 * jwt — JSON Web Tokens in compact form: taken apart and read strictly, and written. No signature
 * is checked here: the caller finds the key by `kid`, compares `alg` with the key's own kind, and
 * verifies `signature` over `signed_text`.
 *
 *     scoped(jwt_done) struct jwt token = {0};
 *     if (!jwt_read(text, &token, err) || !jwt_check(&token.claims, &expected, err))
 *         return false;
 *
 * Accepted is only what jwt_write() could have written, in any order of members: a header of
 * alg, kid and typ "JWT"; claims iss, sub, aud, jti, iat, may be nbf, exp and `rights`, an object
 * that is handed on. Each refusal has its code; no message repeats the token.
 *
 *     jwt_too_large     more than JWT_BYTES_MAX, or a part more than its limit
 *     jwt_not_compact   not three parts of base64url without padding, each the only text of its
 *                       bytes
 *     jwt_duplicate     a member twice, in header or claims
 *     jwt_header        the header is no such object: other members (jwk, x5c, …), wrong types
 *     jwt_alg_none jwt_alg jwt_crit jwt_typ    this member of the header
 *     jwt_signature     not JWT_SIGNATURE_BYTES long
 *     jwt_claims        the claims are no such object, or a time is out of bounds, or exp ≤ iat
 *     jwt_issuer jwt_audience jwt_issued_ahead jwt_not_yet jwt_expired     by jwt_check()
 *
 * threads  any: no state
 * source   RFC 7515, RFC 7519, RFC 8037, RFC 8725
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

#define JWT_BYTES_MAX 4096
#define JWT_HEADER_BYTES_MAX 384  /* decoded */
#define JWT_CLAIMS_BYTES_MAX 2560 /* decoded */
#define JWT_SIGNATURE_BYTES 64
#define JWT_TEXT_BYTES 65         /* kid, iss, sub, aud, jti: 1 to 64 bytes and a terminator */
#define JWT_TIME_MAX 253402300799 /* the last second of the year 9999 */

enum jwt_alg { JWT_EDDSA, JWT_ES256 };

struct jwt_claims {
    char issuer[JWT_TEXT_BYTES], subject[JWT_TEXT_BYTES], audience[JWT_TEXT_BYTES];
    char id[JWT_TEXT_BYTES];
    int64_t issued_s;     /* since 1970 */
    int64_t not_before_s; /* 0: not said */
    int64_t expires_s;    /* 0: never */
    json_t *rights;       /* NULL: not there; owned */
};

struct jwt {
    enum jwt_alg alg; /* what it says of itself: believe the key instead */
    char kid[JWT_TEXT_BYTES];
    struct jwt_claims claims;
    struct str signed_text; /* borrowed from the text */
    uint8_t signature[JWT_SIGNATURE_BYTES];
};

/* errors  ERR_INPUT, ERR_LIMIT with the codes above */
bool jwt_read(struct str text, struct jwt *ret_jwt, struct err *err);
/* For scoped(). */
void jwt_done(struct jwt *jwt);

struct jwt_expected {
    const char *issuer, *audience;
    int64_t now_s;
    int64_t leeway_s; /* clocks may differ by so much */
};
bool jwt_check(
    const struct jwt_claims *claims, const struct jwt_expected *expected, struct err *err);

/* Append what must be signed, then with the signature it is whole. `rights` is only read.
 * errors  ERR_LIMIT jwt_too_large; ERR_INPUT jwt_claims: jwt_read() would refuse it. `out` is then
 * as it was */
bool jwt_write(enum jwt_alg alg, const char *kid, const struct jwt_claims *claims, struct buf *out,
    struct err *err);
void jwt_write_signature(struct buf *out, const uint8_t signature[JWT_SIGNATURE_BYTES]);

const char *jwt_alg_word(enum jwt_alg alg); /* "EdDSA", "ES256" */
bool jwt_alg_from(struct str word, enum jwt_alg *ret_alg);

/* RFC 4648 §5 without padding: one text for one value. */
void base64url_encode(struct str bytes, struct buf *out);
/* At most `bytes_max` bytes or false; *ret_count is then untouched. */
bool base64url_decode(struct str text, size_t bytes_max, void *ret_bytes, size_t *ret_count);
