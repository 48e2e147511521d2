/* SPDX-License-Identifier: Apache-2.0
 * What `logicctl operator` writes, and what it makes of what a gateway wrote that nobody believes.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "client/enrol_book.h"
#include "client/site_keys.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ED25519 "ed25519:BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ="
#define CREDENTIAL "AQIDBAUGBwgJCgsMDQ4PEA"
#define FACT                                                                                       \
    "operator_passkey(owner, \"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"phone\")."

static struct options options;

static struct enrolment an_enrolment(const char *key, struct str words)
{
    struct enrolment enrolment = {.person = S("owner"),
        .words = words,
        .credential_id = S(CREDENTIAL),
        .origin = S("http://localhost:30080"),
        .rp_id = S("localhost"),
        .created_at_ms = clock_civil_ms()};
    struct err err;

    check(passkey_key_parse(str_from(key), &enrolment.key, &err));
    return enrolment;
}

/* --- keys.pl --------------------------------------------------------------------------------- */

TEST(a_fact_is_one_line_that_is_known_again)
{
    scoped(buf_done) struct buf line = buf_of(4096);
    struct enrolment enrolment = an_enrolment(ED25519, S("phone"));
    char read[KEY_ID_BYTES], wanted[KEY_ID_BYTES];

    site_keys_passkey(&enrolment, &line);
    CHECK_TEXT(buf_text(&line), FACT);
    passkey_key_id(&enrolment.key, wanted);
    CHECK(site_keys_id_of(buf_str(&line), read));
    CHECK_TEXT(read, wanted);
    buf_clear(&line);
    enrolment.words = S("\"). x(\\ 'y");
    site_keys_passkey(&enrolment, &line);
    CHECK(strstr(buf_text(&line), "\"\\\"). x(\\\\ 'y\")."));
    CHECK(site_keys_id_of(buf_str(&line), read));
    CHECK_TEXT(read, wanted);
}

TEST(what_is_written_otherwise_is_not_ours)
{
    static const char *const OTHERS[] = {"", "operator_passkey(", "operator_passkey(owner).",
        "operator_passkey(owner,\"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"phone\").",
        "operator_passkey(owner, \"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"phone\")",
        "operator_passkey(owner, \"" CREDENTIAL "\", \"" ED25519
        "\", \"localhost\", \"phone\"). % mine",
        "operator_passkey(Owner, \"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"phone\").",
        "operator_passkey(owner, \"" CREDENTIAL "\", \"ed25519:AA==\", \"localhost\", \"phone\").",
        "operator_passkey(owner, \"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"pho\\ne\").",
        "operator_passkey(owner, \"" CREDENTIAL "\", \"" ED25519 "\", \"localhost\", \"phone\\",
        "% " FACT, "operator_key(owner, \"" ED25519 "\")."};
    char id[KEY_ID_BYTES];

    CHECK(site_keys_id_of(S(FACT), id));
    for (size_t i = 0; i < COUNT(OTHERS); i++)
        if (site_keys_id_of(str_from(OTHERS[i]), id))
            CHECK_TEXT(OTHERS[i], "not ours");
}

TEST(a_line_is_added_at_the_end_and_taken_out_alone)
{
    static const struct {
        const char *before, *after;
    } ROWS[] = {{"", FACT "\n"}, {"a(b).\n", "a(b).\n" FACT "\n"}, {"a(b).", "a(b).\n" FACT "\n"}};
    scoped(buf_done) struct buf with = buf_of(8192), without = buf_of(8192), line = buf_of(8192);
    struct enrolment enrolment = an_enrolment(ED25519, S("phone"));
    char id[KEY_ID_BYTES];

    passkey_key_id(&enrolment.key, id);
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        buf_clear(&with);
        site_keys_add(str_from(ROWS[i].before), S(FACT), &with);
        CHECK_TEXT(buf_text(&with), ROWS[i].after);
    }
    site_keys_add(buf_str(&with), S("% the end"), &without);
    buf_clear(&with);
    buf_add(&with, buf_str(&without));
    buf_clear(&without);
    CHECK(site_keys_without(buf_str(&with), str_from(id), &without, &line));
    CHECK_TEXT(buf_text(&without), "a(b).\n% the end\n");
    CHECK_TEXT(buf_text(&line), FACT);
    buf_clear(&without);
    CHECK(!site_keys_without(buf_str(&with), S("0123456789abcdef"), &without, &line));
    CHECK_STR(buf_str(&without), buf_text(&with));
}

