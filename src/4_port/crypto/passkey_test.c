/* SPDX-License-Identifier: Apache-2.0
 * Vectors: Web Authentication level 3, §16.2 (ES256) and §16.11 (Ed25519): RP ID example.org; their
 * authenticator verified nobody, so they are authentic and yet no consent. Assertions of our own
 * are made with fresh keys. */
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/es256.h"
#include "crypto/passkey.h"
#include "jwt/jwt.h"
#include "tap.h"

#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#define VECTOR_BYTES_MAX 512

struct bytes {
    size_t len;
    uint8_t at[VECTOR_BYTES_MAX];
};

static struct str slice(const struct bytes *bytes)
{
    return (struct str){(const char *)bytes->at, bytes->len};
}

static struct bytes hex(const char *text)
{
    struct bytes bytes = {.len = strlen(text) / 2};

    if (!hex_decode(str_from(text), bytes.len, bytes.at))
        abort();
    return bytes;
}

#define RP_HASH "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5"
#define ES256_CREATED                                                                              \
    RP_HASH "59000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579b" \
            "a6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db908" \
            "56062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e" \
            "2664796b9220"
#define ES256_CREATED_CLIENT                                                                       \
    "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d50743455" \
    "7878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e22" \
    "3a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c226578" \
    "74726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e646564207769746820" \
    "6164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a" \
    "20426b5165446a646354427258426941774a544c453551227d"
#define ES256_CHALLENGE "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130"
#define ES256_SAID RP_HASH "1900000000"
#define ES256_CLIENT                                                                               \
    "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c" \
    "5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268" \
    "747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d"
#define ES256_SIGNATURE                                                                            \
    "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93" \
    "538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87"
#define ED25519_CREATED                                                                            \
    RP_HASH "4100000000d5aa33581e8ca478e20fe713f5d32ff20020ce9f840ed96599580cd140fbc7bb3230633f50" \
            "f61041aff73308ae71caa8a2bda401010327200621582044e06ddd331c36a8dc667bab52bcae63486c91" \
            "6aa5e339e6acebaa84934bf832"
#define ED25519_SAID RP_HASH "0100000000"
#define ED25519_CLIENT                                                                             \
    "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2269566c583442786a4f6d" \
    "6d44534b4c596f7870557439736e364d48454f7943413135726947514a6e763949222c226f726967696e223a2268" \
    "747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d"
#define ED25519_SIGNATURE                                                                          \
    "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fec" \
    "b097d6607525713223a0dc0d453993dae00b"

static struct webauthn_key key_of(const char *created)
{
    struct webauthn_authenticator said = {0};
    struct bytes data = hex(created);
    struct err err = {0};

    if (!webauthn_authenticator_read(slice(&data), &said, &err))
        printf("# %s\n", err.message);
    return said.key;
}

/* The vector is authentic, and no more when any byte of it is another. */
static void check_vector(
    const char *created, const char *said, const char *client, const char *signature)
{
    struct webauthn_key key = key_of(created);
    struct bytes parts[] = {hex(said), hex(client), hex(signature)};

    CHECK(passkey_authentic(&key, slice(&parts[0]), slice(&parts[1]), slice(&parts[2])));
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t k = 0; k < parts[i].len; k++) {
            parts[i].at[k] ^= 1;
            CHECK(!passkey_authentic(&key, slice(&parts[0]), slice(&parts[1]), slice(&parts[2])));
            parts[i].at[k] ^= 1;
        }
    parts[2].at[parts[2].len++] = 0;
    CHECK(!passkey_authentic(&key, slice(&parts[0]), slice(&parts[1]), slice(&parts[2])));
    parts[2].len -= 2;
    CHECK(!passkey_authentic(&key, slice(&parts[0]), slice(&parts[1]), slice(&parts[2])));
    CHECK(!passkey_authentic(&key, slice(&parts[0]), slice(&parts[1]), S("")));
}

TEST(es256_gives_the_vector_of_webauthn)
{
    check_vector(ES256_CREATED, ES256_SAID, ES256_CLIENT, ES256_SIGNATURE);
}

TEST(ed25519_gives_the_vector_of_webauthn)
{
    check_vector(ED25519_CREATED, ED25519_SAID, ED25519_CLIENT, ED25519_SIGNATURE);
}

