/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "jwt/jwt.h"
#include "tap.h"
#include "webauthn/cbor.h"
#include "webauthn/webauthn.h"

#define ORIGIN "https://node.test:8443"
#define BYTES(literal) ((struct str){(literal), sizeof(literal) - 1})

/* --- clientDataJSON ------------------------------------------------------------------------- */

static const char *client_code(const char *text)
{
    static struct err err;
    struct webauthn_client client;

    err = (struct err){0};
    return webauthn_client_read(str_from(text), &client, &err) ? "" : err.code;
}

#define CLIENT(members)                                                                            \
    "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\",\"origin\":\"" ORIGIN "\"" members "}"

TEST(client_data_is_read)
{
    struct webauthn_client client;
    struct err err = {0};

    REQUIRE(webauthn_client_read(
        S(CLIENT(",\"crossOrigin\":false,\"hint\":{\"a\":[1]}")), &client, &err));
    CHECK(client.ceremony == WEBAUTHN_GET && !client.other_ceremony && !client.cross_origin);
    CHECK_TEXT(client.origin, ORIGIN);
    CHECK(client.challenge_len == 3 && memcmp(client.challenge, "\0\1\2", 3) == 0);
    REQUIRE(webauthn_client_read(S(CLIENT(",\"crossOrigin\":true")), &client, &err));
    CHECK(client.cross_origin);
    REQUIRE(webauthn_client_read(S(CLIENT(",\"topOrigin\":\"https://a.b\"")), &client, &err));
    CHECK(client.cross_origin);
    REQUIRE(webauthn_client_read(
        S("{\"type\":\"payment.get\",\"challenge\":\"AA\",\"origin\":\"x\"}"), &client, &err));
    CHECK(client.other_ceremony);
}

TEST(client_data_of_any_other_form_is_refused)
{
    static const char *const BAD[] = {
        "",
        "{}",
        "[]",
        "null",
        CLIENT("") " x",
        CLIENT("") "{}",
        CLIENT(",\"type\":\"webauthn.get\""),
        CLIENT(",\"crossOrigin\":\"false\""),
        CLIENT(",\"crossOrigin\":null"),
        CLIENT(",\"topOrigin\":7"),
        CLIENT(",\"x\":\"\\u0000\""),
        CLIENT(",\"x\":\"\xff\""),
        "{\"challenge\":\"AAEC\",\"origin\":\"o\"}",
        "{\"type\":7,\"challenge\":\"AAEC\",\"origin\":\"o\"}",
        "{\"type\":\"\",\"challenge\":\"AAEC\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAE=\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"A/+C\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AB\",\"origin\":\"o\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\",\"origin\":\"\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\",\"origin\":[]}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\",\"origin\":\"o\"",
    };

    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK_TEXT(client_code(BAD[i]), "bad_client_data");
}

/* `fill` characters of a member, so that the whole has so many bytes. */
static const char *sized_code(size_t bytes)
{
    scoped(buf_done) struct buf text = buf_of(WEBAUTHN_CLIENT_BYTES_MAX + 64);

    buf_add(&text, S(CLIENT(",\"x\":\"")));
    text.len--;
    while (text.len < bytes - 2)
        buf_add_char(&text, 'x');
    buf_add(&text, S("\"}"));
    return client_code(buf_text(&text));
}

TEST(invariant_9_client_data_challenge_and_origin_have_limits)
{
    scoped(buf_done) struct buf text = buf_of(1024);
    char origin[WEBAUTHN_ORIGIN_BYTES + 1] = "", challenge[96] = "";

    CHECK_TEXT(sized_code(WEBAUTHN_CLIENT_BYTES_MAX), "");
    CHECK_TEXT(sized_code(WEBAUTHN_CLIENT_BYTES_MAX + 1), "bad_client_data");
    for (int extra = 0; extra < 2; extra++) {
        memset(origin, 'o', (size_t)(WEBAUTHN_ORIGIN_BYTES - 1 + extra));
        buf_clear(&text);
        buf_printf(
            &text, "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC\",\"origin\":\"%s\"}", origin);
        CHECK_TEXT(client_code(buf_text(&text)), extra ? "bad_client_data" : "");
    }
    for (int extra = 0; extra < 2; extra++) { /* 64 bytes, 65 */
        memset(challenge, 'A', (size_t)(86 + extra));
        buf_clear(&text);
        buf_printf(
            &text, "{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"o\"}", challenge);
        CHECK_TEXT(client_code(buf_text(&text)), extra ? "bad_client_data" : "");
    }
}

