/* SPDX-License-Identifier: Apache-2.0
 *
 * about — status of the node, version and help of this program.
 */
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

static void view_member(const struct screen *screen, const char *name, const json_t *value)
{
    scoped(buf_done) struct buf line = buf_of(1 << 16);

    case_view_params(&line, value);
    screen_field(screen, name, PLAIN, buf_str(&line));
}

static void view_proofs(const struct screen *screen, const json_t *proofs)
{
    size_t i;
    json_t *proof;

    json_array_foreach (proofs, i, proof) {
        bool holds = json_is_true(json_object_get(proof, "holds"));
        screen_print(screen, holds ? GREEN : RED, "  %s %.*s\n", holds ? "✓" : "✗",
            STR(json_str(proof, "words")));
    }
}

enum client_exit client_status(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    enum client_exit code;
    const char *name;
    json_t *value;

    if (!client_fetch(client, "GET", "/api/v1/status", NULL, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    screen_print(&client->screen, GREEN, "the node answers");
    screen_print(&client->screen, PLAIN, " at %s\n", client->api.where);
    json_object_foreach (document, name, value) {
        char scratch[SCRATCH_BYTES], label[SCRATCH_BYTES];
        snprintf(label, sizeof label, "%s", name);
        for (char *at = label; (at = strchr(at, '_'));)
            *at = ' ';
        if (strcmp(name, "proofs") == 0)
            view_proofs(&client->screen, value);
        else if (json_is_object(value))
            view_member(&client->screen, label, value);
        else
            screen_field(&client->screen, label, PLAIN, json_text(document, name, scratch));
    }
    return EXIT_DONE;
}

enum client_exit client_version(struct client *client)
{
    if (client->options.json)
        fprintf(client->screen.out, "{\"version\":\"%s\"}\n", LOGIC_NODE_VERSION);
    else
        screen_print(&client->screen, PLAIN, "logicctl %s\n", LOGIC_NODE_VERSION);
    return EXIT_DONE;
}

static void add_options(struct buf *out, const char *takes)
{
    struct str rest = str_from(takes);

    while (rest.len) {
        struct str name = str_cut(rest, ' ', &rest);
        char text[32];
        snprintf(text, sizeof text, "%.*s", STR(name));
        const char *word = options_value_word(text);
        buf_printf(out, " [--%s%s%s]", text, *word ? " " : "", word);
    }
}

static enum client_exit help_json(const struct client *client)
{
    scoped(json_done) json_t *rows = json_array();

    for (size_t i = 0; i < client->commands_count; i++) {
        const struct command *c = &client->commands[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "arguments",
                                        c->arguments, "options", c->takes, "help", c->help));
    }
    client_print(client, rows);
    return EXIT_DONE;
}

enum client_exit client_help(struct client *client)
{
    const struct screen *screen = &client->screen;

    if (client->options.json)
        return help_json(client);
    screen_print(screen, BOLD, "logicctl");
    screen_print(screen, PLAIN, " — talk to a logic node: ask, see the proof, sign the plan\n\n");
    for (size_t i = 0; i < client->commands_count; i++) {
        const struct command *c = &client->commands[i];
        scoped(buf_done) struct buf usage = buf_of(1024);
        buf_printf(&usage, "%s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
        add_options(&usage, c->takes);
        screen_print(screen, BOLD, "  %s\n", buf_text(&usage));
        screen_print(screen, PLAIN, "        %s\n", c->help);
    }
    screen_print(screen, PLAIN,
        "\n  Everywhere: --home DIR  --url URL  --json  --no-color  --help  --version\n"
        "  Exit codes: 0 done · 2 usage · 3 denied · 4 needs consent · 5 question · 6 failed\n"
        "  Manual: man logicctl\n");
    return EXIT_DONE;
}
