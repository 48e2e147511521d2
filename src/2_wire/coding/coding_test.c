/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "coding/coding.h"
#include "tap.h"

#include <stdint.h>

static void check_base64(struct str bytes, const char *text)
{
    scoped(buf_done) struct buf out = buf_of(64);
    char back[64];
    size_t count = 99;

    base64_encode(bytes, &out);
    CHECK_STR(buf_str(&out), text);
    CHECK(base64_decode(str_from(text), sizeof back, back, &count));
    CHECK(str_eq(bytes, (struct str){back, count}));
}

TEST(base64_gives_the_vectors_of_rfc_4648)
{
    check_base64(S(""), "");
    check_base64(S("f"), "Zg==");
    check_base64(S("fo"), "Zm8=");
    check_base64(S("foo"), "Zm9v");
    check_base64(S("foob"), "Zm9vYg==");
    check_base64(S("fooba"), "Zm9vYmE=");
    check_base64(S("foobar"), "Zm9vYmFy");
    check_base64(S("\xff\xef\xfe\x00"), "/+/+AA==");
}

static bool decodes(const char *text)
{
    char back[64];
    size_t count;
    return base64_decode(str_from(text), sizeof back, back, &count);
}

TEST(base64_refuses_every_second_spelling)
{
    CHECK(!decodes("Zg"));
    CHECK(!decodes("Zg="));
    CHECK(!decodes("Zh=="));
    CHECK(!decodes("Zm9="));
    CHECK(!decodes("===="));
    CHECK(!decodes("Z==="));
    CHECK(!decodes("Zg==Zg=="));
    CHECK(!decodes("Zm9v\n"));
    CHECK(!decodes("Zm 9"));
    CHECK(!decodes("Zm-_"));
    CHECK(!decodes("Zm9\xc3"));
}

TEST(base64_stops_at_the_callers_limit)
{
    char back[3] = {0};
    size_t count = 99;
    CHECK(base64_decode(S("Zm9v"), 3, back, &count) && count == 3);
    count = 99;
    CHECK(!base64_decode(S("Zm9vYg=="), 3, back, &count) && count == 99);
}

TEST(hex_goes_there_and_back)
{
    char text[HEX_BYTES(4)];
    uint8_t back[4] = {0};
    hex_encode("\x00\x7f\xa0\xff", 4, text);
    CHECK_TEXT(text, "007fa0ff");
    CHECK(hex_decode(S("007fa0ff"), 4, back) && memcmp(back, "\x00\x7f\xa0\xff", 4) == 0);
}

TEST(hex_refuses_upper_case_other_letters_and_other_lengths)
{
    uint8_t back[4] = {1, 2, 3, 4};
    CHECK(!hex_decode(S("007FA0FF"), 4, back));
    CHECK(!hex_decode(S("007fa0fg"), 4, back));
    CHECK(!hex_decode(S("007fa0"), 4, back));
    CHECK(!hex_decode(S("007fa0f"), 3, back));
    CHECK(!hex_decode(S("007fa0ff00"), 4, back));
    CHECK(back[0] == 1 && back[3] == 4);
}

TAP_MAIN
