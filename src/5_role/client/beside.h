/* SPDX-License-Identifier: Apache-2.0
 *
 * beside — run logicd, which lies beside logicctl, for what needs the rules themselves.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* `args` ends with NULL; args[0] is the subcommand. Its input is `input_fd` (-1: none), its output
 * is appended to `out`. *ret_fine: it exited with 0. errors  ERR_SYSTEM */
bool beside_run(
    const char *const *args, int input_fd, struct buf *out, bool *ret_fine, struct err *err);
