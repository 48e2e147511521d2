/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "engine/provider_inside.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_FILES_MAX 100000
#define TREE_BYTES_MAX (8LL << 30)
#define GIT_MS 60000
#define COMMIT_DIGITS 12

static struct {
    char **paths;
    size_t count;
    int64_t bytes;
    bool too_many;
} listing; /* nftw() has no pointer for its caller; one thread prepares */

static int on_entry(const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    if (kind == FTW_D && strcmp(path + place->base, ".git") == 0)
        return FTW_SKIP_SUBTREE;
    if (kind != FTW_F)
        return FTW_CONTINUE;
    listing.bytes += seen->st_size;
    listing.too_many = listing.count == TREE_FILES_MAX || listing.bytes > TREE_BYTES_MAX;
    if (listing.too_many)
        return FTW_STOP;
    listing.paths[listing.count++] = str_dup(str_from(path));
    return FTW_CONTINUE;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_file(struct sha256_stream *stream, const char *path, size_t head)
{
    static char space[1 << 16];
    scoped(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint64_t length = 0;
    ssize_t got;

    /* with the name's terminator and the length behind, no two trees give the same bytes */
    sha256_stream_add(stream, (struct str){path + head, strlen(path + head) + 1});
    while (fd >= 0 && (got = read(fd, space, sizeof space)) > 0) {
        sha256_stream_add(stream, (struct str){space, (size_t)got});
        length += (uint64_t)got;
    }
    sha256_stream_add(stream, (struct str){(const char *)&length, sizeof length});
    return fd >= 0;
}

static bool tree_digest(const char *tree, char ret_version[64], struct err *err)
{
    struct sha256_stream stream;
    uint8_t digest[SHA256_BYTES];
    bool good = true;

    listing.paths = calloc(TREE_FILES_MAX, sizeof *listing.paths);
    check(listing.paths);
    listing.count = 0;
    listing.bytes = 0;
    listing.too_many = false;
    (void)nftw(tree, on_entry, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    qsort(listing.paths, listing.count, sizeof *listing.paths, by_path);
    sha256_stream_init(&stream);
    for (size_t i = 0; i < listing.count; i++) {
        good = good && add_file(&stream, listing.paths[i], strlen(tree));
        free(listing.paths[i]);
    }
    free(listing.paths);
    sha256_stream_finish(&stream, digest);
    sha256_stream_done(&stream);
    if (listing.too_many || !good || listing.count == 0)
        return err_code(err, ERR_INPUT, "bad_tree", "tree",
            "'%s' has no files, unreadable ones, or more than %d files and 8 GiB", tree,
            TREE_FILES_MAX);
    (void)snprintf(
        ret_version, 64, "tree%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
    return true;
}

static bool ask_git(const char *git, const char *tree, const char *const *words, struct buf *output,
    int *ret_status, struct err *err)
{
    static const char *const ENV[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent",
        "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", NULL};
    const char *argv[16] = {
        git, "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", tree};
    size_t count = 7;

    for (size_t i = 0; words[i]; i++)
        argv[count++] = words[i];
    const struct provider_run run = {
        .order = {.argv = argv, .env = ENV}, .limit_ms = GIT_MS, .bytes_max = 65536};
    return provider_run(&run, output, ret_status, err);
}

bool provider_tree_version(
    const struct preparation *at, const char *tree, char ret_version[64], struct err *err)
{
    static const char *const HEAD[] = {"rev-parse", "--verify", "HEAD", NULL};
    static const char *const STATUS[] = {"status", "--porcelain", NULL};
    scoped(buf_done) struct buf head = {0}, changed = {0};
    char git[PREPARED_PATH_BYTES], inside[PREPARED_PATH_BYTES];
    struct stat seen;
    int status = -1;

    (void)snprintf(inside, sizeof inside, "%.1000s/.git", tree);
    if (stat(inside, &seen) != 0 || !provider_find(at->order->path, "git", git))
        return tree_digest(tree, ret_version, err);
    if (!ask_git(git, tree, HEAD, &head, &status, err))
        return false;
    struct str commit = str_trim(buf_str(&head));
    if (status != 0 || commit.len < 40)
        return tree_digest(tree, ret_version, err);
    for (size_t i = 0; i < COMMIT_DIGITS; i++)
        if (!strchr("0123456789abcdef", commit.at[i]))
            return tree_digest(tree, ret_version, err);
    if (!ask_git(git, tree, STATUS, &changed, &status, err))
        return false;
    (void)snprintf(ret_version, 64, "%.*s%s", COMMIT_DIGITS, commit.at,
        status == 0 && changed.len == 0 ? "" : "-changed");
    return true;
}
