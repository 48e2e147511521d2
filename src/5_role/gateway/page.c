/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/page.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct {
    struct str ending, type;
} TYPES[] = {
    {S(".html"), S("text/html; charset=utf-8")},
    {S(".js"), S("text/javascript; charset=utf-8")},
    {S(".css"), S("text/css; charset=utf-8")},
    {S(".json"), S("application/json")},
    {S(".svg"), S("image/svg+xml")},
    {S(".png"), S("image/png")},
    {S(".ico"), S("image/x-icon")},
    {S(".woff2"), S("font/woff2")},
    {S(".txt"), S("text/plain; charset=utf-8")},
};

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "   \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static struct str type_of(struct str name)
{
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (str_ends(name, TYPES[i].ending))
            return TYPES[i].type;
    return (struct str){0};
}

static bool add_file(
    struct pages *pages, const char *path, const char *tail, struct str type, struct err *err)
{
    scoped(buf_done) struct buf bytes = buf_of(PAGE_BYTES_MAX - pages->bytes);
    char digest[SHA256_HEX_BYTES];

    if (pages->count == PAGE_FILES_MAX || strlen(tail) >= PAGE_PATH_BYTES)
        return err_set(err, ERR_LIMIT,
            "the page's folder has more than %d files, or the name '%s' is too long",
            PAGE_FILES_MAX, path);
    if (!file_read(path, &bytes, err))
        return err_wrap(err, "the page (at most %d bytes in all)", PAGE_BYTES_MAX);
    struct page_file *file = &pages->files[pages->count++];
    snprintf(file->path, sizeof file->path, "%s", tail);
    file->type = type;
    sha256_hex(buf_str(&bytes), digest);
    snprintf(file->etag, sizeof file->etag, "\"%.32s\"", digest);
    file->len = bytes.len;
    pages->bytes += bytes.len;
    file->bytes = bytes.at;
    bytes = (struct buf){0};
    return true;
}

static void close_folder(DIR **at)
{
    if (*at)
        closedir(*at);
}

static bool add_folder(
    struct pages *pages, const char *folder, const char *tail, int depth, struct err *err)
{
    scoped(close_folder) DIR *dir = opendir(folder);
    const struct dirent *entry;

    if (!dir)
        return errno == ENOENT || err_set(err, ERR_SYSTEM, "cannot read the page's folder '%s': %s",
                                      folder, strerror(errno));
    while ((entry = readdir(dir))) {
        char path[PATH_MAX], below[PATH_MAX];
        struct stat what;
        struct str type = type_of(str_from(entry->d_name));
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path ||
            snprintf(below, sizeof below, "%s/%s", tail, entry->d_name) >= (int)sizeof below ||
            lstat(path, &what) != 0)
            continue;
        if (S_ISDIR(what.st_mode) && depth < PAGE_DEPTH_MAX &&
            !add_folder(pages, path, below, depth + 1, err))
            return false;
        if (S_ISREG(what.st_mode) && type.len && !add_file(pages, path, below, type, err))
            return false;
    }
    return true;
}

bool pages_load(const char *folder, struct pages *ret_pages, struct err *err)
{
    struct pages pages = {.files = calloc(PAGE_FILES_MAX, sizeof *pages.files)};

    check(pages.files);
    if (*folder && !add_folder(&pages, folder, "", 0, err)) {
        pages_done(&pages);
        return false;
    }
    *ret_pages = pages;
    return true;
}

void pages_done(struct pages *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        free(pages->files[i].bytes);
    free(pages->files);
    *pages = (struct pages){0};
}

const struct page_file *pages_find(const struct pages *pages, struct str path)
{
    struct str wanted = str_eq(path, S("/")) ? S("/index.html") : path;

    for (size_t i = 0; i < pages->count; i++)
        if (str_eq(str_from(pages->files[i].path), wanted))
            return &pages->files[i];
    return NULL;
}

void page_fields(const struct page_file *file, struct http_field ret_fields[PAGE_FIELDS])
{
    const struct http_field fields[PAGE_FIELDS] = {
        {S("Content-Security-Policy"), S(POLICY)},
        {S("X-Content-Type-Options"), S("nosniff")},
        {S("X-Frame-Options"), S("DENY")},
        {S("Referrer-Policy"), S("no-referrer")},
        {S("Cross-Origin-Opener-Policy"), S("same-origin")},
        {S("Cross-Origin-Resource-Policy"), S("same-origin")},
        {S("Cache-Control"), S("no-cache")},
        {S("Vary"), S("Accept")}, /* of "/" there is another answer for who reads no HTML */
        {S("ETag"), str_from(file->etag)},
    };
    memcpy(ret_fields, fields, sizeof fields);
}
