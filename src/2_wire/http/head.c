/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "http/plain.h"

#include <llhttp.h>

#include <stddef.h>

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp must be built with LLHTTP_STRICT_MODE=1: see meson.build"
#endif

#define REFUSAL(name, status, code, message)                                                       \
    static const struct http_refusal name = {status, code, message}

REFUSAL(TOO_LONG, 431, "head_too_long", "the request head is longer than this server takes");
REFUSAL(TOO_MANY, 431, "too_many_headers", "the request has more than 100 headers");
REFUSAL(BAD_LINE, 400, "bad_line_end",
    "lines of a request head end with CR LF, and nowhere else is CR or LF");
REFUSAL(BAD_BYTE, 400, "control_character", "a request head holds no control characters");
REFUSAL(FOLDED, 400, "folded_header", "a header value must not be folded over several lines");
REFUSAL(MALFORMED, 400, "malformed_head", "this is not a well-formed HTTP/1.1 request head");
REFUSAL(BAD_METHOD, 501, "method_unknown", "methods are GET HEAD POST PUT PATCH DELETE OPTIONS");
REFUSAL(BAD_VERSION, 505, "version_unknown", "speak HTTP/1.1 or HTTP/1.0");
REFUSAL(BAD_TARGET, 400, "bad_target", "the request target must be a path beginning with '/'");
REFUSAL(BAD_HOST, 400, "bad_host", "a request needs exactly one Host header: host or host:port");
REFUSAL(BAD_LENGTH, 400, "bad_content_length",
    "Content-Length must stand once and be a decimal number");
REFUSAL(BAD_CODING, 400, "bad_transfer_encoding",
    "Transfer-Encoding must be 'chunked' alone, in HTTP/1.1, and without Content-Length");
REFUSAL(BAD_EXPECT, 417, "bad_expect", "the only expectation this server meets is 100-continue");

enum guard_state {
    AT_START, /* nothing yet, or behind one empty line */
    IN_LINE,
    AFTER_CR,
    AT_LINE, /* behind CR LF */
    AFTER_LAST_CR,
    AFTER_EMPTY_CR, /* the CR of an empty line in front of the head */
};

static const struct http_refusal *refuse_byte(unsigned char c)
{
    return c == '\r' || c == '\n' ? &BAD_LINE : &BAD_BYTE;
}

/* One byte outside of a line. */
static const struct http_refusal *look_between(struct http_guard *guard, unsigned char c)
{
    switch ((enum guard_state)guard->state) {
    case AT_START:
        if (c == '\r' && !guard->start) {
            guard->state = AFTER_EMPTY_CR;
            return NULL;
        }
        guard->state = IN_LINE;
        return http_is_line_char(c) ? NULL : refuse_byte(c);
    case AFTER_EMPTY_CR:
        guard->state = AT_START;
        guard->start = 2;
        return c == '\n' ? NULL : &BAD_LINE;
    case AFTER_CR:
        guard->state = AT_LINE;
        return c == '\n' ? NULL : &BAD_LINE;
    case AT_LINE:
        guard->state = c == '\r' ? AFTER_LAST_CR : IN_LINE;
        if (c == ' ' || c == '\t')
            return &FOLDED;
        return c == '\r' || http_is_line_char(c) ? NULL : refuse_byte(c);
    case IN_LINE:
    case AFTER_LAST_CR:
        break;
    }
    panic("guard state %d", guard->state);
}

const struct http_refusal *http_guard_look(
    struct http_guard *guard, struct str bytes, size_t head_bytes_max, size_t *ret_whole)
{
    size_t i = guard->seen, end = bytes.len < head_bytes_max ? bytes.len : head_bytes_max;
    const struct http_refusal *refusal = NULL;

    *ret_whole = 0;
    while (i < end && !refusal) {
        if (guard->state == IN_LINE) {
            i = http_line_end(bytes.at, i, end);
            if (i == end)
                break;
            if (bytes.at[i++] != '\r')
                return refuse_byte((unsigned char)bytes.at[i - 1]);
            guard->state = AFTER_CR;
        } else if (guard->state == AFTER_LAST_CR) {
            if (bytes.at[i++] != '\n')
                return &BAD_LINE;
            guard->seen = (uint32_t)i;
            *ret_whole = i;
            return NULL;
        } else {
            refusal = look_between(guard, (unsigned char)bytes.at[i++]);
        }
    }
    guard->seen = (uint32_t)i;
    if (!refusal && i == head_bytes_max)
        return &TOO_LONG;
    return refusal;
}

/* --- llhttp ------------------------------------------------------------------------ */

struct parse {
    struct http_head *head;
    struct http_span target;
    bool complete, too_many;
};

static struct http_span span_of(struct parse *parse, const char *at, size_t len)
{
    return (struct http_span){(uint16_t)(at - parse->head->bytes), (uint16_t)len};
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;

