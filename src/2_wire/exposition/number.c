/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/exposition.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define DIGITS_MAX 19 /* that surely fit 64 bits */
#define EXPONENT_MAX 100000

/* A number taken apart: digits * 10^exponent. */
struct parts {
    bool negative, cut; /* cut: there were more digits than fit, and one of them was not 0 */
    uint64_t digits;
    int exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t take_digits(
    struct str text, size_t at, bool behind_point, struct parts *parts, int *count)
{
    for (; at < text.len && is_digit(text.at[at]); at++) {
        unsigned digit = (unsigned)(text.at[at] - '0');
        if (*count < DIGITS_MAX) {
            parts->digits = parts->digits * 10 + digit;
            *count += parts->digits != 0; /* leading zeros are free */
            parts->exponent -= behind_point;
        } else {
            parts->cut |= digit != 0;
            parts->exponent += !behind_point;
        }
    }
    return at;
}

static bool take_exponent(struct str text, size_t at, struct parts *parts)
{
    bool negative = false;
    int exponent = 0;

    if (at < text.len && (text.at[at] == '+' || text.at[at] == '-'))
        negative = text.at[at++] == '-';
    if (at == text.len)
        return false;
    for (; at < text.len; at++) {
        if (!is_digit(text.at[at]))
            return false;
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (text.at[at] - '0');
    }
    parts->exponent += negative ? -exponent : exponent;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit around the point. */
static bool take_parts(struct str text, struct parts *parts)
{
    size_t at = 0, from;
    int count = 0;

    if (at < text.len && (text.at[at] == '+' || text.at[at] == '-'))
        parts->negative = text.at[at++] == '-';
    from = at;
    at = take_digits(text, at, false, parts, &count);
    size_t seen = at - from;
    if (at < text.len && text.at[at] == '.') {
        from = ++at;
        at = take_digits(text, at, true, parts, &count);
        seen += at - from;
    }
    if (seen == 0)
        return false;
    if (at == text.len)
        return true;
    if (text.at[at] != 'e' && text.at[at] != 'E')
        return false;
    return take_exponent(text, at + 1, parts);
}

/* Correctly rounded, whatever the locale is. `text` is a number and short. */
static double round_right(struct str text)
{
    char copy[EXPOSITION_NUMBER_BYTES_MAX + 1];
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc has it: nothing is allocated */
    double value;

    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    value = strtod_l(copy, NULL, c);
    freelocale(c);
    return value;
}

static bool special(struct str text, double *ret_value)
{
    bool negative = text.len && text.at[0] == '-',
         sign = negative || (text.len && text.at[0] == '+');
    struct str word = sign ? (struct str){text.at + 1, text.len - 1} : text;

    if (!sign && str_eq_nocase(word, S("nan"))) {
        *ret_value = NAN;
        return true;
    }
    if (!str_eq_nocase(word, S("inf")) && !str_eq_nocase(word, S("infinity")))
        return false;
    *ret_value = negative ? -INFINITY : INFINITY;
    return true;
}

bool exposition_number(struct str text, double *ret_value, bool *ret_overflow)
{
    /* exact in a double, and so are one product or quotient with a whole number below 2^53 */
    static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct parts parts = {0};
    double value;

    if (ret_overflow)
        *ret_overflow = false;
    if (text.len == 0 || text.len > EXPOSITION_NUMBER_BYTES_MAX)
        return false;
    if (!take_parts(text, &parts))
        return special(text, ret_value);
    if (!parts.cut && parts.digits < (1ull << 53) && parts.exponent >= -22 &&
        parts.exponent <= 22) {
        value = (double)parts.digits;
        value =
            parts.exponent < 0 ? value / POWERS[-parts.exponent] : value * POWERS[parts.exponent];
        *ret_value = parts.negative ? -value : value;
        return true;
    }
    value = round_right(text);
    if (isinf(value)) {
        if (ret_overflow)
            *ret_overflow = true;
        return false;
    }
    *ret_value = value;
    return true;
}
