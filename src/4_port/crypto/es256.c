/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/es256.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/key_file.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define CURVE "P-256"
#define CURVE_NAME "prime256v1" /* what OpenSSL calls it when asked */
#define HALF_BYTES (ES256_SIGNATURE_BYTES / 2)
#define DER_BYTES_MAX 80 /* SEQUENCE of two INTEGERs: at most 72 */

struct es256_key {
    EVP_PKEY *pair;
};

struct verifier {
    EVP_PKEY *key;
    bool es256;
};

static void context_done(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void signature_done(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static struct es256_key *key_of(EVP_PKEY *pair)
{
    struct es256_key *key = malloc(sizeof *key);

    check(key);
    key->pair = pair;
    return key;
}

void es256_key_make(struct es256_key **ret_key)
{
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "EC", CURVE);

    check(pair);
    *ret_key = key_of(pair);
}

static bool is_p256(const EVP_PKEY *pair)
{
    char name[32] = "";
    size_t len = 0;

    return EVP_PKEY_get_utf8_string_param(
               pair, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &len) == 1 &&
           strcmp(name, CURVE_NAME) == 0;
}

bool es256_key_load(const char *path, struct es256_key **ret_key, struct err *err)
{
    EVP_PKEY *pair = NULL;

    if (!key_file_load(path, "EC", "P-256", &pair, err))
        return false;
    if (!is_p256(pair)) {
        EVP_PKEY_free(pair);
        return err_code(err, ERR_INPUT, "key_malformed", NULL,
            "'%s' is a key of another curve than P-256", path);
    }
    *ret_key = key_of(pair);
    return true;
}

bool es256_key_save(const struct es256_key *key, const char *path, struct err *err)
{
    return key_file_save(key->pair, path, err);
}

void es256_key_done(struct es256_key **key)
{
    if (*key)
        EVP_PKEY_free((*key)->pair);
    free(*key);
    *key = NULL;
}

void es256_key_public(const struct es256_key *key, uint8_t ret_public[ES256_PUBLIC_BYTES])
{
    BIGNUM *x = NULL, *y = NULL;

    check(EVP_PKEY_get_bn_param(key->pair, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1);
    check(EVP_PKEY_get_bn_param(key->pair, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1);
    ret_public[0] = 4;
    check(BN_bn2binpad(x, ret_public + 1, HALF_BYTES) == HALF_BYTES);
    check(BN_bn2binpad(y, ret_public + 1 + HALF_BYTES, HALF_BYTES) == HALF_BYTES);
    BN_free(x);
    BN_free(y);
}

void es256_key_sign(
    const struct es256_key *key, struct str text, uint8_t ret_signature[ES256_SIGNATURE_BYTES])
{
    scoped(context_done) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[DER_BYTES_MAX];
    const uint8_t *at = der;
    size_t len = sizeof der;

    check(context && EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key->pair, NULL));
    check(EVP_DigestSign(context, der, &len, (const uint8_t *)text.at, text.len) == 1);
    scoped(signature_done) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    check(signature);
    check(BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_signature, HALF_BYTES) == HALF_BYTES);
    check(BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_signature + HALF_BYTES, HALF_BYTES) ==
          HALF_BYTES);
}

static struct verifier *verifier_of(EVP_PKEY *key, bool es256)
{
    struct verifier *verifier = malloc(sizeof *verifier);

    check(verifier);
    *verifier = (struct verifier){.key = key, .es256 = es256};
    return verifier;
}

bool verifier_es256(
    const uint8_t public_key[ES256_PUBLIC_BYTES], struct verifier **ret_verifier, struct err *err)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    char group[] = CURVE;
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)public_key, ES256_PUBLIC_BYTES),
        OSSL_PARAM_construct_end(),
    };

    check(context && EVP_PKEY_fromdata_init(context) == 1);
    bool good =
        public_key[0] == 4 && EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parts) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!good) {
        EVP_PKEY_free(key);
        return err_code(err, ERR_INPUT, "public_key_malformed", NULL,
            "the %d bytes are not an uncompressed point of P-256", ES256_PUBLIC_BYTES);
    }
    *ret_verifier = verifier_of(key, true);
    return true;
}

void verifier_ed25519(const uint8_t public_key[PUBLIC_KEY_BYTES], struct verifier **ret_verifier)
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, PUBLIC_KEY_BYTES);

    check(key);
    *ret_verifier = verifier_of(key, false);
}

void verifier_done(struct verifier **verifier)
{
    if (*verifier)
        EVP_PKEY_free((*verifier)->key);
    free(*verifier);
    *verifier = NULL;
}

/* r and s as DER, which is what OpenSSL checks. */
static size_t der_of(const uint8_t raw[ES256_SIGNATURE_BYTES], uint8_t ret_der[DER_BYTES_MAX])
{
    scoped(signature_done) ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, HALF_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(raw + HALF_BYTES, HALF_BYTES, NULL);
    uint8_t *at = ret_der;

    check(signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1);
    int len = i2d_ECDSA_SIG(signature, &at);
    check(len > 0 && len <= DER_BYTES_MAX);
    return (size_t)len;
}

static bool is_authentic(const struct verifier *verifier, struct str text, struct str signature)
{
    scoped(context_done) EVP_MD_CTX *context = EVP_MD_CTX_new();

    check(context && EVP_DigestVerifyInit_ex(context, NULL, verifier->es256 ? "SHA256" : NULL, NULL,
                         NULL, verifier->key, NULL) == 1);
    bool authentic = EVP_DigestVerify(context, (const uint8_t *)signature.at, signature.len,
                         (const uint8_t *)text.at, text.len) == 1;
    ERR_clear_error();
    return authentic;
}

bool verifier_authentic(const struct verifier *verifier, struct str text, struct str signature)
{
    uint8_t der[DER_BYTES_MAX];

    if (signature.len != ES256_SIGNATURE_BYTES)
        return false;
    if (verifier->es256)
        signature = (struct str){(const char *)der, der_of((const uint8_t *)signature.at, der)};
    return is_authentic(verifier, text, signature);
}

/* OpenSSL takes only the one DER text of r and s: it writes what it read again and compares. */
bool verifier_authentic_der(const struct verifier *verifier, struct str text, struct str signature)
{
    check(verifier->es256);
    return signature.len <= DER_BYTES_MAX && is_authentic(verifier, text, signature);
}
