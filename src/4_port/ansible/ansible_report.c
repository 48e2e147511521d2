/* SPDX-License-Identifier: Apache-2.0 */
#include "ansible/ansible_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <stdio.h>

#define EVENT_BYTES_MAX (1024 * 1024)
#define EVENT_TEXT_BYTES_MAX 65536
#define NAMES_BYTES_MAX 160
#define FAILURE_BYTES_MAX 300
#define LINES_MAX 20000 /* beyond, a task counts but the fingerprint is of these */

struct event {
    struct str name, host, outcome, reason, digest;
    json_t *diff;
};

static bool read_event(const json_t *json, struct event *ret)
{
    struct err ignored;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &ret->name, 0, EVENT_TEXT_BYTES_MAX),
        JSON_TAKE_TEXT("host", &ret->host, 0, EVENT_TEXT_BYTES_MAX),
        JSON_TAKE_TEXT("outcome", &ret->outcome, 1, 16),
        JSON_TAKE_TEXT("reason", &ret->reason, 0, EVENT_TEXT_BYTES_MAX),
        JSON_TAKE_TEXT("digest", &ret->digest, 64, 64),
        JSON_TAKE_ARRAY("diff", &ret->diff, 0, 1000),
    };

    return json_take(json, fields, COUNT(fields), &ignored);
}

static void add_task(struct ansible_report *report, const struct event *event, size_t *told_bytes)
{
    bool why = event->reason.len > 0 && !str_eq(event->outcome, S("ok")) &&
               !str_eq(event->outcome, S("changed"));
    size_t bytes = event->name.len + (why ? event->reason.len : 0) + 64;

    if (json_array_size(report->tasks) == ANSIBLE_TASKS_MAX ||
        *told_bytes + bytes > ANSIBLE_TOLD_BYTES_MAX)
        return;
    *told_bytes += bytes;
    json_t *task = json_pack("{s:s%, s:s%}", "name", event->name.at, event->name.len, "outcome",
        event->outcome.at, event->outcome.len);
    check(task);
    if (why)
        json_object_set_new(task, "reason", json_stringn(event->reason.at, event->reason.len));
    json_array_append_new(report->tasks, task);
}

static void add_diffs(struct ansible_report *report, const json_t *diffs, size_t *told_bytes)
{
    json_t *diff;
    size_t i;

    json_array_foreach(diffs, i, diff) {
        const char *op = json_string_value(json_object_get(diff, "op"));
        const char *text = json_string_value(json_object_get(diff, "text"));
        if (!op || !text || *told_bytes > ANSIBLE_TOLD_BYTES_MAX)
            continue;
        *told_bytes += strlen(text) + 32;
        if (*told_bytes > ANSIBLE_TOLD_BYTES_MAX)
            text = "and more changes, which are not shown here";
        json_array_append_new(report->diff, json_pack("{s:s, s:s}", "op", op, "text", text));
    }
}

static void count(struct ansible_report *report, const struct event *event)
{
    struct str outcome = event->outcome;

    report->ok += str_eq(outcome, S("ok")) || str_eq(outcome, S("ignored"));
    report->skipped += str_eq(outcome, S("skipped"));
    report->unsupported += str_eq(outcome, S("unsupported"));
    if (str_eq(outcome, S("changed"))) {
        if (!report->changed_names.overflowed)
            buf_printf(
                &report->changed_names, "%s'%.*s'", report->changed ? ", " : "", STR(event->name));
        report->changed++;
    }
    if (str_eq(outcome, S("failed")) || str_eq(outcome, S("unreachable"))) {
        if (report->failed == 0)
            buf_printf(&report->failure, "task '%.*s' on %.*s: %.*s",
                STR(str_utf8_prefix(
                    (struct str){event->name.at, event->name.len < 60 ? event->name.len : 60})),
                STR(str_utf8_prefix(
                    (struct str){event->host.at, event->host.len < 40 ? event->host.len : 40})),
                STR(str_utf8_prefix((struct str){
                    event->reason.at, event->reason.len < 180 ? event->reason.len : 180})));
        report->failed++;
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hosts answer in any order, so the lines are sorted. */
static void finish_fingerprint(char **lines, size_t count_lines, char *ret_hex)
{
    struct sha256_stream hash;
    uint8_t digest[SHA256_BYTES];

    qsort(lines, count_lines, sizeof *lines, by_text);
    sha256_stream_init(&hash);
    for (size_t i = 0; i < count_lines; i++) {
        sha256_stream_add(&hash, (struct str){lines[i], strlen(lines[i]) + 1});
        free(lines[i]);
    }
    sha256_stream_finish(&hash, digest);
    sha256_stream_done(&hash);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

void ansible_report_read(
    struct str events, struct secret_store *secrets, struct ansible_report *ret_report)
{
    struct ansible_report report = {.tasks = json_array(),
        .diff = json_array(),
        .changed_names = buf_of(NAMES_BYTES_MAX),
        .failure = buf_of(FAILURE_BYTES_MAX)};
    scoped(free_done) char **lines = calloc(LINES_MAX, sizeof *lines);
    size_t count_lines = 0, task_bytes = 0, diff_bytes = 0;

    check(lines && report.tasks && report.diff);
    while (events.len) {
        struct str line = str_cut(events, '\n', &events);
        scoped(json_done) json_t *json = NULL, *clean = NULL;
        struct event event;
        struct err ignored;
        if (!json_read(line, EVENT_BYTES_MAX, &json, &ignored))
            continue;
        clean = secrets ? secret_scrub_json(secrets, json) : json_incref(json);
        if (!read_event(clean, &event))
            continue;
        count(&report, &event);
        add_task(&report, &event, &task_bytes);
        add_diffs(&report, event.diff, &diff_bytes);
        if (count_lines < LINES_MAX &&
            asprintf(&lines[count_lines], "%.*s\n%.*s\n%.*s\n%.*s", STR(event.host),
                STR(event.name), STR(event.outcome), STR(event.digest)) >= 0)
            count_lines++;
    }
    finish_fingerprint(lines, count_lines, report.fingerprint);
    *ret_report = report;
}

void ansible_report_done(struct ansible_report *report)
{
    json_decref(report->tasks);
    json_decref(report->diff);
    buf_done(&report->changed_names);
    buf_done(&report->failure);
    report->tasks = report->diff = NULL;
}

json_t *ansible_report_json(const struct ansible_report *report, const char *content_sha256)
{
    json_t *json =
        json_pack("{s:s, s:s, s:{s:I, s:I, s:I, s:I}, s:O, s:O}", "content_sha256", content_sha256,
            "fingerprint", report->fingerprint, "coverage", "ok", (json_int_t)report->ok, "changed",
            (json_int_t)report->changed, "skipped", (json_int_t)report->skipped, "unsupported",
            (json_int_t)report->unsupported, "diff", report->diff, "tasks", report->tasks);
    check(json);
    return json;
}
