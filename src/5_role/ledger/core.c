/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "core_private.h"
#include "message/message.h"
#include "os/clock.h"
#include "os/file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

const struct ledger_crypto LEDGER_CRYPTO = {sha256_parts, signature_authentic};

struct store_head ledger_head_of(const struct ledger_tail *tail)
{
    struct store_head head = {.size = tail->tree.size, .chain = tail->chain};

    _Static_assert(sizeof head.at >= CLOCK_TEXT_BYTES, "a time fits");
    clock_text(tail->at_ms, head.at);
    return head;
}

json_t *ledger_failed(int64_t id, const struct err *err)
{
    return message_make(
        MESSAGE_failed, "{s:I, s:o}", "id", (json_int_t)id, "error", message_from_err(err));
}

/* The tree grown from the last signed one by the rows on disk is the tree in memory: what we sign
 * continues what we signed, and is what a reader of the file will find. */
static bool continues(struct ledger_core *core, const struct ledger_tail *tail, struct err *err)
{
    struct ledger_walk walk = {.tree = core->signed_tree,
        .seq = core->signed_tree.size,
        .chain = core->signed_chain,
        .until = tail->tree.size};

    if (!ledger_walk(core, &walk, err))
        return false;
    struct digest said = merkle_root(&tail->tree, &LEDGER_CRYPTO);
    if (walk.why[0] || !digest_eq(merkle_root(&walk.tree, &LEDGER_CRYPTO), said) ||
        !digest_eq(walk.chain, tail->chain)) {
        core->must_end = true;
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "no checkpoint is signed: the ledger does not continue the one before (%s)",
            walk.why[0] ? walk.why : "its root differs");
    }
    return true;
}

bool ledger_sign(struct ledger_core *core, const struct ledger_tail *tail, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(CHECKPOINT_BYTES_MAX);
    uint8_t signature[SIGNATURE_BYTES], state[MERKLE_STATE_BYTES_MAX];
    struct checkpoint checkpoint = {.origin = str_from(core->identity.origin),
        .size = tail->tree.size,
        .root = merkle_root(&tail->tree, &LEDGER_CRYPTO)};
    char at[CLOCK_TEXT_BYTES];

    if (!continues(core, tail, err))
        return false;
    checkpoint_write(&checkpoint, &text);
    sign_key_sign(core->key, buf_str(&text), signature);
    checkpoint_sign(&LEDGER_CRYPTO, &checkpoint, core->identity.public_key, signature, &text);
    check(!text.overflowed);
    clock_text(tail->at_ms, at);
    size_t state_len = merkle_state_write(&tail->tree, state);
    return store_put_checkpoint(core->store,
        &(struct store_checkpoint){
            .size = tail->tree.size,
            .text = buf_str(&text),
            .at = str_from(at),
            .state = {(const char *)state, state_len}
    },
        err);
}

bool ledger_checkpoint(struct ledger_core *core, struct err *err)
{
    struct store_head head = ledger_head_of(&core->tail);

    check(!core->in_group);
    if (core->signed_tree.size == core->tail.tree.size)
        return true;
    if (!store_begin(core->store, err))
        return false;
    if (!ledger_sign(core, &core->tail, err)) {
        store_rollback(core->store);
        return false;
    }
    if (!store_commit(core->store, &head, err)) {
        core->must_end = strcmp(err->code, "ledger_full") != 0;
        return false;
    }
    core->signed_tree = core->tail.tree;
    core->signed_chain = core->tail.chain;
    return true;
}

/* The first start makes key and identity; later ones must find the same. */
static bool open_identity(struct ledger_core *core, struct err *err)
{
    char path[PATH_MAX];
    bool known;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", core->setup.folder, LEDGER_KEY_FILE) >=
        sizeof path)
        return err_set(err, ERR_LIMIT, "the path '%s' is too long", core->setup.folder);
    if (!store_identity(core->store, &known, &core->identity, err))
        return false;
    if (!file_exists(path)) {
        if (known)
            return err_code(err, ERR_SYSTEM, "key_missing", NULL,
                "the key '%s' that signed this ledger is missing: restore it from its backup",
                path);
        sign_key_make(&core->key);
        if (!sign_key_save(core->key, path, err))
            return false;
    } else if (!sign_key_load(path, &core->key, err)) {
        return false;
    }
    uint8_t public_key[PUBLIC_KEY_BYTES];
    sign_key_public(core->key, public_key);
    if (known && memcmp(public_key, core->identity.public_key, sizeof public_key) != 0)
        return err_code(err, ERR_SYSTEM, "key_changed", NULL,
            "the key '%s' is not the one that signed this ledger: restore the old one", path);
    if (known)
        return true;
    if (!checkpoint_origin_valid(str_from(core->setup.origin)))
        return err_code(err, ERR_INPUT, "bad_origin", "origin",
            "'%s' cannot name a ledger: 1 to %d visible ASCII characters without '+'",
            core->setup.origin, CHECKPOINT_ORIGIN_BYTES_MAX);
    snprintf(core->identity.origin, sizeof core->identity.origin, "%s", core->setup.origin);
    memcpy(core->identity.public_key, public_key, sizeof public_key);
    return store_set_identity(core->store, &core->identity, err);
}

