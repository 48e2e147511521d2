/* SPDX-License-Identifier: Apache-2.0
 * Property: nothing is read beyond its end; every refusal has a code; what is read as an origin or
 * a key has one text. The first byte says what the rest is: 'C' clientDataJSON, 'A'
 * authenticatorData, 'K' a COSE key, 'M' a map, 'O' an origin, 'T' a key as text, 'W' client data
 * and authenticator data with a newline between, held against an expectation.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "webauthn/cbor.h"
#include "webauthn/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void client_data(struct str text)
{
    struct webauthn_client client;
    struct err err = {0};

    if (!webauthn_client_read(text, &client, &err))
        check(strcmp(err.code, "bad_client_data") == 0);
    else
        check(client.challenge_len && client.challenge_len <= sizeof client.challenge &&
              client.origin[0]);
}

static void authenticator_data(struct str bytes)
{
    struct webauthn_authenticator said;
    struct err err = {0};

    if (!webauthn_authenticator_read(bytes, &said, &err)) {
        check(err.code[0]);
        return;
    }
    if (!(said.flags & WEBAUTHN_ATTESTED))
        return;
    check(said.credential_id.at > bytes.at &&
          said.credential_id.at + said.credential_id.len < bytes.at + bytes.len);
    check(said.key.len == (said.key.kind == WEBAUTHN_ES256 ? 65 : 32));
}

/* A key of either kind is spelled in as many bytes as any other. */
static void cose_key(struct str bytes)
{
    struct webauthn_key key;
    size_t len = 0;

    if (!cbor_key_read(bytes, &key, &len))
        return;
    check(len <= bytes.len && len == (key.kind == WEBAUTHN_ES256 ? 77 : 42));
    check(cbor_is_map((struct str){bytes.at, len}));
}

static void origin(struct str text)
{
    struct webauthn_origin origin;
    struct err err = {0};

    if (!webauthn_origin_read(text, &origin, &err))
        return;
    check(origin.port && origin.host.len && origin.host.at > text.at);
    check(!origin.passkeys || webauthn_rp_fits(origin.host, origin.host));
}

static void key_text(struct str text)
{
    struct webauthn_key key;
    char again[WEBAUTHN_KEY_TEXT_BYTES];
    struct err err = {0};

    if (!webauthn_key_parse(text, &key, &err))
        return;
    webauthn_key_text(&key, again);
    check(str_eq(text, str_from(again)));
}

static void whole(struct str text)
{
    static const struct str ORIGINS[] = {S("https://node.test"), S("http://localhost:8080")};
    struct webauthn_expected expected = {.ceremony = WEBAUTHN_GET,
        .challenge = S("c"),
        .origins = ORIGINS,
        .origin_count = 2,
        .rp_id = S("node.test")};
    struct str authenticator_data, client_text = str_cut(text, '\n', &authenticator_data);
    struct webauthn_client client;
    struct webauthn_authenticator said;
    struct err err = {0};

    if (!webauthn_client_read(client_text, &client, &err) ||
        !webauthn_authenticator_read(authenticator_data, &said, &err))
        return;
    if (!webauthn_check(&expected, &client, &said, &err)) {
        check(err.code[0]);
        return;
    }
    check((said.flags & WEBAUTHN_PRESENT) && (said.flags & WEBAUTHN_VERIFIED));
    check(strcmp(client.origin, "https://node.test") == 0 && !client.cross_origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'C':
        client_data(rest);
        break;
    case 'A':
        authenticator_data(rest);
        break;
    case 'K':
        cose_key(rest);
        break;
    case 'M':
        (void)cbor_is_map(rest);
        break;
    case 'O':
        origin(rest);
        break;
    case 'T':
        key_text(rest);
        break;
    case 'W':
        whole(rest);
        break;
    }
    return 0;
}
