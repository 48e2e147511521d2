/* SPDX-License-Identifier: Apache-2.0
 *
 * json_bytes — what both readers of JSON in place (json_scan, openai/walk) know of single bytes.
 *
 * threads  any: no state
 * source   RFC 3629, RFC 8259
 */
#pragma once

#include <stddef.h>

/* The length of the UTF-8 sequence at `at`, whose first byte is 0x80 or more; 0 if it is none. */
static inline size_t utf8_length(const unsigned char *at, const unsigned char *end)
{
    unsigned char lead = at[0], low = 0x80, high = 0xbf;
    size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - at) < len)
        return 0;
    if (lead == 0xe0)
        low = 0xa0; /* overlong */
    else if (lead == 0xed)
        high = 0x9f; /* surrogates */
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f; /* beyond U+10FFFF */
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return len;
}

/* 0 to 15, -1 for what is no hexadecimal digit. */
static inline int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
