/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger_role — the only writer of the record: the core (core.h) on a loop, locked into its folder.
 *
 * Appends that arrive in one turn of the loop become durable together; while the disk works the
 * next ones gather.
 */
#pragma once

#include "common/role.h"

extern const struct role_kind LEDGER_ROLE;
