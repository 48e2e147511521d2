/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/inside.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT 9007199254740992.0 /* up to here a double holds every whole number */

/* `special`: what else than '\' and line feed gets a '\'. */
static void add_escaped(struct buf *out, struct str text, char special)
{
    while (text.len) {
        struct str good = str_utf8_prefix(text);
        size_t from = 0;
        for (size_t i = 0; i < good.len; i++) {
            char c = good.at[i];
            if (c != '\\' && c != '\n' && c != '\0' && !(special && c == special))
                continue;
            buf_add(out, (struct str){good.at + from, i - from});
            from = i + 1;
            if (c == '\0') {
                buf_add(out, S("\xef\xbf\xbd"));
                continue;
            }
            buf_add_char(out, '\\');
            buf_add_char(out, (char)(c == '\n' ? 'n' : c));
        }
        buf_add(out, (struct str){good.at + from, good.len - from});
        text = (struct str){text.at + good.len, text.len - good.len};
        if (text.len) {
            buf_add(out, S("\xef\xbf\xbd"));
            text = (struct str){text.at + 1, text.len - 1};
        }
    }
}

bool exposition_family(
    struct buf *out, const char *name, enum exposition_type type, const char *help)
{
    if (!exposition_name_valid(str_from(name)))
        return false;
    if (help) {
        buf_printf(out, "# HELP %s ", name);
        add_escaped(out, str_from(help), '\0');
        buf_add_char(out, '\n');
    }
    buf_printf(out, "# TYPE %s %s\n", name, exposition_type_word(type));
    return true;
}

static bool add_series(
    struct buf *out, const char *name, const struct exposition_pair *labels, size_t count)
{
    if (!exposition_name_valid(str_from(name)) || count > EXPOSITION_LABELS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!exposition_label_name_valid(labels[i].name))
            return false;
        for (size_t k = 0; k < i; k++)
            if (str_eq(labels[k].name, labels[i].name))
                return false;
    }
    buf_add(out, str_from(name));
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, (char)(i ? ',' : '{'));
        buf_add(out, labels[i].name);
        buf_add(out, S("=\""));
        add_escaped(out, labels[i].value, '"');
        buf_add_char(out, '"');
    }
    buf_add(out, count ? S("} ") : S(" "));
    return true;
}

/* Few digits that are read as the same double: 15 always survive, 17 always suffice. */
static void add_shortest(struct buf *out, double value)
{
#ifndef _WIN32 /* which has none of a thread; the agent there sets none */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(c);
#endif
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
#ifndef _WIN32
    uselocale(before);
    freelocale(c);
#endif
    buf_add(out, str_from(text));
}

bool exposition_write(struct buf *out, const char *name, const struct exposition_pair *labels,
    size_t labels_count, double value)
{
    if (!add_series(out, name, labels, labels_count))
        return false;
    if (isnan(value))
        buf_add(out, S("NaN"));
    else if (isinf(value))
        buf_add(out, value < 0 ? S("-Inf") : S("+Inf"));
    else if (fabs(value) < EXACT && value == (double)(long long)value &&
             !(value == 0 && signbit(value)))
        buf_printf(out, "%lld", (long long)value);
    else
        add_shortest(out, value);
    buf_add_char(out, '\n');
    return true;
}

bool exposition_write_whole(struct buf *out, const char *name, const struct exposition_pair *labels,
    size_t labels_count, int64_t value)
{
    if (!add_series(out, name, labels, labels_count))
        return false;
    buf_printf(out, "%lld\n", (long long)value);
    return true;
}
