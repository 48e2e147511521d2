/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/enrolment_file.h"

#include "base/panic.h"
#include "base/point.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "jwt/jwt.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <stdio.h>

#define LETTERS "0123456789ABCDEFGHJKMNPQRSTVWXYZ" /* Crockford's */
#define CODE_LETTERS 12
#define CODE_GROUP 4
#define CREDENTIAL_CHARS_MAX ((int64_t)WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CREDENTIAL_BYTES_MAX))
#define CODES_SCHEMA "logic-node/enrolment-codes/v1"
#define PENDING_SCHEMA "logic-node/enrolment/v1"

/* --- codes ---------------------------------------------------------------------------------- */

void enrolment_code_write(const uint8_t *random, char ret_code[ENROLMENT_CODE_BYTES])
{
    uint64_t bits = 0;
    char *at = ret_code;

    for (size_t i = 0; i < ENROLMENT_CODE_RANDOM; i++)
        bits = bits << 8 | random[i];
    for (size_t i = 0; i < CODE_LETTERS; i++, bits >>= 5) {
        if (i && i % CODE_GROUP == 0)
            *at++ = '-';
        *at++ = LETTERS[bits & 31];
    }
    *at = '\0';
}

/* '\0': none of Crockford's. */
static char letter_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c && strchr(LETTERS, c) ? c : '\0';
}

bool enrolment_code_read(struct str text, char ret_sha256[SHA256_HEX_BYTES])
{
    char letters[CODE_LETTERS];
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '-' || text.at[i] == ' ')
            continue;
        char letter = letter_of(text.at[i]);
        if (!letter || count == CODE_LETTERS)
            return false;
        letters[count++] = letter;
    }
    if (count != CODE_LETTERS)
        return false;
    sha256_hex((struct str){letters, count}, ret_sha256);
    return true;
}

void enrolment_id_of(const char *sha256_hex, char ret_id[ENROLMENT_ID_BYTES])
{
    snprintf(ret_id, ENROLMENT_ID_BYTES, "%.16s", sha256_hex);
}

static bool is_hex(struct str s, size_t digits)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.at[i] || !strchr("0123456789abcdef", s.at[i]))
            return false;
    return s.len == digits;
}

bool enrolment_id_fits(struct str id)
{
    return is_hex(id, ENROLMENT_ID_BYTES - 1);
}

/* --- single values -------------------------------------------------------------------------- */

