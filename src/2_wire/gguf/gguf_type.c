/* SPDX-License-Identifier: Apache-2.0
 *
 * What ggml's types weigh, and the names of file types and of split files.
 */
#include "gguf/gguf.h"

#include "base/scoped.h"

#include <stdio.h>

/* Ids 4, 5, 31 to 33 and 36 to 38 are withdrawn. Not here: refused, never taken for 0 bytes. */
static const struct gguf_type TYPES[] = {
    {0, "F32", 1, 4},
    {1, "F16", 1, 2},
    {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},
    {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},
    {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},
    {12, "Q4_K", 256, 144},
    {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},
    {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},
    {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136},
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},
    {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},
    {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},
};

static const struct {
    uint32_t id;
    const char *name;
} FILE_TYPES[] = {
    {0, "F32"},
    {1, "F16"},
    {2, "Q4_0"},
    {3, "Q4_1"},
    {7, "Q8_0"},
    {8, "Q5_0"},
    {9, "Q5_1"},
    {10, "Q2_K"},
    {11, "Q3_K_S"},
    {12, "Q3_K_M"},
    {13, "Q3_K_L"},
    {14, "Q4_K_S"},
    {15, "Q4_K_M"},
    {16, "Q5_K_S"},
    {17, "Q5_K_M"},
    {18, "Q6_K"},
    {19, "IQ2_XXS"},
    {20, "IQ2_XS"},
    {21, "Q2_K_S"},
    {22, "IQ3_XS"},
    {23, "IQ3_XXS"},
    {24, "IQ1_S"},
    {25, "IQ4_NL"},
    {26, "IQ3_S"},
    {27, "IQ3_M"},
    {28, "IQ2_S"},
    {29, "IQ2_M"},
    {30, "IQ4_XS"},
    {31, "IQ1_M"},
    {32, "BF16"},
    {36, "TQ1_0"},
    {37, "TQ2_0"},
    {38, "MXFP4_MOE"},
};

const struct gguf_type *gguf_type(uint32_t id)
{
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (TYPES[i].id == id)
            return &TYPES[i];
    return NULL;
}

const struct gguf_type *gguf_type_named(const char *name)
{
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (str_eq_nocase(str_from(TYPES[i].name), str_from(name)))
            return &TYPES[i];
    return NULL;
}

bool gguf_bytes(uint32_t type, const uint64_t *size, size_t dimensions, uint64_t *ret_elements,
    uint64_t *ret_bytes)
{
    const struct gguf_type *known = gguf_type(type);
    uint64_t elements = 1, bytes;

    for (size_t i = 0; i < dimensions; i++)
        if (__builtin_mul_overflow(elements, size[i], &elements))
            return false;
    if (!known || (dimensions && size[0] % known->block_elements) ||
        __builtin_mul_overflow(elements / known->block_elements, known->block_bytes, &bytes))
        return false;
    *ret_elements = elements;
    *ret_bytes = bytes;
    return true;
}

const char *gguf_file_type(uint64_t file_type)
{
    for (size_t i = 0; i < COUNT(FILE_TYPES); i++)
        if (FILE_TYPES[i].id == file_type)
            return FILE_TYPES[i].name;
    return NULL;
}

/* "-00001-of-00003.gguf" */
#define SPLIT_DIGITS 5
#define SPLIT_TAIL_BYTES (1 + SPLIT_DIGITS + 4 + SPLIT_DIGITS + 5)

static bool digits(const char *at, uint32_t *ret_number)
{
    uint32_t number = 0;

    for (size_t i = 0; i < SPLIT_DIGITS; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(at[i] - '0');
    }
    *ret_number = number;
    return true;
}

bool gguf_split_of(struct str path, uint32_t *ret_number, uint32_t *ret_count)
{
    uint32_t number, count;

    if (path.len < SPLIT_TAIL_BYTES)
        return false;
    const char *tail = path.at + path.len - SPLIT_TAIL_BYTES;
    if (tail[0] != '-' || memcmp(tail + 1 + SPLIT_DIGITS, "-of-", 4) != 0 ||
        !str_ends(path, S(".gguf")) || !digits(tail + 1, &number) ||
        !digits(tail + 1 + SPLIT_DIGITS + 4, &count) || number == 0 || number > count ||
        count > GGUF_SPLITS_MAX)
        return false;
    *ret_number = number;
    *ret_count = count;
    return true;
}

void gguf_split_path(struct str path, uint32_t number, char *ret_path)
{
    char text[SPLIT_DIGITS + 8];

    memcpy(ret_path, path.at, path.len);
    ret_path[path.len] = '\0';
    snprintf(text, sizeof text, "%05u", number % 100000);
    memcpy(ret_path + path.len - SPLIT_TAIL_BYTES + 1, text, SPLIT_DIGITS);
}
