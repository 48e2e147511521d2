/* SPDX-License-Identifier: Apache-2.0
 * Property: a checkpoint that reads is rebuilt from what was read, byte for byte; none is
 * authentic. */
#include "base/scoped.h"
#include "ledger/checkpoint.h"
#include "ledger/test_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct checkpoint_note note;
    struct err err = {0};
    scoped(buf_done) struct buf again = buf_of(CHECKPOINT_BYTES_MAX);
    static const uint8_t nobody[32] = {1};

    if (!checkpoint_read(text, &note, &err)) {
        check(err.kind == ERR_INPUT && err.message[0]);
        return 0;
    }
    checkpoint_write(&note.checkpoint, &again);
    check(str_eq(buf_str(&again), note.signed_text));
    check(str_starts(text, note.signed_text));
    check(note.signature_count >= 1 && note.signature_count <= CHECKPOINT_SIGNATURES_MAX);
    check(!checkpoint_authentic(&CRYPTO, &note, nobody));
    return 0;
}
