/* SPDX-License-Identifier: Apache-2.0
 *
 * json_take — the fields of an object into variables: every one known, typed and in bounds.
 *
 *     struct str sentence;
 *     bool parse_only = false;
 *     const struct json_field fields[] = {
 *         JSON_TAKE_TEXT("nl", &sentence, 1, SENTENCE_BYTES_MAX),
 *         JSON_MAY_BOOL("parse_only", &parse_only),
 *     };
 *     if (!json_take(body, fields, COUNT(fields), err))
 *         return false;
 *
 * TAKE must be there, MAY may be missing (the variable keeps what stands in it). What is taken is
 * borrowed from the object. A text is followed by a terminator and holds no NUL.
 *
 * threads  any: no state
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

enum json_field_kind {
    JSON_FIELD_TEXT,    /* min…max bytes */
    JSON_FIELD_INTEGER, /* min…max */
    JSON_FIELD_BOOL,
    JSON_FIELD_OBJECT,         /* min…max members */
    JSON_FIELD_ARRAY,          /* min…max elements */
    JSON_FIELD_OBJECT_OR_NULL, /* null gives NULL */
    JSON_FIELD_TEXT_OR_NULL,   /* null gives .at NULL */
    JSON_FIELD_ANY,
};

struct json_field {
    const char *name;
    enum json_field_kind kind;
    bool may_miss;
    int64_t min, max;
    struct str *ret_text;
    int64_t *ret_integer;
    bool *ret_bool;
    json_t **ret_value;
};

#define JSON_FIELD(field, kind_is, may, low, high, target, variable)                               \
    {                                                                                              \
        .name = (field), .kind = (kind_is), .may_miss = (may), .min = (low), .max = (high),        \
        .target = (variable)                                                                       \
    }

#define JSON_TAKE_TEXT(name, ret, min, max)                                                        \
    JSON_FIELD(name, JSON_FIELD_TEXT, false, min, max, ret_text, ret)
#define JSON_MAY_TEXT(name, ret, min, max)                                                         \
    JSON_FIELD(name, JSON_FIELD_TEXT, true, min, max, ret_text, ret)
#define JSON_TAKE_TEXT_OR_NULL(name, ret, min, max)                                                \
    JSON_FIELD(name, JSON_FIELD_TEXT_OR_NULL, false, min, max, ret_text, ret)
#define JSON_MAY_TEXT_OR_NULL(name, ret, min, max)                                                 \
    JSON_FIELD(name, JSON_FIELD_TEXT_OR_NULL, true, min, max, ret_text, ret)
#define JSON_TAKE_INTEGER(name, ret, min, max)                                                     \
    JSON_FIELD(name, JSON_FIELD_INTEGER, false, min, max, ret_integer, ret)
#define JSON_MAY_INTEGER(name, ret, min, max)                                                      \
    JSON_FIELD(name, JSON_FIELD_INTEGER, true, min, max, ret_integer, ret)
#define JSON_TAKE_BOOL(name, ret) JSON_FIELD(name, JSON_FIELD_BOOL, false, 0, 1, ret_bool, ret)
#define JSON_MAY_BOOL(name, ret) JSON_FIELD(name, JSON_FIELD_BOOL, true, 0, 1, ret_bool, ret)
#define JSON_TAKE_OBJECT(name, ret)                                                                \
    JSON_FIELD(name, JSON_FIELD_OBJECT, false, 0, INT64_MAX, ret_value, ret)
#define JSON_MAY_OBJECT(name, ret)                                                                 \
    JSON_FIELD(name, JSON_FIELD_OBJECT, true, 0, INT64_MAX, ret_value, ret)
#define JSON_TAKE_OBJECT_OR_NULL(name, ret)                                                        \
    JSON_FIELD(name, JSON_FIELD_OBJECT_OR_NULL, false, 0, INT64_MAX, ret_value, ret)
#define JSON_MAY_OBJECT_OR_NULL(name, ret)                                                         \
    JSON_FIELD(name, JSON_FIELD_OBJECT_OR_NULL, true, 0, INT64_MAX, ret_value, ret)
#define JSON_TAKE_ARRAY(name, ret, min, max)                                                       \
    JSON_FIELD(name, JSON_FIELD_ARRAY, false, min, max, ret_value, ret)
#define JSON_MAY_ARRAY(name, ret, min, max)                                                        \
    JSON_FIELD(name, JSON_FIELD_ARRAY, true, min, max, ret_value, ret)
#define JSON_TAKE_ANY(name, ret) JSON_FIELD(name, JSON_FIELD_ANY, false, 0, 0, ret_value, ret)
#define JSON_MAY_ANY(name, ret) JSON_FIELD(name, JSON_FIELD_ANY, true, 0, 0, ret_value, ret)

/* All or nothing: no variable is touched unless every field is right. param is the field's name.
 * errors  ERR_INPUT "bad_type" (also when `object` is none), "unknown_field", "missing_field",
 * "out_of_range" */
bool json_take(
    const json_t *object, const struct json_field *fields, size_t count, struct err *err);

/* A member that is a text, borrowed; "" if it is missing or something else. */
static inline struct str json_str(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);

    return json_is_string(text) ? (struct str){json_string_value(text), json_string_length(text)}
                                : S("");
}