/* --- authenticatorData ---------------------------------------------------------------------- */

#define HASH                                                                                       \
    "\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07" \
    "\x08\x01\x02\x03\x04\x05\x06\x07\x08"
#define COUNTER "\x00\x00\x01\x02"
#define AAGUID "0123456789abcdef"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define Y32 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
#define EC2 "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32
#define OKP "\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20" X32

static const char *said_code(struct str bytes)
{
    static struct err err;
    struct webauthn_authenticator said;

    err = (struct err){0};
    return webauthn_authenticator_read(bytes, &said, &err) ? "" : err.code;
}

TEST(authenticator_data_is_read)
{
    struct webauthn_authenticator said;
    struct err err = {0};

    REQUIRE(webauthn_authenticator_read(BYTES(HASH "\x05" COUNTER), &said, &err));
    CHECK(memcmp(said.rp_id_hash, HASH, 32) == 0);
    CHECK_INT(said.flags, WEBAUTHN_PRESENT | WEBAUTHN_VERIFIED);
    CHECK_INT(said.counter, 258);
    REQUIRE(webauthn_authenticator_read(
        BYTES(HASH "\x45" COUNTER AAGUID "\x00\x02id" EC2), &said, &err));
    CHECK(memcmp(said.aaguid, AAGUID, 16) == 0 && str_eq(said.credential_id, S("id")));
    CHECK(said.key.kind == WEBAUTHN_ES256 && said.key.len == 65);
    CHECK(memcmp(said.key.bytes, "\x04" X32 Y32, 65) == 0);
    REQUIRE(webauthn_authenticator_read(BYTES(HASH "\xc5" COUNTER AAGUID "\x00\x02id" OKP "\xa1\x6b"
                                                   "credProtect\x02"),
        &said, &err));
    CHECK(said.key.kind == WEBAUTHN_ED25519 && said.key.len == 32);
    CHECK(memcmp(said.key.bytes, X32, 32) == 0);
    CHECK_TEXT(said_code(BYTES(HASH "\x27" COUNTER)), ""); /* a reserved flag is ignored */
    CHECK_TEXT(said_code(BYTES(HASH "\x1d" COUNTER)), "");
}

TEST(authenticator_data_that_does_not_end_where_it_should_is_refused)
{
    static const char WHOLE[] = HASH "\xc5" COUNTER AAGUID "\x00\x02id" EC2 "\xa1\x61"
                                     "a\x01";

    CHECK_TEXT(said_code(BYTES(WHOLE)), "");
    for (size_t len = 0; len < sizeof WHOLE - 1; len++) {
        const char *code = said_code((struct str){WHOLE, len});
        CHECK(
            strcmp(code, "bad_authenticator_data") == 0 || strcmp(code, "bad_credential_key") == 0);
    }
    CHECK_TEXT(
        said_code((struct str){WHOLE, sizeof WHOLE}), "bad_authenticator_data"); /* and a 0 */
    CHECK_TEXT(said_code(BYTES(HASH "\x05" COUNTER "\xa0")), "bad_authenticator_data");
    CHECK_TEXT(said_code(BYTES(HASH "\x85" COUNTER)), "bad_authenticator_data");
    CHECK_TEXT(said_code(BYTES(HASH "\x15" COUNTER)), "bad_authenticator_data"); /* BS without BE */
    CHECK_TEXT(
        said_code(BYTES(HASH "\x45" COUNTER AAGUID "\x00\x00" EC2)), "bad_authenticator_data");
}

