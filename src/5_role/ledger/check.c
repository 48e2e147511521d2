/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/check.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "core_private.h"
#include "os/file.h"
#include "json/json_take.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

/* A core without a key: it reads, and can sign nothing. */
static void core_done(struct ledger_core **core)
{
    if (*core)
        store_close(&(*core)->store);
    free(*core);
    *core = NULL;
}

static bool take_size(void *owner, const struct store_checkpoint *one)
{
    *(uint64_t *)owner = one->size;
    return false;
}

static bool open_core(const char *folder, struct ledger_core **ret_core, struct err *err)
{
    scoped(core_done) struct ledger_core *core = calloc(1, sizeof *core);
    char path[PATH_MAX];
    struct store_head head;
    bool known;

    check(core);
    if (snprintf(path, sizeof path, "%s/%s", folder, LEDGER_FILE) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", folder);
    if (!file_exists(path))
        return err_set(err, ERR_INPUT, "there is no ledger '%s'", path);
    if (!store_open(path, &core->store, err) ||
        !store_identity(core->store, &known, &core->identity, err) ||
        !store_head(core->store, &head, err) ||
        !store_last_checkpoint(core->store, take_size, &core->signed_tree.size, err))
        return false;
    if (!known)
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "the ledger '%s' does not say whose it is: it was never begun", path);
    core->tail.tree.size = head.size;
    core->tail.chain = head.chain;
    *ret_core = core;
    core = NULL;
    return true;
}

static bool verify(struct ledger_core *core, struct ledger_report *report, struct err *err)
{
    for (uint64_t after = 0;;) {
        scoped(json_done) json_t *page = ledger_verify_step(core, 1, after);
        const json_t *info = json_object_get(page, "info");
        if (!info)
            return err_code(err, ERR_SYSTEM, "ledger_broken", NULL, "the ledger cannot be read: %s",
                json_str(json_object_get(page, "error"), "message").at);
        after = (uint64_t)json_integer_value(json_object_get(info, "checked"));
        const json_t *ok = json_object_get(info, "ok");
        if (!ok)
            continue;
        report->checkpoints = (uint64_t)json_integer_value(json_object_get(info, "checkpoints"));
        if (!json_is_true(ok))
            snprintf(report->why, sizeof report->why, "%s", json_str(info, "words").at);
        return true;
    }
}

/* The key in the folder is the one that signed. */
static bool check_key(
    const char *folder, const struct ledger_core *core, struct ledger_report *report)
{
    scoped(sign_key_done) struct sign_key *key = NULL;
    char path[PATH_MAX];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    struct err err;

    if (snprintf(path, sizeof path, "%s/%s", folder, LEDGER_KEY_FILE) >= PATH_MAX ||
        !sign_key_load(path, &key, &err)) {
        snprintf(report->why, sizeof report->why, "the node's key is missing: %.300s", err.message);
        return false;
    }
    sign_key_public(key, public_key);
    if (memcmp(public_key, core->identity.public_key, sizeof public_key) == 0)
        return true;
    snprintf(report->why, sizeof report->why, "the node's key is not the one that signed it");
    return false;
}

static bool check_beside(
    struct ledger_core *core, struct str text, struct ledger_report *report, struct err *err)
{
    struct ledger_walk walk = {0};
    struct checkpoint_note note;

    if (!checkpoint_read(text, &note, err))
        return err_wrap(err, "the checkpoint beside the backup");
    report->beside = note.checkpoint.size;
    if (note.checkpoint.size > report->size) {
        if (!str_eq(note.checkpoint.origin, str_from(core->identity.origin)) ||
            !checkpoint_authentic(&LEDGER_CRYPTO, &note, core->identity.public_key))
            snprintf(report->why, sizeof report->why,
                "the checkpoint beside the backup is of another ledger");
        return true;
    }
    walk.until = note.checkpoint.size;
    if (!ledger_walk(core, &walk, err))
        return false;
    char why[ERR_MESSAGE_BYTES_MAX];
    if (!ledger_checkpoint_true(
            core, text, note.checkpoint.size, merkle_root(&walk.tree, &LEDGER_CRYPTO), why))
        snprintf(report->why, sizeof report->why, "against the one beside the backup: %.400s", why);
    return true;
}

bool ledger_check(
    const char *folder, struct str beside, struct ledger_report *ret_report, struct err *err)
{
    scoped(core_done) struct ledger_core *core = NULL;
    struct ledger_report report = {0};
    struct store_head head;

    if (!open_core(folder, &core, err) || !store_head(core->store, &head, err))
        return false;
    report.size = head.size;
    report.pinned = core->signed_tree.size;
    snprintf(report.at, sizeof report.at, "%s", head.at);
    snprintf(report.origin, sizeof report.origin, "%s", core->identity.origin);
    public_key_text(core->identity.public_key, report.public_key);
    if (!verify(core, &report, err))
        return false;
    if (!report.why[0] && check_key(folder, core, &report) && beside.len &&
        !check_beside(core, beside, &report, err))
        return false;
    *ret_report = report;
    return true;
}
