/* SPDX-License-Identifier: Apache-2.0
 *
 * archive_inside — where what stands in the end of an archive; for the writer and the reader.
 */
#pragma once

#include "backup/archive.h"

#define ARCHIVE_HEAD "logic-node/backup/v1\n"
#define ARCHIVE_MAGIC "\nLNBKUP1"
#define ARCHIVE_KEY_ID_AT 32
#define ARCHIVE_OFFSET_AT 48
#define ARCHIVE_MAGIC_AT 56
