/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_read.h"

#include "base/scoped.h"

/* Line and column of a byte, both from 1, for a person with an editor. */
static bool bad_at(struct err *err, struct str text, size_t at, struct str why)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && i < text.len; i++) {
        column = text.at[i] == '\n' ? 1 : column + 1;
        line += text.at[i] == '\n';
    }
    return err_code(err, ERR_INPUT, "bad_json", NULL,
        "this is not JSON that we read: %.*s, at byte %zu "
        "(line %zu, column %zu)",
        STR(why), at, line, column);
}

size_t json_depth(struct str text, size_t *ret_at)
{
    size_t depth = 0, deepest = 0;
    bool quoted = false;

    *ret_at = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted) {
            i += c == '\\'; /* the next byte is not looked at */
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest) {
                deepest = depth;
                *ret_at = i;
            }
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        }
    }
    return deepest;
}

static bool text_fits(struct str text, size_t bytes_max, struct err *err)
{
    size_t at, valid = str_utf8_prefix(text).len;
    const char *nul = text.len ? memchr(text.at, '\0', text.len) : NULL;
    char why[80];

    if (text.len > bytes_max)
        return err_code(err, ERR_LIMIT, "too_large", NULL,
            "the JSON text has %zu bytes; send at most %zu", text.len, bytes_max);
    if (nul)
        return bad_at(err, text, (size_t)(nul - text.at), S("a NUL byte"));
    if (valid < text.len)
        return bad_at(err, text, valid, S("a byte that is not UTF-8"));
    if (json_depth(text, &at) > JSON_DEPTH_MAX) {
        int len = snprintf(why, sizeof why, "nested deeper than %d levels", JSON_DEPTH_MAX);
        return bad_at(err, text, at, (struct str){why, (size_t)len});
    }
    return true;
}

/* jansson says "… near '<input>'": the place is enough, what was sent is not repeated. */
static struct str without_input(const char *message)
{
    const char *near = strstr(message, " near ");

    if (near)
        return (struct str){message, (size_t)(near - message)};
    return str_utf8_prefix(str_from(message));
}

bool json_read_any(struct str text, size_t bytes_max, json_t **ret_value, struct err *err)
{
    json_error_t error;

    if (!text_fits(text, bytes_max, err))
        return false;
    json_t *value = json_loadb(
        text.len ? text.at : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        return bad_at(
            err, text, error.position > 0 ? (size_t)error.position : 0, without_input(error.text));
    *ret_value = value;
    return true;
}

bool json_read(struct str text, size_t bytes_max, json_t **ret_object, struct err *err)
{
    scoped(json_done) json_t *value = NULL;

    if (!json_read_any(text, bytes_max, &value, err))
        return false;
    if (!json_is_object(value))
        return bad_at(err, text, 0, S("the outermost value must be an object {…}"));
    *ret_object = json_incref(value);
    return true;
}
