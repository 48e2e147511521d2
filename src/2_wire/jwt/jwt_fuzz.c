/* SPDX-License-Identifier: Apache-2.0
 * Property: what is read can be written and read again as the same; no text is read beyond its
 * end; base64url has one text for one value. The input is a token, or (first byte 'J') the JSON of
 * its two parts with a newline between, so that the fuzzer need not learn base64.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "jwt/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct jwt *a, const struct jwt *b)
{
    check(a->alg == b->alg && strcmp(a->kid, b->kid) == 0);
    check(strcmp(a->claims.issuer, b->claims.issuer) == 0);
    check(strcmp(a->claims.subject, b->claims.subject) == 0);
    check(strcmp(a->claims.audience, b->claims.audience) == 0);
    check(strcmp(a->claims.id, b->claims.id) == 0);
    check(a->claims.issued_s == b->claims.issued_s);
    check(a->claims.not_before_s == b->claims.not_before_s);
    check(a->claims.expires_s == b->claims.expires_s);
    check(!a->claims.rights == !b->claims.rights);
    check(!a->claims.rights || json_equal(a->claims.rights, b->claims.rights));
}

static void read_one(struct str text)
{
    scoped(jwt_done) struct jwt token = {0}, again = {0};
    scoped(buf_done) struct buf out = buf_of(JWT_BYTES_MAX);
    struct jwt_expected expected = {"logic-node", "gateway", 1700000000, 60};
    struct err err = {0};

    if (!jwt_read(text, &token, &err)) {
        check(strncmp(err.code, "jwt_", 4) == 0);
        return;
    }
    check(token.signed_text.len < text.len && token.signed_text.at == text.at);
    (void)jwt_check(&token.claims, &expected, &err);
    if (!jwt_write(token.alg, token.kid, &token.claims, &out, &err)) {
        check(strcmp(err.code, "jwt_too_large") == 0); /* escapes may need more room than UTF-8 */
        return;
    }
    jwt_write_signature(&out, token.signature);
    check(jwt_read(buf_str(&out), &again, &err));
    same(&token, &again);
    check(memcmp(token.signature, again.signature, sizeof token.signature) == 0);
}

static void wrap(struct str text)
{
    static const uint8_t SIGNATURE[JWT_SIGNATURE_BYTES] = {1, 2, 3};
    scoped(buf_done) struct buf out = buf_of(2 * JWT_BYTES_MAX);
    struct str claims, header = str_cut(text, '\n', &claims);

    base64url_encode(header, &out);
    buf_add_char(&out, '.');
    base64url_encode(claims, &out);
    jwt_write_signature(&out, SIGNATURE);
    read_one(buf_str(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size};
    scoped(free_done) char *bytes = malloc(size + 1);
    scoped(buf_done) struct buf text = buf_of(2 * size + 8);
    size_t count = 0;

    check(bytes);
    if (base64url_decode(all, size, bytes, &count)) {
        base64url_encode((struct str){bytes, count}, &text);
        check(str_eq(buf_str(&text), all));
    }
    if (size && data[0] == 'J')
        wrap((struct str){all.at + 1, all.len - 1});
    else
        read_one(all);
    return 0;
}
