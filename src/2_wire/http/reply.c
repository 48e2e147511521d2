/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "http/plain.h"

#include <llhttp.h>

#include <stddef.h>

#define REFUSAL(name, code, message) static const struct http_refusal name = {502, code, message}

REFUSAL(TOO_LONG, "reply_head_too_long", "the head of the reply is longer than this client takes");
REFUSAL(TOO_MANY, "too_many_headers", "the reply has more than 100 headers");
REFUSAL(BAD_LINE, "bad_line_end",
    "lines of a reply's head end with CR LF, and nowhere else is CR or LF");
REFUSAL(BAD_BYTE, "control_character", "the head of a reply holds no control characters");
REFUSAL(FOLDED, "folded_header", "a header value must not be folded over several lines");
REFUSAL(MALFORMED, "malformed_head", "this is not a well-formed HTTP/1.1 reply head");
REFUSAL(BAD_STATUS, "bad_status", "the status of a reply must be 200 to 599, and nobody upgrades");
REFUSAL(BAD_LENGTH, "bad_content_length", "Content-Length must stand once and be a decimal number");
REFUSAL(BAD_CODING, "bad_transfer_encoding",
    "Transfer-Encoding must be 'chunked' alone, in HTTP/1.1, without Content-Length, with a body");
REFUSAL(ENDLESS, "too_many_informational", "more than 16 replies 1xx came in front of the reply");
REFUSAL(BAD_CHUNK, "malformed_chunk", "the chunked body is malformed");
REFUSAL(LONG_LINE, "chunk_line_too_long", "a chunk's size with its extensions is too long");
REFUSAL(LONG_TRAILER, "trailers_too_long", "the trailers of the reply are too long");

enum reader_state {
    IN_HEAD,
    IN_LENGTH,
    UNTIL_CLOSE,
    AT_SIZE, /* the chunked ones from here to AFTER_LAST_CR */
    IN_EXTENSION,
    AFTER_SIZE_CR,
    IN_DATA,
    AFTER_DATA,
    AFTER_DATA_CR,
    AT_TRAILER,
    IN_TRAILER,
    AFTER_TRAILER_CR,
    AFTER_LAST_CR,
    ENDED,
};

struct str http_reply_field(const struct http_reply *reply, struct str name)
{
    for (size_t i = 0; i < reply->fields_count; i++)
        if (reply->fields[i].name.len == name.len &&
            str_eq_nocase((struct str){reply->bytes + reply->fields[i].name.at, name.len}, name))
            return http_reply_field_at(reply, i).value;
    return (struct str){0};
}

struct http_field http_reply_field_at(const struct http_reply *reply, size_t i)
{
    const struct http_head_field *field = &reply->fields[i];

    return (struct http_field){{reply->bytes + field->name.at, field->name.len},
        {reply->bytes + field->value.at, field->value.len}};
}

/* --- the head through llhttp ------------------------------------------------------------ */

struct parse {
    struct http_reply *reply;
    bool complete, too_many;
};

static struct http_span span_of(const struct parse *parse, const char *at, size_t len)
{
    return (struct http_span){(uint16_t)(at - parse->reply->bytes), (uint16_t)len};
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    struct http_reply *reply = parse->reply;

    if (reply->fields_count == HTTP_FIELDS_MAX) {
        parse->too_many = true;
        return -1;
    }
    reply->fields[reply->fields_count++] =
        (struct http_head_field){.name = span_of(parse, at, len), .value = span_of(parse, at, 0)};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    struct http_reply *reply = parse->reply;

