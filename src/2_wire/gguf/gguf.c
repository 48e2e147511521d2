/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf/gguf.h"

#include "base/panic.h"
#include "base/scoped.h"

#include <stdlib.h>

#define MAGIC 0x46554747u /* "GGUF" */
#define PAIR_BYTES_MIN 14 /* a key of one byte, a type, a value of one byte: 8 + 1 + 4 + 1 */
#define TENSOR_BYTES_MIN 24
#define ALIGNMENT_STANDARD 32
#define ALIGNMENT_MAX 65536

/* Types of values, as numbered in the file. */
enum value_type {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    BOOLEAN,
    STRING,
    ARRAY,
    U64,
    I64,
    F64,
    VALUE_TYPES
};

static const struct {
    uint8_t bytes; /* the least for STRING and ARRAY */
    enum gguf_kind kind;
    bool is_signed;
} VALUES[VALUE_TYPES] = {
    [U8] = {1, GGUF_WHOLE, false},
    [I8] = {1, GGUF_WHOLE, true},
    [U16] = {2, GGUF_WHOLE, false},
    [I16] = {2, GGUF_WHOLE, true},
    [U32] = {4, GGUF_WHOLE, false},
    [I32] = {4, GGUF_WHOLE, true},
    [F32] = {4, GGUF_REAL, false},
    [BOOLEAN] = {1, GGUF_BOOL, false},
    [STRING] = {8, GGUF_TEXT, false},
    [ARRAY] = {12, GGUF_ARRAY, false},
    [U64] = {8, GGUF_WHOLE, false},
    [I64] = {8, GGUF_WHOLE, true},
    [F64] = {8, GGUF_REAL, false},
};

struct reader {
    const struct gguf_source *source;
    struct err *err;
    uint64_t at;       /* of the file */
    uint64_t limit;    /* bytes that may be read: the file's, or our own limit */
    uint64_t window_at;
    size_t window_len;
    size_t kept_bytes; /* allocated for the header so far */
    char window[GGUF_WINDOW_BYTES];
};

static bool malformed(struct reader *r, const char *what)
{
    return err_code(r->err, ERR_INPUT, "gguf_malformed", NULL,
        "the model file is malformed: %s (at byte %llu)", what, (unsigned long long)r->at);
}

static bool beyond(struct reader *r, const char *what, uint64_t number, uint64_t most)
{
    return err_code(r->err, ERR_LIMIT, "gguf_limit", NULL,
        "the model file has %s of %llu; at most %llu (at byte %llu)", what,
        (unsigned long long)number, (unsigned long long)most, (unsigned long long)r->at);
}

static bool have(struct reader *r, uint64_t count)
{
    if (count <= r->limit - r->at)
        return true;
    if (r->limit < r->source->bytes)
        return beyond(r, "a header", r->source->bytes, r->limit);
    return err_code(r->err, ERR_INPUT, "gguf_cut", NULL,
        "the model file ends within its header: %llu bytes at byte %llu, and %llu are left",
        (unsigned long long)count, (unsigned long long)r->at,
        (unsigned long long)(r->limit - r->at));
}

static bool skip(struct reader *r, uint64_t count)
{
    if (!have(r, count))
        return false;
    r->at += count;
    return true;
}

static bool take(struct reader *r, void *ret_bytes, size_t count)
{
    char *to = ret_bytes;

    if (!have(r, count))
        return false;
    while (count) {
        if (r->at < r->window_at || r->at >= r->window_at + r->window_len) {
            uint64_t left = r->limit - r->at;
            size_t want = left < sizeof r->window ? (size_t)left : sizeof r->window;
            r->window_len = 0;
            if (!r->source->pull(r->source->context, r->at, r->window, want, r->err))
                return false;
            r->window_at = r->at;
            r->window_len = want;
        }
        size_t from = (size_t)(r->at - r->window_at), some = r->window_len - from;
        if (some > count)
            some = count;
        memcpy(to, r->window + from, some);
        to += some;
        count -= some;
        r->at += some;
    }
    return true;
}

