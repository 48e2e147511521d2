/* SPDX-License-Identifier: Apache-2.0
 *
 * token — tokens of callers: made, listed, revoked; their keys exchanged. Works on the node's files
 * (HOME/tokens/tokens.json, HOME/keys/tokens/KID.pem), never over the network: who may make tokens
 * is who may write there. A token's text is printed once and kept nowhere.
 */
#include "client/client.h"
#include "client/home.h"
#include "client/site_change.h"
#include "client/site_keys.h"
#include "client/token_row.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_BYTES_MAX 8192
#define ROLE_FACT_BYTES_MAX 256 /* longer than any name of a token */

static bool file_path(const struct options *options, char ret_path[PATH_MAX], struct err *err)
{
    return home_path(options, "tokens/tokens.json", ret_path, err);
}

static bool key_path(
    const struct options *options, const char *kid, char ret_path[PATH_MAX], struct err *err)
{
    char below[JWT_TEXT_BYTES + 32];

    snprintf(below, sizeof below, "keys/tokens/%s.pem", kid);
    return home_path(options, below, ret_path, err);
}

/* One change of the file by `edit`, as the node's user. */
static bool change(
    const struct options *options, document_edit *edit, void *context, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};
    char path[PATH_MAX];

    return home_folder(options, "tokens", path, err) && file_path(options, path, err) &&
           home_enter(options, &stay, err) &&
           document_change(path, &TOKEN_FILE_FORM, edit, context, err);
}

/* --- keys -------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* HOME/keys is the owner's: the node reads public halves alone, in tokens.json. */
static bool keys_enter(const struct options *options, struct home_stay *ret_stay, struct err *err)
{
    char path[PATH_MAX];

    return home_path(options, "keys", path, err) && home_enter_folder(path, ret_stay, err);
}

/* A new key: its private file first, so that no row names a key that is nowhere. */
static bool new_key(const struct options *options, enum jwt_alg alg, json_t *document,
    struct mint_key *ret_key, char ret_kid[JWT_TEXT_BYTES], struct err *err)
{
    scoped(mint_key_done) struct mint_key key = {0};
    scoped(home_leave) struct home_stay stay = {0};
    char path[PATH_MAX], now[CLOCK_TEXT_BYTES];

    mint_key_make(alg, &key);
    scoped(json_done) json_t *row = mint_key_row(&key);
    snprintf(ret_kid, JWT_TEXT_BYTES, "%s", text_of(row, "kid"));
    clock_text(clock_civil_ms(), now);
    check(json_object_set_new(row, "created_at", json_string(now)) == 0);
    if (!keys_enter(options, &stay, err) || !home_path(options, "keys/tokens", path, err) ||
        !file_make_folder(path, 0700, err) || !key_path(options, ret_kid, path, err) ||
        !mint_key_save(&key, path, err))
        return false;
    check(json_array_append(json_object_get(document, "keys"), row) == 0);
    *ret_key = key;
    key = (struct mint_key){0};
    return true;
}

static bool load_key(const struct options *options, enum jwt_alg alg, const char *path,
    struct mint_key *ret_key, bool *ret_there, struct err *err)
{
    scoped(home_leave) struct home_stay stay = {0};

    if (!keys_enter(options, &stay, err))
        return false;
    *ret_there = file_exists(path);
    return !*ret_there || mint_key_load(alg, path, ret_key, err);
}

/* The newest key of this kind that is in use and whose private half is here; else a new one. */
static bool signing_key(const struct options *options, enum jwt_alg alg, json_t *document,
    struct mint_key *ret_key, char ret_kid[JWT_TEXT_BYTES], struct err *err)
{
    const json_t *keys = json_object_get(document, "keys");
    char path[PATH_MAX];
    bool there;

    for (size_t i = json_array_size(keys); i-- > 0;) {
        const json_t *row = json_array_get(keys, i);
        const char *kid = text_of(row, "kid");
        if (strcmp(text_of(row, "alg"), jwt_alg_word(alg)) != 0 || *text_of(row, "retired_at") ||
            strchr(kid, '/') || !key_path(options, kid, path, err))
            continue;
        if (!load_key(options, alg, path, ret_key, &there, err))
            return false;
        snprintf(ret_kid, JWT_TEXT_BYTES, "%s", kid);
        if (there)
            return true;
    }
    return new_key(options, alg, document, ret_key, ret_kid, err);
}

