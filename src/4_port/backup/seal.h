/* SPDX-License-Identifier: Apache-2.0
 *
 * seal — what leaves the node's home is closed to all but the one who holds the recovery key.
 *
 * The recovery key is an X25519 pair: the public half lies in HOME/keys/recovery.pub and can only
 * close; the private half is printed once and kept on paper. Two ways of closing:
 *
 *     a chunk      AES-256-GCM under HMAC-SHA256(secret of the node, its text): equal text gives
 *                  equal bytes (so that backups of little change are little), each key has one text
 *     the manifest AES-256-GCM under HKDF-SHA256(X25519(ephemeral, recovery), both public halves)
 *
 * A bad bit anywhere is found. It is not shown who closed it: a public half is enough for that.
 *
 * threads  any: no state
 * errors   no memory, or an OpenSSL without these algorithms, panics
 * source   RFC 7748, RFC 5869, NIST SP 800-38D, RFC 4648 section 6
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define SEAL_KEY_BYTES 32
#define SEAL_TAG_BYTES 16
#define SEAL_CHUNK_BYTES_MAX (128u << 10)
/* What zlib may add to text that does not shrink, and the tag. */
#define SEAL_SEALED_BYTES_MAX (SEAL_CHUNK_BYTES_MAX + 1024 + SEAL_TAG_BYTES)
#define RECOVERY_TEXT_BYTES 75        /* "LNR1", 14 times "-ABCD", a terminator */
#define RECOVERY_PUBLIC_TEXT_BYTES 52 /* "x25519:", 44 characters, a terminator */

struct recovery_key {
    uint8_t private_half[SEAL_KEY_BYTES], public_half[SEAL_KEY_BYTES];
};

void recovery_key_make(struct recovery_key *ret_key);
/* The words on the paper, with a check sum; small letters, spaces and line ends do no harm.
 * errors  ERR_INPUT "recovery_key_malformed": which character, or that one was mistyped */
void recovery_key_text(const struct recovery_key *key, char ret_text[RECOVERY_TEXT_BYTES]);
bool recovery_key_parse(struct str text, struct recovery_key *ret_key, struct err *err);

void recovery_public_text(
    const uint8_t public_half[SEAL_KEY_BYTES], char ret_text[RECOVERY_PUBLIC_TEXT_BYTES]);
/* errors  ERR_INPUT "recovery_public_malformed" */
bool recovery_public_parse(
    struct str text, uint8_t ret_public_half[SEAL_KEY_BYTES], struct err *err);

/* Append to `out`: shrunk, closed, with its tag. `text` is at most SEAL_CHUNK_BYTES_MAX long. */
void seal_chunk(
    struct str secret, struct str text, uint8_t ret_key[SEAL_KEY_BYTES], struct buf *out);
/* Append the text, exactly `text_len` bytes. false: a byte is wrong, or the length. */
bool seal_open_chunk(
    const uint8_t key[SEAL_KEY_BYTES], struct str sealed, size_t text_len, struct buf *out);

/* To the recovery key; `beside` is not closed but cannot be changed unnoticed. It is asked for once
 * the ephemeral public half is known. */
struct seal_ephemeral {
    uint8_t private_half[SEAL_KEY_BYTES], public_half[SEAL_KEY_BYTES];
};
void seal_ephemeral_make(struct seal_ephemeral *ret_ephemeral);
/* errors  ERR_INPUT "recovery_public_malformed": a half that gives no secret */
bool seal_text(const struct seal_ephemeral *ephemeral, const uint8_t recovery[SEAL_KEY_BYTES],
    struct str beside, struct str text, struct buf *out, struct err *err);
bool seal_open_text(const struct recovery_key *key, const uint8_t ephemeral[SEAL_KEY_BYTES],
    struct str beside, struct str sealed, struct buf *out);
