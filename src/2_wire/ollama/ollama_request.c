/* SPDX-License-Identifier: Apache-2.0 */
#include "ollama/ollama_request.h"

#include "base/scoped.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <jansson.h>

#define CALL_ID_BYTES 64
#define DURATION_BYTES_MAX 64
#define LATEST S(":latest")

/* A tool call of the history that a `tool` message may answer. */
struct asked {
    const char *name; /* borrowed from the request */
    char id[CALL_ID_BYTES];
    bool answered;
};

struct reading {
    const json_t *in;
    json_t *out; /* the OpenAI body */
    struct ollama_request *request;
    struct err *err;
    struct asked *asked;
    size_t asked_count;
};

/* --- members ------------------------------------------------------------------------------ */

static bool bad_type(struct reading *r, const char *param, const char *wanted)
{
    return err_code(r->err, ERR_INPUT, "bad_type", param, "%s must be %s", param, wanted);
}

static bool not_supported(struct reading *r, const char *param)
{
    return err_code(r->err, ERR_INPUT, "not_supported", param,
        "%s is not supported here: leave it out or empty", param);
}

static bool too_many(struct reading *r, const char *param, size_t max)
{
    return err_code(
        r->err, ERR_LIMIT, "too_many", param, "%s must not have more than %zu", param, max);
}

/* NULL: it is not there, or null. */
static json_t *member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

/* "" when it is not there. */
static bool text_of(struct reading *r, const json_t *object, const char *name, const char **ret)
{
    json_t *value = member(object, name);

    if (value && !json_is_string(value))
        return bad_type(r, name, "a text");
    *ret = value ? json_string_value(value) : "";
    return true;
}

static bool bool_of(struct reading *r, const char *name, bool *value_now)
{
    json_t *value = member(r->in, name);

    if (value && !json_is_boolean(value))
        return bad_type(r, name, "true or false");
    if (value)
        *value_now = json_is_true(value);
    return true;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(text));
}

/* --- model, keep_alive -------------------------------------------------------------------- */

static bool set_name(
    const json_t *object, size_t max, char *ret_name, size_t *ret_len, struct err *err)
{
    json_t *value = member(object, "model");

    if (!value)
        value = member(object, "name");
    if (!value)
        return err_code(err, ERR_INPUT, "missing_field", "model", "model is missing");
    if (!json_is_string(value))
        return err_code(err, ERR_INPUT, "bad_type", "model", "model must be a text");
    struct str name = {json_string_value(value), json_string_length(value)};
    if (str_ends(name, LATEST))
        name.len -= LATEST.len;
    if (name.len > max || !openai_is_model(name))
        return err_code(err, ERR_INPUT, "out_of_range", "model",
            "model must be 1 to %zu bytes without control characters",
            max < OPENAI_MODEL_BYTES_MAX ? max : (size_t)OPENAI_MODEL_BYTES_MAX);
    memcpy(ret_name, name.at, name.len);
    *ret_len = name.len;
    return true;
}

bool ollama_name_read(
    struct str text, size_t name_max, char *ret_name, size_t *ret_len, struct err *err)
{
    scoped(json_done) json_t *object = NULL;

    return json_read(text, OLLAMA_BODY_BYTES_MAX, &object, err) &&
           set_name(object, name_max, ret_name, ret_len, err);
}

/* One unit of Go's durations in milliseconds; 0: none. */
static double unit_ms(struct str *rest)
{
    static const struct {
        struct str word;
        double ms;
    } UNITS[] = {
        {{"ns", 2}, 1e-6},
        {{"us", 2}, 1e-3},
        {{"\xc2\xb5s", 3}, 1e-3},
        {{"ms", 2}, 1},
        {{"s", 1}, 1000},
        {{"m", 1}, 60 * 1000},
        {{"h", 1}, 3600 * 1000},
    };

    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (str_starts(*rest, UNITS[i].word)) {
            rest->at += UNITS[i].word.len;
            rest->len -= UNITS[i].word.len;
            return UNITS[i].ms;
        }
    return 0;
}