/* --- HOME/enrol ------------------------------------------------------------------------------ */

static struct enrol_book fresh_book(void)
{
    struct enrol_book book;
    struct err err;

    options.home = scratch_folder();
    check(enrol_book_open(&options, &book, &err));
    return book;
}

static struct enrolment_code a_code(const char *text, int64_t age_ms)
{
    static char digests[128][SHA256_HEX_BYTES];
    static size_t made;
    char *digest = digests[made++ % COUNT(digests)];
    struct enrolment_code code = {.person = S("owner"),
        .name = S("The owner"),
        .words = S(""),
        .origin = S("http://localhost:30080"),
        .rp_id = S("localhost"),
        .created_at_ms = clock_civil_ms() - age_ms};

    check(enrolment_code_read(str_from(text), digest));
    code.expires_at_ms = code.created_at_ms + ENROLMENT_MS;
    code.sha256 = str_from(digest);
    enrolment_id_of(digest, code.id);
    return code;
}

static void pending_file(const struct enrol_book *book, const char *id, char ret_path[PATH_MAX])
{
    check(snprintf(ret_path, PATH_MAX, "%s/%s.json", book->pending, id) < PATH_MAX);
}

static void write_pending(
    const struct enrol_book *book, const char *id, const struct enrolment *enrolment)
{
    scoped(json_done) json_t *document = enrolment_document(enrolment);
    scoped(buf_done) struct buf text = buf_of(16384);
    char path[PATH_MAX];
    struct err err;

    pending_file(book, id, path);
    check(json_plain(document, &text, &err) && file_replace(path, buf_str(&text), 0600, &err));
}

static const char *read_code(const struct enrol_book *book, const char *id)
{
    static struct err err;
    scoped(json_done) json_t *document = NULL;
    struct enrolment enrolment;

    err = (struct err){0};
    return enrol_book_read(book, id, &document, &enrolment, &err) ? "read" : err.code;
}

TEST(what_belongs_to_a_code_is_read_and_forgotten_with_it)
{
    const struct enrol_book book = fresh_book();
    const struct enrolment_code code = a_code("0123-4567-89AB", 0);
    struct enrolment enrolment = an_enrolment(ED25519, S("phone"));
    bool found = false;
    struct err err;

    CHECK(enrol_book_add(&book, &code, &err));
    CHECK_TEXT(read_code(&book, code.id), "no_enrolment");
    memcpy(enrolment.id, code.id, sizeof code.id);
    write_pending(&book, code.id, &enrolment);
    CHECK(enrol_book_used(&book, code.id));
    CHECK_TEXT(read_code(&book, code.id), "read");
    CHECK(enrol_book_forget(&book, code.id, &found, &err) && found);
    CHECK(!enrol_book_used(&book, code.id));
    write_pending(&book, code.id, &enrolment); /* somebody put it back */
    CHECK_TEXT(read_code(&book, code.id), "no_code");
    CHECK(enrol_book_forget(&book, code.id, &found, &err) && found);
    CHECK(enrol_book_forget(&book, code.id, &found, &err) && !found);
}