static bool take_number(struct reader *r, size_t bytes, uint64_t *ret_number)
{
    uint8_t raw[8];
    uint64_t number = 0;

    if (!take(r, raw, bytes))
        return false;
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | raw[i];
    *ret_number = number;
    return true;
}

static bool take_u32(struct reader *r, uint32_t *ret_number)
{
    uint64_t number;

    if (!take_number(r, 4, &number))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static void *keep(struct reader *r, uint64_t count, size_t size)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > GGUF_KEPT_BYTES_MAX ||
        r->kept_bytes + bytes > GGUF_KEPT_BYTES_MAX) {
        beyond(r, "values to keep", r->kept_bytes + bytes, GGUF_KEPT_BYTES_MAX);
        return NULL;
    }
    r->kept_bytes += (size_t)bytes;
    void *at = calloc(count ? (size_t)count : 1, size);
    check(at);
    return at;
}

/* A string's length, with its bytes known to be there. */
static bool take_length(struct reader *r, uint64_t bytes_max, const char *what, uint64_t *ret)
{
    uint64_t length = 0;

    if (!take_number(r, 8, &length) || !have(r, length))
        return false;
    if (length > bytes_max)
        return beyond(r, what, length, bytes_max);
    *ret = length;
    return true;
}

static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x21 || (unsigned char)text[i] > 0x7e)
            return false;
    return true;
}

static bool take_key(struct reader *r, char **ret_key)
{
    uint64_t length = 0;

    if (!take_length(r, GGUF_KEY_BYTES_MAX, "a key", &length))
        return false;
    if (length == 0)
        return malformed(r, "a key is empty");
    *ret_key = keep(r, length + 1, 1);
    if (!*ret_key || !take(r, *ret_key, (size_t)length))
        return false;
    return is_plain(*ret_key, (size_t)length) || malformed(r, "a key is not printable");
}

static bool take_text(struct reader *r, struct gguf_pair *pair)
{
    uint64_t length = 0;

    if (!take_length(r, GGUF_TEXT_BYTES_MAX, "a text", &length))
        return false;
    pair->count = length;
    if (length > GGUF_TEXT_KEPT_BYTES)
        return skip(r, length);
    char *text = keep(r, length + 1, 1);
    if (!text)
        return false;
    pair->text = text;
    pair->kept = true;
    if (!take(r, text, (size_t)length))
        return false;
    if (strlen(text) == length)
        return true;
    return malformed(r, "a text holds a NUL");
}

static double real_of(uint64_t bits, uint32_t type)
{
    if (type == F32) {
        uint32_t half = (uint32_t)bits;
        float real;
        memcpy(&real, &half, sizeof real);
        return (double)real;
    }
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static bool take_scalar(struct reader *r, uint32_t type, uint64_t *ret_bits)
{
    uint64_t bits, bytes = VALUES[type].bytes;

    if (!take_number(r, bytes, &bits))
        return false;
    if (type == BOOLEAN && bits > 1)
        return malformed(r, "a truth value is neither 0 nor 1");
    if (VALUES[type].is_signed && bytes < 8 && bits >> (bytes * 8 - 1))
        bits |= ~UINT64_C(0) << (bytes * 8);
    *ret_bits = bits;
    return true;
}

static bool take_array_head(
    struct reader *r, uint64_t *items_left, uint32_t *ret_type, uint64_t *ret_count)
{
    if (!take_u32(r, ret_type) || !take_number(r, 8, ret_count))
        return false;
    if (*ret_type >= VALUE_TYPES)
        return err_code(r->err, ERR_INPUT, "gguf_type", NULL,
            "the model file has an array of values of type %u, which is unknown (at byte %llu)",
            *ret_type, (unsigned long long)r->at);
    if (*ret_count > *items_left)
        return beyond(r, "an array", *ret_count, *items_left);
    *items_left -= *ret_count;
    /* Cannot overflow: the count is below GGUF_ITEMS_MAX by now. */
    return have(r, *ret_count * VALUES[*ret_type].bytes);
}

static bool skip_texts(struct reader *r, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t length = 0;
        if (!take_length(r, GGUF_TEXT_BYTES_MAX, "a text", &length) || !skip(r, length))
            return false;
    }
    return true;
}

