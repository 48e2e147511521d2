/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/models.h"

#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <limits.h>
#include <sys/stat.h>

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

static void pair_u32(struct buf *out, const char *key, uint32_t value)
{
    text(out, key);
    number(out, 4, 4);
    number(out, value, 4);
}

/* One part of a tiny llama; of 1 part if it is whole. */
static struct buf part(uint32_t part_number, uint32_t parts)
{
    struct buf out = buf_of(1u << 16);
    bool first = part_number == 0;

    buf_add(&out, S("GGUF"));
    number(&out, 3, 4);
    number(&out, 1, 8);
    number(&out, 2 + (first ? 6 : 0), 8);
    pair_u32(&out, "split.no", part_number);
    pair_u32(&out, "split.count", parts);
    if (first) {
        text(&out, "general.architecture");
        number(&out, 8, 4);
        text(&out, "llama");
        pair_u32(&out, "llama.block_count", 2);
        pair_u32(&out, "llama.context_length", 4096);
        pair_u32(&out, "llama.embedding_length", 64);
        pair_u32(&out, "llama.attention.head_count", 4);
        pair_u32(&out, "general.file_type", 1);
    }
    text(&out, first ? "token_embd.weight" : "output.weight");
    number(&out, 2, 4);
    number(&out, 64, 8);
    number(&out, 10, 8);
    number(&out, 1, 4);
    number(&out, 0, 8);
    while (out.len % 32)
        buf_add_char(&out, 0);
    for (int i = 0; i < 64 * 10 * 2; i++)
        buf_add_char(&out, (char)i);
    return out;
}

static const char *put(const char *folder, const char *name, const struct buf *bytes)
{
    static char paths[8][PATH_MAX];
    static size_t next;
    struct err err;
    char *path = paths[next++ % 8];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    if (!file_replace(path, buf_str(bytes), 0600, &err))
        abort();
    return path;
}

static struct model_entry entry_of(const char *name, const struct model_file *file)
{
    return (struct model_entry){name, "a/b.gguf",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "2026-11-21T02:47:01.123Z", file};
}

TEST(names_and_paths)
{
    static const char *const NAMES[] = {"a", "Llama-3.1_8b:q4", "7b"};
    static const char *const BAD_NAMES[] = {"", "-a", ".a", "a/b", "a b", "a\x1b", "\xc3\xa4"};
    static const char *const PATHS[] = {"a.gguf", "a/b c.gguf", "\xc3\xa4.gguf"};
    static const char *const BAD_PATHS[] = {
        "", "/a", "../a", "a/../b", "a//b", "a/", ".a", "a/.b", "a\nb", "a\x7f", "\xff"};
    char name[MODEL_NAME_BYTES_MAX + 1];

    for (size_t i = 0; i < COUNT(NAMES); i++)
        CHECK(model_name_valid(str_from(NAMES[i])));
    for (size_t i = 0; i < COUNT(BAD_NAMES); i++)
        CHECK(!model_name_valid(str_from(BAD_NAMES[i])));
    for (size_t i = 0; i < COUNT(PATHS); i++)
        CHECK(model_path_valid(str_from(PATHS[i])));
    for (size_t i = 0; i < COUNT(BAD_PATHS); i++)
        CHECK(!model_path_valid(str_from(BAD_PATHS[i])));
    model_name_of(S("x/Qwen2.5 7B-Instruct-Q4_K_M-00001-of-00002.gguf"), name);
    CHECK_TEXT(name, "qwen2.5-7b-instruct-q4_k_m");
    model_name_of(S("--x.gguf"), name);
    CHECK_TEXT(name, "x");
    model_name_of(S("/.gguf"), name);
    CHECK_TEXT(name, "");
}

