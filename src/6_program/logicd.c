/* SPDX-License-Identifier: Apache-2.0
 *
 * logicd — the node. Arguments and composition, nothing else. */
#include "actuator/actuator.h"
#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "common/role.h"
#include "gateway/gateway.h"
#include "judge/judge.h"
#include "ledger/ledger_role.h"
#include "os/file.h"
#include "prolog/check.h"
#include "supervisor/supervisor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct role_kind *const ROLES[] = {
    &JUDGE_ROLE, &GATEWAY_ROLE, &ACTUATOR_ROLE, &LEDGER_ROLE};

static const char USAGE[] =
    "usage: logicd serve --home DIR [--kb DIR] [--web DIR] [--playbooks DIR] [--listen HOST:PORT]\n"
    "                    [--llm URL] [--tls-cert FILE --tls-key FILE --tokens FILE] [--set "
    "ROLE.NAME=NUMBER]…\n"
    "                    [--writable DIR]…    folders that playbooks on this machine may write\n"
    "       logicd kb-check DIR [SITE [STATE]]     are these rules fit to be loaded? exit 0 or 1\n"
    "       logicd version\n"
    "`role` and `probe` are for the supervisor and for tests.\n";

static const struct role_kind *role_named(const char *name)
{
    for (size_t i = 0; i < COUNT(ROLES); i++)
        if (strcmp(ROLES[i]->name, name) == 0)
            return ROLES[i];
    return NULL;
}

static int usage(const char *why, const char *what)
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

static int serve(int argc, char **argv)
{
    struct supervisor_options o = {.home = "",
        .kb = "kb",
        .web = "web",
        .playbooks = "deploy/ansible",
        .listen = "127.0.0.1:30080",
        .llm = "",
        .tls_cert = "",
        .tls_key = "",
        .tokens = ""};
    const struct {
        const char *name;
        const char **value;
    } TEXTS[] = {{"--home", &o.home}, {"--kb", &o.kb}, {"--web", &o.web},
        {"--playbooks", &o.playbooks}, {"--listen", &o.listen}, {"--llm", &o.llm},
        {"--tls-cert", &o.tls_cert}, {"--tls-key", &o.tls_key}, {"--tokens", &o.tokens}};
    scoped(json_done) json_t *settings = json_object();
    scoped(json_done) json_t *writable = json_array();
    struct err err = {0};

    for (int i = 0; i < argc; i += 2) {
        size_t row = 0;
        if (i + 1 == argc)
            return usage("a value is missing behind", argv[i]);
        if (strcmp(argv[i], "--set") == 0) {
            if (!set_one(settings, argv[i + 1]))
                return usage("--set wants ROLE.NAME=NUMBER, not", argv[i + 1]);
            continue;
        }
        if (strcmp(argv[i], "--writable") == 0) {
            json_array_append_new(writable, json_string(absolute(argv[i + 1])));
            continue;
        }
        while (row < COUNT(TEXTS) && strcmp(TEXTS[row].name, argv[i]) != 0)
            row++;
        if (row == COUNT(TEXTS))
            return usage("there is no option", argv[i]);
        *TEXTS[row].value = argv[i + 1];
    }
    if (!o.home[0])
        return usage("say where the node lives with --home DIR", "");
    if (!file_make_folder(o.home, 0755, &err)) {
        fprintf(stderr, "logicd: %s\n", err.message);
        return err_exit_code(err.kind);
    }
    o.settings = settings;
    o.writable = writable;
    o.home = absolute(o.home);
    o.kb = absolute(o.kb);
    o.web = absolute(o.web);
    o.playbooks = absolute(o.playbooks);
    o.tls_cert = absolute(o.tls_cert);
    o.tls_key = absolute(o.tls_key);
    o.tokens = absolute(o.tokens);
    return supervisor_run(&o);
}

/* --- kb-check --------------------------------------------------------------------------------- */

static int kb_check(int argc, char **argv)
{
    char site[PATH_MAX];
    scoped(buf_done) struct buf report = buf_of(CHECK_REPORT_BYTES_MAX);
    struct err err = {0};
    struct stat what;
    bool good = false;

    if (argc < 1 || argc > 3)
        return usage("kb-check wants the folder of the rules", "");
    snprintf(site, sizeof site, "%s/site", argv[0]);
    if (argc == 1 && stat(site, &what) != 0)
        return usage("there is no such folder, so name the site's as well", site);
    const struct check_settings settings = {.kb_folder = argv[0],
        .site_folder = argc > 1 ? argv[1] : site,
        .state_folder = argc > 2 ? argv[2] : NULL};
    if (!prolog_check(&settings, &good, &report, &err)) {
        printf("%s\n", err.message);
        return 1;
    }
    fputs(buf_text(&report), stdout);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (strcmp(command, "kb-check") == 0)
        return kb_check(argc - 2, argv + 2);
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
