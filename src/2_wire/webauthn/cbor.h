/* SPDX-License-Identifier: Apache-2.0
 *
 * cbor — just so much CBOR as an authenticator's data needs; for the files of this folder only.
 *
 * A credential's key has two forms, and canonical CBOR (CTAP 2.1 §8) spells each in one way, so a
 * key is read by comparing it with its frame; what is left is to find the end of the extensions'
 * map. libcbor would be more code here, not less: it accepts numbers that are longer than needed,
 * indefinite lengths and keys that stand twice, builds a tree of what we read over, and what it
 * writes again keeps the odd spelling, so that not even a comparison would find it.
 */
#pragma once

#include "webauthn/webauthn.h"

#define CBOR_DEPTH_MAX 4 /* canonical CBOR of CTAP goes no deeper */

/* A COSE key at the beginning of `bytes`; *ret_len is how many it takes. */
bool cbor_key_read(struct str bytes, struct webauthn_key *ret_key, size_t *ret_len);

/* One map in canonical form, and nothing behind it: definite lengths, shortest heads, keys of one
 * order and therefore once each, UTF-8, no tags, no floating point. */
bool cbor_is_map(struct str bytes);