/* Digits with at most one point; false: none. */
static bool take_number(struct str *rest, double *ret_number)
{
    double number = 0, place = 0;
    bool digits = false;

    for (; rest->len; rest->at++, rest->len--) {
        char c = rest->at[0];
        if (c == '.' && place == 0) {
            place = 1;
        } else if (c >= '0' && c <= '9') {
            digits = true;
            place /= 10;
            number = place > 0 ? number + (c - '0') * place : number * 10 + (c - '0');
        } else {
            break;
        }
    }
    *ret_number = number;
    return digits;
}

static int64_t cut_ms(double ms)
{
    return ms < (double)OLLAMA_KEEP_ALIVE_MS_MAX ? (int64_t)ms : OLLAMA_KEEP_ALIVE_MS_MAX;
}

bool ollama_duration_read(struct str text, int64_t *ret_ms)
{
    bool negative = str_starts(text, S("-"));
    double sum = 0, number;

    if (negative || str_starts(text, S("+")))
        text = (struct str){text.at + 1, text.len - 1};
    if (str_eq(text, S("0"))) {
        *ret_ms = 0;
        return true;
    }
    if (!text.len || text.len > DURATION_BYTES_MAX)
        return false;
    while (text.len) {
        if (!take_number(&text, &number))
            return false;
        double unit = unit_ms(&text);
        if (unit <= 0)
            return false;
        sum += number * unit;
    }
    *ret_ms = negative && sum > 0 ? -1 : cut_ms(sum);
    return true;
}

static bool take_keep_alive(struct reading *r)
{
    struct ollama_request *request = r->request;
    json_t *value = member(r->in, "keep_alive");

    if (!value)
        return true;
    request->has_keep_alive = true;
    if (json_is_number(value)) {
        double seconds = json_number_value(value);
        request->keep_alive_ms = seconds < 0 ? -1 : cut_ms(seconds * 1000);
        return true;
    }
    if (!json_is_string(value) ||
        !ollama_duration_read((struct str){json_string_value(value), json_string_length(value)},
            &request->keep_alive_ms))
        return bad_type(r, "keep_alive", "a number of seconds or a duration such as 5m");
    return true;
}

/* --- options, format, think --------------------------------------------------------------- */

static bool take_stop(struct reading *r, json_t *stop)
{
    size_t i;
    json_t *word;

    if (!json_is_string(stop) && !json_is_array(stop))
        return bad_type(r, "stop", "a text or a list of texts");
    json_array_foreach (stop, i, word)
        if (!json_is_string(word))
            return bad_type(r, "stop", "a text or a list of texts");
    json_object_set(r->out, "stop", stop);
    return true;
}

static bool take_options(struct reading *r)
{
    static const char *const SAME[] = {"temperature", "top_p", "top_k", "min_p", "typical_p",
        "seed", "repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty"};
    json_t *options = member(r->in, "options"), *value;

    if (options && !json_is_object(options))
        return bad_type(r, "options", "an object");
    for (size_t i = 0; i < COUNT(SAME); i++) {
        if (!(value = member(options, SAME[i])))
            continue;
        if (!json_is_number(value))
            return bad_type(r, SAME[i], "a number");
        json_object_set(r->out, SAME[i], value);
    }
    if ((value = member(options, "num_predict"))) {
        if (!json_is_integer(value) || json_integer_value(value) > OPENAI_TOKENS_MAX)
            return bad_type(r, "num_predict", "a whole number");
        if (json_integer_value(value) >= 0)
            json_object_set(r->out, "max_tokens", value);
    }
    if ((value = member(options, "num_ctx"))) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return bad_type(r, "num_ctx", "a whole number");
        r->request->context = json_integer_value(value);
    }
    value = member(options, "stop");
    return !value || take_stop(r, value);
}

