/* SPDX-License-Identifier: Apache-2.0
 *
 * restore — a blank machine becomes the node again. Everything is checked before anything is
 * written, unpacked beside the home, the ledger verified there, and only then put in place.
 */
#include "client/backup.h"

#include "backup/archive.h"
#include "base/scoped.h"
#include "client/backup_part.h"
#include "client/restore_place.h"
#include "crypto/crypto.h"
#include "ledger/check.h"
#include "ledger/checkpoint.h"
#include "os/clock.h"
#include "os/file.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY_BYTES_MAX 4096

static bool read_identity(
    const struct client *client, struct recovery_key *ret_key, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(IDENTITY_BYTES_MAX);
    const char *from = client->options.identity;

    if (!from)
        return err_set(err, ERR_INPUT,
            "give the recovery key that is on paper: --identity FILE, or --identity - and type it");
    bool typed = strcmp(from, "-") == 0;
    if (typed && isatty(STDIN_FILENO)) {
        char line[IDENTITY_BYTES_MAX];
        fputs("recovery key: ", stderr);
        if (fgets(line, sizeof line, stdin))
            buf_add(&text, str_from(line));
        OPENSSL_cleanse(line, sizeof line);
    } else if (!file_read(typed ? "/dev/stdin" : from, &text, err)) {
        return false;
    }
    bool good = recovery_key_parse(buf_str(&text), ret_key, err);
    OPENSSL_cleanse(text.at, text.len);
    return good;
}

/* Only parts that a backup of ours can have: nothing of it lands in run/ or bin/. */
static bool check_parts(const json_t *manifest, struct err *err)
{
    const char *why;
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(manifest, "folders"), i, row) {
        struct str rest, part = str_cut(json_str(row, "path"), '/', &rest);
        char name[BACKUP_STEP_BYTES_MAX + 1];
        snprintf(name, sizeof name, "%.*s", STR(part));
        if (strcmp(name, BACKUP_MACHINE) != 0 && backup_fate_of(name, &why) != BACKUP_KEPT)
            return err_code(err, ERR_INPUT, "backup_malformed", NULL,
                "the backup is not believed: it holds '%s', which is no part of a backup; a later "
                "version may have made it",
                name);
    }
    return true;
}

/* The checkpoint that was kept elsewhere: of --checkpoint, else FILE.checkpoint if it is there. */
static bool read_checkpoint(const struct client *client, struct buf *text, struct err *err)
{
    const char *asked = client->options.checkpoint;
    char path[PATH_MAX];

    if (!asked) {
        if (snprintf(path, sizeof path, "%s.checkpoint", client->options.args[0]) >= PATH_MAX ||
            !file_exists(path))
            return true;
        asked = path;
    }
    return file_read(asked, text, err);
}

static bool check_ledger(const struct client *client, const char *stage, struct str beside,
    struct ledger_report *ret_report, struct err *err)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof folder, "%s/ledger", stage) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", stage);
    if (!ledger_check(folder, beside, ret_report, err))
        return err_wrap(err, "nothing was restored");
    if (ret_report->why[0])
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "nothing was restored, the backup's ledger does not hold: %s; take an earlier backup",
            ret_report->why);
    if (ret_report->beside > ret_report->size && !client->options.older)
        return err_code(err, ERR_DENIED, "backup_older", NULL,
            "nothing was restored: the checkpoint says that the ledger had %" PRIu64
            " entries, this backup ends at %" PRIu64 " (%s): what happened after that is in none "
            "of it. Look for a newer backup; if there is none, give --older",
            ret_report->beside, ret_report->size, ret_report->at);
    return true;
}

struct restored {
    const json_t *manifest;
    struct ledger_report ledger;
    json_t *missing; /* {"weights": […], "packages": […]} */
    char home[PATH_MAX];
    int64_t ms;
};

static void print_missing(const struct screen *screen, const json_t *missing)
{
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(missing, "weights"), i, row)
        screen_print(screen, YELLOW, "missing: weights %s, sha256 %s\n", json_str(row, "file").at,
            json_str(row, "sha256").at);
    json_array_foreach (json_object_get(missing, "packages"), i, row)
        screen_print(screen, YELLOW, "missing: %s, of the package %s\n",
            json_str(row, "program").at, json_str(row, "package").at);
}

