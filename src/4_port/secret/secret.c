/* SPDX-License-Identifier: Apache-2.0 */
#include "secret/secret.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"
#include "secret/secret_forms.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "secret:"
#define WHOLE_TEXT_GONE "[gone]" /* shorter than any form */

struct used_secret {
    char handle[SECRET_HANDLE_BYTES_MAX + 1];
    struct secret_forms forms; /* the first is the value */
};

struct secret_store {
    char *folder;
    pthread_mutex_t lock;
    struct used_secret *used[SECRETS_USED_MAX];
    size_t count;
};

struct secret_store *secret_open(const char *folder)
{
    struct secret_store *store = calloc(1, sizeof *store);

    check(store);
    store->folder = str_dup(str_from(folder));
    check(pthread_mutex_init(&store->lock, NULL) == 0);
    return store;
}

void secret_close(struct secret_store **store)
{
    if (!*store)
        return;
    for (size_t i = 0; i < (*store)->count; i++) {
        secret_forms_done(&(*store)->used[i]->forms);
        free((*store)->used[i]);
    }
    pthread_mutex_destroy(&(*store)->lock);
    free((*store)->folder);
    free(*store);
    *store = NULL;
}

static bool segment_is_fine(struct str segment)
{
    for (size_t i = 0; i < segment.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", segment.at[i], 38))
            return false;
    return segment.len > 0;
}

bool secret_handle_check(struct str handle, struct err *err)
{
    struct str rest = handle;
    size_t segments = 0;
    bool fine = handle.len <= SECRET_HANDLE_BYTES_MAX && str_starts(handle, S(PREFIX)) &&
                !str_ends(handle, S("/"));

    if (fine)
        rest = (struct str){handle.at + sizeof PREFIX - 1, handle.len - (sizeof PREFIX - 1)};
    do {
        fine =
            fine && segment_is_fine(str_cut(rest, '/', &rest)) && ++segments <= SECRET_SEGMENTS_MAX;
    } while (fine && rest.len);
    if (!fine)
        return err_code(err, ERR_INPUT, "bad_handle", "secret",
            "this is no handle of a secret; it must be like secret:tsig/home, segments of a-z 0-9 "
            "_ -");
    return true;
}

static bool unsafe(struct str handle, const char *what, struct err *err)
{
    return err_code(err, ERR_SYSTEM, "unsafe_secret", "secret",
        "%.*s is not used: %s; folders must be 0700, files 0600, owned by us and no links",
        STR(handle), what);
}

/* What opened is ours alone, and of the kind that was asked for. */
static bool check_opened(int fd, mode_t kind, struct str handle, struct err *err)
{
    struct stat what;

    if (fstat(fd, &what) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at %.*s: %s", STR(handle), strerror(errno));
    if ((what.st_mode & S_IFMT) != kind)
        return unsafe(handle, kind == S_IFDIR ? "a part of it is no folder" : "it is no file", err);
    if (what.st_uid != geteuid())
        return unsafe(handle, "it belongs to somebody else", err);
    if (what.st_mode & 077)
        return unsafe(handle, "others may read it", err);
    return true;
}

static bool cannot_open(struct str handle, int why, struct err *err)
{
    if (why == ENOENT)
        return err_code(err, ERR_SYSTEM, "no_secret", "secret",
            "%.*s is not stored: put it, one line, into the file HOME/secrets/%.*s (mode 0600, "
            "its folders 0700, owner the node's user)",
            STR(handle), (int)(handle.len - (sizeof PREFIX - 1)), handle.at + sizeof PREFIX - 1);
    if (why == ELOOP || why == ENOTDIR)
        return unsafe(handle, "a part of it is a link or no folder", err);
    return err_set(err, ERR_SYSTEM, "cannot open %.*s: %s", STR(handle), strerror(why));
}

/* Walk down to the folder that holds the last segment; *ret_name is that segment. With `make`
 * missing ones are made. */
static bool open_folder(const char *root, struct str handle, bool make, int *ret_folder,
    char ret_name[SECRET_HANDLE_BYTES_MAX + 1], struct err *err)
{
    struct str rest = {handle.at + sizeof PREFIX - 1, handle.len - (sizeof PREFIX - 1)};
    scoped(fd_done) int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (;;) {
        struct str segment = str_cut(rest, '/', &rest);
        if (folder < 0)
            return cannot_open(handle, errno, err);
        if (!check_opened(folder, S_IFDIR, handle, err))
            return false;
        snprintf(ret_name, SECRET_HANDLE_BYTES_MAX + 1, "%.*s", STR(segment));
        if (rest.len == 0)
            break;
        if (make && mkdirat(folder, ret_name, 0700) != 0 && errno != EEXIST)
            return cannot_open(handle, errno, err);
        int next = openat(folder, ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int why = errno;
        fd_done(&folder);
        folder = next;
        errno = why;
    }
    *ret_folder = folder;
    folder = -1;
    return true;
}

/* Into `text` of SECRET_BYTES_MAX + 2 bytes; *ret_bytes without one line feed at the end. */
static bool read_value(
    struct secret_store *store, struct str handle, char *text, size_t *ret_bytes, struct err *err)
{
    char name[SECRET_HANDLE_BYTES_MAX + 1];
    scoped(fd_done) int folder = -1;
    size_t bytes = 0;

    if (!open_folder(store->folder, handle, false, &folder, name, err))
        return false;
    scoped(fd_done) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return cannot_open(handle, errno, err);
    if (!check_opened(fd, S_IFREG, handle, err))
        return false;
    for (;;) {
        ssize_t got = read(fd, text + bytes, SECRET_BYTES_MAX + 2 - bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "cannot read %.*s: %s", STR(handle), strerror(errno));
        if (got == 0)
            break;
        bytes += (size_t)got;
    }
    if (bytes > 0 && text[bytes - 1] == '\n')
        bytes--;
    if (bytes < SECRET_BYTES_MIN || bytes > SECRET_BYTES_MAX)
        return err_code(err, ERR_SYSTEM, "bad_secret", "secret",
            "%.*s does not have %d to %d bytes", STR(handle), SECRET_BYTES_MIN, SECRET_BYTES_MAX);
    *ret_bytes = bytes;
    return true;
}

/* With the lock held: the remembered value, remembered now if it is new. */
static bool remember(struct secret_store *store, struct str handle, struct str value,
    struct str *ret_value, struct err *err)
{
    for (size_t i = 0; i < store->count; i++) {
        struct used_secret *used = store->used[i];
        if (str_eq(str_from(used->handle), handle) && str_eq(used->forms.forms[0], value)) {
            *ret_value = used->forms.forms[0];
            return true;
        }
    }
    if (store->count == SECRETS_USED_MAX)
        return err_code(err, ERR_LIMIT, "too_many_secrets", "secret",
            "%d secrets were used since the start; restart this role before using more",
            SECRETS_USED_MAX);
    struct used_secret *used = calloc(1, sizeof *used);
    check(used);
    snprintf(used->handle, sizeof used->handle, "%.*s", STR(handle));
    secret_forms_init(&used->forms, value);
    store->used[store->count++] = used;
    *ret_value = used->forms.forms[0];
    return true;
}

bool secret_get(
    struct secret_store *store, struct str handle, struct str *ret_value, struct err *err)
{
    char text[SECRET_BYTES_MAX + 2];
    size_t bytes = 0;
    bool fine = secret_handle_check(handle, err) && read_value(store, handle, text, &bytes, err);

    if (fine) {
        pthread_mutex_lock(&store->lock);
        fine = remember(store, handle, (struct str){text, bytes}, ret_value, err);
        pthread_mutex_unlock(&store->lock);
    }
    explicit_bzero(text, sizeof text);
    return fine;
}

static bool write_value(int folder, const char *name, struct str value)
{
    static const char FRESH[] = ".new"; /* no handle has a dot */
    (void)unlinkat(folder, FRESH, 0);
    scoped(fd_done) int fd =
        openat(folder, FRESH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t at = 0;

    while (fd >= 0 && at < value.len) {
        ssize_t put = write(fd, value.at + at, value.len - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    return fd >= 0 && fsync(fd) == 0 && renameat(folder, FRESH, folder, name) == 0 &&
           fsync(folder) == 0;
}

bool secret_put(const char *folder, struct str handle, struct str value, struct err *err)
{
    char name[SECRET_HANDLE_BYTES_MAX + 1];
    scoped(fd_done) int at = -1;

    if (!secret_handle_check(handle, err))
        return false;
    if (value.len < SECRET_BYTES_MIN || value.len > SECRET_BYTES_MAX)
        return err_code(err, ERR_INPUT, "bad_secret", "value",
            "a secret has %d to %d bytes, not %zu; a shorter one could not be kept out of texts",
            SECRET_BYTES_MIN, SECRET_BYTES_MAX, value.len);
    if (!file_make_folder(folder, 0700, err) || !open_folder(folder, handle, true, &at, name, err))
        return false;
    if (!write_value(at, name, value))
        return err_set(err, ERR_SYSTEM, "cannot store %.*s: %s", STR(handle), strerror(errno));
    return true;
}

/* The longest form of any value at the head of `text`. */
static size_t match(
    const struct secret_store *store, struct str text, bool at_end, const char **ret_handle)
{
    size_t longest = 0;

    for (size_t i = 0; i < store->count; i++) {
        size_t bytes = secret_forms_match(&store->used[i]->forms, text, at_end);
        if (bytes > longest) {
            longest = bytes;
            *ret_handle = store->used[i]->handle;
        }
    }
    return longest;
}

static bool holds_a_form(const struct secret_store *store, struct str text)
{
    const char *ignored;

    for (; text.len; text = (struct str){text.at + 1, text.len - 1})
        if (match(store, text, false, &ignored))
            return true;
    return false;
}

void secret_scrub(struct secret_store *store, struct str text, struct buf *out)
{
    size_t start = out->len;
    const char *handle;

    pthread_mutex_lock(&store->lock);
    while (text.len) {
        size_t bytes = match(store, text, true, &handle);
        if (bytes)
            buf_printf(out, "[%s]", handle);
        else
            buf_add_char(out, *text.at);
        bytes += bytes == 0;
        text = (struct str){text.at + bytes, text.len - bytes};
    }
    /* what stands around a replaced value may make up another */
    struct str done = {buf_str(out).at + start, out->len - start};
    if (holds_a_form(store, done)) {
        out->len = start;
        buf_add(out, S(WHOLE_TEXT_GONE));
    }
    pthread_mutex_unlock(&store->lock);
}

static void scrub_field(struct secret_store *store, char *field, size_t bytes)
{
    scoped(buf_done) struct buf out = buf_of(ERR_MESSAGE_BYTES_MAX * (SECRET_HANDLE_BYTES_MAX + 2));

    secret_scrub(store, str_from(field), &out);
    struct str kept = buf_str(&out);
    if (kept.len >= bytes)
        kept = str_utf8_prefix((struct str){kept.at, bytes - 1});
    memcpy(field, kept.at, kept.len);
    field[kept.len] = '\0';
}

void secret_scrub_err(struct secret_store *store, struct err *err)
{
    scrub_field(store, err->message, sizeof err->message);
    scrub_field(store, err->code, sizeof err->code);
    scrub_field(store, err->param, sizeof err->param);
}

static json_t *scrub_text(struct secret_store *store, struct str text)
{
    scoped(buf_done) struct buf out =
        buf_of((text.len + 1) * (SECRET_HANDLE_BYTES_MAX + 2) + sizeof WHOLE_TEXT_GONE);

    secret_scrub(store, text, &out);
    json_t *scrubbed = json_stringn(out.len ? out.at : "", out.len);
    /* a form that began inside a character */
    return scrubbed ? scrubbed : json_string(WHOLE_TEXT_GONE);
}

json_t *secret_scrub_json(struct secret_store *store, const json_t *value)
{
    const char *key;
    json_t *part, *copy;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_STRING:
        return scrub_text(store, (struct str){json_string_value(value), json_string_length(value)});
    case JSON_ARRAY:
        copy = json_array();
        json_array_foreach (value, i, part)
            json_array_append_new(copy, secret_scrub_json(store, part));
        return copy;
    case JSON_OBJECT:
        copy = json_object();
        json_object_foreach ((json_t *)value, key, part) {
            scoped(json_done) json_t *clean = scrub_text(store, str_from(key));
            json_object_set_new(copy, json_string_value(clean), secret_scrub_json(store, part));
        }
        return copy;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return json_deep_copy(value);
}