static bool take_format(struct reading *r)
{
    json_t *format = member(r->in, "format");

    if (!format || (json_is_string(format) && !json_string_length(format)))
        return true;
    if (json_is_string(format) && strcmp(json_string_value(format), "json") == 0)
        json_object_set_new(r->out, "response_format", json_pack("{s:s}", "type", "json_object"));
    else if (json_is_object(format))
        json_object_set_new(r->out, "response_format",
            json_pack("{s:s,s:{s:s,s:b,s:O}}", "type", "json_schema", "json_schema", "name",
                "format", "strict", 1, "schema", format));
    else
        return bad_type(r, "format", "\"json\" or a schema");
    return true;
}

static bool take_think(struct reading *r)
{
    json_t *think = member(r->in, "think");
    const char *level = json_string_value(think);

    if (!think)
        return true;
    if (level && strcmp(level, "low") != 0 && strcmp(level, "medium") != 0 &&
        strcmp(level, "high") != 0)
        return bad_type(r, "think", "true, false, \"low\", \"medium\" or \"high\"");
    if (!level && !json_is_boolean(think))
        return bad_type(r, "think", "true, false, \"low\", \"medium\" or \"high\"");
    json_object_set_new(r->out, "chat_template_kwargs",
        json_pack("{s:b}", "enable_thinking", level || json_is_true(think)));
    if (level)
        set_text(r->out, "reasoning_effort", level);
    return true;
}

/* --- messages ----------------------------------------------------------------------------- */

static const char *image_kind(const char *base64)
{
    static const char *const KINDS[][2] = {
        {"/9j/", "jpeg"}, {"iVBORw", "png"}, {"R0lGOD", "gif"}, {"UklGR", "webp"}};

    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (strncmp(base64, KINDS[i][0], strlen(KINDS[i][0])) == 0)
            return KINDS[i][1];
    return "png";
}

static bool is_base64(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '+' || c == '/' || c == '='))
            return false;
    }
    return text.len > 0;
}

/* A text, or with images its parts. NULL: refused. */
static json_t *content_of(struct reading *r, const char *text, const json_t *images)
{
    size_t i;
    const json_t *image;

    if (!images || !json_array_size(images))
        return json_string(text);
    if (json_array_size(images) > OLLAMA_IMAGES_MAX) {
        too_many(r, "images", OLLAMA_IMAGES_MAX);
        return NULL;
    }
    scoped(json_done) json_t *parts = json_array();
    if (text[0])
        json_array_append_new(parts, json_pack("{s:s,s:s}", "type", "text", "text", text));
    json_array_foreach (images, i, image) {
        const char *data = json_string_value(image);
        if (!data || !is_base64((struct str){data, json_string_length(image)})) {
            bad_type(r, "images", "a list of images in base64");
            return NULL;
        }
        scoped(buf_done) struct buf url = buf_of(OLLAMA_BODY_BYTES_MAX + 64);
        buf_printf(&url, "data:image/%s;base64,", image_kind(data));
        buf_add(&url, (struct str){data, json_string_length(image)});
        json_array_append_new(parts, json_pack("{s:s,s:{s:s#}}", "type", "image_url", "image_url",
                                         "url", url.at, (int)url.len));
    }
    return json_incref(parts);
}

static bool set_content(struct reading *r, json_t *message, const char *text, const json_t *from)
{
    json_t *images = member(from, "images");

    if (images && !json_is_array(images))
        return bad_type(r, "images", "a list of images in base64");
    json_t *content = content_of(r, text, images);
    if (!content)
        return false;
    json_object_set_new(message, "content", content);
    return true;
}

