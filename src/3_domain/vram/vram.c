/* SPDX-License-Identifier: Apache-2.0 */
#include "vram/vram.h"

#include "base/scoped.h"

#include <stdio.h>

#define MIB (1ull << 20)
#define CELLS_PAD 256
#define MASK_BYTES 2       /* of a cell and token, with flash attention */
#define MASK_BYTES_PLAIN 4 /* without */
#define FLOAT_BYTES 4
#define BATCH_WORDS 40     /* positions, indexes and sequence ids of one token, in bytes */

/* Widths of the residual stream that live at once in the graph's worst place, as found by loading
 * models of many sizes (tests/system/vram.py keeps it true). */
#define STREAMS 5
#define STREAMS_PARALLEL 6
#define STREAMS_SHARED_EXPERTS 3
#define STREAMS_RECURRENT 5

const char *vram_kind_word(enum vram_kind kind)
{
    static const char *const WORDS[VRAM_KINDS] = {
        [VRAM_CPU] = "cpu", [VRAM_CUDA] = "cuda", [VRAM_ROCM] = "rocm", [VRAM_VULKAN] = "vulkan"};

    return WORDS[kind];
}

bool vram_kind_from_word(const char *word, enum vram_kind *ret_kind)
{
    for (enum vram_kind kind = VRAM_CPU; kind < VRAM_KINDS; kind++)
        if (strcmp(word, vram_kind_word(kind)) == 0) {
            *ret_kind = kind;
            return true;
        }
    return false;
}

/* What a driver takes for one process, its libraries' work space included; no engine reports it. */
static uint64_t overhead_of(enum vram_kind kind)
{
    static const uint64_t BYTES[VRAM_KINDS] = {[VRAM_CPU] = 0,
        [VRAM_CUDA] = 512 * MIB,
        [VRAM_ROCM] = 512 * MIB,
        [VRAM_VULKAN] = 256 * MIB};

    return BYTES[kind];
}

bool vram_cache_type(const char *word, uint32_t *ret_type)
{
    static const char *const WORDS[] = {
        "f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"};

    for (size_t i = 0; i < COUNT(WORDS); i++)
        if (strcmp(word, WORDS[i]) == 0) {
            *ret_type = gguf_type_named(word)->id;
            return true;
        }
    return false;
}

struct vram_setup vram_setup_standard(enum vram_kind kind)
{
    uint32_t f16 = gguf_type_named("F16")->id;

    return (struct vram_setup){.kind = kind,
        .context = 8192,
        .slots = 1,
        .key_type = f16,
        .value_type = f16,
        .flash_attention = true};
}

uint32_t vram_ubatch(const struct vram_shape *shape, const struct vram_setup *setup)
{
    if (setup->ubatch)
        return setup->ubatch;
    return shape->embedding ? setup->context : VRAM_UBATCH_STANDARD;
}