TEST(a_key_has_one_spelling)
{
    static const struct str BAD[] = {
        BYTES("\xa5\x01\x02\x03\x26\x20\x02\x21\x58\x20" X32 "\x22\x58\x20" Y32),     /* P-384 */
        BYTES("\xa5\x01\x02\x03\x38\x22\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32), /* ES384 */
        BYTES("\xa5\x03\x26\x01\x02\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32),     /* order */
        BYTES("\xa5\x01\x02\x03\x26\x20\x01\x22\x58\x20" Y32 "\x21\x58\x20" X32),     /* order */
        BYTES(
            "\xa5\x01\x18\x02\x03\x26\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32), /* long head */
        BYTES("\xbf\x01\x02\x03\x26\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32 "\xff"),
        BYTES("\xa6\x01\x02\x02\x41k\x03\x26\x20\x01\x21\x58\x20" X32 "\x22\x58\x20" Y32), /* kid */
        BYTES("\xa4\x01\x02\x03\x26\x20\x01\x21\x58\x20" X32),                /* no y */
        BYTES("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" X32 "\x22\xf5" Y32), /* sign of y */
        BYTES("\xa4\x01\x01\x03\x27\x20\x04\x21\x58\x20" X32),                /* X25519 */
        BYTES("\xa4\x01\x03\x03\x39\x01\x00\x20\x41n\x21\x41"
              "e"), /* RSA */
        BYTES("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x1f" X32),
    };
    struct webauthn_key key;
    size_t len = 0;

    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!cbor_key_read(BAD[i], &key, &len));
    CHECK(cbor_key_read(BYTES(EC2 "behind"), &key, &len) && len == sizeof EC2 - 1);
}

TEST(extensions_are_one_canonical_map)
{
    static const struct str GOOD[] = {
        BYTES("\xa0"),
        BYTES("\xa2\x61"
              "a\x18\x18\x61"
              "b\x20"),
        BYTES("\xa1\x61"
              "a\xa1\x61"
              "b\x82\xf4\xf6"),
        BYTES("\xa1\x61"
              "a\x42\xff\x00"),
        BYTES("\xa1\x61"
              "a\x62\xc3\xa9"),
        BYTES("\xa1\x61"
              "a\xa1\x61"
              "a\xa1\x61"
              "a\xa0"), /* four deep */
    };
    static const struct str BAD[] = {
        BYTES(""),
        BYTES("\x01"),
        BYTES("\x80"),
        BYTES("\xa0\xa0"),
        BYTES("\xa1\x61"
              "a"),
        BYTES("\xa2\x61"
              "a\x01\x61"
              "a\x01"), /* twice */
        BYTES("\xa2\x61"
              "b\x01\x61"
              "a\x01"), /* out of order */
        BYTES("\xa2\x62"
              "aa\x01\x61"
              "b\x01"), /* the shorter key first */
        BYTES("\xa1\x61"
              "a\x18\x17"), /* a head too long */
        BYTES("\xa1\x78\x01"
              "a\x01"),
        BYTES("\xa1\x61"
              "a\x19\x00\xff"),
        BYTES("\xbf\xff"),
        BYTES("\xa1\x61"
              "a\x5f\x41"
              "b\xff"),
        BYTES("\xa1\x61"
              "a\xc0\x01"), /* a tag */
        BYTES("\xa1\x61"
              "a\xf7"), /* undefined */
        BYTES("\xa1\x61"
              "a\xfa\x00\x00\x00\x00"), /* a float */
        BYTES("\xa1\x61"
              "a\x61\xff"), /* no UTF-8 */
        BYTES("\xa1\x61"
              "a\xa1\x61"
              "a\xa1\x61"
              "a\xa1\x61"
              "a\xa0"), /* five deep */
        BYTES("\xa1\x61"
              "a\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        BYTES("\xa1\x61"
              "a\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        BYTES("\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"),
    };

    for (size_t i = 0; i < COUNT(GOOD); i++)
        CHECK(cbor_is_map(GOOD[i]));
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!cbor_is_map(BAD[i]));
}

TEST(invariant_9_authenticator_data_and_credential_ids_have_limits)
{
    static char bytes[WEBAUTHN_AUTHENTICATOR_BYTES_MAX + 1];
    size_t head = sizeof HASH - 1 + 1 + 4, key = sizeof EC2 - 1;

    for (int extra = 0; extra < 2; extra++) {
        size_t id = WEBAUTHN_CREDENTIAL_BYTES_MAX + (size_t)extra, at = head;
        memcpy(bytes, HASH "\x45" COUNTER, head);
        memset(bytes + at, 'g', 16);
        bytes[at + 16] = (char)(id >> 8);
        bytes[at + 17] = (char)(id & 0xff);
        memset(bytes + at + 18, 'i', id);
        memcpy(bytes + at + 18 + id, EC2, key);
        CHECK_TEXT(said_code((struct str){bytes, at + 18 + id + key}),
            extra ? "bad_authenticator_data" : "");
    }
    memcpy(bytes,
        HASH "\x85" COUNTER "\xa1\x61"
             "a\x59",
        head + 4);
    size_t filled = WEBAUTHN_AUTHENTICATOR_BYTES_MAX - head - 6;
    bytes[head + 4] = (char)(filled >> 8);
    bytes[head + 5] = (char)(filled & 0xff);
    CHECK_TEXT(said_code((struct str){bytes, WEBAUTHN_AUTHENTICATOR_BYTES_MAX}), "");
    bytes[head + 5]++;
    CHECK_TEXT(said_code((struct str){bytes, sizeof bytes}), "bad_authenticator_data");
}

/* --- what must be said ---------------------------------------------------------------------- */

static const struct str ORIGINS[] = {S("https://a.test"), S(ORIGIN)};

static struct webauthn_expected expectation(enum webauthn_ceremony ceremony)
{
    struct webauthn_expected expected = {.ceremony = ceremony,
        .challenge = BYTES("\0\1\2"),
        .origins = ORIGINS,
        .origin_count = COUNT(ORIGINS),
        .rp_id = S("node.test")};

    memcpy(expected.rp_id_hash, HASH, sizeof expected.rp_id_hash);
    return expected;
}

static const char *check_code(const struct webauthn_expected *expected, const char *client_text,
    struct str authenticator_data)
{
    struct webauthn_client client;
    struct webauthn_authenticator said;
    static struct err err;

    err = (struct err){0};
    return webauthn_client_read(str_from(client_text), &client, &err) &&
                   webauthn_authenticator_read(authenticator_data, &said, &err) &&
                   webauthn_check(expected, &client, &said, &err)
               ? ""
               : err.code;
}

#define SAID(flags) BYTES(HASH flags COUNTER)
#define SAYS(type, challenge, origin)                                                              \
    "{\"type\":\"" type "\",\"challenge\":\"" challenge "\",\"origin\":\"" origin "\"}"

TEST(each_thing_that_is_wrong_has_its_code)
{
    struct webauthn_expected expected = expectation(WEBAUTHN_GET);
    const char *good = SAYS("webauthn.get", "AAEC", ORIGIN);

    CHECK_TEXT(check_code(&expected, good, SAID("\x05")), "");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.create", "AAEC", ORIGIN), SAID("\x05")), "bad_type");
    CHECK_TEXT(
        check_code(&expected, SAYS("payment.get", "AAEC", ORIGIN), SAID("\x05")), "bad_type");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAED", ORIGIN), SAID("\x05")), "bad_challenge");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAE", ORIGIN), SAID("\x05")), "bad_challenge");
    CHECK_TEXT(check_code(&expected, SAYS("webauthn.get", "AAECAA", ORIGIN), SAID("\x05")),
        "bad_challenge");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAEC", "https://node.test"), SAID("\x05")),
        "bad_origin");
    CHECK_TEXT(check_code(&expected, SAYS("webauthn.get", "AAEC", ORIGIN "/"), SAID("\x05")),
        "bad_origin");
    CHECK_TEXT(check_code(&expected, SAYS("webauthn.get", "AAEC", "https://a.test"), SAID("\x05")),
        "bad_rp");
    CHECK_TEXT(
        check_code(&expected, CLIENT(",\"crossOrigin\":true"), SAID("\x05")), "cross_origin");
    CHECK_TEXT(check_code(&expected, CLIENT(",\"topOrigin\":\"" ORIGIN "\""), SAID("\x05")),
        "cross_origin");
    CHECK_TEXT(check_code(&expected, good, SAID("\x04")), "not_present");
    CHECK_TEXT(check_code(&expected, good, SAID("\x01")), "not_verified");
    CHECK_TEXT(check_code(&expected, good, BYTES(HASH "\x45" COUNTER AAGUID "\x00\x02id" EC2)),
        "bad_authenticator_data");
    expected.rp_id_hash[31] ^= 1;
    CHECK_TEXT(check_code(&expected, good, SAID("\x05")), "bad_rp");
    expected.origin_count = 0;
    CHECK_TEXT(check_code(&expected, good, SAID("\x05")), "bad_origin");
}

