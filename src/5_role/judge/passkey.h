/* SPDX-License-Identifier: Apache-2.0
 *
 * passkey — the form of a consent, and whether its signature is good: by a key file, which signs
 * the text itself, or by a passkey, which signs that it was asked for the text's SHA-256 on one of
 * our pages. For the files of this folder only.
 *
 * The judge checks all of it from the bytes that the browser gave, with key, RP ID and origins of
 * its own site facts: whoever carried them here is believed in nothing.
 *
 * threads  the loop's only
 * source   docs/dashboard.md §4, docs/decisions/0010
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

/* Every field of the request's body; *ret_id is borrowed from it. errors  ERR_INPUT by field,
 * ERR_LIMIT too_large */
bool consent_form(json_t *body, struct str *ret_id, struct err *err);

/* Is the signature in `body` that of the key that door `approver` named, over `text`?
 * errors  ERR_DENIED, ERR_INPUT: it does not count; codes bad_signature, wrong_kind_of_key and
 * those of webauthn/webauthn.h */
bool consent_signed(const json_t *body, const json_t *approver, struct str text, struct err *err);

/* Puts into an entry's body what another needs to check the signature again, and the reason. */
void consent_evidence(const json_t *body, json_t *entry);
