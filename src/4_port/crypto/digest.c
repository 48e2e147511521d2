/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

static EVP_MD *sha256_method;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* Fetching costs more than hashing a short line: once per process. */
static void fetch_sha256(void)
{
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
    check(sha256_method);
}

static void context_done(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static EVP_MD_CTX *context_new(void)
{
    pthread_once(&sha256_once, fetch_sha256);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    check(context && EVP_DigestInit_ex2(context, sha256_method, NULL) == 1);
    return context;
}

void sha256_parts(const struct str *parts, size_t count, uint8_t ret_digest[SHA256_BYTES])
{
    scoped(context_done) EVP_MD_CTX *context = context_new();

    for (size_t i = 0; i < count; i++)
        check(EVP_DigestUpdate(context, parts[i].at, parts[i].len) == 1);
    check(EVP_DigestFinal_ex(context, ret_digest, NULL) == 1);
}

void sha256(struct str bytes, uint8_t ret_digest[SHA256_BYTES])
{
    sha256_parts(&bytes, 1, ret_digest);
}

void sha256_hex(struct str bytes, char ret_text[SHA256_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];

    sha256(bytes, digest);
    hex_encode(digest, sizeof digest, ret_text);
}

void hmac_sha256(struct str key, struct str text, uint8_t ret_code[SHA256_BYTES])
{
    unsigned length = SHA256_BYTES;

    if (!HMAC(EVP_sha256(), key.at, (int)key.len, (const unsigned char *)text.at, text.len,
            ret_code, &length))
        panic("HMAC-SHA256 failed");
}

void sha256_stream_init(struct sha256_stream *stream)
{
    stream->context = context_new();
}

void sha256_stream_add(struct sha256_stream *stream, struct str bytes)
{
    check(EVP_DigestUpdate(stream->context, bytes.at, bytes.len) == 1);
}

void sha256_stream_finish(struct sha256_stream *stream, uint8_t ret_digest[SHA256_BYTES])
{
    check(EVP_DigestFinal_ex(stream->context, ret_digest, NULL) == 1);
    check(EVP_DigestInit_ex2(stream->context, sha256_method, NULL) == 1);
}

void sha256_stream_done(struct sha256_stream *stream)
{
    EVP_MD_CTX_free(stream->context);
    stream->context = NULL;
}

bool crypto_equal(struct str a, struct str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.at, b.at, a.len) == 0;
}
