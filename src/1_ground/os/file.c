/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "base/scoped.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP_BYTES 16384

bool file_read(const char *path, struct buf *out, struct err *err)
{
    scoped(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    for (;;) {
        char step[READ_STEP_BYTES];
        ssize_t got = read(fd, step, sizeof step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
        if (got == 0)
            return true;
        buf_add(out, (struct str){step, (size_t)got});
        if (out->overflowed)
            return err_set(err, ERR_LIMIT, "'%s' is longer than %zu bytes", path, out->bytes_max);
    }
}

static bool write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        text = (struct str){text.at + put, text.len - (size_t)put};
    }
    return true;
}

static void sync_folder_of(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path);
    scoped(fd_done) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        (void)fsync(folder);
}

bool file_replace(const char *path, struct str text, mode_t mode, struct err *err)
{
    char fresh[PATH_MAX];

    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return err_set(err, ERR_LIMIT, "path '%s' is longer than %d bytes", path, PATH_MAX);
    scoped(fd_done) int fd =
        open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", fresh, strerror(errno));
    if (!write_all(fd, text) || fsync(fd) != 0 || rename(fresh, path) != 0) {
        int why = errno;
        (void)unlink(fresh);
        return err_set(err, ERR_SYSTEM, "cannot replace '%s': %s", path, strerror(why));
    }
    sync_folder_of(path);
    return true;
}

bool file_make_folder(const char *path, mode_t mode, struct err *err)
{
    char step[PATH_MAX];

    if ((size_t)snprintf(step, sizeof step, "%s", path) >= sizeof step)
        return err_set(err, ERR_LIMIT, "path '%s' is longer than %d bytes", path, PATH_MAX);
    for (char *at = step + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(step, mode) != 0 && errno != EEXIST)
            return err_set(err, ERR_SYSTEM, "cannot make folder '%s': %s", step, strerror(errno));
        *at = kept;
        if (kept == '\0')
            return true;
    }
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
