/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "core_private.h"
#include "message/message.h"
#include "os/clock.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>

/* One entry as asked for; slices of the message. */
struct wish {
    struct str kind, case_id, actor;
    struct str body; /* canonical */
    bool is_open;
};

void ledger_begin(struct ledger_core *core)
{
    check(!core->in_group);
    core->in_group = true;
    core->next = core->tail;
    core->group_entries = 0;
    core->outcome_count = 0;
    core->group_err = (struct err){0};
}

bool ledger_room(const struct ledger_core *core)
{
    return core->outcome_count < LEDGER_GROUP_MESSAGES_MAX &&
           core->group_entries + LEDGER_BATCH_ENTRIES_MAX + 1 <= LEDGER_GROUP_ENTRIES_MAX;
}

bool ledger_idle(const struct ledger_core *core)
{
    return core->outcome_count == 0;
}

/* The texts of all bodies of a message lie in `bodies`, which must not move: its room is taken
 * before. */
static bool read_wish(
    const json_t *object, struct buf *bodies, struct wish *ret_wish, struct err *err)
{
    struct wish wish = {.is_open = true};
    size_t start = bodies->len;
    json_t *body;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("kind", &wish.kind, 1, LEDGER_KIND_BYTES_MAX),
        JSON_TAKE_TEXT("case", &wish.case_id, 0, LEDGER_CASE_BYTES_MAX),
        JSON_TAKE_TEXT("actor", &wish.actor, 1, LEDGER_ACTOR_BYTES_MAX),
        JSON_TAKE_OBJECT("body", &body),
        JSON_MAY_BOOL("open", &wish.is_open),
    };

    if (!json_take(object, fields, COUNT(fields), err))
        return false;
    if (!json_canonical(body, bodies, err)) {
        if (err->kind == ERR_LIMIT)
            return err_code(err, ERR_LIMIT, "entry_too_large", "body",
                "it is deeper than %d levels, or its message longer than %d bytes",
                LEDGER_DEPTH_MAX, LEDGER_BATCH_BYTES_MAX);
        return false;
    }
    wish.body = (struct str){bodies->at + start, bodies->len - start};
    *ret_wish = wish;
    return true;
}

/* The keys stand in canonical order as they are written here. */
static bool write_line(const struct wish *wish, const char *at, const char *prev, uint64_t seq,
    struct buf *out, struct err *err)
{
    buf_add(out, S("{\"actor\":"));
    json_add_string(out, wish->actor);
    buf_printf(out, ",\"at\":\"%s\",\"body\":", at);
    buf_add(out, wish->body);
    buf_add(out, S(",\"case\":"));
    json_add_string(out, wish->case_id);
    buf_add(out, S(",\"kind\":"));
    json_add_string(out, wish->kind);
    buf_printf(out, ",\"prev\":\"%s\",\"seq\":%" PRIu64 ",\"v\":1}", prev, seq);
    if (out->overflowed)
        return err_code(err, ERR_LIMIT, "entry_too_large", "body",
            "an entry '%.*s' is larger than %d bytes: nothing of its message is kept",
            STR(wish->kind), LEDGER_ENTRY_BYTES_MAX);
    return true;
}

/* Write one entry behind `tail` and move `tail` behind it. `line` is scratch. */
static bool put_entry(struct ledger_core *core, struct ledger_tail *tail, const struct wish *wish,
    struct buf *line, json_t *entries, struct err *err)
{
    char at[CLOCK_TEXT_BYTES], prev[HEX_BYTES(DIGEST_BYTES)], hash[HEX_BYTES(DIGEST_BYTES)];
    uint64_t seq = tail->tree.size + 1;

    clock_text(tail->at_ms, at);
    hex_encode(tail->chain.at, DIGEST_BYTES, prev);
    buf_clear(line);
    if (!write_line(wish, at, prev, seq, line, err))
        return false;
    struct store_entry entry = {.seq = seq,
        .case_id = wish->case_id,
        .kind = wish->kind,
        .at = str_from(at),
        .line = buf_str(line),
        .leaf = chain_leaf(&LEDGER_CRYPTO, buf_str(line)),
        .is_open = wish->is_open};
    entry.chain = chain_next(&LEDGER_CRYPTO, tail->chain, entry.leaf);
    if (!store_put(core->store, &entry, &core->group_err))
        return false;
    merkle_add(&tail->tree, &LEDGER_CRYPTO, entry.leaf);
    tail->chain = entry.chain;
    hex_encode(entry.chain.at, DIGEST_BYTES, hash);
    check(json_array_append_new(entries,
              json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)seq, "at", at, "hash", hash)) == 0);
    return true;
}

/* Time goes on or stands still. A real step back is written down, once until the clock has caught
 * up. */
static bool stamp(
    struct ledger_core *core, struct ledger_tail *tail, struct buf *line, struct err *err)
{
    int64_t now_ms = core->setup.now_ms(), back_ms = tail->at_ms - now_ms;

    if (back_ms <= 0) {
        tail->at_ms = now_ms;
        core->step_noted = false;
        return true;
    }
    if (back_ms <= LEDGER_CLOCK_STEP_NOTED_MS || core->step_noted)
        return true;
    char body[64];
    scoped(json_done) json_t *unused = json_array();
    snprintf(body, sizeof body, "{\"back_ms\":%" PRId64 "}", back_ms);
    const struct wish wish = {
        .kind = S("clock_stepped"), .actor = S("ledger"), .body = str_from(body), .case_id = S("")};
    check(unused);
    if (!put_entry(core, tail, &wish, line, unused, err))
        return false;
    log_error("clock_stepped", "remedy", "check the time service of this machine", NULL);
    core->step_noted = true;
    return true;
}

