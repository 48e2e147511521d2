/* SPDX-License-Identifier: Apache-2.0
 *
 * person — why this machine should stay awake: who sits at it, what runs on it. */
#include "agent/inside.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define USERS_MAX 64
#define INHIBITORS_MAX 128
#define LOGIND_FOLDER "/run/systemd/inhibit"
#define LINE_BYTES_MAX 256
#define MIB (INT64_C(1) << 20)

/* Printable text of strangers as one short JSON string. */
static json_t *words_of(const char *format, const char *a, const char *b)
{
    char text[AGENT_WORDS_BYTES + 1];

    snprintf(text, sizeof text, format, a, b);
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    struct str shown = str_utf8_prefix(str_from(text));
    return json_stringn(shown.at, shown.len);
}

/* --- users --------------------------------------------------------------------------------------
 */

/* Seconds since somebody typed there; 0 where nobody can tell. */
static int64_t idle_of(const char *line)
{
    char path[64];
    struct stat seen;

    if (line[0] == ':' || strstr(line, "..") ||
        snprintf(path, sizeof path, "/dev/%s", line) >= (int)sizeof path || stat(path, &seen) != 0)
        return 0;
    int64_t idle_s = (int64_t)time(NULL) - (int64_t)seen.st_atime;
    return idle_s > 0 ? idle_s : 0;
}

json_t *agent_users(void)
{
    json_t *list = json_array();
    const struct utmp *entry;

    setutent();
    while ((entry = getutent()) && json_array_size(list) < USERS_MAX) {
        char name[sizeof entry->ut_user + 1], line[sizeof entry->ut_line + 1];
        if (entry->ut_type != USER_PROCESS || (kill(entry->ut_pid, 0) != 0 && errno == ESRCH))
            continue; /* no user, or a session whose leader is gone */
        snprintf(name, sizeof name, "%.*s", (int)sizeof entry->ut_user, entry->ut_user);
        snprintf(line, sizeof line, "%.*s", (int)sizeof entry->ut_line, entry->ut_line);
        json_array_append_new(
            list, json_pack("{s:o, s:I, s:o}", "name", words_of("%s%s", name, ""), "idle_s",
                      (json_int_t)idle_of(line), "line", words_of("%s%s", line, "")));
    }
    endutent();
    return list;
}

/* --- inhibitors
 * ------------------------------------------------------------------------------------ */

static void add(json_t *list, const char *kind, json_t *words)
{
    if (json_array_size(list) < INHIBITORS_MAX)
        json_array_append_new(list, json_pack("{s:s, s:o}", "kind", kind, "words", words));
    else
        json_decref(words);
}

static void add_persons(const struct agent *agent, const json_t *users, json_t *list)
{
    json_t *user;
    size_t i;

    json_array_foreach (users, i, user) {
        int64_t idle_s = json_integer_value(json_object_get(user, "idle_s"));
        const char *line = json_string_value(json_object_get(user, "line"));
        if (idle_s >= agent->config.settings.person_idle_s ||
            (line && line[0] == ':' && !agent->config.settings.person_graphical))
            continue;
        add(list, "person",
            words_of(
                "%s at %s", json_string_value(json_object_get(user, "name")), line ? line : "?"));
    }
}

static void add_gpu_work(const struct agent *agent, json_t *list)
{
    pid_t own[AGENT_POOLS_MAX];
    size_t own_count = agent_own_pids(agent, own);

    for (size_t i = 0; i < agent->gpus.count; i++) {
        const struct gpu *gpu = &agent->gpus.gpus[i];
        int64_t mib = gpu_foreign_bytes(&agent->gpus, gpu, own, own_count) / MIB;
        char number[32];
        snprintf(number, sizeof number, "%lld", (long long)mib);
        if (mib > agent->config.settings.foreign_mib)
            add(list, "gpu_work", words_of("other programs hold %s MiB of %s", number, gpu->name));
    }
}

