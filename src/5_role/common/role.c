/* SPDX-License-Identifier: Apache-2.0 */
#include "common/role.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void allow(const char **list, const char *path)
{
    size_t count = 0;

    while (list[count])
        count++;
    check(count < ROLE_PATHS_MAX);
    list[count] = str_dup(str_from(path));
}

void role_allow_read(struct role *role, const char *path)
{
    allow(role->read, path);
}

void role_allow_write(struct role *role, const char *path)
{
    allow(role->write, path);
}

void role_allow_execute(struct role *role, const char *path)
{
    allow(role->execute, path);
}

void role_allow_programs(struct role *role, const char *folder)
{
    const char *paths[SANDBOX_BESIDE_MAX];
    char home[PATH_MAX];

    role_path(role, "", home);
    size_t found = sandbox_beside(folder, home, paths);
    if (found > SANDBOX_BESIDE_MAX)
        log_error("programs_left_out", "folder", folder, "remedy",
            "the home lies there with more folders than this role can be told of: move it, or them",
            NULL);
    for (size_t i = 0; i < found && i < SANDBOX_BESIDE_MAX; i++) {
        role_allow_execute(role, paths[i]);
        free((char *)paths[i]);
    }
}

const json_t *role_config(const struct role *role, const char *name)
{
    return json_object_get(role->config, name);
}

const char *role_config_text(const struct role *role, const char *name)
{
    const char *text = json_string_value(role_config(role, name));
    return text ? text : "";
}

void role_path(const struct role *role, const char *tail, char *ret_path)
{
    int len = snprintf(ret_path, PATH_MAX, "%s/%s", role_config_text(role, "home"), tail);
    check(len > 0 && len < PATH_MAX);
}

static void on_control(void *owner, enum message_type type, json_t *message, int fd)
{
    struct role *role = owner;

    if (type == MESSAGE_peer && fd >= 0) {
        role->kind->peer(role, message_text(message, "role"), fd);
        return;
    }
    fd_done(&fd);
    if (type == MESSAGE_stop && role->kind->stop)
        role->kind->stop(role);
    else if (type == MESSAGE_stop)
        role_end(role, 0);
    else if (role->kind->control)
        role->kind->control(role, type, message);
}

static void on_control_gone(void *owner)
{
    (void)owner;
    _exit(0); /* without a supervisor there is nobody to serve; nothing acknowledged is lost */
}

static const struct channel_events CONTROL_EVENTS = {on_control, on_control_gone};

static void on_beat(uv_timer_t *timer)
{
    struct role *role = timer->data;
    struct err err;

    (void)channel_send(role->control, message_make(MESSAGE_beat, "{}"), &err);
    if (role->kind->beat)
        role->kind->beat(role);
}

static int64_t memory_bytes(const struct role *role)
{
    char text[128] = "";
    long long total = 0, resident = 0;

    if (role->statm < 0 || pread(role->statm, text, sizeof text - 1, 0) <= 0 ||
        sscanf(text, "%lld %lld", &total, &resident) != 2)
        return 0;
    return resident * sysconf(_SC_PAGESIZE);
}

static int64_t cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

void role_measure(const struct role *role, json_t *values)
{
    json_object_set_new(values, "cpu_ms", json_integer(cpu_ms()));
    json_object_set_new(values, "memory_bytes", json_integer(memory_bytes(role)));
}

void role_stats(struct role *role, struct channel *to, json_t *values)
{
    struct err err;

    if (to) {
        role_measure(role, values);
        (void)channel_send(to,
            message_make(MESSAGE_stats, "{s:s, s:O}", "role", role->kind->name, "values", values),
            &err);
    }
    json_decref(values);
}

void role_ready(struct role *role)
{
    struct err err;

    role->ready = true; /* in start() there is no channel yet: role_run() says it then */
    if (role->control)
        (void)channel_send(role->control, message_make(MESSAGE_ready, "{}"), &err);
}

void role_end(struct role *role, int status)
{
    role->exit_status = status;
    role->ended = true;
    uv_stop(&role->loop);
}

static bool read_config(struct role *role, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(ROLE_CONFIG_BYTES_MAX);
    json_error_t why;

    for (;;) {
        char *room = buf_room(&text, 4096);
        if (!room)
            return err_set(
                err, ERR_LIMIT, "configuration longer than %d bytes", ROLE_CONFIG_BYTES_MAX);
        ssize_t got = read(ROLE_CONFIG_FD, room, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM,
                "no configuration on descriptor %d (%s): roles are started by `logicd serve`",
                ROLE_CONFIG_FD, strerror(errno));
        if (got == 0)
            break;
        text.len += (size_t)got;
    }
    close(ROLE_CONFIG_FD);
    role->config = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(role->config))
        return err_set(err, ERR_INPUT, "configuration is not a JSON object: %s", why.text);
    return true;
}

static bool enter(struct role *role, struct err *err)
{
    const struct sandbox want = {
        .deny = role->deny, .read = role->read, .write = role->write, .execute = role->execute};
    bool has_landlock;

    if (!sandbox_enter(&want, &has_landlock, err))
        return false;
    if (!has_landlock)
        log_error("landlock_missed", "remedy",
            "a kernel with Landlock (5.13 or newer) guards paths too", NULL);
    return true;
}

/* What the owner wrote is wrong: starting again would not help, and the supervisor need not try. */
static int fail(const char *event, const struct err *err)
{
    log_error(event, "message", err->message, "code", err->code, NULL);
    return err->kind == ERR_INPUT || err->kind == ERR_DENIED ? ROLE_EXIT_CONFIG : 1;
}

int role_run(const struct role_kind *kind)
{
    struct role role = {.kind = kind, .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    struct err err = {0};

    log_open(kind->name);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C goes to the whole group; the supervisor decides the order */
    if (!read_config(&role, &err)) /* before the loop: it would take the descriptor's number */
        return fail("role_not_opened", &err);
    check(uv_loop_init(&role.loop) == 0);
    if (!kind->open(&role, &err))
        return fail("role_not_opened", &err);
    if (!enter(&role, &err))
        return fail("sandbox_not_entered", &err);
    if (!kind->start(&role, &err))
        return fail("role_not_started", &err);
    role.control = channel_open(&role.loop, ROLE_CONTROL_FD, &CONTROL_EVENTS, &role);
    (void)channel_send(role.control, message_make(MESSAGE_loaded, "{}"), &err);
    if (role.ready)
        role_ready(&role);
    uv_timer_init(&role.loop, &role.beat);
    role.beat.data = &role;
    uv_timer_start(&role.beat, on_beat, ROLE_BEAT_MS, ROLE_BEAT_MS);
    uv_unref((uv_handle_t *)&role.beat);
    while (!role.ended)
        uv_run(&role.loop, UV_RUN_DEFAULT);
    channel_flush(role.control);
    return role.exit_status;
}
