/* SPDX-License-Identifier: Apache-2.0
 *
 * A shape as models.json keeps it: every member there, none unknown, all in bounds.
 */
#include "vram/vram.h"

#include "base/scoped.h"
#include "json/json_take.h"

#include <stdio.h>

#define BYTES_MAX ((int64_t)1 << 62)
#define WIDTH_MAX ((int64_t)VRAM_NUMBER_MAX - 1)

static const char *const MEMORIES[] = {
    [VRAM_MEMORY_CACHE] = "cache",
    [VRAM_MEMORY_RECURRENT] = "recurrent",
    [VRAM_MEMORY_HYBRID] = "hybrid",
    [VRAM_MEMORY_NONE] = "none",
};

enum layer_field { HEADS, HEADS_KV, FEED, SLIDES, RECURS, SHARES };
static const char *const LAYER_FIELDS[] = {
    [HEADS] = "heads",
    [HEADS_KV] = "heads_kv",
    [FEED] = "feed",
    [SLIDES] = "slides",
    [RECURS] = "recurs",
    [SHARES] = "shares",
};

static uint32_t layer_get(const struct vram_layer *layer, enum layer_field field)
{
    switch (field) {
    case HEADS:
        return layer->heads;
    case HEADS_KV:
        return layer->heads_kv;
    case FEED:
        return layer->feed;
    case SLIDES:
        return layer->slides;
    case RECURS:
        return layer->recurs;
    case SHARES:
        return layer->shares;
    }
    return 0;
}

static void layer_set(struct vram_layer *layer, enum layer_field field, uint32_t value)
{
    switch (field) {
    case HEADS:
        layer->heads = value;
        break;
    case HEADS_KV:
        layer->heads_kv = value;
        break;
    case FEED:
        layer->feed = value;
        break;
    case SLIDES:
        layer->slides = value != 0;
        break;
    case RECURS:
        layer->recurs = value != 0;
        break;
    case SHARES:
        layer->shares = value != 0;
        break;
    }
}

static json_t *layers_json(const struct vram_shape *shape, enum layer_field field)
{
    uint32_t first = layer_get(&shape->layers[0], field);
    bool alike = true;

    for (uint32_t i = 1; i < shape->layers_count; i++)
        alike = alike && layer_get(&shape->layers[i], field) == first;
    if (alike)
        return json_integer(first);
    json_t *list = json_array();
    for (uint32_t i = 0; i < shape->layers_count; i++)
        json_array_append_new(list, json_integer(layer_get(&shape->layers[i], field)));
    return list;
}

static bool layers_from(struct vram_shape *shape, enum layer_field field, const json_t *value,
    struct err *err)
{
    int64_t most = field >= SLIDES ? 1 : WIDTH_MAX;
    bool list = json_is_array(value);

    if (list && json_array_size(value) != shape->layers_count)
        return err_code(err, ERR_INPUT, "model_shape", LAYER_FIELDS[field],
            "%s has %zu members for %u layers", LAYER_FIELDS[field], json_array_size(value),
            shape->layers_count);
    for (uint32_t i = 0; i < shape->layers_count; i++) {
        const json_t *one = list ? json_array_get(value, i) : value;
        if (!json_is_integer(one) || json_integer_value(one) < 0 || json_integer_value(one) > most)
            return err_code(err, ERR_INPUT, "model_shape", LAYER_FIELDS[field],
                "%s of layer %u is no number up to %lld", LAYER_FIELDS[field], i, (long long)most);
        layer_set(&shape->layers[i], field, (uint32_t)json_integer_value(one));
    }
    return true;
}

/* Members that are one number: name, where, how wide, the least and the most. */
static const struct number_row {
    const char *name;
    size_t at;
    bool wide; /* uint64_t, else uint32_t */
    int64_t min, max;
} NUMBERS[] = {
    {"parameters", offsetof(struct vram_shape, parameters), true, 0, BYTES_MAX},
    {"weights_bytes", offsetof(struct vram_shape, weights_bytes), true, 0, BYTES_MAX},
    {"input_bytes", offsetof(struct vram_shape, input_bytes), true, 0, BYTES_MAX},
    {"words_bytes", offsetof(struct vram_shape, words_bytes), true, 0, BYTES_MAX},
    {"matrix_elements", offsetof(struct vram_shape, matrix_elements), true, 0, BYTES_MAX},
    {"matrix_bytes", offsetof(struct vram_shape, matrix_bytes), true, 0, BYTES_MAX},
    {"conv_elements", offsetof(struct vram_shape, conv_elements), true, 0, WIDTH_MAX},
    {"state_elements", offsetof(struct vram_shape, state_elements), true, 0, WIDTH_MAX},
    {"context_max", offsetof(struct vram_shape, context_max), false, 1, WIDTH_MAX},
    {"width", offsetof(struct vram_shape, width), false, 1, WIDTH_MAX},
    {"words", offsetof(struct vram_shape, words), false, 0, WIDTH_MAX},
    {"layers", offsetof(struct vram_shape, layers_count), false, 1, VRAM_LAYERS_MAX},
    {"key_length", offsetof(struct vram_shape, key_length), false, 0, WIDTH_MAX},
    {"value_length", offsetof(struct vram_shape, value_length), false, 0, WIDTH_MAX},
    {"key_length_window", offsetof(struct vram_shape, key_length_window), false, 0, WIDTH_MAX},
    {"value_length_window", offsetof(struct vram_shape, value_length_window), false, 0, WIDTH_MAX},
    {"mla_rank", offsetof(struct vram_shape, mla_rank), false, 0, WIDTH_MAX},
    {"mla_key_length", offsetof(struct vram_shape, mla_key_length), false, 0, WIDTH_MAX},
    {"index_length", offsetof(struct vram_shape, index_length), false, 0, WIDTH_MAX},
    {"window", offsetof(struct vram_shape, window), false, 0, WIDTH_MAX},
    {"experts", offsetof(struct vram_shape, experts), false, 0, WIDTH_MAX},
    {"experts_used", offsetof(struct vram_shape, experts_used), false, 0, WIDTH_MAX},
    {"feed_expert", offsetof(struct vram_shape, feed_expert), false, 0, WIDTH_MAX},
    {"inner", offsetof(struct vram_shape, inner), false, 0, WIDTH_MAX},
    {"parts", offsetof(struct vram_shape, parts), false, 1, GGUF_SPLITS_MAX},
};

