/* SPDX-License-Identifier: Apache-2.0
 *
 * A header's keys as a shape. What llama.cpp knows of an architecture beside its keys is the table.
 */
#include "vram/vram.h"

#include "base/scoped.h"

#include <stdio.h>

/* Layers without a cache or with a window, where no key says so. */
static const struct architecture {
    const char *name;
    enum vram_memory memory;
    uint32_t pattern;        /* every n-th layer is whole; 0: no layer slides unless keys say so */
    uint32_t window;         /* where the key is missing; 0: then no layer slides */
    bool dense_first;        /* the first of n is the whole one */
    bool window_ignored;     /* the key is there and engines take no notice */
    uint32_t own_cache;      /* the first layers have a cache, the rest share theirs; 0: all */
} ARCHITECTURES[] = {
    {.name = "gemma2", .pattern = 2, .window = 4096},
    {.name = "gemma3", .pattern = 6},
    {.name = "gemma3n", .pattern = 5, .own_cache = 20},
    {.name = "gemma4"},
    {.name = "llama4", .pattern = 4, .window = 8192},
    {.name = "cohere2", .pattern = 4},
    {.name = "cohere2moe", .pattern = 4},
    {.name = "olmo2", .pattern = 4},
    {.name = "exaone4", .pattern = 4},
    {.name = "exaone-moe", .pattern = 4, .window = 128},
    {.name = "gpt-oss", .pattern = 2},
    {.name = "smallthinker", .pattern = 4, .dense_first = true},
    {.name = "afmoe", .pattern = 4},
    {.name = "plamo3", .pattern = 8},
    {.name = "phi3", .window_ignored = true},
    {.name = "phimoe", .window_ignored = true},
    {.name = "llama", .window_ignored = true},
    {.name = "qwen2", .window_ignored = true},
    {.name = "qwen2moe", .window_ignored = true},
    {.name = "qwen3", .window_ignored = true},
    {.name = "qwen3moe", .window_ignored = true},
    {.name = "starcoder2", .window_ignored = true},
    {.name = "mamba", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "mamba2", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "rwkv6", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "rwkv6qwen2", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "rwkv7", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "arwkv7", .memory = VRAM_MEMORY_RECURRENT},
    {.name = "jamba", .memory = VRAM_MEMORY_HYBRID},
    {.name = "plamo2", .memory = VRAM_MEMORY_HYBRID},
    {.name = "granitehybrid", .memory = VRAM_MEMORY_HYBRID},
    {.name = "lfm2", .memory = VRAM_MEMORY_HYBRID},
    {.name = "lfm2moe", .memory = VRAM_MEMORY_HYBRID},
    {.name = "nemotron_h", .memory = VRAM_MEMORY_HYBRID},
    {.name = "nemotron_h_moe", .memory = VRAM_MEMORY_HYBRID},
    {.name = "kimi-linear", .memory = VRAM_MEMORY_HYBRID},
    {.name = "falcon-h1", .memory = VRAM_MEMORY_HYBRID},
    {.name = "qwen3next", .memory = VRAM_MEMORY_HYBRID},
    {.name = "qwen35", .memory = VRAM_MEMORY_HYBRID},
    {.name = "qwen35moe", .memory = VRAM_MEMORY_HYBRID},
    {.name = "bert", .memory = VRAM_MEMORY_NONE},
    {.name = "nomic-bert", .memory = VRAM_MEMORY_NONE},
    {.name = "nomic-bert-moe", .memory = VRAM_MEMORY_NONE},
    {.name = "neo-bert", .memory = VRAM_MEMORY_NONE},
    {.name = "jina-bert-v2", .memory = VRAM_MEMORY_NONE},
    {.name = "jina-bert-v3", .memory = VRAM_MEMORY_NONE},
    {.name = "modern-bert", .memory = VRAM_MEMORY_NONE},
    {.name = "eurobert", .memory = VRAM_MEMORY_NONE},
    {.name = "gemma-embedding", .memory = VRAM_MEMORY_NONE},
};

#define EXAONE4_LAYERS_SLIDING 64
#define HYBRID_INTERVAL_STANDARD 4 /* qwen3next and its kin: every fourth layer attends */
#define TOKEN_SHIFT_STANDARD 2     /* rwkv */
#define KEY_BYTES 192

