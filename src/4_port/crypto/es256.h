/* SPDX-License-Identifier: Apache-2.0
 *
 * es256 — ECDSA on P-256 with SHA-256, in the form of JWS; and a public key of either kind made
 * ready once for many signatures.
 *
 * A public key is the uncompressed point (0x04, x, y); a signature is r and s, 32 bytes each. Both
 * s and n - s are authentic: a signature is not unique, so never use one as a name. A private key
 * is a PEM file (PKCS#8), mode 0600.
 *
 * threads  any; one key or verifier by one thread at a time
 * errors   as crypto.h
 * source   FIPS 186-4, RFC 7518 §3.4, SEC 1 §2.3.3
 */
#pragma once

#include "crypto/crypto.h"

#define ES256_PUBLIC_BYTES 65
#define ES256_SIGNATURE_BYTES 64

struct es256_key;

void es256_key_make(struct es256_key **ret_key);
/* errors  as sign_key_load(); also another curve is "key_malformed" */
bool es256_key_load(const char *path, struct es256_key **ret_key, struct err *err);
/* errors  as sign_key_save() */
bool es256_key_save(const struct es256_key *key, const char *path, struct err *err);
/* For scoped(). */
void es256_key_done(struct es256_key **key);

void es256_key_public(const struct es256_key *key, uint8_t ret_public[ES256_PUBLIC_BYTES]);
void es256_key_sign(
    const struct es256_key *key, struct str text, uint8_t ret_signature[ES256_SIGNATURE_BYTES]);

/* A public key made ready: the checks of a P-256 point cost more than a signature does. */
struct verifier;

/* errors  ERR_INPUT code "public_key_malformed": not a point of the curve */
bool verifier_es256(
    const uint8_t public_key[ES256_PUBLIC_BYTES], struct verifier **ret_verifier, struct err *err);
void verifier_ed25519(const uint8_t public_key[PUBLIC_KEY_BYTES], struct verifier **ret_verifier);
/* For scoped(). */
void verifier_done(struct verifier **verifier);

/* Not authentic is an answer, not an error. Another length than 64 is not authentic. */
bool verifier_authentic(const struct verifier *verifier, struct str text, struct str signature);

/* The same of an ES256 verifier for a signature as WebAuthn carries it: r and s in DER. Another DER
 * text of the same numbers, or bytes behind it, is not authentic. */
bool verifier_authentic_der(const struct verifier *verifier, struct str text, struct str signature);
