/* SPDX-License-Identifier: Apache-2.0
 *
 * backup — `logicctl backup key`, `list`, `make`: what nothing else can bring back, in one file.
 * Works on the files of a home, with the node running or not.
 */
#include "client/backup.h"

#include "backup/archive.h"
#include "base/scoped.h"
#include "client/backup_part.h"
#include "client/home.h"
#include "crypto/crypto.h"
#include "ledger/check.h"
#include "ledger/core.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC_FILE_BYTES_MAX 1024
#define WORK_DATABASE "database"

void backup_bytes_text(uint64_t bytes, char ret_text[BACKUP_NUMBER_BYTES])
{
    if (bytes < 10000)
        snprintf(ret_text, BACKUP_NUMBER_BYTES, "%" PRIu64 " B", bytes);
    else if (bytes < 1000000)
        snprintf(ret_text, BACKUP_NUMBER_BYTES, "%" PRIu64 " kB", bytes / 1000);
    else
        snprintf(ret_text, BACKUP_NUMBER_BYTES, "%" PRIu64 ".%" PRIu64 " MB", bytes / 1000000,
            bytes / 100000 % 10);
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    (void)seen, (void)kind, (void)place;
    (void)remove(path);
    return 0;
}

void backup_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *etc_folder(void)
{
    const char *asked = getenv("LOGIC_NODE_ETC");

    return asked && *asked ? asked : LOGIC_NODE_ETC;
}

/* --- key ------------------------------------------------------------------------------------- */

static bool write_key(struct client *client, const struct recovery_key *key, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};
    char folder[PATH_MAX], path[PATH_MAX], secret_path[PATH_MAX], line[80];
    char text[RECOVERY_PUBLIC_TEXT_BYTES];
    uint8_t secret[BACKUP_SECRET_BYTES];

    if (!home_path(&client->options, "keys", folder, err) ||
        !home_enter_folder(folder, &stay, err) || !file_make_folder(folder, 0700, err) ||
        !home_path(&client->options, RECOVERY_PUBLIC_FILE, path, err) ||
        !home_path(&client->options, BACKUP_SECRET_FILE, secret_path, err))
        return false;
    if (file_exists(path) && !client->options.yes)
        return err_code(err, ERR_INPUT, "key_exists", NULL,
            "there is a recovery key already (%s): backups to come would be closed to another; "
            "those that are there open with the old paper alone. If that is wanted, give --yes",
            path);
    if (!file_exists(secret_path)) {
        random_bytes(secret, sizeof secret);
        if (!file_replace(
                secret_path, (struct str){(const char *)secret, sizeof secret}, 0600, err))
            return false;
    }
    recovery_public_text(key->public_half, text);
    snprintf(line, sizeof line, "%s\n", text);
    return file_replace(path, str_from(line), 0644, err);
}

enum client_exit client_backup_key(struct client *client)
{
    struct recovery_key key;
    char text[RECOVERY_TEXT_BYTES], public_text[RECOVERY_PUBLIC_TEXT_BYTES], id[KEY_ID_BYTES];
    struct err err;

    recovery_key_make(&key);
    if (!write_key(client, &key, &err))
        return client_fail(client, &err);
    recovery_key_text(&key, text);
    recovery_public_text(key.public_half, public_text);
    key_id_of(key.public_half, id);
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack(
            "{s:s, s:s, s:s}", "recovery_key", text, "public_key", public_text, "key_id", id);
        client_print(client, document);
        return EXIT_DONE;
    }
    screen_print(&client->screen, PLAIN, "%s\n", text);
    struct screen hints = screen_of(stderr, client->options.no_color);
    screen_print(&hints, DIM,
        "The line above is recovery key %s. It is printed once and kept nowhere: write it on paper,"
        "\ntwice, and keep it away from this machine. Whoever has it and a backup has the house's "
        "keys.\nThen: logicctl backup make FILE\n",
        id);
    return EXIT_DONE;
}

/* --- list ------------------------------------------------------------------------------------ */

static bool items_of(struct client *client, struct backup_items *ret_items, struct err *err)
{
    char home[PATH_MAX];

    return home_path(&client->options, "", home, err) &&
           backup_items_of(home, etc_folder(), ret_items, err);
}

static bool is_of(const struct backup_item *item, const char *part)
{
    size_t len = strlen(part);

    return strncmp(item->path, part, len) == 0 && (item->path[len] == '/' || !item->path[len]);
}

/* One row for each part that is there. */
static json_t *parts_of(const struct backup_items *items)
{
    json_t *rows = json_array();
    const char *part, *why;

    for (size_t i = 0; (part = backup_kept(i)) || i == 0 || backup_kept(i - 1); i++) {
        json_int_t files = 0, bytes = 0;
        const char *name = part ? part : BACKUP_MACHINE;
        bool there = false;
        for (size_t j = 0; j < items->count; j++)
            if (is_of(&items->at[j], name)) {
                there = true;
                files += !items->at[j].is_folder;
                bytes += (json_int_t)items->at[j].bytes;
            }
        why = "configuration of this machine";
        if (part)
            (void)backup_fate_of(part, &why);
        if (there)
            json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:s}", "part", name, "files",
                                            files, "bytes", bytes, "what", why));
    }
    return rows;
}

