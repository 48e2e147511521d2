/* SPDX-License-Identifier: Apache-2.0
 *
 * Known answers: models whose numbers everybody knows, and what other estimators got wrong. What a
 * real engine allocates is compared in tests/system/vram.py.
 */
#include "vram/vram.h"

#include "base/scoped.h"
#include "tap.h"

#define MIB (1024.0 * 1024.0)
#define GIB (1024.0 * MIB)

/* A header as gguf_read() would give it. */
struct made {
    struct gguf_pair pairs[40];
    struct gguf_tensor tensors[8];
    uint64_t items[VRAM_LAYERS_MAX + 1];
    char keys[40][128];
    struct gguf_header header;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct gguf_pair *)a)->key, ((const struct gguf_pair *)b)->key);
}

static struct gguf_pair *add(struct made *m, const char *name)
{
    size_t n = m->header.pairs_count++;

    m->header.pairs = m->pairs;
    snprintf(m->keys[n], sizeof m->keys[n], "%s.%s", m->header.architecture, name);
    m->pairs[n] = (struct gguf_pair){.key = m->keys[n], .count = 1, .kept = true};
    return &m->pairs[n];
}

static void number(struct made *m, const char *name, uint64_t value)
{
    add(m, name)->whole = value;
}

static struct made model(const char *architecture, uint32_t layers, uint32_t context,
    uint32_t width, uint32_t heads, uint32_t heads_kv)
{
    struct made m = {.header = {.version = 3, .split_count = 1}};

    snprintf(m.header.architecture, sizeof m.header.architecture, "%s", architecture);
    number(&m, "block_count", layers);
    number(&m, "context_length", context);
    number(&m, "embedding_length", width);
    number(&m, "attention.head_count", heads);
    number(&m, "attention.head_count_kv", heads_kv);
    return m;
}

static void tensor(struct made *m, const char *name, uint32_t type, uint64_t row, uint64_t rows)
{
    struct gguf_tensor *t = &m->tensors[m->header.tensors_count++];

    *t = (struct gguf_tensor){.type = type, .dimensions = 2, .size = {row, rows, 1, 1}};
    snprintf(t->name, sizeof t->name, "%s", name);
    if (!gguf_bytes(type, t->size, 2, &t->elements, &t->bytes))
        abort();
    m->header.tensors = m->tensors;
    m->header.tensors_bytes += t->bytes;
    m->header.elements += t->elements;
}

static bool shape_of(struct made *m, struct vram_shape *shape, struct err *err)
{
    m->header.pairs = m->pairs; /* it may be a copy: once for each */
    m->header.tensors = m->tensors;
    for (size_t i = 0; i < m->header.pairs_count; i++) {
        m->pairs[i].key = m->keys[i];
        if (m->pairs[i].kind == GGUF_ARRAY)
            m->pairs[i].items = m->items;
    }
    qsort(m->pairs, m->header.pairs_count, sizeof *m->pairs, by_key);
    return vram_shape_of(&m->header, shape, err);
}

static struct vram_estimate estimate(
    struct made *m, uint32_t context, const char *kv, uint32_t slots)
{
    static struct vram_shape shape;
    struct vram_estimate got = {0};
    struct vram_setup setup = vram_setup_standard(VRAM_CPU);
    struct err err;

    setup.context = context;
    setup.slots = slots;
    CHECK(vram_cache_type(kv, &setup.key_type) && vram_cache_type(kv, &setup.value_type));
    bool estimated = shape_of(m, &shape, &err) && vram_estimate(&shape, &setup, &got, &err);
    if (!estimated)
        printf("# %s\n", err.message);
    CHECK(estimated);
    return got;
}

static bool near(double got, double want, double part)
{
    if (got >= want * (1 - part) && got <= want * (1 + part))
        return true;
    printf("# got %g, wanted %g\n", got, want);
    return false;
}

static struct made llama_8b(void)
{
    return model("llama", 32, 131072, 4096, 32, 8);
}

