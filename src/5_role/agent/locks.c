/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/locks.h"

#include "base/scoped.h"
#include "base/str.h"
#include "engine/prepared.h"
#include "os/file.h"
#include "os/sandbox.h"

#include <libgen.h>
#include <stdio.h>

/* Engines and what they are linked with; the commands that put the machine to sleep. */
static const char *const EXECUTE[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt"};
/* Telemetry; users; what programs look for when they start. */
static const char *const READ[] = {"/etc", "/proc", "/sys", "/run", "/var/run", "/var/cache"};
/* GPU devices are used through /dev. */
static const char *const WRITE[] = {"/dev"};

static bool add(const char **list, const char *path, struct err *err)
{
    size_t count = 0;

    while (list[count])
        count++;
    if (count == AGENT_LOCKS_MAX)
        return err_code(err, ERR_INPUT, "bad_config", "execute", "too many folders are allowed");
    list[count] = path;
    return true;
}

static bool add_all(const char **list, const char *const *paths, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!add(list, paths[i], err))
            return false;
    return true;
}

/* The folders of the engines that are known by now; one prepared elsewhere later needs a restart.
 */
static bool add_engines(const char *path, const char **execute, struct err *err)
{
    scoped(engine_list_done) struct engine_list list = {0};
    char copy[PATH_MAX];

    if (!engine_list_read(path, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        bool known = false;
        snprintf(copy, sizeof copy, "%s", list.at[i].bin);
        const char *folder = dirname(copy);
        for (size_t k = 0; execute[k]; k++) {
            size_t len = strlen(execute[k]);
            known = known || (strncmp(folder, execute[k], len) == 0 &&
                                 (folder[len] == '/' || folder[len] == '\0'));
        }
        if (!known && !add(execute, str_dup(str_from(folder)), err))
            return false;
    }
    return true;
}

static bool add_programs(const char **execute, const char *node_home, struct err *err)
{
    const char *paths[SANDBOX_BESIDE_MAX];

    if (!node_home)
        return add_all(execute, EXECUTE, COUNT(EXECUTE), err);
    for (size_t i = 0; i < COUNT(EXECUTE); i++) {
        size_t found = sandbox_beside(EXECUTE[i], node_home, paths);
        if (!add_all(execute, paths, found < COUNT(paths) ? found : COUNT(paths), err))
            return false;
    }
    return true;
}

bool agent_locks(const struct agent_config *config, const char *node_home, struct agent_locks *ret,
    struct err *err)
{
    char copy[PATH_MAX];

    *ret = (struct agent_locks){0};
    if (!add_programs(ret->execute, node_home, err) ||
        !add_all(ret->read, READ, COUNT(READ), err) ||
        !add_all(ret->write, WRITE, COUNT(WRITE), err) || !add(ret->read, config->models, err) ||
        !add(ret->write, config->home, err))
        return false;
    for (size_t i = 0; config->execute[i]; i++)
        if (!add(ret->execute, config->execute[i], err))
            return false;
    if (!add_engines(config->engines, ret->execute, err))
        return false;
    snprintf(copy, sizeof copy, "%s", config->engines); /* it is replaced: allow its folder */
    snprintf(ret->run, sizeof ret->run, "%s", dirname(copy));
    if (!add(ret->read, str_dup(str_from(ret->run)), err))
        return false;
    if (config->push.authority[0] && !add(ret->read, config->push.authority, err))
        return false;
    if (!config->socket[0])
        return true;
    snprintf(copy, sizeof copy, "%s", config->socket);
    snprintf(ret->run, sizeof ret->run, "%s", dirname(copy));
    return add(ret->write, ret->run, err);
}
