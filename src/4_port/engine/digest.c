/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/digest.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "gguf/gguf.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (1u << 20)
#define SECOND_NS 1000000000

struct known {
    struct digest_stamp stamp;
    char sha256[65];
    uint64_t used; /* when, in turns of the cache */
};

/* The stamps of the parts of one model. */
struct parts {
    struct sha256_stream all;
    struct digest_stamp stamp; /* the only one, or what is known so far */
    uint32_t number, count;    /* so many are in; so many there are */
};

struct digest_cache {
    struct known known[DIGEST_CACHE_MAX];
    size_t count;
    uint64_t turn, reads;
};

struct digest {
    uv_work_t work;
    uv_loop_t *loop;
    struct digest_cache *cache;
    struct sha256_stream stream;
    struct parts parts;        /* as they were opened */
    struct digest_stamp stamp; /* of the one that is open */
    uint64_t part_bytes;       /* read of it */
    int fd;
    atomic_bool cancelled;
    bool trusted; /* ctime was old enough when reading began */
    bool from_cache;
    uint64_t read_bytes;
    int errnum;
    bool ended, changed;
    char *space;
    struct digest_result result;
    char path[PATH_MAX];
    void (*progress)(void *user, double fraction);
    void (*done)(void *user, const struct digest_result *result, const struct err *err);
    void *user;
};

static void stamp_from(const struct stat *seen, struct digest_stamp *ret_stamp)
{
    *ret_stamp = (struct digest_stamp){
        .device = (uint64_t)seen->st_dev,
        .inode = (uint64_t)seen->st_ino,
        .bytes = (uint64_t)seen->st_size,
        .mtime_ns = (int64_t)seen->st_mtim.tv_sec * SECOND_NS + seen->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)seen->st_ctim.tv_sec * SECOND_NS + seen->st_ctim.tv_nsec,
    };
}

static bool file_stamp(
    const struct stat *seen, const char *path, struct digest_stamp *ret_stamp, struct err *err)
{
    if (!S_ISREG(seen->st_mode))
        return err_code(err, ERR_SYSTEM, "file_missing", NULL, "'%s' is no file", path);
    stamp_from(seen, ret_stamp);
    return true;
}

bool digest_stamp_of(int fd, struct digest_stamp *ret_stamp, struct err *err)
{
    struct stat seen;

    if (fstat(fd, &seen) != 0)
        return err_code(
            err, ERR_SYSTEM, "file_missing", NULL, "cannot look at the file: %s", strerror(errno));
    return file_stamp(&seen, "it", ret_stamp, err);
}

/* --- parts --- */

static void parts_done(struct parts *parts)
{
    sha256_stream_done(&parts->all);
}

static bool parts_of(const char *path, struct parts *ret_parts, struct err *err)
{
    uint32_t number = 1, count = 1;

    if (gguf_split_of(str_from(path), &number, &count) && number != 1)
        return err_code(err, ERR_SYSTEM, "file_missing", NULL,
            "'%s' is part %u of %u of a model: name its first part", path, number, count);
    *ret_parts = (struct parts){.count = count};
    sha256_stream_init(&ret_parts->all);
    return true;
}

static void parts_add(struct parts *parts, const struct digest_stamp *stamp)
{
    struct digest_stamp *sum = &parts->stamp;

    sha256_stream_add(&parts->all, (struct str){(const char *)stamp, sizeof *stamp});
    if (parts->number++ == 0) {
        *sum = *stamp;
        return;
    }
    sum->bytes += stamp->bytes;
    sum->ctime_ns = stamp->ctime_ns > sum->ctime_ns ? stamp->ctime_ns : sum->ctime_ns;
}

/* Of several: their bytes, the youngest change, and for the rest a hash of all. */
static void parts_stamp(struct parts *parts, struct digest_stamp *ret_stamp)
{
    uint8_t hash[SHA256_BYTES];

    if (parts->count > 1) {
        sha256_stream_finish(&parts->all, hash);
        memcpy(&parts->stamp.device, hash, 8);
        memcpy(&parts->stamp.inode, hash + 8, 8);
        memcpy(&parts->stamp.mtime_ns, hash + 16, 8);
    }
    *ret_stamp = parts->stamp;
}

