/* SPDX-License-Identifier: Apache-2.0
 *
 * cases — the list, one case, and why.
 */
#include "client/argument.h"
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"

#include <stdio.h>

#define CASES_LIMIT_MAX 200
#define LINE_BYTES_MAX (64u << 10)

static bool fetch_case(
    struct client *client, bool quiet, json_t **ret_view, enum client_exit *ret_exit)
{
    struct str id = str_from(client->options.args[0]);
    char path[API_PATH_BYTES_MAX];
    struct err err;

    if (!argument_is_id(id)) {
        err_set(&err, ERR_INPUT, "'%.80s' is no id of a case; `logicctl cases` lists them", id.at);
        *ret_exit = client_fail(client, &err);
        return false;
    }
    snprintf(path, sizeof path, "/api/v1/cases/%s", id.at);
    return (quiet ? client_fetch_quiet : client_fetch)(
        client, "GET", path, NULL, ret_view, ret_exit);
}

static void add_row(struct table *table, const json_t *view)
{
    char at[CASE_TIME_BYTES];
    scoped(buf_done) struct buf params = buf_of(LINE_BYTES_MAX);
    struct str status = json_str(view, "status");
    enum style styles[] = {PLAIN, case_style(status), PLAIN, DIM, PLAIN};

    case_view_params(&params, json_object_get(view, "params"));
    struct str row[] = {json_str(view, "id"), status, json_str(view, "action"),
        case_view_time(json_str(view, "opened_at"), at), buf_str(&params)};
    table_add(table, row, styles);
}

enum client_exit client_cases(struct client *client)
{
    static const char *const TITLES[] = {"CASE", "STATUS", "ACTION", "OPENED (UTC)", "WHAT"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    char path[API_PATH_BYTES_MAX];
    const struct options *options = &client->options;
    uint64_t limit = 50;
    enum client_exit code;
    struct err err;
    size_t i;
    json_t *view;

    if (options->limit &&
        (!str_to_u64(str_from(options->limit), CASES_LIMIT_MAX, &limit) || limit == 0)) {
        err_set(&err, ERR_INPUT, "--limit '%.40s' must be a number from 1 to %d", options->limit,
            CASES_LIMIT_MAX);
        return client_fail(client, &err);
    }
    if (options->status && !argument_is_id(str_from(options->status))) {
        err_set(&err, ERR_INPUT, "--status '%.40s' is no status, e.g. awaiting_consent",
            options->status);
        return client_fail(client, &err);
    }
    snprintf(path, sizeof path, "/api/v1/cases?limit=%u%s%s", (unsigned)limit,
        options->status ? "&status=" : "", options->status ? options->status : "");
    if (!client_fetch(client, "GET", path, NULL, &document, &code))
        return code;
    if (options->json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach(json_object_get(document, "cases"), i, view) add_row(&table, view);
    if (table.rows == 0)
        screen_print(
            &client->screen, DIM, "no cases%s\n", options->status ? " of this status" : " yet");
    else
        table_print(&table, &client->screen);
    return EXIT_DONE;
}

enum client_exit client_case(struct client *client)
{
    scoped(json_done) json_t *view = NULL;
    enum client_exit code;

    if (!fetch_case(client, false, &view, &code))
        return code;
    if (!client->options.json)
        case_view_full(&client->screen, view);
    return EXIT_DONE;
}

enum client_exit client_why(struct client *client)
{
    scoped(json_done) json_t *view = NULL;
    enum client_exit code;

    if (!fetch_case(client, true, &view, &code))
        return code;
    const json_t *verdict = json_object_get(view, "verdict");
    if (client->options.json) {
        client_print(client, verdict ? verdict : json_null());
    } else if (!json_is_object(verdict)) {
        screen_print(&client->screen, YELLOW, "this case has not been judged yet\n");
    } else {
        case_view_why(&client->screen, verdict);
    }
    return EXIT_DONE;
}
