/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static void check_sha256(struct str bytes, const char *want)
{
    char got[SHA256_HEX_BYTES];
    sha256_hex(bytes, got);
    CHECK_TEXT(got, want);
}

TEST(sha256_gives_the_vectors_of_fips_180)
{
    check_sha256(S(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256(S("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256(S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(sha256_of_parts_and_of_a_stream_is_that_of_the_whole)
{
    uint8_t whole[SHA256_BYTES], other[SHA256_BYTES];
    struct str parts[] = {S("a"), S(""), S("bc")};
    scoped(sha256_stream_done) struct sha256_stream stream;

    sha256(S("abc"), whole);
    sha256_parts(parts, COUNT(parts), other);
    CHECK(memcmp(whole, other, sizeof whole) == 0);
    sha256_stream_init(&stream);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(parts); i++)
            sha256_stream_add(&stream, parts[i]);
        sha256_stream_finish(&stream, other);
        CHECK(memcmp(whole, other, sizeof whole) == 0);
    }
}

TEST(sha256_stream_gives_the_million_a_vector)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES], block[1000];
    scoped(sha256_stream_done) struct sha256_stream stream;

    memset(block, 'a', sizeof block);
    sha256_stream_init(&stream);
    for (int i = 0; i < 1000; i++)
        sha256_stream_add(&stream, (struct str){block, sizeof block});
    sha256_stream_finish(&stream, digest);
    hex_encode(digest, sizeof digest, hex);
    CHECK_TEXT(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231, cases 1 and 6: a short key, and one longer than a block. */
TEST(hmac_sha256_gives_the_vectors_of_rfc_4231)
{
    uint8_t code[SHA256_BYTES];
    char key[131], hex[SHA256_HEX_BYTES];

    memset(key, 0x0b, 20);
    hmac_sha256((struct str){key, 20}, S("Hi There"), code);
    hex_encode(code, sizeof code, hex);
    CHECK_TEXT(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(key, 0xaa, sizeof key);
    hmac_sha256((struct str){key, sizeof key},
        S("Test Using Larger Than Block-Size Key - Hash Key First"), code);
    hex_encode(code, sizeof code, hex);
    CHECK_TEXT(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(equal_compares_length_and_bytes)
{
    CHECK(crypto_equal(S("abc"), S("abc")));
    CHECK(!crypto_equal(S("abc"), S("abd")));
    CHECK(!crypto_equal(S("abc"), S("ab")));
    CHECK(crypto_equal(S(""), S("")));
}

/* RFC 8032, 7.1: TEST 1, TEST 2, TEST 3. PKCS#8 is a fixed prefix before the seed. */
static const struct {
    const char *seed, *public_key, *message, *signature;
} RFC8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
     "f9b46b"
        "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
     "f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
     "4dc659"
        "4a7c15e9716ed28dc027beceea1ec40a"},
};

static bool load_seed(const char *seed_hex, struct sign_key **ret_key)
{
    char der[48] = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", path[128];
    scoped(buf_done) struct buf pem = buf_of(512);
    struct err err;

    if (!hex_decode(str_from(seed_hex), 32, der + 16))
        return false;
    buf_add(&pem, S("-----BEGIN PRIVATE KEY-----\n"));
    base64_encode((struct str){der, sizeof der}, &pem);
    buf_add(&pem, S("\n-----END PRIVATE KEY-----\n"));
    snprintf(path, sizeof path, "%s/seed.pem", scratch_folder());
    return file_replace(path, buf_str(&pem), 0600, &err) && sign_key_load(path, ret_key, &err);
}

TEST(ed25519_gives_the_vectors_of_rfc_8032)
{
    for (size_t i = 0; i < COUNT(RFC8032); i++) {
        scoped(sign_key_done) struct sign_key *key = NULL;
        uint8_t public_key[PUBLIC_KEY_BYTES], signature[SIGNATURE_BYTES];
        char hex[HEX_BYTES(64)], message[8];
        struct str text = {message, strlen(RFC8032[i].message) / 2};

        REQUIRE(load_seed(RFC8032[i].seed, &key));
        REQUIRE(hex_decode(str_from(RFC8032[i].message), text.len, message));
        sign_key_public(key, public_key);
        hex_encode(public_key, sizeof public_key, hex);
        CHECK_TEXT(hex, RFC8032[i].public_key);
        sign_key_sign(key, text, signature);
        hex_encode(signature, sizeof signature, hex);
        CHECK_TEXT(hex, RFC8032[i].signature);
        CHECK(signature_authentic(public_key, text, (struct str){(char *)signature, 64}));
    }
}

TEST(every_flipped_bit_of_signature_or_text_is_seen)
{
    scoped(sign_key_done) struct sign_key *key = NULL;
    uint8_t public_key[PUBLIC_KEY_BYTES], signature[SIGNATURE_BYTES];
    char text[] = "plan";
    struct str whole = {text, 4}, proof = {(char *)signature, sizeof signature};

    sign_key_make(&key);
    sign_key_public(key, public_key);
    sign_key_sign(key, whole, signature);
    CHECK(signature_authentic(public_key, whole, proof));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!signature_authentic(public_key, whole, proof));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 32; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        CHECK(!signature_authentic(public_key, whole, proof));
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    CHECK(!signature_authentic(public_key, whole, (struct str){proof.at, 63}));
    CHECK(!signature_authentic(public_key, whole, S("")));
}

TEST(key_file_is_private_comes_back_and_is_never_overwritten)
{
    scoped(sign_key_done) struct sign_key *key = NULL, *back = NULL;
    uint8_t first[PUBLIC_KEY_BYTES], second[PUBLIC_KEY_BYTES];
    char path[128];
    struct stat seen;
    struct err err = {0};

    snprintf(path, sizeof path, "%s/node.pem", scratch_folder());
    sign_key_make(&key);
    REQUIRE(sign_key_save(key, path, &err));
    REQUIRE(stat(path, &seen) == 0);
    CHECK_INT(seen.st_mode & 07777, 0600);
    CHECK_INT(seen.st_nlink, 1);
    REQUIRE(sign_key_load(path, &back, &err));
    sign_key_public(key, first);
    sign_key_public(back, second);
    CHECK(memcmp(first, second, sizeof first) == 0);
    CHECK(!sign_key_save(key, path, &err));
    CHECK_TEXT(err.code, "key_exists");
}

TEST(exposed_foreign_and_broken_key_files_are_refused)
{
    scoped(sign_key_done) struct sign_key *key = NULL, *none = NULL;
    char path[128];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/node.pem", scratch_folder());
    CHECK(!sign_key_load(path, &none, &err) && err.kind == ERR_SYSTEM);
    sign_key_make(&key);
    REQUIRE(sign_key_save(key, path, &err) && chmod(path, 0640) == 0);
    CHECK(!sign_key_load(path, &none, &err));
    CHECK_TEXT(err.code, "key_exposed");
    REQUIRE(file_replace(path, S("-----BEGIN PRIVATE KEY-----\nAAAA\n"), 0600, &err));
    CHECK(!sign_key_load(path, &none, &err));
    CHECK_TEXT(err.code, "key_malformed");
    scoped(free_done) char *huge = calloc(1, KEY_FILE_BYTES_MAX);
    REQUIRE(file_replace(path, (struct str){huge, KEY_FILE_BYTES_MAX}, 0600, &err));
    CHECK(!sign_key_load(path, &none, &err) && err.kind == ERR_INPUT);
    CHECK(!sign_key_load("/", &none, &err) && err.kind == ERR_INPUT);
    CHECK(!none);
}

TEST(public_key_text_goes_there_and_back_and_only_that_text)
{
    uint8_t public_key[PUBLIC_KEY_BYTES], back[PUBLIC_KEY_BYTES];
    char text[PUBLIC_KEY_TEXT_BYTES], id[KEY_ID_BYTES];
    struct err err = {0};

    REQUIRE(hex_decode(str_from(RFC8032[0].public_key), sizeof public_key, public_key));
    public_key_text(public_key, text);
    CHECK_TEXT(text, "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    CHECK(public_key_parse(str_from(text), back, &err));
    CHECK(memcmp(back, public_key, sizeof back) == 0);
    key_id_of(public_key, id);
    CHECK_TEXT(id, "21fe31dfa154a261");
    CHECK(!public_key_parse(S("ed25519:"), back, &err));
    CHECK(!public_key_parse(S("ed25519:AAAA"), back, &err));
    CHECK(!public_key_parse(S(""), back, &err));
    CHECK(!public_key_parse(S("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), back, &err));
    CHECK(
        !public_key_parse(S("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=="), back, &err));
    CHECK_TEXT(err.code, "public_key_malformed");
}

TAP_MAIN
