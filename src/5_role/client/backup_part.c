/* SPDX-License-Identifier: Apache-2.0 */
#include "client/backup_part.h"

#include "backup/manifest.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct part {
    const char *name;
    bool kept;
    const char *why;
} PARTS[] = {
    {"agent", true, "the agent of this machine: its configuration and certificates"},
    {"catalogue", true, "which models and engines there are, with the hashes of their files"},
    {"checkpoints", true, "signed heads of the ledger"},
    {"documents", true, "what was given to the node to search"},
    {"enrol", true, "codes and passkeys that wait"},
    {"keys", true, "keys of people and of tokens; the recovery key's public half"},
    {"ledger", true, "what was asked, judged and done, and the node's key"},
    {"pki", true, "the house's certificate authority and its certificates"},
    {"secrets", true, "what hands need to act: TSIG keys, passwords"},
    {"site", true, "facts and policy that the owner wrote"},
    {"state", true, "what the rules have learned"},
    {"tokens", true, "who may call, and how much"},
    {"ansible", false, "playbooks: they come with the program"},
    {BACKUP_WORK, false, "work of `logicctl backup` itself"},
    {"bin", false, "programs: install the package"},
    {"current", false, "programs: install the package"},
    {"history", false, "numbers on their way to VictoriaMetrics"},
    {"kb", false, "copies of rules: they come with the program, site and state are kept"},
    {"llm", false, "weights: the catalogue has their names and hashes"},
    {"log", false, "the journal of the machine"},
    {"logs", false, "the journal of the machine"},
    {BACKUP_MACHINE, false, "configuration of the machine that an earlier restore came from"},
    {"metrics", false, "numbers on their way to VictoriaMetrics"},
    {"models", false, "weights: the catalogue has their names and hashes"},
    {"previous", false, "programs: install the package"},
    {"run", false, "sockets and numbers of processes"},
    {"sessions", false, "who is signed in: people sign in again"},
    {"usage", false, "how much was used: counted anew"},
    {"versions", false, "programs: install the package"},
    {"work", false, "scratch of the hands"},
    {"www", false, "the page: it comes with the program"},
};

enum backup_fate backup_fate_of(const char *name, const char **ret_why)
{
    for (size_t i = 0; i < COUNT(PARTS); i++)
        if (strcmp(PARTS[i].name, name) == 0) {
            *ret_why = PARTS[i].why;
            return PARTS[i].kept ? BACKUP_KEPT : BACKUP_LEFT;
        }
    *ret_why = "not known to be a part of a node";
    return BACKUP_UNKNOWN;
}

const char *backup_kept(size_t index)
{
    return index < COUNT(PARTS) && PARTS[index].kept ? PARTS[index].name : NULL;
}

void backup_left_out(struct backup_items *items, const char *path, const char *why)
{
    json_array_append_new(items->left_out, json_pack("{s:s+, s:s}", "path", path, "", "why", why));
}

void backup_items_done(struct backup_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        free(items->at[i].path);
        free(items->at[i].from);
    }
    free(items->at);
    json_decref(items->left_out);
    *items = (struct backup_items){0};
}

static bool add(struct backup_items *items, const char *path, const char *from,
    const struct stat *seen, struct err *err)
{
    if (items->count == BACKUP_FILES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d files: is all below '%s' the node's?",
            BACKUP_FILES_MAX, from);
    if ((items->count & (items->count + 1)) == 0 || !items->at) { /* 0, 1, 3, 7 … */
        items->at = realloc(items->at, 2 * (items->count + 1) * sizeof *items->at);
        check(items->at);
    }
    uint64_t bytes = S_ISDIR(seen->st_mode) ? 0 : (uint64_t)seen->st_size;
    bool is_database = !S_ISDIR(seen->st_mode) && str_ends(str_from(path), S(".db"));
    char log[PATH_MAX];
    struct stat wal;
    if (is_database && snprintf(log, sizeof log, "%s-wal", from) < PATH_MAX && stat(log, &wal) == 0)
        bytes += (uint64_t)wal.st_size;
    items->at[items->count++] = (struct backup_item){.path = str_dup(str_from(path)),
        .from = str_dup(str_from(from)),
        .mode = seen->st_mode & 0777,
        .bytes = bytes,
        .is_folder = S_ISDIR(seen->st_mode),
        .is_nodes = seen->st_uid == items->nodes_uid,
        .is_database = is_database};
    return true;
}

