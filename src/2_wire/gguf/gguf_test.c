/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf/gguf.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "tap.h"

enum { U8, I8, U16, I16, U32, I32, F32, BOOLEAN, STRING, ARRAY, U64, I64, F64 };

static void number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_add_char(out, (char)(value >> (8 * i)));
}

static void text(struct buf *out, const char *value)
{
    number(out, strlen(value), 8);
    buf_add(out, str_from(value));
}

static void pair(struct buf *out, const char *key, uint32_t type)
{
    text(out, key);
    number(out, type, 4);
}

static void pair_u32(struct buf *out, const char *key, uint32_t value)
{
    pair(out, key, U32);
    number(out, value, 4);
}

static void pair_text(struct buf *out, const char *key, const char *value)
{
    pair(out, key, STRING);
    text(out, value);
}

static void tensor(struct buf *out, const char *name, uint32_t type, uint64_t row, uint64_t rows,
    uint64_t offset)
{
    text(out, name);
    number(out, 2, 4);
    number(out, row, 8);
    number(out, rows, 8);
    number(out, type, 4);
    number(out, offset, 8);
}

static struct buf begin(uint32_t version, uint64_t tensors, uint64_t pairs)
{
    struct buf out = buf_of(1u << 20);

    buf_add(&out, S("GGUF"));
    number(&out, version, 4);
    number(&out, tensors, 8);
    number(&out, pairs, 8);
    return out;
}

static size_t pulled_bytes;

static bool pull(void *context, uint64_t at, char *ret_bytes, size_t count, struct err *err)
{
    const struct buf *from = context;

    (void)err;
    if (count > GGUF_WINDOW_BYTES || at + count > from->len)
        abort();
    memcpy(ret_bytes, from->at + at, count);
    pulled_bytes += count;
    return true;
}

static bool read_of(struct buf *from, uint64_t bytes, struct gguf_header *header, struct err *err)
{
    struct gguf_source source = {.pull = pull, .context = from, .bytes = bytes};

    return gguf_read(&source, header, err);
}

static bool parse(struct buf *from, struct gguf_header *header, struct err *err)
{
    return read_of(from, from->len, header, err);
}

/* The code of the refusal; "" if it was read. */
static const char *refusal(struct buf *from)
{
    scoped(gguf_header_done) struct gguf_header header = {0};
    static struct err err;

    if (parse(from, &header, &err))
        return "";
    CHECK(header.pairs == NULL && header.tensors == NULL);
    return err.code;
}

static void data(struct buf *out, size_t bytes)
{
    while (out->len % 32)
        buf_add_char(out, 0);
    for (size_t i = 0; i < bytes; i++)
        buf_add_char(out, 0);
}

static struct buf whole_file(uint32_t version)
{
    struct buf out = begin(version, 2, 9);

    pair_text(&out, "general.architecture", "llama");
    pair_u32(&out, "llama.block_count", 3);
    pair(&out, "llama.context_length", U64);
    number(&out, 131072, 8);
    pair(&out, "llama.attention.head_count_kv", ARRAY);
    number(&out, I32, 4);
    number(&out, 3, 8);
    for (int i = 0; i < 3; i++)
        number(&out, (uint64_t)i, 4);
    pair(&out, "llama.attention.sliding_window_pattern", ARRAY);
    number(&out, BOOLEAN, 4);
    number(&out, 2, 8);
    number(&out, 1, 1);
    number(&out, 0, 1);
    pair(&out, "llama.rope.freq_base", F32);
    number(&out, 0x461c4000, 4); /* 10000.0 */
    pair(&out, "llama.below", I8);
    number(&out, 0xff, 1);
    pair(&out, "tokenizer.ggml.tokens", ARRAY);
    number(&out, STRING, 4);
    number(&out, 2, 8);
    text(&out, "a");
    text(&out, "bc");
    pair(&out, "nested", ARRAY);
    number(&out, ARRAY, 4);
    number(&out, 1, 8);
    number(&out, U16, 4);
    number(&out, 2, 8);
    number(&out, 7, 4);
    tensor(&out, "token_embd.weight", 12, 512, 3, 0); /* Q4_K: 864 bytes */
    tensor(&out, "output_norm.weight", 0, 8, 1, 864);
    data(&out, 864 + 32);
    return out;
}

