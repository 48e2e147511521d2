/* SPDX-License-Identifier: Apache-2.0 */
#include "client/token_row.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

#define SCOPES_STANDARD "chat,completions,embeddings,models,queue"
#define YEARS_MAX_MS (INT64_C(100) * 366 * 86400000)

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void set(json_t *row, const char *name, json_t *value)
{
    check(json_object_set_new(row, name, value) == 0);
}

void token_row_stamp(json_t *row, const char *member, int64_t now_ms)
{
    char text[CLOCK_TEXT_BYTES];

    clock_text(now_ms, text);
    set(row, member, json_string(text));
}

/* --- words of the command line ----------------------------------------------------- */

bool token_alg_from(const char *word, enum jwt_alg *ret_alg, struct err *err)
{
    struct str alg = word ? str_from(word) : S("eddsa");
    bool es256 = str_eq_nocase(alg, S("es256"));

    if (!es256 && !str_eq_nocase(alg, S("eddsa")))
        return err_set(err, ERR_INPUT, "--alg must be eddsa or es256");
    *ret_alg = es256 ? JWT_ES256 : JWT_EDDSA;
    return true;
}

bool token_expiry_from(const char *word, int64_t now_ms, int64_t *ret_expires_ms, struct err *err)
{
    static const struct {
        char letter;
        int64_t ms;
    } UNITS[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}};
    struct str text = str_from(word);
    int64_t at_ms;
    uint64_t count;

    if (str_eq(text, S("never"))) {
        *ret_expires_ms = 0;
        return true;
    }
    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (text.len > 1 && text.at[text.len - 1] == UNITS[i].letter &&
            str_to_u64((struct str){text.at, text.len - 1}, (uint64_t)(YEARS_MAX_MS / UNITS[i].ms),
                &count) &&
            count > 0) {
            *ret_expires_ms = now_ms + (int64_t)count * UNITS[i].ms;
            return true;
        }
    if (text.len >= CLOCK_TEXT_BYTES || !clock_from_text(word, &at_ms))
        return err_set(
            err, ERR_INPUT, "--expires must be like 90d, 12h, 30m, never, or 2027-01-01T00:00:00Z");
    if (at_ms <= now_ms)
        return err_set(err, ERR_INPUT, "--expires %s is over already", word);
    *ret_expires_ms = at_ms;
    return true;
}

static bool take_number(json_t *row, const char *member, const char *option, const char *word,
    uint64_t least, uint64_t most, struct err *err)
{
    uint64_t number;

    if (!word)
        return true;
    if (!str_to_u64(str_from(word), most, &number) || number < least)
        return err_set(err, ERR_INPUT, "--%s must be a number from %llu to %llu", option,
            (unsigned long long)least, (unsigned long long)most);
    set(row, member, json_integer((json_int_t)number));
    return true;
}

static bool take_models(json_t *row, const char *words, struct err *err)
{
    struct str rest = str_from(words ? words : "*");
    json_t *list = json_array();

    set(row, "models", list);
    while (rest.len) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        if (!token_pattern_fits(word))
            return err_set(err, ERR_INPUT,
                "--models must be names, or beginnings with a `*` behind, with commas between: "
                "qwen3-8b,llama*");
        if (json_array_size(list) == CALLER_MODELS_MAX)
            return err_set(err, ERR_LIMIT, "--models takes at most %d", CALLER_MODELS_MAX);
        check(json_array_append_new(list, json_stringn(word.at, word.len)) == 0);
    }
    return json_array_size(list) > 0 || err_set(err, ERR_INPUT, "--models names none");
}

static bool take_scopes(json_t *row, const char *words, struct err *err)
{
    struct str rest = str_from(words ? words : SCOPES_STANDARD);
    uint32_t scopes = str_eq(rest, S("all")) ? CALLER_ALL : 0;
    json_t *list = json_array();

    set(row, "scopes", list);
    while (rest.len && scopes != CALLER_ALL) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        enum caller_scope scope;
        if (!caller_scope_from(word, &scope))
            return err_set(err, ERR_INPUT,
                "--scopes must be all, or some of chat,completions,embeddings,models,queue,usage,"
                "api,sense,metrics,view");
        scopes |= (uint32_t)scope;
    }
    for (int i = 0; i < CALLER_SCOPES; i++)
        if (scopes & (1u << i))
            check(json_array_append_new(
                      list, json_string(caller_scope_word((enum caller_scope)(1 << i)))) == 0);
    return scopes || err_set(err, ERR_INPUT, "--scopes names none");
}

