/* SPDX-License-Identifier: Apache-2.0 */
#include "archive_inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES (sizeof ARCHIVE_HEAD - 1)

struct archive {
    char path[PATH_MAX];
    int fd;
    json_t *manifest;
    struct buf sealed, text; /* of one chunk, kept */
};

static bool broken(struct err *err, const char *path, const char *what)
{
    return err_code(err, ERR_INPUT, "backup_broken", NULL,
        "the backup '%.200s' is damaged: %s; nothing was written; take another copy of it", path,
        what);
}

/* Exactly so many bytes. */
static bool get(struct archive *archive, uint64_t at, void *bytes, size_t count, struct err *err)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = pread(archive->fd, (char *)bytes + done, count - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(
                err, ERR_SYSTEM, "cannot read the backup '%s': %s", archive->path, strerror(errno));
        if (got == 0)
            return broken(err, archive->path, "it is cut off");
        done += (size_t)got;
    }
    return true;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

/* Head and end: where the manifest lies, and that it is for this key. */
static bool read_end(struct archive *archive, const struct recovery_key *key, uint64_t size,
    uint8_t ret_end[ARCHIVE_END_BYTES], struct err *err)
{
    char head[HEAD_BYTES], key_id[KEY_ID_BYTES];

    if (size < HEAD_BYTES + SEAL_TAG_BYTES + ARCHIVE_END_BYTES)
        return broken(err, archive->path, "it is too short to be one");
    if (!get(archive, 0, head, sizeof head, err) ||
        !get(archive, size - ARCHIVE_END_BYTES, ret_end, ARCHIVE_END_BYTES, err))
        return false;
    if (memcmp(head, ARCHIVE_HEAD, sizeof head) != 0)
        return broken(err, archive->path, "it does not begin like a backup of a logic node");
    if (memcmp(ret_end + ARCHIVE_MAGIC_AT, ARCHIVE_MAGIC, 8) != 0)
        return broken(err, archive->path, "its end is missing");
    key_id_of(key->public_half, key_id);
    if (memcmp(ret_end + ARCHIVE_KEY_ID_AT, key_id, KEY_ID_BYTES - 1) != 0) {
        char wanted[KEY_ID_BYTES] = "";
        for (size_t i = 0; i < KEY_ID_BYTES - 1; i++) {
            char c = (char)ret_end[ARCHIVE_KEY_ID_AT + i];
            wanted[i] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? c : '?';
        }
        return err_code(err, ERR_INPUT, "other_recovery_key", NULL,
            "this backup is closed to recovery key %s, what you gave is %s: find the other paper",
            wanted, key_id);
    }
    return true;
}

static bool read_manifest(struct archive *archive, const struct recovery_key *key, struct err *err)
{
    scoped(buf_done) struct buf sealed = buf_of(BACKUP_MANIFEST_BYTES_MAX + 1024);
    scoped(buf_done) struct buf text = buf_of(BACKUP_MANIFEST_BYTES_MAX + 1024);
    uint8_t end[ARCHIVE_END_BYTES];
    char beside[HEAD_BYTES + ARCHIVE_END_BYTES];
    struct stat seen;
    uint64_t chunks;

    if (fstat(archive->fd, &seen) != 0 || !S_ISREG(seen.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is no file", archive->path);
    uint64_t size = (uint64_t)seen.st_size;
    if (!read_end(archive, key, size, end, err))
        return false;
    uint64_t at = get_u64(end + ARCHIVE_OFFSET_AT), last = size - ARCHIVE_END_BYTES;
    if (at < HEAD_BYTES || at > last || last - at > BACKUP_MANIFEST_BYTES_MAX + SEAL_TAG_BYTES)
        return broken(err, archive->path, "its list is not where it should be");
    char *room = buf_room(&sealed, last - at + 1);
    check(room);
    if (!get(archive, at, room, last - at, err))
        return false;
    sealed.len = last - at;
    memcpy(beside, ARCHIVE_HEAD, HEAD_BYTES);
    memcpy(beside + HEAD_BYTES, end, sizeof end);
    if (!seal_open_text(key, end, (struct str){beside, sizeof beside}, buf_str(&sealed), &text))
        return broken(err, archive->path, "its list was changed");
    if (!manifest_read(buf_str(&text), &archive->manifest, &chunks, err))
        return false;
    if (chunks != at - HEAD_BYTES)
        return broken(err, archive->path, "it holds more or fewer bytes than its list says");
    return true;
}

bool archive_open(
    const char *path, const struct recovery_key *key, struct archive **ret_archive, struct err *err)
{
    scoped(archive_close) struct archive *archive = calloc(1, sizeof *archive);

    check(archive);
    archive->sealed = buf_of(SEAL_SEALED_BYTES_MAX);
    archive->text = buf_of(SEAL_CHUNK_BYTES_MAX + 1);
    snprintf(archive->path, sizeof archive->path, "%s", path);
    archive->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (archive->fd < 0)
        return err_set(err, ERR_INPUT, "cannot open the backup '%s': %s", path, strerror(errno));
    if (!read_manifest(archive, key, err))
        return false;
    *ret_archive = archive;
    archive = NULL;
    return true;
}

void archive_close(struct archive **archive)
{
    if (!*archive)
        return;
    fd_done(&(*archive)->fd);
    json_decref((*archive)->manifest);
    buf_done(&(*archive)->sealed);
    buf_done(&(*archive)->text);
    free(*archive);
    *archive = NULL;
}

const json_t *archive_manifest(const struct archive *archive)
{
    return archive->manifest;
}

/* The next chunk's text into archive->text; *at goes on behind it. */
static bool open_chunk(struct archive *archive, const struct backup_file *file, const json_t *chunk,
    uint64_t text_len, uint64_t *at, struct err *err)
{
    size_t len = (size_t)json_integer_value(json_object_get(chunk, "sealed"));
    uint8_t key[SEAL_KEY_BYTES];
    char what[BACKUP_PATH_BYTES_MAX + 32];

    buf_clear(&archive->sealed);
    buf_clear(&archive->text);
    char *room = buf_room(&archive->sealed, len);
    check(room &&
          hex_decode(str_from(json_string_value(json_object_get(chunk, "key"))), sizeof key, key));
    if (!get(archive, *at, room, len, err))
        return false;
    archive->sealed.len = len;
    *at += len;
    if (seal_open_chunk(key, buf_str(&archive->sealed), text_len, &archive->text))
        return true;
    snprintf(what, sizeof what, "a byte of '%s' is wrong", file->path);
    return broken(err, archive->path, what);
}

static bool write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t done = write(fd, text.at, text.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text = (struct str){text.at + done, text.len - (size_t)done};
    }
    return true;
}

/* One file through its hash, and to `fd` where there is one. */
static bool read_file(
    struct archive *archive, const struct backup_file *file, int fd, uint64_t *at, struct err *err)
{
    scoped(sha256_stream_done) struct sha256_stream hash = {0};
    uint8_t digest[SHA256_BYTES];
    char digest_text[SHA256_HEX_BYTES];
    uint64_t left = file->bytes;
    size_t i;
    json_t *chunk;

    sha256_stream_init(&hash);
    json_array_foreach ((json_t *)file->chunks, i, chunk) {
        uint64_t len = left < SEAL_CHUNK_BYTES_MAX ? left : SEAL_CHUNK_BYTES_MAX;
        if (!open_chunk(archive, file, chunk, len, at, err))
            return false;
        left -= len;
        sha256_stream_add(&hash, buf_str(&archive->text));
        if (fd >= 0 && !write_all(fd, buf_str(&archive->text)))
            return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", file->path, strerror(errno));
    }
    sha256_stream_finish(&hash, digest);
    hex_encode(digest, sizeof digest, digest_text);
    if (str_eq(str_from(digest_text), str_from(file->sha256)))
        return true;
    return err_code(err, ERR_INPUT, "backup_malformed", NULL,
        "the backup is not believed: the hash of '%s' is another", file->path);
}

bool archive_check(struct archive *archive, struct err *err)
{
    uint64_t at = HEAD_BYTES;
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(archive->manifest, "files"), i, row) {
        struct backup_file file = manifest_file(row);
        if (!read_file(archive, &file, -1, &at, err))
            return false;
    }
    return true;
}

