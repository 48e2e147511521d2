/* SPDX-License-Identifier: Apache-2.0
 *
 * layout — is everything of an installed node where it belongs (docs/operations.md, section 1)?
 * Only looks.
 */
#include "client/layout.h"
#include "client/client.h"
#include "client/home.h"

#include "base/scoped.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The rows of deploy/layout.tmpfiles below HOME (tests/flow/setup.py compares the two). */
static const struct place {
    const char *path;
    mode_t mode; /* 0: a link that leads somewhere */
    bool nodes;  /* of whoever owns HOME/state; else of whoever owns HOME: root */
} PLACES[] = {
    {"", 01775}, /* the node makes its folders there and cannot take away what is root's */
    {"bin", 0},
    {"kb", 01775},
    {"kb/core", 0},
    {"kb/main.pl", 0},
    {"kb/site", 0},
    {"kb/state", 0755, true},
    {"site", 0},
    {"state", 0},
    {"www", 0},
    {"ansible", 0},
    {"llm", 0755},
    {"llm/models", 0755, true},
    {"llm/engines", 0755},
    {"history", 0755, true},
    {"metrics", 0},
    {"logs", 0750, true},
    {"ledger", 0700, true},
    {"checkpoints", 0755, true},
    {"keys", 0700},
    {"secrets", 0700, true},
};

struct found {
    char path[PATH_MAX + 32], owner[64], is[PATH_MAX + 64];
    bool fine;
};

static void look_owner(const struct stat *seen, struct found *found)
{
    const struct passwd *user = getpwuid(seen->st_uid);

    if (user)
        snprintf(found->owner, sizeof found->owner, "%s", user->pw_name);
    else
        snprintf(found->owner, sizeof found->owner, "%u", seen->st_uid);
}

static void look_link(struct found *found)
{
    char target[PATH_MAX];
    ssize_t len = readlink(found->path, target, sizeof target - 1);

    target[len > 0 ? len : 0] = '\0';
    found->fine = access(found->path, F_OK) == 0;
    snprintf(
        found->is, sizeof found->is, "%s %s", found->fine ? "leads to" : "leads nowhere:", target);
}

/* Whoever may write into a folder may take away what others put there, but for this bit. */
static bool lacks_sticky(mode_t mode, mode_t wanted)
{
    return wanted & S_ISVTX && mode & (S_IWGRP | S_IWOTH) && !(mode & S_ISVTX);
}

/* A home that one user made for itself is theirs altogether. */
static bool owner_is_wrong(
    const char *home, const struct place *place, uid_t uid, struct found *found)
{
    char state[PATH_MAX + 32];
    struct stat wanted;

    snprintf(state, sizeof state, "%s/state", home);
    if ((!place->nodes || stat(state, &wanted) != 0) && stat(home, &wanted) != 0)
        return false;
    if (wanted.st_uid == uid)
        return false;
    const struct passwd *user = getpwuid(wanted.st_uid);
    if (user)
        snprintf(
            found->is, sizeof found->is, "belongs to %s, not to %s", found->owner, user->pw_name);
    else
        snprintf(
            found->is, sizeof found->is, "belongs to %s, not to %u", found->owner, wanted.st_uid);
    return true;
}

static void look(const char *home, const struct place *place, struct found *found)
{
    struct stat seen;

    *found = (struct found){0};
    snprintf(found->path, sizeof found->path, "%s%s%s", home, *place->path ? "/" : "", place->path);
    if (lstat(found->path, &seen) != 0) {
        snprintf(
            found->is, sizeof found->is, "%s", errno == ENOENT ? "is missing" : strerror(errno));
        return;
    }
    look_owner(&seen, found);
    if (owner_is_wrong(home, place, seen.st_uid, found))
        return;
    if (S_ISLNK(seen.st_mode)) {
        look_link(found);
        return;
    }
    mode_t mode = seen.st_mode & 07777;
    if (!S_ISDIR(seen.st_mode) && place->mode)
        snprintf(found->is, sizeof found->is, "is no folder");
    else if (place->mode && (mode & ~place->mode || lacks_sticky(mode, place->mode)))
        snprintf(found->is, sizeof found->is, "is open to more than it should: %04o, not %04o",
            mode, place->mode);
    else {
        snprintf(found->is, sizeof found->is, "is there");
        found->fine = true;
    }
}

size_t layout_look(const char *home, json_t *rows)
{
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT(PLACES); i++) {
        struct found found;
        look(home, &PLACES[i], &found);
        wrong += !found.fine;
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:b}", "path", found.path,
                                        "wanted", PLACES[i].mode ? "folder" : "link", "owner",
                                        found.owner, "is", found.is, "fine", (int)found.fine));
    }
    return wrong;
}

enum client_exit client_layout(struct client *client)
{
    static const char *const TITLES[] = {"PATH", "OWNER", ""};
    scoped(json_done) json_t *rows = json_array();
    scoped(table_done) struct table table = {0};
    char home[PATH_MAX];
    struct err err;
    size_t i;
    json_t *row;

    if (!home_path(&client->options, "", home, &err))
        return client_fail(client, &err);
    home[strlen(home) - 1] = '\0'; /* home_path() ends with the slash before nothing */
    size_t wrong = layout_look(home, rows);
    if (client->options.json) {
        scoped(json_done) json_t *document =
            json_pack("{s:s, s:b, s:O}", "home", home, "ok", (int)(wrong == 0), "places", rows);
        client_print(client, document);
        return wrong ? EXIT_TROUBLE : EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (rows, i, row) {
        bool fine = json_is_true(json_object_get(row, "fine"));
        enum style styles[] = {PLAIN, PLAIN, fine ? GREEN : RED};
        struct str texts[] = {json_str(row, "path"), json_str(row, "owner"), json_str(row, "is")};
        table_add(&table, texts, styles);
    }
    table_print(&table, &client->screen);
    if (wrong)
        screen_print(&client->screen, PLAIN,
            "%zu of %zu are not as the package makes them: systemd-tmpfiles --create "
            "logic-node.conf\n",
            wrong, COUNT(PLACES));
    return wrong ? EXIT_TROUBLE : EXIT_DONE;
}
