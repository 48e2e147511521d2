/* SPDX-License-Identifier: Apache-2.0
 * Codes and enrolments as files: what is read, and what somebody else wrote and is refused. */
#include "base/panic.h"
#include "base/scoped.h"
#include "identity/enrolment_file.h"
#include "tap.h"
#include "json/json_text.h"

#include <stdio.h>

#define NOW 1795258800000 /* 2026-11-21T09:00:00Z */
#define CODE "0123-4567-89AB"
#define CREDENTIAL "AQIDBAUGBwgJCgsMDQ4PEA"
#define ED25519 "ed25519:BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ="

static char digest[SHA256_HEX_BYTES], id[ENROLMENT_ID_BYTES];

static struct enrolment_code a_code(void)
{
    check(enrolment_code_read(S(CODE), digest));
    enrolment_id_of(digest, id);
    struct enrolment_code code = {.sha256 = str_from(digest),
        .person = S("owner"),
        .name = S("The owner"),
        .words = S(""),
        .origin = S("http://localhost:30080"),
        .rp_id = S("localhost"),
        .created_at_ms = NOW,
        .expires_at_ms = NOW + ENROLMENT_MS};
    memcpy(code.id, id, sizeof id);
    return code;
}

static struct enrolment an_enrolment(void)
{
    const struct enrolment_code code = a_code();
    struct err err;
    struct enrolment enrolment = {.person = code.person,
        .words = S("Tom's \"phone\" \\ 家"),
        .credential_id = S(CREDENTIAL),
        .origin = code.origin,
        .rp_id = code.rp_id,
        .created_at_ms = NOW + 1000};

    check(passkey_key_parse(S(ED25519), &enrolment.key, &err));
    memcpy(enrolment.id, id, sizeof id);
    return enrolment;
}

TEST(a_code_is_read_as_people_type_it)
{
    static const char *const SAME[] = {"0123-4567-89AB", "0123456789ab", " o1 23-45 67 89-aB ",
        "0L23-4567-89AB", "Oi23-4567-89ab"};
    static const char *const NONE[] = {"", "0123-4567-89A", "0123-4567-89ABC", "0123-4567-89AU",
        "0123-4567-89A!", "0123-4567-89A\n", "0123\xc2\xa0"};
    char first[SHA256_HEX_BYTES], other[SHA256_HEX_BYTES] = "as it was";

    CHECK(enrolment_code_read(S(CODE), first));
    for (size_t i = 0; i < COUNT(SAME); i++) {
        CHECK(enrolment_code_read(str_from(SAME[i]), other));
        CHECK_TEXT(other, first);
    }
    for (size_t i = 0; i < COUNT(NONE); i++)
        CHECK(!enrolment_code_read(str_from(NONE[i]), other));
}

TEST(a_code_has_sixty_bits_of_the_random_bytes)
{
    static const uint8_t NOTHING[ENROLMENT_CODE_RANDOM],
        ALL[] = {255, 255, 255, 255, 255, 255, 255, 255};
    uint8_t one[ENROLMENT_CODE_RANDOM] = {0};
    char code[ENROLMENT_CODE_BYTES], other[ENROLMENT_CODE_BYTES], read[SHA256_HEX_BYTES];

    enrolment_code_write(NOTHING, code);
    CHECK_TEXT(code, "0000-0000-0000");
    enrolment_code_write(ALL, code);
    CHECK_TEXT(code, "ZZZZ-ZZZZ-ZZZZ");
    CHECK(enrolment_code_read(str_from(code), read));
    size_t different = 0;
    for (size_t bit = 0; bit < 8 * ENROLMENT_CODE_RANDOM; bit++) {
        memset(one, 0, sizeof one);
        one[bit / 8] = (uint8_t)(1 << bit % 8);
        enrolment_code_write(one, other);
        different += strcmp(other, "0000-0000-0000") != 0;
    }
    CHECK_INT(different, 60);
}

/* As a file, and back. */
static bool read_codes(json_t *rows, json_t **ret_document, struct err *err)
{
    scoped(json_done) json_t *document =
        json_pack("{s:s, s:o}", "schema", "logic-node/enrolment-codes/v1", "codes", rows);
    scoped(buf_done) struct buf text = buf_of(ENROLMENT_CODES_FORM.bytes_max);

    *err = (struct err){0};
    check(document && json_plain(document, &text, err));
    return document_parse(buf_str(&text), "codes", &ENROLMENT_CODES_FORM, ret_document, err);
}

