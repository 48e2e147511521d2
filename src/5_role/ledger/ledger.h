/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger — the role that alone writes the audit trail. It talks only with the judge.
 *
 * All appends that arrive in one turn of the loop become one transaction (core.h); replies go out only
 * behind its fsync. It may write its folder, and nothing else: no network, no exec, no other process.
 */
#pragma once

#include "common/role.h"

extern const struct role_kind LEDGER_ROLE;