    if (!reply->fields_count || reply->fields[reply->fields_count - 1].value.len)
        return -1;
    struct str value = str_trim((struct str){at, len});
    reply->fields[reply->fields_count - 1].value =
        span_of(parse, value.len ? value.at : at, value.len);
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    ((struct parse *)parser->data)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

/* --- our own rules on top ---------------------------------------------------------------- */

struct seen {
    size_t lengths, codings;
};

static const struct http_refusal *judge_field(
    struct http_field field, struct http_reply *reply, struct seen *seen)
{
    if (field.name.len == 14 && http_name_is(field.name, S("content-length")))
        return seen->lengths++ || !str_to_u64(field.value, INT64_MAX, &reply->length) ? &BAD_LENGTH
                                                                                      : NULL;
    if (field.name.len == 17 && http_name_is(field.name, S("transfer-encoding")))
        return seen->codings++ || !str_eq_nocase(field.value, S("chunked")) ? &BAD_CODING : NULL;
    return NULL;
}

/* "HTTP/1.1 200 OK" or "HTTP/1.1 200": three digits, one space on each side. */
static bool has_plain_status_line(struct str bytes)
{
    static const char FORM[] = "HTTP/1.? ???";

    if (bytes.len < sizeof FORM)
        return false;
    for (size_t i = 0; i < sizeof FORM - 1; i++)
        if (FORM[i] == '?' ? bytes.at[i] < '0' || bytes.at[i] > '9' : bytes.at[i] != FORM[i])
            return false;
    return bytes.at[7] <= '1' && (bytes.at[12] == ' ' || bytes.at[12] == '\r');
}

/* RFC 9112 6.3, and nothing where it says "ought to be handled as an error". */
static const struct http_refusal *judge_framing(
    struct http_reply *reply, const struct seen *seen, bool to_head_request)
{
    int status = reply->status;
    bool never_a_body = status < 200 || status == 204;

    if (seen->codings && (seen->lengths || reply->minor == 0 || never_a_body))
        return &BAD_CODING;
    if (never_a_body && reply->length)
        return &BAD_LENGTH;
    if (status == 101 || status > 599 || status < 100)
        return &BAD_STATUS;
    if (never_a_body || status == 304 || to_head_request)
        reply->framing = HTTP_BODY_NONE;
    else if (seen->codings)
        reply->framing = HTTP_BODY_CHUNKED;
    else
        reply->framing = seen->lengths ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    return NULL;
}

static const struct http_refusal *refusal_of(llhttp_errno_t error)
{
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return &BAD_CODING;
    if (error == HPE_INVALID_CONTENT_LENGTH || error == HPE_UNEXPECTED_CONTENT_LENGTH)
        return &BAD_LENGTH;
    return error == HPE_INVALID_STATUS ? &BAD_STATUS : &MALFORMED;
}

/* Fields and framing; keep_alive is what the head wishes. */
static const struct http_refusal *judge_reply(
    struct http_reply *reply, bool to_head_request, struct http_wishes wishes)
{
    struct seen seen = {0};

    for (size_t i = 0; i < reply->fields_count; i++) {
        const struct http_refusal *refusal =
            judge_field(http_reply_field_at(reply, i), reply, &seen);
        if (refusal)
            return refusal;
    }
    const struct http_refusal *refusal = judge_framing(reply, &seen, to_head_request);
    if (refusal)
        return refusal;
    reply->keep_alive = reply->framing != HTTP_BODY_UNTIL_CLOSE &&
                        (reply->minor == 1 ? !wishes.close : wishes.keep_alive);
    return NULL;
}

static void begin(struct http_reply *reply, struct str bytes)
{
    memset(reply, 0, offsetof(struct http_reply, fields));
    reply->bytes = bytes.at;
}

static bool fields_valid(const struct http_reply *reply)
{
    for (size_t i = 0; i < reply->fields_count; i++)
        if (!http_field_valid(http_reply_field_at(reply, i)))
            return false;
    return true;
}

const struct http_refusal *http_reply_parse_slowly(
    struct str bytes, bool to_head_request, struct http_reply *ret_reply)
{
    struct http_reply *reply = ret_reply;
    struct parse parse = {.reply = reply};
    llhttp_t parser;

    begin(reply, bytes);
    if (!has_plain_status_line(bytes))
        return &MALFORMED;
    llhttp_init(&parser, HTTP_RESPONSE, &SETTINGS);
    parser.data = &parse;
    llhttp_errno_t error = llhttp_execute(&parser, bytes.at, bytes.len);
    if (parse.too_many)
        return &TOO_MANY;
    if (error != HPE_PAUSED || !parse.complete)
        return refusal_of(error);
    if (!fields_valid(reply))
        return &MALFORMED;
    reply->status = parser.status_code;
    reply->minor = parser.http_minor;
    const struct http_wishes wishes = {.close = parser.flags & F_CONNECTION_CLOSE,
        .keep_alive = parser.flags & F_CONNECTION_KEEP_ALIVE};
    return judge_reply(reply, to_head_request, wishes);
}

const struct http_refusal *http_reply_parse(
    struct str bytes, bool to_head_request, struct http_reply *ret_reply)
{
    struct http_reply *reply = ret_reply;
    struct http_wishes wishes;

