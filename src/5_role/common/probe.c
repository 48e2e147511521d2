/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/panic.h"
#include "common/role.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *outcome(bool worked)
{
    return worked ? "allowed" : strerrorname_np(errno);
}

static const char *try_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static const char *try_listen(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    return outcome(
        fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 1) == 0);
}

static const char *try_fork(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
    return outcome(child > 0);
}

/* Without a fork: a success replaces this process, whose output then lacks the closing line. */
static const char *try_exec(void)
{
    char *argv[] = {(char *)"true", NULL};
    execv("/bin/true", argv);
    return outcome(false);
}

int role_probe(const struct role_kind *kind, const char *const *paths, int path_count)
{
    struct role role = {.kind = kind};
    struct err err = {0};
    bool has_landlock;

    log_open(kind->name);
    check(uv_loop_init(&role.loop) == 0);
    json_error_t why;
    role.config = json_loadfd(ROLE_CONFIG_FD, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(role.config) || !kind->open(&role, &err)) {
        log_error("role_not_opened", "message", err.message, NULL);
        return 1;
    }
    const struct sandbox want = {
        .deny = role.deny, .read = role.read, .write = role.write, .execute = role.execute};
    if (!sandbox_enter(&want, &has_landlock, &err)) {
        log_error("sandbox_not_entered", "message", err.message, NULL);
        return 1;
    }
    json_t *found = json_object();
    json_object_set_new(found, "landlock", json_boolean(has_landlock));
    json_object_set_new(found, "socket", json_string(try_socket()));
    json_object_set_new(found, "listen", json_string(try_listen()));
    json_object_set_new(found, "fork", json_string(try_fork()));
    json_object_set_new(found, "signal", json_string(outcome(kill(getppid(), 0) == 0)));
    for (int i = 0; i < path_count; i++) {
        char key[512];
        snprintf(key, sizeof key, "open:%s", paths[i]);
        json_object_set_new(found, key, json_string(outcome(open(paths[i], O_RDONLY) >= 0)));
        snprintf(key, sizeof key, "write:%s", paths[i]);
        json_object_set_new(found, key, json_string(outcome(open(paths[i], O_WRONLY) >= 0)));
    }
    if (role.deny & SANDBOX_DENY_EXEC)
        json_object_set_new(found, "exec", json_string(try_exec()));
    json_dumpf(found, stdout, JSON_INDENT(2));
    putchar('\n');
    fflush(stdout);
    _exit(0); /* without the ends of libraries that may have threads */
}
