/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is it, and may they: from what a request shows to a caller or a refusal.
 */
#include "identity/inside.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"

#include <stdio.h>

#define MINUTE_MS 60000
#define SECOND_MS 1000
#define RETRY_MS_MAX 60000 /* official clients do not wait longer */

static const struct {
    const char *word;
    int status;
    const char *type, *code, *message;
} REFUSALS[] = {
#define IDENTITY_REASON(word, status, type, code, message)                                         \
    [REASON_##word] = {#word, status, type, code, message},
#include "identity/identity_reasons.def"
#undef IDENTITY_REASON
};

bool identity_refuse(struct identity_refusal *ret_refusal, enum identity_reason reason)
{
    *ret_refusal = (struct identity_refusal){
        .status = REFUSALS[reason].status,
        .type = REFUSALS[reason].type,
        .code = REFUSALS[reason].code,
        .reason = REFUSALS[reason].word,
    };
    snprintf(ret_refusal->message, sizeof ret_refusal->message, "%s", REFUSALS[reason].message);
    return false;
}

/* --- the token text ---------------------------------------------------------------- */

/* The token of a request, .at NULL if it shows none. */
static bool shown_token(
    const struct identity_shown *shown, struct str *ret_token, struct identity_refusal *refusal)
{
    struct str rest, token = str_trim(shown->api_key);

    if (!token.len)
        token = (struct str){0};
    if (shown->authorization.at) {
        struct str scheme = str_cut(str_trim(shown->authorization), ' ', &rest);
        rest = str_trim(rest);
        if (!str_eq_nocase(scheme, S("bearer")))
            return identity_refuse(refusal, REASON_scheme);
        if (token.at && rest.len && !crypto_equal(token, rest))
            return identity_refuse(refusal, REASON_ambiguous);
        token = rest.len ? rest : token; /* "Bearer " of a client without a key */
    }
    *ret_token = token;
    return true;
}

static enum identity_reason reason_of(const struct err *err)
{
    static const struct {
        const char *code;
        enum identity_reason reason;
    } CODES[] = {
        {"jwt_issuer", REASON_issuer},
        {"jwt_audience", REASON_audience},
        {"jwt_issued_ahead", REASON_issued_ahead},
        {"jwt_not_yet", REASON_not_yet},
        {"jwt_expired", REASON_expired},
        {"jwt_alg_none", REASON_algorithm},
        {"jwt_alg", REASON_algorithm},
    };

    for (size_t i = 0; i < COUNT(CODES); i++)
        if (strcmp(err->code, CODES[i].code) == 0)
            return CODES[i].reason;
    return REASON_malformed;
}

static const struct token_key *key_of(const struct identity *identity, const char *kid)
{
    for (size_t i = 0; i < identity->keys_count; i++)
        if (strcmp(identity->keys[i].kid, kid) == 0)
            return &identity->keys[i];
    return NULL;
}

static bool budget(
    struct identity *identity, struct caller *caller, bool proved, struct identity_now now)
{
    struct rate all = {identity->limits.verify_per_second, SECOND_MS};
    struct rate one = {identity->limits.verify_per_second_of_one, SECOND_MS};
    int64_t wait_ms = 0;

    if (proved) /* was authentic before the file was read again: no stranger wrote it */
        return true;
    /* Its own first: a flood in one name must not empty what is for all. */
    if (!bucket_take(&caller->state->verifies, one, now.steady_ms, &wait_ms))
        return false;
    return bucket_take(&identity->verifies, all, now.steady_ms, &wait_ms);
}

/* Everything cheap first: who cannot name a live row and its key costs no signature check. */
static struct caller *verify_jwt(struct identity *identity, struct str text,
    const uint8_t digest[SHA256_BYTES], struct identity_now now, struct identity_refusal *refusal)
{
    scoped(jwt_done) struct jwt token = {0};
    struct jwt_expected expected = {
        TOKEN_ISSUER, TOKEN_AUDIENCE, now.civil_ms / 1000, identity->limits.leeway_s};
    struct str digest_text = {(const char *)digest, SHA256_BYTES};
    struct err err = {0};

    if (!jwt_read(text, &token, &err))
        return identity_refuse(refusal, reason_of(&err)), NULL;
    const struct token_key *key = key_of(identity, token.kid);
    struct caller *caller = identity_row_of(identity, token.claims.id);
    if (!key || !caller || caller->state->kind != TOKEN_JWT ||
        strcmp(caller->state->kid, key->kid) != 0 ||
        strcmp(caller->name, token.claims.subject) != 0)
        return identity_refuse(refusal, REASON_unknown), NULL;
    if (token.alg != key->alg)
        return identity_refuse(refusal, REASON_algorithm), NULL;
    if (!jwt_check(&token.claims, &expected, &err))
        return identity_refuse(refusal, reason_of(&err)), NULL;
    struct caller_state *state = caller->state;
    bool proved = state->has_proof &&
                  crypto_equal(digest_text, (struct str){(char *)state->proved, SHA256_BYTES});
    if (!budget(identity, caller, proved, now)) {
        identity->counts.refused_by_flood++;
        identity_refuse(refusal, REASON_flood);
        refusal->retry_after_ms = SECOND_MS;
        return NULL;
    }
    identity->counts.verified++;
    if (!verifier_authentic(key->verifier, token.signed_text,
            (struct str){(const char *)token.signature, sizeof token.signature})) {
        state->has_proof = state->has_proof && !proved; /* its key was replaced */
        return identity_refuse(refusal, REASON_signature), NULL;
    }
    memcpy(state->proved, digest, sizeof state->proved);
    state->has_proof = true;
    cache_put(&identity->cache, digest, caller,
        token.claims.expires_s ? (token.claims.expires_s + identity->limits.leeway_s) * 1000 : 0);
    return caller;
}

/* With each request, so without printf. */
static void label(struct caller *caller, struct str kind, const char fp6[TOKEN_FP6_BYTES])
{
    _Static_assert(sizeof "token:" + TOKEN_FP6_BYTES <= CALLER_LABEL_BYTES, "a label has room");
    memcpy(caller->label, kind.at, kind.len);
    memcpy(caller->label + kind.len, fp6, TOKEN_FP6_BYTES);
}

static struct caller *of_token(struct identity *identity, struct str text, struct identity_now now,
    struct identity_refusal *refusal)
{
    uint8_t digest[SHA256_BYTES];
    char fp6[TOKEN_FP6_BYTES];

    if (text.len < IDENTITY_TOKEN_BYTES_MIN || text.len > IDENTITY_TOKEN_BYTES_MAX)
        return identity_refuse(refusal, REASON_malformed), NULL;
    struct memo_tag tag = memo_tag(&identity->memo, text);
    bool known = memo_find(&identity->memo, tag, digest);
    if (!known)
        sha256(text, digest);
    token_fp6(digest, fp6);
    struct caller *caller = cache_find(&identity->cache, digest, now.civil_ms);
    if (caller)
        identity->counts.cached++;
    else
        caller = identity_opaque_of(identity, digest);
    if (!caller && memchr(text.at, '.', text.len))
        caller = verify_jwt(identity, text, digest, now, refusal);
    else if (!caller)
        identity_refuse(refusal, REASON_unknown);
    if (caller && !known)
        memo_put(&identity->memo, tag, digest);
    if (caller)
        label(caller, S("token:"), fp6);
    else
        memcpy(refusal->fp6, fp6, sizeof fp6);
    return caller;
}

static struct caller *of_certificate(const struct identity *identity, struct str name)
{
    for (size_t i = 0; name.len && i < identity->rows_count; i++) {
        const struct caller_state *state = identity->rows[i]->state;
        if (state->kind == TOKEN_CERTIFICATE && str_eq(name, str_from(state->certificate)))
            return identity->rows[i];
    }
    return NULL;
}

static bool still_good(const struct caller *caller, const struct identity_shown *shown,
    struct identity_now now, struct identity_refusal *refusal)
{
    const char *certificate = caller->state->certificate;

    if (*certificate && !str_eq(shown->certificate, str_from(certificate)))
        return identity_refuse(refusal, REASON_certificate);
    if (caller->revoked)
        return identity_refuse(refusal, REASON_revoked);
    if (caller->expires_at_ms && caller->expires_at_ms <= now.civil_ms)
        return identity_refuse(refusal, REASON_expired);
    return true;
}

static struct caller *of_none(
    struct identity *identity, const struct identity_shown *shown, struct identity_refusal *refusal)
{
    struct caller *caller = of_certificate(identity, shown->certificate);

    if (caller) {
        uint8_t digest[SHA256_BYTES];
        char fp6[TOKEN_FP6_BYTES];
        sha256(shown->certificate, digest);
        token_fp6(digest, fp6);
        label(caller, S("cert:"), fp6);
        return caller;
    }
    if (shown->local && (identity->limits.local_open || identity->rows_count == 0))
        return identity->local;
    return identity_refuse(refusal, REASON_missing), NULL;
}

/* Clients insist on some key: on this machine, where none is needed, what cannot be a token of ours
 * counts as none; without any tokens everything does. */
static bool is_placeholder(
    const struct identity *identity, const struct identity_shown *shown, struct str token)
{
    return shown->local && (identity->rows_count == 0 || (identity->limits.local_open &&
                                                             token.len < IDENTITY_TOKEN_BYTES_MIN));
}

struct caller *identity_find(struct identity *identity, const struct identity_shown *shown,
    struct identity_now now, struct identity_refusal *ret_refusal)
{
    struct identity_refusal refusal = {0};
    struct caller *caller = NULL;
    struct str token = {0};

    if (shown_token(shown, &token, &refusal)) {
        caller = token.at && !is_placeholder(identity, shown, token)
                     ? of_token(identity, token, now, &refusal)
                     : of_none(identity, shown, &refusal);
        if (caller && !still_good(caller, shown, now, &refusal)) {
            struct str label = str_from(caller->label);
            if (label.len > 6)
                snprintf(refusal.fp6, sizeof refusal.fp6, "%s", label.at + label.len - 6);
            caller = NULL;
        }
    }
    if (caller) {
        identity->counts.found++;
        return caller;
    }
    identity->counts.refused++;
    *ret_refusal = refusal;
    return NULL;
}

struct caller *identity_row(struct identity *identity, const char *id,
    const struct identity_shown *shown, struct identity_now now,
    struct identity_refusal *ret_refusal)
{
    struct caller *caller = identity_row_of(identity, id);
    const struct identity_shown as_before = {
        .certificate = caller && !shown ? str_from(caller->state->certificate) : S("")};
    struct identity_refusal refusal = {0};

    if (!caller)
        identity_refuse(&refusal, REASON_unknown);
    if (caller && still_good(caller, shown ? shown : &as_before, now, &refusal))
        return caller;
    *ret_refusal = refusal;
    return NULL;
}

/* --- what a caller may ------------------------------------------------------------- */

bool caller_may_model(const struct caller *caller, struct str model)
{
    size_t i;
    json_t *pattern;

    json_array_foreach (caller->state->models, i, pattern) {
        struct str text = {json_string_value(pattern), json_string_length(pattern)};
        if (token_pattern_matches(text, model))
            return true;
    }
    return false;
}

bool identity_may(const struct caller *caller, enum caller_scope scope, struct str model,
    struct identity_refusal *ret_refusal)
{
    if (!(caller->scopes & (uint32_t)scope)) {
        identity_refuse(ret_refusal, REASON_scope);
        snprintf(ret_refusal->message, sizeof ret_refusal->message, "%s; it needs the scope '%s'",
            REFUSALS[REASON_scope].message, caller_scope_word(scope));
        return false;
    }
    if (model.len && !caller_may_model(caller, model)) {
        identity_refuse(ret_refusal, REASON_model);
        ret_refusal->param = "model";
        return false;
    }
    return true;
}

static bool wait(struct identity_refusal *refusal, enum identity_reason reason, int64_t wait_ms)
{
    identity_refuse(refusal, reason);
    refusal->retry_after_ms = wait_ms < 1 ? 1 : wait_ms > RETRY_MS_MAX ? RETRY_MS_MAX : wait_ms;
    return false;
}

bool identity_enter(
    struct caller *caller, struct identity_now now, struct identity_refusal *ret_refusal)
{
    struct rate requests = {caller->rate_per_minute, MINUTE_MS};
    struct rate tokens = {caller->tokens_per_minute, MINUTE_MS};
    int64_t wait_ms = 0;

    if (caller->concurrent_max && caller->inside >= caller->concurrent_max)
        return wait(ret_refusal, REASON_concurrency, SECOND_MS);
    if (!bucket_open(&caller->state->tokens, tokens, now.steady_ms, &wait_ms))
        return wait(ret_refusal, REASON_tokens, wait_ms);
    if (!bucket_take(&caller->state->requests, requests, now.steady_ms, &wait_ms))
        return wait(ret_refusal, REASON_requests, wait_ms);
    caller->inside++;
    return true;
}

void identity_leave(struct caller *caller, int64_t tokens, struct identity_now now)
{
    struct rate rate = {caller->tokens_per_minute, MINUTE_MS};

    check(caller->inside > 0);
    caller->inside--;
    bucket_charge(&caller->state->tokens, rate, tokens, now.steady_ms);
}
