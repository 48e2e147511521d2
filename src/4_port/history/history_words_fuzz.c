/* SPDX-License-Identifier: Apache-2.0
 * Properties: any reply is refused or becomes JSON of our form; any question is refused or becomes
 * a form of one field each, whose query holds the node's name between quotes that it cannot leave.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "history/words.h"
#include "http/http.h"
#include "json/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_answer(struct str body, const struct history_limits *limits)
{
    scoped(buf_done) struct buf out = buf_of((size_t)limits->history_answer_bytes);
    scoped(json_done) json_t *ours = NULL;
    struct err err = {0};

    if (!words_answer(body, limits, &out, &err)) {
        check(out.len == 0 && err.code[0] && str_is_utf8(str_from(err.message)));
        check(!words_refusal(422, body, &err) && str_is_utf8(str_from(err.message)));
        return;
    }
    check(json_read(buf_str(&out), 1 << 20, &ours, &err));
    const json_t *series = json_object_get(ours, "series");
    check(json_is_array(series));
    for (size_t i = 0; i < json_array_size(series); i++) {
        const json_t *points = json_object_get(json_array_get(series, i), "points");
        check(json_is_object(json_object_get(json_array_get(series, i), "labels")));
        check(json_is_array(points));
        for (size_t k = 0; k < json_array_size(points); k++) {
            const json_t *point = json_array_get(points, k), *value = json_array_get(point, 1);
            check(json_is_integer(json_array_get(point, 0)));
            check(json_is_integer(value) || json_is_string(value));
        }
    }
}

/* What a reader of PromQL takes from the quotes. */
static bool quoted_is(struct str query, struct str name)
{
    struct str head = S("logic_m{node=\"");
    size_t at = head.len, k = 0;

    check(str_starts(query, head));
    for (; at < query.len && query.at[at] != '"'; at++, k++) {
        at += query.at[at] == '\\';
        if (at >= query.len || k >= name.len || query.at[at] != name.at[k])
            return false;
    }
    return k == name.len &&
           str_eq((struct str){query.at + at, query.len - at}, S("\",part=\"x\"}"));
}

static void look_at_question(struct str text, const struct history_limits *limits)
{
    struct history_question question = {
        .node = text, .metric = S("m"), .part = S("x"), .from_ms = 1, .to_ms = 5000, .step_s = 1};
    scoped(buf_done) struct buf form = buf_of(1 << 18), back = buf_of(1 << 18);
    struct str path;
    struct err err = {0};
    bool found;

    if (words_question(&question, limits, &path, &form, &err)) {
        check(http_query_value(buf_str(&form), S("query"), &back, &found, &err) && found);
        check(quoted_is(buf_str(&back), text));
    }
    question.promql = text;
    question.metric = text;
    question.step_s = 0;
    buf_clear(&back);
    if (!words_question(&question, limits, &path, &form, &err))
        return;
    check(!form.overflowed);
    for (size_t i = 0; i < form.len; i++)
        check(form.at[i] > ' ' && form.at[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct history_limits limits;

    history_limits_default(&limits);
    limits.history_points = 20;
    limits.history_series = 5;
    limits.history_answer_bytes = 2000;
    look_at_answer(text, &limits);
    if (size)
        look_at_question(text, &limits);
    return 0;
}
