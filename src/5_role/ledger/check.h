/* SPDX-License-Identifier: Apache-2.0
 *
 * check — a ledger that nobody serves: does it hold, and how far?
 *
 * For a backup that was just made or unpacked. Every line, hash, checkpoint and the index are
 * looked at as `logicctl ledger verify` does, and that the node's key is the one that signed.
 *
 * threads  one
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "crypto/crypto.h"
#include "ledger/chain.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger_report {
    uint64_t size, checkpoints;
    uint64_t pinned; /* entries under the last checkpoint of its own */
    char at[32];     /* of the last entry */
    char origin[160];
    char public_key[PUBLIC_KEY_TEXT_BYTES];
    char why[ERR_MESSAGE_BYTES_MAX]; /* empty: it holds */
    /* Of a checkpoint kept elsewhere, 0: none was given. More than `size`: entries are missing. */
    uint64_t beside;
};

/* LEDGER_FILE and LEDGER_KEY_FILE in `folder`, where it may write. `beside`: a checkpoint's text
 * (a signed note), or empty; one of another ledger, or one that does not fit, is a `why`.
 * errors  those of store.h; ERR_INPUT "checkpoint_malformed" */
bool ledger_check(
    const char *folder, struct str beside, struct ledger_report *ret_report, struct err *err);
