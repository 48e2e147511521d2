/* SPDX-License-Identifier: Apache-2.0
 *
 * passkey — is this assertion of this passkey good: all that webauthn.h reads and checks, and the
 * signature over it.
 *
 *     passkey_expect(&expected, WEBAUTHN_GET, challenge, origins, count, rp_id);
 *     if (!passkey_check(&expected, &key, &assertion, err)) …
 *
 * An ES256 signature is ECDSA on P-256 with SHA-256 in DER (the one DER text of two numbers, with
 * nothing behind it); an Ed25519 signature has 64 bytes.
 *
 * threads  any: no state
 * errors   as crypto.h
 */
#pragma once

#include "crypto/crypto.h"
#include "webauthn/webauthn.h"

/* `challenge`, `origins` and `rp_id` are borrowed. */
void passkey_expect(struct webauthn_expected *ret_expected, enum webauthn_ceremony ceremony,
    struct str challenge, const struct str *origins, size_t origin_count, struct str rp_id);

/* Is the signature that of `key` over authenticatorData ‖ SHA-256(clientDataJSON)? */
bool passkey_authentic(const struct webauthn_key *key, struct str authenticator_data,
    struct str client_data_json, struct str signature);

/* A whole assertion. errors  ERR_INPUT, ERR_DENIED with the codes of webauthn.h and, last,
 * "bad_signature" */
bool passkey_check(const struct webauthn_expected *expected, const struct webauthn_key *key,
    const struct webauthn_assertion *assertion, struct err *err);

/* A whole new credential (attestation is not looked at). *ret_said borrows from
 * `authenticator_data`. errors  as above, and "bad_credential_key" also for no point of its curve
 */
bool passkey_check_new(const struct webauthn_expected *expected, struct str authenticator_data,
    struct str client_data_json, struct webauthn_authenticator *ret_said, struct err *err);

/* A key of the site facts: its text, and that it is a point of its curve.
 * errors  ERR_INPUT "public_key_malformed" */
bool passkey_key_parse(struct str text, struct webauthn_key *ret_key, struct err *err);

/* First 16 hex digits of SHA-256 over the key's bytes. */
void passkey_key_id(const struct webauthn_key *key, char ret_id[KEY_ID_BYTES]);
