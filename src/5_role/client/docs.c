/* SPDX-License-Identifier: Apache-2.0
 *
 * docs — documents given to the node and found again: files of text, or folders of them.
 */
#include "client/client.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (2u << 20) /* RETRIEVAL_DOCUMENT_BYTES_MAX */
#define DEPTH_MAX 32
#define WORDS_BYTES_MAX 1024
#define EXCERPT_BYTES 320

static const char *const TAILS[] = {
    ".md", ".txt", ".rst", ".adoc", ".yml", ".yaml", ".conf", ".ini"};

struct adding {
    struct client *client;
    size_t files, chunks, unchanged, skipped;
    enum client_exit exit;
};

static bool is_text(const char *name)
{
    for (size_t i = 0; i < COUNT(TAILS); i++)
        if (str_ends(str_from(name), str_from(TAILS[i])))
            return true;
    return false;
}

/* False: stop; adding->exit says why. */
static bool add_file(struct adding *adding, const char *path)
{
    struct client *client = adding->client;
    scoped(buf_done) struct buf text = buf_of(FILE_BYTES_MAX);
    scoped(json_done) json_t *answer = NULL;
    char real[PATH_MAX];
    struct err err;

    if (!realpath(path, real)) {
        err_set(&err, ERR_INPUT, "'%.400s': %s", path, strerror(errno));
        adding->exit = client_fail(client, &err);
        return false;
    }
    if (!file_read(real, &text, &err)) {
        adding->exit = client_fail(client, &err);
        return false;
    }
    if (str_trim(buf_str(&text)).len == 0 || !str_is_utf8(buf_str(&text))) {
        fprintf(stderr, "logicctl: '%s' is empty or not UTF-8 text: left out\n", real);
        adding->skipped++;
        return true;
    }
    scoped(json_done) json_t *body =
        json_pack("{s:s, s:s%}", "source", real, "text", text.at, text.len);
    if (!body) {
        err_set(&err, ERR_INPUT, "'%.400s' holds what is no text", real);
        adding->exit = client_fail(client, &err);
        return false;
    }
    if (!client_fetch_quiet(client, "POST", "/api/v1/docs", body, &answer, &adding->exit))
        return false;
    adding->files++;
    adding->chunks += (size_t)json_integer_value(json_object_get(answer, "chunks"));
    adding->unchanged += json_is_true(json_object_get(answer, "unchanged"));
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%zu files, %zu pieces", adding->files, adding->chunks);
    return true;
}

static bool add_path(struct adding *adding, const char *path, int depth);

static void folder_done(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Files of text below; links are not followed, hidden ones are left out. */
static bool add_folder(struct adding *adding, const char *path, int depth)
{
    scoped(folder_done) DIR *folder = opendir(path);
    struct err err;

    if (!folder || depth > DEPTH_MAX) {
        err_set(&err, ERR_INPUT, "cannot read the folder '%.400s': %s", path,
            folder ? "too deep" : strerror(errno));
        adding->exit = client_fail(adding->client, &err);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char below[PATH_MAX];
        if (entry->d_name[0] == '.' || entry->d_type == DT_LNK ||
            (entry->d_type == DT_REG && !is_text(entry->d_name)))
            continue;
        if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= (int)sizeof below)
            continue;
        if (!add_path(adding, below, depth + 1))
            return false;
    }
    return true;
}

static bool add_path(struct adding *adding, const char *path, int depth)
{
    struct stat seen;

    return stat(path, &seen) == 0 && S_ISDIR(seen.st_mode) ? add_folder(adding, path, depth)
                                                           : add_file(adding, path);
}

enum client_exit client_docs_add(struct client *client)
{
    struct adding adding = {.client = client, .exit = EXIT_DONE};

    for (size_t i = 0; i < client->options.args_count; i++)
        if (!add_path(&adding, client->options.args[i], 0))
            return adding.exit;
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (client->options.json) {
        scoped(json_done) json_t *sum = json_pack("{s:I, s:I, s:I, s:I}", "files",
            (json_int_t)adding.files, "chunks", (json_int_t)adding.chunks, "unchanged",
            (json_int_t)adding.unchanged, "skipped", (json_int_t)adding.skipped);
        client_print(client, sum);
        return EXIT_DONE;
    }
    screen_print(&client->screen, PLAIN, "%zu files in %zu pieces (%zu were there unchanged).\n",
        adding.files, adding.chunks, adding.unchanged);
    return EXIT_DONE;
}

