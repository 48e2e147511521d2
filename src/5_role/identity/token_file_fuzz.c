/* SPDX-License-Identifier: Apache-2.0
 * Property: any bytes are a token file or refused with a code; what is taken has no row that breaks
 * a limit.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "identity/token_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document_form form = TOKEN_FILE_FORM;
    scoped(token_file_done) struct token_file file = {0};
    scoped(json_done) json_t *document = NULL;
    struct err err = {0};

    form.valid = NULL;
    if (!document_parse((struct str){(const char *)data, size}, "input", &form, &document, &err) ||
        !token_file_read(document, &file, &err)) {
        check(*err.code);
        return 0;
    }
    check(file.callers_count <= IDENTITY_CALLERS_MAX && file.keys_count <= IDENTITY_KEYS_MAX);
    for (size_t i = 0; i < file.callers_count; i++) {
        const struct caller *caller = file.callers[i];
        check(token_name_fits(str_from(caller->name)) && *caller->id);
        check(caller->weight >= 1 && caller->weight <= TOKEN_WEIGHT_MAX);
        check((caller->scopes & ~(uint32_t)CALLER_ALL) == 0);
        (void)caller_may_model(caller, S("qwen3-8b"));
    }
    return 0;
}