static const struct {
    const char *name;
    size_t at;
} TRUTHS[] = {
    {"has_output", offsetof(struct vram_shape, has_output)},
    {"dense", offsetof(struct vram_shape, dense)},
    {"gated", offsetof(struct vram_shape, gated)},
    {"parallel", offsetof(struct vram_shape, parallel)},
    {"shared_experts", offsetof(struct vram_shape, shared_experts)},
    {"embedding", offsetof(struct vram_shape, embedding)},
    {"chat_template", offsetof(struct vram_shape, chat_template)},
    {"guessed", offsetof(struct vram_shape, guessed)},
};

#define OTHERS 3 /* architecture, quantisation, memory */
#define FIELDS (COUNT(NUMBERS) + COUNT(TRUTHS) + COUNT(LAYER_FIELDS) + OTHERS)

json_t *vram_shape_json(const struct vram_shape *shape)
{
    json_t *document = json_pack("{s:s, s:s, s:s}", "architecture", shape->architecture,
        "quantisation", shape->quantisation, "memory", MEMORIES[shape->memory]);
    const char *base = (const char *)shape;

    for (size_t i = 0; i < COUNT(NUMBERS); i++) {
        const void *at = base + NUMBERS[i].at;
        json_object_set_new(document, NUMBERS[i].name,
            json_integer((json_int_t)(NUMBERS[i].wide ? *(const uint64_t *)at
                                                      : *(const uint32_t *)at)));
    }
    for (size_t i = 0; i < COUNT(TRUTHS); i++)
        json_object_set_new(
            document, TRUTHS[i].name, json_boolean(*(const bool *)(base + TRUTHS[i].at)));
    for (size_t i = 0; i < COUNT(LAYER_FIELDS); i++)
        json_object_set_new(document, LAYER_FIELDS[i], layers_json(shape, (enum layer_field)i));
    return document;
}

/* What json_take() gives, before it is put in place. */
struct taken {
    struct str architecture, quantisation, memory;
    int64_t numbers[COUNT(NUMBERS)];
    json_t *layers[COUNT(LAYER_FIELDS)];
};

static bool fill(const struct taken *taken, struct vram_shape *shape, struct err *err)
{
    char *base = (char *)shape;
    size_t memory = 0;

    for (size_t i = 0; i < COUNT(NUMBERS); i++) {
        void *at = base + NUMBERS[i].at;
        if (NUMBERS[i].wide)
            *(uint64_t *)at = (uint64_t)taken->numbers[i];
        else
            *(uint32_t *)at = (uint32_t)taken->numbers[i];
    }
    shape->parts_read = shape->parts;
    snprintf(shape->architecture, sizeof shape->architecture, "%s", taken->architecture.at);
    snprintf(shape->quantisation, sizeof shape->quantisation, "%s", taken->quantisation.at);
    while (memory < COUNT(MEMORIES) && !str_eq(taken->memory, str_from(MEMORIES[memory])))
        memory++;
    if (memory == COUNT(MEMORIES))
        return err_code(err, ERR_INPUT, "model_shape", "memory", "memory is no known word");
    shape->memory = (enum vram_memory)memory;
    for (size_t i = 0; i < COUNT(LAYER_FIELDS); i++)
        if (!layers_from(shape, (enum layer_field)i, taken->layers[i], err))
            return false;
    return true;
}

bool vram_shape_from_json(const json_t *document, struct vram_shape *ret_shape, struct err *err)
{
    scoped(free_done) struct vram_shape *shape = calloc(1, sizeof *shape);
    struct json_field fields[FIELDS];
    struct taken taken = {0};
    size_t n = 0;

    if (!shape)
        return err_set(err, ERR_SYSTEM, "no memory");
    fields[n++] = (struct json_field)JSON_TAKE_TEXT(
        "architecture", &taken.architecture, 1, VRAM_WORD_BYTES - 1);
    fields[n++] = (struct json_field)JSON_TAKE_TEXT(
        "quantisation", &taken.quantisation, 0, VRAM_WORD_BYTES - 1);
    fields[n++] = (struct json_field)JSON_TAKE_TEXT("memory", &taken.memory, 1, 16);
    for (size_t i = 0; i < COUNT(NUMBERS); i++)
        fields[n++] = (struct json_field)JSON_TAKE_INTEGER(
            NUMBERS[i].name, &taken.numbers[i], NUMBERS[i].min, NUMBERS[i].max);
    for (size_t i = 0; i < COUNT(TRUTHS); i++)
        fields[n++] = (struct json_field)JSON_TAKE_BOOL(
            TRUTHS[i].name, (bool *)((char *)shape + TRUTHS[i].at));
    for (size_t i = 0; i < COUNT(LAYER_FIELDS); i++)
        fields[n++] = (struct json_field)JSON_TAKE_ANY(LAYER_FIELDS[i], &taken.layers[i]);
    if (!json_take(document, fields, n, err) || !fill(&taken, shape, err))
        return err_wrap(err, "shape");
    *ret_shape = *shape;
    return true;
}