static bool part_path(const char *path, uint32_t number, char ret_path[PATH_MAX], struct err *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s", path) >= PATH_MAX)
        return err_code(err, ERR_SYSTEM, "file_missing", NULL, "'%.80s…' is too long", path);
    if (number > 1)
        gguf_split_path(str_from(path), number, ret_path);
    return true;
}

bool digest_stamp_of_path(const char *path, struct digest_stamp *ret_stamp, struct err *err)
{
    scoped(parts_done) struct parts parts = {0};
    char name[PATH_MAX];

    if (!parts_of(path, &parts, err))
        return false;
    for (uint32_t i = 1; i <= parts.count; i++) {
        struct digest_stamp one;
        struct stat seen;
        if (!part_path(path, i, name, err))
            return false;
        if (stat(name, &seen) != 0)
            return err_code(err, ERR_SYSTEM, "file_missing", NULL, "'%s' cannot be looked at: %s",
                name, strerror(errno));
        if (!file_stamp(&seen, name, &one, err))
            return false;
        parts_add(&parts, &one);
    }
    parts_stamp(&parts, ret_stamp);
    return true;
}

bool digest_stamp_eq(const struct digest_stamp *a, const struct digest_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

struct digest_cache *digest_cache_make(void)
{
    struct digest_cache *cache = calloc(1, sizeof *cache);

    if (!cache)
        panic("no memory");
    return cache;
}

void digest_cache_free(struct digest_cache **at)
{
    free(*at);
    *at = NULL;
}

uint64_t digest_cache_reads(const struct digest_cache *cache)
{
    return cache->reads;
}

static struct known *cache_find(struct digest_cache *cache, const struct digest_stamp *stamp)
{
    for (size_t i = 0; i < cache->count; i++)
        if (digest_stamp_eq(&cache->known[i].stamp, stamp)) {
            cache->known[i].used = ++cache->turn;
            return &cache->known[i];
        }
    return NULL;
}

static void cache_add(struct digest_cache *cache, const struct digest_result *result)
{
    struct known *place = cache_find(cache, &result->stamp);

    if (!place && cache->count < DIGEST_CACHE_MAX)
        place = &cache->known[cache->count++];
    if (!place) {
        place = cache->known;
        for (size_t i = 1; i < cache->count; i++)
            if (cache->known[i].used < place->used)
                place = &cache->known[i];
    }
    *place = (struct known){.stamp = result->stamp, .used = ++cache->turn};
    memcpy(place->sha256, result->sha256, sizeof place->sha256);
}

static void digest_free(struct digest *digest)
{
    fd_done(&digest->fd);
    sha256_stream_done(&digest->stream);
    parts_done(&digest->parts);
    free(digest->space);
    free(digest);
}

static bool open_part(struct digest *digest, struct err *err)
{
    char name[PATH_MAX];
    struct stat seen;

    fd_done(&digest->fd);
    if (!part_path(digest->path, digest->parts.number + 1, name, err))
        return false;
    /* a fifo of this name must not hold us */
    digest->fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (digest->fd < 0 || fstat(digest->fd, &seen) != 0)
        return err_code(err, ERR_SYSTEM, "file_missing", NULL, "'%s' cannot be opened: %s", name,
            strerror(errno));
    if (!file_stamp(&seen, name, &digest->stamp, err))
        return false;
    parts_add(&digest->parts, &digest->stamp);
    digest->part_bytes = 0;
    return true;
}

/* The open part is read to its end: on to the next, or all of it was read. */
static void end_part(struct digest *digest)
{
    struct digest_stamp now;
    struct err why;

    digest->changed = !digest_stamp_of(digest->fd, &now, &why) ||
                      !digest_stamp_eq(&now, &digest->stamp) ||
                      digest->part_bytes != digest->stamp.bytes;
    if (!digest->changed && digest->parts.number < digest->parts.count) {
        digest->changed = !open_part(digest, &why); /* it was there when this began */
    } else {
        digest->ended = true;
        parts_stamp(&digest->parts, &now);
        digest->changed = digest->changed || !digest_stamp_eq(&now, &digest->result.stamp);
    }
    digest->ended = digest->ended || digest->changed;
}

/* On a worker. */
static void read_slice(uv_work_t *work)
{
    struct digest *digest = work->data;
    uint64_t left = DIGEST_SLICE_BYTES;

    while (!digest->from_cache && left > 0 && !digest->ended && !digest->cancelled) {
        ssize_t got = read(digest->fd, digest->space, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            digest->errnum = errno;
            digest->ended = true;
            return;
        }
        sha256_stream_add(&digest->stream, (struct str){digest->space, (size_t)got});
        digest->read_bytes += (uint64_t)got;
        digest->part_bytes += (uint64_t)got;
        left -= (uint64_t)got < left ? (uint64_t)got : left;
        /* a file that grows as we read would never end */
        if (got == 0 || digest->part_bytes > digest->stamp.bytes)
            end_part(digest);
    }
}

static void on_slice(uv_work_t *work, int status);

static void next_slice(struct digest *digest)
{
    digest->work.data = digest;
    if (uv_queue_work(digest->loop, &digest->work, read_slice, on_slice) != 0)
        panic("uv_queue_work failed");
}

static void finish(struct digest *digest, const struct err *err)
{
    if (!err && digest->cache && digest->trusted && !digest->from_cache)
        cache_add(digest->cache, &digest->result);
    digest->done(digest->user, err ? NULL : &digest->result, err);
    digest_free(digest);
}

static void on_slice(uv_work_t *work, int status)
{
    struct digest *digest = work->data;
    struct err err = {0};

    (void)status;
    if (digest->cancelled) {
        digest_free(digest);
        return;
    }
    if (digest->from_cache) {
        finish(digest, NULL);
        return;
    }
    if (!digest->ended) {
        if (digest->progress && digest->result.stamp.bytes > 0)
            digest->progress(
                digest->user, (double)digest->read_bytes / (double)digest->result.stamp.bytes);
        if (digest->cancelled) /* from inside progress() */
            digest_free(digest);
        else
            next_slice(digest);
        return;
    }
    if (digest->errnum) {
        err_code(&err, ERR_SYSTEM, "file_missing", NULL, "'%s' cannot be read: %s", digest->path,
            strerror(digest->errnum));
        finish(digest, &err);
    } else if (digest->changed) {
        err_code(
            &err, ERR_SYSTEM, "file_changed", NULL, "'%s' changed while it was read", digest->path);
        finish(digest, &err);
    } else {
        static const char HEX[] = "0123456789abcdef";
        uint8_t bytes[SHA256_BYTES];
        sha256_stream_finish(&digest->stream, bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            digest->result.sha256[2 * i] = HEX[bytes[i] >> 4];
            digest->result.sha256[2 * i + 1] = HEX[bytes[i] & 15];
        }
        finish(digest, NULL);
    }
}

bool digest_file(uv_loop_t *loop, const char *path, struct digest_cache *cache, bool always_hash,
    void (*progress)(void *user, double fraction),
    void (*done)(void *user, const struct digest_result *result, const struct err *err), void *user,
    struct digest **ret_digest, struct err *err)
{
    struct digest *digest = calloc(1, sizeof *digest);
    const struct known *known;

    if (!digest || !(digest->space = malloc(READ_BYTES)))
        panic("no memory");
    digest->loop = loop;
    digest->cache = cache;
    digest->progress = progress;
    digest->done = done;
    digest->user = user;
    digest->fd = -1;
    sha256_stream_init(&digest->stream);
    if (!part_path(path, 1, digest->path, err) || !parts_of(path, &digest->parts, err) ||
        !digest_stamp_of_path(path, &digest->result.stamp, err) || !open_part(digest, err)) {
        digest_free(digest);
        return false;
    }
    known = cache && !always_hash ? cache_find(cache, &digest->result.stamp) : NULL;
    if (known) {
        digest->from_cache = digest->result.from_cache = true;
        memcpy(digest->result.sha256, known->sha256, sizeof digest->result.sha256);
    } else if (cache) {
        cache->reads++;
    }
    digest->trusted = clock_civil_ms() - digest->result.stamp.ctime_ns / 1000000 >= DIGEST_RACY_MS;
    next_slice(digest);
    *ret_digest = digest;
    return true;
}

void digest_cancel(struct digest **at)
{
    if (*at)
        (*at)->cancelled = true; /* freed when its worker is back */
    *at = NULL;
}
