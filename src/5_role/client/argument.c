/* SPDX-License-Identifier: Apache-2.0 */
#include "client/argument.h"

#include "base/scoped.h"
#include "json/json_read.h"

#include <ctype.h>
#include <string.h>

#define ID_BYTES_MAX 64
#define NAME_BYTES_MAX 64
#define VALUE_BYTES_MAX (64u << 10)

bool argument_is_id(struct str id)
{
    if (id.len == 0 || id.len > ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!isalnum((unsigned char)id.at[i]) && id.at[i] != '-' && id.at[i] != '_')
            return false;
    return true;
}

const json_t *argument_schema(const json_t *catalogue, const char *action)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(catalogue, "actions"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && strcmp(name, action) == 0)
            return json_object_get(row, "parameters");
    }
    return NULL;
}

/* The schema's word for a member: "string" if it says nothing we know. */
static const char *type_of(const json_t *schema, const char *name)
{
    const json_t *member = json_object_get(json_object_get(schema, "properties"), name);
    const char *type = json_string_value(json_object_get(member, "type"));

    return type ? type : "string";
}

static json_t *typed(struct str value, const char *type, struct err *err)
{
    json_t *made = NULL;

    if (strcmp(type, "string") == 0) {
        made = json_stringn(value.at, value.len);
        if (!made)
            err_set(err, ERR_INPUT, "the value is not UTF-8 text");
        return made;
    }
    if (!json_read_any(value, VALUE_BYTES_MAX, &made, err))
        return NULL;
    bool fits = (strcmp(type, "integer") == 0 && json_is_integer(made)) ||
                (strcmp(type, "number") == 0 && json_is_number(made)) ||
                (strcmp(type, "boolean") == 0 && json_is_boolean(made)) ||
                (strcmp(type, "array") == 0 && json_is_array(made)) ||
                (strcmp(type, "object") == 0 && json_is_object(made)) || strcmp(type, "json") == 0;
    if (fits)
        return made;
    json_decref(made);
    err_set(err, ERR_INPUT, "'%.*s' is no %s", STR(value), type);
    return NULL;
}

bool argument_add(json_t *params, const char *word, const json_t *schema, struct err *err)
{
    struct str value, name = str_cut(str_from(word), '=', &value);
    bool as_json = str_ends(name, S(":"));
    char key[NAME_BYTES_MAX + 1];

    name.len -= as_json;
    if (word[name.len] == '\0' || name.len == 0 || name.len > NAME_BYTES_MAX)
        return err_set(
            err, ERR_INPUT, "'%.80s' is not of the form name=value (or name:=json)", word);
    memcpy(key, name.at, name.len);
    key[name.len] = '\0';
    if (json_object_get(params, key))
        return err_code(err, ERR_INPUT, "twice", key, "'%s' is given twice", key);
    json_t *made = typed(value, as_json ? "json" : type_of(schema, key), err);
    if (!made)
        return err_wrap(err, "%s", key);
    if (json_object_set_new(params, key, made) != 0)
        return err_set(err, ERR_INPUT, "the name '%.80s' is not UTF-8 text", key);
    return true;
}