    if (parse->target.len)
        return -1;
    parse->target = span_of(parse, at, len);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    struct http_head *head = parse->head;

    if (head->fields_count == HTTP_FIELDS_MAX) {
        parse->too_many = true;
        return -1;
    }
    head->fields[head->fields_count++] =
        (struct http_head_field){.name = span_of(parse, at, len), .value = span_of(parse, at, 0)};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    struct http_head *head = parse->head;

    if (!head->fields_count || head->fields[head->fields_count - 1].value.len)
        return -1;
    struct str value = str_trim((struct str){at, len});
    head->fields[head->fields_count - 1].value =
        span_of(parse, value.len ? value.at : at, value.len);
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    ((struct parse *)parser->data)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

static bool method_from(uint8_t number, enum http_method *ret_method)
{
    switch ((int)number) { /* clang-format off */
    case HTTP_GET: *ret_method = METHOD_GET; return true;
    case HTTP_HEAD: *ret_method = METHOD_HEAD; return true;
    case HTTP_POST: *ret_method = METHOD_POST; return true;
    case HTTP_PUT: *ret_method = METHOD_PUT; return true;
    case HTTP_PATCH: *ret_method = METHOD_PATCH; return true;
    case HTTP_DELETE: *ret_method = METHOD_DELETE; return true;
    case HTTP_OPTIONS: *ret_method = METHOD_OPTIONS; return true;
    default: return false;
    } /* clang-format on */
}

static const struct http_refusal *refusal_of(llhttp_errno_t error)
{
    if (error == HPE_INVALID_VERSION)
        return &BAD_VERSION;
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return &BAD_CODING;
    if (error == HPE_INVALID_CONTENT_LENGTH || error == HPE_UNEXPECTED_CONTENT_LENGTH)
        return &BAD_LENGTH;
    return &MALFORMED;
}

/* --- our own rules on top ------------------------------------------------------------ */

static const struct http_refusal *split_target(struct http_head *head, struct http_span target)
{
    struct str text = http_head_str(head, target);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return &BAD_TARGET;
    }
    if (!str_starts(text, S("/")) && !(str_eq(text, S("*")) && head->method == METHOD_OPTIONS))
        return &BAD_TARGET;
    const char *mark = memchr(text.at, '?', text.len);
    head->path = target;
    head->query = (struct http_span){(uint16_t)(target.at + target.len), 0};
    if (mark) {
        head->path.len = (uint16_t)(mark - text.at);
        head->query = (struct http_span){(uint16_t)(target.at + head->path.len + 1),
            (uint16_t)(target.len - head->path.len - 1)};
    }
    return NULL;
}

struct seen {
    size_t hosts, lengths, codings;
};

static const struct http_refusal *judge_field(struct http_head *head, size_t i, struct seen *seen)
{
    struct http_field field = {
        http_head_str(head, head->fields[i].name), http_head_str(head, head->fields[i].value)};
    struct str name;

    switch (field.name.len) { /* most names fall through on their length alone */
    case 4:
        if (!http_name_is(field.name, S("host")))
            return NULL;
        head->host = head->fields[i].value;
        return seen->hosts++ || !http_host_name(field.value, &name) ? &BAD_HOST : NULL;
    case 14:
        if (!http_name_is(field.name, S("content-length")))
            return NULL;
        return seen->lengths++ || !str_to_u64(field.value, INT64_MAX, &head->content_length)
                   ? &BAD_LENGTH
                   : NULL;
    case 17:
        if (!http_name_is(field.name, S("transfer-encoding")))
            return NULL;
        head->chunked = true;
        return seen->codings++ || !str_eq_nocase(field.value, S("chunked")) ? &BAD_CODING : NULL;
    case 6:
        if (!http_name_is(field.name, S("expect")))
            return NULL;
        head->expects_continue = true;
        return str_eq_nocase(field.value, S("100-continue")) ? NULL : &BAD_EXPECT;
    default:
        return NULL;
    }
}

/* "GET /path HTTP/1.1": one space on each side, which llhttp does not insist on. */
static bool has_plain_request_line(
    const struct http_head *head, struct str bytes, struct http_span target)
{
    size_t start = str_starts(bytes, S("\r\n")) ? 2 : 0;
    size_t end = (size_t)target.at + target.len;

    return target.at == start + strlen(http_method_name(head->method)) + 1 &&
           str_starts((struct str){bytes.at + end, bytes.len - end}, S(" HTTP/1.")) &&
           bytes.at[end + sizeof " HTTP/1."] == '\r';
}