TEST(llama_3_8b_at_8192_takes_one_gibibyte_of_cache)
{
    struct made m = llama_8b();
    struct vram_estimate got = estimate(&m, 8192, "f16", 1);

    CHECK_INT(got.token_bytes, 131072);
    CHECK_INT(got.kv_bytes, 1u << 30);
    CHECK_INT(got.cells, 8192);
    CHECK_INT(got.cells_window, 0);
}

TEST(qwen2_5_7b_at_128k)
{
    struct made m = model("qwen2", 28, 131072, 3584, 28, 4), q = m;

    CHECK(near((double)estimate(&m, 131072, "f16", 1).kv_bytes / GIB, 7.0, 0.001));
    CHECK(near((double)estimate(&q, 131072, "q8_0", 1).kv_bytes / GIB, 3.72, 0.002));
}

TEST(gemma_3_27b_keeps_windows_not_everything)
{
    struct made m = model("gemma3", 62, 131072, 5376, 32, 16), whole = m;

    number(&m, "attention.key_length", 128);
    number(&m, "attention.value_length", 128);
    number(&m, "attention.sliding_window", 1024);
    struct vram_estimate got = estimate(&m, 131072, "f16", 1);
    CHECK(near((double)got.kv_bytes / GIB, 10.6, 0.005));
    CHECK_INT(got.cells_window, 1536);
    number(&whole, "attention.key_length", 128);
    number(&whole, "attention.value_length", 128);
    CHECK(near((double)estimate(&whole, 131072, "f16", 1).kv_bytes / GIB, 62, 0.001));
}

TEST(deepseek_v3_keeps_compressed_keys_and_an_old_file_everything)
{
    struct made m = model("deepseek2", 61, 163840, 7168, 128, 1);
    struct made old = model("deepseek2", 61, 163840, 7168, 128, 128);

    number(&m, "attention.key_length", 576);
    number(&m, "attention.value_length", 512);
    number(&m, "attention.key_length_mla", 192);
    number(&m, "attention.value_length_mla", 128);
    number(&m, "attention.kv_lora_rank", 512);
    CHECK(near((double)estimate(&m, 1024, "f16", 1).kv_bytes / MIB, 68.6, 0.002));
    number(&old, "attention.key_length", 192);
    number(&old, "attention.value_length", 128);
    number(&old, "attention.kv_lora_rank", 512);
    CHECK(near((double)estimate(&old, 1024, "f16", 1).kv_bytes / MIB, 4880, 0.001));
}

TEST(qwen2_5_logits_and_plain_scores_as_calculated)
{
    struct made m = model("qwen2", 28, 131072, 3584, 28, 4);
    struct vram_shape shape;
    struct vram_estimate lean, logits, plain;
    struct vram_setup setup = vram_setup_standard(VRAM_CUDA);
    struct err err;

    number(&m, "vocab_size", 152064);
    REQUIRE(shape_of(&m, &shape, &err));
    setup.context = 131072;
    REQUIRE(vram_estimate(&shape, &setup, &lean, &err));
    setup.logits_all = true;
    REQUIRE(vram_estimate(&shape, &setup, &logits, &err));
    CHECK(logits.compute_bytes > lean.compute_bytes);
    CHECK(logits.compute_bytes > (uint64_t)(297 * MIB));
    setup.flash_attention = setup.logits_all = false;
    REQUIRE(vram_estimate(&shape, &setup, &plain, &err));
    CHECK(near((double)(plain.compute_bytes - lean.compute_bytes) / GIB, 7.0 + 0.125, 0.001));
}

TEST(per_layer_heads_as_an_array)
{
    struct made m = model("deci", 4, 8192, 1024, 8, 8);

    for (size_t i = 0; i < m.header.pairs_count; i++)
        if (strstr(m.keys[i], "head_count_kv"))
            m.pairs[i].kind = GGUF_ARRAY, m.pairs[i].count = 4;
    m.items[0] = 8, m.items[1] = 0, m.items[2] = 2, m.items[3] = 1;
    CHECK_INT(estimate(&m, 1024, "f16", 1).kv_bytes, (8 + 0 + 2 + 1) * 2 * 128 * 2 * 1024);
}

