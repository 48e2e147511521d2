/* SPDX-License-Identifier: Apache-2.0
 *
 * core — the ledger without its loop: messages in, messages out, rows on disk.
 *
 *     ledger_begin(core);
 *     while (an append message has arrived && ledger_room(core))
 *         ledger_add(core, message);
 *     ledger_commit(core, send_reply, owner);     one transaction, then all replies
 *
 * Fail closed: a reply `appended` is made only after its entries are durable; when nothing can be
 * written every append of the group gets `failed`, and the memory is as it was before ledger_begin.
 * `at` is stamped here and never goes back; a clock that steps back is noted as an entry of its
 * own.
 *
 * owner    the ledger role
 * threads  one
 */
#pragma once

#include "base/err.h"
#include "ledger/chain.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LEDGER_ENTRY_BYTES_MAX (128 * 1024)
#define LEDGER_DEPTH_MAX 60          /* of a line: readers of lines go to JSON_TEXT_DEPTH_MAX */
#define LEDGER_BATCH_ENTRIES_MAX 256 /* of one append message */
#define LEDGER_BATCH_BYTES_MAX (512 * 1024) /* of its bodies; a message cannot hold as much */
#define LEDGER_GROUP_ENTRIES_MAX 2048       /* of one transaction */
#define LEDGER_GROUP_MESSAGES_MAX 256
#define LEDGER_PAGE_BYTES_MAX (128 * 1024)
#define LEDGER_PAGE_ENTRIES_MAX 500
#define LEDGER_CASE_BYTES_MAX 64
#define LEDGER_KIND_BYTES_MAX 48
#define LEDGER_ACTOR_BYTES_MAX 256
#define LEDGER_CHECKPOINT_ENTRIES 256
#define LEDGER_CHECKPOINT_MS 60000
#define LEDGER_VERIFY_STEP_ENTRIES 2000
#define LEDGER_TAIL_ENTRIES 64 /* checked at every start, and all behind the last checkpoint */
#define LEDGER_CLOCK_STEP_NOTED_MS 1000 /* less is a clock being disciplined */

#define LEDGER_FILE "ledger.db"
#define LEDGER_KEY_FILE "node.pem"

struct ledger_core;

struct ledger_setup {
    const char *folder; /* must exist; holds LEDGER_FILE and LEDGER_KEY_FILE */
    const char *origin; /* name of this ledger in its checkpoints; fixed at the first start */
    int64_t (*now_ms)(void);
};

/* Makes key and file at the first start. Checks the tail: chain, checkpoint, tree.
 * errors  those of store.h; "ledger_broken" the chain does not hold: the ledger is not touched;
 *         "key_missing", "key_changed" the node's key is not the one that signed this ledger */
bool ledger_open(const struct ledger_setup *setup, struct ledger_core **ret_core, struct err *err);
/* For scoped(). Signs what is not signed yet, if it can. */
void ledger_close(struct ledger_core **core);

void ledger_begin(struct ledger_core *core);
/* Another append message fits in this group, whatever it holds. */
bool ledger_room(const struct ledger_core *core);
/* Nothing was added since begin. */
bool ledger_idle(const struct ledger_core *core);
void ledger_add(struct ledger_core *core, const json_t *append);
/* One reply for each message added, in order: `appended` or `failed`; the receiver owns it. */
void ledger_commit(
    struct ledger_core *core, void (*reply)(void *owner, json_t *message), void *owner);

/* Answer a `read`: `entries` or `failed`, owned by the caller. Not within a group. See README.md.
 */
json_t *ledger_read(struct ledger_core *core, const json_t *read);

/* Sign a checkpoint over all entries, unless that is done already. Not within a group. */
bool ledger_checkpoint(struct ledger_core *core, struct err *err);

/* For /metrics, since the start: new. */
json_t *ledger_stats(const struct ledger_core *core);

/* The disk failed in a way after which nobody knows what is on it: end, and be started again. */
bool ledger_must_end(const struct ledger_core *core);

uint64_t ledger_size(const struct ledger_core *core);
