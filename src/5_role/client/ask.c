/* SPDX-License-Identifier: Apache-2.0
 *
 * ask — a sentence or a typed proposal goes in, an answer comes out.
 */
#include "client/argument.h"
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SENTENCE_BYTES_MAX (64u << 10)
#define WAIT_POLL_MS 500

static void pause_ms(long ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&span, NULL);
}

/* --wait: until somebody signs, refuses, or the plan expires. Ctrl-C leaves the case as it is. */
static enum client_exit wait_for(struct client *client, struct str id)
{
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    bool told = client->options.json || !isatty(STDERR_FILENO);

    snprintf(path, sizeof path, "/api/v1/cases/%.*s", STR(id));
    for (;;) {
        scoped(json_done) json_t *view = NULL;
        if (!client_fetch_quiet(client, "GET", path, NULL, &view, &code))
            return code;
        struct str state = json_str(view, "state");
        if (case_ended(state)) {
            if (client->options.json)
                client_print(client, view);
            else
                case_view_full(&client->screen, view);
            return case_exit(state);
        }
        if (!told)
            fputs("… waiting for a signature; Ctrl-C stops the waiting, not the case\n", stderr);
        told = true;
        pause_ms(WAIT_POLL_MS);
    }
}

/* With --wait and --json the one document printed is the case at its end. */
static enum client_exit submit(struct client *client, const char *path, const json_t *body)
{
    scoped(json_done) json_t *answer = NULL;
    enum client_exit code;
    bool (*call)(struct client *, const char *, const char *, const json_t *, json_t **,
        enum client_exit *) = client->options.wait ? client_fetch_quiet : client_fetch;

    if (!call(client, "POST", path, body, &answer, &code))
        return code;
    struct str status = json_str(answer, "status"), id = json_str(answer, "case");
    if (!client->options.json)
        code = case_view_answer(&client->screen, answer);
    else
        code = case_exit(status);
    if (!client->options.wait || code != EXIT_CONSENT || !argument_is_id(id)) {
        if (client->options.wait && client->options.json)
            client_print(client, answer);
        return code;
    }
    fflush(client->screen.out);
    return wait_for(client, id);
}

enum client_exit client_ask(struct client *client)
{
    scoped(buf_done) struct buf sentence = buf_of(SENTENCE_BYTES_MAX);
    scoped(json_done) json_t *body = NULL;
    struct err err;

    for (size_t i = 0; i < client->options.args_count; i++) {
        if (i)
            buf_add_char(&sentence, ' ');
        buf_add(&sentence, str_from(client->options.args[i]));
    }
    if (sentence.overflowed || !str_is_utf8(buf_str(&sentence))) {
        err_set(
            &err, ERR_INPUT, "a sentence is UTF-8 text of at most %u bytes", SENTENCE_BYTES_MAX);
        return client_fail(client, &err);
    }
    body = json_pack("{s:s%}", "nl", sentence.at ? sentence.at : "", sentence.len);
    if (client->options.parse_only)
        json_object_set_new(body, "parse_only", json_true());
    return submit(client, "/api/v1/intent", body);
}

enum client_exit client_propose(struct client *client)
{
    scoped(json_done) json_t *catalogue = NULL, *params = json_object(), *body = NULL;
    const char *action = client->options.args[0];
    enum client_exit code;
    struct err err;

    if (!client_fetch_quiet(client, "GET", "/api/v1/actions", NULL, &catalogue, &code))
        return code;
    const json_t *schema = argument_schema(catalogue, action);
    for (size_t i = 1; i < client->options.args_count; i++)
        if (!argument_add(params, client->options.args[i], schema, &err))
            return client_fail(client, &err);
    body = json_pack("{s:s, s:O}", "action", action, "params", params);
    if (!body) {
        err_set(&err, ERR_INPUT, "'%.80s' is no name of an action", action);
        return client_fail(client, &err);
    }
    return submit(client, "/api/v1/proposals", body);
}