bool enrolment_person_fits(struct str person)
{
    if (person.len == 0 || person.len >= ENROLMENT_PERSON_BYTES || person.at[0] < 'a' ||
        person.at[0] > 'z')
        return false;
    for (size_t i = 0; i < person.len; i++)
        if (!person.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_", person.at[i]))
            return false;
    return true;
}

bool enrolment_words_fit(struct str words, struct err *err)
{
    size_t characters = 0;

    for (size_t i = 0; i < words.len; i++)
        characters += ((uint8_t)words.at[i] & 0xc0) != 0x80;
    if (characters < 1 || characters > ENROLMENT_WORDS_CHARS_MAX)
        return err_code(err, ERR_INPUT, "bad_value", "words",
            "words have %zu characters; a passkey's name has 1 to %d, such as \"phone\"",
            characters, ENROLMENT_WORDS_CHARS_MAX);
    return str_is_plain(words) ||
           err_code(err, ERR_INPUT, "bad_value", "words",
               "words hold a character that nobody sees (a control, direction or invisible one)");
}

static bool credential_fits(struct str id)
{
    uint8_t bytes[WEBAUTHN_CREDENTIAL_BYTES_MAX];
    size_t count = 0;

    return base64url_decode(id, sizeof bytes, bytes, &count) && count > 0;
}

/* The site of this page, and a name that a browser would take for it. */
static bool site_fits(struct str origin, struct str rp_id)
{
    struct webauthn_origin read;
    struct err why;

    for (size_t i = 0; i < rp_id.len; i++)
        if (!rp_id.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", rp_id.at[i]))
            return false;
    return webauthn_origin_read(origin, &read, &why) && read.passkeys &&
           webauthn_rp_fits(read.host, rp_id);
}

/* --- codes.json ------------------------------------------------------------------------------ */

static bool bad_row(struct err *err, size_t row, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_enrolment", "codes", "codes[%zu]: %s", row, why);
}

struct code_texts {
    struct str sha256, person, name, words, origin, rp_id, created_at, expires_at;
    json_t *exclude;
};

static bool take_code(const json_t *row, struct code_texts *texts, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("sha256", &texts->sha256, SHA256_HEX_BYTES - 1, SHA256_HEX_BYTES - 1),
        JSON_TAKE_TEXT("person", &texts->person, 1, ENROLMENT_PERSON_BYTES - 1),
        JSON_TAKE_TEXT("name", &texts->name, 1, ENROLMENT_NAME_BYTES_MAX),
        JSON_TAKE_TEXT("words", &texts->words, 0, ENROLMENT_WORDS_BYTES_MAX),
        JSON_TAKE_TEXT("origin", &texts->origin, 1, WEBAUTHN_ORIGIN_BYTES - 1),
        JSON_TAKE_TEXT("rp_id", &texts->rp_id, 1, WEBAUTHN_RP_ID_BYTES_MAX),
        JSON_TAKE_TEXT("created_at", &texts->created_at, 1, CLOCK_TEXT_BYTES),
        JSON_TAKE_TEXT("expires_at", &texts->expires_at, 1, CLOCK_TEXT_BYTES),
        JSON_TAKE_ARRAY("exclude", &texts->exclude, 0, ENROLMENT_EXCLUDE_MAX),
    };

    return json_take(row, fields, COUNT(fields), err);
}

static bool code_valid(const json_t *row, size_t number, struct err *err)
{
    struct code_texts texts;
    const json_t *id;
    int64_t created, expires;
    size_t i;

    if (!take_code(row, &texts, err))
        return err_wrap(err, "codes[%zu]", number);
    if (!is_hex(texts.sha256, SHA256_HEX_BYTES - 1))
        return bad_row(err, number, "sha256 is not 64 hex digits");
    if (!enrolment_person_fits(texts.person))
        return bad_row(err, number, "person is no name of a person");
    if (!str_is_plain(texts.name))
        return bad_row(err, number, "name holds a character that nobody sees");
    if (texts.words.len && !enrolment_words_fit(texts.words, err))
        return err_wrap(err, "codes[%zu]", number);
    if (!site_fits(texts.origin, texts.rp_id))
        return bad_row(err, number, "origin and rp_id are no site that browsers give passkeys to");
    if (!clock_from_text(texts.created_at.at, &created) ||
        !clock_from_text(texts.expires_at.at, &expires) || expires < created)
        return bad_row(err, number, "created_at and expires_at are no times in this order");
    json_array_foreach (texts.exclude, i, id)
        if (!json_is_string(id) ||
            !credential_fits((struct str){json_string_value(id), json_string_length(id)}))
            return bad_row(err, number, "exclude holds what is no id of a passkey");
    return true;
}

static const json_t *rows_of(const json_t *document)
{
    return json_object_get(document, "codes");
}

static bool codes_valid(const json_t *document, struct err *err)
{
    const json_t *rows = rows_of(document);
    const json_t *row;
    size_t i;

    if (!json_is_array(rows) || json_object_size(document) != 2)
        return err_code(err, ERR_INPUT, "bad_enrolment", NULL,
            "the file of codes holds something else than \"schema\" and the list \"codes\"");
    if (json_array_size(rows) > ENROLMENT_CODES_MAX)
        return err_code(err, ERR_INPUT, "bad_enrolment", "codes",
            "%zu codes are more than the %d allowed; `logicctl operator pending` lists them, "
            "`logicctl operator reject ID` withdraws one",
            json_array_size(rows), ENROLMENT_CODES_MAX);
    json_array_foreach (rows, i, row) {
        if (!code_valid(row, i, err))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strncmp(json_str(json_array_get(rows, k), "sha256").at, json_str(row, "sha256").at,
                    ENROLMENT_ID_BYTES - 1) == 0)
                return bad_row(err, i, "another row has the same id");
    }
    return true;
}

