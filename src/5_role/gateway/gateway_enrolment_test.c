/* SPDX-License-Identifier: Apache-2.0
 * A browser with a code before the real gateway; no judge is asked. The authenticator is FAKE: it
 * attests nothing, as those whose passkeys we take, so its bytes can be written down. What it may
 * say wrong is in tests/flow/enrolment.py. */
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/es256.h"
#include "gateway/gateway_harness.h"
#include "identity/enrolment_file.h"
#include "jwt/jwt.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <limits.h>
#include <sys/stat.h>

#define ORIGIN "http://localhost:30080"
#define HEAD "Content-Type: application/json\r\n"
#define CODE "0123-4567-89AB"
#define CREDENTIAL "credential-id-16"

static struct node node;
static struct fake_judge judge;
static char home[96];

static void path_of(const char *below, char ret_path[PATH_MAX])
{
    check(snprintf(ret_path, PATH_MAX, "%s/%s", home, below) < PATH_MAX);
}

static void write_file(const char *below, struct str text)
{
    char path[PATH_MAX];
    struct err err;

    path_of(below, path);
    check(file_replace(path, text, 0600, &err));
}

static json_t *row_of(const char *text, const char *person, const char *words)
{
    char digest[SHA256_HEX_BYTES];
    struct enrolment_code code = {.person = str_from(person),
        .name = S("The owner"),
        .words = str_from(words),
        .origin = S(ORIGIN),
        .rp_id = S("localhost"),
        .created_at_ms = clock_civil_ms() - 1000};

    check(enrolment_code_read(str_from(text), digest));
    code.sha256 = str_from(digest);
    code.expires_at_ms = code.created_at_ms + ENROLMENT_MS;
    return enrolment_code_row(&code);
}

static void write_codes(json_t *rows)
{
    scoped(json_done) json_t *document =
        json_pack("{s:s, s:o}", "schema", "logic-node/enrolment-codes/v1", "codes", rows);
    scoped(buf_done) struct buf text = buf_of(ENROLMENT_CODES_FORM.bytes_max);
    struct err err;

    check(document && json_plain(document, &text, &err));
    write_file("enrol/codes.json", buf_str(&text));
}

static void open_node(json_t *settings)
{
    snprintf(home, sizeof home, "%s", scratch_folder());
    node_open(&node, settings, json_pack("{s:s}", "home", home));
    judge_open(&judge, 10);
    judge_join(&judge, &node);
}

