/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/exposition.h"

#include "base/scoped.h"
#include "tap.h"

#include <locale.h>
#include <math.h>

static const struct exposition_limits WIDE = {1u << 20, 1u << 14, 32, 5000};

/* The only sample of a text, or false and why not. */
static bool one(const char *text, struct exposition_sample *sample, struct err *err)
{
    struct exposition_sample behind;
    struct exposition reader;
    bool found;

    exposition_begin(&reader, str_from(text), &WIDE);
    if (!exposition_next(&reader, sample, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_NONE, "none");
    return exposition_next(&reader, &behind, &found, err) && !found;
}

static void refused_at(const char *text, const char *code, size_t line, const char *value)
{
    char place[40];
    struct err err = {0};
    size_t samples;

    snprintf(place, sizeof place, ", line %zu:", line);
    bool good = exposition_check(str_from(text), &WIDE, &samples, &err);
    CHECK(!good);
    CHECK_TEXT(err.code, code);
    CHECK(strstr(err.message, place));
    CHECK(strstr(err.message, value));
    if (good || !strstr(err.message, place) || !strstr(err.message, value))
        printf("# of: %s\n# message: %s\n", text, err.message);
}

static void refused(const char *text, const char *code)
{
    refused_at(text, code, 1, "");
}

static double number_of(const char *text)
{
    double value = 1234567;

    return exposition_number(str_from(text), &value, NULL) ? value : -7654321;
}

TEST(a_sample_with_all_that_it_may_have)
{
    struct exposition_label label;
    struct exposition_sample s;
    struct err err;
    char value[64];

    REQUIRE(one(" node_disk:x{device=\"sd\\\\a\\\"\\n\" , mode = \"r\",} 1.5e3 -1700000000123 \n",
        &s, &err));
    CHECK_STR(s.name, "node_disk:x");
    CHECK_INT(s.labels_count, 2);
    CHECK(s.value == 1500);
    CHECK_STR(s.value_text, "1.5e3");
    CHECK(s.has_timestamp);
    CHECK_INT(s.timestamp_ms, -1700000000123);
    CHECK_INT(s.line, 1);
    CHECK_INT(s.type, EXPOSITION_UNTYPED);
    struct str at = s.labels;
    REQUIRE(exposition_label_next(&at, &label));
    CHECK_STR(label.name, "device");
    CHECK(label.escaped);
    CHECK_STR(exposition_unescape(label.raw, value), "sd\\a\"\n");
    CHECK(exposition_label_is(&label, S("sd\\a\"\n")));
    CHECK(!exposition_label_is(&label, S("sd\\a\"")) &&
          !exposition_label_is(&label, S("sd\\a\"\n ")));
    REQUIRE(exposition_label_next(&at, &label));
    CHECK(exposition_label_is(&label, S("r")) && !exposition_label_is(&label, S("rw")));
    CHECK(!exposition_label_next(&at, &label));
    CHECK(exposition_label(&s, S("mode"), &label) && !exposition_label(&s, S("mod"), &label));
}

TEST(what_may_be_left_out_may_be_left_out)
{
    static const char *const GOOD[] = {"up 1\n", "up{} 1\n", "up{}1\n", "up\t1\t\n",
        "\n\n up 1\n \n", "up{ } 1\n", "# a remark\nup 1\n", "#HELP\nup 1\n", "up {a=\"\"} 1\n",
        "up 1\n# EOF\n", "up{a=\"}\"} 1\n", "up{a=\"#,=\"} 1\n", "up{a=\"h\xc3\xa9\"} 1\n",
        "# UNIT up s\nup 1\n"};
    struct exposition_sample s;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        CHECK(one(GOOD[i], &s, &err) && s.value == 1);
        CHECK_STR(s.name, "up");
        CHECK(!s.has_timestamp);
    }
    size_t samples = 7;
    CHECK(exposition_check(S(""), &WIDE, &samples, &err));
    CHECK_INT(samples, 0);
    CHECK(exposition_check(S("# EOF\n"), &WIDE, &samples, &err));
}

