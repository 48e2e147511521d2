/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/token_file.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <stdio.h>
#include <stdlib.h>

struct caller *caller_make(void)
{
    struct caller *caller = calloc(1, sizeof *caller);

    check(caller);
    caller->state = calloc(1, sizeof *caller->state);
    check(caller->state);
    return caller;
}

void caller_free(struct caller *caller)
{
    if (!caller)
        return;
    json_decref(caller->state->models);
    free(caller->state);
    free(caller);
}

void token_fp6(const uint8_t digest[SHA256_BYTES], char ret_text[TOKEN_FP6_BYTES])
{
    hex_encode(digest, 3, ret_text);
}

static bool bad(struct err *err, const char *list, size_t row, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_tokens", list, "%s[%zu]: %s", list, row, why);
}

static void keep(char *ret_text, size_t bytes, struct str text)
{
    snprintf(ret_text, bytes, "%.*s", STR(text));
}

/* RFC 3339 or null. */
static bool take_time(struct str text, int64_t *ret_ms)
{
    *ret_ms = 0;
    return !text.at || clock_from_text(text.at, ret_ms);
}

/* --- keys -------------------------------------------------------------------------- */

static bool make_verifier(struct token_key *key, struct str text, struct err *err)
{
    uint8_t bytes[ES256_PUBLIC_BYTES];
    size_t want = key->alg == JWT_ES256 ? ES256_PUBLIC_BYTES : PUBLIC_KEY_BYTES, count = 0;

    if (!base64_decode(text, sizeof bytes, bytes, &count) || count != want)
        return false;
    if (key->alg == JWT_ES256)
        return verifier_es256(bytes, &key->verifier, err);
    verifier_ed25519(bytes, &key->verifier);
    return true;
}

static bool read_key(const json_t *object, size_t row, struct token_file *file, struct err *err)
{
    struct str kid = {0}, alg = {0}, public = {0}, created = {0}, retired = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("kid", &kid, 1, JWT_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("alg", &alg, 1, 16),
        JSON_TAKE_TEXT("public", &public, 1, BASE64_LENGTH(ES256_PUBLIC_BYTES)),
        JSON_MAY_TEXT_OR_NULL("created_at", &created, 0, CLOCK_TEXT_BYTES),
        JSON_MAY_TEXT_OR_NULL("retired_at", &retired, 0, CLOCK_TEXT_BYTES),
    };
    struct token_key *key = &file->keys[file->keys_count];
    int64_t ms;

    if (!json_take(object, fields, COUNT(fields), err))
        return err_wrap(err, "keys[%zu]", row);
    if (!jwt_alg_from(alg, &key->alg))
        return bad(err, "keys", row, "alg must be EdDSA or ES256");
    if (!take_time(created, &ms) || !take_time(retired, &ms))
        return bad(err, "keys", row, "a time is not of the form 2026-11-21T02:47:01Z");
    for (size_t i = 0; i < file->keys_count; i++)
        if (str_eq(kid, str_from(file->keys[i].kid)))
            return bad(err, "keys", row, "this kid stands there twice");
    if (!make_verifier(key, public, err))
        return bad(err, "keys", row, "public is not the base64 of a key of that alg");
    keep(key->kid, sizeof key->kid, kid);
    file->keys_count++;
    return true;
}

/* --- rows -------------------------------------------------------------------------- */

static bool take_scopes(const json_t *list, struct caller *caller)
{
    size_t i;
    json_t *word;

    json_array_foreach (list, i, word) {
        enum caller_scope scope;
        if (!caller_scope_from(str_from(json_string_value(word)), &scope))
            return false;
        caller->scopes |= (uint32_t)scope;
    }
    return true;
}

static bool take_models(json_t *list, struct caller *caller)
{
    size_t i;
    json_t *pattern;

    json_array_foreach (list, i, pattern)
        if (!json_is_string(pattern) || !token_pattern_fits(str_from(json_string_value(pattern))))
            return false;
    caller->state->models = json_incref(list);
    return true;
}

struct row_texts {
    struct str name, id, kind, sha256, kid, fp6, certificate, priority, dialect;
    struct str created, expires, revoked;
    json_t *models, *scopes;
};

