/* SPDX-License-Identifier: Apache-2.0
 *
 * kb — check a folder of rules in a process of its own, and ask the node to take new rules.
 */
#include "client/client.h"

#include "base/buf.h"
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

#define CHECK_TEXT_BYTES_MAX (1u << 20)

extern char **environ;

/* logicd lies beside logicctl. */
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

static bool run_check(
    const char *program, const char *folder, struct buf *out, int *ret_status, struct err *err)
{
    char *const argv[] = {(char *)"logicd", (char *)"kb-check", (char *)folder, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t child;
    ssize_t got;
    char bytes[4096];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    scoped(fd_done) int from = ends[0], to = ends[1];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO);
    int failed = posix_spawn(&child, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return err_set(err, ERR_SYSTEM, "cannot start %s: %s", program, strerror(failed));
    fd_done(&to);
    while ((got = read(from, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            buf_add(out, (struct str){bytes, (size_t)got});
    while (waitpid(child, ret_status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, ERR_SYSTEM, "cannot wait for %s: %s", program, strerror(errno));
    return true;
}

enum client_exit client_kb_check(struct client *client)
{
    scoped(buf_done) struct buf words = buf_of(CHECK_TEXT_BYTES_MAX);
    char program[PATH_MAX];
    struct err err;
    int status = 0;

    if (!find_logicd(program, &err) ||
        !run_check(program, client->options.args[0], &words, &status, &err))
        return client_fail(client, &err);
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (client->options.json) {
        struct str text = str_utf8_prefix(buf_str(&words));
        scoped(json_done) json_t *document =
            json_pack("{s:b, s:s%}", "ok", (int)fine, "words", text.at, text.len);
        client_print(client, document);
    } else {
        screen_text(&client->screen, PLAIN, buf_str(&words));
        screen_print(&client->screen, fine ? GREEN : RED,
            fine ? "%s: these rules may be loaded\n" : "%s: these rules are refused\n",
            client->options.args[0]);
    }
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}

enum client_exit client_kb_reload(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    enum client_exit code;

    if (!client_fetch(client, "POST", "/api/v1/kb/reload", NULL, &document, &code))
        return code;
    bool fine = !json_is_false(json_object_get(document, "ok"));
    if (client->options.json)
        return fine ? EXIT_DONE : EXIT_TROUBLE;
    screen_print(&client->screen, fine ? GREEN : RED,
        fine ? "the node uses the new rules\n" : "the node keeps its old rules\n");
    screen_field(&client->screen, "rules", PLAIN, json_str(document, "rules"));
    screen_field(&client->screen, "site", PLAIN, json_str(document, "site"));
    screen_paragraph(&client->screen, 2, json_str(document, "words"));
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}