TEST(a_sample_has_the_type_of_its_family)
{
    static const struct {
        const char *type, *name;
        enum exposition_type want;
    } ROWS[] = {{"counter", "f", EXPOSITION_COUNTER}, {"counter", "f_total", EXPOSITION_COUNTER},
        {"gauge", "f", EXPOSITION_GAUGE}, {"gauge", "f_sum", EXPOSITION_UNTYPED},
        {"gauge", "g", EXPOSITION_UNTYPED}, {"histogram", "f_bucket", EXPOSITION_HISTOGRAM},
        {"histogram", "f_sum", EXPOSITION_HISTOGRAM}, {"histogram", "f", EXPOSITION_UNTYPED},
        {"summary", "f_count", EXPOSITION_SUMMARY}, {"summary", "f", EXPOSITION_SUMMARY},
        {"untyped", "f", EXPOSITION_UNTYPED}, {"unknown", "f", EXPOSITION_UNTYPED},
        {"info", "f", EXPOSITION_UNTYPED}, {"stateset", "f", EXPOSITION_UNTYPED}};
    struct exposition_sample s;
    struct err err;

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        char text[100];
        snprintf(text, sizeof text, "# HELP f some words\n# TYPE f %s\n%s 1\n", ROWS[i].type,
            ROWS[i].name);
        REQUIRE(one(text, &s, &err));
        CHECK_INT(s.type, ROWS[i].want);
        CHECK_INT(s.line, 3);
    }
    CHECK_TEXT(exposition_type_word(EXPOSITION_SUMMARY), "summary");
}

TEST(numbers_are_read_right_to_the_last_bit)
{
    static const char *const ROWS[] = {"0", "1", "-1", "+1", "1.", ".5", "0.1", "1e0", "1E+5",
        "1e-5", "123456789012345678", "9007199254740993", "1.7976931348623157e308", "5e-324",
        "2.2250738585072011e-308", "0.000000000000000000000000000000000000000000000000000000001",
        "1e23", "8.41e21", "9e22", "1e-400", "100000000000000000000000000000000000000000000000000",
        "4.35", "1.00000000000000011102230246251565404", "1.6710784e+08", "3.814697265625e-06",
        "0e999999999", "00012", "-0.0e5"};

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        double want = strtod(ROWS[i], NULL), got = number_of(ROWS[i]);
        CHECK(memcmp(&want, &got, sizeof want) == 0);
    }
    CHECK(isnan(number_of("NaN")) && isnan(number_of("nan")));
    CHECK(number_of("+Inf") == INFINITY && number_of("inf") == INFINITY);
    CHECK(number_of("-Inf") == -INFINITY && number_of("Infinity") == INFINITY);
    CHECK(signbit(number_of("-0")) && number_of("-0") == 0);
}

TEST(what_is_no_number_is_none)
{
    static const char *const ROWS[] = {"", "+", "-", ".", "e5", "1e", "1e+", "1x", "0x10", "1_000",
        "1,5", "--1", "+-1", "1.2.3", "1e5.0", "NaNs", "+NaN", "in", "infinit", " 1", "1 ",
        "\xd9\xa1", "11111111111111111111111111111111111111111111111111111111111111111"};
    double value = 3;
    bool overflow = true;

    for (size_t i = 0; i < COUNT(ROWS); i++)
        CHECK(!exposition_number(str_from(ROWS[i]), &value, &overflow) && !overflow);
    CHECK(!exposition_number(S("1e309"), &value, &overflow) && overflow);
    CHECK(!exposition_number(S("-1e99999"), &value, &overflow) && overflow);
    CHECK(value == 3);
}

