/* SPDX-License-Identifier: Apache-2.0
 * Properties: GOOD is what json_read_any() accepts, BAD is what it refuses, and the tape rebuilt
 * as a value is
 * the value that jansson made (strings with escapes aside: there the bytes are looked at). */
#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_scan.h"

#define FUZZ_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct json_tape *tape, size_t token, const json_t *value);

static void check_object(const struct json_tape *tape, size_t token, const json_t *object)
{
    size_t members = 0;

    for (size_t key = token + 1; key < tape->tokens[token].after;
         key = tape->tokens[key + 1].after) {
        struct str name = json_tape_text(tape, key);
        const json_t *member = json_object_getn(object, name.at, name.len);
        check(tape->tokens[key].kind == JSON_TOKEN_STRING && tape->tokens[key].after == key + 1 &&
              member);
        check_same(tape, key + 1, member);
        members++;
    }
    check(members == json_object_size(object));
}

static void check_array(const struct json_tape *tape, size_t token, const json_t *array)
{
    size_t elements = 0;

    for (size_t i = token + 1; i < tape->tokens[token].after; i = tape->tokens[i].after)
        check_same(tape, i, json_array_get(array, elements++));
    check(elements == json_array_size(array));
}

static void check_same(const struct json_tape *tape, size_t token, const json_t *value)
{
    struct str text = json_tape_text(tape, token);
    char real[64];

    switch (tape->tokens[token].kind) {
    case JSON_TOKEN_OBJECT:
        check(json_is_object(value) && text.at[0] == '{' && text.at[text.len - 1] == '}');
        check_object(tape, token, value);
        break;
    case JSON_TOKEN_ARRAY:
        check(json_is_array(value) && text.at[0] == '[' && text.at[text.len - 1] == ']');
        check_array(tape, token, value);
        break;
    case JSON_TOKEN_STRING:
        check(json_is_string(value));
        check(memchr(text.at, '\\', text.len) ? tape->escaped
                                              : str_eq(text, (struct str){json_string_value(value),
                                                                 json_string_length(value)}));
        break;
    case JSON_TOKEN_INTEGER:
        check(
            json_is_integer(value) && json_integer_value(value) == json_tape_integer(tape, token));
        break;
    case JSON_TOKEN_REAL:
        check(json_is_real(value) && text.len < sizeof real);
        memcpy(real, text.at, text.len);
        real[text.len] = '\0';
        check(json_real_value(value) == strtod(real, NULL));
        break;
    case JSON_TOKEN_TRUE:
        check(json_is_true(value));
        break;
    case JSON_TOKEN_FALSE:
        check(json_is_false(value));
        break;
    case JSON_TOKEN_NULL:
        check(json_is_null(value));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    scoped(json_done) json_t *value = NULL;
    struct json_tape tape;
    struct err err;

    enum json_scanned scanned = json_scan(text, &tape);
    bool read = json_read_any(text, FUZZ_BYTES_MAX, &value, &err);
    if (size > FUZZ_BYTES_MAX || scanned == JSON_SCAN_BEYOND)
        return 0;
    check(read == (scanned == JSON_SCAN_GOOD));
    if (!read)
        return 0;
    check(tape.tokens[0].after == tape.count);
    check_same(&tape, 0, value);
    return 0;
}