TEST(a_whole_header_is_read_in_both_versions)
{
    for (uint32_t version = 2; version <= 3; version++) {
        scoped(gguf_header_done) struct gguf_header header = {0};
        scoped(buf_done) struct buf file = whole_file(version);
        struct err err;
        uint64_t got = 0;
        REQUIRE(parse(&file, &header, &err));
        CHECK_INT(header.version, version);
        CHECK_TEXT(header.architecture, "llama");
        CHECK(gguf_whole(&header, "llama.block_count", 9, &got) && got == 3);
        CHECK(gguf_whole(&header, "llama.context_length", 0, &got) && got == 131072);
        CHECK(gguf_whole(&header, "llama.attention.head_count_kv", 2, &got) && got == 2);
        CHECK(!gguf_whole(&header, "llama.attention.head_count_kv", 3, &got));
        CHECK(gguf_whole(&header, "llama.attention.sliding_window_pattern", 0, &got) && got == 1);
        CHECK(!gguf_whole(&header, "llama.below", 0, &got));
        CHECK(!gguf_whole(&header, "llama.rope.freq_base", 0, &got));
        CHECK(gguf_find(&header, "llama.rope.freq_base")->real == 10000.0);
        CHECK_INT(gguf_count(&header, "tokenizer.ggml.tokens"), 2);
        CHECK(!gguf_find(&header, "tokenizer.ggml.tokens")->kept);
        CHECK_INT(header.tensors_count, 2);
        CHECK_INT(header.tensors[0].bytes, 864);
        CHECK_INT(header.tensors_bytes, 864 + 32);
        CHECK_INT(header.elements, 512 * 3 + 8);
        CHECK_INT(header.data_at % 32, 0);
        CHECK_INT(header.data_at + 896, file.len);
        CHECK_INT(header.split_count, 1);
    }
}

TEST(a_file_cut_at_any_byte_is_refused)
{
    scoped(buf_done) struct buf file = whole_file(3);

    for (size_t bytes = 0; bytes < file.len; bytes++) {
        scoped(gguf_header_done) struct gguf_header header = {0};
        struct err err;
        CHECK(!read_of(&file, bytes, &header, &err));
        CHECK_INT(err.kind, ERR_INPUT);
    }
}

TEST(other_files_and_versions_are_refused_by_name)
{
    scoped(buf_done) struct buf zip = buf_of(100), one = begin(1, 0, 0), four = begin(4, 0, 0);
    scoped(buf_done) struct buf big = begin(0x03000000, 0, 0), empty = buf_of(1);

    buf_add(&zip, S("PK\3\4 and then some more bytes than a header"));
    CHECK_TEXT(refusal(&zip), "not_gguf");
    CHECK_TEXT(refusal(&empty), "not_gguf");
    CHECK_TEXT(refusal(&one), "gguf_version");
    CHECK_TEXT(refusal(&four), "gguf_version");
    CHECK_TEXT(refusal(&big), "gguf_version"); /* big endian */
}

TEST(counts_beyond_the_bytes_left_take_no_memory)
{
    static const uint64_t COUNTS[][2] = {{0, 60000}, {60000, 0}, {0, 65537}, {65537, 0},
        {0, UINT64_MAX}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}, {0, 1}, {1, 0}};

    for (size_t i = 0; i < COUNT(COUNTS); i++) {
        scoped(buf_done) struct buf file = begin(3, COUNTS[i][0], COUNTS[i][1]);
        CHECK(*refusal(&file) != '\0');
    }
}

