/* SPDX-License-Identifier: Apache-2.0
 *
 * page — the files of web/, read into memory before the sandbox closes: nothing is opened later.
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

#define PAGE_FILES_MAX 256
#define PAGE_BYTES_MAX (8 * 1024 * 1024) /* all of them together */
#define PAGE_DEPTH_MAX 4
#define PAGE_PATH_BYTES 256
#define PAGE_FIELDS 9

struct page_file {
    char path[PAGE_PATH_BYTES]; /* "/index.html" */
    struct str type;
    char etag[36];
    char *bytes;
    size_t len;
};

struct pages {
    struct page_file *files;
    size_t count;
    size_t bytes;
};

/* A folder that is not there gives no files. errors  ERR_LIMIT too many, too large; ERR_SYSTEM
 * unreadable */
bool pages_load(const char *folder, struct pages *ret_pages, struct err *err);
void pages_done(struct pages *pages);
/* "/" is "/index.html"; NULL if there is none. */
const struct page_file *pages_find(const struct pages *pages, struct str path);
/* The headers every file is sent with. */
void page_fields(const struct page_file *file, struct http_field ret_fields[PAGE_FIELDS]);