    begin(reply, bytes);
    if (has_plain_status_line(bytes) && bytes.at[9] >= '2') {
        size_t end = http_line_end(bytes.at, 12, bytes.len);
        reply->minor = (uint8_t)(bytes.at[7] - '0');
        reply->status =
            (bytes.at[9] - '0') * 100 + (bytes.at[10] - '0') * 10 + (bytes.at[11] - '0');
        if (bytes.len - end > 2 && bytes.at[end] == '\r' && bytes.at[end + 1] == '\n' &&
            http_plain_fields(bytes, end + 2, reply->fields, &reply->fields_count, &wishes))
            return judge_reply(reply, to_head_request, wishes);
    }
    return http_reply_parse_slowly(bytes, to_head_request, reply);
}

/* The guard speaks of requests. */
static const struct http_refusal *from_guard(const struct http_refusal *refusal)
{
    static const struct http_refusal *const OURS[] = {&BAD_LINE, &BAD_BYTE, &FOLDED};

    for (size_t i = 0; i < COUNT(OURS); i++)
        if (strcmp(OURS[i]->code, refusal->code) == 0)
            return OURS[i];
    return &TOO_LONG;
}

static void begin_body(struct http_reply_reader *reader, const struct http_reply *reply)
{
    reader->keep_alive = reply->keep_alive;
    reader->left = reply->length;
    switch (reply->framing) {
    case HTTP_BODY_NONE:
        reader->state = ENDED;
        break;
    case HTTP_BODY_LENGTH:
        reader->state = reply->length ? IN_LENGTH : ENDED;
        break;
    case HTTP_BODY_CHUNKED:
        reader->state = AT_SIZE;
        reader->digits = 0;
        reader->line_bytes = 0;
        break;
    case HTTP_BODY_UNTIL_CLOSE:
        reader->state = UNTIL_CLOSE;
        break;
    }
}

/* One head, or a part of it; *used is behind what was taken. */
static const struct http_refusal *read_head(struct http_reply_reader *reader, struct str bytes,
    struct http_reply *reply, bool *ret_whole, size_t *used)
{
    size_t before = reader->kept.len, whole, most = reader->head_bytes_max;
    struct str all = bytes;

    if (before) {
        struct str more = {bytes.at, bytes.len < most - before ? bytes.len : most - before};
        buf_add(&reader->kept, more);
        all = buf_str(&reader->kept);
    }
    const struct http_refusal *refusal = http_guard_look(&reader->guard, all, most, &whole);
    if (refusal)
        return from_guard(refusal);
    if (reader->guard.start)
        return &MALFORMED;
    *ret_whole = whole > 0;
    if (!whole) {
        if (!before)
            buf_add(&reader->kept, bytes);
        *used += bytes.len;
        return NULL;
    }
    *used += whole - before;
    reader->guard = (struct http_guard){0};
    return http_reply_parse((struct str){all.at, whole}, reader->to_head_request, reply);
}

/* --- the body ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a chunk's size. */
static const struct http_refusal *read_size(struct http_reply_reader *reader, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        reader->left = reader->left << 4 | (unsigned)digit;
        return ++reader->digits > 16 ? &BAD_CHUNK : NULL;
    }
    if (!reader->digits || reader->left > INT64_MAX || (c != '\r' && c != ';'))
        return &BAD_CHUNK;
    reader->line_bytes = reader->digits;
    reader->state = c == '\r' ? AFTER_SIZE_CR : IN_EXTENSION;
    return NULL;
}

/* One byte that is not of the body. */
static const struct http_refusal *read_framing(struct http_reply_reader *reader, char c)
{
    bool fits = true;

    switch ((enum reader_state)reader->state) {
    case AT_SIZE:
        return read_size(reader, c);
    case IN_EXTENSION:
        if (++reader->line_bytes > HTTP_CHUNK_LINE_BYTES_MAX)
            return &LONG_LINE;
        fits = c == '\r' || http_is_line_char((unsigned char)c);
        reader->state = c == '\r' ? AFTER_SIZE_CR : IN_EXTENSION;
        break;
    case AFTER_SIZE_CR:
        fits = c == '\n';
        reader->line_bytes = 0;
        reader->state = reader->left ? IN_DATA : AT_TRAILER;
        break;
    case AFTER_DATA:
        fits = c == '\r';
        reader->state = AFTER_DATA_CR;
        break;
    case AFTER_DATA_CR:
        fits = c == '\n';
        reader->digits = 0;
        reader->state = AT_SIZE;
        break;
    case AT_TRAILER:
    case IN_TRAILER:
        if (++reader->line_bytes > HTTP_TRAILER_BYTES_MAX)
            return &LONG_TRAILER;
        fits = c == '\r' ||
               (http_is_line_char((unsigned char)c) && !(reader->state == AT_TRAILER && c <= ' '));
        if (c == '\r')
            reader->state = reader->state == AT_TRAILER ? AFTER_LAST_CR : AFTER_TRAILER_CR;
        else
            reader->state = IN_TRAILER;
        break;
    case AFTER_TRAILER_CR:
        fits = c == '\n';
        reader->state = AT_TRAILER;
        break;
    case AFTER_LAST_CR:
        fits = c == '\n';
        reader->state = ENDED;
        break;
    case IN_HEAD:
    case IN_LENGTH:
    case UNTIL_CLOSE:
    case IN_DATA:
    case ENDED:
        panic("reader state %d", reader->state);
    }
    return fits ? NULL : &BAD_CHUNK;
}

