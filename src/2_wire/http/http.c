/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "http/plain.h"

#include <stdio.h>

static const char *const METHOD_NAMES[] = {
    [METHOD_GET] = "GET",
    [METHOD_HEAD] = "HEAD",
    [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",
    [METHOD_PATCH] = "PATCH",
    [METHOD_DELETE] = "DELETE",
    [METHOD_OPTIONS] = "OPTIONS",
};

static const struct {
    int status;
    const char *phrase;
} PHRASES[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_method_name(enum http_method method)
{
    check((size_t)method < COUNT(METHOD_NAMES));
    return METHOD_NAMES[method];
}

bool http_method_changes(enum http_method method)
{
    return method == METHOD_POST || method == METHOD_PUT || method == METHOD_PATCH ||
           method == METHOD_DELETE;
}

const char *http_status_phrase(int status)
{
    for (size_t i = 0; i < COUNT(PHRASES); i++)
        if (PHRASES[i].status == status)
            return PHRASES[i].phrase;
    return "Status";
}

/* Every header of every reply passes here. */
bool http_field_valid(struct http_field field)
{
    for (size_t i = 0; i < field.name.len; i++)
        if (!HTTP_TOKEN_CHARS[(unsigned char)field.name.at[i]])
            return false;
    return field.name.len && http_line_end(field.value.at, 0, field.value.len) == field.value.len;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte at *i, "%41" as one; *i moves behind it. -1: a broken escape. */
static int unescaped(struct str s, size_t *i)
{
    int high, low, c = (unsigned char)s.at[(*i)++];

    if (c != '%')
        return c;
    if (*i + 2 > s.len)
        return -1;
    high = hex_digit(s.at[*i]);
    low = hex_digit(s.at[*i + 1]);
    *i += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool has_dot_segment(struct str path)
{
    for (struct str rest = path; rest.len;) {
        struct str segment = str_cut(rest, '/', &rest);
        if (str_eq(segment, S(".")) || str_eq(segment, S("..")))
            return true;
    }
    return false;
}

/* Nothing in it that stands for something else or is looked at twice. */
static bool is_plain_path(struct str raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.at[i];
        if (c <= ' ' || c >= 0x7f || c == '%' || (c == '.' && raw.at[i - 1] == '/'))
            return false;
    }
    return true;
}

bool http_path_decode(struct str raw, char *ret_path, size_t *ret_len)
{
    size_t len = 0;

    if (!str_starts(raw, S("/")))
        return false;
    if (is_plain_path(raw)) {
        memcpy(ret_path, raw.at, raw.len);
        *ret_len = raw.len;
        return true;
    }
    for (size_t i = 0; i < raw.len;) {
        bool plain = raw.at[i] != '%';
        int c = unescaped(raw, &i);
        if (c < 0x20 || c == 0x7f || (c == '/' && !plain))
            return false;
        ret_path[len++] = (char)c;
    }
    struct str path = {ret_path, len};
    if (has_dot_segment(path) || !str_is_utf8(path))
        return false;
    *ret_len = len;
    return true;
}

struct str http_path_segment(struct str path, size_t part)
{
    struct str rest = path;

    if (!str_starts(path, S("/")))
        return (struct str){0};
    for (size_t i = 0;; i++) {
        if (!rest.len)
            return (struct str){0};
        rest = (struct str){rest.at + 1, rest.len - 1}; /* the '/' */
        const char *end = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
        struct str segment = {rest.at, end ? (size_t)(end - rest.at) : rest.len};
        if (i == part)
            return segment;
        rest = (struct str){rest.at + segment.len, rest.len - segment.len};
    }
}

static bool add_unescaped(struct str raw, struct buf *out)
{
    size_t start = out->len;

    for (size_t i = 0; i < raw.len;) {
        int c = raw.at[i] == '+' ? (i++, ' ') : unescaped(raw, &i);
        if (c < 0x20 || c == 0x7f)
            return false;
        buf_add_char(out, (char)c);
    }
    return out->overflowed || str_is_utf8((struct str){buf_str(out).at + start, out->len - start});
}

bool http_query_value(
    struct str query, struct str name, struct buf *out, bool *ret_found, struct err *err)
{
    for (struct str rest = query; rest.len;) {
        struct str value, pair = str_cut(rest, '&', &rest);
        size_t before = out->len;
        if (!str_eq(str_cut(pair, '=', &value), name))
            continue;
        if (!add_unescaped(value, out)) {
            out->len = before;
            char param[ERR_PARAM_BYTES_MAX];
            snprintf(param, sizeof param, "%.*s", STR(name));
            return err_code(err, ERR_INPUT, "bad_query", param,
                "the value of '%s' in the query is not percent-encoded UTF-8 text", param);
        }
        *ret_found = true;
        return true;
    }
    *ret_found = false;
    return true;
}

static bool is_host_char(char c, bool in_brackets)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || (in_brackets && c == ':');
}

bool http_host_name(struct str authority, struct str *ret_name)
{
    bool in_brackets = str_starts(authority, S("["));
    size_t len = in_brackets ? 1 : 0, start = len;
    uint64_t port;

    while (len < authority.len && is_host_char(authority.at[len], in_brackets))
        len++;
    if (len == start)
        return false;
    if (in_brackets) {
        if (len == authority.len || authority.at[len] != ']')
            return false;
        len++;
    }
    struct str rest = {authority.at + len, authority.len - len};
    if (rest.len &&
        (rest.at[0] != ':' || !str_to_u64((struct str){rest.at + 1, rest.len - 1}, 65535, &port) ||
            !port))
        return false;
    *ret_name = (struct str){authority.at, len};
    return true;
}

/* 127.x.x.x, each x a number up to 255: not 127.evil.example. */
static bool is_ipv4_loopback(struct str name)
{
    size_t parts = 0;

    for (struct str rest = name; rest.len; parts++) {
        uint64_t number;
        struct str part = str_cut(rest, '.', &rest);
        if (!str_to_u64(part, 255, &number) || (parts == 0 && number != 127))
            return false;
    }
    return parts == 4 && !str_ends(name, S("."));
}

bool http_host_is_loopback(struct str name)
{
    struct str tail = {name.at, 0};

    if (name.len > 10)
        tail = (struct str){name.at + name.len - 10, 10};
    return str_eq_nocase(name, S("localhost")) || str_eq_nocase(tail, S(".localhost")) ||
           str_eq(name, S("[::1]")) || is_ipv4_loopback(name);
}
