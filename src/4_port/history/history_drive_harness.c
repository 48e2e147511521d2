/* SPDX-License-Identifier: Apache-2.0
 * history_drive URL|- SPOOL [LIMIT=VALUE …] — a history handle alone, driven by lines on stdin;
 * each answer is a line of JSON on stdout.
 *
 *     add NODE METRIC PART|- VALUE AT_MS      many COUNT AT_MS STEP_MS (node "many", metric
 * "count", flush   counts   close                   values 0, 1, 2, …) ask NODE METRIC PART|- FROM
 * TO STEP      promql FROM TO STEP TEXT */
#include "base/panic.h"
#include "base/scoped.h"
#include "history/history.h"
#include "json/json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES_MAX (1u << 20)

static struct history *history;
static struct buf input;
static uv_pipe_t in;

static struct str text_or_none(char *word)
{
    return strcmp(word, "-") == 0 ? (struct str){0} : str_from(word);
}

static int64_t number(const char *word)
{
    return word ? strtoll(word, NULL, 10) : 0;
}

static void say_error(const struct err *err)
{
    scoped(buf_done) struct buf out = buf_of(4096);

    buf_printf(&out, "{\"error\":\"%s\",\"message\":", err->code);
    json_add_string(&out, str_from(err->message));
    printf("%.*s}\n", STR(buf_str(&out)));
}

static void answered(struct str json, const struct err *err, void *user)
{
    (void)user;
    if (err->kind)
        say_error(err);
    else
        printf("%.*s\n", STR(json));
}

static void ask(const struct history_question *question)
{
    struct err err;

    if (!history_ask(history, question, answered, NULL, NULL, &err))
        say_error(&err);
}

static void say_counts(void)
{
    struct history_counts c = history_counts(history);
    const struct err *last = history_last_error(history);

    printf("{\"configured\":%s,\"away\":%s,\"last\":\"%s\"", c.configured ? "true" : "false",
        c.away ? "true" : "false", last->kind ? last->code : "");
#define SAY(name) printf(",\"" #name "\":%llu", (unsigned long long)c.name)
    SAY(samples_taken), SAY(samples_bad), SAY(samples_found), SAY(batches_delivered);
    SAY(samples_delivered), SAY(batches_refused), SAY(samples_refused), SAY(batches_dropped);
    SAY(samples_dropped), SAY(files_torn), SAY(samples_torn), SAY(batches_lost), SAY(samples_lost);
    SAY(batches_spooled), SAY(attempts), SAY(attempts_failed), SAY(queries), SAY(queries_failed);
    SAY(spool_files), SAY(spool_bytes), SAY(spool_samples), SAY(pending_samples), SAY(queries_open);
    printf("}\n");
}

static void on_closed(void *user)
{
    (void)user;
    printf("{\"closed\":true}\n");
    uv_close((uv_handle_t *)&in, NULL);
}

static void many(int64_t count, int64_t at_ms, int64_t step_ms)
{
    for (int64_t i = 0; i < count; i++) {
        struct history_sample sample = {S("many"), S("count"), S(""), i, at_ms + i * step_ms};
        history_add(history, &sample, 1);
    }
}

static void obey(char *line)
{
    char *words[8] = {line}, *rest = NULL;
    size_t count = 1;

    for (char *at = line; *at && count < COUNT(words); at++)
        if (*at == ' ') {
            *at = '\0';
            words[count++] = at + 1;
            if (count == 5)
                rest = at + 1;
            if (count == 5 && strcmp(words[0], "promql") == 0)
                break;
        }
    if (strcmp(words[0], "add") == 0 && count >= 6) {
        struct history_sample sample = {str_from(words[1]), str_from(words[2]),
            text_or_none(words[3]), number(words[4]), number(words[5])};
        history_add(history, &sample, 1);
    } else if (strcmp(words[0], "many") == 0 && count >= 4) {
        many(number(words[1]), number(words[2]), number(words[3]));
    } else if (strcmp(words[0], "ask") == 0 && count >= 7) {
        ask(&(struct history_question){.node = str_from(words[1]),
            .metric = str_from(words[2]),
            .part = text_or_none(words[3]),
            .from_ms = number(words[4]),
            .to_ms = number(words[5]),
            .step_s = number(words[6])});
    } else if (strcmp(words[0], "promql") == 0 && count >= 5) {
        ask(&(struct history_question){.promql = str_from(rest),
            .from_ms = number(words[1]),
            .to_ms = number(words[2]),
            .step_s = number(words[3])});
    } else if (strcmp(words[0], "flush") == 0) {
        history_flush(history);
    } else if (strcmp(words[0], "counts") == 0) {
        say_counts();
    } else if (strcmp(words[0], "close") == 0) {
        uv_read_stop((uv_stream_t *)&in);
        history_close(history, on_closed, NULL);
    } else {
        printf("{\"error\":\"what\"}\n");
    }
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
    static char room[65536];

    (void)handle, (void)size;
    *ret_buf = uv_buf_init(room, sizeof room);
}

static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    char *end;

    if (count < 0) {
        uv_read_stop(stream);
        history_close(history, on_closed, NULL);
        return;
    }
    buf_add(&input, (struct str){bytes->base, (size_t)count});
    check(!input.overflowed);
    while (input.len && (end = memchr(input.at, '\n', input.len))) {
        size_t used = (size_t)(end + 1 - input.at);
        *end = '\0';
        obey(input.at);
        buf_drop(&input, used);
    }
}

static void set_limit(struct history_limits *limits, const char *word)
{
#define HISTORY_LIMIT(name, min, max, standard, help)                                              \
    if (strncmp(word, #name "=", sizeof #name) == 0)                                               \
        limits->name = number(word + sizeof #name);
#include "history/history_limits.def"
#undef HISTORY_LIMIT
}

int main(int argc, char **argv)
{
    struct history_options options = {0};
    struct err err;
    uv_loop_t loop;

    if (argc < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    history_limits_default(&options.limits);
    options.url = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
    options.spool = argv[2];
    for (int i = 3; i < argc; i++)
        set_limit(&options.limits, argv[i]);
    input = buf_of(LINE_BYTES_MAX);
    check(uv_loop_init(&loop) == 0);
    if (!history_open(&loop, &options, &history, &err)) {
        say_error(&err);
        uv_run(&loop, UV_RUN_DEFAULT);
        check(uv_loop_close(&loop) == 0);
        return 1;
    }
    check(uv_pipe_init(&loop, &in, 0) == 0 && uv_pipe_open(&in, 0) == 0);
    check(uv_read_start((uv_stream_t *)&in, on_room, on_input) == 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop) == 0);
    buf_done(&input);
    return 0;
}
