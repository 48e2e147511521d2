/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/walk.h"

#include "json/json_bytes.h"

#define INTEGER_DIGITS_MAX 18

enum { WANT_VALUE, WANT_FIRST, WANT_MORE }; /* a value; a first element or the end; , or the end */

static enum walk_event bad(struct walk *w, enum walk_fault fault)
{
    w->fault = fault;
    w->event = WALK_BAD;
    return WALK_BAD;
}

static unsigned char peek(const struct walk *w)
{
    return w->at < w->end ? *w->at : 0;
}

static void skip_white(struct walk *w)
{
    while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
        w->at++;
}

/* --- strings ------------------------------------------------------------------------------ */

/* `uXXXX` at `at`; -1 if it is not there. */
static int unit_at(const unsigned char *at, const unsigned char *end)
{
    int unit = 0;

    if (end - at < 5 || *at != 'u')
        return -1;
    for (int i = 1; i <= 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Behind a backslash: how long the escape is, 0 if it is none. *ret_point is what it stands for. */
static size_t escape_at(const unsigned char *at, const unsigned char *end, uint32_t *ret_point)
{
    static const char SHORT[] = "\"\\/bfnrt", MEANS[] = "\"\\/\b\f\n\r\t";

    if (at < end && *at != 'u') {
        const char *found = *at ? strchr(SHORT, *at) : NULL;
        *ret_point = found ? (unsigned char)MEANS[found - SHORT] : 0;
        return found != NULL;
    }
    int unit = unit_at(at, end);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return 0;
    *ret_point = (uint32_t)unit;
    if (unit < 0xd800 || unit > 0xdbff)
        return 5;
    if (end - at < 6 || at[5] != '\\')
        return 0;
    int second = unit_at(at + 6, end);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    *ret_point = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)second - 0xdc00);
    return 11;
}

/* On the opening quote; up to and over the closing one. */
static bool take_string(struct walk *w)
{
    const unsigned char *from = ++w->at;
    uint32_t point;

    w->escaped = false;
    for (;;) {
        w->at = skip_plain(w->at, w->end);
        if (w->at == w->end)
            return false;
        if (*w->at == '"')
            break;
        size_t len = 0;
        if (*w->at == '\\') {
            w->escaped = true;
            len = escape_at(w->at + 1, w->end, &point);
            len = len && (point || w->nul) ? len + 1 : 0;
        } else if (*w->at >= 0x80) {
            len = utf8_length(w->at, w->end);
        }
        if (!len)
            return false;
        w->at += len;
    }
    w->token = (struct str){(const char *)from, (size_t)(w->at - from)};
    w->at++;
    return true;
}

static size_t put_utf8(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00 >> len) | point); /* 110…, 1110…, 11110… */
    return len;
}

/* One character of a checked string; `at` moves over it. */
static size_t next_character(struct str *rest, char *out)
{
    const unsigned char *at = (const unsigned char *)rest->at, *end = at + rest->len;
    size_t used = 1, len = 1;
    uint32_t point;

    if (*at == '\\') {
        used = 1 + escape_at(at + 1, end, &point);
        len = put_utf8(point, out);
    } else {
        if (*at >= 0x80)
            used = len = utf8_length(at, end);
        memcpy(out, at, len);
    }
    rest->at += used;
    rest->len -= used;
    return len;
}

static bool same_text(struct str a, struct str b)
{
    char x[4], y[4];

    while (a.len && b.len) {
        size_t len = next_character(&a, x);
        if (next_character(&b, y) != len || memcmp(x, y, len) != 0)
            return false;
    }
    return !a.len && !b.len;
}

bool walk_is(const struct walk *w, struct str text)
{
    char c[4];

    if (!w->escaped)
        return str_eq(w->token, text);
    struct str rest = w->token;
    while (rest.len) {
        size_t len = next_character(&rest, c);
        if (len > text.len || memcmp(c, text.at, len) != 0)
            return false;
        text = (struct str){text.at + len, text.len - len};
    }
    return !text.len;
}