static bool take_words(json_t *row, const struct options *options, struct err *err)
{
    enum caller_priority priority = CALLER_INTERACTIVE;
    enum caller_dialect dialect = DIALECT_COMMENT;

    if (options->priority && !caller_priority_from(str_from(options->priority), &priority))
        return err_set(err, ERR_INPUT, "--priority must be interactive or background");
    if (options->dialect && !caller_dialect_from(str_from(options->dialect), &dialect))
        return err_set(err, ERR_INPUT, "--dialect must be comment, chunk, reasoning or off");
    set(row, "priority", json_string(caller_priority_word(priority)));
    set(row, "dialect", json_string(caller_dialect_word(dialect)));
    set(row, "speaks_for_users", json_boolean(options->speaks_for_users));
    return true;
}

static bool take_kind(json_t *row, const struct options *options, struct err *err)
{
    if (options->no_token && (!options->certificate || options->opaque || options->alg))
        return err_set(err, ERR_INPUT,
            "--no-token needs --certificate CN, and is neither --opaque nor of an --alg");
    if (options->opaque && options->alg)
        return err_set(err, ERR_INPUT, "an --opaque token is not signed: leave out --alg");
    set(row, "kind",
        json_string(options->no_token ? "certificate"
                    : options->opaque ? "opaque"
                                      : "jwt"));
    if (!options->certificate)
        return true;
    size_t len = strlen(options->certificate);
    json_t *name = json_string(options->certificate);
    if (len == 0 || len >= TOKEN_CERTIFICATE_BYTES || !name) {
        json_decref(name);
        return err_set(err, ERR_INPUT,
            "--certificate must be the common name of a certificate, "
            "at most %d bytes",
            TOKEN_CERTIFICATE_BYTES - 1);
    }
    set(row, "certificate", name);
    return true;
}

static bool take_limits(json_t *row, const struct options *options, struct err *err)
{
    set(row, "rate_per_minute", json_integer(0));
    set(row, "tokens_per_minute", json_integer(0));
    set(row, "concurrent_max", json_integer(0));
    set(row, "weight", json_integer(1));
    return take_number(row, "rate_per_minute", "rate", options->rate, 0, BUCKET_COUNT_MAX, err) &&
           take_number(row, "tokens_per_minute", "tokens-per-minute", options->tokens_per_minute, 0,
               BUCKET_COUNT_MAX, err) &&
           take_number(row, "concurrent_max", "concurrent", options->concurrent, 0,
               TOKEN_CONCURRENT_MAX, err) &&
           take_number(row, "weight", "weight", options->weight, 1, TOKEN_WEIGHT_MAX, err);
}

bool token_row_make(const struct options *options, int64_t now_ms, json_t **ret_row,
    enum jwt_alg *ret_alg, struct err *err)
{
    scoped(json_done) json_t *row = json_object();
    struct str name = str_from(options->name);
    int64_t expires_ms = 0;
    char id[MINT_ID_BYTES];

    if (!token_name_fits(name))
        return err_set(err, ERR_INPUT, "--name NAME is needed: 1 to %d of a-z 0-9 _ - .",
            CALLER_NAME_BYTES - 1);
    mint_id(id);
    set(row, "name", json_stringn(name.at, name.len));
    set(row, "id", json_string(id));
    if (!token_alg_from(options->alg, ret_alg, err) || !take_kind(row, options, err) ||
        !take_models(row, options->models, err) || !take_scopes(row, options->scopes, err) ||
        !take_limits(row, options, err) || !take_words(row, options, err) ||
        !token_expiry_from(options->expires ? options->expires : "never", now_ms, &expires_ms, err))
        return false;
    token_row_stamp(row, "created_at", now_ms);
    set(row, "expires_at", json_null());
    if (expires_ms)
        token_row_stamp(row, "expires_at", expires_ms);
    set(row, "revoked_at", json_null());
    *ret_row = json_incref(row);
    return true;
}

