/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint — "so many lines, with this root": a signed note that pins the whole ledger.
 *
 *     node.example/ledger            origin
 *     300                            size
 *     q1uR…=                         root, base64
 *                                    (empty)
 *     — node.example/ledger pYx…=    name, base64 of key id (4 bytes) and signature (64 bytes)
 *
 * What is signed is the text up to the empty line. The key id is the first four bytes of
 * SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key). Further lines of other signers (a witness, a later
 * algorithm) may follow; ours is the one with our name and key id.
 *
 * threads  any: no state
 * source   C2SP signed-note, C2SP tlog-checkpoint
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "ledger/chain.h"

#define CHECKPOINT_BYTES_MAX 8192
#define CHECKPOINT_ORIGIN_BYTES_MAX 128
#define CHECKPOINT_SIGNATURES_MAX 8
#define CHECKPOINT_SIZE_MAX INT64_MAX
#define NOTE_KEY_ID_BYTES 4
#define NOTE_SIGNATURE_BYTES 64

struct checkpoint {
    struct str origin;
    uint64_t size;
    struct digest root;
};

struct note_signature {
    struct str name;
    uint8_t key_id[NOTE_KEY_ID_BYTES];
    bool is_ed25519_long; /* of the length that ours have; another's may be longer and is skipped */
    uint8_t signature[NOTE_SIGNATURE_BYTES];
};

struct checkpoint_note {
    struct checkpoint checkpoint;
    struct str signed_text;
    struct note_signature signatures[CHECKPOINT_SIGNATURES_MAX];
    size_t signature_count;
};

/* 1 … CHECKPOINT_ORIGIN_BYTES_MAX visible ASCII characters without '+': a name, also of the key. */
bool checkpoint_origin_valid(struct str origin);

/* The text to sign. */
void checkpoint_write(const struct checkpoint *checkpoint, struct buf *out);
/* Behind that text: the empty line and our signature. */
void checkpoint_sign(const struct ledger_crypto *crypto, const struct checkpoint *checkpoint,
    const uint8_t public_key[32], const uint8_t signature[NOTE_SIGNATURE_BYTES], struct buf *out);

/* The form; slices point into `text`. errors  ERR_INPUT "checkpoint_malformed" with the line */
bool checkpoint_read(struct str text, struct checkpoint_note *ret_note, struct err *err);
/* Has this key signed it under the name of its origin? */
bool checkpoint_authentic(const struct ledger_crypto *crypto, const struct checkpoint_note *note,
    const uint8_t public_key[32]);

void note_key_id(const struct ledger_crypto *crypto, struct str name, const uint8_t public_key[32],
    uint8_t ret_id[NOTE_KEY_ID_BYTES]);
