/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/openai_request.h"

#include "base/panic.h"
#include "openai/walk.h"

#define FORCED_OPTIONS S("\"stream_options\":{\"include_usage\":true},")
#define FORCED_VALUE S("{\"include_usage\":true}")
#define FORCED_ONLY S("\"include_usage\":true")
#define FORCED_FIRST S("\"include_usage\":true,")

struct scan {
    struct walk walk;
    struct openai_request *request;
    bool has_prompt;
    struct err *err;
};

struct member {
    struct str name;
    unsigned routes; /* elsewhere it is an unknown one */
    bool (*take)(struct scan *scan, const struct member *member);
};

static bool bad_type(struct scan *s, const char *param, const char *wanted)
{
    return err_code(
        s->err, ERR_INPUT, "bad_type", param, "%s must be %s: it is something else", param, wanted);
}

/* The text is wrong within this top member. */
static bool bad_text(struct scan *s, const char *param)
{
    size_t place = walk_place(&s->walk);

    switch (s->walk.fault) {
    case WALK_NO_JSON:
        break;
    case WALK_DUPLICATE:
        return err_code(s->err, ERR_INPUT, "duplicate_key", param,
            "a key stands twice in one object, the second time before byte %zu", place);
    case WALK_DEEP:
        return err_code(s->err, ERR_LIMIT, "too_deep", param,
            "at byte %zu there are more than %d objects and arrays in each other", place,
            OPENAI_DEPTH_MAX);
    case WALK_MEMBERS:
        return err_code(s->err, ERR_LIMIT, "too_many_members", param,
            "at byte %zu the open objects have more than %d members", place, OPENAI_MEMBERS_MAX);
    }
    return err_code(
        s->err, ERR_INPUT, "bad_json", param, "the body is not JSON in UTF-8 at byte %zu", place);
}

static bool next(struct scan *s, const char *param, enum walk_event *ret_event)
{
    *ret_event = walk_next(&s->walk);
    return *ret_event != WALK_BAD || bad_text(s, param);
}

static bool skip(struct scan *s, const char *param)
{
    return walk_skip(&s->walk) || bad_text(s, param);
}

/* --- members with one value --------------------------------------------------------------- */

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

static bool take_model(struct scan *s, const struct member *member)
{
    struct openai_request *r = s->request;
    enum walk_event event;

    if (!next(s, member->name.at, &event))
        return false;
    if (event != WALK_STRING)
        return bad_type(s, "model", "a text");
    if (!walk_text(&s->walk, sizeof r->model, r->model, &r->model_len) || !r->model_len ||
        has_control(r->model, r->model_len))
        return err_code(s->err, ERR_INPUT, "out_of_range", "model",
            "model must be 1 to %d bytes without control characters", OPENAI_MODEL_BYTES_MAX);
    r->model_at = s->walk.token_at;
    r->model_bytes = s->walk.token.len + 2;
    return true;
}

static bool take_user(struct scan *s, const struct member *member)
{
    struct openai_request *r = s->request;
    enum walk_event event;

    if (!next(s, member->name.at, &event))
        return false;
    if (event == WALK_NULL)
        return true;
    if (event != WALK_STRING)
        return bad_type(s, "user", "a text");
    if (!walk_text(&s->walk, sizeof r->user, r->user, &r->user_len) ||
        has_control(r->user, r->user_len))
        return err_code(s->err, ERR_INPUT, "out_of_range", "user",
            "user must be at most %d bytes without control characters", OPENAI_USER_BYTES_MAX);
    return true;
}

static bool take_bool(struct scan *s, const char *name, bool *ret_value)
{
    enum walk_event event;

    if (!next(s, name, &event))
        return false;
    if (event != WALK_TRUE && event != WALK_FALSE && event != WALK_NULL)
        return bad_type(s, name, "true or false");
    *ret_value = event == WALK_TRUE;
    return true;
}

static bool take_stream(struct scan *s, const struct member *member)
{
    return take_bool(s, member->name.at, &s->request->stream);
}

