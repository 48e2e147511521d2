/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway — the HTTP face of the node: API, events, metrics, page. It decides nothing.
 *
 * Configuration (json of the supervisor): "home"; "listen" ("127.0.0.1:30080"); "socket"
 * (path, default HOME/run/api.sock); "web" (folder of the page); "llm" (URL or ""); "llm_model"
 * (name asked for, or ""); "tls_cert", "tls_key", "tokens" (files or ""); "names" (further host
 * names that are ours); "settings" (gateway_settings.def, net/http_limits.def).
 *
 * Peers: "judge". Sandbox: no exec, no fork, no write, reads only what getaddrinfo needs.
 */
#pragma once

#include "common/role.h"

extern const struct role_kind GATEWAY_ROLE;

/* For tests: the port that "127.0.0.1:0" became. */
uint16_t gateway_port(const struct role *role);
/* For tests: after the loop was left, or open() or start() failed, everything is released. */
void gateway_free(struct role *role);
