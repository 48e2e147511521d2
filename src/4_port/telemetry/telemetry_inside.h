/* SPDX-License-Identifier: Apache-2.0
 *
 * telemetry_inside — what the parts of telemetry share: writing families, reading small files.
 * Internal.
 */
#pragma once

#include "telemetry/telemetry.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct page {
    struct buf *out;
    const char *proc, *sys;
    const char *family; /* the one begun */
};

/* One label; a list of them ends with .name NULL. */
struct mark {
    const char *name, *value;
};
#define MARKS(...) ((const struct mark[]){__VA_ARGS__, {NULL, NULL}})

/* The head of a family; `kind` "gauge" or "counter". Its samples must follow at once. */
void page_family(struct page *page, const char *name, const char *kind, const char *help);
/* One sample of it; `marks` may be NULL. */
void page_sample(struct page *page, const struct mark *marks, double value);
/* A family of one sample without labels. */
void page_one(
    struct page *page, const char *name, const char *kind, const char *help, double value);

/* ROOT/`tail`, a stream or NULL. */
FILE *page_open(const char *root, const char *tail);
/* The first line without its end; false if there is none. */
bool page_line(const char *root, const char *tail, char *ret_line, size_t bytes);
bool page_number(const char *root, const char *tail, double *ret_number);
/* Names in ROOT/`tail`, sorted as versions ("hwmon2" before "hwmon10"), without those with a dot in
 * front; free each and the list. 0: none. */
int page_names(const char *root, const char *tail, struct dirent ***ret_names);

/* machine.c */
void page_machine(struct page *page, int64_t civil_ms);
void page_networks(struct page *page);
/* disk.c */
void page_disks(struct page *page);
void page_file_systems(struct page *page);
void page_zfs(struct page *page);
/* heat.c */
void page_heat(struct page *page);
