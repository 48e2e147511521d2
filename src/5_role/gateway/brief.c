/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/brief.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"
#include "message/message.h"
#include "json/json_read.h"

#include <string.h>

#define CUT_MARK "\xe2\x80\xa6" /* … */
#define DEPTH_MAX 64

/* Bytes of the first BRIEF_CHARS_MAX characters; all of them if there are no more. */
static size_t kept_bytes(struct str text)
{
    size_t chars = 0;

    if (text.len <= BRIEF_CHARS_MAX)
        return text.len;
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] & 0xc0) != 0x80 && chars++ == BRIEF_CHARS_MAX)
            return i;
    return text.len;
}

static json_t *cut_text(json_t *text)
{
    struct str all = {json_string_value(text), json_string_length(text)};
    size_t kept = kept_bytes(all);
    scoped(buf_done) struct buf shorter = buf_of(kept + sizeof CUT_MARK);

    if (kept == all.len)
        return json_incref(text);
    buf_add(&shorter, (struct str){all.at, kept});
    buf_add(&shorter, S(CUT_MARK));
    return json_stringn(shorter.at, shorter.len);
}

static bool is_short(const json_t *value, int depth)
{
    const char *name;
    json_t *part;
    size_t i;

    if (json_is_string(value))
        return kept_bytes((struct str){json_string_value(value), json_string_length(value)}) ==
               json_string_length(value);
    if (depth == DEPTH_MAX)
        return true;
    json_array_foreach (value, i, part)
        if (!is_short(part, depth + 1))
            return false;
    json_object_foreach ((json_t *)(uintptr_t)value, name, part)
        if (!is_short(part, depth + 1))
            return false;
    return true;
}

/* The same with long texts cut; what is short is shared, not copied. */
static json_t *cut(json_t *value, int depth)
{
    const char *name;
    json_t *part, *copy;
    size_t i;

    if (json_is_string(value))
        return cut_text(value);
    if (depth == DEPTH_MAX || is_short(value, depth))
        return json_incref(value);
    copy = json_is_array(value) ? json_array() : json_object();
    json_array_foreach (value, i, part)
        json_array_append_new(copy, cut(part, depth + 1));
    json_object_foreach (value, name, part)
        json_object_set_new(copy, name, cut(part, depth + 1));
    return copy;
}

/* Those members of `from` that are there and named; NULL-ended. */
static json_t *only(const json_t *from, const char *const names[])
{
    json_t *kept = json_object(), *value;

    check(kept);
    for (size_t i = 0; names[i]; i++)
        if ((value = json_object_get(from, names[i])))
            json_object_set_new(kept, names[i], cut(value, 0));
    return kept;
}

static json_t *without(const json_t *from, const char *const names[])
{
    json_t *kept = json_copy((json_t *)(uintptr_t)from);
    json_t *short_one;

    for (size_t i = 0; names[i]; i++)
        json_object_del(kept, names[i]);
    short_one = cut(kept, 0);
    json_decref(kept);
    return short_one;
}

static json_t *within(const json_t *body, const char *member, const char *const names[])
{
    json_t *part = json_object_get(body, member);

    return json_is_object(part) ? only(part, names) : cut(part ? part : json_null(), 0);
}

static json_t *opened(const json_t *body)
{
    static const char *const NAMES[] = {"action", "params", "by", "nl", "model", NULL};

    return only(body, NAMES);
}

static json_t *judged(const json_t *body)
{
    static const char *const NAMES[] = {"verdict", "tier", "words", NULL};
    json_t *brief = json_object();

    check(brief && json_object_set_new(brief, "verdict", within(body, "verdict", NAMES)) == 0);
    return brief;
}

/* The plan is text: its summary is the only thing that is read out of it. */
static json_t *planned(const json_t *body)
{
    static const char *const NAMES[] = {"plan_sha256", "expires_at_ms", "consent", NULL};
    static const char *const OF_PLAN[] = {"summary", NULL};
    scoped(json_done) json_t *plan = NULL;
    json_t *brief = only(body, NAMES);
    struct err err;

    if (!json_read(str_from(message_text(body, "plan")), MESSAGE_BYTES_MAX, &plan, &err))
        return brief;
    scoped(json_done) json_t *summary = only(plan, OF_PLAN);
    json_object_update(brief, summary);
    return brief;
}

static json_t *executed(const json_t *body)
{
    (void)body;
    return json_object();
}

static json_t *failed(const json_t *body)
{
    static const char *const NAMES[] = {"changed", NULL}, *const OF_ERROR[] = {
                                                              "code", "message", NULL};
    json_t *brief = json_object();
    scoped(json_done) json_t *changed = only(body, NAMES);

    check(brief && json_object_set_new(brief, "error", within(body, "error", OF_ERROR)) == 0);
    json_object_update(brief, changed);
    return brief;
}

static json_t *generated(const json_t *body)
{
    static const char *const NAMES[] = {"alert", "truncated", NULL};

    return only(body, NAMES);
}

static json_t *alerted(const json_t *body)
{
    static const char *const NAMES[] = {"question", "answer", NULL};

    return without(body, NAMES);
}

static json_t *whole(const json_t *body)
{
    return cut((json_t *)(uintptr_t)body, 0);
}

static const struct {
    const char *kind;
    json_t *(*brief)(const json_t *body);
} KINDS[] = {
    {"case_opened", opened},
    {"case_judged", judged},
    {"case_planned", planned},
    {"case_answered",
        executed}, /* the answer may be the whole house; who reads it asks for the case */
    {"case_executed", executed},
    {"case_failed", failed},
    {"runbook_generated", generated},
    {"alert_raised", alerted},
    {"alert_changed", alerted},
    {"alert_cleared", alerted},
};

json_t *brief_body(const char *kind, const json_t *body)
{
    if (!json_is_object(body))
        return json_incref(body ? (json_t *)(uintptr_t)body : json_null());
    for (size_t i = 0; i < COUNT(KINDS); i++)
        if (strcmp(KINDS[i].kind, kind) == 0)
            return KINDS[i].brief(body);
    return whole(body);
}
