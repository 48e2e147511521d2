/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a status file and as a backup.conf: read or refused with words; a time that was read
 * can be one, a folder that was read is an absolute path with room behind it.
 */
#include "backup/status.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct backup_status status;
    char folder[PATH_MAX];
    struct err err = {0};

    if (backup_status_parse(text, &status, &err)) {
        if (status.good_at_s < 0 || (status.ok && !status.good_at_s))
            abort();
    } else if (err.kind == ERR_NONE || !*err.message) {
        abort();
    }
    if (backup_state_parse(text, folder, &err) &&
        (folder[0] != '/' || strlen(folder) + sizeof "/" BACKUP_STATUS_FILE > PATH_MAX))
        abort();
    return 0;
}
