/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_value.h"

#include "base/scoped.h"
#include "dns/dns_name.h"

#include <arpa/inet.h>
#include <ctype.h>

const enum dns_type DNS_TYPE_LIST[] = {
#define X(name, number) DNS_TYPE_##name,
    DNS_TYPES(X)
#undef X
};
const size_t DNS_TYPE_COUNT = COUNT(DNS_TYPE_LIST);

const char *dns_type_word(unsigned number)
{
    switch (number) {
#define X(name, type_number)                                                                       \
    case type_number:                                                                              \
        return #name;
        DNS_TYPES(X)
#undef X
    default:
        return NULL;
    }
}

bool dns_type_read(struct str word, const char *param, enum dns_type *ret_type, struct err *err)
{
    for (size_t i = 0; i < DNS_TYPE_COUNT; i++)
        if (str_eq(word, str_from(dns_type_word(DNS_TYPE_LIST[i])))) {
            *ret_type = DNS_TYPE_LIST[i];
            return true;
        }
    return err_code(err, ERR_INPUT, "bad_type", param,
        "'%.*s' is none of the record types A AAAA CNAME TXT MX SRV PTR CAA NS",
        STR(str_utf8_prefix(word)));
}

static const char *form_of(enum dns_type type)
{
    switch (type) {
    case DNS_TYPE_A:
        return "an IPv4 address such as 192.168.1.7";
    case DNS_TYPE_AAAA:
        return "an IPv6 address such as 2001:db8::7";
    case DNS_TYPE_TXT:
        return "quoted strings of at most 255 bytes such as \"v=spf1 -all\"";
    case DNS_TYPE_MX:
        return "preference and host such as 10 mail.home.arpa";
    case DNS_TYPE_SRV:
        return "priority, weight, port and host such as 0 5 5060 sip.home.arpa";
    case DNS_TYPE_CAA:
        return "flags, tag and quoted value such as 0 issue \"letsencrypt.org\"";
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        break;
    }
    return "a host name without trailing dot";
}

static bool read_address(int family, size_t bytes, struct str text, struct buf *out)
{
    char copy[INET6_ADDRSTRLEN];
    char wire[16];

    if (text.len >= sizeof copy || memchr(text.at, '\0', text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(family, copy, wire) != 1)
        return false;
    buf_add(out, (struct str){wire, bytes});
    return true;
}

static bool read_host(struct str text, bool may_be_root, struct buf *out)
{
    struct err ignored;

    if (!(may_be_root && str_eq(text, S("."))) && !dns_name_check(text, NULL, &ignored))
        return false;
    dns_name_add_wire(text, out);
    return true;
}

/* `count` numbers of 16 bits, one space behind each; *rest is what follows. */
static bool read_numbers(size_t count, struct str *rest, struct buf *out)
{
    while (count--) {
        uint64_t number;
        struct str word = str_cut(*rest, ' ', rest);
        if (!str_to_u64(word, UINT16_MAX, &number))
            return false;
        buf_add_char(out, (char)(number >> 8));
        buf_add_char(out, (char)(number & 0xff));
    }
    return true;
}

/* One character of a quoted string, escapes resolved; *at moves behind it. */
static bool read_byte(struct str text, size_t *at, char *ret_byte)
{
    unsigned char c = (unsigned char)text.at[*at];

    if (c < ' ' || c == 127)
        return false;
    ++*at;
    *ret_byte = (char)c;
    if (c != '\\')
        return true;
    uint64_t number;
    if (*at >= text.len)
        return false;
    if (!isdigit((unsigned char)text.at[*at])) {
        *ret_byte = text.at[(*at)++];
        return *ret_byte == '"' || *ret_byte == '\\';
    }
    if (text.len - *at < 3)
        return false;
    struct str digits = {text.at + *at, 3};
    while (digits.len > 1 && digits.at[0] == '0')
        digits = (struct str){digits.at + 1, digits.len - 1};
    if (!str_to_u64(digits, UINT8_MAX, &number))
        return false;
    *at += 3;
    *ret_byte = (char)number;
    return true;
}

/* A quoted string at the head of *rest, appended raw. */
static bool read_quoted(struct str *rest, size_t bytes_max, struct buf *out)
{
    size_t at = 1, start = out->len;
    char byte;

    if (!str_starts(*rest, S("\"")))
        return false;
    while (at < rest->len && rest->at[at] != '"') {
        if (!read_byte(*rest, &at, &byte))
            return false;
        buf_add_char(out, byte);
    }
    if (at >= rest->len || out->len - start > bytes_max)
        return false;
    *rest = (struct str){rest->at + at + 1, rest->len - at - 1};
    return true;
}

static bool read_txt(struct str text, struct buf *out)
{
    for (;;) {
        size_t mark = out->len;
        buf_add_char(out, '\0');
        if (!read_quoted(&text, DNS_STRING_BYTES_MAX, out) || out->overflowed)
            return false;
        out->at[mark] = (char)(out->len - mark - 1);
        if (text.len == 0)
            return true;
        if (!str_starts(text, S(" ")))
            return false;
        text = (struct str){text.at + 1, text.len - 1};
    }
}

static bool read_caa(struct str text, struct buf *out)
{
    uint64_t flags;
    struct str word = str_cut(text, ' ', &text);
    struct str tag = str_cut(text, ' ', &text);

    if (!str_to_u64(word, UINT8_MAX, &flags) || tag.len == 0 || tag.len > 15)
        return false;
    buf_add_char(out, (char)flags);
    buf_add_char(out, (char)tag.len);
    for (size_t i = 0; i < tag.len; i++) {
        unsigned char c = (unsigned char)tag.at[i];
        if (c > 127 || !isalnum(c))
            return false;
        buf_add_char(out, (char)tolower(c));
    }
    return read_quoted(&text, DNS_VALUE_BYTES_MAX, out) && text.len == 0;
}

static bool read_value(enum dns_type type, struct str text, struct buf *out)
{
    switch (type) {
    case DNS_TYPE_A:
        return read_address(AF_INET, 4, text, out);
    case DNS_TYPE_AAAA:
        return read_address(AF_INET6, 16, text, out);
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        return read_host(text, false, out);
    case DNS_TYPE_TXT:
        return read_txt(text, out);
    case DNS_TYPE_MX:
        return read_numbers(1, &text, out) && read_host(text, true, out);
    case DNS_TYPE_SRV:
        return read_numbers(3, &text, out) && read_host(text, true, out);
    case DNS_TYPE_CAA:
        return read_caa(text, out);
    }
    return false;
}

bool dns_value_read(enum dns_type type, struct str text, struct buf *rdata, struct err *err)
{
    scoped(buf_done) struct buf wire = buf_of(DNS_VALUE_BYTES_MAX);

    if (text.len > DNS_VALUE_TEXT_BYTES_MAX || !read_value(type, text, &wire) || wire.overflowed)
        return err_code(err, ERR_INPUT, "bad_value", "value",
            "'%.*s' is no %s value; wanted is %s", (int)str_utf8_prefix((struct str){text.at,
            text.len < 80 ? text.len : 80}).len, text.at, dns_type_word(type), form_of(type));
    buf_add(rdata, buf_str(&wire));
    return true;
}

static bool print_address(int family, size_t bytes, struct str rdata, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];

    if (rdata.len != bytes || !inet_ntop(family, rdata.at, text, sizeof text))
        return false;
    buf_add(out, str_from(text));
    return true;
}

