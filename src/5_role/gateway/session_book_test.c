/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/scoped.h"
#include "gateway/session_book.h"
#include "jwt/jwt.h"
#include "tap.h"

#include <stdio.h>

#define NOW 1763700000000
#define HOUR 3600000
#define DAY (24 * (int64_t)HOUR)

static const struct session_times TIMES = {8 * HOUR, HOUR, 30 * DAY};
static uint8_t next;

static void cookie_of(uint8_t number, char ret_cookie[SESSION_COOKIE_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(SESSION_COOKIE_BYTES);
    uint8_t secret[SESSION_SECRET_BYTES];

    memset(secret, number, sizeof secret);
    base64url_encode((struct str){(const char *)secret, sizeof secret}, &text);
    snprintf(ret_cookie, SESSION_COOKIE_BYTES, "%s", buf_text(&text));
}

static struct session *add(struct session_book *book, enum session_role role, int64_t now_ms,
    char ret_cookie[SESSION_COOKIE_BYTES], struct session *ret_evicted)
{
    struct session fresh = {.how = SESSION_TOKEN,
        .role = role,
        .principal = "token:fia",
        .of = "row:t1",
        .browser = "Firefox \"140\"",
        .address = "192.0.2.7"};
    uint8_t secret[SESSION_SECRET_BYTES], name[SESSION_NAME_BYTES / 2];

    memset(secret, ++next, sizeof secret);
    memset(name, next, sizeof name);
    cookie_of(next, ret_cookie);
    return session_book_add(book, &fresh, secret, name, now_ms, ret_evicted);
}

TEST(a_session_is_found_by_its_cookie_and_by_nothing_else)
{
    scoped(session_book_done) struct session_book book;
    char cookie[SESSION_COOKIE_BYTES], other[SESSION_COOKIE_BYTES];
    struct session evicted;

    session_book_init(&book, 4, &TIMES);
    struct session *session = add(&book, SESSION_OPERATOR, NOW, cookie, &evicted);
    CHECK_TEXT(evicted.name, "");
    CHECK_INT(strlen(session->name), SESSION_NAME_BYTES - 1);
    CHECK_INT(session->expires_at_ms, NOW + 8 * HOUR);
    CHECK(session_book_find(&book, str_from(cookie), NOW + 1) == session);
    cookie_of(200, other);
    CHECK(!session_book_find(&book, str_from(other), NOW));
    static const char *const NONE[] = {"", "x", "=", "AAAA"};
    for (size_t i = 0; i < COUNT(NONE); i++)
        CHECK(!session_book_find(&book, str_from(NONE[i]), NOW));
    cookie[42] = (char)(cookie[42] == 'E' ? 'F' : cookie[42] + 1); /* bits behind the last byte */
    CHECK(!session_book_find(&book, str_from(cookie), NOW));
    CHECK(session_book_named(&book, str_from(session->name)) == session);
    CHECK(!session_book_named(&book, S("")));
    session_book_end(&book, session);
    CHECK_INT(book.count, 0);
}

TEST(an_operator_is_signed_out_after_an_hour_unused_and_after_eight_in_all)
{
    scoped(session_book_done) struct session_book book;
    char cookie[SESSION_COOKIE_BYTES];
    struct session evicted;

    session_book_init(&book, 4, &TIMES);
    add(&book, SESSION_OPERATOR, NOW, cookie, &evicted);
    CHECK(session_book_find(&book, str_from(cookie), NOW + HOUR - 1));
    CHECK(session_book_find(&book, str_from(cookie), NOW + 2 * HOUR - 2));
    CHECK(!session_book_find(&book, str_from(cookie), NOW + 3 * HOUR));
    CHECK_INT(book.count, 0);
    struct session *session = add(&book, SESSION_OPERATOR, NOW, cookie, &evicted);
    for (int64_t at = NOW; at < NOW + 8 * HOUR; at += HOUR / 2)
        session_use(&book, session, at); /* a stream is open */
    CHECK(session_book_find(&book, str_from(cookie), NOW + 8 * HOUR - 1));
    CHECK(!session_book_find(&book, str_from(cookie), NOW + 8 * HOUR));
}

TEST(a_viewer_stays_for_thirty_days)
{
    scoped(session_book_done) struct session_book book;
    char cookie[SESSION_COOKIE_BYTES];
    struct session evicted;

    session_book_init(&book, 4, &TIMES);
    add(&book, SESSION_VIEWER, NOW, cookie, &evicted);
    CHECK(session_book_find(&book, str_from(cookie), NOW + 29 * DAY));
    CHECK(!session_book_find(&book, str_from(cookie), NOW + 30 * DAY));
}

TEST(a_clock_that_was_set_back_ends_sessions_and_one_step_does_not)
{
    scoped(session_book_done) struct session_book book;
    char cookie[SESSION_COOKIE_BYTES];
    struct session evicted;

    session_book_init(&book, 4, &TIMES);
    add(&book, SESSION_OPERATOR, NOW, cookie, &evicted);
    CHECK(session_book_find(&book, str_from(cookie), NOW - 30000));
    CHECK(!session_book_find(&book, str_from(cookie), NOW - DAY));
}

TEST(beyond_the_limit_the_one_that_was_unused_for_longest_goes)
{
    scoped(session_book_done) struct session_book book;
    char cookies[4][SESSION_COOKIE_BYTES];
    struct session evicted;

    session_book_init(&book, 3, &TIMES);
    for (int i = 0; i < 3; i++)
        add(&book, SESSION_OPERATOR, NOW + i, cookies[i], &evicted);
    CHECK(session_book_find(&book, str_from(cookies[0]), NOW + 10));
    char second[SESSION_NAME_BYTES];
    snprintf(
        second, sizeof second, "%s", session_book_find(&book, str_from(cookies[1]), NOW + 5)->name);
    CHECK(session_book_find(&book, str_from(cookies[2]), NOW + 11));
    add(&book, SESSION_VIEWER, NOW + 20, cookies[3], &evicted);
    CHECK_TEXT(evicted.name, second);
    CHECK_INT(book.count, 3);
    CHECK(!session_book_find(&book, str_from(cookies[1]), NOW + 21));
    CHECK(session_book_find(&book, str_from(cookies[0]), NOW + 21));
    CHECK_INT(session_book_sweep(&book, NOW + 9 * HOUR), 2); /* the viewer stays */
    CHECK_INT(book.count, 1);
}

static json_t *file_of(struct session_book *book, char ret_cookie[SESSION_COOKIE_BYTES])
{
    struct session evicted;
    char other[SESSION_COOKIE_BYTES];

    session_book_init(book, 4, &TIMES);
    add(book, SESSION_OPERATOR, NOW, ret_cookie, &evicted);
    add(book, SESSION_VIEWER, NOW, other, &evicted);
    return session_book_file(book);
}

TEST(the_file_brings_every_session_back_and_holds_no_cookie)
{
    scoped(session_book_done) struct session_book book = {0}, again = {0};
    char cookie[SESSION_COOKIE_BYTES], csrf[SESSION_CSRF_BYTES];
    scoped(json_done) json_t *file = file_of(&book, cookie);
    scoped(free_done) char *text = json_dumps(file, 0);
    struct err err;

    session_csrf(str_from(cookie), csrf);
    CHECK(!strstr(text, cookie) && !strstr(text, csrf));
    session_book_init(&again, 4, &TIMES);
    REQUIRE(session_book_read(&again, file, NOW + 1, &err));
    CHECK_INT(again.count, 2);
    const struct session *session = session_book_find(&again, str_from(cookie), NOW + 2);
    REQUIRE(session != NULL);
    CHECK_TEXT(session->principal, "token:fia");
    CHECK_TEXT(session->of, "row:t1");
    CHECK_TEXT(session->browser, "Firefox \"140\"");
    CHECK(session->role == SESSION_OPERATOR && session->how == SESSION_TOKEN);
    CHECK_INT(session->expires_at_ms, NOW + 8 * HOUR);
    session_book_done(&again);
    session_book_init(&again, 4, &TIMES);
    REQUIRE(session_book_read(&again, file, NOW + DAY, &err)); /* the operator's is over */
    CHECK_INT(again.count, 1);
}

TEST(a_file_with_one_bad_row_gives_no_sessions)
{
    static const struct {
        const char *member, *value;
    } BAD[] = {{"sha256", "xyz"}, {"name", "UPPERUPPERUPPER!"}, {"how", "local"}, {"how", "x"},
        {"role", "nobody"}, {"role", "owner"}, {"principal", "loopback"}, {"principal", "token:"},
        {"principal", "token:a\"b"}, {"principal", "person:x y"}, {"expires_at", "soon"},
        {"created_at", ""}, {"of", ""}, {"address", "\n"}, {"extra", "1"}};
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(session_book_done) struct session_book book = {0}, again = {0};
        char cookie[SESSION_COOKIE_BYTES];
        scoped(json_done) json_t *file = file_of(&book, cookie);
        json_object_set_new(json_array_get(json_object_get(file, "sessions"), 1), BAD[i].member,
            json_string(BAD[i].value));
        session_book_init(&again, 4, &TIMES);
        CHECK(!session_book_read(&again, file, NOW, &err));
        CHECK_TEXT(err.code, "bad_sessions");
        CHECK(strstr(err.message, "row 2"));
        CHECK_INT(again.count, 0);
    }
    scoped(session_book_done) struct session_book book = {0}, again = {0};
    char cookie[SESSION_COOKIE_BYTES];
    scoped(json_done) json_t *file = file_of(&book, cookie);
    json_t *rows = json_object_get(file, "sessions");
    json_array_append(rows, json_array_get(rows, 0)); /* twice the same */
    session_book_init(&again, 4, &TIMES);
    CHECK(!session_book_read(&again, file, NOW, &err));
}

