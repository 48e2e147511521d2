/* SPDX-License-Identifier: Apache-2.0 */
#include "ansible/ansible_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_FD 3
#define TAIL_BYTES_MAX 2048
#define TICK_MS 100
#define TERM_MS 2000 /* between asking to end and ending */
#define EXEC_FAILED 127

void ansible_child_end_done(struct ansible_child_end *end)
{
    buf_done(&end->events);
    buf_done(&end->tail);
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static _Noreturn void become(
    const struct ansible_child *child, int printed, int events, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < 32; number++)
        (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    /* nobody would record what a run does after we died */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY);
    if (getppid() == parent && nothing >= 0 && dup2(nothing, 0) == 0 && dup2(printed, 1) == 1 &&
        dup2(printed, 2) == 2 && dup2(events, EVENTS_FD) == EVENTS_FD &&
        chdir(child->folder) == 0) {
        (void)syscall(SYS_close_range, EVENTS_FD + 1, ~0U, 0);
        execve(child->argv[0], (char *const *)child->argv, (char *const *)child->environment);
    }
    _exit(EXEC_FAILED);
}

/* false: the other side is closed. */
static bool take_output(int fd, struct buf *out, int64_t *bytes_left, bool keep)
{
    char step[16384];
    ssize_t got = read(fd, step, sizeof step);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    *bytes_left -= got;
    size_t room = out->bytes_max - out->len;
    if (keep || room > 0)
        buf_add(out, (struct str){step, keep || (size_t)got < room ? (size_t)got : room});
    return got > 0;
}

/* Read both ends until they close or the child is gone and both are empty. */
static void follow(pid_t pid, int printed, int events, const struct ansible_child *child,
    struct ansible_child_end *end)
{
    struct pollfd at[2] = {
        {.fd = printed, .events = POLLIN},
        {.fd = events,  .events = POLLIN}
    };
    int64_t left = child->output_bytes, killed_ms = 0;
    bool gone = false;

    for (;;) {
        int ready = poll(at, 2, gone ? 0 : TICK_MS);
        if (at[0].fd >= 0 && at[0].revents && !take_output(printed, &end->tail, &left, false))
            at[0].fd = -1;
        if (at[1].fd >= 0 && at[1].revents && !take_output(events, &end->events, &left, left > 0))
            at[1].fd = -1;
        if (gone && ready <= 0)
            return;
        if (!gone)
            gone = waitpid(pid, &end->status, WNOHANG) == pid;
        if (at[0].fd < 0 && at[1].fd < 0 && !gone)
            (void)poll(NULL, 0, TICK_MS / 10); /* closed but not gone yet */
        if (gone && at[0].fd < 0 && at[1].fd < 0)
            return;
        int64_t now_ms = clock_steady_ms();
        end->too_large = end->too_large || left <= 0;
        end->too_slow = end->too_slow || (!gone && now_ms >= child->deadline_ms);
        if ((end->too_large || end->too_slow) && !gone) {
            (void)kill(-pid, killed_ms && now_ms - killed_ms > TERM_MS ? SIGKILL : SIGTERM);
            killed_ms = killed_ms ? killed_ms : now_ms;
        }
    }
}

bool ansible_child_run(
    const struct ansible_child *child, struct ansible_child_end *ret_end, struct err *err)
{
    scoped(ansible_child_end_done) struct ansible_child_end end = {
        .events = buf_of((size_t)child->output_bytes + 16384), .tail = buf_of(TAIL_BYTES_MAX)};
    int printed[2], events[2];
    pid_t parent = getpid();

    if (access(child->argv[0], X_OK) != 0)
        return err_code(err, ERR_SYSTEM, "no_ansible", "playbook",
            "cannot run '%s': %s; install ansible-core", child->argv[0], strerror(errno));
    if (pipe2(printed, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    scoped(fd_done) int printed_in = printed[0], printed_out = printed[1];
    if (pipe2(events, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    scoped(fd_done) int events_in = events[0], events_out = events[1];
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, ERR_SYSTEM, "cannot start a process: %s", strerror(errno));
    if (pid == 0)
        become(child, printed_out, events_out, parent);
    (void)setpgid(pid, pid);
    fd_done(&printed_out);
    fd_done(&events_out);
    follow(pid, printed_in, events_in, child, &end);
    (void)kill(-pid, SIGKILL); /* what it left running */
    if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == EXEC_FAILED)
        return err_code(
            err, ERR_SYSTEM, "no_ansible", "playbook", "'%s' cannot be run", child->argv[0]);
    *ret_end = end;
    end = (struct ansible_child_end){0};
    return true;
}
