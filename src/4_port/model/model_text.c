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
        "action", "strict", 1, "schema", question->schema);

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

bool model_response_read(struct str text, size_t bytes_max, json_t **ret_content,
    char ret_name[MODEL_NAME_BYTES], struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    struct err inner;

    if (!json_read(text, bytes_max, &body, &inner))
        return garbage(err, inner.message);
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *content = json_object_get(json_object_get(choice, "message"), "content");
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    if (!json_is_string(content) || !reason)
        return garbage(err, "it has no choices[0].message.content with a finish_reason");
    if (strcmp(reason, "length") == 0)
        return err_code(err, ERR_PEER, "model_too_long", NULL,
            "the engine wrote more than it was allowed and was cut");
    if (strcmp(reason, "stop") != 0)
        return garbage(err, "it did not stop by itself");
    struct str wrote = {json_string_value(content), json_string_length(content)};
    if (wrote.len > MODEL_CONTENT_BYTES_MAX)
        return err_code(err, ERR_PEER, "model_too_long", NULL,
            "the engine wrote %zu bytes; %d are read", wrote.len, MODEL_CONTENT_BYTES_MAX);
    if (!json_read(wrote, MODEL_CONTENT_BYTES_MAX, ret_content, &inner))
        return garbage(err, inner.message);
    keep_name(json_object_get(body, "model"), ret_name);
    return true;
}
