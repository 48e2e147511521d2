/* SPDX-License-Identifier: Apache-2.0
 *
 * prepared — a prepared engine (ORCH-3805), and engines.json, the list of them.
 *
 * owner    prepared_engine_done() releases the lists of a struct; fill it by the functions here
 * threads  any; programs that change one engines.json wait for each other (catalogue/document.h)
 * limits   below; a file of another schema is refused ("unknown_schema") and never written over
 * source   docs/inference.md §6
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINES_SCHEMA "logic-node/engines/v1"
#define ENGINES_MAX 256
#define ENGINES_FILE_BYTES_MAX (1u << 20)
#define PREPARED_NAME_BYTES 65     /* [a-z0-9][a-z0-9._-]* */
#define PREPARED_VERSION_BYTES 129 /* printable ASCII */
#define PREPARED_PATH_BYTES 1025
#define PREPARED_WORDS_MAX 64 /* args; flags; env */
#define PREPARED_WORD_BYTES_MAX 1024

struct prepared_words {
    char *at[PREPARED_WORDS_MAX];
    size_t count;
};

struct prepared_engine {
    char engine[PREPARED_NAME_BYTES];     /* the name, e.g. "llama" */
    char kind[16];                        /* "llama.cpp" */
    char version[PREPARED_VERSION_BYTES]; /* engine_version: what --version says, or commit + flags
                                           */
    char provider[16];                    /* "process", "source" */
    char bin[PREPARED_PATH_BYTES];        /* bin_or_entry: absolute */
    char sha256[65];                      /* engine_digest: see engine_digest_of() */
    struct prepared_words flags;          /* how it was built; empty: not known */
    struct prepared_words args;           /* always passed, before the pool's own */
    struct prepared_words env;            /* "NAME=value" */
    char created_at[32];                  /* RFC 3339 */
    char bundle[PREPARED_PATH_BYTES];     /* the proof, beside engines.json; "" for none */
    /* ports and workdir of ORCH-3805 are the pool's: engine_config.port, .folder */
};

/* May be the name of an engine (it also stands in file names). */
bool prepared_name_valid(struct str name);
void prepared_engine_done(struct prepared_engine *prepared);
void prepared_engine_copy(const struct prepared_engine *from, struct prepared_engine *ret_copy);
/* false: no room, too long, or not UTF-8. */
bool prepared_words_add(struct prepared_words *words, struct str word);

/* One entry of engines.json. errors  ERR_INPUT the field and what is wrong */
bool prepared_engine_read(
    const json_t *entry, struct prepared_engine *ret_prepared, struct err *err);
json_t *prepared_engine_json(const struct prepared_engine *prepared);

struct engine_list {
    struct prepared_engine *at;
    size_t count;
};
void engine_list_done(struct engine_list *list);
/* No file is an empty list. errors  ERR_INPUT not this schema; ERR_SYSTEM cannot be read */
bool engine_list_read(const char *path, struct engine_list *ret_list, struct err *err);
/* NULL: there is none. Borrowed from the list. */
const struct prepared_engine *engine_list_find(const struct engine_list *list, struct str engine);
/* Replace the entry of the same name or add one; the file as a whole, atomically.
 * errors  ERR_LIMIT ENGINES_MAX; those of engine_list_read(); ERR_SYSTEM */
bool engine_list_put(const char *path, const struct prepared_engine *prepared, struct err *err);
/* *ret_was: it was there. */
bool engine_list_remove(const char *path, struct str engine, bool *ret_was, struct err *err);