static void close_node(void)
{
    node_close(&node);
    judge_close(&judge);
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* "200", or the code of the error. The challenge goes to `ret_challenge`. */
static const char *options(const char *code, char ret_challenge[64])
{
    static char said[64];
    char body[128];
    struct reply reply;

    snprintf(body, sizeof body, "{\"code\":\"%s\"}", code);
    ask(&node, "POST", "/api/v1/passkeys/options", HEAD, body, &reply);
    if (reply.status == 200)
        snprintf(ret_challenge, 64, "%s", text_at(reply.json, "challenge"));
    snprintf(said, sizeof said, "%s", reply.status == 200 ? "200" : reply_code(&reply));
    reply_done(&reply);
    return said;
}

static void add_url64(struct buf *out, const char *name, struct str bytes)
{
    buf_printf(out, ",\"%s\":\"", name);
    base64url_encode(bytes, out);
    buf_add_char(out, '"');
}

/* authenticatorData of a new ES256 credential, attestation none. */
static void attested(struct str rp_id, const struct es256_key *key, struct buf *out)
{
    uint8_t point[ES256_PUBLIC_BYTES], digest[SHA256_BYTES];

    sha256(rp_id, digest);
    es256_key_public(key, point);
    buf_add(out, (struct str){(const char *)digest, sizeof digest});
    buf_add(out, S("\x45\0\0\0\1")); /* present, verified, attested; counter 1 */
    buf_add(out, S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10" CREDENTIAL));
    buf_add(out, S("\xa5\1\2\3\x26\x20\1\x21\x58\x20"));
    buf_add(out, (struct str){(const char *)point + 1, 32});
    buf_add(out, S("\x22\x58\x20"));
    buf_add(out, (struct str){(const char *)point + 33, 32});
}

/* "201", or the code of the error. */
static const char *enrol(
    const char *code, const char *challenge, const char *words, const struct es256_key *key)
{
    static char said[64];
    scoped(buf_done) struct buf body = buf_of(8192), client = buf_of(2048), data = buf_of(1024);
    struct reply reply;

    buf_printf(&client,
        "{\"type\":\"webauthn.create\",\"challenge\":\"%s\",\"origin\":\"" ORIGIN "\"}", challenge);
    attested(S("localhost"), key, &data);
    buf_printf(&body, "{\"code\":\"%s\",\"words\":\"%s\"", code, words);
    add_url64(&body, "credential_id", S(CREDENTIAL));
    add_url64(&body, "authenticator_data", buf_str(&data));
    add_url64(&body, "client_data_json", buf_str(&client));
    buf_add(&body, S(",\"transports\":[\"internal\"]}"));
    ask(&node, "POST", "/api/v1/passkeys", HEAD, buf_text(&body), &reply);
    snprintf(said, sizeof said, "%s", reply.status == 201 ? "201" : reply_code(&reply));
    reply_done(&reply);
    return said;
}

TEST(a_passkey_waits_as_the_row_of_its_code_says)
{
    scoped(es256_key_done) struct es256_key *key = NULL;
    scoped(json_done) json_t *document = NULL;
    char challenge[64] = "", path[PATH_MAX], digest[SHA256_HEX_BYTES], below[64];
    uint8_t point[ES256_PUBLIC_BYTES];
    struct enrolment enrolment;
    struct stat seen;
    struct err err = {0};

    open_node(NULL);
    es256_key_make(&key);
    write_codes(
        json_pack("[o,o]", row_of(CODE, "anna", "tablet"), row_of("ZZZZ-ZZZZ-ZZZZ", "owner", "")));
    CHECK_TEXT(options("0123 4567 89ab", challenge), "200");
    CHECK_INT(strlen(challenge), 43);
    CHECK_TEXT(enrol(CODE, challenge, "what the page says", key), "201");
    check(enrolment_code_read(S(CODE), digest));
    snprintf(below, sizeof below, "enrol/pending/%.16s.json", digest);
    path_of(below, path);
    CHECK(document_read(path, &ENROLMENT_PENDING_FORM, &document, &err));
    CHECK(enrolment_of(document, &enrolment, &err));
    CHECK_STR(enrolment.person, "anna");
    CHECK_STR(enrolment.words, "tablet");
    CHECK_STR(enrolment.rp_id, "localhost");
    es256_key_public(key, point);
    CHECK(memcmp(enrolment.key.bytes, point, sizeof point) == 0);
    CHECK(stat(path, &seen) == 0 && (seen.st_mode & 0777) == 0600);
    CHECK_TEXT(options(CODE, challenge), "bad_code"); /* it is used */
    CHECK_TEXT(enrol(CODE, challenge, "x", key), "bad_code");
    CHECK_TEXT(options("ZZZZ-ZZZZ-ZZZZ", challenge), "200");
    CHECK_TEXT(enrol("ZZZZ-ZZZZ-ZZZZ", challenge, "", key), "bad_value"); /* nobody named it */
    CHECK_TEXT(enrol("ZZZZ-ZZZZ-ZZZZ", challenge, "phone", key), "201");
    close_node();
}

TEST(a_challenge_is_of_one_code_and_once)
{
    scoped(es256_key_done) struct es256_key *key = NULL;
    char first[64] = "", second[64] = "", other[64] = "";

    open_node(NULL);
    es256_key_make(&key);
    write_codes(
        json_pack("[o,o]", row_of(CODE, "owner", ""), row_of("ZZZZ-ZZZZ-ZZZZ", "anna", "")));
    CHECK_TEXT(enrol(CODE, "eA", "x", key), "bad_challenge"); /* nobody asked */
    CHECK_TEXT(options(CODE, first), "200");
    CHECK_TEXT(options("ZZZZ-ZZZZ-ZZZZ", other), "200");
    CHECK_TEXT(options(CODE, second), "200");
    CHECK(strcmp(first, second) != 0);
    CHECK_TEXT(enrol(CODE, first, "x", key), "bad_challenge");  /* there was a later one */
    CHECK_TEXT(enrol(CODE, second, "x", key), "bad_challenge"); /* it is used by that */
    CHECK_TEXT(options(CODE, second), "200");
    CHECK_TEXT(enrol(CODE, other, "x", key), "bad_challenge");
    CHECK_TEXT(enrol("ZZZZ-ZZZZ-ZZZZ", other, "x", key), "201");
    close_node();
}

TEST(codes_come_and_go_beyond_the_room_for_challenges)
{
    scoped(es256_key_done) struct es256_key *key = NULL;
    char challenge[64] = "", code[ENROLMENT_CODE_BYTES];

    open_node(NULL);
    es256_key_make(&key);
    for (unsigned i = 0; i < ENROLMENT_CODES_MAX + 3; i++) {
        snprintf(code, sizeof code, "0000-0000-%04u", i);
        write_codes(json_pack("[o]", row_of(code, "owner", "")));
        CHECK_TEXT(options(code, challenge), "200");
    }
    CHECK_TEXT(enrol(code, challenge, "x", key), "201");
    close_node();
}

TEST(wrong_codes_are_counted_and_then_no_code_is_looked_at)
{
    char challenge[64];

    open_node(json_pack("{s:i}", "session_tries_per_minute", 2));
    write_codes(json_pack("[o]", row_of(CODE, "owner", "")));
    CHECK_TEXT(options("0000-0000-0000", challenge), "bad_code");
    CHECK_TEXT(options(CODE, challenge), "200");
    CHECK_TEXT(options("no code at all", challenge), "bad_code");
    CHECK_TEXT(options(CODE, challenge), "too_many_tries");
    close_node();
}

/* Behind a proxy on this machine, which says last from where it was. */
TEST(who_guesses_codes_shuts_nobody_else_out)
{
    static const struct {
        const char *from;
        int status;
    } ROWS[] = {{"192.0.2.1", 403}, {"10.0.0.1, ::ffff:192.0.2.1", 403}, {"192.0.2.1", 429},
        {"192.0.2.1, 192.0.2.2", 403}, {"192.0.2.1, made up", 403}, {"192.0.2.1", 429}};
    char head[128], challenge[64];
    struct reply reply;

    open_node(json_pack("{s:i}", "session_tries_per_minute", 2));
    write_codes(json_pack("[o]", row_of(CODE, "owner", "")));
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        snprintf(head, sizeof head, "X-Forwarded-For: %s\r\n", ROWS[i].from);
        ask(&node, "POST", "/api/v1/passkeys/options", head, "{\"code\":\"0000-0000-0000\"}",
            &reply);
        CHECK_INT(reply.status, ROWS[i].status);
        if (reply.status == 429)
            CHECK(strstr(reply.body.at, "2 wrong tries in a minute, from one address, are the li"));
        reply_done(&reply);
    }
    CHECK_TEXT(options(CODE, challenge), "200"); /* from this machine itself */
    close_node();
}

TEST(more_than_may_wait_is_refused)
{
    scoped(es256_key_done) struct es256_key *key = NULL;
    char challenge[64] = "", other[64] = "";

    open_node(json_pack("{s:i}", "enrolments_max", 1));
    es256_key_make(&key);
    write_codes(
        json_pack("[o,o]", row_of(CODE, "owner", ""), row_of("ZZZZ-ZZZZ-ZZZZ", "anna", "")));
    CHECK_TEXT(options(CODE, challenge), "200");
    CHECK_TEXT(options("ZZZZ-ZZZZ-ZZZZ", other), "200");
    CHECK_TEXT(enrol(CODE, challenge, "x", key), "201");
    CHECK_TEXT(options("ZZZZ-ZZZZ-ZZZZ", challenge), "too_many_enrolments");
    CHECK_TEXT(enrol("ZZZZ-ZZZZ-ZZZZ", other, "x", key), "too_many_enrolments");
    close_node();
}

TEST(a_file_of_codes_that_cannot_be_read_opens_nothing)
{
    char challenge[64];

    open_node(NULL);
    CHECK_TEXT(options(CODE, challenge), "bad_code"); /* there is none */
    write_file(
        "enrol/codes.json", S("{\"schema\":\"logic-node/enrolment-codes/v1\",\"codes\":[1]}"));
    CHECK_TEXT(options(CODE, challenge), "enrolment_unreadable");
    write_file("enrol/codes.json", S("x"));
    CHECK_TEXT(options(CODE, challenge), "enrolment_unreadable");
    close_node();
}

TEST(what_browsers_would_call_the_node_is_said_at_its_start)
{
    scoped(buf_done) struct buf text = buf_of(1024);
    char path[PATH_MAX], wanted[128];
    struct err err;

    open_node(NULL);
    path_of("run/page.json", path);
    CHECK(file_read(path, &text, &err));
    snprintf(wanted, sizeof wanted, "{\"origin\":\"http://localhost:%u\"}", node.port);
    CHECK_TEXT(buf_text(&text), wanted);
    close_node();
}

TAP_MAIN
