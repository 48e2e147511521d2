/* SPDX-License-Identifier: Apache-2.0
 *
 * export — pages of the reading "export" become the one file that an outsider needs.
 *
 * For whoever holds the pages: the client with those from the API, a test with those of the core.
 * The text is written as the pages come; checkpoints are kept until the end, for they stand behind
 * the entries.
 *
 * threads  none
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPORT_KIND "logic-node/ledger-export/v1"
/* All checkpoints of 1 M entries take 2 MB; one a minute for a year, 130 MB. */
#define EXPORT_CHECKPOINT_BYTES_MAX (512 * 1024 * 1024)

struct ledger_export {
    int64_t size;  /* of the ledger when the export began: later entries stay out */
    int64_t after; /* what to ask for next */
    struct buf checkpoints;
    bool (*write)(void *owner, struct str text); /* false: it cannot; the writer keeps the reason */
    void *owner;
};

void ledger_export_init(
    struct ledger_export *export, bool (*write)(void *owner, struct str text), void *owner);
void ledger_export_done(struct ledger_export *export);

/* One page: the `entries` and `info` of the reply. *ret_whole: that was the last one, all is
 * written. errors  ERR_PEER the page does not continue the one before; ERR_SYSTEM cannot write */
bool ledger_export_page(struct ledger_export *export, const json_t *entries, const json_t *info,
    bool *ret_whole, struct err *err);
