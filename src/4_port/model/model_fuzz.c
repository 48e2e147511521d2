/* SPDX-License-Identifier: Apache-2.0
 * Property: a response is an object with a printable name, or an error with a code; nothing else.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(json_done) json_t *content = NULL;
    char name[MODEL_NAME_BYTES] = "";
    struct err err = {0};

    if (!model_response_read((struct str){(const char *)data, size}, 65536, &content, name, &err)) {
        check(!content && *err.code);
        return 0;
    }
    check(json_is_object(content) && *name);
    for (const char *c = name; *c; c++)
        check(*c > ' ' && *c <= '~');
    return 0;
}
