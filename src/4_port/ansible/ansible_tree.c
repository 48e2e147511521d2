/* SPDX-License-Identifier: Apache-2.0 */
#include "ansible/ansible_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVE_FDS 16

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *at)
{
    (void)what, (void)type, (void)at;
    return remove(path);
}

void ansible_tree_remove(const char *folder)
{
    (void)nftw(folder, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

static bool unsafe_tree(const char *path, const char *what, struct err *err)
{
    return err_code(err, ERR_SYSTEM, "unsafe_tree", "playbook", "'%s' %s", path, what);
}

/* Into the hash: path, length, bytes. */
static void hash_file(struct ansible_tree *tree, const char *path, struct str bytes)
{
    char head[PATH_MAX + 32];
    int head_bytes = snprintf(head, sizeof head, "%s%c%zu%c", path, '\0', bytes.len, '\0');

    check(head_bytes > 0 && (size_t)head_bytes < sizeof head);
    sha256_stream_add(&tree->hash, (struct str){head, (size_t)head_bytes});
    sha256_stream_add(&tree->hash, bytes);
}

static bool copy_file(
    struct ansible_tree *tree, int fd, const char *path, const char *target, struct err *err)
{
    scoped(buf_done) struct buf bytes = buf_of(ANSIBLE_TREE_BYTES_MAX - tree->bytes);
    char from[64], to[PATH_MAX];

    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    if (tree->files == ANSIBLE_FILES_MAX || !file_read(from, &bytes, err) || bytes.overflowed)
        return err_code(err, ERR_LIMIT, "tree_too_large", "playbook",
            "playbook and inventory together have more than %d files or %d bytes",
            ANSIBLE_FILES_MAX, ANSIBLE_TREE_BYTES_MAX);
    tree->files++;
    tree->bytes += bytes.len;
    hash_file(tree, path, buf_str(&bytes));
    if ((size_t)snprintf(to, sizeof to, "%s/%s", target, path) >= sizeof to)
        return unsafe_tree(path, "is too long a path", err);
    scoped(fd_done) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (size_t at = 0; out >= 0 && at < bytes.len;) {
        ssize_t put = write(out, bytes.at + at, bytes.len - at);
        if (put < 0 && errno != EINTR)
            fd_done(&out);
        at += put > 0 ? (size_t)put : 0;
    }
    return out >= 0 || err_set(err, ERR_SYSTEM, "cannot write '%s': %s", to, strerror(errno));
}

/* Hidden files and Python's caches are neither hashed nor copied. */
static int wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "__pycache__") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool name_is_plain(const char *name)
{
    for (; *name; name++)
        if (!isascii(*name) || (!isalnum((unsigned char)*name) && !strchr("._-", *name)))
            return false;
    return true;
}

static bool copy_folder(struct ansible_tree *tree, int folder, const char *path, const char *target,
    int depth, struct err *err);

static bool copy_entry(struct ansible_tree *tree, int folder, const char *path, const char *name,
    const char *target, int depth, struct err *err)
{
    char below[PATH_MAX];
    struct stat what;

    if ((size_t)snprintf(below, sizeof below, "%s/%s", path, name) >= sizeof below ||
        !name_is_plain(name))
        return unsafe_tree(path, "holds a name with odd characters or too long a one", err);
    scoped(fd_done) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP)
        return unsafe_tree(below, "is a link; copy what it points to", err);
    if (fd < 0 || fstat(fd, &what) != 0)
        return unsafe_tree(below, "cannot be read", err);
    if (S_ISDIR(what.st_mode))
        return copy_folder(tree, fd, below, target, depth + 1, err);
    if (!S_ISREG(what.st_mode))
        return unsafe_tree(below, "is neither a file nor a folder", err);
    return copy_file(tree, fd, below, target, err);
}

static bool copy_folder(struct ansible_tree *tree, int folder, const char *path, const char *target,
    int depth, struct err *err)
{
    struct dirent **entries = NULL;
    char to[PATH_MAX];
    bool fine = true;

    if (depth > ANSIBLE_TREE_DEPTH_MAX)
        return unsafe_tree(path, "lies too deep", err);
    if ((size_t)snprintf(to, sizeof to, "%s/%s", target, path) >= sizeof to)
        return unsafe_tree(path, "is too long a path", err);
    if (!file_make_folder(to, 0700, err))
        return false;
    int count = scandirat(folder, ".", &entries, wanted, by_bytes);
    if (count < 0)
        return unsafe_tree(path, "cannot be listed", err);
    for (int i = 0; i < count; i++) {
        fine = fine && copy_entry(tree, folder, path, entries[i]->d_name, target, depth, err);
        free(entries[i]);
    }
    free(entries);
    return fine;
}

bool ansible_tree_copy(struct ansible_tree *tree, const char *root, struct str path,
    const char *target, bool may_miss, struct err *err)
{
    scoped(fd_done) int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct str rest = path;
    char text[ANSIBLE_PATH_BYTES_MAX + 1];

    while (folder >= 0 && rest.len) {
        struct str segment = str_cut(rest, '/', &rest);
        snprintf(text, sizeof text, "%.*s", STR(segment));
        int next = openat(folder, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int why = errno;
        fd_done(&folder);
        folder = next;
        errno = why;
    }
    if (folder < 0 && errno == ENOENT && may_miss)
        return true;
    if (folder < 0)
        return err_code(err, ERR_SYSTEM, "no_playbook", "playbook",
            "cannot open the folder '%.*s' below '%s': %s; no part of the path may be a link",
            STR(path), root, strerror(errno));
    snprintf(text, sizeof text, "%.*s", STR(path));
    return copy_folder(tree, folder, text, target, 0, err);
}
