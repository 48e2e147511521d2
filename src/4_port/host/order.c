/* SPDX-License-Identifier: Apache-2.0 */
#include "host/order.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "os/random.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define SEED_BYTES 32

/* --- keys ------------------------------------------------------------------------------ */

static void key_done(EVP_PKEY **at)
{
    EVP_PKEY_free(*at);
    *at = NULL;
}

void order_seed_make(char ret_seed[ORDER_SEED_TEXT_BYTES])
{
    uint8_t seed[SEED_BYTES];

    random_bytes(seed, sizeof seed);
    check(
        EVP_EncodeBlock((unsigned char *)ret_seed, seed, sizeof seed) == ORDER_SEED_TEXT_BYTES - 1);
    OPENSSL_cleanse(seed, sizeof seed);
}

static bool key_of(struct str seed, EVP_PKEY **ret_key, struct err *err)
{
    uint8_t bytes[SEED_BYTES + 3];
    size_t count = 0;

    if (!base64_decode(seed, sizeof bytes, bytes, &count) || count != SEED_BYTES) {
        OPENSSL_cleanse(bytes, sizeof bytes);
        return err_code(err, ERR_SYSTEM, "bad_secret", NULL,
            "the key for orders is not the base64 of %d bytes; logicctl agent enroll makes one",
            SEED_BYTES);
    }
    *ret_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, SEED_BYTES);
    OPENSSL_cleanse(bytes, sizeof bytes);
    check(*ret_key);
    return true;
}

bool order_seed_public(struct str seed, uint8_t ret_public[PUBLIC_KEY_BYTES], struct err *err)
{
    scoped(key_done) EVP_PKEY *key = NULL;
    size_t len = PUBLIC_KEY_BYTES;

    if (!key_of(seed, &key, err))
        return false;
    check(EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1 && len == PUBLIC_KEY_BYTES);
    return true;
}

static void sign(EVP_PKEY *key, struct str text, struct buf *ret_base64)
{
    uint8_t signature[SIGNATURE_BYTES];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    check(context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
          EVP_DigestSign(context, signature, &len, (const uint8_t *)text.at, text.len) == 1 &&
          len == SIGNATURE_BYTES);
    EVP_MD_CTX_free(context);
    base64_encode((struct str){(const char *)signature, len}, ret_base64);
}

/* --- writing --------------------------------------------------------------------------- */

bool order_write(const struct order *order, struct str seed, struct buf *out, struct err *err)
{
    scoped(key_done) EVP_PKEY *key = NULL;
    scoped(buf_done) struct buf text = buf_of(ORDER_BYTES_MAX), signature = buf_of(128);
    scoped(json_done) json_t *whole = json_pack("{s:i, s:s%, s:s%, s:s%, s:I, s:O}", "v", 1, "host",
        order->host.at, order->host.len, "case", order->case_id.at, order->case_id.len, "nonce",
        order->nonce.at, order->nonce.len, "expires_at_ms", (json_int_t)order->expires_at_ms, "job",
        order->job);

    if (!whole)
        return err_code(err, ERR_INPUT, "bad_order", NULL, "the order's texts are not UTF-8");
    if (!json_canonical(whole, &text, err) || !key_of(seed, &key, err))
        return false;
    sign(key, buf_str(&text), &signature);
    buf_add(out, S("{\"order\":"));
    json_add_string(out, buf_str(&text));
    buf_printf(out, ",\"signature\":\"%.*s\"}", STR(buf_str(&signature)));
    return !out->overflowed || err_code(err, ERR_LIMIT, "too_large", NULL,
                                   "the order is longer than %zu bytes", out->bytes_max);
}

/* --- reading --------------------------------------------------------------------------- */

void order_done(struct order *order)
{
    json_decref(order->whole);
    *order = (struct order){0};
}

static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", text.at[i], 64))
            return false;
    return text.len > 0;
}

static bool refuse(struct err *err, const char *code, const char *words)
{
    return err_code(
        err, ERR_DENIED, code, NULL, "the order is refused, nothing was done: %s", words);
}

/* Signed before it is looked into. */
static bool authentic(struct str body, const uint8_t public_key[PUBLIC_KEY_BYTES],
    json_t **ret_envelope, struct str *ret_text, struct err *err)
{
    scoped(json_done) json_t *envelope = NULL;
    struct str text, signature64;
    uint8_t signature[SIGNATURE_BYTES + 2];
    size_t signature_len = 0;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("order", &text, 1, ORDER_BYTES_MAX),
        JSON_TAKE_TEXT("signature", &signature64, 1, 128),
    };

    if (!json_read(body, ORDER_BODY_BYTES_MAX, &envelope, err) ||
        !json_take(envelope, fields, COUNT(fields), err)) {
        char why[200];
        snprintf(why, sizeof why, "%.199s", err->message);
        return refuse(err, "bad_order", why);
    }
    if (!base64_decode(signature64, sizeof signature, signature, &signature_len) ||
        !signature_authentic(
            public_key, text, (struct str){(const char *)signature, signature_len}))
        return refuse(err, "bad_signature", "it is not signed with the node's key for orders");
    *ret_envelope = json_incref(envelope);
    *ret_text = text;
    return true;
}

static bool take(struct str text, struct order *order, struct err *err)
{
    scoped(buf_done) struct buf canonical = buf_of(ORDER_BYTES_MAX);
    int64_t version;
    const struct json_field fields[] = {
        JSON_TAKE_INTEGER("v", &version, 1, 1),
        JSON_TAKE_TEXT("host", &order->host, 1, 64),
        JSON_TAKE_TEXT("case", &order->case_id, 1, ORDER_CASE_BYTES_MAX),
        JSON_TAKE_TEXT("nonce", &order->nonce, 1, ORDER_NONCE_BYTES_MAX),
        JSON_TAKE_INTEGER("expires_at_ms", &order->expires_at_ms, 0, JSON_INTEGER_MAX),
        JSON_TAKE_OBJECT("job", &order->job),
    };

    if (!json_read(text, ORDER_BYTES_MAX, &order->whole, err) ||
        !json_canonical(order->whole, &canonical, err) ||
        !json_take(order->whole, fields, COUNT(fields), err)) {
        char why[200];
        snprintf(why, sizeof why, "%.199s", err->message);
        return refuse(err, "bad_order", why);
    }
    if (!str_eq(text, buf_str(&canonical)))
        return refuse(err, "bad_order", "its bytes are not canonical JSON");
    if (!is_word(order->nonce) || !is_word(order->case_id))
        return refuse(err, "bad_order", "its nonce or its case is no word");
    return true;
}

bool order_read(struct str body, const uint8_t public_key[PUBLIC_KEY_BYTES], const char *host,
    int64_t now_ms, struct order *ret_order, struct err *err)
{
    scoped(json_done) json_t *envelope = NULL;
    scoped(order_done) struct order order = {0};
    struct str text = {0};

    if (!authentic(body, public_key, &envelope, &text, err) || !take(text, &order, err))
        return false;
    if (!str_eq(order.host, str_from(host)))
        return refuse(err, "wrong_host", "it is for another host");
    if (now_ms >= order.expires_at_ms)
        return refuse(err, "expired", "its time is over, or a clock is wrong");
    if (order.expires_at_ms - now_ms > ORDER_LIFE_MS_MAX)
        return refuse(err, "too_long_valid",
            "it would be valid for more than ten minutes, or a clock is wrong");
    *ret_order = order;
    order.whole = NULL;
    return true;
}
