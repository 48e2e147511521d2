/* SPDX-License-Identifier: Apache-2.0
 *
 * A closed case is not kept in memory: it is folded again from the ledger, page by page. */
#include "judge/core.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"

#include <stdio.h>

struct reading {
    struct judge *judge;
    struct kase kase;
    char id[CASE_ID_BYTES];
    read_case_done *done;
    void *context;
};

static bool read_page(struct reading *r, struct err *err);

static void finish(struct reading *r, const struct err *err)
{
    r->done(r->context, err ? NULL : &r->kase, err);
    case_done(&r->kase);
    free(r);
}

void fold_entry(struct kase *kase, const json_t *entry)
{
    struct err err = {0};

    if (!case_apply(kase, entry, &err))
        log_error(
            "entry_skipped", "case", message_text(entry, "case"), "message", err.message, NULL);
}

static void on_page(void *context, const json_t *reply, const struct err *err)
{
    struct reading *r = context;
    struct err why = {0};
    size_t i;
    json_t *entry;

    if (!reply) {
        finish(r, err);
        return;
    }
    json_t *entries = json_object_get(reply, "entries");
    json_array_foreach (entries, i, entry)
        fold_entry(&r->kase, entry);
    if (!message_true(reply, "more") || json_array_size(entries) == 0)
        finish(r, NULL);
    else if (!read_page(r, &why))
        finish(r, &why);
}

static bool read_page(struct reading *r, struct err *err)
{
    return records_read(
        r->judge, "case", r->kase.last_seq, r->id, CASE_HISTORY_MAX, on_page, r, err);
}

bool read_case(
    struct judge *j, const char *id, read_case_done *done, void *context, struct err *err)
{
    struct reading *r = calloc(1, sizeof *r);

    check(r);
    *r = (struct reading){.judge = j, .done = done, .context = context};
    snprintf(r->id, sizeof r->id, "%s", id);
    if (read_page(r, err))
        return true;
    free(r);
    return false;
}
