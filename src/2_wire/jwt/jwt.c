/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jwt.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <stdio.h>

#define TYPE "JWT"

static const char *const ALGS[] = {[JWT_EDDSA] = "EdDSA", [JWT_ES256] = "ES256"};

const char *jwt_alg_word(enum jwt_alg alg)
{
    return ALGS[alg];
}

bool jwt_alg_from(struct str word, enum jwt_alg *ret_alg)
{
    for (size_t i = 0; i < COUNT(ALGS); i++)
        if (str_eq(word, str_from(ALGS[i]))) {
            *ret_alg = (enum jwt_alg)i;
            return true;
        }
    return false;
}

void base64url_encode(struct str bytes, struct buf *out)
{
    size_t from = out->len;

    base64_encode(bytes, out);
    while (out->len > from && out->at[out->len - 1] == '=')
        out->len--;
    for (size_t i = from; i < out->len; i++)
        out->at[i] = (char)(out->at[i] == '+' ? '-' : out->at[i] == '/' ? '_' : out->at[i]);
}

bool base64url_decode(struct str text, size_t bytes_max, void *ret_bytes, size_t *ret_count)
{
    char padded[BASE64_LENGTH(JWT_BYTES_MAX)];
    size_t len = text.len;

    if (len % 4 == 1 || len + 2 > sizeof padded)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.at[i];
        if (c == '+' || c == '/' || c == '=')
            return false;
        padded[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (len % 4)
        padded[len++] = '=';
    return base64_decode((struct str){padded, len}, bytes_max, ret_bytes, ret_count);
}

/* One part as a JSON object; `code` is for what is none. */
static bool read_part(
    struct str part, size_t bytes_max, const char *code, json_t **ret_object, struct err *err)
{
    char bytes[JWT_CLAIMS_BYTES_MAX];
    size_t len = 0;

    check(bytes_max <= sizeof bytes);
    if (part.len > (bytes_max * 4 + 2) / 3)
        return err_code(err, ERR_LIMIT, "jwt_too_large", NULL,
            "a part of the token has more than %zu bytes", bytes_max);
    if (part.len == 0 || !base64url_decode(part, bytes_max, bytes, &len))
        return err_code(err, ERR_INPUT, "jwt_not_compact", NULL,
            "a part of the token is not base64url without padding");
    if (json_read((struct str){bytes, len}, bytes_max, ret_object, err))
        return true;
    bool twice = strstr(err->message, "duplicate");
    return err_code(err, ERR_INPUT, twice ? "jwt_duplicate" : code, NULL,
        twice ? "a part of the token has a member twice"
              : "a part of the token is not a JSON object that we read");
}

static void keep(char ret_text[JWT_TEXT_BYTES], struct str text)
{
    snprintf(ret_text, JWT_TEXT_BYTES, "%.*s", STR(text));
}

static bool read_header(const json_t *header, struct jwt *jwt, struct err *err)
{
    struct str alg = {0}, kid = {0}, type = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("alg", &alg, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("kid", &kid, 1, JWT_TEXT_BYTES - 1),
        JSON_MAY_TEXT("typ", &type, 0, JWT_TEXT_BYTES - 1),
    };
    const json_t *said = json_object_get(header, "alg");

    if (str_eq_nocase(str_from(json_string_value(said)), S("none")))
        return err_code(
            err, ERR_INPUT, "jwt_alg_none", "alg", "a token without signature is no token");
    if (json_object_get(header, "crit"))
        return err_code(err, ERR_INPUT, "jwt_crit", "crit",
            "the token names critical extensions; none is known here");
    if (!json_take(header, fields, COUNT(fields), err))
        return err_code(err, ERR_INPUT, "jwt_header", NULL,
            "the token's header must have alg, kid and typ, and nothing else");
    if (!str_eq(type, S(TYPE)))
        return err_code(
            err, ERR_INPUT, "jwt_typ", "typ", "the token's header must say typ \"" TYPE "\"");
    if (!jwt_alg_from(alg, &jwt->alg))
        return err_code(
            err, ERR_INPUT, "jwt_alg", "alg", "the token's algorithm must be EdDSA or ES256");
    keep(jwt->kid, kid);
    return true;
}

static bool read_claims(const json_t *object, struct jwt_claims *claims, struct err *err)
{
    struct str issuer = {0}, subject = {0}, audience = {0}, id = {0};
    json_t *rights = NULL;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("iss", &issuer, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("sub", &subject, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("aud", &audience, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("jti", &id, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_INTEGER("iat", &claims->issued_s, 1, JWT_TIME_MAX),
        JSON_MAY_INTEGER("nbf", &claims->not_before_s, 1, JWT_TIME_MAX),
        JSON_MAY_INTEGER("exp", &claims->expires_s, 1, JWT_TIME_MAX),
        JSON_MAY_OBJECT("rights", &rights),
    };

    if (!json_take(object, fields, COUNT(fields), err) ||
        (claims->expires_s && claims->expires_s <= claims->issued_s))
        return err_code(err, ERR_INPUT, "jwt_claims", NULL,
            "the token's claims must be iss, sub, aud, jti (text), iat (whole seconds), and may "
            "be nbf, exp behind iat, and rights");
    keep(claims->issuer, issuer);
    keep(claims->subject, subject);
    keep(claims->audience, audience);
    keep(claims->id, id);
    claims->rights = json_incref(rights);
    return true;
}

static bool read_signature(struct str part, struct jwt *jwt, struct err *err)
{
    size_t len = 0;

    if (base64url_decode(part, sizeof jwt->signature, jwt->signature, &len) &&
        len == sizeof jwt->signature)
        return true;
    return err_code(err, ERR_INPUT, "jwt_signature", NULL,
        "the token's signature is not %d bytes of base64url", JWT_SIGNATURE_BYTES);
}

bool jwt_read(struct str text, struct jwt *ret_jwt, struct err *err)
{
    scoped(json_done) json_t *header = NULL, *claims = NULL;
    struct str rest, signature, head = str_cut(text, '.', &rest);
    struct str body = str_cut(rest, '.', &signature);
    struct jwt jwt = {0};

    if (text.len > JWT_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "jwt_too_large", NULL,
            "the token has %zu bytes; at most %d are read", text.len, JWT_BYTES_MAX);
    size_t dots = 0;
    for (size_t i = 0; i < text.len; i++)
        dots += text.at[i] == '.';
    if (dots != 2)
        return err_code(
            err, ERR_INPUT, "jwt_not_compact", NULL, "the token has not three parts with dots");
    if (!read_part(head, JWT_HEADER_BYTES_MAX, "jwt_header", &header, err) ||
        !read_header(header, &jwt, err) || !read_signature(signature, &jwt, err) ||
        !read_part(body, JWT_CLAIMS_BYTES_MAX, "jwt_claims", &claims, err) ||
        !read_claims(claims, &jwt.claims, err))
        return false;
    jwt.signed_text = (struct str){text.at, head.len + 1 + body.len};
    *ret_jwt = jwt;
    return true;
}

void jwt_done(struct jwt *jwt)
{
    json_decref(jwt->claims.rights);
    jwt->claims.rights = NULL;
}

bool jwt_check(
    const struct jwt_claims *claims, const struct jwt_expected *expected, struct err *err)
{
    int64_t latest = expected->now_s + expected->leeway_s;

    if (strcmp(claims->issuer, expected->issuer) != 0)
        return err_code(
            err, ERR_INPUT, "jwt_issuer", "iss", "the token was issued by somebody else");
    if (strcmp(claims->audience, expected->audience) != 0)
        return err_code(err, ERR_INPUT, "jwt_audience", "aud", "the token is meant for others");
    if (claims->issued_s > latest)
        return err_code(err, ERR_INPUT, "jwt_issued_ahead", "iat",
            "the token was issued in the future; are the clocks right?");
    if (claims->not_before_s > latest)
        return err_code(err, ERR_INPUT, "jwt_not_yet", "nbf", "the token is not valid yet");
    if (claims->expires_s && claims->expires_s <= expected->now_s - expected->leeway_s)
        return err_code(err, ERR_INPUT, "jwt_expired", "exp", "the token has expired");
    return true;
}

/* {"alg","kid","typ"} and the claims, as JSON texts. */
static bool texts_of(enum jwt_alg alg, const char *kid, const struct jwt_claims *claims,
    struct buf *header, struct buf *body, struct err *err)
{
    scoped(json_done) json_t *head =
        json_pack("{s:s, s:s, s:s}", "alg", jwt_alg_word(alg), "kid", kid, "typ", TYPE);
    scoped(json_done) json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:I}", "iss", claims->issuer, "sub", claims->subject, "aud",
            claims->audience, "jti", claims->id, "iat", (json_int_t)claims->issued_s);

    if (!head || !object)
        return err_code(err, ERR_INPUT, "jwt_claims", NULL, "a text of the token is not UTF-8");
    if (claims->not_before_s)
        check(json_object_set_new(object, "nbf", json_integer(claims->not_before_s)) == 0);
    if (claims->expires_s)
        check(json_object_set_new(object, "exp", json_integer(claims->expires_s)) == 0);
    if (claims->rights)
        check(json_object_set(object, "rights", claims->rights) == 0);
    if (json_plain(head, header, err) && json_plain(object, body, err))
        return true;
    return err_code(err, ERR_LIMIT, "jwt_too_large", NULL,
        "the token's claims need more than %d bytes: name fewer models, or use a pattern",
        JWT_CLAIMS_BYTES_MAX);
}

bool jwt_write(enum jwt_alg alg, const char *kid, const struct jwt_claims *claims, struct buf *out,
    struct err *err)
{
    static const uint8_t NO_SIGNATURE[JWT_SIGNATURE_BYTES];
    scoped(buf_done) struct buf header = buf_of(JWT_HEADER_BYTES_MAX);
    scoped(buf_done) struct buf body = buf_of(JWT_CLAIMS_BYTES_MAX);
    scoped(buf_done) struct buf text = buf_of(JWT_BYTES_MAX);
    scoped(jwt_done) struct jwt back = {0};

    if (!texts_of(alg, kid, claims, &header, &body, err))
        return false;
    base64url_encode(buf_str(&header), &text);
    buf_add_char(&text, '.');
    base64url_encode(buf_str(&body), &text);
    size_t len = text.len;
    jwt_write_signature(&text, NO_SIGNATURE);
    if (text.overflowed || len > out->bytes_max - out->len)
        return err_code(err, ERR_LIMIT, "jwt_too_large", NULL,
            "the token would have more than %d bytes", JWT_BYTES_MAX);
    if (!jwt_read(buf_str(&text), &back, err)) /* nothing is issued that would be refused */
        return false;
    buf_add(out, (struct str){text.at, len});
    return true;
}

void jwt_write_signature(struct buf *out, const uint8_t signature[JWT_SIGNATURE_BYTES])
{
    buf_add_char(out, '.');
    base64url_encode((struct str){(const char *)signature, JWT_SIGNATURE_BYTES}, out);
}