/* --- create ------------------------------------------------------------------------ */

struct creating {
    const struct options *options;
    json_t *row;
    struct buf token;
    enum jwt_alg alg;
};

static bool sign_token(struct creating *creating, json_t *document, struct err *err)
{
    scoped(mint_key_done) struct mint_key key = {0};
    scoped(json_done) json_t *rights = token_row_rights(creating->row);
    char kid[JWT_TEXT_BYTES];
    int64_t now_ms = clock_civil_ms(), expires_ms = 0;
    struct jwt_claims claims = {
        .issuer = TOKEN_ISSUER, .audience = TOKEN_AUDIENCE, .rights = rights};

    if (!signing_key(creating->options, creating->alg, document, &key, kid, err))
        return false;
    if (*text_of(creating->row, "expires_at"))
        check(clock_from_text(text_of(creating->row, "expires_at"), &expires_ms));
    snprintf(claims.subject, sizeof claims.subject, "%s", text_of(creating->row, "name"));
    snprintf(claims.id, sizeof claims.id, "%s", text_of(creating->row, "id"));
    claims.issued_s = now_ms / 1000;
    claims.expires_s = expires_ms / 1000;
    if (claims.expires_s && claims.expires_s <= claims.issued_s)
        claims.expires_s = claims.issued_s + 1;
    check(json_object_set_new(creating->row, "kid", json_string(kid)) == 0);
    if (mint_jwt(&key, kid, &claims, &creating->token, err))
        return true;
    return strcmp(err->code, "jwt_too_large") == 0
               ? err_wrap(err, "make it --opaque, or name fewer models")
               : false;
}

static bool make_token(struct creating *creating, json_t *document, struct err *err)
{
    const char *kind = text_of(creating->row, "kind");
    uint8_t digest[SHA256_BYTES];
    char fp6[TOKEN_FP6_BYTES], hex[SHA256_HEX_BYTES];

    buf_clear(&creating->token); /* an edit may be asked for twice */
    if (strcmp(kind, "certificate") == 0)
        return true;
    if (strcmp(kind, "opaque") == 0)
        mint_opaque(&creating->token);
    else if (!sign_token(creating, document, err))
        return false;
    sha256(buf_str(&creating->token), digest);
    token_fp6(digest, fp6);
    check(json_object_set_new(creating->row, "fp6", json_string(fp6)) == 0);
    if (strcmp(kind, "opaque") != 0)
        return true;
    sha256_hex(buf_str(&creating->token), hex);
    check(json_object_set_new(creating->row, "sha256", json_string(hex)) == 0);
    return true;
}

static bool add_row(json_t *document, void *context, struct err *err)
{
    struct creating *creating = context;

    return token_rows_make_room(document, text_of(creating->row, "name"), clock_civil_ms(), err) &&
           make_token(creating, document, err) &&
           json_array_append(json_object_get(document, "tokens"), creating->row) == 0;
}

static void wipe_done(struct buf *buf)
{
    if (buf->at)
        explicit_bzero(buf->at, buf->cap);
    buf_done(buf);
}

static void print_created(const struct client *client, const struct creating *creating)
{
    struct screen hints = screen_of(stderr, client->options.no_color);
    const char *name = text_of(creating->row, "name");

    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:s, s:O, s:O, s:O?, s:s%, s:O}", "name",
            name, "id", json_object_get(creating->row, "id"), "kind",
            json_object_get(creating->row, "kind"), "fp6", json_object_get(creating->row, "fp6"),
            "token", creating->token.at ? creating->token.at : "", creating->token.len,
            "expires_at", json_object_get(creating->row, "expires_at"));
        check(document);
        client_print(client, document);
    } else if (creating->token.len) {
        fwrite(creating->token.at, 1, creating->token.len, client->screen.out);
        fputc('\n', client->screen.out);
    }
    if (creating->token.len)
        screen_print(&hints, DIM,
            "This is the only time that the token of '%s' is shown; logs call it token:%s.\n"
            "Clients send it as Authorization: Bearer TOKEN, or as their API key.\n",
            name, text_of(creating->row, "fp6"));
    else
        screen_print(&hints, DIM, "'%s' is known by its client certificate, CN %s.\n", name,
            text_of(creating->row, "certificate"));
}