TEST(slots_have_a_cache_each_and_contexts_are_padded)
{
    struct made one = llama_8b(), four = llama_8b(), odd = llama_8b();

    CHECK_INT(estimate(&one, 8192, "f16", 1).kv_bytes, 1u << 30);
    CHECK_INT(estimate(&four, 8192, "f16", 4).kv_bytes, 4ull << 30);
    CHECK_INT(estimate(&odd, 1000, "f16", 1).cells, 1024);
}

TEST(recurrent_layers_take_the_same_at_every_context)
{
    struct made m = model("mamba", 24, 1048576, 768, 0, 0), far = m, hybrid;

    number(&m, "ssm.conv_kernel", 4);
    number(&m, "ssm.inner_size", 1536);
    number(&m, "ssm.state_size", 16);
    far = m;
    struct vram_estimate got = estimate(&m, 4096, "f16", 2);
    CHECK_INT(got.kv_bytes, 0);
    CHECK_INT(got.state_bytes, 24 * (3 * 1536 + 16 * 1536) * 4 * 2);
    CHECK_INT(estimate(&far, 524288, "f16", 2).state_bytes, got.state_bytes);
    hybrid = model("qwen3next", 8, 262144, 2048, 16, 2);
    number(&hybrid, "attention.key_length", 256);
    number(&hybrid, "attention.value_length", 256);
    number(&hybrid, "ssm.conv_kernel", 4);
    number(&hybrid, "ssm.inner_size", 4096);
    number(&hybrid, "ssm.state_size", 128);
    number(&hybrid, "ssm.group_count", 16);
    got = estimate(&hybrid, 4096, "f16", 1);
    CHECK_INT(got.kv_bytes, 2 * 2 * 512 * 2 * 4096);
    CHECK_INT(got.state_bytes, 6 * (3 * (4096 + 2 * 16 * 128) + 128 * 4096) * 4);
}

TEST(layers_that_share_a_cache_count_once)
{
    struct made m = model("gemma3n", 30, 32768, 2048, 8, 2), drafting;

    number(&m, "attention.key_length", 256);
    number(&m, "attention.value_length", 256);
    number(&m, "attention.sliding_window", 512);
    struct vram_estimate got = estimate(&m, 32768, "f16", 1);
    /* of the first 20 layers every fifth is whole */
    CHECK_INT(got.kv_bytes, 2048ull * (4 * 32768 + 16 * 1024));
    drafting = model("glm4moe", 47, 131072, 4096, 96, 8);
    number(&drafting, "attention.key_length", 128);
    number(&drafting, "attention.value_length", 128);
    number(&drafting, "nextn_predict_layers", 1);
    CHECK_INT(estimate(&drafting, 1024, "f16", 1).kv_bytes, 46ull * 4096 * 1024);
}

TEST(a_pattern_in_the_file_comes_before_what_is_known)
{
    struct made m = model("gpt-oss", 4, 131072, 2880, 64, 8), unknown, plain;

    number(&m, "attention.sliding_window", 128);
    number(&m, "attention.sliding_window_pattern", 4);
    CHECK_INT(estimate(&m, 4096, "f16", 1).token_bytes, 8 * 90 * 2);
    unknown = model("newarch", 4, 131072, 1024, 8, 8);
    number(&unknown, "attention.sliding_window", 128);
    unknown.items[0] = unknown.items[1] = 1;
    struct gguf_pair *pattern = add(&unknown, "attention.sliding_window_pattern");
    pattern->kind = GGUF_ARRAY, pattern->item_kind = GGUF_BOOL, pattern->count = 4;
    CHECK_INT(estimate(&unknown, 4096, "f16", 1).token_bytes, 2 * 8 * 256 * 2);
    plain = model("newarch", 4, 131072, 1024, 8, 8);
    number(&plain, "attention.sliding_window", 128); /* without a pattern: counted whole, said so */
    struct vram_shape shape;
    struct err err;
    REQUIRE(shape_of(&plain, &shape, &err));
    CHECK(shape.guessed && shape.window == 0);
}

