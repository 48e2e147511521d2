/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/body.h"

#include "base/scoped.h"
#include "http/http.h"
#include "os/random.h"
#include "webauthn/webauthn.h"
#include "json/json_read.h"
#include "json/json_scan.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>

#define UTF8_BYTES_MAX 4
#define KEY_ID_CHARS 16
#define SHA256_CHARS 64
#define SIGNATURE_CHARS_MAX 128
#define REASON_BYTES_MAX 2000 /* 500 characters, counted by the judge */

static bool bad_value(struct err *err, const char *param, struct str value, const char *wanted)
{
    struct str shown = str_utf8_prefix((struct str){value.at, value.len < 80 ? value.len : 80});

    return err_code(err, ERR_INPUT, "bad_value", param, "%s '%.*s' %s", param, STR(shown), wanted);
}

static bool all_of(struct str s, const char *alphabet)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.at[i] || !strchr(alphabet, s.at[i]))
            return false;
    return s.len > 0;
}

static bool is_word(struct str s)
{
    return s.len <= WORD_BYTES_MAX && all_of(s, "abcdefghijklmnopqrstuvwxyz0123456789_") &&
           s.at[0] >= 'a';
}

static size_t characters(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += (s.at[i] & 0xc0) != 0x80;
    return count;
}

static void member(struct buf *out, const char *name, struct str value)
{
    buf_add(out, out->len && out->at[out->len - 1] != '{' ? S(",\"") : S("\""));
    buf_add(out, str_from(name));
    buf_add(out, S("\":"));
    json_add_string(out, value);
}

static bool complete(struct buf *out, struct err *err)
{
    buf_add_char(out, '}');
    return !out->overflowed || err_code(err, ERR_LIMIT, "too_large", NULL,
                                   "the request is longer than %zu bytes", out->bytes_max);
}

bool body_intent(struct str text, struct body_intent *ret_intent, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    struct str nl;
    bool parse_only = false, model = false;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("nl", &nl, 1, SENTENCE_CHARS_MAX * UTF8_BYTES_MAX),
        JSON_MAY_BOOL("parse_only", &parse_only),
        JSON_MAY_BOOL("model", &model),
    };

    if (!json_read(text, BODY_BYTES_MAX, &body, err) ||
        !json_take(body, fields, COUNT(fields), err))
        return false;
    if (characters(nl) > SENTENCE_CHARS_MAX)
        return err_code(err, ERR_INPUT, "out_of_range", "nl",
            "nl has %zu characters; a sentence has at most %d", characters(nl), SENTENCE_CHARS_MAX);
    buf_add_char(out, '{');
    member(out, "nl", nl);
    if (parse_only)
        buf_add(out, S(",\"parse_only\":true"));
    if (!complete(out, err))
        return false;
    bool said = json_object_get(body, "model") != NULL;
    *ret_intent = (struct body_intent){.sentence = str_dup(nl),
        .parse_only = parse_only,
        .model = !said   ? BODY_UNSAID
                 : model ? BODY_YES
                         : BODY_NO};
    return true;
}

bool body_is_parse_only(struct str text)
{
    scoped(json_done) json_t *body = NULL;
    struct err err;

    return json_read(text, BODY_BYTES_MAX, &body, &err) &&
           json_is_true(json_object_get(body, "parse_only")) &&
           !json_is_true(json_object_get(body, "model"));
}

