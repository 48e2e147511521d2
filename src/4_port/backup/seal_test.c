/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/seal.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "tap.h"

#include <ctype.h>

TEST(a_recovery_key_survives_paper)
{
    struct recovery_key key, again = {0};
    char text[RECOVERY_TEXT_BYTES], typed[2 * RECOVERY_TEXT_BYTES] = "  ";
    struct err err;
    size_t len = 2;

    recovery_key_make(&key);
    recovery_key_text(&key, text);
    CHECK_INT(strlen(text), RECOVERY_TEXT_BYTES - 1);
    CHECK(str_starts(str_from(text), S("LNR1-")));
    for (size_t i = 0; text[i]; i++) /* small letters, spaces for dashes, two lines */
        typed[len++] =
            text[i] == '-' ? (i == 34 ? '\n' : ' ') : (char)tolower((unsigned char)text[i]);
    REQUIRE(recovery_key_parse((struct str){typed, len}, &again, &err));
    CHECK(memcmp(&key, &again, sizeof key) == 0);
}

TEST(each_mistyped_letter_is_noticed)
{
    struct recovery_key key, other;
    char text[RECOVERY_TEXT_BYTES];
    struct err err;

    recovery_key_make(&key);
    recovery_key_text(&key, text);
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        if (was == '-')
            continue;
        text[i] = was == 'Q' ? 'X' : 'Q';
        CHECK(!recovery_key_parse(str_from(text), &other, &err));
        CHECK_TEXT(err.code, "recovery_key_malformed");
        text[i] = was;
    }
    CHECK(recovery_key_parse(str_from(text), &other, &err));
}

TEST(what_is_no_recovery_key_is_refused_in_words)
{
    static const struct {
        const char *text, *words;
    } BAD[] = {
        {"", "does not begin"},
        {"LNR1", "too short"},
        {"hello", "does not begin"},
        {"LNR1-AAAA-AAAA", "too short"},
        {"LNR1-AAA1-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA",
            "letter 4 of group 1"},
        {"LNR1-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", "mistyped"},
        {"LNR1-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-A",
            "too long"},
    };
    struct recovery_key key;
    uint8_t half[SEAL_KEY_BYTES];
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        CHECK(!recovery_key_parse(str_from(BAD[i].text), &key, &err));
        if (!strstr(err.message, BAD[i].words))
            CHECK_TEXT(err.message, BAD[i].words);
    }
    CHECK(!recovery_public_parse(S("x25519:AAAA"), half, &err));
    CHECK(!recovery_public_parse(
        S("ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), half, &err));
    CHECK_TEXT(err.code, "recovery_public_malformed");
}

TEST(a_public_half_is_text_and_back)
{
    struct recovery_key key;
    uint8_t half[SEAL_KEY_BYTES];
    char text[RECOVERY_PUBLIC_TEXT_BYTES], line[sizeof text + 2];
    struct err err;

    recovery_key_make(&key);
    recovery_public_text(key.public_half, text);
    CHECK_INT(strlen(text), RECOVERY_PUBLIC_TEXT_BYTES - 1);
    snprintf(line, sizeof line, "%s\n", text);
    REQUIRE(recovery_public_parse(str_from(line), half, &err));
    CHECK(memcmp(half, key.public_half, sizeof half) == 0);
}

TEST(equal_text_is_closed_alike_and_another_secret_closes_otherwise)
{
    scoped(buf_done) struct buf a = buf_of(4096), b = buf_of(4096), c = buf_of(4096),
                                text = buf_of(4096);
    uint8_t key_a[SEAL_KEY_BYTES], key_b[SEAL_KEY_BYTES], key_c[SEAL_KEY_BYTES];

    seal_chunk(S("secret"), S("a plan, a plan, a plan"), key_a, &a);
    seal_chunk(S("secret"), S("a plan, a plan, a plan"), key_b, &b);
    seal_chunk(S("Secret"), S("a plan, a plan, a plan"), key_c, &c);
    CHECK(str_eq(buf_str(&a), buf_str(&b)) && !str_eq(buf_str(&a), buf_str(&c)));
    CHECK(!memmem(a.at, a.len, "plan", 4));
    REQUIRE(seal_open_chunk(key_a, buf_str(&a), 22, &text));
    CHECK_STR(buf_str(&text), "a plan, a plan, a plan");
    CHECK(!seal_open_chunk(key_c, buf_str(&a), 22, &text));
    CHECK(!seal_open_chunk(key_a, buf_str(&a), 21, &text)); /* more than was declared */
    CHECK(!seal_open_chunk(key_a, buf_str(&a), 23, &text));
    CHECK_INT(text.len, 22);
}

TEST(each_bit_of_a_chunk_counts_and_a_bomb_does_not_go_off)
{
    scoped(buf_done) struct buf sealed = buf_of(SEAL_SEALED_BYTES_MAX);
    scoped(buf_done) struct buf text = buf_of(SEAL_CHUNK_BYTES_MAX + 1);
    scoped(free_done) char *zeros = calloc(1, SEAL_CHUNK_BYTES_MAX);
    uint8_t key[SEAL_KEY_BYTES];

    seal_chunk(S("s"), (struct str){zeros, SEAL_CHUNK_BYTES_MAX}, key, &sealed);
    CHECK(sealed.len < 1024);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ 1 << bit % 8);
        CHECK(!seal_open_chunk(key, buf_str(&sealed), SEAL_CHUNK_BYTES_MAX, &text));
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ 1 << bit % 8);
    }
    CHECK(!seal_open_chunk(key, buf_str(&sealed), 16, &text));
    CHECK(seal_open_chunk(key, buf_str(&sealed), SEAL_CHUNK_BYTES_MAX, &text));
    CHECK(!seal_open_chunk(key, S(""), 0, &text));
}

TEST(a_text_is_opened_by_its_key_with_what_stands_beside_it)
{
    scoped(buf_done) struct buf sealed = buf_of(4096), text = buf_of(4096);
    struct recovery_key key, other;
    struct seal_ephemeral ephemeral;
    struct err err;

    recovery_key_make(&key);
    recovery_key_make(&other);
    seal_ephemeral_make(&ephemeral);
    REQUIRE(seal_text(&ephemeral, key.public_half, S("beside"), S("text"), &sealed, &err));
    CHECK(!seal_open_text(&other, ephemeral.public_half, S("beside"), buf_str(&sealed), &text));
    CHECK(!seal_open_text(&key, other.public_half, S("beside"), buf_str(&sealed), &text));
    CHECK(!seal_open_text(&key, ephemeral.public_half, S("Beside"), buf_str(&sealed), &text));
    CHECK(!seal_open_text(&key, ephemeral.public_half, S("beside"), S("short"), &text));
    CHECK_INT(text.len, 0);
    CHECK(seal_open_text(&key, ephemeral.public_half, S("beside"), buf_str(&sealed), &text));
    CHECK_STR(buf_str(&text), "text");
    static const uint8_t ZEROS[SEAL_KEY_BYTES];
    CHECK(!seal_text(&ephemeral, ZEROS, S(""), S("text"), &sealed, &err));
    CHECK_TEXT(err.code, "recovery_public_malformed");
    CHECK(!seal_open_text(&key, ZEROS, S(""), buf_str(&sealed), &text));
}

TAP_MAIN