TEST(an_embedding_model_has_no_cache_and_a_batch_of_its_context)
{
    struct made m = model("bert", 12, 512, 384, 12, 12);
    struct vram_shape shape;
    struct vram_estimate got;
    struct vram_setup setup = vram_setup_standard(VRAM_CPU);
    struct err err;

    number(&m, "pooling_type", 1);
    REQUIRE(shape_of(&m, &shape, &err));
    CHECK(shape.embedding);
    setup.context = 512;
    CHECK_INT(vram_ubatch(&shape, &setup), 512);
    REQUIRE(vram_estimate(&shape, &setup, &got, &err));
    CHECK_INT(got.kv_bytes, 0);
}

TEST(what_stays_on_the_host_is_not_the_devices)
{
    for (int tied = 0; tied < 2; tied++) {
        struct made m = llama_8b();
        struct vram_shape shape;
        struct vram_estimate cpu, gpu;
        struct vram_setup setup = vram_setup_standard(VRAM_CPU);
        struct err err;
        tensor(&m, "token_embd.weight", 1, 4096, 1000);
        tensor(&m, "blk.0.ffn_gate.weight", 12, 4096, 14336);
        if (!tied)
            tensor(&m, "output.weight", 14, 4096, 1000);
        REQUIRE(shape_of(&m, &shape, &err));
        CHECK(shape.gated);
        REQUIRE(vram_estimate(&shape, &setup, &cpu, &err));
        setup.kind = VRAM_CUDA;
        REQUIRE(vram_estimate(&shape, &setup, &gpu, &err));
        uint64_t embd = 4096ull * 1000 * 2, head = tied ? embd : 4096ull * 1000 / 256 * 210;
        uint64_t gate = 4096ull * 14336 / 256 * 144;
        CHECK_INT(cpu.weights_bytes, embd + gate + (tied ? 0 : head));
        CHECK_INT(gpu.weights_bytes, gate + head);
        CHECK(gpu.host_bytes >= embd);
        CHECK(gpu.overhead_bytes > 0 && cpu.overhead_bytes == 0);
        CHECK_INT(gpu.total_bytes, gpu.weights_bytes + gpu.kv_bytes + gpu.compute_bytes +
                                       gpu.overhead_bytes);
    }
}

TEST(parts_are_summed_in_order_and_all_are_needed)
{
    struct made first = llama_8b(), second = {.header = {.version = 3, .split_count = 2,
                                                  .split_number = 1}};
    struct vram_shape shape;
    struct vram_estimate got;
    struct vram_setup setup = vram_setup_standard(VRAM_CPU);
    struct err err;

    first.header.split_count = 2;
    tensor(&first, "token_embd.weight", 1, 4096, 1000);
    tensor(&second, "output.weight", 1, 4096, 1000);
    REQUIRE(shape_of(&first, &shape, &err));
    CHECK(!shape.has_output);
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    CHECK(!vram_shape_add(&shape, &first.header, &err)); /* the same part again */
    second.header.tensors = second.tensors;
    REQUIRE(vram_shape_add(&shape, &second.header, &err));
    CHECK(shape.has_output);
    REQUIRE(vram_estimate(&shape, &setup, &got, &err));
    CHECK_INT(got.weights_bytes, 2ull * 4096 * 1000 * 2);
    CHECK(!vram_shape_of(&second.header, &shape, &err)); /* not a first part */
    CHECK_TEXT(err.code, "not_a_model");
}

