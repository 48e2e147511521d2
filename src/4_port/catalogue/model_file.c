/* SPDX-License-Identifier: Apache-2.0
 *
 * Model files: headers read by pread, bytes hashed, parts one behind the other.
 */
#include "catalogue/models.h"

#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_STEP_BYTES (1u << 20)

struct opened {
    int fd;
    uint64_t bytes;
};

static void opened_done(struct opened *opened)
{
    fd_done(&opened->fd);
}

static bool open_part(const char *path, struct opened *ret, struct err *err)
{
    struct stat seen;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode)) {
        fd_done(&fd);
        return err_code(err, ERR_INPUT, "not_gguf", NULL, "'%s' is no regular file", path);
    }
    *ret = (struct opened){fd, (uint64_t)seen.st_size};
    return true;
}

static bool pull(void *context, uint64_t at, char *ret_bytes, size_t count, struct err *err)
{
    const struct opened *from = context;

    while (count) {
        ssize_t got = pread(from->fd, ret_bytes, count, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, ERR_SYSTEM, "cannot read the model file at byte %llu: %s",
                (unsigned long long)at, got < 0 ? strerror(errno) : "it became shorter");
        ret_bytes += got;
        at += (uint64_t)got;
        count -= (size_t)got;
    }
    return true;
}

/* The path of part `number` (from 1) of a model whose first part is `path`. */
static bool part_path(const char *path, uint32_t number, char ret_path[PATH_MAX], struct err *err)
{
    size_t len = strlen(path);

    if (len >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "path '%.80s…' is longer than %d bytes", path, PATH_MAX);
    memcpy(ret_path, path, len + 1);
    if (number > 1)
        gguf_split_path(str_from(path), number, ret_path);
    return true;
}

/* How many parts there are by the name. */
static bool parts_of(const char *path, uint32_t *ret_parts, struct err *err)
{
    uint32_t number, count;

    *ret_parts = 1;
    if (!gguf_split_of(str_from(path), &number, &count))
        return true;
    if (number != 1)
        return err_code(err, ERR_INPUT, "not_a_model", NULL,
            "'%s' is part %u of %u of a model: give its first part", path, number, count);
    *ret_parts = count;
    return true;
}

static bool read_part(const char *path, bool first, struct model_file *file, struct err *err)
{
    scoped(opened_done) struct opened from = {.fd = -1};
    scoped(gguf_header_done) struct gguf_header header = {0};

    if (!open_part(path, &from, err))
        return false;
    struct gguf_source source = {.pull = pull, .context = &from, .bytes = from.bytes};
    file->bytes += from.bytes;
    return (gguf_read(&source, &header, err) &&
               (first ? vram_shape_of(&header, &file->shape, err)
                      : vram_shape_add(&file->shape, &header, err))) ||
           err_wrap(err, "'%s'", path);
}

bool model_file_read(const char *path, struct model_file *ret_file, struct err *err)
{
    scoped(free_done) struct model_file *file = calloc(1, sizeof *file);
    uint32_t parts;

    if (!file)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!parts_of(path, &parts, err))
        return false;
    for (uint32_t i = 1; i <= parts; i++) {
        char name[PATH_MAX];
        if (!part_path(path, i, name, err) || !read_part(name, i == 1, file, err))
            return false;
        if (file->shape.parts != parts)
            return err_code(err, ERR_INPUT, "not_a_model", NULL,
                "'%s' says that it has %u parts, its name says %u: give it its own name again",
                path, file->shape.parts, parts);
    }
    *ret_file = *file;
    return true;
}

static bool parts_bytes(const char *path, uint32_t parts, uint64_t *ret_bytes, struct err *err)
{
    *ret_bytes = 0;
    for (uint32_t i = 1; i <= parts; i++) {
        char name[PATH_MAX];
        scoped(opened_done) struct opened from = {.fd = -1};
        if (!part_path(path, i, name, err) || !open_part(name, &from, err))
            return false;
        *ret_bytes += from.bytes;
    }
    return true;
}

bool model_file_hash(const char *path, bool (*progress)(void *context, uint64_t done, uint64_t all),
    void *context, char ret_sha256[MODEL_SHA256_BYTES], struct err *err)
{
    scoped(sha256_stream_done) struct sha256_stream stream = {0};
    scoped(free_done) char *step = malloc(HASH_STEP_BYTES);
    uint8_t digest[SHA256_BYTES];
    uint64_t all, done = 0;
    uint32_t parts;

    if (!step)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!parts_of(path, &parts, err) || !parts_bytes(path, parts, &all, err))
        return false;
    sha256_stream_init(&stream);
    for (uint32_t i = 1; i <= parts; i++) {
        char name[PATH_MAX];
        scoped(opened_done) struct opened from = {.fd = -1};
        if (!part_path(path, i, name, err) || !open_part(name, &from, err))
            return false;
        for (uint64_t at = 0; at < from.bytes;) {
            size_t some = from.bytes - at < HASH_STEP_BYTES ? (size_t)(from.bytes - at)
                                                            : HASH_STEP_BYTES;
            if (!pull(&from, at, step, some, err))
                return err_wrap(err, "'%s'", name);
            sha256_stream_add(&stream, (struct str){step, some});
            at += some;
            done += some;
            if (progress && !progress(context, done, all))
                return err_set(err, ERR_INPUT, "stopped by the caller");
        }
    }
    sha256_stream_finish(&stream, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(ret_sha256 + 2 * i, 3, "%02x", digest[i]);
    return true;
}
