/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include "base/point.h"

#include <wchar.h>

void text_visible(struct buf *out, struct str raw, enum text_lines lines)
{
    while (raw.len) {
        uint32_t point;
        struct str bytes;

        if (!point_take(&raw, &point, &bytes) || (point_is_hidden(point) && point < 0x80)) {
            if (point == '\n' && lines == TEXT_MANY_LINES)
                buf_add_char(out, '\n');
            else if (point == '\n')
                buf_add(out, S("\\n"));
            else if (point == '\t')
                buf_add(out, S("\\t"));
            else
                buf_printf(out, "\\x%02x", (unsigned)point);
        } else if (point_is_hidden(point)) {
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
        point_take(&s, &point, &bytes);
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
        point_take(&rest, &point, &bytes);
        used += point_width(point);
        if (used > columns)
            break;
        len += bytes.len;
    }
    return (struct str){s.at, len};
}