static bool add_call(struct reading *r, const json_t *call, json_t *calls)
{
    const json_t *function = member(call, "function");
    const json_t *name = member(function, "name"), *arguments = member(function, "arguments");
    const json_t *id = member(call, "id");
    scoped(buf_done) struct buf text = buf_of(OLLAMA_BODY_BYTES_MAX);

    if (!json_is_string(name) || (arguments && !json_is_object(arguments)))
        return bad_type(r, "tool_calls", "a list of {function: {name, arguments: an object}}");
    if (r->asked_count == OLLAMA_CALLS_MAX)
        return too_many(r, "tool_calls", OLLAMA_CALLS_MAX);
    struct asked *asked = &r->asked[r->asked_count];
    *asked = (struct asked){.name = json_string_value(name)};
    if (json_is_string(id) && json_string_length(id) && json_string_length(id) < CALL_ID_BYTES)
        memcpy(asked->id, json_string_value(id), json_string_length(id));
    else
        snprintf(asked->id, sizeof asked->id, "call_%zu", r->asked_count);
    r->asked_count++;
    if (!arguments)
        buf_add(&text, S("{}"));
    else if (!json_plain(arguments, &text, r->err))
        return false;
    json_array_append_new(
        calls, json_pack("{s:s,s:s,s:{s:s,s:s#}}", "id", asked->id, "type", "function", "function",
                   "name", asked->name, "arguments", text.at, (int)text.len));
    return true;
}

static bool take_calls(struct reading *r, const json_t *from, json_t *message)
{
    json_t *list = member(from, "tool_calls"), *call;
    size_t i;

    if (!list)
        return true;
    if (!json_is_array(list))
        return bad_type(r, "tool_calls", "a list");
    if (!json_array_size(list))
        return true;
    scoped(json_done) json_t *calls = json_array();
    json_array_foreach (list, i, call)
        if (!add_call(r, call, calls))
            return false;
    json_object_set(message, "tool_calls", calls);
    return true;
}

/* Which call a tool's answer belongs to. */
static bool take_answer(struct reading *r, const json_t *from, json_t *message)
{
    const char *name = "", *id = "";
    struct asked *found = NULL;

    if (!text_of(r, from, "tool_name", &name) || !text_of(r, from, "tool_call_id", &id))
        return false;
    for (size_t i = 0; i < r->asked_count && !found; i++) {
        struct asked *asked = &r->asked[i];
        if (!asked->answered && (id[0]        ? strcmp(id, asked->id) == 0
                                    : name[0] ? strcmp(name, asked->name) == 0
                                              : true))
            found = asked;
    }
    if (found)
        found->answered = true;
    set_text(message, "tool_call_id", found ? found->id : id[0] ? id : "call_none");
    return true;
}

static bool add_message(struct reading *r, const json_t *from, json_t *messages)
{
    scoped(json_done) json_t *message = json_object();
    const char *role = "", *content = "", *thinking = "";

    if (!json_is_object(from))
        return bad_type(r, "messages", "a list of objects");
    if (!text_of(r, from, "role", &role) || !text_of(r, from, "content", &content) ||
        !text_of(r, from, "thinking", &thinking))
        return false;
    if (!role[0])
        return err_code(r->err, ERR_INPUT, "missing_field", "role", "a message has no role");
    set_text(message, "role", role);
    if (!set_content(r, message, content, from) || !take_calls(r, from, message))
        return false;
    if (thinking[0])
        set_text(message, "reasoning_content", thinking);
    if (strcmp(role, "tool") == 0 && !take_answer(r, from, message))
        return false;
    json_array_append(messages, message);
    return true;
}

static bool take_chat(struct reading *r)
{
    json_t *list = member(r->in, "messages"), *tools = member(r->in, "tools"), *from;
    size_t i;

    if (list && !json_is_array(list))
        return bad_type(r, "messages", "a list of objects");
    if (json_array_size(list) > OLLAMA_MESSAGES_MAX)
        return too_many(r, "messages", OLLAMA_MESSAGES_MAX);
    r->request->nothing = !json_array_size(list);
    json_t *messages = json_array();
    json_object_set_new(r->out, "messages", messages);
    json_array_foreach (list, i, from)
        if (!add_message(r, from, messages))
            return false;
    if (tools && !json_is_array(tools))
        return bad_type(r, "tools", "a list");
    if (json_array_size(tools))
        json_object_set(r->out, "tools", tools);
    return take_format(r) && take_think(r);
}