TEST(what_nobody_verified_is_authentic_and_yet_refused)
{
    static const struct str ORIGINS[] = {S("https://example.org")};
    struct bytes data = hex(ES256_CREATED), client = hex(ES256_CREATED_CLIENT);
    struct bytes challenge = hex(ES256_CHALLENGE);
    struct webauthn_authenticator said;
    struct webauthn_expected expected;
    struct err err = {0};

    passkey_expect(&expected, WEBAUTHN_CREATE, slice(&challenge), ORIGINS, 1, S("example.org"));
    CHECK(!passkey_check_new(&expected, slice(&data), slice(&client), &said, &err));
    CHECK_TEXT(err.code, "not_verified");
    data.at[32] |= WEBAUTHN_VERIFIED; /* no signature is over it without attestation */
    CHECK(passkey_check_new(&expected, slice(&data), slice(&client), &said, &err));
    CHECK_INT(said.credential_id.len, 32);
    challenge.at[0] ^= 1;
    CHECK(!passkey_check_new(&expected, slice(&data), slice(&client), &said, &err));
    CHECK_TEXT(err.code, "bad_challenge");
    challenge.at[0] ^= 1;
    data.at[data.len - 1] ^= 1; /* beside the curve */
    CHECK(!passkey_check_new(&expected, slice(&data), slice(&client), &said, &err));
    CHECK_TEXT(err.code, "bad_credential_key");
}

/* --- whole assertions of our own ---------------------------------------------------------------
 */

#define ORIGIN "https://node.test:8443"
#define RP_ID "node.test"

struct fresh {
    struct webauthn_key key;
    EVP_PKEY *pair;
};

static void fresh_done(struct fresh *fresh)
{
    EVP_PKEY_free(fresh->pair);
}

static struct fresh fresh_key(enum webauthn_kind kind)
{
    struct fresh fresh = {.key = {.kind = kind, .len = kind == WEBAUTHN_ES256 ? 65 : 32}};
    size_t len = sizeof fresh.key.bytes;

    fresh.pair = kind == WEBAUTHN_ES256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                        : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool good = kind == WEBAUTHN_ES256
                    ? EVP_PKEY_get_octet_string_param(
                          fresh.pair, "pub", fresh.key.bytes, sizeof fresh.key.bytes, &len) == 1
                    : EVP_PKEY_get_raw_public_key(fresh.pair, fresh.key.bytes, &len) == 1;
    if (!good || len != fresh.key.len)
        abort();
    return fresh;
}

static void sign(const struct fresh *fresh, struct webauthn_assertion *assertion)
{
    scoped(buf_done) struct buf text = buf_of(4096);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t digest[SHA256_BYTES];
    bool es256 = fresh->key.kind == WEBAUTHN_ES256;

    sha256((struct str){(char *)assertion->client, assertion->client_len}, digest);
    webauthn_signed_bytes(
        (struct str){(char *)assertion->authenticator, assertion->authenticator_len}, digest,
        &text);
    assertion->signature_len = sizeof assertion->signature;
    if (EVP_DigestSignInit_ex(
            context, NULL, es256 ? "SHA256" : NULL, NULL, NULL, fresh->pair, NULL) != 1 ||
        EVP_DigestSign(context, assertion->signature, &assertion->signature_len,
            (const uint8_t *)text.at, text.len) != 1)
        abort();
    EVP_MD_CTX_free(context);
}

/* A good one over `challenge`. */
static struct webauthn_assertion assert_by(const struct fresh *fresh, struct str challenge)
{
    static struct webauthn_assertion assertion;
    scoped(buf_done) struct buf encoded = buf_of(128);

    base64url_encode(challenge, &encoded);
    assertion = (struct webauthn_assertion){.authenticator_len = 37};
    sha256(S(RP_ID), assertion.authenticator);
    assertion.authenticator[32] = WEBAUTHN_PRESENT | WEBAUTHN_VERIFIED;
    assertion.client_len = (size_t)snprintf((char *)assertion.client, sizeof assertion.client,
        "{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"" ORIGIN
        "\",\"crossOrigin\":false}",
        buf_text(&encoded));
    sign(fresh, &assertion);
    return assertion;
}