bool walk_text(const struct walk *w, size_t max, char *ret_text, size_t *ret_len)
{
    struct str rest = w->token;
    size_t len = 0;

    while (rest.len) {
        char c[4];
        size_t more = next_character(&rest, c);
        if (len + more > max) {
            *ret_len = len;
            return false;
        }
        memcpy(ret_text + len, c, more);
        len += more;
    }
    *ret_len = len;
    return true;
}

/* --- keys --------------------------------------------------------------------------------- */

/* Eight bytes at a time: each key of each object is hashed. */
struct key_hash {
    uint64_t hash, word;
    size_t len;
};

static void hash_word(struct key_hash *h, uint64_t word)
{
    h->hash = (h->hash ^ word) * 0x9e3779b97f4a7c15u;
    h->hash ^= h->hash >> 29;
}

static void hash_byte(struct key_hash *h, char byte)
{
    h->word |= (uint64_t)(unsigned char)byte << 8 * (h->len++ % 8);
    if (h->len % 8)
        return;
    hash_word(h, h->word);
    h->word = 0;
}

/* Of the text that the key stands for, however it is written. */
static uint32_t key_hash(struct str key, bool escaped)
{
    struct key_hash h = {.len = escaped ? 0 : key.len};
    char c[4];

    while (escaped && key.len) {
        size_t len = next_character(&key, c);
        for (size_t i = 0; i < len; i++)
            hash_byte(&h, c[i]);
    }
    for (; key.len >= 8; key.at += 8, key.len -= 8) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8; i++) /* one load where the machine is little-endian */
            word |= (uint64_t)(unsigned char)key.at[i] << 8 * i;
        hash_word(&h, word);
    }
    for (size_t i = 0; i < key.len; i++)
        h.word |= (uint64_t)(unsigned char)key.at[i] << 8 * i;
    hash_word(&h, h.word ^ (uint64_t)h.len << 56);
    return (uint32_t)(h.hash >> 32);
}

static enum walk_event take_key(struct walk *w)
{
    w->token_at = walk_place(w);
    if (peek(w) != '"' || !take_string(w))
        return bad(w, WALK_NO_JSON);
    if (w->keys == OPENAI_MEMBERS_MAX || w->token.len > UINT32_MAX)
        return bad(w, WALK_MEMBERS);
    uint32_t hash = key_hash(w->token, w->escaped);
    for (size_t i = w->first_key[w->depth - 1]; i < w->keys; i++) {
        const struct walk_key *key = &w->key[i];
        if (w->hash[i] != hash)
            continue;
        struct str other = {key->at, key->len};
        if (w->escaped || key->escaped ? same_text(other, w->token) : str_eq(other, w->token))
            return bad(w, WALK_DUPLICATE);
    }
    w->hash[w->keys] = hash;
    w->key[w->keys++] = (struct walk_key){w->token.at, (uint32_t)w->token.len, w->escaped};
    skip_white(w);
    if (peek(w) != ':')
        return bad(w, WALK_NO_JSON);
    w->at++;
    w->want = WANT_VALUE;
    return WALK_KEY;
}

/* --- values ------------------------------------------------------------------------------- */

static size_t skip_digits(struct walk *w)
{
    const unsigned char *from = w->at;

    while (peek(w) >= '0' && peek(w) <= '9')
        w->at++;
    return (size_t)(w->at - from);
}

static enum walk_event take_number(struct walk *w)
{
    const unsigned char *from = w->at;

    w->at += peek(w) == '-';
    bool zero = peek(w) == '0';
    size_t digits = skip_digits(w);
    if (digits == 0 || (zero && digits > 1))
        return bad(w, WALK_NO_JSON);
    if (peek(w) == '.') {
        w->at++;
        if (!skip_digits(w))
            return bad(w, WALK_NO_JSON);
    }
    if ((peek(w) | 0x20) == 'e') {
        w->at++;
        w->at += peek(w) == '+' || peek(w) == '-';
        if (!skip_digits(w))
            return bad(w, WALK_NO_JSON);
    }
    w->token = (struct str){(const char *)from, (size_t)(w->at - from)};
    w->escaped = false;
    return WALK_NUMBER;
}