/* The items behind an array's head. The depth is bounded, so this may call itself. */
static bool skip_items(
    struct reader *r, uint32_t type, uint64_t count, unsigned depth, uint64_t *items_left)
{
    if (type == STRING)
        return skip_texts(r, count);
    if (type != ARRAY)
        return skip(r, count * VALUES[type].bytes);
    if (depth >= GGUF_ARRAY_DEPTH_MAX)
        return beyond(r, "arrays within arrays to a depth", depth + 1, GGUF_ARRAY_DEPTH_MAX);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t inner;
        uint64_t inner_count;
        if (!take_array_head(r, items_left, &inner, &inner_count) ||
            !skip_items(r, inner, inner_count, depth + 1, items_left))
            return false;
    }
    return true;
}

static bool take_array(struct reader *r, struct gguf_pair *pair)
{
    uint64_t items_left = GGUF_ITEMS_MAX, bits;
    uint32_t type;

    if (!take_array_head(r, &items_left, &type, &pair->count))
        return false;
    pair->item_kind = VALUES[type].kind;
    bool wanted = type != STRING && type != ARRAY && pair->count <= GGUF_ITEMS_KEPT;
    if (!wanted)
        return skip_items(r, type, pair->count, 1, &items_left);
    void *items = keep(r, pair->count, sizeof(uint64_t));
    if (!items)
        return false;
    pair->items = items;
    pair->kept = true;
    for (uint64_t i = 0; i < pair->count; i++) {
        if (!take_scalar(r, type, &bits))
            return false;
        if (pair->item_kind == GGUF_REAL)
            pair->reals[i] = real_of(bits, type);
        else
            pair->items[i] = bits;
    }
    return true;
}

static bool take_pair(struct reader *r, struct gguf_pair *pair)
{
    uint32_t type;
    uint64_t bits;

    if (!take_key(r, &pair->key) || !take_u32(r, &type))
        return false;
    if (type >= VALUE_TYPES)
        return err_code(r->err, ERR_INPUT, "gguf_type", NULL,
            "the model file has a value of type %u, which is unknown (at byte %llu)", type,
            (unsigned long long)r->at);
    pair->kind = VALUES[type].kind;
    if (type == STRING)
        return take_text(r, pair);
    if (type == ARRAY)
        return take_array(r, pair);
    if (!take_scalar(r, type, &bits))
        return false;
    pair->count = 1;
    pair->kept = true;
    if (pair->kind == GGUF_REAL)
        pair->real = real_of(bits, type);
    else
        pair->whole = bits;
    pair->negative = VALUES[type].is_signed && bits >> 63;
    return true;
}

static bool take_tensor(struct reader *r, struct gguf_tensor *tensor)
{
    uint64_t length = 0;

    if (!take_length(r, GGUF_NAME_BYTES_MAX, "a tensor's name", &length))
        return false;
    if (length == 0)
        return malformed(r, "a tensor has no name");
    if (!take(r, tensor->name, (size_t)length))
        return false;
    if (!is_plain(tensor->name, (size_t)length))
        return malformed(r, "a tensor's name is not printable");
    if (!take_u32(r, &tensor->dimensions))
        return false;
    if (tensor->dimensions == 0 || tensor->dimensions > GGUF_DIMENSIONS_MAX)
        return beyond(r, "a tensor with dimensions", tensor->dimensions, GGUF_DIMENSIONS_MAX);
    for (size_t i = 0; i < GGUF_DIMENSIONS_MAX; i++) {
        tensor->size[i] = 1;
        if (i < tensor->dimensions && !take_number(r, 8, &tensor->size[i]))
            return false;
        if (tensor->size[i] == 0)
            return malformed(r, "a tensor has a dimension of 0");
    }
    if (!take_u32(r, &tensor->type) || !take_number(r, 8, &tensor->offset))
        return false;
    if (!gguf_type(tensor->type))
        return err_code(r->err, ERR_INPUT, "gguf_type", NULL,
            "the model file has a tensor of type %u, which is unknown (at byte %llu): its size "
            "cannot be known",
            tensor->type, (unsigned long long)r->at);
    if (!gguf_bytes(tensor->type, tensor->size, tensor->dimensions, &tensor->elements,
            &tensor->bytes))
        return malformed(r, "a tensor's size is beyond 64 bits, or its rows are no whole blocks");
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct gguf_pair *)a)->key, ((const struct gguf_pair *)b)->key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool take_pairs(struct reader *r, struct gguf_header *header, uint64_t count)
{
    header->pairs = keep(r, count, sizeof *header->pairs);
    if (!header->pairs)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        header->pairs_count = (size_t)i + 1; /* so that a half-read one is released too */
        if (!take_pair(r, &header->pairs[i]))
            return false;
    }
    qsort(header->pairs, header->pairs_count, sizeof *header->pairs, by_key);
    for (size_t i = 1; i < header->pairs_count; i++)
        if (by_key(&header->pairs[i - 1], &header->pairs[i]) == 0)
            return malformed(r, "two values have one key");
    return true;
}