TEST(a_row_is_found_by_its_digest_and_by_its_id)
{
    scoped(json_done) json_t *document = NULL, *known = json_pack("[s]", CREDENTIAL);
    struct enrolment_code code = a_code(), read;
    struct err err;

    code.exclude = known;
    CHECK(read_codes(json_pack("[o]", enrolment_code_row(&code)), &document, &err));
    const json_t *row = enrolment_code_find(document, str_from(digest));
    CHECK(row && row == enrolment_code_find(document, str_from(id)));
    CHECK(!enrolment_code_find(document, S("")));
    CHECK(!enrolment_code_find(document, (struct str){digest, 20}));
    CHECK(!enrolment_code_find(document, S("0000000000000000")));
    enrolment_code_of(row, &read);
    CHECK_TEXT(read.id, id);
    CHECK_STR(read.person, "owner");
    CHECK_STR(read.origin, "http://localhost:30080");
    CHECK_STR(read.rp_id, "localhost");
    CHECK_INT(read.expires_at_ms, NOW + ENROLMENT_MS);
    CHECK_INT(json_array_size(read.exclude), 1);
}

TEST(a_bad_row_makes_the_file_bad)
{
    static const struct {
        const char *member, *text, *said;
    } BAD[] = {
        {"person", "Owner", "person is no name"},
        {"person", "x'),halt,(", "person is no name"},
        {"sha256", "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789",
            "64 hex digits"},
        {"words", "a\nb", "nobody sees"},
        {"name", "a\x1b[2J", "nobody sees"},
        {"name", "", "name"},
        {"origin", "http://node.home.arpa", "no site"},
        {"origin", "javascript:alert(1)", "no site"},
        {"rp_id", "example.org", "no site"},
        {"rp_id", "localhost\",x", "no site"},
        {"expires_at", "2020-01-01T00:00:00Z", "in this order"},
        {"created_at", "soon", "in this order"},
        {"created_at", "", "created_at"},
        {"stranger", "x", "stranger"},
    };
    scoped(json_done) json_t *document = NULL;
    const struct enrolment_code code = a_code();
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        json_t *row = enrolment_code_row(&code);
        json_object_set_new(row, BAD[i].member, json_string(BAD[i].text));
        CHECK(!read_codes(json_pack("[o]", row), &document, &err));
        if (!strstr(err.message, BAD[i].said))
            CHECK_TEXT(err.message, BAD[i].said);
    }
    CHECK(!read_codes(
        json_pack("[o,o]", enrolment_code_row(&code), enrolment_code_row(&code)), &document, &err));
    CHECK(strstr(err.message, "the same id"));
    json_t *row = enrolment_code_row(&code);
    json_object_set_new(row, "exclude", json_pack("[s]", "not base64url!"));
    CHECK(!read_codes(json_pack("[o]", row), &document, &err));
    CHECK(!document);
}

TEST(more_codes_than_allowed_are_refused_with_the_remedy)
{
    scoped(json_done) json_t *document = NULL;
    struct enrolment_code code = a_code();
    json_t *rows = json_array();
    struct err err;
    char text[SHA256_HEX_BYTES];

    for (unsigned i = 0; i <= ENROLMENT_CODES_MAX; i++) {
        snprintf(text, sizeof text, "%016x%048x", i, 0u);
        code.sha256 = str_from(text);
        json_array_append_new(rows, enrolment_code_row(&code));
    }
    json_t *fewer = json_deep_copy(rows);
    json_array_remove(fewer, 0);
    CHECK(read_codes(fewer, &document, &err));
    json_done(&document);
    document = NULL;
    CHECK(!read_codes(rows, &document, &err));
    CHECK(strstr(err.message, "operator reject"));
}

static bool read_pending(const json_t *document, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(1 << 16);
    scoped(json_done) json_t *read = NULL;
    struct enrolment enrolment;

    *err = (struct err){0};
    check(json_plain(document, &text, err));
    return document_parse(buf_str(&text), "pending", &ENROLMENT_PENDING_FORM, &read, err) &&
           enrolment_of(read, &enrolment, err);
}