/* --- rows of the document ---------------------------------------------------------- */

json_t *token_row_rights(const json_t *row)
{
    static const char *const NAMES[] = {"models", "scopes", "rate_per_minute", "tokens_per_minute",
        "concurrent_max", "weight", "priority", "dialect", "speaks_for_users"};
    json_t *rights = json_object();

    for (size_t i = 0; i < COUNT(NAMES); i++) {
        json_t *value = json_object_get(row, NAMES[i]);
        if (value)
            check(json_object_set(rights, NAMES[i], value) == 0);
    }
    return rights;
}

const char *token_row_state(const json_t *row, int64_t now_ms)
{
    int64_t expires_ms;

    if (*text_of(row, "revoked_at"))
        return "revoked";
    if (clock_from_text(text_of(row, "expires_at"), &expires_ms) && expires_ms <= now_ms)
        return "expired";
    return "good";
}

static bool is_good(const json_t *row, int64_t now_ms)
{
    return strcmp(token_row_state(row, now_ms), "good") == 0;
}

json_t *token_row_live(json_t *document, const char *name)
{
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(document, "tokens"), i, row)
        if (strcmp(text_of(row, "name"), name) == 0 && !*text_of(row, "revoked_at"))
            return row;
    return NULL;
}

bool token_rows_make_room(json_t *document, const char *name, int64_t now_ms, struct err *err)
{
    json_t *rows = json_object_get(document, "tokens"), *same = token_row_live(document, name);
    size_t place = 0;

    if (same && is_good(same, now_ms))
        return err_code(err, ERR_INPUT, "name_taken", "name",
            "there is a token '%s': revoke it first (logicctl token revoke %s), or choose another "
            "name",
            name, name);
    if (same)
        token_row_stamp(same, "revoked_at", now_ms);
    if (json_array_size(rows) < IDENTITY_CALLERS_MAX)
        return true;
    while (place < json_array_size(rows) && is_good(json_array_get(rows, place), now_ms))
        place++;
    if (place == json_array_size(rows))
        return err_code(err, ERR_LIMIT, "too_many_tokens", NULL,
            "there are %d good tokens, more are not kept: revoke some", IDENTITY_CALLERS_MAX);
    check(json_array_remove(rows, place) == 0);
    return true;
}

void token_keys_retire(json_t *document, enum jwt_alg alg, int64_t now_ms, json_t *retired)
{
    size_t i;
    json_t *key;

    json_array_foreach (json_object_get(document, "keys"), i, key) {
        if (strcmp(text_of(key, "alg"), jwt_alg_word(alg)) != 0 || *text_of(key, "retired_at"))
            continue;
        token_row_stamp(key, "retired_at", now_ms);
        check(json_array_append(retired, json_object_get(key, "kid")) == 0);
    }
}

static bool names(const json_t *list, const char *word)
{
    size_t i;
    json_t *one;

    json_array_foreach (list, i, one)
        if (strcmp(json_string_value(one), word) == 0)
            return true;
    return false;
}

size_t token_rows_revoke_of(json_t *document, const json_t *kids, int64_t now_ms)
{
    size_t i, count = 0;
    json_t *row;

    json_array_foreach (json_object_get(document, "tokens"), i, row) {
        if (*text_of(row, "revoked_at") || !names(kids, text_of(row, "kid")))
            continue;
        token_row_stamp(row, "revoked_at", now_ms);
        count++;
    }
    return count;
}

static bool is_used(json_t *document, const char *kid, int64_t now_ms)
{
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(document, "tokens"), i, row)
        if (strcmp(text_of(row, "kid"), kid) == 0 && is_good(row, now_ms))
            return true;
    return false;
}

void token_keys_prune(json_t *document, int64_t now_ms)
{
    json_t *keys = json_object_get(document, "keys");

    for (size_t i = json_array_size(keys); i-- > 0;) {
        const json_t *key = json_array_get(keys, i);
        if (*text_of(key, "retired_at") && !is_used(document, text_of(key, "kid"), now_ms))
            check(json_array_remove(keys, i) == 0);
    }
}
