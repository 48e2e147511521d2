/* SPDX-License-Identifier: Apache-2.0 */
#include "base/point.h"
#include "base/scoped.h"
#include "base/str.h"
#include "tap.h"

TEST(cut_without_mark_returns_all)
{
    struct str rest, head = str_cut(S("abc"), '=', &rest);
    CHECK_STR(head, "abc");
    CHECK_STR(rest, "");
}

TEST(cut_splits_at_the_first_mark)
{
    struct str rest, head = str_cut(S("a=b=c"), '=', &rest);
    CHECK_STR(head, "a");
    CHECK_STR(rest, "b=c");
}

TEST(trim_takes_both_ends_and_only_them)
{
    CHECK_STR(str_trim(S(" \t a b\r\n")), "a b");
    CHECK_STR(str_trim(S("  ")), "");
}

TEST(number_must_be_the_whole_slice_and_in_bounds)
{
    uint64_t n = 7;
    CHECK(str_to_u64(S("0"), 10, &n) && n == 0);
    CHECK(str_to_u64(S("10"), 10, &n) && n == 10);
    CHECK(!str_to_u64(S("11"), 10, &n));
    CHECK(!str_to_u64(S(""), 10, &n));
    CHECK(!str_to_u64(S("01"), 10, &n));
    CHECK(!str_to_u64(S("-1"), 10, &n));
    CHECK(!str_to_u64(S("1 "), 10, &n));
    CHECK(!str_to_u64(S("18446744073709551616"), UINT64_MAX, &n));
    CHECK(str_to_u64(S("18446744073709551615"), UINT64_MAX, &n));
}

TEST(utf8_refuses_overlong_surrogate_and_torn_sequences)
{
    CHECK(str_is_utf8(S("gr\xc3\xbc\xc3\x9f")));
    CHECK(!str_is_utf8(S("\xc0\xaf")));
    CHECK(!str_is_utf8(S("\xed\xa0\x80")));
    CHECK(!str_is_utf8(S("\xf4\x90\x80\x80")));
    CHECK_STR(str_utf8_prefix(S("ab\xe2\x82")), "ab");
}

TEST(letters_compare_without_case_in_ascii_only)
{
    CHECK(str_eq_nocase(S("Host"), S("hOST")));
    CHECK(!str_eq_nocase(S("\xc3\x84"), S("\xc3\xa4")));
}

TEST(plain_text_hides_nothing)
{
    CHECK(str_is_plain(S("")) && str_is_plain(S("Grüße, 家 \"a\" \\ b")));
    static const char *const HIDING[] = {"a\nb", "\x1b[31m", "\x7f", "a\xc2\x85", "\u202ea",
        "\xe2\x80\x8b", "\xff", "a\xc3", "\xf3\xa0\x81\x81"};
    for (size_t i = 0; i < COUNT(HIDING); i++)
        CHECK(!str_is_plain(str_from(HIDING[i])));
}

TAP_MAIN
