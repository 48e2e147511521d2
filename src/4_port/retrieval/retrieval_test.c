/* SPDX-License-Identifier: Apache-2.0 */
#include "retrieval/retrieval.h"

#include "base/scoped.h"
#include "tap.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct retrieval *opened(const char *vec)
{
    struct retrieval *retrieval = NULL;
    struct err err = {0};

    if (!retrieval_open(&(struct retrieval_config){.vec_extension = vec}, &retrieval, &err))
        printf("# %s\n", err.message);
    return retrieval;
}

static struct retrieval_added added(
    struct retrieval *retrieval, const char *source, const char *text)
{
    struct retrieval_added ret;
    struct err err = {0};

    if (!retrieval_add(retrieval,
            &(struct retrieval_document){.source = str_from(source), .text = str_from(text)}, 1,
            &ret, &err))
        printf("# %s\n", err.message);
    return ret;
}

static bool embedded(struct retrieval *retrieval, const char *model, int64_t chunk,
    const float *vector, struct err *err)
{
    return retrieval_embed(
        retrieval, &(struct retrieval_vectors){str_from(model), &chunk, vector, 1, 2}, err);
}

static json_t *found(struct retrieval *retrieval, const char *text)
{
    json_t *ret = NULL;
    struct err err = {0};

    if (!retrieval_search(
            retrieval, &(struct retrieval_question){.text = str_from(text)}, &ret, &err))
        printf("# %s\n", err.message);
    return ret;
}

static const char *first(const json_t *answer, const char *member)
{
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(answer, "hits"), 0), member));
    return text ? text : "";
}

TEST(headings_begin_pieces_and_name_their_sections)
{
    struct str rest = S("before\n\n# One\n\ntext one\n\n## Two\ntext two\n"), section = {0};
    struct retrieval_chunk chunk;

    REQUIRE(retrieval_chunk_next(&rest, &section, &chunk));
    CHECK_STR(chunk.text, "before");
    CHECK_STR(chunk.section, "");
    REQUIRE(retrieval_chunk_next(&rest, &section, &chunk));
    CHECK_STR(chunk.section, "One");
    CHECK_STR(chunk.text, "# One\n\ntext one");
    REQUIRE(retrieval_chunk_next(&rest, &section, &chunk));
    CHECK_STR(chunk.section, "Two");
    CHECK(!retrieval_chunk_next(&rest, &section, &chunk));
}

TEST(a_line_of_capitals_is_a_section_of_a_man_page)
{
    struct str rest = S("NAME\n       ls - list\n\nEXIT STATUS\n       0  if OK\n"), section = {0};
    struct retrieval_chunk chunk;

    REQUIRE(retrieval_chunk_next(&rest, &section, &chunk));
    CHECK_STR(chunk.section, "NAME");
    REQUIRE(retrieval_chunk_next(&rest, &section, &chunk));
    CHECK_STR(chunk.section, "EXIT STATUS");
}

TEST(long_text_is_cut_at_ends_of_characters_and_nothing_is_lost)
{
    static char text[50001];
    struct str section = {0};
    struct retrieval_chunk chunk;
    size_t total = 0;

    for (size_t i = 0; i < 25000; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    struct str rest = {text, 50000};
    while (retrieval_chunk_next(&rest, &section, &chunk)) {
        CHECK(str_is_utf8(chunk.text));
        CHECK(chunk.text.len <= RETRIEVAL_CHUNK_BYTES_MAX);
        total += chunk.text.len;
    }
    CHECK(total == 50000);
}

TEST(words_of_a_question_are_never_syntax)
{
    char out[4 * RETRIEVAL_QUERY_BYTES_MAX];

    REQUIRE(retrieval_expression(S("fan\" OR NEAR(a b) * -x {title}: ^y"), out, sizeof out));
    CHECK_STR(str_from(out), "\"fan\" OR \"NEAR\" OR \"b\" OR \"x\" OR \"title\" OR \"y\"");
    REQUIRE(retrieval_expression(S("what is the"), out, sizeof out));
    CHECK_STR(str_from(out), "\"what\" OR \"is\" OR \"the\"");
    CHECK(!retrieval_expression(S(" \"*()- "), out, sizeof out));
}

TEST(what_was_added_is_found_with_source_section_and_hash)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    REQUIRE(retrieval);
    struct retrieval_added one = added(retrieval, "runbooks/fans.md",
        "# Fans\n\nA fan that stopped makes the processor hot.\n\n# Disks\n\nA full disk stops "
        "all.\n");
    CHECK(one.chunks == 2 && !one.replaced && !one.unchanged);
    json_t *answer = found(retrieval, "why do processors get hot when fans stop?");
    CHECK_STR(str_from(first(answer, "section")), "Fans");
    CHECK_STR(str_from(first(answer, "source")), "runbooks/fans.md");
    CHECK(strlen(first(answer, "sha256")) == 64);
    json_decref(answer);
}

