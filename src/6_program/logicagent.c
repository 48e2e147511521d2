/* SPDX-License-Identifier: Apache-2.0
 *
 * logicagent — the agent on a host. Arguments and composition, nothing else. */
#include "agent/agent.h"
#include "agent/locks.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "json/json_read.h"

#include <curl/curl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>

static const char USAGE[] =
    "usage: logicagent serve --config FILE    the agent of this host (logicctl agent enroll makes "
    "FILE)\n"
    "       logicagent check --config FILE    is the configuration right? exit 0 or 2\n"
    "       logicagent version\n";

struct program {
    uv_loop_t loop;
    struct agent_config config;
    struct agent *agent;
    uv_signal_t signals[2];
};

static int fail(const char *what, const struct err *err)
{
    log_error(what, "message", err->message, "code", err->code, NULL);
    return err_exit_code(err->kind);
}

static bool read_config(const char *path, struct agent_config *ret_config, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(AGENT_CONFIG_BYTES_MAX);
    scoped(json_done) json_t *json = NULL;
    char whole[PATH_MAX];

    if (!realpath(path, whole))
        return err_set(err, ERR_INPUT, "there is no configuration '%.300s'", path);
    return file_read(whole, &text, err) &&
           json_read(buf_str(&text), AGENT_CONFIG_BYTES_MAX, &json, err) &&
           agent_config_read(json, dirname(whole), ret_config, err);
}

static bool lock_up(const struct agent_config *config, struct err *err)
{
    struct agent_locks locks;
    bool has_landlock;

    if (!file_make_folder(config->home, 0700, err) || !agent_locks(config, NULL, &locks, err))
        return false;
    const struct sandbox want = {
        .read = locks.read, .write = locks.write, .execute = locks.execute};
    if (!sandbox_enter(&want, &has_landlock, err))
        return false;
    if (!has_landlock)
        log_error("landlock_missed", "remedy",
            "a kernel with Landlock (5.13 or newer) guards paths too", NULL);
    return true;
}

static void on_closed(void *owner)
{
    struct program *program = owner;

    for (size_t i = 0; i < COUNT(program->signals); i++)
        uv_close((uv_handle_t *)&program->signals[i], NULL);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct program *program = handle->data;

    (void)signal;
    if (!program->agent)
        return;
    agent_close(program->agent, on_closed, program);
    program->agent = NULL;
}

static int serve(const char *path)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT};
    struct program program = {0};
    struct err err = {0};
    char port[8];

    log_open("agent");
    signal(SIGPIPE, SIG_IGN);
    if (!read_config(path, &program.config, &err))
        return fail("agent_not_configured", &err);
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    check(uv_loop_init(&program.loop) == 0);
    /* keys are read and the port is taken by agent_open(): all rights but the paths are gone then
     */
    if (!lock_up(&program.config, &err))
        return fail("sandbox_not_entered", &err);
    if (!agent_open(&program.loop, &program.config, &program.agent, &err))
        return fail("agent_not_started", &err);
    for (size_t i = 0; i < COUNT(SIGNALS); i++) {
        check(uv_signal_init(&program.loop, &program.signals[i]) == 0);
        program.signals[i].data = &program;
        uv_signal_start(&program.signals[i], on_signal, SIGNALS[i]);
    }
    snprintf(port, sizeof port, "%u", agent_port(program.agent));
    log_event("agent_started", "host", program.config.host, "port", port, NULL);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    uv_loop_close(&program.loop);
    agent_config_done(&program.config);
    curl_global_cleanup();
    return 0;
}

static int check_only(const char *path)
{
    struct agent_config config;
    struct err err = {0};

    if (!read_config(path, &config, &err)) {
        fprintf(stderr, "logicagent: %s\n", err.message);
        return 2;
    }
    agent_config_done(&config);
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    const char *path = argc == 4 && strcmp(argv[2], "--config") == 0 ? argv[3] : NULL;

    if (strcmp(command, "serve") == 0 && path)
        return serve(path);
    if (strcmp(command, "check") == 0 && path)
        return check_only(path);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("logicagent %s\n", LOGIC_NODE_VERSION);
        return 0;
    }
    fputs(USAGE, stderr);
    return 2;
}
