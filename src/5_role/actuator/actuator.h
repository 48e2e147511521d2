/* SPDX-License-Identifier: Apache-2.0
 *
 * actuator — the hands: carries out warrants, obeys nobody but the judge.
 *
 * It may use the network and start programs, and reads the device secrets, its certificate and the
 * catalogue (HOME/pki/actuator.*, HOME/catalogue); it cannot listen. When its certificates change
 * it starts again: it may read only the files that were there at its start.
 * Configuration: "secrets", "playbooks", "inventories" (the folder that holds inventory/; default:
 * playbooks), "writable" (folders that local playbooks may write), "settings".
 */
#pragma once

#include "common/role.h"

extern const struct role_kind ACTUATOR_ROLE;
