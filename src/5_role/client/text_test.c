/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include "base/scoped.h"
#include "tap.h"

#include <locale.h>

static const char *shown(struct buf *out, struct str raw, enum text_lines lines)
{
    buf_clear(out);
    text_visible(out, raw, lines);
    return buf_text(out);
}

TEST(plain_text_and_letters_of_all_scripts_stay)
{
    scoped(buf_done) struct buf out = buf_of(1000);

    CHECK_TEXT(shown(&out, S("A 192.168.1.100"), TEXT_ONE_LINE), "A 192.168.1.100");
    CHECK_TEXT(shown(&out, S("Grüße 家 ✓"), TEXT_ONE_LINE), "Grüße 家 ✓");
}

TEST(escape_sequences_become_visible)
{
    scoped(buf_done) struct buf out = buf_of(1000);

    CHECK_TEXT(
        shown(&out, S("\033[2J\033]0;owned\007"), TEXT_ONE_LINE), "\\x1b[2J\\x1b]0;owned\\x07");
    CHECK_TEXT(shown(&out,
                   S("\xc2\x9b"
                     "31m"),
                   TEXT_ONE_LINE),
        "\\u{9b}31m");
    CHECK_TEXT(shown(&out, S("a\rb\x7f\0c"), TEXT_ONE_LINE), "a\\x0db\\x7f\\x00c");
}

TEST(direction_overrides_and_invisible_letters_become_visible)
{
    scoped(buf_done) struct buf out = buf_of(1000);

    CHECK_TEXT(shown(&out, S("a\u202eb"), TEXT_ONE_LINE), "a\\u{202e}b");
    CHECK_TEXT(shown(&out, S("x\u200by\ufeffz"), TEXT_ONE_LINE), "x\\u{200b}y\\u{feff}z");
    CHECK_TEXT(shown(&out, S("t\U000e0041"), TEXT_ONE_LINE), "t\\u{e0041}");
}

TEST(bytes_that_are_no_utf8_become_visible)
{
    scoped(buf_done) struct buf out = buf_of(1000);

    CHECK_TEXT(shown(&out, S("\xff\xc3(\xe2\x82"), TEXT_ONE_LINE), "\\xff\\xc3(\\xe2\\x82");
}

TEST(newlines_stay_only_where_lines_are_allowed)
{
    scoped(buf_done) struct buf out = buf_of(1000);

    CHECK_TEXT(shown(&out, S("a\nb\tc"), TEXT_ONE_LINE), "a\\nb\\tc");
    CHECK_TEXT(shown(&out, S("a\nb"), TEXT_MANY_LINES), "a\nb");
}

TEST(width_counts_columns_not_bytes)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_INT(text_width(S("Grüße")), 5);
    CHECK_INT(text_width(S("家家")), 4);
    CHECK_INT(text_width(S("")), 0);
}

TEST(head_never_cuts_a_letter_in_two)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_STR(text_head(S("Grüße"), 3), "Grü");
    CHECK_STR(text_head(S("家家"), 3), "家");
    CHECK_STR(text_head(S("ab"), 9), "ab");
}

TAP_MAIN
