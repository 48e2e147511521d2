/* SPDX-License-Identifier: Apache-2.0 */
#include "history/words.h"

#include "base/scoped.h"
#include "exposition/exposition.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <math.h>
#include <stdio.h>

#define TIME_MAX_MS 253402300799999
#define STEP_MAX_S 31622400 /* a year */
#define LABELS_MAX 32
#define LABEL_BYTES_MAX 1024
#define EXCERPT_BYTES 200

/* --- names --------------------------------------------------------------------------- */

bool words_node_valid(struct str node)
{
    for (size_t i = 0; i < node.len; i++)
        if ((unsigned char)node.at[i] < ' ' || node.at[i] == 0x7f)
            return false;
    return node.len && node.len <= HISTORY_NODE_BYTES_MAX && str_is_utf8(node);
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool words_metric_valid(struct str metric)
{
    for (size_t i = 0; i < metric.len; i++)
        if (!is_lower(metric.at[i]) && !(i && (is_digit(metric.at[i]) || metric.at[i] == '_')))
            return false;
    return metric.len && metric.len <= HISTORY_METRIC_BYTES_MAX;
}

bool words_part_valid(struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        char c = part.at[i];
        if (!is_lower(c) && !(c >= 'A' && c <= 'Z') && !is_digit(c) && !memchr("_./:-", c, 5))
            return false;
    }
    return part.len <= HISTORY_PART_BYTES_MAX;
}

void words_series(struct str metric, char ret_name[WORDS_SERIES_BYTES])
{
    snprintf(ret_name, WORDS_SERIES_BYTES, "logic_%.*s", STR(metric));
}

/* --- a question ---------------------------------------------------------------------- */

static void add_percent(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || memchr("_.-~", c, 4))
            buf_add_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

/* A value between the double quotes of PromQL, whose escapes are those of Go. */
static void add_quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '"');
}

static bool bad(struct err *err, const char *param, const char *what)
{
    return err_code(err, ERR_INPUT, "bad_question", param, "history: %s", what);
}

static bool check_times(
    const struct history_question *q, const struct history_limits *limits, struct err *err)
{
    if (q->to_ms < 0 || q->to_ms > TIME_MAX_MS)
        return bad(err, "to_ms", "'to_ms' is no time");
    if (q->step_s == 0)
        return true;
    if (q->step_s < 0 || q->step_s > STEP_MAX_S)
        return bad(err, "step_s", "'step_s' is 0 (one point) or up to a year");
    if (q->from_ms < 0 || q->from_ms > q->to_ms)
        return bad(err, "from_ms", "'from_ms' is no time before 'to_ms'");
    int64_t points = (q->to_ms - q->from_ms) / 1000 / q->step_s + 1;
    if (points > limits->history_points)
        return err_code(err, ERR_LIMIT, "too_many_points", "step_s",
            "history: %lld points; at most %lld: take a longer step or less time",
            (long long)points, (long long)limits->history_points);
    return true;
}

/* PromQL of node, metric and part. No text of them can end its quotes. */
static bool make_promql(const struct history_question *q, struct buf *out, struct err *err)
{
    char name[WORDS_SERIES_BYTES];

    if (!words_metric_valid(q->metric))
        return bad(err, "metric", "'metric' is no name of a metric");
    if (!words_node_valid(q->node))
        return bad(err, "node", "'node' is no name of a node");
    if (q->part.at && !words_part_valid(q->part))
        return bad(err, "part", "'part' is no part: [A-Za-z0-9_./:-]*, at most 64 bytes");
    words_series(q->metric, name);
    buf_printf(out, "%s{node=", name);
    add_quoted(out, q->node);
    if (q->part.at) {
        buf_add(out, S(",part="));
        add_quoted(out, q->part);
    }
    buf_add_char(out, '}');
    return true;
}

static bool check_promql(struct str promql, const struct history_limits *limits, struct err *err)
{
    if (promql.len > (size_t)limits->history_query_bytes)
        return err_code(err, ERR_LIMIT, "promql_too_long", "promql",
            "history: 'promql' has %zu bytes; at most %lld", promql.len,
            (long long)limits->history_query_bytes);
    if (promql.len == 0 || !str_is_utf8(promql) || memchr(promql.at, '\0', promql.len))
        return bad(err, "promql", "'promql' is empty, no UTF-8 or holds a NUL");
    return true;
}

