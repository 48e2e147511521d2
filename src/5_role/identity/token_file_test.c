/* SPDX-License-Identifier: Apache-2.0
 * The file's form: what is taken, what is refused and with which words. */
#include "identity_harness.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HASH2 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define FILE_OF(keys, rows)                                                                        \
    "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[" keys "],\"tokens\":[" rows "]}"
#define ROW(name, id, more)                                                                        \
    "{\"name\":\"" name "\",\"id\":\"" id "\",\"models\":[\"*\"],\"scopes\":[\"chat\"]," more "}"
#define OPAQUE_ROW(more) ROW("a", "1", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"" more)

TEST(a_full_file_and_an_empty_one_are_taken)
{
    struct err err = {0};

    CHECK(identity_check(str_from(TOKEN_FILE_FORM.blank), &err));
    CHECK(identity_check(
        S(FILE_OF("{\"kid\":\"k1\",\"alg\":\"EdDSA\",\"public\":\"" KEY
                  "\",\"created_at\":\"2026-11-21T02:47:01Z\",\"retired_at\":null}",
            ROW("laptop", "1",
                "\"kind\":\"jwt\",\"kid\":\"k1\",\"fp6\":\"a1b2c3\",\"certificate\":\"laptop."
                "home\","
                "\"rate_per_minute\":60,\"tokens_per_minute\":0,\"concurrent_max\":4,\"weight\":3,"
                "\"priority\":\"background\",\"dialect\":\"chunk\",\"speaks_for_users\":true,"
                "\"created_at\":\"2026-11-21T02:47:01.123Z\",\"expires_at\":null,"
                "\"revoked_at\":null") "," ROW("old", "2",
                "\"kind\":\"opaque\",\"sha256\":\"" HASH
                "\",\"revoked_at\":\"2026-11-21T02:47:01Z\"") "," ROW("old", "3",
                "\"kind\":\"opaque\",\"sha256\":\"" HASH2 "\""))),
        &err));
    CHECK_TEXT(err.message, "");
}

TEST(every_wrong_member_is_refused_with_its_row)
{
    static const char *const BAD[] = {
        FILE_OF("", OPAQUE_ROW(",\"admin\":true")),
        FILE_OF("", OPAQUE_ROW(",\"kid\":\"k\"")),
        FILE_OF("", OPAQUE_ROW(",\"weight\":0")),
        FILE_OF("", OPAQUE_ROW(",\"weight\":1001")),
        FILE_OF("", OPAQUE_ROW(",\"rate_per_minute\":-1")),
        FILE_OF("", OPAQUE_ROW(",\"rate_per_minute\":1000000001")),
        FILE_OF("", OPAQUE_ROW(",\"concurrent_max\":100001")),
        FILE_OF("", OPAQUE_ROW(",\"priority\":\"urgent\"")),
        FILE_OF("", OPAQUE_ROW(",\"dialect\":\"loud\"")),
        FILE_OF("", OPAQUE_ROW(",\"speaks_for_users\":1")),
        FILE_OF("", OPAQUE_ROW(",\"expires_at\":\"tomorrow\"")),
        FILE_OF("", OPAQUE_ROW(",\"expires_at\":1763700000")),
        FILE_OF("", OPAQUE_ROW(",\"fp6\":\"a1b2c\"")),
        FILE_OF("", OPAQUE_ROW(",\"certificate\":\"\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"opaque\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"opaque\",\"sha256\":\"abcd\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"jwt\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"certificate\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"magic\"")),
        FILE_OF("", ROW("A", "1", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"")),
        FILE_OF("", ROW("a b", "1", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"")),
        FILE_OF("", ROW("", "1", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"")),
        FILE_OF("", ROW("a", "1 2", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"")),
        FILE_OF("", "{\"name\":\"a\",\"id\":\"1\",\"kind\":\"certificate\",\"certificate\":\"c\","
                    "\"models\":[\"a*b\"],\"scopes\":[]}"),
        FILE_OF("", "{\"name\":\"a\",\"id\":\"1\",\"kind\":\"certificate\",\"certificate\":\"c\","
                    "\"models\":[\"a b\"],\"scopes\":[]}"),
        FILE_OF("", "{\"name\":\"a\",\"id\":\"1\",\"kind\":\"certificate\",\"certificate\":\"c\","
                    "\"models\":[7],\"scopes\":[]}"),
        FILE_OF("", "{\"name\":\"a\",\"id\":\"1\",\"kind\":\"certificate\",\"certificate\":\"c\","
                    "\"models\":[\"*\"],\"scopes\":[\"root\"]}"),
        FILE_OF("", "{\"name\":\"a\",\"id\":\"1\",\"kind\":\"certificate\",\"certificate\":\"c\","
                    "\"models\":[\"*\"]}"),
        FILE_OF("", "7"),
        FILE_OF("", OPAQUE_ROW("") "," OPAQUE_ROW("")),
        FILE_OF(
            "", OPAQUE_ROW("") "," ROW("a", "2", "\"kind\":\"opaque\",\"sha256\":\"" HASH2 "\"")),
        FILE_OF(
            "", OPAQUE_ROW("") "," ROW("b", "2", "\"kind\":\"opaque\",\"sha256\":\"" HASH "\"")),
        FILE_OF("", ROW("a", "1", "\"kind\":\"certificate\",\"certificate\":\"c\"") "," ROW(
                        "b", "2", "\"kind\":\"certificate\",\"certificate\":\"c\"")),
        FILE_OF("{\"kid\":\"k\",\"alg\":\"HS256\",\"public\":\"" KEY "\"}", ""),
        FILE_OF("{\"kid\":\"k\",\"alg\":\"ES256\",\"public\":\"" KEY "\"}", ""),
        FILE_OF("{\"kid\":\"k\",\"alg\":\"EdDSA\",\"public\":\"AAAA\"}", ""),
        FILE_OF("{\"kid\":\"k\",\"alg\":\"EdDSA\",\"public\":\"" KEY "\",\"private\":\"x\"}", ""),
        FILE_OF("{\"kid\":\"k\",\"alg\":\"EdDSA\",\"public\":\"" KEY "\"},"
                "{\"kid\":\"k\",\"alg\":\"EdDSA\",\"public\":\"" KEY "\"}",
            ""),
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[]}",
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct err err = {0};
        CHECK(!identity_check(str_from(BAD[i]), &err));
        CHECK_TEXT(err.code, "bad_tokens");
        if (strcmp(err.code, "bad_tokens") != 0)
            printf("# %zu: %s\n", i, err.message);
    }
}

