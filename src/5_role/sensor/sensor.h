/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor — the eyes: asks exporters and agents, takes pushes, tells the judge readings.
 *
 * It may use the network outwards and reads its own certificate (HOME/pki/sensor.*); it cannot
 * listen, start a program, read secrets, rules or the record. When its certificate changes it
 * starts again: it may read only the files that were there at its start.
 * Configuration: "home", "settings".
 */
#pragma once

#include "common/role.h"

extern const struct role_kind SENSOR_ROLE;