bool walk_integer(const struct walk *w, int64_t *ret_number)
{
    bool negative = w->token.at[0] == '-';
    int64_t number = 0;

    if (w->token.len - negative > INTEGER_DIGITS_MAX)
        return false;
    for (size_t i = negative; i < w->token.len; i++) {
        if (w->token.at[i] < '0' || w->token.at[i] > '9')
            return false;
        number = number * 10 + (w->token.at[i] - '0');
    }
    *ret_number = negative ? -number : number;
    return true;
}

static enum walk_event take_word(struct walk *w, struct str word, enum walk_event event)
{
    if ((size_t)(w->end - w->at) < word.len || memcmp(w->at, word.at, word.len) != 0)
        return bad(w, WALK_NO_JSON);
    w->token = (struct str){(const char *)w->at, word.len};
    w->escaped = false;
    w->at += word.len;
    return event;
}

static enum walk_event open(struct walk *w, bool object)
{
    if (w->depth == OPENAI_DEPTH_MAX)
        return bad(w, WALK_DEEP);
    w->object[w->depth] = object;
    w->first_key[w->depth++] = w->keys;
    w->at++;
    w->want = WANT_FIRST;
    return object ? WALK_OBJECT : WALK_ARRAY;
}

static enum walk_event close(struct walk *w)
{
    w->at++;
    w->keys = w->first_key[--w->depth];
    w->want = WANT_MORE;
    return WALK_CLOSE;
}

static enum walk_event take_value(struct walk *w)
{
    w->token_at = walk_place(w);
    w->want = WANT_MORE;
    switch (peek(w)) {
    case '{':
        return open(w, true);
    case '[':
        return open(w, false);
    case '"':
        return take_string(w) ? WALK_STRING : bad(w, WALK_NO_JSON);
    case 't':
        return take_word(w, S("true"), WALK_TRUE);
    case 'f':
        return take_word(w, S("false"), WALK_FALSE);
    case 'n':
        return take_word(w, S("null"), WALK_NULL);
    default:
        return take_number(w);
    }
}

static enum walk_event take_more(struct walk *w)
{
    if (!w->depth)
        return w->at == w->end ? WALK_END : bad(w, WALK_NO_JSON);
    bool object = w->object[w->depth - 1];
    if (peek(w) == (object ? '}' : ']'))
        return close(w);
    if (w->want == WANT_MORE) {
        if (peek(w) != ',')
            return bad(w, WALK_NO_JSON);
        w->at++;
        skip_white(w);
    }
    return object ? take_key(w) : take_value(w);
}

void walk_init(struct walk *w, struct str text)
{
    w->begin = w->at = (const unsigned char *)(text.len ? text.at : "");
    w->end = w->begin + text.len;
    w->event = WALK_NULL;
    w->fault = WALK_NO_JSON;
    w->token = (struct str){"", 0};
    w->token_at = 0;
    w->escaped = w->nul = false;
    w->want = WANT_VALUE;
    w->depth = 0;
    w->keys = 0;
}

enum walk_event walk_next(struct walk *w)
{
    if (w->event <= WALK_END)
        return bad(w, w->fault);
    skip_white(w);
    w->event = w->want == WANT_VALUE ? take_value(w) : take_more(w);
    return w->event;
}

bool walk_skip(struct walk *w)
{
    if (w->event != WALK_OBJECT && w->event != WALK_ARRAY)
        return w->event != WALK_BAD;
    for (size_t outside = w->depth - 1u; w->depth > outside;)
        if (walk_next(w) == WALK_BAD)
            return false;
    return true;
}

bool walk_skip_value(struct walk *w)
{
    return walk_next(w) != WALK_BAD && walk_skip(w);
}