/* The first bytes of a small file, with a terminator. */
static bool read_head(int folder, const char *name, char *ret, size_t bytes, struct stat *seen)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool good = fd >= 0 && fstat(fd, seen) == 0 && S_ISREG(seen->st_mode);
    ssize_t got = good ? read(fd, ret, bytes - 1) : -1;

    if (fd >= 0)
        close(fd);
    ret[got > 0 ? got : 0] = '\0';
    return good && got >= 0;
}

/* HOME/inhibit.d: a file is a reason, its first line says which; touched within inhibit_file_s. */
static void own_file(const struct agent *agent, int folder, const char *name, json_t *list)
{
    char text[LINE_BYTES_MAX];
    struct stat seen;

    if (!read_head(folder, name, text, sizeof text, &seen))
        return;
    if ((int64_t)time(NULL) - (int64_t)seen.st_mtime > agent->config.settings.inhibit_file_s)
        return;
    text[strcspn(text, "\n")] = '\0';
    add(list, "transfer", words_of(text[0] ? "%.60s: %.120s" : "%.60s%s", name, text));
}

/* The value of KEY= in systemd's file, unquoted as far as it is plain. */
static void value_of(const char *text, const char *key, char *ret, size_t bytes)
{
    const char *at = strstr(text, key);

    snprintf(ret, bytes, "%.*s", at ? (int)strcspn(at + strlen(key), "\n") : 0,
        at ? at + strlen(key) : "");
}

static void logind_file(const struct agent *agent, int folder, const char *name, json_t *list)
{
    char text[2048], what[64], mode[16], who[64], why[128];
    struct stat seen;

    (void)agent;
    if (!read_head(folder, name, text, sizeof text, &seen))
        return;
    value_of(text, "WHAT=", what, sizeof what);
    value_of(text, "MODE=", mode, sizeof mode);
    value_of(text, "WHO=", who, sizeof who);
    value_of(text, "WHY=", why, sizeof why);
    if (strcmp(mode, "block") == 0 && (strstr(what, "sleep") || strstr(what, "shutdown")))
        add(list, "transfer", words_of("%s: %s", who, why));
}

static void add_files(const struct agent *agent, const char *path,
    void (*one)(const struct agent *agent, int folder, const char *name, json_t *list),
    json_t *list)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    size_t seen = 0;

    while (folder && (entry = readdir(folder)) && seen++ < INHIBITORS_MAX)
        if (entry->d_name[0] != '.')
            one(agent, dirfd(folder), entry->d_name, list);
    if (folder)
        closedir(folder);
}

json_t *agent_inhibitors(struct agent *agent, const json_t *users)
{
    json_t *list = json_array();
    char path[PATH_MAX];

    add_persons(agent, users, list);
    add_gpu_work(agent, list);
    if (snprintf(path, sizeof path, "%s/inhibit.d", agent->config.home) < (int)sizeof path)
        add_files(agent, path, own_file, list);
    add_files(agent, LOGIND_FOLDER, logind_file, list);
    for (size_t i = 0; i < agent->pools_count; i++) {
        const struct pool *pool = agent->pools[i];
        if (pool->task || (!pool_is_idle(pool) && pool->state != POOL_READY))
            add(list, "loading",
                words_of("pool %s is %s", pool->name, pool_state_word(pool->state)));
        else if (pool->calls)
            add(list, "serving", words_of("pool %s%s", pool->name, ""));
    }
    return list;
}

/* How many of each kind: a zero is told, for it is known. */
void agent_inhibitors_write(struct agent *agent, struct buf *out)
{
    static const char NAME[] = "logic_agent_inhibitors";
    static const char *const KINDS[] = {"person", "gpu_work", "transfer", "loading", "serving"};
    scoped(json_done) json_t *users = agent_users();
    scoped(json_done) json_t *list = agent_inhibitors(agent, users);
    const json_t *one;
    size_t at;

    exposition_family(out, NAME, EXPOSITION_GAUGE, "What keeps this machine awake.");
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        const struct exposition_pair kind[] = {{S("kind"), str_from(KINDS[i])}};
        int64_t count = 0;
        json_array_foreach (list, at, one)
            count += str_eq(json_str(one, "kind"), kind[0].value);
        exposition_write_whole(out, NAME, kind, 1, count);
    }
}
