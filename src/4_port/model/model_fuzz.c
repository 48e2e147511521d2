/* SPDX-License-Identifier: Apache-2.0
 * Property: a response is an object with a printable name, or an error with a code; nothing else.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "model/model.h"
#include "json/json_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void response(struct str text, bool may_be_cut)
{
    const struct model_reading reading = {65536, MODEL_CONTENT_BYTES_MAX, may_be_cut};
    struct model_response response = {0};
    struct err err = {0};

    if (!model_response_read(text, &reading, &response, &err)) {
        check(!response.content && *err.code);
        return;
    }
    check(json_is_object(response.content) && *response.name);
    check(may_be_cut || !response.truncated);
    for (const char *c = response.name; *c; c++)
        check(*c > ' ' && *c <= '~');
    json_decref(response.content);
}

/* The cut of a good object at any place is a good object. */
static void cut(struct str text)
{
    scoped(json_done) json_t *whole = NULL, *part = NULL;
    scoped(buf_done) struct buf out = buf_of(65536 + JSON_DEPTH_MAX);
    struct err err;

    if (!text.len || !json_read(text, 65536, &whole, &err) || !json_is_object(whole)) {
        model_cut(text, &out); /* whatever it is */
        return;
    }
    struct str head = {text.at, text.len * (unsigned char)text.at[text.len - 1] % 97 % text.len};
    model_cut(head, &out);
    check(out.len == 0 || json_read(buf_str(&out), 65536 + JSON_DEPTH_MAX, &part, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char code[MODEL_CODE_BYTES];

    response(text, false);
    response(text, true);
    if (size <= 65536)
        cut(text);
    model_error_code(text, code);
    check(strlen(code) < sizeof code);
    return 0;
}
