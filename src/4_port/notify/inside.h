/* SPDX-License-Identifier: Apache-2.0
 *
 * inside — for the files of this folder only.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* http(s)://HOST…, printable ASCII, no fragment, nothing that ends an address for some reader. */
bool notice_is_url(struct str url, size_t bytes_max);
