/* SPDX-License-Identifier: Apache-2.0
 *
 * document — one small JSON file that several programs read and few change: whole, always.
 *
 *     static const struct document_form ENGINES = {
 *         .blank = "{\"schema\":\"logic-node/engines/v1\",\"engines\":[]}",
 *         .bytes_max = 4u << 20, .valid = engines_valid,
 *     };
 *     scoped(json_done) json_t *document = NULL;
 *     if (!document_read(path, &ENGINES, &document, err)) …
 *     if (!document_change(path, &ENGINES, add_engine, &entry, err)) …
 *
 * The schema is the member "schema" of `blank`: a file that names another one, or none, is refused
 * with both names in the message and is never overwritten. What `valid` refuses is neither read nor
 * written. A file that is not there reads as `blank`.
 *
 * A change is: lock PATH.lock (other writers wait), read, edit, check, write PATH.new, fsync,
 * rename, fsync of the folder. A writer that is killed, and a full disk, leave the old document or
 * the new one, never a part; a PATH.new that was left behind is written over by the next.
 *
 * owner    whoever asks; nothing is kept open
 * threads  any: no state (first json_read before sandbox_enter, see there)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#define DOCUMENT_LOCK_WAIT_MS 10000
#define DOCUMENT_MODE_STANDARD 0600

struct document_form {
    const char *blank; /* the empty document, with its "schema" */
    size_t bytes_max;  /* of the file, read or written */
    mode_t mode;       /* of the file; 0: DOCUMENT_MODE_STANDARD */
    /* Is the whole document as it should be? Schema and JSON are checked already. May be NULL. */
    bool (*valid)(const json_t *document, struct err *err);
};

/* The caller owns *ret_document.
 * errors  ERR_SYSTEM cannot be read; ERR_LIMIT "too_large"; ERR_INPUT "bad_json",
 *         "unknown_schema", and what `valid` says; the path is in each message */
bool document_read(const char *path, const struct document_form *form, json_t **ret_document,
    struct err *err);

/* The same for text that is in memory already; `name` is for messages. */
bool document_parse(struct str text, const char *name, const struct document_form *form,
    json_t **ret_document, struct err *err);

/* Alters the document in place; false: nothing is written and its error is the caller's. */
typedef bool document_edit(json_t *document, void *context, struct err *err);

/* Read, `edit`, check, replace, under the lock. What is equal afterwards is not written again. The
 * folder must be there. errors  as document_read(); ERR_SYSTEM "document_busy" locked for longer
 * than DOCUMENT_LOCK_WAIT_MS, "no_room" the disk is full, "document_io"; ERR_LIMIT "too_large" */
bool document_change(const char *path, const struct document_form *form, document_edit *edit,
    void *context, struct err *err);

/* Which file was read: a replaced one has another stamp. All zeros: none is there. */
struct document_stamp {
    uint64_t device, inode, bytes;
    int64_t changed_ns;
};
struct document_stamp document_stamp(const char *path);
bool document_stamp_equal(const struct document_stamp *a, const struct document_stamp *b);
