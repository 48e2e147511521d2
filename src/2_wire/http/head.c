/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include "base/panic.h"
#include "base/scoped.h"

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

/* What may stand inside a line: all but control characters, TAB excepted. */
static inline bool is_line_char(unsigned char c)
{
    return c >= 0x20 ? c != 0x7f : c == '\t';
}

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
        return is_line_char(c) ? NULL : refuse_byte(c);
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
        return c == '\r' || is_line_char(c) ? NULL : refuse_byte(c);
    case IN_LINE:
    case AFTER_LAST_CR:
        break;
    }
    panic("guard state %d", guard->state);
}

#define BLOCK_BYTES 32

/* The first byte from `i` on that is no plain character of a line, or `end`. Whole blocks first,
 * without a way out in the middle: compilers make vectors of it. */
static size_t skip_line(const char *at, size_t i, size_t end)
{
    while (i + BLOCK_BYTES <= end) {
        const unsigned char *block = (const unsigned char *)at + i;
        unsigned char bad = 0;
        for (size_t k = 0; k < BLOCK_BYTES; k++)
            bad |= (unsigned char)((block[k] < 0x20) & (block[k] != '\t')) |
                   (unsigned char)(block[k] == 0x7f);
        if (bad)
            break;
        i += BLOCK_BYTES;
    }
    while (i < end && is_line_char((unsigned char)at[i]))
        i++;
    return i;
}

const struct http_refusal *http_guard_look(
    struct http_guard *guard, struct str bytes, size_t head_bytes_max, size_t *ret_whole)
{
    size_t i = guard->seen, end = bytes.len < head_bytes_max ? bytes.len : head_bytes_max;
    const struct http_refusal *refusal = NULL;

    *ret_whole = 0;
    while (i < end && !refusal) {
        if (guard->state == IN_LINE) {
            i = skip_line(bytes.at, i, end);
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

    if (!http_field_valid(field))
        return &MALFORMED;
    switch (field.name.len) { /* most names fall through on their length alone */
    case 4:
        if (!str_eq_nocase(field.name, S("host")))
            return NULL;
        head->host = head->fields[i].value;
        return seen->hosts++ || !http_host_name(field.value, &name) ? &BAD_HOST : NULL;
    case 14:
        if (!str_eq_nocase(field.name, S("content-length")))
            return NULL;
        return seen->lengths++ || !str_to_u64(field.value, INT64_MAX, &head->content_length)
                   ? &BAD_LENGTH
                   : NULL;
    case 17:
        if (!str_eq_nocase(field.name, S("transfer-encoding")))
            return NULL;
        head->chunked = true;
        return seen->codings++ || !str_eq_nocase(field.value, S("chunked")) ? &BAD_CODING : NULL;
    case 6:
        if (!str_eq_nocase(field.name, S("expect")))
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

static const struct http_refusal *judge_head(
    struct http_head *head, struct str bytes, struct http_span target)
{
    struct seen seen = {0};

    if (!has_plain_request_line(head, bytes, target))
        return &MALFORMED;
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

const struct http_refusal *http_head_parse(struct str bytes, struct http_head *ret_head)
{
    struct http_head *head = ret_head;
    struct parse parse = {.head = head};
    llhttp_t parser;

    if (bytes.len > HTTP_HEAD_BYTES_LIMIT)
        return &TOO_LONG;
    memset(head, 0, offsetof(struct http_head, fields));
    head->bytes = bytes.at;
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
    head->minor = parser.http_minor;
    head->keep_alive = head->minor == 1 ? !(parser.flags & F_CONNECTION_CLOSE)
                                        : (parser.flags & F_CONNECTION_KEEP_ALIVE) != 0;
    return judge_head(head, bytes, parse.target);
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
