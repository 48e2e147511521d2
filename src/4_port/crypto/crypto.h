/* SPDX-License-Identifier: Apache-2.0
 *
 * crypto — SHA-256 and Ed25519, by OpenSSL; nothing of our own.
 *
 * A public key on the wire is `ed25519:<base64 of 32 bytes>`; its key_id is the first 16 hex
 * digits of SHA-256 over the 32 bytes. A private key is a PEM file (PKCS#8), mode 0600.
 *
 * threads  any; one sign_key or sha256_stream by one thread at a time
 * errors   no memory, or an OpenSSL without these algorithms, panics: nothing can go on without
 * source   FIPS 180-4, RFC 8032, RFC 8410
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX_BYTES 65 /* with a terminator */
#define PUBLIC_KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define PUBLIC_KEY_TEXT_BYTES 53 /* "ed25519:" + 44 + terminator */
#define KEY_ID_BYTES 17          /* 16 digits and a terminator */
#define KEY_FILE_BYTES_MAX 4096

/* Of the parts one behind the other. Has the form of ledger_hash (3_domain/ledger). */
void sha256_parts(const struct str *parts, size_t count, uint8_t ret_digest[SHA256_BYTES]);
void sha256(struct str bytes, uint8_t ret_digest[SHA256_BYTES]);
void sha256_hex(struct str bytes, char ret_text[SHA256_HEX_BYTES]);

/* HMAC-SHA256. */
void hmac_sha256(struct str key, struct str text, uint8_t ret_code[SHA256_BYTES]);

/* For what does not fit in memory: open, add …, finish; done at any time. */
struct sha256_stream {
    void *context;
};
void sha256_stream_init(struct sha256_stream *stream);
void sha256_stream_add(struct sha256_stream *stream, struct str bytes);
/* Gives the digest; the stream is then empty again, as after init. */
void sha256_stream_finish(struct sha256_stream *stream, uint8_t ret_digest[SHA256_BYTES]);
void sha256_stream_done(struct sha256_stream *stream);

/* Takes as long for equal bytes as for others. */
bool crypto_equal(struct str a, struct str b);

/* A private key; the bytes never leave OpenSSL but into the file. */
struct sign_key;

void sign_key_make(struct sign_key **ret_key);
/* errors  ERR_SYSTEM no such file, readable by others; ERR_INPUT not PEM, not Ed25519, encrypted */
bool sign_key_load(const char *path, struct sign_key **ret_key, struct err *err);
/* Whole or not at all, 0600. errors  ERR_INPUT code "key_exists": a key is never overwritten;
 * ERR_SYSTEM */
bool sign_key_save(const struct sign_key *key, const char *path, struct err *err);
/* For scoped(). */
void sign_key_done(struct sign_key **key);

void sign_key_public(const struct sign_key *key, uint8_t ret_public[PUBLIC_KEY_BYTES]);
void sign_key_sign(
    const struct sign_key *key, struct str text, uint8_t ret_signature[SIGNATURE_BYTES]);

/* Not authentic is an answer, not an error. A length other than SIGNATURE_BYTES is not authentic.
 */
bool signature_authentic(
    const uint8_t public_key[PUBLIC_KEY_BYTES], struct str text, struct str signature);

void public_key_text(
    const uint8_t public_key[PUBLIC_KEY_BYTES], char ret_text[PUBLIC_KEY_TEXT_BYTES]);
/* errors  ERR_INPUT code "public_key_malformed" */
bool public_key_parse(struct str text, uint8_t ret_public[PUBLIC_KEY_BYTES], struct err *err);
void key_id_of(const uint8_t public_key[PUBLIC_KEY_BYTES], char ret_id[KEY_ID_BYTES]);
