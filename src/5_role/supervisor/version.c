/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/version.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct listing {
    char *paths[VERSION_FILES_MAX]; /* relative to the root */
    size_t count;
};

static void listing_done(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->paths[i]);
}

static bool wanted(const char *name)
{
    return str_ends(str_from(name), S(".pl"));
}

static bool list_folder(const char *root, const char *below, struct listing *l, struct err *err);

static bool list_entry(
    const char *root, const char *below, const char *name, struct listing *l, struct err *err)
{
    char relative[PATH_MAX], whole[PATH_MAX * 2];
    struct stat what;

    if ((size_t)snprintf(relative, sizeof relative, "%s%s%s", below, below[0] ? "/" : "", name) >=
        sizeof relative)
        return err_set(err, ERR_LIMIT, "path '%s/%s' is too long", below, name);
    snprintf(whole, sizeof whole, "%s/%s", root, relative);
    if (lstat(whole, &what) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", whole, strerror(errno));
    if (S_ISDIR(what.st_mode))
        return list_folder(root, relative, l, err);
    if (!S_ISREG(what.st_mode) || !wanted(name))
        return true;
    if (l->count == VERSION_FILES_MAX)
        return err_set(
            err, ERR_LIMIT, "more than %d files of rules below '%s'", VERSION_FILES_MAX, root);
    l->paths[l->count++] = str_dup(str_from(relative));
    return true;
}

static void folder_done(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static bool list_folder(const char *root, const char *below, struct listing *l, struct err *err)
{
    char whole[PATH_MAX * 2];
    struct dirent *entry;

    snprintf(whole, sizeof whole, "%s/%s", root, below);
    scoped(folder_done) DIR *folder = opendir(whole);
    if (!folder)
        return err_set(err, ERR_SYSTEM, "cannot read folder '%s': %s", whole, strerror(errno));
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && !list_entry(root, below, entry->d_name, l, err))
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hash of all paths and contents, in sorted order, each with its length in front. */
static bool hash_files(
    const char *root, struct listing *l, char ret_hex[VERSION_HASH_CHARS + 1], struct err *err)
{
    scoped(sha256_stream_done) struct sha256_stream hash;
    bool good = true;
    uint8_t digest[SHA256_BYTES];

    sha256_stream_init(&hash);
    qsort(l->paths, l->count, sizeof *l->paths, by_name);
    for (size_t i = 0; good && i < l->count; i++) {
        char path[PATH_MAX * 2], head[PATH_MAX + 64];
        scoped(buf_done) struct buf text = buf_of(VERSION_FILE_BYTES_MAX);
        snprintf(path, sizeof path, "%s/%s", root, l->paths[i]);
        good = file_read(path, &text, err);
        snprintf(head, sizeof head, "%s\n%zu\n", l->paths[i], text.len);
        sha256_stream_add(&hash, str_from(head));
        sha256_stream_add(&hash, buf_str(&text));
    }
    sha256_stream_finish(&hash, digest);
    if (good)
        hex_encode(digest, sizeof digest, ret_hex);
    return good;
}

static bool copy_files(const char *from, const struct listing *l, const char *to, struct err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        char source[PATH_MAX * 2], target[PATH_MAX * 2], folder[PATH_MAX * 2];
        scoped(buf_done) struct buf text = buf_of(VERSION_FILE_BYTES_MAX);
        snprintf(source, sizeof source, "%s/%s", from, l->paths[i]);
        snprintf(target, sizeof target, "%s/%s", to, l->paths[i]);
        snprintf(folder, sizeof folder, "%s", target);
        *strrchr(folder, '/') = '\0';
        if (!file_read(source, &text, err) || !file_make_folder(folder, 0755, err) ||
            !file_replace(target, buf_str(&text), 0444, err))
            return false;
    }
    return true;
}

/* main.pl and core/: the kb folder may hold other things (site, state, tests) that are not rules.
 */
static bool list_rules(const char *kb, struct listing *l, struct err *err)
{
    return list_entry(kb, "", "main.pl", l, err) && list_folder(kb, "core", l, err);
}

bool version_make(const char *kb, const char *site, const char *into, struct version *ret_version,
    struct err *err)
{
    scoped(listing_done) struct listing rules = {0}, facts = {0};
    struct version made = {0};
    char site_folder[PATH_MAX + 8], done_mark[PATH_MAX + 8];

    if (!list_rules(kb, &rules, err) || !list_folder(site, "", &facts, err))
        return false;
    if (!hash_files(kb, &rules, made.rules, err) || !hash_files(site, &facts, made.site, err))
        return false;
    if ((size_t)snprintf(made.folder, sizeof made.folder, "%s/%.16s-%.16s", into, made.rules,
            made.site) >= sizeof made.folder)
        return err_set(err, ERR_LIMIT, "path '%s' is too long", into);
    snprintf(site_folder, sizeof site_folder, "%s/site", made.folder);
    snprintf(done_mark, sizeof done_mark, "%s/whole", made.folder);
    if (!file_exists(done_mark) &&
        (!file_make_folder(site_folder, 0755, err) || !copy_files(kb, &rules, made.folder, err) ||
            !copy_files(site, &facts, site_folder, err) ||
            !file_replace(done_mark, S(""), 0444, err)))
        return err_wrap(err, "copying the rules");
    *ret_version = made;
    return true;
}

static void remove_tree(const char *path)
{
    scoped(folder_done) DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char whole[PATH_MAX * 2];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(whole, sizeof whole, "%s/%s", path, entry->d_name);
        if (unlink(whole) != 0 && (errno == EISDIR || errno == EPERM))
            remove_tree(whole);
    }
    (void)rmdir(path);
}

void version_prune(const char *into, const char *const *keep, int count)
{
    scoped(folder_done) DIR *folder = opendir(into);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char whole[PATH_MAX];
        bool kept = entry->d_name[0] == '.';
        if ((size_t)snprintf(whole, sizeof whole, "%s/%s", into, entry->d_name) >= sizeof whole)
            continue;
        for (int i = 0; i < count; i++)
            kept = kept || strcmp(whole, keep[i]) == 0;
        if (!kept)
            remove_tree(whole);
    }
}
