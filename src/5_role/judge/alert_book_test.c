/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/alert_book.h"

#include "base/scoped.h"
#include "message/message.h"
#include "tap.h"

#define HOT                                                                                        \
    "{'condition':'gpu_hot','node':'tower','part':'0','severity':'warning','words':'hot',"         \
    "'question':{'now_ms':1},'answer':{'kind':'alert_raised'}}"

/* Quotes are ' in the tests' texts. */
static bool fold(struct alert_book *book, int seq, const char *kind, const char *body)
{
    char text[1024], at[32];

    snprintf(text, sizeof text, "%s", body);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    snprintf(at, sizeof at, "2026-11-21T00:00:%02d.000Z", seq % 60);
    json_t *value = json_loads(text, 0, NULL);
    scoped(json_done) json_t *entry = json_pack("{s:i, s:s, s:s, s:s, s:o}", "seq", seq, "kind",
        kind, "at", at, "case", "C1", "body", value);
    if (!entry)
        abort();
    return book_fold(book, entry);
}

static const char *status_of(const struct alert_book *book, int64_t id)
{
    static char word[32];
    scoped(json_done) json_t *row = alert_row(book_find(book, id));

    snprintf(word, sizeof word, "%s", message_text(row, "status"));
    return word;
}

TEST(an_alert_is_raised_changed_acknowledged_and_cleared)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 10);
    CHECK(fold(&book, 7, "alert_raised", HOT));
    CHECK_STR(str_from(status_of(&book, 7)), "raised");
    CHECK(fold(
        &book, 9, "alert_changed", "{'alert':7,'severity':'critical','words':'hotter','count':2}"));
    CHECK(fold(&book, 11, "case_executed",
        "{'action':'alert_acknowledge','params':{'alert':7,'words':'on my way'},"
        "'by':{'principal':'token:fia'}}"));
    CHECK_STR(str_from(status_of(&book, 7)), "acknowledged");
    CHECK(fold(&book, 12, "alert_cleared", "{'alert':7,'words':'cool again','why':'clear'}"));
    scoped(json_done) json_t *view = alert_view(book_find(&book, 7));
    CHECK_STR(str_from(message_text(view, "status")), "cleared");
    CHECK_STR(str_from(message_text(view, "severity")), "critical");
    CHECK_STR(str_from(message_text(view, "words")), "cool again");
    CHECK_STR(str_from(message_text(view, "cleared_why")), "clear");
    CHECK_STR(str_from(message_text(view, "raised_at")), "2026-11-21T00:00:07.000Z");
    CHECK_STR(str_from(message_text(view, "cleared_at")), "2026-11-21T00:00:12.000Z");
    CHECK_STR(str_from(message_text(json_object_get(view, "acknowledged"), "by")), "token:fia");
    CHECK_INT(json_array_size(json_object_get(view, "history")), 4);
    CHECK_INT(message_int(view, "count"), 2);
}

#define ACKNOWLEDGED(words)                                                                        \
    "{'action':'alert_acknowledge','params':{'alert':7" words "},'by':{'principal':'token:fia'}}"

static const char *acknowledged_words(const struct alert_book *book)
{
    return message_text(book_find(book, 7)->acknowledged, "words");
}

TEST(what_became_worse_is_not_acknowledged_any_more)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 10);
    CHECK(fold(&book, 7, "alert_raised", HOT));
    CHECK(fold(&book, 8, "case_executed", ACKNOWLEDGED(",'words':'on my way'")));
    CHECK(fold(&book, 9, "alert_changed", "{'alert':7,'severity':'warning','count':2}"));
    CHECK_STR(str_from(status_of(&book, 7)), "acknowledged");
    CHECK(fold(&book, 10, "alert_changed", "{'alert':7,'severity':'critical','count':2}"));
    CHECK_STR(str_from(status_of(&book, 7)), "raised");
    CHECK(!book_find(&book, 7)->acknowledged);
    CHECK(alert_has_status(book_find(&book, 7), S("raised")));
    CHECK(fold(&book, 11, "case_executed", ACKNOWLEDGED("")));
    CHECK_STR(str_from(status_of(&book, 7)), "acknowledged");
    CHECK_STR(str_from(acknowledged_words(&book)), "");
    CHECK(fold(&book, 12, "alert_changed", "{'alert':7,'severity':'critical','count':3}"));
    CHECK(fold(&book, 13, "alert_changed", "{'alert':7,'severity':'warning','count':3}"));
    CHECK_STR(str_from(status_of(&book, 7)), "acknowledged");
}

TEST(an_acknowledgement_without_words_keeps_those_before)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 10);
    CHECK(fold(&book, 7, "alert_raised", HOT));
    CHECK(fold(&book, 8, "case_executed", ACKNOWLEDGED(",'words':'on my way'")));
    CHECK(fold(&book, 9, "case_executed", ACKNOWLEDGED("")));
    CHECK_STR(str_from(acknowledged_words(&book)), "on my way");
    CHECK_STR(str_from(message_text(book_find(&book, 7)->acknowledged, "at")),
        "2026-11-21T00:00:09.000Z");
    CHECK(fold(&book, 10, "case_executed", ACKNOWLEDGED(",'words':'mine'")));
    CHECK_STR(str_from(acknowledged_words(&book)), "mine");
}