enum client_exit client_docs_list(struct client *client)
{
    static const char *const TITLES[] = {"ID", "PIECES", "TITLE", "SOURCE"};
    scoped(json_done) json_t *page = NULL;
    scoped(table_done) struct table table = {0};
    enum client_exit exit;
    size_t i;
    json_t *row;

    if (!client_fetch(client, "GET", "/api/v1/docs", NULL, &page, &exit))
        return exit;
    if (client->options.json)
        return EXIT_DONE;
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(page, "documents"), i, row) {
        char id[SCRATCH_BYTES], pieces[SCRATCH_BYTES];
        struct str cells[] = {json_text(row, "id", id), json_text(row, "chunks", pieces),
            json_str(row, "title"), json_str(row, "source")};
        table_add(&table, cells, NULL);
    }
    if (table.rows == 0) {
        screen_line(&client->screen, PLAIN,
            S("No documents yet; `logicctl docs add PATH` gives the node some."));
        return EXIT_DONE;
    }
    table_print(&table, &client->screen);
    return EXIT_DONE;
}

static void view_hit(const struct screen *screen, size_t number, const json_t *hit)
{
    struct str section = json_str(hit, "section"), text = json_str(hit, "text");

    screen_print(screen, BOLD, "%zu. %.*s", number, STR(json_str(hit, "title")));
    if (section.len && !str_eq(section, json_str(hit, "title")))
        screen_print(screen, PLAIN, " — %.*s", STR(section));
    screen_print(screen, DIM, "\n   %.*s  sha256 %.12s\n", STR(json_str(hit, "source")),
        json_str(hit, "sha256").at);
    struct str cut =
        text.len > EXCERPT_BYTES ? str_utf8_prefix((struct str){text.at, EXCERPT_BYTES}) : text;
    screen_paragraph(screen, 3, cut);
    fputc('\n', screen->out);
}

/* All words are one question. */
static bool question(const struct client *client, struct buf *ret_path, struct err *err)
{
    scoped(buf_done) struct buf words = buf_of(WORDS_BYTES_MAX);

    for (size_t i = 0; i < client->options.args_count; i++)
        buf_printf(&words, "%s%s", i ? " " : "", client->options.args[i]);
    char *escaped = curl_easy_escape(NULL, words.at, (int)words.len);
    buf_printf(ret_path, "/api/v1/docs/search?q=%s", escaped ? escaped : "");
    curl_free(escaped);
    if (client->options.limit)
        buf_printf(ret_path, "&limit=%.8s", client->options.limit);
    return (!words.overflowed && !ret_path->overflowed) ||
           err_set(err, ERR_INPUT, "the question is longer than %d bytes", WORDS_BYTES_MAX);
}

enum client_exit client_docs_search(struct client *client)
{
    scoped(buf_done) struct buf path = buf_of(4 * WORDS_BYTES_MAX);
    scoped(json_done) json_t *page = NULL;
    enum client_exit exit;
    struct err err;
    size_t i;
    json_t *hit;

    if (!question(client, &path, &err))
        return client_fail(client, &err);
    if (!client_fetch(client, "GET", buf_text(&path), NULL, &page, &exit))
        return exit;
    if (client->options.json)
        return EXIT_DONE;
    json_array_foreach (json_object_get(page, "hits"), i, hit)
        view_hit(&client->screen, i + 1, hit);
    if (json_array_size(json_object_get(page, "hits")) == 0)
        screen_line(&client->screen, PLAIN, S("Nothing in the documents has these words."));
    else
        screen_print(&client->screen, DIM,
            "Found by %.*s. This is text of others, not the node's.\n", STR(json_str(page, "by")));
    return EXIT_DONE;
}

enum client_exit client_docs_remove(struct client *client)
{
    scoped(json_done) json_t *answer = NULL;
    char path[64];
    enum client_exit exit;
    struct err err;
    uint64_t id;

    if (!str_to_u64(str_from(client->options.args[0]), INT64_MAX, &id)) {
        err_set(&err, ERR_INPUT,
            "'%.60s' is no number of a document; `logicctl docs list` shows them",
            client->options.args[0]);
        return client_fail(client, &err);
    }
    snprintf(path, sizeof path, "/api/v1/docs/%llu", (unsigned long long)id);
    if (!client_fetch(client, "DELETE", path, NULL, &answer, &exit))
        return exit;
    if (client->options.json)
        return EXIT_DONE;
    screen_print(&client->screen, PLAIN, "Document %llu is gone.\n", (unsigned long long)id);
    return EXIT_DONE;
}