static bool take_grounding(struct scan *s, const struct member *member)
{
    return take_bool(s, member->name.at, &s->request->grounding);
}

static bool take_options(struct scan *s, const struct member *member)
{
    static const char USAGE[] = "stream_options.include_usage";
    struct openai_request *r = s->request;
    const char *name = member->name.at;
    enum walk_event event;

    if (!next(s, name, &event))
        return false;
    if (event != WALK_OBJECT && event != WALK_NULL)
        return bad_type(s, name, "an object");
    r->options_at = s->walk.token_at;
    r->options_empty = true;
    while (event != WALK_NULL) {
        enum walk_event inner;
        if (!next(s, name, &inner))
            return false;
        if (inner == WALK_CLOSE)
            break;
        r->options_empty = false;
        if (!walk_is(&s->walk, S("include_usage"))) {
            if (!walk_skip_value(&s->walk))
                return bad_text(s, name);
            continue;
        }
        if (!take_bool(s, USAGE, &r->include_usage))
            return false;
        r->usage_at = s->walk.token_at;
        r->usage_bytes = s->walk.token.len;
    }
    r->options_bytes = walk_place(&s->walk) - r->options_at;
    return true;
}

/* null leaves *ret_value as it is. */
static bool take_integer(
    struct scan *s, const char *name, int64_t min, int64_t max, int64_t *ret_value)
{
    enum walk_event event;
    int64_t value;

    if (!next(s, name, &event))
        return false;
    if (event == WALK_NULL)
        return true;
    if (event != WALK_NUMBER || !walk_integer(&s->walk, &value))
        return bad_type(s, name, "a whole number");
    if (value < min || value > max)
        return err_code(s->err, ERR_INPUT, "out_of_range", name, "%s must be %lld to %lld", name,
            (long long)min, (long long)max);
    *ret_value = value;
    return true;
}

static bool take_max_tokens(struct scan *s, const struct member *member)
{
    int64_t value = -1;

    if (!take_integer(s, member->name.at, -1, OPENAI_TOKENS_MAX, &value))
        return false;
    if (value > s->request->max_tokens)
        s->request->max_tokens = value;
    return true;
}

static bool take_choices(struct scan *s, const struct member *member)
{
    return take_integer(s, member->name.at, 1, OPENAI_CHOICES_MAX, &s->request->choices);
}

/* --- the prompt, measured ----------------------------------------------------------------- */

static uint64_t tokens_of(size_t bytes)
{
    return (bytes + OPENAI_BYTES_PER_TOKEN - 1) / OPENAI_BYTES_PER_TOKEN;
}

/* The value that was just begun, with all in it. */
static bool measure(struct scan *s, const char *param)
{
    struct openai_request *r = s->request;
    struct walk *w = &s->walk;
    size_t outside = w->depth - (size_t)(w->event == WALK_OBJECT || w->event == WALK_ARRAY);
    bool url = false, data = false;
    enum walk_event event = w->event;

    for (;;) {
        if (event == WALK_STRING && (data || (url && str_starts(w->token, S("data:")))))
            r->prompt_tokens += OPENAI_TOKENS_PER_MEDIA;
        else if (event == WALK_STRING)
            r->prompt_tokens += tokens_of(w->token.len);
        else if (event == WALK_NUMBER)
            r->prompt_tokens++;
        url = event == WALK_KEY && str_eq(w->token, S("url"));
        data = event == WALK_KEY && str_eq(w->token, S("data"));
        if (w->depth == outside)
            return true;
        if (!next(s, param, &event))
            return false;
    }
}

static bool take_tools(struct scan *s, const struct member *member)
{
    enum walk_event event;

    if (!next(s, member->name.at, &event))
        return false;
    if (event == WALK_NULL)
        return true;
    if (event != WALK_ARRAY)
        return bad_type(s, member->name.at, "a list");
    size_t from = walk_place(&s->walk);
    if (!next(s, member->name.at, &event))
        return false;
    if (event == WALK_CLOSE)
        return true;
    s->request->tools = true;
    while (s->walk.depth > 1)
        if (!next(s, member->name.at, &event))
            return false;
    s->request->prompt_tokens += tokens_of(walk_place(&s->walk) - from);
    return true;
}

