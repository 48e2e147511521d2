/* SPDX-License-Identifier: Apache-2.0
 *
 * models — models.json: which model files there are, what they are, and what they need.
 *
 *     struct model_file file;                 what a path holds, from its header alone
 *     if (!model_file_read(path, &file, err)) …
 *     if (!models_add(catalogue, &entry, err)) …
 *     if (!models_read(catalogue, &document, err)) …
 *     const json_t *model = models_find(document, "llama-3-8b");
 *
 * A model in several parts (-00001-of-00003.gguf) is one entry: its file is the first part, its
 * bytes are the sum, its SHA-256 goes over the parts one behind the other.
 *
 * threads  any: no state
 * source   docs/inference.md §6
 */
#pragma once

#include "catalogue/document.h"
#include "vram/vram.h"

#define MODELS_MAX 512
#define MODELS_BYTES_MAX (8u << 20)
#define MODEL_NAME_BYTES_MAX 64
#define MODEL_PATH_BYTES_MAX 512 /* below the agent's folder of models */
#define MODEL_SHA256_BYTES 65

/* Schema "logic-node/models/v1"; every entry checked: names, paths, hashes, shapes, doubles. */
extern const struct document_form models_form;

/* A letter or digit, then letters, digits, '.', '_', ':' and '-'. */
bool model_name_valid(struct str name);
/* Relative, no "..", no empty or hidden step, no control character. */
bool model_path_valid(struct str path);
/* A name from a file's: lower case, without folder, part number and ".gguf"; "" if nothing is left.
 */
void model_name_of(struct str path, char ret_name[MODEL_NAME_BYTES_MAX + 1]);

struct model_file {
    uint64_t bytes; /* of all parts */
    struct vram_shape shape;
};
/* The headers of all parts; nothing else is read. errors  ERR_SYSTEM cannot be read; those of
 * gguf_read() and vram_shape_of(); the path is in each message */
bool model_file_read(const char *path, struct model_file *ret_file, struct err *err);
/* All bytes of all parts. `progress` (may be NULL) is told now and then; false from it ends. */
bool model_file_hash(const char *path, bool (*progress)(void *context, uint64_t done, uint64_t all),
    void *context, char ret_sha256[MODEL_SHA256_BYTES], struct err *err);

struct model_entry {
    const char *name;
    const char *file; /* below the folder of models */
    const char *sha256;
    const char *added_at; /* RFC 3339 */
    const struct model_file *read;
};

/* The caller owns *ret_document: {"schema", "models": [entry …]}. */
bool models_read(const char *path, json_t **ret_document, struct err *err);
/* The entry of that name; NULL: none. Borrowed from the document. */
const json_t *models_find(const json_t *document, const char *name);
/* errors  as document_change(); ERR_INPUT "model_exists"; ERR_LIMIT "too_many" */
bool models_add(const char *path, const struct model_entry *entry, struct err *err);
/* errors  as document_change(); ERR_INPUT "no_such_model" */
bool models_remove(const char *path, const char *name, struct err *err);