TEST(what_a_gateway_wrote_that_is_not_of_the_code_is_refused)
{
    const struct enrol_book book = fresh_book();
    const struct enrolment_code code = a_code("0123-4567-89AB", 0);
    const struct enrolment_code other = a_code("ZZZZ-ZZZZ-ZZZZ", 0);
    struct enrolment enrolment = an_enrolment(ED25519, S("phone"));
    struct err err;
    char path[PATH_MAX];

    check(enrol_book_add(&book, &code, &err) && enrol_book_add(&book, &other, &err));
    memcpy(enrolment.id, code.id, sizeof code.id);
    write_pending(&book, other.id, &enrolment);
    CHECK_TEXT(read_code(&book, other.id), "not_of_code");
    enrolment.person = S("eve");
    write_pending(&book, code.id, &enrolment);
    CHECK_TEXT(read_code(&book, code.id), "not_of_code");
    pending_file(&book, code.id, path);
    check(file_replace(path, S("{\"schema\":\"logic-node/enrolment/v1\"}"), 0600, &err));
    CHECK_TEXT(read_code(&book, code.id), "missing_field");
    check(file_replace(path, S("a(b). "), 0600, &err));
    CHECK_TEXT(read_code(&book, code.id), "bad_json");
    check(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
    CHECK_TEXT(read_code(&book, code.id), "bad_enrolment");
    check(unlink(path) == 0 && mkfifo(path, 0600) == 0); /* nobody will ever write into it */
    CHECK_TEXT(read_code(&book, code.id), "bad_enrolment");
    check(unlink(path) == 0 && mkdir(path, 0700) == 0);
    CHECK_TEXT(read_code(&book, code.id), "bad_enrolment");
}

TEST(a_list_says_what_is_open_what_waits_and_what_is_refused)
{
    const struct enrol_book book = fresh_book();
    const struct enrolment_code open = a_code("0000-0000-0001", 0),
                                old = a_code("0000-0000-0002", ENROLMENT_MS + 1000),
                                used = a_code("0000-0000-0003", ENROLMENT_MS + 1000);
    struct enrolment enrolment = an_enrolment(ED25519, S("phone"));
    scoped(json_done) json_t *rows = NULL, *known = NULL;
    char path[PATH_MAX];
    struct err err;
    size_t i, count[3] = {0};
    const json_t *row;

    check(enrol_book_add(&book, &used, &err));
    memcpy(enrolment.id, used.id, sizeof used.id);
    enrolment.created_at_ms = used.created_at_ms + 1;
    write_pending(&book, used.id, &enrolment);
    check(enrol_book_add(&book, &old, &err) && enrol_book_add(&book, &open, &err));
    pending_file(&book, "fedcba9876543210", path);
    check(file_replace(path, S("x"), 0600, &err));
    check(snprintf(path, sizeof path, "%s/notes.txt", book.pending) > 0 &&
          file_replace(path, S("x"), 0600, &err));
    CHECK(enrol_book_list(&book, &rows, &err));
    CHECK_INT(json_array_size(rows), 3);
    json_array_foreach (rows, i, row) {
        struct str state = json_str(row, "state"), id = json_str(row, "enrolment");
        count[0] += str_eq(state, S("open")) && str_eq(id, str_from(open.id));
        count[1] += str_eq(state, S("waits")) && str_eq(id, str_from(used.id)) &&
                    json_str(row, "key_id").len == 16;
        count[2] += str_eq(state, S("refused")) && str_eq(id, S("fedcba9876543210")) &&
                    json_str(row, "why").len;
    }
    for (i = 0; i < COUNT(count); i++)
        CHECK_INT(count[i], 1);
    check(document_read(book.codes, &ENROLMENT_CODES_FORM, &known, &err));
    CHECK(!enrolment_code_find(known, str_from(old.id))); /* nobody used it */
    CHECK(enrolment_code_find(known, str_from(used.id)));
}

TEST(the_code_itself_is_nowhere_and_the_file_is_the_owner_s)
{
    const struct enrol_book book = fresh_book();
    const struct enrolment_code code = a_code("0123-4567-89AB", 0);
    scoped(buf_done) struct buf text = buf_of(1 << 16);
    struct stat seen;
    struct err err;

    CHECK(enrol_book_add(&book, &code, &err));
    CHECK(file_read(book.codes, &text, &err));
    CHECK(!strstr(buf_text(&text), "0123-4567") && !strstr(buf_text(&text), "0123456789AB"));
    CHECK(stat(book.codes, &seen) == 0);
    CHECK_INT(seen.st_mode & 0777, 0600);
    CHECK(stat(book.pending, &seen) == 0);
    CHECK_INT(seen.st_mode & 0777, 0700);
}

TEST(a_code_too_many_is_refused)
{
    const struct enrol_book book = fresh_book();
    char text[ENROLMENT_CODE_BYTES];
    struct err err = {0};

    for (unsigned i = 0; i < ENROLMENT_CODES_MAX; i++) {
        snprintf(text, sizeof text, "0000-0000-%04u", i);
        const struct enrolment_code code = a_code(text, 0);
        check(enrol_book_add(&book, &code, &err));
    }
    const struct enrolment_code more = a_code("ZZZZ-ZZZZ-ZZZZ", 0);
    CHECK(!enrol_book_add(&book, &more, &err));
    CHECK(strstr(err.message, "operator reject"));
}

TAP_MAIN