TEST(what_is_of_no_alert_changes_nothing)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 10);
    CHECK(!fold(&book, 1, "case_executed", "{'action':'dns_record_add','params':{'alert':7}}"));
    CHECK(!fold(&book, 2, "alert_changed", "{'alert':7}"));
    CHECK(!fold(&book, 3, "alert_cleared", "{'alert':'seven'}"));
    CHECK(!fold(&book, 4, "kb_loaded", "{}"));
    CHECK(fold(&book, 7, "alert_raised", HOT));
    CHECK(!fold(&book, 7, "alert_raised", HOT)); /* read again after a start */
    CHECK_INT(book.count, 1);
    CHECK(!book_find(&book, 6) && !book_find(&book, 8) && !book_find(&book, -1));
}

TEST(a_runbook_and_the_reason_for_none_are_kept)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 10);
    CHECK(fold(&book, 7, "alert_raised", HOT) && fold(&book, 8, "alert_raised", HOT));
    CHECK(fold(&book, 9, "runbook_generated", "{'alert':7,'markdown':'# Do','ms':12}"));
    CHECK(fold(&book, 10, "runbook_failed", "{'alert':8,'code':'engine_away','words':'gone'}"));
    scoped(json_done) json_t *one = alert_view(book_find(&book, 7));
    scoped(json_done) json_t *other = alert_view(book_find(&book, 8));
    CHECK_STR(str_from(message_text(json_object_get(one, "runbook"), "markdown")), "# Do");
    CHECK_STR(str_from(message_text(one, "runbook_state")), "generated");
    const json_t *failed = json_object_get(json_object_get(other, "runbook"), "failed");
    CHECK_STR(str_from(message_text(failed, "code")), "engine_away");
    CHECK_STR(str_from(message_text(other, "runbook_state")), "failed");
}

TEST(lists_are_newest_first_by_status_and_in_pages)
{
    scoped(book_done) struct alert_book book;

    book_init(&book, 100);
    for (int i = 1; i <= 20; i++)
        CHECK(fold(&book, i, "alert_raised", HOT));
    for (int i = 1; i <= 5; i++) {
        char body[64];
        snprintf(body, sizeof body, "{'alert':%d,'why':'clear'}", i);
        CHECK(fold(&book, 100 + i, "alert_cleared", body));
    }
    scoped(json_done) json_t *all = book_list(&book, S(""), 0, 3);
    scoped(json_done) json_t *next = book_list(&book, S(""), 18, 3);
    scoped(json_done) json_t *open = book_list(&book, S("open"), 0, 200);
    scoped(json_done) json_t *closed = book_list(&book, S("cleared"), 0, 200);
    CHECK_INT(message_int(json_array_get(json_object_get(all, "alerts"), 0), "id"), 20);
    CHECK_INT(message_int(json_array_get(json_object_get(next, "alerts"), 0), "id"), 17);
    CHECK_INT(json_array_size(json_object_get(open, "alerts")), 15);
    CHECK_INT(json_array_size(json_object_get(closed, "alerts")), 5);
    CHECK_INT(message_int(all, "open"), 15);
    CHECK(
        book_status_known(S("open")) && !book_status_known(S("shut")) && !book_status_known(S("")));
}

TEST(closed_ones_are_forgotten_oldest_first_and_open_ones_never)
{
    scoped(book_done) struct alert_book book;
    char body[64];

    book_init(&book, 3);
    for (int i = 1; i <= 50; i++)
        CHECK(fold(&book, i, "alert_raised", HOT));
    for (int i = 2; i <= 50; i++) {
        snprintf(body, sizeof body, "{'alert':%d,'why':'gone'}", i);
        CHECK(fold(&book, 100 + i, "alert_cleared", body));
    }
    CHECK_INT(book.count, 4);
    CHECK(book_find(&book, 1) && !book_find(&book, 47) && book_find(&book, 48));
    CHECK(!fold(&book, 200, "alert_changed", "{'alert':2}"));
}

TEST(a_long_life_is_shown_by_its_beginning_and_its_end)
{
    scoped(book_done) struct alert_book book;
    char body[64];

    book_init(&book, 3);
    CHECK(fold(&book, 1, "alert_raised", HOT));
    for (int i = 2; i <= 1000; i++) {
        snprintf(body, sizeof body, "{'alert':1,'count':%d,'words':'again'}", i);
        CHECK(fold(&book, i, "alert_changed", body));
    }
    scoped(json_done) json_t *view = alert_view(book_find(&book, 1));
    const json_t *history = json_object_get(view, "history");
    CHECK_INT(json_array_size(history), BOOK_HISTORY_MAX);
    CHECK_INT(message_int(json_array_get(history, 0), "seq"), 1);
    CHECK_INT(message_int(json_array_get(history, BOOK_HISTORY_MAX - 1), "seq"), 1000);
}

TAP_MAIN