/* The data of all chunks in `at` is moved together, behind the first. */
static const struct http_refusal *read_chunks(
    struct http_reply_reader *reader, char *at, size_t len, size_t *used, struct str *ret_body)
{
    char *body = NULL;
    size_t body_len = 0, i = 0;

    while (i < len && reader->state != ENDED) {
        if (reader->state == IN_DATA) {
            size_t step = reader->left < len - i ? (size_t)reader->left : len - i;
            if (!body)
                body = at + i;
            else
                memmove(body + body_len, at + i, step);
            body_len += step;
            i += step;
            reader->left -= step;
            if (!reader->left)
                reader->state = AFTER_DATA;
            continue;
        }
        const struct http_refusal *refusal = read_framing(reader, at[i++]);
        if (refusal)
            return refusal;
    }
    *used += i;
    *ret_body = (struct str){body, body_len};
    return NULL;
}

static void read_length(
    struct http_reply_reader *reader, struct str bytes, size_t *used, struct str *ret_body)
{
    size_t step = reader->left < bytes.len ? (size_t)reader->left : bytes.len;

    *ret_body = (struct str){bytes.at, step};
    *used += step;
    reader->left -= step;
    if (!reader->left)
        reader->state = ENDED;
}

/* --- the reader ------------------------------------------------------------------------------ */

void http_reply_begin(
    struct http_reply_reader *reader, enum http_method method, size_t head_bytes_max)
{
    check(!reader->kept.at && head_bytes_max <= HTTP_HEAD_BYTES_LIMIT);
    *reader = (struct http_reply_reader){.kept = buf_of(head_bytes_max),
        .head_bytes_max = (uint16_t)head_bytes_max,
        .to_head_request = method == METHOD_HEAD};
}

const struct http_refusal *http_reply_feed(struct http_reply_reader *reader, char *at, size_t len,
    struct http_reply *ret_reply, struct http_reply_news *ret_news)
{
    struct http_reply_news *news = ret_news;
    const struct http_refusal *refusal = NULL;

    *news = (struct http_reply_news){0};
    while (reader->state == IN_HEAD && news->used < len) {
        bool whole;
        struct str rest = {at + news->used, len - news->used};
        refusal = read_head(reader, rest, ret_reply, &whole, &news->used);
        if (refusal)
            return refusal;
        if (whole && ret_reply->status >= 200) {
            news->head = true;
            begin_body(reader, ret_reply);
        } else if (whole) {
            buf_done(&reader->kept);
            if (++reader->informational > HTTP_INFORMATIONAL_MAX)
                return &ENDLESS;
        }
    }
    size_t left = len - news->used;
    if (reader->state == IN_LENGTH) {
        read_length(reader, (struct str){at + news->used, left}, &news->used, &news->body);
    } else if (reader->state == UNTIL_CLOSE) {
        news->body = (struct str){at + news->used, left};
        news->used = len;
    } else if (reader->state >= AT_SIZE && reader->state < ENDED) {
        refusal = read_chunks(reader, at + news->used, left, &news->used, &news->body);
    }
    news->end = reader->state == ENDED;
    news->keep_alive = reader->keep_alive;
    return refusal;
}

void http_reply_settle(struct http_reply_reader *reader)
{
    if (reader->state != IN_HEAD && reader->kept.at)
        buf_done(&reader->kept);
}

bool http_reply_ends_at_close(const struct http_reply_reader *reader)
{
    return reader->state == UNTIL_CLOSE;
}

void http_reply_reader_done(struct http_reply_reader *reader)
{
    buf_done(&reader->kept);
}