TEST(the_locale_changes_nothing)
{
    static const char *const NAMES[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C.UTF-8"};
    scoped(buf_done) struct buf out = buf_of(100);

    for (size_t i = 0; i < COUNT(NAMES) && !setlocale(LC_ALL, NAMES[i]); i++)
        continue;
    CHECK(number_of("0.30000000000000004") == 0.1 + 0.2 && number_of("1e-30") == 1e-30);
    CHECK(exposition_write(&out, "x", NULL, 0, 0.1));
    CHECK_STR(buf_str(&out), "x 0.1\n");
    setlocale(LC_ALL, "C");
}

TEST(each_fault_has_its_code_its_line_and_its_value)
{
    refused_at("up 1\nup 2", "torn_text", 2, "\"up 2\"");
    refused_at("up 1\n\nup{a=\"\xff\"} 1\n", "not_utf8", 3, "\"?\"}");
    refused_at("up 1\n9up 1\n", "bad_name", 2, "\"9up 1\"");
    refused_at("up 1\nup one\n", "bad_value", 2, "\"one\"");
    refused_at("up 1e999\n", "value_out_of_range", 1, "\"1e999\"");
    refused_at("up 1 1.5\n", "bad_timestamp", 1, "\"1.5\"");
    refused_at("up 1 253402300800000\n", "bad_timestamp", 1, "253402300800000");
    refused_at("up 1 2 3\n", "behind_sample", 1, "\"3\"");
    refused_at("up{a=\"x\",b=\"y\",a=\"x\"} 1\n", "duplicate_label", 1, "\"a\"");
    refused_at("# TYPE up guage\n", "bad_type", 1, "\"guage\"");
    refused_at("# TYPE up gauge gauge\n", "bad_type", 1, "gauge");
    refused_at("# HELP 1up x\n", "bad_name", 1, "\"1up\"");
    refused("# TYPE up\n", "bad_type");
    refused_at("up 1\n# EOF\nup 2\n", "behind_eof", 3, "\"up 2\"");
    refused_at("up\x01 1\n", "bad_name", 1, "\"up? 1\"");
    refused_at("up 1\r\n", "bad_value", 1, "\"1?\"");
    refused("up\n", "bad_value");
    refused("up{} \n", "bad_value");
    refused("up-x 1\n", "bad_name");
    refused("{a=\"b\"} 1\n", "bad_name");
    refused("up{__name__=\"x\"} 1\n", "bad_label");
    refused("up{a:b=\"x\"} 1\n", "bad_label");
    refused("up{1a=\"x\"} 1\n", "bad_label");
    refused("up{a=x} 1\n", "bad_label");
    refused("up{a} 1\n", "bad_label");
    refused("up{\"a.b\"=\"x\"} 1\n", "bad_label");
    refused("up{a=\"x\" b=\"y\"} 1\n", "bad_label");
    refused("up{,} 1\n", "bad_label");
    refused("up{a=\"x\",,} 1\n", "bad_label");
    refused("up{a=\"\\t\"} 1\n", "bad_escape");
    refused("up{a=\"\\", "torn_text");
    refused("up{a=\"\\\n", "torn_label");
    refused("up{a=\"x\n\"} 1\n", "torn_label");
    refused("up{a=\"x\"\n", "torn_label");
    refused("up{a=\n", "torn_label");
    refused("up{\n", "torn_label");
}

TEST(a_nul_is_refused)
{
    struct err err;
    size_t samples;

    CHECK(!exposition_check(S("up 1\nup{a=\"\0\"} 1\n"), &WIDE, &samples, &err));
    CHECK_TEXT(err.code, "nul");
    CHECK(strstr(err.message, "line 2:"));
}

TEST(what_openmetrics_means_otherwise_is_refused_by_name)
{
    refused("up_total 1 # {trace_id=\"x\"} 1\n", "exemplar");
    refused("up_bucket{le=\"1\"} 1 1700000000000 # {a=\"b\"} 1 2\n", "exemplar");
    refused("up 1 1700000000\n# EOF\n", "openmetrics_timestamp");
    refused("up 1 1700000000.5\n# EOF\n", "openmetrics_timestamp");
}

TEST(each_limit_is_named)
{
    struct exposition_limits few = {60, 20, 2, 3};
    static const struct {
        const char *text, *code;
    } ROWS[] = {{"a 1\nb 1\nc 1\n", NULL}, {"a 1\nb 1\nc 1\nd 1\n", "too_many_samples"},
        {"a{b=\"\",c=\"\"} 1234567\n", NULL}, {"a{b=\"\",c=\"\"} 12345678\n", "line_too_long"},
        {"a{b=\"\",c=\"\",d=\"\"} 1\n", "too_many_labels"},
        {"#                    \n", "line_too_long"},
        {"# 345678\n# 345678\n# 345678\n# 345678\n# 345678\n# 345678\n# 34567\n", "text_too_long"}};
    struct err err = {0};
    size_t samples;

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        bool good = exposition_check(str_from(ROWS[i].text), &few, &samples, &err);
        CHECK(good == !ROWS[i].code);
        if (!good)
            CHECK_TEXT(err.code, ROWS[i].code);
        if (!good)
            CHECK_INT(err.kind, ERR_LIMIT);
    }
    char name[400];
    memset(name, 'a', sizeof name);
    memcpy(name + EXPOSITION_NAME_BYTES_MAX, " 1\n", 4);
    CHECK(exposition_check(str_from(name), &WIDE, &samples, &err));
    memcpy(name + EXPOSITION_NAME_BYTES_MAX, "a 1\n", 5);
    refused(name, "name_too_long");
    CHECK(!exposition_name_valid((struct str){name, EXPOSITION_NAME_BYTES_MAX + 1}));
    memset(name, 'a', sizeof name);
    memcpy(name, "a{", 2);
    memcpy(name + EXPOSITION_NAME_BYTES_MAX + 3, "=\"\"} 1\n", 8);
    refused(name, "name_too_long");
}