/* What somebody is just writing, or a log of a database that is copied with it. */
static bool passes_by(struct str name)
{
    return str_ends(name, S(".new")) || str_ends(name, S(".lock")) || str_eq(name, S("lock")) ||
           str_ends(name, S(".db-wal")) || str_ends(name, S(".db-shm")) ||
           str_ends(name, S(".db-journal"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void names_done(struct dirent ***names)
{
    free(*names);
    *names = NULL;
}

static bool walk(
    struct backup_items *items, const char *path, const char *from, int depth, struct err *err);

static bool visit(struct backup_items *items, const char *folder, const char *from,
    const char *name, int depth, struct err *err)
{
    char path[PATH_MAX], place[PATH_MAX];
    struct stat seen;

    if (passes_by(str_from(name)))
        return true;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX ||
        snprintf(place, sizeof place, "%s/%s", from, name) >= PATH_MAX ||
        !backup_path_valid(str_from(path))) {
        backup_left_out(items, folder, "a name in it cannot stand in a backup");
        return true;
    }
    if (lstat(place, &seen) != 0)
        return errno == ENOENT ||
               err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", place, strerror(errno));
    if (S_ISDIR(seen.st_mode))
        return add(items, path, place, &seen, err) && walk(items, path, place, depth + 1, err);
    if (S_ISREG(seen.st_mode))
        return add(items, path, place, &seen, err);
    backup_left_out(items, path,
        S_ISLNK(seen.st_mode) ? "a link: put the file itself there" : "neither file nor folder");
    return true;
}

static bool walk(
    struct backup_items *items, const char *path, const char *from, int depth, struct err *err)
{
    scoped(names_done) struct dirent **names = NULL;
    bool good = true;

    if (depth > BACKUP_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "'%s' lies deeper than %d folders", from, BACKUP_DEPTH_MAX);
    int count = scandir(from, &names, no_dots, by_name);
    if (count < 0)
        return err_set(err, ERR_SYSTEM, "cannot read the folder '%s': %s", from, strerror(errno));
    for (int i = 0; i < count; i++) {
        good = good && visit(items, path, from, names[i]->d_name, depth, err);
        free(names[i]);
    }
    return good;
}

/* A part may be a link to where the layout has it (HOME/site -> /etc/logic-node/site). */
static bool take_part(
    struct backup_items *items, const char *home, const char *name, struct err *err)
{
    char from[PATH_MAX];
    struct stat seen;

    if (snprintf(from, sizeof from, "%s/%s", home, name) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", home);
    if (stat(from, &seen) != 0)
        return errno == ENOENT ||
               err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", from, strerror(errno));
    if (!S_ISDIR(seen.st_mode)) {
        backup_left_out(items, name, "no folder");
        return true;
    }
    return add(items, name, from, &seen, err) && walk(items, name, from, 1, err);
}

/* NAME.conf, and the agent's file: nothing else there is the machine's alone. */
static bool take_machine(struct backup_items *items, const char *etc, struct err *err)
{
    scoped(names_done) struct dirent **names = NULL;
    struct stat seen;
    bool good = true;

    if (stat(etc, &seen) != 0)
        return true;
    int count = scandir(etc, &names, no_dots, by_name);
    if (count < 0) {
        backup_left_out(items, BACKUP_MACHINE, "its folder cannot be read");
        return true;
    }
    good = add(items, BACKUP_MACHINE, etc, &seen, err);
    for (int i = 0; i < count; i++) {
        if (str_ends(str_from(names[i]->d_name), S(".conf")))
            good = good && visit(items, BACKUP_MACHINE, etc, names[i]->d_name, 1, err);
        free(names[i]);
    }
    char agent[PATH_MAX];
    if (good && snprintf(agent, sizeof agent, "%s/agent", etc) < PATH_MAX &&
        lstat(agent, &seen) == 0 && S_ISDIR(seen.st_mode))
        good = add(items, BACKUP_MACHINE "/agent", agent, &seen, err) &&
               visit(items, BACKUP_MACHINE "/agent", agent, "agent.json", 2, err);
    return good;
}

static bool name_strangers(struct backup_items *items, const char *home, struct err *err)
{
    scoped(names_done) struct dirent **names = NULL;
    int count = scandir(home, &names, no_dots, by_name);
    const char *why;

    if (count < 0)
        return err_set(err, ERR_SYSTEM, "cannot read the home '%s': %s", home, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (backup_fate_of(names[i]->d_name, &why) == BACKUP_UNKNOWN && names[i]->d_name[0] != '.')
            backup_left_out(items, names[i]->d_name, why);
        free(names[i]);
    }
    return true;
}

/* Whose is what the rules have learned; a home that never ran is all one person's. */
static uid_t nodes_user(const char *home)
{
    char state[PATH_MAX];
    struct stat seen;

    if (snprintf(state, sizeof state, "%s/state", home) < PATH_MAX && stat(state, &seen) == 0)
        return seen.st_uid;
    return stat(home, &seen) == 0 ? seen.st_uid : geteuid();
}

bool backup_items_of(
    const char *home, const char *etc, struct backup_items *ret_items, struct err *err)
{
    struct backup_items items = {.left_out = json_array(), .nodes_uid = nodes_user(home)};
    bool good = name_strangers(&items, home, err);

    for (size_t i = 0; good && backup_kept(i); i++)
        good = take_part(&items, home, backup_kept(i), err);
    if (!good || !take_machine(&items, etc, err)) {
        backup_items_done(&items);
        return false;
    }
    *ret_items = items;
    return true;
}
