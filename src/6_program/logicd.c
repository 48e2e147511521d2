/* SPDX-License-Identifier: Apache-2.0
 *
 * logicd — the node. Arguments and composition, nothing else. */
#include "actuator/actuator.h"
#include "agent/agent_role.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "common/role.h"
#include "gateway/gateway.h"
#include "judge/judge.h"
#include "ledger/ledger_role.h"
#include "offline.h"
#include "os/file.h"
#include "sensor/sensor.h"
#include "supervisor/supervisor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct role_kind *const ROLES[] = {
    &JUDGE_ROLE, &GATEWAY_ROLE, &ACTUATOR_ROLE, &SENSOR_ROLE, &AGENT_ROLE, &LEDGER_ROLE};

static const char USAGE[] =
    "usage: logicd serve --home DIR [--kb DIR] [--web DIR] [--playbooks DIR] [--listen HOST:PORT]\n"
    "                    [--llm URL [--llm-model NAME]]   an engine for what the grammar cannot "
    "read\n"
    "                    [--runbook-model NAME]   a model of the catalogue words runbooks for "
    "alerts\n"
    "                    [--sqlite-vec FILE --embedding-model NAME]   documents by meaning too\n"
    "                    [--tls-cert FILE --tls-key FILE [--tls-client-ca FILE]] [--tokens FILE]\n"
    "                    [--backup FILE]      backup.conf: the sensor tells how old the backup is\n"
    "                    [--name HOSTNAME]…   further names by which requests may call this host\n"
    "                    [--writable DIR]…    folders that playbooks on this machine may write\n"
    "                    [--set ROLE.NAME=NUMBER]…\n"
    "       logicd settings                        every ROLE.NAME with its bounds and default\n"
    "       logicd kb-check DIR [SITE [STATE]]     are these rules fit to be loaded? exit 0 or 1\n"
    "       logicd replay --home DIR [--since SEQ] [--with KB [--site DIR]] < EXPORT\n"
    "                                              does every verdict come out the same? exit 0 or "
    "1\n"
    "       logicd version\n"
    "`role` and `probe` are for the supervisor and for tests.\n";

static const struct role_kind *role_named(const char *name)
{
    for (size_t i = 0; i < COUNT(ROLES); i++)
        if (strcmp(ROLES[i]->name, name) == 0)
            return ROLES[i];
    return NULL;
}

int usage(const char *why, const char *what)
{
    fprintf(stderr, "logicd: %s%s%s\n%s", why, what[0] ? ": " : "", what, USAGE);
    return 2;
}

/* --- serve ------------------------------------------------------------------------------- */

/* "gateway.request_bytes_max=1024" into {"gateway":{"request_bytes_max":1024}}. */
static bool set_one(json_t *settings, const char *text)
{
    struct str number, name, whole = str_cut(str_from(text), '=', &number);
    struct str role = str_cut(whole, '.', &name);
    uint64_t value;

    if (!role.len || !name.len || !str_to_u64(number, INT64_MAX, &value))
        return false;
    json_t *of_role = json_object_getn(settings, role.at, role.len);
    if (!of_role) {
        of_role = json_object();
        json_object_setn_new(settings, role.at, role.len, of_role);
    }
    json_object_setn_new(of_role, name.at, name.len, json_integer((json_int_t)value));
    return true;
}

/* An absolute path that outlives the call; folders are handed to other processes. */
static const char *absolute(const char *path)
{
    char whole[PATH_MAX];

    if (path[0] == '\0')
        return path;
    if (!realpath(path, whole))
        return path; /* whoever opens it says what is wrong */
    return str_dup(str_from(whole));
}

struct serve {
    struct supervisor_options options;
    json_t *settings, *writable, *names;
};

static void serve_done(struct serve *s)
{
    json_decref(s->settings);
    json_decref(s->writable);
    json_decref(s->names);
}

