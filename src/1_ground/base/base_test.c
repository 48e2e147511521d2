/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "tap.h"

struct sample_settings {
    int64_t queue_max;
    int64_t wait_ms;
};

static const struct setting SAMPLE[] = {
    {"queue_max", 1, 100, 10, "waiting requests", offsetof(struct sample_settings, queue_max)},
    {"wait_ms", 0, 5000, 200, "patience", offsetof(struct sample_settings, wait_ms)},
};

TEST(buf_grows_to_its_limit_and_then_says_so)
{
    scoped(buf_done) struct buf b = buf_of(300);
    for (int i = 0; i < 300; i++)
        buf_add_char(&b, 'x');
    CHECK(!b.overflowed);
    buf_add_char(&b, 'y');
    CHECK(b.overflowed);
    CHECK_INT(b.len, 300);
    buf_drop(&b, 298);
    CHECK_TEXT(buf_text(&b), "xx");
}

TEST(arena_gives_zeroed_aligned_memory)
{
    struct arena a;
    arena_init(&a, 256);
    CHECK_STR(arena_copy(&a, S("abc")), "abc");
    uint64_t *n = arena_take(&a, 2, sizeof *n);
    CHECK_INT((uintptr_t)n % sizeof *n, 0);
    CHECK(n[0] == 0 && n[1] == 0);
    arena_reset(&a);
    CHECK_INT(arena_left(&a), 256);
    arena_done(&a);
}

TEST(wrapped_error_keeps_kind_and_code)
{
    struct err err = {0};
    err_code(&err, ERR_LIMIT, "too_long", "name", "%d bytes", 70000);
    err_wrap(&err, "reading '%s'", "x");
    CHECK_TEXT(err.message, "reading 'x': 70000 bytes");
    CHECK_TEXT(err.code, "too_long");
    CHECK_INT(err_http_status(err.kind), 429);
}

TEST(long_error_is_cut_between_characters)
{
    struct err err = {0};
    char text[1024];
    memset(text, 'a', sizeof text);
    memcpy(text + ERR_MESSAGE_BYTES_MAX - 2, "\xc3\xbc", 2);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_INPUT, "%s", text);
    CHECK(str_is_utf8(str_from(err.message)));
    CHECK_INT(strlen(err.message), ERR_MESSAGE_BYTES_MAX - 2);
}

TEST(error_words_go_both_ways)
{
    CHECK_INT(err_from_word(err_word(ERR_PEER)), ERR_PEER);
    CHECK_INT(err_from_word("martian"), ERR_SYSTEM);
    CHECK_INT(err_from_word(NULL), ERR_SYSTEM);
}

TEST(settings_are_taken_all_or_none)
{
    struct sample_settings s;
    struct err err = {0};
    settings_default(SAMPLE, COUNT(SAMPLE), &s);
    CHECK_INT(s.queue_max, 10);
    scoped(json_done) json_t *bad = json_pack("{s:i,s:i}", "queue_max", 20, "wait_ms", 5001);
    CHECK(!settings_apply(SAMPLE, COUNT(SAMPLE), bad, &s, &err));
    CHECK_INT(s.queue_max, 10);
    CHECK_TEXT(err.param, "wait_ms");
    scoped(json_done) json_t *good = json_pack("{s:i}", "queue_max", 20);
    CHECK(settings_apply(SAMPLE, COUNT(SAMPLE), good, &s, &err));
    CHECK_INT(s.queue_max, 20);
    scoped(json_done) json_t *unknown = json_pack("{s:i}", "queue", 20);
    CHECK(!settings_apply(SAMPLE, COUNT(SAMPLE), unknown, &s, &err));
    CHECK_TEXT(err.code, "unknown_setting");
}

TAP_MAIN
