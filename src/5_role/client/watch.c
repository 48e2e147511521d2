/* SPDX-License-Identifier: Apache-2.0
 *
 * watch — follow the node's events until Ctrl-C; a broken stream is resumed where it broke.
 */
#include "client/case_view.h"
#include "client/client.h"
#include "client/sse.h"

#include "base/scoped.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_S 1

static void print_event(const struct client *client, const struct sse_event *event)
{
    scoped(json_done) json_t *entry = json_loadb(event->data.at, event->data.len, 0, NULL);
    char at[CASE_TIME_BYTES];
    const json_t *body = json_object_get(entry, "body");
    struct str words = json_str(body, "words");

    if (!words.len)
        words = json_str(json_object_get(body, "verdict"), "words");
    if (!words.len)
        words = json_str(body, "action");
    if (!words.len)
        words = json_str(json_object_get(body, "error"), "message");
    screen_text(&client->screen, DIM, case_view_time(json_str(entry, "at"), at));
    screen_print(&client->screen, BOLD, "  %-18.*s", STR(event->name));
    screen_print(&client->screen, PLAIN, " %.*s", STR(json_str(entry, "case")));
    screen_print(&client->screen, PLAIN, "  %.*s\n", STR(words));
}

static bool take_event(void *context, const struct sse_event *event)
{
    const struct client *client = context;

    if (client->options.json && !client->screen.columns) {
        fwrite(event->data.at, 1, event->data.len, client->screen.out);
        fputc('\n', client->screen.out);
    } else if (client->options.json) {
        screen_print(&client->screen, PLAIN, "%.*s\n", STR(event->data));
    } else {
        print_event(client, event);
    }
    return fflush(client->screen.out) == 0;
}

static bool take_bytes(void *context, struct str bytes)
{
    return sse_feed(context, bytes);
}

enum client_exit client_events(struct client *client)
{
    scoped(sse_done) struct sse sse;
    struct timespec pause = {.tv_sec = RETRY_S};
    bool ever = false;
    struct err err;

    sse_init(&sse, take_event, client);
    if (client->options.after)
        snprintf(sse.last_id, sizeof sse.last_id, "%s", client->options.after);
    if (!api_open(&client->api, &client->options, &err))
        return client_fail(client, &err);
    for (;;) {
        size_t before = strlen(sse.last_id);
        bool fine = api_follow(&client->api, "/api/v1/events", sse.last_id, take_bytes, &sse, &err);
        ever = ever || fine || strlen(sse.last_id) != before || *sse.last_id;
        if (ferror(client->screen.out))
            return EXIT_DONE; /* whoever read us has gone */
        if (!fine && (err.kind != ERR_PEER || !ever))
            return client_fail(client, &err);
        if (!fine && client->api.on_terminal)
            fprintf(stderr, "… the stream broke off, trying again\n");
        sse_restart(&sse);
        nanosleep(&pause, NULL);
    }
}
