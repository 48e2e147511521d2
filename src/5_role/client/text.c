/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include "base/scoped.h"

#include <wchar.h>

/* Take one code point off the front; false: the first byte is no UTF-8 and was taken alone. */
static bool take_point(struct str *rest, uint32_t *ret_point, struct str *ret_bytes)
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

/* Code points that a terminal obeys instead of showing, or does not show at all. */
static bool is_hidden(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {
        {0x0000,  0x001f }, /* C0 */
        {0x007f,  0x009f }, /* DEL, C1 */
        {0x00ad,  0x00ad }, /* soft hyphen */
        {0x034f,  0x034f }, /* grapheme joiner */
        {0x061c,  0x061c }, /* Arabic letter mark */
        {0x115f,  0x1160 }, /* Hangul fillers */
        {0x180e,  0x180e },
        {0x200b,  0x200f }, /* zero width, direction marks */
        {0x2028,  0x202e }, /* line ends, direction overrides */
        {0x2060,  0x206f },
        {0x3164,  0x3164 },
        {0xfe00,  0xfe0f }, /* variation selectors */
        {0xfeff,  0xfeff },
        {0xffa0,  0xffa0 },
        {0xfff0,  0xfffb },
        {0xe0000, 0xe0fff}, /* tags */
    };

    for (size_t i = 0; i < COUNT(RANGES); i++)
        if (point >= RANGES[i].first && point <= RANGES[i].last)
            return true;
    return false;
}

void text_visible(struct buf *out, struct str raw, enum text_lines lines)
{
    while (raw.len) {
        uint32_t point;
        struct str bytes;

        if (!take_point(&raw, &point, &bytes) || (is_hidden(point) && point < 0x80)) {
            if (point == '\n' && lines == TEXT_MANY_LINES)
                buf_add_char(out, '\n');
            else if (point == '\n')
                buf_add(out, S("\\n"));
            else if (point == '\t')
                buf_add(out, S("\\t"));
            else
                buf_printf(out, "\\x%02x", (unsigned)point);
        } else if (is_hidden(point)) {
            buf_printf(out, "\\u{%x}", (unsigned)point);
        } else {
            buf_add(out, bytes);
        }
    }
}

/* wcwidth under C.UTF-8 (client_main sets it); what it does not know takes one column. */
static size_t point_width(uint32_t point)
{
    int columns = wcwidth((wchar_t)point);

    return columns < 0 ? 1 : (size_t)columns;
}

size_t text_width(struct str s)
{
    size_t columns = 0;

    while (s.len) {
        uint32_t point;
        struct str bytes;
        take_point(&s, &point, &bytes);
        columns += point_width(point);
    }
    return columns;
}

struct str text_head(struct str s, size_t columns)
{
    struct str rest = s;
    size_t used = 0, len = 0;

    while (rest.len) {
        uint32_t point;
        struct str bytes;
        take_point(&rest, &point, &bytes);
        used += point_width(point);
        if (used > columns)
            break;
        len += bytes.len;
    }
    return (struct str){s.at, len};
}
