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
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#define GZIP_HEAD 16 /* zlib: added to the window bits, it asks for gzip */

static const struct {
    struct str ending, type;
} TYPES[] = {
    {S(".html"), S("text/html; charset=utf-8")},
    {S(".js"), S("text/javascript; charset=utf-8")},
    {S(".mjs"), S("text/javascript; charset=utf-8")},
    {S(".css"), S("text/css; charset=utf-8")},
    {S(".json"), S("application/json")},
    {S(".webmanifest"), S("application/manifest+json")},
    {S(".svg"), S("image/svg+xml")},
    {S(".png"), S("image/png")},
    {S(".ico"), S("image/x-icon")},
    {S(".woff2"), S("font/woff2")},
    {S(".txt"), S("text/plain; charset=utf-8")},
};

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "   \
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "                \
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
/* Of what is no document: for the worker, which has the policy of its own script. */
#define POLICY_OF_PARTS                                                                            \
    "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for "        \
    "'script'"
/* Nothing of the machine but the passkeys. */
#define PERMISSIONS                                                                                \
    "publickey-credentials-get=(self), publickey-credentials-create=(self), accelerometer=(), "    \
    "autoplay=(), bluetooth=(), camera=(), display-capture=(), encrypted-media=(), "               \
    "fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), "    \
    "microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(), serial=(), "  \
    "usb=(), web-share=(), xr-spatial-tracking=()"
#define HSTS "max-age=31536000"

static struct str type_of(struct str name)
{
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (str_ends(name, TYPES[i].ending))
            return TYPES[i].type;
    return (struct str){0};
}

/* Pictures and fonts are compressed already. */
static bool compresses(struct str type)
{
    return str_starts(type, S("text/")) || str_starts(type, S("application/")) ||
           str_eq(type, S("image/svg+xml"));
}

/* The same bytes give the same text: the head has no name and no time. */
static void compress_file(struct page_file *file)
{
    z_stream z = {0};
    char digest[SHA256_HEX_BYTES];

    check(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEAD, 9,
              Z_DEFAULT_STRATEGY) == Z_OK);
    size_t room = deflateBound(&z, (uLong)file->len);
    char *to = malloc(room);
    check(to);
    z.next_in = (Bytef *)file->bytes;
    z.avail_in = (uInt)file->len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    check(deflate(&z, Z_FINISH) == Z_STREAM_END);
    file->gzip_len = z.total_out;
    deflateEnd(&z);
    if (file->gzip_len >= file->len) {
        free(to);
        return;
    }
    file->gzip = to;
    sha256_hex((struct str){to, file->gzip_len}, digest);
    snprintf(file->gzip_etag, sizeof file->gzip_etag, "\"%.32s\"", digest);
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
    if (compresses(type))
        compress_file(file);
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
    for (size_t i = 0; i < pages->count; i++) {
        free(pages->files[i].bytes);
        free(pages->files[i].gzip);
    }
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

static bool is_gzip(const struct page_file *file, struct page_form form)
{
    return form.gzip && file->gzip;
}

struct str page_bytes(const struct page_file *file, struct page_form form)
{
    return is_gzip(file, form) ? (struct str){file->gzip, file->gzip_len}
                               : (struct str){file->bytes, file->len};
}

/* What a window can be opened with; in pictures of this kind there may be scripts. */
static bool is_document(const struct page_file *file)
{
    return str_starts(file->type, S("text/html")) || str_eq(file->type, S("image/svg+xml"));
}

/* Modules and style sheets are many and small: their heads would be half of the page. */
size_t page_fields(
    const struct page_file *file, struct page_form form, struct http_field ret_fields[PAGE_FIELDS])
{
    static const struct http_field OF_DOCUMENTS[] = {
        {S("Content-Security-Policy"), S(POLICY)},
        {S("Permissions-Policy"), S(PERMISSIONS)},
        {S("X-Frame-Options"), S("DENY")},
        {S("Referrer-Policy"), S("no-referrer")},
        {S("Cross-Origin-Opener-Policy"), S("same-origin")},
    };
    static const struct http_field OF_PARTS[] = {
        {S("Content-Security-Policy"), S(POLICY_OF_PARTS)}};
    const struct http_field fields[] = {
        {S("X-Content-Type-Options"), S("nosniff")},
        {S("Cross-Origin-Resource-Policy"), S("same-origin")},
        {S("Cache-Control"), S("no-cache")},
        /* of "/" there is another answer for who reads no HTML */
        {S("Vary"), S("Accept, Accept-Encoding")},
        {S("ETag"), str_from(is_gzip(file, form) ? file->gzip_etag : file->etag)},
    };
    bool document = is_document(file);
    size_t count = document ? COUNT(OF_DOCUMENTS) : COUNT(OF_PARTS);

    _Static_assert(
        COUNT(OF_DOCUMENTS) + COUNT(fields) + 2 == PAGE_FIELDS, "two more are sent at times");
    memcpy(ret_fields, document ? OF_DOCUMENTS : OF_PARTS, count * sizeof *fields);
    memcpy(ret_fields + count, fields, sizeof fields);
    count += COUNT(fields);
    if (is_gzip(file, form))
        ret_fields[count++] = (struct http_field){S("Content-Encoding"), S("gzip")};
    if (form.tls)
        ret_fields[count++] = (struct http_field){S("Strict-Transport-Security"), S(HSTS)};
    return count;
}

/* --- what a client says -------------------------------------------------------------------- */

/* "0", "0.", "0.000": not wanted. */
static bool is_zero(struct str q)
{
    if (!q.len || q.at[0] != '0')
        return false;
    for (size_t i = 1; i < q.len; i++)
        if (q.at[i] != (i == 1 ? '.' : '0'))
            return false;
    return true;
}

bool page_takes_gzip(struct str header)
{
    bool named = false, takes = false, others = false;

    while (header.len) {
        struct str weight, name, value, item = str_cut(header, ',', &header);
        struct str coding = str_trim(str_cut(item, ';', &weight));
        name = str_trim(str_cut(weight, '=', &value));
        bool wanted = !(str_eq_nocase(name, S("q")) && is_zero(str_trim(value)));
        if (str_eq_nocase(coding, S("gzip")) || str_eq_nocase(coding, S("x-gzip"))) {
            takes = named ? takes && wanted : wanted;
            named = true;
        } else if (str_eq(coding, S("*"))) {
            others = wanted;
        }
    }
    return named ? takes : others;
}

bool page_known(struct str header, struct str etag)
{
    while (header.len) {
        struct str item = str_trim(str_cut(header, ',', &header));
        if (str_starts(item, S("W/")))
            item = (struct str){item.at + 2, item.len - 2};
        if (str_eq(item, etag) || str_eq(item, S("*")))
            return true;
    }
    return false;
}
