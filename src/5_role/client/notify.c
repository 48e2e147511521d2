/* SPDX-License-Identifier: Apache-2.0
 *
 * notify — who is told outside, what was told, what waits; and a test of one channel.
 */
#include "client/amounts.h"
#include "client/client.h"

#include "base/scoped.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX 1024
#define TOLD_SHOWN_MAX 20

/* "consent 01J…", "alert_critical 412". */
static struct str about_text(const json_t *row, char ret_text[LINE_BYTES_MAX])
{
    const json_t *about = json_object_get(row, "about");
    struct str what = json_str(about, "what"), of = json_str(about, "case");
    char number[SCRATCH_BYTES];

    if (!of.len)
        of = json_text(about, json_object_get(about, "alert") ? "alert" : "seq", number);
    snprintf(ret_text, LINE_BYTES_MAX, "%.*s%s%.*s", (int)(what.len < 64 ? what.len : 64), what.at,
        of.len ? " " : "", (int)(of.len < 64 ? of.len : 64), of.len ? of.at : "");
    return str_from(ret_text);
}

static struct str joined(const json_t *list, struct buf *out)
{
    size_t i;
    json_t *word;

    json_array_foreach ((json_t *)list, i, word)
        if (json_is_string(word))
            buf_printf(out, "%s%s", i ? ", " : "", json_string_value(word));
    return out->len ? buf_str(out) : S("nothing");
}

static void add_channel(struct table *table, const json_t *channel)
{
    scoped(buf_done) struct buf about = buf_of(LINE_BYTES_MAX);
    char waiting[SCRATCH_BYTES], sent[SCRATCH_BYTES], failed[SCRATCH_BYTES];
    const json_t *last = json_object_get(channel, "last");
    bool bad = json_is_object(last) && !json_is_true(json_object_get(last, "sent"));
    const struct str cells[] = {json_str(channel, "channel"), json_str(channel, "kind"),
        json_str(channel, "place"), joined(json_object_get(channel, "about"), &about),
        json_text(channel, "sent", sent), json_text(channel, "failed", failed),
        json_text(channel, "waiting", waiting)};
    const enum style styles[] = {BOLD, PLAIN, PLAIN, PLAIN, PLAIN, bad ? RED : PLAIN, PLAIN};

    table_add(table, cells, styles);
}

static void show_channels(const struct screen *screen, const json_t *channels)
{
    static const char *const TITLES[] = {
        "CHANNEL", "KIND", "WHERE", "IS TOLD OF", "TOLD", "GIVEN UP", "WAITING"};
    scoped(table_done) struct table table = {0};
    size_t i;
    json_t *channel;

    if (json_array_size(channels) == 0) {
        screen_print(screen, PLAIN,
            "nobody is told outside; write notify_channel and notify_about into HOME/site "
            "(examples: kb/site/notify.pl)\n");
        return;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach ((json_t *)channels, i, channel)
        add_channel(&table, channel);
    table_print(&table, screen);
}

static void show_waiting(const struct screen *screen, const json_t *document)
{
    const json_t *rows = json_object_get(document, "waiting");
    char about[LINE_BYTES_MAX], line[2 * LINE_BYTES_MAX], tries[SCRATCH_BYTES];
    size_t i;
    json_t *row;

    if (json_array_size(rows) == 0)
        return;
    screen_print(screen, BOLD, "\n  Waiting\n");
    json_array_foreach ((json_t *)rows, i, row) {
        struct str channel = json_str(row, "channel"), next = json_str(row, "next_at");
        struct str why = json_str(json_object_get(row, "why"), "words");
        snprintf(line, sizeof line, "%.*s  %.*s, tried %.*s times, next %.*s%s%.*s",
            (int)(channel.len < 64 ? channel.len : 64), channel.at, STR(about_text(row, about)),
            STR(json_text(row, "tries", tries)), (int)(next.len < 32 ? next.len : 32), next.at,
            why.len ? ": " : "", (int)(why.len < 400 ? why.len : 400), why.len ? why.at : "");
        screen_print(screen, DIM, "  ");
        screen_line(screen, PLAIN, str_from(line));
    }
}

static void show_told(const struct screen *screen, const json_t *rows)
{
    char about[LINE_BYTES_MAX], line[2 * LINE_BYTES_MAX], age[AMOUNT_BYTES];
    int64_t now_ms = clock_civil_ms();
    size_t i;
    json_t *row;

    if (json_array_size(rows) == 0)
        return;
    screen_print(screen, BOLD, "\n  Last\n");
    json_array_foreach ((json_t *)rows, i, row) {
        bool sent = json_is_true(json_object_get(row, "sent"));
        struct str channel = json_str(row, "channel"), why = json_str(row, "words");
        if (i == TOLD_SHOWN_MAX)
            break;
        snprintf(line, sizeof line, "%s  %.*s  %.*s%s%.*s",
            ago_text(json_str(row, "at"), now_ms, age), (int)(channel.len < 64 ? channel.len : 64),
            channel.at, STR(about_text(row, about)),
            sent ? "" : ": given up: ", (int)(why.len < 400 ? why.len : 400),
            why.len ? why.at : "");
        screen_print(screen, DIM, "  ");
        screen_line(screen, sent ? PLAIN : RED, str_from(line));
    }
}

enum client_exit client_notify(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    enum client_exit code;

    if (!client_fetch(client, "GET", "/api/v1/notifications", NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    show_channels(&client->screen, json_object_get(document, "channels"));
    show_waiting(&client->screen, document);
    show_told(&client->screen, json_object_get(document, "last"));
    return EXIT_DONE;
}

enum client_exit client_notify_test(struct client *client)
{
    scoped(json_done) json_t *answer = NULL;
    scoped(json_done) json_t *body = json_pack("{s:s}", "channel", client->options.args[0]);
    enum client_exit code;
    struct err err;

    if (!body) {
        err_set(&err, ERR_INPUT, "the name of a channel is UTF-8 text");
        return client_fail(client, &err);
    }
    if (!client_fetch(client, "POST", "/api/v1/notifications/test", body, &answer, &code))
        return code;
    struct str why = json_str(answer, "code");
    if (client->options.json)
        return why.len ? EXIT_TROUBLE : EXIT_DONE;
    if (!why.len) {
        screen_print(&client->screen, GREEN, "told %s\n", client->options.args[0]);
        return EXIT_DONE;
    }
    screen_print(&client->screen, RED, "not told %s: ", client->options.args[0]);
    screen_line(&client->screen, PLAIN, json_str(answer, "words"));
    return EXIT_TROUBLE;
}