static void print_left_out(const struct client *client, const json_t *left_out)
{
    struct screen hints = screen_of(stderr, client->options.no_color);
    size_t i;
    json_t *row;

    json_array_foreach (left_out, i, row)
        screen_print(&hints, YELLOW, "left out: %s (%s)\n", json_str(row, "path").at,
            json_str(row, "why").at);
}

enum client_exit client_backup_list(struct client *client)
{
    static const char *const TITLES[] = {"PART", "FILES", "BYTES", "WHAT"};
    scoped(backup_items_done) struct backup_items items = {0};
    scoped(table_done) struct table table = {0};
    char scratch[SCRATCH_BYTES], number[BACKUP_NUMBER_BYTES];
    struct err err;
    uint64_t sum = 0;
    size_t i;
    json_t *row;

    if (!items_of(client, &items, &err))
        return client_fail(client, &err);
    scoped(json_done) json_t *parts = parts_of(&items);
    json_array_foreach (parts, i, row)
        sum += (uint64_t)json_integer_value(json_object_get(row, "bytes"));
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:O, s:O, s:I}", "parts", parts,
            "left_out", items.left_out, "bytes", (json_int_t)sum);
        client_print(client, document);
        return EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (parts, i, row) {
        backup_bytes_text((uint64_t)json_integer_value(json_object_get(row, "bytes")), number);
        struct str cells[] = {json_str(row, "part"), json_text(row, "files", scratch),
            str_from(number), json_str(row, "what")};
        table_add(&table, cells, NULL);
    }
    table_print(&table, &client->screen);
    backup_bytes_text(sum, number);
    screen_print(&client->screen, BOLD, "%s before it is shrunk and closed\n", number);
    print_left_out(client, items.left_out);
    return EXIT_DONE;
}

/* --- make ------------------------------------------------------------------------------------ */

struct making {
    struct client *client;
    struct backup_items items;
    struct archive_writer *writer;
    struct ledger_report ledger;
    char work[PATH_MAX]; /* HOME/backup: copies lie here for a moment, never outside the home */
    int lock;
    uint8_t recovery[SEAL_KEY_BYTES], secret[BACKUP_SECRET_BYTES];
};

static void making_done(struct making *making)
{
    archive_drop(&making->writer);
    backup_items_done(&making->items);
    fd_done(&making->lock);
}

static bool read_keys(struct making *making, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(PUBLIC_FILE_BYTES_MAX);
    scoped(buf_done) struct buf secret = buf_of(PUBLIC_FILE_BYTES_MAX);
    char path[PATH_MAX], secret_path[PATH_MAX];

    if (!home_path(&making->client->options, RECOVERY_PUBLIC_FILE, path, err) ||
        !home_path(&making->client->options, BACKUP_SECRET_FILE, secret_path, err))
        return false;
    if (!file_exists(path) || !file_exists(secret_path))
        return err_code(err, ERR_INPUT, "no_recovery_key", NULL,
            "there is no recovery key that a backup could be closed to (%s): `logicctl backup key` "
            "makes one",
            path);
    if (!file_read(path, &text, err) || !file_read(secret_path, &secret, err) ||
        !recovery_public_parse(buf_str(&text), making->recovery, err))
        return err_wrap(err, "%s", path);
    if (secret.len != BACKUP_SECRET_BYTES)
        return err_set(err, ERR_INPUT,
            "'%s' is not of %d bytes: remove it and the file recovery.pub, then `logicctl backup "
            "key`",
            secret_path, BACKUP_SECRET_BYTES);
    memcpy(making->secret, secret.at, BACKUP_SECRET_BYTES);
    return true;
}

/* Of whoever owns the home: root's on an installed node, which root's copies lie in. */
static bool work_folder(struct making *making, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    return home_path(&making->client->options, BACKUP_WORK, making->work, err) &&
           home_enter_folder(making->work, &stay, err) && file_make_folder(making->work, 0700, err);
}