static void print_restored(const struct client *client, const struct restored *r)
{
    const struct screen *screen = &client->screen;
    const json_t *about = json_object_get(r->manifest, "about");
    size_t files = json_array_size(json_object_get(r->manifest, "files")), i;
    char number[BACKUP_NUMBER_BYTES];
    json_t *row;

    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:O, s:I, s:I, s:I, s:I, s:I, s:O}", "home", r->home, "about", about,
                "files", (json_int_t)files, "bytes", (json_int_t)manifest_bytes(r->manifest),
                "ledger_size", (json_int_t)r->ledger.size, "checkpoint_size",
                (json_int_t)r->ledger.beside, "ms", (json_int_t)r->ms, "missing", r->missing);
        client_print(client, document);
        return;
    }
    backup_bytes_text(manifest_bytes(r->manifest), number);
    screen_print(screen, PLAIN, "%s: %zu files, %s, of a backup made at %s (version %s)\n", r->home,
        files, number, json_str(about, "made_at").at, json_str(about, "version").at);
    screen_print(screen, PLAIN,
        "ledger %s: %" PRIu64 " entries to %s hold, signed by %s over %" PRIu64 "\n",
        r->ledger.origin, r->ledger.size, r->ledger.at, r->ledger.public_key, r->ledger.pinned);
    if (r->ledger.beside > r->ledger.size)
        screen_print(screen, YELLOW, "missing: entries %" PRIu64 " to %" PRIu64 " of the ledger\n",
            r->ledger.size + 1, r->ledger.beside);
    json_array_foreach (json_object_get(about, "left_out"), i, row)
        screen_print(screen, YELLOW, "missing: %s was not in the backup (%s)\n",
            json_str(row, "path").at, json_str(row, "why").at);
    print_missing(screen, r->missing);
    if (restore_place_has(r->home, BACKUP_MACHINE))
        screen_print(screen, PLAIN,
            "The lost machine's configuration lies in %s/" BACKUP_MACHINE
            ": compare it with " LOGIC_NODE_ETC "\n",
            r->home);
    screen_print(screen, BOLD, "Next: %s\n",
        strcmp(r->home, RESTORE_HOME) == 0 ? "systemctl enable --now logic-orchestrator"
                                           : "logicd serve --home that folder");
}

/* Everything that can be known without writing. */
static bool open_backup(
    const struct client *client, struct archive **ret_archive, struct buf *beside, struct err *err)
{
    scoped(archive_close) struct archive *archive = NULL;
    struct recovery_key key;

    if (!read_identity(client, &key, err) || !read_checkpoint(client, beside, err))
        return false;
    bool good = archive_open(client->options.args[0], &key, &archive, err);
    OPENSSL_cleanse(&key, sizeof key);
    if (!good || !check_parts(archive_manifest(archive), err) || !archive_check(archive, err))
        return false;
    *ret_archive = archive;
    archive = NULL;
    return true;
}

enum client_exit client_restore(struct client *client)
{
    scoped(archive_close) struct archive *archive = NULL;
    scoped(buf_done) struct buf beside = buf_of(CHECKPOINT_BYTES_MAX);
    scoped(restore_place_done) struct restore_place place = {0};
    scoped(json_done) json_t *missing = NULL;
    struct restored restored = {.ms = clock_steady_ms()};
    struct err err;

    if (!restore_home(&client->options, restored.home, &err) ||
        !restore_home_is_blank(restored.home, &err) ||
        !open_backup(client, &archive, &beside, &err) ||
        !restore_place_open(
            restored.home, manifest_bytes(archive_manifest(archive)), &place, &err) ||
        !archive_unpack(archive, place.stage, place.uid, place.gid, &err) ||
        !check_ledger(client, place.stage, buf_str(&beside), &restored.ledger, &err) ||
        !restore_place_install(&place, &err))
        return client_fail(client, &err);
    missing = restore_missing(restored.home);
    restored.manifest = archive_manifest(archive);
    restored.missing = missing;
    restored.ms = clock_steady_ms() - restored.ms;
    print_restored(client, &restored);
    return EXIT_DONE;
}