TEST(an_enrolment_is_read_as_it_was_written)
{
    const struct enrolment enrolment = an_enrolment();
    scoped(json_done) json_t *document = enrolment_document(&enrolment);
    struct enrolment read;
    struct err err;
    const struct enrolment_code code = a_code();

    CHECK(read_pending(document, &err));
    CHECK(enrolment_of(document, &read, &err));
    CHECK_STR(read.words, "Tom's \"phone\" \\ 家");
    CHECK_STR(read.credential_id, CREDENTIAL);
    CHECK_INT(read.key.kind, WEBAUTHN_ED25519);
    CHECK_INT(read.created_at_ms, NOW + 1000);
    CHECK(enrolment_is_of(&read, &code, &err));
}

TEST(what_somebody_else_wrote_is_refused)
{
    static const struct {
        const char *member, *text;
    } BAD[] = {
        {"schema", "logic-node/enrolment/v2"},
        {"id", "../../../site/ke"},
        {"id", "0123456789ABCDEF"},
        {"person", "owner, x"},
        {"person", "O"},
        {"person", "a').\n:- halt.\n"},
        {"words", ""},
        {"words", "a\").\nperson_role(eve,operator)."},
        {"words", "\u202eenohp"},
        {"credential_id", "AA=="},
        {"credential_id", "a\",b"},
        {"credential_id", "A"},
        {"key", "es256:AAAA"},
        {"key", "ed25519:BAQE"},
        {"key", "rsa:BAQE"},
        {"rp_id", "localhost\"). x(\""},
        {"rp_id", "example.org"},
        {"origin", "http://localhost:30080/"},
        {"created_at", "yesterday"},
        {"more", "x"},
    };
    const struct enrolment enrolment = an_enrolment();
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *document = enrolment_document(&enrolment);
        json_object_set_new(document, BAD[i].member, json_string(BAD[i].text));
        bool taken = read_pending(document, &err);
        if (taken)
            CHECK_TEXT(BAD[i].text, "refused");
        CHECK(!taken && *err.code);
    }
}

TEST(an_enrolment_of_another_code_is_refused_by_what_differs)
{
    const struct enrolment_code code = a_code();
    struct enrolment_code with_words = code;
    struct enrolment e = an_enrolment();
    struct err err = {0};

    with_words.words = S("tablet");
    CHECK(!enrolment_is_of(&e, &with_words, &err));
    CHECK_TEXT(err.param, "words");
    e.person = S("eve");
    CHECK(!enrolment_is_of(&e, &code, &err));
    CHECK_TEXT(err.param, "person");
    e = an_enrolment();
    e.rp_id = S("other");
    CHECK(!enrolment_is_of(&e, &code, &err));
    e = an_enrolment();
    e.origin = S("http://localhost:30081");
    CHECK(!enrolment_is_of(&e, &code, &err));
    e = an_enrolment();
    e.created_at_ms = NOW + ENROLMENT_MS + 1;
    CHECK(!enrolment_is_of(&e, &code, &err));
    e.created_at_ms = NOW - 1;
    CHECK(!enrolment_is_of(&e, &code, &err));
    e = an_enrolment();
    e.id[0] = e.id[0] == '0' ? '1' : '0';
    CHECK(!enrolment_is_of(&e, &code, &err));
    CHECK_TEXT(err.param, "id");
}

TEST(names_of_passkeys_are_short_and_plain)
{
    char long_words[ENROLMENT_WORDS_CHARS_MAX + 2];
    struct err err;

    memset(long_words, 'a', sizeof long_words);
    CHECK(enrolment_words_fit(S("phone"), &err) && enrolment_words_fit(S("家"), &err));
    CHECK(enrolment_words_fit((struct str){long_words, ENROLMENT_WORDS_CHARS_MAX}, &err));
    CHECK(!enrolment_words_fit((struct str){long_words, ENROLMENT_WORDS_CHARS_MAX + 1}, &err));
    CHECK(strstr(err.message, "61 characters"));
    CHECK(!enrolment_words_fit(S(""), &err));
    CHECK(!enrolment_words_fit(S("a\x1b[2J"), &err));
    CHECK(!enrolment_words_fit(S("\xff"), &err));
}

TAP_MAIN
