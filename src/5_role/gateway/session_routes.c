/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of sessions: who am I, signing in, signing out, who else is. */
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/passkey.h"
#include "gateway/inside.h"
#include "gateway/session_inside.h"
#include "jwt/jwt.h"
#include "os/clock.h"
#include "os/random.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>

#define SIGN_IN_BYTES_MAX (16 * 1024)
#define SET_COOKIE_BYTES 256

static const struct http_field NO_STORE[] = {
    {S("Cache-Control"), S("no-store")}, {S("X-Content-Type-Options"), S("nosniff")}};

/* --- who am I ------------------------------------------------------------------------------- */

/* What follows "token:" or "person:"; a person by name. */
static const char *shown_name(const struct gateway *g, struct str principal)
{
    struct str word, kind = str_cut(principal, ':', &word);

    if (!principal.len)
        return NULL;
    if (str_eq(kind, S("person")))
        return people_name(g, word);
    return word.len ? word.at : principal.at;
}

static json_t *text_or_null(struct str text)
{
    return text.len ? json_stringn(text.at, text.len) : json_null();
}

static json_t *about(struct gateway *g, struct exchange *ex, const struct visitor *visitor,
    const char *principal, const struct session *session)
{
    char csrf[SESSION_CSRF_BYTES] = "", expires[CLOCK_TEXT_BYTES] = "";
    bool origin_passkeys, some = false;
    struct str host, origin = people_origin(g, ex, &host, &origin_passkeys), rp_id = {0};
    bool anybody = visitor->role != SESSION_NOBODY;

    if (session) {
        session_csrf(visitor->cookie, csrf);
        clock_text(session->expires_at_ms, expires);
    }
    if (origin_passkeys)
        rp_id = people_rp_id(g, host, &some);
    json_t *body = json_pack("{s:b, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:b, s:o, s:b, s:s, s:s}",
        "signed_in", session != NULL, "principal", anybody ? principal : NULL, "name",
        anybody ? shown_name(g, str_from(principal)) : NULL, "role",
        anybody ? session_role_word(visitor->role) : NULL, "how",
        anybody ? session_how_word(visitor->how) : NULL, "csrf", text_or_null(str_from(csrf)),
        "expires_at", text_or_null(str_from(expires)), "passkeys", some, "rp_id",
        text_or_null(rp_id), "origin_known", origin.len > 0, "node", g->sessions->node, "version",
        LOGIC_NODE_VERSION);
    check(body);
    return body;
}

/* The principal of a visit, out of what it tells the judge. */
static void principal_of(const struct visit *visit, char ret_principal[WHO_BYTES])
{
    scoped(json_done) json_t *who = NULL;
    struct err err;

    *ret_principal = '\0';
    if (*visit->who && json_read(str_from(visit->who), WHO_BYTES, &who, &err))
        snprintf(ret_principal, WHO_BYTES, "%s", json_str(who, "principal").at);
}

void route_session(struct visit *visit)
{
    struct gateway *g = visit->gateway;
    char principal[WHO_BYTES];
    const struct session *session =
        session_book_named(&g->sessions->book, str_from(visit->visitor.session));

    principal_of(visit, principal);
    scoped(json_done) json_t *body = about(g, visit->ex, &visit->visitor, principal, session);
    visit_reply_json(visit, 200, body);
}

/* --- tries ---------------------------------------------------------------------------------- */

static struct tries_limits tries_limits(const struct gateway *g)
{
    return (struct tries_limits){
        g->settings.session_tries_per_minute, g->settings.session_tries_of_all};
}

static struct str tried_from(struct exchange *ex)
{
    const struct exchange_peer *peer = exchange_peer(ex);
    struct str told = tries_forwarded(exchange_header(ex, S("X-Forwarded-For")));

    return peer->channel == EXCHANGE_LOOPBACK && told.at ? told : str_from(peer->address);
}

bool sessions_may_try(struct gateway *g, struct exchange *ex, struct err *err)
{
    const struct tries_limits limits = tries_limits(g);
    int64_t wait_ms = 0;
    bool all;

    if (tries_may(&g->sessions->tries, &limits, tried_from(ex), clock_steady_ms(), &wait_ms, &all))
        return true;
    g->sessions->sign_ins[SIGN_IN_LIMITED]++;
    return err_code(err, ERR_LIMIT, "too_many_tries", NULL,
        "%" PRId64 " wrong tries in a minute, %s, are the limit; try again in %" PRId64 " s",
        all ? limits.of_all : limits.of_one, all ? "of everybody together" : "from one address",
        (wait_ms + 999) / 1000);
}

