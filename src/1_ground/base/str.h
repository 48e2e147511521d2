/* SPDX-License-Identifier: Apache-2.0
 *
 * str — a slice of bytes that somebody else owns. No terminator is assumed.
 *
 * threads  any: no state
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A literal: S("text"). */
#define S(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf: printf("%.*s", STR(s)). */
#define STR(s) (int)(s).len, (s).at

/* NULL gives the empty slice. */
static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str head)
{
    return s.len >= head.len && (head.len == 0 || memcmp(s.at, head.at, head.len) == 0);
}

static inline bool str_ends(struct str s, struct str tail)
{
    return s.len >= tail.len &&
           (tail.len == 0 || memcmp(s.at + s.len - tail.len, tail.at, tail.len) == 0);
}

/* Cut at the first `mark`: the head is returned, *ret_rest is what follows it
 * (empty if there is no mark). head + mark + rest always rebuild the input. */
struct str str_cut(struct str s, char mark, struct str *ret_rest);

/* Without white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* ASCII letters only; bytes above 127 are compared as they are. */
bool str_eq_nocase(struct str a, struct str b);

/* Decimal, the whole slice, no sign, no leading zero except "0"; false beyond `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_number);

/* The longest prefix that is valid UTF-8 (no surrogates, no overlong forms). */
struct str str_utf8_prefix(struct str s);
bool str_is_utf8(struct str s);

/* A copy with a terminator, from malloc. Never NULL (panics without memory). */
char *str_dup(struct str s);
