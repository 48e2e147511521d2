/* SPDX-License-Identifier: Apache-2.0 */
#include "ollama/ollama_reply.h"

#include "base/scoped.h"
#include "ollama/inside.h"
#include "openai/walk.h"
#include "json/json_text.h"

#define CALLS_BYTES_MAX (2 * OLLAMA_ARGUMENTS_BYTES_MAX)

static bool is_embedding(const struct ollama_request *request)
{
    return request->route == OLLAMA_EMBED || request->route == OLLAMA_EMBEDDINGS;
}

/* --- texts -------------------------------------------------------------------------------- */

static bool add_calls(const json_t *list, bool cut, struct buf *out, struct err *err)
{
    const json_t *call;
    size_t i;

    if (json_array_size(list) > OLLAMA_CALLS_MAX)
        return ollama_engine_failed(err, "it tells too many tool calls");
    json_array_foreach (list, i, call) {
        const json_t *function = ollama_member(call, "function");
        size_t before = out->len;
        if (before)
            buf_add_char(out, ',');
        if (ollama_add_call(ollama_text(ollama_member(call, "id")),
                ollama_text(ollama_member(function, "name")),
                ollama_text(ollama_member(function, "arguments")), out, err))
            continue;
        if (!cut)
            return false;
        out->len = before;
    }
    return !out->overflowed || ollama_engine_failed(err, "its tool calls are too long");
}

static bool write_text(const struct ollama_request *request, struct str body,
    const struct ollama_moment *moment, const struct openai_usage *usage, struct buf *out,
    struct err *err)
{
    scoped(json_done) json_t *reply = NULL;
    scoped(buf_done) struct buf calls = buf_of(CALLS_BYTES_MAX);
    struct ollama_ending ending = {.reason = S("stop"), .moment = moment, .usage = usage};

    if (!ollama_engine_read(body, OLLAMA_BODY_BYTES_MAX, &reply, err))
        return false;
    const json_t *choice = json_array_get(ollama_member(reply, "choices"), 0);
    const json_t *message = ollama_member(choice, "message"), *text = ollama_member(choice, "text");
    if (!json_is_object(message) && !json_is_string(text))
        return ollama_engine_failed(err, "its answer has no choice");
    if (str_eq(ollama_text(ollama_member(choice, "finish_reason")), S("length")))
        ending.reason = S("length");
    if (!add_calls(
            ollama_member(message, "tool_calls"), str_eq(ending.reason, S("length")), &calls, err))
        return false;
    if (!ollama_timings(reply, &ending.prompt_ns, &ending.eval_ns) &&
        moment->total_ns > moment->load_ns)
        ending.eval_ns = moment->total_ns - moment->load_ns;
    ollama_add_head(ollama_request_model(request), moment->now_ms, out);
    ollama_add_text(request->route, ollama_text(message ? ollama_member(message, "content") : text),
        ollama_thinking(message), buf_str(&calls), out);
    ollama_add_ending(&ending, out);
    return true;
}

/* --- embeddings: by span, as their numbers are many --------------------------------------- */

static bool bad_data(struct err *err)
{
    return ollama_engine_failed(err, "its answer has no list of embeddings");
}

/* Behind WALK_ARRAY: numbers up to its end. */
static bool skip_numbers(struct walk *w)
{
    while (walk_next(w) == WALK_NUMBER)
        ;
    return w->event == WALK_CLOSE;
}

/* {"embedding":[…],"index":…} as […] */
static bool add_vector(struct walk *w, size_t index, struct buf *out)
{
    bool found = false;
    int64_t number;

    while (walk_next(w) == WALK_KEY) {
        if (walk_is(w, S("embedding"))) {
            if (walk_next(w) != WALK_ARRAY)
                return false;
            size_t from = w->token_at;
            if (!skip_numbers(w))
                return false;
            buf_add(out, (struct str){(const char *)w->begin + from, walk_place(w) - from});
            found = true;
        } else if (walk_is(w, S("index"))) {
            if (walk_next(w) != WALK_NUMBER || !walk_integer(w, &number) ||
                number != (int64_t)index)
                return false;
        } else if (!walk_skip_value(w)) {
            return false;
        }
    }
    return found && w->event == WALK_CLOSE;
}