struct keys {
    const struct gguf_header *header;
    struct err *err;
};

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static void key_of(const struct keys *k, const char *name, char ret_key[KEY_BYTES])
{
    snprintf(ret_key, KEY_BYTES, "%s.%s", k->header->architecture, name);
}

static bool has_key(const struct keys *k, const char *name)
{
    char key[KEY_BYTES];

    key_of(k, name, key);
    return gguf_find(k->header, key) != NULL;
}

/* A whole number within bounds, or `standard` if the key is not there. */
static bool number(
    const struct keys *k, const char *name, size_t item, uint32_t standard, uint32_t *ret)
{
    char key[KEY_BYTES];
    uint64_t got;

    key_of(k, name, key);
    if (!gguf_find(k->header, key)) {
        *ret = standard;
        return true;
    }
    if (!gguf_whole(k->header, key, item, &got) || got >= VRAM_NUMBER_MAX)
        return err_code(k->err, ERR_INPUT, "model_shape", NULL,
            "the model's %s (layer %zu) is no whole number below 2^31", name, item);
    *ret = (uint32_t)got;
    return true;
}

static bool needed(const struct keys *k, const char *name, uint32_t *ret)
{
    if (!number(k, name, 0, 0, ret))
        return false;
    return *ret > 0 || err_code(k->err, ERR_INPUT, "model_shape", NULL,
                           "the model's header has no %s.%s: it cannot be sized",
                           k->header->architecture, name);
}

static const struct architecture *architecture_of(const char *name)
{
    for (size_t i = 0; i < COUNT(ARCHITECTURES); i++)
        if (strcmp(ARCHITECTURES[i].name, name) == 0)
            return &ARCHITECTURES[i];
    return NULL;
}

static bool read_sizes(const struct keys *k, struct vram_shape *shape)
{
    uint32_t heads = 0, standard, words, mla_value;
    uint64_t tokens = gguf_count(k->header, "tokenizer.ggml.tokens");

    if (!needed(k, "block_count", &shape->layers_count) ||
        !needed(k, "context_length", &shape->context_max) ||
        !needed(k, "embedding_length", &shape->width) ||
        !number(k, "attention.head_count", 0, 0, &heads))
        return false;
    if (shape->layers_count > VRAM_LAYERS_MAX)
        return err_code(k->err, ERR_LIMIT, "model_shape", NULL,
            "the model has %u layers; at most %d", shape->layers_count, VRAM_LAYERS_MAX);
    for (uint32_t i = 0; heads == 0 && i < shape->layers_count; i++) /* a hybrid's first layers */
        if (has_key(k, "attention.head_count") && !number(k, "attention.head_count", i, 0, &heads))
            return false;
    standard = heads ? shape->width / heads : 0;
    if (!number(k, "vocab_size", 0, 0, &words) ||
        !number(k, "attention.key_length", 0, standard, &shape->key_length) ||
        !number(k, "attention.value_length", 0, standard, &shape->value_length) ||
        !number(k, "attention.key_length_swa", 0, shape->key_length, &shape->key_length_window) ||
        !number(k, "attention.value_length_swa", 0, shape->value_length,
            &shape->value_length_window) ||
        !number(k, "attention.key_length_mla", 0, 0, &shape->mla_key_length) ||
        !number(k, "attention.value_length_mla", 0, 0, &mla_value) ||
        !number(k, "attention.kv_lora_rank", 0, 0, &shape->mla_rank) ||
        !number(k, "attention.indexer.key_length", 0, 0, &shape->index_length) ||
        !number(k, "expert_count", 0, 0, &shape->experts) ||
        !number(k, "expert_used_count", 0, 0, &shape->experts_used))
        return false;
    if (!shape->mla_key_length || !mla_value) /* ordinary heads, or an old file of an MLA model */
        shape->mla_key_length = shape->mla_rank = 0;
    shape->words = tokens && tokens < VRAM_NUMBER_MAX ? (uint32_t)tokens : words;
    return true;
}

