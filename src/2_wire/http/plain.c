/* SPDX-License-Identifier: Apache-2.0 */
#include "http/plain.h"

#define LENGTH_DIGITS_MAX 18 /* fewer than any bound of llhttp or ours */

/* clang-format off */
const bool HTTP_TOKEN_CHARS[256] = {
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true,
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true,
    ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true,
    ['`'] = true, ['|'] = true, ['~'] = true,
};
/* clang-format on */

struct seen {
    bool connection, length;
};

static bool is_length(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
    return value.len && value.len <= LENGTH_DIGITS_MAX;
}

/* Fields that llhttp gives a meaning: in their plain form, or left to it. `value` still has its
 * tabs at both ends, which llhttp does not always take for white space. */
static bool take_meaning(
    struct str name, struct str value, struct seen *seen, struct http_wishes *wishes)
{
    bool again;

    switch (name.len) { /* most names fall through on their length alone */
    case 7:
        return !http_name_is(name, S("upgrade"));
    case 10:
        if (!http_name_is(name, S("connection")))
            return true;
        again = seen->connection;
        seen->connection = true;
        wishes->close = str_eq_nocase(value, S("close"));
        wishes->keep_alive = str_eq_nocase(value, S("keep-alive"));
        return !again && (wishes->close || wishes->keep_alive);
    case 14:
        if (!http_name_is(name, S("content-length")))
            return true;
        again = seen->length;
        seen->length = true;
        return !again && is_length(value);
    case 16:
        return !http_name_is(name, S("proxy-connection"));
    case 17:
        return !http_name_is(name, S("transfer-encoding"));
    default:
        return true;
    }
}

/* Spaces, and what is `other`. */
static void trim(const char *text, size_t *from, size_t *to, char other)
{
    while (*from < *to && (text[*from] == ' ' || text[*from] == other))
        ++*from;
    while (*from < *to && (text[*to - 1] == ' ' || text[*to - 1] == other))
        --*to;
}

bool http_plain_fields(struct str bytes, size_t at, struct http_head_field fields[HTTP_FIELDS_MAX],
    uint16_t *ret_count, struct http_wishes *ret_wishes)
{
    const char *text = bytes.at;
    struct seen seen = {0};
    uint16_t count = 0;

    *ret_wishes = (struct http_wishes){0};
    for (;;) {
        size_t name = at, colon = at;
        if (bytes.len - at == 2 && text[at] == '\r' && text[at + 1] == '\n')
            break;
        while (colon < bytes.len && HTTP_TOKEN_CHARS[(unsigned char)text[colon]])
            colon++;
        if (colon == name || colon == bytes.len || text[colon] != ':' || count == HTTP_FIELDS_MAX)
            return false;
        size_t value = colon + 1, end = http_line_end(text, value, bytes.len);
        if (bytes.len - end < 4 || text[end] != '\r' || text[end + 1] != '\n')
            return false;
        at = end + 2;
        trim(text, &value, &end, ' ');
        if (!take_meaning((struct str){text + name, colon - name},
                (struct str){text + value, end - value}, &seen, ret_wishes))
            return false;
        trim(text, &value, &end, '\t');
        fields[count++] = (struct http_head_field){
            {(uint16_t)name, (uint16_t)(colon - name)}, {(uint16_t)value, (uint16_t)(end - value)}};
    }
    *ret_count = count;
    return true;
}
