/* SPDX-License-Identifier: Apache-2.0
 * Properties: a body is accepted only if jansson accepts it, and refused for its form only if
 * jansson refuses it; the members found are jansson's; what is forwarded is the same document but
 * for include_usage and the model's name. */
#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "openai/openai_request.h"
#include "json/json_read.h"

#define REAL_NAME "the-real-name"
#define FUZZ_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void join(const struct openai_parts *parts, struct buf *out)
{
    for (size_t i = 0; i < parts->count; i++) {
        check(parts->part[i].len);
        buf_add(out, parts->part[i]);
    }
    check(out->len == parts->bytes);
}

static void check_members(const struct openai_request *r, const json_t *body)
{
    const json_t *model = json_object_get(body, "model"), *user = json_object_get(body, "user");

    check(str_eq(openai_request_model(r),
        (struct str){json_string_value(model), json_string_length(model)}));
    if (json_is_string(user))
        check(str_eq(openai_request_user(r),
            (struct str){json_string_value(user), json_string_length(user)}));
    if (r->route == OPENAI_EMBEDDINGS)
        return;
    const json_t *options = json_object_get(body, "stream_options");
    check(r->stream == json_is_true(json_object_get(body, "stream")));
    check(r->include_usage == json_is_true(json_object_get(options, "include_usage")));
    const json_t *n = json_object_get(body, "n");
    check(r->choices == (json_is_integer(n) ? json_integer_value(n) : 1));
    if (r->route == OPENAI_CHAT)
        check(r->inputs == json_array_size(json_object_get(body, "messages")));
}

/* What the forwarded body must mean. */
static void change(const struct openai_request *r, json_t *body)
{
    json_object_set_new(body, "model", json_string(REAL_NAME));
    if (!r->stream || r->include_usage)
        return;
    json_t *options = json_object_get(body, "stream_options");
    if (!json_is_object(options)) {
        options = json_object();
        json_object_set_new(body, "stream_options", options);
    }
    json_object_set_new(options, "include_usage", json_true());
}

static void check_forward(const struct openai_request *r, json_t *body)
{
    scoped(buf_done) struct buf out = buf_of(2 * FUZZ_BYTES_MAX);
    struct openai_parts parts;
    json_error_t why;

    openai_request_forward(r, S(REAL_NAME), &parts);
    join(&parts, &out);
    scoped(json_done) json_t *sent = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, &why);
    change(r, body);
    check(sent && json_equal(sent, body));
    struct openai_request again;
    struct err err;
    check(openai_request_scan(r->route, buf_str(&out), &again, &err));
    check(again.include_usage == (r->stream || r->include_usage));
    buf_clear(&out);
    openai_request_forward(&again, S(""), &parts);
    check(parts.count == 1 && parts.part[0].at == again.body.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t why;
    struct openai_request request;
    struct err err;

    if (size < 1 || size > FUZZ_BYTES_MAX)
        return 0;
    enum openai_route route = (enum openai_route)(data[0] % 3);
    scoped(free_done) char *text = malloc(size - 1 ? size - 1 : 1);
    memcpy(text, data + 1, size - 1);
    struct str body = {text, size - 1};

    bool good = openai_request_scan(route, body, &request, &err);
    scoped(json_done) json_t *value = json_loadb(text, size - 1, JSON_REJECT_DUPLICATES, &why);
    bool overflow = !value && json_error_code(&why) == json_error_numeric_overflow;
    bool form =
        !good && (strcmp(err.code, "bad_json") == 0 || strcmp(err.code, "duplicate_key") == 0);
    check(good || err.code[0]);
    if (memchr(text, '\0', size - 1)) { /* jansson loses one that stands behind a word */
        check(!good);
        return 0;
    }
    if (form)
        check(!value);
    if (good && !overflow) {
        check(json_is_object(value));
        check_members(&request, value);
        check_forward(&request, value);
    }
    return 0;
}
