/* SPDX-License-Identifier: Apache-2.0 */
#include "client/site_change.h"

#include "client/home.h"
#include "client/site_keys.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"
#include "json/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_MODE 0644 /* public halves; the node's user reads them, whose-ever they are */

struct change {
    struct client *client;
    char path[PATH_MAX]; /* of the file itself, behind links */
    int lock;
    mode_t mode;
    bool was_there;
    struct buf before, after;
};

static void change_done(struct change *change)
{
    fd_done(&change->lock);
    buf_done(&change->before);
    buf_done(&change->after);
}

static bool call(
    struct client *client, const char *method, const char *path, json_t **ret, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(API_REPLY_BYTES_MAX);

    return (client->api.curl || api_open(&client->api, &client->options, err)) &&
           api_call(&client->api, method, path, NULL, &text, err) &&
           json_read(buf_str(&text), API_REPLY_BYTES_MAX, ret, err);
}

bool site_change_people(struct client *client, json_t **ret_people, struct err *err)
{
    return call(client, "GET", "/api/v1/people", ret_people, err);
}

static bool open_lock(struct client *client, const char *path, int *ret_lock, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    if (!home_enter(&client->options, &stay, err))
        return false;
    *ret_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return (*ret_lock >= 0 && flock(*ret_lock, LOCK_EX) == 0) ||
           err_set(err, ERR_SYSTEM, "cannot lock '%s': %m", path);
}

static bool open_change(struct client *client, struct change *change, struct err *err)
{
    char folder[PATH_MAX], path[PATH_MAX], lock[PATH_MAX];
    struct stat seen;

    *change = (struct change){.client = client,
        .lock = -1,
        .mode = KEYS_MODE,
        .before = buf_of(SITE_KEYS_BYTES_MAX),
        .after = buf_of(SITE_KEYS_BYTES_MAX)};
    if (!home_folder(&client->options, "enrol", folder, err) ||
        !home_path(&client->options, "enrol/site.lock", lock, err) ||
        !home_path(&client->options, "site/keys.pl", path, err) ||
        !open_lock(client, lock, &change->lock, err))
        return false;
    change->was_there = stat(path, &seen) == 0;
    if (!change->was_there) {
        snprintf(change->path, sizeof change->path, "%s", path);
        buf_add(&change->before, S(SITE_KEYS_HEAD));
        return true;
    }
    change->mode = seen.st_mode & 0777;
    if (!realpath(path, change->path))
        return err_set(err, ERR_SYSTEM, "'%s': %m", path);
    return file_read(change->path, &change->before, err);
}

/* As whoever owns the site's folder: on an installed node that is root, and the node only reads. */
static bool site_enter(const struct change *change, struct home_stay *ret_stay, struct err *err)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s", change->path);
    return home_enter_folder(dirname(folder), ret_stay, err);
}

static bool write_text(const struct change *change, const struct buf *text, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    return site_enter(change, &stay, err) &&
           file_replace(change->path, buf_str(text), change->mode, err);
}

static bool take_away(const struct change *change, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    return site_enter(change, &stay, err) && unlink(change->path) == 0;
}

static bool reload(struct client *client, struct err *err)
{
    scoped(json_done) json_t *answer = NULL;

    if (!call(client, "POST", "/api/v1/kb/reload", &answer, err))
        return false;
    return str_eq(json_str(answer, "status"), S("success")) ||
           err_code(err, ERR_DENIED, "rules_refused", NULL, "the node refuses the rules: %.*s",
               STR(json_str(answer, "text")));
}

/* Whatever the reason is: the file as it was, and the node with it. */
static bool undo(const struct change *change, struct err *err)
{
    struct err inner = {0};
    bool back =
        change->was_there ? write_text(change, &change->before, &inner) : take_away(change, &inner);

    if (!back)
        return err_wrap(err, "site/keys.pl could not be put back; look at it");
    (void)reload(change->client, &inner); /* it may have the new one already */
    return err_wrap(err, "nothing was changed");
}

static bool holds(struct client *client, bool (*in_force)(const json_t *, struct str),
    struct str what, bool wanted, struct err *err)
{
    scoped(json_done) json_t *people = NULL;

    if (!in_force)
        return true;
    if (!site_change_people(client, &people, err))
        return false;
    return in_force(people, what) == wanted ||
           err_code(err, ERR_DENIED, "not_in_force", NULL,
               "the node took the rules, and %s: is a comment open in site/keys.pl, or does "
               "another "
               "file say the same?",
               wanted ? "does not have the fact" : "has the fact on");
}

/* Write, load, look; no signal in between. */
static bool carry_out(const struct change *change, bool (*in_force)(const json_t *, struct str),
    struct str what, bool wanted, struct err *err)
{
    struct sigaction old, ignore = {.sa_handler = SIG_IGN};

    if (change->after.overflowed)
        return err_set(
            err, ERR_LIMIT, "site/keys.pl would be longer than %u bytes", SITE_KEYS_BYTES_MAX);
    sigaction(SIGINT, &ignore, &old);
    bool good =
        write_text(change, &change->after, err) &&
        ((reload(change->client, err) && holds(change->client, in_force, what, wanted, err)) ||
            undo(change, err));
    sigaction(SIGINT, &old, NULL);
    return good;
}

/* --- what is looked for ---------------------------------------------------------------------- */

static bool origin_in_force(const json_t *people, struct str fact)
{
    scoped(buf_done) struct buf line = buf_of(SITE_KEYS_BYTES_MAX);
    const json_t *origin;
    size_t i;

    json_array_foreach (json_object_get(people, "origins"), i, origin) {
        buf_clear(&line);
        site_keys_origin(str_from(json_string_value(origin)), &line);
        if (str_eq(buf_str(&line), fact))
            return true;
    }
    return false;
}

static bool passkey_in_force(const json_t *people, struct str key_id)
{
    const json_t *row, *passkey;
    size_t i, k;

    json_array_foreach (json_object_get(people, "people"), i, row)
        json_array_foreach (json_object_get(row, "passkeys"), k, passkey)
            if (str_eq(json_str(passkey, "key_id"), key_id))
                return true;
    return false;
}

bool site_change_add(struct client *client, struct str fact, struct err *err)
{
    scoped(change_done) struct change change = {.lock = -1};
    char key_id[KEY_ID_BYTES];
    bool passkey = site_keys_id_of(fact, key_id), role = str_starts(fact, S("token_role("));

    if (!open_change(client, &change, err))
        return false;
    site_keys_add(buf_str(&change.before), fact, &change.after);
    /* roles of tokens are in no list of the node's: that it took the rules must do */
    return carry_out(&change,
        role      ? NULL
        : passkey ? passkey_in_force
                  : origin_in_force,
        passkey ? str_from(key_id) : fact, true, err);
}

bool site_change_remove(struct client *client, struct str key_id, struct err *err)
{
    scoped(change_done) struct change change = {.lock = -1};
    scoped(buf_done) struct buf line = buf_of(SITE_KEYS_BYTES_MAX);

    if (!open_change(client, &change, err))
        return false;
    if (!site_keys_without(buf_str(&change.before), key_id, &change.after, &line))
        return err_code(err, ERR_INPUT, "not_ours", NULL,
            "site/keys.pl has no line of passkey %.*s in the form that logicctl writes; take the "
            "fact out by hand, then: logicctl kb reload",
            STR(key_id));
    return carry_out(&change, passkey_in_force, key_id, false, err);
}
