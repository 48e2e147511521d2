/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/actuator.h"

#include "actuator/core.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "os/fd.h"
#include "os/file.h"

#include <limits.h>
#include <stdio.h>

#define WORK_FOLDER "work"

static const struct setting SETTINGS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct actuator_settings, name)},
#include "actuator/settings.def"
#undef SETTING
};

struct actuator_role {
    struct role *role;
    struct actuator *actuator;
    struct channel *judge;
    struct actuator_settings settings;
    char work[PATH_MAX];
};

/* What ansible-playbook and the tools of its playbooks need: programs, their libraries and
 * settings, semaphores. */
static void allow_programs(struct role *role)
{
    static const char *const EXECUTE[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt"};
    static const char *const READ[] = {
        "/etc", "/proc", "/sys/devices/system", "/run/systemd", "/dev"};
    static const char *const WRITE[] = {
        "/dev/null", "/dev/shm", "/dev/ptmx", "/dev/pts", "/tmp", "/var/tmp"};

    for (size_t i = 0; i < COUNT(EXECUTE); i++)
        role_allow_execute(role, EXECUTE[i]);
    for (size_t i = 0; i < COUNT(READ); i++)
        role_allow_read(role, READ[i]);
    for (size_t i = 0; i < COUNT(WRITE); i++)
        role_allow_write(role, WRITE[i]);
}

static const char *inventories_of(const struct role *role)
{
    const char *folder = role_config_text(role, "inventories");
    return folder[0] ? folder : role_config_text(role, "playbooks");
}

static bool actuator_role_open(struct role *role, struct err *err)
{
    struct actuator_role *r = calloc(1, sizeof *r);
    json_t *folder;
    size_t i;

    check(r);
    role->state = r;
    r->role = role;
    settings_default(SETTINGS, COUNT(SETTINGS), &r->settings);
    if (!settings_apply(
            SETTINGS, COUNT(SETTINGS), role_config(role, "settings"), &r->settings, err))
        return false;
    role_path(role, WORK_FOLDER, r->work);
    if (!file_make_folder(r->work, 0700, err))
        return false;
    role->deny = SANDBOX_DENY_LISTEN;
    allow_programs(role);
    role_allow_read(role, role_config_text(role, "secrets"));
    role_allow_read(role, role_config_text(role, "playbooks"));
    role_allow_read(role, inventories_of(role));
    role_allow_write(role, r->work);
    json_array_foreach(role_config(role, "writable"), i, folder)
        if (json_is_string(folder))
            role_allow_write(role, json_string_value(folder));
    return true;
}

static void send_to_judge(void *owner, json_t *message)
{
    struct actuator_role *r = owner;
    struct err err = {0};

    if (!channel_send(r->judge, message, &err))
        log_error("answer_lost", "message", err.message, NULL); /* the judge asks for the outcome */
}

static bool actuator_role_start(struct role *role, struct err *err)
{
    struct actuator_role *r = role->state;
    const struct actuator_setup setup = {
        .loop = &role->loop,
        .secrets = role_config_text(role, "secrets"),
        .playbooks = role_config_text(role, "playbooks"),
        .inventories = inventories_of(role),
        .work = r->work,
        .settings = r->settings,
        .send = send_to_judge,
        .owner = r,
    };

    (void)err;
    r->actuator = actuator_open(&setup);
    role_ready(role);
    return true;
}

static void from_judge(void *owner, enum message_type type, json_t *message, int fd)
{
    struct actuator_role *r = owner;

    fd_done(&fd);
    actuator_take(r->actuator, type, message);
}

static void judge_gone(void *owner)
{
    struct actuator_role *r = owner;

    r->judge = NULL;
}

static const struct channel_events JUDGE_EVENTS = {from_judge, judge_gone};

static void actuator_role_peer(struct role *role, const char *name, int fd)
{
    struct actuator_role *r = role->state;

    if (strcmp(name, "judge") != 0) {
        fd_done(&fd);
        return;
    }
    channel_close(r->judge);
    r->judge = channel_open(&role->loop, fd, &JUDGE_EVENTS, r);
    actuator_greet(r->actuator);
}

static void on_idle(void *owner)
{
    struct actuator_role *r = owner;

    if (r->judge)
        channel_flush(r->judge);
    role_end(r->role, 0);
}

static void actuator_role_stop(struct role *role)
{
    struct actuator_role *r = role->state;

    actuator_stop(r->actuator, on_idle);
}

const struct role_kind ACTUATOR_ROLE = {
    .name = "actuator",
    .open = actuator_role_open,
    .start = actuator_role_start,
    .peer = actuator_role_peer,
    .stop = actuator_role_stop,
};
