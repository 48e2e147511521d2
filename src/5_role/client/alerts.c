/* SPDX-License-Identifier: Apache-2.0
 *
 * alerts — what is wrong, since when, who looks after it, and what to do.
 */
#include "client/amounts.h"
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ALERTS_LIMIT_MAX 200
#define LINE_BYTES_MAX 4096
#define RUNBOOK_BYTES_MAX (256u << 10)

static enum style severity_style(struct str severity)
{
    return str_eq(severity, S("critical")) ? RED : YELLOW;
}

/* "tower" or "tower, part gpu0"; a storm has members instead. */
static void where_of(const json_t *alert, struct buf *out)
{
    struct str node = json_str(alert, "node"), part = json_str(alert, "part");
    size_t members = json_array_size(json_object_get(alert, "members"));

    if (node.len)
        buf_add(out, node);
    else
        buf_printf(out, "%zu nodes", members);
    if (part.len)
        buf_printf(out, " %.*s", STR(part));
}

/* The words without the severity before them, where that stands beside. */
static struct str bare_words(const json_t *alert)
{
    struct str words = json_str(alert, "words"), severity = json_str(alert, "severity");

    if (severity.len && str_starts(words, severity) &&
        str_starts((struct str){words.at + severity.len, words.len - severity.len}, S(": ")))
        return (struct str){words.at + severity.len + 2, words.len - severity.len - 2};
    return words;
}

static void add_row(struct table *table, const json_t *alert, int64_t now_ms)
{
    scoped(buf_done) struct buf where = buf_of(LINE_BYTES_MAX), words = buf_of(LINE_BYTES_MAX);
    char age[AMOUNT_BYTES], id[SCRATCH_BYTES];
    struct str severity = json_str(alert, "severity"), status = json_str(alert, "status");
    int64_t count = json_integer_value(json_object_get(alert, "count"));
    bool cleared = str_eq(status, S("cleared"));
    enum style styles[] = {
        BOLD, cleared ? DIM : severity_style(severity), PLAIN, DIM, PLAIN, PLAIN};

    where_of(alert, &where);
    buf_add(&words, bare_words(alert));
    if (count > 1)
        buf_printf(&words, " (%" PRId64 " times)", count);
    struct str row[] = {json_text(alert, "id", id), severity, status,
        str_from(ago_text(json_str(alert, "raised_at"), now_ms, age)), buf_str(&where),
        buf_str(&words)};
    table_add(table, row, styles);
}

/* Silence is no health: whoever tells nothing is named. */
static void say_unknown(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    enum client_exit code;
    size_t i, silent = 0;
    json_t *source;

    if (!client_fetch_quiet(client, "GET", "/api/v1/sources", NULL, &document, &code))
        return;
    const json_t *sources = json_object_get(document, "sources");
    if (json_array_size(sources) == 0) {
        screen_print(&client->screen, YELLOW,
            "no source of numbers is written down (sense_source): how the nodes are is unknown\n");
        return;
    }
    json_array_foreach (sources, i, source)
        silent += !str_eq(json_str(source, "state"), S("ok"));
    if (str_eq(json_str(document, "sensor"), S("away")))
        screen_print(
            &client->screen, YELLOW, "the sensor is away: what is wrong right now is unknown\n");
    else if (silent)
        screen_print(&client->screen, YELLOW,
            "%zu of %zu sources tell nothing, and what they would tell is unknown: logicctl sense "
            "list\n",
            silent, json_array_size(sources));
}

static bool list_path(const struct options *options, char path[API_PATH_BYTES_MAX], struct err *err)
{
    static const char *const WORDS[] = {"open", "raised", "acknowledged", "cleared", "all"};
    const char *status = options->status ? options->status : "open";
    uint64_t limit = 50;
    bool known = false;

    for (size_t i = 0; i < COUNT(WORDS); i++)
        known = known || strcmp(status, WORDS[i]) == 0;
    if (!known)
        return err_set(err, ERR_INPUT,
            "--status '%.40s' is none of open, raised, acknowledged, cleared, all", status);
    if (options->limit &&
        (!str_to_u64(str_from(options->limit), ALERTS_LIMIT_MAX, &limit) || limit == 0))
        return err_set(err, ERR_INPUT, "--limit '%.40s' must be a number from 1 to %d",
            options->limit, ALERTS_LIMIT_MAX);
    snprintf(path, API_PATH_BYTES_MAX, "/api/v1/alerts?status=%s&limit=%" PRIu64, status, limit);
    return true;
}

