/* SPDX-License-Identifier: Apache-2.0
 *
 * page — the files of web/, read into memory before the sandbox closes: nothing is opened later.
 *
 * What is text is compressed once, when it is read, and sent so to whoever takes gzip; each form
 * has an ETag of its own.
 *
 * Served with a policy that lets a page load only from the node and be framed by nobody.
 *
 * owner    whoever holds the struct
 * limits   PAGE_FILES_MAX, PAGE_BYTES_MAX; a file of a type without a name here, or hidden, is not
 * read
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "http/http.h"

#include <stdbool.h>

#define PAGE_FILES_MAX 256
#define PAGE_BYTES_MAX (8 * 1024 * 1024) /* all of them together */
#define PAGE_DEPTH_MAX 4
#define PAGE_PATH_BYTES 256
#define PAGE_FIELDS 12

struct page_file {
    char path[PAGE_PATH_BYTES]; /* "/index.html" */
    struct str type;
    char etag[36], gzip_etag[36];
    char *bytes, *gzip; /* gzip NULL: it would not be shorter */
    size_t len, gzip_len;
};

struct pages {
    struct page_file *files;
    size_t count;
    size_t bytes; /* as they lie on disk */
};

/* A folder that is not there gives no files. errors  ERR_LIMIT too many, too large; ERR_SYSTEM
 * unreadable */
bool pages_load(const char *folder, struct pages *ret_pages, struct err *err);
void pages_done(struct pages *pages);
/* "/" is "/index.html"; NULL if there is none. */
const struct page_file *pages_find(const struct pages *pages, struct str path);
/* How a file is sent. */
struct page_form {
    bool gzip, tls; /* tls: the client came by it, and is told to keep to it */
};
/* The headers it is sent with; how many they are. */
size_t page_fields(
    const struct page_file *file, struct page_form form, struct http_field ret_fields[PAGE_FIELDS]);
/* Its bytes in that form. */
struct str page_bytes(const struct page_file *file, struct page_form form);

/* Pure. Does this Accept-Encoding take gzip? (RFC 9110 §12.5.3; q=0 is no.) */
bool page_takes_gzip(struct str accept_encoding);
/* Pure. Is this ETag in the list of an If-None-Match? Weak ones compare like strong ones. */
bool page_known(struct str if_none_match, struct str etag);
