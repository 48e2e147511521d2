/* SPDX-License-Identifier: Apache-2.0
 *
 * replay — every verdict given again: the export goes to `logicd replay`, its report to the screen.
 */
#include "client/beside.h"
#include "client/client.h"
#include "client/home.h"
#include "client/text.h"

#include "base/scoped.h"
#include "json/json_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REPORT_BYTES_MAX (16u << 20)

static void file_done(FILE **file)
{
    if (*file)
        fclose(*file);
}

static bool write_bytes(void *context, struct str bytes)
{
    return fwrite(bytes.at, 1, bytes.len, context) == bytes.len;
}

static bool fetch_entries(struct client *client, FILE **ret_file, struct err *err)
{
    *ret_file = tmpfile();
    if (!*ret_file)
        return err_set(err, ERR_SYSTEM, "cannot make a file for the entries: %s", strerror(errno));
    if (!api_open(&client->api, &client->options, err) ||
        !api_follow(&client->api, "/api/v1/ledger/export", "", write_bytes, *ret_file, err))
        return false;
    return (fflush(*ret_file) == 0 && fseek(*ret_file, 0, SEEK_SET) == 0) ||
           err_set(err, ERR_SYSTEM, "cannot keep the entries: %s", strerror(errno));
}

/* What logicd says is its report, or a sentence about why there is none. */
static bool run_replay(struct client *client, FILE *entries, json_t **ret_report, struct err *err)
{
    scoped(buf_done) struct buf said = buf_of(REPORT_BYTES_MAX);
    const struct options *o = &client->options;
    char home[PATH_MAX];
    const char *args[10] = {"replay", "--home", home};
    size_t count = 3;
    struct err unread;
    bool fine;

    if (!home_path(o, "", home, err))
        return false;
    if (o->since) {
        args[count++] = "--since";
        args[count++] = o->since;
    }
    if (o->with) {
        args[count++] = "--with";
        args[count++] = o->with;
    }
    if (!beside_run(args, fileno(entries), &said, &fine, err))
        return false;
    /* Lines of the log stand before it. */
    struct str text = str_trim(buf_str(&said)), rest = text;
    while (rest.len)
        text = str_cut(rest, '\n', &rest);
    return json_read(text, REPORT_BYTES_MAX, ret_report, &unread) ||
           err_set(err, ERR_INPUT, "%.*s", STR(str_trim(buf_str(&said))));
}

static void print_differences(const struct client *client, const json_t *report)
{
    static const char *const TITLES[] = {"SEQ", "CASE", "ACTION", "WAS", "NOW", "DIFFERS IN"};
    const json_t *differences = json_object_get(report, "differences");
    scoped(table_done) struct table table = {0};
    size_t i, k;
    json_t *one, *name;

    if (!json_array_size(differences))
        return;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach ((json_t *)differences, i, one) {
        scoped(buf_done) struct buf names = buf_of(1024);
        char seq[SCRATCH_BYTES];
        json_array_foreach (json_object_get(one, "members"), k, name)
            buf_printf(&names, "%s%s", k ? " " : "", json_string_value(name));
        struct str row[] = {json_text(one, "seq", seq), json_str(one, "case"),
            json_str(one, "action"), json_str(one, "was"), json_str(one, "now"), buf_str(&names)};
        table_add(&table, row, NULL);
    }
    table_print(&table, &client->screen);
}

static void print_report(const struct client *client, const json_t *report, bool fine)
{
    const struct screen *screen = &client->screen;
    json_int_t hidden = json_integer_value(json_object_get(report, "not_listed"));
    size_t i;
    json_t *one;

    print_differences(client, report);
    if (hidden)
        screen_print(screen, DIM, "and %lld more\n", (long long)hidden);
    json_array_foreach (json_object_get(report, "missing"), i, one) {
        char count[SCRATCH_BYTES];
        screen_print(screen, RED, "not replayed: %.*s of %.*s: %.*s\n",
            STR(json_text(one, "entries", count)), STR(json_str(one, "version")),
            STR(json_str(one, "words")));
    }
    screen_print(screen, fine ? GREEN : RED, "%.*s\n", STR(json_str(report, "words")));
}

enum client_exit client_ledger_replay(struct client *client)
{
    scoped(file_done) FILE *entries = NULL;
    scoped(json_done) json_t *report = NULL;
    struct err err = {0};

    if (!fetch_entries(client, &entries, &err) || !run_replay(client, entries, &report, &err))
        return client_fail(client, &err);
    bool fine = json_is_true(json_object_get(report, "ok"));
    if (client->options.json)
        client_print(client, report);
    else
        print_report(client, report, fine);
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}
