/* SPDX-License-Identifier: Apache-2.0
 *
 * agent — what a host does for the node: says how it is, runs engines, carries requests to them,
 * goes to sleep. The same code as the program `logicagent` on a host and as the role `agent` of
 * logicd for pools of this machine.
 *
 *     struct agent_config config;
 *     if (!agent_config_read(json, folder, &config, err)) …
 *     agent_open(loop, &config, &agent, err)     listens
 *     agent_close(agent, closed, owner)          engines end, then the server
 *
 * HTTP as in docs/inference.md, section 5. Who asks is the common name of the certificate
 * ("gateway", "actuator"; "sensor" may ask /v1/metrics and /v1/status), on the unix socket our own
 * uid. An order counts only with the signature
 * of the node's key, for this host, in its time, once: used nonces are on disk before anything is
 * done. One order at a time per pool. Engines end with the agent; an agent that begins finds its
 * pools empty, and sweeps away what an earlier life left.
 *
 * Configuration (JSON; paths are absolute or below the file's folder):
 *     {"schema":"logic-node/agent/v1","host":"tower",
 *      "listen":"0.0.0.0:30443" and "certificate","key","authority"   — or "socket":PATH
 *      "names":[…],            further names by which requests may call this host
 *      "order_key":"ed25519:…",
 *      "home":DIR,             state, pools, inhibit.d (default: the file's folder)
 *      "models":DIR            (HOME/models)        "engines":FILE (HOME/catalogue/engines.json)
 *      "suspend":[ARGV…] ["systemctl","suspend"]    "poweroff":[ARGV…] ["systemctl","poweroff"]
 *      "nvidia_smi":PATH       (the first in PATH)
 *      "execute":[DIR…]        where engines' libraries lie, beside /usr, /opt, the folders of the
 *                              engines in "engines" at the start
 *      "push":{"url":"https://NODE:PORT/api/v1/senses/NAME","token","every_s" (10),"authority"}
 *                              numbers go there by themselves, for a node that cannot ask us; http
 *                              to this machine only; authority: of the node's certificate
 *      "settings":{…}}         settings.def and the rows of net/http_limits.def
 *
 * owner    agent_close()
 * threads  the loop's; curl_global_init(3) was called before agent_open()
 */
#pragma once

#include "base/err.h"
#include "crypto/crypto.h"
#include "net/http_server.h"

#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <uv.h>

#define AGENT_CONFIG_BYTES_MAX (64 * 1024)
#define AGENT_SCHEMA "logic-node/agent/v1"
#define AGENT_ARGV_MAX 16
#define AGENT_NAMES_MAX 16
#define AGENT_TOKEN_BYTES_MAX 4096 /* of a push */
#define AGENT_HOME_BYTES_MAX 64 /* a pool's folder and socket must fit into a socket's address */

struct agent_settings {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "agent/settings.def"
#undef SETTING
    struct http_limits http;
};

/* Texts are borrowed from `json`, which the config keeps. */
struct agent_config {
    json_t *json;
    const char *host;
    char address[64]; /* of "listen"; "" with a socket */
    uint16_t port;
    char home[AGENT_HOME_BYTES_MAX + 1], socket[PATH_MAX], models[PATH_MAX], engines[PATH_MAX];
    char certificate[PATH_MAX], key[PATH_MAX], authority[PATH_MAX];
    const char *names[AGENT_NAMES_MAX + 1];
    const char *suspend[AGENT_ARGV_MAX + 1], *poweroff[AGENT_ARGV_MAX + 1];
    const char *execute[AGENT_NAMES_MAX + 1];
    const char *nvidia_smi; /* NULL: look for it */
    struct agent_push_config {
        const char *url, *token; /* NULL: nothing is pushed */
        int64_t every_s;
        char authority[PATH_MAX];
    } push;
    uint8_t order_key[PUBLIC_KEY_BYTES];
    struct agent_settings settings;
};

/* Unknown members, wrong types and what does not fit together are refused.
 * errors  ERR_INPUT "bad_config" and those of json_take, settings_apply */
bool agent_config_read(
    json_t *json, const char *folder, struct agent_config *ret_config, struct err *err);
void agent_config_done(struct agent_config *config);

struct agent;

/* `config` is copied, its json is kept. errors  ERR_SYSTEM a folder, a certificate, the port */
bool agent_open(
    uv_loop_t *loop, const struct agent_config *config, struct agent **ret_agent, struct err *err);
/* Of the TCP listener, for port 0. */
uint16_t agent_port(const struct agent *agent);
/* No further request; engines get SIGTERM; `closed` from the loop when all has ended. */
void agent_close(struct agent *agent, void (*closed)(void *owner), void *owner);
