/* SPDX-License-Identifier: Apache-2.0
 *
 * order — the signed text by which the actuator has an agent do one thing, once: both ends.
 *
 *     {"order":"{…canonical JSON…}","signature":"<base64 of Ed25519 over these bytes>"}
 *     {"case","expires_at_ms","host","job","nonce","v":1}
 *
 * The private half is the value of secret:agent/order, the base64 of the 32 bytes that RFC 8032
 * begins with; the agent has the public half in its configuration, "ed25519:…". Pure: no clock, no
 * memory of nonces (the agent keeps one), no sockets.
 *
 * owner    order_done() releases what order_read() gave
 * threads  any: no state
 * source   RFC 8032, docs/inference.md, section 5
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"

#include <jansson.h>
#include <stdint.h>

#define ORDER_SEED_TEXT_BYTES 45 /* base64 of 32 bytes, and a terminator */
#define ORDER_BYTES_MAX (64 * 1024)
#define ORDER_BODY_BYTES_MAX (2 * ORDER_BYTES_MAX + 1024) /* as a JSON string it may double */
#define ORDER_LIFE_MS_MAX 600000                          /* from now; longer is no order */
#define ORDER_NONCE_BYTES_MAX 64
#define ORDER_CASE_BYTES_MAX 64

struct order {
    struct str host, case_id, nonce; /* [A-Za-z0-9_-] */
    int64_t expires_at_ms;           /* civil */
    json_t *job;
    json_t *whole; /* what they lie in */
};

/* A new private half. */
void order_seed_make(char ret_seed[ORDER_SEED_TEXT_BYTES]);
/* errors  ERR_SYSTEM "bad_secret": not the base64 of 32 bytes */
bool order_seed_public(struct str seed, uint8_t ret_public[PUBLIC_KEY_BYTES], struct err *err);

/* The body of the request, appended. errors  ERR_SYSTEM "bad_secret"; ERR_INPUT "not_canonical";
 * ERR_LIMIT "too_large" */
bool order_write(const struct order *order, struct str seed, struct buf *out, struct err *err);

/* All but the nonce's memory: the body is one order, signed by the owner of `public_key`, for
 * `host`, still valid at `now_ms` and not for longer than ORDER_LIFE_MS_MAX.
 * errors  ERR_DENIED "bad_order" "bad_signature" "wrong_host" "expired" "too_long_valid" */
bool order_read(struct str body, const uint8_t public_key[PUBLIC_KEY_BYTES], const char *host,
    int64_t now_ms, struct order *ret_order, struct err *err);
void order_done(struct order *order);
