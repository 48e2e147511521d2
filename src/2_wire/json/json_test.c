/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "tap.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#define TEXT_BYTES_MAX 4096

static json_t *read_well(const char *text)
{
    json_t *value = NULL;
    struct err err;

    if (!json_read_any(str_from(text), TEXT_BYTES_MAX, &value, &err))
        printf("# %s\n", err.message);
    return value;
}

static void check_refused(struct str text, const char *code, const char *part)
{
    scoped(json_done) json_t *value = NULL;
    struct err err = {0};

    CHECK(!json_read(text, TEXT_BYTES_MAX, &value, &err));
    CHECK(value == NULL);
    CHECK_TEXT(err.code, code);
    if (!strstr(err.message, part)) {
        printf("# '%s' lacks '%s'\n", err.message, part);
        CHECK(false);
    }
}

TEST(an_object_is_read)
{
    scoped(json_done) json_t *value = NULL;
    struct err err;

    REQUIRE(json_read(S(" {\"a\":[1,\"\\u00e4\",null]} "), TEXT_BYTES_MAX, &value, &err));
    CHECK_INT(json_array_size(json_object_get(value, "a")), 3);
}

TEST(what_is_not_our_json_is_refused_with_its_place)
{
    check_refused(S(""), "bad_json", "byte 0");
    check_refused(S("[1]"), "bad_json", "must be an object");
    check_refused(S("{\"a\":1,\"a\":2}"), "bad_json", "duplicate");
    check_refused(S("{\n \"a\": tru}"), "bad_json", "line 2");
    check_refused(S("{} {}"), "bad_json", "end of file");
    check_refused(S("{\"a\":\"\\u0000\"}"), "bad_json", "\\u0000");
    check_refused(S("{\"a\":\"\0\"}"), "bad_json", "a NUL byte, at byte 6");
    check_refused(S("{\"a\":\"\x01\"}"), "bad_json", "control character");
    check_refused(S("{\"a\":\"\xff\"}"), "bad_json", "not UTF-8, at byte 6");
    check_refused(S("{\"a\":\"\\ud800\"}"), "bad_json", "Unicode");
    check_refused(S("{\"a\":99999999999999999999}"), "bad_json", "integer");
    check_refused(S("{\"a\":1e999}"), "bad_json", "real number overflow");
}

TEST(the_message_does_not_repeat_what_was_sent)
{
    scoped(json_done) json_t *value = NULL;
    struct err err;

    CHECK(!json_read(S("{\"key\": hunter2}"), TEXT_BYTES_MAX, &value, &err));
    CHECK(!strstr(err.message, "hunter2"));
}

TEST(size_and_depth_have_limits)
{
    char deep[2 * (JSON_DEPTH_MAX + 1)];
    scoped(json_done) json_t *value = NULL;
    struct err err;

    CHECK(!json_read(S("{\"a\":1}"), 6, &value, &err));
    CHECK(err.kind == ERR_LIMIT);
    CHECK_TEXT(err.code, "too_large");

    memset(deep, '[', sizeof deep / 2);
    memset(deep + sizeof deep / 2, ']', sizeof deep / 2);
    CHECK(!json_read_any((struct str){deep, sizeof deep}, TEXT_BYTES_MAX, &value, &err));
    CHECK_TEXT(err.code, "bad_json");
    CHECK(strstr(err.message, "deeper than 32") != NULL);
    CHECK(json_read_any((struct str){deep + 1, sizeof deep - 2}, TEXT_BYTES_MAX, &value, &err));
}

TEST(brackets_inside_strings_have_no_depth)
{
    size_t at;

    CHECK_INT(json_depth(S("[\"[[[\\\"[[\",[]]"), &at), 2);
    CHECK_INT(at, 11);
    CHECK_INT(json_depth(S("]]]"), &at), 0);
}

static void check_canonical(const char *in, const char *out)
{
    scoped(json_done) json_t *value = read_well(in);
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    struct err err;

    REQUIRE(value);
    CHECK(json_canonical(value, &text, &err));
    CHECK_STR(buf_str(&text), out);
}

