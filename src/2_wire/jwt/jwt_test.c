/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "jwt/jwt.h"
#include "tap.h"

#define NOW 1763700000

static const uint8_t SIGNATURE[JWT_SIGNATURE_BYTES] = {7, 7, 7};
static const char HEADER[] = "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\"}";
static const char CLAIMS[] = "{\"iss\":\"logic-node\",\"sub\":\"laptop\",\"aud\":\"gateway\","
                             "\"jti\":\"id1\",\"iat\":1763699000}";

static void wrap(const char *header, const char *claims, struct buf *ret_text)
{
    base64url_encode(str_from(header), ret_text);
    buf_add_char(ret_text, '.');
    base64url_encode(str_from(claims), ret_text);
    jwt_write_signature(ret_text, SIGNATURE);
}

/* The code of the refusal, "" if it is read. */
static const char *code_of(struct str text)
{
    static struct err err;
    scoped(jwt_done) struct jwt token = {0};

    err = (struct err){0};
    return jwt_read(text, &token, &err) ? "" : err.code;
}

static const char *code_of_parts(const char *header, const char *claims)
{
    scoped(buf_done) struct buf text = buf_of(4 * JWT_BYTES_MAX);

    wrap(header, claims, &text);
    return code_of(buf_str(&text));
}

TEST(what_is_written_is_read_again)
{
    scoped(json_done) json_t *rights = json_pack("{s:[s]}", "models", "qwen*");
    struct jwt_claims claims = {.issuer = "logic-node",
        .subject = "laptop",
        .audience = "gateway",
        .id = "01",
        .issued_s = NOW,
        .not_before_s = NOW,
        .expires_s = NOW + 60,
        .rights = rights};
    scoped(buf_done) struct buf text = buf_of(JWT_BYTES_MAX);
    scoped(jwt_done) struct jwt back = {0};
    struct err err = {0};

    REQUIRE(jwt_write(JWT_ES256, "k9", &claims, &text, &err));
    size_t len = text.len;
    jwt_write_signature(&text, SIGNATURE);
    REQUIRE(jwt_read(buf_str(&text), &back, &err));
    CHECK_INT(back.alg, JWT_ES256);
    CHECK_TEXT(back.kid, "k9");
    CHECK_TEXT(back.claims.subject, "laptop");
    CHECK_TEXT(back.claims.id, "01");
    CHECK_INT(back.claims.issued_s, NOW);
    CHECK_INT(back.claims.not_before_s, NOW);
    CHECK_INT(back.claims.expires_s, NOW + 60);
    CHECK(json_equal(back.claims.rights, rights));
    CHECK(memcmp(back.signature, SIGNATURE, sizeof SIGNATURE) == 0);
    CHECK(back.signed_text.at == text.at && back.signed_text.len == len);
}

TEST(the_least_token_is_read)
{
    CHECK_TEXT(code_of_parts(HEADER, CLAIMS), "");
}

TEST(the_examples_of_the_rfcs_are_split_but_not_ours)
{
    /* RFC 7515 A.3 has no kid and no typ, RFC 8037 A.4 claims that are no JSON. */
    CHECK_TEXT(
        code_of(S("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0"
                  "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx"
                  "-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")),
        "jwt_header");
    /* RFC 7519 6.1: the unsecured JWT. */
    CHECK_TEXT(code_of(S("eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0"
                         "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.")),
        "jwt_alg_none");
}

TEST(each_wrong_header_has_its_code)
{
    static const struct {
        const char *header, *code;
    } CASES[] = {
        {"{\"alg\":\"none\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_alg_none"},
        {"{\"alg\":\"nOnE\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_alg_none"},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_alg"},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_alg"},
        {"{\"alg\":\"eddsa\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_alg"},
        {"{\"alg\":\"EdDSA\\u0000\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_header"},
        {"{\"alg\":[\"EdDSA\"],\"kid\":\"k1\",\"typ\":\"JWT\"}", "jwt_header"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\",\"crit\":[\"b64\"],\"b64\":false}",
            "jwt_crit"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\",\"crit\":[]}", "jwt_crit"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", "jwt_typ"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"jwt\"}", "jwt_typ"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\"}", "jwt_typ"},
        {"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", "jwt_header"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"\",\"typ\":\"JWT\"}", "jwt_header"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\",\"jwk\":{\"kty\":\"OKP\"}}",
            "jwt_header"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\",\"jku\":\"https://x\"}", "jwt_header"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"kid\":\"k2\",\"typ\":\"JWT\"}", "jwt_duplicate"},
        {"{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\",\"kid\":\"k\",\"typ\":\"JWT\"}",
            "jwt_duplicate"},
        {"[\"EdDSA\"]", "jwt_header"},
        {"", "jwt_not_compact"},
        {"{}x", "jwt_header"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++)
        CHECK_TEXT(code_of_parts(CASES[i].header, CLAIMS), CASES[i].code);
}