TEST(lengths_beyond_the_bytes_left_are_refused)
{
    static const uint64_t LENGTHS[] = {
        100, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX, UINT64_MAX - 8, 1ull << 61};

    for (size_t i = 0; i < COUNT(LENGTHS); i++) {
        scoped(buf_done) struct buf key = begin(3, 0, 1), value = begin(3, 0, 1);
        number(&key, LENGTHS[i], 8);
        buf_add(&key, S("some bytes behind"));
        CHECK(*refusal(&key) != '\0');
        pair(&value, "a", STRING);
        number(&value, LENGTHS[i], 8);
        CHECK(*refusal(&value) != '\0');
        for (uint32_t type = U8; type <= F64; type++) {
            scoped(buf_done) struct buf array = begin(3, 0, 1);
            pair(&array, "a", ARRAY);
            number(&array, type, 4);
            number(&array, LENGTHS[i], 8);
            CHECK(*refusal(&array) != '\0');
        }
    }
}

TEST(unknown_types_are_refused_by_number)
{
    static const uint32_t GONE[] = {4, 5, 31, 32, 33, 36, 37, 38, 42, 255, UINT32_MAX};

    for (size_t i = 0; i < COUNT(GONE); i++) {
        scoped(buf_done) struct buf file = begin(3, 1, 0);
        tensor(&file, "t", GONE[i], 256, 1, 0);
        data(&file, 1024);
        CHECK_TEXT(refusal(&file), "gguf_type");
    }
    for (uint32_t type = 13; type < 40; type += 13) {
        scoped(buf_done) struct buf file = begin(3, 0, 1);
        pair(&file, "a", type);
        number(&file, 0, 8);
        CHECK_TEXT(refusal(&file), "gguf_type");
    }
}

TEST(tensors_that_make_no_sense_are_refused)
{
    static const struct {
        uint64_t row, rows, offset;
        uint32_t type;
        const char *code;
    } BAD[] = {
        {8, 1, 0, 0, ""},
        {8, 0, 0, 0, "gguf_malformed"},
        {0, 8, 0, 0, "gguf_malformed"},
        {UINT64_MAX, 2, 0, 0, "gguf_malformed"},
        {1ull << 62, 1, 0, 0, "gguf_malformed"}, /* elements fit, bytes do not */
        {1ull << 40, 1ull << 40, 0, 0, "gguf_malformed"},
        {100, 1, 0, 12, "gguf_malformed"}, /* no whole block of Q4_K */
        {8, 1, 16, 0, "gguf_malformed"},   /* not aligned */
        {8, 1, 64, 0, "gguf_cut"},
        {8, 1, UINT64_MAX - 31, 0, "gguf_cut"},
        {1ull << 50, 1, 0, 0, "gguf_cut"},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(buf_done) struct buf file = begin(3, 1, 0);
        tensor(&file, "t", BAD[i].type, BAD[i].row, BAD[i].rows, BAD[i].offset);
        data(&file, 32);
        CHECK_TEXT(refusal(&file), BAD[i].code);
    }
    for (uint32_t dimensions = 0; dimensions < 12; dimensions += 5) { /* 0, 5, 10 */
        scoped(buf_done) struct buf file = begin(3, 1, 0);
        text(&file, "t");
        number(&file, dimensions, 4);
        data(&file, 320);
        CHECK_TEXT(refusal(&file), "gguf_limit");
    }
}

TEST(all_tensors_together_are_summed_within_64_bits)
{
    scoped(buf_done) struct buf file = begin(3, 3, 0);

    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        tensor(&file, name, 24, 1ull << 63, 1, 0);
    }
    data(&file, 32);
    CHECK_TEXT(refusal(&file), "gguf_malformed");
}