enum client_exit client_alert_list(struct client *client)
{
    static const char *const TITLES[] = {"ALERT", "SEVERITY", "STATUS", "RAISED", "WHERE", "WHAT"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    struct err err;
    size_t i;
    json_t *alert;

    if (!list_path(&client->options, path, &err))
        return client_fail(client, &err);
    if (!client_fetch(client, "GET", path, NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(document, "alerts"), i, alert)
        add_row(&table, alert, clock_civil_ms());
    if (table.rows == 0)
        screen_print(&client->screen, GREEN, "no %s alerts\n",
            client->options.status ? client->options.status : "open");
    else
        table_print(&table, &client->screen);
    say_unknown(client);
    return EXIT_DONE;
}

/* --- one -------------------------------------------------------------------------------------- */

static void view_time(
    const struct screen *screen, const char *label, struct str at, int64_t now_ms, struct str more)
{
    char scratch[CASE_TIME_BYTES], age[AMOUNT_BYTES], line[512];

    if (!at.len)
        return;
    snprintf(line, sizeof line, "%.*s UTC, %s%s%.*s", STR(case_view_time(at, scratch)),
        ago_text(at, now_ms, age), more.len ? ", " : "", (int)(more.len < 300 ? more.len : 300),
        more.at ? more.at : "");
    screen_field(screen, label, PLAIN, str_from(line));
}

static void view_members(const struct screen *screen, const json_t *members)
{
    scoped(buf_done) struct buf line = buf_of(LINE_BYTES_MAX);
    size_t i;
    json_t *member;

    json_array_foreach (members, i, member)
        if (json_is_string(member))
            buf_printf(&line, "%s%s", line.len ? ", " : "", json_string_value(member));
    screen_field(screen, "members", PLAIN, buf_str(&line));
}

/* What it was made of, as the question has it. */
static void view_readings(const struct screen *screen, const json_t *question)
{
    int64_t now_ms = json_integer_value(json_object_get(question, "now_ms"));
    char age[AMOUNT_BYTES], value[AMOUNT_BYTES], line[256];
    size_t i;
    json_t *reading;

    json_array_foreach (json_object_get(question, "readings"), i, reading) {
        const json_t *number = json_object_get(reading, "value");
        int64_t at_ms = json_integer_value(json_object_get(reading, "at_ms"));
        struct str metric = json_str(reading, "metric"), unit = json_str(reading, "unit");
        if (!metric.len || !json_is_integer(number))
            continue;
        if (str_eq(metric, S("heard"))) /* no number that it told: that it told none */
            snprintf(line, sizeof line, "nothing heard for %s",
                span_text(json_integer_value(number), age));
        else
            snprintf(line, sizeof line, "%.*s %s, %s before",
                (int)(metric.len < 80 ? metric.len : 80), metric.at,
                amount_text(json_integer_value(number), unit.len ? unit.at : "", value),
                span_text((now_ms - at_ms) / 1000, age));
        screen_field(screen, i == 0 ? "because of" : "", PLAIN, str_from(line));
    }
}

/* A model worded it: text to read, never to run unread. */
static void view_runbook(const struct screen *screen, const json_t *runbook)
{
    const json_t *failed = json_object_get(runbook, "failed");
    struct str markdown = json_str(runbook, "markdown");
    struct str model = json_str(json_object_get(runbook, "model"), "name");

    if (failed) {
        screen_print(screen, YELLOW, "\n  No runbook: ");
        screen_line(screen, PLAIN, json_str(failed, "words"));
    } else if (markdown.len) {
        screen_print(screen, BOLD, "\n  Runbook");
        screen_print(screen, DIM, "  worded by %.*s%s; read it, nothing of it was done\n\n",
            (int)(model.len < 80 ? model.len : 80), model.len ? model.at : "a model",
            json_is_true(json_object_get(runbook, "truncated")) ? ", cut short" : "");
        screen_text(screen, PLAIN, markdown);
        screen_print(screen, PLAIN, "%s", str_ends(markdown, S("\n")) ? "" : "\n");
    }
}

/* Kinds of the ledger as they stand in a sentence. */
static struct str kind_said(struct str kind)
{
    static const char *const KINDS[][2] = {{"alert_raised", "raised"}, {"alert_changed", "changed"},
        {"alert_cleared", "cleared"}, {"case_executed", "acknowledged"},
        {"runbook_generated", "runbook worded"}, {"runbook_failed", "no runbook"}};

    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (str_eq(kind, str_from(KINDS[i][0])))
            return str_from(KINDS[i][1]);
    return kind;
}

static void view_history(const struct screen *screen, const json_t *history)
{
    char scratch[CASE_TIME_BYTES], line[1024];
    size_t i;
    json_t *row;

    if (json_array_size(history) < 2)
        return;
    screen_print(screen, BOLD, "\n  What happened\n");
    json_array_foreach ((json_t *)history, i, row) {
        struct str words = json_str(row, "words"), kind = kind_said(json_str(row, "kind"));
        snprintf(line, sizeof line, "%.*s%s%.*s", STR(kind), words.len ? ": " : "",
            (int)(words.len < 800 ? words.len : 800), words.at ? words.at : "");
        snprintf(scratch, sizeof scratch, "%s", "");
        struct str at = case_view_time(json_str(row, "at"), scratch);
        screen_print(screen, DIM, "  %.*s  ", STR(at));
        screen_line(screen, PLAIN, str_from(line));
    }
}

static void view_alert(const struct screen *screen, const json_t *alert)
{
    const json_t *seen = json_object_get(alert, "acknowledged");
    struct str severity = json_str(alert, "severity"), status = json_str(alert, "status");
    scoped(buf_done) struct buf where = buf_of(LINE_BYTES_MAX);
    char id[SCRATCH_BYTES], line[512];
    int64_t now_ms = clock_civil_ms();

    screen_print(screen, BOLD, "alert %.*s  ", STR(json_text(alert, "id", id)));
    screen_text(screen, severity_style(severity), severity);
    screen_print(screen, PLAIN, "  %.*s\n", STR(status));
    screen_paragraph(screen, 2, bare_words(alert));
    where_of(alert, &where);
    screen_field(screen, "condition", PLAIN, json_str(alert, "condition"));
    screen_field(screen, "where", PLAIN, buf_str(&where));
    view_members(screen, json_object_get(alert, "members"));
    view_time(screen, "raised", json_str(alert, "raised_at"), now_ms, S(""));
    if (!str_eq(json_str(alert, "changed_at"), json_str(alert, "raised_at")) &&
        !str_eq(status, S("cleared")))
        view_time(screen, "changed", json_str(alert, "changed_at"), now_ms, S(""));
    if (json_is_object(seen)) {
        struct str by = json_str(seen, "by"), words = json_str(seen, "words");
        snprintf(line, sizeof line, "by %.*s%s%.*s", (int)(by.len < 80 ? by.len : 80), by.at,
            words.len ? ": " : "", (int)(words.len < 300 ? words.len : 300),
            words.at ? words.at : "");
        view_time(screen, "seen", json_str(seen, "at"), now_ms, str_from(line));
    }
    view_time(screen, "cleared", json_str(alert, "cleared_at"), now_ms,
        str_eq(json_str(alert, "cleared_why"), S("gone")) ? S("what it was about is gone") : S(""));
    view_readings(screen, json_object_get(alert, "question"));
    view_runbook(screen, json_object_get(alert, "runbook"));
    view_history(screen, json_object_get(alert, "history"));
    if (str_eq(status, S("raised")))
        screen_print(screen, YELLOW, "\n  I look after it:  logicctl alert ack %.*s\n",
            STR(json_text(alert, "id", id)));
}

static bool alert_path(
    struct client *client, const char *tail, char path[API_PATH_BYTES_MAX], struct err *err)
{
    uint64_t id;

    if (!str_to_u64(str_from(client->options.args[0]), INT64_MAX, &id) || !id)
        return err_set(err, ERR_INPUT,
            "'%.80s' is no number of an alert; `logicctl alert list` shows them",
            client->options.args[0]);
    snprintf(path, API_PATH_BYTES_MAX, "/api/v1/alerts/%" PRIu64 "%s", id, tail);
    return true;
}

enum client_exit client_alert_show(struct client *client)
{
    scoped(json_done) json_t *alert = NULL;
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    struct err err;

    if (!alert_path(client, "", path, &err))
        return client_fail(client, &err);
    if (!client_fetch(client, "GET", path, NULL, &alert, &code))
        return code;
    if (!client->options.json)
        view_alert(&client->screen, alert);
    return EXIT_DONE;
}

enum client_exit client_alert_ack(struct client *client)
{
    scoped(json_done) json_t *answer = NULL, *body = json_object();
    scoped(buf_done) struct buf words = buf_of(LINE_BYTES_MAX);
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    struct err err;

    if (!alert_path(client, "/acknowledge", path, &err))
        return client_fail(client, &err);
    for (size_t i = 1; i < client->options.args_count; i++)
        buf_printf(&words, "%s%s", i > 1 ? " " : "", client->options.args[i]);
    if (words.overflowed || !str_is_utf8(buf_str(&words))) {
        err_set(&err, ERR_INPUT, "the words are UTF-8 text of at most %d bytes", LINE_BYTES_MAX);
        return client_fail(client, &err);
    }
    if (words.len)
        json_object_set_new(body, "words", json_stringn(words.at, words.len));
    if (!client_fetch(client, "POST", path, body, &answer, &code))
        return code;
    return client->options.json ? case_exit(json_str(answer, "status"))
                                : case_view_answer(&client->screen, answer);
}
