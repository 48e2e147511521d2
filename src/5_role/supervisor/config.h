/* SPDX-License-Identifier: Apache-2.0
 *
 * config — what each role is told, and the folders of HOME.
 *
 *     HOME/site      facts the owner writes        HOME/kb        versions of rules and site
 *     HOME/state     readable snapshot (judge)     HOME/ledger    the record and the node's key
 *     (ledger)
 *     HOME/secrets   device secrets (actuator)     HOME/keys      keys of people; no role reads
 *     them
 *     HOME/enrol     codes and waiting passkeys    HOME/sessions  browsers that signed in (gateway)
 *     HOME/run       api.sock, roles.json, page.json
 */
#pragma once

#include "supervisor/supervisor.h"
#include "supervisor/version.h"

bool config_prepare_home(const struct supervisor_options *options, struct err *err);

/* HOME/kb. */
const char *config_versions_folder(const struct supervisor_options *options);

/* Copy rules and site as they are now. */
bool config_version(
    const struct supervisor_options *options, struct version *ret_version, struct err *err);

/* HOME/agent/agent.json is there: engines run on this machine too. */
bool config_has_agent(const struct supervisor_options *options);

/* A role is told only what it needs: no other role's folder is named to it. Owned by the caller. */
json_t *config_for(
    const struct supervisor_options *options, const char *role, const struct version *version);
