/* SPDX-License-Identifier: Apache-2.0 */
#include "presence/presence.h"

#include "base/scoped.h"
#include "exposition/exposition.h"
#include "tap.h"
#include "json/json_read.h"

/* --- what is in front --------------------------------------------------------------------------
 */

/* A game: it covers its monitor, has no title bar. */
static struct presence_window game(void)
{
    return (struct presence_window){.there = true,
        .visible = true,
        .kind = "UnrealWindow",
        .process = "game.exe",
        .title = "Game",
        .box = {0, 0, 1920, 1080},
        .monitor = {0, 0, 1920, 1080}};
}

static const char *front_of(const struct presence_window *window, enum presence_notice notice)
{
    return presence_front_word(presence_front(window, notice));
}

#define OPEN PRESENCE_NOTICE_OPEN

TEST(who_covers_the_monitor_is_full_screen)
{
    struct presence_window window = game();

    CHECK_TEXT(front_of(&window, OPEN), "full_screen");
    window.box = (struct presence_box){-8, -8, 1928, 1088};
    CHECK_TEXT(front_of(&window, OPEN), "full_screen");
    window.maximised = true; /* without a title bar: a browser's full screen */
    CHECK_TEXT(front_of(&window, OPEN), "full_screen");
    window.box = window.monitor =
        (struct presence_box){1920, -200, 4480, 1240}; /* the second one */
    CHECK_TEXT(front_of(&window, OPEN), "full_screen");
}

TEST(who_leaves_a_strip_of_it_is_a_window)
{
    static const struct presence_box SMALLER[] = {{1, 0, 1920, 1080}, {0, 1, 1920, 1080},
        {0, 0, 1919, 1080}, {0, 0, 1920, 1040}, {0, 0, 0, 0}};

    for (size_t i = 0; i < COUNT(SMALLER); i++) {
        struct presence_window window = game();
        window.box = SMALLER[i];
        CHECK_TEXT(front_of(&window, OPEN), "window");
    }
}

TEST(maximised_with_a_title_bar_is_a_window_wherever_the_task_bar_is)
{
    struct presence_window window = game();

    window.titled = window.maximised = true;
    CHECK_TEXT(front_of(&window, OPEN), "window");
    window.maximised = false; /* an old game that only makes its window as large as the screen */
    CHECK_TEXT(front_of(&window, OPEN), "full_screen");
}

TEST(minimised_hidden_or_on_no_monitor_is_a_window)
{
    struct presence_window window = game();

    window.minimised = true;
    CHECK_TEXT(front_of(&window, OPEN), "window");
    window = game();
    window.visible = false;
    CHECK_TEXT(front_of(&window, OPEN), "window");
    window = game();
    window.monitor = window.box = (struct presence_box){0, 0, 0, 0};
    CHECK_TEXT(front_of(&window, OPEN), "window");
}

TEST(the_bare_desktop_covers_the_monitor_and_is_nothing)
{
    static const char *const KINDS[] = {"Progman", "WorkerW", "#32769", "Shell_TrayWnd", "workerw"};

    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct presence_window window = game();
        snprintf(window.kind, sizeof window.kind, "%s", KINDS[i]);
        CHECK_TEXT(front_of(&window, OPEN), "nothing");
    }
    struct presence_window window = game();
    window.shells = true; /* task view, by the shell's process */
    CHECK_TEXT(front_of(&window, OPEN), "nothing");
    window.there = false;
    CHECK_TEXT(front_of(&window, OPEN), "nothing");
}

TEST(lock_screen_and_screen_saver_are_nobody)
{
    struct presence_window window = game();

    snprintf(window.process, sizeof window.process, "LOCKAPP.EXE");
    CHECK_TEXT(front_of(&window, OPEN), "locked");
    window = game();
    snprintf(window.kind, sizeof window.kind, "WindowsScreenSaverClass");
    CHECK_TEXT(front_of(&window, OPEN), "locked");
}

