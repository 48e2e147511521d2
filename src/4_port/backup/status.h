/* SPDX-License-Identifier: Apache-2.0
 *
 * status — when the last good backup was, out of what zfs_sync.sh or restic_sync.sh left.
 *
 *     struct backup_watch watch;
 *     backup_watch_open("/etc/logic-node/backup.conf", &watch);
 *     backup_look(&watch, clock_civil_ms() / 1000, &look);     as often as one likes
 *
 * backup.conf says where (STATE=…), STATE/status.json says when ("good_at": seconds since 1970, 0
 * never). Both are read as a stranger's: bounded, no link, no pipe, nothing but a plain file; what
 * cannot be believed is unknown, never zero. Where no backup was ever good, age counts since
 * backup.conf was written: who sets a backup up and never gets one is told, too.
 *
 * owner    none: nothing is kept open
 * threads  any
 * limits   BACKUP_CONFIG_BYTES_MAX, BACKUP_STATUS_BYTES_MAX, BACKUP_AHEAD_S_MAX
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <limits.h>
#include <stdint.h>

#define BACKUP_STATE_STANDARD "/var/lib/logic-node-backup"
#define BACKUP_STATUS_FILE "status.json"
#define BACKUP_CONFIG_BYTES_MAX (64u << 10)
#define BACKUP_STATUS_BYTES_MAX (64u << 10)
#define BACKUP_AHEAD_S_MAX 60 /* a time that lies further ahead of our clock is not believed */
#define BACKUP_WORDS_BYTES 120

struct backup_status {
    bool ok;           /* the last run was good */
    int64_t good_at_s; /* of the last good run; 0: there was none */
};

/* The text of status.json. A file without "good_at" as a number (written by 0.5 or older) counts
 * with the time of its run if that was good.
 * errors  ERR_INPUT "bad_json", "bad_status"; ERR_LIMIT "too_large" */
bool backup_status_parse(struct str text, struct backup_status *ret_status, struct err *err);

/* STATE of the text of a backup.conf; BACKUP_STATE_STANDARD if it says none.
 * errors  ERR_INPUT "bad_value" no absolute path, or one that is too long */
bool backup_state_parse(struct str text, char ret_folder[PATH_MAX], struct err *err);

struct backup_watch {
    bool is_set_up;
    char folder[PATH_MAX];          /* STATE; "" where it is not known */
    int64_t since_s;                /* when backup.conf was written */
    char words[BACKUP_WORDS_BYTES]; /* why it is not set up, or why `folder` is not known */
};

/* `config` is the path of backup.conf; "" or NULL: nobody said. */
void backup_watch_open(const char *config, struct backup_watch *ret_watch);

enum backup_known {
    BACKUP_NOT_SET_UP,
    BACKUP_UNKNOWN,
    BACKUP_KNOWN,
};

struct backup_look {
    enum backup_known known;
    int64_t age_s;                  /* BACKUP_KNOWN alone */
    char words[BACKUP_WORDS_BYTES]; /* ours, why it is not known; "" if it is */
};

void backup_look(const struct backup_watch *watch, int64_t now_s, struct backup_look *ret_look);
