/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/openai_ground.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_read.h"

#include <string.h>

#define FRAME_BYTES_MAX (1 << 20)
#define ID_BYTES_MAX 200

bool openai_ground_fits(struct str body)
{
    size_t values = 1;
    bool quoted = false;

    for (size_t i = 0; i < body.len && values <= OPENAI_GROUND_VALUES_MAX; i++) {
        char c = body.at[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\'; /* the next byte is not looked at */
        else
            values += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return values <= OPENAI_GROUND_VALUES_MAX;
}

/* --- requests ------------------------------------------------------------------------ */

static void add_text(json_t *texts, const json_t *text)
{
    struct str whole = {json_string_value(text), json_string_length(text)};

    if (!json_is_string(text) || whole.len == 0)
        return;
    if (whole.len > OPENAI_GROUND_TEXT_BYTES_MAX)
        whole = str_utf8_prefix((struct str){whole.at, OPENAI_GROUND_TEXT_BYTES_MAX});
    json_array_append_new(texts, json_stringn(whole.at, whole.len));
    if (json_array_size(texts) > OPENAI_GROUND_TEXTS_MAX)
        json_array_remove(texts, 0);
}

/* A text, or parts of which some are texts. */
static void add_content(json_t *texts, const json_t *content)
{
    size_t i;
    json_t *part;

    add_text(texts, content);
    json_array_foreach (content, i, part)
        add_text(texts, json_object_get(part, "text"));
}

static bool is_role(const json_t *message, const char *role)
{
    const char *said = json_string_value(json_object_get(message, "role"));
    return said && strcmp(said, role) == 0;
}

json_t *openai_ground_texts(const json_t *body)
{
    json_t *texts = json_array(), *message;
    size_t i;

    json_array_foreach (json_object_get(body, "messages"), i, message)
        if (is_role(message, "user"))
            add_content(texts, json_object_get(message, "content"));
    return texts;
}

static int add_to_buf(const char *bytes, size_t count, void *user)
{
    buf_add(user, (struct str){bytes, count});
    return 0;
}

static void write_json(const json_t *value, struct buf *out)
{
    check(json_dump_callback(value, add_to_buf, out, JSON_COMPACT) == 0);
}

bool openai_ground_request(const json_t *body, struct str system, struct buf *out)
{
    scoped(json_done) json_t *whole = json_copy((json_t *)body); /* shallow: members are shared */
    scoped(json_done) json_t *messages = json_copy(json_object_get(body, "messages"));
    const char *model = json_string_value(json_object_get(body, "model"));
    size_t mark = sizeof OPENAI_GROUND_MARK - 1;

    json_object_del(whole, "grounding");
    if (model && strncmp(model, OPENAI_GROUND_MARK, mark) == 0)
        json_object_set_new(whole, "model", json_string(model + mark));
    if (json_array_insert_new(messages, 0,
            json_pack("{s:s, s:s%}", "role", "system", "content", system.at, system.len)) != 0)
        return false; /* never on without the facts */
    json_object_set(whole, "messages", messages);
    write_json(whole, out);
    return !out->overflowed;
}

/* --- citations ------------------------------------------------------------------------- */

static bool is_cited(struct str content, const char *id)
{
    char mark[ID_BYTES_MAX + 2];
    size_t len = strlen(id);

    if (len == 0 || len > ID_BYTES_MAX)
        return false;
    mark[0] = '[';
    memcpy(mark + 1, id, len);
    mark[len + 1] = ']';
    return content.len && memmem(content.at, content.len, mark, len + 2);
}

json_t *openai_ground_cited(const json_t *facts, struct str content)
{
    json_t *cited = json_array(), *fact;
    size_t i;

    json_array_foreach (facts, i, fact) {
        json_t *id = json_object_get(fact, "id");
        if (json_is_string(id) && is_cited(content, json_string_value(id)))
            json_array_append(cited, id);
    }
    return cited;
}

json_t *openai_ground_told(const json_t *facts, const json_t *unknown, struct str content)
{
    json_t *told = json_pack("{s:O, s:o, s:O}", "facts", facts, "cited",
        openai_ground_cited(facts, content), "unknown", unknown);

    check(told);
    return told;
}

/* --- replies --------------------------------------------------------------------------- */

bool openai_ground_reply(struct str reply, struct str before, const json_t *facts,
    const json_t *unknown, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *whole = NULL;
    struct err why;

    if (!openai_ground_fits(reply) || !json_read(reply, reply.len, &whole, &why))
        return err_code(err, ERR_PEER, "engine_failed", NULL, "the engine's answer is no JSON");
    json_t *message =
        json_object_get(json_array_get(json_object_get(whole, "choices"), 0), "message");
    const json_t *content = json_object_get(message, "content");
    if (!json_is_object(message))
        return err_code(
            err, ERR_PEER, "engine_failed", NULL, "the engine's answer has no message in it");
    struct str said = {json_is_string(content) ? json_string_value(content) : "",
        json_is_string(content) ? json_string_length(content) : 0};
    json_t *told = openai_ground_told(facts, unknown, said);
    if (before.len) {
        scoped(buf_done) struct buf text = buf_of(before.len + said.len);
        buf_add(&text, before);
        buf_add(&text, said);
        json_object_set_new(message, "content", json_stringn(text.at, text.len));
    }
    json_object_set_new(whole, "grounding", told);
    write_json(whole, out);
    return !out->overflowed || err_code(err, ERR_PEER, "engine_failed", NULL,
                                   "the answer is longer than this node takes");
}

static void write_frame(json_t *chunk, struct buf *out)
{
    check(chunk);
    buf_add(out, S("data: "));
    write_json(chunk, out);
    buf_add(out, S("\n\n"));
    json_decref(chunk);
}

void openai_ground_first(struct str model, struct str words, struct buf *out)
{
    write_frame(json_pack("{s:s, s:s, s:i, s:s%, s:[{s:i, s:{s:s, s:s%}, s:n}]}", "id",
                    "chatcmpl-grounding", "object", "chat.completion.chunk", "created", 0, "model",
                    model.at, model.len, "choices", "index", 0, "delta", "role", "assistant",
                    "content", words.at, words.len, "finish_reason"),
        out);
}

void openai_ground_last(struct str model, const json_t *told, struct buf *out)
{
    write_frame(json_pack("{s:s, s:s, s:i, s:s%, s:[], s:O}", "id", "chatcmpl-grounding", "object",
                    "chat.completion.chunk", "created", 0, "model", model.at, model.len, "choices",
                    "grounding", told),
        out);
}

static void listen_to(struct str data, struct buf *content)
{
    scoped(json_done) json_t *chunk = NULL;
    struct err err;

    if (!json_read(data, FRAME_BYTES_MAX, &chunk, &err))
        return;
    const json_t *said = json_object_get(
        json_object_get(json_array_get(json_object_get(chunk, "choices"), 0), "delta"), "content");
    if (json_is_string(said) && content->len + json_string_length(said) <= content->bytes_max)
        buf_add(content, (struct str){json_string_value(said), json_string_length(said)});
}

/* The data lines of an event as one text, as openai_stream reads them. */
static void add_data(struct str line, struct buf *data)
{
    line.len -= line.len && line.at[line.len - 1] == '\r';
    if (!str_starts(line, S("data:")))
        return;
    size_t skip = sizeof "data:" - 1;
    skip += skip < line.len && line.at[skip] == ' ';
    if (data->len)
        buf_add_char(data, '\n');
    buf_add(data, (struct str){line.at + skip, line.len - skip});
}

void openai_ground_listen(struct str frames, struct buf *content, size_t *ret_done)
{
    scoped(buf_done) struct buf data = buf_of(FRAME_BYTES_MAX);
    struct str rest = frames;
    size_t event = 0; /* where it begins */

    while (rest.len) {
        struct str line = str_cut(rest, '\n', &rest);
        bool blank = line.len == 0 || str_eq(line, S("\r"));
        add_data(line, &data);
        if (!blank && rest.len)
            continue;
        if (str_starts(buf_str(&data), S("[DONE]"))) {
            *ret_done = event;
            return;
        }
        listen_to(buf_str(&data), content);
        buf_clear(&data);
        event = frames.len - rest.len;
    }
    *ret_done = frames.len;
}
