/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent_role.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "host/order_key.h"
#include "os/fd.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct life {
    const char *home;
    pid_t pid;
    uv_loop_t loop;
    struct channel *control;
    bool ready;
};

static void on_message(void *owner, enum message_type type, json_t *message, int fd)
{
    struct life *life = owner;

    (void)message;
    fd_done(&fd);
    life->ready = life->ready || type == MESSAGE_ready;
}

static void on_gone(void *owner)
{
    struct life *life = owner;

    life->control = NULL;
}

static const struct channel_events EVENTS = {.message = on_message, .gone = on_gone};

/* As the supervisor starts a role. */
static void begin(struct life *life, json_t *config)
{
    scoped(free_done) char *text = json_dumps(config, JSON_COMPACT);
    int ends[2], pipe_ends[2];
    struct err err;

    check(fd_pair(MESSAGE_BYTES_MAX, ends, &err) && pipe(pipe_ends) == 0);
    check(write(pipe_ends[1], text, strlen(text)) == (ssize_t)strlen(text));
    close(pipe_ends[1]);
    life->pid = fork();
    if (life->pid == 0) {
        int control = fcntl(ends[1], F_DUPFD, 10), file = fcntl(pipe_ends[0], F_DUPFD, 10);
        dup2(control, ROLE_CONTROL_FD);
        dup2(file, ROLE_CONFIG_FD);
        close(control);
        close(file);
        _exit(role_run(&AGENT_ROLE));
    }
    close(ends[1]);
    close(pipe_ends[0]);
    check(uv_loop_init(&life->loop) == 0);
    life->control = channel_open(&life->loop, ends[0], &EVENTS, life);
}

static int end(struct life *life)
{
    int status = -1;

    channel_close(life->control);
    uv_run(&life->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&life->loop) == 0);
    check(waitpid(life->pid, &status, 0) == life->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static json_t *config_of(const char *home)
{
    char pki[PATH_MAX], secrets[PATH_MAX], key[PUBLIC_KEY_TEXT_BYTES];
    struct err err;

    snprintf(pki, sizeof pki, "%s/pki", home);
    snprintf(secrets, sizeof secrets, "%s/secrets", home);
    if (!order_key_ensure(secrets, pki, key, &err))
        panic("%s", err.message);
    return json_pack("{s:s, s:{s:i}, s:{s:s, s:s}}", "home", home, "settings", "pools_max", 3,
        "agent", "host", "tower", "order_key", key);
}

static size_t drop(char *at, size_t size, size_t count, void *user)
{
    (void)at, (void)user;
    return size * count;
}

static long ask(const char *home)
{
    CURL *curl = curl_easy_init();
    char path[PATH_MAX];
    long status = 0;

    snprintf(path, sizeof path, "%s/run/agent.sock", home);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/v1/status");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return status;
}

TEST(the_role_answers_on_its_socket_and_stops_when_told)
{
    struct life life = {.home = scratch_folder()};
    scoped(json_done) json_t *config = config_of(life.home);
    struct err err;

    begin(&life, config);
    while (!life.ready && life.control)
        uv_run(&life.loop, UV_RUN_ONCE);
    CHECK(life.ready);
    CHECK_INT(ask(life.home), 200);
    CHECK(channel_send(life.control, message_make(MESSAGE_stop, "{}"), &err));
    while (life.control)
        uv_run(&life.loop, UV_RUN_ONCE);
    CHECK_INT(end(&life), 0);
}

TEST(without_a_supervisor_the_role_ends)
{
    struct life life = {.home = scratch_folder()};
    scoped(json_done) json_t *config = config_of(life.home);

    begin(&life, config);
    while (!life.ready && life.control)
        uv_run(&life.loop, UV_RUN_ONCE);
    CHECK_INT(end(&life), 0);
}

TEST(a_role_that_is_configured_wrongly_says_that_trying_again_does_not_help)
{
    struct life life = {.home = scratch_folder()};
    scoped(json_done) json_t *config = config_of(life.home);

    json_object_set_new(json_object_get(config, "agent"), "order_key", json_string("nonsense"));
    begin(&life, config);
    while (life.control)
        uv_run(&life.loop, UV_RUN_ONCE);
    CHECK_INT(end(&life), ROLE_EXIT_CONFIG);
    json_object_del(config, "agent");
    begin(&life, config);
    while (life.control)
        uv_run(&life.loop, UV_RUN_ONCE);
    CHECK_INT(end(&life), ROLE_EXIT_CONFIG);
}

TEST(the_key_for_orders_is_made_once)
{
    const char *home = scratch_folder();
    scoped(json_done) json_t *first = config_of(home), *second = config_of(home);

    CHECK(json_equal(first, second));
}

TAP_MAIN
