/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "crypto/key_file.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define PUBLIC_KEY_MARK "ed25519:"

struct sign_key {
    EVP_PKEY *pair;
};

static void context_done(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void pair_done(EVP_PKEY **pair)
{
    EVP_PKEY_free(*pair);
}

static struct sign_key *key_of(EVP_PKEY *pair)
{
    struct sign_key *key = malloc(sizeof *key);

    check(key);
    key->pair = pair;
    return key;
}

void sign_key_make(struct sign_key **ret_key)
{
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    check(pair);
    *ret_key = key_of(pair);
}

void sign_key_done(struct sign_key **key)
{
    if (*key)
        EVP_PKEY_free((*key)->pair);
    free(*key);
    *key = NULL;
}

bool sign_key_load(const char *path, struct sign_key **ret_key, struct err *err)
{
    EVP_PKEY *pair = NULL;

    if (!key_file_load(path, "ED25519", "Ed25519", &pair, err))
        return strcmp(err->code, "key_malformed") == 0
                   ? err_code(err, ERR_INPUT, "key_malformed", NULL,
                         "'%s' is not an unencrypted Ed25519 private key in PEM: make one with "
                         "logicctl key new",
                         path)
                   : false;
    *ret_key = key_of(pair);
    return true;
}

bool sign_key_save(const struct sign_key *key, const char *path, struct err *err)
{
    return key_file_save(key->pair, path, err);
}

void sign_key_public(const struct sign_key *key, uint8_t ret_public[PUBLIC_KEY_BYTES])
{
    size_t len = PUBLIC_KEY_BYTES;

    check(EVP_PKEY_get_raw_public_key(key->pair, ret_public, &len) == 1);
    check(len == PUBLIC_KEY_BYTES);
}

void sign_key_sign(
    const struct sign_key *key, struct str text, uint8_t ret_signature[SIGNATURE_BYTES])
{
    scoped(context_done) EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = SIGNATURE_BYTES;

    check(context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1);
    check(EVP_DigestSign(context, ret_signature, &len, (const uint8_t *)text.at, text.len) == 1);
    check(len == SIGNATURE_BYTES);
}

bool signature_authentic(
    const uint8_t public_key[PUBLIC_KEY_BYTES], struct str text, struct str signature)
{
    if (signature.len != SIGNATURE_BYTES)
        return false;
    scoped(pair_done) EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, PUBLIC_KEY_BYTES);
    scoped(context_done) EVP_MD_CTX *context = EVP_MD_CTX_new();
    check(key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1);
    bool authentic = EVP_DigestVerify(context, (const uint8_t *)signature.at, signature.len,
                         (const uint8_t *)text.at, text.len) == 1;
    ERR_clear_error();
    return authentic;
}

void public_key_text(
    const uint8_t public_key[PUBLIC_KEY_BYTES], char ret_text[PUBLIC_KEY_TEXT_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(PUBLIC_KEY_TEXT_BYTES);

    buf_add(&text, S(PUBLIC_KEY_MARK));
    base64_encode((struct str){(const char *)public_key, PUBLIC_KEY_BYTES}, &text);
    check(text.len + 1 == PUBLIC_KEY_TEXT_BYTES);
    memcpy(ret_text, buf_text(&text), PUBLIC_KEY_TEXT_BYTES);
}

bool public_key_parse(struct str text, uint8_t ret_public[PUBLIC_KEY_BYTES], struct err *err)
{
    uint8_t bytes[PUBLIC_KEY_BYTES];
    size_t count = 0;
    struct str mark = S(PUBLIC_KEY_MARK);

    if (!str_starts(text, mark) ||
        !base64_decode(
            (struct str){text.at + mark.len, text.len - mark.len}, sizeof bytes, bytes, &count) ||
        count != sizeof bytes)
        return err_code(err, ERR_INPUT, "public_key_malformed", NULL,
            "'%.*s' is not a public key: it must be ed25519: and the base64 of %d bytes",
            text.len > 80 ? 80 : (int)text.len, text.len ? text.at : "", PUBLIC_KEY_BYTES);
    memcpy(ret_public, bytes, sizeof bytes);
    return true;
}

void key_id_of(const uint8_t public_key[PUBLIC_KEY_BYTES], char ret_id[KEY_ID_BYTES])
{
    char digest[SHA256_HEX_BYTES];

    sha256_hex((struct str){(const char *)public_key, PUBLIC_KEY_BYTES}, digest);
    memcpy(ret_id, digest, KEY_ID_BYTES - 1);
    ret_id[KEY_ID_BYTES - 1] = '\0';
}
