/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/child.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE_TICK_MS 10
#define READ_BYTES 65536

struct child {
    uv_loop_t *loop;
    pid_t pid;
    int pidfd, status;
    bool exited, eof, gone, ending, closed;
    uint64_t exited_ms;
    int handles;
    uv_poll_t exit_poll;
    uv_pipe_t out;
    uv_timer_t timer;
    char *space;
    struct child_events events;
    void *user;
};

/* In the child, between fork and exec: async-signal-safe calls only. */
static _Noreturn void become(const struct child_order *order, int out, int told, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < SIGRTMIN; number++)
        (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY);
    errno = 0;
    if (getppid() == parent && nothing >= 0 && dup2(told, 3) == 3 &&
        fcntl(3, F_SETFD, FD_CLOEXEC) == 0 && dup2(nothing, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(out, 2) == 2 && chdir(order->folder ? order->folder : "/") == 0) {
        (void)syscall(SYS_close_range, 4, ~0U, 0);
        execve(order->argv[0], (char *const *)order->argv, (char *const *)order->env);
        told = 3;
    }
    int why = errno;
    (void)!write(told, &why, sizeof why);
    _exit(127);
}

/* Above 3, so that dup2() in the child overwrites none of them. */
static bool pipe_high(int ret_ends[2], struct err *err)
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    ret_ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 10);
    ret_ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 10);
    (void)close(low[0]);
    (void)close(low[1]);
    if (ret_ends[0] >= 0 && ret_ends[1] >= 0)
        return true;
    fd_done(&ret_ends[0]);
    fd_done(&ret_ends[1]);
    return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
}

static bool launch(
    const struct child_order *order, pid_t *ret_pid, int *ret_pidfd, int *ret_out, struct err *err)
{
    int ends[2], news[2], why = 0;
    pid_t parent = getpid();

    if (!pipe_high(ends, err))
        return false;
    scoped(fd_done) int out_in = ends[0], out_out = ends[1];
    if (!pipe_high(news, err))
        return false;
    scoped(fd_done) int told_in = news[0], told_out = news[1];
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, ERR_SYSTEM, "cannot start a process: %s", strerror(errno));
    if (pid == 0)
        become(order, out_out, told_out, parent);
    (void)setpgid(pid, pid);
    fd_done(&told_out);
    ssize_t got;
    do
        got = read(told_in, &why, sizeof why);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof why) {
        (void)waitpid(pid, NULL, 0);
        return err_code(err, ERR_SYSTEM, "engine_missing", NULL, "cannot run '%s': %s",
            order->argv[0], strerror(why));
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        why = errno;
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return err_set(err, ERR_SYSTEM, "cannot watch a process: %s", strerror(why));
    }
    (void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    *ret_out = out_in;
    out_in = -1;
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    if (--child->handles > 0)
        return;
    fd_done(&child->pidfd);
    free(child->space);
    free(child);
}