/* An option with a text; NULL: there is none of this name. */
static const char **text_option(struct supervisor_options *o, const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } texts[] = {{"--home", &o->home}, {"--kb", &o->kb}, {"--web", &o->web},
        {"--playbooks", &o->playbooks}, {"--backup", &o->backup}, {"--listen", &o->listen},
        {"--llm", &o->llm}, {"--llm-model", &o->llm_model}, {"--runbook-model", &o->runbook_model},
        {"--sqlite-vec", &o->sqlite_vec}, {"--embedding-model", &o->embedding_model},
        {"--tls-cert", &o->tls_cert}, {"--tls-key", &o->tls_key},
        {"--tls-client-ca", &o->tls_client_ca}, {"--tokens", &o->tokens}};

    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i].name, name) == 0)
            return texts[i].value;
    return NULL;
}

/* 0, or the exit status of a wrong command line. */
static int take_option(struct serve *s, const char *name, const char *value)
{
    const char **text = text_option(&s->options, name);

    if (!value)
        return usage("a value is missing behind", name);
    if (text)
        *text = value;
    else if (strcmp(name, "--writable") == 0)
        json_array_append_new(s->writable, json_string(absolute(value)));
    else if (strcmp(name, "--name") == 0)
        json_array_append_new(s->names, json_string(value));
    else if (strcmp(name, "--set") != 0)
        return usage("there is no option", name);
    else if (!set_one(s->settings, value))
        return usage("--set wants ROLE.NAME=NUMBER, not", value);
    return 0;
}

static int serve(int argc, char **argv)
{
    scoped(serve_done) struct serve s = {.options = {.home = "",
                                             .kb = "kb",
                                             .web = "web",
                                             .playbooks = "deploy/ansible",
                                             .backup = "",
                                             .listen = "127.0.0.1:30080",
                                             .llm = "",
                                             .llm_model = "",
                                             .runbook_model = "",
                                             .sqlite_vec = "",
                                             .embedding_model = "",
                                             .tls_cert = "",
                                             .tls_key = "",
                                             .tls_client_ca = "",
                                             .tokens = ""},
        .settings = json_object(),
        .writable = json_array(),
        .names = json_array()};
    struct supervisor_options *o = &s.options;
    const char **const folders[] = {&o->home, &o->kb, &o->web, &o->playbooks, &o->tls_cert,
        &o->tls_key, &o->tls_client_ca, &o->tokens};
    struct err err = {0};

    for (int i = 0; i < argc; i += 2) {
        int wrong = take_option(&s, argv[i], argv[i + 1]); /* argv ends with NULL */
        if (wrong)
            return wrong;
    }
    if (!o->home[0])
        return usage("say where the node lives with --home DIR", "");
    if (o->llm_model[0] && !o->llm[0])
        return usage("--llm-model names the model of an engine: say which with --llm URL", "");
    if (o->embedding_model[0] && !o->sqlite_vec[0])
        return usage("--embedding-model needs --sqlite-vec FILE to keep its vectors", "");
    if (!file_make_folder(o->home, 0755, &err)) {
        fprintf(stderr, "logicd: %s\n", err.message);
        return err_exit_code(err.kind);
    }
    for (size_t i = 0; i < COUNT(folders); i++)
        *folders[i] = absolute(*folders[i]);
    o->settings = s.settings;
    o->writable = s.writable;
    o->names = s.names;
    return supervisor_run(o);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (strcmp(command, "kb-check") == 0)
        return offline_kb_check(argc - 2, argv + 2);
    if (strcmp(command, "replay") == 0)
        return offline_replay(argc - 2, argv + 2);
    if (strcmp(command, "settings") == 0)
        return offline_settings();
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("logicd %s\n", LOGIC_NODE_VERSION);
        return 0;
    }
    const struct role_kind *kind = argc > 2 ? role_named(argv[2]) : NULL;
    if (strcmp(command, "role") == 0 && kind)
        return role_run(kind);
    if (strcmp(command, "probe") == 0 && kind)
        return role_probe(kind, (const char *const *)argv + 3, argc - 3);
    return usage("no such command", command);
}