static bool read_layers(const struct keys *k, struct vram_shape *shape)
{
    for (uint32_t i = 0; i < shape->layers_count; i++) {
        struct vram_layer *layer = &shape->layers[i];
        if (!number(k, "attention.head_count", i, 0, &layer->heads) ||
            !number(k, "attention.head_count_kv", i, layer->heads, &layer->heads_kv) ||
            !number(k, "feed_forward_length", i, 0, &layer->feed))
            return false;
    }
    return number(
        k, "expert_feed_forward_length", 0, shape->layers[0].feed, &shape->feed_expert);
}

/* Which layers slide: the file's own pattern (a number, or a truth for each layer), else the one
 * that engines know of the architecture. */
static bool read_window(
    const struct keys *k, const struct architecture *known, struct vram_shape *shape)
{
    char key[KEY_BYTES];
    uint32_t pattern = known ? known->pattern : 0;
    bool counted = strcmp(shape->architecture, "exaone4") != 0 ||
                   shape->layers_count >= EXAONE4_LAYERS_SLIDING;

    if (known && known->window_ignored)
        return true;
    if (!number(k, "attention.sliding_window", 0, known ? known->window : 0, &shape->window))
        return false;
    key_of(k, "attention.sliding_window_pattern", key);
    const struct gguf_pair *pair = gguf_find(k->header, key);
    if (pair && pair->kind != GGUF_ARRAY && !number(k, "attention.sliding_window_pattern", 0, 0,
                                                &pattern))
        return false;
    if (!pair && pattern == 0 && shape->window)
        shape->guessed = true;
    if (shape->window == 0 || !counted || (!pair && pattern == 0)) {
        shape->window = 0;
        return true;
    }
    for (uint32_t i = 0; i < shape->layers_count; i++) {
        uint32_t in = pattern ? i % pattern : 0, truth;
        if (pair && pair->kind == GGUF_ARRAY) {
            if (!number(k, "attention.sliding_window_pattern", i, 0, &truth))
                return false;
            shape->layers[i].slides = truth != 0;
        } else {
            shape->layers[i].slides = pattern == 0 || (known && known->dense_first
                                                              ? in != 0
                                                              : in < pattern - 1);
        }
    }
    return true;
}

/* The last layers may use the cache of earlier ones, or belong to a drafting head that is not run.
 */
static bool read_shared(
    const struct keys *k, const struct architecture *known, struct vram_shape *shape)
{
    uint32_t shared, drafting, own = shape->layers_count;

    if (!number(k, "attention.shared_kv_layers", 0, 0, &shared) ||
        !number(k, "nextn_predict_layers", 0, 0, &drafting))
        return false;
    if (shared == 0 && known && known->own_cache && known->own_cache < own)
        shared = own - known->own_cache;
    if (shared >= own || drafting >= own)
        return err_code(k->err, ERR_INPUT, "model_shape", NULL,
            "the model says that %u of its %u layers have no cache of their own",
            shared > drafting ? shared : drafting, own);
    for (uint32_t i = own - (shared > drafting ? shared : drafting); i < own; i++)
        shape->layers[i].shares = true;
    return true;
}

static bool read_states(const struct keys *k, struct vram_shape *shape)
{
    uint32_t conv, inner, state, groups, head, shift, short_conv, kda;

    if (!number(k, "ssm.conv_kernel", 0, 0, &conv) || !number(k, "ssm.inner_size", 0, 0, &inner) ||
        !number(k, "ssm.state_size", 0, 0, &state) ||
        !number(k, "ssm.group_count", 0, 0, &groups) ||
        !number(k, "wkv.head_size", 0, 0, &head) || !number(k, "kda.head_dim", 0, 0, &kda) ||
        !number(k, "token_shift_count", 0, TOKEN_SHIFT_STANDARD, &shift) ||
        !number(k, "shortconv.l_cache", 0, 0, &short_conv))
        return false;
    uint64_t before = conv ? conv - 1 : 0, heads = shape->layers[0].heads;
    shape->inner = inner;
    if (head) {
        shape->conv_elements = (uint64_t)shift * shape->width;
        shape->state_elements = (uint64_t)shape->width * head;
        shape->inner = shape->width;
    } else if (short_conv) {
        shape->conv_elements = (uint64_t)shape->width * (short_conv - 1);
    } else if (kda) {
        shape->conv_elements = before * 3 * heads * kda;
        shape->state_elements = heads * kda * kda;
        shape->inner = (uint32_t)((heads * kda) % VRAM_NUMBER_MAX);
    } else {
        shape->conv_elements = before * (inner + 2ull * groups * state);
        shape->state_elements = (uint64_t)state * inner;
    }
    return (shape->conv_elements < VRAM_NUMBER_MAX && shape->state_elements < VRAM_NUMBER_MAX) ||
           err_code(k->err, ERR_INPUT, "model_shape", NULL,
               "the model's recurrent state would be beyond 2^31 elements");
}

