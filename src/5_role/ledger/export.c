/* SPDX-License-Identifier: Apache-2.0 */
#include "export.h"

#include "base/scoped.h"
#include "core.h"
#include "message/message.h"
#include "json/json_text.h"

#include <inttypes.h>

void ledger_export_init(
    struct ledger_export *export, bool (*write)(void *owner, struct str text), void *owner)
{
    *export = (struct ledger_export){.size = -1,
        .checkpoints = buf_of(EXPORT_CHECKPOINT_BYTES_MAX),
        .write = write,
        .owner = owner};
}

void ledger_export_done(struct ledger_export *export)
{
    buf_done(&export->checkpoints);
}

static bool put(struct ledger_export *export, struct str text, struct err *err)
{
    if (export->write(export->owner, text))
        return true;
    return err_set(err, ERR_SYSTEM, "cannot write the export behind entry %" PRId64, export->after);
}

static bool put_header(struct ledger_export *export, const json_t *info, struct err *err)
{
    scoped(buf_done) struct buf line = buf_of(LEDGER_ENTRY_BYTES_MAX);
    scoped(json_done) json_t *header = json_pack("{s:s, s:s, s:s, s:i, s:I}", "kind", EXPORT_KIND,
        "origin", message_text(info, "origin"), "public_key", message_text(info, "public_key"),
        "from", 1, "to", (json_int_t)message_int(info, "size"));

    export->size = message_int(info, "size");
    json_object_set_new(header, "checkpoints", json_integer(message_int(info, "checkpoint_count")));
    if (!json_canonical(header, &line, err))
        return false;
    buf_add_char(&line, '\n');
    return put(export, buf_str(&line), err);
}

static bool put_entry(struct ledger_export *export, const json_t *entry, struct err *err)
{
    scoped(buf_done) struct buf line = buf_of(LEDGER_ENTRY_BYTES_MAX + 1);

    if (message_int(entry, "seq") != export->after + 1)
        return err_set(err, ERR_PEER, "the page goes on with entry %" PRId64 " instead of %" PRId64,
            message_int(entry, "seq"), export->after + 1);
    if (!json_canonical(entry, &line, err))
        return false;
    buf_add_char(&line, '\n');
    if (!put(export, buf_str(&line), err))
        return false;
    export->after++;
    return true;
}

static bool keep_checkpoint(struct ledger_export *export, const json_t *one, struct err *err)
{
    scoped(json_done) json_t *line = json_pack("{s:O}", "checkpoint", json_object_get(one, "text"));

    if (message_int(one, "size") > export->size)
        return true;
    if (!line || !json_canonical(line, &export->checkpoints, err))
        return err_set(
            err, ERR_LIMIT, "the checkpoints are more than %d bytes", EXPORT_CHECKPOINT_BYTES_MAX);
    buf_add_char(&export->checkpoints, '\n');
    return true;
}

bool ledger_export_page(struct ledger_export *export, const json_t *entries, const json_t *info,
    bool *ret_whole, struct err *err)
{
    const json_t *item;
    size_t i;

    if (export->size < 0 && !put_header(export, info, err))
        return false;
    if (json_array_size(entries) == 0 && export->after < export->size)
        return err_set(err, ERR_PEER, "the export ends behind entry %" PRId64 " of %" PRId64,
            export->after, export->size);
    json_array_foreach(json_object_get(info, "checkpoints"), i,
        item) if (!keep_checkpoint(export, item, err)) return false;
    json_array_foreach(entries, i,
        item) if (export->after < export->size && !put_entry(export, item, err)) return false;
    *ret_whole = export->after == export->size;
    return !*ret_whole || put(export, buf_str(&export->checkpoints), err);
}