TEST(each_wrong_claim_has_its_code)
{
#define C(more) "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"jti\":\"j\"," more "}"
    static const struct {
        const char *claims, *code;
    } CASES[] = {
        {C("\"iat\":5"), ""},
        {C("\"iat\":5,\"exp\":6"), ""},
        {C("\"iat\":5,\"exp\":5"), "jwt_claims"},
        {C("\"iat\":0"), "jwt_claims"},
        {C("\"iat\":-1"), "jwt_claims"},
        {C("\"iat\":5.5"), "jwt_claims"},
        {C("\"iat\":\"5\""), "jwt_claims"},
        {C("\"iat\":253402300800"), "jwt_claims"},
        {C("\"iat\":99999999999999999999"), "jwt_claims"},
        {C("\"iat\":5,\"exp\":null"), "jwt_claims"},
        {C("\"iat\":5,\"iat\":6"), "jwt_duplicate"},
        {C("\"iat\":5,\"admin\":true"), "jwt_claims"},
        {C("\"iat\":5,\"rights\":[]"), "jwt_claims"},
        {C("\"iat\":5,\"rights\":{\"a\":1,\"a\":2}"), "jwt_duplicate"},
        {C("\"nbf\":5"), "jwt_claims"},
        {"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"a\"],\"jti\":\"j\",\"iat\":5}", "jwt_claims"},
        {"{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"iat\":5}", "jwt_claims"},
        {"{\"iss\":\"i\",\"sub\":\"\",\"aud\":\"a\",\"jti\":\"j\",\"iat\":5}", "jwt_claims"},
        {"{\"iss\":\"i\",\"sub\":\"\xff\",\"aud\":\"a\",\"jti\":\"j\",\"iat\":5}", "jwt_claims"},
        {"7", "jwt_claims"},
        {"", "jwt_not_compact"},
    };

    for (size_t i = 0; i < COUNT(CASES); i++)
        CHECK_TEXT(code_of_parts(HEADER, CASES[i].claims), CASES[i].code);
}

TEST(sizes_are_bounded_at_each_part_and_in_all)
{
    scoped(buf_done) struct buf long_claims = buf_of(1 << 21), text = buf_of(1 << 22);
    char filler[JWT_CLAIMS_BYTES_MAX + 1];
    struct err err = {0};

    memset(filler, ' ', sizeof filler);
    buf_add(&long_claims, str_from(CLAIMS));
    buf_add(&long_claims, (struct str){filler, JWT_CLAIMS_BYTES_MAX - long_claims.len});
    CHECK_TEXT(code_of_parts(HEADER, buf_text(&long_claims)), "");
    buf_add_char(&long_claims, ' ');
    CHECK_TEXT(code_of_parts(HEADER, buf_text(&long_claims)), "jwt_too_large");
    scoped(buf_done) struct buf long_header = buf_of(JWT_BYTES_MAX);
    buf_add(&long_header, str_from(HEADER));
    buf_add(&long_header, (struct str){filler, JWT_HEADER_BYTES_MAX - long_header.len});
    CHECK_TEXT(code_of_parts(buf_text(&long_header), CLAIMS), "");
    buf_add_char(&long_header, ' ');
    CHECK_TEXT(code_of_parts(buf_text(&long_header), CLAIMS), "jwt_too_large");
    while (long_claims.len < 1 << 20)
        buf_add(&long_claims, (struct str){filler, sizeof filler});
    wrap(HEADER, buf_text(&long_claims), &text);
    CHECK_TEXT(code_of(buf_str(&text)), "jwt_too_large");
    scoped(json_done) json_t *rights = json_object();
    filler[JWT_CLAIMS_BYTES_MAX] = '\0';
    json_object_set_new(rights, "words", json_string(filler));
    struct jwt_claims claims = {
        .issuer = "i", .subject = "s", .audience = "a", .id = "j", .issued_s = 1, .rights = rights};
    buf_clear(&text);
    CHECK(!jwt_write(JWT_EDDSA, "k", &claims, &text, &err));
    CHECK_TEXT(err.code, "jwt_too_large");
    CHECK_INT(text.len, 0);
}