TEST(one_name_twice_is_refused)
{
    scoped(buf_done) struct buf keys = begin(3, 0, 3), tensors = begin(3, 3, 0);

    pair_u32(&keys, "a", 1);
    pair_u32(&keys, "b", 1);
    pair_u32(&keys, "a", 2);
    CHECK_TEXT(refusal(&keys), "gguf_malformed");
    tensor(&tensors, "a", 0, 8, 1, 0);
    tensor(&tensors, "b", 0, 8, 1, 0);
    tensor(&tensors, "a", 0, 8, 1, 0);
    data(&tensors, 32);
    CHECK_TEXT(refusal(&tensors), "gguf_malformed");
}

TEST(names_and_texts_with_odd_bytes_are_refused)
{
    scoped(buf_done) struct buf key = begin(3, 0, 1), nul = begin(3, 0, 1), empty = begin(3, 0, 1);
    scoped(buf_done) struct buf architecture = begin(3, 0, 1), boolean = begin(3, 0, 1);
    char long_name[80];

    pair_u32(&key, "a\x1b[2J", 1);
    CHECK_TEXT(refusal(&key), "gguf_malformed");
    pair(&nul, "a", STRING);
    number(&nul, 3, 8);
    buf_add(&nul, (struct str){"a\0b", 3});
    CHECK_TEXT(refusal(&nul), "gguf_malformed");
    pair_u32(&empty, "", 1);
    buf_add(&empty, S("        "));
    CHECK_TEXT(refusal(&empty), "gguf_malformed");
    pair_text(&architecture, "general.architecture", "../../x");
    CHECK_TEXT(refusal(&architecture), "gguf_malformed");
    pair(&boolean, "a", BOOLEAN);
    number(&boolean, 2, 1);
    CHECK_TEXT(refusal(&boolean), "gguf_malformed");
    memset(long_name, 'x', sizeof long_name);
    for (size_t length = 64; length <= 65; length++) {
        scoped(buf_done) struct buf file = begin(3, 1, 0);
        long_name[length] = '\0';
        tensor(&file, long_name, 0, 8, 1, 0);
        data(&file, 32);
        CHECK_TEXT(refusal(&file), length == 64 ? "" : "gguf_limit");
        long_name[length] = 'x';
    }
}

static void nest(struct buf *out, int depth)
{
    pair(out, "a", ARRAY);
    for (int i = 1; i < depth; i++) {
        number(out, ARRAY, 4);
        number(out, 1, 8);
    }
    number(out, U8, 4);
    number(out, 12, 8);
    buf_add(out, S("twelve bytes"));
}

TEST(arrays_within_arrays_have_a_depth)
{
    scoped(buf_done) struct buf four = begin(3, 0, 1), five = begin(3, 0, 1);

    nest(&four, GGUF_ARRAY_DEPTH_MAX);
    CHECK_TEXT(refusal(&four), "");
    nest(&five, GGUF_ARRAY_DEPTH_MAX + 1);
    CHECK_TEXT(refusal(&five), "gguf_limit");
}

TEST(long_texts_and_arrays_are_stepped_over)
{
    scoped(buf_done) struct buf file = begin(3, 0, 3);
    scoped(gguf_header_done) struct gguf_header header = {0};
    struct err err;

    pair(&file, "tokenizer.chat_template", STRING);
    number(&file, 300000, 8);
    for (int i = 0; i < 300000; i++)
        buf_add_char(&file, 'x');
    pair(&file, "long", ARRAY);
    number(&file, U8, 4);
    number(&file, GGUF_ITEMS_KEPT + 1, 8);
    for (int i = 0; i <= GGUF_ITEMS_KEPT; i++)
        buf_add_char(&file, 0);
    pair_u32(&file, "last", 7);
    pulled_bytes = 0;
    REQUIRE(parse(&file, &header, &err));
    CHECK(pulled_bytes < 200000); /* the text's middle was never asked for */
    CHECK_INT(gguf_count(&header, "tokenizer.chat_template"), 300000);
    CHECK_TEXT(gguf_text(&header, "tokenizer.chat_template"), "");
    CHECK_INT(gguf_count(&header, "long"), GGUF_ITEMS_KEPT + 1);
    uint64_t got;
    CHECK(!gguf_whole(&header, "long", 0, &got));
    CHECK(gguf_whole(&header, "last", 0, &got) && got == 7);
}

