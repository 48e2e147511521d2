/* SPDX-License-Identifier: Apache-2.0 */
#include "ollama/inside.h"

#include "base/scoped.h"
#include "ollama/ollama_models.h"

#include "json/json_read.h"
#include "json/json_text.h"
#include <stdlib.h>

#define FAILURE_BYTES_MAX 400

/* --- lines -------------------------------------------------------------------------------- */

static void add_string(struct buf *out, struct str name, struct str text)
{
    buf_add(out, name);
    json_add_string(out, str_utf8_prefix(text));
}

void ollama_add_head(struct str model, int64_t now_ms, struct buf *out)
{
    add_string(out, S("{\"model\":"), model);
    buf_add(out, S(",\"created_at\":\""));
    ollama_time_write(now_ms, out);
    buf_add_char(out, '"');
}

void ollama_add_text(enum ollama_route route, struct str content, struct str thinking,
    struct str calls, struct buf *out)
{
    bool chat = route == OLLAMA_CHAT;

    add_string(out,
        chat ? S(",\"message\":{\"role\":\"assistant\",\"content\":") : S(",\"response\":"),
        content);
    if (thinking.len)
        add_string(out, S(",\"thinking\":"), thinking);
    if (calls.len) {
        buf_add(out, S(",\"tool_calls\":["));
        buf_add(out, calls);
        buf_add_char(out, ']');
    }
    if (chat)
        buf_add_char(out, '}');
}

void ollama_add_ending(const struct ollama_ending *ending, struct buf *out)
{
    const struct ollama_moment *moment = ending->moment;

    add_string(out, S(",\"done_reason\":"), ending->reason);
    buf_printf(out,
        ",\"done\":true,\"total_duration\":%lld,\"load_duration\":%lld,\"prompt_eval_count\":%llu,"
        "\"prompt_eval_duration\":%lld,\"eval_count\":%llu,\"eval_duration\":%lld}",
        (long long)moment->total_ns, (long long)moment->load_ns,
        (unsigned long long)ending->usage->prompt_tokens, (long long)ending->prompt_ns,
        (unsigned long long)ending->usage->completion_tokens, (long long)ending->eval_ns);
}

void ollama_error_write(struct str message, struct buf *out)
{
    add_string(out, S("{\"error\":"), message);
    buf_add(out, S("}\n"));
}

/* --- the engine's objects ----------------------------------------------------------------- */

bool ollama_engine_failed(struct err *err, const char *words)
{
    return err_code(err, ERR_PEER, "engine_failed", NULL, "the engine failed: %s", words);
}

const json_t *ollama_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

struct str ollama_text(const json_t *value)
{
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : (struct str){"", 0};
}

struct str ollama_thinking(const json_t *message)
{
    const json_t *thinking = ollama_member(message, "reasoning_content");

    return ollama_text(thinking ? thinking : ollama_member(message, "reasoning"));
}

/* A model may say NUL, which json_read() refuses: it is told as U+FFFD. */
static bool read_with_nul(struct str text, size_t bytes_max, json_t **ret_object, struct err *err)
{
    scoped(free_done) char *copy = NULL;

    if (!text.len || !memmem(text.at, text.len, "\\u0000", 6))
        return false;
    copy = malloc(text.len);
    if (!copy)
        return false;
    memcpy(copy, text.at, text.len);
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (copy[i] != '\\')
            continue;
        if (text.len - i >= 6 && memcmp(copy + i, "\\u0000", 6) == 0)
            memcpy(copy + i, "\\ufffd", 6);
        i++; /* over what is escaped */
    }
    return json_read((struct str){copy, text.len}, bytes_max, ret_object, err);
}

bool ollama_engine_read(struct str text, size_t bytes_max, json_t **ret_object, struct err *err)
{
    scoped(json_done) json_t *object = NULL;
    char words[FAILURE_BYTES_MAX + 1];
    struct err unused;
    size_t len = 0;

    if (!json_read(text, bytes_max, &object, &unused) &&
        !read_with_nul(text, bytes_max, &object, &unused))
        return ollama_engine_failed(err, "its answer is not a JSON object");
    const json_t *error = ollama_member(object, "error");
    if (error && !json_is_false(error)) {
        if (!openai_failure_read(text, FAILURE_BYTES_MAX, words, &len) || !len)
            return ollama_engine_failed(err, "it gave no reason");
        words[len] = '\0';
        return ollama_engine_failed(err, words);
    }
    *ret_object = json_incref(object);
    return true;
}

static int64_t nanoseconds(const json_t *timings, const char *name)
{
    double ms = json_number_value(ollama_member(timings, name));

    return ms > 0 && ms < 1e12 ? (int64_t)(ms * 1e6) : 0;
}

bool ollama_timings(const json_t *object, int64_t *ret_prompt_ns, int64_t *ret_eval_ns)
{
    const json_t *timings = ollama_member(object, "timings");

    if (!json_is_object(timings))
        return false;
    *ret_prompt_ns = nanoseconds(timings, "prompt_ms");
    *ret_eval_ns = nanoseconds(timings, "predicted_ms");
    return true;
}

bool ollama_add_call(
    struct str id, struct str name, struct str arguments, struct buf *out, struct err *err)
{
    scoped(json_done) json_t *object = NULL;
    struct err unused;

    arguments = str_trim(arguments);
    if (!arguments.len)
        arguments = S("{}");
    if (!name.len || !json_read(arguments, OLLAMA_ARGUMENTS_BYTES_MAX, &object, &unused))
        return ollama_engine_failed(
            err, "a tool call of the model has no name, or arguments that are no JSON object");
    buf_add_char(out, '{');
    if (id.len) {
        add_string(out, S("\"id\":"), id);
        buf_add_char(out, ',');
    }
    add_string(out, S("\"function\":{\"name\":"), name);
    buf_add(out, S(",\"arguments\":"));
    for (size_t i = 0; i < arguments.len; i++) { /* line ends stand between tokens only */
        char c = arguments.at[i];
        buf_add_char(out, c == '\n' || c == '\r' ? ' ' : c);
    }
    buf_add(out, S("}}"));
    return true;
}
