/* SPDX-License-Identifier: Apache-2.0 */
#include "client/screen.h"

#include "base/scoped.h"
#include "tap.h"

#include <locale.h>

/* What was printed, by a screen of `columns` (0: no terminal). */
struct page {
    struct screen screen;
    char *text;
    size_t len;
};

static void page_open(struct page *page, size_t columns, bool colour)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    page->text = NULL;
    page->screen = (struct screen){open_memstream(&page->text, &page->len), colour, columns};
}

static struct str page_text(struct page *page)
{
    fflush(page->screen.out);
    return (struct str){page->text, page->len};
}

static void page_done(struct page *page)
{
    fclose(page->screen.out);
    free(page->text);
}

static void fill(struct table *table)
{
    static const char *const TITLES[] = {"NAME", "VALUE"};

    table_init(table, TITLES, 2);
    table_add(table, (struct str[]){S("家"), S("one two three four five six")}, NULL);
    table_add(table, (struct str[]){S("a\033[31m"), S("x")}, NULL);
}

TEST(columns_are_aligned_by_display_width)
{
    scoped(page_done) struct page page;
    scoped(table_done) struct table table;

    page_open(&page, 0, false);
    fill(&table);
    table_print(&table, &page.screen);
    CHECK_STR(page_text(&page), "NAME       VALUE\n"
                                "家         one two three four five six\n"
                                "a\\x1b[31m  x\n");
}

TEST(a_terminal_cuts_the_widest_column_and_says_so)
{
    scoped(page_done) struct page page;
    scoped(table_done) struct table table;

    page_open(&page, 24, false);
    fill(&table);
    table_print(&table, &page.screen);
    CHECK_STR(page_text(&page), "NAME       VALUE\n"
                                "家         one two thre…\n"
                                "a\\x1b[31m  x\n");
}

TEST(colour_is_only_for_a_screen_that_has_it)
{
    scoped(page_done) struct page plain, painted;

    page_open(&plain, 80, false);
    page_open(&painted, 80, true);
    screen_text(&plain.screen, RED, S("no\033"));
    screen_text(&painted.screen, RED, S("no\033"));
    CHECK_STR(page_text(&plain), "no\\x1b");
    CHECK_STR(page_text(&painted), "\033[31mno\\x1b\033[0m");
}

TEST(a_field_keeps_its_value_on_one_line_and_an_empty_one_is_left_out)
{
    scoped(page_done) struct page page;

    page_open(&page, 0, false);
    screen_field(&page.screen, "name", PLAIN, S("a\nb"));
    screen_field(&page.screen, "nothing", PLAIN, S(""));
    screen_field(&page.screen, "na\033me\n", PLAIN, S("x"));
    CHECK_STR(page_text(&page), "  name          a\\nb\n  na\\x1bme\\n    x\n");
}

TEST(a_paragraph_breaks_at_spaces)
{
    scoped(page_done) struct page page;

    page_open(&page, 20, false);
    screen_paragraph(&page.screen, 2, S("there is no owned zone for this name"));
    CHECK_STR(page_text(&page), "  there is no owned\n  zone for this name\n");
}

TEST(rows_beyond_the_limit_are_counted)
{
    static const char *const TITLES[] = {"N"};
    scoped(page_done) struct page page;
    scoped(table_done) struct table table;

    page_open(&page, 0, false);
    table_init(&table, TITLES, 1);
    for (size_t i = 0; i < TABLE_ROWS_MAX + 3; i++)
        table_add(&table, (struct str[]){S("x")}, NULL);
    table_print(&table, &page.screen);
    CHECK_INT(table.rows, TABLE_ROWS_MAX);
    CHECK(str_ends(page_text(&page), S("… and 3 more\n")));
}

TAP_MAIN