/* By injection: Wine's SHQueryUserNotificationState says 5 whatever is on the screen. */
TEST(what_the_shell_notices_counts_before_the_window)
{
    struct presence_window window = game();

    CHECK_TEXT(front_of(&window, PRESENCE_NOTICE_AWAY), "locked");
    window.box = (struct presence_box){10, 10, 20, 20};
    CHECK_TEXT(front_of(&window, PRESENCE_NOTICE_GAME), "full_screen");
    window.there = false;
    CHECK_TEXT(front_of(&window, PRESENCE_NOTICE_GAME), "full_screen");
    window = game();
    window.box = (struct presence_box){10, 10, 20, 20};
    static const enum presence_notice OTHERS[] = {PRESENCE_NOTICE_UNKNOWN, PRESENCE_NOTICE_BUSY,
        PRESENCE_NOTICE_PRESENTATION, OPEN, PRESENCE_NOTICE_QUIET, PRESENCE_NOTICE_APP};
    for (size_t i = 0; i < COUNT(OTHERS); i++)
        CHECK_TEXT(front_of(&window, OTHERS[i]), "window");
}

/* --- a person ----------------------------------------------------------------------------------
 */

TEST(idle_time_on_a_clock_that_goes_round)
{
    CHECK_INT(presence_idle_s(5000, 1999), 3);
    CHECK_INT(presence_idle_s(5000, 0), 5); /* no input ever: since the start */
    CHECK_INT(presence_idle_s(1000, UINT32_MAX - 999), 2);
    CHECK_INT(presence_idle_s(1000, 1016), 0); /* input came between the two questions */
    CHECK_INT(presence_idle_s(30u * 24 * 3600 * 1000, 0), 30 * 24 * 3600);
}

static struct presence_look *at_desktop(struct presence_look *look)
{
    *look = (struct presence_look){.host = "TOWER",
        .person = "anna",
        .civil_ms = 1795219261500,
        .uptime_s = 1000,
        .memory_bytes = INT64_C(34359738368),
        .memory_available_bytes = INT64_C(1 << 30),
        .cpus = {{.idle = 50000000, .user = 15000000, .system = 5000000}},
        .cpus_count = 1,
        .busy_permille = 123,
        .has_desktop = true,
        .idle_s = 599,
        .window = game(),
        .front = PRESENCE_FRONT_WINDOW,
        .processes = {{4, "System"}, {77, "game.exe"}},
        .processes_count = 2};
    return look;
}

TEST(who_typed_lately_or_fills_the_screen_is_there)
{
    static struct presence_look look;

    CHECK(presence_person(at_desktop(&look), 600));
    look.idle_s = 600;
    CHECK(!presence_person(&look, 600));
    look.front = PRESENCE_FRONT_FULL_SCREEN; /* with a gamepad, which is no input */
    CHECK(presence_person(&look, 600));
    look.front = PRESENCE_FRONT_LOCKED;
    CHECK(!presence_person(&look, 600));
    look.idle_s = PRESENCE_UNKNOWN;
    CHECK(!presence_person(&look, 600));
    look.idle_s = 0;
    look.has_desktop = false;
    CHECK(!presence_person(&look, 600));
    look.has_desktop = true;
    CHECK(!presence_person(&look, 0)); /* only what fills the screen counts */
}

TEST(how_busy_between_two_looks)
{
    const struct presence_cpu before[2] = {{100, 10, 10}, {100, 10, 10}};
    const struct presence_cpu after[2] = {{150, 40, 30}, {200, 10, 10}};

    CHECK_INT(presence_busy(before, 2, after, 2), 250);
    CHECK_INT(presence_busy(before, 2, before, 2), PRESENCE_UNKNOWN);
    CHECK_INT(presence_busy(after, 2, before, 2), PRESENCE_UNKNOWN); /* time went back */
    CHECK_INT(presence_busy(before, 1, after, 2), PRESENCE_UNKNOWN);
    CHECK_INT(presence_busy(before, 0, after, 0), PRESENCE_UNKNOWN);
    CHECK_INT(presence_busy(before, 1, (struct presence_cpu[]){{100, 20, 10}}, 1), 1000);
}