TEST(canonical_text_is_sorted_and_short)
{
    check_canonical("{ \"b\" : [ 1 , -2, true, false, null ], \"a\" : {} }",
        "{\"a\":{},\"b\":[1,-2,true,false,null]}");
    check_canonical(
        "\"\\u0041\\/\\u0008\\u0009\\u000a\\u000c\\u000d\\u001F\\u007f\\\"\\\\\\u20ac\"",
        "\"A/\\b\\t\\n\\f\\r\\u001f\x7f\\\"\\\\\xe2\x82\xac\"");
}

/* The example of RFC 8785, section 3.2.3: U+1F600 is D83D DE00 in UTF-16 and comes before U+FB33.
 */
TEST(keys_sort_by_utf16_units)
{
    check_canonical(
        "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,"
        "\"\\u00f6\":7}",
        "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
        "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
    CHECK(json_key_compare(S("a"), S("ab")) < 0);
    CHECK(json_key_compare(S("b"), S("ab")) > 0);
    CHECK(json_key_compare(S("a"), S("a")) == 0);
}

static void check_not_canonical(const char *in, const char *code)
{
    scoped(json_done) json_t *value = read_well(in);
    scoped(buf_done) struct buf text = buf_of(8);
    struct err err = {0};

    buf_add(&text, S("kept"));
    CHECK(!json_canonical(value, &text, &err));
    CHECK_TEXT(err.code, code);
    CHECK_STR(buf_str(&text), "kept");
    CHECK(!text.overflowed);
}

TEST(what_cannot_be_canonical_is_refused_and_leaves_the_buffer_as_it_was)
{
    check_not_canonical("[1.5]", "not_canonical");
    check_not_canonical("[9007199254740992]", "not_canonical");
    check_not_canonical("[-9007199254740992]", "not_canonical");
    check_not_canonical("[123456]", "too_large");
    check_canonical("[9007199254740991,-9007199254740991]", "[9007199254740991,-9007199254740991]");
}

TEST(plain_text_keeps_order_and_reals)
{
    scoped(json_done) json_t *value = read_well("{\"b\":1.0,\"a\":9223372036854775807}");
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    struct err err;

    CHECK(json_plain(value, &text, &err));
    CHECK_STR(buf_str(&text), "{\"b\":1.0,\"a\":9223372036854775807}");
}

TEST(an_object_with_many_keys_is_sorted)
{
    scoped(json_done) json_t *value = json_object();
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    struct err err;

    for (int i = 99; i >= 10; i--) {
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        json_object_set_new(value, key, json_integer(i));
    }
    REQUIRE(json_canonical(value, &text, &err));
    CHECK(str_starts(buf_str(&text), S("{\"10\":10,\"11\":11,")));
    CHECK(str_ends(buf_str(&text), S(",\"99\":99}")));
}

TEST(writing_has_a_depth_limit)
{
    scoped(json_done) json_t *value = json_array();
    scoped(buf_done) struct buf text = buf_of(TEXT_BYTES_MAX);
    struct err err = {0};

    for (int i = 1; i < JSON_TEXT_DEPTH_MAX; i++) {
        json_t *around = json_array();
        json_array_append_new(around, value);
        value = around;
    }
    CHECK(json_canonical(value, &text, &err));
    json_t *around = json_array();
    json_array_append_new(around, value);
    value = around;
    CHECK(!json_canonical(value, &text, &err));
    CHECK_TEXT(err.code, "too_deep");
}

struct taken {
    struct str name, words;
    int64_t ttl;
    bool dry;
    json_t *args, *seen, *list, *any;
};

static bool take(const char *text, struct taken *t, struct err *err)
{
    static json_t *kept; /* what is taken is borrowed */
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &t->name, 1, 8),
        JSON_MAY_TEXT_OR_NULL("words", &t->words, 0, 8),
        JSON_MAY_INTEGER("ttl", &t->ttl, 1, 86400),
        JSON_MAY_BOOL("dry", &t->dry),
        JSON_MAY_OBJECT("args", &t->args),
        JSON_MAY_OBJECT_OR_NULL("seen", &t->seen),
        JSON_MAY_ARRAY("list", &t->list, 0, 2),
        JSON_MAY_ANY("any", &t->any),
    };

    json_decref(kept);
    kept = text ? read_well(text) : NULL;
    bool taken = json_take(kept, fields, COUNT(fields), err);
    if (!text)
        kept = NULL;
    return taken;
}