static bool take_generate(struct reading *r)
{
    const char *prompt = "", *system = "", *suffix = "", *template = "";

    if (!text_of(r, r->in, "prompt", &prompt) || !text_of(r, r->in, "system", &system) ||
        !text_of(r, r->in, "suffix", &suffix) || !text_of(r, r->in, "template", &template) ||
        !bool_of(r, "raw", &r->request->raw))
        return false;
    if (suffix[0])
        return not_supported(r, "suffix");
    if (template[0])
        return not_supported(r, "template");
    r->request->nothing = !prompt[0] && !json_array_size(member(r->in, "images"));
    if (r->request->raw) {
        if (json_array_size(member(r->in, "images")))
            return not_supported(r, "images");
        r->request->engine_route = OPENAI_COMPLETIONS;
        set_text(r->out, "prompt", prompt);
        return take_format(r);
    }
    json_t *messages = json_array();
    json_object_set_new(r->out, "messages", messages);
    if (system[0])
        json_array_append_new(
            messages, json_pack("{s:s,s:s}", "role", "system", "content", system));
    json_t *user = json_pack("{s:s}", "role", "user");
    json_array_append_new(messages, user);
    return set_content(r, user, prompt, r->in) && take_format(r) && take_think(r);
}

static bool take_embed(struct reading *r)
{
    bool old = r->request->route == OLLAMA_EMBEDDINGS;
    const char *name = old ? "prompt" : "input";
    json_t *input = member(r->in, name), *dimensions = member(r->in, "dimensions"), *text;
    size_t i;

    r->request->engine_route = OPENAI_EMBEDDINGS;
    if (input && !json_is_string(input) && (old || !json_is_array(input)))
        return bad_type(r, name, old ? "a text" : "a text or a list of texts");
    json_array_foreach (input, i, text)
        if (!json_is_string(text))
            return bad_type(r, name, "a text or a list of texts");
    r->request->nothing = !json_string_length(input) && !json_array_size(input);
    if (input)
        json_object_set(r->out, "input", input);
    if (dimensions && !json_is_integer(dimensions))
        return bad_type(r, "dimensions", "a whole number");
    if (dimensions)
        json_object_set(r->out, "dimensions", dimensions);
    return true;
}

/* --- the whole ---------------------------------------------------------------------------- */

static bool take_all(struct reading *r)
{
    struct ollama_request *request = r->request;
    bool texts = request->route == OLLAMA_CHAT || request->route == OLLAMA_GENERATE;

    if (!set_name(r->in, sizeof request->model, request->model, &request->model_len, r->err) ||
        !take_keep_alive(r))
        return false;
    json_object_set_new(r->out, "model", json_stringn(request->model, request->model_len));
    if (!texts)
        return take_options(r) && take_embed(r);
    request->stream = true;
    if (!bool_of(r, "stream", &request->stream))
        return false;
    json_object_set_new(r->out, "stream", json_boolean(request->stream));
    if (request->stream)
        json_object_set_new(r->out, "stream_options", json_pack("{s:b}", "include_usage", 1));
    return take_options(r) && (request->route == OLLAMA_CHAT ? take_chat(r) : take_generate(r));
}

bool ollama_request_read(enum ollama_route route, struct str text,
    struct ollama_request *ret_request, struct buf *body, struct err *err)
{
    struct ollama_request request = {.route = route, .engine_route = OPENAI_CHAT};
    scoped(json_done) json_t *in = NULL, *out = json_object();

    if (!json_read(text, OLLAMA_BODY_BYTES_MAX, &in, err))
        return false;
    scoped(free_done) struct asked *asked = calloc(OLLAMA_CALLS_MAX, sizeof *asked);
    struct reading reading = {in, out, &request, err, asked, 0};
    if (!asked)
        return err_set(err, ERR_SYSTEM, "no memory");
    if (!take_all(&reading))
        return false;
    if (!request.nothing && !json_plain(out, body, err))
        return false;
    *ret_request = request;
    return true;
}
