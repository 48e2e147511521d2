/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever goes in, what comes out is UTF-8 without a control character, and a second
 * pass changes nothing.
 */
#include "client/text.h"

#include "base/panic.h"
#include "base/scoped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf once = buf_of(16 * size + 16), twice = buf_of(16 * size + 16);

    text_visible(&once, (struct str){(const char *)data, size}, TEXT_ONE_LINE);
    text_visible(&twice, buf_str(&once), TEXT_ONE_LINE);
    if (once.overflowed || !str_is_utf8(buf_str(&once)) || !str_eq(buf_str(&once), buf_str(&twice)))
        panic("text_visible is not a projection");
    for (size_t i = 0; i < once.len; i++)
        if ((unsigned char)once.at[i] < 0x20 || once.at[i] == 0x7f)
            panic("a control character came through");
    if (text_head(buf_str(&once), 10).len > once.len)
        panic("a head longer than the text");
    return 0;
}
