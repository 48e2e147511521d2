/* SPDX-License-Identifier: Apache-2.0
 *
 * version — rules and site facts, copied once into a folder that nobody changes.
 *
 * HOME/kb/RULES-SITE/ holds kb's main.pl, core/ and site/ as they were at that moment; the two
 * halves of the
 * name are the first 16 hex digits of SHA-256 over paths and contents in sorted order. The judge
 * loads only
 * from there: an edit of the sources never reaches a running node without `kb reload`.
 */
#pragma once

#include "base/err.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define VERSION_HASH_CHARS 64
#define VERSION_FILES_MAX 2000
#define VERSION_FILE_BYTES_MAX (4 * 1024 * 1024)

struct version {
    char folder[PATH_MAX];
    char rules[VERSION_HASH_CHARS + 1];
    char site[VERSION_HASH_CHARS + 1];
};

/* What rules and site are called: their hashes. errors  as version_make() */
bool version_hash(const char *kb, const char *site, struct version *ret_version, struct err *err);

/* The folder's name below `into`, of 16 digits of each hash. False: the path is too long. */
bool version_folder(const char *into, struct version *version);

/* Copy what stands in `kb` (main.pl, core/) and `site` (*.pl) below `into`. The same content gives
 * the same folder. errors  ERR_SYSTEM cannot read or write; ERR_LIMIT too many or too large files
 */
bool version_make(const char *kb, const char *site, const char *into, struct version *ret_version,
    struct err *err);

/* Keep the `newest` versions that were made or used last, and those in `keep` in any case: old
 * verdicts are judged again under their own rules (`logicctl ledger replay`). The rest is removed.
 * Best effort. */
void version_prune(const char *into, const char *const *keep, size_t count, int64_t newest);