static bool broken(struct err *err, const char *why)
{
    return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
        "the ledger does not hold (%s): nothing is done; keep the file, compare it with an export "
        "or checkpoint, restore a backup",
        why);
}

struct last_signed {
    struct ledger_core *core;
    char why[ERR_MESSAGE_BYTES_MAX];
};

static bool on_last_checkpoint(void *owner, const struct store_checkpoint *one)
{
    struct last_signed *last = owner;
    struct ledger_core *core = last->core;

    if (!merkle_state_read(one->state, one->size, &core->signed_tree)) {
        snprintf(last->why, sizeof last->why, "checkpoint %" PRIu64 ": its tree is malformed",
            one->size);
        return false;
    }
    return ledger_checkpoint_true(
        core, one->text, one->size, merkle_root(&core->signed_tree, &LEDGER_CRYPTO), last->why);
}

static bool take_chain(void *owner, const struct store_entry *row)
{
    struct ledger_walk *walk = owner;

    walk->seq = row->seq;
    walk->chain = row->chain;
    return false;
}

/* From the last checkpoint's tree to the end, and at least the last entries. */
static bool open_tail(struct ledger_core *core, struct err *err)
{
    struct last_signed last = {.core = core};
    struct store_head head;

    if (!store_head(core->store, &head, err) ||
        !store_last_checkpoint(core->store, on_last_checkpoint, &last, err))
        return false;
    if (last.why[0])
        return broken(err, last.why);
    if (core->signed_tree.size > head.size)
        return broken(err, "a checkpoint pins more entries than there are");
    uint64_t from = core->signed_tree.size;
    from -= from < LEDGER_TAIL_ENTRIES ? from : LEDGER_TAIL_ENTRIES;
    struct ledger_walk walk = {
        .tree = core->signed_tree, .thorough = true, .until = core->signed_tree.size};
    struct store_query before = {.what = STORE_AFTER, .after = from ? from - 1 : 0};
    if (from && !store_read(core->store, &before, take_chain, &walk, err))
        return false;
    if (walk.seq != from)
        return broken(err, "entries are missing");
    if (!ledger_walk(core, &walk, err))
        return false;
    core->signed_chain = walk.chain;
    walk.until = head.size;
    if (!walk.why[0] && !ledger_walk(core, &walk, err))
        return false;
    if (walk.why[0])
        return broken(err, walk.why);
    if (walk.tree.size != head.size || !digest_eq(walk.chain, head.chain))
        return broken(err, "its head is not its last entry");
    core->tail = (struct ledger_tail){.tree = walk.tree, .chain = walk.chain};
    if (head.size && !clock_from_text(head.at, &core->tail.at_ms))
        return broken(err, "the time of its last entry is malformed");
    return true;
}

bool ledger_open(const struct ledger_setup *setup, struct ledger_core **ret_core, struct err *err)
{
    char path[PATH_MAX];
    scoped(ledger_close) struct ledger_core *core = calloc(1, sizeof *core);

    check(core);
    core->setup = *setup;
    core->line = buf_of(LEDGER_ENTRY_BYTES_MAX);
    core->bodies = buf_of(LEDGER_BATCH_BYTES_MAX);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", setup->folder, LEDGER_FILE) >= sizeof path)
        return err_set(err, ERR_LIMIT, "the path '%s' is too long", setup->folder);
    if (!store_open(path, &core->store, err) || !open_identity(core, err) ||
        !open_tail(core, err)) {
        core->signed_tree = core->tail.tree; /* nothing of it may be signed */
        return false;
    }
    *ret_core = core;
    core = NULL;
    return true;
}

void ledger_close(struct ledger_core **core)
{
    struct ledger_core *one = *core;
    struct err err;

    if (!one)
        return;
    if (one->in_group && one->has_batch)
        store_rollback(one->store);
    one->in_group = false;
    if (!one->must_end && one->key && !ledger_checkpoint(one, &err))
        log_error("checkpoint_not_signed", "message", err.message, NULL);
    for (size_t i = 0; i < one->outcome_count; i++)
        json_decref(one->outcomes[i].entries);
    store_close(&one->store);
    sign_key_done(&one->key);
    buf_done(&one->line);
    buf_done(&one->bodies);
    free(one);
    *core = NULL;
}

bool ledger_must_end(const struct ledger_core *core)
{
    return core->must_end;
}

uint64_t ledger_size(const struct ledger_core *core)
{
    return core->tail.tree.size;
}
