/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "engine/provider_inside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct running {
    const struct provider_run *run;
    struct buf *output;
    struct child *child;
    uv_timer_t timer;
    bool slow;
    int status;
    char line[PROVIDER_LINE_BYTES];
    size_t len;
};

static void on_line(struct running *running)
{
    running->line[running->len] = '\0';
    running->len = 0;
    if (running->line[0] && running->run->told)
        running->run->told(running->run->user, running->line);
}

static void on_output(void *user, struct str bytes)
{
    struct running *running = user;
    struct buf *output = running->output;

    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] == '\n')
            on_line(running);
        else if (running->len < sizeof running->line - 1 && bytes.at[i] >= ' ' &&
                 bytes.at[i] <= '~')
            running->line[running->len++] = bytes.at[i];
    if (bytes.len > output->bytes_max)
        bytes = (struct str){bytes.at + bytes.len - output->bytes_max, output->bytes_max};
    if (output->len + bytes.len > output->bytes_max)
        buf_drop(output, output->len + bytes.len - output->bytes_max);
    buf_add(output, bytes);
}

static void on_end(void *user, int status)
{
    struct running *running = user;

    running->child = NULL;
    running->status = status;
    uv_close((uv_handle_t *)&running->timer, NULL);
}

static void on_late(uv_timer_t *timer)
{
    struct running *running = timer->data;

    running->slow = true;
    child_signal(running->child, SIGKILL);
}

bool provider_run(
    const struct provider_run *run, struct buf *output, int *ret_status, struct err *err)
{
    static const struct child_events EVENTS = {on_output, on_end};
    struct running running = {.run = run, .output = output};
    uv_loop_t loop;

    *output = buf_of(run->bytes_max);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &running.timer);
    running.timer.data = &running;
    uv_timer_start(&running.timer, on_late, (uint64_t)run->limit_ms, 0);
    bool begun = child_start(&loop, &run->order, &EVENTS, &running, &running.child, err);
    if (!begun)
        uv_close((uv_handle_t *)&running.timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    if (begun && running.slow)
        return err_code(err, ERR_SYSTEM, "probe_slow", NULL, "'%s' did not end within %lld s",
            run->order.argv[0], (long long)run->limit_ms / 1000);
    *ret_status = running.status;
    return begun;
}

bool provider_find(const char *path, const char *name, char ret_path[PREPARED_PATH_BYTES])
{
    struct str rest = str_from(path ? path : getenv("PATH"));
    struct stat seen;

    while (rest.len > 0) {
        struct str folder = str_cut(rest, ':', &rest);
        if (folder.len == 0 || folder.at[0] != '/' || folder.len > PREPARED_PATH_BYTES - 64)
            continue;
        (void)snprintf(ret_path, PREPARED_PATH_BYTES, "%.*s/%.60s", STR(folder), name);
        if (access(ret_path, X_OK) == 0 && stat(ret_path, &seen) == 0 && S_ISREG(seen.st_mode))
            return true;
    }
    return false;
}

void preflight_add(
    struct preparation *at, const char *check, bool ok, const char *found, const char *mend)
{
    json_array_append_new(at->checks, json_pack("{s:s, s:b, s:s, s:s}", "check", check, "ok", ok,
                                          "found", found, "mend", ok ? "" : mend));
}

bool preflight_done(const struct preparation *at, struct err *err)
{
    scoped(buf_done) struct buf words = buf_of(ERR_MESSAGE_BYTES_MAX);
    size_t i, failed = 0;
    json_t *check;

    json_array_foreach (at->checks, i, check)
        if (!json_is_true(json_object_get(check, "ok")))
            buf_printf(&words, "%s%s: %s; %s", failed++ ? " · " : "",
                json_string_value(json_object_get(check, "check")),
                json_string_value(json_object_get(check, "found")),
                json_string_value(json_object_get(check, "mend")));
    return failed == 0 ||
           err_code(err, ERR_SYSTEM, "preflight", NULL, "%zu of %zu preconditions fail: %s", failed,
               json_array_size(at->checks), buf_text(&words));
}

void plan_add(struct preparation *at, const char *what, const char *const *argv)
{
    json_t *words = json_array();

    for (size_t i = 0; argv[i]; i++)
        json_array_append_new(words, json_string(argv[i]));
    json_array_append_new(
        json_object_get(at->plan, "steps"), json_pack("{s:s, s:o}", "what", what, "argv", words));
}
