/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent_role.h"

#include "agent/agent.h"
#include "agent/locks.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"

#include <curl/curl.h>
#include <stdio.h>

struct agent_role {
    struct role *role;
    struct agent *agent;
    struct agent_config config;
};

static void set_missing(json_t *object, const char *name, json_t *value)
{
    if (json_object_get(object, name))
        json_decref(value);
    else
        json_object_set_new(object, name, value);
}

/* What the supervisor left out. */
static json_t *whole_config(const struct role *role)
{
    char socket[PATH_MAX], home[PATH_MAX];
    json_t *own = json_deep_copy(role_config(role, "agent"));
    const json_t *settings = role_config(role, "settings");

    role_path(role, "run/agent.sock", socket);
    role_path(role, "agent", home);
    set_missing(own, "schema", json_string(AGENT_SCHEMA));
    set_missing(own, "home", json_string(home));
    if (!json_object_get(own, "listen"))
        set_missing(own, "socket", json_string(socket));
    if (json_is_object(settings))
        json_object_set(own, "settings", (json_t *)settings);
    return own;
}

static bool agent_role_open(struct role *role, struct err *err)
{
    struct agent_role *r = calloc(1, sizeof *r);
    struct agent_locks locks;
    char run[PATH_MAX];

    check(r);
    role->state = r;
    r->role = role;
    if (!json_is_object(role_config(role, "agent")))
        return err_code(err, ERR_INPUT, "bad_config", "agent", "the agent is not configured");
    scoped(json_done) json_t *whole = whole_config(role);
    role_path(role, "run", run);
    if (!agent_config_read(whole, role_config_text(role, "home"), &r->config, err) ||
        !file_make_folder(run, 0700, err) || !file_make_folder(r->config.home, 0700, err) ||
        !agent_locks(&r->config, role_config_text(role, "home"), &locks, err))
        return false;
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    for (size_t i = 0; locks.read[i]; i++)
        role_allow_read(role, locks.read[i]);
    for (size_t i = 0; locks.write[i]; i++)
        role_allow_write(role, locks.write[i]);
    for (size_t i = 0; locks.execute[i]; i++)
        role_allow_execute(role, locks.execute[i]);
    role_path(role, "llm/engines", run); /* one that is put there later needs no restart */
    role_allow_execute(role, run);
    return true;
}

static bool agent_role_start(struct role *role, struct err *err)
{
    struct agent_role *r = role->state;

    if (!agent_open(&role->loop, &r->config, &r->agent, err))
        return false;
    role_ready(role);
    return true;
}

/* It speaks with nobody over channels. */
static void agent_role_peer(struct role *role, const char *name, int fd)
{
    (void)role, (void)name;
    fd_done(&fd);
}

static void on_closed(void *owner)
{
    struct agent_role *r = owner;

    role_end(r->role, 0);
}

static void agent_role_stop(struct role *role)
{
    struct agent_role *r = role->state;

    agent_close(r->agent, on_closed, r);
}

const struct role_kind AGENT_ROLE = {
    .name = "agent",
    .open = agent_role_open,
    .start = agent_role_start,
    .peer = agent_role_peer,
    .stop = agent_role_stop,
};
