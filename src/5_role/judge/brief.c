/* SPDX-License-Identifier: Apache-2.0
 *
 * The hot way of a question: from the message's text to the rules' terms and from their answer to
 * the reply's text, no value in between, no thread but this one. What is unusual in any respect
 * (form, size, an escape, a question that needs long, a judge that is leaving) is not taken and
 * goes the careful way in requests.c, which also has the words for what is wrong. */
#include "judge/core.h"

#include "base/scoped.h"
#include "json/json_scan.h"

enum { FIELD_V, FIELD_TYPE, FIELD_ID, FIELD_METHOD, FIELD_WHO, FIELD_BODY, FIELDS };
enum { BODY_QUERY, BODY_ARGS, BODY_FIELDS };

static bool is(const struct json_tape *tape, size_t token, enum json_token_kind kind)
{
    return token && tape->tokens[token].kind == kind;
}

static bool is_text(const struct json_tape *tape, size_t token, struct str text)
{
    return is(tape, token, JSON_TOKEN_STRING) && str_eq(json_tape_text(tape, token), text);
}

/* message.def's row of `request`, and what do_query() asks of its body. */
static bool is_query(const struct json_tape *tape, size_t *fields)
{
    static const struct str NAMES[FIELDS] = {
        S("v"), S("type"), S("id"), S("method"), S("who"), S("body")};
    static const struct str BODY_NAMES[BODY_FIELDS] = {S("query"), S("args")};
    size_t body[BODY_FIELDS];

    if (tape->tokens[0].kind != JSON_TOKEN_OBJECT ||
        !json_tape_members(tape, 0, NAMES, FIELDS, fields) ||
        !is_text(tape, fields[FIELD_TYPE], S("request")) ||
        !is_text(tape, fields[FIELD_METHOD], S("query")) ||
        !is(tape, fields[FIELD_ID], JSON_TOKEN_INTEGER) ||
        !is(tape, fields[FIELD_V], JSON_TOKEN_INTEGER) ||
        json_tape_integer(tape, fields[FIELD_V]) != MESSAGE_VERSION ||
        !is(tape, fields[FIELD_WHO], JSON_TOKEN_OBJECT) ||
        !is(tape, fields[FIELD_BODY], JSON_TOKEN_OBJECT))
        return false;
    return json_tape_members(tape, fields[FIELD_BODY], BODY_NAMES, BODY_FIELDS, body) &&
           is(tape, body[BODY_QUERY], JSON_TOKEN_STRING) &&
           is(tape, body[BODY_ARGS], JSON_TOKEN_OBJECT) &&
           json_tape_text(tape, body[BODY_QUERY]).len - 1 < QUERY_BYTES_MAX;
}

bool brief_take(struct judge *j, struct str text)
{
    struct json_tape tape;
    size_t fields[FIELDS];
    struct buf *out = &j->brief;
    struct err err = {0};

    if (j->stopping || json_scan(text, &tape) != JSON_SCAN_GOOD || tape.escaped ||
        !is_query(&tape, fields))
        return false;
    struct client client = {
        .gateway = j->gateway_life, .id = json_tape_integer(&tape, fields[FIELD_ID])};
    buf_clear(out);
    buf_add(out, S("{\"v\":1,\"type\":\"reply\",\"id\":"));
    buf_add(out, json_tape_text(&tape, fields[FIELD_ID]));
    buf_add(out, S(",\"ok\":true,\"body\":"));
    switch (prolog_ask_brief(j->prolog, PROLOG_QUERY, &tape, fields[FIELD_BODY], out, &err)) {
    case PROLOG_BRIEF_NOT:
        return false;
    case PROLOG_BRIEF_YES:
        buf_add_char(out, '}');
        if (!out->overflowed && channel_send_text(j->gateway, buf_str(out), &err))
            return true;
        if (out->overflowed)
            return false;
        break;
    case PROLOG_BRIEF_ERROR:
        break;
    }
    client_refuse(j, &client, &err);
    return true;
}
