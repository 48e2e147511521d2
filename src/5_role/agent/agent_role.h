/* SPDX-License-Identifier: Apache-2.0
 *
 * agent_role — the agent as a role of logicd, for pools of this machine (Agent "local").
 *
 * The supervisor's configuration: {"home", "settings" (agent.NAME), "agent":{…}} where "agent" is
 * the configuration of agent.h; the role adds "schema", "socket" HOME/run/agent.sock and "home"
 * HOME/agent where they are missing. "host" and "order_key" must be there: the key is the text of
 * HOME/pki/order.pub (order_key_ensure() of host/order_key.h makes it).
 *
 * It executes engines only, writes HOME/agent and HOME/run, reads models and engines.json.
 */
#pragma once

#include "common/role.h"

extern const struct role_kind AGENT_ROLE;
