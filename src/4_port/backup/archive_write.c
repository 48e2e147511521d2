/* SPDX-License-Identifier: Apache-2.0 */
#include "archive_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/fd.h"
#include "json/json_text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct archive_writer {
    char path[PATH_MAX], fresh[PATH_MAX];
    int fd;
    struct str secret;
    json_t *folders, *files;
    uint64_t bytes, sealed; /* of the files; of their chunks */
};

static bool put(struct archive_writer *writer, struct str bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t done = write(writer->fd, bytes.at, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_set(err, ERR_SYSTEM, "cannot write the backup '%s': %s", writer->fresh,
                strerror(errno));
        bytes = (struct str){bytes.at + done, bytes.len - (size_t)done};
    }
    return true;
}

bool archive_create(
    const char *path, struct str secret, struct archive_writer **ret_writer, struct err *err)
{
    scoped(archive_drop) struct archive_writer *writer = calloc(1, sizeof *writer);

    check(writer);
    writer->fd = -1;
    if (snprintf(writer->path, sizeof writer->path, "%s", path) >= PATH_MAX - 8 ||
        snprintf(writer->fresh, sizeof writer->fresh, "%s.new", path) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", path);
    writer->fd = open(writer->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (writer->fd < 0 && errno == EEXIST)
        return err_set(err, ERR_INPUT,
            "'%s' is there: another backup is being made, or one was cut off; then remove it",
            writer->fresh);
    if (writer->fd < 0)
        return err_set(
            err, ERR_SYSTEM, "cannot write the backup '%s': %s", writer->fresh, strerror(errno));
    writer->secret = secret;
    writer->folders = json_array();
    writer->files = json_array();
    if (!put(writer, S(ARCHIVE_HEAD), err))
        return false;
    *ret_writer = writer;
    writer = NULL;
    return true;
}

void archive_drop(struct archive_writer **writer)
{
    if (!*writer)
        return;
    if ((*writer)->fd >= 0)
        (void)unlink((*writer)->fresh);
    fd_done(&(*writer)->fd);
    json_decref((*writer)->folders);
    json_decref((*writer)->files);
    free(*writer);
    *writer = NULL;
}

void archive_add_folder(struct archive_writer *writer, const char *path, mode_t mode, bool is_nodes)
{
    json_array_append_new(writer->folders,
        json_pack("{s:s, s:i, s:b}", "path", path, "mode", (int)(mode & 0777), "nodes", is_nodes));
}

/* Fills `text` up to one chunk; short only at the end of the file. */
static bool fill(int from, const char *name, struct buf *text, struct err *err)
{
    buf_clear(text);
    while (text->len < SEAL_CHUNK_BYTES_MAX) {
        size_t room = SEAL_CHUNK_BYTES_MAX - text->len;
        char *at = buf_room(text, room);
        check(at);
        ssize_t got = read(from, at, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "cannot read '%s': %s", name, strerror(errno));
        if (got == 0)
            break;
        text->len += (size_t)got;
    }
    return true;
}

static bool add_chunk(
    struct archive_writer *writer, struct str text, json_t *chunks, struct err *err)
{
    scoped(buf_done) struct buf sealed = buf_of(SEAL_SEALED_BYTES_MAX);
    uint8_t key[SEAL_KEY_BYTES];
    char key_text[HEX_BYTES(SEAL_KEY_BYTES)];

    seal_chunk(writer->secret, text, key, &sealed);
    hex_encode(key, sizeof key, key_text);
    json_array_append_new(
        chunks, json_pack("{s:i, s:s}", "sealed", (int)sealed.len, "key", key_text));
    writer->sealed += sealed.len;
    return put(writer, buf_str(&sealed), err);
}

bool archive_add_file(struct archive_writer *writer, const char *path, mode_t mode, bool is_nodes,
    const char *from, struct err *err)
{
    scoped(fd_done) int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    scoped(buf_done) struct buf text = buf_of(SEAL_CHUNK_BYTES_MAX);
    scoped(sha256_stream_done) struct sha256_stream hash = {0};
    scoped(json_done) json_t *chunks = json_array();
    uint8_t digest[SHA256_BYTES];
    char digest_text[SHA256_HEX_BYTES];
    uint64_t bytes = 0;

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot open '%s': %s", from, strerror(errno));
    sha256_stream_init(&hash);
    do {
        if (!fill(fd, from, &text, err))
            return false;
        if (!text.len)
            break;
        bytes += text.len;
        if ((writer->bytes += text.len) > BACKUP_BYTES_MAX)
            return err_code(err, ERR_LIMIT, "backup_too_large", NULL,
                "with '%s' the backup would hold more than %lld bytes: that is no small part of a "
                "node; `logicctl backup list` says what is large",
                from, (long long)BACKUP_BYTES_MAX);
        sha256_stream_add(&hash, buf_str(&text));
        if (!add_chunk(writer, buf_str(&text), chunks, err))
            return false;
    } while (text.len == SEAL_CHUNK_BYTES_MAX);
    sha256_stream_finish(&hash, digest);
    hex_encode(digest, sizeof digest, digest_text);
    json_array_append_new(
        writer->files, json_pack("{s:s, s:i, s:b, s:I, s:s, s:O}", "path", path, "mode",
                           (int)(mode & 0777), "nodes", is_nodes, "bytes", (json_int_t)bytes,
                           "sha256", digest_text, "chunks", chunks));
    return true;
}

static void put_u64(uint64_t number, uint8_t *at)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (uint8_t)number;
}

/* The end, and the same as what stands beside the manifest. */
static bool close_manifest(struct archive_writer *writer, const uint8_t recovery[SEAL_KEY_BYTES],
    struct str text, struct buf *sealed, struct err *err)
{
    struct seal_ephemeral ephemeral;
    uint8_t end[ARCHIVE_END_BYTES];
    char beside[sizeof ARCHIVE_HEAD - 1 + ARCHIVE_END_BYTES], key_id[KEY_ID_BYTES];

    seal_ephemeral_make(&ephemeral);
    key_id_of(recovery, key_id);
    memcpy(end, ephemeral.public_half, SEAL_KEY_BYTES);
    memcpy(end + ARCHIVE_KEY_ID_AT, key_id, KEY_ID_BYTES - 1);
    put_u64(sizeof ARCHIVE_HEAD - 1 + writer->sealed, end + ARCHIVE_OFFSET_AT);
    memcpy(end + ARCHIVE_MAGIC_AT, ARCHIVE_MAGIC, 8);
    memcpy(beside, ARCHIVE_HEAD, sizeof ARCHIVE_HEAD - 1);
    memcpy(beside + sizeof ARCHIVE_HEAD - 1, end, sizeof end);
    if (!seal_text(&ephemeral, recovery, (struct str){beside, sizeof beside}, text, sealed, err))
        return false;
    buf_add(sealed, (struct str){(const char *)end, sizeof end});
    check(!sealed->overflowed);
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

bool archive_finish(struct archive_writer *writer, const uint8_t recovery[SEAL_KEY_BYTES],
    const json_t *about, uint64_t *ret_bytes, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(BACKUP_MANIFEST_BYTES_MAX);
    scoped(buf_done) struct buf sealed = buf_of(BACKUP_MANIFEST_BYTES_MAX + 1024);
    scoped(json_done) json_t *manifest = json_pack("{s:s, s:O, s:O, s:O}", "schema", BACKUP_SCHEMA,
        "about", about, "folders", writer->folders, "files", writer->files);
    scoped(json_done) json_t *again = NULL;
    uint64_t chunks = 0;

    check(manifest);
    if (!json_canonical(manifest, &text, err))
        return err_wrap(err, "the list of the backup");
    /* What could not be read back is not written. */
    if (!manifest_read(buf_str(&text), &again, &chunks, err) ||
        !close_manifest(writer, recovery, buf_str(&text), &sealed, err) ||
        !put(writer, buf_str(&sealed), err))
        return false;
    if (fsync(writer->fd) != 0 || rename(writer->fresh, writer->path) != 0)
        return err_set(
            err, ERR_SYSTEM, "cannot write the backup '%s': %s", writer->path, strerror(errno));
    fd_done(&writer->fd);
    sync_folder_of(writer->path);
    *ret_bytes = sizeof ARCHIVE_HEAD - 1 + writer->sealed + sealed.len;
    return true;
}
