/* SPDX-License-Identifier: Apache-2.0
 *
 * backup_part — which of a home's folders a backup holds, and the list of what lies in them.
 *
 * Every folder of a home is in the table, with why it is kept or left: what is not is named, so
 * that a new folder is never lost without a word. Of the machine's own configuration
 * (/etc/logic-node, or LOGIC_NODE_ETC) the files are kept as `machine/…`.
 */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BACKUP_DEPTH_MAX 12
#define BACKUP_TARGET_BYTES                                                                        \
    (50ll << 20) /* beyond it `backup list` and `make` say what is large                           \
                  */
#define BACKUP_MACHINE "machine"
#define BACKUP_WORK "backup" /* HOME/backup: its lock, and copies while an archive is made */

enum backup_fate { BACKUP_KEPT, BACKUP_LEFT, BACKUP_UNKNOWN };

/* Of a name that stands in a home itself; *ret_why is a static text. */
enum backup_fate backup_fate_of(const char *name, const char **ret_why);
/* The kept ones, in order; NULL beyond the last. */
const char *backup_kept(size_t index);

struct backup_item {
    char *path; /* in the archive */
    char *from; /* where it lies */
    mode_t mode;
    uint64_t bytes;
    bool is_folder;
    bool is_nodes;    /* it belongs to whom HOME/state belongs */
    bool is_database; /* a SQLite file: a snapshot is taken */
};

struct backup_items {
    struct backup_item *at;
    size_t count;
    uid_t nodes_uid;
    json_t *left_out; /* [{"path","why"}]: in a kept folder, or of the home and unknown */
};

/* Folders before what lies in them, names in order.
 * errors  ERR_SYSTEM a folder cannot be read; ERR_LIMIT too deep, too many, a name too long */
bool backup_items_of(
    const char *home, const char *etc, struct backup_items *ret_items, struct err *err);
void backup_items_done(struct backup_items *items);
/* Something that was listed and is not in the archive. */
void backup_left_out(struct backup_items *items, const char *path, const char *why);
