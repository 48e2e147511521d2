/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "os/fd.h"
#include "os/file.h"
#include "sensor/core.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CERTIFICATES 3
#define WATCHED (CERTIFICATES + 2) /* and where the backup is set up, and what its runs write to   \
                                    */
#define WATCHED_LOOK_MS 2000
#define PUBLIC_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

static const struct setting ROWS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct sensor_settings, name)},
#include "sensor/settings.def"
#undef SETTING
#define UPSTREAM_LIMIT(name, min, max, standard, help)                                             \
    {#name, min, max, standard, help, offsetof(struct sensor_settings, upstream.name)},
#include "net/upstream_limits.def"
#undef UPSTREAM_LIMIT
#define HISTORY_LIMIT(name, min, max, standard, help)                                              \
    {#name, min, max, standard, help, offsetof(struct sensor_settings, history.name)},
#include "history/history_limits.def"
#undef HISTORY_LIMIT
};

/* To find a host by its name and to trust it. */
static const char *const READABLE[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
    "/etc/gai.conf", "/etc/host.conf", "/etc/ssl/openssl.cnf", PUBLIC_AUTHORITIES, "/sys/class/net",
    "/sys/devices"}; /* the cards of this machine: their addresses */

static const char *const CERTIFICATE_FILES[CERTIFICATES] = {
    "pki/ca.crt", "pki/sensor.crt", "pki/sensor.key"};

/* Which file it is: a path that was locked up follows no other. */
struct file_mark {
    uint64_t inode;
    int64_t s, ns;
};

struct sensor_role {
    struct role *role;
    struct sensor *sensor;
    struct channel *judge;
    struct sensor_settings settings;
    struct tls *agent_tls, *public_tls;
    struct standing standing;
    struct backup_watch backup;
    char certificates[CERTIFICATES][PATH_MAX], agent_socket[PATH_MAX], spool[PATH_MAX];
    const char *watched[WATCHED];                         /* the certificates first */
    struct file_mark marks[WATCHED], marks_seen[WATCHED]; /* at the start; lately */
    uv_timer_t look;                                      /* at them */
};

/* Of a folder only which one it is and who may see it: in it much comes and goes. */
static struct file_mark mark_of(const char *path)
{
    struct stat what;

    if (stat(path, &what) != 0)
        return (struct file_mark){0};
    if (S_ISDIR(what.st_mode))
        return (struct file_mark){what.st_ino, what.st_mode, what.st_gid};
    return (struct file_mark){what.st_ino, what.st_mtim.tv_sec, what.st_mtim.tv_nsec};
}

/* Without certificates there is nothing that agents of other machines would answer. */
static void open_tls(struct sensor_role *r)
{
    struct err err = {0};

    for (size_t i = 0; i < CERTIFICATES; i++) {
        role_path(r->role, CERTIFICATE_FILES[i], r->certificates[i]);
        r->watched[i] = r->certificates[i];
        role_allow_read(r->role, r->certificates[i]);
    }
    if (file_exists(r->certificates[1]) && !tls_client_open(r->certificates[0], r->certificates[1],
                                               r->certificates[2], &r->agent_tls, &err))
        log_error("certificate_refused", "message", err.message, NULL);
}

/* The folder and not the file: each run puts another file there. */
static void open_backup(struct sensor_role *r)
{
    const char *config = role_config_text(r->role, "backup");

    backup_watch_open(config, &r->backup);
    r->watched[CERTIFICATES] = config;
    r->watched[CERTIFICATES + 1] = r->backup.folder;
    if (r->backup.folder[0] && access(r->backup.folder, R_OK | X_OK) == 0)
        role_allow_read(r->role, r->backup.folder);
}

/* All the authorities of the world are some megabytes: who asks only its own house needs none. */
static struct tls *public_tls(void *owner)
{
    struct sensor_role *r = owner;
    struct err err = {0};

    if (!r->public_tls && !tls_client_open(PUBLIC_AUTHORITIES, NULL, NULL, &r->public_tls, &err))
        log_error("authorities_refused", "message", err.message, NULL);
    return r->public_tls;
}

static bool sensor_role_open(struct role *role, struct err *err)
{
    struct sensor_role *r = calloc(1, sizeof *r);

    check(r);
    role->state = r;
    r->role = role;
    settings_default(ROWS, COUNT(ROWS), &r->settings);
    if (!settings_apply(ROWS, COUNT(ROWS), role_config(role, "settings"), &r->settings, err))
        return false;
    role_path(role, "history", r->spool);
    role_path(role, "run/agent.sock", r->agent_socket);
    if (!file_make_folder(r->spool, 0700, err))
        return false;
    role->deny = SANDBOX_DENY_LISTEN | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK | SANDBOX_DENY_SIGNALS;
    for (size_t i = 0; i < COUNT(READABLE); i++)
        role_allow_read(role, READABLE[i]);
    role_allow_write(role, r->spool);
    open_tls(r);
    open_backup(r);
    for (size_t i = 0; i < WATCHED; i++)
        r->marks[i] = r->marks_seen[i] = mark_of(r->watched[i]);
    const struct standing_roots roots = {
        .credentials = getenv("CREDENTIALS_DIRECTORY"), .container = getenv("container")};
    standing_look(&roots, &r->standing);
    return true;
}

static bool send_to_judge(void *owner, struct str text)
{
    struct sensor_role *r = owner;
    struct err err = {0};

    if (r->judge && channel_send_text(r->judge, text, &err))
        return true;
    log_error("message_not_sent", "message", err.message, NULL);
    return false;
}

static void on_closed(void *owner)
{
    struct sensor_role *r = owner;

    if (r->judge)
        channel_flush(r->judge);
    role_end(r->role, 0);
}

static void sensor_role_stop(struct role *role)
{
    struct sensor_role *r = role->state;

    uv_timer_stop(&r->look);
    sensor_close(r->sensor, on_closed, r);
}

/* What came or changed are other files than those this process may read: it ends when they have
 * settled, and its successor may. */
static void on_look(uv_timer_t *timer)
{
    struct sensor_role *r = timer->data;
    struct file_mark marks[WATCHED];

    for (size_t i = 0; i < WATCHED; i++)
        marks[i] = mark_of(r->watched[i]);
    bool settled = memcmp(marks, r->marks_seen, sizeof marks) == 0;
    bool changed = memcmp(marks, r->marks, sizeof marks) != 0;
    memcpy(r->marks_seen, marks, sizeof marks);
    if (!settled || !changed)
        return;
    bool certificates = memcmp(marks, r->marks, CERTIFICATES * sizeof *marks) != 0;
    log_event(certificates ? "certificates_changed" : "backup_set_up_anew", "remedy",
        "the sensor starts again to read them", NULL);
    sensor_role_stop(r->role);
}

static bool sensor_role_start(struct role *role, struct err *err)
{
    struct sensor_role *r = role->state;
    const struct sensor_setup setup = {.loop = &role->loop,
        .settings = r->settings,
        .agent_socket = r->agent_socket,
        .spool = r->spool,
        .standing = &r->standing,
        .backup = &r->backup,
        .agent_tls = r->agent_tls,
        .public_tls = public_tls,
        .send = send_to_judge,
        .owner = r};

    (void)err;
    r->sensor = sensor_open(&setup);
    uv_timer_init(&role->loop, &r->look);
    r->look.data = r;
    uv_timer_start(&r->look, on_look, WATCHED_LOOK_MS, WATCHED_LOOK_MS);
    role_ready(role);
    return true;
}

static void from_judge(void *owner, enum message_type type, json_t *message, int fd)
{
    struct sensor_role *r = owner;

    fd_done(&fd);
    if (type == MESSAGE_senses || type == MESSAGE_taken || type == MESSAGE_request)
        sensor_take(r->sensor, type, message);
    else
        log_error("message_refused", "from", "judge", "type", message_type_name(type), NULL);
}

static void judge_gone(void *owner)
{
    struct sensor_role *r = owner;

    r->judge = NULL;
    sensor_judge(r->sensor);
}

static const struct channel_events JUDGE_EVENTS = {from_judge, judge_gone, NULL};

static void sensor_role_peer(struct role *role, const char *name, int fd)
{
    struct sensor_role *r = role->state;

    if (strcmp(name, "judge") != 0) {
        fd_done(&fd);
        return;
    }
    channel_close(r->judge);
    r->judge = channel_open(&role->loop, fd, &JUDGE_EVENTS, r);
    sensor_judge(r->sensor);
}

static void sensor_role_beat(struct role *role)
{
    struct sensor_role *r = role->state;

    role_stats(role, r->judge, sensor_stats(r->sensor));
}

const struct role_kind SENSOR_ROLE = {
    .name = "sensor",
    .open = sensor_role_open,
    .start = sensor_role_start,
    .peer = sensor_role_peer,
    .stop = sensor_role_stop,
    .beat = sensor_role_beat,
};
