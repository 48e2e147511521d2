/* SPDX-License-Identifier: Apache-2.0 */
#include "history/spool.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "LNHIST1\n"
#define MARK_BYTES 8
#define NAME_BYTES 32
#define NAME_DIGITS 16
#define NUMBER_MAX (UINT64_MAX >> 2)

/* IEEE 802.3, four bits a step. */
static uint32_t crc_add(uint32_t crc, const void *bytes, size_t count)
{
    static const uint32_t STEPS[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190,
        0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *at = bytes;

    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc = (crc >> 4) ^ STEPS[(crc ^ at[i]) & 15];
        crc = (crc >> 4) ^ STEPS[(crc ^ (at[i] >> 4)) & 15];
    }
    return ~crc;
}

static void head_make(uint32_t samples, struct str body, uint8_t ret_head[SPOOL_HEAD_BYTES])
{
    uint32_t words[3] = {htole32(samples), htole32((uint32_t)body.len), 0};
    uint32_t crc = crc_add(crc_add(0, words, 8), body.at, body.len);

    words[2] = htole32(crc);
    memcpy(ret_head, MARK, MARK_BYTES);
    memcpy(ret_head + MARK_BYTES, words, sizeof words);
}

/* What the head says, if it is one; the CRC is looked at elsewhere. */
static bool head_read(const uint8_t head[SPOOL_HEAD_BYTES], struct spool_file *file)
{
    uint32_t words[2];

    memcpy(words, head + MARK_BYTES, sizeof words);
    file->samples = le32toh(words[0]);
    file->bytes = le32toh(words[1]);
    return memcmp(head, MARK, MARK_BYTES) == 0 && file->bytes <= SPOOL_BODY_BYTES_MAX;
}

static void name_of(uint64_t number, const char *end, char ret_name[NAME_BYTES])
{
    snprintf(ret_name, NAME_BYTES, "%016" PRIx64 ".batch%s", number, end);
}