static void add_time(struct buf *out, const char *name, int64_t at_ms)
{
    buf_printf(out, "&%s=%lld.%03lld", name, (long long)(at_ms / 1000), (long long)(at_ms % 1000));
}

bool words_question(const struct history_question *question, const struct history_limits *limits,
    struct str *ret_path, struct buf *form, struct err *err)
{
    scoped(buf_done) struct buf made = buf_of(1024);
    struct str promql = question->promql;

    if (!check_times(question, limits, err))
        return false;
    if (promql.at ? !check_promql(promql, limits, err) : !make_promql(question, &made, err))
        return false;
    buf_clear(form);
    buf_add(form, S("query="));
    add_percent(form, promql.at ? promql : buf_str(&made));
    if (question->step_s) {
        add_time(form, "start", question->from_ms);
        add_time(form, "end", question->to_ms);
        buf_printf(form, "&step=%llds", (long long)question->step_s);
    } else {
        add_time(form, "time", question->to_ms);
    }
    /* what came late from the spool must not be hidden by what the server remembers */
    buf_printf(form, "&timeout=%lldms&nocache=1", (long long)limits->history_query_ms);
    *ret_path = question->step_s ? S("/api/v1/query_range") : S("/api/v1/query");
    return true;
}

/* --- an answer ----------------------------------------------------------------------- */

struct answer {
    const struct history_limits *limits;
    struct buf *out;
    struct err *err;
};

static bool bad_reply(struct err *err, const char *what)
{
    return err_code(
        err, ERR_PEER, "history_bad_reply", NULL, "what answers as history is none: %s", what);
}

static bool too_large(struct err *err, const char *what, int64_t most)
{
    return err_code(err, ERR_LIMIT, "history_too_large", NULL,
        "the answer of history has too many %s (at most %lld): ask for less", what,
        (long long)most);
}

static bool add_labels(struct answer *answer, json_t *metric)
{
    const char *name;
    json_t *value;
    bool first = true;

    if (!json_is_object(metric))
        return bad_reply(answer->err, "a series without 'metric'");
    if (json_object_size(metric) > LABELS_MAX)
        return too_large(answer->err, "labels of a series", LABELS_MAX);
    buf_add(answer->out, S("{\"labels\":{"));
    json_object_foreach (metric, name, value) {
        struct str key = str_from(name);
        if (!json_is_string(value) ||
            (!exposition_label_name_valid(key) && !str_eq(key, S("__name__"))))
            return bad_reply(answer->err, "a label that is none");
        struct str text = {json_string_value(value), json_string_length(value)};
        if (text.len > LABEL_BYTES_MAX)
            return too_large(answer->err, "bytes of a label", LABEL_BYTES_MAX);
        if (!first)
            buf_add_char(answer->out, ',');
        first = false;
        json_add_string(answer->out, key);
        buf_add_char(answer->out, ':');
        json_add_string(answer->out, text);
    }
    buf_add(answer->out, S("},\"points\":["));
    return true;
}

/* [seconds, "value"] */
static bool add_point(struct answer *answer, const json_t *point)
{
    const json_t *at = json_array_get(point, 0), *text = json_array_get(point, 1);
    double value, seconds = json_number_value(at);

    if (json_array_size(point) != 2 || !json_is_number(at) || !json_is_string(text))
        return bad_reply(answer->err, "a point that is none");
    struct str words = {json_string_value(text), json_string_length(text)};
    if (!(seconds >= 0 && seconds <= (double)TIME_MAX_MS / 1000) ||
        !exposition_number(words, &value, NULL))
        return bad_reply(answer->err, "a time or a value that is no number");
    buf_printf(answer->out, "[%lld,", (long long)(seconds * 1000 + 0.5));
    if (fabs(value) <= (double)HISTORY_VALUE_MAX && value == (double)(long long)value)
        buf_printf(answer->out, "%lld]", (long long)value);
    else
        buf_printf(answer->out, "\"%.*s\"]", STR(words)); /* a number's text needs no escape */
    return true;
}

