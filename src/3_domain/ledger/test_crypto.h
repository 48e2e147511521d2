/* SPDX-License-Identifier: Apache-2.0
 *
 * test_crypto — real SHA-256 and Ed25519 for this floor's tests, which may not see 4_port/crypto.
 */
#pragma once

#include "base/panic.h"
#include "ledger/chain.h"

#include <openssl/evp.h>

static void test_sha256(const struct str *parts, size_t count, uint8_t ret_digest[DIGEST_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    check(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < count; i++)
        check(EVP_DigestUpdate(context, parts[i].at, parts[i].len) == 1);
    check(EVP_DigestFinal_ex(context, ret_digest, NULL) == 1);
    EVP_MD_CTX_free(context);
}

static bool test_authentic(const uint8_t public_key[32], struct str text, struct str signature)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    check(key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1);
    bool authentic = EVP_DigestVerify(context, (const uint8_t *)signature.at, signature.len,
                         (const uint8_t *)text.at, text.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return authentic;
}

static const struct ledger_crypto CRYPTO = {test_sha256, test_authentic};