const struct document_form ENROLMENT_CODES_FORM = {
    .blank = "{\"schema\":\"" CODES_SCHEMA "\",\"codes\":[]}",
    .bytes_max = 2u << 20, /* every row with all of ENROLMENT_EXCLUDE_MAX */
    .valid = codes_valid,
};

void enrolment_code_of(const json_t *row, struct enrolment_code *ret_code)
{
    struct code_texts texts = {0};
    struct err err;

    check(take_code(row, &texts, &err));
    *ret_code = (struct enrolment_code){.sha256 = texts.sha256,
        .person = texts.person,
        .name = texts.name,
        .words = texts.words,
        .origin = texts.origin,
        .rp_id = texts.rp_id,
        .exclude = texts.exclude};
    check(clock_from_text(texts.created_at.at, &ret_code->created_at_ms) &&
          clock_from_text(texts.expires_at.at, &ret_code->expires_at_ms));
    enrolment_id_of(texts.sha256.at, ret_code->id);
}

json_t *enrolment_code_row(const struct enrolment_code *code)
{
    char created[CLOCK_TEXT_BYTES], expires[CLOCK_TEXT_BYTES];

    clock_text(code->created_at_ms, created);
    clock_text(code->expires_at_ms, expires);
    json_t *row = json_pack("{s:s%, s:s%, s:s%, s:s%, s:s%, s:s%, s:s, s:s, s:o}", "sha256",
        code->sha256.at, code->sha256.len, "person", code->person.at, code->person.len, "name",
        code->name.at, code->name.len, "words", code->words.at, code->words.len, "origin",
        code->origin.at, code->origin.len, "rp_id", code->rp_id.at, code->rp_id.len, "created_at",
        created, "expires_at", expires, "exclude",
        code->exclude ? json_deep_copy(code->exclude) : json_array());
    check(row);
    return row;
}

const json_t *enrolment_code_find(const json_t *codes, struct str sha256_or_id)
{
    const json_t *row, *found = NULL;
    size_t i;

    if (sha256_or_id.len != SHA256_HEX_BYTES - 1 && sha256_or_id.len != ENROLMENT_ID_BYTES - 1)
        return NULL;
    json_array_foreach (rows_of(codes), i, row) {
        struct str sha256 = json_str(row, "sha256");
        if (sha256.len >= sha256_or_id.len &&
            crypto_equal((struct str){sha256.at, sha256_or_id.len}, sha256_or_id))
            found = row;
    }
    return found;
}

/* --- pending/ID.json ------------------------------------------------------------------------- */

struct pending_texts {
    struct str schema, id, person, words, credential_id, key, origin, rp_id, created_at;
};

static bool take_pending(const json_t *document, struct pending_texts *texts, struct err *err)
{
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &texts->schema, 1, 64),
        JSON_TAKE_TEXT("id", &texts->id, ENROLMENT_ID_BYTES - 1, ENROLMENT_ID_BYTES - 1),
        JSON_TAKE_TEXT("person", &texts->person, 1, ENROLMENT_PERSON_BYTES - 1),
        JSON_TAKE_TEXT("words", &texts->words, 1, ENROLMENT_WORDS_BYTES_MAX),
        JSON_TAKE_TEXT("credential_id", &texts->credential_id, 1, CREDENTIAL_CHARS_MAX),
        JSON_TAKE_TEXT("key", &texts->key, 1, WEBAUTHN_KEY_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("origin", &texts->origin, 1, WEBAUTHN_ORIGIN_BYTES - 1),
        JSON_TAKE_TEXT("rp_id", &texts->rp_id, 1, WEBAUTHN_RP_ID_BYTES_MAX),
        JSON_TAKE_TEXT("created_at", &texts->created_at, 1, CLOCK_TEXT_BYTES),
    };

    return json_take(document, fields, COUNT(fields), err);
}

