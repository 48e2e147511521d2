/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/passkey.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "case/case.h"
#include "coding/coding.h"
#include "crypto/passkey.h"
#include "json/json_take.h"

#define ID_BYTES_MAX 64
#define KEY_ID_CHARS (KEY_ID_BYTES - 1)
#define SHA256_CHARS (SHA256_HEX_BYTES - 1)
#define SIGNATURE_CHARS_MAX 128

/* --- form ----------------------------------------------------------------------------------- */

static bool read_assertion(
    const json_t *passkey, struct webauthn_assertion *ret_assertion, struct err *err)
{
    struct str authenticator_data, client_data_json, signature;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("authenticator_data", &authenticator_data, 1, INT64_MAX),
        JSON_TAKE_TEXT("client_data_json", &client_data_json, 1, INT64_MAX),
        JSON_TAKE_TEXT("signature", &signature, 1, INT64_MAX),
    };

    return json_take(passkey, fields, COUNT(fields), err) &&
           webauthn_assertion_read(
               authenticator_data, client_data_json, signature, ret_assertion, err);
}

/* One way of signing, and a reason where there must be one. */
static bool parts_fit(
    bool refuses, const json_t *passkey, struct str signature, struct str reason, struct err *err)
{
    struct webauthn_assertion assertion;

    if (!passkey == !signature.len)
        return err_code(err, ERR_INPUT, passkey ? "bad_value" : "missing_field", "signature",
            "send either the signature of a key file or what a passkey said (passkey)");
    if (passkey && !read_assertion(passkey, &assertion, err))
        return false;
    if (reason.at && !refuses)
        return err_code(
            err, ERR_INPUT, "bad_value", "reason", "only a refusal has a reason; leave it out");
    if (!reason.at && refuses && passkey)
        return err_code(
            err, ERR_INPUT, "missing_field", "reason", "say why: a refusal needs a reason");
    return !reason.at || case_reason_good(reason, err);
}

bool consent_form(json_t *body, struct str *ret_id, struct err *err)
{
    struct str id, key_id, decision, sha256, signature = {0}, reason = {0};
    json_t *passkey = NULL;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("id", &id, 1, ID_BYTES_MAX),
        JSON_TAKE_TEXT("key_id", &key_id, KEY_ID_CHARS, KEY_ID_CHARS),
        JSON_TAKE_TEXT("decision", &decision, 1, 16),
        JSON_TAKE_TEXT("plan_sha256", &sha256, SHA256_CHARS, SHA256_CHARS),
        JSON_MAY_TEXT("signature", &signature, 1, SIGNATURE_CHARS_MAX),
        JSON_MAY_TEXT("reason", &reason, 0, CASE_REASON_BYTES_MAX),
        JSON_MAY_OBJECT("passkey", &passkey),
    };

    if (!json_take(body, fields, COUNT(fields), err))
        return false;
    bool refuses = str_eq(decision, S("refuse"));
    if (!refuses && !str_eq(decision, S("approve")))
        return err_code(err, ERR_INPUT, "bad_value", "decision",
            "decision is 'approve' or 'refuse', not '%.*s'", STR(decision));
    if (!parts_fit(refuses, passkey, signature, reason, err))
        return false;
    *ret_id = id;
    return true;
}

/* --- signatures ----------------------------------------------------------------------------- */

static bool key_file_signed(
    const json_t *body, const json_t *approver, struct str text, struct err *err)
{
    uint8_t public_key[PUBLIC_KEY_BYTES], signature[SIGNATURE_BYTES];
    size_t count = 0;

    if (!public_key_parse(json_str(approver, "public_key"), public_key, err))
        return err_wrap(
            err, "the key of '%.*s' in the site facts", STR(json_str(approver, "person")));
    if (!base64_decode(json_str(body, "signature"), sizeof signature, signature, &count) ||
        !signature_authentic(public_key, text, (struct str){(const char *)signature, count}))
        return err_code(err, ERR_DENIED, "bad_signature", "signature",
            "the signature is not that of key %.*s over this plan", STR(json_str(body, "key_id")));
    return true;
}

static size_t read_origins(const json_t *list, struct str **ret_origins)
{
    size_t count = json_array_size(list);
    struct str *origins = calloc(count + 1, sizeof *origins);

    check(origins);
    for (size_t i = 0; i < count; i++)
        origins[i] = str_from(json_string_value(json_array_get(list, i)));
    *ret_origins = origins;
    return count;
}

static bool passkey_signed(
    const json_t *passkey, const json_t *approver, struct str text, struct err *err)
{
    const json_t *made = json_object_get(approver, "passkey");
    scoped(free_done) struct str *origins = NULL;
    struct webauthn_assertion assertion;
    struct webauthn_expected expected;
    struct webauthn_key key;
    uint8_t challenge[SHA256_BYTES];
    size_t origin_count = read_origins(json_object_get(made, "origins"), &origins);

    if (!passkey_key_parse(json_str(approver, "public_key"), &key, err))
        return err_wrap(
            err, "the passkey of '%.*s' in the site facts", STR(json_str(approver, "person")));
    sha256(text, challenge);
    passkey_expect(&expected, WEBAUTHN_GET, (struct str){(const char *)challenge, SHA256_BYTES},
        origins, origin_count, json_str(made, "rp_id"));
    return read_assertion(passkey, &assertion, err) &&
           passkey_check(&expected, &key, &assertion, err);
}

bool consent_signed(const json_t *body, const json_t *approver, struct str text, struct err *err)
{
    const json_t *passkey = json_object_get(body, "passkey");
    bool is_passkey = json_is_object(json_object_get(approver, "passkey"));

    if (is_passkey != (passkey != NULL))
        return err_code(err, ERR_DENIED, "wrong_kind_of_key", "key_id",
            is_passkey ? "key %.*s is a passkey: what it says must come as one"
                       : "key %.*s is a key file: it signs the text itself",
            STR(json_str(body, "key_id")));
    return passkey ? passkey_signed(passkey, approver, text, err)
                   : key_file_signed(body, approver, text, err);
}

void consent_evidence(const json_t *body, json_t *entry)
{
    const json_t *passkey = json_object_get(body, "passkey");
    json_t *reason = json_object_get(body, "reason");

    json_object_set(entry, "signature", json_object_get(passkey ? passkey : body, "signature"));
    if (passkey)
        json_object_set_new(entry, "passkey",
            json_pack("{s:O, s:O}", "authenticator_data",
                json_object_get(passkey, "authenticator_data"), "client_data_json",
                json_object_get(passkey, "client_data_json")));
    if (reason)
        json_object_set(entry, "reason", reason);
}
