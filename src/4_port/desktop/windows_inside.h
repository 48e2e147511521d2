/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the room share. Only these include Windows' headers. */
#pragma once

#include "presence/presence.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* "" where there is none of this number. */
void windows_process_name(DWORD id, char ret_name[PRESENCE_NAME_BYTES]);
#endif