TEST(an_error_stays)
{
    struct exposition_sample sample;
    struct exposition reader;
    struct err err = {0};
    bool found = false;

    exposition_begin(&reader, S("a 1\nb x\nc 1\n"), &WIDE);
    CHECK(exposition_next(&reader, &sample, &found, &err) && found);
    for (int i = 0; i < 3; i++) {
        err = (struct err){0};
        CHECK(!exposition_next(&reader, &sample, &found, &err));
        CHECK_TEXT(err.code, "bad_value");
    }
}

TEST(a_writer_writes_what_promtool_likes)
{
    scoped(buf_done) struct buf out = buf_of(1000);
    struct exposition_pair labels[] = {{S("room"), S("a\\b\"c\nd")}, {S("wrong"), S("x\xff\xfey")}};

    CHECK(exposition_family(&out, "f_total", EXPOSITION_COUNTER, "What it \\ is\n\"here\""));
    CHECK(exposition_write(&out, "f_total", labels, 2, 3));
    CHECK(exposition_write_whole(&out, "f_total", NULL, 0, INT64_MIN));
    CHECK_STR(buf_str(&out),
        "# HELP f_total What it \\\\ is\\n\"here\"\n# TYPE f_total counter\n"
        "f_total{room=\"a\\\\b\\\"c\\nd\",wrong=\"x\xef\xbf\xbd\xef\xbf\xbdy\"} 3\n"
        "f_total -9223372036854775808\n");
    buf_clear(&out);
    CHECK(exposition_write(&out, "f", NULL, 0, NAN) &&
          exposition_write(&out, "f", NULL, 0, -INFINITY));
    CHECK(exposition_write(&out, "f", NULL, 0, INFINITY) &&
          exposition_write(&out, "f", NULL, 0, -0.0));
    CHECK(exposition_write(&out, "f", NULL, 0, 0.1 + 0.2) &&
          exposition_write(&out, "f", NULL, 0, 1e300));
    CHECK_STR(buf_str(&out), "f NaN\nf -Inf\nf +Inf\nf -0\nf 0.30000000000000004\nf 1e+300\n");
}

TEST(a_writer_writes_nothing_with_a_name_that_is_none)
{
    scoped(buf_done) struct buf out = buf_of(1000);
    struct exposition_pair bad = {S("a b"), S("x")}, twice[] = {{S("a"), S("x")}, {S("a"), S("y")}},
                           name = {S("__name__"), S("x")};

    CHECK(!exposition_family(&out, "a\nb", EXPOSITION_GAUGE, NULL));
    CHECK(!exposition_write(&out, "", NULL, 0, 1) && !exposition_write(&out, "a{", NULL, 0, 1));
    CHECK(!exposition_write(&out, "a", &bad, 1, 1) && !exposition_write(&out, "a", &name, 1, 1));
    CHECK(!exposition_write_whole(&out, "a", twice, 2, 1));
    CHECK_INT(out.len, 0);
}

static uint64_t seed = 42;

static uint64_t roll(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Random doubles by their bits, random texts as values of labels: all come back the same. */
TEST(what_is_written_is_read_back)
{
    static const char ALPHABET[] = "ab\\\"\n,{}=# \t\xc3\xa9";

    for (int round = 0; round < 20000; round++) {
        scoped(buf_done) struct buf out = buf_of(4096);
        struct exposition_label label;
        struct exposition_sample s;
        struct err err = {0};
        uint64_t bits = roll();
        char text[12], back[64];
        size_t len = roll() % sizeof text;
        double value;

        memcpy(&value, &bits, sizeof value);
        for (size_t i = 0; i < len; i++)
            text[i] = ALPHABET[roll() % (sizeof ALPHABET - 3)];
        struct exposition_pair pairs[] = {{S("a"), {text, len}}, {S("b"), S("\xc3\xa9")}};
        REQUIRE(exposition_write(&out, "x:y", pairs, roll() % 3, value));
        REQUIRE(one(buf_text(&out), &s, &err));
        CHECK(isnan(value) ? isnan(s.value) : memcmp(&value, &s.value, sizeof value) == 0);
        struct str at = s.labels;
        for (size_t i = 0; i < s.labels_count; i++) {
            REQUIRE(exposition_label_next(&at, &label));
            CHECK(str_eq(label.name, pairs[i].name));
            CHECK(exposition_label_is(&label, pairs[i].value));
            CHECK(str_eq(exposition_unescape(label.raw, back), pairs[i].value));
        }
    }
}

TAP_MAIN
