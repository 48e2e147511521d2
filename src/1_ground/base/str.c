/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/panic.h"

#include <stdlib.h>

struct str str_cut(struct str s, char mark, struct str *ret_rest)
{
    const char *hit = s.len ? memchr(s.at, mark, s.len) : NULL;
    size_t head = hit ? (size_t)(hit - s.at) : s.len;
    size_t skip = hit ? head + 1 : head;

    *ret_rest = (struct str){s.at ? s.at + skip : NULL, s.len - skip};
    return (struct str){s.at, head};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.at[0]))
        s = (struct str){s.at + 1, s.len - 1};
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (s.len == 0 || (s.len > 1 && s.at[0] == '0'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(s.at[i] - '0'), &number) || number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

/* Length of the sequence that starts here, 0 if it is not valid. */
static size_t sequence_length(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } ROWS[] = {
        {0x00, 0x7f, 0, 0, 1},
        {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (at[0] < ROWS[i].first_low || at[0] > ROWS[i].first_high)
            continue;
        if (left < ROWS[i].length)
            return 0;
        if (ROWS[i].length > 1 && (at[1] < ROWS[i].second_low || at[1] > ROWS[i].second_high))
            return 0;
        for (size_t k = 2; k < ROWS[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return ROWS[i].length;
    }
    return 0;
}

struct str str_utf8_prefix(struct str s)
{
    size_t good = 0;

    while (good < s.len) {
        size_t length = sequence_length((const unsigned char *)s.at + good, s.len - good);
        if (length == 0)
            break;
        good += length;
    }
    return (struct str){s.at, good};
}

bool str_is_utf8(struct str s)
{
    return str_utf8_prefix(s).len == s.len;
}

char *str_dup(struct str s)
{
    char *copy = malloc(s.len + 1);

    check(copy);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return copy;
}