static bool print_numbers_and_host(size_t count, struct str rdata, struct buf *out)
{
    size_t used;

    if (rdata.len < 2 * count)
        return false;
    for (; count; count--) {
        buf_printf(out, "%u ", (unsigned char)rdata.at[0] * 256U + (unsigned char)rdata.at[1]);
        rdata = (struct str){rdata.at + 2, rdata.len - 2};
    }
    return dns_name_print(rdata, out, &used) && used == rdata.len;
}

static void print_quoted(struct str bytes, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c < ' ' || c > '~')
            buf_printf(out, "\\%03u", c);
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static bool print_txt(struct str rdata, struct buf *out)
{
    if (rdata.len == 0)
        return false;
    for (;;) {
        size_t bytes = (unsigned char)rdata.at[0];
        if (bytes > rdata.len - 1)
            return false;
        print_quoted((struct str){rdata.at + 1, bytes}, out);
        rdata = (struct str){rdata.at + 1 + bytes, rdata.len - 1 - bytes};
        if (rdata.len == 0)
            return true;
        buf_add_char(out, ' ');
    }
}

static bool print_caa(struct str rdata, struct buf *out)
{
    size_t tag_bytes = rdata.len < 2 ? 0 : (unsigned char)rdata.at[1];

    if (tag_bytes == 0 || tag_bytes > rdata.len - 2)
        return false;
    buf_printf(out, "%u ", (unsigned char)rdata.at[0]);
    for (size_t i = 0; i < tag_bytes; i++) {
        unsigned char c = (unsigned char)rdata.at[2 + i];
        if (c > 127 || !isalnum(c))
            return false;
        buf_add_char(out, (char)c);
    }
    buf_add_char(out, ' ');
    print_quoted((struct str){rdata.at + 2 + tag_bytes, rdata.len - 2 - tag_bytes}, out);
    return true;
}

bool dns_value_print(enum dns_type type, struct str rdata, struct buf *out)
{
    switch (type) {
    case DNS_TYPE_A:
        return print_address(AF_INET, 4, rdata, out);
    case DNS_TYPE_AAAA:
        return print_address(AF_INET6, 16, rdata, out);
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        return print_numbers_and_host(0, rdata, out);
    case DNS_TYPE_TXT:
        return print_txt(rdata, out);
    case DNS_TYPE_MX:
        return print_numbers_and_host(1, rdata, out);
    case DNS_TYPE_SRV:
        return print_numbers_and_host(3, rdata, out);
    case DNS_TYPE_CAA:
        return print_caa(rdata, out);
    }
    return false;
}

bool dns_value_equal(enum dns_type type, struct str a, struct str b)
{
    /* Bytes of label lengths are below 'A', so the whole tail may be folded. */
    size_t plain = 0;

    switch (type) {
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        break;
    case DNS_TYPE_MX:
        plain = 2;
        break;
    case DNS_TYPE_SRV:
        plain = 6;
        break;
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
    case DNS_TYPE_TXT:
    case DNS_TYPE_CAA:
        return str_eq(a, b);
    }
    if (a.len != b.len || a.len < plain || memcmp(a.at, b.at, plain) != 0)
        return false;
    return str_eq_nocase((struct str){a.at + plain, a.len - plain},
        (struct str){b.at + plain, b.len - plain});
}