TEST(a_whole_file_and_its_parts_are_the_same_model)
{
    static struct model_file whole, split;
    scoped(buf_done) struct buf one = part(0, 1), first = part(0, 2), second = part(1, 2);
    const char *folder = scratch_folder();
    char sha256[MODEL_SHA256_BYTES], want[SHA256_HEX_BYTES];
    struct err err;

    REQUIRE(model_file_read(put(folder, "m.gguf", &one), &whole, &err));
    CHECK_TEXT(whole.shape.architecture, "llama");
    CHECK_TEXT(whole.shape.quantisation, "F16");
    CHECK_INT(whole.shape.weights_bytes, 1280);
    CHECK(!whole.shape.has_output);
    const char *path = put(folder, "s-00001-of-00002.gguf", &first);
    CHECK(!model_file_read(path, &split, &err)); /* the second is not there */
    CHECK_INT(err.kind, ERR_SYSTEM);
    const char *other = put(folder, "s-00002-of-00002.gguf", &second);
    REQUIRE(model_file_read(path, &split, &err));
    CHECK(split.shape.has_output);
    CHECK_INT(split.shape.weights_bytes, 2560);
    CHECK_INT(split.bytes, first.len + second.len);
    CHECK(!model_file_read(other, &split, &err));
    CHECK_TEXT(err.code, "not_a_model");
    REQUIRE(model_file_hash(path, NULL, NULL, sha256, &err));
    buf_add(&first, buf_str(&second));
    sha256_hex(buf_str(&first), want);
    CHECK_TEXT(sha256, want);
    CHECK(!model_file_read(put(folder, "alone.gguf", &second), &split, &err));
}

TEST(what_is_no_file_is_refused)
{
    static struct model_file file;
    char path[PATH_MAX];
    struct err err;

    snprintf(path, sizeof path, "%s/fifo", scratch_folder());
    REQUIRE(mkfifo(path, 0600) == 0);
    CHECK(!model_file_read(path, &file, &err));
    CHECK(!model_file_read("/", &file, &err));
    CHECK(!model_file_read("/dev/zero", &file, &err));
    CHECK_TEXT(err.code, "not_gguf");
}

TEST(entries_are_added_found_and_removed)
{
    static struct model_file file;
    scoped(buf_done) struct buf one = part(0, 1);
    const char *folder = scratch_folder();
    char path[PATH_MAX];
    struct err err;
    scoped(json_done) json_t *document = NULL;

    REQUIRE(model_file_read(put(folder, "m.gguf", &one), &file, &err));
    snprintf(path, sizeof path, "%s/models.json", folder);
    struct model_entry a = entry_of("a", &file), b = entry_of("b", &file);
    REQUIRE(models_add(path, &a, &err));
    REQUIRE(models_add(path, &b, &err));
    CHECK(!models_add(path, &a, &err));
    CHECK_TEXT(err.code, "model_exists");
    REQUIRE(models_read(path, &document, &err));
    const json_t *found = models_find(document, "b");
    REQUIRE(found != NULL);
    CHECK_TEXT(json_string_value(json_object_get(found, "file")), "a/b.gguf");
    CHECK(models_find(document, "c") == NULL);
    REQUIRE(models_remove(path, "a", &err));
    CHECK(!models_remove(path, "a", &err));
    CHECK_TEXT(err.code, "no_such_model");
}

TEST(entries_that_make_no_sense_are_neither_read_nor_written)
{
    static struct model_file file;
    static const struct {
        const char *member, *text;
    } BAD[] = {{"name", "\"a b\""}, {"file", "\"../a\""}, {"file", "\"/a\""}, {"bytes", "0"},
        {"bytes", "-1"}, {"sha256", "\"0\""}, {"added_at", "\"today\""}, {"context_max", "0"},
        {"shape", "{}"}, {"shape", "7"}, {"stranger", "1"}, {"embedding", "0"}};
    scoped(buf_done) struct buf one = part(0, 1);
    const char *folder = scratch_folder();
    char path[PATH_MAX];
    struct err err;

    REQUIRE(model_file_read(put(folder, "m.gguf", &one), &file, &err));
    snprintf(path, sizeof path, "%s/models.json", folder);
    struct model_entry good = entry_of("a", &file), bad = entry_of("a b", &file);
    CHECK(!models_add(path, &bad, &err));
    REQUIRE(models_add(path, &good, &err));
    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *document = NULL;
        scoped(json_done) json_t *again = NULL;
        REQUIRE(models_read(path, &document, &err));
        json_t *entry = json_array_get(json_object_get(document, "models"), 0);
        json_object_set_new(entry, BAD[i].member, json_loads(BAD[i].text, JSON_DECODE_ANY, NULL));
        scoped(free_done) char *written = json_dumps(document, 0);
        CHECK(!document_parse(str_from(written), "models.json", &models_form, &again, &err));
    }
    scoped(json_done) json_t *twice = NULL;
    scoped(json_done) json_t *again = NULL;
    REQUIRE(models_read(path, &twice, &err));
    json_t *list = json_object_get(twice, "models");
    json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
    scoped(free_done) char *written = json_dumps(twice, 0);
    CHECK(!document_parse(str_from(written), "models.json", &models_form, &again, &err));
    CHECK(strstr(err.message, "two models") != NULL);
}

TAP_MAIN
