/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/process.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "common/role.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 10

/* A child gets only this: no secret, no locale, no library path of ours. */
static char **child_environment(void)
{
    static char *kept[ENVIRONMENT_MAX];
    static const char *const PASSED[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "TZ",
        "CREDENTIALS_DIRECTORY",
        "container"}; /* what the sensor knows its machine by: standing.h */
    size_t count = 0;

    if (kept[0])
        return kept;
    kept[count++] = (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    kept[count++] = (char *)"LC_ALL=C.UTF-8";
    for (size_t i = 0; i < COUNT(PASSED); i++) {
        const char *value = getenv(PASSED[i]);
        char line[512];
        if (value && (size_t)snprintf(line, sizeof line, "%s=%s", PASSED[i], value) < sizeof line)
            kept[count++] = str_dup(str_from(line));
    }
    return kept;
}

/* The configuration as a sealed file in memory: readable once from the start by the child. */
static bool config_fd(const json_t *config, int *ret_fd, struct err *err)
{
    scoped(free_done) char *text = json_dumps(config, JSON_COMPACT);
    scoped(fd_done) int fd = memfd_create("config", MFD_CLOEXEC);
    size_t len = text ? strlen(text) : 0;

    if (fd < 0 || !text || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
        return err_set(err, ERR_SYSTEM, "cannot hand over the configuration: %s", strerror(errno));
    *ret_fd = fd;
    fd = -1;
    return true;
}

static void on_message(void *owner, enum message_type type, json_t *message, int fd)
{
    struct process *p = owner;

    fd_done(&fd);
    p->last_beat_ms = clock_steady_ms();
    if (type != MESSAGE_beat)
        p->events->message(p->owner, p, type, message);
}

static void on_gone(void *owner)
{
    ((struct process *)owner)->control = NULL; /* the exit follows */
}

static const struct channel_events CONTROL_EVENTS = {on_message, on_gone};

static void on_handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_process_exit(uv_process_t *handle, int64_t status, int signal)
{
    struct process *p = handle->data;

    channel_close(p->control);
    p->control = NULL;
    p->events->ended(p->owner, p, status, signal);
    uv_close((uv_handle_t *)handle, on_handle_closed);
}

bool process_start(uv_loop_t *loop, const char *name, const json_t *config,
    const struct process_events *events, void *owner, struct process **ret_process, struct err *err)
{
    scoped(fd_done) int config_at = -1;
    int ends[2];
    char *args[] = {(char *)"logicd", (char *)"role", (char *)name, NULL};

    if (!config_fd(config, &config_at, err) || !fd_pair(MESSAGE_BYTES_MAX, ends, err))
        return false;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [ROLE_CONTROL_FD] = {.flags = UV_INHERIT_FD, .data.fd = ends[1]},
        [ROLE_CONFIG_FD] = {.flags = UV_INHERIT_FD, .data.fd = config_at},
    };
    const uv_process_options_t options = {.file = "/proc/self/exe",
        .args = args,
        .env = child_environment(),
        .exit_cb = on_process_exit,
        .stdio = stdio,
        .stdio_count = COUNT(stdio)};
    struct process *p = calloc(1, sizeof *p);

    check(p);
    p->name = name;
    p->events = events;
    p->owner = owner;
    p->started_ms = p->last_beat_ms = clock_steady_ms();
    p->handle.data = p;
    int wrong = uv_spawn(loop, &p->handle, &options);
    close(ends[1]);
    if (wrong) {
        close(ends[0]);
        uv_close((uv_handle_t *)&p->handle, on_handle_closed);
        return err_set(err, ERR_SYSTEM, "cannot start role '%s': %s", name, uv_strerror(wrong));
    }
    p->control = channel_open(loop, ends[0], &CONTROL_EVENTS, p);
    *ret_process = p;
    return true;
}

void process_kill(struct process *p, int signal)
{
    (void)uv_process_kill(&p->handle, signal);
}

/* --- the check ------------------------------------------------------------------------- */

struct check_run {
    uv_process_t handle;
    uv_pipe_t output;
    uv_timer_t deadline;
    struct buf report;
    char chunk[4096];
    void (*done)(void *owner, bool sound, const char *report);
    void *owner;
    int open_handles;
    bool exited, drained, sound;
};

static void on_check_closed(uv_handle_t *handle)
{
    struct check_run *run = handle->data;

    if (--run->open_handles)
        return;
    run->done(run->owner, run->sound, buf_text(&run->report));
    buf_done(&run->report);
    free(run);
}

static void finish_check(struct check_run *run)
{
    if (!run->exited || !run->drained)
        return;
    uv_close((uv_handle_t *)&run->handle, on_check_closed);
    uv_close((uv_handle_t *)&run->output, on_check_closed);
    uv_close((uv_handle_t *)&run->deadline, on_check_closed);
}

static void on_check_exit(uv_process_t *handle, int64_t status, int signal)
{
    struct check_run *run = handle->data;

    run->exited = true;
    run->sound = status == 0 && signal == 0;
    if (signal)
        buf_printf(&run->report, "the check was ended by signal %d\n", signal);
    finish_check(run);
}

static void on_check_room(uv_handle_t *handle, size_t hint, uv_buf_t *ret_room)
{
    struct check_run *run = handle->data;

    (void)hint;
    *ret_room = uv_buf_init(run->chunk, sizeof run->chunk);
}

static void on_check_output(uv_stream_t *stream, ssize_t got, const uv_buf_t *chunk)
{
    struct check_run *run = stream->data;

    if (got < 0) {
        run->drained = true;
        finish_check(run);
        return;
    }
    buf_add(&run->report, str_utf8_prefix((struct str){chunk->base, (size_t)got}));
}

static void on_check_deadline(uv_timer_t *timer)
{
    struct check_run *run = timer->data;

    (void)uv_process_kill(&run->handle, SIGKILL);
}

bool process_check(uv_loop_t *loop, const char *folder, const char *site, const char *state,
    int64_t timeout_ms, void (*done)(void *owner, bool sound, const char *report), void *owner,
    struct err *err)
{
    struct check_run *run = calloc(1, sizeof *run);
    char *args[] = {
        (char *)"logicd", (char *)"kb-check", (char *)folder, (char *)site, (char *)state, NULL};

    check(run);
    run->report = buf_of(CHECK_REPORT_BYTES_MAX);
    run->done = done;
    run->owner = owner;
    run->open_handles = 3;
    run->handle.data = run->output.data = run->deadline.data = run;
    uv_pipe_init(loop, &run->output, 0);
    uv_timer_init(loop, &run->deadline);
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->output},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    const uv_process_options_t options = {.file = "/proc/self/exe",
        .args = args,
        .env = child_environment(),
        .exit_cb = on_check_exit,
        .stdio = stdio,
        .stdio_count = COUNT(stdio)};
    int wrong = uv_spawn(loop, &run->handle, &options);
    if (wrong) {
        buf_printf(&run->report, "cannot start the check: %s", uv_strerror(wrong));
        run->exited = run->drained = true;
        finish_check(run);
        return err_set(err, ERR_SYSTEM, "cannot start the check: %s", uv_strerror(wrong));
    }
    uv_read_start((uv_stream_t *)&run->output, on_check_room, on_check_output);
    uv_timer_start(&run->deadline, on_check_deadline, (uint64_t)timeout_ms, 0);
    return true;
}