TEST(a_creation_brings_a_key_and_an_assertion_none)
{
    struct webauthn_expected expected = expectation(WEBAUTHN_CREATE);
    const char *good = SAYS("webauthn.create", "AAEC", ORIGIN);

    CHECK_TEXT(check_code(&expected, good, BYTES(HASH "\x45" COUNTER AAGUID "\x00\x02id" EC2)), "");
    CHECK_TEXT(check_code(&expected, good, SAID("\x05")), "bad_authenticator_data");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAEC", ORIGIN), SAID("\x05")), "bad_type");
}

TEST(an_origin_without_tls_has_passkeys_on_localhost_only)
{
    static const struct str HERE[] = {S("http://localhost:8080"), S("http://node.test")};
    struct webauthn_expected expected = expectation(WEBAUTHN_GET);

    expected.origins = HERE;
    expected.rp_id = S("localhost");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAEC", "http://localhost:8080"), SAID("\x05")),
        "");
    expected.rp_id = S("node.test");
    CHECK_TEXT(
        check_code(&expected, SAYS("webauthn.get", "AAEC", "http://node.test"), SAID("\x05")),
        "bad_rp");
}

/* --- origins, RP IDs, keys as text ---------------------------------------------------------- */

TEST(origins_are_read_as_browsers_write_them)
{
    static const struct {
        const char *text, *host;
        int port;
        bool tls, passkeys;
    } GOOD[] = {
        {"https://node.home.arpa:30443", "node.home.arpa", 30443, true, true},
        {"https://node", "node", 443, true, true},
        {"http://localhost:8080", "localhost", 8080, false, true},
        {"http://a.localhost", "a.localhost", 80, false, true},
        {"http://node.home.arpa", "node.home.arpa", 80, false, false},
        {"http://127.0.0.1:8080", "127.0.0.1", 8080, false, false},
        {"https://10.0.0.5", "10.0.0.5", 443, true, false},
        {"https://[fd00::5]:8443", "fd00::5", 8443, true, false},
        {"http://[::1]", "::1", 80, false, false},
        {"http://a.b:443", "a.b", 443, false, false},
    };
    static const char *const BAD[] = {"", "https://", "node", "https:/node", "https://node/",
        "https://node:", "https://node:443", "http://node:80", "https://node:0",
        "https://node:65536", "https://node:080", "https://node:8a", "https://node:1:2",
        "https://Node", "https://no de", "https://a@node", "https://node.", "https://.node",
        "https://no..de", "https://-node", "https://node-", "https://1.2.3", "https://010.0.0.1",
        "https://[::1", "https://[0::1]", "https://[::1]x", "https://[::1]:", "https://::1",
        "https://[]", "ftp://node", "android:apk-key-hash:x", "https://n\xc3\xb6", "null"};
    struct webauthn_origin origin;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        REQUIRE(webauthn_origin_read(str_from(GOOD[i].text), &origin, &err));
        CHECK(str_eq(origin.host, str_from(GOOD[i].host)) && origin.port == GOOD[i].port);
        CHECK(origin.tls == GOOD[i].tls && origin.passkeys == GOOD[i].passkeys);
    }
    for (size_t i = 0; i < COUNT(BAD); i++) {
        CHECK(!webauthn_origin_read(str_from(BAD[i]), &origin, &err));
        CHECK_TEXT(err.code, "bad_origin");
    }
    CHECK(!webauthn_origin_read(BYTES("https://node\0.evil"), &origin, &err));
}

