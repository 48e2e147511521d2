/* SPDX-License-Identifier: Apache-2.0
 *
 * secret — the embedded store: `secret:tsig/home` is the file tsig/home below the secrets folder.
 *
 * A handle is `secret:` and segments of [a-z0-9_-] with `/` between them: no dots, so no way out.
 * Folders must be 0700 and files 0600, owned by us, no links. A value is read again at each use and
 * stays in locked memory, outside of core dumps, until the store is closed: the scrubber must know
 * each value that was ever used.
 *
 * owner    secret_close() wipes all values
 * threads  any
 * errors   ERR_INPUT "bad_handle"; ERR_SYSTEM "no_secret", "unsafe_secret" (rights, owner, link),
 *          "bad_secret" (length)
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#define SECRET_BYTES_MAX 8192
/* A shorter value could not be scrubbed without tearing innocent text. */
#define SECRET_BYTES_MIN 8
#define SECRET_HANDLE_BYTES_MAX 128
#define SECRET_SEGMENTS_MAX 8
#define SECRETS_USED_MAX 256

struct secret_store;

/* `folder` need not be there yet; each use says so. */
struct secret_store *secret_open(const char *folder);
/* Destructor for scoped(). */
void secret_close(struct secret_store **store);

bool secret_handle_check(struct str handle, struct err *err);

/* *ret_value is valid until the store is closed; one line feed at the end of the file is not part
 * of it.
 * errors  also ERR_LIMIT "too_many_secrets" */
bool secret_get(
    struct secret_store *store, struct str handle, struct str *ret_value, struct err *err);

/* Store `value` atomically, folders are made 0700. For logicctl; no store needs to be open. */
bool secret_put(const char *folder, struct str handle, struct str value, struct err *err);

/* Append `text` to `out` with every value that was used, also in base64, URL, hex or JSON form and
 * also when it is cut at the end of the text, replaced by [secret:…]. `out` past its limit:
 * overflowed, as ever. */
void secret_scrub(struct secret_store *store, struct str text, struct buf *out);

/* The same for the fields of an error, and for all strings and keys of a value (a new value, owned
 * by the caller). */
void secret_scrub_err(struct secret_store *store, struct err *err);
json_t *secret_scrub_json(struct secret_store *store, const json_t *value);