/* --- UTF-16 ------------------------------------------------------------------------------------
 */

#define WIDE(literal) (const uint16_t *)u"" literal, sizeof(u"" literal) / 2 - 1

TEST(names_in_utf16_become_printable_utf8)
{
    char text[64];

    CHECK_INT(presence_text(WIDE("notepad.exe"), text, sizeof text), 11);
    CHECK_TEXT(text, "notepad.exe");
    presence_text(WIDE("Gärten \u65e5\u672c \U0001f3ae.exe"), text, sizeof text);
    CHECK_TEXT(text, "G\u00e4rten \u65e5\u672c \U0001f3ae.exe");
    presence_text(WIDE("a\"b\\c\nd\x7f\x85"
                       "e\u2028f\x01"),
        text, sizeof text);
    CHECK_TEXT(text, "a\"b\\c d  e f ");
    presence_text(WIDE("fdp\u202eexe.\u2066\u200f"), text, sizeof text);
    CHECK_TEXT(text, "fdp\ufffdexe.\ufffd\ufffd");
    presence_text(WIDE(""), text, sizeof text);
    CHECK_TEXT(text, "");
}

TEST(halves_of_pairs_are_replaced)
{
    static const uint16_t BAD[] = {'a', 0xd83c, 'b', 0xdfae, 0xdfae, 0xd83c};
    char text[64];

    presence_text(BAD, COUNT(BAD), text, sizeof text);
    CHECK_TEXT(text, "a\ufffdb\ufffd\ufffd\ufffd");
    static const uint16_t ENDED[] = {'a', 0, 'b'};
    presence_text(ENDED, COUNT(ENDED), text, sizeof text);
    CHECK_TEXT(text, "a");
}

TEST(what_is_too_long_is_cut_between_characters)
{
    char text[6];

    CHECK_INT(presence_text(WIDE("abcdefgh"), text, sizeof text), 5);
    CHECK_TEXT(text, "abcde");
    CHECK_INT(presence_text(WIDE("abc\u65e5\u672c"), text, sizeof text), 3);
    CHECK_TEXT(text, "abc");
    CHECK_INT(presence_text(WIDE("a\U0001f3ae\U0001f3ae"), text, sizeof text), 5);
    CHECK_INT(presence_text(WIDE("a"), text, 1), 0);
    CHECK_TEXT(text, "");
}

/* --- texts -------------------------------------------------------------------------------------
 */

TEST(json_of_a_look_has_the_members_of_an_agents_status)
{
    static struct presence_look look;
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);
    scoped(json_done) json_t *json = NULL;
    struct err err;

    at_desktop(&look)->front = PRESENCE_FRONT_FULL_SCREEN;
    presence_json(&look, 600, &out);
    REQUIRE(json_read(buf_str(&out), PRESENCE_TEXT_BYTES_MAX, &json, &err));
    const json_t *inhibitor = json_array_get(json_object_get(json, "inhibitors"), 0);
    CHECK_TEXT(json_string_value(json_object_get(inhibitor, "kind")), "person");
    CHECK_TEXT(json_string_value(json_object_get(inhibitor, "words")),
        "anna at console, game.exe has the whole screen");
    CHECK_INT(json_integer_value(json_object_get(json, "busy_permille")), 123);
    CHECK_INT(json_array_size(json_object_get(json, "processes")), 2);
    CHECK_TEXT(
        json_string_value(json_object_get(json_object_get(json, "front"), "is")), "full_screen");
    look.has_desktop = false;
    look.busy_permille = PRESENCE_UNKNOWN;
    buf_clear(&out);
    presence_json(&look, 600, &out);
    scoped(json_done) json_t *bare = NULL;
    REQUIRE(json_read(buf_str(&out), PRESENCE_TEXT_BYTES_MAX, &bare, &err));
    CHECK_INT(json_array_size(json_object_get(bare, "inhibitors")), 0);
    CHECK_INT(json_array_size(json_object_get(bare, "users")), 0);
    CHECK(json_is_null(json_object_get(bare, "busy_permille")));
    CHECK(!json_object_get(json_object_get(bare, "front"), "process"));
}