bool body_proposal(struct str text, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    json_t *params;
    struct str action;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("action", &action, 1, WORD_BYTES_MAX),
        JSON_TAKE_OBJECT("params", &params),
    };

    if (!json_read(text, BODY_BYTES_MAX, &body, err) ||
        !json_take(body, fields, COUNT(fields), err))
        return false;
    if (!is_word(action))
        return bad_value(err, "action", action, "is no name of an action; see GET /api/v1/actions");
    buf_add_char(out, '{');
    member(out, "action", action);
    member(out, "via", S("api"));
    buf_add(out, S(",\"params\":"));
    return json_plain(params, out, err) && complete(out, err);
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What a passkey said goes on as it came: the judge reads it, and believes no reading of ours. */
static bool add_passkey(const json_t *passkey, struct buf *out, struct err *err)
{
    struct str authenticator_data, client_data_json, signature;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("authenticator_data", &authenticator_data, 1,
            WEBAUTHN_TEXT_LENGTH(WEBAUTHN_AUTHENTICATOR_BYTES_MAX)),
        JSON_TAKE_TEXT("client_data_json", &client_data_json, 1,
            WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CLIENT_BYTES_MAX)),
        JSON_TAKE_TEXT(
            "signature", &signature, 1, WEBAUTHN_TEXT_LENGTH(WEBAUTHN_SIGNATURE_BYTES_MAX)),
    };

    if (!json_take(passkey, fields, COUNT(fields), err))
        return false;
    for (size_t i = 0; i < COUNT(fields); i++)
        if (!all_of(*fields[i].ret_text, BASE64URL))
            return bad_value(err, fields[i].name, *fields[i].ret_text, "is not base64url");
    buf_add(out, S(",\"passkey\":{"));
    for (size_t i = 0; i < COUNT(fields); i++)
        member(out, fields[i].name, *fields[i].ret_text);
    buf_add_char(out, '}');
    return true;
}

bool body_consent(struct str text, struct str id, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    json_t *passkey = NULL;
    struct str key_id, decision, plan, signature = {0}, reason = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("key_id", &key_id, KEY_ID_CHARS, KEY_ID_CHARS),
        JSON_TAKE_TEXT("decision", &decision, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("plan_sha256", &plan, SHA256_CHARS, SHA256_CHARS),
        JSON_MAY_TEXT("signature", &signature, 1, SIGNATURE_CHARS_MAX),
        JSON_MAY_TEXT("reason", &reason, 0, REASON_BYTES_MAX),
        JSON_MAY_OBJECT("passkey", &passkey),
    };
    static const char HEX[] = "0123456789abcdef";

    if (!json_read(text, BODY_BYTES_MAX, &body, err) ||
        !json_take(body, fields, COUNT(fields), err))
        return false;
    if (!all_of(key_id, HEX))
        return bad_value(err, "key_id", key_id, "is not 16 hex digits");
    if (!str_eq(decision, S("approve")) && !str_eq(decision, S("refuse")))
        return bad_value(err, "decision", decision, "is neither approve nor refuse");
    if (!all_of(plan, HEX))
        return bad_value(err, "plan_sha256", plan, "is not 64 hex digits");
    if (signature.at && !all_of(signature, BASE64))
        return bad_value(err, "signature", signature, "is not base64");
    buf_add_char(out, '{');
    member(out, "id", id);
    member(out, "key_id", key_id);
    member(out, "decision", decision);
    member(out, "plan_sha256", plan);
    if (signature.at)
        member(out, "signature", signature);
    if (reason.at)
        member(out, "reason", reason);
    return (!passkey || add_passkey(passkey, out, err)) && complete(out, err);
}

/* The usual form of a question, seen without making a value of it. */
static bool is_plain_query(struct str text)
{
    static const struct str NAMES[] = {S("query"), S("args")};
    struct json_tape tape;
    size_t found[COUNT(NAMES)];

    if (text.len > BODY_BYTES_MAX || json_scan(text, &tape) != JSON_SCAN_GOOD ||
        tape.tokens[0].kind != JSON_TOKEN_OBJECT ||
        !json_tape_members(&tape, 0, NAMES, COUNT(NAMES), found) || !found[0] || !found[1])
        return false;
    struct str query = json_tape_text(&tape, found[0]);
    return tape.tokens[found[0]].kind == JSON_TOKEN_STRING && query.len > 0 &&
           query.len <= WORD_BYTES_MAX && is_word(query) &&
           tape.tokens[found[1]].kind == JSON_TOKEN_OBJECT;
}

