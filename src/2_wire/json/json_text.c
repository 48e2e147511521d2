/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_text.h"

#include "base/panic.h"
#include "base/scoped.h"

#define KEYS_ON_STACK 32
#define REAL_BYTES_MAX 40

struct writer {
    struct buf *out;
    struct err *err;
    bool canonical;
    int depth;
};

/* Bytes of UTF-8 compare as code points do. UTF-16 differs in one thing: characters beyond the
 * first plane (lead byte F0 and up) are surrogates there and come before U+E000…U+FFFF (lead EE and
 * EF). */
int json_key_compare(struct str a, struct str b)
{
    size_t both = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < both; i++) {
        unsigned char left = (unsigned char)a.at[i], right = (unsigned char)b.at[i];
        if (left == right)
            continue;
        if (left >= 0xee && right >= 0xee && (left >= 0xf0) != (right >= 0xf0))
            return left >= 0xf0 ? -1 : 1;
        return left < right ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_keys(const void *a, const void *b)
{
    return json_key_compare(str_from(*(const char *const *)a), str_from(*(const char *const *)b));
}

static bool add_value(struct writer *w, const json_t *value);

static bool add_integer(struct writer *w, json_int_t number)
{
    if (w->canonical && (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX))
        return err_code(w->err, ERR_INPUT, "not_canonical", NULL,
            "%" JSON_INTEGER_FORMAT " is beyond the whole numbers that every reader can hold; "
            "send it as a string",
            number);
    buf_printf(w->out, "%" JSON_INTEGER_FORMAT, number);
    return true;
}

static bool add_real(struct writer *w, const json_t *value)
{
    char text[REAL_BYTES_MAX];

    if (w->canonical)
        return err_code(w->err, ERR_INPUT, "not_canonical", NULL,
            "%g is not a whole number; send a whole number (or a string)", json_real_value(value));
    size_t len = json_dumpb(value, text, sizeof text, JSON_ENCODE_ANY);
    check(len > 0 && len <= sizeof text); /* jansson holds no NaN and no infinity */
    buf_add(w->out, (struct str){text, len});
    return true;
}

static bool add_array(struct writer *w, const json_t *array)
{
    size_t i;
    json_t *element;

    buf_add_char(w->out, '[');
    json_array_foreach((json_t *)array, i, element)
    {
        if (i)
            buf_add_char(w->out, ',');
        if (!add_value(w, element))
            return false;
    }
    buf_add_char(w->out, ']');
    return true;
}

static bool add_member(struct writer *w, bool first, const char *key, const json_t *value)
{
    if (!first)
        buf_add_char(w->out, ',');
    json_add_string(w->out, str_from(key));
    buf_add_char(w->out, ':');
    return add_value(w, value);
}

static bool add_object(struct writer *w, const json_t *object)
{
    const char *on_stack[KEYS_ON_STACK];
    scoped(free_done) const char **on_heap = NULL;
    const char **keys = on_stack;
    size_t count = json_object_size(object), used = 0;
    const char *key;
    json_t *member;

    if (count > KEYS_ON_STACK) {
        on_heap = calloc(count, sizeof *on_heap);
        check(on_heap);
        keys = on_heap;
    }
    json_object_foreach((json_t *)object, key, member) keys[used++] = key;
    check(used == count);
    if (w->canonical && count > 1)
        qsort(keys, count, sizeof *keys, compare_keys);
    buf_add_char(w->out, '{');
    for (size_t i = 0; i < count; i++)
        if (!add_member(w, i == 0, keys[i], json_object_get(object, keys[i])))
            return false;
    buf_add_char(w->out, '}');
    return true;
}

static bool add_nested(struct writer *w, const json_t *value)
{
    if (w->depth == JSON_TEXT_DEPTH_MAX)
        return err_code(w->err, ERR_LIMIT, "too_deep", NULL,
            "the value is nested deeper than %d levels", JSON_TEXT_DEPTH_MAX);
    w->depth++;
    bool added = json_is_object(value) ? add_object(w, value) : add_array(w, value);
    w->depth--;
    return added;
}

static bool add_value(struct writer *w, const json_t *value)
{
    check(value);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return add_nested(w, value);
    case JSON_STRING:
        json_add_string(w->out, (struct str){json_string_value(value), json_string_length(value)});
        return true;
    case JSON_INTEGER:
        return add_integer(w, json_integer_value(value));
    case JSON_REAL:
        return add_real(w, value);
    case JSON_TRUE:
        buf_add(w->out, S("true"));
        return true;
    case JSON_FALSE:
        buf_add(w->out, S("false"));
        return true;
    case JSON_NULL:
        buf_add(w->out, S("null"));
        return true;
    }
    panic("a JSON value of type %d", (int)json_typeof(value));
}

static bool write_value(const json_t *value, bool canonical, struct buf *out, struct err *err)
{
    struct writer w = {.out = out, .err = err, .canonical = canonical};
    size_t before = out->len;
    bool overflowed = out->overflowed;

    bool added = add_value(&w, value);
    if (added && !overflowed && out->overflowed)
        added = err_code(err, ERR_LIMIT, "too_large", NULL,
            "the JSON text is longer than the %zu bytes left for it", out->bytes_max - before);
    if (!added) {
        out->len = before;
        out->overflowed = overflowed;
    }
    return added;
}

bool json_canonical(const json_t *value, struct buf *out, struct err *err)
{
    return write_value(value, true, out, err);
}

bool json_plain(const json_t *value, struct buf *out, struct err *err)
{
    return write_value(value, false, out, err);
}