TEST(the_same_source_replaces_and_the_same_bytes_change_nothing)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    REQUIRE(retrieval);
    (void)added(retrieval, "a", "the old zebra");
    CHECK(added(retrieval, "a", "the old zebra").unchanged);
    CHECK(added(retrieval, "a", "the new lion").replaced);
    json_t *old = found(retrieval, "zebra"), *new = found(retrieval, "lion");
    CHECK(json_array_size(json_object_get(old, "hits")) == 0);
    CHECK(json_array_size(json_object_get(new, "hits")) == 1);
    json_decref(old);
    json_decref(new);
}

TEST(a_removed_document_is_not_found_and_a_strange_id_is_no_error)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    struct err err = {0};
    bool there;
    REQUIRE(retrieval);
    struct retrieval_added one = added(retrieval, "a", "the only zebra");
    CHECK(retrieval_remove(retrieval, one.id, &there, &err) && there);
    CHECK(retrieval_remove(retrieval, one.id, &there, &err) && !there);
    json_t *answer = found(retrieval, "zebra");
    CHECK(json_array_size(json_object_get(answer, "hits")) == 0);
    json_decref(answer);
}

TEST(bad_documents_are_refused_whole)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    struct retrieval_added ret;
    static char large[RETRIEVAL_DOCUMENT_BYTES_MAX + 1];
    const struct retrieval_document bad[] = {
        {.source = S(""), .text = S("x")},
        {.source = S("a\0b"), .text = S("x")},
        {.source = S("a"), .text = S(" \n ")},
        {.source = S("a"), .text = S("x\xff")},
        {.source = S("a"), .text = S("x\0y")},
        {.source = S("a"), .text = {large, sizeof large}},
    };
    REQUIRE(retrieval);
    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        CHECK(!retrieval_add(retrieval, &bad[i], 1, &ret, &err));
        CHECK(err.message[0] != '\0');
    }
    json_t *list = NULL;
    struct err err = {0};
    REQUIRE(retrieval_list(retrieval, S(""), 0, &list, &err));
    CHECK(json_integer_value(json_object_get(list, "count")) == 0);
    json_decref(list);
}

TEST(a_question_without_words_or_out_of_range_is_refused)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    json_t *answer = NULL;
    REQUIRE(retrieval);
    const struct retrieval_question bad[] = {
        {.text = S("?!")}, {.text = S("x"), .limit = RETRIEVAL_HITS_MAX + 1}, {.text = S("\xff")}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        CHECK(!retrieval_search(retrieval, &bad[i], &answer, &err));
        CHECK_STR(str_from(err.code), "bad_query");
    }
}

TEST(without_sqlite_vec_vectors_are_refused_by_name)
{
    scoped(retrieval_close) struct retrieval *retrieval = opened(NULL);
    const float vector[] = {1, 0};
    struct err err = {0};
    REQUIRE(retrieval);
    CHECK(!embedded(retrieval, "m", 1, vector, &err));
    CHECK_STR(str_from(err.code), "no_vectors");
}

/* FAKE vectors: words of one meaning lie in one direction. */
TEST(meaning_finds_what_words_cannot)
{
    const char *vec = getenv("SQLITE_VEC");
    if (!vec) {
        printf("# SQLITE_VEC is not set: sqlite-vec is tested by tests/flow/documents.py\n");
        return;
    }
    scoped(retrieval_close) struct retrieval *retrieval = opened(vec);
    struct err err = {0};
    json_t *pieces = NULL;
    REQUIRE(retrieval);
    (void)added(retrieval, "dogs", "A puppy barks.");
    (void)added(retrieval, "cars", "A lorry brakes.");
    REQUIRE(retrieval_unembedded(retrieval, S("m"), RETRIEVAL_EMBED_MAX, &pieces, &err));
    REQUIRE(json_array_size(pieces) == 2);
    for (size_t i = 0; i < 2; i++) {
        const float vector[] = {i == 0 ? 1.0f : 0.1f, i == 0 ? 0.1f : 1.0f};
        CHECK(embedded(retrieval, "m",
            json_integer_value(json_object_get(json_array_get(pieces, i), "id")), vector, &err));
    }
    json_decref(pieces);
    const float truck[] = {0.0f, 1.0f}, none[] = {NAN, 1.0f};
    json_t *answer = NULL;
    REQUIRE(retrieval_search(retrieval,
        &(struct retrieval_question){
            .text = S("truck"), .vector = truck, .dimensions = 2, .model = S("m")},
        &answer, &err));
    CHECK_STR(str_from(first(answer, "source")), "cars");
    json_decref(answer);
    CHECK(!embedded(retrieval, "m", 1, none, &err));
    CHECK(!embedded(retrieval, "other", 1, truck, &err));
    /* replaced: its vector goes with it; another model: all go */
    (void)added(retrieval, "cars", "A lorry stops.");
    REQUIRE(retrieval_unembedded(retrieval, S("m"), RETRIEVAL_EMBED_MAX, &pieces, &err));
    CHECK(json_array_size(pieces) == 1);
    json_decref(pieces);
    REQUIRE(retrieval_unembedded(retrieval, S("other"), RETRIEVAL_EMBED_MAX, &pieces, &err));
    CHECK(json_array_size(pieces) == 2);
    json_decref(pieces);
}