/* kid, sha256 and certificate belong to their kinds. */
static const char *take_kind(const struct row_texts *texts, struct caller *caller)
{
    struct caller_state *state = caller->state;
    bool jwt = str_eq(texts->kind, S("jwt")), opaque = str_eq(texts->kind, S("opaque"));

    if (!jwt && !opaque && !str_eq(texts->kind, S("certificate")))
        return "kind must be jwt, opaque or certificate";
    state->kind = jwt ? TOKEN_JWT : opaque ? TOKEN_OPAQUE : TOKEN_CERTIFICATE;
    if (!texts->kid.len == jwt)
        return "kid belongs to kind jwt, and must be there";
    if (!texts->sha256.len == opaque)
        return "sha256 belongs to kind opaque, and must be there";
    if (opaque && !hex_decode(texts->sha256, SHA256_BYTES, state->digest))
        return "sha256 must be 64 digits, lower case";
    if (state->kind == TOKEN_CERTIFICATE && !texts->certificate.len)
        return "kind certificate needs certificate, a common name";
    keep(state->kid, sizeof state->kid, texts->kid);
    keep(state->certificate, sizeof state->certificate, texts->certificate);
    return NULL;
}

static const char *take_texts(const struct row_texts *texts, struct caller *caller)
{
    int64_t created_ms, revoked_ms;

    if (!token_name_fits(texts->name))
        return "name must be 1 to 32 of a-z 0-9 _ - .";
    for (size_t i = 0; i < texts->id.len; i++)
        if (texts->id.at[i] <= ' ' || texts->id.at[i] > '~')
            return "id must be visible ASCII";
    if (!take_models(texts->models, caller))
        return "a model must be a name, or a beginning and *";
    if (!take_scopes(texts->scopes, caller))
        return "a scope must be chat, completions, embeddings, models, queue, usage or api";
    if (texts->priority.at && !caller_priority_from(texts->priority, &caller->priority))
        return "priority must be interactive or background";
    if (texts->dialect.at && !caller_dialect_from(texts->dialect, &caller->dialect))
        return "dialect must be comment, chunk, reasoning or off";
    if (!take_time(texts->created, &created_ms) || !take_time(texts->revoked, &revoked_ms) ||
        !take_time(texts->expires, &caller->expires_at_ms))
        return "a time is not of the form 2026-11-21T02:47:01Z";
    caller->revoked = texts->revoked.at != NULL;
    keep(caller->name, sizeof caller->name, texts->name);
    keep(caller->id, sizeof caller->id, texts->id);
    snprintf(caller->label, sizeof caller->label, "token:%.*s", texts->fp6.len == 6 ? 6 : 1,
        texts->fp6.len == 6 ? texts->fp6.at : "-");
    return take_kind(texts, caller);
}

static bool read_row(const json_t *object, size_t row, struct caller *caller, struct err *err)
{
    struct row_texts texts = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &texts.name, 1, CALLER_NAME_BYTES - 1),
        JSON_TAKE_TEXT("id", &texts.id, 1, CALLER_ID_BYTES - 1),
        JSON_TAKE_TEXT("kind", &texts.kind, 1, 16),
        JSON_MAY_TEXT("sha256", &texts.sha256, 1, SHA256_HEX_BYTES - 1),
        JSON_MAY_TEXT("kid", &texts.kid, 1, JWT_TEXT_BYTES - 1),
        JSON_MAY_TEXT("fp6", &texts.fp6, TOKEN_FP6_BYTES - 1, TOKEN_FP6_BYTES - 1),
        JSON_MAY_TEXT("certificate", &texts.certificate, 1, TOKEN_CERTIFICATE_BYTES - 1),
        JSON_TAKE_ARRAY("models", &texts.models, 0, CALLER_MODELS_MAX),
        JSON_TAKE_ARRAY("scopes", &texts.scopes, 0, CALLER_SCOPES),
        JSON_MAY_INTEGER("rate_per_minute", &caller->rate_per_minute, 0, BUCKET_COUNT_MAX),
        JSON_MAY_INTEGER("tokens_per_minute", &caller->tokens_per_minute, 0, BUCKET_COUNT_MAX),
        JSON_MAY_INTEGER("concurrent_max", &caller->concurrent_max, 0, TOKEN_CONCURRENT_MAX),
        JSON_MAY_INTEGER("weight", &caller->weight, 1, TOKEN_WEIGHT_MAX),
        JSON_MAY_TEXT("priority", &texts.priority, 1, 16),
        JSON_MAY_TEXT("dialect", &texts.dialect, 1, 16),
        JSON_MAY_BOOL("speaks_for_users", &caller->speaks_for_users),
        JSON_MAY_TEXT_OR_NULL("created_at", &texts.created, 0, CLOCK_TEXT_BYTES),
        JSON_MAY_TEXT_OR_NULL("expires_at", &texts.expires, 0, CLOCK_TEXT_BYTES),
        JSON_MAY_TEXT_OR_NULL("revoked_at", &texts.revoked, 0, CLOCK_TEXT_BYTES),
    };

    caller->weight = 1;
    if (!json_take(object, fields, COUNT(fields), err))
        return err_wrap(err, "tokens[%zu]", row);
    const char *why = take_texts(&texts, caller);
    return why ? bad(err, "tokens", row, why) : true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct caller *const *)a)->id, (*(struct caller *const *)b)->id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct caller *const *)a)->name, (*(struct caller *const *)b)->name);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp((*(struct caller *const *)a)->state->digest,
        (*(struct caller *const *)b)->state->digest, SHA256_BYTES);
}

