/* SPDX-License-Identifier: Apache-2.0 */
#include "webauthn/webauthn.h"

#include "base/scoped.h"
#include "jwt/jwt.h"
#include "webauthn/cbor.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <stdio.h>

#define HEAD_BYTES (WEBAUTHN_HASH_BYTES + 1 + 4) /* rpIdHash, flags, counter */

static const char *const TYPES[] = {
    [WEBAUTHN_CREATE] = "webauthn.create", [WEBAUTHN_GET] = "webauthn.get"};

/* --- clientDataJSON ------------------------------------------------------------------------- */

static bool bad_client(struct err *err, const char *member, const char *words)
{
    return err_code(err, ERR_INPUT, "bad_client_data", "client_data_json",
        "what the browser says of the passkey (clientDataJSON) %s%s%s", member ? member : "",
        member ? " " : "", words);
}

/* Other members may stand there: the standard says so, and browsers put some. */
static bool read_members(const json_t *object, struct webauthn_client *client, struct err *err)
{
    struct str type = json_str(object, "type"), origin = json_str(object, "origin");
    const json_t *cross = json_object_get(object, "crossOrigin");
    const json_t *top = json_object_get(object, "topOrigin");

    if (!type.len)
        return bad_client(err, "type", "is missing or no text");
    client->other_ceremony = true;
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (str_eq(type, str_from(TYPES[i]))) {
            client->ceremony = (enum webauthn_ceremony)i;
            client->other_ceremony = false;
        }
    if (!base64url_decode(json_str(object, "challenge"), sizeof client->challenge,
            client->challenge, &client->challenge_len) ||
        !client->challenge_len)
        return bad_client(err, "challenge", "is missing, too long or not base64url");
    if (!origin.len || origin.len >= sizeof client->origin)
        return bad_client(err, "origin", "is missing, too long or no text");
    snprintf(client->origin, sizeof client->origin, "%.*s", STR(origin));
    if (cross && !json_is_boolean(cross))
        return bad_client(err, "crossOrigin", "is neither true nor false");
    if (top && !json_is_string(top))
        return bad_client(err, "topOrigin", "is no text");
    client->cross_origin = json_is_true(cross) || top;
    return true;
}

bool webauthn_client_read(struct str text, struct webauthn_client *ret_client, struct err *err)
{
    struct webauthn_client client = {0};
    scoped(json_done) json_t *object = NULL;
    struct err why = {0};

    if (!json_read(text, WEBAUTHN_CLIENT_BYTES_MAX, &object, &why))
        return bad_client(err, NULL, "is not a JSON object that is read here");
    if (!read_members(object, &client, err))
        return false;
    *ret_client = client;
    return true;
}

/* --- authenticatorData ---------------------------------------------------------------------- */

static bool bad_authenticator(struct err *err, const char *words)
{
    return err_code(err, ERR_INPUT, "bad_authenticator_data", "authenticator_data",
        "what the passkey says (authenticatorData) %s", words);
}

static uint32_t number_at(const char *at, size_t bytes)
{
    uint32_t number = 0;

    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (uint8_t)at[i];
    return number;
}

static bool read_credential(struct str *rest, struct webauthn_authenticator *said, struct err *err)
{
    size_t len, key_len = 0;

    if (rest->len < WEBAUTHN_AAGUID_BYTES + 2)
        return bad_authenticator(err, "ends within its credential");
    memcpy(said->aaguid, rest->at, WEBAUTHN_AAGUID_BYTES);
    len = number_at(rest->at + WEBAUTHN_AAGUID_BYTES, 2);
    *rest =
        (struct str){rest->at + WEBAUTHN_AAGUID_BYTES + 2, rest->len - WEBAUTHN_AAGUID_BYTES - 2};
    if (len == 0 || len > WEBAUTHN_CREDENTIAL_BYTES_MAX || len > rest->len)
        return bad_authenticator(err, "has a credential id that is empty, too long or cut off");
    said->credential_id = (struct str){rest->at, len};
    *rest = (struct str){rest->at + len, rest->len - len};
    if (!cbor_key_read(*rest, &said->key, &key_len))
        return err_code(err, ERR_INPUT, "bad_credential_key", "authenticator_data",
            "the passkey's key is not ES256 on P-256 or Ed25519 in the form that COSE and CTAP "
            "prescribe; use another authenticator");
    *rest = (struct str){rest->at + key_len, rest->len - key_len};
    return true;
}

bool webauthn_authenticator_read(
    struct str bytes, struct webauthn_authenticator *ret_said, struct err *err)
{
    struct webauthn_authenticator said = {0};