bool body_query(struct str text, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    json_t *args = NULL;
    struct str query;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("query", &query, 1, WORD_BYTES_MAX),
        JSON_MAY_OBJECT("args", &args),
    };

    if (is_plain_query(text)) {
        buf_add(out, text);
        return true;
    }
    if (!json_read(text, BODY_BYTES_MAX, &body, err) ||
        !json_take(body, fields, COUNT(fields), err))
        return false;
    if (!is_word(query))
        return bad_value(err, "query", query, "is no name of a query");
    if (args) {
        buf_add(out, text);
        return true;
    }
    buf_add_char(out, '{');
    member(out, "query", query);
    buf_add(out, S(",\"args\":{}"));
    return complete(out, err);
}

bool body_nothing(struct str text, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;

    buf_add(out, S("{}"));
    return str_trim(text).len == 0 ||
           (json_read(text, BODY_BYTES_MAX, &body, err) && json_take(body, NULL, 0, err));
}

void body_id(struct str id, struct buf *out)
{
    buf_add_char(out, '{');
    member(out, "id", id);
    buf_add_char(out, '}');
}

/* --- queries ------------------------------------------------------------------------- */

/* Each parameter is one of `names` and comes once. */
static bool known_only(struct str query, const char *const *names, struct err *err)
{
    unsigned seen = 0;

    while (query.len) {
        struct str value, pair = str_cut(query, '&', &query);
        struct str name = str_cut(pair, '=', &value);
        size_t i = 0;
        while (names[i] && !str_eq(name, str_from(names[i])))
            i++;
        if (!names[i])
            return err_code(err, ERR_INPUT, "unknown_field", NULL,
                "'%.*s' is no parameter of this address", (int)(name.len < 80 ? name.len : 80),
                name.at);
        if (seen & 1u << i)
            return err_code(
                err, ERR_INPUT, "duplicate_field", names[i], "%s is given twice", names[i]);
        seen |= 1u << i;
    }
    return true;
}

static bool take_number(struct str query, const char *name, uint64_t min, uint64_t max,
    uint64_t *number, bool *ret_found, struct err *err)
{
    scoped(buf_done) struct buf value = buf_of(64);
    char wanted[96];

    if (!http_query_value(query, str_from(name), &value, ret_found, err))
        return false;
    if (*ret_found && (!str_to_u64(buf_str(&value), max, number) || *number < min)) {
        snprintf(
            wanted, sizeof wanted, "is not a whole number from %" PRIu64 " to %" PRIu64, min, max);
        return bad_value(err, name, buf_str(&value), wanted);
    }
    return true;
}

bool body_cases(struct str query, struct buf *out, struct err *err)
{
    static const char *const NAMES[] = {"limit", "before", "status", NULL};
    scoped(buf_done) struct buf before = buf_of(WORD_BYTES_MAX + 1),
                                status = buf_of(WORD_BYTES_MAX + 1);
    uint64_t limit = CASES_LIMIT_DEFAULT;
    bool has_limit, has_before, has_status;

    if (!known_only(query, NAMES, err) ||
        !take_number(query, "limit", 1, CASES_LIMIT_MAX, &limit, &has_limit, err) ||
        !http_query_value(query, S("before"), &before, &has_before, err) ||
        !http_query_value(query, S("status"), &status, &has_status, err))
        return false;
    if (has_before && (before.overflowed || !id_valid(buf_text(&before))))
        return bad_value(err, "before", buf_str(&before), "is not the id of a case");
    if (has_status && (status.overflowed || !is_word(buf_str(&status))))
        return bad_value(err, "status", buf_str(&status), "is no status of a case");
    buf_printf(out, "{\"limit\":%" PRIu64, limit);
    if (has_before)
        member(out, "before", buf_str(&before));
    if (has_status)
        member(out, "status", buf_str(&status));
    return complete(out, err);
}

