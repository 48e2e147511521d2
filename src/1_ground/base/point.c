/* SPDX-License-Identifier: Apache-2.0 */
#include "base/point.h"

#include "base/scoped.h"

bool point_take(struct str *rest, uint32_t *ret_point, struct str *ret_bytes)
{
    static const uint8_t HEAD_MASK[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *at = (const uint8_t *)rest->at;
    size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    struct str bytes = {rest->at, len};
    bool valid = len <= rest->len && str_is_utf8(bytes);

    if (!valid)
        bytes.len = 1;
    *ret_point = valid ? at[0] & HEAD_MASK[len] : at[0];
    for (size_t i = 1; i < bytes.len; i++)
        *ret_point = *ret_point << 6 | (at[i] & 0x3f);
    *ret_bytes = bytes;
    *rest = (struct str){rest->at + bytes.len, rest->len - bytes.len};
    return valid;
}

bool point_is_hidden(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {
        {0x0000, 0x001f},                                     /* C0 */
        {0x007f, 0x009f},                                     /* DEL, C1 */
        {0x00ad, 0x00ad},                                     /* soft hyphen */
        {0x034f, 0x034f},                                     /* grapheme joiner */
        {0x061c, 0x061c},                                     /* Arabic letter mark */
        {0x115f, 0x1160},                                     /* Hangul fillers */
        {0x180e, 0x180e}, {0x200b, 0x200f},                   /* zero width, direction marks */
        {0x2028, 0x202e},                                     /* line ends, direction overrides */
        {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, /* variation selectors */
        {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}, /* tags */
    };

    for (size_t i = 0; i < COUNT(RANGES); i++)
        if (point >= RANGES[i].first && point <= RANGES[i].last)
            return true;
    return false;
}

bool str_is_plain(struct str s)
{
    while (s.len) {
        uint32_t point;
        struct str bytes;
        if (!point_take(&s, &point, &bytes) || point_is_hidden(point))
            return false;
    }
    return true;
}
