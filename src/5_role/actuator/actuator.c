/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/actuator.h"

#include "actuator/core.h"
#include "actuator/notices.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "os/fd.h"
#include "os/file.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORK_FOLDER "work"
#define CERTIFICATES 3
#define CERTIFICATES_LOOK_MS 2000

static const struct setting SETTINGS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct actuator_settings, name)},
#include "actuator/settings.def"
#undef SETTING
};

/* Which file it is: a path that was locked up follows no other. */
struct file_mark {
    uint64_t inode;
    int64_t s, ns;
};

struct actuator_role {
    struct role *role;
    struct actuator *actuator;
    struct notices *notices;
    struct channel *judge;
    struct actuator_settings settings;
    char work[PATH_MAX];
    char agent_socket[PATH_MAX], pki[PATH_MAX], catalogue[PATH_MAX], ca[PATH_MAX + 32];
    int busy; /* of the two that must be idle before the end */
    struct host_paths machines;
    struct file_mark marks[CERTIFICATES], marks_seen[CERTIFICATES]; /* at the start; lately */
    uv_timer_t look;                                                /* at the certificates */
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
        role_allow_programs(role, EXECUTE[i]);
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

/* Of HOME/pki only what is ours: ca.key stands beside it and is read by nobody but logicctl. */
static void certificate_path(const struct actuator_role *r, size_t i, char ret_path[PATH_MAX + 32])
{
    static const char *const NAMES[CERTIFICATES] = {"ca.crt", "actuator.crt", "actuator.key"};

    snprintf(ret_path, PATH_MAX + 32, "%s/%s", r->pki, NAMES[i]);
}

static struct file_mark mark_of(const struct actuator_role *r, size_t i)
{
    char path[PATH_MAX + 32];
    struct stat what;

    certificate_path(r, i, path);
    return stat(path, &what) == 0
               ? (struct file_mark){what.st_ino, what.st_mtim.tv_sec, what.st_mtim.tv_nsec}
               : (struct file_mark){0};
}

/* Its certificates, what models and engines there are, the socket of the agent beside it. */
static void allow_machines(struct actuator_role *r)
{
    char path[PATH_MAX + 32];

    role_path(r->role, "run/agent.sock", r->agent_socket);
    role_path(r->role, "pki", r->pki);
    role_path(r->role, "catalogue", r->catalogue);
    certificate_path(r, 0, r->ca);
    r->machines = (struct host_paths){r->agent_socket, r->pki, r->catalogue};
    for (size_t i = 0; i < CERTIFICATES; i++) {
        certificate_path(r, i, path);
        r->marks[i] = r->marks_seen[i] = mark_of(r, i);
        role_allow_read(r->role, path);
    }
    role_allow_read(r->role, r->catalogue);
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
    role->deny = SANDBOX_DENY_LISTEN | SANDBOX_DENY_SIGNALS;
    allow_programs(role);
    allow_machines(r);
    role_allow_read(role, role_config_text(role, "secrets"));
    role_allow_read(role, role_config_text(role, "playbooks"));
    role_allow_read(role, inventories_of(role));
    role_allow_write(role, r->work);
    json_array_foreach (role_config(role, "writable"), i, folder)
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

static void on_idle(void *owner)
{
    struct actuator_role *r = owner;

    if (--r->busy > 0)
        return;
    if (r->judge)
        channel_flush(r->judge);
    role_end(r->role, 0);
}

static void stop_all(struct actuator_role *r)
{
    if (r->busy)
        return;
    r->busy = 2;
    notices_stop(r->notices, on_idle);
    actuator_stop(r->actuator, on_idle);
}

/* Certificates that came or changed are other files than those this process may read: it ends when
 * they have settled, and its successor may. What is under way is found again by its outcome. */
static void on_look(uv_timer_t *timer)
{
    struct actuator_role *r = timer->data;
    struct file_mark marks[CERTIFICATES];

    for (size_t i = 0; i < CERTIFICATES; i++)
        marks[i] = mark_of(r, i);
    bool settled = memcmp(marks, r->marks_seen, sizeof marks) == 0;
    bool changed = memcmp(marks, r->marks, sizeof marks) != 0;
    memcpy(r->marks_seen, marks, sizeof marks);
    if (!settled || !changed)
        return;
    log_event("certificates_changed", "remedy", "the actuator starts again to read them", NULL);
    uv_timer_stop(timer);
    stop_all(r);
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
        .machines = &r->machines,
        .settings = r->settings,
        .send = send_to_judge,
        .owner = r,
    };

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_SYSTEM, "libcurl does not start");
    actuator_widen_threads(&r->settings);
    r->actuator = actuator_open(&setup);
    const struct notices_setup notices = {.loop = &role->loop,
        .secrets = setup.secrets,
        .ca_file = r->ca,
        .settings = &r->settings,
        .send = send_to_judge,
        .owner = r};
    r->notices = notices_open(&notices);
    uv_timer_init(&role->loop, &r->look);
    r->look.data = r;
    uv_timer_start(&r->look, on_look, CERTIFICATES_LOOK_MS, CERTIFICATES_LOOK_MS);
    role_ready(role);
    return true;
}

static void from_judge(void *owner, enum message_type type, json_t *message, int fd)
{
    struct actuator_role *r = owner;

    fd_done(&fd);
    if (type == MESSAGE_notify)
        notices_take(r->notices, message);
    else
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
    notices_greet(r->notices);
    actuator_greet(r->actuator);
}

static void actuator_role_beat(struct role *role)
{
    struct actuator_role *r = role->state;

    const struct actuator_counts c = actuator_counts(r->actuator);

    role_stats(role, r->judge,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "looks", (json_int_t)c.ended[0], "orders",
            (json_int_t)c.ended[1], "failed", (json_int_t)c.failed, "refused",
            (json_int_t)c.refused, "running", (json_int_t)c.running, "waiting",
            (json_int_t)c.waiting));
}

static void actuator_role_stop(struct role *role)
{
    stop_all(role->state);
}

const struct role_kind ACTUATOR_ROLE = {
    .name = "actuator",
    .open = actuator_role_open,
    .start = actuator_role_start,
    .peer = actuator_role_peer,
    .stop = actuator_role_stop,
    .beat = actuator_role_beat,
};
