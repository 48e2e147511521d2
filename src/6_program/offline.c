/* SPDX-License-Identifier: Apache-2.0 */
#include "offline.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "base/str.h"
#include "os/file.h"
#include "prolog/check.h"
#include "replay/replay.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- kb-check ------------------------------------------------------------------------------ */

int offline_kb_check(int argc, char **argv)
{
    char site[PATH_MAX];
    scoped(buf_done) struct buf report = buf_of(CHECK_REPORT_BYTES_MAX);
    struct err err = {0};
    bool good = false;

    if (argc < 1 || argc > 3)
        return usage("kb-check wants the folder of the rules", "");
    snprintf(site, sizeof site, "%s/site", argv[0]);
    if (argc == 1 && !file_exists(site))
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

/* --- replay -------------------------------------------------------------------------------- */

static int report_replay(const struct replay_options *options)
{
    scoped(json_done) json_t *report = NULL;
    struct err err = {0};

    if (!replay_run(options, stdin, &report, &err)) {
        printf("%s\n", err.message);
        return err.kind == ERR_INPUT ? 2 : 1;
    }
    json_dumpf(report, stdout, JSON_COMPACT);
    putchar('\n');
    return json_is_true(json_object_get(report, "ok")) ? 0 : 1;
}

int offline_replay(int argc, char **argv)
{
    const char *home = NULL, *since = "0", *with = NULL, *with_site = NULL;
    const struct {
        const char *name;
        const char **value;
    } texts[] = {{"--home", &home}, {"--since", &since}, {"--with", &with}, {"--site", &with_site}};
    char versions[PATH_MAX], site[PATH_MAX], with_whole[PATH_MAX], site_whole[PATH_MAX];
    uint64_t after;

    for (int i = 0; i < argc; i += 2) {
        size_t row = 0;
        while (row < COUNT(texts) && strcmp(texts[row].name, argv[i]) != 0)
            row++;
        if (row == COUNT(texts) || !argv[i + 1])
            return usage(
                row == COUNT(texts) ? "there is no option" : "a value is missing behind", argv[i]);
        *texts[row].value = argv[i + 1];
    }
    if (!home)
        return usage("say where the node lives with --home DIR", "");
    if (!str_to_u64(str_from(since), INT64_MAX, &after))
        return usage("--since wants the number of an entry, not", since);
    if (snprintf(versions, sizeof versions, "%s/kb", home) >= PATH_MAX ||
        snprintf(site, sizeof site, "%s/site", home) >= PATH_MAX)
        return usage("the path is too long", home);
    if (with && !realpath(with, with_whole))
        return usage("there is no such folder", with);
    if (with && !realpath(with_site ? with_site : site, site_whole))
        return usage("there is no such folder", with_site ? with_site : site);
    const struct replay_options options = {.versions = versions,
        .with_kb = with ? with_whole : NULL,
        .with_site = with ? site_whole : NULL,
        .since = (int64_t)after};
    return report_replay(&options);
}

/* --- settings ------------------------------------------------------------------------------ */

static const struct row {
    const char *role, *name;
    int64_t min, max, standard;
    const char *help;
} ROWS[] = {
#define SETTING(name, min, max, standard, help) {ROLE, #name, min, max, standard, help},
#define HTTP_LIMIT SETTING
#define IDENTITY_LIMIT SETTING
#define UPSTREAM_LIMIT SETTING
#define HISTORY_LIMIT SETTING
#define ROLE "supervisor"
#include "supervisor/settings.def"
#undef ROLE
#define ROLE "judge"
#include "judge/settings.def"
#undef ROLE
#define ROLE "gateway"
#include "gateway/gateway_settings.def"
#include "identity/identity_limits.def"
#include "inference/inference_settings.def"
#include "net/http_limits.def"
#include "net/upstream_limits.def"
#undef ROLE
#define ROLE "sensor"
#include "history/history_limits.def"
#include "net/upstream_limits.def"
#include "sensor/settings.def"
#undef ROLE
#define ROLE "agent"
#include "agent/settings.def"
#undef ROLE
#define ROLE "actuator"
#include "actuator/settings.def"
#undef ROLE
#undef HTTP_LIMIT
#undef IDENTITY_LIMIT
#undef UPSTREAM_LIMIT
#undef HISTORY_LIMIT
#undef SETTING
};

int offline_settings(void)
{
    printf(
        "%-36s %12s %8s %12s  %s\n", "--set ROLE.NAME", "DEFAULT", "LEAST", "MOST", "WHAT IT DOES");
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        const struct row *row = &ROWS[i];
        char name[64];
        snprintf(name, sizeof name, "%s.%s", row->role, row->name);
        printf("%-36s %12" PRId64 " %8" PRId64 " %12" PRId64 "  %s\n", name, row->standard,
            row->min, row->max, row->help);
    }
    return 0;
}
