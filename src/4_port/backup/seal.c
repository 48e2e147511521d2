/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/seal.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>
#include <zlib.h>

#define NONCE_BYTES 12
#define INFO "logic-node/backup/v1"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define TEXT_HEAD "LNR1"
#define GROUPS 14
#define CHECK_BYTES 3
#define PUBLIC_HEAD "x25519:"

static void cipher_done(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

static void pkey_done(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void pkey_context_done(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void pair_make(uint8_t private_half[SEAL_KEY_BYTES], uint8_t public_half[SEAL_KEY_BYTES])
{
    scoped(pkey_done) EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    size_t private_len = SEAL_KEY_BYTES, public_len = SEAL_KEY_BYTES;

    check(pair && EVP_PKEY_get_raw_private_key(pair, private_half, &private_len) == 1 &&
          EVP_PKEY_get_raw_public_key(pair, public_half, &public_len) == 1);
}

void recovery_key_make(struct recovery_key *ret_key)
{
    pair_make(ret_key->private_half, ret_key->public_half);
}

void seal_ephemeral_make(struct seal_ephemeral *ret_ephemeral)
{
    pair_make(ret_ephemeral->private_half, ret_ephemeral->public_half);
}

/* The 32 bytes and the first of their hash. */
static void with_check(
    const uint8_t key[SEAL_KEY_BYTES], uint8_t ret_bytes[SEAL_KEY_BYTES + CHECK_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    const struct str parts[] = {S(TEXT_HEAD), {(const char *)key, SEAL_KEY_BYTES}};

    sha256_parts(parts, COUNT(parts), digest);
    memcpy(ret_bytes, key, SEAL_KEY_BYTES);
    memcpy(ret_bytes + SEAL_KEY_BYTES, digest, CHECK_BYTES);
}

void recovery_key_text(const struct recovery_key *key, char ret_text[RECOVERY_TEXT_BYTES])
{
    uint8_t bytes[SEAL_KEY_BYTES + CHECK_BYTES];
    char *at = ret_text;

    _Static_assert(sizeof bytes * 8 == GROUPS * 4 * 5, "no bit is left over");
    with_check(key->private_half, bytes);
    memcpy(at, TEXT_HEAD, 4);
    at += 4;
    for (size_t i = 0; i < GROUPS * 4; i++) {
        size_t bit = i * 5;
        unsigned pair =
            (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < sizeof bytes ? bytes[bit / 8 + 1] : 0u);
        if (i % 4 == 0)
            *at++ = '-';
        *at++ = LETTERS[pair >> (11 - bit % 8) & 31];
    }
    *at = '\0';
    OPENSSL_cleanse(bytes, sizeof bytes);
}

static bool malformed(struct err *err, const char *what)
{
    return err_code(err, ERR_INPUT, "recovery_key_malformed", NULL,
        "this is no recovery key: %s; it is one line such as " TEXT_HEAD
        "-ABCD-… of %d groups, as `logicctl backup key` printed it",
        what, GROUPS);
}

/* Letters alone, in capitals, behind the head. */
static bool letters_of(struct str text, char ret_letters[GROUPS * 4], struct err *err)
{
    char seen[4 + GROUPS * 4], why[80];
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        if (count == sizeof seen)
            return malformed(err, "it is too long");
        seen[count++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    if (count < 4 || memcmp(seen, TEXT_HEAD, 4) != 0)
        return malformed(err, "it does not begin with " TEXT_HEAD);
    if (count != sizeof seen)
        return malformed(err, "it is too short");
    for (size_t i = 4; i < count; i++)
        if (!seen[i] || !strchr(LETTERS, seen[i])) {
            snprintf(why, sizeof why, "letter %zu of group %zu is none of A to Z, 2 to 7",
                (i - 4) % 4 + 1, (i - 4) / 4 + 1);
            return malformed(err, why);
        }
    memcpy(ret_letters, seen + 4, GROUPS * 4);
    return true;
}

bool recovery_key_parse(struct str text, struct recovery_key *ret_key, struct err *err)
{
    uint8_t bytes[SEAL_KEY_BYTES + CHECK_BYTES] = {0}, wanted[sizeof bytes];
    char letters[GROUPS * 4];

    if (!letters_of(text, letters, err))
        return false;
    for (size_t i = 0; i < sizeof letters; i++) {
        size_t bit = i * 5;
        unsigned value = (unsigned)(strchr(LETTERS, letters[i]) - LETTERS) << (11 - bit % 8);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] | value >> 8);
        if (bit / 8 + 1 < sizeof bytes)
            bytes[bit / 8 + 1] = (uint8_t)(bytes[bit / 8 + 1] | (value & 255));
    }
    with_check(bytes, wanted);
    if (CRYPTO_memcmp(bytes, wanted, sizeof bytes) != 0)
        return malformed(err, "a letter is mistyped (its check sum differs)");
    scoped(pkey_done) EVP_PKEY *pair =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, SEAL_KEY_BYTES);
    size_t len = SEAL_KEY_BYTES;
    check(pair && EVP_PKEY_get_raw_public_key(pair, ret_key->public_half, &len) == 1);
    memcpy(ret_key->private_half, bytes, SEAL_KEY_BYTES);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

void recovery_public_text(
    const uint8_t public_half[SEAL_KEY_BYTES], char ret_text[RECOVERY_PUBLIC_TEXT_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(RECOVERY_PUBLIC_TEXT_BYTES);

    base64_encode((struct str){(const char *)public_half, SEAL_KEY_BYTES}, &text);
    snprintf(ret_text, RECOVERY_PUBLIC_TEXT_BYTES, PUBLIC_HEAD "%s", buf_text(&text));
}

bool recovery_public_parse(
    struct str text, uint8_t ret_public_half[SEAL_KEY_BYTES], struct err *err)
{
    struct str head = S(PUBLIC_HEAD), trimmed = str_trim(text);
    uint8_t bytes[SEAL_KEY_BYTES];
    size_t count = 0;

    if (str_starts(trimmed, head) &&
        base64_decode((struct str){trimmed.at + head.len, trimmed.len - head.len}, sizeof bytes,
            bytes, &count) &&
        count == sizeof bytes) {
        memcpy(ret_public_half, bytes, sizeof bytes);
        return true;
    }
    return err_code(err, ERR_INPUT, "recovery_public_malformed", NULL,
        "this is no public half of a recovery key (" PUBLIC_HEAD
        " and 44 characters of base64): `logicctl backup key` makes one");
}

/* --- closing --------------------------------------------------------------------------------- */

/* Every key closes one text, so the nonce may stand still. */
static const uint8_t NONCE[NONCE_BYTES];

static void gcm_close(
    const uint8_t key[SEAL_KEY_BYTES], struct str beside, struct str text, struct buf *out)
{
    scoped(cipher_done) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *at = (uint8_t *)buf_room(out, text.len + SEAL_TAG_BYTES);
    int len = 0;

    check(at && context);
    check(
        EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, NONCE, NULL) == 1 &&
        EVP_EncryptUpdate(context, NULL, &len, (const uint8_t *)beside.at, (int)beside.len) == 1 &&
        EVP_EncryptUpdate(context, at, &len, (const uint8_t *)text.at, (int)text.len) == 1 &&
        (size_t)len == text.len && EVP_EncryptFinal_ex(context, at + text.len, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, at + text.len) == 1);
    out->len += text.len + SEAL_TAG_BYTES;
}

static bool gcm_open(
    const uint8_t key[SEAL_KEY_BYTES], struct str beside, struct str sealed, struct buf *out)
{
    scoped(cipher_done) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t tag[SEAL_TAG_BYTES];
    int len = 0;

    if (sealed.len < SEAL_TAG_BYTES || sealed.len > INT32_MAX)
        return false;
    size_t text_len = sealed.len - SEAL_TAG_BYTES;
    uint8_t *at = (uint8_t *)buf_room(out, text_len + 1); /* never a NULL for no bytes */
    if (!at)
        return false;
    check(context);
    memcpy(tag, sealed.at + text_len, sizeof tag);
    check(
        EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, NONCE, NULL) == 1 &&
        EVP_DecryptUpdate(context, NULL, &len, (const uint8_t *)beside.at, (int)beside.len) == 1 &&
        EVP_DecryptUpdate(context, at, &len, (const uint8_t *)sealed.at, (int)text_len) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) == 1);
    if (EVP_DecryptFinal_ex(context, at + text_len, &len) != 1)
        return false; /* what was written lies behind out->len */
    out->len += text_len;
    return true;
}

void seal_chunk(
    struct str secret, struct str text, uint8_t ret_key[SEAL_KEY_BYTES], struct buf *out)
{
    scoped(buf_done) struct buf shrunk = buf_of(SEAL_SEALED_BYTES_MAX);
    uLongf len = compressBound(text.len);

    check(text.len <= SEAL_CHUNK_BYTES_MAX);
    uint8_t *at = (uint8_t *)buf_room(&shrunk, len);
    check(at && compress2(at, &len, (const uint8_t *)text.at, text.len, 6) == Z_OK);
    shrunk.len = len;
    hmac_sha256(secret, text, ret_key);
    gcm_close(ret_key, S(""), buf_str(&shrunk), out);
}

bool seal_open_chunk(
    const uint8_t key[SEAL_KEY_BYTES], struct str sealed, size_t text_len, struct buf *out)
{
    scoped(buf_done) struct buf shrunk = buf_of(SEAL_SEALED_BYTES_MAX);

    if (text_len > SEAL_CHUNK_BYTES_MAX || sealed.len > SEAL_SEALED_BYTES_MAX ||
        !gcm_open(key, S(""), sealed, &shrunk))
        return false;
    uint8_t *at = (uint8_t *)buf_room(out, text_len + 1);
    uLongf len = text_len;
    if (!at || uncompress(at, &len, (const uint8_t *)buf_str(&shrunk).at, shrunk.len) != Z_OK ||
        len != text_len)
        return false;
    out->len += text_len;
    return true;
}

/* false: the other half gives no secret (all zeros). */
static bool agree(const uint8_t private_half[SEAL_KEY_BYTES], const uint8_t other[SEAL_KEY_BYTES],
    const uint8_t ephemeral[SEAL_KEY_BYTES], const uint8_t recovery[SEAL_KEY_BYTES],
    uint8_t ret_key[SEAL_KEY_BYTES])
{
    scoped(pkey_done) EVP_PKEY *mine =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_half, SEAL_KEY_BYTES);
    scoped(pkey_done) EVP_PKEY *theirs =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other, SEAL_KEY_BYTES);
    check(mine && theirs);
    scoped(pkey_context_done) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(mine, NULL);
    scoped(pkey_context_done) EVP_PKEY_CTX *hkdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    uint8_t secret[SEAL_KEY_BYTES], salt[2 * SEAL_KEY_BYTES];
    size_t len = sizeof secret, key_len = SEAL_KEY_BYTES;

    check(context && hkdf && EVP_PKEY_derive_init(context) == 1);
    if (EVP_PKEY_derive_set_peer(context, theirs) != 1 ||
        EVP_PKEY_derive(context, secret, &len) != 1)
        return false;
    memcpy(salt, ephemeral, SEAL_KEY_BYTES);
    memcpy(salt + SEAL_KEY_BYTES, recovery, SEAL_KEY_BYTES);
    check(EVP_PKEY_derive_init(hkdf) == 1 && EVP_PKEY_CTX_set_hkdf_md(hkdf, EVP_sha256()) == 1 &&
          EVP_PKEY_CTX_set1_hkdf_salt(hkdf, salt, sizeof salt) == 1 &&
          EVP_PKEY_CTX_set1_hkdf_key(hkdf, secret, (int)len) == 1 &&
          EVP_PKEY_CTX_add1_hkdf_info(hkdf, (const uint8_t *)INFO, (int)strlen(INFO)) == 1 &&
          EVP_PKEY_derive(hkdf, ret_key, &key_len) == 1 && key_len == SEAL_KEY_BYTES);
    OPENSSL_cleanse(secret, sizeof secret);
    return true;
}

bool seal_text(const struct seal_ephemeral *ephemeral, const uint8_t recovery[SEAL_KEY_BYTES],
    struct str beside, struct str text, struct buf *out, struct err *err)
{
    uint8_t key[SEAL_KEY_BYTES];

    if (!agree(ephemeral->private_half, recovery, ephemeral->public_half, recovery, key))
        return err_code(err, ERR_INPUT, "recovery_public_malformed", NULL,
            "the recovery key's public half is none that a key can have: make another by "
            "`logicctl backup key`");
    gcm_close(key, beside, text, out);
    OPENSSL_cleanse(key, sizeof key);
    return true;
}

bool seal_open_text(const struct recovery_key *key, const uint8_t ephemeral[SEAL_KEY_BYTES],
    struct str beside, struct str sealed, struct buf *out)
{
    uint8_t shared[SEAL_KEY_BYTES];

    if (!agree(key->private_half, ephemeral, ephemeral, key->public_half, shared))
        return false;
    bool good = gcm_open(shared, beside, sealed, out);
    OPENSSL_cleanse(shared, sizeof shared);
    return good;
}
