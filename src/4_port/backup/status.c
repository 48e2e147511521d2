/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/status.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "json/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_BYTES 4096
#define SECONDS_MAX 4102444800 /* the year 2100 */

/* --- pure ---------------------------------------------------------------------------------------
 */

bool backup_status_parse(struct str text, struct backup_status *ret_status, struct err *err)
{
    scoped(json_done) json_t *status = NULL;
    int64_t at_ms;

    if (!json_read(text, BACKUP_STATUS_BYTES_MAX, &status, err))
        return false;
    const json_t *ok = json_object_get(status, "ok");
    const json_t *good_at = json_object_get(status, "good_at");
    const json_t *at = json_object_get(status, "at");
    if (!json_is_boolean(ok))
        return err_code(err, ERR_INPUT, "bad_status", "ok",
            "it does not say whether the last run was good ('ok')");
    *ret_status = (struct backup_status){.ok = json_is_true(ok)};
    if (json_is_integer(good_at))
        ret_status->good_at_s = json_integer_value(good_at);
    else if (json_is_true(ok) && json_is_string(at) &&
             clock_from_text(json_string_value(at), &at_ms))
        ret_status->good_at_s = at_ms / 1000;
    else if (json_is_true(ok))
        return err_code(err, ERR_INPUT, "bad_status", "good_at",
            "it calls the last run good and does not say when that was ('good_at')");
    if (ret_status->good_at_s < 0 || ret_status->good_at_s > SECONDS_MAX ||
        (ret_status->ok && ret_status->good_at_s == 0))
        return err_code(err, ERR_INPUT, "bad_status", "good_at",
            "the time of its last good run ('good_at') cannot be one");
    return true;
}

bool backup_state_parse(struct str text, char ret_folder[PATH_MAX], struct err *err)
{
    struct str state = S(BACKUP_STATE_STANDARD);

    for (struct str rest = text; rest.len;) {
        struct str line = str_cut(rest, '\n', &rest), value, name = str_cut(line, '=', &value);
        if (str_eq(name, S("STATE")))
            state = value;
    }
    if (!str_starts(state, S("/")) || state.len >= PATH_MAX - sizeof BACKUP_STATUS_FILE - 1 ||
        memchr(state.at, '\0', state.len))
        return err_code(
            err, ERR_INPUT, "bad_value", "STATE", "its STATE is no absolute path: correct it");
    snprintf(ret_folder, PATH_MAX, "%.*s", STR(state));
    return true;
}

/* --- files --------------------------------------------------------------------------------------
 */

/* A plain file of a bounded length. errors  the code is "absent" if there is none */
static bool read_plain(
    const char *path, bool follow, struct buf *out, int64_t *ret_written_s, struct err *err)
{
    scoped(fd_done) int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
    struct stat seen;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_code(err, ERR_SYSTEM, "absent", NULL, "there is none");
    if (fd < 0 || fstat(fd, &seen) != 0)
        return err_set(err, ERR_SYSTEM, "it cannot be opened: %s",
            errno == ELOOP ? "it is a link" : strerror(errno));
    if (!S_ISREG(seen.st_mode))
        return err_set(err, ERR_INPUT, "it is no plain file");
    *ret_written_s = seen.st_mtim.tv_sec;
    for (;;) {
        char step[STEP_BYTES];
        ssize_t got = read(fd, step, sizeof step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "it cannot be read: %s", strerror(errno));
        if (got == 0)
            return true;
        buf_add(out, (struct str){step, (size_t)got});
        if (out->overflowed)
            return err_set(err, ERR_LIMIT, "it is longer than %zu bytes", out->bytes_max);
    }
}

void backup_watch_open(const char *config, struct backup_watch *ret_watch)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_CONFIG_BYTES_MAX);
    struct err err = {0};

    *ret_watch = (struct backup_watch){.is_set_up = true};
    if (!config || !*config) {
        ret_watch->is_set_up = false;
        snprintf(ret_watch->words, sizeof ret_watch->words,
            "nobody said where it is set up: logicd serve --backup FILE");
    } else if (!read_plain(config, true, &text, &ret_watch->since_s, &err)) {
        ret_watch->is_set_up = strcmp(err.code, "absent") != 0;
        snprintf(ret_watch->words, sizeof ret_watch->words,
            ret_watch->is_set_up ? "backup.conf: %.90s"
                                 : "no backup is set up: there is no backup.conf",
            err.message);
    } else if (!backup_state_parse(buf_str(&text), ret_watch->folder, &err)) {
        snprintf(ret_watch->words, sizeof ret_watch->words, "backup.conf: %.90s", err.message);
    }
}

static void unknown(struct backup_look *look, const char *of, const char *words)
{
    *look = (struct backup_look){.known = BACKUP_UNKNOWN};
    snprintf(look->words, sizeof look->words, "%s%.90s", of, words);
}

void backup_look(const struct backup_watch *watch, int64_t now_s, struct backup_look *ret_look)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_STATUS_BYTES_MAX);
    struct backup_status status = {0};
    char path[PATH_MAX];
    int64_t written_s;
    struct err err = {0};

    *ret_look = (struct backup_look){.known = BACKUP_NOT_SET_UP};
    if (!watch->is_set_up) {
        snprintf(ret_look->words, sizeof ret_look->words, "%s", watch->words);
        return;
    }
    if (!watch->folder[0] ||
        snprintf(path, sizeof path, "%s/" BACKUP_STATUS_FILE, watch->folder) >= PATH_MAX) {
        unknown(ret_look, "", watch->words);
        return;
    }
    if (!read_plain(path, false, &text, &written_s, &err)
            ? strcmp(err.code, "absent") != 0
            : !backup_status_parse(buf_str(&text), &status, &err)) {
        unknown(ret_look, BACKUP_STATUS_FILE ": ", err.message);
        return;
    }
    int64_t from_s = status.good_at_s ? status.good_at_s : watch->since_s;
    if (from_s > now_s + BACKUP_AHEAD_S_MAX) {
        unknown(ret_look, status.good_at_s ? BACKUP_STATUS_FILE ": " : "backup.conf: ",
            "its time lies ahead of this clock");
        return;
    }
    *ret_look =
        (struct backup_look){.known = BACKUP_KNOWN, .age_s = from_s < now_s ? now_s - from_s : 0};
}
