/* SPDX-License-Identifier: Apache-2.0
 *
 * identity_harness — a token file in a scratch folder, for tests: keys, rows, signed tokens.
 */
#pragma once

#include "base/panic.h"
#include "base/scoped.h"
#include "identity/mint.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_text.h"

#include <limits.h>

#define NOW_MS 1763700000000
#define NOW_S (NOW_MS / 1000)

struct desk {
    char path[PATH_MAX];
    struct mint_key key;
    json_t *document; /* {"schema","keys","tokens"} */
    struct identity *identity;
    char kid[JWT_TEXT_BYTES];
};

static inline void desk_key(struct desk *desk, enum jwt_alg alg)
{
    mint_key_done(&desk->key);
    mint_key_make(alg, &desk->key);
    json_t *row = mint_key_row(&desk->key);
    snprintf(desk->kid, sizeof desk->kid, "%s", json_string_value(json_object_get(row, "kid")));
    check(json_array_append_new(json_object_get(desk->document, "keys"), row) == 0);
}

static inline void desk_init(struct desk *desk)
{
    *desk = (struct desk){0};
    snprintf(desk->path, sizeof desk->path, "%s/tokens.json", scratch_folder());
    desk->document =
        json_pack("{s:s, s:[], s:[]}", "schema", "logic-node/tokens/v1", "keys", "tokens");
    desk_key(desk, JWT_EDDSA);
}

static inline void desk_done(struct desk *desk)
{
    identity_close(&desk->identity);
    mint_key_done(&desk->key);
    json_decref(desk->document);
}

/* A row that may everything; the id is the name. Borrowed: change it as you like. */
static inline json_t *desk_row(struct desk *desk, const char *name, const char *kind)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:[s], s:[s,s,s,s,s,s,s]}", "name", name, "id", name,
        "kind", kind, "models", "*", "scopes", "chat", "completions", "embeddings", "models",
        "queue", "usage", "api");

    check(row);
    if (strcmp(kind, "jwt") == 0)
        check(json_object_set_new(row, "kid", json_string(desk->kid)) == 0);
    check(json_array_append_new(json_object_get(desk->document, "tokens"), row) == 0);
    return row;
}

static inline json_t *desk_opaque(struct desk *desk, const char *name, const char *token)
{
    json_t *row = desk_row(desk, name, "opaque");
    char hex[SHA256_HEX_BYTES];

    sha256_hex(str_from(token), hex);
    check(json_object_set_new(row, "sha256", json_string(hex)) == 0);
    return row;
}

static inline bool desk_write(struct desk *desk)
{
    scoped(buf_done) struct buf text = buf_of(2 * IDENTITY_FILE_BYTES_MAX);
    struct err err;

    return json_plain(desk->document, &text, &err) &&
           file_replace(desk->path, buf_str(&text), 0600, &err);
}

static inline bool desk_open(struct desk *desk, struct err *err)
{
    struct identity_config config = {.path = desk->path};

    identity_limits_default(&config.limits);
    return desk_write(desk) && identity_open(&config, &desk->identity, err);
}

static inline struct jwt_claims desk_claims(const char *name)
{
    struct jwt_claims claims = {
        .issuer = TOKEN_ISSUER, .audience = TOKEN_AUDIENCE, .issued_s = NOW_S};

    snprintf(claims.subject, sizeof claims.subject, "%s", name);
    snprintf(claims.id, sizeof claims.id, "%s", name);
    return claims;
}

/* "Bearer TOKEN" of these claims, signed by the desk's key. */
static inline void desk_bearer(
    struct desk *desk, const struct jwt_claims *claims, struct buf *ret_header)
{
    struct err err;

    buf_clear(ret_header);
    buf_add(ret_header, S("Bearer "));
    check(mint_jwt(&desk->key, desk->kid, claims, ret_header, &err));
}

static inline struct identity_now desk_now(int64_t after_ms)
{
    return (struct identity_now){NOW_MS + after_ms, 5000 + after_ms};
}

static struct identity_refusal desk_refusal;

/* The reason of the refusal, or the caller's name. */
static inline const char *desk_ask(struct desk *desk, struct identity_shown shown, int64_t after_ms)
{
    desk_refusal = (struct identity_refusal){0};
    struct caller *caller =
        identity_find(desk->identity, &shown, desk_now(after_ms), &desk_refusal);

    return caller ? caller->name : desk_refusal.reason;
}

static inline const char *desk_show(struct desk *desk, struct str authorization)
{
    return desk_ask(desk, (struct identity_shown){.authorization = authorization}, 0);
}
