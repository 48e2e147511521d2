/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "http/plain.h"

#include <stdio.h>
#include <time.h>

static void add_field(struct buf *out, struct str name, struct str value)
{
    size_t len = name.len + value.len + sizeof ": \r\n" - 1;
    char *to = out->overflowed ? NULL : buf_room(out, len);

    if (!to)
        return;
    memcpy(to, name.at, name.len);
    memcpy(to + name.len, ": ", 2);
    if (value.len)
        memcpy(to + name.len + 2, value.at, value.len);
    memcpy(to + len - 2, "\r\n", 2);
    out->len += len;
}

void http_head_encode(const struct http_head *head, struct buf *out)
{
    buf_add(out, str_from(http_method_name(head->method)));
    buf_add_char(out, ' ');
    buf_add(out, http_head_str(head, head->path));
    if (head->query.len) {
        buf_add_char(out, '?');
        buf_add(out, http_head_str(head, head->query));
    }
    buf_add(out, head->minor ? S(" HTTP/1.1\r\n") : S(" HTTP/1.0\r\n"));
    for (size_t i = 0; i < head->fields_count; i++)
        add_field(out, http_head_str(head, head->fields[i].name),
            http_head_str(head, head->fields[i].value));
    buf_add(out, S("\r\n"));
}

static void add_number(struct buf *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    buf_add(out, (struct str){digits + at, sizeof digits - at});
}

/* Headers that only we write: they frame the request or are about the connection. */
static bool is_ours(struct str name)
{
    switch (name.len) { /* clang-format off */
    case 2: return http_name_is(name, S("te"));
    case 4: return http_name_is(name, S("host"));
    case 6: return http_name_is(name, S("expect"));
    case 7: return http_name_is(name, S("upgrade")) || http_name_is(name, S("trailer"));
    case 10: return http_name_is(name, S("connection")) || http_name_is(name, S("keep-alive"));
    case 14: return http_name_is(name, S("content-length"));
    case 17: return http_name_is(name, S("transfer-encoding"));
    default: return false;
    } /* clang-format on */
}

static bool target_valid(struct str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.at[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
    }
    return str_starts(target, S("/"));
}

bool http_request_head_encode(enum http_method method, struct str target, struct str host,
    const struct http_field *fields, size_t fields_count, enum http_framing framing,
    uint64_t length, struct buf *out)
{
    if (!target_valid(target))
        return false;
    for (size_t i = 0; i < fields_count; i++)
        if (!http_field_valid(fields[i]) || is_ours(fields[i].name))
            return false;
    buf_add(out, str_from(http_method_name(method)));
    buf_add_char(out, ' ');
    buf_add(out, target);
    buf_add(out, S(" HTTP/1.1\r\nHost: "));
    buf_add(out, host);
    buf_add(out, S("\r\n"));
    for (size_t i = 0; i < fields_count; i++)
        add_field(out, fields[i].name, fields[i].value);
    if (framing == HTTP_LENGTH) {
        buf_add(out, S("Content-Length: "));
        add_number(out, length);
        buf_add(out, S("\r\n"));
    }
    buf_add(out, S("\r\n"));
    return true;
}

static void add_status(struct buf *out, int status)
{
    if (status == 200) {
        buf_add(out, S("HTTP/1.1 200 OK\r\n"));
        return;
    }
    buf_add(out, S("HTTP/1.1 "));
    add_number(out, (uint64_t)status);
    buf_add_char(out, ' ');
    buf_add(out, str_from(http_status_phrase(status)));
    buf_add(out, S("\r\n"));
}

bool http_reply_head_valid(const struct http_reply_head *head)
{
    for (size_t i = 0; i < head->fields_count; i++)
        if (!http_field_valid(head->fields[i]))
            return false;
    return http_field_valid((struct http_field){S("Content-Type"), head->content_type});
}

bool http_reply_head_encode(const struct http_reply_head *head, struct buf *out)
{
    check(head->status >= 100 && head->status <= 999);
    if (!head->checked && !http_reply_head_valid(head))
        return false;
    add_status(out, head->status);
    if (head->date.len)
        add_field(out, S("Date"), head->date);
    if (head->content_type.len)
        add_field(out, S("Content-Type"), head->content_type);
    for (size_t i = 0; i < head->fields_count; i++)
        add_field(out, head->fields[i].name, head->fields[i].value);
    if (head->framing == HTTP_LENGTH) {
        buf_add(out, S("Content-Length: "));
        add_number(out, head->length);
        buf_add(out, S("\r\n"));
    } else if (head->framing == HTTP_CHUNKED) {
        buf_add(out, S("Transfer-Encoding: chunked\r\n"));
    }
    if (head->close)
        buf_add(out, S("Connection: close\r\n"));
    else if (head->keep_alive)
        buf_add(out, S("Connection: keep-alive\r\n"));
    buf_add(out, S("\r\n"));
    return true;
}

void http_date(int64_t civil_ms, char *ret_text)
{
    static const char DAYS[] = "SunMonTueWedThuFriSat";
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(civil_ms / 1000);
    char text[64];
    struct tm tm;

    check(gmtime_r(&seconds, &tm) && tm.tm_year + 1900 <= 9999);
    int len = snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
        DAYS + 3 * tm.tm_wday, tm.tm_mday, MONTHS + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
        tm.tm_min, tm.tm_sec);
    check(len == HTTP_DATE_BYTES - 1);
    memcpy(ret_text, text, HTTP_DATE_BYTES);
}
