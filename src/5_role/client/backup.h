/* SPDX-License-Identifier: Apache-2.0
 *
 * backup — what `logicctl backup` and `logicctl restore` share.
 */
#pragma once

#include "client/client.h"

#define RECOVERY_PUBLIC_FILE "keys/recovery.pub"
#define BACKUP_SECRET_FILE "keys/backup.secret"
#define BACKUP_SECRET_BYTES 32
#define LOGIC_NODE_ETC "/etc/logic-node"
#define BACKUP_NUMBER_BYTES 32

/* "12.3 MB" */
void backup_bytes_text(uint64_t bytes, char ret_text[BACKUP_NUMBER_BYTES]);
/* A folder with all in it; what cannot be removed stays. */
void backup_remove_tree(const char *path);