static bool take_messages(struct scan *s, const struct member *member)
{
    enum walk_event event;

    if (!next(s, member->name.at, &event))
        return false;
    if (event != WALK_ARRAY)
        return bad_type(s, "messages", "a list of objects");
    for (;;) {
        if (!next(s, "messages", &event))
            return false;
        if (event == WALK_CLOSE)
            break;
        if (event != WALK_OBJECT)
            return bad_type(s, "messages", "a list of objects");
        s->request->inputs++;
        s->request->prompt_tokens += OPENAI_TOKENS_PER_MESSAGE;
        if (!measure(s, "messages"))
            return false;
    }
    s->has_prompt = s->request->inputs > 0;
    return true;
}

/* A text, tokens, or a list of those; what else an engine knows (an object) counts as one. */
static bool take_prompt(struct scan *s, const struct member *member)
{
    struct openai_request *r = s->request;
    const char *name = member->name.at;
    enum walk_event event;
    bool tokens = false;

    if (!next(s, name, &event))
        return false;
    if (event == WALK_NULL)
        return true;
    if (event != WALK_STRING && event != WALK_ARRAY && event != WALK_OBJECT)
        return bad_type(s, name, "a text or a list");
    s->has_prompt = true;
    if (event != WALK_ARRAY) {
        r->inputs = 1;
        return measure(s, name);
    }
    for (;;) {
        if (!next(s, name, &event))
            return false;
        if (event == WALK_CLOSE)
            break;
        tokens |= event == WALK_NUMBER;
        r->inputs += event != WALK_NUMBER;
        if (!measure(s, name))
            return false;
    }
    r->inputs += tokens;
    s->has_prompt = r->inputs > 0;
    return true;
}

/* --- the whole ---------------------------------------------------------------------------- */

#define ALL (1u << OPENAI_CHAT | 1u << OPENAI_COMPLETIONS | 1u << OPENAI_EMBEDDINGS)
#define TEXTS (1u << OPENAI_CHAT | 1u << OPENAI_COMPLETIONS)

static const struct member MEMBERS[] = {
    {{"model", 5}, ALL, take_model},
    {{"stream", 6}, TEXTS, take_stream},
    {{"stream_options", 14}, TEXTS, take_options},
    {{"max_tokens", 10}, TEXTS, take_max_tokens},
    {{"max_completion_tokens", 21}, TEXTS, take_max_tokens},
    {{"n", 1}, TEXTS, take_choices},
    {{"user", 4}, ALL, take_user},
    {{"tools", 5}, 1u << OPENAI_CHAT, take_tools},
    {{"functions", 9}, 1u << OPENAI_CHAT, take_tools},
    {{"grounding", 9}, 1u << OPENAI_CHAT, take_grounding},
    {{"messages", 8}, 1u << OPENAI_CHAT, take_messages},
    {{"prompt", 6}, 1u << OPENAI_COMPLETIONS, take_prompt},
    {{"input", 5}, 1u << OPENAI_EMBEDDINGS, take_prompt},
};

static const struct member *member_of(const struct walk *w, enum openai_route route)
{
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++)
        if (walk_is(w, MEMBERS[i].name))
            return MEMBERS[i].routes & 1u << route ? &MEMBERS[i] : NULL;
    return NULL;
}

/* A name for err->param that is not ours: cut on a character's border. */
static void name_of(const struct walk *w, char name[ERR_PARAM_BYTES_MAX])
{
    size_t len;

    walk_text(w, ERR_PARAM_BYTES_MAX - 1, name, &len);
    name[len] = '\0';
}

static bool take_member(struct scan *s)
{
    const struct member *member = member_of(&s->walk, s->request->route);

    if (member)
        return member->take(s, member);
    struct walk_key key = s->walk.key[s->walk.keys - 1];
    if (walk_skip_value(&s->walk))
        return true;
    char name[ERR_PARAM_BYTES_MAX];
    s->walk.token = (struct str){key.at, key.len};
    name_of(&s->walk, name);
    return bad_text(s, name);
}

