/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue — what the node can do and what it knows: actions and queries.
 */
#include "client/argument.h"
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX (64u << 10)

static enum style tier_style(struct str tier)
{
    if (str_eq(tier, S("destructive")))
        return RED;
    return str_eq(tier, S("observe")) ? GREEN : YELLOW;
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *member;

    json_array_foreach(json_object_get(schema, "required"), i,
        member) if (json_is_string(member) &&
                    strcmp(json_string_value(member), name) == 0) return true;
    return false;
}

/* What a member of the schema may be: its enum, or its type. */
static void add_kind(struct buf *out, const json_t *member)
{
    const json_t *words = json_object_get(member, "enum");
    size_t i;
    json_t *word;

    if (json_array_size(words) == 0)
        buf_add(out, json_str(member, "type"));
    json_array_foreach(words, i, word) if (json_is_string(word))
        buf_printf(out, "%s%s", i ? "|" : "", json_string_value(word));
}

static void view_parameters(const struct screen *screen, const json_t *schema)
{
    static const char *const TITLES[] = {"PARAMETER", "KIND", "NEEDED", "MEANING"};
    scoped(table_done) struct table table = {0};
    const char *name;
    json_t *member;

    table_init(&table, TITLES, COUNT(TITLES));
    json_object_foreach(json_object_get(schema, "properties"), name, member)
    {
        scoped(buf_done) struct buf kind = buf_of(LINE_BYTES_MAX);
        add_kind(&kind, member);
        struct str row[] = {str_from(name), buf_str(&kind),
            is_required(schema, name) ? S("yes") : S(""), json_str(member, "description")};
        table_add(&table, row, NULL);
    }
    table_print(&table, screen);
}

static void view_action(const struct screen *screen, const json_t *action)
{
    struct str tier = json_str(action, "tier");
    size_t i;
    json_t *example;

    screen_text(screen, BOLD, json_str(action, "name"));
    screen_print(screen, PLAIN, "  %.*s\n", STR(json_str(action, "title")));
    screen_field(screen, "tier", tier_style(tier), tier);
    screen_paragraph(screen, 2, json_str(action, "summary"));
    fputc('\n', screen->out);
    view_parameters(screen, json_object_get(action, "parameters"));
    json_array_foreach(json_object_get(action, "examples"), i, example) if (json_is_string(example))
        screen_print(
            screen, CYAN, "%s  logicctl ask \"%s\"\n", i ? "" : "\n", json_string_value(example));
}

static enum client_exit one_action(struct client *client, const json_t *actions)
{
    const char *asked = client->options.args[0];
    size_t i;
    json_t *action;
    struct err err;

    json_array_foreach(actions, i, action)
    {
        if (!str_eq(json_str(action, "name"), str_from(asked)))
            continue;
        if (client->options.json) {
            client_print(client, action);
        } else {
            view_action(&client->screen, action);
        }
        return EXIT_DONE;
    }
    err_set(&err, ERR_INPUT, "there is no action '%.80s'; `logicctl actions` lists them", asked);
    return client_fail(client, &err);
}

enum client_exit client_actions(struct client *client)
{
    static const char *const TITLES[] = {"ACTION", "TIER", "SUMMARY"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    bool single = client->options.args_count == 1;
    enum client_exit code;
    size_t i;
    json_t *action;

    if (!(single ? client_fetch_quiet : client_fetch)(
            client, "GET", "/api/v1/actions", NULL, &document, &code))
        return code;
    const json_t *actions = json_object_get(document, "actions");
    if (single)
        return one_action(client, actions);
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach(actions, i, action)
    {
        struct str tier = json_str(action, "tier"), summary = json_str(action, "summary");
        enum style styles[] = {BOLD, tier_style(tier), PLAIN};
        struct str row[] = {
            json_str(action, "name"), tier, summary.len ? summary : json_str(action, "title")};
        table_add(&table, row, styles);
    }
    table_print(&table, &client->screen);
    return EXIT_DONE;
}

/* Columns are the members of the first answer; answers that are no objects get one column. */
static void view_answers(const struct screen *screen, const json_t *answers)
{
    const char *titles[TABLE_COLUMNS_MAX] = {"ANSWER"};
    scoped(table_done) struct table table = {0};
    const json_t *first = json_array_get(answers, 0);
    size_t columns = 0, i;
    const char *name;
    json_t *value, *answer;

    json_object_foreach((json_t *)first, name, value) if (columns < TABLE_COLUMNS_MAX)
        titles[columns++] = name;
    table_init(&table, titles, columns ? columns : 1);
    json_array_foreach(answers, i, answer)
    {
        struct str row[TABLE_COLUMNS_MAX] = {
            json_is_string(answer) ? str_from(json_string_value(answer)) : S("")};
        char scratch[TABLE_COLUMNS_MAX][SCRATCH_BYTES];
        char *dumps[TABLE_COLUMNS_MAX] = {0};
        for (size_t c = 0; c < columns; c++) {
            value = json_object_get(answer, titles[c]);
            bool nested = json_is_object(value) || json_is_array(value);
            dumps[c] = nested ? json_dumps(value, JSON_COMPACT) : NULL;
            row[c] = nested ? str_from(dumps[c]) : json_text(answer, titles[c], scratch[c]);
        }
        table_add(&table, row, NULL);
        for (size_t c = 0; c < columns; c++)
            free(dumps[c]);
    }
    table_print(&table, screen);
}

enum client_exit client_query(struct client *client)
{
    scoped(json_done) json_t *args = json_object(), *body = NULL, *document = NULL;
    enum client_exit code;
    struct err err;

    for (size_t i = 1; i < client->options.args_count; i++)
        if (!argument_add(args, client->options.args[i], NULL, &err))
            return client_fail(client, &err);
    body = json_pack("{s:s, s:O}", "query", client->options.args[0], "args", args);
    if (!body) {
        err_set(&err, ERR_INPUT, "the name of the query is not UTF-8 text");
        return client_fail(client, &err);
    }
    if (!client_fetch(client, "POST", "/api/v1/query", body, &document, &code))
        return code;
    if (client->options.json)
        return EXIT_DONE;
    const json_t *answers = json_object_get(document, "answers");
    if (json_array_size(answers) == 0)
        screen_print(&client->screen, DIM, "no: nothing answers this\n");
    else
        view_answers(&client->screen, answers);
    return EXIT_DONE;
}
