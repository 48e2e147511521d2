/* SPDX-License-Identifier: Apache-2.0
 *
 * audit — the ledger: list, verify, export.
 */
#include "client/case_view.h"
#include "client/client.h"

#include "base/scoped.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEDGER_LIMIT_MAX 500

static bool number_option(
    const char *name, const char *text, uint64_t max, uint64_t *number, struct err *err)
{
    if (text && !str_to_u64(str_from(text), max, number))
        return err_set(
            err, ERR_INPUT, "--%s '%.40s' must be a number up to %" PRIu64, name, text, max);
    return true;
}

static bool ledger_path(
    struct client *client, const char *kind, char ret_path[API_PATH_BYTES_MAX], struct err *err)
{
    uint64_t after = 0, limit = 100;

    if (!number_option("after", client->options.after, INT64_MAX, &after, err) ||
        !number_option("limit", client->options.limit, LEDGER_LIMIT_MAX, &limit, err))
        return false;
    snprintf(ret_path, API_PATH_BYTES_MAX, "/api/v1/ledger%s?after=%" PRIu64 "&limit=%" PRIu64,
        kind, after, limit);
    return true;
}

enum client_exit client_ledger_list(struct client *client)
{
    static const char *const TITLES[] = {"SEQ", "AT (UTC)", "STEP", "ACTOR", "CASE"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;
    struct err err;
    size_t i;
    json_t *entry;

    if (!ledger_path(client, "", path, &err))
        return client_fail(client, &err);
    if (!client_fetch(client, "GET", path, NULL, &document, &code) || client->options.json)
        return document ? EXIT_DONE : code;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach(json_object_get(document, "entries"), i, entry)
    {
        char seq[SCRATCH_BYTES], at[CASE_TIME_BYTES];
        struct str row[] = {json_text(entry, "seq", seq), case_view_time(json_str(entry, "at"), at),
            json_str(entry, "kind"), json_str(entry, "actor"), json_str(entry, "case")};
        table_add(&table, row, NULL);
    }
    table_print(&table, &client->screen);
    if (json_is_true(json_object_get(document, "more")))
        screen_print(
            &client->screen, DIM, "there is more: --after SEQ goes on behind the last line\n");
    return EXIT_DONE;
}

/* The node verifies in steps; a step that is not the last says how far it came and gives no
 * verdict. */
static bool verify_to_the_end(struct client *client, json_t **ret_last, enum client_exit *ret_exit)
{
    json_int_t after = 0;

    for (;;) {
        scoped(json_done) json_t *step = NULL;
        char path[API_PATH_BYTES_MAX];
        snprintf(path, sizeof path, "/api/v1/ledger/verify?after=%" JSON_INTEGER_FORMAT, after);
        if (!client_fetch_quiet(
                client, "GET", after ? path : "/api/v1/ledger/verify", NULL, &step, ret_exit))
            return false;
        const json_t *info = json_object_get(step, "info");
        json_int_t checked = json_integer_value(json_object_get(info, "checked"));
        if (json_is_true(json_object_get(step, "more")) && checked > after) {
            after = checked;
            continue;
        }
        *ret_last = json_incref(json_is_object(info) ? json_object_get(step, "info") : step);
        return true;
    }
}

enum client_exit client_ledger_verify(struct client *client)
{
    scoped(json_done) json_t *last = NULL;
    enum client_exit code;
    const char *name;
    json_t *value;

    if (!verify_to_the_end(client, &last, &code))
        return code;
    bool fine = json_is_true(json_object_get(last, "ok"));
    if (client->options.json) {
        client_print(client, last);
        return fine ? EXIT_DONE : EXIT_TROUBLE;
    }
    screen_print(&client->screen, fine ? GREEN : RED,
        fine ? "the ledger is whole: every entry carries the hash of the one before\n"
             : "the ledger is NOT whole\n");
    json_object_foreach(last, name, value)
    {
        char scratch[SCRATCH_BYTES];
        if (strcmp(name, "ok") != 0)
            screen_field(&client->screen, name, fine ? PLAIN : RED, json_text(last, name, scratch));
    }
    return fine ? EXIT_DONE : EXIT_TROUBLE;
}

static bool write_bytes(void *context, struct str bytes)
{
    return fwrite(bytes.at, 1, bytes.len, context) == bytes.len;
}

/* The bytes as they come, so that the hashes can be computed over them by somebody else. */
enum client_exit client_ledger_export(struct client *client)
{
    const char *path = client->options.out;
    FILE *out = client->screen.out;
    char request[API_PATH_BYTES_MAX];
    uint64_t after = 0;
    struct err err;
    bool fine;

    if (!number_option("after", client->options.after, INT64_MAX, &after, &err) ||
        !api_open(&client->api, &client->options, &err))
        return client_fail(client, &err);
    if (path && !(out = fopen(path, "wxe"))) {
        err_set(&err, ERR_SYSTEM, "cannot write '%.200s': %s%s", path, strerror(errno),
            errno == EEXIST ? " (an export is never written over another file)" : "");
        return client_fail(client, &err);
    }
    snprintf(request, sizeof request, "/api/v1/ledger/export?after=%" PRIu64, after);
    fine = api_follow(&client->api, request, "", write_bytes, out, &err);
    bool written = !ferror(out) && fflush(out) == 0;
    if (out != client->screen.out && fclose(out) != 0)
        written = false;
    if (fine && !written)
        fine = err_set(
            &err, ERR_SYSTEM, "cannot write '%.200s': %s", path ? path : "stdout", strerror(errno));
    return fine ? EXIT_DONE : client_fail(client, &err);
}
