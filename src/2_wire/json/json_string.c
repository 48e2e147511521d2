/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_string.h"

void json_add_string(struct buf *out, struct str text)
{
    static const char SHORT[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    size_t start = 0;

    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, (struct str){text.at + start, i - start});
        start = i + 1;
        if (c >= 0x20)
            buf_add(out, (struct str){(char[2]){'\\', (char)c}, 2});
        else if (SHORT[c])
            buf_add(out, (struct str){(char[2]){'\\', SHORT[c]}, 2});
        else
            buf_printf(out, "\\u%04x", c);
    }
    buf_add(out, (struct str){text.at + start, text.len - start});
    buf_add_char(out, '"');
}