static bool read_recurrence(
    const struct keys *k, const struct architecture *known, struct vram_shape *shape)
{
    static const char *const BY_INTERVAL[] = {"qwen3next", "qwen35", "qwen35moe"};
    bool by_interval = is_one_of(shape->architecture, BY_INTERVAL, COUNT(BY_INTERVAL));
    bool both = strcmp(shape->architecture, "falcon-h1") == 0;
    uint32_t interval;

    shape->memory = known ? known->memory : VRAM_MEMORY_CACHE;
    if (shape->memory != VRAM_MEMORY_RECURRENT && shape->memory != VRAM_MEMORY_HYBRID)
        return true;
    if (!number(k, "full_attention_interval", 0, HYBRID_INTERVAL_STANDARD, &interval) ||
        !read_states(k, shape))
        return false;
    for (uint32_t i = 0; i < shape->layers_count; i++) {
        struct vram_layer *layer = &shape->layers[i];
        if (shape->memory == VRAM_MEMORY_RECURRENT)
            layer->recurs = true;
        else if (by_interval)
            layer->recurs = interval && (i + 1) % interval != 0;
        else if (strncmp(shape->architecture, "nemotron_h", 10) == 0)
            layer->recurs = layer->heads_kv == 0 && layer->feed == 0;
        else
            layer->recurs = both || layer->heads_kv == 0;
        if (layer->recurs && !both)
            layer->heads_kv = 0;
    }
    return true;
}

static bool is_model(const struct gguf_header *header, struct err *err)
{
    const char *type = gguf_text(header, "general.type");

    if (header->split_number != 0)
        return err_code(err, ERR_INPUT, "not_a_model", NULL,
            "this is part %u of %u of a model: give its first part", header->split_number + 1,
            header->split_count);
    if (*header->architecture == '\0')
        return err_code(err, ERR_INPUT, "not_a_model", NULL,
            "the file says no general.architecture: it is no model that an engine could load");
    if (strcmp(header->architecture, "clip") == 0 || strcmp(type, "mmproj") == 0 ||
        strcmp(type, "adapter") == 0 || strcmp(type, "imatrix") == 0 ||
        strcmp(header->architecture, "imatrix") == 0)
        return err_code(err, ERR_INPUT, "not_a_model", NULL,
            "the file is a projector, an adapter or a table beside a model, not a model");
    return true;
}

static bool read_purpose(const struct keys *k, struct vram_shape *shape)
{
    uint32_t pooling;

    if (!number(k, "pooling_type", 0, 0, &pooling))
        return false;
    shape->embedding = pooling > 0 || shape->memory == VRAM_MEMORY_NONE;
    shape->chat_template = gguf_count(k->header, "tokenizer.chat_template") > 0;
    return true;
}

static void name_quantisation(const struct gguf_header *header, struct vram_shape *shape)
{
    uint64_t by_type[256] = {0}, file_type;
    const char *name = NULL;
    size_t most = 0;

    if (gguf_whole(header, "general.file_type", 0, &file_type))
        name = gguf_file_type(file_type);
    for (size_t i = 0; !name && i < header->tensors_count; i++)
        by_type[header->tensors[i].type % 256] += header->tensors[i].bytes;
    for (size_t i = 0; !name && i < 256; i++)
        if (by_type[i] > by_type[most])
            most = i;
    if (!name && gguf_type((uint32_t)most))
        name = gguf_type((uint32_t)most)->name;
    snprintf(shape->quantisation, sizeof shape->quantisation, "%s", name ? name : "");
}