static bool take_members(struct scan *s)
{
    char name[ERR_PARAM_BYTES_MAX] = "";

    for (;;) {
        enum walk_event event = walk_next(&s->walk);
        if (event == WALK_CLOSE)
            return true;
        if (event == WALK_BAD && s->walk.fault == WALK_DUPLICATE)
            name_of(&s->walk, name);
        if (event == WALK_BAD)
            return bad_text(s, name);
        if (!take_member(s))
            return false;
    }
}

static bool missing(struct err *err, const char *name)
{
    return err_code(err, ERR_INPUT, "missing_field", name, "%s is missing or empty", name);
}

bool openai_request_scan(
    enum openai_route route, struct str body, struct openai_request *ret_request, struct err *err)
{
    struct openai_request request = {.route = route, .body = body, .max_tokens = -1, .choices = 1};
    struct scan s;
    enum walk_event event;

    s.request = &request;
    s.err = err;
    s.has_prompt = false;
    walk_init(&s.walk, body);
    if (!next(&s, "", &event))
        return false;
    if (event != WALK_OBJECT) {
        if (!skip(&s, "") || !next(&s, "", &event))
            return false;
        return err_code(err, ERR_INPUT, "bad_type", NULL, "the body must be a JSON object");
    }
    request.open_at = s.walk.token_at;
    if (!take_members(&s) || !next(&s, "", &event))
        return false;
    if (!request.model_bytes)
        return missing(err, "model");
    if (!s.has_prompt)
        return missing(err, route == OPENAI_CHAT          ? "messages"
                            : route == OPENAI_COMPLETIONS ? "prompt"
                                                          : "input");
    *ret_request = request;
    return true;
}

/* --- forward ------------------------------------------------------------------------------ */

struct splice {
    size_t at, drop;
    struct str text;
};

static struct splice usage_splice(const struct openai_request *r)
{
    if (!r->options_at)
        return (struct splice){r->open_at + 1, 0, FORCED_OPTIONS};
    if (r->body.at[r->options_at] != '{')
        return (struct splice){r->options_at, r->options_bytes, FORCED_VALUE};
    if (r->usage_at)
        return (struct splice){r->usage_at, r->usage_bytes, S("true")};
    return (struct splice){r->options_at + 1, 0, r->options_empty ? FORCED_ONLY : FORCED_FIRST};
}

static void add_part(struct openai_parts *parts, const char *at, size_t len)
{
    if (!len)
        return;
    parts->part[parts->count++] = (struct str){at, len};
    parts->bytes += len;
}

void openai_request_forward(
    const struct openai_request *request, struct str model, struct openai_parts *ret_parts)
{
    struct str body = request->body;
    struct splice splice[2];
    size_t count = 0, at = 0;

    check(!model.len || (openai_is_model(model) && !memchr(model.at, '"', model.len) &&
                            !memchr(model.at, '\\', model.len)));
    *ret_parts = (struct openai_parts){0};
    if (request->stream && !request->include_usage)
        splice[count++] = usage_splice(request);
    if (model.len && !str_eq(model, openai_request_model(request)))
        splice[count++] = (struct splice){request->model_at + 1, request->model_bytes - 2, model};
    if (count == 2 && splice[1].at < splice[0].at) {
        struct splice first = splice[1];
        splice[1] = splice[0];
        splice[0] = first;
    }
    for (size_t i = 0; i < count; i++) {
        add_part(ret_parts, body.at + at, splice[i].at - at);
        add_part(ret_parts, splice[i].text.at, splice[i].text.len);
        at = splice[i].at + splice[i].drop;
    }
    add_part(ret_parts, body.at + at, body.len - at);
}

bool openai_is_model(struct str name)
{
    return name.len && name.len <= OPENAI_MODEL_BYTES_MAX && str_is_utf8(name) &&
           !has_control(name.at, name.len);
}
