/* SPDX-License-Identifier: Apache-2.0 */
#include "client/plan_view.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <string.h>

#define PLAN_KIND "logic-node/plan/v1"
#define TARGETS_SHOWN_MAX 40

static bool is_canonical(struct str bytes, const json_t *plan)
{
    scoped(buf_done) struct buf again = buf_of(PLAN_BYTES_MAX);
    struct err ignored;

    return json_canonical(plan, &again, &ignored) && str_eq(buf_str(&again), bytes);
}

bool plan_read(struct str bytes, json_t **ret_plan, struct plan_facts *ret_facts, struct err *err)
{
    scoped(json_done) json_t *plan = NULL;

    if (!json_read(bytes, PLAN_BYTES_MAX, &plan, err))
        return err_wrap(err, "what the node sent is no plan");
    if (!str_eq(json_str(plan, "kind"), S(PLAN_KIND)))
        return err_set(err, ERR_INPUT,
            "what the node sent is no plan of the kind %s; nothing was signed", PLAN_KIND);
    if (!is_canonical(bytes, plan))
        return err_set(err, ERR_INPUT,
            "the plan is not in canonical form, so it could hide something; nothing was signed");
    const json_t *expires = json_object_get(plan, "expires_at_ms");
    struct str id = json_str(plan, "case");
    if (!json_is_integer(expires) || !json_is_object(json_object_get(plan, "job")) || !id.len ||
        id.len >= sizeof ret_facts->case_id)
        return err_set(
            err, ERR_INPUT, "the plan lacks its case, its job or its expiry; nothing was signed");
    *ret_facts = (struct plan_facts){
        .expires_at_ms = json_integer_value(expires),
        .by_model = str_eq(json_str(json_object_get(plan, "by"), "via"), S("model")),
    };
    memcpy(ret_facts->case_id, id.at, id.len);
    *ret_plan = json_incref(plan);
    return true;
}

void plan_span(int64_t from_ms, int64_t to_ms, char ret_words[PLAN_SPAN_BYTES])
{
    bool past = to_ms <= from_ms;
    uint64_t seconds = past ? ((uint64_t)from_ms - (uint64_t)to_ms) / 1000
                            : ((uint64_t)to_ms - (uint64_t)from_ms) / 1000;
    const char *unit = seconds < 120 ? "s" : seconds < 7200 ? "min" : "h";
    uint64_t count = seconds < 120 ? seconds : seconds < 7200 ? seconds / 60 : seconds / 3600;

    snprintf(ret_words, PLAN_SPAN_BYTES, past ? "expired %" PRIu64 " %s ago" : "in %" PRIu64 " %s",
        count, unit);
}

void plan_view_diff(const struct screen *screen, const json_t *diff)
{
    size_t i;
    json_t *line;

    json_array_foreach(diff, i, line)
    {
        struct str op = json_str(line, "op"), text = json_str(line, "text");
        bool add = str_eq(op, S("add")), remove = str_eq(op, S("remove"));
        enum style style = add ? GREEN : remove ? RED : YELLOW;
        while (text.len) {
            struct str row = str_cut(text, '\n', &text);
            screen_print(screen, style, "    %s %.*s\n", add ? "+" : remove ? "-" : "~", STR(row));
        }
    }
}

/* Scalars as they are, everything else as compact JSON. */
static void add_value(struct buf *out, const json_t *value)
{
    struct err ignored;

    if (json_is_string(value))
        buf_add(out, (struct str){json_string_value(value), json_string_length(value)});
    else
        (void)json_plain(value, out, &ignored);
}

/* {"op":"add","name":"a","ttl":60} -> "op add  name a  ttl 60" */
static void add_members(struct buf *out, const json_t *object)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object)) {
        add_value(out, object);
        return;
    }
    json_object_foreach((json_t *)object, name, value)
    {
        buf_printf(out, "%s%s ", out->len ? "  " : "", name);
        add_value(out, value);
    }
}