TEST(vectors_outlive_a_life_without_sqlite_vec)
{
    const char *vec = getenv("SQLITE_VEC");
    char path[] = "/tmp/retrieval_test_XXXXXX";
    struct retrieval *retrieval = NULL;
    struct err err = {0};
    json_t *pieces = NULL, *answer = NULL;
    bool there;
    const float up[] = {1.0f, 0.0f};
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    if (!vec) {
        printf("# SQLITE_VEC is not set: shown by tests/flow/documents.py, with what it skips\n");
        unlink(path);
        return;
    }
    const struct retrieval_config with = {path, vec}, without = {path, NULL};
    REQUIRE(retrieval_open(&with, &retrieval, &err));
    struct retrieval_added one = added(retrieval, "a", "one puppy"),
                           two = added(retrieval, "b", "two");
    (void)added(retrieval, "c", "not for vectors");
    REQUIRE(retrieval_unembedded(retrieval, S("m"), 2, &pieces, &err));
    CHECK(json_array_size(pieces) == 2);
    for (size_t i = 0; i < 2; i++)
        CHECK(embedded(retrieval, "m",
            json_integer_value(json_object_get(json_array_get(pieces, i), "id")), up, &err));
    json_decref(pieces);
    REQUIRE(retrieval_unembedded(retrieval, S("m"), 2, &pieces, &err));
    REQUIRE(json_array_size(pieces) == 1);
    CHECK(retrieval_skip(
        retrieval, json_integer_value(json_object_get(json_array_get(pieces, 0), "id")), &err));
    json_decref(pieces);
    REQUIRE(retrieval_unembedded(retrieval, S("m"), 2, &pieces, &err));
    CHECK(json_array_size(pieces) == 0); /* what cannot have one is not asked for again */
    json_decref(pieces);
    retrieval_close(&retrieval);
    REQUIRE(retrieval_open(&without, &retrieval, &err));
    CHECK(retrieval_remove(retrieval, one.id, &there, &err) && there);
    retrieval_close(&retrieval);
    REQUIRE(retrieval_open(&with, &retrieval, &err));
    REQUIRE(retrieval_search(retrieval,
        &(struct retrieval_question){
            .text = S("puppy"), .vector = up, .dimensions = 2, .model = S("m")},
        &answer, &err));
    CHECK(json_array_size(json_object_get(answer, "hits")) == 1);
    CHECK(json_integer_value(json_object_get(
              json_array_get(json_object_get(answer, "hits"), 0), "document")) == two.id);
    json_decref(answer);
    retrieval_close(&retrieval);
    unlink(path);
}

TEST(it_is_there_again_after_closing_and_a_foreign_file_is_left_alone)
{
    char path[] = "/tmp/retrieval_test_XXXXXX";
    struct err err = {0};
    struct retrieval *retrieval = NULL;
    struct stat status;
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    const struct retrieval_config config = {.path = path};
    REQUIRE(retrieval_open(&config, &retrieval, &err));
    (void)added(retrieval, "a", "the only zebra");
    retrieval_close(&retrieval);
    REQUIRE(retrieval_open(&config, &retrieval, &err));
    json_t *answer = found(retrieval, "zebras");
    CHECK(json_array_size(json_object_get(answer, "hits")) == 1);
    json_decref(answer);
    retrieval_close(&retrieval);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, "not a database at all, really not", 33, 0) == 33);
    CHECK(!retrieval_open(&config, &retrieval, &err));
    CHECK_STR(str_from(err.code), "docs_broken");
    close(fd);
    unlink(path);
}

TAP_MAIN
