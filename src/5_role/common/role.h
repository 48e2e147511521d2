/* SPDX-License-Identifier: Apache-2.0
 *
 * role — the life that all roles share: one process, one privilege.
 *
 *     open      read the configuration, open what must be open            (all rights)
 *     sandbox   give up the rest: no_new_privs, Landlock, seccomp
 *     start     make handles on the loop                                  (no message was read yet)
 *     peer …    the supervisor hands over an end of a channel to another role, also after a restart
 *     stop      asked to end: answer what is owed, then role_end()
 *
 * The role says role_ready() when it can serve. It beats while its loop turns; a role that stops
 * beating is killed and started again. When the supervisor dies the role ends at once.
 *
 * threads  the loop's thread only
 */
#pragma once

#include "base/err.h"
#include "channel/channel.h"
#include "os/sandbox.h"

#include <jansson.h>
#include <uv.h>

#define ROLE_CONTROL_FD 3
#define ROLE_CONFIG_FD 4
#define ROLE_PATHS_MAX 48
#define ROLE_CONFIG_BYTES_MAX (256 * 1024)
#define ROLE_BEAT_MS 5000
#define ROLE_EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h */

struct role;

struct role_kind {
    const char *name;
    bool (*open)(struct role *role, struct err *err);
    bool (*start)(struct role *role, struct err *err);
    /* `fd` is yours: one end of a new channel to role `name`; the one before is dead. */
    void (*peer)(struct role *role, const char *name, int fd);
    /* Control messages beside peer and stop; may be NULL. */
    void (*control)(struct role *role, enum message_type type, json_t *message);
    void (*stop)(struct role *role); /* NULL: end at once */
    /* Each ROLE_BEAT_MS while the loop turns: time for role_stats(). May be NULL. */
    void (*beat)(struct role *role);
};

struct role {
    const struct role_kind *kind;
    uv_loop_t loop;
    struct channel *control;
    json_t *config; /* what the supervisor gave: {"home", "settings", …} */
    void *state;    /* the kind's own */

    /* filled by open(), entered after it */
    int deny; /* enum sandbox_deny */
    const char *read[ROLE_PATHS_MAX + 1];
    const char *write[ROLE_PATHS_MAX + 1];
    const char *execute[ROLE_PATHS_MAX + 1];

    uv_timer_t beat;
    int exit_status;
    int statm; /* /proc/self/statm, opened before the sandbox; -1 */
    bool ended, ready;
};

/* In open(): paths that stay usable. The text is copied. Panics past ROLE_PATHS_MAX. */
void role_allow_read(struct role *role, const char *path);
void role_allow_write(struct role *role, const char *path);
void role_allow_execute(struct role *role, const char *path);
/* The same for a folder of programs, of which HOME stays closed where it lies below it. */
void role_allow_programs(struct role *role, const char *folder);

/* A member of the configuration, "" or NULL if it is missing. */
const char *role_config_text(const struct role *role, const char *name);
const json_t *role_config(const struct role *role, const char *name);

/* HOME/`tail` into `ret_path` of PATH_MAX bytes. */
void role_path(const struct role *role, const char *tail, char *ret_path);

/* This process's CPU and memory, into `values`. */
void role_measure(const struct role *role, json_t *values);
/* Send `values` (taken; names of stats.def) with role_measure() for /metrics; may be lost. `to`
 * NULL: nobody is there. */
void role_stats(struct role *role, struct channel *to, json_t *values);

void role_ready(struct role *role);

/* Leave the loop; role_run() returns `status`. */
void role_end(struct role *role, int status);

/* The whole life. Returns the exit status. */
int role_run(const struct role_kind *kind);

/* Instead of a life: open, lock up, then try what is forbidden and print one JSON object,
 * {"socket":"EPERM","signal":"EPERM","open:/etc/passwd":"EACCES",…}. `paths` are opened for reading
 * ("open:") and for writing ("write:"). For tests of the prohibitions on the real configuration of
 * the real role.
 */
int role_probe(const struct role_kind *kind, const char *const *paths, int path_count);
