/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_take.h"

#include "base/panic.h"

#include <inttypes.h>

#define NAME_SHOWN_BYTES_MAX 63 /* of a field we do not know: the sender chose its length */

static bool type_fits(enum json_field_kind kind, const json_t *value)
{
    switch (kind) {
    case JSON_FIELD_TEXT:
        return json_is_string(value);
    case JSON_FIELD_INTEGER:
        return json_is_integer(value);
    case JSON_FIELD_BOOL:
        return json_is_boolean(value);
    case JSON_FIELD_OBJECT:
        return json_is_object(value);
    case JSON_FIELD_ARRAY:
        return json_is_array(value);
    case JSON_FIELD_OBJECT_OR_NULL:
        return json_is_object(value) || json_is_null(value);
    case JSON_FIELD_TEXT_OR_NULL:
        return json_is_string(value) || json_is_null(value);
    case JSON_FIELD_ANY:
        return true;
    }
    panic("a field of kind %d", (int)kind);
}

static const char *type_words(enum json_field_kind kind)
{
    static const char *const WORDS[] = {
        [JSON_FIELD_TEXT] = "a string",
        [JSON_FIELD_INTEGER] = "a whole number",
        [JSON_FIELD_BOOL] = "true or false",
        [JSON_FIELD_OBJECT] = "an object",
        [JSON_FIELD_ARRAY] = "an array",
        [JSON_FIELD_OBJECT_OR_NULL] = "an object or null",
        [JSON_FIELD_TEXT_OR_NULL] = "a string or null",
        [JSON_FIELD_ANY] = "any value",
    };
    return WORDS[kind];
}

/* What min and max count; a type without a size counts as 0. */
static int64_t size_of(const json_t *value, const char **ret_unit)
{
    *ret_unit = "";
    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value)) {
        *ret_unit = " bytes";
        return (int64_t)json_string_length(value);
    }
    if (json_is_array(value)) {
        *ret_unit = " elements";
        return (int64_t)json_array_size(value);
    }
    *ret_unit = " members";
    return (int64_t)json_object_size(value);
}

static bool range_matters(enum json_field_kind kind, const json_t *value)
{
    return kind != JSON_FIELD_ANY && kind != JSON_FIELD_BOOL && !json_is_null(value);
}

static bool field_fits(const struct json_field *field, const json_t *value, struct err *err)
{
    const char *unit;

    if (!value && field->may_miss)
        return true;
    if (!value)
        return err_code(err, ERR_INPUT, "missing_field", field->name,
            "the field '%s' is missing; send %s", field->name, type_words(field->kind));
    if (!type_fits(field->kind, value))
        return err_code(err, ERR_INPUT, "bad_type", field->name, "the field '%s' must be %s",
            field->name, type_words(field->kind));
    if (!range_matters(field->kind, value))
        return true;
    int64_t size = size_of(value, &unit);
    if (size < field->min || size > field->max)
        return err_code(err, ERR_INPUT, "out_of_range", field->name,
            "the field '%s' is %" PRId64 "%s; it must be from %" PRId64 " to %" PRId64 "%s",
            field->name, size, unit, field->min, field->max, unit);
    return true;
}

static bool name_known(const struct json_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static void take(const struct json_field *field, json_t *value)
{
    switch (field->kind) {
    case JSON_FIELD_TEXT:
    case JSON_FIELD_TEXT_OR_NULL:
        *field->ret_text = (struct str){json_string_value(value), json_string_length(value)};
        return;
    case JSON_FIELD_INTEGER:
        *field->ret_integer = json_integer_value(value);
        return;
    case JSON_FIELD_BOOL:
        *field->ret_bool = json_is_true(value);
        return;
    case JSON_FIELD_OBJECT_OR_NULL:
        *field->ret_value = json_is_null(value) ? NULL : value;
        return;
    case JSON_FIELD_OBJECT:
    case JSON_FIELD_ARRAY:
    case JSON_FIELD_ANY:
        *field->ret_value = value;
        return;
    }
}

bool json_take(const json_t *object, const struct json_field *fields, size_t count, struct err *err)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return err_code(err, ERR_INPUT, "bad_type", NULL, "an object is wanted here");
    json_object_foreach((json_t *)object, name, value)
    {
        if (!name_known(fields, count, name)) {
            struct str shown = {name, strnlen(name, NAME_SHOWN_BYTES_MAX)};
            shown = str_utf8_prefix(shown);
            char text[NAME_SHOWN_BYTES_MAX + 1];
            snprintf(text, sizeof text, "%.*s", STR(shown));
            return err_code(
                err, ERR_INPUT, "unknown_field", text, "there is no field '%s' here", text);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!field_fits(&fields[i], json_object_get(object, fields[i].name), err))
            return false;
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(object, fields[i].name);
        if (value)
            take(&fields[i], value);
    }
    return true;
}
