/* SPDX-License-Identifier: Apache-2.0
 *
 * json_string — one text as JSON, without jansson: also where there is none (the agent of Windows).
 *
 * threads  any: no state
 * source   RFC 8259
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* One string with its quotes; `text` must be UTF-8. */
void json_add_string(struct buf *out, struct str text);