TEST(fields_are_taken_and_missing_ones_keep_their_default)
{
    struct taken t = {.ttl = 300, .dry = true, .seen = (json_t *)&t};
    struct err err;

    REQUIRE(take(
        "{\"name\":\"a\",\"seen\":null,\"list\":[1,2],\"any\":null,\"args\":{\"x\":1}}", &t, &err));
    CHECK_STR(t.name, "a");
    CHECK_INT(t.ttl, 300);
    CHECK(t.dry && t.seen == NULL && json_is_null(t.any));
    CHECK_INT(json_array_size(t.list), 2);
    CHECK_INT(json_object_size(t.args), 1);
    REQUIRE(
        take("{\"name\":\"b\",\"ttl\":86400,\"dry\":false,\"words\":null,\"seen\":{}}", &t, &err));
    CHECK(t.ttl == 86400 && !t.dry && !t.words.at && json_is_object(t.seen));
}

static void check_not_taken(const char *text, const char *code, const char *param)
{
    struct taken t = {.ttl = 7};
    struct err err = {0};

    CHECK(!take(text, &t, &err));
    CHECK(err.kind == ERR_INPUT);
    CHECK_TEXT(err.code, code);
    CHECK_TEXT(err.param, param);
    CHECK(t.ttl == 7 && !t.name.at);
}

TEST(fields_that_are_wrong_are_refused_by_name_and_nothing_is_taken)
{
    check_not_taken(NULL, "bad_type", "");
    check_not_taken("{\"ttl\":9}", "missing_field", "name");
    check_not_taken("{\"name\":\"a\",\"ttl\":9,\"tll\":9}", "unknown_field", "tll");
    check_not_taken("{\"name\":7,\"ttl\":9}", "bad_type", "name");
    check_not_taken("{\"name\":null}", "bad_type", "name");
    check_not_taken("{\"name\":\"\"}", "out_of_range", "name");
    check_not_taken("{\"name\":\"123456789\"}", "out_of_range", "name");
    check_not_taken("{\"name\":\"a\",\"ttl\":0}", "out_of_range", "ttl");
    check_not_taken("{\"name\":\"a\",\"ttl\":86401}", "out_of_range", "ttl");
    check_not_taken("{\"name\":\"a\",\"ttl\":9.0}", "bad_type", "ttl");
    check_not_taken("{\"name\":\"a\",\"ttl\":9,\"dry\":1}", "bad_type", "dry");
    check_not_taken("{\"name\":\"a\",\"args\":[]}", "bad_type", "args");
    check_not_taken("{\"name\":\"a\",\"list\":[1,2,3]}", "out_of_range", "list");
    check_not_taken("{\"name\":\"a\",\"seen\":7}", "bad_type", "seen");
}

TEST(a_text_member_is_its_text_and_anything_else_is_empty)
{
    scoped(json_done) json_t *value = NULL;
    struct err err;

    CHECK(json_read(S("{\"a\":\"b\",\"n\":7,\"e\":\"\"}"), TEXT_BYTES_MAX, &value, &err));
    CHECK_STR(json_str(value, "a"), "b");
    CHECK_STR(json_str(value, "n"), "");
    CHECK_STR(json_str(value, "e"), "");
    CHECK_STR(json_str(value, "missing"), "");
    CHECK_STR(json_str(NULL, "a"), "");
}

TAP_MAIN
