/* SPDX-License-Identifier: Apache-2.0 */
#include "coding/coding.h"

static const char HEX[] = "0123456789abcdef";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const void *bytes, size_t count, char *ret_text)
{
    const uint8_t *in = bytes;

    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = HEX[in[i] >> 4];
        ret_text[2 * i + 1] = HEX[in[i] & 15];
    }
    ret_text[2 * count] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool hex_decode(struct str text, size_t count, void *ret_bytes)
{
    uint8_t *out = ret_bytes;

    if (text.len % 2 != 0 || text.len / 2 != count)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (hex_digit(text.at[i]) < 0)
            return false;
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)(hex_digit(text.at[2 * i]) << 4 | hex_digit(text.at[2 * i + 1]));
    return true;
}

void base64_encode(struct str bytes, struct buf *out)
{
    const uint8_t *in = (const uint8_t *)bytes.at;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)in[i] << 16;
        if (left > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            group |= in[i + 2];
        char four[4] = {BASE64[group >> 18], BASE64[group >> 12 & 63],
            left > 1 ? BASE64[group >> 6 & 63] : '=', left > 2 ? BASE64[group & 63] : '='};
        buf_add(out, (struct str){four, sizeof four});
    }
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str text, size_t bytes_max, void *ret_bytes, size_t *ret_count)
{
    uint8_t *out = ret_bytes;
    size_t padding = 0, count = 0;

    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
        padding++;
    if (text.len / 4 * 3 - padding > bytes_max)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t digits = i + 4 == text.len ? 4 - padding : 4;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < digits ? base64_digit(text.at[i + k]) : 0;
            if (digit < 0)
                return false;
            group = group << 6 | (uint32_t)digit;
        }
        /* Bits behind the last byte must be zero: one text for one value. */
        if ((digits == 2 && (group & 0xffff)) || (digits == 3 && (group & 0xff)))
            return false;
        for (size_t k = 0; k + 1 < digits; k++)
            out[count++] = (uint8_t)(group >> (16 - 8 * k));
    }
    *ret_count = count;
    return true;
}