/* Behind the key "data": its vectors, the first one alone for the old route. */
static bool add_vectors(struct walk *w, bool old, struct buf *out)
{
    if (walk_next(w) != WALK_ARRAY)
        return false;
    size_t i = 0;
    for (; walk_next(w) == WALK_OBJECT; i++) {
        if (old && i)
            return false;
        if (i)
            buf_add_char(out, ',');
        if (!add_vector(w, i, out))
            return false;
    }
    return w->event == WALK_CLOSE && (!old || i == 1);
}

static bool write_vectors(const struct ollama_request *request, struct str body,
    const struct ollama_moment *moment, const struct openai_usage *usage, struct buf *out,
    struct err *err)
{
    bool old = request->route == OLLAMA_EMBEDDINGS, found = false;
    char words[128];
    size_t len;
    struct walk w;

    if (openai_failure_read(body, sizeof words - 1, words, &len)) {
        words[len] = '\0';
        return ollama_engine_failed(err, words);
    }
    buf_add(out, old ? S("{\"embedding\":") : S("{\"model\":"));
    if (!old) {
        json_add_string(out, ollama_request_model(request));
        buf_add(out, S(",\"embeddings\":["));
    }
    walk_init(&w, body);
    if (walk_next(&w) != WALK_OBJECT)
        return bad_data(err);
    while (walk_next(&w) == WALK_KEY) {
        bool data = walk_is(&w, S("data"));
        found |= data;
        if (!(data ? add_vectors(&w, old, out) : walk_skip_value(&w)))
            return bad_data(err);
    }
    if (!found || w.event != WALK_CLOSE || walk_next(&w) != WALK_END)
        return bad_data(err);
    if (old)
        buf_add_char(out, '}');
    else
        buf_printf(out,
            "],\"total_duration\":%lld,\"load_duration\":%lld,\"prompt_eval_count\":%llu}",
            (long long)moment->total_ns, (long long)moment->load_ns,
            (unsigned long long)usage->prompt_tokens);
    return true;
}

/* --- whole replies ------------------------------------------------------------------------ */

bool ollama_reply_write(const struct ollama_request *request, struct str body,
    const struct ollama_moment *moment, struct buf *out, struct openai_usage *ret_usage,
    struct err *err)
{
    struct openai_usage usage = {0};
    bool told = openai_usage_read(body, &usage);

    if (!(is_embedding(request) ? write_vectors(request, body, moment, &usage, out, err)
                                : write_text(request, body, moment, &usage, out, err)))
        return false;
    if (out->overflowed)
        return ollama_engine_failed(err, "its answer is too long");
    if (told && ret_usage)
        *ret_usage = usage;
    return true;
}

void ollama_nothing_write(
    const struct ollama_request *request, const struct ollama_moment *moment, struct buf *out)
{
    bool unload = request->has_keep_alive && request->keep_alive_ms == 0;

    if (is_embedding(request)) {
        if (request->route == OLLAMA_EMBEDDINGS) {
            buf_add(out, S("{\"embedding\":[]}"));
            return;
        }
        buf_add(out, S("{\"model\":"));
        json_add_string(out, ollama_request_model(request));
        buf_add(out, S(",\"embeddings\":[]}"));
        return;
    }
    ollama_add_head(ollama_request_model(request), moment->now_ms, out);
    ollama_add_text(request->route, S(""), S(""), S(""), out);
    buf_add(out, unload ? S(",\"done_reason\":\"unload\"") : S(",\"done_reason\":\"load\""));
    buf_add(out, S(",\"done\":true}"));
    if (request->stream)
        buf_add_char(out, '\n');
}