static bool bad_pending(struct err *err, const char *param, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_enrolment", param, "%s %s", param, why);
}

static bool pending_valid(const json_t *document, struct err *err)
{
    struct pending_texts texts;
    int64_t created;

    if (!take_pending(document, &texts, err))
        return false;
    if (!enrolment_id_fits(texts.id))
        return bad_pending(err, "id", "is not 16 hex digits");
    if (!enrolment_person_fits(texts.person))
        return bad_pending(err, "person", "is no name of a person");
    if (!enrolment_words_fit(texts.words, err))
        return false;
    if (!credential_fits(texts.credential_id))
        return bad_pending(err, "credential_id", "is no id of a passkey");
    if (!site_fits(texts.origin, texts.rp_id))
        return bad_pending(err, "origin", "and rp_id are no site that browsers give passkeys to");
    return clock_from_text(texts.created_at.at, &created) ||
           bad_pending(err, "created_at", "is no time");
}

const struct document_form ENROLMENT_PENDING_FORM = {
    .blank = "{\"schema\":\"" PENDING_SCHEMA "\"}",
    .bytes_max = 8192,
    .valid = pending_valid,
};

bool enrolment_of(const json_t *document, struct enrolment *ret_enrolment, struct err *err)
{
    struct pending_texts texts = {0};
    struct enrolment enrolment = {0};

    if (!take_pending(document, &texts, err) || !passkey_key_parse(texts.key, &enrolment.key, err))
        return false;
    if (!clock_from_text(texts.created_at.at, &enrolment.created_at_ms))
        return bad_pending(err, "created_at", "is no time");
    snprintf(enrolment.id, sizeof enrolment.id, "%.*s", STR(texts.id));
    enrolment.person = texts.person;
    enrolment.words = texts.words;
    enrolment.credential_id = texts.credential_id;
    enrolment.origin = texts.origin;
    enrolment.rp_id = texts.rp_id;
    *ret_enrolment = enrolment;
    return true;
}

json_t *enrolment_document(const struct enrolment *e)
{
    char created[CLOCK_TEXT_BYTES], key[WEBAUTHN_KEY_TEXT_BYTES];

    clock_text(e->created_at_ms, created);
    webauthn_key_text(&e->key, key);
    json_t *document =
        json_pack("{s:s, s:s, s:s%, s:s%, s:s%, s:s, s:s%, s:s%, s:s}", "schema", PENDING_SCHEMA,
            "id", e->id, "person", e->person.at, e->person.len, "words", e->words.at, e->words.len,
            "credential_id", e->credential_id.at, e->credential_id.len, "key", key, "origin",
            e->origin.at, e->origin.len, "rp_id", e->rp_id.at, e->rp_id.len, "created_at", created);
    check(document);
    return document;
}

bool enrolment_is_of(
    const struct enrolment *enrolment, const struct enrolment_code *code, struct err *err)
{
    const char *other = strcmp(enrolment->id, code->id) != 0                        ? "id"
                        : !str_eq(enrolment->person, code->person)                  ? "person"
                        : !str_eq(enrolment->origin, code->origin)                  ? "origin"
                        : !str_eq(enrolment->rp_id, code->rp_id)                    ? "rp_id"
                        : code->words.len && !str_eq(enrolment->words, code->words) ? "words"
                        : enrolment->created_at_ms < code->created_at_ms ||
                                enrolment->created_at_ms > code->expires_at_ms
                            ? "created_at"
                            : NULL;

    return !other || err_code(err, ERR_DENIED, "not_of_code", other,
                         "the enrolment's %s is not that of its code: somebody else wrote this "
                         "file; reject it",
                         other);
}
