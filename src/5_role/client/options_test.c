/* SPDX-License-Identifier: Apache-2.0 */
#include "client/argument.h"
#include "client/options.h"

#include "base/scoped.h"
#include "tap.h"

static bool read_words(
    struct options *options, struct err *err, int count, const char *const *words)
{
    return options_read(count, (char **)(void *)words, options, err);
}

#define READ(options, err, ...)                                                                    \
    read_words(options, err, (int)COUNT(((const char *[]){"logicctl", __VA_ARGS__})),              \
        (const char *[]){"logicctl", __VA_ARGS__})

TEST(options_may_stand_anywhere)
{
    struct options options;
    struct err err;

    REQUIRE(READ(&options, &err, "--json", "approve", "--key", "a.pem", "01J", "--home=/x"));
    CHECK(options.json);
    CHECK_TEXT(options.key, "a.pem");
    CHECK_TEXT(options.home, "/x");
    CHECK_INT(options.args_count, 2);
    CHECK_TEXT(options.args[1], "01J");
}

TEST(behind_two_dashes_all_is_words)
{
    struct options options;
    struct err err;

    REQUIRE(READ(&options, &err, "ask", "--", "--json"));
    CHECK(!options.json);
    CHECK_TEXT(options.args[1], "--json");
}

TEST(an_unknown_option_a_missing_and_a_needless_value_are_named)
{
    struct options options;
    struct err err;

    CHECK(!READ(&options, &err, "--jsn"));
    CHECK_TEXT(err.message, "there is no option '--jsn'; `logicctl help` lists them");
    CHECK(!READ(&options, &err, "--key"));
    CHECK_TEXT(err.message, "--key needs a value: --key FILE");
    CHECK(!READ(&options, &err, "--yes=no"));
    CHECK_TEXT(err.message, "--yes takes no value");
    CHECK_INT(err.kind, ERR_INPUT);
}

TEST(an_option_of_another_command_is_refused)
{
    struct options options;
    struct err err;

    REQUIRE(READ(&options, &err, "cases", "--yes"));
    CHECK(!options_check(&options, "status limit", &err));
    CHECK(options_check(&options, "key yes", &err));
}

TEST(more_words_than_the_limit_are_refused)
{
    const char *words[OPTIONS_ARGS_MAX + 2];
    struct options options;
    struct err err;

    for (size_t i = 0; i < COUNT(words); i++)
        words[i] = "w";
    CHECK(read_words(&options, &err, OPTIONS_ARGS_MAX + 1, words));
    CHECK(!read_words(&options, &err, OPTIONS_ARGS_MAX + 2, words));
    CHECK_INT(err.kind, ERR_LIMIT);
}

TEST(an_id_may_not_leave_its_place_in_the_path)
{
    CHECK(argument_is_id(S("01JD9Z_a-b")));
    CHECK(!argument_is_id(S("")));
    CHECK(!argument_is_id(S("../plan")));
    CHECK(!argument_is_id(S("a?b")));
    CHECK(!argument_is_id(S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

TEST(a_value_takes_the_type_that_the_schema_says)
{
    scoped(json_done) json_t *params = json_object();
    scoped(json_done) json_t *schema = json_pack(
        "{s:{s:{s:s}, s:{s:s}}}", "properties", "ttl", "type", "integer", "name", "type", "string");
    struct err err;

    CHECK(argument_add(params, "ttl=300", schema, &err));
    CHECK(argument_add(params, "name=300", schema, &err));
    CHECK(argument_add(params, "value=a=b", schema, &err));
    CHECK(argument_add(params, "list:=[1]", schema, &err));
    CHECK(json_is_integer(json_object_get(params, "ttl")));
    CHECK_TEXT(json_string_value(json_object_get(params, "name")), "300");
    CHECK_TEXT(json_string_value(json_object_get(params, "value")), "a=b");
    CHECK(json_is_array(json_object_get(params, "list")));
}

TEST(a_word_of_no_form_a_wrong_type_and_a_second_value_are_refused)
{
    scoped(json_done) json_t *params = json_object();
    scoped(json_done) json_t *schema =
        json_pack("{s:{s:{s:s}}}", "properties", "ttl", "type", "integer");
    struct err err;

    CHECK(!argument_add(params, "novalue", schema, &err));
    CHECK(!argument_add(params, "=x", schema, &err));
    CHECK(!argument_add(params, "ttl=ten", schema, &err));
    CHECK(!argument_add(params, "ttl=1.5", schema, &err));
    CHECK(argument_add(params, "ttl=1", schema, &err));
    CHECK(!argument_add(params, "ttl=2", schema, &err));
    CHECK_TEXT(err.message, "'ttl' is given twice");
    CHECK_INT(json_object_size(params), 1);
}

TAP_MAIN
