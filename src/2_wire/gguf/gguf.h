/* SPDX-License-Identifier: Apache-2.0
 *
 * gguf — the header of a model file (GGUF 2 and 3, little endian) as a struct; hostile until read.
 *
 *     scoped(gguf_header_done) struct gguf_header header = {0};
 *     struct gguf_source source = {.pull = pread_it, .context = &fd, .bytes = size_of_the_file};
 *     if (!gguf_read(&source, &header, err)) …
 *     uint64_t layers;
 *     if (gguf_whole(&header, "llama.block_count", 0, &layers)) …
 *
 * The bytes are pulled from the caller a window at a time, forward only: what is not needed
 * (vocabularies, long texts) is stepped over and never stored, so a header of 30 MB takes a few
 * hundred kilobytes here. Kept are every scalar, strings up to GGUF_TEXT_KEPT_BYTES, arrays of
 * numbers up to GGUF_ITEMS_KEPT, and every tensor's form. Of the rest the count is kept.
 *
 * Refused: what is longer than the file, counts that the bytes left cannot hold, products beyond 64
 * bits, unknown types of values and tensors, rows that are no whole number of blocks, offsets that
 * are not aligned or lead out of the file, two keys or tensors of one name, names with control
 * characters, deep arrays. Messages give the place and never the text of the file.
 *
 * owner    whoever holds the header; gguf_header_done() releases
 * threads  any: no state
 * source   the GGUF specification (ggml/docs/gguf.md)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GGUF_PAIRS_MAX 65536
#define GGUF_TENSORS_MAX 65536
#define GGUF_KEY_BYTES_MAX 256
#define GGUF_NAME_BYTES_MAX 64            /* of a tensor, as ggml has it */
#define GGUF_TEXT_BYTES_MAX (16u << 20)   /* of one string, stepped over */
#define GGUF_TEXT_KEPT_BYTES 256          /* longer ones: only their length is kept */
#define GGUF_ITEMS_MAX (64u << 20)        /* of one array, inner ones counted too */
#define GGUF_ITEMS_KEPT 1024              /* per-layer arrays are shorter */
#define GGUF_ARRAY_DEPTH_MAX 4
#define GGUF_KEPT_BYTES_MAX (8u << 20)    /* all keys, texts and items together */
#define GGUF_HEADER_BYTES_MAX (512u << 20) /* read through */
#define GGUF_DIMENSIONS_MAX 4
#define GGUF_SPLITS_MAX 1000
#define GGUF_WINDOW_BYTES 65536

/* Where the bytes come from. `pull` puts `count` bytes from place `at` of the file, all of them or
 * false with err; it is asked only for bytes below `bytes`, forward, at most GGUF_WINDOW_BYTES. */
struct gguf_source {
    bool (*pull)(void *context, uint64_t at, char *ret_bytes, size_t count, struct err *err);
    void *context;
    uint64_t bytes; /* of the whole file: offsets are checked against it */
};

enum gguf_kind { GGUF_WHOLE, GGUF_REAL, GGUF_BOOL, GGUF_TEXT, GGUF_ARRAY };

struct gguf_pair {
    char *key;
    enum gguf_kind kind;
    enum gguf_kind item_kind; /* of an array */
    uint64_t count;           /* items of an array, bytes of a text, else 1 */
    bool kept;                /* items or text below are there */
    bool negative;            /* a whole number below zero: `whole` is its two's complement */
    union {
        uint64_t whole; /* WHOLE, BOOL */
        double real;
        char *text;      /* with a terminator; may be any bytes but NUL */
        uint64_t *items; /* WHOLE and BOOL arrays; signed ones as two's complement */
        double *reals;
    };
};

struct gguf_tensor {
    char name[GGUF_NAME_BYTES_MAX + 1];
    uint32_t type; /* ggml type id: known to gguf_type() */
    uint32_t dimensions;
    uint64_t size[GGUF_DIMENSIONS_MAX]; /* size[0] is the row; those beyond `dimensions` are 1 */
    uint64_t elements, bytes;
    uint64_t offset; /* from data_at */
};

struct gguf_header {
    uint32_t version;
    uint32_t alignment;
    struct gguf_pair *pairs; /* sorted by key */
    size_t pairs_count;
    struct gguf_tensor *tensors; /* in the file's order */
    size_t tensors_count;
    uint64_t header_bytes; /* up to the last tensor's form */
    uint64_t data_at;      /* aligned */
    uint64_t tensors_bytes, elements; /* sums */
    uint32_t split_number, split_count; /* this part from 0, of how many; 0 of 1: not split */
    char architecture[GGUF_NAME_BYTES_MAX + 1]; /* [a-z0-9_-]+ */
};

/* errors  ERR_INPUT "not_gguf", "gguf_version", "gguf_cut" (it ends too early), "gguf_malformed",
 *         "gguf_type" (unknown value or tensor type); ERR_LIMIT "gguf_limit"; those of pull */
bool gguf_read(const struct gguf_source *source, struct gguf_header *ret_header, struct err *err);
/* For scoped(). */
void gguf_header_done(struct gguf_header *header);

/* NULL: there is none. */
const struct gguf_pair *gguf_find(const struct gguf_header *header, const char *key);
/* A number that is at least 0, from a scalar of any whole or bool type, or item `item` of a kept
 * array. false: none of that kind. */
bool gguf_whole(
    const struct gguf_header *header, const char *key, size_t item, uint64_t *ret_number);
/* "" if there is none or it was too long. */
const char *gguf_text(const struct gguf_header *header, const char *key);
/* Items of an array (also of one that was not kept), bytes of a text; 0: none. */
uint64_t gguf_count(const struct gguf_header *header, const char *key);

struct gguf_type {
    uint32_t id;
    const char *name; /* "Q4_K" */
    uint32_t block_elements, block_bytes;
};
/* NULL: unknown, withdrawn, or not there at this place. */
const struct gguf_type *gguf_type(uint32_t id);
const struct gguf_type *gguf_type_named(const char *name);
/* rows x blocks, checked. false: the row is no whole number of blocks, or beyond 64 bits. */
bool gguf_bytes(uint32_t type, const uint64_t *size, size_t dimensions, uint64_t *ret_elements,
    uint64_t *ret_bytes);

/* "Q4_K_M" for general.file_type; NULL: unknown. */
const char *gguf_file_type(uint64_t file_type);

/* The parts of a split file: DIR/NAME-00001-of-00003.gguf and the like. false: not such a name. */
bool gguf_split_of(struct str path, uint32_t *ret_number, uint32_t *ret_count);
/* The name of another part (from 1) into `ret_path` of path.len + 1 bytes; path is such a name. */
void gguf_split_path(struct str path, uint32_t number, char *ret_path);