TEST(measured_buffers_replace_the_estimate_for_the_same_load_only)
{
    struct made m = llama_8b();
    struct vram_estimate got = estimate(&m, 8192, "f16", 1), before = got;
    struct vram_setup setup = vram_setup_standard(VRAM_CUDA);
    struct vram_measured measured = {"aa", "b1", "cuda", "f16", 8192, 1, 1000, 200, 30, 4};

    CHECK(!vram_use_measured(&got, &measured, &setup, "ab", "b1", "f16"));
    CHECK(!vram_use_measured(&got, &measured, &setup, "aa", "b2", "f16"));
    CHECK(!vram_use_measured(&got, &measured, &setup, "aa", "b1", "q8_0"));
    setup.slots = 2;
    CHECK(!vram_use_measured(&got, &measured, &setup, "aa", "b1", "f16"));
    setup.slots = 1, setup.kind = VRAM_CPU;
    CHECK(!vram_use_measured(&got, &measured, &setup, "aa", "b1", "f16"));
    CHECK(memcmp(&got, &before, sizeof got) == 0);
    setup.kind = VRAM_CUDA;
    CHECK(vram_use_measured(&got, &measured, &setup, "aa", "b1", "f16"));
    CHECK(got.measured);
    CHECK_INT(got.total_bytes, 1230 + got.overhead_bytes);
}

TEST(the_verdict_has_the_numbers)
{
    struct vram_estimate need = {.total_bytes = (uint64_t)(19.2 * GIB)};
    scoped(buf_done) struct buf out = buf_of(200);

    CHECK(!vram_verdict(&need, (uint64_t)(15.5 * GIB), "pool A", &out));
    CHECK_STR(buf_str(&out), "needs 19.2 GiB, pool A has 15.5 GiB");
    buf_clear(&out);
    CHECK(vram_verdict(&need, need.total_bytes, "pool B", &out));
    CHECK_STR(buf_str(&out), "fits: needs 19.2 GiB, pool B has 19.2 GiB");
}

TEST(the_most_context_that_fits_fits_and_one_step_more_does_not)
{
    struct made m = llama_8b();
    struct vram_shape shape;
    struct vram_setup setup = vram_setup_standard(VRAM_CUDA);
    struct vram_estimate got;
    struct err err;
    uint64_t available = (uint64_t)(6 * GIB);

    REQUIRE(shape_of(&m, &shape, &err));
    uint32_t most = vram_context_fitting(&shape, &setup, available);
    CHECK(most > 8192 && most < 131072 && most % 256 == 0);
    setup.context = most;
    REQUIRE(vram_estimate(&shape, &setup, &got, &err));
    CHECK(got.total_bytes <= available);
    setup.context = most + 256;
    REQUIRE(vram_estimate(&shape, &setup, &got, &err));
    CHECK(got.total_bytes > available);
    CHECK_INT(vram_context_fitting(&shape, &setup, 1000), 0);
    CHECK_INT(vram_context_fitting(&shape, &setup, UINT64_MAX), 131072);
}

TEST(setups_that_engines_refuse_are_refused)
{
    struct made m = llama_8b(), narrow = model("llama", 2, 4096, 80, 4, 4);
    struct vram_shape shape;
    struct vram_setup setup = vram_setup_standard(VRAM_CPU);
    struct vram_estimate got;
    struct err err;

    REQUIRE(shape_of(&m, &shape, &err));
    setup.context = 131073;
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    CHECK_TEXT(err.code, "context_too_long");
    setup = vram_setup_standard(VRAM_CPU);
    setup.slots = 0;
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    setup.slots = VRAM_SLOTS_MAX + 1;
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    setup = vram_setup_standard(VRAM_CPU);
    setup.ubatch = VRAM_UBATCH_MAX + 1;
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    setup = vram_setup_standard(VRAM_CPU);
    setup.context = 0;
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    setup = vram_setup_standard(VRAM_CPU);
    setup.flash_attention = false;
    CHECK(vram_cache_type("q8_0", &setup.value_type));
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    CHECK(!vram_cache_type("q6_k", &setup.value_type));
    REQUIRE(shape_of(&narrow, &shape, &err)); /* heads of 20 */
    setup = vram_setup_standard(VRAM_CPU);
    setup.context = 4096;
    CHECK(vram_estimate(&shape, &setup, &got, &err));
    CHECK(vram_cache_type("q8_0", &setup.key_type));
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    CHECK_TEXT(err.param, "kv");
}

