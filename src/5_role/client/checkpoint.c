/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint — the node signs the head of its ledger, and the signed note is kept where backups
 * take it along: a ledger that was restored, or rewritten, can be held against it.
 */
#include "client/client.h"
#include "client/home.h"

#include "base/scoped.h"
#include "os/file.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_BYTES_MAX 4096
#define NOTES_KEPT 2000 /* the newest; more are removed, the oldest first */
#define NOTE_NAME "checkpoint-%012" JSON_INTEGER_FORMAT ".txt"
#define NOTE_NAME_DIGITS 12

/* "checkpoint-000000000042.txt": nothing else in the folder is ours. */
static int is_note(const struct dirent *entry)
{
    struct str rest = str_from(entry->d_name);

    if (!str_starts(rest, S("checkpoint-")) || !str_ends(rest, S(".txt")) ||
        rest.len != strlen("checkpoint-.txt") + NOTE_NAME_DIGITS)
        return 0;
    for (size_t i = 0; i < NOTE_NAME_DIGITS; i++)
        if (!isdigit((unsigned char)rest.at[strlen("checkpoint-") + i]))
            return 0;
    return 1;
}

/* The one just written stays in any case. */
static void prune(const char *folder, const char *written)
{
    struct dirent **found;
    int count = scandir(folder, &found, is_note, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX * 2];
        snprintf(path, sizeof path, "%s/%s", folder, found[i]->d_name);
        if (i < count - NOTES_KEPT && strcmp(path, written) != 0)
            (void)unlink(path);
        free(found[i]);
    }
    if (count >= 0)
        free(found);
}

/* A C2SP note begins with its origin and its size, each a line. */
static bool note_fits(const json_t *info, struct str note, struct err *err)
{
    char size[SCRATCH_BYTES];
    struct str rest, second, third;
    struct str origin = str_cut(note, '\n', &rest);

    second = str_cut(rest, '\n', &third);
    return (note.len && note.len <= NOTE_BYTES_MAX && str_eq(origin, json_str(info, "origin")) &&
               str_eq(second, json_text(info, "size", size)) && third.len) ||
           err_set(err, ERR_PEER, "what the node answered is no checkpoint of its ledger");
}

/* The same size has the same head for ever: another one means that the ledger was rewritten. */
static bool keep(const char *path, struct str note, struct err *err)
{
    scoped(buf_done) struct buf old = buf_of(NOTE_BYTES_MAX);

    if (!file_exists(path))
        return file_replace(path, note, 0644, err);
    if (!file_read(path, &old, err))
        return false;
    return str_eq(buf_str(&old), note) ||
           err_code(err, ERR_PEER, "ledger_forked", NULL,
               "the node signs another ledger than the one in '%s': keep that file, and compare "
               "(logicctl ledger verify; docs/runbooks)",
               path);
}

enum client_exit client_ledger_checkpoint(struct client *client)
{
    scoped(json_done) json_t *document = NULL;
    scoped(home_leave) struct home_stay stay = {0};
    char folder[PATH_MAX], path[PATH_MAX + 64];
    const char *out = client->options.out;
    enum client_exit code;
    struct err err;

    if (!client_fetch_quiet(client, "POST", "/api/v1/ledger/checkpoint", NULL, &document, &code))
        return code;
    const json_t *info = json_object_get(document, "info");
    struct str note = json_str(info, "checkpoint");
    if (!note_fits(info, note, &err))
        return client_fail(client, &err);
    if (out ? snprintf(folder, sizeof folder, "%s", out) < PATH_MAX &&
                  file_make_folder(folder, 0755, &err)
            : home_enter(&client->options, &stay, &err) &&
                  home_folder(&client->options, "checkpoints", folder, &err)) {
        json_int_t size = json_integer_value(json_object_get(info, "size"));
        snprintf(path, sizeof path, "%s/" NOTE_NAME, folder, size);
        if (keep(path, note, &err)) {
            prune(folder, path);
            json_object_set_new(json_object_get(document, "info"), "file", json_string(path));
            if (client->options.json)
                client_print(client, info);
            else
                screen_print(&client->screen, PLAIN, "%s\n", path);
            return EXIT_DONE;
        }
    }
    return client_fail(client, &err);
}