TEST(invariant_9_names_and_origins_have_limits)
{
    char text[300] = "https://";
    struct webauthn_origin origin;
    struct err err = {0};

    memset(text + 8, 'a', 63);
    CHECK(webauthn_origin_read(str_from(text), &origin, &err));
    text[8 + 63] = 'a';
    CHECK(!webauthn_origin_read(str_from(text), &origin, &err)); /* a label of 64 */
    for (size_t i = 8; i < sizeof text - 1; i++)
        text[i] = i % 32 == 0 ? '.' : 'a';
    CHECK(!webauthn_origin_read(str_from(text), &origin, &err));
    text[WEBAUTHN_ORIGIN_BYTES - 1] = '\0';
    CHECK(webauthn_origin_read(str_from(text), &origin, &err));
}

TEST(an_rp_id_is_the_host_or_a_parent_domain)
{
    CHECK(webauthn_rp_fits(S("node.home.arpa"), S("node.home.arpa")));
    CHECK(webauthn_rp_fits(S("node.home.arpa"), S("home.arpa")));
    CHECK(webauthn_rp_fits(S("localhost"), S("localhost")));
    CHECK(!webauthn_rp_fits(S("node.home.arpa"), S("arpa"))); /* one label is everybody's */
    CHECK(!webauthn_rp_fits(S("node.home.arpa"), S("ome.arpa")));
    CHECK(!webauthn_rp_fits(S("node.home.arpa"), S("other.home.arpa")));
    CHECK(!webauthn_rp_fits(S("home.arpa"), S("node.home.arpa")));
    CHECK(!webauthn_rp_fits(S("node.home.arpa"), S("")));
    CHECK(!webauthn_rp_fits(S("node.home.arpa"), S(".home.arpa")));
    CHECK(!webauthn_rp_fits(S("10.0.0.5"), S("10.0.0.5"))); /* an address is no RP ID */
    CHECK(!webauthn_rp_fits(S("10.0.0.5"), S("0.5")));
}

