/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "model/model.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <stdio.h>

#define UNIX_PREFIX "unix:"
#define COMPLETIONS "/v1/chat/completions"

static bool bad_url(struct err *err, const char *text, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_llm_url", "llm",
        "the engine's address '%.200s' %s; write http://host:port, https://host or unix:/path",
        text, why);
}

bool model_place_read(const char *text, struct model_place *ret_place, struct err *err)
{
    struct str url = str_from(text), rest;
    struct model_place place = {0};

    if (url.len + sizeof COMPLETIONS > sizeof place.url)
        return bad_url(err, text, "is too long");
    for (size_t i = 0; i < url.len; i++)
        if (url.at[i] <= ' ' || url.at[i] > '~')
            return bad_url(err, text, "has a character that no address has");
    if (str_starts(url, S(UNIX_PREFIX "/"))) {
        snprintf(place.socket_path, sizeof place.socket_path, "%s", text + sizeof UNIX_PREFIX - 1);
        snprintf(place.url, sizeof place.url, "http://localhost" COMPLETIONS);
        *ret_place = place;
        return true;
    }
    if (!str_starts(url, S("http://")) && !str_starts(url, S("https://")))
        return bad_url(err, text, "is of no kind we speak");
    if (memchr(url.at, '@', url.len))
        return bad_url(err, "…", "has a user name or a password in it");
    if (memchr(url.at, '?', url.len) || memchr(url.at, '#', url.len))
        return bad_url(err, text, "has a query");
    while (str_ends(url, S("/")))
        url.len--;
    if (str_ends(url, S("/v1")))
        url.len -= 3;
    (void)str_cut(url, ':', &rest);
    if (rest.len < 3 || rest.at[2] == '/' || rest.at[2] == ':')
        return bad_url(err, text, "names no host");
    snprintf(place.url, sizeof place.url, "%.*s" COMPLETIONS, STR(url));
    *ret_place = place;
    return true;
}

bool model_request_write(
    const struct model_question *question, const char *name, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *body = json_pack(
        "{s:s, s:b, s:i, s:i, s:I, s:[{s:s, s:s%}, {s:s, s:s%}], s:{s:s, s:{s:s, s:b, s:O}}}",
        "model", name && *name ? name : "default", "stream", 0, "temperature", 0, "seed", 1,
        "max_tokens", (json_int_t)question->tokens_max, "messages", "role", "system", "content",
        question->system.at, question->system.len, "role", "user", "content", question->user.at,
        question->user.len, "response_format", "type", "json_schema", "json_schema", "name",
        question->schema_name ? question->schema_name : "action", "strict", 1, "schema",
        question->schema);

    if (!body)
        return err_code(err, ERR_INPUT, "not_utf8", "nl", "the sentence is not UTF-8");
    return json_plain(body, out, err);
}

static bool garbage(struct err *err, const char *what)
{
    return err_code(
        err, ERR_PEER, "model_garbage", NULL, "the engine's answer is no use: %s", what);
}

/* A name for the ledger: printable ASCII, never empty. */
static void keep_name(const json_t *name, char ret_name[MODEL_NAME_BYTES])
{
    const char *text = json_string_value(name);
    size_t len = 0;

    for (; text && *text && len < MODEL_NAME_BYTES - 1; text++)
        if (*text > ' ' && *text <= '~' && *text != '"' && *text != '\\')
            ret_name[len++] = *text;
    ret_name[len] = '\0';
    if (len == 0)
        snprintf(ret_name, MODEL_NAME_BYTES, "unnamed");
}

static bool take_content(
    struct str wrote, const struct model_reading *reading, json_t **ret_content, struct err *err)
{
    struct err inner;

    if (wrote.len > reading->content_bytes_max)
        return err_code(err, ERR_PEER, "model_too_long", NULL,
            "the engine wrote %zu bytes; %zu are read", wrote.len, reading->content_bytes_max);
    return json_read(wrote, reading->content_bytes_max, ret_content, &inner) ||
           garbage(err, inner.message);
}

static bool take_cut(
    struct str wrote, const struct model_reading *reading, json_t **ret_content, struct err *err)
{
    scoped(buf_done) struct buf closed = buf_of(reading->content_bytes_max + JSON_DEPTH_MAX);

    if (!reading->may_be_cut)
        return err_code(err, ERR_PEER, "model_too_long", NULL,
            "the engine wrote more than it was allowed and was cut");
    model_cut(wrote, &closed);
    return take_content(buf_str(&closed), reading, ret_content, err);
}

bool model_response_read(struct str text, const struct model_reading *reading,
    struct model_response *ret_response, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    struct model_response response = {0};
    struct err inner;

    if (!json_read(text, reading->bytes_max, &body, &inner))
        return garbage(err, inner.message);
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *content = json_object_get(json_object_get(choice, "message"), "content");
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    if (!json_is_string(content) || !reason)
        return garbage(err, "it has no choices[0].message.content with a finish_reason");
    response.truncated = strcmp(reason, "length") == 0;
    if (!response.truncated && strcmp(reason, "stop") != 0)
        return garbage(err, "it did not stop by itself");
    struct str wrote = {json_string_value(content), json_string_length(content)};
    if (!(response.truncated ? take_cut : take_content)(wrote, reading, &response.content, err))
        return false;
    keep_name(json_object_get(body, "model"), response.name);
    *ret_response = response;
    return true;
}

void model_error_code(struct str text, char ret_code[MODEL_CODE_BYTES])
{
    scoped(json_done) json_t *body = NULL;
    struct err inner;
    size_t len;

    ret_code[0] = '\0';
    if (!json_read(text, text.len, &body, &inner))
        return;
    const char *code = json_string_value(json_object_get(json_object_get(body, "error"), "code"));
    for (len = 0; code && code[len]; len++)
        if (len == MODEL_CODE_BYTES - 1 ||
            !((code[len] >= 'a' && code[len] <= 'z') || code[len] == '_'))
            return;
    memcpy(ret_code, code ? code : "", len + 1);
}