static uint64_t pad(uint64_t number, uint64_t to)
{
    return (number + to - 1) / to * to;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes of `elements` of a cache; whole blocks by check_setup(). */
static uint64_t cache_bytes(uint64_t elements, uint32_t type)
{
    const struct gguf_type *known = gguf_type(type);

    return elements / known->block_elements * known->block_bytes;
}

static bool attends(const struct vram_layer *layer)
{
    return layer->heads_kv && !layer->shares;
}

/* Of one cell of one layer. */
static uint64_t row_bytes(const struct vram_shape *shape, const struct vram_layer *layer,
    const struct vram_setup *setup)
{
    uint64_t heads = layer->heads_kv;
    uint64_t key = layer->slides ? shape->key_length_window : shape->key_length;
    uint64_t value = layer->slides ? shape->value_length_window : shape->value_length;
    uint64_t bytes = cache_bytes(heads * key, setup->key_type);

    if (!shape->mla_rank)
        bytes += cache_bytes(heads * value, setup->value_type);
    return bytes + cache_bytes(shape->index_length, setup->key_type);
}

static bool refuse(struct err *err, enum err_kind kind, const char *what, uint64_t is, uint64_t may)
{
    return err_code(err, kind, "bad_setup", NULL, "%s %llu is not between 1 and %llu", what,
        (unsigned long long)is, (unsigned long long)may);
}

static bool check_type(
    const struct vram_shape *shape, uint32_t type, uint32_t length, struct err *err)
{
    const struct gguf_type *known = gguf_type(type);

    if (!known)
        return err_code(err, ERR_INPUT, "bad_setup", "kv", "type %u is no type of a cache", type);
    if (length % known->block_elements || shape->index_length % known->block_elements)
        return err_code(err, ERR_INPUT, "bad_setup", "kv",
            "the model's heads of %u are no whole blocks of %s: use f16", length, known->name);
    return true;
}

static bool check_setup(
    const struct vram_shape *shape, const struct vram_setup *setup, struct err *err)
{
    const struct gguf_type *value = gguf_type(setup->value_type);

    if (setup->context == 0 || setup->context > VRAM_CONTEXT_MAX)
        return refuse(err, ERR_LIMIT, "context", setup->context, VRAM_CONTEXT_MAX);
    if (setup->slots == 0 || setup->slots > VRAM_SLOTS_MAX)
        return refuse(err, ERR_LIMIT, "slots", setup->slots, VRAM_SLOTS_MAX);
    if (setup->ubatch > VRAM_UBATCH_MAX)
        return refuse(err, ERR_LIMIT, "ubatch", setup->ubatch, VRAM_UBATCH_MAX);
    if (setup->context > shape->context_max)
        return err_code(err, ERR_INPUT, "context_too_long", "context",
            "a context of %u is more than the %u of the model", setup->context,
            shape->context_max);
    if (!check_type(shape, setup->key_type, shape->key_length, err) ||
        !check_type(shape, setup->key_type, shape->key_length_window, err))
        return false;
    if (!shape->mla_rank && (!check_type(shape, setup->value_type, shape->value_length, err) ||
                                !check_type(shape, setup->value_type, shape->value_length_window,
                                    err)))
        return false;
    if (!setup->flash_attention && value->block_elements > 1)
        return err_code(err, ERR_INPUT, "bad_setup", "kv",
            "a quantised cache needs flash attention");
    return true;
}

/* Sums of attacker-chosen sizes: each factor is below 2^31, so the products are made in doubles
 * first. No real model comes near. */
static bool is_sane(const struct vram_shape *shape, const struct vram_setup *setup, struct err *err)
{
    double cells = ((double)setup->context + CELLS_PAD) * setup->slots, sum = 0, widest = 0;
    double ubatch = vram_ubatch(shape, setup);

    for (uint32_t i = 0; i < shape->layers_count; i++) {
        const struct vram_layer *layer = &shape->layers[i];
        double heads = (double)layer->heads + layer->heads_kv;
        double lengths = (double)shape->key_length + shape->value_length +
                         shape->key_length_window + shape->value_length_window +
                         shape->mla_key_length + shape->mla_rank + shape->index_length;
        sum += (heads + 1) * lengths * cells * FLOAT_BYTES;
        widest = widest > heads * (lengths + cells) + layer->feed * 3.0
                     ? widest
                     : heads * (lengths + cells) + layer->feed * 3.0;
    }
    widest += shape->experts_used * ((double)shape->feed_expert * 3 + shape->width) +
              shape->width * 16.0 + shape->words + shape->inner * 8.0 + cells * 2;
    sum += widest * ubatch * FLOAT_BYTES + (double)shape->weights_bytes * 2 +
           (double)(shape->conv_elements + shape->state_elements) * FLOAT_BYTES * setup->slots *
               (shape->layers_count + 1.0) +
           ((double)shape->words + shape->width) * FLOAT_BYTES * setup->slots;
    return sum < (double)(1ull << 60) ||
           err_code(err, ERR_LIMIT, "model_shape", NULL,
               "the model's header asks for more memory than any machine has");
}

static void count_caches(const struct vram_shape *shape, const struct vram_setup *setup,
    struct vram_estimate *estimate)
{
    uint64_t all = pad((uint64_t)setup->context * setup->slots, CELLS_PAD);
    uint64_t streams = setup->unified ? 1 : setup->slots, sharing = setup->unified ? setup->slots
                                                                                   : 1;
    uint64_t cells = setup->unified ? all : pad(all / setup->slots, CELLS_PAD);
    uint64_t window = pad(
        least(cells, shape->window * sharing + vram_ubatch(shape, setup)), CELLS_PAD);
    bool slides = false, whole = false;

    if (setup->window_full)
        window = cells;
    for (uint32_t i = 0; i < shape->layers_count; i++) {
        const struct vram_layer *layer = &shape->layers[i];
        if (layer->recurs)
            estimate->state_bytes += (shape->conv_elements + shape->state_elements) * FLOAT_BYTES *
                                     setup->slots;
        if (!attends(layer) || shape->memory == VRAM_MEMORY_NONE)
            continue;
        uint64_t row = row_bytes(shape, layer, setup);
        estimate->kv_bytes += row * (layer->slides ? window : cells) * streams;
        estimate->token_bytes += layer->slides ? 0 : row;
        slides = slides || layer->slides;
        whole = whole || !layer->slides;
    }
    estimate->cells = whole ? (uint32_t)cells : 0;
    estimate->cells_window = slides ? (uint32_t)window : 0;
}

/* Floats of one token beside the residual stream: while a layer attends or recurs … */
static uint64_t attention_width(const struct vram_shape *shape)
{
    uint64_t widest = (uint64_t)STREAMS_RECURRENT * shape->inner;

    for (uint32_t i = 0; i < shape->layers_count; i++) {
        const struct vram_layer *layer = &shape->layers[i];
        uint64_t heads = layer->heads;
        if (shape->mla_rank)
            widest = most(widest,
                heads * ((uint64_t)shape->mla_key_length + shape->mla_rank + shape->key_length));
        else if (!layer->recurs)
            widest = most(widest, 2 * heads * shape->key_length);
    }
    return widest;
}

/* … and while it feeds forward. */
static uint64_t feed_width(const struct vram_shape *shape)
{
    uint64_t widest = 0, sides = shape->gated ? 3 : 1;

    for (uint32_t i = 0; i < shape->layers_count; i++)
        if (shape->dense || !shape->experts_used)
            widest = most(widest, sides * shape->layers[i].feed);
    if (shape->experts_used) {
        uint64_t used = shape->experts_used, width = shape->width;
        uint64_t beside = shape->shared_experts ? STREAMS_SHARED_EXPERTS * width : 0;
        widest = most(widest, sides * used * shape->feed_expert);
        widest = most(widest, used * width + beside);
    }
    return widest;
}

static uint64_t heads_most(const struct vram_shape *shape)
{
    uint64_t heads = 0;

    for (uint32_t i = 0; i < shape->layers_count; i++)
        heads = most(heads, shape->layers[i].heads);
    return heads;
}

/* A model without a cache sees each token from each: its mask is a square. Where the mask and one
 * stream leave enough room, the feed-forward is put there. */
static uint64_t compute_at_once(const struct vram_shape *shape, uint64_t tokens)
{
    uint64_t mask = tokens * tokens * MASK_BYTES, row = tokens * FLOAT_BYTES;
    uint64_t stream = shape->width * row, feed = feed_width(shape) * row;
    uint64_t attention = STREAMS * stream + attention_width(shape) * row + mask;
    uint64_t forward = STREAMS_PARALLEL * stream + feed + (mask + stream >= feed ? 0 : mask);

    return most(attention, forward) + tokens * BATCH_WORDS;
}

static uint64_t compute_of(const struct vram_shape *shape, const struct vram_setup *setup,
    const struct vram_estimate *estimate)
{
    uint64_t tokens = least(vram_ubatch(shape, setup), (uint64_t)setup->context * setup->slots);
    uint64_t streams = shape->parallel ? STREAMS_PARALLEL : STREAMS;
    uint64_t layer = streams * shape->width + most(attention_width(shape), feed_width(shape));
    uint64_t head = setup->logits_all && !shape->embedding ? shape->words + 2ull * shape->width : 0;
    uint64_t seen = (uint64_t)estimate->cells + estimate->cells_window;
    uint64_t bytes = most(layer, head) * tokens * FLOAT_BYTES + tokens * BATCH_WORDS;

    if (shape->memory == VRAM_MEMORY_NONE) {
        bytes = compute_at_once(shape, tokens);
        seen = tokens;
    } else {
        bytes += seen * tokens * (setup->flash_attention ? MASK_BYTES : MASK_BYTES_PLAIN);
        seen = most(estimate->cells, estimate->cells_window);
    }
    if (!setup->flash_attention)
        bytes += seen * tokens * heads_most(shape) * FLOAT_BYTES;
    if (shape->memory == VRAM_MEMORY_RECURRENT || shape->memory == VRAM_MEMORY_HYBRID)
        bytes += (shape->conv_elements + shape->state_elements) * FLOAT_BYTES * setup->slots;
    return bytes;
}

static void sum_up(struct vram_estimate *estimate, enum vram_kind kind)
{
    estimate->overhead_bytes = overhead_of(kind);
    estimate->total_bytes = estimate->weights_bytes + estimate->kv_bytes + estimate->state_bytes +
                            estimate->compute_bytes + estimate->overhead_bytes +
                            (kind == VRAM_CPU ? estimate->output_bytes : 0);
}

bool vram_estimate(const struct vram_shape *shape, const struct vram_setup *setup,
    struct vram_estimate *ret_estimate, struct err *err)
{
    struct vram_estimate estimate = {0};

    if (shape->parts_read != shape->parts)
        return err_code(err, ERR_INPUT, "model_shape", NULL,
            "%u of %u parts of the model are known", shape->parts_read, shape->parts);
    if (!check_setup(shape, setup, err) || !is_sane(shape, setup, err))
        return false;
    estimate.weights_bytes = shape->weights_bytes;
    estimate.output_bytes = (shape->words + (shape->embedding ? (uint64_t)shape->width : 0)) *
                            FLOAT_BYTES * setup->slots;
    if (setup->kind != VRAM_CPU) {
        bool copies = !shape->has_output && shape->memory != VRAM_MEMORY_NONE;
        estimate.weights_bytes -= least(shape->input_bytes, shape->weights_bytes);
        estimate.weights_bytes += copies ? shape->words_bytes : 0;
        estimate.host_bytes = shape->input_bytes + estimate.output_bytes;
    }
    count_caches(shape, setup, &estimate);
    estimate.compute_bytes = compute_of(shape, setup, &estimate);
    sum_up(&estimate, setup->kind);
    *ret_estimate = estimate;
    return true;
}

bool vram_use_measured(struct vram_estimate *estimate, const struct vram_measured *measured,
    const struct vram_setup *setup, const char *sha256, const char *engine_version, const char *kv)
{
    if (strcmp(measured->sha256, sha256) != 0 ||
        strcmp(measured->engine_version, engine_version) != 0 ||
        strcmp(measured->device_kind, vram_kind_word(setup->kind)) != 0 ||
        strcmp(measured->kv, kv) != 0 || measured->context != setup->context ||
        measured->slots != setup->slots)
        return false;
    estimate->weights_bytes = measured->weights_bytes;
    estimate->kv_bytes = measured->kv_bytes; /* recurrent states too */
    estimate->state_bytes = 0;
    estimate->compute_bytes = measured->compute_bytes;
    estimate->output_bytes = measured->other_bytes;
    estimate->measured = true;
    sum_up(estimate, setup->kind);
    return true;
}

static void add_gib(struct buf *out, uint64_t bytes)
{
    uint64_t tenths = (bytes * 10 + (1ull << 29)) >> 30;

    if (bytes < 1ull << 30)
        buf_printf(out, "%llu MiB", (unsigned long long)((bytes + MIB / 2) / MIB));
    else
        buf_printf(out, "%llu.%llu GiB", (unsigned long long)(tenths / 10),
            (unsigned long long)(tenths % 10));
}

bool vram_verdict(const struct vram_estimate *estimate, uint64_t available_bytes, const char *pool,
    struct buf *out)
{
    bool fits = estimate->total_bytes <= available_bytes;

    buf_printf(out, fits ? "fits: needs " : "needs ");
    add_gib(out, estimate->total_bytes);
    buf_printf(out, ", %s has ", pool);
    add_gib(out, available_bytes);
    return fits;
}

uint32_t vram_context_fitting(
    const struct vram_shape *shape, const struct vram_setup *setup, uint64_t available_bytes)
{
    uint32_t low = 0, high = (uint32_t)least(shape->context_max, VRAM_CONTEXT_MAX) / CELLS_PAD;

    while (low < high) { /* what fits grows with what is left away */
        struct vram_setup with = *setup;
        struct vram_estimate estimate;
        struct err err;
        uint32_t middle = low + (high - low + 1) / 2;
        with.context = middle * CELLS_PAD;
        if (vram_estimate(shape, &with, &estimate, &err) &&
            estimate.total_bytes <= available_bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low * CELLS_PAD;
}

/* Bits per weight as llama-quantize's own table has them for an 8B model. */
const struct vram_quantisation vram_quantisations[] = {
    {"IQ2_XXS", 23824},
    {"IQ2_M", 29294},
    {"Q2_K", 31593},
    {"IQ3_XXS", 32548},
    {"Q3_K_S", 36429},
    {"Q3_K_M", 39960},
    {"Q3_K_L", 42979},
    {"IQ4_XS", 44597},
    {"Q4_K_S", 46672},
    {"Q4_K_M", 48944},
    {"Q5_K_S", 55704},
    {"Q5_K_M", 57036},
    {"Q6_K", 65633},
    {"Q8_0", 85008},
    {"F16", 160005},
};
const size_t vram_quantisations_count = COUNT(vram_quantisations);

uint64_t vram_quantised_bytes(
    const struct vram_shape *shape, const struct vram_quantisation *quantisation)
{
    uint64_t rest = shape->weights_bytes - least(shape->matrix_bytes, shape->weights_bytes);

    return rest + (uint64_t)((double)shape->matrix_elements * quantisation->bits / 80000);
}

const uint32_t vram_sweep[] = {4096, 8192, 16384, 32768, 65536, 131072};
const size_t vram_sweep_count = COUNT(vram_sweep);
