/* SPDX-License-Identifier: Apache-2.0 */
#include "client/restore_place.h"

#include "base/scoped.h"
#include "catalogue/models.h"
#include "client/backup.h"
#include "client/backup_part.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define HOME_MODE 0755
#define COPY_BYTES_MAX (64u << 20) /* of one file that a link leads to another file system */
#define SPARE_BYTES (8u << 20)     /* what a ledger needs to be checked and begun */

static bool join(char ret[PATH_MAX], const char *folder, const char *name, struct err *err)
{
    if (snprintf(ret, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
        return true;
    return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", folder);
}

bool restore_home(const struct options *options, char ret_home[PATH_MAX], struct err *err)
{
    const char *asked = options->home ? options->home : getenv("LOGIC_NODE_HOME");
    char folder[PATH_MAX] = "";

    if (!asked || !*asked)
        asked = RESTORE_HOME;
    if (*asked != '/' && !getcwd(folder, sizeof folder))
        return err_set(err, ERR_SYSTEM, "cannot say which folder this is: %s", strerror(errno));
    if (snprintf(ret_home, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", asked) >= PATH_MAX - 32)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", asked);
    for (size_t len = strlen(ret_home); len > 1 && ret_home[len - 1] == '/'; len--)
        ret_home[len - 1] = '\0';
    return true;
}

/* --- is it blank? ---------------------------------------------------------------------------- */

static _Thread_local char found[PATH_MAX];

static int find_file(const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    (void)seen, (void)place;
    if (kind == FTW_D || kind == FTW_DP)
        return 0;
    snprintf(found, sizeof found, "%s", path);
    return 1;
}

bool restore_home_is_blank(const char *home, struct err *err)
{
    char path[PATH_MAX], real[PATH_MAX];
    struct stat seen;

    if (stat(home, &seen) != 0 && errno == ENOENT)
        return true;
    if (stat(home, &seen) != 0 || !S_ISDIR(seen.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is no folder that can be a home", home);
    for (size_t i = 0; backup_kept(i) || i == 0 || backup_kept(i - 1); i++) {
        const char *part = backup_kept(i) ? backup_kept(i) : BACKUP_MACHINE;
        if (!join(path, home, part, err))
            return false;
        if (!realpath(path, real))
            continue; /* not there, or a link that leads nowhere: the layout makes it */
        if (nftw(real, find_file, 16, FTW_PHYS) != 0)
            return err_code(err, ERR_INPUT, "home_not_empty", NULL,
                "nothing was restored: the home '%s' is not empty ('%s' is there). Give --home "
                "with a new folder, or move what is there away",
                home, found);
    }
    return true;
}

/* --- the stage ------------------------------------------------------------------------------- */

/* As home_enter() has it: whom HOME/state belongs to. */
static void whose(struct restore_place *place)
{
    char state[PATH_MAX];
    struct stat seen;
    struct err err;
    const struct passwd *user = getpwnam("logic-node");

    place->uid = geteuid();
    place->gid = getegid();
    if (geteuid() != 0)
        return;
    if (place->home_is_there && join(state, place->home, "state", &err) &&
        stat(state, &seen) == 0) {
        place->uid = seen.st_uid;
        place->gid = seen.st_gid;
    } else if (user && strcmp(place->home, RESTORE_HOME) == 0) {
        place->uid = user->pw_uid;
        place->gid = user->pw_gid;
    }
}

static bool check_room(const char *folder, uint64_t bytes, struct err *err)
{
    struct statvfs disk;
    char needed[BACKUP_NUMBER_BYTES], there[BACKUP_NUMBER_BYTES];

    if (statvfs(folder, &disk) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", folder, strerror(errno));
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room >= bytes + SPARE_BYTES)
        return true;
    backup_bytes_text(bytes + SPARE_BYTES, needed);
    backup_bytes_text(room, there);
    return err_code(err, ERR_SYSTEM, "no_room", NULL,
        "nothing was restored: it needs %s, '%s' has %s left", needed, folder, there);
}

bool restore_place_open(
    const char *home, uint64_t bytes, struct restore_place *ret_place, struct err *err)
{
    struct restore_place place = {.home_is_there = file_exists(home)};
    char folder[PATH_MAX];

    snprintf(place.home, sizeof place.home, "%s", home);
    snprintf(folder, sizeof folder, "%s", home);
    if (place.home_is_there) {
        if (!join(place.stage, home, ".restore", err))
            return false;
    } else {
        char *slash = strrchr(folder, '/');
        if (snprintf(place.stage, sizeof place.stage, "%.*s/.%s.restore", (int)(slash - folder),
                folder, slash + 1) >= PATH_MAX)
            return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", home);
        slash[slash == folder] = '\0'; /* "/" itself stays */
        if (!file_make_folder(folder, HOME_MODE, err))
            return false;
    }
    if (!check_room(folder, bytes, err))
        return false;
    if (mkdir(place.stage, 0700) != 0)
        return err_set(err, errno == EEXIST ? ERR_INPUT : ERR_SYSTEM,
            errno == EEXIST ? "'%s' is there: another restore is under way, or one was cut off; "
                              "then remove that folder"
                            : "cannot make the folder '%s': %m",
            place.stage);
    whose(&place);
    *ret_place = place;
    return true;
}

void restore_place_done(struct restore_place *place)
{
    if (*place->stage)
        backup_remove_tree(place->stage);
    place->stage[0] = '\0';
}

/* --- in place -------------------------------------------------------------------------------- */

static bool move_tree(const char *from, const char *to, struct err *err);

/* Each into a folder that is there, such as the one a link of the layout leads to. */
static bool move_children(const char *from, const char *to, struct err *err)
{
    DIR *folder = opendir(from);
    bool good = true;

    if (!folder)
        return err_set(err, ERR_SYSTEM, "cannot read '%s': %s", from, strerror(errno));
    for (const struct dirent *one; good && (one = readdir(folder));) {
        char a[PATH_MAX], b[PATH_MAX];
        if (strcmp(one->d_name, ".") != 0 && strcmp(one->d_name, "..") != 0)
            good = join(a, from, one->d_name, err) && join(b, to, one->d_name, err) &&
                   move_tree(a, b, err);
    }
    (void)closedir(folder);
    return good;
}

static bool copy_over(const char *from, const char *to, const struct stat *seen, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(COPY_BYTES_MAX);

    if (!file_read(from, &text, err) ||
        !file_replace(to, buf_str(&text), seen->st_mode & 0777, err))
        return false;
    if (chmod(to, seen->st_mode & 0777) == 0 && lchown(to, seen->st_uid, seen->st_gid) == 0)
        return true;
    return err_set(err, ERR_SYSTEM, "cannot give '%s' away: %s", to, strerror(errno));
}

static bool move_tree(const char *from, const char *to, struct err *err)
{
    struct stat seen, there;

    if (lstat(from, &seen) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", from, strerror(errno));
    if (S_ISDIR(seen.st_mode) && stat(to, &there) == 0)
        return move_children(from, to, err);
    if (rename(from, to) == 0)
        return true;
    if (errno != EXDEV)
        return err_set(err, ERR_SYSTEM, "cannot move '%s' to '%s': %s", from, to, strerror(errno));
    if (!S_ISDIR(seen.st_mode))
        return copy_over(from, to, &seen, err);
    if (mkdir(to, seen.st_mode & 0777) != 0 || lchown(to, seen.st_uid, seen.st_gid) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make '%s': %s", to, strerror(errno));
    return move_children(from, to, err);
}

static int remove_file(const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    (void)seen, (void)place;
    if (kind != FTW_D && kind != FTW_DP)
        (void)unlink(path);
    return 0;
}

/* The home was blank before: what lies in its parts now came from us. */
static void take_back(const char *home)
{
    char path[PATH_MAX], real[PATH_MAX];

    for (size_t i = 0; backup_kept(i); i++)
        if (snprintf(path, sizeof path, "%s/%s", home, backup_kept(i)) < PATH_MAX &&
            realpath(path, real))
            (void)nftw(real, remove_file, 16, FTW_PHYS);
}

bool restore_place_install(struct restore_place *place, struct err *err)
{
    if (place->home_is_there) {
        if (!restore_home_is_blank(place->home, err)) /* still */
            return false;
        if (!move_children(place->stage, place->home, err)) {
            take_back(place->home);
            return false;
        }
        return true;
    }
    if (chmod(place->stage, HOME_MODE) != 0 || rename(place->stage, place->home) != 0)
        return err_set(
            err, ERR_SYSTEM, "cannot make '%s' the home: %s", place->home, strerror(errno));
    place->stage[0] = '\0';
    return true;
}

/* --- what is missing ------------------------------------------------------------------------- */

bool restore_place_has(const char *home, const char *below)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", home, below) < PATH_MAX && file_exists(path);
}

static json_t *missing_weights(const char *home)
{
    scoped(json_done) json_t *document = NULL;
    json_t *rows = json_array(), *model;
    char path[PATH_MAX];
    struct err err;
    size_t i;

    if (snprintf(path, sizeof path, "%s/catalogue/models.json", home) >= PATH_MAX ||
        !file_exists(path) || !models_read(path, &document, &err))
        return rows;
    json_array_foreach (json_object_get(document, "models"), i, model) {
        const char *file = json_string_value(json_object_get(model, "file"));
        char below[2][PATH_MAX];
        if (!file || snprintf(below[0], PATH_MAX, "models/%s", file) >= PATH_MAX ||
            snprintf(below[1], PATH_MAX, "llm/models/%s", file) >= PATH_MAX ||
            restore_place_has(home, below[0]) || restore_place_has(home, below[1]))
            continue;
        json_array_append_new(
            rows, json_pack("{s:O*, s:O*, s:O*, s:O*}", "name", json_object_get(model, "name"),
                      "file", json_object_get(model, "file"), "sha256",
                      json_object_get(model, "sha256"), "bytes", json_object_get(model, "bytes")));
    }
    return rows;
}

static bool on_path(const char *program)
{
    struct str rest = str_from(getenv("PATH"));

    while (rest.len) {
        struct str folder = str_cut(rest, ':', &rest);
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%.*s/%s", STR(folder), program) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    }
    return false;
}

json_t *restore_missing(const char *home)
{
    static const char *const PROGRAMS[][2] = {
        {"logicd", "logic-node"}, {"ansible-playbook", "ansible-core"}, {"ssh", "openssh-client"}};
    json_t *packages = json_array();

    for (size_t i = 0; i < COUNT(PROGRAMS); i++)
        if (!on_path(PROGRAMS[i][0]))
            json_array_append_new(packages,
                json_pack("{s:s, s:s}", "program", PROGRAMS[i][0], "package", PROGRAMS[i][1]));
    return json_pack("{s:o, s:o}", "weights", missing_weights(home), "packages", packages);
}
