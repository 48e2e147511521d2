/* SPDX-License-Identifier: Apache-2.0
 *
 * vram — what a model will take of a device, from its header alone, before anything is woken.
 *
 *     struct vram_shape shape;
 *     if (!vram_shape_of(&header, &shape, err)) …
 *     struct vram_setup setup = vram_setup_standard(VRAM_CUDA);
 *     setup.context = 8192;                       per slot
 *     struct vram_estimate need;
 *     if (vram_estimate(&shape, &setup, &need, err) && need.total_bytes <= free_bytes) …
 *
 * The rules are llama.cpp's: what its cache pads, which layers slide, share or recur, what stays on
 * the host. Weights and KV are exact sums; the compute buffer is a fit to what real engines
 * allocate (tests/system/vram.py compares on each architecture that it knows); overhead is what the
 * driver takes and no engine reports. Measured buffers, where there are any, replace the estimate.
 *
 * threads  any: pure
 * source   shared arithmetic in docs/inference.md §6; llama.cpp's log (-lv 4) is the judge
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "gguf/gguf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VRAM_LAYERS_MAX 512
#define VRAM_WORD_BYTES 65
#define VRAM_CONTEXT_MAX (16u << 20) /* per slot */
#define VRAM_SLOTS_MAX 256
#define VRAM_UBATCH_MAX 65536
#define VRAM_UBATCH_STANDARD 512
#define VRAM_NUMBER_MAX (1ull << 31) /* of any width, count or length in a header */

enum vram_memory {
    VRAM_MEMORY_CACHE,     /* keys and values for each token */
    VRAM_MEMORY_RECURRENT, /* a state of fixed size for each slot */
    VRAM_MEMORY_HYBRID,    /* both, by layer */
    VRAM_MEMORY_NONE,      /* an embedding model that sees its text at once */
};

struct vram_layer {
    uint32_t heads, heads_kv; /* 0 heads_kv: no cache */
    uint32_t feed;
    bool slides;  /* its cache is a window */
    bool recurs;  /* it has a state */
    bool shares;  /* it uses another layer's cache */
};

struct vram_shape {
    char architecture[VRAM_WORD_BYTES];
    char quantisation[VRAM_WORD_BYTES]; /* "Q4_K_M"; else the type of most bytes */
    uint64_t parameters;
    uint64_t weights_bytes;     /* all tensors of all parts */
    uint64_t input_bytes;       /* of them: embeddings of the input, which stay on the host */
    uint64_t words_bytes;       /* of them: token_embd; also the head without has_output */
    uint64_t matrix_elements;   /* of what a quantisation changes */
    uint64_t matrix_bytes;
    uint32_t context_max, width, words, layers_count;
    uint32_t key_length, value_length;               /* of one head */
    uint32_t key_length_window, value_length_window; /* of sliding layers */
    uint32_t mla_rank, mla_key_length; /* compressed keys: no V is kept; 0: ordinary heads */
    uint32_t index_length;             /* of a sparse attention's own keys; 0: none */
    uint32_t window;                   /* tokens; 0: none */
    uint32_t experts, experts_used, feed_expert;
    uint32_t inner;                    /* of recurrent layers */
    uint64_t conv_elements, state_elements; /* of one recurrent layer and slot */
    enum vram_memory memory;
    bool has_output;    /* its own output layer */
    bool dense;         /* some layer's feed-forward is not of experts */
    bool gated;         /* gate and up side by side */
    bool parallel;      /* attention and feed-forward of one input */
    bool shared_experts;
    bool embedding;     /* gives vectors, not words */
    bool chat_template;
    bool guessed;       /* a sliding window of an architecture that is not known: counted whole */
    uint32_t parts, parts_read; /* of a split file */
    struct vram_layer layers[VRAM_LAYERS_MAX];
};

/* From the first part of a model. errors  ERR_INPUT "model_shape" what is missing or makes no sense
 * (by key), "not_a_model" an adapter, a projector, no layers; ERR_LIMIT "model_shape" too many */
bool vram_shape_of(
    const struct gguf_header *header, struct vram_shape *ret_shape, struct err *err);
