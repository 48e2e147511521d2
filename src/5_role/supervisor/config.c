/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/config.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "json/json_read.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AGENT_FILE "agent/agent.json"
#define AGENT_FILE_BYTES_MAX (64 * 1024)
#define KEY_TEXT_BYTES 256

static const struct home_folder {
    const char *name;
    mode_t mode;
} FOLDERS[] = {
    {"", 0755},
    {"site", 0755},
    {"kb", 0755},
    {"state", 0755},
    {"ledger", 0700},
    {"secrets", 0700},
    {"keys", 0700},
    {"run", 0755},
    {"catalogue", 0755},
    {"tokens", 0700},
    {"usage", 0700},
    {"pki", 0700},
};

static void home_path(const struct supervisor_options *o, const char *tail, char *ret_path)
{
    int len = snprintf(ret_path, PATH_MAX, "%s/%s", o->home, tail);
    check(len > 0 && len < PATH_MAX);
}

bool config_prepare_home(const struct supervisor_options *options, struct err *err)
{
    for (size_t i = 0; i < COUNT(FOLDERS); i++) {
        char path[PATH_MAX];
        home_path(options, FOLDERS[i].name, path);
        if (!file_make_folder(path, FOLDERS[i].mode, err))
            return err_wrap(err, "preparing the node's home");
    }
    return true;
}

const char *config_versions_folder(const struct supervisor_options *options)
{
    static char path[PATH_MAX];

    home_path(options, "kb", path);
    return path;
}

bool config_version(
    const struct supervisor_options *options, struct version *ret_version, struct err *err)
{
    char site[PATH_MAX];

    home_path(options, "site", site);
    return version_make(options->kb, site, config_versions_folder(options), ret_version, err);
}

static void add_path(
    json_t *config, const struct supervisor_options *o, const char *name, const char *tail)
{
    char path[PATH_MAX];

    home_path(o, tail, path);
    json_object_set_new(config, name, json_string(path));
}

static void add_judge(json_t *config, const struct supervisor_options *o, const struct version *v)
{
    char site[PATH_MAX + 8];

    snprintf(site, sizeof site, "%s/site", v->folder);
    json_object_set_new(config, "kb", json_string(v->folder));
    json_object_set_new(config, "site", json_string(site));
    json_object_set_new(config, "rules", json_string(v->rules));
    json_object_set_new(config, "site_hash", json_string(v->site));
    add_path(config, o, "state", "state");
}

static void add_gateway(json_t *config, const struct supervisor_options *o)
{
    json_object_set_new(config, "listen", json_string(o->listen));
    json_object_set_new(config, "web", json_string(o->web));
    json_object_set_new(config, "llm", json_string(o->llm));
    json_object_set_new(config, "llm_model", json_string(o->llm_model));
    json_object_set_new(config, "runbook_model", json_string(o->runbook_model));
    json_object_set_new(config, "sqlite_vec", json_string(o->sqlite_vec));
    json_object_set_new(config, "embedding_model", json_string(o->embedding_model));
    json_object_set(config, "names", (json_t *)o->names);
    json_object_set_new(config, "tls_cert", json_string(o->tls_cert));
    json_object_set_new(config, "tls_key", json_string(o->tls_key));
    json_object_set_new(config, "tls_client_ca", json_string(o->tls_client_ca));
    json_object_set_new(config, "tokens", json_string(o->tokens));
    add_path(config, o, "socket", "run/api.sock");
}

bool config_has_agent(const struct supervisor_options *options)
{
    char path[PATH_MAX];

    home_path(options, AGENT_FILE, path);
    return file_exists(path);
}

/* What stands in the file, and the key whose orders the agent obeys. A file that cannot be read
 * leaves "agent" out: the role then says what is wrong and the node does not start without its
 * engines. */
static void add_agent(json_t *config, const struct supervisor_options *o)
{
    char path[PATH_MAX], key_path[PATH_MAX];
    scoped(buf_done) struct buf text = buf_of(AGENT_FILE_BYTES_MAX), key = buf_of(KEY_TEXT_BYTES);
    struct err err;
    json_t *agent = NULL;

    home_path(o, AGENT_FILE, path);
    home_path(o, "pki/order.pub", key_path);
    if (!file_read(path, &text, &err) ||
        !json_read(buf_str(&text), AGENT_FILE_BYTES_MAX, &agent, &err)) {
        log_error("agent_file_refused", "path", path, "message", err.message, NULL);
        return;
    }
    if (!json_object_get(agent, "order_key") && file_read(key_path, &key, &err)) {
        struct str trimmed = str_trim(buf_str(&key));
        json_object_set_new(agent, "order_key", json_stringn(trimmed.at, trimmed.len));
    }
    json_object_set_new(config, "agent", agent);
}

json_t *config_for(
    const struct supervisor_options *options, const char *role, const struct version *version)
{
    const json_t *settings = json_object_get(options->settings, role);
    json_t *config = json_object();

    json_object_set_new(config, "home", json_string(options->home));
    json_object_set_new(config, "settings", settings ? json_deep_copy(settings) : json_object());
    if (strcmp(role, "judge") == 0)
        add_judge(config, options, version);
    if (strcmp(role, "gateway") == 0)
        add_gateway(config, options);
    if (strcmp(role, "actuator") == 0) {
        add_path(config, options, "secrets", "secrets");
        json_object_set_new(config, "playbooks", json_string(options->playbooks));
        json_object_set(config, "writable", (json_t *)options->writable);
    }
    if (strcmp(role, "sensor") == 0)
        json_object_set_new(config, "backup", json_string(options->backup));
    if (strcmp(role, "agent") == 0)
        add_agent(config, options);
    if (strcmp(role, "ledger") == 0)
        add_path(config, options, "folder", "ledger");
    return config;
}