TEST(only_one_text_of_base64url_is_read)
{
    scoped(buf_done) struct buf text = buf_of(JWT_BYTES_MAX);
    char last;

    wrap(HEADER, CLAIMS, &text);
    last = text.at[text.len - 1];
    for (const char *bad = "+/=B \n"; *bad; bad++) { /* B: bits behind the last byte */
        text.at[text.len - 1] = *bad;
        CHECK_TEXT(code_of(buf_str(&text)), "jwt_signature");
    }
    text.at[text.len - 1] = last;
    CHECK_TEXT(code_of(buf_str(&text)), "");
    CHECK_TEXT(code_of((struct str){text.at, text.len - 1}), "jwt_signature");
    text.at[0] = '+';
    CHECK_TEXT(code_of(buf_str(&text)), "jwt_not_compact");
    CHECK_TEXT(code_of(S("")), "jwt_not_compact");
    CHECK_TEXT(code_of(S("..")), "jwt_not_compact");
    CHECK_TEXT(code_of(S("a.b")), "jwt_not_compact");
    CHECK_TEXT(code_of(S("a.b.c.d")), "jwt_not_compact");
    CHECK_TEXT(code_of(S("a.b.c.d.e")), "jwt_not_compact"); /* a JWE */
}

static const char *check_of(struct jwt_claims claims)
{
    static struct err err;
    struct jwt_expected expected = {"i", "a", NOW, 60};

    err = (struct err){0};
    return jwt_check(&claims, &expected, &err) ? "" : err.code;
}

TEST(who_for_whom_and_when_are_checked_with_a_leeway)
{
    struct jwt_claims good = {.issuer = "i", .audience = "a", .issued_s = NOW}, one;

    CHECK_TEXT(check_of(good), "");
    one = good, one.issuer[0] = 'I';
    CHECK_TEXT(check_of(one), "jwt_issuer");
    one = good, one.audience[1] = 'a';
    CHECK_TEXT(check_of(one), "jwt_audience");
    one = good, one.issued_s = NOW + 60;
    CHECK_TEXT(check_of(one), "");
    one.issued_s++;
    CHECK_TEXT(check_of(one), "jwt_issued_ahead");
    one = good, one.not_before_s = NOW + 60;
    CHECK_TEXT(check_of(one), "");
    one.not_before_s++;
    CHECK_TEXT(check_of(one), "jwt_not_yet");
    one = good, one.expires_s = NOW - 59;
    CHECK_TEXT(check_of(one), "");
    one.expires_s--;
    CHECK_TEXT(check_of(one), "jwt_expired");
}

TEST(no_refusal_repeats_the_token)
{
    scoped(buf_done) struct buf text = buf_of(JWT_BYTES_MAX);
    scoped(jwt_done) struct jwt token = {0};
    struct err err = {0};

    wrap("{\"alg\":\"SECRETWORD\",\"kid\":\"SECRETWORD\",\"typ\":\"JWT\"}", CLAIMS, &text);
    CHECK(!jwt_read(buf_str(&text), &token, &err) && !strstr(err.message, "SECRETWORD"));
    buf_clear(&text);
    wrap(HEADER, "{\"SECRETWORD\":1,\"SECRETWORD\":2}", &text);
    CHECK(!jwt_read(buf_str(&text), &token, &err) && !strstr(err.message, "SECRETWORD"));
    buf_clear(&text);
    wrap(HEADER, "{\"SECRETWORD\":1}", &text);
    CHECK(!jwt_read(buf_str(&text), &token, &err) && !strstr(err.message, "SECRETWORD"));
}

TAP_MAIN
