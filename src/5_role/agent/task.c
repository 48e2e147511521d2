/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "json/json_text.h"

#include <stdio.h>

#define LINE_BYTES_MAX (32 * 1024)

static void say(struct task *task, json_t *line)
{
    scoped(json_done) json_t *own = line;
    scoped(buf_done) struct buf text = buf_of(LINE_BYTES_MAX);
    struct err err;

    if (!task->ex || !json_plain(own, &text, &err))
        return;
    buf_add_char(&text, '\n');
    (void)exchange_stream_write(task->ex, buf_str(&text));
}

/* Who asked has left: the order was taken, so it goes on. */
static void on_gone(struct exchange *ex, void *data)
{
    struct task *task = data;

    task->ex = NULL;
    exchange_stream_abort(ex);
}

struct task *task_open(struct exchange *ex, struct order *order, const struct host_job *job)
{
    struct task *task = calloc(1, sizeof *task);
    static const struct http_field NO_STORE = {S("Cache-Control"), S("no-store")};

    check(task);
    *task = (struct task){.ex = ex, .order = *order, .job = *job, .stages = json_array()};
    *order = (struct order){0};
    check(task->stages);
    task->began_ms = task->stage_ms = clock_steady_ms();
    exchange_set_data(ex, task);
    exchange_on_gone(ex, on_gone);
    exchange_stream_begin(ex, 200, S("application/x-ndjson"), &NO_STORE, 1);
    return task;
}

static void close_stage(struct task *task)
{
    int64_t now_ms = clock_steady_ms();

    if (task->stage[0])
        json_array_append_new(task->stages, json_pack("{s:s, s:I}", "stage", task->stage, "ms",
                                                (json_int_t)(now_ms - task->stage_ms)));
    task->stage_ms = now_ms;
}

void task_stage(struct task *task, const char *stage, const char *words)
{
    if (strcmp(task->stage, stage) != 0) {
        close_stage(task);
        snprintf(task->stage, sizeof task->stage, "%s", stage);
    }
    struct str cut = {words, strnlen(words, AGENT_WORDS_BYTES)};
    snprintf(task->words, sizeof task->words, "%.*s", STR(str_utf8_prefix(cut)));
    task_again(task);
}

void task_again(struct task *task)
{
    if (task->stage[0])
        say(task, json_pack("{s:s, s:s}", "stage", task->stage, "words", task->words));
}

static void end(struct task **at, json_t *line)
{
    struct task *task = *at;

    *at = NULL;
    say(task, line);
    if (task->ex)
        exchange_stream_end(task->ex);
    order_done(&task->order);
    json_decref(task->stages);
    free(task);
}

void task_end(struct task **at, json_t *result)
{
    close_stage(*at);
    json_object_set(result, "stages", (*at)->stages);
    json_object_set_new(
        result, "took_ms", json_integer((json_int_t)(clock_steady_ms() - (*at)->began_ms)));
    end(at, json_pack("{s:b, s:b, s:o}", "done", 1, "ok", 1, "result", result));
}

void task_fail(struct task **at, const struct err *err, enum hand_changed changed, struct str tail)
{
    json_t *error = json_pack("{s:s, s:s, s:s, s:s}", "message", err->message, "type",
        err_word(err->kind), "param", err->param, "code", err->code);
    json_t *result;

    close_stage(*at);
    result =
        json_pack("{s:O, s:s%}", "stages", (*at)->stages, "tail", tail.at ? tail.at : "", tail.len);
    end(at, json_pack("{s:b, s:b, s:s, s:o, s:o?}", "done", 1, "ok", 0, "changed",
                hand_changed_word(changed), "error", error, "result", result));
}
