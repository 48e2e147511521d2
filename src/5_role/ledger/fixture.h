/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture — what the tests of this folder share: a ledger in a fresh folder, messages, a clock that
 * obeys.
 */
#pragma once

#include "base/panic.h"
#include "base/scoped.h"
#include "ledger/core.h"
#include "ledger/export.h"
#include "message/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_ORIGIN "node.example/ledger"

static int64_t fixture_clock_ms = 1795226400000; /* 2026-11-21 */

static inline int64_t fixture_now_ms(void)
{
    return fixture_clock_ms;
}

static inline bool fixture_open(const char *folder, struct ledger_core **ret_core, struct err *err)
{
    const struct ledger_setup setup = {folder, FIXTURE_ORIGIN, fixture_now_ms};
    return ledger_open(&setup, ret_core, err);
}

static inline json_t *fixture_entry(
    const char *kind, const char *case_id, json_t *body, bool is_open)
{
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o, s:b}", "kind", kind, "case", case_id, "actor",
        "judge", "body", body, "open", is_open);
    check(entry);
    return entry;
}

/* One message of one entry of case `case_id`. */
static inline json_t *fixture_append(
    int64_t id, const char *kind, const char *case_id, bool is_open)
{
    json_t *body = json_pack("{s:s, s:{s:I, s:b}}", "text",
        "gr\xc3\xbc\xc3\x9f \"quoted\" \x01\n\xf0\x9f\x98\x80", "number", "id", (json_int_t)id,
        "yes", 1);
    return message_make(MESSAGE_append, "{s:I, s:[o]}", "id", (json_int_t)id, "entries",
        fixture_entry(kind, case_id, body, is_open));
}

static inline void fixture_keep(void *owner, json_t *message)
{
    check(json_array_append_new(owner, message) == 0);
}

/* One group of one message; the reply is the caller's. */
static inline json_t *fixture_one(struct ledger_core *core, json_t *append)
{
    scoped(json_done) json_t *replies = json_array();

    ledger_begin(core);
    ledger_add(core, append);
    json_decref(append);
    ledger_commit(core, fixture_keep, replies);
    check(json_array_size(replies) == 1);
    return json_incref(json_array_get(replies, 0));
}

static inline bool fixture_is(const json_t *message, const char *type)
{
    return strcmp(message_text(message, "type"), type) == 0;
}

static inline json_t *fixture_read(
    struct ledger_core *core, const char *what, int64_t after, const char *case_id, int64_t limit)
{
    scoped(json_done) json_t *read =
        message_make(MESSAGE_read, "{s:I, s:s, s:I, s:s, s:I}", "id", (json_int_t)7, "what", what,
            "after", (json_int_t)after, "case", case_id, "limit", (json_int_t)limit);
    return ledger_read(core, read);
}

static inline bool fixture_write(void *owner, struct str text)
{
    return fwrite(text.at, 1, text.len, owner) == text.len;
}

/* The export, through its pages. */
static inline bool fixture_export(struct ledger_core *core, FILE *file, struct err *err)
{
    scoped(ledger_export_done) struct ledger_export export;
    bool whole = false;

    ledger_export_init(&export, fixture_write, file);
    while (!whole) {
        scoped(json_done) json_t *page = fixture_read(core, "export", export.after, "", 0);
        if (fixture_is(page, "failed")) {
            message_to_err(json_object_get(page, "error"), err);
            return false;
        }
        if (!ledger_export_page(&export, json_object_get(page, "entries"),
                json_object_get(page, "info"), &whole, err))
            return false;
    }
    return true;
}

/* All steps of a verification; the last reply is the caller's. */
static inline json_t *fixture_verify(struct ledger_core *core)
{
    json_t *reply = fixture_read(core, "verify", 0, "", 0);

    while (message_true(reply, "more")) {
        int64_t checked = message_int(json_object_get(reply, "info"), "checked");
        json_decref(reply);
        reply = fixture_read(core, "verify", checked, "", 0);
    }
    return reply;
}