/* NUMBER.batch, or NUMBER.batch.new of a write that did not end. */
static bool number_from(const char *name, uint64_t *ret_number, bool *ret_new)
{
    uint64_t number = 0;

    for (size_t i = 0; i < NAME_DIGITS; i++) {
        char c = name[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            return false;
        number = number << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    struct str end = str_from(name + NAME_DIGITS);
    *ret_new = str_eq(end, S(".batch.new"));
    *ret_number = number;
    return number <= NUMBER_MAX && (*ret_new || str_eq(end, S(".batch")));
}

static uint64_t on_disk(uint32_t bytes)
{
    uint64_t all = (uint64_t)bytes + SPOOL_HEAD_BYTES;

    return (all + SPOOL_BLOCK_BYTES - 1) / SPOOL_BLOCK_BYTES * SPOOL_BLOCK_BYTES;
}

/* --- the ring ---------------------------------------------------------------------------- */

static struct spool_file *file_at(const struct spool *spool, size_t i)
{
    return &spool->files[(spool->first + i) % spool->room];
}

static void put(struct spool *spool, struct spool_file file, bool in_front)
{
    if (spool->count == spool->room) {
        size_t room = spool->room ? spool->room * 2 : 64;
        struct spool_file *files = calloc(room, sizeof *files);
        check(files);
        for (size_t i = 0; i < spool->count; i++)
            files[i] = *file_at(spool, i);
        free(spool->files);
        spool->files = files;
        spool->room = room;
        spool->first = 0;
    }
    if (in_front)
        spool->first = (spool->first + spool->room - 1) % spool->room;
    spool->count++;
    *file_at(spool, in_front ? 0 : spool->count - 1) = file;
    spool->bytes += on_disk(file.bytes);
    spool->samples += file.samples;
}

/* Out of the ring and off the disk; i is 0 or 1. */
static struct spool_file cut(struct spool *spool, size_t i)
{
    struct spool_file file = *file_at(spool, i);
    char name[NAME_BYTES];

    if (i)
        *file_at(spool, 1) = *file_at(spool, 0);
    spool->first = (spool->first + 1) % spool->room;
    spool->count--;
    spool->bytes -= on_disk(file.bytes);
    spool->samples -= file.samples;
    name_of(file.number, "", name);
    (void)unlinkat(spool->folder, name, 0);
    return file;
}

static void count_dropped(struct spool *spool, uint32_t samples)
{
    spool->counts->batches_dropped++;
    spool->counts->samples_dropped += samples;
}

/* Drop the oldest until so many bytes have room; false: they cannot have it. */
static bool make_room(struct spool *spool, uint64_t bytes)
{
    if (bytes > spool->bytes_max) /* it can never have room: no reason to drop others */
        return false;
    while (spool->bytes + bytes > spool->bytes_max && spool->count > (spool->held ? 1 : 0))
        count_dropped(spool, cut(spool, spool->held).samples);
    return spool->bytes + bytes <= spool->bytes_max;
}

/* --- opening ----------------------------------------------------------------------------- */

/* Does the file look whole, by its head and its size? */
static bool look(struct spool *spool, const char *name, struct spool_file *file)
{
    scoped(fd_done) int fd =
        openat(spool->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t head[SPOOL_HEAD_BYTES];
    struct stat what;

    return fd >= 0 && fstat(fd, &what) == 0 && S_ISREG(what.st_mode) &&
           read(fd, head, sizeof head) == (ssize_t)sizeof head && head_read(head, file) &&
           what.st_size == (off_t)file->bytes + SPOOL_HEAD_BYTES;
}

static void take_over_one(struct spool *spool, const char *name)
{
    struct spool_file file = {0};
    bool is_new;

    if (!number_from(name, &file.number, &is_new))
        return;
    if (is_new) {
        (void)unlinkat(spool->folder, name, 0);
        spool->counts->files_torn++;
        return;
    }
    if (file.number >= spool->next)
        spool->next = file.number + 1;
    if (look(spool, name, &file)) {
        put(spool, file, false);
        return;
    }
    (void)unlinkat(spool->folder, name, 0);
    spool->counts->files_torn++;
}

static int by_number(const void *a, const void *b)
{
    const struct spool_file *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static bool take_over(struct spool *spool, const char *path, struct err *err)
{
    int copy = fcntl(spool->folder, F_DUPFD_CLOEXEC, 0);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);

    if (!folder) {
        err_set(err, ERR_SYSTEM, "cannot read the folder '%s': %s", path, strerror(errno));
        if (copy >= 0)
            close(copy);
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        take_over_one(spool, entry->d_name);
    closedir(folder);
    if (spool->count) /* the ring begins at 0 so far */
        qsort(spool->files, spool->count, sizeof *spool->files, by_number);
    spool->counts->samples_found = spool->samples;
    (void)make_room(spool, 0);
    return true;
}

bool spool_open(struct spool *spool, const char *path, uint64_t bytes_max,
    struct history_counts *counts, struct err *err)
{
    *spool = (struct spool){.folder = -1, .next = 1, .bytes_max = bytes_max, .counts = counts};
    if (!file_make_folder(path, 0700, err))
        return false;
    spool->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder < 0)
        return err_set(err, ERR_SYSTEM, "cannot open the folder '%s': %s", path, strerror(errno));
    if (flock(spool->folder, LOCK_EX | LOCK_NB) != 0)
        err_set(err, ERR_SYSTEM, "the folder '%s' is in use by another process", path);
    else if (take_over(spool, path, err))
        return true;
    spool_close(spool);
    return false;
}

void spool_close(struct spool *spool)
{
    fd_done(&spool->folder);
    free(spool->files);
    spool->files = NULL;
    spool->count = spool->room = 0;
}

/* --- batches ------------------------------------------------------------------------------- */

uint64_t spool_number(struct spool *spool)
{
    return spool->next++;
}

static bool write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t count = write(fd, text.at, text.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        text = (struct str){text.at + count, text.len - (size_t)count};
    }
    return true;
}

static bool write_file(struct spool *spool, uint64_t number, struct str body, uint32_t samples)
{
    char name[NAME_BYTES], fresh[NAME_BYTES];
    uint8_t head[SPOOL_HEAD_BYTES];

    name_of(number, "", name);
    name_of(number, ".new", fresh);
    head_make(samples, body, head);
    int fd =
        openat(spool->folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        spool->error = errno;
        return false;
    }
    bool good = write_all(fd, (struct str){(const char *)head, sizeof head}) && write_all(fd, body);
    int error = errno;
    bool closed = close(fd) == 0; /* a full disk may be told as late as here */
    errno = good ? errno : error;
    good = good && closed;
    if (good && renameat(spool->folder, fresh, spool->folder, name) == 0)
        return true;
    spool->error = errno ? errno : EIO;
    (void)unlinkat(spool->folder, fresh, 0);
    return false;
}

void spool_add(struct spool *spool, uint64_t number, struct str body, uint32_t samples)
{
    struct spool_file file = {number, samples, (uint32_t)body.len};
    bool oldest = spool->count && number < file_at(spool, 0)->number;
    uint64_t bytes = on_disk(file.bytes);

    check(body.len <= SPOOL_BODY_BYTES_MAX);
    if (oldest ? spool->bytes + bytes > spool->bytes_max : !make_room(spool, bytes)) {
        count_dropped(spool, samples);
        return;
    }
    if (!write_file(spool, number, body, samples)) {
        spool->counts->batches_lost++;
        spool->counts->samples_lost += samples;
        return;
    }
    spool->counts->batches_spooled++;
    put(spool, file, oldest);
}

/* The whole file, if it is what the ring says and its CRC is right. */
static bool load(struct spool *spool, const struct spool_file *file, struct buf *body)
{
    char name[NAME_BYTES];
    uint8_t head[SPOOL_HEAD_BYTES], want[SPOOL_HEAD_BYTES];
    size_t got = 0;

    name_of(file->number, "", name);
    scoped(fd_done) int fd =
        openat(spool->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || read(fd, head, sizeof head) != (ssize_t)sizeof head)
        return false;
    buf_clear(body);
    char *room = buf_room(body, file->bytes);
    check(room || file->bytes == 0);
    while (got < file->bytes) {
        ssize_t count = read(fd, room + got, file->bytes - got);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    body->len = got;
    head_make(file->samples, buf_str(body), want);
    return memcmp(head, want, sizeof head) == 0;
}

bool spool_hold(struct spool *spool, struct buf *body, uint32_t *ret_samples)
{
    check(!spool->held);
    while (spool->count) {
        struct spool_file file = *file_at(spool, 0);
        if (load(spool, &file, body)) {
            spool->held = true;
            *ret_samples = file.samples;
            return true;
        }
        cut(spool, 0);
        spool->counts->files_torn++;
        spool->counts->samples_torn += file.samples;
    }
    return false;
}

void spool_release(struct spool *spool, bool done)
{
    check(spool->held);
    spool->held = false;
    if (done)
        cut(spool, 0);
}