bool body_alerts(struct str query, struct buf *out, struct err *err)
{
    static const char *const NAMES[] = {"status", "limit", "before", NULL};
    scoped(buf_done) struct buf status = buf_of(WORD_BYTES_MAX + 1);
    uint64_t limit = ALERTS_LIMIT_DEFAULT, before = 0;
    bool found, has_status;

    if (!known_only(query, NAMES, err) ||
        !take_number(query, "limit", 1, ALERTS_LIMIT_MAX, &limit, &found, err) ||
        !take_number(query, "before", 1, JSON_INTEGER_MAX, &before, &found, err) ||
        !http_query_value(query, S("status"), &status, &has_status, err))
        return false;
    if (has_status && (status.overflowed || !is_word(buf_str(&status))))
        return bad_value(err, "status", buf_str(&status),
            "is no status of an alert: open, raised, acknowledged, cleared, all");
    buf_printf(out, "{\"limit\":%" PRIu64, limit);
    if (before)
        buf_printf(out, ",\"before\":%" PRIu64, before);
    if (has_status)
        member(out, "status", buf_str(&status));
    return complete(out, err);
}

bool body_acknowledge(struct str text, uint64_t alert, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    struct str words = {0};
    const struct json_field fields[] = {JSON_MAY_TEXT("words", &words, 1, ACKNOWLEDGE_WORDS_MAX)};

    if (str_trim(text).len && (!json_read(text, BODY_BYTES_MAX, &body, err) ||
                                  !json_take(body, fields, COUNT(fields), err)))
        return false;
    buf_printf(out,
        "{\"action\":\"alert_acknowledge\",\"via\":\"api\",\"params\":{\"alert\":%" PRIu64, alert);
    if (words.len)
        member(out, "words", words);
    buf_add_char(out, '}');
    return complete(out, err);
}

bool body_named(struct str name, const char *member_name, struct buf *out, struct err *err)
{
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

    if (name.len > WORD_BYTES_MAX || !all_of(name, ALPHABET))
        return bad_value(err, member_name, name, "is no name: letters, digits, '_', '-' and '.'");
    buf_add_char(out, '{');
    member(out, member_name, name);
    return complete(out, err);
}

/* From when to when: by two times, by so many seconds back, or the last hour. */
static bool take_span(
    struct str query, int64_t now_ms, uint64_t *ret_from, uint64_t *ret_to, struct err *err)
{
    uint64_t from = 0, to = (uint64_t)now_ms, since = 3600;
    bool has_from, has_to, has_since;

    if (!take_number(query, "from_ms", 0, JSON_INTEGER_MAX, &from, &has_from, err) ||
        !take_number(query, "to_ms", 0, JSON_INTEGER_MAX, &to, &has_to, err) ||
        !take_number(query, "since_s", 1, HISTORY_SINCE_S_MAX, &since, &has_since, err))
        return false;
    if (has_from && has_since)
        return err_code(err, ERR_INPUT, "bad_value", "since_s",
            "since_s and from_ms say two different things; give one of them");
    if (!has_from)
        from = to > since * 1000 ? to - since * 1000 : 0;
    if (from > to)
        return err_code(err, ERR_INPUT, "bad_value", "to_ms", "to_ms lies before from_ms");
    *ret_from = from;
    *ret_to = to;
    return true;
}

static bool take_text(
    struct str query, const char *name, size_t max, struct buf *out, struct err *err)
{
    scoped(buf_done) struct buf value = buf_of(max + 1);
    bool found;

    if (!http_query_value(query, str_from(name), &value, &found, err))
        return false;
    if (found && (value.overflowed || value.len > max || value.len == 0))
        return err_code(err, ERR_INPUT, "out_of_range", name, "%s has 1 to %zu bytes", name, max);
    if (found)
        member(out, name, buf_str(&value));
    return true;
}

