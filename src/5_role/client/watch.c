/* SPDX-License-Identifier: Apache-2.0
 *
 * watch — follow the node's events until Ctrl-C; a broken stream is resumed where it broke.
 */
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"
#include "sse/sse.h"
#include "json/json_read.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_S 1
#define EVENT_BYTES_MAX (1u << 20)
#define LAST_ID_BYTES 64

static void print_event(const struct client *client, const struct sse_event *event)
{
    scoped(json_done) json_t *entry = NULL;
    struct err unread; /* what is no entry is shown by its name alone */
    (void)json_read(event->data, EVENT_BYTES_MAX, &entry, &unread);
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
    screen_print(&client->screen, BOLD, "  %-18.*s", STR(event->event));
    screen_print(&client->screen, PLAIN, " %.*s", STR(json_str(entry, "case")));
    screen_print(&client->screen, PLAIN, "  %.*s\n", STR(words));
}

/* One exchange after the other, and where the last one broke off. */
struct watch {
    const struct client *client;
    struct sse_reader reader;
    char last_id[LAST_ID_BYTES];
    struct err err; /* why the reader gave up; kind ERR_NONE: it did not */
};

static void watch_done(struct watch *watch)
{
    sse_reader_done(&watch->reader);
}

static bool show(struct watch *watch, const struct sse_event *event)
{
    const struct client *client = watch->client;

    if (event->id.len && event->id.len < sizeof watch->last_id)
        snprintf(watch->last_id, sizeof watch->last_id, "%.*s", STR(event->id));
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
    struct watch *watch = context;

    while (bytes.len) {
        struct sse_event event;
        size_t used;
        bool found = false;
        if (!sse_read(&watch->reader, bytes, &used, &event, &found, &watch->err))
            return false;
        bytes = (struct str){bytes.at + used, bytes.len - used};
        if (found && !show(watch, &event))
            return false;
    }
    return true;
}

enum client_exit client_events(struct client *client)
{
    scoped(watch_done) struct watch watch = {.client = client};
    struct timespec pause = {.tv_sec = RETRY_S};
    bool ever = false;
    struct err err;

    if (client->options.after)
        snprintf(watch.last_id, sizeof watch.last_id, "%s", client->options.after);
    if (!api_open(&client->api, &client->options, &err))
        return client_fail(client, &err);
    for (;;) {
        sse_reader_init(&watch.reader, EVENT_BYTES_MAX);
        bool fine =
            api_follow(&client->api, "/api/v1/events", watch.last_id, take_bytes, &watch, &err);
        sse_reader_done(&watch.reader);
        if (watch.err.kind != ERR_NONE)
            return client_fail(client, &watch.err);
        if (ferror(client->screen.out))
            return EXIT_DONE; /* whoever read us has gone */
        ever = ever || fine || *watch.last_id;
        if (!fine && (err.kind != ERR_PEER || !ever))
            return client_fail(client, &err);
        if (client->api.on_terminal)
            fprintf(stderr, "… the stream broke off, trying again\n");
        nanosleep(&pause, NULL);
    }
}