void sessions_wrong_try(struct gateway *g, struct exchange *ex)
{
    const struct tries_limits limits = tries_limits(g);

    tries_wrong(&g->sessions->tries, &limits, tried_from(ex), clock_steady_ms());
}

/* --- signing in ----------------------------------------------------------------------------- */

/* Secure also on this machine without TLS: browsers trust its own names with such a cookie. */
static void set_cookie(const struct gateway *g, struct exchange *ex, const char *value,
    int64_t age_ms, char ret_text[SET_COOKIE_BYTES])
{
    bool tls = sessions_by_tls(g, ex);

    snprintf(ret_text, SET_COOKIE_BYTES,
        "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%" PRId64,
        tls ? SESSION_COOKIE_TLS : SESSION_COOKIE_PLAIN, value, age_ms / 1000);
}

/* With the cookie; the reply is the whole of GET /api/v1/session. */
static void reply_with_cookie(struct visit *visit, json_t *body, const char *cookie)
{
    struct buf *out = &visit->gateway->reply;
    struct err err = {0};
    struct http_field fields[COUNT(NO_STORE) + 1];

    memcpy(fields, NO_STORE, sizeof NO_STORE);
    fields[COUNT(NO_STORE)] = (struct http_field){S("Set-Cookie"), str_from(cookie)};
    buf_clear(out);
    check(json_plain(body, out, &err));
    visit_reply(visit, 200, S("application/json"), fields, COUNT(fields), buf_str(out));
}

static void refuse(
    struct visit *visit, enum sign_in outcome, const char *how, const struct err *err)
{
    struct gateway *g = visit->gateway;

    if (outcome == SIGN_IN_WRONG)
        sessions_wrong_try(g, visit->ex);
    /* That one is counted where it is found, and not said: anybody can make as many as they like.
     */
    if (outcome != SIGN_IN_LIMITED) {
        g->sessions->sign_ins[outcome]++;
        log_event("sign_in_refused", "how", how, "code", err->code, "address",
            exchange_peer(visit->ex)->address, NULL);
    }
    visit_reply_error(visit, err);
}

static void sign_in(struct visit *visit, struct session *fresh)
{
    struct gateway *g = visit->gateway;
    struct sessions *s = g->sessions;
    struct session evicted,
        *session = session_book_named(&s->book, str_from(visit->visitor.session));
    uint8_t secret[SESSION_SECRET_BYTES], name[SESSION_NAME_BYTES / 2];
    scoped(buf_done) struct buf value = buf_of(SESSION_COOKIE_BYTES);
    char cookie[SET_COOKIE_BYTES];

    if (session)
        sessions_end(g, session, "somebody signed in anew there");
    session_browser(exchange_header(visit->ex, S("User-Agent")), fresh->browser);
    snprintf(fresh->address, sizeof fresh->address, "%s", exchange_peer(visit->ex)->address);
    random_bytes(secret, sizeof secret);
    random_bytes(name, sizeof name);
    base64url_encode((struct str){(const char *)secret, sizeof secret}, &value);
    session = session_book_add(&s->book, fresh, secret, name, clock_civil_ms(), &evicted);
    explicit_bzero(secret, sizeof secret);
    if (*evicted.name) {
        log_event("session_ended", "name", evicted.name, "principal", evicted.principal, "why",
            "there are as many sessions as there may be", NULL);
        hub_end_session(&g->hub, evicted.name);
    }
    s->sign_ins[SIGN_IN_DONE]++;
    log_event("session_began", "name", session->name, "principal", session->principal, "how",
        session_how_word(session->how), "role", session_role_word(session->role), NULL);
    sessions_keep(g);
    visit->visitor =
        (struct visitor){.role = session->role, .how = session->how, .cookie = buf_str(&value)};
    set_cookie(
        g, visit->ex, buf_text(&value), session->expires_at_ms - session->created_at_ms, cookie);
    scoped(json_done) json_t *body =
        about(g, visit->ex, &visit->visitor, session->principal, session);
    reply_with_cookie(visit, body, cookie);
    explicit_bzero(cookie, sizeof cookie);
    explicit_bzero(value.at, value.len);
}

/* A token of the --tokens file, or of HOME/tokens. */
static bool token_session(
    struct visit *visit, struct str token, struct session *ret_fresh, struct err *err)
{
    struct gateway *g = visit->gateway;
    scoped(buf_done) struct buf header = buf_of(IDENTITY_TOKEN_BYTES_MAX + 16);
    char name[EXCHANGE_NAME_BYTES];
    struct identity_refusal refusal = {0};