/* One at a time; what one that was killed left is gone. */
static bool take_work(struct making *making, struct err *err)
{
    char path[PATH_MAX];

    if (!work_folder(making, err))
        return false;
    if (snprintf(path, sizeof path, "%s/lock", making->work) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", making->work);
    making->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (making->lock < 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
    if (flock(making->lock, LOCK_EX | LOCK_NB) != 0)
        return err_code(err, ERR_LIMIT, "backup_busy", NULL,
            "another backup of this home is being made: wait for it");
    if (snprintf(path, sizeof path, "%s/" WORK_DATABASE, making->work) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", making->work);
    backup_remove_tree(path);
    memcpy(making->work, path, sizeof path);
    return true;
}

/* The ledger must hold before it is called a backup; its key is looked at beside it. */
static bool check_ledger(struct making *making, const char *from, struct err *err)
{
    char link_path[PATH_MAX], key_path[PATH_MAX];
    struct str folder = {from, strlen(from) - strlen(LEDGER_FILE)};

    if (snprintf(key_path, sizeof key_path, "%.*s" LEDGER_KEY_FILE, STR(folder)) >= PATH_MAX ||
        snprintf(link_path, sizeof link_path, "%s/" LEDGER_KEY_FILE, making->work) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", from);
    if (symlink(key_path, link_path) != 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", link_path, strerror(errno));
    bool good = ledger_check(making->work, S(""), &making->ledger, err);
    (void)unlink(link_path);
    if (!good)
        return err_wrap(err, "no backup is made");
    if (making->ledger.why[0])
        return err_code(err, ERR_SYSTEM, "ledger_broken", NULL,
            "no backup is made, the ledger does not hold: %s; the last backup that was good is "
            "worth more than one of this",
            making->ledger.why);
    return true;
}

static bool add_database(struct making *making, const struct backup_item *item, struct err *err)
{
    const char *base = strrchr(item->path, '/') + 1;
    char copy[PATH_MAX];
    bool is_ledger = strcmp(item->path, "ledger/" LEDGER_FILE) == 0;

    if (snprintf(copy, sizeof copy, "%s/%s", making->work, base) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", making->work);
    if (!file_make_folder(making->work, 0700, err) ||
        !snapshot_make(item->from, making->work, base, err) ||
        (is_ledger && !check_ledger(making, item->from, err)) ||
        !archive_add_file(making->writer, item->path, item->mode, item->is_nodes, copy, err))
        return false;
    backup_remove_tree(making->work);
    return true;
}

static bool add_items(struct making *making, struct err *err)
{
    for (size_t i = 0; i < making->items.count; i++) {
        const struct backup_item *item = &making->items.at[i];
        if (item->is_folder)
            archive_add_folder(making->writer, item->path, item->mode, item->is_nodes);
        else if (!file_exists(item->from))
            backup_left_out(&making->items, item->path, "it went away meanwhile");
        else if (item->is_database ? !add_database(making, item, err)
                                   : !archive_add_file(making->writer, item->path, item->mode,
                                         item->is_nodes, item->from, err))
            return false;
    }
    if (!making->ledger.public_key[0])
        return err_code(err, ERR_INPUT, "no_ledger", NULL,
            "there is no ledger in this home: is it a node's that has run?");
    return true;
}

static json_t *about_of(const struct making *making)
{
    const struct ledger_report *ledger = &making->ledger;
    char now[CLOCK_TEXT_BYTES];

    clock_text(clock_civil_ms(), now);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:O}", "made_at", now, "version",
        LOGIC_NODE_VERSION, "origin", ledger->origin, "public_key", ledger->public_key,
        "ledger_size", (json_int_t)ledger->size, "ledger_at", ledger->at, "left_out",
        making->items.left_out);
}

static void print_made(const struct making *making, const char *path, uint64_t bytes)
{
    const struct client *client = making->client;
    char number[BACKUP_NUMBER_BYTES];
    size_t files = 0;

    for (size_t i = 0; i < making->items.count; i++)
        files += !making->items.at[i].is_folder;
    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:I, s:I, s:I, s:s, s:O}", "file", path, "bytes", (json_int_t)bytes,
                "files", (json_int_t)files, "ledger_size", (json_int_t)making->ledger.size,
                "ledger_at", making->ledger.at, "left_out", making->items.left_out);
        client_print(client, document);
        return;
    }
    backup_bytes_text(bytes, number);
    screen_print(&client->screen, PLAIN,
        "%s: %zu files in %s; the ledger holds, %" PRIu64 " entries to %s\n", path, files, number,
        making->ledger.size, making->ledger.at);
    print_left_out(client, making->items.left_out);
    if (bytes > (uint64_t)BACKUP_TARGET_BYTES) {
        struct screen hints = screen_of(stderr, client->options.no_color);
        screen_print(&hints, YELLOW,
            "That is more than the %lld MB a backup should have: `logicctl backup list` says what "
            "is large.\n",
            BACKUP_TARGET_BYTES >> 20);
    }
}

enum client_exit client_backup_make(struct client *client)
{
    scoped(making_done) struct making making = {.client = client, .lock = -1};
    const char *path = client->options.args[0];
    uint64_t bytes;
    struct err err;

    if (!read_keys(&making, &err) || !take_work(&making, &err) ||
        !items_of(client, &making.items, &err) ||
        !archive_create(path, (struct str){(const char *)making.secret, BACKUP_SECRET_BYTES},
            &making.writer, &err))
        return client_fail(client, &err);
    bool good = add_items(&making, &err);
    backup_remove_tree(making.work);
    if (!good)
        return client_fail(client, &err);
    scoped(json_done) json_t *about = about_of(&making);
    if (!archive_finish(making.writer, making.recovery, about, &bytes, &err))
        return client_fail(client, &err);
    print_made(&making, path, bytes);
    return EXIT_DONE;
}
