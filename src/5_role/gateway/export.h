/* SPDX-License-Identifier: Apache-2.0
 *
 * export — the whole ledger as lines; its route is route_ledger_export().
 */
#pragma once

struct gateway;

/* Those under way are torn, so that none looks complete. */
void export_stop_all(struct gateway *gateway);