    buf_printf(&header, "Bearer %.*s", STR(token));
    const struct token *row = tokens_row(&g->tokens, buf_str(&header));
    bool has_name = exchange_peer_name(visit->ex, name);
    const struct identity_shown shown = {.authorization = buf_str(&header),
        .certificate = has_name ? str_from(name) : (struct str){0}};
    const struct caller *caller =
        row ? NULL : identity_find(g->front.identity, &shown, identity_clock(), &refusal);
    if (header.at)
        explicit_bzero(header.at, header.len);
    ret_fresh->how = SESSION_TOKEN;
    if (row) {
        ret_fresh->role = SESSION_OPERATOR;
        sessions_of_row(row, ret_fresh->of);
        snprintf(ret_fresh->principal, SESSION_PRINCIPAL_BYTES, "token:%s", row->name);
        return true;
    }
    if (!caller)
        return err_code(err, ERR_DENIED, "no_token", "token", "%s",
            refusal.status == 429 ? refusal.message : "this token is none of ours, or is over");
    ret_fresh->role = sessions_role_of(caller->scopes);
    snprintf(ret_fresh->of, SESSION_OF_BYTES, "row:%s", caller->id);
    snprintf(ret_fresh->principal, SESSION_PRINCIPAL_BYTES, "token:%s", caller->name);
    return ret_fresh->role != SESSION_NOBODY ||
           err_code(err, ERR_DENIED, "endpoint_not_allowed", "token",
               "this token may not be used for the page; it needs the scope 'api' or 'view'");
}

static bool bad_passkey(struct err *err, const char *why)
{
    return err_code(err, ERR_DENIED, "bad_passkey", "passkey", "%s", why);
}

static bool passkey_session(
    struct visit *visit, const json_t *shown, struct session *ret_fresh, struct err *err)
{
    struct gateway *g = visit->gateway;
    struct webauthn_assertion assertion;
    struct webauthn_client client;
    struct webauthn_expected expected;
    struct webauthn_key key;
    struct str id, authenticator, client_data, signature, host;
    struct err why = {0};
    const char *person = NULL;
    bool can;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT(
            "credential_id", &id, 1, WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CREDENTIAL_BYTES_MAX)),
        JSON_TAKE_TEXT("authenticator_data", &authenticator, 1,
            WEBAUTHN_TEXT_LENGTH(WEBAUTHN_AUTHENTICATOR_BYTES_MAX)),
        JSON_TAKE_TEXT(
            "client_data_json", &client_data, 1, WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CLIENT_BYTES_MAX)),
        JSON_TAKE_TEXT(
            "signature", &signature, 1, WEBAUTHN_TEXT_LENGTH(WEBAUTHN_SIGNATURE_BYTES_MAX)),
    };

    if (!json_take(shown, fields, COUNT(fields), err))
        return false;
    if (!people_known(g))
        return err_code(err, ERR_PEER, "judge_away", NULL,
            "the judge is away, and with it whose passkeys there are; try again");
    const struct str origin = people_origin(g, visit->ex, &host, &can);
    if (!webauthn_assertion_read(authenticator, client_data, signature, &assertion, &why) ||
        !webauthn_client_read(
            (struct str){(const char *)assertion.client, assertion.client_len}, &client, &why))
        return bad_passkey(err, why.message);
    struct str challenge = {(const char *)client.challenge, client.challenge_len};
    if (!sessions_challenge_take(g, challenge)) /* also of one that fails below: one use */
        return bad_passkey(err, "the challenge is none of ours, was used, or is over; ask again");
    const json_t *row = people_passkey(g, S(""), id, &person);
    if (!row || !passkey_key_parse(json_str(row, "public_key"), &key, &why))
        return bad_passkey(err, "no person of this site has this passkey");
    passkey_expect(
        &expected, WEBAUTHN_GET, challenge, &origin, origin.len > 0, json_str(row, "rp_id"));
    if (!passkey_check(&expected, &key, &assertion, &why))
        return bad_passkey(err, why.message);
    ret_fresh->how = SESSION_PASSKEY;
    ret_fresh->role = people_role(g, str_from(person));
    snprintf(ret_fresh->of, SESSION_OF_BYTES, "key:%s", json_str(row, "key_id").at);
    int len = snprintf(ret_fresh->principal, SESSION_PRINCIPAL_BYTES, "person:%s", person);
    return (len < SESSION_PRINCIPAL_BYTES &&
               session_principal_fits(str_from(ret_fresh->principal), SESSION_PASSKEY)) ||
           bad_passkey(
               err, "the name of this person is too long, or not of letters, digits, _ - . only");
}

static enum sign_in outcome_of(const struct err *err)
{
    if (strcmp(err->code, "no_token") == 0 || strcmp(err->code, "bad_passkey") == 0)
        return SIGN_IN_WRONG;
    return SIGN_IN_NOT_ALLOWED;
}