TEST(hostile_names_are_valid_json_and_one_line_of_the_table)
{
    static struct presence_look look;
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);
    scoped(json_done) json_t *json = NULL;
    struct err err;
    uint16_t wide[1024];

    for (size_t i = 0; i < COUNT(wide); i++)
        wide[i] = (uint16_t[]){'"', '\n', '\\', 0xd83c, 0xdfae, 0xdfae, 0x202e, 'x'}[i % 8];
    at_desktop(&look)->front = PRESENCE_FRONT_FULL_SCREEN;
    presence_text(wide, COUNT(wide), look.window.process, sizeof look.window.process);
    presence_text(wide, COUNT(wide), look.window.title, sizeof look.window.title);
    presence_text(wide, COUNT(wide), look.person, sizeof look.person);
    for (size_t i = 0; i < PRESENCE_PROCESSES_MAX; i++)
        presence_text(wide, COUNT(wide), look.processes[i].name, PRESENCE_NAME_BYTES);
    look.processes_count = PRESENCE_PROCESSES_MAX;
    look.processes_left_out = 7;
    presence_json(&look, 600, &out);
    CHECK(!out.overflowed);
    REQUIRE(json_read(buf_str(&out), PRESENCE_TEXT_BYTES_MAX, &json, &err));
    CHECK_INT(json_integer_value(json_object_get(json, "processes_left_out")), 7);
    buf_clear(&out);
    presence_table(&look, 600, &out);
    CHECK(!out.overflowed && str_is_utf8(buf_str(&out)));
    size_t lines = 0;
    for (size_t i = 0; i < out.len; i++)
        lines += out.at[i] == '\n';
    CHECK_INT(lines, 7 + PRESENCE_PROCESSES_MAX + 1);
}

TEST(table_says_why_there_is_no_desktop)
{
    static struct presence_look look;
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);

    presence_table(at_desktop(&look), 600, &out);
    CHECK(strstr(buf_text(&out), "inhibitor   person: anna at console\n") != NULL);
    CHECK(strstr(buf_text(&out), "12.3 % busy") != NULL);
    buf_clear(&out);
    look.has_desktop = false;
    look.busy_permille = PRESENCE_UNKNOWN;
    presence_table(&look, 600, &out);
    CHECK(strstr(buf_text(&out), "this is session 0") != NULL);
    CHECK(strstr(buf_text(&out), "how busy is unknown") != NULL);
    CHECK(strstr(buf_text(&out), "inhibitor") == NULL);
}

TEST(metrics_are_numbers_and_no_names)
{
    static struct presence_look look;
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);
    struct err err;
    size_t samples;

    at_desktop(&look)->front = PRESENCE_FRONT_FULL_SCREEN;
    presence_metrics(&look, 600, &out);
    CHECK(exposition_check(buf_str(&out), &EXPOSITION_LIMITS, &samples, &err));
    CHECK_INT(samples, 3 + 2 + 2 + 3);
    static const char *const LINES[] = {"node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1.5\n",
        "logic_agent_inhibitors{kind=\"person\"} 1\n", "logic_agent_full_screen 1\n",
        "logic_agent_idle_seconds 599\n", "node_boot_time_seconds 1795218261\n",
        "node_time_seconds 1795219261.5\n"};
    for (size_t i = 0; i < COUNT(LINES); i++)
        CHECK(strstr(buf_text(&out), LINES[i]) != NULL);
    static const char *const NAMES[] = {"anna", "TOWER", "game", "Game", "System", "Unreal"};
    for (size_t i = 0; i < COUNT(NAMES); i++)
        CHECK(strstr(buf_text(&out), NAMES[i]) == NULL);
}

