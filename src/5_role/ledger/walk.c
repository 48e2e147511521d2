/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "core_private.h"
#include "message/message.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <stdio.h>

static bool wrong(struct ledger_walk *walk, uint64_t seq, const char *what)
{
    snprintf(walk->why, sizeof walk->why, "entry %" PRIu64 ": %s", seq, what);
    return false;
}

json_t *ledger_parse(struct str line)
{
    json_error_t why;

    return json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, &why);
}

/* The line says of itself what its columns and its place say. */
static bool line_true(struct ledger_walk *walk, const struct store_entry *row)
{
    scoped(json_done) json_t *entry = ledger_parse(row->line);
    struct str actor, at, case_id, kind, prev;
    int64_t seq, version;
    json_t *body;
    char before[HEX_BYTES(DIGEST_BYTES)];
    struct err err;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("actor", &actor, 1, LEDGER_ACTOR_BYTES_MAX),
        JSON_TAKE_TEXT("at", &at, 1, STORE_AT_BYTES),
        JSON_TAKE_OBJECT("body", &body),
        JSON_TAKE_TEXT("case", &case_id, 0, LEDGER_CASE_BYTES_MAX),
        JSON_TAKE_TEXT("kind", &kind, 1, LEDGER_KIND_BYTES_MAX),
        JSON_TAKE_TEXT("prev", &prev, 1, sizeof before),
        JSON_TAKE_INTEGER("seq", &seq, 1, INT64_MAX),
        JSON_TAKE_INTEGER("v", &version, 1, 1),
    };

    if (!json_take(entry, fields, COUNT(fields), &err))
        return wrong(walk, row->seq, "its line is not an entry");
    hex_encode(walk->chain.at, DIGEST_BYTES, before);
    if (!str_eq(prev, str_from(before)))
        return wrong(walk, row->seq, "its line names another entry before it");
    if ((uint64_t)seq != row->seq || !str_eq(case_id, row->case_id) || !str_eq(kind, row->kind) ||
        !str_eq(at, row->at))
        return wrong(walk, row->seq, "its line does not say what its columns say");
    return true;
}

static bool on_row(void *owner, const struct store_entry *row)
{
    struct ledger_walk *walk = owner;

    if (row->seq != walk->seq + 1)
        return wrong(walk, walk->seq + 1, "it is missing");
    if (!digest_eq(chain_leaf(&LEDGER_CRYPTO, row->line), row->leaf))
        return wrong(walk, row->seq, "its line was changed");
    if (walk->thorough && !line_true(walk, row))
        return false;
    struct digest chain = chain_next(&LEDGER_CRYPTO, walk->chain, row->leaf);
    if (!digest_eq(chain, row->chain))
        return wrong(walk, row->seq, "it does not follow from the entry before it");
    walk->seq = row->seq;
    walk->chain = chain;
    if (walk->tree.size + 1 == row->seq)
        merkle_add(&walk->tree, &LEDGER_CRYPTO, row->leaf);
    return walk->seq < walk->until;
}

bool ledger_walk(struct ledger_core *core, struct ledger_walk *walk, struct err *err)
{
    const struct store_query query = {.what = STORE_AFTER, .after = walk->seq};

    if (walk->seq >= walk->until)
        return true;
    if (!store_read(core->store, &query, on_row, walk, err))
        return false;
    if (!walk->why[0] && walk->seq < walk->until)
        (void)wrong(walk, walk->seq + 1, "it is missing");
    return true;
}

bool ledger_checkpoint_true(struct ledger_core *core, struct str text, uint64_t size,
    struct digest root, char ret_why[ERR_MESSAGE_BYTES_MAX])
{
    struct checkpoint_note note;
    struct err err;
    const char *what = NULL;

