/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_name.h"

#include "base/panic.h"

#include <ctype.h>

static bool label_is_fine(struct str label, bool first)
{
    if (label.len == 0 || label.len > DNS_LABEL_BYTES_MAX)
        return false;
    if (first && str_eq(label, S("*")))
        return true;
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.at[i];
        if (c > 127 || (!isalnum(c) && c != '-' && c != '_'))
            return false;
    }
    return true;
}

bool dns_name_check(struct str name, const char *param, struct err *err)
{
    struct str rest = name;
    bool first = true;

    if (name.len == 0 || name.len > DNS_NAME_BYTES_MAX)
        return err_code(err, ERR_INPUT, "bad_name", param,
            "a DNS name has 1 to %d characters, not %zu", DNS_NAME_BYTES_MAX, name.len);
    if (str_ends(name, S(".")))
        return err_code(err, ERR_INPUT, "bad_name", param,
            "'%.*s' ends in a dot; names are written without", STR(name));
    do {
        struct str label = str_cut(rest, '.', &rest);
        if (!label_is_fine(label, first))
            return err_code(err, ERR_INPUT, "bad_name", param,
                "'%.*s' is no DNS name: '%.*s' must be 1 to %d letters, digits, '-' or '_'",
                STR(str_utf8_prefix(name)), STR(str_utf8_prefix(label)), DNS_LABEL_BYTES_MAX);
        first = false;
    } while (rest.len);
    return true;
}

void dns_name_add_wire(struct str name, struct buf *out)
{
    struct str rest = str_eq(name, S(".")) ? S("") : name;

    while (rest.len) {
        struct str label = str_cut(rest, '.', &rest);
        check(label.len > 0 && label.len <= DNS_LABEL_BYTES_MAX);
        buf_add_char(out, (char)label.len);
        buf_add(out, label);
    }
    buf_add_char(out, '\0');
}

static void print_byte(unsigned char c, struct buf *out)
{
    if (c <= ' ' || c > '~')
        buf_printf(out, "\\%03u", c);
    else if (strchr("\"().;\\@$", c))
        buf_printf(out, "\\%c", c);
    else
        buf_add_char(out, (char)c);
}

bool dns_name_print(struct str wire, struct buf *out, size_t *ret_used)
{
    size_t at = 0;

    for (;;) {
        if (at >= wire.len || at >= DNS_NAME_WIRE_BYTES_MAX)
            return false;
        size_t bytes = (unsigned char)wire.at[at];
        if (bytes == 0)
            break;
        if (bytes > DNS_LABEL_BYTES_MAX || bytes >= wire.len - at ||
            at + 1 + bytes >= DNS_NAME_WIRE_BYTES_MAX)
            return false;
        if (at > 0)
            buf_add_char(out, '.');
        for (size_t i = 0; i < bytes; i++)
            print_byte((unsigned char)wire.at[at + 1 + i], out);
        at += 1 + bytes;
    }
    if (at == 0)
        buf_add_char(out, '.');
    *ret_used = at + 1;
    return true;
}

bool dns_name_within(struct str name, struct str zone)
{
    if (name.len < zone.len)
        return false;
    struct str tail = {name.at + name.len - zone.len, zone.len};
    return str_eq_nocase(tail, zone) && (name.len == zone.len || tail.at[-1] == '.');
}
