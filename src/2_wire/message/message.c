/* SPDX-License-Identifier: Apache-2.0 */
#include "message/message.h"

#include "base/panic.h"
#include "base/scoped.h"

#include <stdio.h>
#include <string.h>

static const struct message_row {
    const char *name;
    const char *fields;
} ROWS[] = {
#define MESSAGE(name, fields) {#name, fields},
#include "message/message.def"
#undef MESSAGE
};

const char *message_type_name(enum message_type type)
{
    check(type < MESSAGE_TYPES);
    return ROWS[type].name;
}

static bool find_type(const char *name, enum message_type *ret_type)
{
    for (size_t i = 0; i < COUNT(ROWS); i++)
        if (name && strcmp(ROWS[i].name, name) == 0) {
            *ret_type = (enum message_type)i;
            return true;
        }
    return false;
}

static bool kind_fits(char kind, const json_t *value)
{
    switch (kind) {
    case 'i':
        return json_is_integer(value);
    case 's':
        return json_is_string(value);
    case 'b':
        return json_is_boolean(value);
    case 'o':
        return json_is_object(value);
    case 'a':
        return json_is_array(value);
    default:
        return true;
    }
}

/* Walk the specification; *ret_found counts the fields that are there. */
static bool fields_fit(
    const json_t *message, const struct message_row *row, size_t *ret_found, struct err *err)
{
    struct str spec = str_from(row->fields);

    *ret_found = 2; /* v and type */
    while (spec.len) {
        struct str kind, field = str_cut(spec, ' ', &spec);
        struct str name = str_cut(field, ':', &kind);
        const json_t *value = json_object_getn(message, name.at, name.len);
        bool optional = str_ends(kind, S("?"));
        if (!value && optional)
            continue;
        if (!value)
            return err_code(err, ERR_INPUT, "missing_field", NULL, "message '%s' lacks '%.*s'",
                row->name, STR(name));
        if (!kind_fits(kind.at[0], value))
            return err_code(err, ERR_INPUT, "bad_field", NULL,
                "message '%s': '%.*s' is of the wrong kind", row->name, STR(name));
        ++*ret_found;
    }
    return true;
}

bool message_check(const json_t *message, enum message_type *ret_type, struct err *err)
{
    const char *name = json_string_value(json_object_get(message, "type"));
    enum message_type type;
    size_t found;

    if (json_integer_value(json_object_get(message, "v")) != MESSAGE_VERSION)
        return err_code(err, ERR_INPUT, "bad_version", NULL, "message version is not %d",
            MESSAGE_VERSION);
    if (!find_type(name, &type))
        return err_code(
            err, ERR_INPUT, "unknown_type", NULL, "no message type '%s'", name ? name : "");
    if (!fields_fit(message, &ROWS[type], &found, err))
        return false;
    if (json_object_size(message) != found)
        return err_code(err, ERR_INPUT, "unknown_field", NULL,
            "message '%s' has %zu fields too many", name, json_object_size(message) - found);
    *ret_type = type;
    return true;
}

json_t *message_make(enum message_type type, const char *format, ...)
{
    json_error_t why;
    va_list args;
    struct err err = {0};
    enum message_type checked;

    va_start(args, format);
    json_t *message = json_vpack_ex(&why, 0, format, args);
    va_end(args);
    if (!message)
        panic("message '%s': %s", message_type_name(type), why.text);
    json_object_set_new(message, "v", json_integer(MESSAGE_VERSION));
    json_object_set_new(message, "type", json_string(message_type_name(type)));
    if (!message_check(message, &checked, &err))
        panic("%s", err.message);
    return message;
}

bool message_read(
    struct str text, json_t **ret_message, enum message_type *ret_type, struct err *err)
{
    json_error_t why;

    if (text.len > MESSAGE_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "too_long", NULL, "message of %zu bytes, %d are allowed",
            text.len, MESSAGE_BYTES_MAX);
    scoped(json_done) json_t *message = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!message)
        return err_code(err, ERR_INPUT, "bad_json", NULL, "message is not JSON: %s", why.text);
    if (!message_check(message, ret_type, err))
        return false;
    *ret_message = json_incref(message);
    return true;
}

int64_t message_int(const json_t *message, const char *field)
{
    return json_integer_value(json_object_get(message, field));
}

const char *message_text(const json_t *message, const char *field)
{
    const char *text = json_string_value(json_object_get(message, field));
    return text ? text : "";
}

bool message_true(const json_t *message, const char *field)
{
    return json_is_true(json_object_get(message, field));
}

json_t *message_from_err(const struct err *err)
{
    json_t *error = json_pack("{s:s, s:s, s:s, s:s}", "kind", err_word(err->kind), "code",
        err->code, "param", err->param, "message", err->message);
    check(error);
    return error;
}

void message_to_err(const json_t *error, struct err *ret_err)
{
    err_code(ret_err, err_from_word(message_text(error, "kind")), message_text(error, "code"),
        message_text(error, "param"), "%s", message_text(error, "message"));
}