static bool names_differ(struct reader *r, const struct gguf_header *header)
{
    scoped(free_done) const char **names = calloc(header->tensors_count + 1, sizeof *names);

    check(names);
    for (size_t i = 0; i < header->tensors_count; i++)
        names[i] = header->tensors[i].name;
    qsort(names, header->tensors_count, sizeof *names, by_name);
    for (size_t i = 1; i < header->tensors_count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return malformed(r, "two tensors have one name");
    return true;
}

static bool take_tensors(struct reader *r, struct gguf_header *header, uint64_t count)
{
    header->tensors = calloc((size_t)count + 1, sizeof *header->tensors);
    check(header->tensors);
    for (uint64_t i = 0; i < count; i++) {
        struct gguf_tensor *tensor = &header->tensors[i];
        if (!take_tensor(r, tensor))
            return false;
        header->tensors_count++;
        if (__builtin_add_overflow(header->tensors_bytes, tensor->bytes, &header->tensors_bytes) ||
            __builtin_add_overflow(header->elements, tensor->elements, &header->elements))
            return malformed(r, "the tensors together are beyond 64 bits");
    }
    return names_differ(r, header);
}

/* Every tensor lies aligned within the file. */
static bool tensors_inside(struct reader *r, struct gguf_header *header)
{
    uint64_t pad = r->at % header->alignment;

    header->header_bytes = r->at;
    header->data_at = r->at + (pad ? header->alignment - pad : 0);
    for (size_t i = 0; i < header->tensors_count; i++) {
        const struct gguf_tensor *tensor = &header->tensors[i];
        uint64_t end;
        if (tensor->offset % header->alignment)
            return malformed(r, "a tensor is not aligned");
        if (__builtin_add_overflow(tensor->offset, tensor->bytes, &end) ||
            __builtin_add_overflow(end, header->data_at, &end) || end > r->source->bytes)
            return err_code(r->err, ERR_INPUT, "gguf_cut", NULL,
                "the model file ends before its tensor %zu does: it has %llu bytes; copy it again",
                i + 1, (unsigned long long)r->source->bytes);
    }
    return true;
}

static bool take_general(struct reader *r, struct gguf_header *header)
{
    const char *architecture = gguf_text(header, "general.architecture");
    uint64_t number = ALIGNMENT_STANDARD, count = 1, part = 0;

    if (strlen(architecture) > GGUF_NAME_BYTES_MAX ||
        strspn(architecture, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(architecture))
        return malformed(r, "general.architecture is no plain word");
    memcpy(header->architecture, architecture, strlen(architecture));
    if (gguf_find(header, "general.alignment") &&
        !gguf_whole(header, "general.alignment", 0, &number))
        return malformed(r, "general.alignment is no whole number");
    if (number == 0 || number > ALIGNMENT_MAX || (number & (number - 1)) != 0)
        return malformed(r, "general.alignment is no power of two up to 65536");
    header->alignment = (uint32_t)number;
    (void)gguf_whole(header, "split.count", 0, &count);
    (void)gguf_whole(header, "split.no", 0, &part);
    if (count == 0) /* written so for a file that is whole */
        count = 1;
    if (count > GGUF_SPLITS_MAX || part >= count)
        return malformed(r, "its part number and number of parts make no sense");
    header->split_count = (uint32_t)count;
    header->split_number = (uint32_t)part;
    return true;
}

static bool read_all(struct reader *r, struct gguf_header *header)
{
    uint32_t magic;
    uint64_t tensors, pairs;

    if (r->limit < 24 || !take_u32(r, &magic) || magic != MAGIC)
        return err_code(r->err, ERR_INPUT, "not_gguf", NULL,
            "this is no GGUF file: it does not begin with the four letters GGUF and two counts");
    if (!take_u32(r, &header->version))
        return false;
    if (header->version != 2 && header->version != 3)
        return err_code(r->err, ERR_INPUT, "gguf_version", NULL,
            "the model file says GGUF version %u; 2 and 3 (little endian) are known",
            header->version);
    if (!take_number(r, 8, &tensors) || !take_number(r, 8, &pairs))
        return false;
    if (pairs > GGUF_PAIRS_MAX)
        return beyond(r, "a number of values", pairs, GGUF_PAIRS_MAX);
    if (tensors > GGUF_TENSORS_MAX)
        return beyond(r, "a number of tensors", tensors, GGUF_TENSORS_MAX);
    return have(r, pairs * PAIR_BYTES_MIN + tensors * TENSOR_BYTES_MIN) &&
           take_pairs(r, header, pairs) && take_general(r, header) &&
           take_tensors(r, header, tensors) && tensors_inside(r, header);
}

bool gguf_read(const struct gguf_source *source, struct gguf_header *ret_header, struct err *err)
{
    scoped(gguf_header_done) struct gguf_header header = {0};
    scoped(free_done) struct reader *r = calloc(1, sizeof *r);

    check(r);
    r->source = source;
    r->err = err;
    r->limit = source->bytes < GGUF_HEADER_BYTES_MAX ? source->bytes : GGUF_HEADER_BYTES_MAX;
    if (!read_all(r, &header))
        return false;
    *ret_header = header;
    header = (struct gguf_header){0};
    return true;
}

void gguf_header_done(struct gguf_header *header)
{
    for (size_t i = 0; i < header->pairs_count; i++) {
        struct gguf_pair *pair = &header->pairs[i];
        free(pair->key);
        if (pair->kind == GGUF_TEXT)
            free(pair->text);
        if (pair->kind == GGUF_ARRAY)
            free(pair->items);
    }
    free(header->pairs);
    free(header->tensors);
    *header = (struct gguf_header){0};
}

const struct gguf_pair *gguf_find(const struct gguf_header *header, const char *key)
{
    const struct gguf_pair wanted = {.key = (char *)(uintptr_t)key};

    if (header->pairs_count == 0)
        return NULL;
    return bsearch(&wanted, header->pairs, header->pairs_count, sizeof *header->pairs, by_key);
}

bool gguf_whole(
    const struct gguf_header *header, const char *key, size_t item, uint64_t *ret_number)
{
    const struct gguf_pair *pair = gguf_find(header, key);

    if (!pair || !pair->kept)
        return false;
    if (pair->kind == GGUF_WHOLE || pair->kind == GGUF_BOOL) {
        if (pair->negative)
            return false;
        *ret_number = pair->whole;
        return true;
    }
    if (pair->kind != GGUF_ARRAY || item >= pair->count ||
        (pair->item_kind != GGUF_WHOLE && pair->item_kind != GGUF_BOOL) ||
        pair->items[item] > INT64_MAX)
        return false;
    *ret_number = pair->items[item];
    return true;
}

const char *gguf_text(const struct gguf_header *header, const char *key)
{
    const struct gguf_pair *pair = gguf_find(header, key);

    return pair && pair->kind == GGUF_TEXT && pair->kept ? pair->text : "";
}

uint64_t gguf_count(const struct gguf_header *header, const char *key)
{
    const struct gguf_pair *pair = gguf_find(header, key);

    return pair && (pair->kind == GGUF_ARRAY || pair->kind == GGUF_TEXT) ? pair->count : 0;
}