static int by_certificate(const void *a, const void *b)
{
    return strcmp((*(struct caller *const *)a)->state->certificate,
        (*(struct caller *const *)b)->state->certificate);
}

static bool any(const struct caller *caller)
{
    return caller;
}

static bool is_live(const struct caller *caller)
{
    return !caller->revoked;
}

static bool is_opaque(const struct caller *caller)
{
    return caller->state->kind == TOKEN_OPAQUE;
}

static bool is_certificate(const struct caller *caller)
{
    return caller->state->kind == TOKEN_CERTIFICATE && !caller->revoked;
}

/* Two of those that `counts`, alike by `compare`? The file's order stays. */
static bool is_unique(const struct token_file *file, bool (*counts)(const struct caller *),
    int (*compare)(const void *, const void *))
{
    struct caller **sorted = calloc(file->callers_count + 1, sizeof(struct caller *));
    size_t count = 0;
    bool unique = true;

    check(sorted);
    for (size_t i = 0; i < file->callers_count; i++)
        if (counts(file->callers[i]))
            sorted[count++] = file->callers[i];
    qsort(sorted, count, sizeof(struct caller *), compare);
    for (size_t i = 1; i < count; i++)
        unique = unique && compare(&sorted[i - 1], &sorted[i]) != 0;
    free(sorted);
    return unique;
}

static bool are_unique(const struct token_file *file, struct err *err)
{
    const char *what = !is_unique(file, any, by_id)                       ? "the same id"
                       : !is_unique(file, is_live, by_name)               ? "the same name"
                       : !is_unique(file, is_opaque, by_digest)           ? "the same sha256"
                       : !is_unique(file, is_certificate, by_certificate) ? "the same certificate"
                                                                          : NULL;

    return !what ||
           err_code(err, ERR_INPUT, "bad_tokens", "tokens", "two rows of tokens have %s", what);
}

static bool read_all(json_t *keys, json_t *rows, struct token_file *file, struct err *err)
{
    size_t i;
    json_t *one;

    json_array_foreach (keys, i, one)
        if (!read_key(one, i, file, err))
            return false;
    file->callers = calloc(json_array_size(rows) + 1, sizeof(struct caller *));
    check(file->callers);
    json_array_foreach (rows, i, one) {
        struct caller *caller = file->callers[file->callers_count++] = caller_make();
        if (!read_row(one, i, caller, err))
            return false;
    }
    return are_unique(file, err);
}

bool token_file_read(const json_t *document, struct token_file *ret_file, struct err *err)
{
    scoped(token_file_done) struct token_file file = {0};
    json_t *keys = NULL, *rows = NULL;
    struct str schema;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("schema", &schema, 1, 64),
        JSON_TAKE_ARRAY("keys", &keys, 0, IDENTITY_KEYS_MAX),
        JSON_TAKE_ARRAY("tokens", &rows, 0, IDENTITY_CALLERS_MAX),
    };

    if (!json_take(document, fields, COUNT(fields), err) || !read_all(keys, rows, &file, err)) {
        snprintf(err->code, sizeof err->code, "bad_tokens");
        return false;
    }
    *ret_file = file;
    file = (struct token_file){0};
    return true;
}

void token_file_done(struct token_file *file)
{
    for (size_t i = 0; i < file->callers_count; i++)
        caller_free(file->callers[i]);
    for (size_t i = 0; i < IDENTITY_KEYS_MAX; i++) /* also one that was begun */
        verifier_done(&file->keys[i].verifier);
    free(file->callers);
    *file = (struct token_file){0};
}

static bool is_valid(const json_t *document, struct err *err)
{
    scoped(token_file_done) struct token_file file = {0};

    return token_file_read(document, &file, err);
}

const struct document_form TOKEN_FILE_FORM = {
    .blank = "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":[]}",
    .bytes_max = IDENTITY_FILE_BYTES_MAX,
    .mode = 0600,
    .valid = is_valid,
};

bool identity_check(struct str text, struct err *err)
{
    scoped(json_done) json_t *document = NULL;

    return document_parse(text, "tokens.json", &TOKEN_FILE_FORM, &document, err);
}
