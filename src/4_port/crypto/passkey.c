/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/passkey.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/es256.h"

static struct str bytes_of(const uint8_t *at, size_t len)
{
    return (struct str){(const char *)at, len};
}

void passkey_expect(struct webauthn_expected *ret_expected, enum webauthn_ceremony ceremony,
    struct str challenge, const struct str *origins, size_t origin_count, struct str rp_id)
{
    *ret_expected = (struct webauthn_expected){.ceremony = ceremony,
        .challenge = challenge,
        .origins = origins,
        .origin_count = origin_count,
        .rp_id = rp_id};
    sha256(rp_id, ret_expected->rp_id_hash);
}

bool passkey_authentic(const struct webauthn_key *key, struct str authenticator_data,
    struct str client_data_json, struct str signature)
{
    scoped(buf_done) struct buf text =
        buf_of(WEBAUTHN_AUTHENTICATOR_BYTES_MAX + WEBAUTHN_HASH_BYTES);
    scoped(verifier_done) struct verifier *verifier = NULL;
    uint8_t digest[SHA256_BYTES];
    struct err err = {0};

    sha256(client_data_json, digest);
    webauthn_signed_bytes(authenticator_data, digest, &text);
    if (text.overflowed)
        return false;
    switch (key->kind) {
    case WEBAUTHN_ED25519:
        return signature_authentic(key->bytes, buf_str(&text), signature);
    case WEBAUTHN_ES256:
        return verifier_es256(key->bytes, &verifier, &err) &&
               verifier_authentic_der(verifier, buf_str(&text), signature);
    }
    panic("a passkey of kind %d", (int)key->kind);
}

bool passkey_check(const struct webauthn_expected *expected, const struct webauthn_key *key,
    const struct webauthn_assertion *assertion, struct err *err)
{
    struct str authenticator_data =
        bytes_of(assertion->authenticator, assertion->authenticator_len);
    struct str client_data = bytes_of(assertion->client, assertion->client_len);
    struct webauthn_authenticator said;
    struct webauthn_client client;

    if (!webauthn_client_read(client_data, &client, err) ||
        !webauthn_authenticator_read(authenticator_data, &said, err) ||
        !webauthn_check(expected, &client, &said, err))
        return false;
    if (!passkey_authentic(key, authenticator_data, client_data,
            bytes_of(assertion->signature, assertion->signature_len)))
        return err_code(err, ERR_DENIED, "bad_signature", "signature",
            "the signature is not that of this passkey over what it says");
    return true;
}

static bool is_point(const struct webauthn_key *key)
{
    scoped(verifier_done) struct verifier *verifier = NULL;
    struct err err = {0};

    return key->kind == WEBAUTHN_ED25519 || verifier_es256(key->bytes, &verifier, &err);
}

bool passkey_check_new(const struct webauthn_expected *expected, struct str authenticator_data,
    struct str client_data_json, struct webauthn_authenticator *ret_said, struct err *err)
{
    struct webauthn_authenticator said;
    struct webauthn_client client;

    if (!webauthn_client_read(client_data_json, &client, err) ||
        !webauthn_authenticator_read(authenticator_data, &said, err) ||
        !webauthn_check(expected, &client, &said, err))
        return false;
    if (!is_point(&said.key))
        return err_code(err, ERR_INPUT, "bad_credential_key", "authenticator_data",
            "the passkey's key is not a point of P-256");
    *ret_said = said;
    return true;
}

bool passkey_key_parse(struct str text, struct webauthn_key *ret_key, struct err *err)
{
    struct webauthn_key key;

    if (!webauthn_key_parse(text, &key, err))
        return false;
    if (!is_point(&key))
        return err_code(err, ERR_INPUT, "public_key_malformed", NULL,
            "the passkey's key in the site facts is not a point of P-256");
    *ret_key = key;
    return true;
}

void passkey_key_id(const struct webauthn_key *key, char ret_id[KEY_ID_BYTES])
{
    char digest[SHA256_HEX_BYTES];

    sha256_hex(bytes_of(key->bytes, key->len), digest);
    memcpy(ret_id, digest, KEY_ID_BYTES - 1);
    ret_id[KEY_ID_BYTES - 1] = '\0';
}