/* Who only looks sees nothing of the house without a role: the fact that gives one, and with --yes
 * into the site with it. */
static bool give_role(struct client *client, const struct creating *creating, struct err *err)
{
    const json_t *scope, *scopes = json_object_get(creating->row, "scopes");
    struct screen hints = screen_of(stderr, client->options.no_color);
    scoped(buf_done) struct buf fact = buf_of(ROLE_FACT_BYTES_MAX);
    bool looks = false;
    size_t i;

    json_array_foreach (scopes, i, scope) {
        looks = looks || strcmp(json_string_value(scope), "view") == 0;
        if (strcmp(json_string_value(scope), "api") == 0)
            return true; /* an operator's token: which role, its owner knows */
    }
    if (!looks)
        return true;
    site_keys_token_role(str_from(text_of(creating->row, "name")), S("viewer"), &fact);
    if (!client->options.yes) {
        screen_print(&hints, DIM,
            "It sees the house once the site facts say: %s (site/people.pl, then logicctl kb "
            "reload; create with --yes writes it into site/keys.pl).\n",
            buf_text(&fact));
        return true;
    }
    if (!site_change_add(client, buf_str(&fact), err))
        return err_wrap(err, "the token is made, but %s is not in the site", buf_text(&fact));
    screen_print(&hints, DIM, "Written into site/keys.pl: %s\n", buf_text(&fact));
    return true;
}

enum client_exit client_token_create(struct client *client)
{
    scoped(json_done) json_t *row = NULL;
    struct creating creating = {.options = &client->options};
    struct err err;

    if (!token_row_make(&client->options, clock_civil_ms(), &row, &creating.alg, &err))
        return client_fail(client, &err);
    creating.row = row;
    scoped(wipe_done) struct buf text = buf_of(0); /* wiped whichever way this ends */
    creating.token = buf_of(JWT_BYTES_MAX);
    check(buf_room(&creating.token, JWT_BYTES_MAX)); /* it never moves: one copy to wipe */
    bool made = change(&client->options, add_row, &creating, &err);
    text = creating.token;
    if (!made)
        return client_fail(client, &err);
    print_created(client, &creating);
    return give_role(client, &creating, &err) ? EXIT_DONE : client_fail(client, &err);
}

/* --- list, revoke ------------------------------------------------------------------ */

static bool read_document(const struct options *options, json_t **ret_document, struct err *err)
{
    char path[PATH_MAX];

    return file_path(options, path, err) &&
           document_read(path, &TOKEN_FILE_FORM, ret_document, err);
}

static void words_of(const json_t *list, struct buf *out)
{
    size_t i;
    json_t *word;

    json_array_foreach (list, i, word)
        buf_printf(out, "%s%s", i ? "," : "", json_string_value(word));
}

static void number_of(const json_t *row, const char *name, char ret_text[24])
{
    int64_t number = json_integer_value(json_object_get(row, name));

    if (number)
        snprintf(ret_text, 24, "%lld", (long long)number);
    else
        snprintf(ret_text, 24, "-");
}

static void list_row(struct table *table, const json_t *row, int64_t now_ms)
{
    scoped(buf_done) struct buf models = buf_of(LIST_BYTES_MAX), scopes = buf_of(LIST_BYTES_MAX);
    char rate[24], tokens[24];
    const char *state = token_row_state(row, now_ms), *expires = text_of(row, "expires_at");
    bool good = strcmp(state, "good") == 0;

    words_of(json_object_get(row, "models"), &models);
    words_of(json_object_get(row, "scopes"), &scopes);
    number_of(row, "rate_per_minute", rate);
    number_of(row, "tokens_per_minute", tokens);
    struct str cells[] = {str_from(text_of(row, "name")), str_from(text_of(row, "kind")),
        str_from(text_of(row, "fp6")), str_from(state), buf_str(&models), buf_str(&scopes),
        str_from(rate), str_from(tokens), str_from(*expires ? expires : "never")};
    enum style styles[COUNT(cells)] = {BOLD, PLAIN, DIM, good ? GREEN : RED};
    table_add(table, cells, styles);
}

