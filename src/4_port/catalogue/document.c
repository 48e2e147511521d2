/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/document.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"
#include "json/json_text.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STEP_MS 20
#define SCHEMA_SHOWN_BYTES 80

static const char *schema_of(const json_t *document)
{
    const char *schema = json_string_value(json_object_get(document, "schema"));

    return schema ? schema : "";
}

static json_t *blank_of(const struct document_form *form)
{
    struct err err;
    json_t *blank = NULL;

    if (!json_read(str_from(form->blank), form->bytes_max, &blank, &err) || !*schema_of(blank))
        panic("a document form's blank is no document: %s", form->blank);
    return blank;
}

bool document_parse(struct str text, const char *name, const struct document_form *form,
    json_t **ret_document, struct err *err)
{
    scoped(json_done) json_t *blank = blank_of(form);
    scoped(json_done) json_t *document = NULL;

    if (!json_read(text, form->bytes_max, &document, err))
        return err_wrap(err, "'%s'", name);
    if (strcmp(schema_of(document), schema_of(blank)) != 0)
        return err_code(err, ERR_INPUT, "unknown_schema", "schema",
            "'%s' says schema '%.*s'; this program reads '%s': use the program that wrote it, or "
            "move it away",
            name, SCHEMA_SHOWN_BYTES, schema_of(document), schema_of(blank));
    if (form->valid && !form->valid(document, err))
        return err_wrap(err, "'%s'", name);
    *ret_document = document;
    document = NULL;
    return true;
}

bool document_read(
    const char *path, const struct document_form *form, json_t **ret_document, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(form->bytes_max);

    if (access(path, F_OK) != 0 && errno == ENOENT) {
        *ret_document = blank_of(form);
        return true;
    }
    if (!file_read(path, &text, err)) {
        if (err->kind == ERR_LIMIT)
            (void)snprintf(err->code, sizeof err->code, "too_large");
        return false;
    }
    return document_parse(buf_str(&text), path, form, ret_document, err);
}

static bool io_failed(const char *doing, const char *path, int why, struct err *err)
{
    bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;

    return err_code(err, ERR_SYSTEM, full ? "no_room" : "document_io", NULL, "cannot %s '%s': %s",
        doing, path, strerror(why));
}

/* Another writer is done in milliseconds: looking again is enough, and has an end. */
static bool lock_document(const char *path, int *ret_fd, struct err *err)
{
    char name[PATH_MAX];
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    int64_t until_ms = clock_steady_ms() + DOCUMENT_LOCK_WAIT_MS;

    if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name)
        return err_set(err, ERR_LIMIT, "path '%s' is longer than %d bytes", path, PATH_MAX);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return io_failed("open", name, errno, err);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        if (why != EWOULDBLOCK && why != EINTR) {
            fd_done(&fd);
            return io_failed("lock", name, why, err);
        }
        if (clock_steady_ms() >= until_ms) {
            fd_done(&fd);
            return err_code(err, ERR_SYSTEM, "document_busy", NULL,
                "'%s' is being changed by another program for more than %d ms: try again", path,
                DOCUMENT_LOCK_WAIT_MS);
        }
        (void)nanosleep(&step, NULL);
    }
    *ret_fd = fd;
    return true;
}

static bool write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        text = (struct str){text.at + put, text.len - (size_t)put};
    }
    return true;
}

static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path);
    scoped(fd_done) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder >= 0 && fsync(folder) == 0;
}

static bool replace(const char *path, mode_t mode, struct str text, struct err *err)
{
    char fresh[PATH_MAX];

    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return err_set(err, ERR_LIMIT, "path '%s' is longer than %d bytes", path, PATH_MAX);
    /* What a killed writer left may have other rights: begin with no file. */
    if (unlink(fresh) != 0 && errno != ENOENT)
        return io_failed("remove", fresh, errno, err);
    scoped(fd_done) int fd =
        open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return io_failed("write", fresh, errno, err);
    if (!write_all(fd, text) || fsync(fd) != 0 || rename(fresh, path) != 0) {
        int why = errno;
        (void)unlink(fresh);
        return io_failed("replace", path, why, err);
    }
    return sync_folder_of(path) || io_failed("sync the folder of", path, errno, err);
}

bool document_change(const char *path, const struct document_form *form, document_edit *edit,
    void *context, struct err *err)
{
    scoped(fd_done) int lock = -1;
    scoped(json_done) json_t *document = NULL;
    scoped(json_done) json_t *before = NULL;
    scoped(json_done) json_t *again = NULL;
    scoped(buf_done) struct buf text = buf_of(form->bytes_max);

    if (!lock_document(path, &lock, err) || !document_read(path, form, &document, err))
        return false;
    before = json_deep_copy(document);
    if (!edit(document, context, err))
        return false;
    if (json_equal(before, document) && file_exists(path))
        return true;
    if (!json_plain(document, &text, err))
        return err_wrap(err, "'%s'", path);
    buf_add_char(&text, '\n');
    if (text.overflowed)
        return err_code(err, ERR_LIMIT, "too_large", NULL,
            "'%s' would be longer than %zu bytes: remove entries first", path, form->bytes_max);
    /* Read back before it is written: what we could not read again is never put in its place. */
    if (!document_parse(buf_str(&text), path, form, &again, err))
        return false;
    return replace(path, form->mode ? form->mode : DOCUMENT_MODE_STANDARD, buf_str(&text), err);
}

struct document_stamp document_stamp(const char *path)
{
    struct stat seen;

    if (stat(path, &seen) != 0)
        return (struct document_stamp){0};
    return (struct document_stamp){.device = (uint64_t)seen.st_dev,
        .inode = (uint64_t)seen.st_ino,
        .bytes = (uint64_t)seen.st_size,
        .changed_ns = (int64_t)seen.st_mtim.tv_sec * 1000000000 + seen.st_mtim.tv_nsec};
}

bool document_stamp_equal(const struct document_stamp *a, const struct document_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed_ns == b->changed_ns;
}