static bool add_series(struct answer *answer, json_t *metric, const json_t *points)
{
    if (!add_labels(answer, metric))
        return false;
    if (!json_is_array(points))
        return bad_reply(answer->err, "a series without points");
    if (json_array_size(points) > (size_t)answer->limits->history_points)
        return too_large(answer->err, "points", answer->limits->history_points);
    for (size_t i = 0; i < json_array_size(points); i++) {
        if (i)
            buf_add_char(answer->out, ',');
        if (!add_point(answer, json_array_get(points, i)))
            return false;
        if (answer->out->overflowed)
            break;
    }
    buf_add(answer->out, S("]}"));
    return true;
}

static bool add_result(struct answer *answer, const char *kind, json_t *result)
{
    bool matrix = strcmp(kind, "matrix") == 0, vector = strcmp(kind, "vector") == 0;

    if (strcmp(kind, "scalar") == 0) {
        scoped(json_done) json_t *points = json_pack("[O]", result);
        scoped(json_done) json_t *none = json_object();
        return add_series(answer, none, points);
    }
    if ((!matrix && !vector) || !json_is_array(result))
        return bad_reply(answer->err, "a result that is none of matrix, vector, scalar");
    if (json_array_size(result) > (size_t)answer->limits->history_series)
        return too_large(answer->err, "series", answer->limits->history_series);
    for (size_t i = 0; i < json_array_size(result) && !answer->out->overflowed; i++) {
        const json_t *one = json_array_get(result, i);
        json_t *value = json_object_get(one, "value");
        scoped(json_done) json_t *points = matrix  ? json_incref(json_object_get(one, "values"))
                                           : value ? json_pack("[O]", value)
                                                   : NULL;
        if (i)
            buf_add_char(answer->out, ',');
        if (!add_series(answer, json_object_get(one, "metric"), points))
            return false;
    }
    return true;
}

static bool read_answer(struct str body, struct answer *answer)
{
    scoped(json_done) json_t *whole = NULL;
    struct err why;

    if (!json_read(body, (size_t)answer->limits->history_reply_bytes, &whole, &why))
        return bad_reply(answer->err, why.message);
    const char *status = json_string_value(json_object_get(whole, "status"));
    const json_t *data = json_object_get(whole, "data");
    const char *kind = json_string_value(json_object_get(data, "resultType"));
    json_t *result = json_object_get(data, "result");
    if (!status || strcmp(status, "success") != 0 || !kind || !result)
        return bad_reply(answer->err, "no 'status' success with 'data'");
    buf_add(answer->out, S("{\"series\":["));
    if (!add_result(answer, kind, result))
        return false;
    buf_add(answer->out, S("]}"));
    if (answer->out->overflowed || answer->out->len > (size_t)answer->limits->history_answer_bytes)
        return too_large(answer->err, "bytes", answer->limits->history_answer_bytes);
    return true;
}

bool words_answer(
    struct str body, const struct history_limits *limits, struct buf *out, struct err *err)
{
    struct answer answer = {limits, out, err};

    buf_clear(out);
    if (read_answer(body, &answer))
        return true;
    buf_clear(out);
    return false;
}

bool words_refusal(int status, struct str body, struct err *err)
{
    scoped(json_done) json_t *whole = NULL;
    char words[EXCERPT_BYTES + 1] = "no words";
    struct err why;

    if (status != 400 && status != 422)
        return err_code(err, ERR_PEER, "history_away", NULL,
            "history answers with status %d: look at its log, and at the fact history(Url)",
            status);
    if (json_read(body, 1 << 20, &whole, &why)) {
        const char *text = json_string_value(json_object_get(whole, "error"));
        size_t len = 0;
        for (; text && text[len] && len < EXCERPT_BYTES; len++)
            words[len] = (char)(text[len] >= ' ' && text[len] <= '~' ? text[len] : '?');
        if (len)
            words[len] = '\0';
    }
    return err_code(err, ERR_INPUT, "bad_promql", "promql",
        "history does not take the question: \"%s\"", words);
}