struct owner {
    uid_t uid;
    gid_t gid;
};

static bool give(int fd, bool is_nodes, const struct owner *owner)
{
    return !is_nodes || geteuid() != 0 || fchown(fd, owner->uid, owner->gid) == 0;
}

static bool unpack_file(struct archive *archive, int folder, const struct backup_file *file,
    const struct owner *owner, uint64_t *at, struct err *err)
{
    scoped(fd_done) int fd =
        openat(folder, file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot make '%s': %s", file->path, strerror(errno));
    if (!read_file(archive, file, fd, at, err))
        return false;
    if (!give(fd, file->is_nodes, owner) || fchmod(fd, (mode_t)file->mode) != 0 || fsync(fd) != 0)
        return err_set(err, ERR_SYSTEM, "cannot write '%s': %s", file->path, strerror(errno));
    return true;
}

static bool make_folders(const struct archive *archive, int folder, struct err *err)
{
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(archive->manifest, "folders"), i, row) {
        const char *path = json_string_value(json_object_get(row, "path"));
        if (mkdirat(folder, path, 0700) != 0)
            return err_set(err, ERR_SYSTEM, "cannot make '%s': %s", path, strerror(errno));
    }
    return true;
}

/* The last first, when all lies in them: a mode may forbid its own owner to write. */
static bool finish_folders(
    const struct archive *archive, int folder, const struct owner *owner, struct err *err)
{
    const json_t *rows = json_object_get(archive->manifest, "folders");

    for (size_t i = json_array_size(rows); i-- > 0;) {
        const json_t *row = json_array_get(rows, i);
        const char *path = json_string_value(json_object_get(row, "path"));
        mode_t mode = (mode_t)json_integer_value(json_object_get(row, "mode"));
        bool is_nodes = json_is_true(json_object_get(row, "nodes"));
        scoped(fd_done) int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || !give(fd, is_nodes, owner) || fchmod(fd, mode) != 0)
            return err_set(err, ERR_SYSTEM, "cannot make '%s': %s", path, strerror(errno));
    }
    return true;
}

bool archive_unpack(
    struct archive *archive, const char *folder, uid_t uid, gid_t gid, struct err *err)
{
    scoped(fd_done) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const struct owner owner = {uid, gid};
    uint64_t at = HEAD_BYTES;
    size_t i;
    json_t *row;

    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot open '%s': %s", folder, strerror(errno));
    if (!make_folders(archive, fd, err))
        return false;
    json_array_foreach (json_object_get(archive->manifest, "files"), i, row) {
        struct backup_file file = manifest_file(row);
        if (!unpack_file(archive, fd, &file, &owner, &at, err))
            return false;
    }
    if (!finish_folders(archive, fd, &owner, err))
        return false;
    (void)syncfs(fd);
    return true;
}
