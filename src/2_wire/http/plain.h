/* SPDX-License-Identifier: Apache-2.0
 *
 * plain — a head as nearly everybody writes it, taken apart in one pass without llhttp. Internal to
 * http/.
 *
 * It never refuses: what is not of the plain form (another version, a coding, an upgrade, two
 * lengths, a byte out of place …) is left to llhttp, whose answer stands. What it takes, llhttp
 * takes and reads the same: head_fuzz and reply_fuzz hold the two against each other.
 *
 * threads  any: no state
 */
#pragma once

#include "http/head.h"
#include "http/reply.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What may stand inside a line: all but control characters, TAB excepted. */
static inline bool http_is_line_char(unsigned char c)
{
    return c >= 0x20 ? c != 0x7f : c == '\t';
}

/* The first place from `i` on whose byte is no line char, or `end`. */
static inline size_t http_line_end(const char *at, size_t i, size_t end)
{
#ifdef __SSE2__
    const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'),
                  rubout = _mm_set1_epi8(0x7f);

    for (; i + 16 <= end; i += 16) {
        const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i bad = _mm_cmpeq_epi8(_mm_min_epu8(block, last), block);
        bad = _mm_andnot_si128(_mm_cmpeq_epi8(block, tab), bad);
        int mask = _mm_movemask_epi8(_mm_or_si128(bad, _mm_cmpeq_epi8(block, rubout)));
        if (mask)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < end && http_is_line_char((unsigned char)at[i]))
        i++;
    return i;
}

/* RFC 9110 5.6.2 tchar */
extern const bool HTTP_TOKEN_CHARS[256];

/* `name` holds token chars only, `lower` small letters and '-' only: 0x20 is then all that case
 * changes, and no other token char becomes one of those by it. */
static inline bool http_name_is(struct str name, struct str lower)
{
    unsigned char differ = 0;

    if (name.len != lower.len)
        return false;
    for (size_t i = 0; i < lower.len; i++) /* no way out: compilers make vectors of it */
        differ |= (unsigned char)((name.at[i] | 0x20) ^ lower.at[i]);
    return !differ;
}

/* What Connection says; plain is one such line with one word. */
struct http_wishes {
    bool close, keep_alive;
};

/* All lines from `at` to the end of `bytes`, the empty one included; names are tokens, values are
 * trimmed and hold line chars only. false: not plain. */
bool http_plain_fields(struct str bytes, size_t at, struct http_head_field fields[HTTP_FIELDS_MAX],
    uint16_t *ret_count, struct http_wishes *ret_wishes);

/* --- for the fuzzers: the same answers, asked of llhttp in any case --------------------------- */

const struct http_refusal *http_head_parse_slowly(struct str bytes, struct http_head *ret_head);
const struct http_refusal *http_reply_parse(
    struct str bytes, bool to_head_request, struct http_reply *ret_reply);
const struct http_refusal *http_reply_parse_slowly(
    struct str bytes, bool to_head_request, struct http_reply *ret_reply);
