/* SPDX-License-Identifier: Apache-2.0
 *
 * judge — the hub: rules decide here, cases live here, every other role speaks only with it.
 *
 * It may read its rules, write HOME/state, and nothing else: no network, no exec, no other process.
 * Nothing is answered before its record is durable in the ledger; when the ledger is lost the
 * judge ends and
 * is started again, and rebuilds its cases from the record.
 */
#pragma once

#include "common/role.h"

extern const struct role_kind JUDGE_ROLE;
