/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/memo.h"
#include "tap.h"

#include <openssl/evp.h>
#include <openssl/params.h>

static void text_of(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char)i;
}

/* OpenSSL's own SipHash-2-4 of 128 bits under the same key. */
static struct memo_tag asked_elsewhere(const struct memo *memo, struct str text)
{
    unsigned int size = sizeof(struct memo_tag);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_uint("size", &size), OSSL_PARAM_END};
    struct memo_tag tag = {{0}};
    size_t len = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);

    CHECK(EVP_MAC_init(context, (const unsigned char *)memo->key, MEMO_KEY_BYTES, params) == 1);
    CHECK(EVP_MAC_update(context, (const unsigned char *)text.at, text.len) == 1);
    CHECK(EVP_MAC_final(context, (unsigned char *)&tag, &len, sizeof tag) == 1);
    CHECK_INT(len, sizeof tag);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return tag;
}

TEST(a_tag_is_siphash_2_4_of_128_bits)
{
    static struct memo memo;
    char text[300];

    text_of(text, sizeof text);
    memo_init(&memo);
    for (size_t len = 0; len <= sizeof text; len++) {
        struct memo_tag tag = memo_tag(&memo, (struct str){text, len});
        struct memo_tag other = asked_elsewhere(&memo, (struct str){text, len});
        CHECK(tag.half[0] == other.half[0] && tag.half[1] == other.half[1]);
    }
}

TEST(the_authors_vectors_hold)
{
    static const uint8_t NONE[] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72,
        0x14, 0xc7, 0x55, 0x02, 0x93};
    static struct memo memo;

    text_of((char *)memo.key, sizeof memo.key);
    struct memo_tag tag = memo_tag(&memo, S(""));
    CHECK(memcmp(&tag, NONE, sizeof tag) == 0);
}

TEST(what_was_put_is_found_and_nothing_else)
{
    static struct memo memo;
    uint8_t digest[SHA256_BYTES], got[SHA256_BYTES];

    memo_init(&memo);
    struct memo_tag tag = memo_tag(&memo, S("a token"));
    CHECK(!memo_find(&memo, tag, got));
    sha256(S("a token"), digest);
    memo_put(&memo, tag, digest);
    REQUIRE(memo_find(&memo, tag, got));
    CHECK(memcmp(got, digest, sizeof got) == 0);
    CHECK(!memo_find(&memo, memo_tag(&memo, S("a tokem")), got));
    struct memo_tag same_place = {{tag.half[0], tag.half[1] ^ 1}};
    CHECK(!memo_find(&memo, same_place, got));
    memo_put(&memo, same_place, digest);
    CHECK(memo_find(&memo, same_place, got) && !memo_find(&memo, tag, got));
}

TEST(no_two_processes_have_the_same_key_nor_is_there_one_before)
{
    static struct memo one, other;
    uint8_t got[SHA256_BYTES];

    memo_init(&one);
    memo_init(&other);
    CHECK(memcmp(one.key, other.key, sizeof one.key) != 0);
    for (uint64_t place = 0; place < MEMO_PLACES; place++) /* an empty place is no tag of zeros */
        CHECK(!memo_find(&one, (struct memo_tag){{place, 0}}, got));
}

TAP_MAIN