    if (bytes.len < HEAD_BYTES || bytes.len > WEBAUTHN_AUTHENTICATOR_BYTES_MAX)
        return bad_authenticator(err, "is too short or too long");
    memcpy(said.rp_id_hash, bytes.at, WEBAUTHN_HASH_BYTES);
    said.flags = (uint8_t)bytes.at[WEBAUTHN_HASH_BYTES];
    said.counter = number_at(bytes.at + WEBAUTHN_HASH_BYTES + 1, 4);
    struct str rest = {bytes.at + HEAD_BYTES, bytes.len - HEAD_BYTES};
    if ((said.flags & WEBAUTHN_BACKED_UP) && !(said.flags & WEBAUTHN_MAY_BE_BACKED_UP))
        return bad_authenticator(err, "calls a credential backed up that cannot be");
    if ((said.flags & WEBAUTHN_ATTESTED) && !read_credential(&rest, &said, err))
        return false;
    if (said.flags & WEBAUTHN_EXTENDED ? !cbor_is_map(rest) : rest.len != 0)
        return bad_authenticator(err, "has bytes behind its end, or extensions that are no map");
    *ret_said = said;
    return true;
}

/* --- what must be said ---------------------------------------------------------------------- */

static bool denied(struct err *err, const char *code, const char *words)
{
    return err_code(err, ERR_DENIED, code, "passkey", "%s", words);
}

static bool origin_is_ours(const struct webauthn_expected *expected, const char *origin)
{
    for (size_t i = 0; i < expected->origin_count; i++)
        if (str_eq(expected->origins[i], str_from(origin)))
            return true;
    return false;
}

static bool check_client(
    const struct webauthn_expected *expected, const struct webauthn_client *client, struct err *err)
{
    struct str challenge = {(const char *)client->challenge, client->challenge_len};
    struct webauthn_origin origin;
    struct err why = {0};

    if (client->other_ceremony || client->ceremony != expected->ceremony)
        return err_code(err, ERR_DENIED, "bad_type", "passkey",
            "the passkey was used for something else than %s", TYPES[expected->ceremony]);
    if (!str_eq(challenge, expected->challenge))
        return denied(err, "bad_challenge", "the passkey signed something else than this");
    if (!origin_is_ours(expected, client->origin)) {
        bool shown = webauthn_origin_read(str_from(client->origin), &origin, &why);
        return err_code(err, ERR_DENIED, "bad_origin", "passkey",
            "the passkey was used on a page of %s, which is no page_origin in the site facts",
            shown ? client->origin : "another kind");
    }
    if (client->cross_origin)
        return denied(
            err, "cross_origin", "the passkey was used in a frame within a page of another origin");
    if (!webauthn_origin_read(str_from(client->origin), &origin, &why) || !origin.passkeys ||
        !webauthn_rp_fits(origin.host, expected->rp_id))
        return err_code(err, ERR_DENIED, "bad_rp", "passkey",
            "a page of '%s' cannot use a passkey that was made for '%.*s'", client->origin,
            STR(expected->rp_id));
    return true;
}

bool webauthn_check(const struct webauthn_expected *expected, const struct webauthn_client *client,
    const struct webauthn_authenticator *said, struct err *err)
{
    bool attested = said->flags & WEBAUTHN_ATTESTED;

    if (!check_client(expected, client, err))
        return false;
    if (memcmp(said->rp_id_hash, expected->rp_id_hash, sizeof said->rp_id_hash) != 0)
        return err_code(err, ERR_DENIED, "bad_rp", "passkey",
            "the passkey signed for another site than '%.*s'", STR(expected->rp_id));
    if (!(said->flags & WEBAUTHN_PRESENT))
        return denied(err, "not_present", "the passkey signed without anybody being present");
    if (!(said->flags & WEBAUTHN_VERIFIED))
        return denied(
            err, "not_verified", "the passkey did not verify who uses it (by PIN, finger or face)");
    if (attested != (expected->ceremony == WEBAUTHN_CREATE))
        return bad_authenticator(
            err, attested ? "brings a new key with a signature" : "brings no new key");
    return true;
}

void webauthn_signed_bytes(struct str authenticator_data,
    const uint8_t client_data_sha256[WEBAUTHN_HASH_BYTES], struct buf *out)
{
    buf_add(out, authenticator_data);
    buf_add(out, (struct str){(const char *)client_data_sha256, WEBAUTHN_HASH_BYTES});
}

/* --- as it comes ---------------------------------------------------------------------------- */

static bool decode(struct str text, size_t bytes_max, const char *param, uint8_t *ret_bytes,
    size_t *ret_len, struct err *err)
{
    if (text.len > WEBAUTHN_TEXT_LENGTH(bytes_max))
        return err_code(err, ERR_LIMIT, "too_large", param,
            "%s stands for more than %zu bytes, which is the limit", param, bytes_max);
    if (!text.len || !base64url_decode(text, bytes_max, ret_bytes, ret_len))
        return err_code(err, ERR_INPUT, "not_base64url", param,
            "%s must be base64url without padding, and not empty", param);
    return true;
}

bool webauthn_assertion_read(struct str authenticator_data, struct str client_data_json,
    struct str signature, struct webauthn_assertion *ret_assertion, struct err *err)
{
    struct webauthn_assertion *a = ret_assertion;

    return decode(authenticator_data, sizeof a->authenticator, "authenticator_data",
               a->authenticator, &a->authenticator_len, err) &&
           decode(client_data_json, sizeof a->client, "client_data_json", a->client, &a->client_len,
               err) &&
           decode(
               signature, sizeof a->signature, "signature", a->signature, &a->signature_len, err);
}
