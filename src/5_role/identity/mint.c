/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/mint.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "os/random.h"

void mint_key_make(enum jwt_alg alg, struct mint_key *ret_key)
{
    *ret_key = (struct mint_key){.alg = alg};
    if (alg == JWT_ES256)
        es256_key_make(&ret_key->es256);
    else
        sign_key_make(&ret_key->ed25519);
}

bool mint_key_load(enum jwt_alg alg, const char *path, struct mint_key *ret_key, struct err *err)
{
    struct mint_key key = {.alg = alg};

    if (!(alg == JWT_ES256 ? es256_key_load(path, &key.es256, err)
                           : sign_key_load(path, &key.ed25519, err)))
        return false;
    *ret_key = key;
    return true;
}

bool mint_key_save(const struct mint_key *key, const char *path, struct err *err)
{
    return key->alg == JWT_ES256 ? es256_key_save(key->es256, path, err)
                                 : sign_key_save(key->ed25519, path, err);
}

void mint_key_done(struct mint_key *key)
{
    es256_key_done(&key->es256);
    sign_key_done(&key->ed25519);
}

json_t *mint_key_row(const struct mint_key *key)
{
    uint8_t public[ES256_PUBLIC_BYTES];
    scoped(buf_done) struct buf text = buf_of(BASE64_LENGTH(ES256_PUBLIC_BYTES) + 1);
    char hex[SHA256_HEX_BYTES];
    size_t len = key->alg == JWT_ES256 ? ES256_PUBLIC_BYTES : PUBLIC_KEY_BYTES;

    if (key->alg == JWT_ES256)
        es256_key_public(key->es256, public);
    else
        sign_key_public(key->ed25519, public);
    sha256_hex((struct str){(const char *)public, len}, hex);
    hex[KEY_ID_BYTES - 1] = '\0';
    base64_encode((struct str){(const char *)public, len}, &text);
    json_t *row = json_pack(
        "{s:s, s:s, s:s}", "kid", hex, "alg", jwt_alg_word(key->alg), "public", buf_text(&text));
    check(row);
    return row;
}

bool mint_jwt(const struct mint_key *key, const char *kid, const struct jwt_claims *claims,
    struct buf *out, struct err *err)
{
    uint8_t signature[JWT_SIGNATURE_BYTES];
    size_t from = out->len;

    if (!jwt_write(key->alg, kid, claims, out, err))
        return false;
    struct str text = {out->at + from, out->len - from};
    if (key->alg == JWT_ES256)
        es256_key_sign(key->es256, text, signature);
    else
        sign_key_sign(key->ed25519, text, signature);
    jwt_write_signature(out, signature);
    return true;
}

void mint_opaque(struct buf *out)
{
    uint8_t bytes[MINT_RANDOM_BYTES];

    random_bytes(bytes, sizeof bytes);
    buf_add(out, S(MINT_OPAQUE_MARK));
    base64url_encode((struct str){(const char *)bytes, sizeof bytes}, out);
}

void mint_id(char ret_id[MINT_ID_BYTES])
{
    uint8_t bytes[(MINT_ID_BYTES - 1) / 2];

    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, ret_id);
}