TEST(a_whole_assertion_is_good_for_its_key_challenge_origin_and_site)
{
    static const struct str ORIGINS[] = {S("https://other.test"), S(ORIGIN)};

    for (int kind = WEBAUTHN_ES256; kind <= WEBAUTHN_ED25519; kind++) {
        scoped(fresh_done) struct fresh fresh = fresh_key((enum webauthn_kind)kind);
        scoped(fresh_done) struct fresh other = fresh_key((enum webauthn_kind)kind);
        struct webauthn_assertion assertion = assert_by(&fresh, S("challenge"));
        struct webauthn_expected expected;
        struct err err = {0};

        passkey_expect(&expected, WEBAUTHN_GET, S("challenge"), ORIGINS, 2, S(RP_ID));
        CHECK(passkey_check(&expected, &fresh.key, &assertion, &err));
        CHECK(!passkey_check(&expected, &other.key, &assertion, &err));
        CHECK_TEXT(err.code, "bad_signature");
        passkey_expect(&expected, WEBAUTHN_GET, S("another"), ORIGINS, 2, S(RP_ID));
        CHECK(!passkey_check(&expected, &fresh.key, &assertion, &err));
        CHECK_TEXT(err.code, "bad_challenge");
        passkey_expect(&expected, WEBAUTHN_GET, S("challenge"), ORIGINS, 1, S(RP_ID));
        CHECK(!passkey_check(&expected, &fresh.key, &assertion, &err));
        CHECK_TEXT(err.code, "bad_origin");
        passkey_expect(&expected, WEBAUTHN_GET, S("challenge"), ORIGINS, 2, S("test"));
        CHECK(!passkey_check(&expected, &fresh.key, &assertion, &err));
        CHECK_TEXT(err.code, "bad_rp");
        passkey_expect(&expected, WEBAUTHN_CREATE, S("challenge"), ORIGINS, 2, S(RP_ID));
        CHECK(!passkey_check(&expected, &fresh.key, &assertion, &err));
        CHECK_TEXT(err.code, "bad_type");
    }
}

TEST(a_key_of_the_other_kind_verifies_nothing)
{
    scoped(fresh_done) struct fresh fresh = fresh_key(WEBAUTHN_ED25519);
    struct webauthn_assertion assertion = assert_by(&fresh, S("challenge"));
    struct webauthn_key wrong = {.kind = WEBAUTHN_ES256, .len = 65, .bytes = {4}};

    memcpy(wrong.bytes + 1, fresh.key.bytes, 32);
    CHECK(!passkey_authentic(&wrong,
        (struct str){(char *)assertion.authenticator, assertion.authenticator_len},
        (struct str){(char *)assertion.client, assertion.client_len},
        (struct str){(char *)assertion.signature, assertion.signature_len}));
}

TEST(der_of_an_es256_signature_has_one_text)
{
    scoped(fresh_done) struct fresh fresh = fresh_key(WEBAUTHN_ES256);
    scoped(verifier_done) struct verifier *verifier = NULL;
    struct err err = {0};
    uint8_t der[96], other[128];
    size_t len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    REQUIRE(verifier_es256(fresh.key.bytes, &verifier, &err));
    REQUIRE(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, fresh.pair, NULL) == 1 &&
            EVP_DigestSign(context, der, &len, (const uint8_t *)"text", 4) == 1);
    EVP_MD_CTX_free(context);
    CHECK(verifier_authentic_der(verifier, S("text"), (struct str){(char *)der, len}));
    CHECK(!verifier_authentic_der(verifier, S("tex"), (struct str){(char *)der, len}));
    CHECK(!verifier_authentic_der(verifier, S("text"), (struct str){(char *)der, len - 1}));
    memcpy(other, der, len);
    other[len] = 0; /* bytes behind */
    CHECK(!verifier_authentic_der(verifier, S("text"), (struct str){(char *)other, len + 1}));
    memmove(other + 2, other + 1, len - 1); /* a length in two bytes */
    other[1] = 0x81;
    CHECK(!verifier_authentic_der(verifier, S("text"), (struct str){(char *)other, len + 1}));
    memcpy(other, der, 3); /* r with a zero too many before it */
    other[1]++;
    other[3] = (uint8_t)(der[3] + 1);
    other[4] = 0;
    memcpy(other + 5, der + 4, len - 4);
    CHECK(!verifier_authentic_der(verifier, S("text"), (struct str){(char *)other, len + 1}));
    CHECK(!verifier_authentic_der(verifier, S("text"), S("")));
}

TEST(keys_have_one_text_and_an_id)
{
    struct webauthn_key key = key_of(ES256_CREATED), back;
    char text[WEBAUTHN_KEY_TEXT_BYTES], id[KEY_ID_BYTES], other[KEY_ID_BYTES];
    uint8_t edwards[PUBLIC_KEY_BYTES] = {1};
    struct err err = {0};

    webauthn_key_text(&key, text);
    REQUIRE(passkey_key_parse(str_from(text), &back, &err));
    CHECK(back.kind == WEBAUTHN_ES256 && memcmp(back.bytes, key.bytes, key.len) == 0);
    text[strlen(text) - 3] = text[strlen(text) - 3] == 'A' ? 'B' : 'A';
    CHECK(!passkey_key_parse(str_from(text), &back, &err)); /* beside the curve */
    CHECK_TEXT(err.code, "public_key_malformed");
    key = (struct webauthn_key){.kind = WEBAUTHN_ED25519, .len = sizeof edwards};
    memcpy(key.bytes, edwards, sizeof edwards);
    passkey_key_id(&key, id);
    key_id_of(edwards, other);
    CHECK_TEXT(id, other); /* as a key file of these bytes would be called */
}

TAP_MAIN