TEST(a_cookie_is_cut_out_of_its_header)
{
    struct str value;

    CHECK(session_cookie(S("a=1; logic_session=xyz; b=2"), S("logic_session"), &value));
    CHECK_STR(value, "xyz");
    CHECK(session_cookie(S("logic_session=x=y"), S("logic_session"), &value));
    CHECK_STR(value, "x=y");
    CHECK(session_cookie(S("logic_session="), S("logic_session"), &value) && value.len == 0);
    CHECK(!session_cookie(S("__Host-logic_session=x"), S("logic_session"), &value));
    CHECK(!session_cookie(S("LOGIC_SESSION=x"), S("logic_session"), &value));
    CHECK(!session_cookie(S("logic_session=x; logic_session=y"), S("logic_session"), &value));
    CHECK(!session_cookie(S(""), S("logic_session"), &value));
    CHECK(!session_cookie((struct str){0}, S("logic_session"), &value));
}

TEST(the_csrf_word_is_that_of_this_session_only)
{
    char one[SESSION_COOKIE_BYTES], two[SESSION_COOKIE_BYTES];
    char csrf[SESSION_CSRF_BYTES], other[SESSION_CSRF_BYTES];

    cookie_of(1, one);
    cookie_of(2, two);
    session_csrf(str_from(one), csrf);
    session_csrf(str_from(two), other);
    CHECK_INT(strlen(csrf), SESSION_CSRF_BYTES - 1);
    CHECK(strcmp(csrf, other) != 0 && strcmp(csrf, one) != 0);
    CHECK(session_csrf_fits(str_from(one), str_from(csrf)));
    CHECK(!session_csrf_fits(str_from(one), str_from(other)));
    CHECK(!session_csrf_fits(str_from(one), (struct str){csrf, 42}));
    CHECK(!session_csrf_fits(str_from(one), (struct str){0}));
    CHECK(!session_csrf_fits(S("short"), S("")));
    session_csrf(S("short"), csrf);
    CHECK_TEXT(csrf, "");
}

TEST(a_principal_stands_in_json_as_it_is)
{
    static const char *const BAD[] = {"person:", "fia", "", "person:a\"b", "person:a b",
        "person:a\\", "person:\xc3\xbc", "token:fia", "person:a:b"};

    CHECK(session_principal_fits(S("person:fia_2.x-Y"), SESSION_PASSKEY));
    CHECK(session_principal_fits(S("token:desk"), SESSION_TOKEN));
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!session_principal_fits(str_from(BAD[i]), SESSION_PASSKEY));
}

TEST(what_a_browser_calls_itself_is_cut_and_plain)
{
    char name[SESSION_BROWSER_BYTES], long_one[300];

    session_browser(S("Fire\x1b[31mfox \xc3\xbc\x01"), name);
    CHECK_TEXT(name, "Fire[31mfox ");
    memset(long_one, 'a', sizeof long_one);
    session_browser((struct str){long_one, sizeof long_one}, name);
    CHECK_INT(strlen(name), SESSION_BROWSER_BYTES - 1);
    session_browser((struct str){0}, name);
    CHECK_TEXT(name, "");
}

TAP_MAIN
