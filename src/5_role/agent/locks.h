/* SPDX-License-Identifier: Apache-2.0
 *
 * locks — what an agent may touch, for its sandbox: both shapes use the same lists.
 *
 * threads  one
 */
#pragma once

#include "agent/agent.h"

#define AGENT_LOCKS_MAX 47 /* of which engines and the owner may add a dozen */

struct agent_locks {
    const char *read[AGENT_LOCKS_MAX + 1], *write[AGENT_LOCKS_MAX + 1];
    const char *execute[AGENT_LOCKS_MAX + 1];
    char run[PATH_MAX]; /* the socket's folder */
};

/* `ret` borrows from `config`; call it when the folders are there (what is missing is not allowed
 * later either). `node_home` stays closed but for what the lists name below it (NULL: there is no
 * node here). errors  ERR_INPUT too many folders */
bool agent_locks(const struct agent_config *config, const char *node_home, struct agent_locks *ret,
    struct err *err);
