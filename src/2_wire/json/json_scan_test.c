/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "tap.h"
#include "json/json_scan.h"

static enum json_scanned scan(const char *text)
{
    struct json_tape tape;

    return json_scan(str_from(text), &tape);
}

TEST(a_document_becomes_places_in_its_text)
{
    static const struct str NAMES[] = {S("query"), S("args"), S("limit")};
    struct str text =
        S(" {\"query\": \"zone_of\", \"args\":{\"name\":\"ä.local\",\"n\":[1,-20,true]}} ");
    struct json_tape tape;
    size_t found[3];

    REQUIRE(json_scan(text, &tape) == JSON_SCAN_GOOD);
    REQUIRE(json_tape_members(&tape, 0, NAMES, 3, found));
    CHECK(str_eq(json_tape_text(&tape, found[0]), S("zone_of")));
    CHECK(str_eq(json_tape_text(&tape, found[1]), S("{\"name\":\"ä.local\",\"n\":[1,-20,true]}")));
    CHECK_INT(found[2], 0);
    CHECK_INT(tape.tokens[found[1]].after, tape.count);
    CHECK_INT(json_tape_integer(&tape, found[1] + 6), -20);
    CHECK(!tape.escaped);
    CHECK(!json_tape_members(&tape, 0, NAMES, 1, found));
}

TEST(what_the_reader_refuses_is_bad)
{
    static const char *const BAD[] = {"", " ", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "[1 2]", "01", "-", "1.", ".5", "1e", "1e+", "+1", "tru", "nul",
        "truefalse", "{} {}", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"", "\"\\ud800\"",
        "\"\\ud800\\n\"", "\"\\ud800\\ud800\"", "\"\\udc00\"", "\"\x01\"", "\"\xff\"",
        "\"\xc0\x80\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\xf0\x9f\x98\"", "{\"a\":1,\"a\":2}", "[{\"a\":[1],\"b\":{},\"a\":[]}]",
        "\xef\xbb\xbf{}"};

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *value = NULL;
        struct err err;
        CHECK(scan(BAD[i]) == JSON_SCAN_BAD);
        CHECK(!json_read_any(str_from(BAD[i]), 100, &value, &err));
    }
    struct json_tape tape;
    CHECK(json_scan(S("\"\0\""), &tape) == JSON_SCAN_BAD);
    CHECK(json_scan(S("{}\0"), &tape) == JSON_SCAN_BAD);
}

TEST(what_the_reader_accepts_is_good)
{
    static const char *const GOOD[] = {"{}", "[]", "7", "-0", "0.5", "1e9", "1E-09", "null", "\"\"",
        "[[],{}]", "\"\\u00e4\\ud83d\\ude00\\/\\\"\"", "\"\xf0\x9f\x98\x80\x7f\"",
        "{\"\":1,\"a\":{\"a\":1}}", "\t[\r\n1 , 2]\n", "123456789012345678"};

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        scoped(json_done) json_t *value = NULL;
        struct err err;
        CHECK(scan(GOOD[i]) == JSON_SCAN_GOOD);
        CHECK(json_read_any(str_from(GOOD[i]), 100, &value, &err));
    }
}

TEST(what_is_beyond_is_left_to_the_reader)
{
    char text[2 * JSON_SCAN_TOKENS + 2];
    struct json_tape tape;

    CHECK(scan("{\"\\u0061\":1,\"a\":2}") == JSON_SCAN_BEYOND);
    CHECK(scan("1234567890123456789") == JSON_SCAN_BEYOND);
    CHECK(scan("1e100") == JSON_SCAN_BEYOND);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    CHECK(json_scan((struct str){text, 2 * JSON_DEPTH_MAX + 2}, &tape) == JSON_SCAN_BEYOND);
    CHECK(json_scan((struct str){text + 1, 2 * JSON_DEPTH_MAX}, &tape) == JSON_SCAN_GOOD);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '1' : ',';
    text[0] = '[';
    text[2 * JSON_SCAN_TOKENS] = ']';
    CHECK(json_scan((struct str){text, 2 * JSON_SCAN_TOKENS + 1}, &tape) == JSON_SCAN_BEYOND);
    text[2 * JSON_SCAN_TOKENS - 2] = ']';
    CHECK(json_scan((struct str){text, 2 * JSON_SCAN_TOKENS - 1}, &tape) == JSON_SCAN_GOOD);
    CHECK_INT(tape.count, JSON_SCAN_TOKENS);
}

TAP_MAIN
