/* SPDX-License-Identifier: Apache-2.0
 * Property: head, mark and rest always rebuild the input; the UTF-8 prefix is a prefix and is
 * UTF-8. */
#include "base/panic.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest, all = {(const char *)data, size};
    struct str head = str_cut(all, '=', &rest);
    struct str prefix = str_utf8_prefix(all);

    if (head.len + (head.len < size) + rest.len != size)
        panic("lost bytes: %zu + %zu of %zu", head.len, rest.len, size);
    check(prefix.len <= size && str_is_utf8(prefix));
    return 0;
}