static void end(struct child *child)
{
    if (child->ending)
        return;
    child->ending = true;
    uv_close((uv_handle_t *)&child->exit_poll, on_closed);
    uv_close((uv_handle_t *)&child->out, on_closed);
    uv_close((uv_handle_t *)&child->timer, on_closed);
    if (!child->closed) {
        child->closed = true;
        child->events.on_end(child->user, child->status);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct child *child = timer->data;
    bool late = uv_now(child->loop) - child->exited_ms > CHILD_GONE_MS;

    child->gone = child->gone || (kill(-child->pid, 0) != 0 && errno == ESRCH);
    if (late || (child->gone && child->eof))
        end(child);
}

/* The leader is a zombie: its number is not anybody else's yet. */
static void on_exit_seen(uv_poll_t *poll, int status, int events)
{
    struct child *child = poll->data;

    (void)status, (void)events;
    uv_poll_stop(poll);
    (void)kill(-child->pid, SIGKILL);
    (void)waitpid(child->pid, &child->status, 0);
    child->exited = true;
    uv_update_time(child->loop);
    child->exited_ms = uv_now(child->loop);
    uv_timer_start(&child->timer, on_tick, 0, GONE_TICK_MS);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct child *child = handle->data;

    (void)suggested;
    *ret_room = uv_buf_init(child->space, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    struct child *child = stream->data;

    if (got < 0) {
        child->eof = true;
        uv_read_stop(stream);
    } else if (got > 0 && !child->closed) {
        child->events.on_output(child->user, (struct str){room->base, (size_t)got});
    }
}

bool child_start(uv_loop_t *loop, const struct child_order *order,
    const struct child_events *events, void *user, struct child **ret_child, struct err *err)
{
    struct child *child = calloc(1, sizeof *child);
    int out = -1;

    if (!child || !(child->space = malloc(READ_BYTES)))
        panic("no memory");
    if (!launch(order, &child->pid, &child->pidfd, &out, err)) {
        free(child->space);
        free(child);
        return false;
    }
    child->loop = loop;
    child->events = *events;
    child->user = user;
    child->handles = 3;
    if (uv_poll_init(loop, &child->exit_poll, child->pidfd) != 0 ||
        uv_pipe_init(loop, &child->out, 0) != 0 || uv_timer_init(loop, &child->timer) != 0 ||
        uv_pipe_open(&child->out, out) != 0)
        panic("libuv gives no handles for a process");
    child->exit_poll.data = child->out.data = child->timer.data = child;
    uv_poll_start(&child->exit_poll, UV_READABLE, on_exit_seen);
    uv_read_start((uv_stream_t *)&child->out, on_room, on_read);
    *ret_child = child;
    return true;
}

pid_t child_pid(const struct child *child)
{
    return child->pid;
}

void child_signal(struct child *child, int number)
{
    if (!child->exited)
        (void)kill(-child->pid, number);
}

void child_close(struct child **at)
{
    struct child *child = *at;

    *at = NULL;
    if (!child || child->closed)
        return;
    child->closed = true;
    child_signal(child, SIGKILL); /* on_exit_seen() reaps it */
}

void child_end_words(int status, char ret_words[CHILD_END_BYTES])
{
    if (WIFSIGNALED(status))
        snprintf(ret_words, CHILD_END_BYTES, "signal %d (%s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    else
        snprintf(ret_words, CHILD_END_BYTES, "exit code %d", WEXITSTATUS(status));
}

/* --- probe ------------------------------------------------------------------------------- */

struct probe {
    struct child *child;
    uv_timer_t timer;
    struct buf output;
    bool slow, closed;
    int64_t limit_ms;
    void (*done)(void *user, int status, struct str output, const struct err *err);
    void *user;
};

static void on_probe_freed(uv_handle_t *handle)
{
    struct probe *probe = handle->data;

    buf_done(&probe->output);
    free(probe);
}

static void probe_output(void *user, struct str bytes)
{
    struct probe *probe = user;

    buf_add(&probe->output, bytes);
    if (probe->output.overflowed)
        child_signal(probe->child, SIGKILL);
}

static void probe_end(void *user, int status)
{
    struct probe *probe = user;
    struct err err = {0};

    probe->child = NULL;
    if (probe->slow)
        err_code(&err, ERR_SYSTEM, "probe_slow", NULL, "no end within %lld ms",
            (long long)probe->limit_ms);
    else if (probe->output.overflowed)
        err_code(&err, ERR_SYSTEM, "probe_long", NULL, "it wrote more than %zu bytes",
            probe->output.bytes_max);
    probe->closed = true;
    uv_close((uv_handle_t *)&probe->timer, on_probe_freed);
    probe->done(probe->user, status, buf_str(&probe->output), err.code[0] ? &err : NULL);
}

static void on_probe_late(uv_timer_t *timer)
{
    struct probe *probe = timer->data;

    probe->slow = true;
    child_signal(probe->child, SIGKILL);
}

bool probe_start(uv_loop_t *loop, const struct child_order *order, int64_t limit_ms,
    size_t bytes_max,
    void (*done)(void *user, int status, struct str output, const struct err *err), void *user,
    struct probe **ret_probe, struct err *err)
{
    static const struct child_events EVENTS = {probe_output, probe_end};
    struct probe *probe = calloc(1, sizeof *probe);

    if (!probe)
        panic("no memory");
    *probe = (struct probe){
        .output = buf_of(bytes_max), .limit_ms = limit_ms, .done = done, .user = user};
    if (!child_start(loop, order, &EVENTS, probe, &probe->child, err)) {
        free(probe);
        return false;
    }
    uv_timer_init(loop, &probe->timer);
    probe->timer.data = probe;
    uv_timer_start(&probe->timer, on_probe_late, (uint64_t)limit_ms, 0);
    *ret_probe = probe;
    return true;
}

void probe_cancel(struct probe **at)
{
    struct probe *probe = *at;

    *at = NULL;
    if (!probe || probe->closed)
        return;
    probe->closed = true;
    child_close(&probe->child);
    uv_close((uv_handle_t *)&probe->timer, on_probe_freed);
}