TEST(the_alignment_is_a_power_of_two)
{
    static const uint32_t BAD[] = {0, 3, 24, 1u << 17, UINT32_MAX};
    scoped(buf_done) struct buf word = begin(3, 0, 1);

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(buf_done) struct buf file = begin(3, 0, 1);
        pair_u32(&file, "general.alignment", BAD[i]);
        CHECK_TEXT(refusal(&file), "gguf_malformed");
    }
    pair_text(&word, "general.alignment", "x");
    CHECK_TEXT(refusal(&word), "gguf_malformed");
}

TEST(parts_of_a_split_file)
{
    uint32_t part, count;
    char path[64];
    scoped(buf_done) struct buf file = begin(3, 0, 2), odd = begin(3, 0, 2);
    scoped(gguf_header_done) struct gguf_header header = {0};
    struct err err;

    CHECK(gguf_split_of(S("m/big-00002-of-00003.gguf"), &part, &count) && part == 2 && count == 3);
    gguf_split_path(S("m/big-00002-of-00003.gguf"), 3, path);
    CHECK_TEXT(path, "m/big-00003-of-00003.gguf");
    CHECK(!gguf_split_of(S("big.gguf"), &part, &count));
    CHECK(!gguf_split_of(S("-00000-of-00003.gguf"), &part, &count));
    CHECK(!gguf_split_of(S("-00004-of-00003.gguf"), &part, &count));
    CHECK(!gguf_split_of(S("-00001-of-99999.gguf"), &part, &count));
    CHECK(!gguf_split_of(S("-0000x-of-00003.gguf"), &part, &count));
    CHECK(!gguf_split_of(S(""), &part, &count));
    pair_u32(&file, "split.no", 1);
    pair_u32(&file, "split.count", 3);
    REQUIRE(parse(&file, &header, &err));
    CHECK_INT(header.split_number, 1);
    CHECK_INT(header.split_count, 3);
    pair_u32(&odd, "split.no", 3);
    pair_u32(&odd, "split.count", 3);
    CHECK_TEXT(refusal(&odd), "gguf_malformed");
}

TEST(types_weigh_what_ggml_says)
{
    static const struct {
        const char *name;
        uint64_t bytes_of_256;
    } WANT[] = {{"F32", 1024}, {"F16", 512}, {"BF16", 512}, {"Q4_0", 144}, {"Q4_1", 160},
        {"Q5_0", 176}, {"Q5_1", 192}, {"Q8_0", 272}, {"Q2_K", 84}, {"Q3_K", 110}, {"Q4_K", 144},
        {"Q5_K", 176}, {"Q6_K", 210}, {"IQ4_XS", 136}, {"IQ1_M", 56}, {"TQ1_0", 54}, {"TQ2_0", 66},
        {"MXFP4", 136}, {"NVFP4", 144}, {"I64", 2048}};

    for (size_t i = 0; i < COUNT(WANT); i++) {
        uint64_t elements, bytes = 0, size = 256;
        const struct gguf_type *type = gguf_type_named(WANT[i].name);
        REQUIRE(type != NULL);
        CHECK(gguf_type(type->id) == type);
        CHECK(gguf_bytes(type->id, &size, 1, &elements, &bytes));
        CHECK_INT(bytes, WANT[i].bytes_of_256);
    }
    CHECK(gguf_type_named("Q9_9") == NULL);
    CHECK_TEXT(gguf_file_type(15), "Q4_K_M");
    CHECK(gguf_file_type(4711) == NULL);
}

TAP_MAIN