    if (!checkpoint_read(text, &note, &err))
        what = "it is malformed";
    else if (!str_eq(note.checkpoint.origin, str_from(core->identity.origin)))
        what = "it is of another ledger";
    else if (!checkpoint_authentic(&LEDGER_CRYPTO, &note, core->identity.public_key))
        what = "its signature is not this node's";
    else if (note.checkpoint.size != size)
        what = "it is filed under another size";
    else if (!digest_eq(note.checkpoint.root, root))
        what = "the entries do not have the root that was signed";
    if (what)
        snprintf(ret_why, ERR_MESSAGE_BYTES_MAX, "checkpoint %" PRIu64 ": %s", size, what);
    return !what;
}

/* What the verification has still to compare, up to the end of its step. */
struct due {
    struct ledger_core *core;
    struct ledger_walk *walk;
    struct err err;
    bool failed;
};

/* Walk to the checkpoint, then compare. Reading inside a reading: two statements, one snapshot. */
static bool on_checkpoint(void *owner, const struct store_checkpoint *one)
{
    struct due *due = owner;
    struct ledger_walk *walk = due->walk;
    uint64_t step_end = walk->until;

    if (one->size > step_end)
        return false;
    walk->until = one->size;
    due->failed = !ledger_walk(due->core, walk, &due->err);
    walk->until = step_end;
    if (due->failed || walk->why[0])
        return false;
    due->core->verify_checkpoints++;
    return ledger_checkpoint_true(
        due->core, one->text, one->size, merkle_root(&walk->tree, &LEDGER_CRYPTO), walk->why);
}

static bool finish(struct ledger_core *core, struct ledger_walk *walk, struct err *err)
{
    bool sound = true;
    uint64_t checkpoints;

    if (!store_checkpoint_count(core->store, &checkpoints, err) ||
        !store_index_sound(core->store, &sound, walk->why, err))
        return false;
    if (sound && core->signed_tree.size > walk->seq)
        snprintf(walk->why, sizeof walk->why, "a checkpoint pins more entries than there are");
    if (core->tail.tree.size == walk->seq && !digest_eq(core->tail.chain, walk->chain))
        snprintf(walk->why, sizeof walk->why, "the file was changed while the node was running");
    return true;
}

json_t *ledger_verify_step(struct ledger_core *core, int64_t id, uint64_t after)
{
    struct ledger_walk *walk = &core->verify;
    struct err err = {0};

    if (after == 0) {
        *walk = (struct ledger_walk){.thorough = true};
        core->verify_size = core->tail.tree.size;
        core->verify_checkpoints = 0;
    } else if (after != walk->seq || walk->why[0]) {
        err_code(&err, ERR_INPUT, "verify_lost", "after",
            "no verification stands at entry %" PRIu64 ": begin again with after 0", after);
        return ledger_failed(id, &err);
    }
    uint64_t from = walk->seq, left = core->verify_size - walk->seq;
    walk->until = from + (left < LEDGER_VERIFY_STEP_ENTRIES ? left : LEDGER_VERIFY_STEP_ENTRIES);
    struct due due = {.core = core, .walk = walk};
    if (!store_checkpoints(core->store, from, on_checkpoint, &due, &err))
        return ledger_failed(id, &err);
    if (due.failed)
        return ledger_failed(id, &due.err);
    if (!walk->why[0] && !ledger_walk(core, walk, &err))
        return ledger_failed(id, &err);
    bool more = !walk->why[0] && walk->seq < core->verify_size;
    if (!more && !walk->why[0] && !finish(core, walk, &err))
        return ledger_failed(id, &err);
    json_t *info = json_pack("{s:I, s:I, s:I, s:s}", "checked", (json_int_t)walk->seq, "size",
        (json_int_t)core->verify_size, "checkpoints", (json_int_t)core->verify_checkpoints, "words",
        walk->why);
    check(info);
    if (!more) /* no half-way answer may be taken for the whole one */
        json_object_set_new(info, "ok", json_boolean(!walk->why[0]));
    return message_make(MESSAGE_entries, "{s:I, s:[], s:b, s:o}", "id", (json_int_t)id, "entries",
        "more", more, "info", info);
}
