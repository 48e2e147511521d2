/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/es256.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

/* RFC 7515, appendix A.3. */
static const char A3_TEXT[] =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
    "VlfQ";
static const char A3_X[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=";
static const char A3_Y[] = "x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0=";
static const char A3_SIGNATURE[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6+Xx+F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3+Kg6NU1Q==";
/* RFC 8037, appendix A.4. */
static const char A4_TEXT[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char A4_X[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char A4_SIGNATURE[] =
    "hgyY0il/MGCjP0JzlnLWG1PPOt7+09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr/MuM0KAg==";

static bool bytes_of(const char *base64, size_t want, uint8_t *ret_bytes)
{
    size_t count = 0;

    return base64_decode(str_from(base64), want, ret_bytes, &count) && count == want;
}

static bool a3_key(uint8_t ret_public[ES256_PUBLIC_BYTES])
{
    ret_public[0] = 4;
    return bytes_of(A3_X, 32, ret_public + 1) && bytes_of(A3_Y, 32, ret_public + 33);
}

TEST(es256_gives_the_vector_of_rfc_7515)
{
    scoped(verifier_done) struct verifier *verifier = NULL;
    uint8_t public_key[ES256_PUBLIC_BYTES], signature[ES256_SIGNATURE_BYTES];
    struct str proof = {(char *)signature, sizeof signature};
    struct err err;

    REQUIRE(a3_key(public_key) && bytes_of(A3_SIGNATURE, sizeof signature, signature));
    REQUIRE(verifier_es256(public_key, &verifier, &err));
    CHECK(verifier_authentic(verifier, str_from(A3_TEXT), proof));
    CHECK(!verifier_authentic(verifier, str_from(A4_TEXT), proof));
    CHECK(!verifier_authentic(verifier, str_from(A3_TEXT), (struct str){proof.at, 63}));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit += 7) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!verifier_authentic(verifier, str_from(A3_TEXT), proof));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    memset(signature, 0, sizeof signature); /* r = s = 0: CVE-2022-21449 of another library */
    CHECK(!verifier_authentic(verifier, str_from(A3_TEXT), proof));
    memset(signature, 0xff, sizeof signature);
    CHECK(!verifier_authentic(verifier, str_from(A3_TEXT), proof));
}

TEST(a_ready_ed25519_key_gives_the_vector_of_rfc_8037)
{
    scoped(verifier_done) struct verifier *verifier = NULL;
    uint8_t public_key[PUBLIC_KEY_BYTES], signature[SIGNATURE_BYTES];
    struct str proof = {(char *)signature, sizeof signature};

    REQUIRE(bytes_of(A4_X, sizeof public_key, public_key));
    REQUIRE(bytes_of(A4_SIGNATURE, sizeof signature, signature));
    verifier_ed25519(public_key, &verifier);
    CHECK(verifier_authentic(verifier, str_from(A4_TEXT), proof));
    CHECK(!verifier_authentic(verifier, str_from(A3_TEXT), proof));
    CHECK(!verifier_authentic(verifier, str_from(A4_TEXT), S("")));
    signature[5] ^= 1;
    CHECK(!verifier_authentic(verifier, str_from(A4_TEXT), proof));
}

TEST(a_point_beside_the_curve_is_no_key)
{
    scoped(verifier_done) struct verifier *verifier = NULL;
    uint8_t public_key[ES256_PUBLIC_BYTES];
    struct err err = {0};

    REQUIRE(a3_key(public_key));
    public_key[64] ^= 1;
    CHECK(!verifier_es256(public_key, &verifier, &err));
    CHECK_TEXT(err.code, "public_key_malformed");
    public_key[64] ^= 1;
    public_key[0] = 6; /* hybrid form: another text for the same point */
    CHECK(!verifier_es256(public_key, &verifier, &err));
    memset(public_key, 0, sizeof public_key);
    CHECK(!verifier_es256(public_key, &verifier, &err));
    CHECK(!verifier);
}

TEST(a_key_signs_is_saved_once_and_comes_back)
{
    scoped(es256_key_done) struct es256_key *key = NULL, *back = NULL;
    scoped(verifier_done) struct verifier *verifier = NULL;
    scoped(sign_key_done) struct sign_key *wrong = NULL;
    uint8_t first[ES256_PUBLIC_BYTES], second[ES256_PUBLIC_BYTES], signature[ES256_SIGNATURE_BYTES];
    char path[128];
    struct stat seen;
    struct err err = {0};

    snprintf(path, sizeof path, "%s/es256.pem", scratch_folder());
    es256_key_make(&key);
    REQUIRE(es256_key_save(key, path, &err) && stat(path, &seen) == 0);
    CHECK_INT(seen.st_mode & 07777, 0600);
    CHECK(!es256_key_save(key, path, &err));
    CHECK_TEXT(err.code, "key_exists");
    REQUIRE(es256_key_load(path, &back, &err));
    es256_key_public(key, first);
    es256_key_public(back, second);
    CHECK(memcmp(first, second, sizeof first) == 0);
    REQUIRE(verifier_es256(first, &verifier, &err));
    for (int i = 0; i < 64; i++) { /* short r and s are padded */
        es256_key_sign(back, S("text"), signature);
        CHECK(verifier_authentic(verifier, S("text"), (struct str){(char *)signature, 64}));
    }
    CHECK(!sign_key_load(path, &wrong, &err));
    CHECK_TEXT(err.code, "key_malformed");
}

TEST(another_curve_and_another_kind_are_refused)
{
    scoped(es256_key_done) struct es256_key *key = NULL;
    scoped(sign_key_done) struct sign_key *edwards = NULL;
    char path[128], other[140];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/key.pem", scratch_folder());
    snprintf(other, sizeof other, "%s.p384", path);
    sign_key_make(&edwards);
    REQUIRE(sign_key_save(edwards, path, &err));
    CHECK(!es256_key_load(path, &key, &err));
    CHECK_TEXT(err.code, "key_malformed");
    EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    FILE *file = fopen(other, "w");
    REQUIRE(p384 && file && PEM_write_PrivateKey(file, p384, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    EVP_PKEY_free(p384);
    REQUIRE(chmod(other, 0600) == 0);
    CHECK(!es256_key_load(other, &key, &err));
    CHECK_TEXT(err.code, "key_malformed");
    REQUIRE(chmod(other, 0644) == 0);
    CHECK(!es256_key_load(other, &key, &err));
    CHECK_TEXT(err.code, "key_exposed");
    CHECK(!key);
}

TAP_MAIN