enum client_exit client_token_list(struct client *client)
{
    static const char *const TITLES[] = {"NAME", "KIND", "LOGGED AS", "STATE", "MODELS", "SCOPES",
        "RATE/MIN", "TOKENS/MIN", "EXPIRES"};
    scoped(json_done) json_t *document = NULL;
    scoped(table_done) struct table table = {0};
    struct err err;
    size_t i;
    json_t *row;

    if (!read_document(&client->options, &document, &err))
        return client_fail(client, &err);
    if (client->options.json) {
        client_print(client, document); /* public keys and hashes: nothing of it opens a door */
        return EXIT_DONE;
    }
    table_init(&table, TITLES, COUNT(TITLES));
    json_array_foreach (json_object_get(document, "tokens"), i, row)
        list_row(&table, row, clock_civil_ms());
    table_print(&table, &client->screen);
    return EXIT_DONE;
}

static bool revoke_row(json_t *document, void *context, struct err *err)
{
    json_t *row = token_row_live(document, context);

    if (!row)
        return err_code(err, ERR_INPUT, "no_such_token", NULL,
            "there is no token '%.80s' that is not revoked; `logicctl token list` shows them",
            (const char *)context);
    token_row_stamp(row, "revoked_at", clock_civil_ms());
    return true;
}

enum client_exit client_token_revoke(struct client *client)
{
    struct screen hints = screen_of(stderr, client->options.no_color);
    struct err err;

    if (!change(&client->options, revoke_row, (void *)client->options.args[0], &err))
        return client_fail(client, &err);
    screen_print(&hints, DIM, "'%s' is revoked; the node refuses it within a second or two.\n",
        client->options.args[0]);
    return EXIT_DONE;
}

/* --- rotate ------------------------------------------------------------------------ */

struct rotating {
    const struct options *options;
    enum jwt_alg alg;
    char kid[JWT_TEXT_BYTES];
    json_t *retired; /* kids whose private halves go */
    size_t revoked;
};

static bool rotate(json_t *document, void *context, struct err *err)
{
    struct rotating *rotating = context;
    scoped(mint_key_done) struct mint_key key = {0};
    int64_t now_ms = clock_civil_ms();

    token_keys_retire(document, rotating->alg, now_ms, rotating->retired);
    if (rotating->options->revoke_old)
        rotating->revoked = token_rows_revoke_of(document, rotating->retired, now_ms);
    token_keys_prune(document, now_ms);
    return new_key(rotating->options, rotating->alg, document, &key, rotating->kid, err);
}

static void forget_key(const struct options *options, const char *path)
{
    scoped(home_leave) struct home_stay stay = {0};
    struct err unused;

    if (keys_enter(options, &stay, &unused))
        (void)unlink(path);
}

enum client_exit client_token_rotate(struct client *client)
{
    scoped(json_done) json_t *retired = json_array();
    struct rotating rotating = {.options = &client->options, .retired = retired};
    struct screen hints = screen_of(stderr, client->options.no_color);
    char path[PATH_MAX];
    struct err err;
    size_t i;
    json_t *kid;

    if (!token_alg_from(client->options.alg, &rotating.alg, &err) ||
        !change(&client->options, rotate, &rotating, &err))
        return client_fail(client, &err);
    json_array_foreach (retired, i, kid)
        if (!strchr(json_string_value(kid), '/') &&
            key_path(&client->options, json_string_value(kid), path, &err))
            forget_key(&client->options, path);
    if (client->options.json) {
        scoped(json_done) json_t *document = json_pack("{s:s, s:s, s:O, s:I}", "kid", rotating.kid,
            "alg", jwt_alg_word(rotating.alg), "retired", retired, "revoked",
            (json_int_t)rotating.revoked);
        client_print(client, document);
        return EXIT_DONE;
    }
    screen_print(&client->screen, PLAIN, "%s\n", rotating.kid);
    screen_print(&hints, DIM,
        rotating.options->revoke_old
            ? "New tokens are signed by this key; %zu of the old ones were revoked.\n"
            : "New tokens are signed by this key; old ones stay good until they expire or are "
              "revoked (%zu were).\n",
        rotating.revoked);
    return EXIT_DONE;
}