/* Every member of the job: this, not the summary, is what will happen. */
static void view_job(const struct screen *screen, const json_t *job)
{
    const char *name;
    json_t *value, *member;
    size_t i;

    screen_print(screen, BOLD, "\n  Exactly what the hands will be told\n");
    json_object_foreach((json_t *)job, name, value)
    {
        scoped(buf_done) struct buf line = buf_of(PLAN_BYTES_MAX);
        if (json_is_array(value) && json_array_size(value) > 0) {
            json_array_foreach(value, i, member)
            {
                buf_clear(&line);
                add_members(&line, member);
                screen_field(screen, i == 0 ? name : "", PLAIN, buf_str(&line));
            }
            continue;
        }
        add_members(&line, value);
        screen_field(screen, name, PLAIN, buf_str(&line));
    }
}

static void view_list(const struct screen *screen, const char *label, const json_t *list)
{
    size_t i;
    json_t *member;

    json_array_foreach(list, i, member)
    {
        scoped(buf_done) struct buf line = buf_of(PLAN_BYTES_MAX);
        if (i == TARGETS_SHOWN_MAX) {
            buf_printf(&line, "… and %zu more", json_array_size(list) - i);
            screen_field(screen, "", YELLOW, buf_str(&line));
            return;
        }
        add_members(&line, member);
        screen_field(screen, i == 0 ? label : "", PLAIN, buf_str(&line));
    }
}

static void view_proposer(const struct screen *screen, const json_t *plan)
{
    const json_t *by = json_object_get(plan, "by");
    struct str principal = json_str(by, "principal"), via = json_str(by, "via");
    char words[256];

    snprintf(words, sizeof words, "%.*s, via %.*s", STR(principal), STR(via));
    screen_field(screen, "proposed by", PLAIN, str_from(words));
    if (str_eq(via, S("model")))
        screen_print(screen, YELLOW,
            "  ! A language model wrote this proposal. Read every line before you sign.\n");
}

static void view_coverage(const struct screen *screen, const json_t *coverage)
{
    scoped(buf_done) struct buf line = buf_of(PLAN_BYTES_MAX);
    json_int_t unseen = json_integer_value(json_object_get(coverage, "unsupported")) +
                        json_integer_value(json_object_get(coverage, "skipped"));

    if (!json_is_object(coverage))
        return;
    add_members(&line, coverage);
    screen_field(screen, "dry run", unseen ? YELLOW : PLAIN, buf_str(&line));
    if (unseen)
        screen_print(screen, YELLOW,
            "  ! The dry run could not look at %" JSON_INTEGER_FORMAT " step(s).\n", unseen);
}

void plan_view(const struct screen *screen, const json_t *plan, int64_t now_ms)
{
    char span[PLAN_SPAN_BYTES];
    struct str tier = json_str(plan, "tier");
    int64_t expires_at_ms = json_integer_value(json_object_get(plan, "expires_at_ms"));
    const json_t *undo = json_object_get(plan, "undo");
    const json_t *current = json_object_get(plan, "current");
    scoped(buf_done) struct buf text = buf_of(PLAN_BYTES_MAX);

    screen_print(screen, PLAIN, "\n  ");
    screen_line(screen, BOLD, json_str(plan, "summary"));
    fputc('\n', screen->out);
    screen_field(screen, "case", PLAIN, json_str(plan, "case"));
    screen_field(screen, "action", CYAN, json_str(plan, "action"));
    screen_field(screen, "tier", str_eq(tier, S("destructive")) ? RED : YELLOW, tier);
    view_list(screen, "targets", json_object_get(plan, "targets"));
    view_proposer(screen, plan);
    view_coverage(screen, json_object_get(plan, "coverage"));
    view_list(screen, "only if", json_object_get(plan, "preconditions"));
    view_list(screen, "now", current);
    plan_span(now_ms, expires_at_ms, span);
    screen_field(screen, "expires", expires_at_ms <= now_ms ? RED : PLAIN, str_from(span));
    if (json_is_object(undo))
        add_members(&text, undo);
    screen_field(screen, "undo by", text.len ? PLAIN : YELLOW,
        text.len ? buf_str(&text) : S("nothing: this cannot be undone by the node"));
    screen_print(screen, BOLD, "\n  What changes\n");
    plan_view_diff(screen, json_object_get(plan, "diff"));
    if (json_array_size(json_object_get(plan, "diff")) == 0)
        screen_print(screen, YELLOW, "    the plan names no difference\n");
    view_job(screen, json_object_get(plan, "job"));
    fputc('\n', screen->out);
}