static const struct http_refusal *judge_head(struct http_head *head, struct http_span target)
{
    struct seen seen = {0};
    const struct http_refusal *refusal = split_target(head, target);

    for (size_t i = 0; i < head->fields_count && !refusal; i++)
        refusal = judge_field(head, i, &seen);
    if (refusal)
        return refusal;
    if (seen.hosts != 1)
        return &BAD_HOST;
    if (head->chunked && (seen.lengths || head->minor == 0))
        return &BAD_CODING;
    head->expects_continue = head->expects_continue && head->minor == 1;
    return NULL;
}

static bool fields_valid(const struct http_head *head)
{
    for (size_t i = 0; i < head->fields_count; i++)
        if (!http_field_valid((struct http_field){http_head_str(head, head->fields[i].name),
                http_head_str(head, head->fields[i].value)}))
            return false;
    return true;
}

static void begin(struct http_head *head, struct str bytes)
{
    memset(head, 0, offsetof(struct http_head, fields));
    head->bytes = bytes.at;
}

const struct http_refusal *http_head_parse_slowly(struct str bytes, struct http_head *ret_head)
{
    struct http_head *head = ret_head;
    struct parse parse = {.head = head};
    llhttp_t parser;

    if (bytes.len > HTTP_HEAD_BYTES_LIMIT)
        return &TOO_LONG;
    begin(head, bytes);
    llhttp_init(&parser, HTTP_REQUEST, &SETTINGS);
    parser.data = &parse;
    llhttp_errno_t error = llhttp_execute(&parser, bytes.at, bytes.len);
    if (parse.too_many)
        return &TOO_MANY;
    if (error != HPE_PAUSED || !parse.complete)
        return refusal_of(error);
    if (!method_from(parser.method, &head->method))
        return &BAD_METHOD;
    if (parser.http_major != 1 || parser.http_minor > 1)
        return &BAD_VERSION;
    if (!fields_valid(head))
        return &MALFORMED;
    head->minor = parser.http_minor;
    head->keep_alive = head->minor == 1 ? !(parser.flags & F_CONNECTION_CLOSE)
                                        : (parser.flags & F_CONNECTION_KEEP_ALIVE) != 0;
    return has_plain_request_line(head, bytes, parse.target) ? judge_head(head, parse.target)
                                                             : &MALFORMED;
}

/* "GET /target HTTP/1.1" with one space on each side; 0 or how long it is with its line's end. */
static size_t plain_line(struct str bytes, struct http_head *head, struct http_span *ret_target)
{
    static const char LAST[] = " HTTP/1.?\r\n";
    static const enum http_method METHODS[] = {METHOD_POST, METHOD_GET, METHOD_HEAD, METHOD_PUT,
        METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS};
    const size_t last = sizeof LAST - 1, minor = sizeof " HTTP/1." - 1;
    size_t at = 0, end;

    for (size_t i = 0; i < COUNT(METHODS) && !at; i++) {
        struct str name = str_from(http_method_name(METHODS[i]));
        if (bytes.len > name.len + 1 && str_starts(bytes, name) && bytes.at[name.len] == ' ') {
            head->method = METHODS[i];
            at = name.len + 1;
        }
    }
    if (!at || bytes.at[at] != '/')
        return 0;
    for (end = at; end < bytes.len && bytes.at[end] > ' ' && bytes.at[end] < 0x7f; end++)
        if (bytes.at[end] == '#')
            return 0;
    if (bytes.len - end <= last || memcmp(bytes.at + end, LAST, minor) != 0 ||
        memcmp(bytes.at + end + minor + 1, LAST + minor + 1, 2) != 0)
        return 0;
    head->minor = (uint8_t)(bytes.at[end + minor] - '0');
    *ret_target = (struct http_span){(uint16_t)at, (uint16_t)(end - at)};
    return head->minor <= 1 ? end + last : 0;
}

const struct http_refusal *http_head_parse(struct str bytes, struct http_head *ret_head)
{
    struct http_head *head = ret_head;
    struct http_wishes wishes;
    struct http_span target;

    if (bytes.len > HTTP_HEAD_BYTES_LIMIT)
        return &TOO_LONG;
    begin(head, bytes);
    size_t line = plain_line(bytes, head, &target);
    if (!line || !http_plain_fields(bytes, line, head->fields, &head->fields_count, &wishes))
        return http_head_parse_slowly(bytes, head);
    head->keep_alive = head->minor == 1 ? !wishes.close : wishes.keep_alive;
    return judge_head(head, target);
}

struct str http_head_str(const struct http_head *head, struct http_span span)
{
    return (struct str){head->bytes + span.at, span.len};
}

struct str http_head_field(const struct http_head *head, struct str name)
{
    for (size_t i = 0; i < head->fields_count; i++)
        if (head->fields[i].name.len == name.len &&
            str_eq_nocase(http_head_str(head, head->fields[i].name), name))
            return http_head_str(head, head->fields[i].value);
    return (struct str){0};
}
