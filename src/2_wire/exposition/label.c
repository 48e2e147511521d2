/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/inside.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

size_t exposition_name_length(struct str text, bool colon)
{
    size_t at = 0;

    for (; at < text.len; at++) {
        char c = text.at[at];
        if (!is_letter(c) && !(colon && c == ':') && !(at && c >= '0' && c <= '9'))
            break;
    }
    return at;
}

static const char *const TYPE_WORDS[] = {
    [EXPOSITION_UNTYPED] = "untyped",
    [EXPOSITION_COUNTER] = "counter",
    [EXPOSITION_GAUGE] = "gauge",
    [EXPOSITION_HISTOGRAM] = "histogram",
    [EXPOSITION_SUMMARY] = "summary",
};

const char *exposition_type_word(enum exposition_type type)
{
    return TYPE_WORDS[type];
}

bool exposition_name_valid(struct str name)
{
    return name.len && name.len <= EXPOSITION_NAME_BYTES_MAX &&
           exposition_name_length(name, true) == name.len;
}

bool exposition_label_name_valid(struct str name)
{
    return name.len && name.len <= EXPOSITION_NAME_BYTES_MAX &&
           exposition_name_length(name, false) == name.len && !str_eq(name, S("__name__"));
}

/* The text up to the quote that ends it. */
static enum exposition_label_taken take_quoted(struct str *at, struct exposition_label *label)
{
    struct str text = *at;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"') {
            label->raw = (struct str){text.at, i};
            *at = behind(text, i + 1);
            return LABEL_TAKEN;
        }
        if (text.at[i] != '\\')
            continue;
        label->escaped = true;
        if (++i == text.len)
            return LABEL_TORN;
        if (text.at[i] != '\\' && text.at[i] != '"' && text.at[i] != 'n')
            return LABEL_BAD_ESCAPE;
    }
    return LABEL_TORN;
}

enum exposition_label_taken exposition_label_take(
    struct str *at, struct exposition_label *ret_label)
{
    struct exposition_label label = {0};
    struct str rest = skip_blank(*at);

    if (rest.len == 0 || rest.at[0] == '}')
        return LABEL_NONE_LEFT;
    label.name = (struct str){rest.at, exposition_name_length(rest, false)};
    rest = skip_blank(behind(rest, label.name.len));
    if (label.name.len == 0 || (rest.len && rest.at[0] != '='))
        return LABEL_BAD;
    rest = rest.len ? skip_blank(behind(rest, 1)) : rest;
    if (rest.len == 0)
        return LABEL_TORN;
    if (rest.at[0] != '"')
        return LABEL_BAD;
    rest = behind(rest, 1);
    enum exposition_label_taken taken = take_quoted(&rest, &label);
    if (taken != LABEL_TAKEN)
        return taken;
    rest = skip_blank(rest);
    if (rest.len && rest.at[0] == ',')
        rest = behind(rest, 1);
    else if (rest.len && rest.at[0] != '}')
        return LABEL_BAD;
    *at = rest;
    *ret_label = label;
    return LABEL_TAKEN;
}

bool exposition_label_next(struct str *at, struct exposition_label *ret_label)
{
    return exposition_label_take(at, ret_label) == LABEL_TAKEN;
}

bool exposition_label(
    const struct exposition_sample *sample, struct str name, struct exposition_label *ret_label)
{
    struct exposition_label label;

    for (struct str at = sample->labels; exposition_label_next(&at, &label);)
        if (str_eq(label.name, name)) {
            *ret_label = label;
            return true;
        }
    return false;
}

struct str exposition_unescape(struct str raw, char *ret_value)
{
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '\\' && i + 1 < raw.len) {
            c = raw.at[++i];
            c = c == 'n' ? '\n' : c;
        }
        ret_value[len++] = c;
    }
    return (struct str){ret_value, len};
}

bool exposition_label_is(const struct exposition_label *label, struct str value)
{
    size_t at = 0;

    if (!label->escaped)
        return str_eq(label->raw, value);
    for (size_t i = 0; i < label->raw.len; i++, at++) {
        char c = label->raw.at[i];
        if (c == '\\' && i + 1 < label->raw.len) {
            c = label->raw.at[++i];
            c = c == 'n' ? '\n' : c;
        }
        if (at >= value.len || value.at[at] != c)
            return false;
    }
    return at == value.len;
}
