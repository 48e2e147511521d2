/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a stream gives the same events whole and byte by byte.
 */
#include "client/sse.h"

#include "base/panic.h"
#include "base/scoped.h"

static bool note(void *context, const struct sse_event *event)
{
    buf_add(context, event->name);
    buf_add_char(context, '\0');
    buf_add(context, event->data);
    buf_add_char(context, '\0');
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf whole = buf_of(8 * size + 64), bytes = buf_of(8 * size + 64);
    scoped(sse_done) struct sse first, second;

    sse_init(&first, note, &whole);
    sse_init(&second, note, &bytes);
    sse_feed(&first, (struct str){(const char *)data, size});
    for (size_t i = 0; i < size; i++)
        sse_feed(&second, (struct str){(const char *)data + i, 1});
    if (!str_eq(buf_str(&whole), buf_str(&bytes)))
        panic("the events depend on the pieces");
    return 0;
}
