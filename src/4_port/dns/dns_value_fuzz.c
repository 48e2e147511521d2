/* SPDX-License-Identifier: Apache-2.0
 * What reads as a value prints as one, and the print reads to the same bytes. First byte: the type.
 * */
#include "base/panic.h"
#include "base/scoped.h"
#include "dns/dns_name.h"
#include "dns/dns_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf once = buf_of(DNS_VALUE_BYTES_MAX);
    scoped(buf_done) struct buf twice = buf_of(DNS_VALUE_BYTES_MAX);
    scoped(buf_done) struct buf text = buf_of(DNS_VALUE_TEXT_BYTES_MAX);
    struct err err;

    if (size == 0)
        return 0;
    enum dns_type type = DNS_TYPE_LIST[data[0] % DNS_TYPE_COUNT];
    struct str input = {(const char *)data + 1, size - 1};
    if (dns_value_read(type, input, &once, &err)) {
        check(dns_value_print(type, buf_str(&once), &text) && !text.overflowed);
        check(dns_value_read(type, buf_str(&text), &twice, &err));
        check(str_eq(buf_str(&once), buf_str(&twice)));
        check(dns_value_equal(type, buf_str(&once), buf_str(&twice)));
    }
    buf_clear(&text);
    (void)dns_value_print(type, input, &text); /* any rdata: no fault */
    if (dns_name_check(input, "name", &err)) {
        size_t used;
        buf_clear(&once);
        buf_clear(&text);
        dns_name_add_wire(input, &once);
        check(once.len <= DNS_NAME_WIRE_BYTES_MAX);
        check(dns_name_print(buf_str(&once), &text, &used) && used == once.len);
        check(str_eq(buf_str(&text), input));
    }
    return 0;
}