bool vram_shape_of(
    const struct gguf_header *header, struct vram_shape *ret_shape, struct err *err)
{
    scoped(free_done) struct vram_shape *shape = calloc(1, sizeof *shape);
    const struct keys k = {header, err};

    if (!shape)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!is_model(header, err))
        return false;
    const struct architecture *known = architecture_of(header->architecture);
    memcpy(shape->architecture, header->architecture, sizeof header->architecture);
    if (!read_sizes(&k, shape) || !read_layers(&k, shape) || !read_window(&k, known, shape) ||
        !read_shared(&k, known, shape) || !read_recurrence(&k, known, shape) ||
        !read_purpose(&k, shape))
        return false;
    name_quantisation(header, shape);
    shape->parts = header->split_count;
    if (!vram_shape_add(shape, header, err))
        return false;
    *ret_shape = *shape;
    return true;
}

static bool is_input(const char *name)
{
    static const char *const INPUTS[] = {"token_embd.weight", "token_types.weight",
        "position_embd.weight", "per_layer_token_embd.weight"};

    return is_one_of(name, INPUTS, COUNT(INPUTS));
}

/* blk.N.REST: the rest. */
static const char *in_block(const char *name)
{
    const char *dot = strncmp(name, "blk.", 4) == 0 ? strchr(name + 4, '.') : NULL;

    return dot ? dot + 1 : "";
}

static void count_tensor(struct vram_shape *shape, const struct gguf_tensor *tensor)
{
    static const char *const NORMS[] = {"ffn_norm.weight", "post_attention_norm.weight",
        "attn_output_norm.weight", "attn_post_norm.weight"};
    static const char *const GATES[] = {
        "ffn_gate.weight", "ffn_gate_exps.weight", "ffn_gate_up_exps.weight"};
    const char *rest = in_block(tensor->name);

    if (is_input(tensor->name))
        shape->input_bytes += tensor->bytes;
    if (strcmp(tensor->name, "token_embd.weight") == 0) {
        shape->words_bytes = tensor->bytes;
        if (shape->words == 0 && tensor->size[1] < VRAM_NUMBER_MAX)
            shape->words = (uint32_t)tensor->size[1];
    }
    if (strcmp(tensor->name, "output.weight") == 0)
        shape->has_output = true;
    if (is_one_of(rest, GATES, COUNT(GATES)) ||
        (strcmp(rest, "ffn_up.weight") == 0 && shape->layers[0].feed &&
            tensor->size[1] == 2ull * shape->layers[0].feed))
        shape->gated = true;
    if (strcmp(rest, "ffn_up.weight") == 0)
        shape->dense = true;
    if (is_one_of(rest, NORMS, COUNT(NORMS)))
        shape->parallel = false;
    if (strstr(rest, "_shexp.weight"))
        shape->shared_experts = true;
    if (tensor->dimensions >= 2 && tensor->size[0] >= 32 && tensor->size[1] >= 32) {
        shape->matrix_elements += tensor->elements;
        shape->matrix_bytes += tensor->bytes;
    }
}

bool vram_shape_add(struct vram_shape *shape, const struct gguf_header *header, struct err *err)
{
    if (header->split_number != shape->parts_read || header->split_count != shape->parts)
        return err_code(err, ERR_INPUT, "model_shape", NULL,
            "this is part %u of %u; part %u of %u comes next", header->split_number + 1,
            header->split_count, shape->parts_read + 1, shape->parts);
    if (shape->weights_bytes > UINT64_MAX / 4 || header->tensors_bytes > UINT64_MAX / 4 ||
        shape->parameters > UINT64_MAX / 4 || header->elements > UINT64_MAX / 4)
        return err_code(err, ERR_LIMIT, "model_shape", NULL, "the model's parts are too large");
    if (shape->parts_read == 0)
        shape->parallel = shape->memory == VRAM_MEMORY_CACHE;
    shape->parts_read++;
    shape->weights_bytes += header->tensors_bytes;
    shape->parameters += header->elements;
    for (size_t i = 0; i < header->tensors_count; i++)
        count_tensor(shape, &header->tensors[i]);
    return true;
}