/* Add the tensors of the next part (number `shape->parts_read`). */
bool vram_shape_add(struct vram_shape *shape, const struct gguf_header *header, struct err *err);

/* As models.json keeps it; per-layer arrays that are all alike are one number. */
json_t *vram_shape_json(const struct vram_shape *shape);
bool vram_shape_from_json(const json_t *document, struct vram_shape *ret_shape, struct err *err);

enum vram_kind { VRAM_CPU, VRAM_CUDA, VRAM_ROCM, VRAM_VULKAN };
#define VRAM_KINDS 4
const char *vram_kind_word(enum vram_kind kind);
bool vram_kind_from_word(const char *word, enum vram_kind *ret_kind);

/* Types of the cache: f32 f16 bf16 q8_0 q5_1 q5_0 q4_1 q4_0 iq4_nl. */
bool vram_cache_type(const char *word, uint32_t *ret_type);

struct vram_setup {
    enum vram_kind kind;
    uint32_t context; /* per slot */
    uint32_t slots;
    uint32_t ubatch; /* 0: as our agents start engines, see vram_ubatch() */
    uint32_t key_type, value_type; /* ggml types of the cache */
    bool flash_attention;
    bool unified;     /* one cache for all slots (-kvu) */
    bool window_full; /* --swa-full */
    bool logits_all;  /* engines before b9500 keep logits for each token of a ubatch */
};
/* 8,192 per slot, one slot, f16, flash attention. */
struct vram_setup vram_setup_standard(enum vram_kind kind);
/* What stands for 0: 512, or for embedding models the whole context. */
uint32_t vram_ubatch(const struct vram_shape *shape, const struct vram_setup *setup);

struct vram_estimate {
    uint64_t weights_bytes;  /* on the device */
    uint64_t kv_bytes;       /* cache of all slots */
    uint64_t state_bytes;    /* recurrent states of all slots */
    uint64_t compute_bytes;
    uint64_t output_bytes;
    uint64_t overhead_bytes; /* driver and context, by kind */
    uint64_t total_bytes;    /* the device needs this */
    uint64_t host_bytes;     /* beside it, in the host's memory; part of the total on a CPU */
    uint64_t token_bytes;    /* KV of one more token, beyond the windows */
    uint32_t cells, cells_window; /* per stream */
    bool measured;
};

/* errors  ERR_INPUT "context_too_long" beyond context_max of the model, "bad_setup" a type of cache
 *         or a combination that engines refuse; ERR_LIMIT "bad_setup" beyond the limits above */
bool vram_estimate(const struct vram_shape *shape, const struct vram_setup *setup,
    struct vram_estimate *ret_estimate, struct err *err);

/* Buffers of a real load: one row of "measured" in docs/inference.md §3. */
struct vram_measured {
    const char *sha256, *engine_version, *device_kind, *kv;
    uint32_t context, slots;
    uint64_t weights_bytes, kv_bytes, compute_bytes, other_bytes;
};
/* Take them, if they are of this file, engine and setup; else nothing changes and false. */
bool vram_use_measured(struct vram_estimate *estimate, const struct vram_measured *measured,
    const struct vram_setup *setup, const char *sha256, const char *engine_version, const char *kv);

/* "needs 19.2 GiB, gpu0 has 15.5" or "fits: 4.9 GiB of 15.5 in gpu0". Returns whether it fits. */
bool vram_verdict(const struct vram_estimate *estimate, uint64_t available_bytes, const char *pool,
    struct buf *out);

/* The most context per slot (a multiple of 256, at most context_max) that fits; 0: none. */
uint32_t vram_context_fitting(const struct vram_shape *shape, const struct vram_setup *setup,
    uint64_t available_bytes);

/* What the same model would weigh; `bits` per 10,000 weights of its matrices. */
struct vram_quantisation {
    const char *name;
    uint32_t bits;
};
extern const struct vram_quantisation vram_quantisations[];
extern const size_t vram_quantisations_count;
uint64_t vram_quantised_bytes(
    const struct vram_shape *shape, const struct vram_quantisation *quantisation);

/* 4K … 128K. */
extern const uint32_t vram_sweep[];
extern const size_t vram_sweep_count;