TEST(keys_have_one_text)
{
    struct webauthn_key key = {.kind = WEBAUTHN_ES256, .len = 65, .bytes = {4, 1, 2}}, back;
    char text[WEBAUTHN_KEY_TEXT_BYTES];
    struct err err = {0};

    webauthn_key_text(&key, text);
    CHECK_INT(strlen(text), 6 + 88);
    REQUIRE(webauthn_key_parse(str_from(text), &back, &err));
    CHECK(back.kind == key.kind && back.len == 65 && memcmp(back.bytes, key.bytes, 65) == 0);
    text[6] = 'A'; /* not 0x04 any more */
    CHECK(!webauthn_key_parse(str_from(text), &back, &err));
    CHECK_TEXT(err.code, "public_key_malformed");
    key = (struct webauthn_key){.kind = WEBAUTHN_ED25519, .len = 32, .bytes = {9}};
    webauthn_key_text(&key, text);
    REQUIRE(webauthn_key_parse(str_from(text), &back, &err));
    CHECK(back.kind == WEBAUTHN_ED25519 && back.len == 32);
    CHECK(!webauthn_key_parse(S("rsa:AAAA"), &back, &err));
    CHECK(!webauthn_key_parse(S("es256:AAAA"), &back, &err));
    CHECK(!webauthn_key_parse(S(""), &back, &err));
}

/* --- as it comes ---------------------------------------------------------------------------- */

TEST(an_assertion_comes_as_three_texts_each_with_a_limit)
{
    static struct webauthn_assertion assertion;
    static const size_t LIMITS[] = {
        WEBAUTHN_AUTHENTICATOR_BYTES_MAX, WEBAUTHN_CLIENT_BYTES_MAX, WEBAUTHN_SIGNATURE_BYTES_MAX};
    static const char *const PARAMS[] = {"authenticator_data", "client_data_json", "signature"};
    struct err err = {0};

    REQUIRE(webauthn_assertion_read(S("AAEC"), S("_-8"), S("AQ"), &assertion, &err));
    CHECK(assertion.authenticator_len == 3 && assertion.client_len == 2 &&
          assertion.signature_len == 1);
    for (size_t i = 0; i < COUNT(LIMITS); i++)
        for (size_t extra = 0; extra < 2; extra++) {
            scoped(buf_done) struct buf bytes = buf_of(4096), text = buf_of(8192);
            struct str parts[] = {S("AA"), S("AA"), S("AA")};
            while (bytes.len < LIMITS[i] + extra)
                buf_add_char(&bytes, 'b');
            base64url_encode(buf_str(&bytes), &text);
            parts[i] = buf_str(&text);
            bool good = webauthn_assertion_read(parts[0], parts[1], parts[2], &assertion, &err);
            CHECK(good == !extra);
            if (extra)
                CHECK_TEXT(err.param, PARAMS[i]);
        }
    CHECK(!webauthn_assertion_read(S("AA"), S(""), S("AA"), &assertion, &err));
    CHECK_TEXT(err.code, "not_base64url");
    CHECK(!webauthn_assertion_read(S("AA"), S("AA"), S("AA=="), &assertion, &err));
    CHECK_TEXT(err.param, "signature");
    CHECK(!webauthn_assertion_read(S("AB"), S("AA"), S("AA"), &assertion, &err)); /* bits behind */
    CHECK_TEXT(err.param, "authenticator_data");
}

TAP_MAIN