void route_sign_in(struct visit *visit)
{
    scoped(json_done) json_t *body = NULL;
    struct str token = {0};
    json_t *passkey = NULL;
    struct session fresh = {0};
    struct err err = {0}, limit = {0};
    const struct json_field fields[] = {
        JSON_MAY_TEXT("token", &token, 1, IDENTITY_TOKEN_BYTES_MAX),
        JSON_MAY_OBJECT("passkey", &passkey),
    };

    if (!json_read(exchange_body(visit->ex), SIGN_IN_BYTES_MAX, &body, &err) ||
        !json_take(body, fields, COUNT(fields), &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    if (!token.at == !passkey) {
        err_code(&err, ERR_INPUT, "missing_field", "token",
            "send either `token` or `passkey`, one of them");
        visit_reply_error(visit, &err);
        return;
    }
    const char *how = passkey ? "passkey" : "token";
    /* Signatures are not found by trying: who spends all tries shuts nobody with a passkey out. */
    if (!passkey && !sessions_may_try(visit->gateway, visit->ex, &err))
        refuse(visit, SIGN_IN_LIMITED, how, &err);
    else if (passkey ? passkey_session(visit, passkey, &fresh, &err)
                     : token_session(visit, token, &fresh, &err))
        sign_in(visit, &fresh);
    else if (passkey && outcome_of(&err) == SIGN_IN_WRONG &&
             !sessions_may_try(visit->gateway, visit->ex, &limit))
        refuse(visit, SIGN_IN_LIMITED, how, &limit);
    else
        refuse(visit, outcome_of(&err), how, &err);
}

void route_challenge(struct visit *visit)
{
    struct gateway *g = visit->gateway;
    uint8_t bytes[CHALLENGE_BYTES];
    scoped(buf_done) struct buf text = buf_of(64);
    struct str host;
    bool can, some;
    struct err err = {0};

    (void)people_origin(g, visit->ex, &host, &can);
    if (!can) {
        err_code(&err, ERR_INPUT, "origin_unknown", NULL,
            "passkeys are for an address of the page with TLS and a name: page_origin of the site "
            "must be what the browser shows");
        visit_reply_error(visit, &err);
        return;
    }
    sessions_challenge(g, exchange_peer(visit->ex)->address, bytes);
    base64url_encode((struct str){(const char *)bytes, sizeof bytes}, &text);
    struct str rp_id = people_rp_id(g, host, &some);
    scoped(json_done) json_t *body = json_pack("{s:s, s:o, s:I}", "challenge", buf_text(&text),
        "rp_id", text_or_null(rp_id), "timeout_ms", (json_int_t)g->settings.challenge_ms);
    visit_reply_json(visit, 200, body);
}

/* --- signing out, and who else is ----------------------------------------------------------- */

void route_sign_out(struct visit *visit)
{
    struct gateway *g = visit->gateway;
    struct session *session =
        session_book_named(&g->sessions->book, str_from(visit->visitor.session));
    char cookie[SET_COOKIE_BYTES];
    scoped(json_done) json_t *body = json_pack("{s:b}", "signed_in", 0);

    if (session)
        sessions_end(g, session, "signed out");
    set_cookie(g, visit->ex, "", 0, cookie);
    reply_with_cookie(visit, body, cookie);
}

void route_sessions(struct visit *visit)
{
    struct sessions *s = visit->gateway->sessions;
    const char *own = visit->visitor.session;
    json_t *rows = json_array();

    sessions_sweep(visit->gateway);
    for (size_t i = 0; i < s->book.count; i++) {
        bool is_own = strcmp(s->book.rows[i].name, own) == 0;
        if (visit->visitor.role != SESSION_OPERATOR && !is_own)
            continue; /* who only looks sees its own */
        json_t *row = session_json(&s->book.rows[i]);
        json_object_set_new(row, "this", json_boolean(is_own));
        json_array_append_new(rows, row);
    }
    scoped(json_done) json_t *body = json_pack("{s:o}", "sessions", rows);
    check(body);
    visit_reply_json(visit, 200, body);
}

void route_session_end(struct visit *visit)
{
    struct gateway *g = visit->gateway;
    struct session *session = session_book_named(&g->sessions->book, visit->id);
    scoped(json_done) json_t *body = json_pack("{s:s%}", "ended", visit->id.at, visit->id.len);
    struct err err = {0};

    if (session) {
        sessions_end(g, session, "somebody ended it");
        visit_reply_json(visit, 200, body);
        return;
    }
    err_code(&err, ERR_INPUT, "no_such_session", "name",
        "there is no session of this name; GET /api/v1/sessions lists them");
    visit_reply_error(visit, &err);
}
