/* SPDX-License-Identifier: Apache-2.0
 *
 * backup_status — `logicctl backup status`: what the last run of zfs_sync.sh or restic_sync.sh left
 * in STATE/status.json, and how old that is.
 */
#include "client/backup.h"

#include "backup/status.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"
#include "json/json_read.h"

#include <inttypes.h>
#include <string.h>

#define CONFIG_FILE LOGIC_NODE_ETC "/backup.conf"
#define OLD_MS (12 * 3600 * 1000ll) /* three runs of the timer */
#define AGING_MS (6 * 3600 * 1000ll)

/* STATE=… of the file; without a file what both scripts take. */
static bool state_folder(const struct client *client, char ret_path[PATH_MAX], struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_CONFIG_BYTES_MAX);
    const char *path = client->options.config ? client->options.config : CONFIG_FILE;

    if ((client->options.config || file_exists(path)) && !file_read(path, &text, err))
        return false;
    return backup_state_parse(buf_str(&text), ret_path, err) || err_wrap(err, "%s", path);
}

/* *ret_age_ms is of the last run that was good; -1: there was none. */
static bool read_status(
    const char *state, json_t **ret_status, int64_t *ret_age_ms, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_STATUS_BYTES_MAX);
    struct backup_status status;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/" BACKUP_STATUS_FILE, state) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", state);
    if (!file_exists(path))
        return err_code(err, ERR_SYSTEM, "no_backup", NULL,
            "there was no backup yet (no %s): is zfs-sync.timer or restic-sync.timer enabled?",
            path);
    if (!file_read(path, &text, err) || !backup_status_parse(buf_str(&text), &status, err) ||
        !json_read(buf_str(&text), BACKUP_STATUS_BYTES_MAX, ret_status, err))
        return err_wrap(err, "%s", path);
    *ret_age_ms = status.good_at_s ? clock_civil_ms() - status.good_at_s * 1000 : -1;
    return true;
}

static void print_status(const struct client *client, const json_t *status, int64_t age_ms)
{
    const struct screen *screen = &client->screen;
    bool good = json_is_true(json_object_get(status, "ok"));
    char age[64] = "never", number[BACKUP_NUMBER_BYTES];

    if (age_ms >= 0)
        snprintf(age, sizeof age, "%" PRId64 " h %" PRId64 " min ago", age_ms / 3600000,
            age_ms / 60000 % 60);
    screen_field(screen, "kind", PLAIN, json_str(status, "kind"));
    screen_field(screen, "last run", good ? GREEN : RED, good ? S("good") : S("failed"));
    screen_field(screen, "at", PLAIN, json_str(status, "at"));
    screen_field(screen, "good backup",
        age_ms < 0 || age_ms >= OLD_MS ? RED
        : age_ms >= AGING_MS           ? YELLOW
                                       : GREEN,
        str_from(age));
    screen_field(screen, "target", PLAIN, json_str(status, "target"));
    screen_field(screen, "snapshot", PLAIN, json_str(status, "snapshot"));
    backup_bytes_text(
        (uint64_t)json_integer_value(json_object_get(status, "target_bytes")), number);
    screen_field(screen, "footprint", PLAIN, str_from(number));
    screen_field(screen, "words", good ? PLAIN : RED, json_str(status, "words"));
}

enum client_exit client_backup_status(struct client *client)
{
    scoped(json_done) json_t *status = NULL;
    char state[PATH_MAX];
    int64_t age_ms = -1;
    struct err err;

    if (!state_folder(client, state, &err) || !read_status(state, &status, &age_ms, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        json_object_set_new(status, "age_s", json_integer(age_ms < 0 ? -1 : age_ms / 1000));
        client_print(client, status);
    } else {
        print_status(client, status, age_ms);
    }
    bool good = json_is_true(json_object_get(status, "ok")) && age_ms >= 0 && age_ms < OLD_MS;
    return good ? EXIT_DONE : EXIT_TROUBLE;
}
