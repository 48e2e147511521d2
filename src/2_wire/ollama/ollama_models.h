/* SPDX-License-Identifier: Apache-2.0
 *
 * ollama_models — the catalogue as Ollama tells it: /api/tags, /api/ps, /api/show, /api/version, /.
 *
 * threads  any: no state
 * source   Ollama's docs/api.md
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#define OLLAMA_ROOT_TEXT S("Ollama is running")
/* Clients compare it: thinking, tools in streams and schemas are there from 0.9. */
#define OLLAMA_VERSION "0.12.6"

struct ollama_model {
    struct str name;
    struct str sha256;       /* hex */
    struct str architecture; /* "llama" */
    struct str parameters;   /* "7.6B" */
    struct str quantisation; /* "Q4_K_M" */
    int64_t modified_ms;     /* since 1970 */
    uint64_t bytes;
    uint64_t context_max;     /* of the model */
    uint64_t parameter_count; /* 0: not known */
    bool embedding, tools, vision, thinking;
    /* /api/ps only */
    uint64_t vram_bytes;
    uint64_t context;   /* of a slot */
    int64_t expires_ms; /* -1: never */
};

void ollama_tags_write(const struct ollama_model *models, size_t count, struct buf *out);
void ollama_ps_write(const struct ollama_model *models, size_t count, struct buf *out);
void ollama_show_write(const struct ollama_model *model, struct buf *out);
void ollama_version_write(struct buf *out);

/* 2026-11-21T04:36:57.123Z; years 1970…9999. */
#define OLLAMA_TIME_BYTES 24
void ollama_time_write(int64_t ms, struct buf *out);