bool body_history(struct str query, int64_t now_ms, struct buf *out, struct err *err)
{
    static const char *const NAMES[] = {
        "node", "metric", "part", "promql", "from_ms", "to_ms", "since_s", "step_s", NULL};
    uint64_t from = 0, to = 0, step = 60;
    bool found;

    if (!known_only(query, NAMES, err) || !take_span(query, now_ms, &from, &to, err) ||
        !take_number(query, "step_s", 1, HISTORY_STEP_S_MAX, &step, &found, err))
        return false;
    buf_printf(
        out, "{\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 ",\"step_s\":%" PRIu64, from, to, step);
    return take_text(query, "node", WORD_BYTES_MAX, out, err) &&
           take_text(query, "metric", WORD_BYTES_MAX, out, err) &&
           take_text(query, "part", WORD_BYTES_MAX, out, err) &&
           take_text(query, "promql", PROMQL_BYTES_MAX, out, err) && complete(out, err);
}

bool body_ledger(struct str query, struct buf *out, struct err *err)
{
    static const char *const NAMES[] = {"after", "limit", NULL};
    uint64_t after = 0, limit = LEDGER_LIMIT_DEFAULT;
    bool found;

    if (!known_only(query, NAMES, err) ||
        !take_number(query, "after", 0, JSON_INTEGER_MAX, &after, &found, err) ||
        !take_number(query, "limit", 1, LEDGER_LIMIT_MAX, &limit, &found, err))
        return false;
    buf_printf(out, "{\"after\":%" PRIu64 ",\"limit\":%" PRIu64, after, limit);
    return complete(out, err);
}

bool body_after(struct str query, int64_t *ret_after, struct err *err)
{
    static const char *const NAMES[] = {"after", NULL};
    uint64_t after = 0;
    bool found;

    if (!known_only(query, NAMES, err) ||
        !take_number(query, "after", 0, JSON_INTEGER_MAX, &after, &found, err))
        return false;
    *ret_after = found ? (int64_t)after : -1;
    return true;
}

static bool take_with(struct str words, struct body_events *events, struct err *err)
{
    while (words.len) {
        struct str word = str_cut(words, ',', &words);
        bool *wish = str_eq(word, S("house"))    ? &events->house
                     : str_eq(word, S("queue"))  ? &events->queue
                     : str_eq(word, S("stages")) ? &events->stages
                                                 : NULL;
        if (!wish)
            return err_code(err, ERR_INPUT, "bad_value", "with",
                "with '%.*s' there is nothing; it is house, queue and stages, with commas between",
                (int)(word.len < WORD_BYTES_MAX ? word.len : WORD_BYTES_MAX), word.at);
        *wish = true;
    }
    return true;
}

bool body_events(struct str query, struct body_events *ret_events, struct err *err)
{
    static const char *const NAMES[] = {"after", "form", "with", NULL};
    scoped(buf_done) struct buf form = buf_of(WORD_BYTES_MAX), with = buf_of(WORD_BYTES_MAX);
    struct body_events events = {0};
    uint64_t after = 0;
    bool found, has_form, has_with;

    if (!known_only(query, NAMES, err) ||
        !take_number(query, "after", 0, JSON_INTEGER_MAX, &after, &found, err) ||
        !http_query_value(query, S("form"), &form, &has_form, err) ||
        !http_query_value(query, S("with"), &with, &has_with, err))
        return false;
    events.after = found ? (int64_t)after : -1;
    events.brief = str_eq(buf_str(&form), S("brief"));
    if (form.overflowed || (has_form && !events.brief && !str_eq(buf_str(&form), S("full"))))
        return err_code(
            err, ERR_INPUT, "bad_value", "form", "form is full (every body whole) or brief");
    if (with.overflowed)
        return err_code(err, ERR_INPUT, "bad_value", "with",
            "with is house, queue and stages, each once, with commas between");
    if (!take_with(buf_str(&with), &events, err))
        return false;
    *ret_events = events;
    return true;
}

bool body_verify(struct str query, struct buf *out, struct err *err)
{
    int64_t after;

    if (!body_after(query, &after, err))
        return false;
    buf_printf(out, "{\"after\":%" PRId64, after < 0 ? 0 : after);
    return complete(out, err);
}