TEST(what_is_unknown_is_left_out_of_the_metrics)
{
    static struct presence_look look;
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);

    at_desktop(&look)->idle_s = PRESENCE_UNKNOWN;
    presence_metrics(&look, 600, &out);
    CHECK(strstr(buf_text(&out), "logic_agent_idle_seconds") == NULL);
    CHECK(strstr(buf_text(&out), "logic_agent_inhibitors{kind=\"person\"} 0\n") != NULL);
    look.has_desktop = false;
    look.cpus_count = 0;
    buf_clear(&out);
    presence_metrics(&look, 600, &out);
    CHECK(strstr(buf_text(&out), "logic_agent") == NULL);
    CHECK(strstr(buf_text(&out), "node_cpu") == NULL);
    CHECK(strstr(buf_text(&out), "node_memory_MemTotal_bytes 34359738368\n") != NULL);
}

/* --- where the metrics may go ------------------------------------------------------------------
 */

TEST(a_target_is_taken_apart)
{
    struct presence_target target;
    struct err err;

    REQUIRE(presence_target(S("https://node.home.arpa:30443/api/v1/senses/tower"), &target, &err));
    CHECK(target.https);
    CHECK_TEXT(target.host, "node.home.arpa");
    CHECK_INT(target.port, 30443);
    CHECK_TEXT(target.path, "/api/v1/senses/tower");
    REQUIRE(presence_target(S("https://10.0.0.5"), &target, &err));
    CHECK_INT(target.port, 443);
    CHECK_TEXT(target.path, "/");
    REQUIRE(presence_target(S("http://127.0.0.1:30080/x"), &target, &err));
    CHECK(!target.https);
    CHECK_INT(target.port, 30080);
}

TEST(a_target_that_could_leak_the_token_is_refused)
{
    static const char *const BAD[] = {"", "http", "http://", "https://", "https:///x",
        "ftp://node/x", "http://127.0.0.1/x", "http://192.0.2.1:30080/x",
        "http://127.0.0.1.example:80/x", "http://localhost:30080/x", "http://127.0.0.1:80@evil/x",
        "https://user@node/x", "https://node:0/x", "https://node:65536/x", "https://node:/x",
        "https://node:1:2/x", "https://node/a b", "https://node/a?b", "https://node/\r\nX: y",
        "https://[::1]:1/x", "https://n\xc3\xb6-e/x", " https://node/x"};
    static char long_one[600] = "https://node/";
    struct presence_target target;
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        bool taken = presence_target(str_from(BAD[i]), &target, &err);
        if (taken)
            printf("# taken: %s\n", BAD[i]);
        CHECK(!taken && err.kind == ERR_INPUT);
    }
    memset(long_one + 13, 'a', sizeof long_one - 14);
    CHECK(presence_target((struct str){long_one, PRESENCE_URL_BYTES_MAX}, &target, &err));
    CHECK(!presence_target((struct str){long_one, PRESENCE_URL_BYTES_MAX + 1}, &target, &err));
}

TEST(a_token_stands_alone_in_its_file)
{
    static char long_one[PRESENCE_TOKEN_BYTES_MAX + 1];
    struct str token;
    struct err err;

    REQUIRE(presence_token(S("\r\n ln_abc.DEF-1 \n"), &token, &err));
    CHECK_STR(token, "ln_abc.DEF-1");
    static const char *const BAD[] = {"", " \n", "two words", "a\nb", "t\xc3\xa4", "a\x01", "a\tb"};
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!presence_token(str_from(BAD[i]), &token, &err) && err.kind == ERR_INPUT);
    memset(long_one, 'k', sizeof long_one);
    CHECK(presence_token((struct str){long_one, sizeof long_one - 1}, &token, &err));
    CHECK(!presence_token((struct str){long_one, sizeof long_one}, &token, &err));
}

TAP_MAIN