TEST(another_schema_and_broken_json_are_named)
{
    struct err err = {0};

    CHECK(!identity_check(
        S("{\"schema\":\"logic-node/tokens/v2\",\"keys\":[],\"tokens\":[]}"), &err));
    CHECK_TEXT(err.code, "unknown_schema");
    CHECK(!identity_check(S("{\"schema\":"), &err));
    CHECK_TEXT(err.code, "bad_json");
    CHECK(!identity_check(S(""), &err));
}

static bool counted(size_t rows, size_t keys, size_t models)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf text = buf_of(8 * IDENTITY_FILE_BYTES_MAX);
    char name[32], hash[SHA256_HEX_BYTES];
    json_t *list = json_array();
    struct err err;

    desk_init(&desk);
    for (size_t i = 1; i < keys; i++)
        desk_key(&desk, JWT_EDDSA);
    for (size_t i = 0; i < models; i++) {
        snprintf(name, sizeof name, "m%zu", i);
        json_array_append_new(list, json_string(name));
    }
    for (size_t i = 0; i < rows; i++) {
        snprintf(name, sizeof name, "c%zu", i);
        json_t *row = desk_row(&desk, name, "opaque");
        sha256_hex(str_from(name), hash);
        json_object_set_new(row, "sha256", json_string(hash));
        json_object_set(row, "models", list);
    }
    json_decref(list);
    return json_plain(desk.document, &text, &err) && identity_check(buf_str(&text), &err);
}

TEST(rows_keys_and_models_are_bounded)
{
    CHECK(counted(IDENTITY_CALLERS_MAX, 1, 1));
    CHECK(!counted(IDENTITY_CALLERS_MAX + 1, 1, 1));
    CHECK(counted(1, IDENTITY_KEYS_MAX, 1));
    CHECK(!counted(1, IDENTITY_KEYS_MAX + 1, 1));
    CHECK(counted(1, 1, CALLER_MODELS_MAX));
    CHECK(!counted(1, 1, CALLER_MODELS_MAX + 1));
    CHECK(!counted(IDENTITY_CALLERS_MAX, 1, CALLER_MODELS_MAX * 4)); /* bytes */
}

TEST(words_go_there_and_back)
{
    enum caller_scope scope;
    enum caller_dialect dialect;
    enum caller_priority priority;

    for (int i = 0; i < CALLER_SCOPES; i++) {
        enum caller_scope one = (enum caller_scope)(1 << i);
        CHECK(caller_scope_from(str_from(caller_scope_word(one)), &scope) && scope == one);
    }
    CHECK(!caller_scope_from(S("all"), &scope));
    for (int i = DIALECT_COMMENT; i <= DIALECT_OFF; i++)
        CHECK(
            caller_dialect_from(str_from(caller_dialect_word((enum caller_dialect)i)), &dialect) &&
            (int)dialect == i);
    for (int i = CALLER_INTERACTIVE; i <= CALLER_BACKGROUND; i++)
        CHECK(caller_priority_from(
                  str_from(caller_priority_word((enum caller_priority)i)), &priority) &&
              (int)priority == i);
}

TAP_MAIN