TEST(headers_that_cannot_be_sized_are_refused_by_key)
{
    struct vram_shape shape;
    struct err err;
    struct made none = {.header = {.split_count = 1}};
    struct made clip = model("clip", 2, 2, 2, 2, 2), many = model("llama", 513, 4096, 64, 4, 4);
    struct made huge = model("llama", 2, 4096, 64, 4, 4), lacking = none;

    CHECK(!shape_of(&none, &shape, &err));
    CHECK_TEXT(err.code, "not_a_model");
    CHECK(!shape_of(&clip, &shape, &err));
    CHECK_TEXT(err.code, "not_a_model");
    CHECK(!shape_of(&many, &shape, &err));
    CHECK_TEXT(err.code, "model_shape");
    number(&huge, "attention.key_length", 1ull << 31);
    CHECK(!shape_of(&huge, &shape, &err));
    CHECK(strstr(err.message, "attention.key_length") != NULL);
    snprintf(lacking.header.architecture, 8, "llama");
    CHECK(!shape_of(&lacking, &shape, &err));
    CHECK(strstr(err.message, "llama.block_count") != NULL);
}

TEST(the_largest_numbers_a_header_may_hold_do_not_overflow)
{
    uint32_t big = (uint32_t)(VRAM_NUMBER_MAX - 1);
    struct made m = model("deepseek2", 512, big, big, big, big);
    struct vram_shape shape;
    struct vram_setup setup = vram_setup_standard(VRAM_CPU);
    struct vram_estimate got;
    struct err err;

    number(&m, "attention.key_length", big);
    number(&m, "attention.value_length", big);
    number(&m, "feed_forward_length", big);
    number(&m, "expert_used_count", big);
    setup.context = VRAM_CONTEXT_MAX;
    setup.slots = VRAM_SLOTS_MAX;
    REQUIRE(shape_of(&m, &shape, &err));
    CHECK(!vram_estimate(&shape, &setup, &got, &err));
    CHECK_TEXT(err.code, "model_shape");
}

TEST(a_shape_survives_json_and_strangers_do_not)
{
    struct made m = model("gemma3", 8, 131072, 1024, 8, 4);
    static struct vram_shape shape, again;
    struct err err;

    number(&m, "attention.sliding_window", 512);
    tensor(&m, "token_embd.weight", 1, 1024, 1000);
    REQUIRE(shape_of(&m, &shape, &err));
    scoped(json_done) json_t *document = vram_shape_json(&shape);
    CHECK(json_is_integer(json_object_get(document, "heads")));
    CHECK(json_is_array(json_object_get(document, "slides")));
    REQUIRE(vram_shape_from_json(document, &again, &err));
    CHECK(memcmp(&shape, &again, sizeof shape) == 0);
    json_object_set_new(document, "stranger", json_integer(1));
    CHECK(!vram_shape_from_json(document, &again, &err));
    json_object_del(document, "stranger");
    json_object_set_new(document, "layers", json_integer(7));
    CHECK(!vram_shape_from_json(document, &again, &err));
    json_object_set_new(document, "layers", json_integer(513));
    CHECK(!vram_shape_from_json(document, &again, &err));
    json_object_set_new(document, "layers", json_integer(8));
    json_object_set_new(document, "memory", json_string("brain"));
    CHECK(!vram_shape_from_json(document, &again, &err));
    json_object_set_new(document, "memory", json_string("cache"));
    json_object_set_new(document, "heads", json_integer(-1));
    CHECK(!vram_shape_from_json(document, &again, &err));
}

TEST(quantisations_of_an_8b_weigh_what_is_published)
{
    struct vram_shape shape = {.matrix_elements = 8030000000};

    for (size_t i = 0; i < vram_quantisations_count; i++) {
        double bytes = (double)vram_quantised_bytes(&shape, &vram_quantisations[i]);
        if (strcmp(vram_quantisations[i].name, "Q4_K_M") == 0)
            CHECK(near(bytes, 4.92e9, 0.005));
    }
}

TAP_MAIN
