/* SPDX-License-Identifier: Apache-2.0 */
#include "client/beside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 12

extern char **environ;

static bool find_logicd(char ret_path[PATH_MAX], struct err *err)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return err_set(err, ERR_SYSTEM, "cannot find where logicctl lies (no /proc?)");
    *slash = '\0';
    if (snprintf(ret_path, PATH_MAX, "%s/logicd", self) >= PATH_MAX || access(ret_path, X_OK) != 0)
        return err_set(err, ERR_SYSTEM, "cannot find logicd beside logicctl in %s", self);
    return true;
}

static bool start(const char *program, const char *const *args, int input_fd, int output_fd,
    pid_t *ret_child, struct err *err)
{
    char *argv[ARGS_MAX + 2] = {(char *)"logicd"};
    posix_spawn_file_actions_t actions;

    for (size_t i = 0; args[i]; i++) {
        check(i < ARGS_MAX);
        argv[i + 1] = (char *)args[i];
    }
    posix_spawn_file_actions_init(&actions);
    if (input_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, input_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
    int failed = posix_spawn(ret_child, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return !failed || err_set(err, ERR_SYSTEM, "cannot start %s: %s", program, strerror(failed));
}

bool beside_run(
    const char *const *args, int input_fd, struct buf *out, bool *ret_fine, struct err *err)
{
    char program[PATH_MAX], bytes[4096];
    int ends[2], status;
    pid_t child;
    ssize_t got;

    if (!find_logicd(program, err))
        return false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    scoped(fd_done) int from = ends[0], to = ends[1];
    if (!start(program, args, input_fd, to, &child, err))
        return false;
    fd_done(&to);
    while ((got = read(from, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            buf_add(out, (struct str){bytes, (size_t)got});
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_SYSTEM, "cannot wait for %s: %s", program, strerror(errno));
    *ret_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}
