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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DONE_MARK "whole"      /* its time says when the version was used last */
#define VERSION_NAME_DIGITS 16 /* of each hash */
#define VERSION_NAME_BYTES 256 /* of any entry of a folder; a version's are 33 */
#define VERSIONS_MAX 16384     /* looked at in one pruning */

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
 * Both may be links, as an installed node has them; below core/ links are not followed. */
static bool list_rules(const char *kb, struct listing *l, struct err *err)
{
    char main_file[PATH_MAX];

    if ((size_t)snprintf(main_file, sizeof main_file, "%s/main.pl", kb) >= sizeof main_file)
        return err_set(err, ERR_LIMIT, "path '%s' is too long", kb);
    if (!file_exists(main_file))
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", main_file, strerror(errno));
    l->paths[l->count++] = str_dup(S("main.pl"));
    return list_folder(kb, "core", l, err);
}

bool version_hash(const char *kb, const char *site, struct version *ret_version, struct err *err)
{
    scoped(listing_done) struct listing rules = {0}, facts = {0};

    return list_rules(kb, &rules, err) && list_folder(site, "", &facts, err) &&
           hash_files(kb, &rules, ret_version->rules, err) &&
           hash_files(site, &facts, ret_version->site, err);
}

bool version_folder(const char *into, struct version *version)
{
    return (size_t)snprintf(version->folder, sizeof version->folder, "%s/%.16s-%.16s", into,
               version->rules, version->site) < sizeof version->folder;
}

static bool copy_all(const char *kb, const char *site, const struct version *v, struct err *err)
{
    scoped(listing_done) struct listing rules = {0}, facts = {0};
    char site_folder[PATH_MAX + 8];

    snprintf(site_folder, sizeof site_folder, "%s/site", v->folder);
    return list_rules(kb, &rules, err) && list_folder(site, "", &facts, err) &&
           file_make_folder(site_folder, 0755, err) && copy_files(kb, &rules, v->folder, err) &&
           copy_files(site, &facts, site_folder, err);
}

bool version_make(const char *kb, const char *site, const char *into, struct version *ret_version,
    struct err *err)
{
    struct version made = {0};
    char done_mark[PATH_MAX + 8];

    if (!version_hash(kb, site, &made, err))
        return false;
    if (!version_folder(into, &made))
        return err_set(err, ERR_LIMIT, "path '%s' is too long", into);
    snprintf(done_mark, sizeof done_mark, "%s/" DONE_MARK, made.folder);
    if (!file_exists(done_mark) && !copy_all(kb, site, &made, err))
        return err_wrap(err, "copying the rules");
    if (!file_replace(done_mark, S(""), 0444, err)) /* anew: this version was used last */
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

struct found {
    char name[VERSION_NAME_BYTES];
    struct timespec used; /* zero: it was never whole */
};

static int by_last_use(const void *a, const void *b)
{
    const struct found *one = a, *other = b;

    if (one->used.tv_sec != other->used.tv_sec)
        return one->used.tv_sec < other->used.tv_sec ? 1 : -1;
    if (one->used.tv_nsec != other->used.tv_nsec)
        return one->used.tv_nsec < other->used.tv_nsec ? 1 : -1;
    return strcmp(one->name, other->name);
}

/* Two times 16 hex digits, as version_folder() makes them. Whatever else lies there (an installed
 * node keeps its state, and links to its rules and its site, in the same folder) is none of ours.
 */
static bool is_version(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == VERSION_NAME_DIGITS && name[digits] == '-' &&
           strspn(name + digits + 1, "0123456789abcdef") == VERSION_NAME_DIGITS &&
           name[2 * VERSION_NAME_DIGITS + 1] == '\0';
}

/* The versions below `into`, the one used last first. */
static size_t find_versions(const char *into, struct found *ret_found)
{
    scoped(folder_done) DIR *folder = opendir(into);
    struct dirent *entry;
    size_t count = 0;

    while (folder && count < VERSIONS_MAX && (entry = readdir(folder))) {
        struct found *found = &ret_found[count];
        char mark[PATH_MAX * 2];
        struct stat what;
        if (!is_version(entry->d_name))
            continue;
        snprintf(found->name, sizeof found->name, "%s", entry->d_name);
        snprintf(mark, sizeof mark, "%s/%s/" DONE_MARK, into, found->name);
        found->used = stat(mark, &what) == 0 ? what.st_mtim : (struct timespec){0};
        count++;
    }
    qsort(ret_found, count, sizeof *ret_found, by_last_use);
    return count;
}

void version_prune(const char *into, const char *const *keep, size_t count, int64_t newest)
{
    scoped(free_done) struct found *found = calloc(VERSIONS_MAX, sizeof *found);

    check(found);
    size_t versions = find_versions(into, found);
    for (size_t i = 0; i < versions; i++) {
        char whole[PATH_MAX];
        bool kept = (int64_t)i < newest;
        if ((size_t)snprintf(whole, sizeof whole, "%s/%s", into, found[i].name) >= sizeof whole)
            continue;
        for (size_t k = 0; k < count; k++)
            kept = kept || strcmp(whole, keep[k]) == 0;
        if (!kept)
            remove_tree(whole);
    }
}