/* All of the message, or nothing of it: a dry run through every limit comes before the first row.
 */
static bool check_wishes(
    const json_t *list, struct wish *wishes, struct buf *bodies, struct buf *line, struct err *err)
{
    static const char NO_PREV[] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    size_t count = json_array_size(list);

    if (count == 0 || count > LEDGER_BATCH_ENTRIES_MAX)
        return err_code(err, count ? ERR_LIMIT : ERR_INPUT,
            count ? "batch_too_long" : "batch_empty", "entries",
            "an append has 1 to %d entries, this one %zu", LEDGER_BATCH_ENTRIES_MAX, count);
    for (size_t i = 0; i < count; i++) {
        buf_clear(line);
        if (!read_wish(json_array_get(list, i), bodies, &wishes[i], err) ||
            !write_line(
                &wishes[i], "2026-11-21T00:00:00.000Z", NO_PREV, CHECKPOINT_SIZE_MAX, line, err))
            return err_wrap(err, "entry %zu", i);
        size_t at, depth = 1 + json_depth(wishes[i].body, &at);
        if (depth > LEDGER_DEPTH_MAX)
            return err_code(err, ERR_LIMIT, "entry_too_large", "body",
                "entry %zu is %zu levels deep, %d are allowed", i, depth, LEDGER_DEPTH_MAX);
    }
    return true;
}

static bool ensure_batch(struct ledger_core *core)
{
    if (!core->has_batch && core->group_err.kind == ERR_NONE)
        core->has_batch = store_begin(core->store, &core->group_err);
    return core->has_batch;
}

static void add(struct ledger_core *core, const json_t *list, struct ledger_outcome *outcome)
{
    struct wish wishes[LEDGER_BATCH_ENTRIES_MAX];
    struct buf *line = &core->line, *bodies = &core->bodies;
    scoped(json_done) json_t *entries = json_array();
    size_t count = json_array_size(list);

    buf_clear(bodies);
    check(entries && buf_room(bodies, LEDGER_BATCH_BYTES_MAX));
    if (core->must_end) {
        err_code(&outcome->err, ERR_SYSTEM, "ledger_io", NULL, "the ledger is being started again");
        return;
    }
    if (!check_wishes(list, wishes, bodies, line, &outcome->err) || !ensure_batch(core))
        return;
    if (!stamp(core, &core->next, line, &core->group_err))
        return;
    for (size_t i = 0; i < count; i++) {
        struct err err;
        if (put_entry(core, &core->next, &wishes[i], line, entries, &err))
            continue;
        check(core->group_err.kind != ERR_NONE); /* its limits were checked above */
        return;
    }
    core->group_entries += count + 1;
    outcome->entries = json_incref(entries);
}

void ledger_add(struct ledger_core *core, const json_t *append)
{
    check(core->in_group && ledger_room(core));
    struct ledger_outcome *outcome = &core->outcomes[core->outcome_count++];
    *outcome = (struct ledger_outcome){.id = message_int(append, "id")};
    add(core, json_object_get(append, "entries"), outcome);
}

/* Rows, checkpoint if one is due, and head in one transaction. */
static bool commit(struct ledger_core *core, bool *ret_signed)
{
    struct store_head head = ledger_head_of(&core->next);
    bool due = core->next.tree.size - core->signed_tree.size >= LEDGER_CHECKPOINT_ENTRIES;

    if (core->group_err.kind != ERR_NONE ||
        (due && !ledger_sign(core, &core->next, &core->group_err))) {
        store_rollback(core->store);
        return false;
    }
    *ret_signed = due;
    return store_commit(core->store, &head, &core->group_err);
}

static void adopt_or_drop(struct ledger_core *core)
{
    bool was_signed = false;

    if (!core->has_batch)
        return;
    core->has_batch = false;
    int64_t began_ns = clock_steady_ns();
    bool committed = commit(core, &was_signed);
    core->commits++;
    core->commit_us += (clock_steady_ns() - began_ns) / 1000;
    if (committed) {
        core->entries += (int64_t)(core->next.tree.size - core->tail.tree.size);
        core->tail = core->next;
        if (was_signed) {
            core->signed_tree = core->tail.tree;
            core->signed_chain = core->tail.chain;
        }
        return;
    }
    core->step_noted = false;
    if (strcmp(core->group_err.code, "ledger_full") != 0)
        core->must_end = true; /* after a failed fsync nobody knows what is on the disk */
    log_error(
        "append_failed", "code", core->group_err.code, "message", core->group_err.message, NULL);
}

void ledger_commit(
    struct ledger_core *core, void (*reply)(void *owner, json_t *message), void *owner)
{
    check(core->in_group);
    adopt_or_drop(core);
    core->in_group = false;
    for (size_t i = 0; i < core->outcome_count; i++) {
        struct ledger_outcome *outcome = &core->outcomes[i];
        const struct err *err = outcome->err.kind != ERR_NONE ? &outcome->err : &core->group_err;
        if (outcome->err.kind == ERR_NONE && core->group_err.kind == ERR_NONE)
            reply(owner, message_make(MESSAGE_appended, "{s:I, s:O}", "id", (json_int_t)outcome->id,
                             "entries", outcome->entries));
        else {
            core->failed++;
            reply(owner, ledger_failed(outcome->id, err));
        }
        json_decref(outcome->entries);
        outcome->entries = NULL;
    }
    core->outcome_count = 0;
}

json_t *ledger_stats(const struct ledger_core *core)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)core->entries, "size",
        (json_int_t)core->tail.tree.size, "unsigned",
        (json_int_t)(core->tail.tree.size - core->signed_tree.size), "commits",
        (json_int_t)core->commits, "commit_us", (json_int_t)core->commit_us, "failed",
        (json_int_t)core->failed);
}
