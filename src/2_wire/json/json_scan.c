/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_scan.h"

#include "base/panic.h"
#include "json/json_bytes.h"

#define REAL_BYTES_MAX 32
#define EXPONENT_DIGITS_MAX 2 /* a mantissa of REAL_BYTES_MAX digits times 1e99 is a double */

struct scanner {
    const unsigned char *at, *end;
    struct json_tape *tape;
    int depth;
    enum json_scanned result;
};

static bool scan_value(struct scanner *s);

static bool stop(struct scanner *s, enum json_scanned result)
{
    s->result = result;
    return false;
}

static bool bad(struct scanner *s)
{
    return stop(s, JSON_SCAN_BAD);
}

static size_t place(const struct scanner *s)
{
    return (size_t)((const char *)s->at - s->tape->text.at);
}

/* The next byte, 0 at the end (a NUL is never right outside of a string either). */
static unsigned char peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : 0;
}

static void skip_white(struct scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

/* A token that begins here; its length and what is behind it are set when it ends. */
static struct json_token *add_token(struct scanner *s, enum json_token_kind kind)
{
    struct json_tape *tape = s->tape;

    if (tape->count == JSON_SCAN_TOKENS) {
        stop(s, JSON_SCAN_BEYOND);
        return NULL;
    }
    struct json_token *token = &tape->tokens[tape->count++];
    *token = (struct json_token){.at = (uint32_t)place(s), .kind = kind};
    return token;
}

static bool end_token(struct scanner *s, struct json_token *token)
{
    token->len = (uint32_t)(place(s) - token->at);
    token->after = (uint32_t)s->tape->count;
    return true;
}

/* --- strings ------------------------------------------------------------------------------ */

/* `u` and four digits; -1 if they are not there. */
static int scan_unit(struct scanner *s)
{
    int unit = 0;

    if (s->end - s->at < 5 || *s->at != 'u')
        return -1;
    for (int i = 1; i <= 4; i++) {
        int digit = hex_value(s->at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    s->at += 5;
    return unit;
}

/* Behind a backslash. A high surrogate needs its low one, which may not stand alone; U+0000 is
 * refused. */
static bool scan_escape(struct scanner *s)
{
    s->tape->escaped = true;
    if (peek(s) != 'u') {
        if (!peek(s) || !strchr("\"\\/bfnrt", peek(s)))
            return bad(s);
        s->at++;
        return true;
    }
    int unit = scan_unit(s);
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return bad(s);
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    if (peek(s) != '\\')
        return bad(s);
    s->at++;
    unit = scan_unit(s);
    return (unit >= 0xdc00 && unit <= 0xdfff) || bad(s);
}

/* Behind the opening quote, up to and over the closing one. */
static bool scan_string(struct scanner *s)
{
    struct json_token *token = add_token(s, JSON_TOKEN_STRING);

    if (!token)
        return false;
    while ((s->at = skip_plain(s->at, s->end)) < s->end) {
        unsigned char c = *s->at;
        if (c == '"') {
            end_token(s, token);
            s->at++;
            return true;
        }
        if (c == '\\') {
            s->at++;
            if (!scan_escape(s))
                return false;
        } else {
            size_t len = c < 0x80 ? 0 : utf8_length(s->at, s->end);
            if (!len)
                return bad(s);
            s->at += len;
        }
    }
    return bad(s);
}

/* --- numbers and words -------------------------------------------------------------------- */

static size_t skip_digits(struct scanner *s)
{
    const unsigned char *from = s->at;

    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static bool scan_exponent(struct scanner *s)
{
    s->at++;
    if (peek(s) == '+' || peek(s) == '-')
        s->at++;
    size_t digits = skip_digits(s);
    if (digits > EXPONENT_DIGITS_MAX)
        return stop(s, JSON_SCAN_BEYOND);
    return digits > 0 || bad(s);
}

static bool scan_number(struct scanner *s)
{
    struct json_token *token = add_token(s, JSON_TOKEN_INTEGER);

    if (!token)
        return false;
    s->at += peek(s) == '-';
    bool zero = peek(s) == '0';
    size_t digits = skip_digits(s);
    if (digits == 0 || (zero && digits > 1))
        return bad(s);
    if (peek(s) == '.') {
        token->kind = JSON_TOKEN_REAL;
        s->at++;
        if (!skip_digits(s))
            return bad(s);
    }
    if ((peek(s) | 0x20) == 'e') {
        token->kind = JSON_TOKEN_REAL;
        if (!scan_exponent(s))
            return false;
    }
    end_token(s, token);
    if (token->kind == JSON_TOKEN_INTEGER ? digits > JSON_SCAN_DIGITS : token->len > REAL_BYTES_MAX)
        return stop(s, JSON_SCAN_BEYOND);
    return true;
}

static bool scan_word(struct scanner *s, struct str word, enum json_token_kind kind)
{
    struct json_token *token = add_token(s, kind);

    if (!token)
        return false;
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.at, word.len) != 0)
        return bad(s);
    s->at += word.len;
    return end_token(s, token);
}

/* --- objects and arrays ------------------------------------------------------------------- */

/* Two keys are the same as they are written: keys with escapes are not taken. */
static bool keys_differ(struct scanner *s, const struct json_token *object)
{
    const struct json_tape *tape = s->tape;
    size_t first = (size_t)(object - tape->tokens) + 1;

    for (size_t a = first; a < tape->count; a = tape->tokens[a + 1].after)
        for (size_t b = tape->tokens[a + 1].after; b < tape->count; b = tape->tokens[b + 1].after)
            if (str_eq(json_tape_text(tape, a), json_tape_text(tape, b)))
                return bad(s);
    return true;
}

static bool scan_member(struct scanner *s)
{
    bool escaped = s->tape->escaped;

    if (peek(s) != '"')
        return bad(s);
    s->at++;
    s->tape->escaped = false;
    if (!scan_string(s))
        return false;
    if (s->tape->escaped)
        return stop(s, JSON_SCAN_BEYOND);
    s->tape->escaped = escaped;
    skip_white(s);
    if (peek(s) != ':')
        return bad(s);
    s->at++;
    skip_white(s);
    return scan_value(s);
}

static bool scan_nested(struct scanner *s, bool object)
{
    unsigned char end = object ? '}' : ']';
    struct json_token *token = add_token(s, object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY);

    if (!token)
        return false;
    if (s->depth == JSON_DEPTH_MAX)
        return stop(s, JSON_SCAN_BEYOND);
    s->depth++;
    s->at++;
    skip_white(s);
    bool empty = peek(s) == end;
    while (!empty) {
        if (!(object ? scan_member(s) : scan_value(s)))
            return false;
        skip_white(s);
        if (peek(s) == end)
            break;
        if (peek(s) != ',')
            return bad(s);
        s->at++;
        skip_white(s);
    }
    s->at++;
    s->depth--;
    end_token(s, token);
    return !object || keys_differ(s, token);
}

static bool scan_value(struct scanner *s)
{
    switch (peek(s)) {
    case '{':
        return scan_nested(s, true);
    case '[':
        return scan_nested(s, false);
    case '"':
        s->at++;
        return scan_string(s);
    case 't':
        return scan_word(s, S("true"), JSON_TOKEN_TRUE);
    case 'f':
        return scan_word(s, S("false"), JSON_TOKEN_FALSE);
    case 'n':
        return scan_word(s, S("null"), JSON_TOKEN_NULL);
    default:
        return scan_number(s);
    }
}

enum json_scanned json_scan(struct str text, struct json_tape *ret_tape)
{
    struct scanner s = {.at = (const unsigned char *)text.at, .tape = ret_tape};

    if (text.len == 0)
        return JSON_SCAN_BAD;
    if (text.len > UINT32_MAX)
        return JSON_SCAN_BEYOND;
    s.end = s.at + text.len;
    ret_tape->text = text;
    ret_tape->count = 0;
    ret_tape->escaped = false;
    skip_white(&s);
    if (!scan_value(&s))
        return s.result;
    skip_white(&s);
    return s.at == s.end ? JSON_SCAN_GOOD : JSON_SCAN_BAD;
}

/* --- the tape ----------------------------------------------------------------------------- */

struct str json_tape_text(const struct json_tape *tape, size_t token)
{
    return (struct str){tape->text.at + tape->tokens[token].at, tape->tokens[token].len};
}

int64_t json_tape_integer(const struct json_tape *tape, size_t token)
{
    struct str digits = json_tape_text(tape, token);
    bool negative = digits.at[0] == '-';
    int64_t number = 0;

    check(tape->tokens[token].kind == JSON_TOKEN_INTEGER);
    for (size_t i = negative; i < digits.len; i++)
        number = number * 10 + (digits.at[i] - '0');
    return negative ? -number : number;
}

bool json_tape_members(const struct json_tape *tape, size_t object, const struct str *names,
    size_t count, size_t *ret_values)
{
    check(tape->tokens[object].kind == JSON_TOKEN_OBJECT);
    memset(ret_values, 0, count * sizeof *ret_values);
    for (size_t key = object + 1; key < tape->tokens[object].after;
         key = tape->tokens[key + 1].after) {
        struct str name = json_tape_text(tape, key);
        size_t i = 0;
        while (i < count && !str_eq(name, names[i]))
            i++;
        if (i == count)
            return false;
        ret_values[i] = key + 1;
    }
    return true;
}
